package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/risk"
	"bangfu/service/union/rosterfile"
)

const riskPath = "/api/v1/console/risk-signals"

// TestRiskQueue walks a signal through the product: members order to one address, written in several ways; the chore finds it; those above see it and
// nobody else; a federation reviews it; and all along the members go on buying.
func TestRiskQueue(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	county, other := h.union(h.root(), "county", "甲县总工会"), h.union(h.root(), "county", "乙县总工会")
	buyers := h.buyers(h.union(county, "grassroots", "甲县一厂工会"), 6, 600_00)
	for i, b := range buyers {
		b.client.do(request{method: "PUT", path: "/api/v1/member/addresses/" + b.Address.String(), body: map[string]any{"consignee": "张小三", "phone": "10000000001", "province": "广东省", "city": "湛江市",
			"district": "赤坎区", "detail": []string{"虚拟路 1 号（仓库）", "虚拟路１号仓库", "虚拟路1号,仓库"}[i%3], "is_default": true}}).ok(nil)
		b.buys("risk-order-1", b.cart(1, f.SKUs[0]))
		h.clock.Advance(time.Hour)
	}
	ctx := context.Background()
	if err := h.Risk.Scan(ctx); err != nil {
		t.Fatal(err)
	}
	federation, auditor, city := h.staffAs(identity.RoleFederation, county), h.staffAs(identity.RoleAuditor, county), h.staffAs(identity.RoleCityFederation, h.root())
	var list model.List[risk.SignalView]
	for _, c := range []*client{federation, auditor, city} {
		c.get(riskPath + "?status=open&rule=same_address").ok(&list)
		if len(list.Items) != 1 || list.Items[0].SubjectName != "广东省湛江市赤坎区****" || list.Items[0].Union.Name != "甲县一厂工会" {
			t.Fatalf("%+v", list)
		}
	}
	path := riskPath + "/" + list.Items[0].ID.String()
	stranger := h.staffAs(identity.RoleAuditor, other)
	var none model.List[risk.SignalView]
	if stranger.get(riskPath).ok(&none); len(none.Items) != 0 {
		t.Errorf("another county's auditor sees %+v", none)
	}
	stranger.get(path).fails(model.CodeNotFound)
	var d risk.SignalDetail
	a := auditor.get(path).ok(&d)
	if len(d.Evidence.Orders) != 6 || !strings.Contains(d.Notice, "不影响任何订单") || strings.Contains(string(a.Body), "虚拟路") || strings.Contains(string(a.Body), "张小三") {
		t.Errorf("%s", a.Body)
	}
	for _, o := range d.Evidence.Orders { // the links lead somewhere
		auditor.get("/api/v1/console/orders/" + o.ID.String()).ok(nil)
	}
	auditor.post(path+"/review", map[string]any{"verdict": "confirmed", "note": "看看", "version": 1}).fails(model.CodeForbidden)
	federation.post(path+"/review", map[string]any{"verdict": "blocked", "note": "看看", "version": 1}).fails(model.CodeInvalid)
	federation.post(path+"/review", map[string]any{"verdict": "confirmed", "note": "代收点，金额流向待查", "version": 1}).ok(&d)
	if d.Status != risk.StatusConfirmed || d.ReviewedBy == nil || d.ReviewedBy.ID != federation.staff.ID {
		t.Errorf("%+v", d)
	}
	federation.post(path+"/review", map[string]any{"verdict": "dismissed", "note": "迟了", "version": 1}).fails(model.CodeConflict)
	if federation.get(riskPath + "?status=open").ok(&none); len(none.Items) != 0 {
		t.Errorf("%+v", none)
	}
	for _, b := range buyers { // confirmed, and still nothing is blocked
		b.buys("risk-order-2", b.cart(1, f.SKUs[1]))
	}
	federation.get(riskPath + "?rule=none").fails(model.CodeInvalid)
	h.sound(t)
}

// TestRiskRulesOverHTTP shows the list of rules and that only the city federation, with a second factor, sets one.
func TestRiskRulesOverHTTP(t *testing.T) {
	h := newHouse(t)
	city := h.staffAs(identity.RoleCityFederation, h.root())
	path := "/api/v1/console/risk-rules"
	in := map[string]any{"enabled": true, "params": []map[string]any{{"name": "threshold", "value": 9}}}
	put := func(c *client, code string) *answer {
		return c.do(request{method: http.MethodPut, path: path + "/" + code, body: in})
	}
	put(h.staffAs(identity.RoleAuditor, h.root()), "same_address").fails(model.CodeForbidden)
	put(h.staffWith(model.Staff{Role: string(identity.RoleCityFederation), UnionID: h.root().ID}, false), "same_address").fails(model.CodeSecondFactor)
	put(city, "none").fails(model.CodeNotFound)
	put(city, "same_address").ok(nil)
	var rules struct{ Items []risk.RuleView }
	city.get(path).ok(&rules)
	if len(rules.Items) != 14 || rules.Items[0].Params[0].Value != 9 || rules.Items[0].SetBy == nil || rules.Items[0].SetBy.ID != city.staff.ID {
		t.Errorf("%+v", rules.Items[0])
	}
}

// TestDevicesAreKeptHashedAndAfterConsent shows that a device is kept, as its hash, from the moment its user agrees to the notice and
// not before, and that it may be left out.
func TestDevicesAreKeptHashedAndAfterConsent(t *testing.T) {
	h := newHouse(t)
	const device = "8d1c6f0a5b3e4c7d9a2b1f0e"
	login := func(header map[string]string) *answer {
		code, err := h.Emulator.LoginCode("device-user")
		if err != nil {
			t.Fatal(err)
		}
		return h.client().do(request{method: "POST", path: "/api/v1/member/login", body: map[string]string{"code": code}, header: header})
	}
	with := map[string]string{"X-Device-ID": device}
	last := func() (s model.Session) {
		t.Helper()
		if err := h.DB.Read(context.Background()).Where("audience = 'member'").Order("id DESC").Limit(1).Take(&s).Error; err != nil {
			t.Fatal(err)
		}
		return s
	}
	var m identity.MemberLogin
	login(with).ok(&m)
	if s := last(); s.DeviceHash != "" {
		t.Errorf("kept before consent: %q", s.DeviceHash)
	}
	c := h.client()
	c.token = m.Token
	c.do(request{method: "POST", path: "/api/v1/member/consents", body: map[string]string{"version": identity.PrivacyVersion}, header: with}).ok(nil)
	agreed := last().DeviceHash
	if len(agreed) != 43 || strings.Contains(agreed, device) {
		t.Errorf("after consent: %q", agreed)
	}
	login(with).ok(nil)
	if s := last(); s.DeviceHash != agreed {
		t.Errorf("at the next login: %q", s.DeviceHash)
	}
	login(nil).ok(nil)
	if s := last(); s.DeviceHash != "" {
		t.Errorf("not told: %q", s.DeviceHash)
	}
	login(map[string]string{"X-Device-ID": "short"}).fails(model.CodeInvalid)
	var notice identity.PrivacyNotice
	if h.client().get("/api/v1/privacy-notice").ok(&notice); notice.Version == "1.0" || !strings.Contains(notice.Text, "设备标识") || !strings.Contains(notice.Text, "不会因此自动停用") {
		t.Error(notice.Version)
	}
}

// TestReboundIsSeen goes the way of a union's admin who takes over a member's binding, through the product itself: the rule finds it by the trail that
// the product wrote, whichever way the phone was changed, and says who did it and which account came.
func TestReboundIsSeen(t *testing.T) {
	h := newHouse(t)
	ctx, f := context.Background(), h.shopFixture()
	u := h.union(h.root(), "grassroots", "甲厂工会")
	admin, city := h.staffAs(identity.RoleUnionAdmin, u), h.staffAs(identity.RoleCityFederation, h.root())
	change := func(b buyer, _, phone int) { // by hand
		admin.do(request{method: "PATCH", path: console + "/members/" + b.Member.String(), body: map[string]any{"phone": rosterfile.DemoPhone(phone)}}).ok(nil)
	}
	add := func(_ buyer, n, phone int) { // as if they were new
		admin.post(unionAddr(u, "/members"), newMember("职工甲", phone, n)).ok(nil)
	}
	file := func(_ buyer, n, phone int) { // by a roster
		admin.importRoster(u, rosterHead+strings.Join([]string{"职工甲", rosterfile.DemoPhone(phone), rosterfile.DemoIDNumber(n), "", ""}, ",")+"\r\n")
	}
	for i, way := range []func(b buyer, n, phone int){change, add, file} {
		n := i + 1
		b := h.buyer(u, 600_00)
		h.named(b, "职工甲", rosterfile.DemoPhone(n), rosterfile.DemoIDNumber(n))
		h.clock.Advance(time.Minute)
		way(b, n, 50+n)
		admin.post(console+"/members/"+b.Member.String()+"/unbind", map[string]any{"reason": "换微信"}).ok(nil)
		thief, user := b, fmt.Sprintf("thief%d", n)
		thief.client = h.consenting(user)
		number := rosterfile.DemoIDNumber(n)
		thief.client.bind(user, rosterfile.DemoPhone(50+n), "职工甲", number[len(number)-6:], 0).ok(nil)
		h.clock.Advance(time.Minute)
		thief.buys("rebound-order", thief.cart(1, f.SKUs[0]))
		if err := h.Risk.Scan(ctx); err != nil {
			t.Fatal(err)
		}
		var list model.List[risk.SignalView]
		city.get(riskPath + "?rule=rebound_spent").ok(&list)
		if len(list.Items) != n {
			t.Fatalf("way %d: %+v", n, list.Items)
		}
		var d risk.SignalDetail
		city.get(riskPath + "/" + list.Items[0].ID.String()).ok(&d)
		if len(d.Evidence.Entries) != 3 || len(d.Evidence.Orders) != 1 || !strings.Contains(d.Explanation, "解绑或更改手机号 2 次") {
			t.Fatalf("%+v", d)
		}
		for i, e := range d.Evidence.Entries { // the binding, the unbinding, the phone
			if (e.By != nil && e.By.ID == admin.staff.ID) != (i > 0) || (e.AccountID == nil) != (i == 2) {
				t.Errorf("%d: %+v", i, e)
			}
		}
		h.clock.Advance(10 * time.Minute)
	}
	h.sound(t)
}

// named gives a buyer a name, phone and ID number on the roster.
func (h *house) named(b buyer, name, phone, number string) {
	h.t.Helper()
	s := h.sealer()
	sealed := func(plain, context string) string {
		text, err := s.Seal(plain, context)
		if err != nil {
			h.t.Fatal(err)
		}
		return text
	}
	tx := h.DB.Read(context.Background())
	err := errors.Join(
		tx.Model(&model.Member{}).Where("person_id = ?", b.Person).UpdateColumns(map[string]any{"name": name, "phone_sealed": sealed(phone, model.SealMemberPhone), "phone_hash": s.Hash(model.HashPhone, phone)}).Error,
		tx.Model(&model.Person{}).Where("id = ?", b.Person).UpdateColumns(map[string]any{"id_number_sealed": sealed(number, model.SealPersonIDNumber), "id_number_hash": s.Hash(model.HashIDNumber, number)}).Error)
	if err != nil {
		h.t.Fatal(err)
	}
}
