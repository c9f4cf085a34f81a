package limit_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
