package settlement

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/dues"
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
	return map[string]any{"account": string(ledger.Supplier(supplier)), "supplier": supplier, "received_by": s.receivedBy(at)}
}

// receivedBy is until when a parcel must have been received to be due at a moment: money becomes due on the full hour.
func (s *Service) receivedBy(at time.Time) time.Time { return dues.Whole(at.Add(-s.after)) }

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
		views[i] = OwedView{SupplierID: id, SupplierName: names[id], SettleAfterDays: int(s.after / (24 * time.Hour)), BankAccount: accounts[id]}
	}
	return views, s.sums(tx, suppliers, views)
}

// sums fills in the amounts.
//
// What is free (in no live settlement) is what was sold less refunds and less what settlements hold. Of it waits what was sold and is not
// received yet, what was received of late, and what is in an open after-sales case without having been settled; the rest is ready, also where
// it is a minus: refunds of money that was settled. That is dueSQL by sums.
func (s *Service) sums(tx *gorm.DB, suppliers []model.ID, views []OwedView) error {
	account, err := dues.Accounts(tx, suppliers, "", "")
	if err != nil {
		return err
	}
	by := s.receivedBy(s.db.Now())
	received, err := dues.ReceiptsOf(tx, suppliers, by)
	if err != nil {
		return err
	}
	held, err := heldBy(tx, suppliers)
	if err != nil {
		return err
	}
	disputed, err := disputed(tx, suppliers, by)
	if err != nil {
		return err
	}
	for i := range views {
		v := &views[i]
		id := v.SupplierID
		free := account[id].Sold - account[id].Refunded - held[id].Open - held[id].Paid
		if r, counted := received[id]; counted {
			v.WaitingFen = account[id].Sold - account[id].Refunded - r.All + r.After + disputed[id]
		} else if v.WaitingFen, err = s.waiting(tx, id); err != nil {
			return err
		}
		v.ReadyFen, v.InBatchFen, v.PaidFen = free-v.WaitingFen, held[id].Open, held[id].Paid
		v.OwedFen = v.WaitingFen + v.ReadyFen + v.InBatchFen
	}
	return nil
}

// waiting reads what waits from the orders themselves.
func (s *Service) waiting(tx *gorm.DB, supplier model.ID) (fen model.Fen, err error) {
	sql := "SELECT COALESCE(SUM(CASE WHEN " + dueSQL + " THEN 0 ELSE f.fen END), 0)" + fromFree
	err = model.ScanRow(tx.Raw(sql, s.rule(supplier, s.db.Now())), &fen)
	return fen, err
}

// held is what settlements hold of a supplier's money.
type held struct {
	SupplierID model.ID
	Open, Paid model.Fen
}

func heldBy(tx *gorm.DB, suppliers []model.ID) (map[model.ID]held, error) {
	var rows []held
	err := tx.Raw("SELECT supplier_id, SUM(CASE WHEN status = 'open' THEN amount_fen ELSE 0 END) AS open, SUM(CASE WHEN status = 'paid' THEN amount_fen ELSE 0 END) AS paid "+
		"FROM settlements WHERE supplier_id IN ? GROUP BY supplier_id", suppliers).Scan(&rows).Error
	all := make(map[model.ID]held, len(rows))
	for _, h := range rows {
		all[h.SupplierID] = h
	}
	return all, err
}

// disputedSQL is, by supplier, what parcels are worth that would be due and are in an open after-sales case, unless a settlement holds them.
const disputedSQL = `SELECT p.supplier_id, SUM(p.amount_fen - COALESCE((SELECT SUM(t.amount_fen) FROM transfers t WHERE t.order_id = p.order_id AND t.kind = 'refund'
AND t.debit_account = CONCAT('supplier:', p.supplier_id)), 0)) AS open FROM parcels p
WHERE p.id IN (SELECT a.parcel_id FROM after_sales a WHERE a.supplier_id IN @suppliers AND a.status IN @open) AND p.status = 'received' AND p.received_at <= @by
AND NOT EXISTS (SELECT 1 FROM settlement_items i WHERE i.supplier_id = p.supplier_id AND i.order_id = p.order_id AND i.live_transfer_id IS NOT NULL AND i.amount_fen > 0)
GROUP BY p.supplier_id`

func disputed(tx *gorm.DB, suppliers []model.ID, by time.Time) (map[model.ID]model.Fen, error) {
	var rows []held
	err := tx.Raw(disputedSQL, map[string]any{"suppliers": suppliers, "open": model.OpenAfterSale, "by": by}).Scan(&rows).Error
	all := make(map[model.ID]model.Fen, len(rows))
	for _, r := range rows {
		all[r.SupplierID] = r.Open
	}
	return all, err
}
