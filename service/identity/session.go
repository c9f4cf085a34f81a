package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// The audiences of a session.
const (
	audienceMember = "member"
	audienceStaff  = "staff"
)

// touchEvery is how stale last_seen_at may be: a session in constant use writes its row this often, not more.
const touchEvery = time.Minute

func newToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// startSession stores a new session and returns its token (and, for staff, the CSRF token). Only hashes are stored.
func (s *Service) startSession(tx *gorm.DB, now time.Time, audience string, subject model.ID, strong bool) (token, csrf string, err error) {
	token = newToken()
	row := model.Session{ID: s.db.NewID(), TokenHash: hashToken(token), Audience: audience, SubjectID: subject, SecondFactor: strong,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.lifetimes.MemberMax)}
	if audience == audienceStaff {
		csrf = newToken()
		row.CSRFHash, row.ExpiresAt = hashToken(csrf), now.Add(s.lifetimes.StaffMax)
	}
	return token, csrf, tx.Create(&row).Error
}

func errLoggedOut() error {
	return model.E(model.CodeUnauthenticated, "登录已失效，请重新登录")
}

// session finds the live session behind a token and notes that it was seen. It is CodeUnauthenticated when there is
// none, when it was revoked, idle for too long or past its absolute end.
func (s *Service) session(ctx context.Context, audience, token string, idle time.Duration) (model.Session, error) {
	var row model.Session
	if len(token) != 43 {
		return row, errLoggedOut()
	}
	err := s.db.Read(ctx).Where("token_hash = ? AND audience = ?", hashToken(token), audience).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, errLoggedOut()
	}
	if err != nil {
		return row, err
	}
	now := s.db.Now()
	if row.RevokedAt != nil || !now.Before(row.ExpiresAt) || now.Sub(row.LastSeenAt) > idle {
		return row, errLoggedOut()
	}
	if now.Sub(row.LastSeenAt) >= touchEvery {
		err = s.db.Read(ctx).Model(&model.Session{}).Where("id = ? AND revoked_at IS NULL", row.ID).UpdateColumn("last_seen_at", now).Error
	}
	return row, err
}

// MemberActor finds who a member's bearer token belongs to: a person if the WeChat account is bound, else the account.
func (s *Service) MemberActor(ctx context.Context, token string) (model.Actor, error) {
	row, err := s.session(ctx, audienceMember, token, s.lifetimes.MemberIdle)
	if err != nil {
		return model.Actor{}, err
	}
	var account model.WechatAccount
	if err := s.db.Read(ctx).Take(&account, row.SubjectID).Error; err != nil {
		return model.Actor{}, err
	}
	actor := model.Actor{Kind: model.ActorAccount, ID: account.ID, AccountID: account.ID, SessionID: row.ID}
	if account.PersonID != nil {
		actor.Kind, actor.ID = model.ActorPerson, *account.PersonID
	}
	return actor, nil
}

// StaffActor finds who a console cookie belongs to. For anything but a safe read the CSRF token must fit the session.
func (s *Service) StaffActor(ctx context.Context, token, csrf string, safe bool) (model.Actor, error) {
	row, err := s.session(ctx, audienceStaff, token, s.lifetimes.StaffIdle)
	if err != nil {
		return model.Actor{}, err
	}
	if !safe && subtle.ConstantTimeCompare([]byte(hashToken(csrf)), []byte(row.CSRFHash)) != 1 {
		return model.Actor{}, model.E(model.CodeForbidden, "请求缺少或带错了 X-CSRF-Token，请刷新页面后再试")
	}
	var who struct {
		model.Staff
		Path string
	}
	err = s.db.Read(ctx).Table("staff").Select("staff.*, unions.path").Joins("JOIN unions ON unions.id = staff.union_id").
		Where("staff.id = ?", row.SubjectID).Take(&who).Error
	if err != nil {
		return model.Actor{}, err
	}
	if who.Status != "active" {
		return model.Actor{}, errLoggedOut()
	}
	actor := model.Actor{Kind: model.ActorStaff, ID: who.ID, SessionID: row.ID, Name: who.Name, Role: who.Role, UnionID: who.UnionID, UnionPath: who.Path, Strong: row.SecondFactor}
	if who.SupplierID != nil {
		actor.Supplier = *who.SupplierID
	}
	return actor, nil
}
