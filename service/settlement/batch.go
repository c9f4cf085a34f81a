package settlement

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// BatchInput asks for a batch: everything that was due by the end of a day, of all suppliers or of chosen ones.
type BatchInput struct {
	PeriodTo    string     `json:"period_to" check:"required,max=10"`
	SupplierIDs []model.ID `json:"supplier_ids" check:"max=500,unique"`
	Note        string     `json:"note" check:"max=200"`
}

// MakeBatch begins a batch, "preparing" while a job collects what is due, supplier by supplier, then "draft" until another
// person confirms it. Money that was due earlier and not paid yet is in it too. Errors: CodeInvalid for a day to come or an
// unknown supplier.
func (s *Service) MakeBatch(ctx context.Context, actor model.Actor, key string, in BatchInput) (BatchView, error) {
	to, err := model.ParseDate("period_to", in.PeriodTo)
	if err != nil {
		return BatchView{}, err
	}
	view, err := model.Once(ctx, s.db, actor, key, map[string]any{"make_batch": in}, func(tx *gorm.DB) (BatchView, error) {
		now := s.db.Now()
		if to > model.DateOf(now) {
			return BatchView{}, model.Invalid("period_to", "截止日期不能晚于今天")
		}
		chosen := slices.Sorted(slices.Values(in.SupplierIDs))
		if err := known(tx, chosen); err != nil {
			return BatchView{}, err
		}
		list, err := json.Marshal(append([]model.ID{}, chosen...))
		if err != nil {
			return BatchView{}, err
		}
		b := model.SettlementBatch{ID: s.db.NewID(), UnionID: actor.UnionID, PeriodTo: to, CutAt: earlier(now, to.End()), SuppliersJSON: string(list), Status: batchPreparing,
			Note: strings.TrimSpace(in.Note), MadeBy: actor.ID, MadeAt: now, UpdatedAt: now}
		if err := tx.Create(&b).Error; err != nil {
			return BatchView{}, err
		}
		if err := s.db.Audit(tx, actor, now, "settlement.make", batchObject(b.ID), b.UnionID, map[string]any{"period_to": to, "chosen": len(chosen)}); err != nil {
			return BatchView{}, err
		}
		if err := s.jobs.Enqueue(tx, jobMake, b.ID); err != nil {
			return BatchView{}, err
		}
		return batchView(tx, b)
	})
	s.jobs.Wake()
	return view, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func known(tx *gorm.DB, suppliers []model.ID) error {
	var n int64
	err := tx.Model(&model.Supplier{}).Where("id IN ?", suppliers).Count(&n).Error
	if err == nil && n != int64(len(suppliers)) {
		return model.Invalid("supplier_ids", "有供应商不存在，请重新选择")
	}
	return err
}

// ConfirmBatch lets a draft be paid. Errors: CodeSamePerson for the one who made it; CodeConflict if it is no draft, or if the
// bank account of a supplier in it was changed since. It locks the batch.
func (s *Service) ConfirmBatch(ctx context.Context, actor model.Actor, key string, id model.ID, note string) (BatchView, error) {
	return model.Once(ctx, s.db, actor, key, map[string]any{"confirm_batch": id, "note": note}, func(tx *gorm.DB) (BatchView, error) {
		now := s.db.Now()
		var b model.SettlementBatch
		if err := lock(tx, &b, id, "结算批次"); err != nil {
			return BatchView{}, err
		}
		if b.MadeBy == actor.ID {
			return BatchView{}, model.E(model.CodeSamePerson, "这个批次由您制单，须由另一个人确认")
		}
		if err := accountsUnchanged(tx, id); err != nil {
			return BatchView{}, err
		}
		res := tx.Model(&model.SettlementBatch{}).Where("id = ? AND status = ?", id, batchDraft).
			UpdateColumns(map[string]any{"status": batchConfirmed, "confirmed_by": actor.ID, "confirmed_at": now, "updated_at": now})
		if err := one(res, "只有待确认的批次可以确认，请刷新"); err != nil {
			return BatchView{}, err
		}
		if err := s.db.Audit(tx, actor, now, "settlement.confirm", batchObject(id), b.UnionID, map[string]any{"total_fen": b.TotalFen, "settlements": b.Settlements, "note": note}); err != nil {
			return BatchView{}, err
		}
		return readBatch(tx, id)
	})
}

// accountsUnchanged refuses a batch with an account that is not the supplier's confirmed one any more.
func accountsUnchanged(tx *gorm.DB, batch model.ID) error {
	var names []string
	err := tx.Raw("SELECT s.name FROM settlements x JOIN supplier_bank_accounts a ON a.id = x.bank_account_id JOIN suppliers s ON s.id = x.supplier_id "+
		"WHERE x.batch_id = ? AND x.status = 'open' AND a.status <> 'confirmed' ORDER BY s.id LIMIT 3", batch).Scan(&names).Error
	if err == nil && len(names) > 0 {
		return model.E(model.CodeConflict, "制单后收款账户有变更：%s，请取消本批次重新制单", strings.Join(names, "、"))
	}
	return err
}

// CancelBatch gives up a batch that was not confirmed yet; everything in it is free for the next one. Errors: CodeInvalid
// without a reason; CodeConflict once it was confirmed. It locks the batch.
func (s *Service) CancelBatch(ctx context.Context, actor model.Actor, id model.ID, reason string) (view BatchView, err error) {
	if reason, err = reasonText(reason, "取消原因"); err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.cancel(tx, actor, id, reason); err != nil {
			return err
		}
		view, err = readBatch(tx, id)
		return err
	})
	return view, err
}

func (s *Service) cancel(tx *gorm.DB, actor model.Actor, id model.ID, reason string) error {
	now := s.db.Now()
	var b model.SettlementBatch
	if err := lock(tx, &b, id, "结算批次"); err != nil {
		return err
	}
	res := tx.Model(&model.SettlementBatch{}).Where("id = ? AND status IN ?", id, []string{batchPreparing, batchDraft}).
		UpdateColumns(map[string]any{"status": batchCancelled, "stop_reason": reason, "closed_at": now, "updated_at": now})
	if err := one(res, "批次已经确认或已经取消，不能取消"); err != nil {
		return err
	}
	var ids []model.ID
	if err := tx.Model(&model.Settlement{}).Where("batch_id = ? AND status = ?", id, open).Pluck("id", &ids).Error; err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, 500) {
		if err := free(tx, chunk); err != nil {
			return err
		}
	}
	err := tx.Model(&model.Settlement{}).Where("batch_id = ? AND status = ?", id, open).UpdateColumns(map[string]any{"status": cancelled, "updated_at": now}).Error
	if err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "settlement.cancel", batchObject(id), b.UnionID, map[string]any{"total_fen": b.TotalFen, "reason": reason})
}

// free lets the items of settlements be taken by another; the rows stay as history.
func free(tx *gorm.DB, settlements []model.ID) error {
	return tx.Model(&model.SettlementItem{}).Where("settlement_id IN ?", settlements).UpdateColumn("live_transfer_id", nil).Error
}
