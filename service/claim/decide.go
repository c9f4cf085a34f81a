package claim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/limit"
	"bangfu/service/tally"
)

// Withdraw takes a claim back that is not decided yet; its bill may then be entered anew. CodeConflict if it was decided.
func (s *Service) Withdraw(ctx context.Context, actor model.Actor, id model.ID) (View, error) {
	return s.decide(ctx, actor, id, "撤回", func(c *model.Claim, now time.Time) (string, map[string]any, error) {
		c.Status, c.LiveInvoice, c.UpdatedAt = StatusWithdrawn, nil, now
		return "claim.withdraw", map[string]any{"status": c.Status, "live_invoice": nil, "updated_at": now}, nil
	})
}

// Reject refuses an entered claim with a reason; its bill may then be entered anew. Errors: CodeSamePerson for the one who entered
// it, CodeConflict if it was decided.
func (s *Service) Reject(ctx context.Context, actor model.Actor, id model.ID, note string) (View, error) {
	return s.decide(ctx, actor, id, "退回", func(c *model.Claim, now time.Time) (string, map[string]any, error) {
		if err := another(*c, actor, "审批"); err != nil {
			return "", nil, err
		}
		c.Status, c.LiveInvoice, c.DecidedBy, c.DecidedAt, c.DecisionNote, c.UpdatedAt = StatusRejected, nil, &actor.ID, &now, note, now
		return "claim.reject", map[string]any{"status": c.Status, "live_invoice": nil, "decided_by": actor.ID, "decided_at": now, "decision_note": note, "updated_at": now}, nil
	})
}

// decide moves an entered claim, as settle says, without touching money.
func (s *Service) decide(ctx context.Context, actor model.Actor, id model.ID, act string,
	settle func(*model.Claim, time.Time) (action string, set map[string]any, err error)) (view View, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		c, err := find(tx, id)
		if err != nil {
			return err
		}
		if c.Status != StatusEntered {
			return notInState(c.Status, act)
		}
		action, set, err := settle(&c, now)
		if err != nil {
			return err
		}
		if err := move(tx, c, StatusEntered, act, set); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, action, object(id), c.UnionID, map[string]any{"amount_fen": c.AmountFen, "version": c.Version, "note": c.DecisionNote}); err != nil {
			return err
		}
		view, err = viewOf(tx, c)
		return err
	})
	return view, err
}

// another refuses, with CodeSamePerson, the one who entered the claim.
func another(c model.Claim, actor model.Actor, act string) error {
	if c.EnteredBy == actor.ID {
		return model.E(model.CodeSamePerson, "这笔采购由您登记，须由另一个人%s", act)
	}
	return nil
}

// Approve makes an entered claim count from now on, in the version that was looked at. Errors: CodeSamePerson for the one who entered
// it; CodeConflict if it was decided or corrected meanwhile; CodeNoPolicy; CodeCapExceeded, with OverCap as data, if
// any listed person would exceed the yearly cap of the extra purse; CodeLimitExceeded for holiday money, see limit.Check, whose warnings
// the answer carries. It locks the union (holiday money only), the policy, the festival fund or the persons' caps, then the claim.
func (s *Service) Approve(ctx context.Context, actor model.Actor, key string, id model.ID, version int, note string) (View, error) {
	content := map[string]any{"approve_claim": id, "version": version, "note": note}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (View, error) {
		now := s.db.Now()
		c, err := find(tx, id)
		if err != nil {
			return View{}, err
		}
		switch {
		case c.Status != StatusEntered:
			return View{}, notInState(c.Status, "审批")
		case c.Version != version:
			return View{}, changed("审批")
		}
		if err := another(c, actor, "审批"); err != nil {
			return View{}, err
		}
		warnings, err := s.mayCount(tx, actor, c, now)
		if err != nil {
			return View{}, err
		}
		if err := move(tx, c, StatusEntered, "审批", map[string]any{"status": StatusApproved, "decided_by": actor.ID, "decided_at": now, "decision_note": note,
			"counted_at": now, "updated_at": now}); err != nil {
			return View{}, err
		}
		if err := tally.Write(tx, s.db, tally.Claimed(s.db, c, 1, now)); err != nil {
			return View{}, err
		}
		c.Status, c.DecidedBy, c.DecidedAt, c.DecisionNote, c.CountedAt, c.UpdatedAt = StatusApproved, &actor.ID, &now, note, &now, now
		if err := s.db.Audit(tx, actor, now, "claim.approve", object(id), c.UnionID, map[string]any{"amount_fen": c.AmountFen, "version": c.Version, "note": note}); err != nil {
			return View{}, err
		}
		view, err := viewOf(tx, c)
		view.Warnings = warnings
		return view, err
	})
}

// mayCount checks what may have changed since the claim was entered, holds it against the limits on holiday gifts and raises the
// listed persons' caps.
func (s *Service) mayCount(tx *gorm.DB, actor model.Actor, c model.Claim, now time.Time) (warnings []string, err error) {
	if c.Purse == model.PurseFestival { // limit.Check locks the union, which comes before the policy
		if err := locked(tx).Select("id").Where("id = ?", c.UnionID).Take(&model.Union{}).Error; err != nil {
			return nil, err
		}
	}
	policy, err := checkYear(locked(tx), tx, c.PurchasedOn, now)
	if err != nil {
		return nil, err
	}
	warnings, err = limit.Check(tx, s.db, actor, limit.Spending{UnionID: c.UnionID, Year: c.Year, Purse: c.Purse, Amount: c.AmountFen, Object: object(c.ID)})
	if err != nil {
		return nil, err
	}
	return warnings, s.countPersons(tx, c, policy)
}

// countPersons checks the channel and the persons' shares again, and raises the listed persons' caps.
func (s *Service) countPersons(tx *gorm.DB, c model.Claim, policy model.Policy) error {
	if err := checkChannel(tx, c.ChannelID); err != nil {
		var shown *model.Error
		if errors.As(err, &shown) {
			return model.E(model.CodeConflict, "%s，不能通过", shown.Message)
		}
		return err
	}
	var persons []model.ClaimPerson
	if err := tx.Where("claim_id = ?", c.ID).Order("person_id").Find(&persons).Error; err != nil {
		return err
	}
	if err := checkCap(c, persons, policy); err != nil || !c.Listed || !c.Purse.Capped() {
		return err
	}
	return s.raiseCaps(tx, c, persons, policy)
}

// OverCap goes with the error about persons over the cap, as its data.
type OverCap struct {
	OverCap int       `json:"over_cap"` // how many in all
	CapFen  model.Fen `json:"cap_fen"`
}

// maxNamed bounds the persons that an error names.
const maxNamed = 10

func (s *Service) raiseCaps(tx *gorm.DB, c model.Claim, persons []model.ClaimPerson, policy model.Policy) error {
	granted, err := ledger.LockCaps(tx, s.db, c.Year, personIDs(persons))
	if err != nil {
		return err
	}
	var over []model.ClaimPerson
	for _, p := range persons {
		if granted[p.PersonID]+p.AmountFen > policy.CapFen {
			over = append(over, p)
		}
	}
	if len(over) > 0 {
		return overCap(tx, over, granted, policy)
	}
	return ledger.ShiftCaps(tx, c.Year, sharesOf(persons, 1), policy.CapFen)
}

func overCap(tx *gorm.DB, over []model.ClaimPerson, granted map[model.ID]model.Fen, policy model.Policy) error {
	some := over[:min(len(over), maxNamed)]
	ids := make([]model.ID, len(some))
	for i, p := range some {
		ids[i] = p.MemberID
	}
	var members []model.Member
	if err := tx.Select("id", "name").Where("id IN ?", ids).Find(&members).Error; err != nil {
		return err
	}
	names := make(map[model.ID]string, len(members))
	for _, m := range members {
		names[m.ID] = m.Name
	}
	told := make([]string, len(some))
	for i, p := range some {
		told[i] = fmt.Sprintf("%s（已计 %s 元，本次 %s 元）", model.MaskName(names[p.MemberID]), granted[p.PersonID].Yuan(), p.AmountFen.Yuan())
	}
	list := strings.Join(told, "、")
	if len(over) > len(some) {
		list += "等"
	}
	e := model.E(model.CodeCapExceeded, "有 %d 人会超过每人每年 %s 元的上限，不能通过：%s", len(over), policy.CapFen.Yuan(), list)
	e.Data = OverCap{len(over), policy.CapFen}
	return e
}

func personIDs(persons []model.ClaimPerson) []model.ID {
	ids := make([]model.ID, len(persons))
	for i, p := range persons {
		ids[i] = p.PersonID
	}
	return ids
}

// sharesOf is each person's share, times sign.
func sharesOf(persons []model.ClaimPerson, sign model.Fen) map[model.ID]model.Fen {
	shares := make(map[model.ID]model.Fen, len(persons))
	for _, p := range persons {
		shares[p.PersonID] += sign * p.AmountFen
	}
	return shares
}

// Revoke takes an approved claim that was found wrong off again: from now on, as a refund does, so that submitted forms never
// change. Its bill may then be entered anew. Errors: CodeSamePerson for the one who entered it, CodeConflict if it does not
// count (any more). It locks the persons' caps, then the claim.
func (s *Service) Revoke(ctx context.Context, actor model.Actor, key string, id model.ID, reason string) (View, error) {
	content := map[string]any{"revoke_claim": id, "reason": reason}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (View, error) {
		now := s.db.Now()
		c, err := find(tx, id)
		if err != nil {
			return View{}, err
		}
		if c.Status != StatusApproved {
			return View{}, notInState(c.Status, "撤销")
		}
		if err := another(c, actor, "撤销"); err != nil {
			return View{}, err
		}
		if now.Before(*c.CountedAt) { // by another machine's clock
			now = *c.CountedAt
		}
		if err := s.lowerCaps(tx, c); err != nil {
			return View{}, err
		}
		if err := move(tx, c, StatusApproved, "撤销", map[string]any{"status": StatusRevoked, "live_invoice": nil, "revoked_by": actor.ID, "revoked_at": now,
			"revoke_reason": reason, "updated_at": now}); err != nil {
			return View{}, err
		}
		if err := tally.Write(tx, s.db, tally.Claimed(s.db, c, -1, now)); err != nil {
			return View{}, err
		}
		c.Status, c.LiveInvoice, c.RevokedBy, c.RevokedAt, c.RevokeReason, c.UpdatedAt = StatusRevoked, nil, &actor.ID, &now, reason, now
		if err := s.db.Audit(tx, actor, now, "claim.revoke", object(id), c.UnionID, map[string]any{"amount_fen": c.AmountFen, "reason": reason}); err != nil {
			return View{}, err
		}
		return viewOf(tx, c)
	})
}

func (s *Service) lowerCaps(tx *gorm.DB, c model.Claim) error {
	if !c.Listed || !c.Purse.Capped() {
		return nil
	}
	var persons []model.ClaimPerson
	if err := tx.Where("claim_id = ?", c.ID).Order("person_id").Find(&persons).Error; err != nil {
		return err
	}
	if _, err := ledger.LockCaps(tx, s.db, c.Year, personIDs(persons)); err != nil {
		return err
	}
	return ledger.ShiftCaps(tx, c.Year, sharesOf(persons, -1), 0)
}
