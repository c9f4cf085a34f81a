package world_test

import (
	"bytes"
	"testing"

	"bangfu/app"
	"bangfu/model"
	"bangfu/scripts/lab/world"
	"bangfu/service/order"
	"bangfu/service/reconcile"
)

// TestSeed shows that everybody in a world can buy everything in it, and that the books are sound before and after.
func TestSeed(t *testing.T) {
	ctx := t.Context()
	a, err := world.Open(ctx, []string{"DATA_DIR=" + t.TempDir()}, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	w, err := world.Seed(ctx, a, world.Options{Members: 30, Unions: 2, SKUs: 12, Stock: 100, Allowance: 600_00, Price: 1})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, a)
	if len(w.Members) != 30 || len(w.Goods) != 12 {
		t.Fatal(len(w.Members), len(w.Goods))
	}
	for i, m := range w.Members {
		g := w.Goods[i%len(w.Goods)]
		cart := order.Cart{Items: []order.Item{{SKUID: g.SKU, Quantity: 1, PriceFen: g.Price}}, AddressID: m.Address, TotalFen: g.Price}
		if _, err := a.Order.Checkout(ctx, m.Actor(), "key-"+m.Person.String(), cart); err != nil {
			t.Fatal(err)
		}
		if actor, err := a.Identity.MemberActor(ctx, m.Token); err != nil || actor.ID != m.Person || actor.Kind != model.ActorPerson {
			t.Fatal(actor, err)
		}
	}
	sound(t, a)
}

func sound(t *testing.T, a *app.App) {
	t.Helper()
	report, err := reconcile.Run(t.Context(), a.DB)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		var b bytes.Buffer
		_ = report.Write(&b)
		t.Error(b.String())
	}
}
