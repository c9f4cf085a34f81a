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

// TestDeniedPasswords shows that the list holds only what the other rules let through, in lower case.
func TestDeniedPasswords(t *testing.T) {
	for line := range strings.Lines(deniedPasswords) {
		p := strings.TrimSpace(line)
		if p != strings.ToLower(p) || len(p) < minPassword {
			t.Errorf("%q does nothing on the list", p)
		}
		if checkNewPassword("new", "somebody", p) == nil {
			t.Errorf("%q is let through", p)
		}
	}
	for _, good := range []string{"a-long-pass-phrase", "十个字的中文密码可以", newPassword()} {
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
