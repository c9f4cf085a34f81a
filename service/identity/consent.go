package identity

import (
	"context"
	_ "embed"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// PrivacyVersion is the version of the privacy notice in force. Whoever agreed to another one is asked again.
const PrivacyVersion = "1.2"

//go:embed privacy.md
var privacyText string

// PrivacyNotice is the notice that members agree to, in Markdown, with its version.
type PrivacyNotice struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// Consent is a member's agreement to a version of the privacy notice.
type Consent struct {
	Version  string    `json:"version"`
	AgreedAt time.Time `json:"agreed_at"`
}

// PrivacyNotice returns the notice in force, in the name of the city federation.
func (s *Service) PrivacyNotice(ctx context.Context) (PrivacyNotice, error) {
	var root model.Union
	if err := s.db.Read(ctx).Where("parent_id IS NULL").Take(&root).Error; err != nil {
		return PrivacyNotice{}, err
	}
	text := strings.NewReplacer("{{union}}", root.Name, "{{version}}", PrivacyVersion).Replace(privacyText)
	return PrivacyNotice{Version: PrivacyVersion, Text: text}, nil
}

// Agree records that the WeChat account agreed to the notice. Only the version in force can be agreed to; agreeing again
// changes nothing and returns the first time. From then on the device is known by its keyed hash, see LoginMember. Errors:
// CodeConflict for another version.
func (s *Service) Agree(ctx context.Context, actor model.Actor, version, device string) (Consent, error) {
	if version != PrivacyVersion {
		e := model.E(model.CodeConflict, "隐私政策已更新，请阅读最新版本后再同意")
		e.Data = map[string]string{"version": PrivacyVersion}
		return Consent{}, e
	}
	var row model.Consent
	find := func() error {
		return s.db.Read(ctx).Where("account_id = ? AND kind = 'privacy' AND version = ?", actor.AccountID, version).Take(&row).Error
	}
	err := find()
	if errors.Is(err, gorm.ErrRecordNotFound) {
		row = model.Consent{ID: s.db.NewID(), AccountID: actor.AccountID, Kind: "privacy", Version: version, AgreedAt: s.db.Now()}
		if err = s.db.Read(ctx).Create(&row).Error; model.Duplicate(err) { // a double tap
			row = model.Consent{}
			err = find()
		}
	}
	if err == nil && device != "" {
		err = s.db.Read(ctx).Model(&model.Session{}).Where("id = ?", actor.SessionID).UpdateColumn("device_hash", s.sealer.Hash(model.HashDevice, device)).Error
	}
	return Consent{Version: row.Version, AgreedAt: row.AgreedAt}, err
}

// RequireConsent is CodeConsentRequired, with the version to agree to, for a WeChat account that has not agreed to the notice
// in force: what binds an account or shows and uses a member's data waits until it has.
func RequireConsent(actor model.Actor) error {
	if actor.Consented {
		return nil
	}
	e := model.E(model.CodeConsentRequired, "请先阅读并同意现行的隐私政策，再继续使用")
	e.Data = map[string]string{"version": PrivacyVersion}
	return e
}

// consented tells whether the account agreed to the notice in force.
func (s *Service) consented(ctx context.Context, account model.ID) (bool, error) {
	err := s.db.Read(ctx).Where("account_id = ? AND kind = 'privacy' AND version = ?", account, PrivacyVersion).Take(&model.Consent{}).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, nil
	}
	return err == nil, err
}
