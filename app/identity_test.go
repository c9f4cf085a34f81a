package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/config"
	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/wechat/emulator"
)

// Invented people: unassigned phone numbers, and ID numbers of an address code that no place has.
const (
	phoneA, phoneB = "10000000001", "10000000002"
	idNumberA      = "999999199001010016"
	idNumberB      = "99999919900102002X"
)

func (h *house) sealer() *model.Sealer {
	h.t.Helper()
	key, err := model.DecodeKey(h.Config.HashKey)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := model.NewSealer(h.Config.FieldKeys, key)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// rosterMember puts a person onto a union's roster; the person is found again by the ID number.
func (h *house) rosterMember(u model.Union, name, phone, idNumber string) model.Member {
	h.t.Helper()
	s, now := h.sealer(), h.clock.Now()
	seal := func(plain, context string) string {
		sealed, err := s.Seal(plain, context)
		if err != nil {
			h.t.Fatal(err)
		}
		return sealed
	}
	var p model.Person
	if h.DB.Read(context.Background()).Where("id_number_hash = ?", s.Hash(model.HashIDNumber, idNumber)).Take(&p).Error != nil {
		p = model.Person{ID: h.DB.NewID(), IDNumberSealed: seal(idNumber, model.SealPersonIDNumber), IDNumberHash: s.Hash(model.HashIDNumber, idNumber), CreatedAt: now}
		h.insert(&p)
	}
	m := model.Member{ID: h.DB.NewID(), UnionID: u.ID, PersonID: p.ID, Name: name, PhoneSealed: seal(phone, model.SealMemberPhone), PhoneHash: s.Hash(model.HashPhone, phone),
		Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now}
	h.insert(&m)
	return m
}

// wechatLogin logs a WeChat user in and returns its client.
func (h *house) wechatLogin(user string) *client {
	h.t.Helper()
	code, err := h.Emulator.LoginCode(user)
	if err != nil {
		h.t.Fatal(err)
	}
	var in identity.MemberLogin
	c := h.client()
	c.post("/api/v1/member/login", map[string]string{"code": code}).ok(&in)
	c.token = in.Token
	return c
}

// consenting is wechatLogin and consent.
func (h *house) consenting(user string) *client {
	h.t.Helper()
	c := h.wechatLogin(user)
	c.post("/api/v1/member/consents", map[string]string{"version": identity.PrivacyVersion}).ok(nil)
	return c
}

// bind asks to be bound as name with the last six digits; union may be 0.
func (c *client) bind(user, phone, name, last6 string, union model.ID) *answer {
	c.t.Helper()
	code, err := c.h.Emulator.PhoneCode(user, phone)
	if err != nil {
		c.t.Fatal(err)
	}
	body := map[string]any{"phone_code": code, "name": name, "id_last6": last6}
	if union != 0 {
		body["union_id"] = union
	}
	return c.post("/api/v1/member/binding", body)
}

func (c *client) bindingState() identity.Binding {
	c.t.Helper()
	var b identity.Binding
	c.get("/api/v1/member/binding").ok(&b)
	return b
}

// TestMemberLoginAndBinding walks a member from the first tap to the profile.
func TestMemberLoginAndBinding(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	h.rosterMember(u, "陈晓明", phoneA, idNumberA)

	code, _ := h.Emulator.LoginCode("chen")
	var in identity.MemberLogin
	c := h.client()
	c.post("/api/v1/member/login", map[string]string{"code": code}).ok(&in)
	if in.Bound || !in.ConsentRequired || in.PrivacyVersion != identity.PrivacyVersion || !in.ExpiresAt.Equal(h.clock.Now().Add(h.Config.SessionMaxMember)) {
		t.Fatalf("first login: %+v", in)
	}
	c.post("/api/v1/member/login", map[string]string{"code": code}).fails(model.CodeInvalid) // a code works once
	c.token = in.Token
	c.get("/api/v1/member/profile").fails(model.CodeNotBound)
	c.bind("chen", phoneA, "陈晓明", "010016", 0).fails(model.CodeConsentRequired)

	var notice identity.PrivacyNotice
	h.client().get("/api/v1/privacy-notice").ok(&notice)
	if !strings.Contains(notice.Text, h.root().Name) || strings.Contains(notice.Text, "{{") || notice.Version != in.PrivacyVersion {
		t.Errorf("privacy notice: %.200s", notice.Text)
	}
	c.post("/api/v1/member/consents", map[string]string{"version": "0.1"}).fails(model.CodeConflict)
	var first, second identity.Consent
	c.post("/api/v1/member/consents", map[string]string{"version": notice.Version}).ok(&first)
	h.clock.Advance(time.Minute)
	c.post("/api/v1/member/consents", map[string]string{"version": notice.Version}).ok(&second)
	if !first.AgreedAt.Equal(second.AgreedAt) {
		t.Errorf("agreed at %v, then at %v", first.AgreedAt, second.AgreedAt)
	}
	if b := c.bindingState(); b.State != identity.BindingUnbound || !b.Consented {
		t.Errorf("before binding: %+v", b)
	}

	var bound identity.Binding
	if a := c.bind("chen", phoneA, " 陈 晓 明 ", "010016", 0).ok(&bound); a.Status != http.StatusOK || bound.State != identity.BindingBound {
		t.Fatalf("binding: %d %+v", a.Status, bound)
	}
	c.bind("chen", phoneA, "陈晓明", "010016", 0).fails(model.CodeConflict)
	var p identity.Profile
	c.get("/api/v1/member/profile").ok(&p)
	if p.Name != "陈晓明" || p.PhoneMasked != "100****0001" || p.IDNumberMasked != "**************0016" || len(p.Memberships) != 1 || p.Memberships[0].UnionName != u.Name {
		t.Errorf("profile: %+v", p)
	}
	code, _ = h.Emulator.LoginCode("chen")
	h.client().post("/api/v1/member/login", map[string]string{"code": code}).ok(&in)
	if !in.Bound || in.ConsentRequired {
		t.Errorf("second login: %+v", in)
	}
	h.noSecretsLogged(phoneA, idNumberA, "010016", in.Token, code, "陈晓明")
	var audit model.AuditEntry
	if err := h.DB.Read(context.Background()).Where("action = 'binding.match'").Take(&audit).Error; err != nil || audit.UnionID == nil || *audit.UnionID != u.ID || audit.RequestID == "" {
		t.Errorf("audit of the binding: %+v, %v", audit, err)
	}
}

// noSecretsLogged holds the log and the audit trail against what must never be in them.
func (h *house) noSecretsLogged(secrets ...string) {
	h.t.Helper()
	var details []string
	if err := h.DB.Read(context.Background()).Model(&model.AuditEntry{}).Pluck("detail", &details).Error; err != nil {
		h.t.Fatal(err)
	}
	text := h.log.String() + strings.Join(details, "\n")
	for _, s := range secrets {
		if strings.Contains(text, s) {
			h.t.Errorf("%q is in the log or the audit trail", s)
		}
	}
}

// TestBindingBadInput shows the answer to each wrong input, none of which is counted as a guess.
func TestBindingBadInput(t *testing.T) {
	h := newHouse(t)
	c := h.consenting("chen")
	for name, x := range map[string]struct {
		body  map[string]any
		field string
	}{
		"NoCode":       {map[string]any{"name": "陈晓明", "id_last6": "010016"}, "phone_code"},
		"NoName":       {map[string]any{"phone_code": "x", "id_last6": "010016"}, "name"},
		"NameOfDigits": {map[string]any{"phone_code": "x", "name": "12345", "id_last6": "010016"}, "name"},
		"FiveDigits":   {map[string]any{"phone_code": "x", "name": "陈晓明", "id_last6": "01001"}, "id_last6"},
		"XInside":      {map[string]any{"phone_code": "x", "name": "陈晓明", "id_last6": "01X016"}, "id_last6"},
		"WholeNumber":  {map[string]any{"phone_code": "x", "name": "陈晓明", "id_last6": idNumberA}, "id_last6"},
		"NoSuchUnion":  {map[string]any{"phone_code": "x", "name": "陈晓明", "id_last6": "010016", "union_id": "99"}, "union_id"},
		"NumericUnion": {map[string]any{"phone_code": "x", "name": "陈晓明", "id_last6": "010016", "union_id": 99}, "union_id"},
		"UnknownField": {map[string]any{"phone_code": "x", "name": "陈晓明", "id_last6": "010016", "phone": phoneA}, "phone"},
	} {
		t.Run(name, func(t *testing.T) {
			e := c.post("/api/v1/member/binding", x.body).fails(model.CodeInvalid)
			if len(e.Fields) == 0 || e.Fields[0].Name != x.field {
				if name != "NumericUnion" { // the id's own reader does not know its field
					t.Errorf("%+v does not name %s", e, x.field)
				}
			}
		})
	}
	e := c.post("/api/v1/member/binding", map[string]any{"phone_code": "wrong-code", "name": "陈晓明", "id_last6": "010016"}).fails(model.CodeInvalid)
	if len(e.Fields) != 1 || e.Fields[0].Name != "phone_code" {
		t.Errorf("wrong phone code: %+v", e)
	}
	h.client().post("/api/v1/member/login", map[string]string{"code": "no spaces allowed"}).fails(model.CodeInvalid)
	h.client().post("/api/v1/member/login", map[string]string{}).fails(model.CodeInvalid)
	h.client().get("/api/v1/member/binding").fails(model.CodeUnauthenticated)
	var n int64
	h.DB.Read(context.Background()).Model(&model.Attempt{}).Where("subject LIKE 'binding:account:%:hour' AND count = 1").Count(&n)
	if n != 1 {
		t.Error("only the try that cost a call to WeChat should be counted")
	}
}

// TestBindingMismatch shows that nobody learns what was wrong, and that there is no dead end.
func TestBindingMismatch(t *testing.T) {
	h := newHouse(t)
	u, other := h.union(h.root(), "grassroots", "示范小学工会"), h.union(h.root(), "grassroots", "示范医院工会")
	h.rosterMember(u, "陈晓明", phoneA, idNumberA)

	t.Run("PhoneOnNoRoster", func(t *testing.T) {
		c := h.consenting("nobody")
		c.bind("nobody", phoneB, "陈晓明", "010016", 0).fails(model.CodeBindingMismatch)
		if b := c.bindingState(); b.State != identity.BindingUnbound {
			t.Errorf("%+v", b)
		}
		var pending identity.Binding
		if a := c.bind("nobody", phoneB, "陈晓明", "010016", other.ID).ok(&pending); a.Status != http.StatusAccepted || pending.State != identity.BindingPending || pending.Union.ID != other.ID {
			t.Errorf("%d %+v", a.Status, pending)
		}
	})
	t.Run("WrongNameAndWrongDigitsAnswerAlike", func(t *testing.T) {
		c := h.consenting("almost")
		var name, digits identity.Binding
		c.bind("almost", phoneA, "陈小明", "010016", 0).ok(&name)
		c.bind("almost", phoneA, "陈晓明", "010017", 0).ok(&digits)
		if name.State != identity.BindingPending || digits.State != identity.BindingPending || name.Message != digits.Message || name.Union.ID != u.ID || digits.Union.ID != u.ID {
			t.Errorf("%+v / %+v", name, digits)
		}
		var open int64
		h.DB.Read(context.Background()).Model(&model.BindingRequest{}).Where("open_account_id IS NOT NULL AND union_id = ?", u.ID).Count(&open)
		if open != 1 {
			t.Errorf("%d open requests of one account", open)
		}
		var bound identity.Binding
		c.bind("almost", phoneA, "陈晓明", "010016", 0).ok(&bound) // right at last: the request leaves the queue
		h.DB.Read(context.Background()).Model(&model.BindingRequest{}).Where("open_account_id IS NOT NULL AND union_id = ?", u.ID).Count(&open)
		if bound.State != identity.BindingBound || open != 0 {
			t.Errorf("%+v with %d open requests", bound, open)
		}
	})
	t.Run("SmallX", func(t *testing.T) {
		h.rosterMember(u, "欧阳·静", phoneB, idNumberB)
		var b identity.Binding
		h.consenting("small").bind("small", phoneB, "欧阳•静", "02002x", 0).ok(&b)
		if b.State != identity.BindingBound {
			t.Errorf("%+v", b)
		}
	})
	t.Run("PersonBoundToAnotherAccount", func(t *testing.T) {
		e := h.consenting("thief").bind("thief", phoneB, "欧阳·静", "02002X", 0).fails(model.CodeConflict)
		if !strings.Contains(e.Message, "解绑") {
			t.Errorf("%+v", e)
		}
	})
	t.Run("LeftTheUnion", func(t *testing.T) {
		m := h.rosterMember(other, "林一", "10000000003", "999999199001010059")
		h.DB.Read(context.Background()).Model(&model.Member{}).Where("id = ?", m.ID).UpdateColumn("status", "left")
		h.consenting("left").bind("left", "10000000003", "林一", "010059", 0).fails(model.CodeBindingMismatch)
	})
	t.Run("TwoUnionsOnePerson", func(t *testing.T) {
		for _, x := range []model.Union{u, other} {
			h.rosterMember(x, "林二", "10000000004", "999999199001010075")
		}
		c := h.consenting("two")
		c.bind("two", "10000000004", "林二", "010075", 0).ok(nil)
		var p identity.Profile
		c.get("/api/v1/member/profile").ok(&p)
		if len(p.Memberships) != 2 {
			t.Errorf("%+v", p)
		}
	})
}

// TestBindingGuessesAreLimited shows the limits of an account and of a phone, by the hour and the day, with Redis and
// without it.
func TestBindingGuessesAreLimited(t *testing.T) {
	for _, redis := range []bool{true, false} {
		t.Run(fmt.Sprintf("Redis=%v", redis), func(t *testing.T) {
			h := newHouse(t)
			u := h.union(h.root(), "grassroots", "示范小学工会")
			h.rosterMember(u, "陈晓明", phoneA, idNumberA)
			c := h.consenting("guesser")
			if !redis {
				_ = h.Guard.Close()
			}
			guess := func(n int) *answer { return c.bind("guesser", phoneA, "陈晓明", fmt.Sprintf("%06d", n), u.ID) }
			for n := range 5 {
				guess(n).ok(nil)
			}
			a := guess(5)
			a.fails(model.CodeRateLimited)
			if a.Header.Get("Retry-After") != "3600" {
				t.Errorf("Retry-After %s at the full hour", a.Header.Get("Retry-After"))
			}
			c.bind("guesser", phoneA, "陈晓明", "010016", u.ID).fails(model.CodeRateLimited) // the right one, too late
			mate := h.consenting("mate")
			mate.bind("mate", phoneA, "陈晓明", "010016", 0).fails(model.CodeRateLimited) // the phone's limit
			h.clock.Advance(time.Hour)
			for n := range 5 {
				guess(n).ok(nil)
			}
			h.clock.Advance(time.Hour)
			guess(5).fails(model.CodeRateLimited) // ten a day
			h.clock.Set(model.DateOf(h.clock.Now()).End())
			var b identity.Binding
			c.bind("guesser", phoneA, "陈晓明", "010016", 0).ok(&b)
			if b.State != identity.BindingBound {
				t.Errorf("the next day: %+v", b)
			}
		})
	}
}

// TestWechatAway shows what members read while WeChat fails, and that it costs them none of their attempts.
func TestWechatAway(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	h.rosterMember(u, "陈晓明", phoneA, idNumberA)
	c := h.consenting("chen")
	fault := func(path string, mode emulator.Mode, errcode int) {
		h.Emulator.ClearFaults()
		if err := h.Emulator.InjectFault(emulator.Fault{Path: path, Mode: mode, ErrCode: errcode}); err != nil {
			t.Fatal(err)
		}
	}
	fault("/wxa/business/getuserphonenumber", emulator.Down, 0)
	for range 7 {
		c.bind("chen", phoneA, "陈晓明", "010016", 0).fails(model.CodeWechat)
	}
	fault("/sns/jscode2session", emulator.Garbage, 0)
	code, _ := h.Emulator.LoginCode("chen")
	h.client().post("/api/v1/member/login", map[string]string{"code": code}).fails(model.CodeWechat)
	fault("/sns/jscode2session", emulator.Error, 40226)
	h.client().post("/api/v1/member/login", map[string]string{"code": code}).fails(model.CodeForbidden)
	fault("/sns/jscode2session", emulator.Error, 45011)
	h.client().post("/api/v1/member/login", map[string]string{"code": code}).fails(model.CodeRateLimited)
	h.Emulator.ClearFaults()
	c.bind("chen", phoneA, "陈晓明", "010016", 0).ok(nil)
	h.noSecretsLogged(code, h.Emulator.OpenID("chen"), config.EmulatorAppSecret)
}

// TestGuessesAtOnceAreAllCounted shows that parallel guesses do not slip past the limit.
func TestGuessesAtOnceAreAllCounted(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	c := h.consenting("guesser")
	_ = h.Guard.Close()
	results := together(16, func(n int) model.Code {
		return codeOf(c.bind("guesser", phoneA, "陈晓明", fmt.Sprintf("%06d", n), u.ID))
	})
	if results[""] != 5 || results[model.CodeRateLimited] != 11 {
		t.Errorf("%v", results)
	}
}

// TestTwoAccountsBindOnePersonAtOnce shows that exactly one gets it.
func TestTwoAccountsBindOnePersonAtOnce(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	h.rosterMember(u, "陈晓明", phoneA, idNumberA)
	var clients []*client
	for n := range 4 {
		clients = append(clients, h.consenting(fmt.Sprintf("user%d", n)))
	}
	results := together(4, func(n int) model.Code {
		return codeOf(clients[n].bind(fmt.Sprintf("user%d", n), phoneA, "陈晓明", "010016", 0))
	})
	if results[""] != 1 || results[model.CodeConflict] != 3 {
		t.Errorf("%v", results)
	}
}

// TestFirstLoginsAtOnceMakeOneAccount shows that a double tap does not make two accounts.
func TestFirstLoginsAtOnceMakeOneAccount(t *testing.T) {
	h := newHouse(t)
	results := together(6, func(int) model.Code {
		code, _ := h.Emulator.LoginCode("chen")
		return codeOf(h.client().post("/api/v1/member/login", map[string]string{"code": code}))
	})
	var n int64
	h.DB.Read(context.Background()).Model(&model.WechatAccount{}).Count(&n)
	if results[""] != 6 || n != 1 {
		t.Errorf("%v, %d accounts", results, n)
	}
}

// together runs f n times at once and counts the results.
func together[T comparable](n int, f func(i int) T) map[T]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	results := map[T]int{}
	for i := range n {
		all.Go(func() {
			r := f(i)
			mu.Lock()
			defer mu.Unlock()
			results[r]++
		})
	}
	all.Wait()
	return results
}

// codeOf is the error code of an answer, "" for success. Unlike fails it may be called from any goroutine.
func codeOf(a *answer) model.Code {
	if a.Status < 300 {
		return ""
	}
	var body struct{ Error struct{ Code model.Code } }
	_ = json.Unmarshal(a.Body, &body)
	return body.Error.Code
}
