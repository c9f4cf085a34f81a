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

// lockRows are the subjects under which tries at a console login are counted, and under which it is noted when that login was closed. They are
// the same for a login that no account has, so that nobody can tell the two apart.
func (s *Service) lockRows(login string) (tries, closed string) {
	hash := s.sealer.Hash("login", login)
	return "login:tries:" + hash, "login:closed:" + hash
}

// countTry counts a try at a login and closes it with the last one allowed, for lockOut from then on. Tries are forgotten once the login is opened, and
// by PurgeExpired after a few days. Error: errLocked.
func (s *Service) countTry(tx *gorm.DB, now time.Time, login string) (last bool, err error) {
	tries, closed := s.lockRows(login)
	if err := addTry(tx, tries, now); err != nil { // first of all: from here on others who try this login wait
		return false, err
	}
	var since []model.Attempt
	if err := tx.Where("subject = ? AND window_start > ?", closed, now.Add(-lockOut)).Order("window_start DESC").Limit(1).Find(&since).Error; err != nil {
		return false, err
	}
	if len(since) > 0 {
		return false, errLocked(since[0].WindowStart.Add(lockOut).Sub(now)) // and the try is not counted
	}
	res := tx.Model(&model.Attempt{}).Where("subject = ? AND count >= ?", tries, maxFailedLogins).UpdateColumn("count", 0)
	if res.Error != nil || res.RowsAffected == 0 {
		return false, res.Error
	}
	return true, tx.Create(&model.Attempt{Subject: closed, WindowStart: now, Count: 1}).Error
}

// addTry adds one to the only row of tries, whose window is the day on which it was made.
func addTry(tx *gorm.DB, tries string, now time.Time) error {
	for range 2 { // the second time for a row that another try made in between
		res := tx.Model(&model.Attempt{}).Where("subject = ?", tries).UpdateColumn("count", gorm.Expr("count + 1"))
		if res.Error != nil || res.RowsAffected > 0 {
			return res.Error
		}
		err := tx.Create(&model.Attempt{Subject: tries, WindowStart: quota{per: 24 * time.Hour}.windowStart(now), Count: 1}).Error
		if err == nil || !model.Duplicate(err) {
			return err
		}
	}
	return model.ErrRerun
}

// openLogin forgets the tries at a login and opens it.
func (s *Service) openLogin(tx *gorm.DB, login string) error {
	tries, closed := s.lockRows(login)
	if err := tx.Model(&model.Attempt{}).Where("subject = ?", tries).UpdateColumn("count", 0).Error; err != nil {
		return err
	}
	return tx.Where("subject = ?", closed).Delete(&model.Attempt{}).Error
}
