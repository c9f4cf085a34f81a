package identity

import (
	"context"
	"crypto/rand"
	_ "embed"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"bangfu/model"
)

// Lengths of a console password in characters.
const (
	minPassword = 10
	maxPassword = 128
)

//go:embed passwords.txt
var deniedPasswords string

// passwordParams are OWASP's least for argon2id: 19 MiB, two passes, one lane.
var passwordParams = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// maxHashing bounds how many passwords are hashed at once, and so the memory that logins can take.
const maxHashing = 4

// noPassword is the hash of a password that nobody knows: a login that does not exist is compared with it, so that it
// takes as long as one that does.
const noPassword = "$argon2id$v=19$m=19456,t=2,p=1$ZmRlYmMxYjY3ZTA5NGE1Zg$1kqN7f4pYx0w8Rr0uHcX1z9mD3vQb2sT6yLgE5aJo/M"

// checkNewPassword refuses a password that is too short or long, the login in it, or a common one.
func checkNewPassword(field, login, password string) error {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	switch {
	case n < minPassword || n > maxPassword:
		return model.Invalid(field, "密码应为 10 至 128 个字符")
	case strings.Contains(lower, login):
		return model.Invalid(field, "密码不能包含登录名")
	case strings.Count(lower, lower[:1]) == len(lower), denied(lower):
		return model.Invalid(field, "这个密码太常见，容易被猜到，请换一个")
	}
	return nil
}

func denied(lower string) bool {
	for line := range strings.Lines(deniedPasswords) {
		if strings.TrimSpace(line) == lower {
			return true
		}
	}
	return false
}

// newPassword makes an initial password that a person can type: 16 letters and digits in groups, 80 bits.
func newPassword() string {
	t := strings.ToLower(rand.Text())
	return t[:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:16]
}

// hashPassword makes the stored form of a password.
func (s *Service) hashPassword(ctx context.Context, password string) (string, error) {
	if err := s.startHashing(ctx); err != nil {
		return "", err
	}
	defer s.stopHashing()
	return argon2id.CreateHash(password, passwordParams)
}

// passwordFits compares a password with a stored hash; an unreadable hash fits nothing.
func (s *Service) passwordFits(ctx context.Context, password, hash string) (bool, error) {
	if err := s.startHashing(ctx); err != nil {
		return false, err
	}
	defer s.stopHashing()
	fits, err := argon2id.ComparePasswordAndHash(password, hash)
	return fits && err == nil, nil
}

func (s *Service) startHashing(ctx context.Context) error {
	select {
	case s.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) stopHashing() { <-s.hashing }
