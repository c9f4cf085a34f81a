package emulator

import (
	"encoding/hex"
	"regexp"
	"time"

	"bangfu/model"
)

// purpose keeps login codes and phone codes apart.
type purpose int

const (
	forLogin purpose = iota
	forPhone
)

// code is what the mini-program got from wx.login or getPhoneNumber.
type code struct {
	purpose purpose
	user    string
	phone   string
	issued  time.Time
	used    bool
}

var (
	userForm  = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
	phoneForm = regexp.MustCompile(`^1[0-9]{10}$`)
)

// LoginCode makes the code that wx.login would give the user: one use, 5 minutes. user is any handle
// of 1 to 32 characters a-z, 0-9, _ or -; anything else is CodeInvalid.
func (e *Emulator) LoginCode(user string) (string, error) {
	if err := checkUser(user); err != nil {
		return "", err
	}
	return e.issue(code{purpose: forLogin, user: user}, 16), nil
}

// PhoneCode makes the code that getPhoneNumber would give the user, whose phone number is phone (11
// digits): one use, 5 minutes. A wrong handle or number is CodeInvalid.
func (e *Emulator) PhoneCode(user, phone string) (string, error) {
	if err := checkUser(user); err != nil {
		return "", err
	}
	if !phoneForm.MatchString(phone) {
		return "", model.Invalid("phone", "手机号应为 11 位数字，以 1 开头")
	}
	return e.issue(code{purpose: forPhone, user: user, phone: phone}, 32), nil
}

func checkUser(user string) error {
	if !userForm.MatchString(user) {
		return model.Invalid("user", "用户代号应为 1 至 32 个小写字母、数字、下划线或短横线")
	}
	return nil
}

// issue stores c under a random name of size bytes and forgets codes that are past remembering.
func (e *Emulator) issue(c code, size int) string {
	name := hex.EncodeToString(randomBytes(size))
	now := e.clock.Now()
	c.issued = now
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.issued) > 0 && now.Sub(e.codes[e.issued[0]].issued) > codeKept {
		delete(e.codes, e.issued[0])
		e.issued = e.issued[1:]
	}
	e.codes[name] = &c
	e.issued = append(e.issued, name)
	return name
}

// redeem uses a code up. The second result is WeChat's error code, 0 when it was good.
func (e *Emulator) redeem(name string, p purpose) (code, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.codes[name]
	switch {
	case !ok || c.purpose != p:
		return code{}, 40029
	case c.used:
		return code{}, 40163
	case e.clock.Now().Sub(c.issued) >= codeLife:
		return code{}, 40029
	}
	c.used = true
	return *c, 0
}
