package counter

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Code is a member's code to be shown at a counter. Its life is told in seconds from now, not as a time, so that a phone whose
// clock is wrong counts it down rightly.
type Code struct {
	Code             string `json:"code"` // 26 characters A-Z 2-7, 130 random bits: the content of a QR picture
	ExpiresInSeconds int    `json:"expires_in_seconds"`
}

// RequestCode makes a new code for the member; earlier ones that were not used are void from then on. Only its hash is kept.
// Errors: CodeRateLimited.
func (s *Service) RequestCode(ctx context.Context, actor model.Actor) (Code, error) {
	if err := s.flood(ctx, "counter_code", actor.ID, maxCodes); err != nil {
		return Code{}, err
	}
	code := rand.Text()
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		err := tx.Model(&model.CounterCode{}).Where("live_person_id = ?", actor.ID).UpdateColumn("live_person_id", nil).Error
		if err != nil {
			return err
		}
		row := model.CounterCode{CodeHash: hashOf(code), PersonID: actor.ID, LivePersonID: &actor.ID, CreatedAt: now, ExpiresAt: now.Add(codeLife)}
		err = tx.Create(&row).Error
		if model.Duplicate(err) { // another request of the same member came between: there is one live code each
			return model.ErrRerun
		}
		return err
	})
	return Code{Code: code, ExpiresInSeconds: int(codeLife / time.Second)}, err
}

// hashOf is what is kept of a code. Scanners may add spaces or change the case.
func hashOf(code string) string {
	sum := sha256.Sum256([]byte(strings.ToUpper(strings.TrimSpace(code))))
	return hex.EncodeToString(sum[:])
}
