package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/limit"
)

var limitInvariants = []invariant{
	{name: "budgets", title: "生效的年度预算都经第二人确认", unit: "份预算",
		count: "SELECT COUNT(*) FROM union_budgets WHERE status = 'confirmed'",
		breaches: "SELECT CONCAT('budget:', id), COALESCE(confirmed_by, 0), entered_by FROM union_budgets " +
			"WHERE status = 'confirmed' AND (confirmed_by IS NULL OR confirmed_by = entered_by OR confirmed_at IS NULL) " +
			"OR status <> 'confirmed' AND (confirmed_by IS NOT NULL OR status <> 'entered')"},
}

// unionYear is what a meter is of.
type unionYear struct {
	union model.ID
	year  model.Year
}

// limitMeters holds what every union's meter shows as spent holiday money against the movements of money themselves, added
// up one by one; the meter goes by the funds' balances.
func limitMeters(tx *gorm.DB) (Result, error) {
	res := Result{Name: "limit_meters", Title: "节日慰问品支出等于逐笔流水与采购登记之和", Unit: "个工会年度"}
	want, err := holidayMovements(tx)
	if err != nil {
		return res, err
	}
	shown, err := limit.SpentFestival(tx)
	if err != nil {
		return res, err
	}
	have := map[unionYear]model.Fen{}
	for _, s := range shown {
		have[unionYear{s.UnionID, s.Year}] = s.Fen
		if _, ok := want[unionYear{s.UnionID, s.Year}]; !ok {
			want[unionYear{s.UnionID, s.Year}] = 0
		}
	}
	res.Figure = int64(len(want))
	var keys []unionYear
	for k, fen := range want {
		if have[k] != fen {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b unionYear) int { return cmp.Or(cmp.Compare(a.union, b.union), cmp.Compare(a.year, b.year)) })
	for _, k := range keys {
		res.add(Breach{Ref: fmt.Sprintf("union:%s %d", k.union, k.year), Have: int64(have[k]), Want: int64(want[k])})
	}
	return res, nil
}

// holidayMovements adds up, movement by movement, what left festival funds other than to the bank, less what came back other than from it.
func holidayMovements(tx *gorm.DB) (map[unionYear]model.Fen, error) {
	rows, err := tx.Model(&model.Transfer{}).Select("kind, debit_account, credit_account, amount_fen, union_id, year").Where("purse = ?", model.PurseFestival).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	sums := map[unionYear]model.Fen{}
	for rows.Next() {
		var kind, debit, credit string
		var fen model.Fen
		var k unionYear
		if err := rows.Scan(&kind, &debit, &credit, &fen, &k.union, &k.year); err != nil {
			return nil, err
		}
		if strings.HasPrefix(debit, "fund:") && (kind == "grant" || kind == "spend") {
			sums[k] += fen
		}
		if strings.HasPrefix(credit, "fund:") && (kind == "revoke" || kind == "sweep" || kind == "refund") {
			sums[k] -= fen
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return sums, addHolidayClaims(tx, sums)
}

// addHolidayClaims adds holiday money spent through other channels, claim by claim.
func addHolidayClaims(tx *gorm.DB, sums map[unionYear]model.Fen) error {
	var claims []model.Claim
	if err := tx.Select("union_id", "year", "amount_fen").Where("purse = ? AND counted_at IS NOT NULL AND revoked_at IS NULL", model.PurseFestival).Find(&claims).Error; err != nil {
		return err
	}
	for _, c := range claims {
		sums[unionYear{c.UnionID, c.Year}] += c.AmountFen
	}
	return nil
}
