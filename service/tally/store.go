package tally

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// The figures of the rollups' rows, by table; all other columns are keys.
var (
	formFigures  = []string{"times", "amount_fen", "invested_fen"}
	monthFigures = []string{"buyers", "orders", "times", "paid_fen", "wechat_fen", "refunds", "refunded_fen", "refunded_wechat_fen", "claims", "claimed_times", "claimed_fen"}
	goodFigures  = []string{"quantity", "amount_fen", "refunded_quantity", "refunded_fen"}
	purseFigures = []string{"funded_fen", "granted_fen", "returned_fen", "spent_fen", "group_fen"}
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
	if err := increase(tx, db, forms, []string{"year", "union_id", "channel_id"}, formFigures); err != nil {
		return err
	}
	if err := increase(tx, db, days, []string{"year", "day", "union_id", "channel_id"}, formFigures); err != nil {
		return err
	}
	if err := increase(tx, db, months, []string{"node_id", "year", "month"}, monthFigures); err != nil {
		return err
	}
	if err := increase(tx, db, goods, []string{"node_id", "year", "product_id", "supplier_id", "region_id"}, goodFigures); err != nil {
		return err
	}
	return increase(tx, db, purses, []string{"node_id", "year", "purse"}, purseFigures)
}

// sorted are the rows in the order of their keys, in which the database has them.
func sorted[K comparable, V any](rows map[K]*V, order func(a, b K) int) []V {
	list := make([]V, 0, len(rows))
	for _, k := range slices.SortedFunc(maps.Keys(rows), order) {
		list = append(list, *rows[k])
	}
	return list
}

// increase adds rows to those that exist and makes the others.
func increase[V any](tx *gorm.DB, db *model.DB, rows []V, keys, figures []string) error {
	if len(rows) == 0 {
		return nil
	}
	conflict := clause.OnConflict{}
	for _, k := range keys {
		conflict.Columns = append(conflict.Columns, clause.Column{Name: k})
	}
	for _, f := range figures {
		sum := gorm.Expr(f + " + VALUES(" + f + ")")
		if db.Dialect == model.SQLite {
			sum = gorm.Expr(f + " + excluded." + f)
		}
		conflict.DoUpdates = append(conflict.DoUpdates, clause.Assignment{Column: clause.Column{Name: f}, Value: sum})
	}
	return tx.Clauses(conflict).CreateInBatches(rows, db.BatchRows()).Error
}
