package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// BindingRequest is a binding waiting in a union's queue, as its admin sees it.
type BindingRequest struct {
	ID           model.ID   `json:"id"`
	Union        UnionName  `json:"union"`
	Name         string     `json:"name"`
	PhoneMasked  string     `json:"phone_masked"`
	Reason       string     `json:"reason"` // why it did not match by itself
	Status       string     `json:"status"` // pending | approved | rejected | withdrawn
	MemberID     *model.ID  `json:"member_id"`
	DecidedBy    *string    `json:"decided_by"` // name of the staff
	DecidedAt    *time.Time `json:"decided_at"`
	DecisionNote string     `json:"decision_note"`
	CreatedAt    time.Time  `json:"created_at"`
}

// BindingCandidate is a member of the union's roster who might be meant, with what agrees. The digits themselves are not
// shown.
type BindingCandidate struct {
	MemberID     model.ID `json:"member_id"`
	Name         string   `json:"name"`
	PhoneMasked  string   `json:"phone_masked"`
	EmployeeNo   string   `json:"employee_no"`
	Department   string   `json:"department"`
	PhoneMatches bool     `json:"phone_matches"`
	NameMatches  bool     `json:"name_matches"`
	IDMatches    bool     `json:"id_matches"` // last six
	Bound        bool     `json:"bound"`      // bound to a WeChat account already
}

// BindingRequestDetail is a request with who might be meant.
type BindingRequestDetail struct {
	BindingRequest
	Candidates []BindingCandidate `json:"candidates"`
}

// maxCandidates bounds how many members are held against one request.
const maxCandidates = 20

type requestRow struct {
	model.BindingRequest
	UnionName string
	StaffName *string
}

func requestRows(tx *gorm.DB) *gorm.DB {
	return tx.Table("binding_requests").Select("binding_requests.*, unions.name AS union_name, staff.name AS staff_name").
		Joins("JOIN unions ON unions.id = binding_requests.union_id").Joins("LEFT JOIN staff ON staff.id = binding_requests.decided_by")
}

// ListBindingRequests lists the queue of a union and the unions below it, oldest first; status may be empty for all.
func (s *Service) ListBindingRequests(ctx context.Context, union model.ID, status string, page model.Page) (model.List[BindingRequest], error) {
	var none model.List[BindingRequest]
	var u model.Union
	if err := s.db.Read(ctx).Take(&u, union).Error; err != nil {
		return none, err
	}
	q := requestRows(s.db.Read(ctx)).Where("unions.path LIKE ? AND binding_requests.id > ?", u.Path+"%", page.Cursor)
	if status != "" {
		q = q.Where("binding_requests.status = ?", status)
	}
	var rows []requestRow
	if err := q.Order("binding_requests.id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return none, err
	}
	var failed error
	list := model.NewList(rows, page, func(r requestRow) model.ID { return r.ID }, func(r requestRow) BindingRequest {
		view, err := s.viewRequest(r)
		failed = errors.Join(failed, err)
		return view
	})
	return list, failed
}

func (s *Service) viewRequest(r requestRow) (BindingRequest, error) {
	phone, err := s.sealer.Open(r.PhoneSealed, model.SealBindingPhone)
	return BindingRequest{
		ID: r.ID, Union: UnionName{ID: r.UnionID, Name: r.UnionName}, Name: r.Name, PhoneMasked: model.MaskPhone(phone), Reason: r.Reason, Status: r.Status,
		MemberID: r.MemberID, DecidedBy: r.StaffName, DecidedAt: r.DecidedAt, DecisionNote: r.DecisionNote, CreatedAt: r.CreatedAt,
	}, err
}

// ShowBindingRequest returns a request and the members of its union's roster who have the phone or the name.
func (s *Service) ShowBindingRequest(ctx context.Context, id model.ID) (BindingRequestDetail, error) {
	var out BindingRequestDetail
	var row requestRow
	if err := requestRows(s.db.Read(ctx)).Where("binding_requests.id = ?", id).Take(&row).Error; err != nil {
		return out, err
	}
	var err error
	if out.BindingRequest, err = s.viewRequest(row); err != nil {
		return out, err
	}
	out.Candidates = []BindingCandidate{}
	if row.Status == "pending" {
		out.Candidates, err = s.candidates(ctx, row.BindingRequest)
	}
	return out, err
}

func (s *Service) candidates(ctx context.Context, request model.BindingRequest) ([]BindingCandidate, error) {
	phone, err := s.sealer.Open(request.PhoneSealed, model.SealBindingPhone)
	if err != nil {
		return nil, err
	}
	digits, err := s.sealer.Open(request.IDLast6Sealed, model.SealBindingIDLast6)
	if err != nil {
		return nil, err
	}
	hash := s.sealer.Hash(model.HashPhone, phone)
	var rows []struct {
		model.Member
		IDNumberSealed string
		AccountID      *model.ID
	}
	err = s.db.Read(ctx).Table("members").Select("members.*, persons.id_number_sealed, wechat_accounts.id AS account_id").
		Joins("JOIN persons ON persons.id = members.person_id").Joins("LEFT JOIN wechat_accounts ON wechat_accounts.person_id = members.person_id").
		Where("members.union_id = ? AND members.status = 'active' AND (members.phone_hash = ? OR members.name = ?)", request.UnionID, hash, request.Name).
		Order("members.id").Limit(maxCandidates).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	out := make([]BindingCandidate, 0, len(rows))
	for _, r := range rows {
		own, err := s.sealer.Open(r.PhoneSealed, model.SealMemberPhone)
		if err != nil {
			return nil, err
		}
		number, err := s.sealer.Open(r.IDNumberSealed, model.SealPersonIDNumber)
		if err != nil {
			return nil, err
		}
		out = append(out, BindingCandidate{
			MemberID: r.ID, Name: r.Name, PhoneMasked: model.MaskPhone(own), EmployeeNo: r.EmployeeNo, Department: r.Department,
			PhoneMatches: r.PhoneHash == hash, NameMatches: rosterName(r.Name) == request.Name,
			IDMatches: digits != "" && subtle.ConstantTimeCompare([]byte(last6(number)), []byte(digits)) == 1, Bound: r.AccountID != nil,
		})
	}
	return out, nil
}

// ApproveBinding binds the account behind a request to a member whom the admin chose from the roster of the request's
// union. Errors: CodeInvalid (no such active member there), CodeConflict (decided already, the account or the person is
// bound, another union has the person under another phone).
func (s *Service) ApproveBinding(ctx context.Context, actor model.Actor, id, member model.ID, note string) (BindingRequestDetail, error) {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		var request model.BindingRequest
		if err := tx.Take(&request, id).Error; err != nil {
			return err
		}
		if err := lockUnbound(tx, request.AccountID); err != nil {
			return errChosen(err, "该微信账号已绑定会员身份，无需再核对")
		}
		var chosen model.Member
		err := tx.Where("id = ? AND union_id = ? AND status = 'active'", member, request.UnionID).Take(&chosen).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.Invalid("member_id", "该工会的名册中没有这名在册会员")
		}
		if err != nil {
			return err
		}
		now := s.db.Now()
		if err := decide(tx, actor, now, request.ID, map[string]any{"status": "approved", "member_id": member, "decision_note": note}); err != nil {
			return err
		}
		phone, err := s.sealer.Open(request.PhoneSealed, model.SealBindingPhone)
		if err != nil {
			return err
		}
		if err := agreed(tx, chosen.PersonID, request.UnionID, s.sealer.Hash(model.HashPhone, phone)); err != nil {
			return err
		}
		if err := bindAccount(tx, now, request.AccountID, chosen.PersonID); err != nil {
			return errChosen(err, "该会员已绑定另一个微信账号，请先解绑再通过")
		}
		return s.db.Audit(tx, actor, now, "binding.approve", "binding_request:"+id.String(), request.UnionID, map[string]model.ID{"member_id": member, "account_id": request.AccountID})
	})
	if err != nil {
		return BindingRequestDetail{}, err
	}
	return s.ShowBindingRequest(ctx, id)
}

// phoneElsewhere tells whether another union than the given one has the person as an active member under another phone. A person's binding
// spends what all their unions granted, so what one of these alone says of the phone must not decide it.
func phoneElsewhere(tx *gorm.DB, person, union model.ID, phoneHash string) (bool, error) {
	var n int64
	err := tx.Model(&model.Member{}).Where("person_id = ? AND union_id <> ? AND status = 'active' AND phone_hash <> ?", person, union, phoneHash).Count(&n).Error
	return n > 0, err
}

// agreed refuses what phoneElsewhere finds, and says where to go.
func agreed(tx *gorm.DB, person, union model.ID, phoneHash string) error {
	differs, err := phoneElsewhere(tx, person, union, phoneHash)
	if err == nil && differs {
		err = model.E(model.CodeConflict, "该会员同时在另一工会的名册上，那里登记的手机号与此不同，不能由一个工会改动其微信绑定。请先由另一工会核对、更正其名册中的手机号，或报请市总工会协调")
	}
	return err
}

// errChosen words a conflict for the admin instead of the member.
func errChosen(err error, message string) error {
	if model.CodeOf(err) == model.CodeConflict {
		return model.E(model.CodeConflict, "%s", message)
	}
	return err
}

// RejectBinding turns a request down; note is the reason that the member reads. CodeConflict if it was decided already.
func (s *Service) RejectBinding(ctx context.Context, actor model.Actor, id model.ID, note string) (BindingRequestDetail, error) {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		var request model.BindingRequest
		if err := tx.Take(&request, id).Error; err != nil {
			return err
		}
		now := s.db.Now()
		if err := decide(tx, actor, now, id, map[string]any{"status": "rejected", "decision_note": note}); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "binding.reject", "binding_request:"+id.String(), request.UnionID, map[string]model.ID{"account_id": request.AccountID})
	})
	if err != nil {
		return BindingRequestDetail{}, err
	}
	return s.ShowBindingRequest(ctx, id)
}

// decide closes a pending request and forgets the ID digits, which nobody needs any more.
func decide(tx *gorm.DB, actor model.Actor, now time.Time, id model.ID, set map[string]any) error {
	set["open_account_id"], set["id_last6_sealed"], set["decided_by"], set["decided_at"] = nil, "", actor.ID, now
	res := tx.Model(&model.BindingRequest{}).Where("id = ? AND status = 'pending'", id).UpdateColumns(set)
	if res.Error == nil && res.RowsAffected == 0 {
		return model.E(model.CodeConflict, "这条绑定申请已处理，或会员已撤回，请刷新后查看")
	}
	return res.Error
}

// Unbind takes the WeChat account off the person behind a member and ends its sessions. CodeConflict if there is none, or if another union has
// the person under another phone.
func (s *Service) Unbind(ctx context.Context, actor model.Actor, member model.ID, reason string) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		var m model.Member
		if err := tx.Take(&m, member).Error; err != nil {
			return err
		}
		var account model.WechatAccount
		err := tx.Where("person_id = ?", m.PersonID).Take(&account).Error
		if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		res := tx.Model(&model.WechatAccount{}).Where("id = ? AND person_id = ?", account.ID, m.PersonID).UpdateColumn("person_id", nil) // bound_at stays: last bound at
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "该会员没有绑定微信账号")
		}
		if err := agreed(tx, m.PersonID, m.UnionID, m.PhoneHash); err != nil {
			return err
		}
		now := s.db.Now()
		if err := revokeSessions(tx, now, audienceMember, account.ID, 0); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "member.unbind", "member:"+member.String(), m.UnionID, map[string]string{"reason": reason, "account_id": account.ID.String()})
	})
}
