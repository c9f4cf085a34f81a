package identity

import (
	"context"
	"net/netip"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// quota is how many attempts there may be: at most most in each window.
type quota struct {
	name string // part of the subject, so that quotas of one subject do not share a row
	most int
	per  time.Duration
}

// The quotas. Windows stand still: an hour's begins at the full hour, a day's at midnight China time.
var (
	bindingQuotas = []quota{{"hour", 5, time.Hour}, {"day", 10, 24 * time.Hour}}
	unknownQuotas = []quota{{"lock", maxFailedLogins, lockOut}}
	confirmQuotas = []quota{{"hour", 10, time.Hour}}
	addressQuotas = []quota{{"hour", maxAddressLogins, time.Hour}}
)

// maxAddressLogins is how many logins to the console may fail from one address in an hour, whichever accounts they are for: it ends
// trying one password on many accounts, also while Redis is away. A whole office may share an address.
const maxAddressLogins = 100

// network is what counts as one address: of IPv6 the /64, since a single line has all of it.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if addr = addr.Unmap(); addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return prefix.String()
}

// windowStart is when the window that now falls in began.
func (q quota) windowStart(now time.Time) time.Time {
	_, offset := now.In(model.China).Zone()
	shift := time.Duration(offset) * time.Second
	return now.Add(shift).Truncate(q.per).Add(-shift).UTC()
}

// attempt counts one attempt of subject against all quotas, in the database, so that the limits hold without Redis. A
// full quota is CodeRateLimited with message; it tells when its window ends. Attempts that run at once are all counted.
func (s *Service) attempt(ctx context.Context, subject, message string, quotas []quota) error {
	now := s.db.Now()
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		for _, q := range quotas {
			start := q.windowStart(now)
			ok, err := countAttempt(tx, subject+":"+q.name, start, q.most)
			if err != nil {
				return err
			}
			if !ok {
				e := model.E(model.CodeRateLimited, "%s", message)
				e.RetryAfter = start.Add(q.per).Sub(now)
				return e
			}
		}
		return nil
	})
}

// forgive takes one attempt back that failed through no fault of the person.
func (s *Service) forgive(ctx context.Context, subject string, quotas []quota) error {
	now := s.db.Now()
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		for _, q := range quotas {
			err := tx.Model(&model.Attempt{}).Where("subject = ? AND window_start = ? AND count > 0", subject+":"+q.name, q.windowStart(now)).
				UpdateColumn("count", gorm.Expr("count - 1")).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func countAttempt(tx *gorm.DB, subject string, start time.Time, most int) (bool, error) {
	for range 2 { // the second time for a row that another attempt made in between
		res := tx.Model(&model.Attempt{}).Where("subject = ? AND window_start = ? AND count < ?", subject, start, most).
			UpdateColumn("count", gorm.Expr("count + 1"))
		if res.Error != nil || res.RowsAffected == 1 {
			return res.Error == nil, res.Error
		}
		err := tx.Create(&model.Attempt{Subject: subject, WindowStart: start, Count: 1}).Error
		if err == nil || !model.Duplicate(err) {
			return err == nil, err
		}
	}
	return false, nil
}
