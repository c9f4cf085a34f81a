package allowance

import (
	"context"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/limit"
)

// ApproveGrant is the second person's consent to a draft. A grant of holiday money is measured against the union's limits with all
// that it asks for. Errors: CodeSamePerson for the one who drafted it, CodeConflict if it is no draft (any more), CodeNoPolicy
// if the year ended meanwhile, CodeLimitExceeded. Holiday money locks the union and its fund.
func (s *Service) ApproveGrant(ctx context.Context, actor model.Actor, key string, id model.ID, note string) (GrantView, error) {
	content := map[string]any{"approve_grant": id, "note": note}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (GrantView, error) {
		g, err := findGrant(tx, id)
		if err != nil {
			return GrantView{}, err
		}
		if _, err := OpenPolicy(tx, g.Year, s.db.Now()); err != nil {
			return GrantView{}, err
		}
		var warnings []string
		if g.Status == grantDraft { // what is not will be turned away below, and may count already
			if warnings, err = limit.Check(tx, s.db, actor, spending(g, g.TotalFen)); err != nil {
				return GrantView{}, err
			}
		}
		view, err := s.decide(tx, actor, g, grantApproved, note)
		view.Warnings = warnings
		return view, err
	})
}

// spending is a grant as it is measured against the limits.
func spending(g model.Grant, fen model.Fen) limit.Spending {
	return limit.Spending{UnionID: g.UnionID, Year: g.Year, Purse: g.Purse, Amount: fen, Object: "grant:" + g.ID.String()}
}

// RejectGrant is the second person's refusal of a draft. Errors are those of ApproveGrant.
func (s *Service) RejectGrant(ctx context.Context, actor model.Actor, id model.ID, note string) (view GrantView, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		g, err := findGrant(tx, id)
		if err != nil {
			return err
		}
		view, err = s.decide(tx, actor, g, grantRejected, note)
		return err
	})
	return view, err
}

func (s *Service) decide(tx *gorm.DB, actor model.Actor, g model.Grant, status, note string) (GrantView, error) {
	if g.CreatedBy == actor.ID {
		return GrantView{}, model.E(model.CodeSamePerson, "这个发放批次由您起草，须由另一个人审批")
	}
	now := s.db.Now()
	res := tx.Model(&model.Grant{}).Where("id = ? AND status = ?", g.ID, grantDraft).
		UpdateColumns(map[string]any{"status": status, "decided_by": actor.ID, "decided_at": now, "decision_note": note, "updated_at": now})
	if res.Error != nil {
		return GrantView{}, res.Error
	}
	if res.RowsAffected == 0 {
		return GrantView{}, notInState(g, "审批")
	}
	action := map[string]string{grantApproved: "grant.approve", grantRejected: "grant.reject"}[status]
	detail := map[string]any{"total_items": g.TotalItems, "total_fen": g.TotalFen, "note": note}
	if err := s.db.Audit(tx, actor, now, action, "grant:"+g.ID.String(), g.UnionID, detail); err != nil {
		return GrantView{}, err
	}
	return freshView(tx, g.ID)
}

// CancelGrant gives up a grant that is not being issued. What was issued of it before it stopped stays issued. Error:
// CodeConflict if it cannot be cancelled (any more).
func (s *Service) CancelGrant(ctx context.Context, actor model.Actor, id model.ID) (view GrantView, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		g, err := findGrant(tx, id)
		if err != nil {
			return err
		}
		now := s.db.Now()
		res := tx.Model(&model.Grant{}).Where("id = ? AND status IN ?", id, []string{grantPreparing, grantDraft, grantApproved}).
			UpdateColumns(map[string]any{"status": grantCancelled, "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return notInState(g, "取消")
		}
		if err := s.db.Audit(tx, actor, now, "grant.cancel", "grant:"+id.String(), g.UnionID, map[string]any{"was": g.Status, "done_items": g.DoneItems}); err != nil {
			return err
		}
		view, err = freshView(tx, id)
		return err
	})
	return view, err
}

// StartGrant begins to issue an approved grant, or takes up one that stopped; the money moves in a job, step by step.
// Holiday money is measured again, since the limits may have changed after the approval. Errors: CodeConflict if it is not approved,
// CodeNoPolicy outside the policy's dates, CodeInsufficientFund if the fund is empty, CodeLimitExceeded. It locks the union, then
// the policy's row, so that the policy stands from here on.
func (s *Service) StartGrant(ctx context.Context, actor model.Actor, key string, id model.ID) (GrantView, error) {
	view, err := model.Once(ctx, s.db, actor, key, map[string]any{"start_grant": id}, func(tx *gorm.DB) (GrantView, error) {
		now := s.db.Now()
		g, err := findGrant(tx, id)
		if err != nil {
			return GrantView{}, err
		}
		if _, err := OpenUnion(tx, g.UnionID); err != nil {
			return GrantView{}, err
		}
		if _, err := LockPolicy(tx, g.Year, now); err != nil {
			return GrantView{}, err
		}
		if err := notEmpty(tx, g.FundID); err != nil {
			return GrantView{}, err
		}
		warnings, err := limit.Check(tx, s.db, actor, spending(g, 0))
		if err != nil {
			return GrantView{}, err
		}
		res := tx.Model(&model.Grant{}).Where("id = ? AND status IN ?", id, []string{grantApproved, grantIssuing}).
			UpdateColumns(map[string]any{"status": grantIssuing, "stop_reason": "", "updated_at": now})
		if res.Error != nil {
			return GrantView{}, res.Error
		}
		if res.RowsAffected == 0 {
			return GrantView{}, notInState(g, "发放")
		}
		if err := s.jobs.Enqueue(tx, jobIssue, id); err != nil {
			return GrantView{}, err
		}
		if err := s.db.Audit(tx, actor, now, "grant.issue", "grant:"+id.String(), g.UnionID, map[string]any{"done_items": g.DoneItems, "total_items": g.TotalItems}); err != nil {
			return GrantView{}, err
		}
		view, err := freshView(tx, id)
		view.Warnings = warnings
		return view, err
	})
	s.jobs.Wake()
	return view, err
}

func notEmpty(tx *gorm.DB, fundID model.ID) error {
	var fund model.Fund
	if err := tx.Where("id = ?", fundID).Take(&fund).Error; err != nil {
		return err
	}
	if fund.BalanceFen == 0 {
		return model.E(model.CodeInsufficientFund, "%d 年度%s经费账户没有余额，请先入账", fund.Year, fund.Purse.Name())
	}
	return nil
}

var grantStates = map[string]string{grantPreparing: "正在生成名单", grantDraft: "待审批", grantApproved: "已审批", grantIssuing: "正在发放", grantIssued: "已发放",
	grantRejected: "已退回", grantCancelled: "已取消"}

func notInState(g model.Grant, act string) error {
	return model.E(model.CodeConflict, "这个发放批次%s，不能%s，请刷新", grantStates[g.Status], act)
}

func freshView(tx *gorm.DB, id model.ID) (GrantView, error) {
	g, err := findGrant(tx, id)
	if err != nil {
		return GrantView{}, err
	}
	return grantView(tx, g)
}
