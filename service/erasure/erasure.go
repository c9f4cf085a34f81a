// Package erasure erases a person by law's demand: what names or finds the person goes, what the books rest on stays under a pseudonym.
// docs/privacy.md lists every column; docs/adr/0020-erasing-a-person.md says why.
package erasure

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/job"
	"bangfu/service/union"
)

// The states of a demand.
const (
	StatusRequested = "requested" // by the member; the federation has to draft
	StatusDrafted   = "drafted"   // a second person has to approve
	StatusApproved  = "approved"  // being erased
	StatusBlocked   = "blocked"   // something came up meanwhile; it may be approved again or rejected
	StatusDone      = "done"
	StatusRejected  = "rejected"
	StatusWithdrawn = "withdrawn"
)

const jobErase = "erasure.run"

// Service is the use cases of erasing a person.
type Service struct {
	db     *model.DB
	sealer *model.Sealer
	files  *files.Service
	unions *union.Service
	jobs   *job.Runner
}

// New makes the service and tells the runner what it does.
func New(db *model.DB, sealer *model.Sealer, store *files.Service, unions *union.Service, jobs *job.Runner) *Service {
	s := &Service{db: db, sealer: sealer, files: store, unions: unions, jobs: jobs}
	jobs.Handle(jobErase, s.run, s.failed)
	return s
}

// Demand is a demand as the console sees it.
type Demand struct {
	ID           model.ID   `json:"id"`
	Union        model.Ref  `json:"union"`
	ByMember     bool       `json:"by_member"`     // asked in the mini-program
	WaiveBalance bool       `json:"waive_balance"` // what is left of the year may go back to the union
	Reason       string     `json:"reason"`
	Status       string     `json:"status"`
	RequestedAt  time.Time  `json:"requested_at"`
	DraftedBy    *model.Ref `json:"drafted_by"`
	DraftedAt    *time.Time `json:"drafted_at"`
	DecidedBy    *model.Ref `json:"decided_by"`
	DecidedAt    *time.Time `json:"decided_at"`
	DecisionNote string     `json:"decision_note"`
	Problem      string     `json:"problem"` // why it is blocked
	FinishedAt   *time.Time `json:"finished_at"`
	Obstacles    []string   `json:"obstacles"` // what stands against it now, while it is open; empty in lists
}

// Mine is a demand as its member sees it.
type Mine struct {
	Status       string     `json:"status"` // none: nothing was asked
	WaiveBalance bool       `json:"waive_balance"`
	RequestedAt  *time.Time `json:"requested_at"`
	Note         string     `json:"note"`      // rejected: why
	Obstacles    []string   `json:"obstacles"` // what has to be settled first
}

// Mine tells the member how its last demand stands, and what stands against one.
func (s *Service) Mine(ctx context.Context, actor model.Actor) (Mine, error) {
	tx := s.db.Read(ctx)
	var last []model.Erasure
	if err := tx.Where("person_id = ?", actor.ID).Order("id DESC").Limit(1).Find(&last).Error; err != nil {
		return Mine{}, err
	}
	m := Mine{Status: "none"}
	if len(last) > 0 {
		e := last[0]
		m = Mine{Status: e.Status, WaiveBalance: e.WaiveBalance, RequestedAt: &e.RequestedAt}
		if e.Status == StatusRejected {
			m.Note = e.DecisionNote
		}
	}
	var err error
	m.Obstacles, err = obstacles(tx, actor.ID, m.WaiveBalance)
	return m, err
}

// Request is the member's own demand; asking again only changes waive as long as nobody has taken it up. Errors: CodeConflict.
func (s *Service) Request(ctx context.Context, actor model.Actor, waive bool) (Mine, error) {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		open, err := openOf(tx, actor.ID)
		if err != nil {
			return err
		}
		if open != nil {
			res := tx.Model(&model.Erasure{}).Where("id = ? AND status = ?", open.ID, StatusRequested).UpdateColumns(map[string]any{"waive_balance": waive, "updated_at": now})
			if res.Error == nil && res.RowsAffected == 0 {
				return model.E(model.CodeConflict, "您的注销申请正在办理，不能再改动")
			}
			return res.Error
		}
		m, err := membership(tx, actor.ID)
		if err != nil {
			return err
		}
		e := model.Erasure{ID: s.db.NewID(), PersonID: actor.ID, OpenPersonID: &actor.ID, UnionID: m.UnionID, ByMember: true, WaiveBalance: waive,
			Status: StatusRequested, RequestedAt: now, UpdatedAt: now}
		if err := tx.Create(&e).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "erasure.request", ref(e.ID), e.UnionID, map[string]any{"waive_balance": waive})
	})
	if model.Duplicate(err) { // a double tap
		err = nil
	}
	if err != nil {
		return Mine{}, err
	}
	return s.Mine(ctx, actor)
}

// Withdraw takes the member's demand back that has not been approved yet. Errors: CodeConflict.
func (s *Service) Withdraw(ctx context.Context, actor model.Actor) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		e, err := openOf(tx, actor.ID)
		if err != nil {
			return err
		}
		if e == nil {
			return model.E(model.CodeConflict, "没有可以撤回的注销申请")
		}
		now := s.db.Now()
		if err := move(tx, e.ID, []string{StatusRequested, StatusDrafted}, map[string]any{"status": StatusWithdrawn, "open_person_id": nil, "updated_at": now}); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "erasure.withdraw", ref(e.ID), e.UnionID, nil)
	})
}

// Draft takes up the demand of a member's person, or enters one that was made on paper, with a reason that names nobody. Errors: CodeConflict if
// one is being decided or the person is erased already.
func (s *Service) Draft(ctx context.Context, actor model.Actor, member model.ID, waive bool, reason string) (view Demand, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		var m model.Member
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&m, member).Error; err != nil {
			return err
		}
		e, err := openOf(tx, m.PersonID)
		if err != nil {
			return err
		}
		draft := map[string]any{"status": StatusDrafted, "reason": reason, "drafted_by": actor.ID, "drafted_at": now, "updated_at": now}
		if e == nil {
			if m.Name == model.ErasedName && m.PhoneHash == "" {
				return model.E(model.CodeConflict, "此人的个人信息已经删除")
			}
			e = &model.Erasure{ID: s.db.NewID(), PersonID: m.PersonID, OpenPersonID: &m.PersonID, UnionID: m.UnionID, WaiveBalance: waive, Status: StatusRequested, RequestedAt: now, UpdatedAt: now}
			if err := tx.Create(e).Error; err != nil {
				return err
			}
		}
		if !e.ByMember { // what the member itself said about its money stays
			draft["waive_balance"] = waive
		}
		if err := move(tx, e.ID, []string{StatusRequested, StatusDrafted}, draft); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "erasure.draft", ref(e.ID), e.UnionID, map[string]any{"reason": reason, "by_member": e.ByMember}); err != nil {
			return err
		}
		view, err = s.view(tx, e.ID)
		return err
	})
	return view, err
}

// Approve lets a second person have a drafted demand carried out. The WeChat account is unbound and its sessions end at once; the rest
// follows in the background. Errors: CodeSamePerson; CodeConflict with what stands against it.
func (s *Service) Approve(ctx context.Context, actor model.Actor, id model.ID, note string) (view Demand, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		e, err := s.deciding(tx, actor, id)
		if err != nil {
			return err
		}
		found, err := obstacles(tx, e.PersonID, e.WaiveBalance)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return blocked(found)
		}
		account, err := unbind(tx, now, e)
		if err != nil {
			return err
		}
		if err := move(tx, id, []string{StatusDrafted, StatusBlocked}, map[string]any{"status": StatusApproved, "account_id": account, "decided_by": actor.ID, "decided_at": now,
			"decision_note": note, "problem": "", "updated_at": now}); err != nil {
			return err
		}
		if err := s.jobs.Enqueue(tx, jobErase, id); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "erasure.approve", ref(id), e.UnionID, map[string]any{"note": note}); err != nil {
			return err
		}
		view, err = s.view(tx, id)
		return err
	})
	if err == nil {
		s.jobs.Wake()
	}
	return view, err
}

// Reject refuses a demand with a reason. Errors: CodeSamePerson, CodeConflict.
func (s *Service) Reject(ctx context.Context, actor model.Actor, id model.ID, note string) (view Demand, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		e, err := s.deciding(tx, actor, id)
		if err != nil {
			return err
		}
		if err := move(tx, id, []string{StatusRequested, StatusDrafted, StatusBlocked}, map[string]any{"status": StatusRejected, "open_person_id": nil, "decided_by": actor.ID,
			"decided_at": now, "decision_note": note, "updated_at": now}); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "erasure.reject", ref(id), e.UnionID, map[string]any{"note": note}); err != nil {
			return err
		}
		view, err = s.view(tx, id)
		return err
	})
	return view, err
}

// deciding reads a demand that somebody else than the actor drafted.
func (s *Service) deciding(tx *gorm.DB, actor model.Actor, id model.ID) (e model.Erasure, err error) {
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&e, id).Error; err != nil {
		return e, err
	}
	if e.DraftedBy != nil && *e.DraftedBy == actor.ID {
		return e, model.E(model.CodeSamePerson, "这项注销由您提请，须由另一个人审批")
	}
	return e, nil
}

// unbind takes the person's WeChat account off and ends its sessions; it returns the account, or the one of an earlier approval.
func unbind(tx *gorm.DB, now time.Time, e model.Erasure) (*model.ID, error) {
	var account model.WechatAccount
	err := tx.Where("person_id = ?", e.PersonID).Take(&account).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return e.AccountID, nil
	}
	if err != nil {
		return nil, err
	}
	if err := tx.Model(&model.WechatAccount{}).Where("id = ?", account.ID).UpdateColumn("person_id", nil).Error; err != nil {
		return nil, err
	}
	return &account.ID, tx.Model(&model.Session{}).Where("audience = 'member' AND subject_id = ? AND revoked_at IS NULL", account.ID).UpdateColumn("revoked_at", now).Error
}

func ref(id model.ID) string { return "erasure:" + id.String() }

func openOf(tx *gorm.DB, person model.ID) (*model.Erasure, error) {
	var rows []model.Erasure
	err := tx.Where("open_person_id = ?", person).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// membership is the person's active membership, or its last one.
func membership(tx *gorm.DB, person model.ID) (m model.Member, err error) {
	err = tx.Where("person_id = ?", person).Order("CASE status WHEN 'active' THEN 0 ELSE 1 END, id DESC").Limit(1).Take(&m).Error
	return m, err
}

// move changes a demand that is in one of the states. Else it is CodeConflict.
func move(tx *gorm.DB, id model.ID, from []string, set map[string]any) error {
	res := tx.Model(&model.Erasure{}).Where("id = ? AND status IN ?", id, from).UpdateColumns(set)
	if res.Error == nil && res.RowsAffected == 0 {
		return model.E(model.CodeConflict, "这项注销申请的状态已变，请刷新后再试")
	}
	return res.Error
}
