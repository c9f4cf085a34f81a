package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
	"bangfu/service/order"
)

const ordersPath = "/api/v1/member/orders"

// stall is a house with a shop, a union and a supplier's console account.
type stall struct {
	*house
	shop  shopFixture
	union model.Union
}

func newStall(t testing.TB) *stall {
	t.Helper()
	return stallIn(t, newHouse(t))
}

// stallIn sets the stall up in a house; when the test has ended well, the books must be sound.
func stallIn(t testing.TB, h *house) *stall {
	t.Helper()
	s := &stall{house: h, shop: h.shopFixture(), union: h.union(h.root(), "grassroots", "虚拟学校工会")}
	t.Cleanup(func() {
		if !t.Failed() {
			h.sound(t)
		}
	})
	return s
}

// supplierStaff is a console account of the i-th supplier.
func (s *stall) supplierStaff(i int) *client {
	id := s.shop.Suppliers[i].ID
	return s.staffWith(model.Staff{Role: string(identity.RoleSupplier), UnionID: s.root().ID, SupplierID: &id}, true)
}

func (s *stall) detail(c *client, id model.ID) order.View {
	s.t.Helper()
	var v order.View
	c.get(ordersPath + "/" + id.String()).ok(&v)
	return v
}

// TestOrderLife follows an order of two suppliers from checkout over shipping to the last confirmation.
func TestOrderLife(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	cart := b.cart(1, s.shop.SKUs[0], s.shop.SKUs[2])
	cart.Items[0].Quantity, cart.TotalFen, cart.Note = 2, 228_00, "周末送"
	p := b.buys("life-0001", cart)
	if p.Status != order.StatusPaid || p.TotalFen != 228_00 || p.AllowanceFen != 228_00 || p.Parcels != 2 || !order.ValidNumber(p.OrderNo) {
		t.Fatalf("%+v", p)
	}
	if s.balance(b.Allowance.ID) != 372_00 || s.onHand(s.shop.SKUs[0].ID) != 98 || s.onHand(s.shop.SKUs[2].ID) != 99 {
		t.Error(s.balance(b.Allowance.ID), s.onHand(s.shop.SKUs[0].ID), s.onHand(s.shop.SKUs[2].ID))
	}
	v := s.detail(b.client, p.ID)
	if v.Phone != "10000000001" || v.Address != "广东省湛江市赤坎区虚拟路 1 号" || v.Note != "周末送" || len(v.Payments) != 1 || *v.Payments[0].AllowanceID != b.Allowance.ID || v.Payments[0].AmountFen != 228_00 {
		t.Errorf("%+v", v)
	}
	for i, part := range v.Parcels {
		supplier := s.supplierStaff(i)
		b.post("/api/v1/member/parcels/"+part.ID.String()+"/confirm", nil).fails(model.CodeConflict)
		supplier.post("/api/v1/console/parcels/"+part.ID.String()+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "xn00000000" + fmt.Sprint(i)}).ok(nil)
		want := []string{order.StatusPaid, order.StatusShipped}[i]
		if got := s.detail(b.client, p.ID); got.Status != want || got.Parcels[i].TrackingNo != "XN00000000"+fmt.Sprint(i) || got.Parcels[i].ShippedAt == nil {
			t.Errorf("after shipping %d: %+v", i, got)
		}
	}
	b.money(ordersPath+"/"+p.ID.String()+"/cancel", "life-cancel", map[string]string{"reason": "不要了"}).fails(model.CodeConflict)
	for i, part := range v.Parcels {
		for range 2 { // confirming again changes nothing
			if a := b.post("/api/v1/member/parcels/"+part.ID.String()+"/confirm", nil); a.Status != http.StatusNoContent {
				t.Errorf("confirm: %d %s", a.Status, a.Body)
			}
		}
		want := []string{order.StatusShipped, order.StatusCompleted}[i]
		if got := s.detail(b.client, p.ID); got.Status != want || got.Parcels[i].ReceivedBy != "member" {
			t.Errorf("after confirming %d: %+v", i, got)
		}
	}
}

// TestCheckoutRefusals shows every bad cart and its clear answer; none of them changes anything.
func TestCheckoutRefusals(t *testing.T) {
	s := newStall(t)
	b, other := s.buyer(s.union, 150_00), s.buyer(s.union, 600_00)
	k, dear, off := s.shop.SKUs[0], s.shop.SKUs[2], s.shop.SKUs[1]
	scarce, scarceSKU := s.product(s.shop.Suppliers[0], s.shop.Paired, "荔枝干", 1_00)
	s.update(&model.Product{}, s.shop.Products[1].ID, map[string]any{"status": "off", "off_reason": "抽检不合格"})
	with := func(change func(c *order.Cart)) order.Cart { c := b.cart(1, k); change(&c); return c }
	cases := map[string]struct {
		cart order.Cart
		code model.Code
		says string
	}{
		"price changed":   {with(func(c *order.Cart) { c.Items[0].PriceFen, c.TotalFen = 40_00, 40_00 }), model.CodePriceChanged, `"price_fen":5000`},
		"total wrong":     {with(func(c *order.Cart) { c.TotalFen = 49_99 }), model.CodePriceChanged, `"total_fen":5000`},
		"sold out":        {b.cart(101, scarceSKU), model.CodeSoldOut, `"available":100`},
		"off the shelf":   {b.cart(1, off), model.CodeOffShelf, "抽检不合格"},
		"money short":     {b.cart(2, dear), model.CodeInsufficientBalance, `"available_fen":15000,"missing_fen":10600`},
		"foreign address": {with(func(c *order.Cart) { c.AddressID = other.Address }), model.CodeNotFound, "收货地址"},
		"no such SKU":     {with(func(c *order.Cart) { c.Items[0].SKUID = 12345 }), model.CodeNotFound, "商品"},
		"nothing":         {with(func(c *order.Cart) { c.Items = []order.Item{} }), model.CodeInvalid, `"items"`},
		"quantity 0":      {with(func(c *order.Cart) { c.Items[0].Quantity = 0 }), model.CodeInvalid, "items[0].quantity"},
		"quantity -1":     {with(func(c *order.Cart) { c.Items[0].Quantity = -1 }), model.CodeInvalid, "items[0].quantity"},
		"quantity 1000":   {with(func(c *order.Cart) { c.Items[0].Quantity = 1000 }), model.CodeInvalid, "items[0].quantity"},
		"same SKU twice":  {with(func(c *order.Cart) { c.Items = append(c.Items, c.Items[0]) }), model.CodeInvalid, "items[1].sku_id"},
		"total above all": {with(func(c *order.Cart) { c.TotalFen = model.MaxFen + 1 }), model.CodeInvalid, "total_fen"},
		"note too long":   {with(func(c *order.Cart) { c.Note = strings.Repeat("字", 201) }), model.CodeInvalid, "note"},
		"note with break": {with(func(c *order.Cart) { c.Note = "一\n二" }), model.CodeInvalid, "note"},
		"51 lines": {with(func(c *order.Cart) {
			for i := range 51 {
				c.Items = append(c.Items, order.Item{SKUID: model.ID(1000 + i), Quantity: 1, PriceFen: 1})
			}
		}), model.CodeInvalid, "50"},
	}
	n := 0
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n++
			a := b.in(t).money(ordersPath, fmt.Sprintf("refused-%03d", n), c.cart)
			a.fails(c.code)
			if !strings.Contains(string(a.Body), c.says) {
				t.Errorf("no %q in %s", c.says, a.Body)
			}
		})
	}
	if s.balance(b.Allowance.ID) != 150_00 || s.onHand(k.ID) != 100 || s.count(&model.Order{}, "1 = 1") != 0 {
		t.Error("a refused checkout left something behind", scarce.ID)
	}
	b.do(request{method: "POST", path: ordersPath, body: b.cart(1, k)}).fails(model.CodeInvalid)
	b.money(ordersPath, "unknown-field", map[string]any{"items": []any{}, "address_id": b.Address, "total_fen": 1, "price": 1}).fails(model.CodeInvalid)
}

// travel moves the clock to at; all sessions stay alive.
func (h *house) travel(at time.Time) {
	h.t.Helper()
	h.clock.Set(at)
	if err := h.DB.Read(context.Background()).Model(&model.Session{}).Where("1 = 1").UpdateColumn("last_seen_at", h.clock.Now()).Error; err != nil {
		h.t.Fatal(err)
	}
}

// update changes columns of one row, for fixtures.
func (h *house) update(entity any, id model.ID, columns map[string]any) {
	h.t.Helper()
	if err := h.DB.Read(context.Background()).Model(entity).Where("id = ?", id).UpdateColumns(columns).Error; err != nil {
		h.t.Fatal(err)
	}
}

// TestCheckoutWithoutAllowance shows that last year's money and a revoked allowance buy nothing, and that money of two
// unions is not put together.
func TestCheckoutWithoutAllowance(t *testing.T) {
	s := newStall(t)
	k := s.shop.SKUs[2] // ¥128
	second := s.house.union(s.root(), "grassroots", "虚拟医院工会")
	b := s.buyer(s.union, 100_00)
	s.joins(b, second, 100_00)
	if e := b.money(ordersPath, "two-unions", b.cart(1, k)).fails(model.CodeInsufficientBalance); !strings.Contains(e.Message, "不能合并") || string(e.Data) != `{"available_fen":10000,"missing_fen":2800}` {
		t.Errorf("%+v %s", e, e.Data)
	}
	rich := s.joins(b, s.house.union(s.root(), "grassroots", "虚拟银行工会"), 200_00)
	if v := s.detail(b.client, b.buys("third-union", b.cart(1, k)).ID); v.UnionID != rich.UnionID || s.balance(rich.ID) != 72_00 {
		t.Errorf("paid by %s, left %s", v.UnionName, s.balance(rich.ID))
	}
	left := s.buyer(s.union, 600_00)
	s.revoke(left)
	left.money(ordersPath, "revoked-1", left.cart(1, k)).fails(model.CodeInsufficientBalance)
	s.travel(modeltest.At("2025-12-31 23:59"))
	b.buys("last-minute", b.cart(1, s.shop.SKUs[0]))
	s.travel(modeltest.At("2026-01-01 00:00"))
	s.papersUntil("2026-12-31")
	if e := b.money(ordersPath, "new-year-1", b.cart(1, s.shop.SKUs[0])).fails(model.CodeInsufficientBalance); !strings.Contains(e.Message, "没有可用") {
		t.Errorf("%+v", e)
	}
}

// papersUntil prolongs every licence and certificate.
func (h *house) papersUntil(day model.Date) {
	h.t.Helper()
	if err := h.DB.Read(context.Background()).Model(&model.Certificate{}).Where("1 = 1").UpdateColumn("valid_until", day).Error; err != nil {
		h.t.Fatal(err)
	}
}

// revoke takes the buyer's allowance back, as when the member leaves.
func (h *house) revoke(b buyer) {
	h.t.Helper()
	err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		_, err := h.Allowance.RevokeMember(tx, model.Clockwork(), b.Member, h.clock.Now(), "离职")
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestCheckoutSameKey shows that a key buys once, whatever is sent again and however often at once.
func TestCheckoutSameKey(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	k := s.shop.SKUs[0]
	t.Run("Replay", func(t *testing.T) {
		first := b.buys("same-key-1", b.cart(1, k))
		if again := b.buys("same-key-1", b.cart(1, k)); again != first {
			t.Errorf("%+v\n%+v", first, again)
		}
		b.money(ordersPath, "same-key-1", b.cart(2, k)).fails(model.CodeIdempotencyMismatch)
		b.money(ordersPath+"/"+first.ID.String()+"/cancel", "same-key-1", map[string]string{"reason": "拍错"}).fails(model.CodeIdempotencyMismatch)
	})
	t.Run("Concurrently", func(t *testing.T) {
		var placed sync.Map
		var wg sync.WaitGroup
		var conflicts atomic.Int64
		for range 50 {
			wg.Go(func() {
				p, err := s.Order.Checkout(context.Background(), b.actor(), "same-key-2", b.cart(1, k))
				switch model.CodeOf(err) {
				case "":
					placed.Store(p.ID, true)
				case model.CodeConflict, model.CodeRateLimited:
					conflicts.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n := 0
		placed.Range(func(any, any) bool { n++; return true })
		if n != 1 || s.count(&model.Order{}, "person_id = ?", b.Person) != 2 {
			t.Errorf("%d answers, %d orders, %d turned away", n, s.count(&model.Order{}, "person_id = ?", b.Person), conflicts.Load())
		}
	})
	t.Run("PastTheDoor", func(t *testing.T) { // without the guard the database alone decides the same
		if err := s.Guard.Close(); err != nil {
			t.Fatal(err)
		}
		before := s.balance(b.Allowance.ID)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				_, err := s.Order.Checkout(context.Background(), b.actor(), "same-key-3", b.cart(1, k))
				for model.CodeOf(err) == model.CodeConflict { // while the first is under way
					time.Sleep(time.Millisecond)
					_, err = s.Order.Checkout(context.Background(), b.actor(), "same-key-3", b.cart(1, k))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if spent := before - s.balance(b.Allowance.ID); spent != 50_00 {
			t.Errorf("spent %s", spent)
		}
	})
	if s.onHand(k.ID) != 97 {
		t.Error(s.onHand(k.ID))
	}
}

// TestPlacedOrderIsToldPastTheDoor shows that a client which sends the key of a placed order many times at once is told of the order every time, though the door
// lets nothing new of the member's through.
func TestPlacedOrderIsToldPastTheDoor(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	cart := b.cart(1, s.shop.SKUs[0])
	first := b.buys("resent-key", cart)
	shut := false
	for i := 0; i < 60 && !shut; i++ {
		shut = b.money(ordersPath, fmt.Sprintf("too-dear-%04d", i), b.cart(5, s.shop.SKUs[2])).Status == http.StatusTooManyRequests
	}
	if !shut {
		t.Error("60 checkouts in a row were let through")
	}
	for range 3 {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if again, err := s.Order.Checkout(context.Background(), b.actor(), "resent-key", cart); err != nil || again.ID != first.ID {
					t.Errorf("%+v %v", again, err)
				}
			})
		}
		wg.Wait()
	}
	if n := s.count(&model.Order{}, "person_id = ?", b.Person); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// TestCheckoutFlood shows that a member who tries too often is told to wait, and still gets answers given before.
func TestCheckoutFlood(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	first := b.buys("flood-first", b.cart(1, s.shop.SKUs[0]))
	for i := range 60 {
		a := b.money(ordersPath, fmt.Sprintf("flood-%04d", i), b.cart(5, s.shop.SKUs[2])) // refused: too dear
		if a.Status != http.StatusTooManyRequests {
			a.fails(model.CodeInsufficientBalance)
			continue
		}
		a.fails(model.CodeRateLimited)
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if again := b.buys("flood-first", b.cart(1, s.shop.SKUs[0])); again != first {
			t.Errorf("%+v", again)
		}
		return
	}
	t.Error("60 checkouts in a row were let through")
}

func (b buyer) cancels(key string, id model.ID) *answer {
	b.t.Helper()
	return b.money(ordersPath+"/"+id.String()+"/cancel", key, map[string]string{"reason": "不想要了"})
}

// TestCancel shows that everything goes back, once, to where it belongs at that time.
func TestCancel(t *testing.T) {
	s := newStall(t)
	second := s.house.union(s.root(), "grassroots", "虚拟医院工会")
	cart := func(b buyer) order.Cart { return b.cart(1, s.shop.SKUs[0], s.shop.SKUs[2]) } // ¥178 of two suppliers
	back := func(a *answer, allowance, fund model.Fen) {
		t.Helper()
		var c order.Cancelled
		a.ok(&c)
		if c.ToAllowanceFen != allowance || c.ToFundFen != fund || c.RefundedFen != 178_00 || c.Status != order.StatusCancelled {
			t.Errorf("%+v", c)
		}
	}
	t.Run("InTime", func(t *testing.T) {
		b, other := s.buyer(s.union, 600_00), s.buyer(s.union, 600_00)
		p := b.buys("cancel-1", cart(b))
		other.cancels("foreign-1", p.ID).fails(model.CodeNotFound)
		b.money(ordersPath+"/"+p.ID.String()+"/cancel", "cancel-none", map[string]string{"reason": ""}).fails(model.CodeInvalid)
		back(b.cancels("cancel-2", p.ID), 178_00, 0)
		back(b.cancels("cancel-2", p.ID), 178_00, 0) // the stored answer
		b.cancels("cancel-3", p.ID).fails(model.CodeConflict)
		v := s.detail(b.client, p.ID)
		if v.RefundedFen != 178_00 || len(v.Refunds) != 1 || v.Refunds[0].ToAllowanceFen != 178_00 || v.CancelReason != "不想要了" || v.Parcels[0].Status != order.ParcelCancelled {
			t.Errorf("%+v", v)
		}
		if s.balance(b.Allowance.ID) != 600_00 || s.onHand(s.shop.SKUs[0].ID) != 100 {
			t.Error(s.balance(b.Allowance.ID), s.onHand(s.shop.SKUs[0].ID))
		}
		s.supplierStaff(0).post("/api/v1/console/parcels/"+v.Parcels[0].ID.String()+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"}).fails(model.CodeConflict)
	})
	t.Run("AfterRevoking", func(t *testing.T) {
		b := s.buyer(second, 600_00)
		p := b.buys("revoked-1", cart(b))
		s.revoke(b)
		fund := s.fundBalance(b.Allowance.FundID)
		back(b.cancels("revoked-2", p.ID), 0, 178_00)
		if got := s.fundBalance(b.Allowance.FundID) - fund; got != 178_00 || s.balance(b.Allowance.ID) != 0 {
			t.Error("to the fund:", got, "on the allowance:", s.balance(b.Allowance.ID))
		}
		if n := s.count(&model.PersonCap{}, "person_id = ? AND granted_fen = 0", b.Person); n != 1 { // another union may grant it again
			t.Error("the person counts as granted what it no longer has")
		}
	})
	t.Run("AfterTheYear", func(t *testing.T) {
		b := s.buyer(second, 600_00)
		p := b.buys("new-year-1", cart(b))
		s.travel(modeltest.At("2026-01-01 00:00")) // the sweep has not run yet
		fund := s.fundBalance(b.Allowance.FundID)
		back(b.cancels("new-year-2", p.ID), 0, 178_00)
		if got := s.fundBalance(b.Allowance.FundID) - fund; got != 178_00 || s.balance(b.Allowance.ID) != 422_00 {
			t.Error("to the fund:", got, "on the allowance:", s.balance(b.Allowance.ID))
		}
	})
}

// TestCancelAgainstShip shows that of cancelling and shipping at once exactly one wins, and nothing is left half done.
func TestCancelAgainstShip(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	supplier := model.Actor{Kind: model.ActorStaff, ID: 1, Supplier: s.shop.Suppliers[0].ID}
	for i := range 8 {
		p, err := s.Order.Checkout(context.Background(), b.actor(), fmt.Sprintf("race-%04d", i), b.cart(1, s.shop.SKUs[0]))
		if err != nil {
			t.Fatal(err)
		}
		parcel := s.detail(b.client, p.ID).Parcels[0].ID
		var won atomic.Int64
		var wg sync.WaitGroup
		attempt := func(err error) {
			switch model.CodeOf(err) {
			case "":
				won.Add(1)
			case model.CodeConflict:
			default:
				t.Error(err)
			}
		}
		wg.Go(func() {
			_, err := s.Order.Cancel(context.Background(), b.actor(), fmt.Sprintf("race-c-%04d", i), p.ID, "不要了")
			attempt(err)
		})
		wg.Go(func() {
			_, err := s.Order.Cancel(context.Background(), b.actor(), fmt.Sprintf("race-d-%04d", i), p.ID, "不要了")
			attempt(err)
		})
		wg.Go(func() {
			_, err := s.Order.Ship(context.Background(), supplier, parcel, order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"})
			attempt(err)
		})
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d of three won", i, won.Load())
		}
	}
}

// TestParcels shows what a supplier sees and may do, and that each step is taken once.
func TestParcels(t *testing.T) {
	s := newStall(t)
	b, other := s.buyer(s.union, 600_00), s.buyer(s.union, 600_00)
	p := b.buys("parcels-1", b.cart(1, s.shop.SKUs[0], s.shop.SKUs[2]))
	id := s.detail(b.client, p.ID).Parcels[0].ID
	path := "/api/v1/console/parcels/" + id.String()
	mine, foreign := s.supplierStaff(0), s.supplierStaff(1)
	good := order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"}

	var list model.List[order.ParcelView]
	mine.get("/api/v1/console/parcels?status=waiting").ok(&list)
	if len(list.Items) != 1 || !list.Items[0].Masked || list.Items[0].Phone != "100****0001" || list.Items[0].Consignee != "张*三" || strings.Contains(list.Items[0].Address, "虚拟路") {
		t.Errorf("%+v", list)
	}
	var v order.ParcelView
	mine.get(path).ok(&v)
	if v.Masked || v.Phone != "10000000001" || !strings.HasSuffix(v.Address, "虚拟路 1 号") || s.count(&model.AuditEntry{}, "action = 'parcel.view'") != 1 {
		t.Errorf("%+v", v)
	}
	foreign.get(path).fails(model.CodeNotFound)
	foreign.post(path+"/ship", good).fails(model.CodeNotFound)
	mine.post(path+"/correct", good).fails(model.CodeConflict)
	for _, bad := range []order.Shipment{{Carrier: "", TrackingNo: "XN000001"}, {Carrier: "虚拟速运", TrackingNo: "12345"}, {Carrier: "虚拟速运", TrackingNo: "单号000001"},
		{Carrier: strings.Repeat("长", 41), TrackingNo: "XN000001"}} {
		mine.post(path+"/ship", bad).fails(model.CodeInvalid)
	}
	mine.post(path+"/ship", good).ok(nil)
	mine.post(path+"/ship", good).fails(model.CodeConflict)
	mine.post(path+"/correct", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000002"}).ok(&v)
	if v.TrackingNo != "XN000002" || v.Status != order.ParcelShipped {
		t.Errorf("%+v", v)
	}
	other.post("/api/v1/member/parcels/"+id.String()+"/confirm", nil).fails(model.CodeNotFound)
	b.post("/api/v1/member/parcels/"+id.String()+"/confirm", nil).ok(nil)
	mine.get(path).ok(&v)
	if !v.Masked || v.Status != order.ParcelReceived {
		t.Errorf("a parcel that arrived still shows where: %+v", v)
	}
	s.staffAs(identity.RoleCityFederation, s.root()).get("/api/v1/console/parcels").fails(model.CodeForbidden)
}

// TestAutoConfirm shows that the clock receives what was shipped long enough ago, once, also when several run at once.
func TestAutoConfirm(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	supplier := s.supplierStaff(0)
	ship := func(key string) model.ID {
		p := b.buys(key, b.cart(1, s.shop.SKUs[0]))
		supplier.post("/api/v1/console/parcels/"+s.detail(b.client, p.ID).Parcels[0].ID.String()+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"}).ok(nil)
		return p.ID
	}
	old1, old2 := ship("auto-0001"), ship("auto-0002")
	s.travel(s.clock.Now().Add(5 * 24 * time.Hour))
	young := ship("auto-0003")
	s.travel(s.clock.Now().Add(5 * 24 * time.Hour))
	var total atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			n, err := s.Order.AutoConfirm(context.Background())
			if err != nil {
				t.Error(err)
			}
			total.Add(int64(n))
		})
	}
	wg.Wait()
	if total.Load() != 2 {
		t.Errorf("%d parcels received", total.Load())
	}
	for id, want := range map[model.ID]string{old1: order.StatusCompleted, old2: order.StatusCompleted, young: order.StatusShipped} {
		if got := s.detail(b.client, id); got.Status != want || (want == order.StatusCompleted && got.Parcels[0].ReceivedBy != "clock") {
			t.Errorf("%+v", got)
		}
	}
}

// TestOrderLists shows paging, filters, scope and masking of lists and details.
func TestOrderLists(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	var placed []model.ID
	for i := range 3 {
		placed = append(placed, b.buys(fmt.Sprintf("list-%04d", i), b.cart(1, s.shop.SKUs[0])).ID)
	}
	b.cancels("list-cancel", placed[0]).ok(nil)
	var page model.List[order.Summary]
	b.get(ordersPath + "?limit=2").ok(&page)
	if len(page.Items) != 2 || page.NextCursor == nil || page.Items[0].ID != placed[2] || page.Items[0].Lines[0].ProductName != "百香果" {
		t.Fatalf("%+v", page)
	}
	b.get(ordersPath + "?limit=2&cursor=" + page.NextCursor.String()).ok(&page)
	if len(page.Items) != 1 || page.NextCursor != nil || page.Items[0].ID != placed[0] {
		t.Errorf("%+v", page)
	}
	b.get(ordersPath + "?status=gone").fails(model.CodeInvalid)
	b.get(ordersPath + "?from=2025-13-01").fails(model.CodeInvalid)
	s.buyer(s.union, 600_00).get(ordersPath + "/" + placed[0].String()).fails(model.CodeNotFound)

	county := s.house.union(s.root(), "county", "虚拟县总工会")
	admin := s.staffAs(identity.RoleUnionAdmin, s.union)
	list := "/api/v1/console/unions/" + s.union.ID.String() + "/orders"
	admin.get(list + "?status=paid&from=2025-03-03&to=2025-03-03").ok(&page)
	if len(page.Items) != 2 || page.Items[0].Consignee != "张*三" {
		t.Errorf("%+v", page)
	}
	admin.get(list + "?from=2025-03-04").ok(&page)
	if len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
	s.staffAs(identity.RoleCityFederation, s.root()).get("/api/v1/console/unions/" + s.root().ID.String() + "/orders").ok(&page)
	if len(page.Items) != 3 {
		t.Errorf("the city sees %d", len(page.Items))
	}
	outsider := s.staffAs(identity.RoleFederation, county)
	outsider.get(list).fails(model.CodeNotFound)
	outsider.get("/api/v1/console/orders/" + placed[0].String()).fails(model.CodeNotFound)
	a := admin.get("/api/v1/console/orders/" + placed[0].String()).ok(nil)
	if strings.Contains(string(a.Body), "10000000001") || strings.Contains(string(a.Body), "虚拟路") || strings.Contains(string(a.Body), "张小三") {
		t.Errorf("staff see personal data: %s", a.Body)
	}
	var answers []model.IdempotencyKey
	if err := s.DB.Read(context.Background()).Find(&answers).Error; err != nil {
		t.Fatal(err)
	}
	for _, k := range answers {
		if !json.Valid([]byte(k.Response)) || strings.Contains(k.Response, "10000000001") {
			t.Errorf("stored answer: %s", k.Response)
		}
	}
}

// TestSoldOutMark shows that the door turns others away while nothing is left, and lets them in as soon as something came back.
func TestSoldOutMark(t *testing.T) {
	s := newStall(t)
	k := s.shop.SKUs[0]
	s.adjust(k.ID, -99)
	first, second := s.buyer(s.union, 600_00), s.buyer(s.union, 600_00)
	p := first.buys("mark-0001", first.cart(1, k))
	for i := range 2 { // the database says so, then the door
		e := second.money(ordersPath, fmt.Sprintf("mark-1%03d", i), second.cart(1, k)).fails(model.CodeSoldOut)
		if string(e.Data) != `{"sku_id":"`+k.ID.String()+`","available":0}` {
			t.Errorf("%s", e.Data)
		}
	}
	if again := first.buys("mark-0001", first.cart(1, k)); again != p {
		t.Errorf("the door kept a stored answer back: %+v", again)
	}
	first.cancels("mark-cancel", p.ID).ok(nil)
	second.buys("mark-2000", second.cart(1, k))
	second.money(ordersPath, "mark-3000", second.cart(1, k)).fails(model.CodeSoldOut)
	s.supplierStaff(0).money("/api/v1/console/skus/"+k.ID.String()+"/movements", "mark-restock", map[string]any{"kind": "receive", "quantity": 1}).ok(nil)
	second.buys("mark-4000", second.cart(1, k))
}

// TestCheckoutMetrics shows that outcomes are counted.
func TestCheckoutMetrics(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 100_00)
	b.buys("metrics-1", b.cart(1, s.shop.SKUs[0]))
	b.buys("metrics-1", b.cart(1, s.shop.SKUs[0]))
	b.money(ordersPath, "metrics-2", b.cart(1, s.shop.SKUs[2])).fails(model.CodeInsufficientBalance)
	body := string(s.client().get("/metrics").Body)
	for _, want := range []string{`checkout_total{outcome="ok"} 1`, `checkout_total{outcome="replay"} 1`, `checkout_total{outcome="insufficient_balance"} 1`, "checkout_seconds_count 3"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestStaleSoldOutMark shows that a mark which is wrong, because the word that goods came back was lost, is found out by the next who is
// turned away, and sells to them.
func TestStaleSoldOutMark(t *testing.T) {
	s := newStall(t)
	b, k := s.buyer(s.union, 600_00), s.shop.SKUs[0]
	s.Guard.MarkSoldOut(context.Background(), k.ID, time.Hour)
	b.buys("stale-0001", b.cart(1, k))
	s.travel(s.clock.Now().Add(11 * time.Second))
	b.buys("stale-0002", b.cart(1, k))
	if s.onHand(k.ID) != 98 {
		t.Error(s.onHand(k.ID))
	}
}
