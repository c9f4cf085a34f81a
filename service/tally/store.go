package tally

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// The figures of the rollups' rows, by table; all other columns are keys.
var (
	formFigures  = []string{"times", "amount_fen", "invested_fen"}
	monthFigures = []string{"buyers", "orders", "times", "paid_fen", "wechat_fen", "refunds", "refunded_fen", "refunded_wechat_fen", "claims", "claimed_times", "claimed_fen"}
	goodFigures  = []string{"quantity", "amount_fen", "refunded_quantity", "refunded_fen"}
	purseFigures = []string{"funded_fen", "granted_fen", "returned_fen", "spent_fen", "group_fen", "holders"}
)

// store adds the sums to the rollups; fresh: none of the rows exists yet. The caller holds the state's row.
func (s *sums) store(tx *gorm.DB, db *model.DB, fresh bool) error {
	forms := sorted(s.forms, func(a, b formKey) int {
		return cmp.Or(cmp.Compare(a.year, b.year), cmp.Compare(a.union, b.union), cmp.Compare(a.channel, b.channel))
	})
	days := sorted(s.days, func(a, b dayKey) int {
		return cmp.Or(cmp.Compare(a.year, b.year), cmp.Compare(a.day, b.day), cmp.Compare(a.union, b.union), cmp.Compare(a.channel, b.channel))
	})
	months := sorted(s.months, func(a, b monthKey) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.year, b.year), cmp.Compare(a.month, b.month))
	})
	goods := sorted(s.goods, func(a, b goodKey) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.year, b.year), cmp.Compare(a.product, b.product))
	})
	purses := sorted(s.purses, func(a, b purseKey) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.year, b.year), cmp.Compare(a.purse, b.purse))
	})
	buyers := make([]model.TallyBuyer, 0, len(s.buyers))
	for b := range s.buyers {
		buyers = append(buyers, model.TallyBuyer{Year: b.year, MemberID: b.member})
	}
	slices.SortFunc(buyers, func(a, b model.TallyBuyer) int { return cmp.Compare(a.MemberID, b.MemberID) })
	if err := model.InsertAll(tx, db, buyers); err != nil {
		return err
	}
	if fresh {
		return errors.Join(model.InsertAll(tx, db, forms), model.InsertAll(tx, db, days), model.InsertAll(tx, db, months), model.InsertAll(tx, db, goods), model.InsertAll(tx, db, purses))
	}
	if err := increase(tx, db, "tally_forms", []string{"year", "union_id", "channel_id"}, formFigures, forms, formRow); err != nil {
		return err
	}
	if err := increase(tx, db, "tally_days", []string{"year", "day", "union_id", "channel_id"}, formFigures, days, dayRow); err != nil {
		return err
	}
	if err := increase(tx, db, "tally_months", []string{"node_id", "year", "month"}, monthFigures, months, monthRow); err != nil {
		return err
	}
	if err := increase(tx, db, "tally_goods", []string{"node_id", "year", "product_id", "supplier_id", "region_id"}, goodFigures, goods, goodRow); err != nil {
		return err
	}
	return increase(tx, db, "tally_purses", []string{"node_id", "year", "purse"}, purseFigures, purses, purseRow)
}

// formRow and those below append a row's values: its keys, then its figures.
func formRow(a []any, f *model.TallyForm) []any {
	return append(a, int64(f.Year), int64(f.UnionID), int64(f.ChannelID), f.Times, int64(f.AmountFen), int64(f.InvestedFen))
}

func dayRow(a []any, d *model.TallyDay) []any {
	return append(a, int64(d.Year), int64(d.Day), int64(d.UnionID), int64(d.ChannelID), d.Times, int64(d.AmountFen), int64(d.InvestedFen))
}

func monthRow(a []any, m *model.TallyMonth) []any {
	return append(a, int64(m.NodeID), int64(m.Year), int64(m.Month), m.Buyers, m.Orders, m.Times, int64(m.PaidFen), int64(m.WechatFen), m.Refunds,
		int64(m.RefundedFen), int64(m.RefundedWechatFen), m.Claims, m.ClaimedTimes, int64(m.ClaimedFen))
}

func goodRow(a []any, g *model.TallyGood) []any {
	return append(a, int64(g.NodeID), int64(g.Year), int64(g.ProductID), int64(g.SupplierID), int64(g.RegionID),
		g.Quantity, int64(g.AmountFen), g.RefundedQuantity, int64(g.RefundedFen))
}

func purseRow(a []any, p *model.TallyPurse) []any {
	return append(a, int64(p.NodeID), int64(p.Year), string(p.Purse), int64(p.FundedFen), int64(p.GrantedFen), int64(p.ReturnedFen), int64(p.SpentFen), int64(p.GroupFen), p.Holders)
}

// sorted are the rows in the order of their keys, in which the database has them.
func sorted[K comparable, V any](rows map[K]*V, order func(a, b K) int) []V {
	list := make([]V, 0, len(rows))
	for _, k := range slices.SortedFunc(maps.Keys(rows), order) {
		list = append(list, *rows[k])
	}
	return list
}

// rowsPerStatement bounds the rows of one statement on MySQL.
const rowsPerStatement = 1000

// increase adds rows to those that exist and makes the others: values appends a row's keys and figures. gorm's clause.OnConflict does the same
// at several times the cost.
func increase[V any](tx *gorm.DB, db *model.DB, table string, keys, figures []string, rows []V, values func(args []any, row *V) []any) error {
	columns := len(keys) + len(figures)
	most, onto, sum := rowsPerStatement, " ON DUPLICATE KEY UPDATE ", "%[1]s = %[1]s + VALUES(%[1]s)"
	if db.Dialect == model.SQLite {
		most, onto, sum = db.BatchRows(), " ON CONFLICT ("+strings.Join(keys, ",")+") DO UPDATE SET ", "%[1]s = %[1]s + excluded.%[1]s"
	}
	for i, f := range figures {
		if i > 0 {
			onto += ", "
		}
		onto += fmt.Sprintf(sum, f)
	}
	head := "INSERT INTO " + table + " (" + strings.Join(keys, ",") + "," + strings.Join(figures, ",") + ") VALUES "
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	for first := 0; first < len(rows); first += most {
		part := rows[first:min(first+most, len(rows))]
		args := make([]any, 0, len(part)*columns)
		for i := range part {
			args = values(args, &part[i])
		}
		if _, err := model.Exec(tx, head+row+strings.Repeat(","+row, len(part)-1)+onto, args); err != nil {
			return err
		}
	}
	return nil
}
