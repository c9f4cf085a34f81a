package app_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/aftersale"
	"bangfu/service/identity"
	"bangfu/service/order"
)

const (
	myCases = "/api/v1/member/after-sales/"
	cases   = "/api/v1/console/after-sales/"
)

// dispute is a stall with a buyer and everybody who has a say in a case.
type dispute struct {
	*stall
	buyer
	supplier, platform *client
	n                  int
}

func newDispute(t testing.TB) *dispute { return disputeIn(newStall(t)) }

func disputeIn(s *stall) *dispute {
	return &dispute{stall: s, buyer: s.buyer(s.union, 600_00), supplier: s.supplierStaff(0), platform: s.staffAs(identity.RoleCityFederation, s.root())}
}

// t is whose failures end the test.
func (d *dispute) tb() testing.TB { return d.stall.t }

func (d *dispute) key() string { d.n++; return fmt.Sprintf("dispute-%04d", d.n) }

// bought is an order of one supplier: quantity of the first SKU (¥50).
func (d *dispute) bought(quantity int64) order.View {
	d.tb().Helper()
	return d.stall.detail(d.client, d.buys(d.key(), d.cart(quantity, d.shop.SKUs[0])).ID)
}

// delivered is such an order that was shipped and received.
func (d *dispute) delivered(quantity int64) order.View {
	d.tb().Helper()
	v := d.bought(quantity)
	d.ships(v)
	d.post("/api/v1/member/parcels/"+v.Parcels[0].ID.String()+"/confirm", nil).ok(nil)
	return v
}

func (d *dispute) ships(v order.View) {
	d.tb().Helper()
	d.ship(v).ok(nil)
}

func (d *dispute) ship(v order.View) *answer {
	return d.supplier.post("/api/v1/console/parcels/"+v.Parcels[0].ID.String()+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"})
}

// asks opens a case about quantity pieces of an order's first line.
func (d *dispute) asks(v order.View, kind string, quantity int64) *answer {
	return d.money(ordersPath+"/"+v.ID.String()+"/after-sales", d.key(), asking(v, kind, quantity))
}

func asking(v order.View, kind string, quantity int64) map[string]any {
	return map[string]any{"kind": kind, "reason": "quality", "description": "有几个坏了", "lines": []any{map[string]any{"line_id": v.Parcels[0].Lines[0].ID, "quantity": quantity}}}
}

// opened is the path end of a case that could be opened.
func (d *dispute) opened(v order.View, kind string, quantity int64) string {
	d.tb().Helper()
	var o aftersale.Outcome
	d.asks(v, kind, quantity).ok(&o)
	return o.ID.String()
}

func (d *dispute) state(id, status string) aftersale.View {
	d.tb().Helper()
	var v aftersale.View
	d.get(myCases + id).ok(&v)
	if v.Status != status || v.History[len(v.History)-1].Status != status {
		d.tb().Fatalf("%+v, want %s", v, status)
	}
	return v
}

func (d *dispute) agree(id string) *answer {
	return d.supplier.money(cases+id+"/agree", d.key(), map[string]any{"note": "同意", "return_to": "李四 10000000002 广东省湛江市虚拟路 2 号"})
}

func (d *dispute) decide(id, decision string) *answer {
	return d.platform.money(cases+id+"/decide", d.key(), map[string]any{"decision": decision, "note": "核对了照片", "return_to": "李四 10000000002 广东省湛江市虚拟路 2 号"})
}

// clockwork lets d pass and does what the clock does.
func (d *dispute) passes(after time.Duration) {
	d.tb().Helper()
	d.travel(d.stall.clock.Now().Add(after))
	if _, err := d.AfterSale.Expire(context.Background()); err != nil {
		d.tb().Fatal(err)
	}
}

const day = 24 * time.Hour

// TestRefundBeforeShipping gives back a part and then the rest of what was not shipped; meanwhile nothing is shipped or cancelled.
func TestRefundBeforeShipping(t *testing.T) {
	d := newDispute(t)
	v := d.bought(3)
	d.asks(v, "return_goods", 1).fails(model.CodeInvalid)
	d.asks(v, "refund_only", 4).fails(model.CodeConflict)
	key := d.key()
	var first, again aftersale.Outcome
	path := ordersPath + "/" + v.ID.String() + "/after-sales"
	d.money(path, key, asking(v, "refund_only", 1)).ok(&first)
	d.money(path, key, asking(v, "refund_only", 1)).ok(&again)
	if first != again || d.count(&model.AfterSale{}, "1 = 1") != 1 {
		t.Fatalf("a double tap made two: %+v %+v", first, again)
	}
	d.money(path, key, asking(v, "refund_only", 2)).fails(model.CodeIdempotencyMismatch)
	d.asks(v, "refund_only", 3).fails(model.CodeConflict) // one piece is in the open case
	d.ship(v).fails(model.CodeConflict)
	d.cancels(d.key(), v.ID).fails(model.CodeConflict)
	d.sound(t)
	var out aftersale.Outcome
	d.agree(first.ID.String()).ok(&out)
	if out.Status != "refunded" || out.RefundedFen != 50_00 || out.ToAllowanceFen != 50_00 || d.balance(d.Allowance.ID) != 500_00 || d.onHand(d.shop.SKUs[0].ID) != 98 {
		t.Fatalf("%+v %s %d", out, d.balance(d.Allowance.ID), d.onHand(d.shop.SKUs[0].ID))
	}
	d.agree(first.ID.String()).fails(model.CodeConflict)
	c := d.state(first.ID.String(), "refunded")
	if c.Refund == nil || c.Refund.AmountFen != 50_00 || c.Refund.Kind != "after_sale" || c.EndedAt == nil || c.DeadlineAt != nil || len(c.History) != 2 || c.History[1].Title != "供应商同意" {
		t.Errorf("%+v", c)
	}
	d.agree(d.opened(v, "refund_only", 2)).ok(&out)
	if got := d.stall.detail(d.client, v.ID); got.Status != order.StatusCancelled || got.RefundedFen != 150_00 || got.Parcels[0].Status != order.ParcelCancelled || got.Parcels[0].Lines[0].Refunded != 3 {
		t.Errorf("%+v", got)
	}
	d.asks(v, "refund_only", 1).fails(model.CodeConflict)
	if d.balance(d.Allowance.ID) != 600_00 || d.onHand(d.shop.SKUs[0].ID) != 100 {
		t.Error(d.balance(d.Allowance.ID), d.onHand(d.shop.SKUs[0].ID))
	}
}

// TestShipTheRest shows that after a part was given back the rest is shipped, and that the supplier sees how many.
func TestShipTheRest(t *testing.T) {
	d := newDispute(t)
	v := d.bought(3)
	d.agree(d.opened(v, "refund_only", 1)).ok(nil)
	var p order.ParcelView
	d.ship(v).ok(&p)
	if p.Lines[0].Quantity != 3 || p.Lines[0].Refunded != 1 || p.Status != order.ParcelShipped {
		t.Errorf("%+v", p)
	}
}

// TestReturnOfGoods walks goods back: agreed, sent, received, refunded, on the shelf again.
func TestReturnOfGoods(t *testing.T) {
	d := newDispute(t)
	v := d.delivered(2)
	id := d.opened(v, "return_goods", 1)
	d.supplier.money(cases+id+"/agree", d.key(), map[string]any{}).fails(model.CodeInvalid) // where to?
	d.post(myCases+id+"/send-back", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000002"}).fails(model.CodeConflict)
	var out aftersale.Outcome
	if d.agree(id).ok(&out); out.Status != "agreed" || out.RefundedFen != 0 {
		t.Fatalf("%+v", out)
	}
	if c := d.state(id, "agreed"); c.ReturnTo != "李四 10000000002 广东省湛江市虚拟路 2 号" {
		t.Errorf("%+v", c)
	}
	d.supplier.money(cases+id+"/receive", d.key(), map[string]any{"restock": true}).fails(model.CodeConflict)
	d.post(myCases+id+"/send-back", order.Shipment{Carrier: "", TrackingNo: "XN000002"}).fails(model.CodeInvalid)
	d.post(myCases+id+"/send-back", order.Shipment{Carrier: "虚拟速运", TrackingNo: "xn000002"}).ok(nil)
	d.post(myCases+id+"/withdraw", nil).fails(model.CodeConflict)
	if c := d.state(id, "returning"); c.TrackingNo != "XN000002" || c.ReturnedAt == nil {
		t.Errorf("%+v", c)
	}
	d.supplier.money(cases+id+"/receive", d.key(), map[string]any{"note": "完好"}).fails(model.CodeInvalid)
	key := d.key()
	for range 2 { // the same key, the stored answer
		d.supplier.money(cases+id+"/receive", key, map[string]any{"restock": true, "note": "完好"}).ok(&out)
	}
	if out.Status != "refunded" || out.ToAllowanceFen != 50_00 || d.onHand(d.shop.SKUs[0].ID) != 99 || d.balance(d.Allowance.ID) != 550_00 {
		t.Errorf("%+v", out)
	}
	if got := d.stall.detail(d.client, v.ID); got.Status != order.StatusCompleted || got.Refunds[0].Kind != "after_sale" || got.Refunds[0].Reason != "质量问题" {
		t.Errorf("%+v", got)
	}
	d.travel(d.stall.clock.Now().Add(7*day + time.Second))
	d.asks(v, "refund_only", 1).fails(model.CodeConflict) // too late
}

// TestRefusedAndDecided follows refusals to the platform, for and against the member.
func TestRefusedAndDecided(t *testing.T) {
	d := newDispute(t)
	v := d.delivered(3)
	id := d.opened(v, "refund_only", 1)
	d.post(myCases+id+"/escalate", map[string]string{"note": "不是我弄坏的"}).fails(model.CodeConflict)
	d.decide(id, "agree").fails(model.CodeConflict)
	d.supplier.post(cases+id+"/refuse", map[string]string{"reason": ""}).fails(model.CodeInvalid)
	d.supplier.post(cases+id+"/refuse", map[string]string{"reason": "签收时完好"}).ok(nil)
	d.supplier.post(cases+id+"/refuse", map[string]string{"reason": "签收时完好"}).fails(model.CodeConflict)
	d.post(myCases+id+"/escalate", map[string]string{"note": "不是我弄坏的"}).ok(nil)
	var list model.List[aftersale.Summary]
	if d.platform.get("/api/v1/console/after-sales?status=escalated").ok(&list); len(list.Items) != 1 || list.Items[0].ID.String() != id {
		t.Errorf("%+v", list)
	}
	d.supplier.money(cases+id+"/decide", d.key(), map[string]string{"decision": "agree", "note": "x"}).fails(model.CodeForbidden)
	var out aftersale.Outcome
	if d.decide(id, "agree").ok(&out); out.Status != "refunded" || out.ToAllowanceFen != 50_00 || d.onHand(d.shop.SKUs[0].ID) != 97 {
		t.Errorf("%+v", out)
	}
	id = d.opened(v, "return_goods", 2)
	d.supplier.post(cases+id+"/refuse", map[string]string{"reason": "签收时完好"}).ok(nil)
	d.post(myCases+id+"/escalate", map[string]string{"note": "不是我弄坏的"}).ok(nil)
	if d.decide(id, "refuse").ok(&out); out.Status != "rejected" || out.RefundedFen != 0 {
		t.Errorf("%+v", out)
	}
	d.asks(v, "refund_only", 1).fails(model.CodeConflict) // decided for good
	if d.balance(d.Allowance.ID) != 500_00 {
		t.Error(d.balance(d.Allowance.ID))
	}
}

// TestReturnedGoodsRefused shows that a supplier may refuse what came back, and that the platform then decides over the money at once.
func TestReturnedGoodsRefused(t *testing.T) {
	d := newDispute(t)
	v := d.delivered(1)
	id := d.opened(v, "return_goods", 1)
	d.agree(id).ok(nil)
	d.post(myCases+id+"/send-back", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000002"}).ok(nil)
	d.supplier.post(cases+id+"/refuse", map[string]string{"reason": "退回的不是原来的商品"}).ok(nil)
	d.post(myCases+id+"/withdraw", nil).fails(model.CodeConflict)
	d.post(myCases+id+"/escalate", map[string]string{"note": "就是原来的"}).ok(nil)
	var out aftersale.Outcome
	if d.decide(id, "agree").ok(&out); out.Status != "refunded" || out.RefundedFen != 50_00 {
		t.Errorf("%+v", out)
	}
}

// TestCaseDeadlines lets time pass in every state that has a deadline.
func TestCaseDeadlines(t *testing.T) {
	d := newDispute(t)
	v := d.delivered(6)
	silent, refused := d.opened(v, "return_goods", 1), d.opened(v, "refund_only", 1)
	lazy, lost := d.opened(v, "return_goods", 1), d.opened(v, "return_goods", 1)
	d.supplier.post(cases+refused+"/refuse", map[string]string{"reason": "签收时完好"}).ok(nil)
	d.agree(lazy).ok(nil)
	d.agree(lost).ok(nil)
	d.post(myCases+lost+"/send-back", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000002"}).ok(nil)
	d.passes(48*time.Hour - time.Second)
	d.state(silent, "requested")
	d.passes(time.Second)
	if c := d.state(silent, "escalated"); c.History[1].Title != "系统超时处理" || c.DeadlineAt != nil {
		t.Errorf("%+v", c)
	}
	d.state(refused, "refused")
	d.passes(5 * day)
	d.state(refused, "closed")
	d.state(lazy, "closed")
	d.state(lost, "escalated")
	d.post(myCases+refused+"/escalate", map[string]string{"note": "来晚了"}).fails(model.CodeConflict)
	var out aftersale.Outcome
	d.supplier.money(cases+lost+"/receive", d.key(), map[string]any{"restock": false}).ok(&out) // late, but it has come
	if d.agree(silent).ok(&out); out.Status != "agreed" {
		t.Errorf("%+v", out)
	}
	d.passes(7 * day)
	d.state(silent, "closed")
	if d.balance(d.Allowance.ID) != 350_00 || d.count(&model.AfterSale{}, "status IN ?", model.OpenAfterSale) != 0 {
		t.Error(d.balance(d.Allowance.ID))
	}
}

// TestReceiptWaitsForCase shows that the clock does not receive a parcel while a case of it is open.
func TestReceiptWaitsForCase(t *testing.T) {
	d := newDispute(t)
	v := d.bought(2)
	d.ships(v)
	d.passes(9 * day)
	id := d.opened(v, "refund_only", 2) // has not come
	d.travel(d.stall.clock.Now().Add(day))
	confirm := func(want int) {
		t.Helper()
		if n, err := d.Order.AutoConfirm(context.Background()); err != nil || n != want {
			t.Fatal(n, err)
		}
	}
	confirm(0)
	d.post(myCases+id+"/withdraw", nil).ok(nil)
	confirm(1)
}

// TestRefundAfterTheYear shows that a case decided in the new year gives the allowance's money to the union's fund.
func TestRefundAfterTheYear(t *testing.T) {
	d := disputeIn(stallIn(t, newHouseAt(t, modeltest.At("2025-12-30 10:00"))))
	v := d.delivered(2)
	id := d.opened(v, "refund_only", 1)
	d.travel(modeltest.At("2026-01-01 00:00"))
	d.endYear()
	before := d.fundBalance(d.Allowance.FundID)
	var out aftersale.Outcome
	d.agree(id).ok(&out)
	if out.ToFundFen != 50_00 || out.ToAllowanceFen != 0 || d.fundBalance(d.Allowance.FundID) != before+50_00 || d.balance(d.Allowance.ID) != 0 {
		t.Errorf("%+v", out)
	}
}

// TestRefundOfMixedOrder shows the WeChat part of a refund on its way, and its progress in the case.
func TestRefundOfMixedOrder(t *testing.T) {
	d := newDispute(t)
	poor := d.stall.buyer(d.union, 100_00)
	p := d.pending(poor, "mixed-0001") // 2 × ¥50 and 2 × ¥128
	if err := d.payIn(p.ID); err != nil {
		t.Fatal(err)
	}
	v := d.stall.detail(poor.client, p.ID)
	d.buyer = poor
	var out aftersale.Outcome
	id := d.opened(v, "refund_only", 1)
	d.agree(id).ok(&out)
	if out.RefundedFen != 50_00 || out.ToAllowanceFen != 50_00 { // this supplier was paid by the allowance alone
		t.Errorf("%+v", out)
	}
	other := order.View{ID: v.ID, Parcels: v.Parcels[1:]}
	id = d.opened(other, "refund_only", 1)
	d.supplier = d.supplierStaff(1)
	d.agree(id).ok(&out)
	if out.ToWechatFen != 128_00 || d.count(&model.WechatRefund{}, "status = 'waiting' AND amount_fen = 12800") != 1 {
		t.Errorf("%+v", out)
	}
	for _, progress := range []string{"waiting", "processing", "failed", "done"} {
		if err := d.DB.Read(t.Context()).Model(&model.WechatRefund{}).Where("1 = 1").UpdateColumn("status", progress).Error; err != nil {
			t.Fatal(err)
		}
		if c := d.state(id, "refunded"); c.Refund == nil || c.Refund.WechatStatus != progress || c.Refund.ToWechatFen != 128_00 {
			t.Errorf("%+v", c.Refund)
		}
	}
	if err := d.DB.Read(t.Context()).Model(&model.WechatRefund{}).Where("1 = 1").UpdateColumn("status", "waiting").Error; err != nil {
		t.Fatal(err)
	}
}

// TestOtherPeoplesCases shows that a case is there only for those whom it concerns.
func TestOtherPeoplesCases(t *testing.T) {
	d := newDispute(t)
	v := d.delivered(2)
	id := d.opened(v, "refund_only", 1)
	stranger, rival := d.stall.buyer(d.union, 100_00), d.supplierStaff(1)
	elsewhere := d.staffAs(identity.RoleUnionAdmin, d.stall.union2())
	stranger.get(myCases + id).fails(model.CodeNotFound)
	stranger.post(myCases+id+"/withdraw", nil).fails(model.CodeNotFound)
	stranger.money(ordersPath+"/"+v.ID.String()+"/after-sales", "stranger-1", asking(v, "refund_only", 1)).fails(model.CodeNotFound)
	rival.get(cases + id).fails(model.CodeNotFound)
	rival.money(cases+id+"/agree", "rival-0001", map[string]any{}).fails(model.CodeNotFound)
	elsewhere.get(cases + id).fails(model.CodeNotFound)
	admin, auditor := d.staffAs(identity.RoleUnionAdmin, d.union), d.staffAs(identity.RoleAuditor, d.root())
	for name, c := range map[string]*client{"admin": admin, "auditor": auditor, "supplier": d.supplier, "platform": d.platform, "rival": rival, "elsewhere": elsewhere} {
		want := 1
		if c == rival || c == elsewhere {
			want = 0
		}
		var list model.List[aftersale.Summary]
		if c.get("/api/v1/console/after-sales").ok(&list); len(list.Items) != want {
			t.Errorf("%s sees %d", name, len(list.Items))
		}
	}
	admin.post(cases+id+"/withdraw", nil).fails(model.CodeConflict) // the member's own
	admin.money("/api/v1/console/orders/"+v.ID.String()+"/after-sales", "admin-0001", asking(v, "refund_only", 1)).fails(model.CodeConflict)
	var mine model.List[aftersale.Summary]
	if d.get("/api/v1/member/after-sales?status=open&order_id=" + v.ID.String()).ok(&mine); len(mine.Items) != 1 {
		t.Errorf("%+v", mine)
	}
	if stranger.get("/api/v1/member/after-sales").ok(&mine); len(mine.Items) != 0 {
		t.Errorf("%+v", mine)
	}
}

// union2 is another union.
func (s *stall) union2() model.Union {
	return s.house.union(s.root(), "grassroots", "虚拟医院工会")
}

// TestCasePictures shows evidence to those whom the case concerns, encoded anew, and to nobody else.
func TestCasePictures(t *testing.T) {
	d := newDispute(t)
	id := d.opened(d.delivered(1), "refund_only", 1)
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewRGBA(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	d.upload(myCases+id+"/pictures", "坏果.png", []byte("<svg/>"), nil).fails(model.CodeInvalid)
	var p aftersale.PictureView
	for range aftersale.MaxPictures {
		d.upload(myCases+id+"/pictures", "坏果.png", content.Bytes(), nil).ok(&p)
	}
	d.upload(myCases+id+"/pictures", "坏果.png", content.Bytes(), nil).fails(model.CodeConflict)
	if got := d.get(p.URL); got.Status != 200 || got.Header.Get("Content-Type") != "image/png" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.Status, got.Header)
	}
	c := d.state(id, "requested")
	stranger := d.stall.buyer(d.union, 100_00)
	stranger.get(p.URL).fails(model.CodeNotFound)
	stranger.upload(myCases+id+"/pictures", "x.png", content.Bytes(), nil).fails(model.CodeNotFound)
	d.client.h.client().get(p.URL).fails(model.CodeUnauthenticated)
	var v aftersale.View
	d.supplier.get(cases + id).ok(&v)
	if len(v.Pictures) != aftersale.MaxPictures || d.supplier.get(v.Pictures[0].URL).Status != 200 {
		t.Errorf("%+v", v.Pictures)
	}
	d.supplierStaff(1).get(v.Pictures[0].URL).fails(model.CodeNotFound)
	d.get(myCases + id + "/pictures/99").fails(model.CodeNotFound)
	var row model.AfterSalePicture
	if err := d.DB.Read(t.Context()).Take(&row, "case_id = ?", c.ID).Error; err != nil {
		t.Fatal(err)
	}
	d.get("/api/v1/pictures/" + row.FileID.String()).fails(model.CodeNotFound) // not public
	d.post(myCases+id+"/withdraw", nil).ok(nil)
	d.upload(myCases+id+"/pictures", "坏果.png", content.Bytes(), nil).fails(model.CodeConflict)
}

// TestCounterCase shows that the hall gives money back after the day, too, and that nothing is sent there.
func TestCounterCase(t *testing.T) {
	d := newDispute(t)
	v := d.stall.detail(d.client, deskIn(d.stall).sells(d.buyer, of(d.shop.SKUs[0], 2)).Order.ID)
	d.passes(2 * day)
	d.asks(v, "return_goods", 1).fails(model.CodeInvalid)
	id := d.opened(v, "refund_only", 1)
	var out aftersale.Outcome
	d.supplier.money(cases+id+"/agree", d.key(), map[string]any{"restock": true}).ok(&out)
	if out.Status != "refunded" || d.onHand(d.shop.SKUs[0].ID) != 99 {
		t.Errorf("%+v", out)
	}
}

// TestGroupCase shows that what a union bought for a group is the union's to complain about, not a member's.
func TestGroupCase(t *testing.T) {
	x := newCrowd(t, 2, 100_000)
	bought := x.orders(nil)
	x.arrive(bought)
	d, admin := disputeIn(x.stall), x.admin
	var v order.View
	admin.get("/api/v1/console/orders/" + bought.Order.ID.String()).ok(&v)
	d.asks(v, "refund_only", 1).fails(model.CodeNotFound)
	path := "/api/v1/console/orders/" + v.ID.String() + "/after-sales"
	d.staffAs(identity.RoleAuditor, x.treasury.union).money(path, "group-0001", asking(v, "refund_only", 1)).fails(model.CodeForbidden)
	var out aftersale.Outcome
	admin.money(path, "group-0002", asking(v, "return_goods", 2)).ok(&out)
	id := out.ID.String()
	d.get(myCases + id).fails(model.CodeNotFound)
	d.agree(id).ok(nil)
	admin.post(cases+id+"/send-back", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000002"}).ok(nil)
	var c aftersale.View
	if admin.get(cases + id).ok(&c); c.Status != "returning" || c.History[0].Party != "union" || c.History[0].Title != "工会提交售后申请" {
		t.Errorf("%+v", c)
	}
	d.supplier.money(cases+id+"/receive", d.key(), map[string]any{"restock": false}).ok(&out)
	if out.RefundedFen != 100_00 || x.fundOf(bought) != 100_000 || x.counted(x.members[0].PersonID) != 0 {
		t.Errorf("%+v, fund %d, cap %d", out, x.fundOf(bought), x.counted(x.members[0].PersonID))
	}
}

// TestCaseOrder shows the supplier's list: open cases by deadline, then what waits for the platform, then the ended ones; page by page.
func TestCaseOrder(t *testing.T) {
	d := newDispute(t)
	v := d.delivered(6)
	var ids []string
	for range 5 {
		ids = append(ids, d.opened(v, "refund_only", 1))
		d.travel(d.stall.clock.Now().Add(time.Minute))
	}
	d.supplier.post(cases+ids[0]+"/refuse", map[string]string{"reason": "完好"}).ok(nil)
	d.post(myCases+ids[0]+"/escalate", map[string]string{"note": "坏的"}).ok(nil)
	d.post(myCases+ids[1]+"/withdraw", nil).ok(nil)
	d.supplier.post(cases+ids[2]+"/refuse", map[string]string{"reason": "完好"}).ok(nil) // a week
	var got []string
	path := "/api/v1/console/after-sales?limit=2"
	for cursor := ""; ; {
		var list model.List[aftersale.Summary]
		d.supplier.get(path + cursor).ok(&list)
		for _, x := range list.Items {
			got = append(got, x.ID.String())
		}
		if list.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + list.NextCursor.String()
	}
	if want := []string{ids[3], ids[4], ids[2], ids[0], ids[1]}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
