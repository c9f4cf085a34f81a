package identity

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/wechat"
)

// How often one address may log in or fail to. This turns floods away; it is not what keeps an account safe. A whole
// factory of members may share one address.
const (
	memberLoginsPerMinute = 600
	staffLoginsPerMinute  = 60
)

// flood turns away who does name too often from one subject.
func (s *Service) flood(ctx context.Context, name, subject string, limit int, per time.Duration) error {
	ok, after := s.guard.Allow(ctx, name, subject, limit, per)
	if ok {
		return nil
	}
	e := model.E(model.CodeRateLimited, "操作太频繁，请稍后再试")
	e.RetryAfter = after
	return e
}

// MemberLogin is what a member's client gets when it logs in.
type MemberLogin struct {
	Token           string    `json:"token"`
	ExpiresAt       time.Time `json:"expires_at"` // at the latest
	Bound           bool      `json:"bound"`
	ConsentRequired bool      `json:"consent_required"`
	PrivacyVersion  string    `json:"privacy_version"`
}

// LoginMember exchanges a wx.login code for a new session of the WeChat account, which is remembered at its first login. device is
// what the client calls its device, empty if it does not say; only its keyed hash is kept, and only of accounts that agreed to the
// privacy notice in force. Errors: CodeInvalid on "code", CodeRateLimited, CodeForbidden and CodeWechat as WeChat says.
func (s *Service) LoginMember(ctx context.Context, code, ip, device string) (MemberLogin, error) {
	if err := s.flood(ctx, "member_login", network(ip), memberLoginsPerMinute, time.Minute); err != nil {
		return MemberLogin{}, err
	}
	who, err := s.wechat.Login(ctx, code)
	if err != nil {
		return MemberLogin{}, err
	}
	account, err := s.account(ctx, who)
	if err != nil {
		return MemberLogin{}, err
	}
	agreed, err := s.consented(ctx, account.ID)
	if err != nil {
		return MemberLogin{}, err
	}
	now := s.db.Now()
	if !agreed {
		device = ""
	}
	_, token, err := s.startSession(s.db.Read(ctx), now, audienceMember, account.ID, false, s.sealer.Hash(model.HashDevice, device))
	return MemberLogin{
		Token: token, ExpiresAt: now.Add(s.lifetimes.MemberMax), Bound: account.PersonID != nil, ConsentRequired: !agreed, PrivacyVersion: PrivacyVersion,
	}, err
}

// account finds the row of a WeChat identity or makes it; of two first logins at once one makes it and both get it.
func (s *Service) account(ctx context.Context, who wechat.Identity) (model.WechatAccount, error) {
	var row model.WechatAccount
	find := func() error { return s.db.Read(ctx).Where("openid = ?", who.OpenID).Take(&row).Error }
	err := find()
	if errors.Is(err, gorm.ErrRecordNotFound) {
		row = model.WechatAccount{ID: s.db.NewID(), OpenID: who.OpenID, UnionOpenID: who.UnionID, CreatedAt: s.db.Now()}
		if err = s.db.Read(ctx).Create(&row).Error; model.Duplicate(err) {
			row = model.WechatAccount{}
			err = find()
		}
	}
	if err == nil && who.UnionID != "" && row.UnionOpenID != who.UnionID { // the app joined an Open Platform account since
		err = s.db.Read(ctx).Model(&model.WechatAccount{}).Where("id = ?", row.ID).UpdateColumn("union_openid", who.UnionID).Error
	}
	return row, err
}

// Membership is a place on one union's roster, as the member sees it.
type Membership struct {
	MemberID   model.ID   `json:"member_id"`
	UnionID    model.ID   `json:"union_id"`
	UnionName  string     `json:"union_name"`
	EmployeeNo string     `json:"employee_no"`
	Department string     `json:"department"`
	Status     string     `json:"status"` // active | left
	JoinedAt   time.Time  `json:"joined_at"`
	LeftAt     *time.Time `json:"left_at"`
}

// Profile is what a member sees of itself: its name in full, its numbers masked.
type Profile struct {
	Name           string       `json:"name"`
	PhoneMasked    string       `json:"phone_masked"`
	IDNumberMasked string       `json:"id_number_masked"`
	BoundAt        *time.Time   `json:"bound_at"`
	Memberships    []Membership `json:"memberships"` // active ones first
}

// ShowProfile returns the member's own profile.
func (s *Service) ShowProfile(ctx context.Context, actor model.Actor) (Profile, error) {
	var account model.WechatAccount
	if err := s.db.Read(ctx).Take(&account, actor.AccountID).Error; err != nil {
		return Profile{}, err
	}
	var person model.Person
	if err := s.db.Read(ctx).Take(&person, actor.ID).Error; err != nil {
		return Profile{}, err
	}
	number, err := s.sealer.Open(person.IDNumberSealed, model.SealPersonIDNumber)
	if err != nil {
		return Profile{}, err
	}
	var rows []struct {
		model.Member
		UnionName string
	}
	err = s.db.Read(ctx).Table("members").Select("members.*, unions.name AS union_name").Joins("JOIN unions ON unions.id = members.union_id").
		Where("members.person_id = ?", actor.ID).Order("members.status, members.id").Find(&rows).Error
	if err != nil {
		return Profile{}, err
	}
	p := Profile{IDNumberMasked: model.MaskIDNumber(number), BoundAt: account.BoundAt, Memberships: []Membership{}}
	for i, r := range rows {
		if i == 0 {
			phone, err := s.sealer.Open(r.PhoneSealed, model.SealMemberPhone)
			if err != nil {
				return Profile{}, err
			}
			p.Name, p.PhoneMasked = r.Name, model.MaskPhone(phone)
		}
		p.Memberships = append(p.Memberships, Membership{
			MemberID: r.ID, UnionID: r.UnionID, UnionName: r.UnionName, EmployeeNo: r.EmployeeNo, Department: r.Department,
			Status: r.Status, JoinedAt: r.JoinedAt, LeftAt: r.LeftAt,
		})
	}
	return p, nil
}
