package settlement

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// prepare is the job that fills a batch. Each supplier is one transaction that takes what is due to it and moves the batch's
// progress, so it may be broken off anywhere and taken up by any process.
func (s *Service) prepare(ctx context.Context, id model.ID) error {
	for {
		if over, err := s.PrepareStep(ctx, id); err != nil || over {
			return err
		}
	}
}

// PrepareStep does the next step of filling a batch and tells whether there was nothing left to do. Any process may do any step.
func (s *Service) PrepareStep(ctx context.Context, id model.ID) (over bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		over, err = s.prepareNext(tx, id)
		return err
	})
	return over, err
}

// prepareFailed gives a batch up whose job failed for good.
func (s *Service) prepareFailed(ctx context.Context, id model.ID, message string) {
	_ = s.db.Tx(ctx, func(tx *gorm.DB) error { return s.cancel(tx, model.Clockwork(), id, "制单没有完成："+message) })
}

// prepareNext settles the next supplier of a batch that is being prepared, within tx. It locks the batch, which also keeps
// other processes from it, then the supplier, so that two batches never take from one supplier at once.
func (s *Service) prepareNext(tx *gorm.DB, id model.ID) (over bool, err error) {
	now := s.db.Now()
	var b model.SettlementBatch
	if err := lock(tx, &b, id, "结算批次"); err != nil || b.Status != batchPreparing {
		return true, err
	}
	supplier, chosen, err := next(tx, b)
	if err != nil {
		return true, err
	}
	if supplier == 0 {
		return true, s.finish(tx, b, now)
	}
	made, err := s.settle(tx, b, supplier, chosen, now)
	if err != nil {
		return true, err
	}
	set := map[string]any{"after_supplier_id": supplier, "updated_at": now}
	if made.Status == open {
		set["settlements"], set["total_fen"] = gorm.Expr("settlements + 1"), gorm.Expr("total_fen + ?", made.AmountFen)
	}
	return false, tx.Model(&model.SettlementBatch{}).Where("id = ?", id).UpdateColumns(set).Error
}

// next is the supplier that follows the batch's progress, 0 if there is none; chosen tells that it was named in the request.
func next(tx *gorm.DB, b model.SettlementBatch) (supplier model.ID, chosen bool, err error) {
	var list []model.ID
	if err := json.Unmarshal([]byte(b.SuppliersJSON), &list); err != nil {
		return 0, false, err
	}
	for _, id := range list { // by rising id
		if id > b.AfterSupplierID {
			return id, true, nil
		}
	}
	if len(list) > 0 {
		return 0, true, nil
	}
	var ids []model.ID
	err = tx.Model(&model.Supplier{}).Where("id > ?", b.AfterSupplierID).Order("id").Limit(1).Pluck("id", &ids).Error
	if err == nil && len(ids) > 0 {
		supplier = ids[0]
	}
	return supplier, false, err
}

// takeSQL takes all due transfers of a supplier into a settlement, as one statement sees them.
const takeSQL = "INSERT INTO settlement_items (settlement_id, transfer_id, live_transfer_id, supplier_id, order_id, amount_fen) " +
	"SELECT @settlement, f.id, f.id, @supplier, f.order_id, f.fen" + fromFree + " WHERE " + dueSQL

// settle makes the supplier's settlement in the batch, or one without an amount that tells why there is none; nothing if
// nothing is due.
func (s *Service) settle(tx *gorm.DB, b model.SettlementBatch, supplier model.ID, chosen bool, now time.Time) (model.Settlement, error) {
	x := model.Settlement{ID: s.db.NewID(), BatchID: b.ID, SupplierID: supplier, Status: open, CreatedAt: now, UpdatedAt: now}
	var who model.Supplier
	if err := lock(tx, &who, supplier, "供应商"); err != nil {
		return x, err
	}
	values := s.rule(supplier, b.CutAt)
	values["settlement"] = x.ID
	if err := tx.Exec(takeSQL, values).Error; err != nil {
		return x, err
	}
	var taken struct {
		N   int
		Fen model.Fen
	}
	if err := tx.Raw("SELECT COUNT(*) AS n, COALESCE(SUM(amount_fen), 0) AS fen FROM settlement_items WHERE settlement_id = ?", x.ID).Scan(&taken).Error; err != nil {
		return x, err
	}
	account, reason, err := payable(tx, who, chosen, taken.Fen)
	if err != nil {
		return x, err
	}
	if reason == "" {
		x.BankAccountID, x.AmountFen, x.Items = &account, taken.Fen, taken.N
		return x, tx.Create(&x).Error
	}
	if err := tx.Where("settlement_id = ?", x.ID).Delete(&model.SettlementItem{}).Error; err != nil {
		return x, err
	}
	x.Status, x.Reason = skipped, reason
	if taken.Fen == 0 {
		return x, nil
	}
	return x, tx.Create(&x).Error
}

// payable says to which account an amount goes, or why it cannot be paid now.
func payable(tx *gorm.DB, who model.Supplier, chosen bool, amount model.Fen) (account model.ID, reason string, err error) {
	var current model.SupplierBankAccount
	err = tx.Where("current_supplier_id = ?", who.ID).Take(&current).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, "", err
	}
	switch {
	case amount < 0:
		reason = "已结算订单的退款比新到期的货款多 " + (-amount).Yuan() + " 元，留待以后抵扣"
	case amount == 0:
		reason = "没有到期的货款"
	case err != nil:
		reason = "没有已确认的收款账户，应付的 " + amount.Yuan() + " 元没有列入"
	case who.Status != "active" && !chosen:
		reason = "供应商已暂停供货，应付的 " + amount.Yuan() + " 元没有列入；需要结算时请单独选择该供应商"
	}
	return current.ID, reason, nil
}

// finish makes a prepared batch a draft, or cancels one with nothing in it.
func (s *Service) finish(tx *gorm.DB, b model.SettlementBatch, now time.Time) error {
	set := map[string]any{"status": batchDraft, "updated_at": now}
	if b.Settlements == 0 {
		set["status"], set["stop_reason"], set["closed_at"] = batchCancelled, "没有可以结算的款项", now
	} else {
		var first model.Transfer
		err := tx.Raw("SELECT t.* FROM settlements x JOIN settlement_items i ON i.settlement_id = x.id JOIN transfers t ON t.id = i.transfer_id "+
			"WHERE x.batch_id = ? ORDER BY t.at, t.id LIMIT 1", b.ID).Take(&first).Error
		if err != nil {
			return err
		}
		set["period_from"] = min(model.DateOf(first.At), b.PeriodTo)
	}
	if err := tx.Model(&model.SettlementBatch{}).Where("id = ?", b.ID).UpdateColumns(set).Error; err != nil {
		return err
	}
	return s.db.Audit(tx, model.Clockwork(), now, "settlement.made", batchObject(b.ID), b.UnionID, map[string]any{"settlements": b.Settlements, "total_fen": b.TotalFen})
}
