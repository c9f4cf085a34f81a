package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"github.com/skip2/go-qrcode"
	"gorm.io/gorm"

	"bangfu/model"
)

// totpStep is how long one code lasts, in seconds.
const totpStep = 30

// totpIssuer is how the account is called in the authenticator.
const totpIssuer = "工会消费帮扶平台"

// TOTPEnrolment is what an authenticator needs, shown once.
type TOTPEnrolment struct {
	Secret string `json:"secret"` // base32
	URI    string `json:"uri"`    // otpauth://…
	QR     string `json:"qr"`     // data:image/png;base64,…
}

// BeginTOTP makes a new secret for the staff's authenticator; it counts only once ConfirmTOTP saw a code of it. It needs
// the password again. CodeConflict if an authenticator is bound already: an administrator has to reset it first.
func (s *Service) BeginTOTP(ctx context.Context, actor model.Actor, password string) (TOTPEnrolment, error) {
	staff, err := s.reauthenticate(ctx, actor, "password", password)
	if err != nil {
		return TOTPEnrolment{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: staff.Login, Period: totpStep})
	if err != nil {
		return TOTPEnrolment{}, err
	}
	png, err := qrcode.Encode(key.URL(), qrcode.Medium, 256)
	if err != nil {
		return TOTPEnrolment{}, err
	}
	sealed, err := s.sealer.Seal(key.Secret(), model.SealStaffTOTP)
	if err != nil {
		return TOTPEnrolment{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.Staff{}).Where("id = ? AND totp_enrolled_at IS NULL", actor.ID).
			UpdateColumns(map[string]any{"totp_secret_sealed": sealed, "totp_last_step": 0, "updated_at": now})
		if res.Error == nil && res.RowsAffected == 0 {
			return errEnrolled()
		}
		if res.Error != nil {
			return res.Error
		}
		return s.db.Audit(tx, actor, now, "staff.totp_begin", staffRef(actor.ID), actor.UnionID, nil)
	})
	return TOTPEnrolment{Secret: key.Secret(), URI: key.URL(), QR: "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)}, err
}

func errEnrolled() error {
	return model.E(model.CodeConflict, "已绑定动态口令；如需更换，请联系管理员重置")
}

// ConfirmTOTP binds the authenticator whose code this is. The session of the request becomes one that passed a second
// factor, under another token; the staff's other sessions end. Errors: CodeConflict (not begun, or bound already), CodeSecondFactor,
// CodeRateLimited.
func (s *Service) ConfirmTOTP(ctx context.Context, actor model.Actor, code string) (renewed Renewed, err error) {
	if err := s.attempt(ctx, "totp:staff:"+actor.ID.String(), "尝试次数过多，请稍后再试", confirmQuotas); err != nil {
		return renewed, err
	}
	var staff model.Staff
	if err := s.db.Read(ctx).Take(&staff, actor.ID).Error; err != nil {
		return renewed, err
	}
	if staff.TOTPEnrolledAt != nil {
		return renewed, errEnrolled()
	}
	if staff.TOTPSecretSealed == "" {
		return renewed, model.E(model.CodeConflict, "请先取得动态口令的二维码")
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if err := s.useTOTP(tx, now, staff, code); err != nil {
			return err
		}
		res := tx.Model(&model.Staff{}).Where("id = ? AND totp_enrolled_at IS NULL AND totp_secret_sealed = ?", staff.ID, staff.TOTPSecretSealed).
			UpdateColumns(map[string]any{"totp_enrolled_at": now, "updated_at": now})
		if res.Error == nil && res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "二维码已更换，请重新扫描后再试")
		}
		if res.Error != nil {
			return res.Error
		}
		if err := tx.Model(&model.Session{}).Where("id = ?", actor.SessionID).UpdateColumn("second_factor", true).Error; err != nil {
			return err
		}
		if err := revokeSessions(tx, now, audienceStaff, actor.ID, actor.SessionID); err != nil {
			return err
		}
		if renewed, err = renewSession(tx, actor.SessionID); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "staff.totp_enrol", staffRef(actor.ID), actor.UnionID, nil)
	})
	return renewed, err
}

// useTOTP accepts a code of the step before, now or after, and each step once: the compare-and-set on totp_last_step
// turns away whoever comes second with the same code. Errors: CodeSecondFactor.
func (s *Service) useTOTP(tx *gorm.DB, now time.Time, staff model.Staff, code string) error {
	secret, err := s.sealer.Open(staff.TOTPSecretSealed, model.SealStaffTOTP)
	if err != nil {
		return err
	}
	matched := int64(0)
	for step := now.Unix()/totpStep - 1; step <= now.Unix()/totpStep+1; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			matched = step
		}
	}
	if matched == 0 {
		return model.E(model.CodeSecondFactor, "动态口令不正确，请核对手机时间后再试")
	}
	res := tx.Model(&model.Staff{}).Where("id = ? AND totp_last_step < ?", staff.ID, matched).UpdateColumn("totp_last_step", matched)
	if res.Error == nil && res.RowsAffected == 0 {
		return model.E(model.CodeSecondFactor, "这个动态口令已经用过，请等下一个")
	}
	return res.Error
}
