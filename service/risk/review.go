package risk

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// UnionRef names a union.
type UnionRef struct {
	ID   model.ID `json:"id"`
	Name string   `json:"name"`
}

// FigureView is one number that fired a rule.
type FigureView struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Value int64  `json:"value"` // of …_fen fen, of …_x10 tenths
	Text  string `json:"text"`  // with its unit
}

// SignalView is one signal, as it is listed.
type SignalView struct {
	ID           model.ID     `json:"id"`
	Rule         string       `json:"rule"`
	Title        string       `json:"title"`
	Basis        string       `json:"basis"` // the rule in one sentence, as it was when it fired
	SubjectType  string       `json:"subject_type"`
	SubjectID    *model.ID    `json:"subject_id"`   // null: an address or a device
	SubjectName  string       `json:"subject_name"` // masked
	Union        UnionRef     `json:"union"`        // the lowest union that holds all it is about
	SupplierID   *model.ID    `json:"supplier_id"`
	Figures      []FigureView `json:"figures"`
	Score        int          `json:"score"`
	Status       string       `json:"status"`
	Version      int          `json:"version"`
	FirstAt      time.Time    `json:"first_at"`
	LastAt       time.Time    `json:"last_at"`
	ReviewedBy   *model.Ref   `json:"reviewed_by"`
	ReviewedAt   *time.Time   `json:"reviewed_at"`
	ReviewedSize *int64       `json:"reviewed_size"` // what the rule counted then; null: not reviewed yet
	ReviewNote   string       `json:"review_note"`
	CreatedAt    time.Time    `json:"created_at"`
	UpdatedAt    time.Time    `json:"updated_at"`
}

// SignalDetail is a signal with what it means and what it rests on.
type SignalDetail struct {
	SignalView
	Explanation string       `json:"explanation"`
	Innocent    string       `json:"innocent"` // what it is when nothing is wrong
	Notice      string       `json:"notice"`   // that it blocks nothing
	Evidence    EvidenceView `json:"evidence"`
}

// Filter chooses signals; empty fields choose all.
type Filter struct {
	Rule   string
	Status string
}

// Notice says what a signal is not.
const Notice = "风险信号只提示人工核对，不代表有违规，也不会停用账号、额度，不影响任何订单和资金。"

// Signals lists the signals of the actor's subtree, newest first.
func (s *Service) Signals(ctx context.Context, actor model.Actor, f Filter, page model.Page) (list model.List[SignalView], err error) {
	q := s.db.Read(ctx).Where("union_id IN (SELECT u.id FROM unions u WHERE u.path LIKE ?)", actor.UnionPath+"%")
	if f.Rule != "" {
		if _, ok := ruleOf(f.Rule); !ok {
			return list, model.Invalid("rule", "没有这条风险规则")
		}
		q = q.Where("rule = ?", f.Rule)
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.RiskSignal
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return list, err
	}
	views, err := s.views(s.db.Read(ctx), actor, rows)
	return model.NewList(views, page, func(v SignalView) model.ID { return v.ID }, func(v SignalView) SignalView { return v }), err
}

// Signal is one signal with its evidence: of what it rests on, that which lies in the actor's subtree.
func (s *Service) Signal(ctx context.Context, actor model.Actor, id model.ID) (SignalDetail, error) {
	return s.detail(s.db.Read(ctx), actor, id)
}

func (s *Service) detail(tx *gorm.DB, actor model.Actor, id model.ID) (SignalDetail, error) {
	var row model.RiskSignal
	err := tx.Where("id = ?", id).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return SignalDetail{}, model.NotFound("风险信号")
	}
	if err != nil {
		return SignalDetail{}, err
	}
	views, err := s.views(tx, actor, []model.RiskSignal{row})
	if err != nil {
		return SignalDetail{}, err
	}
	d := SignalDetail{SignalView: views[0], Explanation: explain(views[0]), Notice: Notice}
	if r, ok := ruleOf(row.Rule); ok {
		d.Innocent = r.innocent
	}
	d.Evidence, err = readEvidence(tx, actor, row)
	return d, err
}

// explain says in words which rule fired and with which figures.
func explain(v SignalView) string {
	text := "规则：" + v.Basis + "。实际："
	for i, f := range v.Figures {
		if i > 0 {
			text += "，"
		}
		text += f.Label + " " + f.Text
	}
	return text + "。"
}

// ReviewInput is what somebody found when they looked.
type ReviewInput struct {
	Verdict string `json:"verdict" check:"required,oneof=confirmed dismissed"`
	Note    string `json:"note" check:"required,max=500"`
	Version int    `json:"version" check:"min=1"` // of the signal that was looked at
}

// Review records what somebody found of a signal; it changes nothing else. A verdict may be changed by another review. Errors: CodeNotFound;
// CodeConflict when the signal has changed since it was looked at.
func (s *Service) Review(ctx context.Context, actor model.Actor, id model.ID, in ReviewInput) (d SignalDetail, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var row model.RiskSignal
		err := tx.Where("id = ?", id).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("风险信号")
		}
		if err != nil {
			return err
		}
		now := s.db.Now()
		res := tx.Model(&model.RiskSignal{}).Where("id = ? AND version = ?", id, in.Version).UpdateColumns(map[string]any{"status": in.Verdict, "version": in.Version + 1,
			"reviewed_size": gorm.Expr("size"), "reviewed_by": actor.ID, "reviewed_at": now, "review_note": in.Note, "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "这条风险信号的情况有变化，或已由他人核查，请刷新后再核查")
		}
		action := map[string]string{StatusConfirmed: "risk.confirm", StatusDismissed: "risk.dismiss"}[in.Verdict]
		if err := s.db.Audit(tx, actor, now, action, ref(id), row.UnionID, map[string]any{"rule": row.Rule, "size": row.Size, "was": row.Status, "note": in.Note}); err != nil {
			return err
		}
		d, err = s.detail(tx, actor, id)
		return err
	})
	return d, err
}
