package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/identity"
	"bangfu/service/notify"
	"bangfu/service/order"
	"bangfu/service/wechat/emulator"
)

// user gives a person's WeChat account, which memberAs made, the openid of an emulated user.
func (h *house) user(person model.ID) string {
	h.t.Helper()
	name := fmt.Sprintf("user-%d", h.n.Add(1))
	res := h.DB.Read(context.Background()).Model(&model.WechatAccount{}).Where("person_id = ?", person).UpdateColumn("openid", h.Emulator.OpenID(name))
	if res.Error != nil || res.RowsAffected != 1 {
		h.t.Fatal(res.Error, res.RowsAffected)
	}
	return name
}

// send sends everything that waits in the outbox.
func (h *house) send() {
	h.t.Helper()
	if err := h.Notify.Drain(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// consents answers each of the templates with yes, times times.
func (c *client) consents(times int, templates ...notify.Topic) {
	c.t.Helper()
	for range times {
		var in notify.AnswersInput
		for _, t := range templates {
			in.Templates = append(in.Templates, notify.TemplateAnswer{Template: string(t), Answer: notify.Accepted})
		}
		c.money("/api/v1/member/subscriptions", fmt.Sprintf("consent-%d", c.h.n.Add(1)), in).ok(nil)
	}
}

// heard are the first texts of what a user was told, by template.
func (h *house) heard(user string) map[string][]emulator.Message {
	heard := map[string][]emulator.Message{}
	for _, m := range h.Emulator.Messages(user) {
		topic := strings.ReplaceAll(strings.TrimPrefix(m.TemplateID, "emulated-"), "-", "_")
		heard[topic] = append(heard[topic], m)
	}
	return heard
}

// TestConsentsAreCounted shows how the answers to wx.requestSubscribeMessage add up, and that a repeated request counts once.
func TestConsentsAreCounted(t *testing.T) {
	h := newHouse(t)
	c := h.buyer(h.union(h.root(), "grassroots", "虚拟学校工会"), 600_00).client
	const path = "/api/v1/member/subscriptions"
	answer := func(key, template, answer string) model.List[notify.SubscriptionView] {
		t.Helper()
		var list model.List[notify.SubscriptionView]
		c.money(path, key, map[string]any{"templates": []any{map[string]any{"template": template, "answer": answer}}}).ok(&list)
		return list
	}
	answer("answer-0001", "order_shipped", "accepted")
	answer("answer-0001", "order_shipped", "accepted")
	answer("answer-0002", "order_shipped", "accepted")
	answer("answer-0003", "order_shipped", "rejected")
	var list model.List[notify.SubscriptionView]
	c.get(path).ok(&list)
	i := slices.IndexFunc(list.Items, func(v notify.SubscriptionView) bool { return v.Template == "order_shipped" })
	if len(list.Items) != 4 || list.Items[i].Accepted != 2 || list.Items[i].Available != 2 || list.Items[i].TemplateID == "" {
		t.Errorf("%+v", list.Items)
	}
	twice := map[string]any{"template": "order_shipped", "answer": "accepted"}
	c.money(path, "answer-0004", map[string]any{"templates": []any{twice, twice}}).fails(model.CodeInvalid)
	c.money(path, "answer-0005", map[string]any{"templates": []any{map[string]any{"template": "shipping_info", "answer": "accepted"}}}).fails(model.CodeInvalid)
	c.money(path, "answer-0006", map[string]any{"templates": []any{}}).fails(model.CodeInvalid)
	c.money(path, "answer-0001", map[string]any{"templates": []any{map[string]any{"template": "refund_done", "answer": "accepted"}}}).fails(model.CodeIdempotencyMismatch)
	c.post(path, map[string]any{"templates": []any{twice}}).fails(model.CodeInvalid)
	h.balanced()
}

// TestMembersAreTold follows a member from the money that arrives over a parcel that is shipped to a refund.
func TestMembersAreTold(t *testing.T) {
	s := newStall(t)
	a := s.treasury("第一中学工会")
	a.topup(model.PurseExtra, 2025, 600_00)
	member := s.purseHolders(a.union, 1, 1)[0]
	m := s.memberAs(member.PersonID)
	user := s.user(member.PersonID)
	m.consents(1, notify.TopicAllowanceIssued, notify.TopicOrderShipped, notify.TopicRefundDone)
	a.issue(nil)
	if len(s.Emulator.Messages(user)) != 0 {
		t.Error("told before anything was sent")
	}
	s.send()
	told := s.heard(user)["allowance_issued"]
	if len(told) != 1 || told[0].Data["thing1"] != "第一中学工会" || told[0].Data["amount2"] != "600.00元" {
		t.Errorf("%+v", s.Emulator.Messages(user))
	}

	address := s.address(s.DB.NewID(), member.PersonID)
	s.insert(&address)
	b := buyer{client: m, Person: member.PersonID, Member: member.ID, Address: address.ID}
	first, second := b.buys("told-0001", b.cart(1, s.shop.SKUs[0])), b.buys("told-0002", b.cart(1, s.shop.SKUs[0]))
	parcel := s.detail(m, first.ID).Parcels[0].ID.String()
	s.supplierStaff(0).post(console+"/parcels/"+parcel+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN00000001"}).ok(nil)
	m.money(ordersPath+"/"+second.ID.String()+"/cancel", "told-cancel", map[string]string{"reason": "不要了"}).ok(nil)
	s.send()
	heard := s.heard(user)
	if x := heard["order_shipped"]; len(x) != 1 || x[0].Data["character_string4"] != "XN00000001" || x[0].Data["character_string1"] != first.OrderNo {
		t.Errorf("%+v", heard)
	}
	if x := heard["refund_done"]; len(x) != 1 || x[0].Data["thing4"] != "已退回帮扶额度" || x[0].Data["character_string1"] != second.OrderNo {
		t.Errorf("%+v", heard)
	}
}

// TestWechatIsToldOfShipping pays with allowance and WeChat money: WeChat learns of the goods when all of them are on their way,
// and the member of a refund when all of it has arrived.
func TestWechatIsToldOfShipping(t *testing.T) {
	s := newCashDesk(t)
	b := s.buyer(s.union, 150_00)
	user := s.user(b.Person)
	b.consents(1, notify.TopicRefundDone)
	p, q := s.pending(b, "shipping-0001"), s.pending(b, "shipping-0002")
	for _, id := range []model.ID{p.ID, q.ID} {
		s.pays(b.prepays(id).PaymentNo, nil)
	}
	parcels := s.detail(b.client, p.ID).Parcels
	for i, parcel := range parcels {
		if s.send(); len(s.Emulator.Uploads()) != 0 {
			t.Errorf("told before parcel %d", i)
		}
		for n := range s.shop.Suppliers {
			if a := s.supplierStaff(n).post(console+"/parcels/"+parcel.ID.String()+"/ship", order.Shipment{Carrier: "顺丰速运", TrackingNo: "SF00000001"}); a.Status == http.StatusOK {
				break
			}
		}
	}
	s.send()
	if u := s.Emulator.Uploads(); len(u) != 1 || u[0].TransactionID != s.payment(p.ID).TransactionID || !bytes.Contains(u[0].Body, []byte("100****0001")) {
		t.Errorf("%+v", u)
	}
	b.money(ordersPath+"/"+q.ID.String()+"/cancel", "shipping-0003", map[string]any{"reason": "不要了"}).ok(nil)
	if s.send(); len(s.heard(user)) != 0 {
		t.Error("told of a refund that has not arrived")
	}
	s.complete()
	s.send()
	if m := s.heard(user)["refund_done"]; len(m) != 1 || !strings.Contains(m[0].Data["thing4"], "微信") {
		t.Errorf("%+v", m)
	}
}

// TestOutbox shows what the console sees of the outbox, and that what was given up can be sent again, by those who may.
func TestOutbox(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	user := s.user(b.Person)
	b.consents(1, notify.TopicOrderShipped)
	p := b.buys("outbox-0001", b.cart(1, s.shop.SKUs[0]))
	parcel := s.detail(b.client, p.ID).Parcels[0].ID.String()
	s.supplierStaff(0).post(console+"/parcels/"+parcel+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN00000001"}).ok(nil)
	if err := s.Emulator.InjectFault(emulator.Fault{Path: "/cgi-bin/message/subscribe/send", Mode: emulator.Error, ErrCode: 40037, Times: 2}); err != nil {
		t.Fatal(err)
	}
	s.send()
	city, admin := s.staffAs(identity.RoleCityFederation, s.root()), s.staffAs(identity.RoleUnionAdmin, s.union)
	admin.get(console + "/outbox").fails(model.CodeForbidden)
	dead := func() notify.MessageView {
		t.Helper()
		var list model.List[notify.MessageView]
		city.get(console + "/outbox?topic=order_shipped&status=dead").ok(&list)
		if len(list.Items) != 1 || !strings.Contains(list.Items[0].LastError, "40037") || list.Items[0].UnionName != s.union.Name {
			t.Fatalf("%+v", list)
		}
		return list.Items[0]
	}
	var replayed notify.Replayed
	dead()
	city.post(console+"/outbox/replay", map[string]any{"topic": "order_shipped"}).ok(&replayed)
	s.send()
	one := console + "/outbox/" + dead().ID.String() + "/replay"
	var v notify.MessageView
	city.post(one, nil).ok(&v)
	city.post(one, nil).fails(model.CodeConflict)
	city.post(console+"/outbox/1/replay", nil).fails(model.CodeNotFound)
	s.staffAs(identity.RoleOperator, s.house.union(s.root(), "county", "另一县总工会")).post(one, nil).fails(model.CodeNotFound)
	s.send()
	if v.Status != notify.StatusWaiting || replayed.Replayed != 1 || len(s.heard(user)["order_shipped"]) != 1 {
		t.Errorf("%+v %+v", v, s.heard(user))
	}
	var counts model.List[notify.CountView]
	city.get(console + "/outbox/counts").ok(&counts)
	if i := slices.IndexFunc(counts.Items, func(c notify.CountView) bool { return c.Topic == notify.TopicOrderShipped }); counts.Items[i].Sent != 1 || counts.Items[i].Dead != 0 {
		t.Errorf("%+v", counts)
	}
	resp, err := http.Get(s.base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	metrics, _ := io.ReadAll(resp.Body)
	for _, want := range []string{`outbox_messages_total{outcome="sent",topic="order_shipped"} 1`, `outbox_messages_total{outcome="dead",topic="order_shipped"} 2`, `outbox_depth{state="waiting"} 0`, "outbox_oldest_seconds 0"} {
		if !bytes.Contains(metrics, []byte(want)) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// TestYearEnd walks through the last two months: who still has what, the clock's reminders, the union's own, and that
// nobody is told twice or without a consent.
func TestYearEnd(t *testing.T) {
	s := newStall(t)
	ctx := context.Background()
	list := s.buyers(s.union, 4, 600_00)
	users := make([]string, len(list))
	for i, b := range list {
		users[i] = s.user(b.Person)
	}
	list[0].consents(9, notify.TopicAllowanceEnding)
	list[1].consents(1, notify.TopicAllowanceEnding)
	list[2].consents(9, notify.TopicAllowanceEnding) // has spent it all by then
	spent := list[2].cart(12, s.shop.SKUs[0])
	list[2].buys("year-end-1", spent)

	admin, city := s.staffAs(identity.RoleUnionAdmin, s.union), s.staffAs(identity.RoleCityFederation, s.root())
	base := console + "/unions/" + s.union.ID.String() + "/year-end/2025/"
	remind := func() []int {
		t.Helper()
		for range 2 { // a chore may be repeated
			if err := s.Allowance.RemindDue(ctx); err != nil {
				t.Fatal(err)
			}
			s.drain()
			s.send()
		}
		var n []int
		for _, u := range users {
			n = append(n, len(s.heard(u)["allowance_ending"]))
		}
		return n
	}
	s.turn("2025-10-31 23:00")
	admin.post(base+"remind", nil).fails(model.CodeConflict)
	for _, step := range []struct {
		at   string
		want []int
	}{{"2025-11-02 08:59", []int{0, 0, 0, 0}}, {"2025-11-02 09:00", []int{1, 1, 0, 0}}, {"2025-11-30 09:00", []int{1, 1, 0, 0}}, {"2025-12-02 09:00", []int{2, 1, 0, 0}}} {
		s.turn(step.at)
		if got := remind(); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.at, got, step.want)
		}
	}
	if m := s.heard(users[0])["allowance_ending"]; m[0].Data["thing4"] != "还剩 60 天" || m[1].Data["thing4"] != "还剩 30 天" || m[0].Data["amount2"] != "600.00元" {
		t.Errorf("%+v", m)
	}
	var r allowance.ReminderView
	if a := admin.post(base+"remind", nil).ok(&r); a.Status != http.StatusAccepted || r.Kind != "2025-12-02" {
		t.Errorf("%d %+v", a.Status, r)
	}
	admin.post(base+"remind", nil).fails(model.CodeConflict)
	city.post(base+"remind", nil).fails(model.CodeForbidden)
	s.drain()
	s.send()

	var v allowance.YearEndView
	city.get(console + "/year-end/2025").ok(&v)
	if v.DaysLeft != 30 || v.NextReminder == nil || v.NextReminder.Format("2006-01-02T15:04") != "2025-12-25T01:00" || v.Holders != 3 || v.AmountFen != 1800_00 || len(v.Items) != 1 {
		t.Errorf("%+v", v)
	}
	u := v.Items[0]
	if u.GrantedFen != 2400_00 || u.UnspentPermille != 750 || u.LastReminder == nil || u.LastReminder.Holders != 3 || u.LastReminder.Told != 1 || u.LastReminder.Sent != 1 || u.LastReminder.StartedBy == nil {
		t.Errorf("%+v %+v", u, u.LastReminder)
	}
	var page model.List[allowance.HolderView]
	admin.get(base + "members?limit=2").ok(&page)
	if len(page.Items) != 2 || page.NextCursor == nil || page.Items[0].Name != "张*三" || page.Items[0].Consents != 6 || !page.Items[1].Bound || page.Items[1].Consents != 0 {
		t.Errorf("%+v", page)
	}
	var rest model.List[allowance.HolderView]
	admin.get(base + "members?limit=2&cursor=" + page.NextCursor.String()).ok(&rest)
	if len(rest.Items) != 1 || rest.NextCursor != nil || rest.Items[0].BalanceFen != 600_00 {
		t.Errorf("%+v", rest)
	}
	book, err := excelize.OpenReader(bytes.NewReader(admin.get(base + "export").ok(nil).Body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("Sheet1")
	if err != nil || len(rows) != 5 || rows[2][0] != "张*三" || rows[2][4] != "600.00" {
		t.Errorf("%v %v", rows, err)
	}
	s.turn("2026-01-02 09:00")
	if got := remind(); !slices.Equal(got, []int{3, 1, 0, 0}) {
		t.Errorf("after the year: %v", got)
	}
}
