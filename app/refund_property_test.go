package app_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/aftersale"
	"bangfu/service/order"
	"bangfu/service/reconcile"
)

// refundRounds is how many random houses TestRefundsAddUp plays, some 20 refunds each; fewer where a new database takes its time.
func refundRounds() int {
	if os.Getenv("TEST_DB") == "mysql" {
		return 4
	}
	return 20
}

// TestRefundsAddUp buys at random, with allowances, WeChat money and both, gives back at random pieces in random steps, through
// cases and otherwise, with the year's end somewhere in between, until nothing is left: each source has then got back exactly what it
// paid, the allowances' part before the year's end to the allowance, after it to the fund.
func TestRefundsAddUp(t *testing.T) {
	rounds, refunds, failed := 0, 0, false
	rapid.Check(t, func(rt *rapid.T) {
		if rounds++; rounds > refundRounds() && !failed {
			return
		}
		failed = true // so that a failing round can be made smaller
		g := newGiving(t, rt)
		for range rapid.IntRange(3, 6).Draw(rt, "orders") {
			g.buy()
		}
		steps := rapid.IntRange(10, 40).Draw(rt, "steps")
		end := rapid.IntRange(0, steps).Draw(rt, "year's end")
		for i := range steps {
			if i == end {
				g.travel(modeltest.At("2026-01-01 00:00"))
				g.endYear()
			}
			g.giveSome()
		}
		for _, o := range g.orders {
			g.giveRest(o)
			g.addsUp(o)
		}
		g.reconciles()
		refunds, failed = refunds+g.refunds, false
	})
	t.Logf("%d refunds", refunds)
}

// giving is one round: a house with orders that are given back bit by bit.
type giving struct {
	*stall
	rt      *rapid.T
	skus    []model.SKU
	orders  []given
	refunds int
}

// given is an order, its buyer and, by line, the pieces not given back.
type given struct {
	buyer
	id   model.ID
	left map[model.ID]int64
}

func newGiving(t *testing.T, rt *rapid.T) *giving {
	h := newHouseAt(t, modeltest.At("2025-12-30 09:00"))
	s := &stall{house: h, shop: h.shopFixture(), union: h.union(h.root(), "grassroots", "虚拟学校工会")}
	g := &giving{stall: s, rt: rt}
	for i, price := range []model.Fen{33_33, 7, 19_99, 101} {
		_, k := h.product(s.shop.Suppliers[i%2], s.shop.Paired, fmt.Sprintf("商品%d", i), price)
		g.skus = append(g.skus, k)
	}
	return g
}

// buy places an order and pays it.
func (g *giving) buy() {
	b := g.stall.buyer(g.union, model.Fen(rapid.Int64Range(1, 600_00).Draw(g.rt, "granted")))
	cart := order.Cart{AddressID: b.Address, Payment: rapid.SampledFrom([]string{order.PayMixed, order.PayMixed, order.PayWechat}).Draw(g.rt, "payment")}
	for _, k := range g.skus {
		if n := rapid.Int64Range(0, 4).Draw(g.rt, "quantity"); n > 0 || k.ID == g.skus[0].ID {
			n = max(n, 1)
			cart.Items = append(cart.Items, order.Item{SKUID: k.ID, Quantity: n, PriceFen: k.PriceFen})
			cart.TotalFen += k.PriceFen * model.Fen(n)
		}
	}
	p, err := g.Order.Checkout(context.Background(), b.actor(), "buy-"+b.Person.String(), cart)
	if err == nil && p.Status == order.StatusPending {
		err = g.payIn(p.ID)
	}
	if err != nil {
		g.rt.Fatal(err)
	}
	o := given{buyer: b, id: p.ID, left: map[model.ID]int64{}}
	var lines []model.OrderLine
	if err := g.DB.Read(context.Background()).Where("order_id = ?", p.ID).Find(&lines).Error; err != nil {
		g.rt.Fatal(err)
	}
	for _, l := range lines {
		o.left[l.ID] = l.Quantity
	}
	g.orders = append(g.orders, o)
}

// giveSome gives random pieces of one line of one order back, directly or through a case.
func (g *giving) giveSome() {
	o := g.orders[rapid.IntRange(0, len(g.orders)-1).Draw(g.rt, "order")]
	var lines []model.OrderLine
	if err := g.DB.Read(context.Background()).Where("order_id = ?", o.id).Order("id").Find(&lines).Error; err != nil {
		g.rt.Fatal(err)
	}
	lines = slices.DeleteFunc(lines, func(l model.OrderLine) bool { return o.left[l.ID] == 0 })
	if len(lines) == 0 {
		return
	}
	l := lines[rapid.IntRange(0, len(lines)-1).Draw(g.rt, "line")]
	n := rapid.Int64Range(1, o.left[l.ID]).Draw(g.rt, "pieces")
	ask := []order.ReturnLine{{LineID: l.ID, Quantity: n}}
	amount := l.PriceFen * model.Fen(n)
	if rapid.Bool().Draw(g.rt, "by case") {
		g.byCase(o, l.SupplierID, ask, amount)
	} else {
		g.give(o, ask, amount)
	}
	o.left[l.ID] -= n
}

func (g *giving) byCase(o given, supplier model.ID, ask []order.ReturnLine, amount model.Fen) {
	ctx, key := context.Background(), g.DB.NewID().String()
	c, err := g.AfterSale.Open(ctx, o.actor(), key, o.id, aftersale.NewCase{Kind: aftersale.KindRefundOnly, Reason: "quality", Lines: ask})
	if err != nil {
		g.rt.Fatal(err)
	}
	out, err := g.AfterSale.Agree(ctx, model.Actor{Kind: model.ActorStaff, ID: 1, Supplier: supplier}, key, c.ID, aftersale.Consent{})
	if err != nil || out.RefundedFen != amount || out.ToAllowanceFen+out.ToFundFen+out.ToWechatFen != amount {
		g.rt.Fatalf("%+v, want %s: %v", out, amount, err)
	}
	g.refunds++
}

func (g *giving) give(o given, ask []order.ReturnLine, amount model.Fen) {
	var back order.Returned
	err := g.DB.Tx(context.Background(), func(tx *gorm.DB) (err error) {
		back, err = g.Order.GiveBack(tx, model.Clockwork(), g.DB.Now(), order.Return{Order: o.id, Kind: order.RefundCancel, Reason: "少发", Lines: ask, Restock: true})
		return err
	})
	if err != nil || amount != 0 && back.AmountFen != amount || back.ToAllowance+back.ToFund+back.ToWechat != back.AmountFen {
		g.rt.Fatalf("%+v, want %s: %v", back, amount, err)
	}
	g.refunds++
}

// giveRest gives back what is left; once nothing is, nothing more can be.
func (g *giving) giveRest(o given) {
	rest := int64(0)
	for _, n := range o.left {
		rest += n
	}
	if rest > 0 {
		g.give(o, nil, 0)
	}
	err := g.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		_, err := g.Order.GiveBack(tx, model.Clockwork(), g.DB.Now(), order.Return{Order: o.id, Kind: order.RefundCancel})
		return err
	})
	if model.CodeOf(err) != model.CodeConflict {
		g.rt.Fatalf("a refund of nothing: %v", err)
	}
}

// addsUp compares what each source paid to each supplier with what came back of it, and where to.
func (g *giving) addsUp(o given) {
	var rows []model.Transfer
	if err := g.DB.Read(context.Background()).Where("order_id = ? AND kind IN ?", o.id, []string{"spend", "refund"}).Find(&rows).Error; err != nil {
		g.rt.Fatal(err)
	}
	paid, back := map[string]model.Fen{}, map[string]model.Fen{}
	for _, r := range rows {
		_, share, _ := strings.Cut(r.Cause, ":")
		if r.Kind == "spend" {
			paid[share] += r.AmountFen
			continue
		}
		back[share] += r.AmountFen
		source, _, _ := strings.Cut(r.CreditAccount, ":")
		want := "payment"
		if r.Purse != "" {
			want = "allowance"
			if !r.At.Before(model.Year(2025).End()) {
				want = "fund"
			}
		}
		if source != want {
			g.rt.Fatalf("%s went to %s, want %s", r.Cause, r.CreditAccount, want)
		}
	}
	if fmt.Sprint(paid) != fmt.Sprint(back) || len(paid) == 0 {
		g.rt.Fatalf("paid %v, given back %v", paid, back)
	}
}

func (g *giving) reconciles() {
	report, err := reconcile.Run(context.Background(), g.DB)
	if err != nil {
		g.rt.Fatal(err)
	}
	if !report.OK() {
		var out strings.Builder
		_ = report.Write(&out)
		g.rt.Fatal(out.String())
	}
}
