package settlement

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/ledger"
)

// PaidInput is the proof of a payment: the number of the bank's receipt and the receipt itself, uploaded before.
type PaidInput struct {
	EvidenceNo     string   `json:"evidence_no" check:"required,max=80"`
	EvidenceFileID model.ID `json:"evidence_file_id" check:"required"`
}

// PayBatch marks everything in a confirmed batch as paid that was not marked before: the money leaves the suppliers' accounts.
// Errors: CodeInvalid without evidence; CodeConflict if the batch was not confirmed or nothing is left in it. It locks the batch.
func (s *Service) PayBatch(ctx context.Context, actor model.Actor, key string, id model.ID, in PaidInput) (BatchView, error) {
	return model.Once(ctx, s.db, actor, key, map[string]any{"pay_batch": id, "in": in}, func(tx *gorm.DB) (BatchView, error) {
		var rows []model.Settlement
		if err := tx.Where("batch_id = ? AND status = ?", id, open).Order("id").Find(&rows).Error; err != nil {
			return BatchView{}, err
		}
		if err := s.pay(tx, actor, id, rows, in); err != nil {
			return BatchView{}, err
		}
		return readBatch(tx, id)
	})
}

// PaySettlement is PayBatch for one supplier's part.
func (s *Service) PaySettlement(ctx context.Context, actor model.Actor, key string, id model.ID, in PaidInput) (View, error) {
	return model.Once(ctx, s.db, actor, key, map[string]any{"pay_settlement": id, "in": in}, func(tx *gorm.DB) (View, error) {
		var x model.Settlement
		if err := tx.Where("id = ?", id).Take(&x).Error; err != nil {
			return View{}, err
		}
		if err := s.pay(tx, actor, x.BatchID, []model.Settlement{x}, in); err != nil {
			return View{}, err
		}
		return readSettlement(tx, id)
	})
}

// pay marks open settlements of one batch as paid and posts what left the suppliers' accounts.
func (s *Service) pay(tx *gorm.DB, actor model.Actor, batch model.ID, rows []model.Settlement, in PaidInput) error {
	now := s.db.Now()
	b, err := payableBatch(tx, batch)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return model.E(model.CodeConflict, "批次里没有待付款的结算单，请刷新")
	}
	if err := checkEvidence(tx, b.UnionID, in.EvidenceFileID); err != nil {
		return err
	}
	moves := make([]ledger.Movement, len(rows))
	ids := make([]model.ID, len(rows))
	var sum model.Fen
	for i, x := range rows {
		moves[i] = ledger.Movement{Kind: ledger.KindSettle, Cause: "settlement:" + x.ID.String(), From: ledger.Supplier(x.SupplierID), To: ledger.Bank,
			Amount: x.AmountFen, Year: model.YearOf(now), Union: b.UnionID}
		ids[i] = x.ID
		sum += x.AmountFen
	}
	evidence := strings.TrimSpace(in.EvidenceNo)
	for chunk := range slices.Chunk(ids, 500) {
		res := tx.Model(&model.Settlement{}).Where("id IN ? AND status = ?", chunk, open).UpdateColumns(map[string]any{"status": paid,
			"evidence_no": evidence, "evidence_file_id": in.EvidenceFileID, "decided_by": actor.ID, "decided_at": now, "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected != int64(len(chunk)) {
			return model.E(model.CodeConflict, "结算单已经付款或已经退回，请刷新")
		}
	}
	if err := ledger.PostAll(tx, s.db, now, moves); err != nil {
		return err
	}
	err = s.db.Audit(tx, actor, now, "settlement.pay", batchObject(batch), b.UnionID, map[string]any{"settlements": len(rows), "paid_fen": sum, "evidence_no": evidence})
	if err != nil {
		return err
	}
	return closeBatch(tx, batch, sum, now)
}

// payableBatch locks a batch that was confirmed and is not closed.
func payableBatch(tx *gorm.DB, id model.ID) (model.SettlementBatch, error) {
	var b model.SettlementBatch
	if err := lock(tx, &b, id, "结算批次"); err != nil {
		return b, err
	}
	switch b.Status {
	case batchConfirmed, batchExported:
		return b, nil
	case batchPreparing, batchDraft:
		return b, model.E(model.CodeConflict, "批次还没有经第二个人确认")
	}
	return b, model.E(model.CodeConflict, "批次已经办结")
}

// checkEvidence refuses a file that is not evidence uploaded for the paying union.
func checkEvidence(tx *gorm.DB, union, file model.ID) error {
	var n int64
	err := tx.Model(&model.File{}).Where("id = ? AND union_id = ? AND kind = ?", file, union, files.KindEvidence).Count(&n).Error
	if err == nil && n == 0 {
		return model.Invalid("evidence_file_id", "付款凭证文件不存在，请先上传")
	}
	return err
}

// closeBatch adds what was paid and closes the batch when nothing is open in it any more.
func closeBatch(tx *gorm.DB, id model.ID, sum model.Fen, now time.Time) error {
	var left, done int64
	if err := tx.Model(&model.Settlement{}).Where("batch_id = ? AND status = ?", id, open).Count(&left).Error; err != nil {
		return err
	}
	if err := tx.Model(&model.Settlement{}).Where("batch_id = ? AND status = ?", id, paid).Count(&done).Error; err != nil {
		return err
	}
	set := map[string]any{"paid_fen": gorm.Expr("paid_fen + ?", sum), "updated_at": now}
	if left == 0 {
		set["status"], set["closed_at"] = batchPaid, now
		if done == 0 {
			set["status"] = batchFailed
		}
	}
	return tx.Model(&model.SettlementBatch{}).Where("id = ?", id).UpdateColumns(set).Error
}

// FailSettlement notes that the bank refused a supplier's part, with its reason: what is in it is free for the next batch.
// Errors: CodeInvalid without a reason; CodeConflict if the batch was not confirmed or the part is not open. It locks the batch.
func (s *Service) FailSettlement(ctx context.Context, actor model.Actor, id model.ID, reason string) (view View, err error) {
	if reason, err = reasonText(reason, "银行退回的原因"); err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		var x model.Settlement
		if err := tx.Where("id = ?", id).Take(&x).Error; err != nil {
			return err
		}
		b, err := payableBatch(tx, x.BatchID)
		if err != nil {
			return err
		}
		res := tx.Model(&model.Settlement{}).Where("id = ? AND status = ?", id, open).
			UpdateColumns(map[string]any{"status": failed, "reason": reason, "decided_by": actor.ID, "decided_at": now, "updated_at": now})
		if err := one(res, "结算单已经付款或已经退回，请刷新"); err != nil {
			return err
		}
		if err := free(tx, []model.ID{id}); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "settlement.fail", "settlement:"+id.String(), b.UnionID, map[string]any{"amount_fen": x.AmountFen, "reason": reason}); err != nil {
			return err
		}
		if err := closeBatch(tx, x.BatchID, 0, now); err != nil {
			return err
		}
		view, err = readSettlement(tx, id)
		return err
	})
	return view, err
}
