package settlement

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// OwedView is what a supplier is owed, by how far it has come. Waiting, ready and in-batch money add up to what is owed.
type OwedView struct {
	SupplierID      model.ID     `json:"supplier_id"`
	SupplierName    string       `json:"supplier_name"`
	WaitingFen      model.Fen    `json:"waiting_fen"`  // on its way, within the days after receipt, or in an open after-sales case
	ReadyFen        model.Fen    `json:"ready_fen"`    // the next batch may pay it; negative: refunds of orders paid out before, to be taken off
	InBatchFen      model.Fen    `json:"in_batch_fen"` // in a batch that is not paid yet
	OwedFen         model.Fen    `json:"owed_fen"`     // the sum of the three
	PaidFen         model.Fen    `json:"paid_fen"`     // paid out so far
	SettleAfterDays int          `json:"settle_after_days"`
	BankAccount     *AccountView `json:"bank_account"` // in use; null: none was confirmed yet
}

// freeSQL are the transfers of a supplier's account that no live settlement holds, signed.
const freeSQL = `SELECT t.id, t.order_id, t.amount_fen AS fen, t.at FROM transfers t LEFT JOIN settlement_items i ON i.live_transfer_id = t.id
WHERE t.credit_account = @account AND t.kind = 'spend' AND i.transfer_id IS NULL
UNION ALL SELECT t.id, t.order_id, -t.amount_fen, t.at FROM transfers t LEFT JOIN settlement_items i ON i.live_transfer_id = t.id
WHERE t.debit_account = @account AND t.kind = 'refund' AND i.transfer_id IS NULL`

// dueSQL tells whether a free transfer f of the parcel p may be paid out: the parcel was received long enough ago and
// no after-sales case about it is open; or it was cancelled, so that its spends and refunds cancel each other out; or the transfer is a refund of a parcel whose spend a
// settlement holds already: it is carried over as a minus.
const dueSQL = `(p.status = 'cancelled' OR (p.status = 'received' AND p.received_at <= @received_by
AND NOT EXISTS (SELECT 1 FROM after_sales a WHERE a.parcel_id = p.id AND a.status NOT IN ('refunded', 'rejected', 'withdrawn', 'closed'))) OR
(f.fen < 0 AND EXISTS (SELECT 1 FROM settlement_items s WHERE s.supplier_id = @supplier AND s.order_id = f.order_id AND s.live_transfer_id IS NOT NULL AND s.amount_fen > 0)))`

// fromFree joins each free transfer with its parcel.
const fromFree = ` FROM (` + freeSQL + `) f LEFT JOIN parcels p ON p.order_id = f.order_id AND p.supplier_id = @supplier`

// rule are the values of freeSQL and dueSQL for a supplier, for what is due at a moment.
func (s *Service) rule(supplier model.ID, at time.Time) map[string]any {
	return map[string]any{"account": string(ledger.Supplier(supplier)), "supplier": supplier, "received_by": at.Add(-s.after)}
}

// Owed tells what a supplier is owed now.
func (s *Service) Owed(ctx context.Context, supplier model.ID) (v OwedView, err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		list, err := s.owed(tx, []model.ID{supplier})
		if err == nil {
			v = list[0]
		}
		return err
	})
	return v, err
}

// AllOwed tells what each supplier is owed now, by supplier.
func (s *Service) AllOwed(ctx context.Context, page model.Page) (list model.List[OwedView], err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		var ids []model.ID
		if err := tx.Model(&model.Supplier{}).Where("id > ?", page.Cursor).Order("id").Limit(page.Limit+1).Pluck("id", &ids).Error; err != nil {
			return err
		}
		views, err := s.owed(tx, ids)
		list = model.NewList(views, page, func(v OwedView) model.ID { return v.SupplierID }, func(v OwedView) OwedView { return v })
		return err
	})
	return list, err
}

func (s *Service) owed(tx *gorm.DB, suppliers []model.ID) ([]OwedView, error) {
	names, err := model.NamesOf(tx, &model.Supplier{}, suppliers)
	if err != nil {
		return nil, err
	}
	var rows []model.SupplierBankAccount
	if err := tx.Where("current_supplier_id IN ?", suppliers).Find(&rows).Error; err != nil {
		return nil, err
	}
	current, err := accountViews(tx, rows)
	if err != nil {
		return nil, err
	}
	accounts := map[model.ID]*AccountView{}
	for i := range current {
		accounts[current[i].SupplierID] = &current[i]
	}
	views := make([]OwedView, len(suppliers))
	for i, id := range suppliers {
		v := OwedView{SupplierID: id, SupplierName: names[id], SettleAfterDays: int(s.after / (24 * time.Hour)), BankAccount: accounts[id]}
		if err := s.sums(tx, &v); err != nil {
			return nil, err
		}
		views[i] = v
	}
	return views, nil
}

// sums fills in the amounts.
func (s *Service) sums(tx *gorm.DB, v *OwedView) error {
	var free struct{ Ready, Total model.Fen }
	sql := "SELECT COALESCE(SUM(CASE WHEN " + dueSQL + " THEN f.fen ELSE 0 END), 0) AS ready, COALESCE(SUM(f.fen), 0) AS total" + fromFree
	if err := tx.Raw(sql, s.rule(v.SupplierID, s.db.Now())).Scan(&free).Error; err != nil {
		return err
	}
	var held struct{ Open, Paid model.Fen }
	err := tx.Raw("SELECT COALESCE(SUM(CASE WHEN status = 'open' THEN amount_fen ELSE 0 END), 0) AS open, COALESCE(SUM(CASE WHEN status = 'paid' THEN amount_fen ELSE 0 END), 0) AS paid "+
		"FROM settlements WHERE supplier_id = ?", v.SupplierID).Scan(&held).Error
	v.ReadyFen, v.WaitingFen, v.InBatchFen, v.PaidFen = free.Ready, free.Total-free.Ready, held.Open, held.Paid
	v.OwedFen = v.WaitingFen + v.ReadyFen + v.InBatchFen
	return err
}
