// Package dues keeps suppliers' money added up, so that what each is owed, and its account over a period, is answered without reading its
// orders. Two things are kept. What was received: every receipt, and every refund of what was received, changes supplier_sums and
// supplier_hours in its own transaction; a checkout writes nothing. What moved on the account: a worker adds transfers that are some minutes
// old to supplier_days, each exactly once, and whoever reads adds the few that are younger. Both are exact at every moment; parcels and
// transfers stay the truth, and Check holds the sums against them.
package dues

import (
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
)

// HourOf is the hour that a receipt belongs to: hours since 1970 at its end. Money is due by whole hours: what was received up to a moment is
// what belongs to hours up to that moment's own, see Whole.
func HourOf(at time.Time) int64 {
	return (at.UnixMilli() + time.Hour.Milliseconds() - 1) / time.Hour.Milliseconds()
}

// Whole cuts a moment to its full hour.
func Whole(at time.Time) time.Time { return at.Truncate(time.Hour) }

// Receipt is goods of a supplier that were received at a moment, by their amount; negative: a refund of goods received then.
type Receipt struct {
	Supplier model.ID
	At       time.Time
	Fen      model.Fen
}

// Received adds receipts to the sums, within the transaction that makes them, under the lock of the order concerned. It locks the suppliers'
// sums by rising id until the transaction ends, so it comes as late as can be.
func Received(tx *gorm.DB, receipts ...Receipt) error {
	sums, hours := map[model.ID]model.Fen{}, map[model.ID]map[int64]model.Fen{}
	for _, r := range receipts {
		if r.Fen == 0 {
			continue
		}
		sums[r.Supplier] += r.Fen
		if hours[r.Supplier] == nil {
			hours[r.Supplier] = map[int64]model.Fen{}
		}
		hours[r.Supplier][HourOf(r.At)] += r.Fen
	}
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		if err := add(tx, &model.SupplierSum{SupplierID: id}, sums[id]); err != nil {
			return err
		}
		for _, hour := range slices.Sorted(maps.Keys(hours[id])) {
			if err := add(tx, &model.SupplierHour{SupplierID: id, Hour: hour}, hours[id][hour]); err != nil {
				return err
			}
		}
	}
	return nil
}

// add raises the row's sum; a row that is not there yet is made.
func add(tx *gorm.DB, row any, fen model.Fen) error {
	raise := func() *gorm.DB { return tx.Model(row).UpdateColumn("received_fen", gorm.Expr("received_fen + ?", fen)) }
	if res := raise(); res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row).Error; err != nil {
		return err
	}
	if res := raise(); res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	return model.ErrRerun
}

// Account is a supplier's account: what was sold, refunded and paid out.
type Account struct{ Sold, Refunded, Paid model.Fen }

// Plus adds two.
func (a Account) Plus(b Account) Account {
	return Account{a.Sold + b.Sold, a.Refunded + b.Refunded, a.Paid + b.Paid}
}

// Net is what is owed of it.
func (a Account) Net() model.Fen { return a.Sold - a.Refunded - a.Paid }

// row is one sum as queries find it.
type row struct {
	SupplierID model.ID
	Account
}

// Accounts sums the suppliers' accounts over the China days from (inclusive) to to (inclusive); empty ends are open. tx must be one
// consistent view.
func Accounts(tx *gorm.DB, suppliers []model.ID, from, to model.Date) (map[model.ID]Account, error) {
	mark, err := markOf(tx)
	if err != nil {
		return nil, err
	}
	q := tx.Model(&model.SupplierDay{}).Select("supplier_id, SUM(sold_fen) AS sold, SUM(refunded_fen) AS refunded, SUM(paid_fen) AS paid").Where("supplier_id IN ?", suppliers)
	if from != "" {
		q = q.Where("day >= ?", dayOf(from.Start()))
	}
	if to != "" {
		q = q.Where("day <= ?", dayOf(to.Start()))
	}
	var days []row
	if err := q.Group("supplier_id").Scan(&days).Error; err != nil {
		return nil, err
	}
	sums := make(map[model.ID]Account, len(suppliers))
	for _, d := range days {
		sums[d.SupplierID] = d.Account
	}
	return sums, tail(tx, suppliers, mark, from, to, sums)
}

// tail adds the transfers that are not in supplier_days yet.
func tail(tx *gorm.DB, suppliers []model.ID, mark model.ID, from, to model.Date, sums map[model.ID]Account) error {
	accounts := make([]ledger.Account, len(suppliers))
	for i, id := range suppliers {
		accounts[i] = ledger.Supplier(id)
	}
	for _, side := range []string{"credit_account", "debit_account"} {
		q := tx.Model(&model.Transfer{}).Select(side+" AS account, kind, SUM(amount_fen) AS fen").Where(side+" IN ? AND id > ?", accounts, mark)
		if from != "" {
			q = q.Where("at >= ?", from.Start())
		}
		if to != "" {
			q = q.Where("at < ?", to.End())
		}
		var rows []struct {
			Account ledger.Account
			Kind    ledger.Kind
			Fen     model.Fen
		}
		if err := q.Group(side + ", kind").Scan(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			_, id := r.Account.Split()
			sums[id] = sums[id].Plus(part(r.Kind, r.Fen))
		}
	}
	return nil
}

// part is an amount in its place.
func part(kind ledger.Kind, fen model.Fen) (a Account) {
	switch kind {
	case ledger.KindSpend:
		a.Sold = fen
	case ledger.KindRefund:
		a.Refunded = fen
	case ledger.KindSettle:
		a.Paid = fen
	}
	return a
}

// Receipts is what was received of a supplier's goods, less refunds: ever, and of it after a moment.
type Receipts struct{ All, After model.Fen }

// ReceiptsOf sums the suppliers' receipts; those that are not counted yet are missing from the answer. The moment must be a full hour.
func ReceiptsOf(tx *gorm.DB, suppliers []model.ID, after time.Time) (map[model.ID]Receipts, error) {
	var sums []model.SupplierSum
	if err := tx.Where("supplier_id IN ? AND counted = ?", suppliers, true).Find(&sums).Error; err != nil {
		return nil, err
	}
	var late []model.SupplierSum
	err := tx.Model(&model.SupplierHour{}).Select("supplier_id, SUM(received_fen) AS received_fen").Where("supplier_id IN ? AND hour > ?", suppliers, HourOf(after)).
		Group("supplier_id").Scan(&late).Error
	all := make(map[model.ID]Receipts, len(sums))
	for _, s := range sums {
		all[s.SupplierID] = Receipts{All: s.ReceivedFen}
	}
	for _, s := range late {
		if r, ok := all[s.SupplierID]; ok {
			r.After = s.ReceivedFen
			all[s.SupplierID] = r
		}
	}
	return all, err
}

// Span is the ids between which a supplier's movements of some China days lie: one span of those in supplier_days, and all above the mark.
type Span struct{ First, Last, Mark model.ID }

// SpanOf finds the span; First above Last: there are none below the mark.
func SpanOf(tx *gorm.DB, supplier model.ID, from, to model.Date) (s Span, err error) {
	if s.Mark, err = markOf(tx); err != nil {
		return s, err
	}
	days := tx.Model(&model.SupplierDay{}).Select("COALESCE(MIN(first_transfer), 1) AS first, COALESCE(MAX(last_transfer), 0) AS last").
		Where("supplier_id = ? AND day BETWEEN ? AND ?", supplier, dayOf(from.Start()), dayOf(to.Start()))
	err = model.ScanRow(days, &s.First, &s.Last)
	return s, err
}

func markOf(tx *gorm.DB) (model.ID, error) {
	var m model.SupplierMark
	err := tx.Limit(1).Find(&m).Error
	return m.UpTo, err
}

// dayOf is the China day of a moment as yyyymmdd.
func dayOf(at time.Time) int {
	y, m, d := at.In(model.China).Date()
	return y*10000 + int(m)*100 + d
}
