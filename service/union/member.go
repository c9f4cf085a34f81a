package union

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// MemberView is a member as the console shows it: phone and ID number masked.
type MemberView struct {
	ID         model.ID   `json:"id"`
	UnionID    model.ID   `json:"union_id"`
	UnionName  string     `json:"union_name"`
	Name       string     `json:"name"`
	Phone      string     `json:"phone"`
	IDNumber   string     `json:"id_number"`
	EmployeeNo string     `json:"employee_no"`
	Department string     `json:"department"`
	Status     string     `json:"status"`
	JoinedAt   time.Time  `json:"joined_at"`
	LeftAt     *time.Time `json:"left_at"`
	LeftReason string     `json:"left_reason"`
}

// MemberDetail is one member with the state of its WeChat binding.
type MemberDetail struct {
	MemberView
	Bound   bool       `json:"bound"` // a WeChat account is bound to the person
	BoundAt *time.Time `json:"bound_at"`
}

// memberRow is a member with what its view needs.
type memberRow struct {
	model.Member
	UnionName      string
	IDNumberSealed string
}

func memberRows(tx *gorm.DB) *gorm.DB {
	return tx.Table("members").Select("members.*, u.name AS union_name, p.id_number_sealed").
		Joins("JOIN unions u ON u.id = members.union_id").Joins("JOIN persons p ON p.id = members.person_id")
}

func (s *Service) memberView(r memberRow) (MemberView, error) {
	phone, err := s.sealer.Open(r.PhoneSealed, model.SealMemberPhone)
	if err != nil {
		return MemberView{}, err
	}
	number, err := s.sealer.Open(r.IDNumberSealed, model.SealPersonIDNumber)
	return MemberView{ID: r.ID, UnionID: r.UnionID, UnionName: r.UnionName, Name: r.Name, Phone: model.MaskPhone(phone), IDNumber: model.MaskIDNumber(number),
		EmployeeNo: r.EmployeeNo, Department: r.Department, Status: r.Status, JoinedAt: r.JoinedAt, LeftAt: r.LeftAt, LeftReason: r.LeftReason}, err
}

// Member shows one member, masked.
func (s *Service) Member(ctx context.Context, id model.ID) (MemberDetail, error) {
	return s.memberDetail(s.db.Read(ctx), id)
}

func (s *Service) memberDetail(tx *gorm.DB, id model.ID) (MemberDetail, error) {
	r, err := takeMemberRow(tx, id)
	if err != nil {
		return MemberDetail{}, err
	}
	v, err := s.memberView(r)
	if err != nil {
		return MemberDetail{}, err
	}
	var account model.WechatAccount
	err = tx.Where("person_id = ?", r.PersonID).Take(&account).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return MemberDetail{MemberView: v}, nil
	}
	return MemberDetail{MemberView: v, Bound: true, BoundAt: account.BoundAt}, err
}

func takeMemberRow(tx *gorm.DB, id model.ID) (memberRow, error) {
	var r memberRow
	err := memberRows(tx).Where("members.id = ?", id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("会员")
	}
	return r, err
}

// Revealed are a member's phone and ID number in full.
type Revealed struct {
	Phone    string `json:"phone"`
	IDNumber string `json:"id_number"`
}

// Reveal shows a member's phone and ID number in full; each look is audited with its reason.
func (s *Service) Reveal(ctx context.Context, actor model.Actor, id model.ID, reason string) (Revealed, error) {
	reason, err := reasonText(reason)
	if err != nil {
		return Revealed{}, err
	}
	var shown Revealed
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		r, err := takeMemberRow(tx, id)
		if err != nil {
			return err
		}
		if shown.Phone, err = s.sealer.Open(r.PhoneSealed, model.SealMemberPhone); err != nil {
			return err
		}
		if shown.IDNumber, err = s.sealer.Open(r.IDNumberSealed, model.SealPersonIDNumber); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, s.db.Now(), "member.reveal", memberRef(id), r.UnionID, map[string]string{"reason": reason})
	})
	return shown, err
}

func memberRef(id model.ID) string { return "member:" + id.String() }

// MemberChange is what may be changed of a member by hand; nil leaves a thing as it is.
type MemberChange struct {
	Phone      *string
	EmployeeNo *string
	Department *string
}

// normalise brings the change to the forms that are stored.
func (c *MemberChange) normalise() error {
	for _, f := range []struct {
		text  *string
		clean func(string) (string, error)
	}{{c.Phone, rosterfile.NormalizePhone}, {c.EmployeeNo, rosterfile.NormalizeEmployeeNo}, {c.Department, rosterfile.NormalizeDepartment}} {
		if f.text == nil {
			continue
		}
		var err error
		if *f.text, err = f.clean(*f.text); err != nil {
			return err
		}
	}
	return nil
}

// ChangeMember changes an active member's phone, employee number or department. A phone that another active member of
// the union has is refused, as in an import.
func (s *Service) ChangeMember(ctx context.Context, actor model.Actor, id model.ID, change MemberChange) (MemberDetail, error) {
	if err := change.normalise(); err != nil {
		return MemberDetail{}, err
	}
	var d MemberDetail
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		m, err := s.lockMember(tx, id)
		if err != nil {
			return err
		}
		now := s.db.Now()
		set, err := s.changeSet(tx, m, change)
		if err != nil {
			return err
		}
		if len(set) > 0 {
			changed := make(map[string]bool, len(set))
			for column := range set {
				changed[column] = true
			}
			delete(changed, "phone_sealed")
			set["updated_at"] = now
			if err := tx.Model(&model.Member{}).Where("id = ?", id).UpdateColumns(set).Error; err != nil {
				return err
			}
			if err := s.db.Audit(tx, actor, now, "member.change", memberRef(id), m.UnionID, changed); err != nil {
				return err
			}
		}
		d, err = s.memberDetail(tx, id)
		return err
	})
	return d, err
}

func (s *Service) changeSet(tx *gorm.DB, m model.Member, change MemberChange) (map[string]any, error) {
	set := map[string]any{}
	if change.EmployeeNo != nil && *change.EmployeeNo != m.EmployeeNo {
		set["employee_no"] = *change.EmployeeNo
	}
	if change.Department != nil && *change.Department != m.Department {
		set["department"] = *change.Department
	}
	if change.Phone == nil || s.sealer.Hash(model.HashPhone, *change.Phone) == m.PhoneHash {
		return set, nil
	}
	hash := s.sealer.Hash(model.HashPhone, *change.Phone)
	if err := phoneFree(tx, m.UnionID, m.PersonID, hash); err != nil {
		return nil, err
	}
	sealed, err := s.sealer.Seal(*change.Phone, model.SealMemberPhone)
	set["phone_hash"], set["phone_sealed"] = hash, sealed
	return set, err
}

// phoneFree refuses a phone that another active member of the union has; the caller has locked the union.
func phoneFree(tx *gorm.DB, unionID, personID model.ID, phoneHash string) error {
	holders, err := phoneHolders(tx, unionID, []string{phoneHash})
	others := slices.DeleteFunc(holders[phoneHash], func(h phoneHolder) bool { return h.PersonID == personID })
	if err != nil || len(others) == 0 {
		return err
	}
	e := model.E(model.CodeConflict, "手机号已被该工会的另一名会员使用，请核对是谁的手机")
	e.Fields = []model.Field{{Name: "phone", Message: e.Message}}
	return e
}

// lockMember locks a member's union and then the member, which must be active in an open union.
func (s *Service) lockMember(tx *gorm.DB, id model.ID) (model.Member, error) {
	var at model.Member
	err := tx.Select("id", "union_id").Where("id = ?", id).Take(&at).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return at, model.NotFound("会员")
	}
	if err != nil {
		return at, err
	}
	if err := rosterOpen(tx, at.UnionID); err != nil { // a member never changes its union: a transfer makes another
		return at, err
	}
	return lockActive(tx, id)
}

func lockActive(tx *gorm.DB, id model.ID) (model.Member, error) {
	var m model.Member
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&m).Error
	if err == nil && m.Status != active {
		err = model.E(model.CodeConflict, "该会员已离会")
	}
	return m, err
}

// NewMember is one member added by hand.
type NewMember struct {
	Name, Phone, IDNumber, EmployeeNo, Department string
}

// AddedMember is what came of adding one member: the verdict that its row would have had in an import.
type AddedMember struct {
	Verdict string       `json:"verdict"`
	Reason  string       `json:"reason"`
	Member  MemberDetail `json:"member"`
}

// AddMember adds one member by the rules of an import with one row: a new one is made, one who left joins again, and
// what differs of an active one is changed.
func (s *Service) AddMember(ctx context.Context, actor model.Actor, unionID model.ID, in NewMember) (AddedMember, error) {
	c, err := s.oneCandidate(in)
	if err != nil {
		return AddedMember{}, err
	}
	var added AddedMember
	err = againIfDuplicate(func() error {
		return s.db.Tx(ctx, func(tx *gorm.DB) error {
			c.Verdict, c.Reason = "", ""
			added, err = s.addMember(tx, actor, unionID, c)
			return err
		})
	})
	return added, err
}

func (s *Service) oneCandidate(in NewMember) (*candidate, error) {
	c := &candidate{}
	var failed []model.Field
	for _, f := range []struct {
		into  *string
		text  string
		clean func(string) (string, error)
	}{
		{&c.Name, in.Name, rosterfile.NormalizeName}, {&c.phone, in.Phone, rosterfile.NormalizePhone},
		{&c.idNumber, in.IDNumber, func(text string) (string, error) {
			return rosterfile.NormalizeIDNumber(text, model.DateOf(s.db.Now()))
		}},
		{&c.EmployeeNo, in.EmployeeNo, rosterfile.NormalizeEmployeeNo}, {&c.Department, in.Department, rosterfile.NormalizeDepartment},
	} {
		var wrong *model.Error
		text, err := f.clean(f.text)
		if errors.As(err, &wrong) {
			failed = append(failed, wrong.Fields...)
		}
		*f.into = text
	}
	if len(failed) > 0 {
		return nil, &model.Error{Code: model.CodeInvalid, Message: failed[0].Message, Fields: failed}
	}
	c.PhoneHash, c.IDNumberHash = s.sealer.Hash(model.HashPhone, c.phone), s.sealer.Hash(model.HashIDNumber, c.idNumber)
	return c, nil
}

func (s *Service) addMember(tx *gorm.DB, actor model.Actor, unionID model.ID, c *candidate) (AddedMember, error) {
	if err := rosterOpen(tx, unionID); err != nil {
		return AddedMember{}, err
	}
	rows := []*candidate{c}
	r, err := readRoster(tx, unionID, rows)
	if err != nil {
		return AddedMember{}, err
	}
	if err := s.judge(r, rows); err != nil {
		return AddedMember{}, err
	}
	if c.Verdict == verdictWrong {
		return AddedMember{}, model.E(model.CodeConflict, "%s", c.Reason)
	}
	now, detail := s.db.Now(), map[string]any{"verdict": c.Verdict}
	if r.movesPhone(c) {
		detail["phone_hash"] = true
	}
	if err := s.write(tx, now, unionID, rows); err != nil {
		return AddedMember{}, err
	}
	if c.Verdict != verdictUnchanged {
		if err := s.db.Audit(tx, actor, now, "member.add", memberRef(c.member.ID), unionID, detail); err != nil {
			return AddedMember{}, err
		}
	}
	d, err := s.memberDetail(tx, c.member.ID)
	return AddedMember{Verdict: c.Verdict, Reason: c.Reason, Member: d}, err
}

// reasonText is a reason that a person gives: 1 to 200 characters.
func reasonText(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", model.Invalid("reason", "原因不能为空")
	}
	return text, plainText("reason", "原因", text, 200)
}

// plainText refuses text that is too long or holds control characters.
func plainText(field, title, text string, most int) error {
	if len([]rune(text)) > most {
		return model.Invalid(field, title+"不能超过 "+model.ID(most).String()+" 个字")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return model.Invalid(field, title+"里有看不见的控制字符，请重新填写")
	}
	return nil
}
