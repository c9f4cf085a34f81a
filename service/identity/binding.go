package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// BindingInput is what a member enters to be found on the roster.
type BindingInput struct {
	PhoneCode string   // from getPhoneNumber
	Name      string   // as on the ID card
	IDLast6   string   // last six characters of the ID number
	UnionID   model.ID // the union that the member says is theirs, or 0
}

// The states of a binding.
const (
	BindingUnbound  = "unbound"
	BindingPending  = "pending"
	BindingBound    = "bound"
	BindingRejected = "rejected"
)

// Binding is where a WeChat account stands: unbound, waiting for a union (pending), bound, or turned down by it with a
// reason.
type Binding struct {
	State     string     `json:"state"`
	Union     *UnionName `json:"union,omitempty"`  // pending and rejected: whose queue
	Since     *time.Time `json:"since,omitempty"`  // bound, asked or turned down at
	Reason    string     `json:"reason,omitempty"` // rejected: what the union says
	Message   string     `json:"message"`          // what to do next
	Consented bool       `json:"consented"`        // agreed to the privacy notice in force
}

// UnionName is a union by id and name; Parent tells unions of the same name apart.
type UnionName struct {
	ID     model.ID `json:"id"`
	Name   string   `json:"name"`
	Parent string   `json:"parent,omitempty"`
}

// ShowBinding tells where the account stands.
func (s *Service) ShowBinding(ctx context.Context, actor model.Actor) (Binding, error) {
	b, err := s.bindingState(s.db.Read(ctx), actor.AccountID)
	b.Consented = actor.Consented
	return b, err
}

func (s *Service) bindingState(tx *gorm.DB, account model.ID) (Binding, error) {
	var row model.WechatAccount
	if err := tx.Take(&row, account).Error; err != nil {
		return Binding{}, err
	}
	if row.PersonID != nil {
		return Binding{State: BindingBound, Since: row.BoundAt, Message: "已绑定会员身份"}, nil
	}
	unbound := Binding{State: BindingUnbound, Message: "请授权手机号并填写姓名和身份证号后六位，完成会员身份绑定"}
	var request model.BindingRequest
	err := tx.Where("account_id = ?", account).Order("id DESC").Limit(1).Take(&request).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return unbound, nil
	}
	if err != nil {
		return Binding{}, err
	}
	old := row.BoundAt != nil && request.DecidedAt != nil && !request.DecidedAt.After(*row.BoundAt) // was bound and unbound since
	if old || request.Status == "approved" || request.Status == "withdrawn" {
		return unbound, nil
	}
	var u model.Union
	if err := tx.Take(&u, request.UnionID).Error; err != nil {
		return Binding{}, err
	}
	name := &UnionName{ID: u.ID, Name: u.Name}
	if request.Status == "pending" {
		return Binding{State: BindingPending, Union: name, Since: &request.CreatedAt, Message: "已提交" + u.Name + "人工核对，请等候；也可以核对信息后重新提交"}, nil
	}
	return Binding{State: BindingRejected, Union: name, Since: request.DecidedAt, Reason: request.DecisionNote, Message: "工会没有通过这次绑定申请，请核对信息后重新提交，或联系所在工会"}, nil
}

// Bind finds the person behind the WeChat account on the rosters, by phone, name and last six of the ID number, and binds
// the two; the phone is WeChat's word, the rest the member's. What does not match, or is contradicted by another union that has the
// person under another phone, goes into the queue of the union on whose roster the phone is, or that the member chose. Attempts are counted in the database, per account and per phone.
//
// Errors: CodeConsentRequired; CodeConflict (already bound, or the person is bound to another account); CodeInvalid;
// CodeRateLimited; CodeBindingMismatch (found nowhere and no union chosen), the same whatever it was that did not
// match; CodeWechat.
func (s *Service) Bind(ctx context.Context, actor model.Actor, in BindingInput) (Binding, error) {
	if err := s.mayBind(ctx, actor, &in); err != nil {
		return Binding{}, err
	}
	phone, err := s.boughtPhone(ctx, actor, in.PhoneCode)
	if err != nil {
		return Binding{}, err
	}
	if err := s.attempt(ctx, "binding:phone:"+s.sealer.Hash(model.HashPhone, phone), tooManyBindings, bindingQuotas); err != nil {
		return Binding{}, err
	}
	var out Binding
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := lockUnbound(tx, actor.AccountID); err != nil {
			return err
		}
		found, err := s.findOnRosters(tx, phone, in)
		if err != nil {
			return err
		}
		if found.person != 0 {
			err = s.bindMatched(tx, actor, found)
		} else {
			err = s.queueRequest(tx, actor, in, phone, found)
		}
		if err != nil {
			return err
		}
		out, err = s.bindingState(tx, actor.AccountID)
		out.Consented = true
		return err
	})
	return out, err
}

const tooManyBindings = "绑定尝试次数过多，请过一段时间再试，或联系所在工会"

var last6Form = regexp.MustCompile(`^[0-9]{5}[0-9X]$`)

// mayBind checks everything that costs nothing: state, consent, form. It normalises in.
func (s *Service) mayBind(ctx context.Context, actor model.Actor, in *BindingInput) error {
	if actor.Kind == model.ActorPerson {
		return errAlreadyBound()
	}
	if err := RequireConsent(actor); err != nil {
		return err
	}
	name, err := rosterfile.NormalizeName(in.Name)
	if err != nil {
		return err
	}
	in.Name, in.IDLast6 = name, strings.ToUpper(strings.TrimSpace(in.IDLast6))
	if !last6Form.MatchString(in.IDLast6) {
		return model.Invalid("id_last6", "请填写身份证号的后六位，最后一位可以是 X")
	}
	if in.UnionID != 0 {
		err := s.db.Read(ctx).Where("id = ? AND status = 'active'", in.UnionID).Take(&model.Union{}).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.Invalid("union_id", "没有这个工会，请重新选择")
		}
		return err
	}
	return nil
}

func errAlreadyBound() error {
	return model.E(model.CodeConflict, "这个微信账号已绑定会员身份，如需更换请联系所在工会解绑")
}

// boughtPhone counts an attempt and then asks WeChat for the phone, which costs money. An attempt that failed because
// WeChat did is not held against the member.
func (s *Service) boughtPhone(ctx context.Context, actor model.Actor, code string) (string, error) {
	subject := "binding:account:" + actor.AccountID.String()
	if err := s.flood(ctx, "binding", subject, 20, time.Minute); err != nil {
		return "", err
	}
	if err := s.attempt(ctx, subject, tooManyBindings, bindingQuotas); err != nil {
		return "", err
	}
	phone, err := s.wechat.PhoneNumber(ctx, code)
	switch model.CodeOf(err) {
	case model.CodeWechat:
		return "", errors.Join(err, s.forgive(context.WithoutCancel(ctx), subject, bindingQuotas))
	case model.CodeInvalid:
		var shown *model.Error
		errors.As(err, &shown)
		shown.Fields = []model.Field{{Name: "phone_code", Message: shown.Message}}
	}
	return phone, err
}

// onRosters is what was found for a phone: the person, if name and ID digits matched one, and the unions on whose
// rosters the phone is.
type onRosters struct {
	person model.ID
	unions []model.ID // where the person is a member if there is one, else where the phone is
	differ bool       // somebody matched, but another union has them under another phone: no person then
}

// findOnRosters compares all memberships with that phone, in the same time whether they match or not.
func (s *Service) findOnRosters(tx *gorm.DB, phone string, in BindingInput) (onRosters, error) {
	var rows []struct {
		model.Member
		IDNumberSealed string
	}
	err := tx.Table("members").Select("members.*, persons.id_number_sealed").Joins("JOIN persons ON persons.id = members.person_id").
		Where("members.phone_hash = ? AND members.status = 'active'", s.sealer.Hash(model.HashPhone, phone)).Order("members.id").Find(&rows).Error
	if err != nil {
		return onRosters{}, err
	}
	var all, matched onRosters
	several := false
	for _, r := range rows {
		number, err := s.sealer.Open(r.IDNumberSealed, model.SealPersonIDNumber)
		if err != nil {
			return onRosters{}, err
		}
		same := subtle.ConstantTimeCompare([]byte(rosterName(r.Name)), []byte(in.Name)) & subtle.ConstantTimeCompare([]byte(last6(number)), []byte(in.IDLast6))
		all.unions = append(all.unions, r.UnionID)
		if same == 1 {
			several = several || matched.person != 0 && matched.person != r.PersonID
			matched.person = r.PersonID
			matched.unions = append(matched.unions, r.UnionID)
		}
	}
	if matched.person == 0 || several {
		return all, nil
	}
	if matched.differ, err = phoneElsewhere(tx, matched.person, 0, s.sealer.Hash(model.HashPhone, phone)); matched.differ {
		matched.person = 0
	}
	return matched, err
}

// rosterName brings a name of the roster to the form in which names are compared; one that was entered otherwise
// compares as it is.
func rosterName(name string) string {
	if n, err := rosterfile.NormalizeName(name); err == nil {
		return n
	}
	return name
}

func last6(number string) string {
	return strings.ToUpper(number[max(0, len(number)-6):])
}

// bindMatched binds the account to the person found. The unique key on the person lets one of several accounts through.
func (s *Service) bindMatched(tx *gorm.DB, actor model.Actor, found onRosters) error {
	now := s.db.Now()
	if err := bindAccount(tx, now, actor.AccountID, found.person); err != nil {
		return err
	}
	if err := withdrawRequest(tx, now, actor.AccountID); err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "binding.match", "person:"+found.person.String(), found.unions[0], map[string]model.ID{"account_id": actor.AccountID})
}

// lockUnbound locks the account, so that what one account does happens one after the other; it must not be bound.
func lockUnbound(tx *gorm.DB, account model.ID) error {
	var row model.WechatAccount
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&row, account).Error
	if err == nil && row.PersonID != nil {
		return errAlreadyBound()
	}
	return err
}

func bindAccount(tx *gorm.DB, now time.Time, account, person model.ID) error {
	res := tx.Model(&model.WechatAccount{}).Where("id = ? AND person_id IS NULL", account).UpdateColumns(map[string]any{"person_id": person, "bound_at": now})
	switch {
	case model.Duplicate(res.Error):
		return model.E(model.CodeConflict, "该会员身份已绑定另一个微信账号，如需更换请联系所在工会解绑")
	case res.Error != nil:
		return res.Error
	case res.RowsAffected == 0:
		return errAlreadyBound()
	}
	return nil
}

// withdrawRequest takes the account's open request, if any, out of its queue: the member asked anew or was found.
func withdrawRequest(tx *gorm.DB, now time.Time, account model.ID) error {
	return tx.Model(&model.BindingRequest{}).Where("open_account_id = ?", account).
		UpdateColumns(map[string]any{"status": "withdrawn", "open_account_id": nil, "id_last6_sealed": "", "decided_at": now}).Error
}

// queueRequest puts a binding that did not match into a union's queue, in place of an earlier one of the account. It is
// CodeBindingMismatch when it is not known whose queue.
func (s *Service) queueRequest(tx *gorm.DB, actor model.Actor, in BindingInput, phone string, found onRosters) error {
	queue, reason := in.UnionID, "名册中没有这个手机号"
	if len(found.unions) > 0 {
		reason = "其他工会的名册中有这个手机号"
		if queue == 0 {
			queue = found.unions[0]
		}
		if slices.Contains(found.unions, queue) {
			reason = "名册中有这个手机号，但姓名或身份证号后六位不一致"
		}
	}
	if found.differ {
		reason = "与名册一致，但该会员在另一工会名册中的手机号不同，须先由另一工会核对更正"
	}
	if queue == 0 {
		return model.E(model.CodeBindingMismatch, "没有在工会名册中找到与您填写的信息一致的会员。请核对姓名和身份证号后六位；如确认无误，请选择所在工会后再提交，由工会人工核对")
	}
	phoneSealed, err := s.sealer.Seal(phone, model.SealBindingPhone)
	if err != nil {
		return err
	}
	digits, err := s.sealer.Seal(in.IDLast6, model.SealBindingIDLast6)
	if err != nil {
		return err
	}
	now := s.db.Now()
	if err := withdrawRequest(tx, now, actor.AccountID); err != nil {
		return err
	}
	row := model.BindingRequest{ID: s.db.NewID(), AccountID: actor.AccountID, UnionID: queue, Name: in.Name, PhoneSealed: phoneSealed, IDLast6Sealed: digits,
		Reason: reason, Status: "pending", OpenAccountID: &actor.AccountID, CreatedAt: now}
	if err := tx.Create(&row).Error; err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "binding.request", "binding_request:"+row.ID.String(), queue, nil)
}

// SearchUnions lists active unions whose name contains text, for a member to choose theirs.
func (s *Service) SearchUnions(ctx context.Context, text string, page model.Page) (model.List[UnionName], error) {
	var rows []struct {
		ID     model.ID
		Name   string
		Parent *string
	}
	q := s.db.Read(ctx).Table("unions u").Select("u.id, u.name, p.name AS parent").Joins("LEFT JOIN unions p ON p.id = u.parent_id").
		Where("u.status = 'active' AND u.id > ?", page.Cursor)
	if text = strings.TrimSpace(text); text != "" {
		q = q.Where("u.name LIKE ? ESCAPE '!'", "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)+"%")
	}
	if err := q.Order("u.id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[UnionName]{}, err
	}
	type row = struct {
		ID     model.ID
		Name   string
		Parent *string
	}
	return model.NewList(rows, page, func(r row) model.ID { return r.ID }, func(r row) UnionName {
		n := UnionName{ID: r.ID, Name: r.Name}
		if r.Parent != nil {
			n.Parent = *r.Parent
		}
		return n
	}), nil
}
