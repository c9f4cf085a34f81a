package dues

import (
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// Difference is a sum that is not what a recount says.
type Difference struct {
	Ref  string // "supplier:21 2025-…"
	Have int64
	Want int64
}

// Check holds every sum against a recount from parcels and transfers, and tells how many suppliers it looked at. tx must be one consistent
// view; it reads every transfer of suppliers' accounts.
func Check(tx *gorm.DB, report func(Difference)) (int64, error) {
	var suppliers []model.ID
	if err := tx.Model(&model.Supplier{}).Order("id").Pluck("id", &suppliers).Error; err != nil {
		return 0, err
	}
	mark, err := markOf(tx)
	if err != nil {
		return 0, err
	}
	for _, id := range suppliers {
		if err := checkReceipts(tx, id, report); err != nil {
			return 0, err
		}
		if err := checkDays(tx, id, mark, report); err != nil {
			return 0, err
		}
	}
	return int64(len(suppliers)), nil
}

func checkReceipts(tx *gorm.DB, supplier model.ID, report func(Difference)) error {
	var sums []model.SupplierSum
	if err := tx.Where("supplier_id = ? AND counted = ?", supplier, true).Find(&sums).Error; err != nil || len(sums) == 0 {
		return err // not counted yet: nobody uses it
	}
	want, err := recount(tx, supplier)
	if err != nil {
		return err
	}
	var rows []model.SupplierHour
	if err := tx.Where("supplier_id = ?", supplier).Find(&rows).Error; err != nil {
		return err
	}
	have, total := map[int64]model.Fen{}, model.Fen(0)
	for _, r := range rows {
		have[r.Hour] = r.ReceivedFen
	}
	hours := maps.Clone(want)
	maps.Copy(hours, have)
	for _, hour := range slices.Sorted(maps.Keys(hours)) {
		total += want[hour]
		if have[hour] != want[hour] {
			report(Difference{fmt.Sprintf("supplier:%s hour %d", supplier, hour), int64(have[hour]), int64(want[hour])})
		}
	}
	if sums[0].ReceivedFen != total {
		report(Difference{"supplier:" + supplier.String(), int64(sums[0].ReceivedFen), int64(total)})
	}
	return nil
}

// checkDays recounts a supplier's days, and that each day's span of ids has its movements in it.
func checkDays(tx *gorm.DB, supplier, mark model.ID, report func(Difference)) error {
	account := string(ledger.Supplier(supplier))
	rows, err := tx.Raw("SELECT id, kind, debit_account, credit_account, amount_fen, at FROM transfers WHERE credit_account = @account AND id <= @mark "+
		"UNION ALL SELECT id, kind, debit_account, credit_account, amount_fen, at FROM transfers WHERE debit_account = @account AND id <= @mark",
		map[string]any{"account": account, "mark": mark}).Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	want := map[int]model.SupplierDay{}
	for rows.Next() {
		var t model.Transfer
		if err := tx.ScanRows(rows, &t); err != nil {
			return err
		}
		for key, d := range days([]model.Transfer{t}) {
			w, ok := want[key.day]
			if !ok {
				w = model.SupplierDay{SupplierID: supplier, Day: key.day, FirstTransfer: t.ID}
			}
			w.SoldFen, w.RefundedFen, w.PaidFen = w.SoldFen+d.SoldFen, w.RefundedFen+d.RefundedFen, w.PaidFen+d.PaidFen
			w.FirstTransfer, w.LastTransfer = min(w.FirstTransfer, t.ID), max(w.LastTransfer, t.ID)
			want[key.day] = w
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return compareDays(tx, supplier, want, report)
}

func compareDays(tx *gorm.DB, supplier model.ID, want map[int]model.SupplierDay, report func(Difference)) error {
	var stored []model.SupplierDay
	if err := tx.Where("supplier_id = ?", supplier).Find(&stored).Error; err != nil {
		return err
	}
	have := map[int]model.SupplierDay{}
	for _, d := range stored {
		have[d.Day] = d
	}
	all := maps.Clone(want)
	maps.Copy(all, have)
	for _, day := range slices.Sorted(maps.Keys(all)) {
		h, w := have[day], want[day]
		for _, f := range []struct {
			name       string
			have, want int64
		}{{"sold", int64(h.SoldFen), int64(w.SoldFen)}, {"refunded", int64(h.RefundedFen), int64(w.RefundedFen)}, {"paid", int64(h.PaidFen), int64(w.PaidFen)},
			{"first", int64(h.FirstTransfer), int64(w.FirstTransfer)}, {"last", int64(h.LastTransfer), int64(w.LastTransfer)}} {
			if f.have != f.want {
				report(Difference{fmt.Sprintf("supplier:%s day %d %s", supplier, day, f.name), f.have, f.want})
			}
		}
	}
	return nil
}
