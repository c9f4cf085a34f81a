package identity

import (
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
)

// TestUnknownLoginsCostTheSame shows that the stand-in hash is read and computed with the same parameters as a real one.
func TestUnknownLoginsCostTheSame(t *testing.T) {
	p, salt, key, err := argon2id.DecodeHash(noPassword)
	if err != nil || *p != *passwordParams || len(salt) != int(passwordParams.SaltLength) || len(key) != int(passwordParams.KeyLength) {
		t.Fatalf("%+v, %d, %d: %v", p, len(salt), len(key), err)
	}
}

// TestDeniedPasswords shows that the list is in lower case, and that common passwords with something around them, repetitions and runs are
// refused while pass phrases are not.
func TestDeniedPasswords(t *testing.T) {
	for line := range strings.Lines(deniedPasswords) {
		p := strings.TrimSpace(line)
		if p != strings.ToLower(p) {
			t.Errorf("%q does nothing on the list", p)
		}
		if checkNewPassword("new", "somebody", p) == nil {
			t.Errorf("%q is let through", p)
		}
	}
	for _, bad := range []string{"Password2025!!", "2025Administrator", "123456789012", "987654321098", "abcdefghijkl", "qwertyuiop12", "abc123abc123", "monkeymonkey", "十二十二十二十二十二十二", "elevenchars"} {
		if checkNewPassword("new", "somebody", bad) == nil {
			t.Errorf("%q is let through", bad)
		}
	}
	for _, good := range []string{"a-long-pass-phrase", "十二个字的中文密码也可以用", newPassword(), "correct horse battery"} {
		if err := checkNewPassword("new", "somebody", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// TestRoles shows that each role has a name and may look after itself.
func TestRoles(t *testing.T) {
	for _, r := range Roles {
		if r.Name == "" || !r.Role.May(PermSelf) {
			t.Errorf("%+v", r)
		}
	}
	if len(Roles) != len(rolePermissions) {
		t.Errorf("%d roles are listed, %d have permissions", len(Roles), len(rolePermissions))
	}
}
