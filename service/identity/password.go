package identity

import (
	"context"
	"crypto/rand"
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"bangfu/model"
)

// Lengths of a console password in characters.
const (
	minPassword = 12
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
		return model.Invalid(field, "密码应为 12 至 128 个字符")
	case strings.Contains(lower, login):
		return model.Invalid(field, "密码不能包含登录名")
	case repeats(lower), runs(lower), denied(lower):
		return model.Invalid(field, "这个密码太常见，容易被猜到，请换一个")
	}
	return nil
}

// denied tells a common password, also one that digits and signs were put around or behind: password2025!.
func denied(lower string) bool {
	stem := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	for line := range strings.Lines(deniedPasswords) {
		common := strings.TrimSpace(line)
		if common == lower || stem != "" && strings.TrimFunc(common, func(r rune) bool { return !unicode.IsLetter(r) }) == stem {
			return true
		}
	}
	return false
}

// repeats tells a short piece said again and again: aaaaaaaaaaaa, abc123abc123.
func repeats(lower string) bool {
	for n := 1; n <= len(lower)/2; n++ {
		if strings.HasPrefix(strings.Repeat(lower[:n], len(lower)/n+1), lower) {
			return true
		}
	}
	return false
}

// runs tells a password most of which counts up or down, by letters, digits or along the keyboard: 123456789012, qwertyuiop12.
func runs(lower string) bool {
	const keyboard = "qwertyuiop asdfghjkl zxcvbnm"
	steps := 0
	for i := 1; i < len(lower); i++ {
		pair := lower[i-1 : i+1]
		if d := int(pair[1]) - int(pair[0]); d == 1 || d == -1 || strings.Contains(keyboard, pair) || pair == "90" || pair == "09" {
			steps++
		}
	}
	return steps*4 >= (len(lower)-1)*3
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
