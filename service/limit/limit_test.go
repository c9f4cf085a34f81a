package limit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/ledger"
	"bangfu/service/limit"
)

// town is one union with a festival fund of ¥10,000 that nothing was spent of, some members and a budget.
func town(t *testing.T, members int, budget model.Fen, enforce bool) *model.DB {
	t.Helper()
	db := modeltest.Open(t, modeltest.NewClock(modeltest.At("2025-03-03 09:00")))
	now, two := db.Now(), model.ID(2)
	rows := []any{
		&model.Union{ID: 1, Name: "工会", Kind: "grassroots", Path: "/1/", Status: "active", ActiveMembers: int64(members), CreatedAt: now, UpdatedAt: now},
		&model.Fund{ID: 5, UnionID: 1, Purse: model.PurseFestival, Year: 2025, BalanceFen: 1000000, ToppedUpFen: 1000000, CreatedAt: now, UpdatedAt: now},
		&model.Topup{ID: 6, FundID: 5, UnionID: 1, AmountFen: 1000000, EvidenceNo: "x", Status: "confirmed", EnteredBy: 1, EnteredAt: now},
		&model.UnionBudget{ID: 7, UnionID: 1, Year: 2025, Version: 1, BudgetFen: budget, Basis: model.BasisBudget, Status: "confirmed", EnteredBy: 1, EnteredAt: now, ConfirmedBy: &two, ConfirmedAt: &now},
		&model.LimitRule{Year: 2025, WarnPercent: 30, MaxPercent: 40, RetainedPercent: 50, AverageFen: 250000, Enforce: enforce, DocumentNo: "粤工总〔2018〕5号", EnteredBy: 1, EnteredAt: now},
	}
	for i := range members {
		id := model.ID(100 + i)
		rows = append(rows, &model.Member{ID: id, UnionID: 1, PersonID: id, Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now})
	}
	for _, r := range rows {
		if err := db.Read(context.Background()).Create(r).Error; err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// buy spends from the fund as a purchase of the union does: check, then post.
func buy(db *model.DB, no int, fen model.Fen) (warnings []string, err error) {
	err = db.Tx(context.Background(), func(tx *gorm.DB) (err error) {
		warnings, err = limit.Check(tx, db, model.Clockwork(), limit.Spending{UnionID: 1, Year: 2025, Purse: model.PurseFestival, Amount: fen, Object: "order:1"})
		if err != nil {
			return err
		}
		return ledger.Post(tx, db, db.Now(), ledger.Movement{Kind: ledger.KindSpend, Cause: fmt.Sprintf("order:%d", no), From: ledger.Fund(5), To: ledger.Supplier(9),
			Amount: fen, Purse: model.PurseFestival, Year: 2025, Union: 1})
	})
	return warnings, err
}

// TestCheck shows lines that fall between two fen, a union without members, and that other purses are nobody's business.
func TestCheck(t *testing.T) {
	t.Run("FractionOfAFen", func(t *testing.T) {
		db := town(t, 1, 1001, true) // 40 % are 400.4 fen
		if _, err := buy(db, 1, 401); model.CodeOf(err) != model.CodeLimitExceeded {
			t.Errorf("401 of 400.4: %v", err)
		}
		if _, err := buy(db, 2, 400); err != nil {
			t.Errorf("400 of 400.4: %v", err)
		}
		m, err := limit.New(db).Meter(context.Background(), 1, 2025)
		if err != nil || *m.Limits[0].UsedBP != 3997 || m.SpentFen != 400 {
			t.Errorf("%+v %v", m, err)
		}
	})
	t.Run("NoMembers", func(t *testing.T) {
		_, err := buy(town(t, 0, 1000000, true), 1, 1)
		if model.CodeOf(err) != model.CodeLimitExceeded || !strings.Contains(err.Error(), "没有在册会员") {
			t.Error(err)
		}
	})
	t.Run("LargestAmounts", func(t *testing.T) {
		db := town(t, 3, model.MaxFen, false)
		warnings, err := buy(db, 1, 1000000)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "人均 3333.34 元") {
			t.Errorf("%q %v", warnings, err)
		}
	})
	t.Run("OtherPurse", func(t *testing.T) {
		db := town(t, 0, 1, true)
		err := db.Tx(context.Background(), func(tx *gorm.DB) error {
			warnings, err := limit.Check(tx, db, model.Clockwork(), limit.Spending{UnionID: 1, Year: 2025, Purse: model.PurseExtra, Amount: 1000000, Object: "order:1"})
			if len(warnings) > 0 {
				t.Error(warnings)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestCheckConcurrently shows that however many buy at once, no more goes than the limit allows, and all of that.
func TestCheckConcurrently(t *testing.T) {
	db := town(t, 10, 10000, true) // the most is 4000
	var passed atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			switch _, err := buy(db, i, 500); model.CodeOf(err) {
			case "":
				passed.Add(1)
			case model.CodeLimitExceeded:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m, err := limit.New(db).Meter(context.Background(), 1, 2025)
	if err != nil || passed.Load() != 8 || m.SpentFen != 4000 || m.State == limit.StateOver {
		t.Errorf("%d passed: %+v %v", passed.Load(), m, err)
	}
}

// TestMetersOrder holds the list of many unions, read a page at a time, against each union's own meter: the worst first, nobody left out.
func TestMetersOrder(t *testing.T) {
	for _, year := range []model.Year{2025, 2024} { // the present and one that is over
		db, rng, ctx := modeltest.Open(t, modeltest.NewClock(modeltest.At("2025-03-03 09:00"))), rand.New(rand.NewPCG(1, uint64(year))), context.Background()
		now, two, root := db.Now(), model.ID(2), model.ID(1)
		joined := year.Start().Add(-time.Hour)
		rows := []any{&model.Union{ID: root, Name: "市总", Kind: "city", Path: "/1/", Status: "active", CreatedAt: now, UpdatedAt: now}}
		for id := model.ID(2); id < 80; id++ {
			n := rng.IntN(4)
			u := model.Union{ID: id, ParentID: &root, Name: id.String(), Kind: "grassroots", Path: "/1/" + id.String() + "/", Depth: 1, Status: "active", ActiveMembers: int64(n), CreatedAt: now, UpdatedAt: now}
			if rng.IntN(6) == 0 {
				u.Status = "closed"
			}
			in, left := model.Fen(rng.IntN(2)*1000000), model.Fen(rng.IntN(1000000))
			rows = append(rows, &u, &model.Fund{ID: id, UnionID: id, Purse: model.PurseFestival, Year: year, BalanceFen: min(in, left), ToppedUpFen: in, CreatedAt: now, UpdatedAt: now},
				&model.Fund{ID: 100 + id, UnionID: id, Purse: model.PurseExtra, Year: year, ToppedUpFen: 5, CreatedAt: now, UpdatedAt: now})
			for i := range n {
				m := id*10 + model.ID(i)
				rows = append(rows, &model.Member{ID: m, UnionID: id, PersonID: m, Status: "active", JoinedAt: joined, CreatedAt: now, UpdatedAt: now})
			}
			for v := range rng.IntN(3) {
				rows = append(rows, &model.UnionBudget{ID: 1000 + id*10 + model.ID(v), UnionID: id, Year: year, Version: v + 1, BudgetFen: model.Fen(rng.IntN(4000000)), RetainedFen: model.Fen(rng.IntN(4000000)),
					Basis: []model.Basis{model.BasisBudget, model.BasisRetained}[rng.IntN(2)], Status: "confirmed", EnteredBy: 1, EnteredAt: now, ConfirmedBy: &two, ConfirmedAt: &now})
			}
			if rng.IntN(3) == 0 {
				rows = append(rows, &model.Claim{ID: id, UnionID: id, Year: year, Purse: model.PurseFestival, AmountFen: model.Fen(1 + rng.IntN(300000)), Status: "approved", EnteredAt: now, UpdatedAt: now},
					&model.Claim{ID: 100 + id, UnionID: id, Year: year, Purse: model.PurseExtra, AmountFen: 7, Status: "approved", EnteredAt: now, UpdatedAt: now})
			}
			if rng.IntN(5) == 0 {
				rows = append(rows, &model.Grant{ID: id, UnionID: id, Purse: model.PurseFestival, Year: year, Status: "approved", CreatedAt: now, UpdatedAt: now},
					&model.GrantItem{ID: id, GrantID: id, MemberID: id, AskedFen: model.Fen(rng.IntN(500000)), Status: "pending"})
			}
		}
		for _, r := range rows {
			if err := db.Read(ctx).Create(r).Error; err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{"/1/", "/1/7/"} {
			holdsMeters(t, limit.New(db), year, path)
		}
	}
}

// holdsMeters pages through the list below a path.
func holdsMeters(t *testing.T, s *limit.Service, year model.Year, path string) {
	t.Helper()
	ctx, page, seen := context.Background(), model.Page{Limit: 7}, map[model.ID]bool{}
	var got []limit.Meter
	for {
		list, err := s.Meters(ctx, model.Actor{UnionPath: path}, year, page)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, list.Items...)
		if list.NextCursor == nil {
			break
		}
		page.Cursor = *list.NextCursor
	}
	share := func(m limit.Meter) (most float64) {
		for _, g := range m.Limits {
			if g.LimitFen == 0 && g.UsedFen > 0 {
				return 1e18
			}
			if g.LimitFen > 0 {
				most = max(most, float64(g.UsedFen)/float64(g.LimitFen))
			}
		}
		return most
	}
	rank := map[limit.State]int{limit.StateOver: 0, limit.StateWarned: 1, limit.StateNear: 2, limit.StateOK: 3}
	key := func(m limit.Meter) string {
		return fmt.Sprintf("%d %t %030.9f %05d", rank[m.State], !m.MissingBudget, 2e18-share(m)*1e6, m.UnionID)
	}
	for i, m := range got {
		alone, err := s.Meter(ctx, m.UnionID, year)
		if err != nil || !reflect.DeepEqual(alone, m) {
			t.Errorf("alone %+v, listed %+v, %v", alone, m, err)
		}
		if i > 0 && key(got[i-1]) > key(m) {
			t.Errorf("%s before %s", key(got[i-1]), key(m))
		}
		seen[m.UnionID] = true
	}
	for id := model.ID(2); id < 80; id++ {
		m, err := s.Meter(ctx, id, year)
		if err != nil {
			t.Fatal(err)
		}
		if in := path == "/1/" || id == 7; in && (m.UsedFen != 0 || !m.MissingBudget) && !seen[id] || !in && seen[id] {
			t.Errorf("%s: union %s is in the list: %t", path, id, seen[id])
		}
	}
}
