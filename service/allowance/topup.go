package allowance

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// TopupView is money put into a fund, as it is shown.
type TopupView struct {
	ID             model.ID    `json:"id"`
	UnionID        model.ID    `json:"union_id"`
	FundID         model.ID    `json:"fund_id"`
	Purse          model.Purse `json:"purse"`
	PurseName      string      `json:"purse_name"`
	Year           model.Year  `json:"year"`
	AmountFen      model.Fen   `json:"amount_fen"`
	EvidenceNo     string      `json:"evidence_no"`
	EvidenceFileID *model.ID   `json:"evidence_file_id"`
	Note           string      `json:"note"`
	Status         string      `json:"status"` // entered | confirmed | rejected
	EnteredBy      model.Ref   `json:"entered_by"`
	EnteredAt      time.Time   `json:"entered_at"`
	DecidedBy      *model.Ref  `json:"decided_by"`
	DecidedAt      *time.Time  `json:"decided_at"`
	DecisionNote   string      `json:"decision_note"`
}

// TopupInput is a top-up as it is entered. EvidenceNo is the number of the bank voucher.
type TopupInput struct {
	Purse          model.Purse `json:"purse" check:"required,oneof=extra festival hardship activity"`
	Year           model.Year  `json:"year" check:"required,min=2000,max=2100"`
	AmountFen      model.Fen   `json:"amount_fen" check:"min=1,max=10000000000"`
	EvidenceNo     string      `json:"evidence_no" check:"required,max=80"`
	EvidenceFileID *model.ID   `json:"evidence_file_id"`
	Note           string      `json:"note" check:"max=200"`
}

// EnterTopup enters money that a union put into its fund, with its evidence. It counts once another person has confirmed
// it. Errors: CodeNoPolicy for a year without a policy in force, CodeConflict if the union's voucher was entered before.
func (s *Service) EnterTopup(ctx context.Context, actor model.Actor, key string, unionID model.ID, in TopupInput) (TopupView, error) {
	if in.EvidenceNo = strings.TrimSpace(in.EvidenceNo); in.EvidenceNo == "" {
		return TopupView{}, model.Invalid("evidence_no", "请填写凭证号")
	}
	content := map[string]any{"enter_topup": unionID, "in": in}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (TopupView, error) {
		now := s.db.Now()
		if _, err := OpenUnion(tx, unionID); err != nil {
			return TopupView{}, err
		}
		if _, err := OpenPolicy(tx, in.Year, now); err != nil {
			return TopupView{}, err
		}
		if err := checkEvidence(tx, unionID, in.EvidenceFileID); err != nil {
			return TopupView{}, err
		}
		fund, err := s.EnsureFund(tx, unionID, in.Purse, in.Year)
		if err != nil {
			return TopupView{}, err
		}
		t := model.Topup{ID: s.db.NewID(), FundID: fund.ID, UnionID: unionID, AmountFen: in.AmountFen, EvidenceNo: in.EvidenceNo, LiveEvidenceNo: &in.EvidenceNo,
			EvidenceFileID: in.EvidenceFileID, Note: in.Note, Status: "entered", EnteredBy: actor.ID, EnteredAt: now}
		if err := tx.Create(&t).Error; err != nil {
			if model.Duplicate(err) {
				err = voucherUsed(in.EvidenceNo)
			}
			return TopupView{}, err
		}
		detail := map[string]any{"amount_fen": in.AmountFen, "purse": in.Purse, "year": in.Year, "evidence_no": in.EvidenceNo}
		if err := s.db.Audit(tx, actor, now, "topup.enter", "topup:"+t.ID.String(), unionID, detail); err != nil {
			return TopupView{}, err
		}
		return topupView(tx, t)
	})
}

func voucherUsed(no string) error {
	e := model.E(model.CodeConflict, "凭证号“%s”已经登记过，同一张凭证不能入账两次", no)
	e.Fields = []model.Field{{Name: "evidence_no", Message: e.Message}}
	return e
}

// checkEvidence refuses a file that is not evidence uploaded for this union.
func checkEvidence(tx *gorm.DB, unionID model.ID, fileID *model.ID) error {
	if fileID == nil {
		return nil
	}
	var n int64
	err := tx.Model(&model.File{}).Where("id = ? AND union_id = ? AND kind = 'evidence'", *fileID, unionID).Count(&n).Error
	if err == nil && n == 0 {
		return model.Invalid("evidence_file_id", "凭证文件不存在，请重新上传")
	}
	return err
}

// ConfirmTopup makes an entered top-up count. Errors: CodeSamePerson for the one who entered it, CodeConflict if it was
// decided already. It locks the fund.
func (s *Service) ConfirmTopup(ctx context.Context, actor model.Actor, key string, id model.ID, note string) (TopupView, error) {
	content := map[string]any{"confirm_topup": id, "note": note}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (TopupView, error) {
		now := s.db.Now()
		t, err := s.decideTopup(tx, actor, id, "confirmed", note, now)
		if err != nil {
			return TopupView{}, err
		}
		var fund model.Fund
		if err := tx.Where("id = ?", t.FundID).Take(&fund).Error; err != nil {
			return TopupView{}, err
		}
		err = ledger.Post(tx, s.db, now, ledger.Movement{Kind: ledger.KindFund, Cause: "topup:" + id.String(), From: ledger.Bank, To: ledger.Fund(fund.ID),
			Amount: t.AmountFen, Purse: fund.Purse, Year: fund.Year, Union: t.UnionID})
		if err != nil {
			return TopupView{}, err
		}
		return topupView(tx, t)
	})
}

// RejectTopup refuses an entered top-up; its voucher may then be entered anew. Errors are those of ConfirmTopup.
func (s *Service) RejectTopup(ctx context.Context, actor model.Actor, id model.ID, note string) (view TopupView, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		t, err := s.decideTopup(tx, actor, id, "rejected", note, s.db.Now())
		if err != nil {
			return err
		}
		view, err = topupView(tx, t)
		return err
	})
	return view, err
}

// decideTopup moves an entered top-up to status, by another person than the one who entered it.
func (s *Service) decideTopup(tx *gorm.DB, actor model.Actor, id model.ID, status, note string, now time.Time) (model.Topup, error) {
	var t model.Topup
	err := tx.Where("id = ?", id).Take(&t).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return t, model.NotFound("经费入账")
	case err != nil:
		return t, err
	case t.EnteredBy == actor.ID:
		return t, model.E(model.CodeSamePerson, "这笔入账由您登记，须由另一个人确认")
	}
	set := map[string]any{"status": status, "decided_by": actor.ID, "decided_at": now, "decision_note": note}
	if status == "rejected" {
		set["live_evidence_no"] = nil
	}
	res := tx.Model(&model.Topup{}).Where("id = ? AND status = 'entered'", id).UpdateColumns(set)
	if res.Error != nil {
		return t, res.Error
	}
	if res.RowsAffected == 0 {
		return t, model.E(model.CodeConflict, "这笔入账已经处理过了，请刷新")
	}
	t.Status, t.DecidedBy, t.DecidedAt, t.DecisionNote = status, &actor.ID, &now, note
	action := map[string]string{"confirmed": "topup.confirm", "rejected": "topup.reject"}[status]
	return t, s.db.Audit(tx, actor, now, action, "topup:"+id.String(), t.UnionID, map[string]any{"amount_fen": t.AmountFen, "note": note})
}

// Topups lists a union's top-ups, the latest first; status may be empty for all.
func (s *Service) Topups(ctx context.Context, unionID model.ID, status string, page model.Page) (model.List[TopupView], error) {
	tx := s.db.Read(ctx)
	q := tx.Where("union_id = ?", unionID)
	if status != "" {
		q = q.Where("status = ?", status)
	}
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.Topup
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[TopupView]{}, err
	}
	views, err := topupViews(tx, rows)
	return model.NewList(views, page, func(v TopupView) model.ID { return v.ID }, func(v TopupView) TopupView { return v }), err
}

func topupView(tx *gorm.DB, t model.Topup) (TopupView, error) {
	views, err := topupViews(tx, []model.Topup{t})
	if err != nil {
		return TopupView{}, err
	}
	return views[0], nil
}

func topupViews(tx *gorm.DB, rows []model.Topup) ([]TopupView, error) {
	var people, fundIDs []model.ID
	for _, t := range rows {
		people, fundIDs = append(people, t.EnteredBy), append(fundIDs, t.FundID)
		if t.DecidedBy != nil {
			people = append(people, *t.DecidedBy)
		}
	}
	names, err := model.NamesOf(tx, &model.Staff{}, people)
	if err != nil {
		return nil, err
	}
	funds, err := fundsByID(tx, fundIDs)
	if err != nil {
		return nil, err
	}
	views := make([]TopupView, len(rows))
	for i, t := range rows {
		f := funds[t.FundID]
		views[i] = TopupView{ID: t.ID, UnionID: t.UnionID, FundID: t.FundID, Purse: f.Purse, PurseName: f.Purse.Name(), Year: f.Year, AmountFen: t.AmountFen,
			EvidenceNo: t.EvidenceNo, EvidenceFileID: t.EvidenceFileID, Note: t.Note, Status: t.Status, EnteredBy: *names.Ref(&t.EnteredBy), EnteredAt: t.EnteredAt,
			DecidedBy: names.Ref(t.DecidedBy), DecidedAt: t.DecidedAt, DecisionNote: t.DecisionNote}
	}
	return views, nil
}
