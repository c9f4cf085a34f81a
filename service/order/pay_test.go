package order

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestSplit shows for any allowances and suppliers that every supplier gets exactly its due, no allowance gives more than it
// holds, each pair occurs once, and the same input gives the same parts.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var allowances []model.Allowance
		var have model.Fen
		for i, fen := range rapid.SliceOfN(rapid.Int64Range(1, 60000), 1, 6).Draw(t, "balances") {
			allowances = append(allowances, model.Allowance{ID: model.ID(i + 1), MemberID: 1, BalanceFen: model.Fen(fen)})
			have += model.Fen(fen)
		}
		var dues []due
		left := have
		for i, fen := range rapid.SliceOfN(rapid.Int64Range(1, 60000), 1, 6).Draw(t, "dues") {
			amount := min(model.Fen(fen), left)
			if amount == 0 {
				break
			}
			dues, left = append(dues, due{model.ID(i + 1), amount}), left-amount
		}
		type pair struct{ allowance, supplier model.ID }
		given, got, seen := map[model.ID]model.Fen{}, map[model.ID]model.Fen{}, map[pair]bool{}
		shares, rest := split(allowances, dues)
		if len(rest) > 0 {
			t.Fatalf("rest %v", rest)
		}
		for i, sh := range shares {
			if p := (pair{idOf(sh), sh.supplier}); sh.amount <= 0 || seen[p] {
				t.Fatalf("share %d: %+v", i, sh)
			} else {
				seen[p] = true
			}
			given[idOf(sh)] += sh.amount
			got[sh.supplier] += sh.amount
		}
		for _, a := range allowances {
			if given[a.ID] > a.BalanceFen {
				t.Fatalf("allowance %s gave %s of %s", a.ID, given[a.ID], a.BalanceFen)
			}
		}
		for _, d := range dues {
			if got[d.supplier] != d.amount {
				t.Fatalf("supplier %s got %s of %s", d.supplier, got[d.supplier], d.amount)
			}
		}
	})
}

// TestPayer shows which membership pays.
func TestPayer(t *testing.T) {
	a := func(id, member model.ID, fen model.Fen) model.Allowance {
		return model.Allowance{ID: id, MemberID: member, BalanceFen: fen}
	}
	held := []model.Allowance{a(1, 10, 500), a(2, 20, 300), a(3, 10, 100), a(4, 30, 300)}
	for total, want := range map[model.Fen][]model.ID{300: {2}, 1: {2}, 301: {1, 3}, 600: {1, 3}} {
		paying, err := payer(held, total, false)
		if err != nil || len(paying) != len(want) {
			t.Fatal(total, paying, err)
		}
		for i := range want {
			if paying[i].ID != want[i] {
				t.Errorf("%s: paid by %+v, want %v", total, paying, want)
			}
		}
	}
	for total, missing := range map[model.Fen]model.Fen{601: 1, 2000: 1400} {
		_, err := payer(held, total, false)
		var e *model.Error
		if !errors.As(err, &e) || e.Data != (Shortage{AvailableFen: 600, MissingFen: missing}) {
			t.Errorf("%s: %v", total, err)
		}
	}
}

// TestNumber shows that any one wrong digit of an order number is found.
func TestNumber(t *testing.T) {
	for range 200 {
		no := newNumber(modeltest.At("2025-12-31 23:59"))
		if !ValidNumber(no) || no[:6] != "251231" {
			t.Fatal(no)
		}
		for i := range no {
			wrong := []byte(no)
			wrong[i] = '0' + (wrong[i]-'0'+3)%10
			if ValidNumber(string(wrong)) {
				t.Errorf("%s passes for %s", wrong, no)
			}
		}
	}
	for _, no := range []string{"", "2025123100000000", "20251231 00000000x"} {
		if ValidNumber(no) {
			t.Errorf("%q passes", no)
		}
	}
}

func idOf(sh share) model.ID {
	_, id := sh.from.Split()
	return id
}

// TestPayerHelped shows that with WeChat money to help the membership pays that holds most, and WeChat the rest.
func TestPayerHelped(t *testing.T) {
	a := func(id, member model.ID, fen model.Fen) model.Allowance {
		return model.Allowance{ID: id, MemberID: member, BalanceFen: fen}
	}
	paying, err := payer([]model.Allowance{a(1, 10, 500), a(2, 20, 300), a(3, 10, 100)}, 900, true)
	if err != nil || len(paying) != 2 || paying[0].ID != 1 || paying[1].ID != 3 {
		t.Fatal(paying, err)
	}
	shares, rest := split(paying, []due{{7, 200}, {8, 700}})
	if len(shares) != 3 || len(rest) != 1 || rest[0] != (due{8, 300}) {
		t.Fatal(shares, rest)
	}
	if paying, err := payer(nil, 900, true); err != nil || len(paying) != 0 {
		t.Fatal(paying, err)
	}
}

// TestApportion shows for any parts and any refunds one after the other that each refund is given back exactly, no source gets
// more than it paid, and that the last one leaves nothing.
func TestApportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var left []model.Fen
		var total model.Fen
		for _, fen := range rapid.SliceOfN(rapid.Int64Range(0, 600_00), 1, 6).Draw(t, "paid") {
			left, total = append(left, model.Fen(fen)), total+model.Fen(fen)
		}
		for total > 0 {
			amount := model.Fen(rapid.Int64Range(1, int64(total)).Draw(t, "refund"))
			parts, err := apportion(amount, left)
			if err != nil {
				t.Fatal(err)
			}
			var sum model.Fen
			for i, p := range parts {
				exact := float64(amount) * float64(left[i]) / float64(total)
				if p < 0 || p > left[i] || float64(p) <= exact-1 || float64(p) >= exact+1 {
					t.Fatalf("%d of %v: %v", amount, left, parts)
				}
				sum, left[i] = sum+p, left[i]-p
			}
			if sum != amount {
				t.Fatalf("%d of %v: %v", amount, left, parts)
			}
			total -= amount
		}
	})
	if _, err := apportion(3, []model.Fen{1, 1}); err == nil {
		t.Error("more than was paid")
	}
}
