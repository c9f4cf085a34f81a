package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/ledger"
)

func book(t *testing.T, fund, allowance model.Fen) *model.DB {
	t.Helper()
	db := modeltest.Open(t, modeltest.NewClock(modeltest.At("2025-03-03 09:00")))
	now := db.Now()
	for _, row := range []any{
		&model.Fund{ID: 1, UnionID: 9, Purse: model.PurseExtra, Year: 2025, BalanceFen: fund, CreatedAt: now, UpdatedAt: now},
		&model.Allowance{ID: 2, PersonID: 3, MemberID: 4, UnionID: 9, FundID: 1, Purse: model.PurseExtra, Year: 2025, BalanceFen: allowance, Status: "active", CreatedAt: now, UpdatedAt: now},
	} {
		if err := db.Read(context.Background()).Create(row).Error; err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func post(db *model.DB, m ledger.Movement) error {
	m.Purse, m.Year, m.Union = model.PurseExtra, 2025, 9
	return db.Tx(context.Background(), func(tx *gorm.DB) error { return ledger.Post(tx, db, db.Now(), m) })
}

func balances(t *testing.T, db *model.DB) (fund, allowance model.Fen, transfers int64) {
	t.Helper()
	var f model.Fund
	var a model.Allowance
	read := db.Read(context.Background())
	if err := errors.Join(read.Take(&f, 1).Error, read.Take(&a, 2).Error, read.Model(&model.Transfer{}).Count(&transfers).Error); err != nil {
		t.Fatal(err)
	}
	return f.BalanceFen, a.BalanceFen, transfers
}

// TestPost shows that a movement moves both balances and leaves one row, once, and that a refused one leaves nothing.
func TestPost(t *testing.T) {
	db := book(t, 1000, 0)
	grant := ledger.Movement{Kind: ledger.KindGrant, Cause: "grant_item:1", From: ledger.Fund(1), To: ledger.Allowance(2), Amount: 600}
	want := func(step string, fund, allowance model.Fen, rows int64) {
		t.Helper()
		if f, a, n := balances(t, db); f != fund || a != allowance || n != rows {
			t.Errorf("%s: fund %d, allowance %d, %d transfers; want %d, %d, %d", step, f, a, n, fund, allowance, rows)
		}
	}
	if err := post(db, grant); err != nil {
		t.Fatal(err)
	}
	want("granted", 400, 600, 1)
	if err := post(db, grant); !errors.Is(err, ledger.ErrPosted) {
		t.Errorf("the same cause again: %v", err)
	}
	want("posted again", 400, 600, 1)
	grant.Cause, grant.Amount = "grant_item:2", 401
	if err := post(db, grant); model.CodeOf(err) != model.CodeInsufficientFund {
		t.Errorf("more than the fund holds: %v", err)
	}
	spend := ledger.Movement{Kind: ledger.KindSpend, Cause: "order:1", From: ledger.Allowance(2), To: ledger.Supplier(7), Amount: 601}
	if err := post(db, spend); model.CodeOf(err) != model.CodeInsufficientBalance {
		t.Errorf("more than the allowance holds: %v", err)
	}
	for _, amount := range []model.Fen{0, -1} {
		spend.Amount = amount
		if err := post(db, spend); err == nil {
			t.Errorf("amount %d is accepted", amount)
		}
	}
	want("refused", 400, 600, 1)
	lost := ledger.Movement{Kind: ledger.KindRefund, Cause: "cancel:1", From: ledger.Supplier(7), To: ledger.Allowance(99), Amount: 1}
	if err := post(db, lost); err == nil {
		t.Error("money is sent to an allowance that does not exist")
	}
	want("sent to nowhere", 400, 600, 1)
}

// TestPostConcurrently shows that however many spend at once, no more goes than was there.
func TestPostConcurrently(t *testing.T) {
	db := book(t, 0, 1000)
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := post(db, ledger.Movement{Kind: ledger.KindSpend, Cause: fmt.Sprintf("order:%d", i), From: ledger.Allowance(2), To: ledger.Supplier(7), Amount: 90})
			switch model.CodeOf(err) {
			case "":
				done.Add(1)
			case model.CodeInsufficientBalance:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, a, n := balances(t, db); done.Load() != 11 || a != 10 || n != 11 {
		t.Errorf("%d spent, %d left, %d transfers", done.Load(), a, n)
	}
}

// TestCrossings shows who has money left for the first time and who has none any more, whatever order money comes and goes in.
func TestCrossings(t *testing.T) {
	move := func(from, to ledger.Account, fen model.Fen) ledger.Movement {
		return ledger.Movement{From: from, To: to, Amount: fen}
	}
	fund, a, b := ledger.Fund(1), ledger.Allowance(2), ledger.Allowance(3)
	for name, c := range map[string]struct {
		had   map[model.ID]model.Fen
		moves []ledger.Movement
		want  int64
	}{
		"filled":                {nil, []ledger.Movement{move(fund, a, 5), move(fund, a, 5), move(fund, b, 1)}, 2},
		"filled further":        {map[model.ID]model.Fen{2: 1}, []ledger.Movement{move(fund, a, 5)}, 0},
		"emptied in two steps":  {map[model.ID]model.Fen{2: 10}, []ledger.Movement{move(a, fund, 5), move(a, fund, 5)}, -1},
		"something left":        {map[model.ID]model.Fen{2: 10}, []ledger.Movement{move(a, fund, 9)}, 0},
		"emptied and filled":    {map[model.ID]model.Fen{2: 10}, []ledger.Movement{move(a, fund, 10), move(fund, a, 1)}, 0},
		"taken before it comes": {map[model.ID]model.Fen{2: 5}, []ledger.Movement{move(a, fund, 10), move(fund, a, 10)}, 0},
		"from one to the other": {map[model.ID]model.Fen{2: 5}, []ledger.Movement{move(a, b, 5)}, 0},
		"no allowance":          {nil, []ledger.Movement{move(ledger.Bank, fund, 5)}, 0},
	} {
		var got int64
		ledger.Crossings(c.moves, c.had, func(_ ledger.Movement, n int64) { got += n })
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
