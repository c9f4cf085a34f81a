package identity

import (
	"context"
	"crypto/hmac"
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

// startSession stores a new session and returns its id and token. Only hashes are stored. device is hashed already, empty if not known.
func (s *Service) startSession(tx *gorm.DB, now time.Time, audience string, subject model.ID, strong bool, device string) (id model.ID, token string, err error) {
	token = newToken()
	row := model.Session{ID: s.db.NewID(), TokenHash: hashToken(token), Audience: audience, SubjectID: subject, SecondFactor: strong, DeviceHash: device,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.lifetimes.MemberMax)}
	if audience == audienceStaff {
		row.CSRFHash, row.ExpiresAt = hashToken(csrfOf(token)), now.Add(s.lifetimes.StaffMax)
	}
	return row.ID, token, tx.Create(&row).Error
}

// csrfOf derives the CSRF token of a console session from its secret cookie, so that a page that was loaded anew, in any
// number of windows, can be told it again. Whoever does not have the cookie cannot make it.
func csrfOf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("bangfu csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Renewed is the new token of a console session that goes on, for its cookie, and the CSRF token that goes with it.
type Renewed struct{ Token, CSRFToken string }

// renewSession gives a live console session another token: one that somebody noted before is worth nothing once the session may do more, or its
// password was changed.
func renewSession(tx *gorm.DB, id model.ID) (Renewed, error) {
	token := newToken()
	r := Renewed{Token: token, CSRFToken: csrfOf(token)}
	res := tx.Model(&model.Session{}).Where("id = ? AND audience = ? AND revoked_at IS NULL", id, audienceStaff).
		UpdateColumns(map[string]any{"token_hash": hashToken(r.Token), "csrf_hash": hashToken(r.CSRFToken)})
	if res.Error == nil && res.RowsAffected == 0 {
		return Renewed{}, errLoggedOut()
	}
	return r, res.Error
}

func errLoggedOut() error {
	return model.E(model.CodeUnauthenticated, "登录已失效，请重新登录")
}

// alive tells whether the session may still be used: CodeUnauthenticated when it was revoked, is idle for too long or past its absolute
// end. It notes that it was seen.
func (s *Service) alive(ctx context.Context, row model.Session, idle time.Duration) error {
	now := s.db.Now()
	if row.RevokedAt != nil || !now.Before(row.ExpiresAt) || now.Sub(row.LastSeenAt) > idle {
		return errLoggedOut()
	}
	if now.Sub(row.LastSeenAt) < touchEvery {
		return nil
	}
	return s.db.Read(ctx).Model(&model.Session{}).Where("id = ? AND revoked_at IS NULL", row.ID).UpdateColumn("last_seen_at", now).Error
}

// tokenLength is the length of every token.
const tokenLength = 43

// session finds the live session of a console account behind its token.
func (s *Service) session(ctx context.Context, token string, idle time.Duration) (model.Session, error) {
	var row model.Session
	if len(token) != tokenLength {
		return row, errLoggedOut()
	}
	err := s.db.Read(ctx).Where("token_hash = ? AND audience = ?", hashToken(token), audienceStaff).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, errLoggedOut()
	}
	if err != nil {
		return row, err
	}
	return row, s.alive(ctx, row, idle)
}

// visit is a member's session with the WeChat account that it belongs to.
type visit struct {
	session   model.Session
	person    *model.ID // nil: not bound
	consented bool      // to the privacy notice in force
}

// visits reads sessions by the hashes of their tokens.
func (s *Service) visits(ctx context.Context, hashes []string) (map[string]visit, error) {
	rows, err := s.db.Read(ctx).Raw(`SELECT s.token_hash, s.id, s.subject_id, s.last_seen_at, s.expires_at, s.revoked_at, a.person_id, c.version
		FROM sessions s JOIN wechat_accounts a ON a.id = s.subject_id LEFT JOIN consents c ON c.account_id = a.id AND c.kind = 'privacy' AND c.version = ?
		WHERE s.token_hash IN ? AND s.audience = ?`, PrivacyVersion, hashes, audienceMember).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := make(map[string]visit, len(hashes))
	for rows.Next() {
		var v visit
		var version *string
		r := &v.session
		if err := rows.Scan(&r.TokenHash, &r.ID, &r.SubjectID, &r.LastSeenAt, &r.ExpiresAt, &r.RevokedAt, &v.person, &version); err != nil {
			return nil, err
		}
		v.consented = version != nil
		found[r.TokenHash] = v
	}
	return found, rows.Err()
}

// MemberActor finds who a member's bearer token belongs to: a person if the WeChat account is bound, else the account; and
// whether the account agreed to the privacy notice in force. Every request of every member asks this, so they ask together.
func (s *Service) MemberActor(ctx context.Context, token string) (model.Actor, error) {
	if len(token) != tokenLength {
		return model.Actor{}, errLoggedOut()
	}
	v, found, err := s.visiting.Get(ctx, hashToken(token))
	if err == nil && !found {
		err = errLoggedOut()
	}
	if err == nil {
		err = s.alive(ctx, v.session, s.lifetimes.MemberIdle)
	}
	if err != nil {
		return model.Actor{}, err
	}
	account := v.session.SubjectID
	actor := model.Actor{Kind: model.ActorAccount, ID: account, AccountID: account, SessionID: v.session.ID, Consented: v.consented}
	if v.person != nil {
		actor.Kind, actor.ID = model.ActorPerson, *v.person
	}
	return actor, nil
}

// StaffActor finds who a console cookie belongs to. For anything but a safe read the CSRF token must fit the session.
func (s *Service) StaffActor(ctx context.Context, token, csrf string, safe bool) (model.Actor, error) {
	row, err := s.session(ctx, token, s.lifetimes.StaffIdle)
	if err != nil {
		return model.Actor{}, err
	}
	if !safe && subtle.ConstantTimeCompare([]byte(hashToken(csrf)), []byte(row.CSRFHash)) != 1 {
		return model.Actor{}, model.E(model.CodeForbidden, "请求缺少或带错了 X-CSRF-Token，请刷新页面后再试")
	}
	var who struct {
		model.Staff
		Path        string
		UnionStatus string
	}
	err = s.db.Read(ctx).Table("staff").Select("staff.*, unions.path, unions.status AS union_status").Joins("JOIN unions ON unions.id = staff.union_id").
		Where("staff.id = ?", row.SubjectID).Take(&who).Error
	if err != nil {
		return model.Actor{}, err
	}
	if who.Status != "active" || who.UnionStatus != "active" {
		return model.Actor{}, errLoggedOut()
	}
	actor := model.Actor{
		Kind: model.ActorStaff, ID: who.ID, SessionID: row.ID, Name: who.Name, Role: who.Role, UnionID: who.UnionID, UnionPath: who.Path,
		Strong: row.SecondFactor, InitialPassword: who.MustChangePassword,
	}
	if who.SupplierID != nil {
		actor.Supplier = *who.SupplierID
	}
	if who.HallID != nil {
		actor.Hall = *who.HallID
	}
	return actor, nil
}

// revokeSessions ends the live sessions of a subject, but for the session except (0: none is spared).
func revokeSessions(tx *gorm.DB, now time.Time, audience string, subject, except model.ID) error {
	return tx.Model(&model.Session{}).Where("audience = ? AND subject_id = ? AND id <> ? AND revoked_at IS NULL", audience, subject, except).
		UpdateColumn("revoked_at", now).Error
}

// Logout ends the session of the request; that of a console account is told in the audit trail.
func (s *Service) Logout(ctx context.Context, actor model.Actor) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.Session{}).Where("id = ? AND revoked_at IS NULL", actor.SessionID).UpdateColumn("revoked_at", now)
		if res.Error != nil || res.RowsAffected == 0 || actor.Kind != model.ActorStaff {
			return res.Error
		}
		return s.db.Audit(tx, actor, now, "staff.logout", staffRef(actor.ID), actor.UnionID, nil)
	})
}

// RevokeMemberSessions ends all sessions of the member's WeChat account, this one too.
func (s *Service) RevokeMemberSessions(ctx context.Context, actor model.Actor) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if err := revokeSessions(tx, now, audienceMember, actor.AccountID, 0); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "member.sessions_revoke", "account:"+actor.AccountID.String(), 0, nil)
	})
}

// How long rows that no longer matter are kept, and how many go in one transaction.
const (
	sessionsKept = 30 * 24 * time.Hour
	attemptsKept = 48 * time.Hour
	purgeBatch   = 500
)

// PurgeExpired deletes sessions that ended 30 days ago or more and counted attempts of windows long closed. It is
// harmless to repeat and to run in several processes.
func (s *Service) PurgeExpired(ctx context.Context) error {
	now := s.db.Now()
	if err := s.db.Read(ctx).Where("window_start < ?", now.Add(-attemptsKept)).Delete(&model.Attempt{}).Error; err != nil {
		return err
	}
	ended := now.Add(-sessionsKept)
	for {
		var ids []model.ID
		err := s.db.Read(ctx).Model(&model.Session{}).Where("expires_at < ? OR revoked_at < ?", ended, ended).Limit(purgeBatch).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.db.Read(ctx).Where("id IN ?", ids).Delete(&model.Session{}).Error; err != nil {
			return err
		}
	}
}
