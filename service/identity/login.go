package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// The lock-out: after so many failed logins in a row an account is closed for so long, right password or not.
const (
	maxFailedLogins = 5
	lockOut         = 15 * time.Minute
)

// initialPasswordLasts is how long a password that an administrator handed over may be used for the first time.
const initialPasswordLasts = 14 * 24 * time.Hour

// StaffLogin is what somebody enters to log in to the console.
type StaffLogin struct {
	Login    string
	Password string
	TOTP     string // empty if no authenticator is bound
	IP       string
	// RequestID goes into the audit trail.
	RequestID string
}

// ConsoleSession is who is logged in to the console, and what they may do. Token is for the cookie only.
type ConsoleSession struct {
	Token string `json:"-"`
	// CSRFToken goes into the X-CSRF-Token header of every write.
	CSRFToken          string       `json:"csrf_token"`
	ExpiresAt          time.Time    `json:"expires_at"` // at the latest
	Staff              Staff        `json:"staff"`
	Permissions        []Permission `json:"permissions"`
	SecondFactor       bool         `json:"second_factor"`        // this session passed one
	EnrolmentRequired  bool         `json:"enrolment_required"`   // the role needs an authenticator and none is bound
	MustChangePassword bool         `json:"must_change_password"` // nothing else works before
}

func errLogin() error {
	return model.E(model.CodeUnauthenticated, "登录名或密码不正确；连续输错 5 次，账号将锁定 15 分钟")
}

func errLocked(after time.Duration) error {
	e := model.E(model.CodeRateLimited, "登录失败次数过多，账号已锁定，请 15 分钟后再试，或联系管理员解锁")
	e.RetryAfter = after
	return e
}

// LoginStaff checks login, password and (where an authenticator is bound) the code of the second factor, and starts a
// new session. Every try is counted before it is checked, so that guesses made at once cannot pass the lock-out. Whether a
// login exists cannot be told from the answer nor from how long it takes.
//
// Errors: CodeUnauthenticated (login or password), CodeSecondFactor (code missing, wrong or used), CodeRateLimited
// (locked out, or too many logins from the address).
func (s *Service) LoginStaff(ctx context.Context, in StaffLogin) (ConsoleSession, error) {
	address := network(in.IP)
	if err := s.flood(ctx, "console_login", address, staffLoginsPerMinute, time.Minute); err != nil {
		return ConsoleSession{}, err
	}
	subject := "login:address:" + s.sealer.Hash("address", address)
	if err := s.attempt(ctx, subject, "这个网络的登录失败次数过多，请稍后再试", addressQuotas); err != nil {
		return ConsoleSession{}, err
	}
	session, err := s.loginStaff(ctx, in)
	if asked := in.TOTP == "" && model.CodeOf(err) == model.CodeSecondFactor; err == nil || asked {
		err = errors.Join(err, s.forgive(ctx, subject, addressQuotas))
	}
	return session, err
}

func (s *Service) loginStaff(ctx context.Context, in StaffLogin) (ConsoleSession, error) {
	login := strings.ToLower(strings.TrimSpace(in.Login))
	var staff model.Staff
	err := s.db.Read(ctx).Where("login = ?", login).Take(&staff).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ConsoleSession{}, s.failUnknown(ctx, login, in.Password)
	}
	if err != nil {
		return ConsoleSession{}, err
	}
	if err := s.countLogin(ctx, model.Actor{Kind: model.ActorVisitor, RequestID: in.RequestID}, staff); err != nil {
		return ConsoleSession{}, err
	}
	fits, err := s.passwordFits(ctx, in.Password, staff.PasswordHash)
	if err != nil {
		return ConsoleSession{}, err
	}
	open, err := s.unionOpen(ctx, staff.UnionID)
	if err != nil {
		return ConsoleSession{}, err
	}
	if !fits || staff.Status != "active" || !open {
		return ConsoleSession{}, errors.Join(errLogin(), s.auditFailure(ctx, staff, in))
	}
	if s.initialExpired(staff) {
		return ConsoleSession{}, errors.Join(model.E(model.CodeUnauthenticated, "初始密码已超过 14 天未修改，请联系管理员重置"), s.auditFailure(ctx, staff, in))
	}
	return s.enter(ctx, staff, in)
}

// initialExpired tells whether the account still has its initial password, long after it was made or last changed by an administrator. The
// installation's first account, which nobody else could reset, is spared.
func (s *Service) initialExpired(staff model.Staff) bool {
	return staff.MustChangePassword && staff.CreatedBy != 0 && s.db.Now().Sub(staff.UpdatedAt) > initialPasswordLasts
}

// unionOpen tells whether the union of an account has not been closed: with it, its accounts are.
func (s *Service) unionOpen(ctx context.Context, id model.ID) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Model(&model.Union{}).Where("id = ? AND status = 'active'", id).Count(&n).Error
	return n == 1, err
}

// auditFailure leaves a trace of a login that did not come to be; the lock-out bounds how many there can be.
func (s *Service) auditFailure(ctx context.Context, staff model.Staff, in StaffLogin) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.db.Audit(tx, model.Actor{Kind: model.ActorVisitor, RequestID: in.RequestID}, s.db.Now(), "staff.login_fail", staffRef(staff.ID), staff.UnionID, nil)
	})
}

// failUnknown does for a login that does not exist what is done for one that does.
func (s *Service) failUnknown(ctx context.Context, login, password string) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		_, err := s.countTry(tx, s.db.Now(), login)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := s.passwordFits(ctx, password, noPassword); err != nil {
		return err
	}
	return errLogin()
}

// countLogin counts a try of the actor against the lock-out and closes the account with the last one allowed; entering opens it
// again. The trail tells of the closing; if the last try was right after all, the login that follows it there opened it.
func (s *Service) countLogin(ctx context.Context, actor model.Actor, staff model.Staff) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		last, err := s.countTry(tx, now, staff.Login)
		if err != nil || !last {
			return err
		}
		if err := tx.Model(&model.Staff{}).Where("id = ?", staff.ID).UpdateColumn("locked_until", now.Add(lockOut)).Error; err != nil { // for administrators to see
			return err
		}
		return s.db.Audit(tx, actor, now, "staff.lock", staffRef(staff.ID), staff.UnionID, map[string]int{"tries": maxFailedLogins, "minutes": int(lockOut.Minutes())})
	})
}

// enter passes the second factor and starts the session of somebody whose password was right.
func (s *Service) enter(ctx context.Context, staff model.Staff, in StaffLogin) (ConsoleSession, error) {
	strong := staff.TOTPEnrolledAt != nil
	if strong && in.TOTP == "" {
		return ConsoleSession{}, model.E(model.CodeSecondFactor, "请输入手机上的动态口令")
	}
	var token string
	var session model.ID
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if err := s.openLogin(tx, staff.Login); err != nil {
			return err
		}
		if strong {
			if err := s.useTOTP(tx, now, staff, in.TOTP); err != nil {
				return err
			}
		}
		// The password may have been changed or the account closed since it was read.
		res := tx.Model(&model.Staff{}).Where("id = ? AND status = 'active' AND password_hash = ?", staff.ID, staff.PasswordHash).
			UpdateColumn("locked_until", nil)
		if res.Error == nil && res.RowsAffected == 0 {
			return errLogin()
		}
		if res.Error != nil {
			return res.Error
		}
		var err error
		if session, token, err = s.startSession(tx, now, audienceStaff, staff.ID, strong, ""); err != nil {
			return err
		}
		actor := model.Actor{Kind: model.ActorStaff, ID: staff.ID, RequestID: in.RequestID}
		return s.db.Audit(tx, actor, now, "staff.login", staffRef(staff.ID), staff.UnionID, map[string]bool{"second_factor": strong})
	})
	if err != nil {
		return ConsoleSession{}, err
	}
	return s.ShowSession(ctx, model.Actor{Kind: model.ActorStaff, ID: staff.ID, SessionID: session, Strong: strong}, token)
}

// ShowSession tells who is logged in with the cookie token, which must be that of the actor's session.
func (s *Service) ShowSession(ctx context.Context, actor model.Actor, token string) (ConsoleSession, error) {
	var session model.Session
	if err := s.db.Read(ctx).Take(&session, actor.SessionID).Error; err != nil {
		return ConsoleSession{}, err
	}
	staff, err := s.staffView(ctx, actor.ID)
	if err != nil {
		return ConsoleSession{}, err
	}
	role := Role(staff.Role)
	return ConsoleSession{
		Token: token, CSRFToken: csrfOf(token), ExpiresAt: session.ExpiresAt, Staff: staff, Permissions: role.Permissions(), SecondFactor: actor.Strong,
		EnrolmentRequired: role.NeedsSecondFactor() && !staff.TOTPEnrolled, MustChangePassword: staff.MustChangePassword,
	}, nil
}

// reauthenticate checks the password of whoever is logged in, under the same lock-out as a login. field names the
// password in the error.
func (s *Service) reauthenticate(ctx context.Context, actor model.Actor, field, password string) (model.Staff, error) {
	var staff model.Staff
	if err := s.db.Read(ctx).Take(&staff, actor.ID).Error; err != nil {
		return staff, err
	}
	if err := s.countLogin(ctx, actor, staff); err != nil {
		return staff, err
	}
	fits, err := s.passwordFits(ctx, password, staff.PasswordHash)
	if err != nil {
		return staff, err
	}
	if !fits {
		return staff, errors.Join(model.Invalid(field, "密码不正确"), s.auditFailure(ctx, staff, StaffLogin{RequestID: actor.RequestID}))
	}
	return staff, s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.openLogin(tx, staff.Login); err != nil {
			return err
		}
		return tx.Model(&model.Staff{}).Where("id = ?", staff.ID).UpdateColumn("locked_until", nil).Error
	})
}

// ChangePassword replaces the staff's own password. Every other session of the account ends, and this one goes on
// under another token. Errors: CodeInvalid on "old" or "new", CodeRateLimited.
func (s *Service) ChangePassword(ctx context.Context, actor model.Actor, old, next string) (renewed Renewed, err error) {
	staff, err := s.reauthenticate(ctx, actor, "old", old)
	if err != nil {
		return renewed, err
	}
	if old == next {
		return renewed, model.Invalid("new", "新密码不能与原密码相同")
	}
	if err := checkNewPassword("new", staff.Login, next); err != nil {
		return renewed, err
	}
	hash, err := s.hashPassword(ctx, next)
	if err != nil {
		return renewed, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.Staff{}).Where("id = ? AND password_hash = ?", staff.ID, staff.PasswordHash).
			UpdateColumns(map[string]any{"password_hash": hash, "must_change_password": false, "updated_at": now})
		if res.Error == nil && res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "密码刚被修改过，请重新登录")
		}
		if res.Error != nil {
			return res.Error
		}
		if err := revokeSessions(tx, now, audienceStaff, staff.ID, actor.SessionID); err != nil {
			return err
		}
		if renewed, err = renewSession(tx, actor.SessionID); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "staff.password", staffRef(staff.ID), staff.UnionID, nil)
	})
	return renewed, err
}
