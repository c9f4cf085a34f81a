package allowance

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// TestCapUnderConcurrency issues grants of three unions to the same persons at once, each by two processes: everybody
// ends with exactly the cap.
func TestCapUnderConcurrency(t *testing.T) {
	const people = 1300
	b := newBench(t)
	var grants []model.ID
	for _, name := range []string{"甲工会", "乙工会", "丙工会"} {
		u := b.union(name, 0, people)
		b.topup(u, model.PurseExtra, people*60000)
		grants = append(grants, b.started(u, model.PurseExtra, 25000))
	}
	var runs []func() error
	for _, g := range grants {
		for range 2 {
			runs = append(runs, func() error { return b.issue(context.Background(), g) })
		}
	}
	b.atOnce(runs...)
	var issued, cut, skipped int
	var fen model.Fen
	for _, id := range grants {
		g := b.grant(id)
		if g.Status != grantIssued || g.DoneItems != people || g.IssuedItems+g.CutItems+g.SkippedItems != people {
			t.Errorf("grant: %+v", g)
		}
		issued, cut, skipped, fen = issued+g.IssuedItems, cut+g.CutItems, skipped+g.SkippedItems, fen+g.IssuedFen
	}
	if issued != 2*people || cut != people || skipped != 0 || fen != people*60000 {
		t.Errorf("issued %d, cut %d, skipped %d, %s in all", issued, cut, skipped, fen)
	}
	var full int64
	b.must(b.db.Read(context.Background()).Model(&model.PersonCap{}).Where("granted_fen = 60000").Count(&full).Error)
	if full != people {
		t.Errorf("%d persons have exactly the cap", full)
	}
	b.balanced()
}

// TestFundUnderConcurrency issues four grants from one fund at once that together ask for more than it holds: exactly what
// it holds goes out, the rest can be issued after a top-up.
func TestFundUnderConcurrency(t *testing.T) {
	const people = 700
	b := newBench(t)
	u := b.union("甲工会", 0, people)
	b.topup(u, model.PurseFestival, 2*people*10000)
	var grants []model.ID
	var runs []func() error
	for range 4 {
		id := b.started(u, model.PurseFestival, 10000)
		grants = append(grants, id)
		runs = append(runs, func() error { return b.issue(context.Background(), id) })
	}
	b.atOnce(runs...)
	var fund model.Fund
	b.must(b.db.Read(context.Background()).Where("union_id = ?", u.ID).Take(&fund).Error)
	if fund.BalanceFen != 0 {
		t.Errorf("%s left", fund.BalanceFen)
	}
	b.balanced()
	b.topup(u, model.PurseFestival, 2*people*10000)
	for _, id := range grants {
		if g := b.grant(id); g.Status == grantApproved {
			if !strings.Contains(g.StopReason, "余额不足") {
				t.Errorf("no reason: %+v", g)
			}
			_, err := b.StartGrant(context.Background(), clerk, b.nextKey(), id)
			b.must(err)
			b.must(b.issue(context.Background(), id))
		}
		if g := b.grant(id); g.Status != grantIssued || g.IssuedFen != people*10000 {
			t.Errorf("grant: %+v", g)
		}
	}
	b.balanced()
}

// TestIssueBrokenOff breaks the job off again and again at any moment; nothing is issued twice or lost.
func TestIssueBrokenOff(t *testing.T) {
	const people = 3100
	b := newBench(t)
	u := b.union("甲工会", 0, people)
	b.topup(u, model.PurseExtra, people*60000)
	id := b.started(u, model.PurseExtra, 60000)
	broken := 0
	for b.grant(id).Status == grantIssuing {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(5+rand.IntN(120+10*broken))*time.Millisecond) // a slow machine gets longer and longer
		if err := b.issue(ctx, id); err != nil {
			if broken++; broken > 500 {
				t.Fatal(err)
			}
		}
		cancel()
	}
	if g := b.grant(id); g.Status != grantIssued || g.IssuedItems != people || g.IssuedFen != people*60000 {
		t.Errorf("after breaking off %d times: %+v", broken, g)
	}
	if broken == 0 {
		t.Error("was never broken off")
	}
	b.balanced()
}

// TestLeavingWhileIssuing lets members leave while their grant is being issued: nobody who left keeps money.
func TestLeavingWhileIssuing(t *testing.T) {
	const people = 1500
	b := newBench(t)
	u := b.union("甲工会", 0, people)
	b.topup(u, model.PurseExtra, people*60000)
	id := b.started(u, model.PurseExtra, 60000)
	ctx := context.Background()
	var members []model.Member
	b.must(b.db.Read(ctx).Where("union_id = ?", u.ID).Order("id DESC").Find(&members).Error)
	leave := func(part []model.Member) func() error {
		return func() error {
			for _, m := range part {
				if err := b.db.Tx(ctx, func(tx *gorm.DB) error {
					if err := model.CountMembers(tx, u.ID, -1); err != nil {
						return err
					}
					if err := tx.Model(&model.Member{}).Where("id = ?", m.ID).UpdateColumns(map[string]any{"status": "left"}).Error; err != nil {
						return err
					}
					_, err := b.RevokeMember(tx, clerk, m.ID, b.db.Now(), "调出")
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	b.atOnce(leave(members[:40]), leave(members[700:740]), func() error { return b.issue(ctx, id) }, func() error { return b.issue(ctx, id) })
	var kept int64
	b.must(b.db.Read(ctx).Table("allowances AS a").Joins("JOIN members AS m ON m.id = a.member_id").Where("m.status = 'left' AND (a.status = 'active' OR a.balance_fen > 0)").Count(&kept).Error)
	if kept != 0 {
		t.Errorf("%d members left with money", kept)
	}
	if g := b.grant(id); g.Status != grantIssued {
		t.Errorf("grant: %+v", g)
	}
	b.balanced()
}

// TestReturnedMember shows that a member who left and came back can be granted to again, and leave again.
func TestReturnedMember(t *testing.T) {
	b := newBench(t)
	u := b.union("甲工会", 0, 1)
	b.topup(u, model.PurseExtra, 200000)
	ctx := context.Background()
	var m model.Member
	b.must(b.db.Read(ctx).Where("union_id = ?", u.ID).Take(&m).Error)
	for range 3 {
		b.must(b.issue(ctx, b.started(u, model.PurseExtra, 60000)))
		var back model.Fen
		b.must(b.db.Tx(ctx, func(tx *gorm.DB) (err error) {
			back, err = b.RevokeMember(tx, clerk, m.ID, b.db.Now(), "调出")
			return err
		}))
		if back != 60000 {
			t.Errorf("%s came back", back)
		}
		b.balanced()
	}
}

// TestPrepareLarge shows that a large roster is put into the grant by a job that may be broken off, and that such a grant
// cannot be approved before.
func TestPrepareLarge(t *testing.T) {
	const people = 2*prepareStep + 7
	b := newBench(t)
	u := b.union("甲工会", 0, people)
	ctx := context.Background()
	g, err := b.DraftGrant(ctx, clerk, b.nextKey(), u.ID, GrantInput{Purse: model.PurseExtra, Year: 2025, Title: "额度", Selection: "roster", AmountFen: 60000})
	b.must(err)
	if g.Status != grantPreparing || g.TotalItems != prepareStep {
		t.Fatalf("draft: %+v", g)
	}
	_, err = b.ApproveGrant(ctx, approver, b.nextKey(), g.ID, "")
	var shown *model.Error
	if !errors.As(err, &shown) || shown.Code != model.CodeConflict || !strings.Contains(shown.Message, "正在生成名单") {
		t.Errorf("approved while preparing: %v", err)
	}
	b.atOnce(func() error { return b.prepare(ctx, g.ID) }, func() error { return b.prepare(ctx, g.ID) })
	if g := b.grant(g.ID); g.Status != grantDraft || g.TotalItems != people || g.TotalFen != people*60000 {
		t.Errorf("prepared: %+v", g)
	}
	b.must(b.jobs.Drain(ctx)) // the job itself finds nothing to do
	if g := b.grant(g.ID); g.TotalItems != people {
		t.Errorf("prepared twice: %+v", g)
	}
}

// TestYearEndsWhileIssuing shows that a grant stops at midnight.
func TestYearEndsWhileIssuing(t *testing.T) {
	b := newBench(t)
	u := b.union("甲工会", 0, 3)
	b.topup(u, model.PurseExtra, 3*60000)
	id := b.started(u, model.PurseExtra, 60000)
	b.clock.Set(model.Year(2025).End())
	b.must(b.issue(context.Background(), id))
	if g := b.grant(id); g.Status != grantApproved || g.DoneItems != 0 || !strings.Contains(g.StopReason, "到期") {
		t.Errorf("grant: %+v", g)
	}
	_, err := b.StartGrant(context.Background(), clerk, b.nextKey(), id)
	if model.CodeOf(err) != model.CodeNoPolicy {
		t.Errorf("started after the year's end: %v", err)
	}
}

// TestSweepBrokenOff ends the year of three unions with the job broken off and run twice at once.
func TestSweepBrokenOff(t *testing.T) {
	const people = 1200
	b := newBench(t)
	ctx := context.Background()
	for i, name := range []string{"甲工会", "乙工会", "丙工会"} {
		u := b.union(name, i*people, people)
		b.topup(u, model.PurseExtra, people*60000)
		b.must(b.issue(ctx, b.started(u, model.PurseExtra, 30000)))
	}
	b.clock.Set(model.Year(2025).End())
	b.atOnce(func() error { return b.SweepDue(ctx) }, func() error { return b.SweepDue(ctx) })
	var sweep model.Sweep
	b.must(b.db.Read(ctx).Where("year = 2025").Take(&sweep).Error)
	for range 5 {
		short, cancel := context.WithTimeout(ctx, time.Duration(10+rand.IntN(60))*time.Millisecond)
		_ = b.sweep(short, sweep.ID)
		cancel()
	}
	b.atOnce(func() error { return b.sweep(ctx, sweep.ID) }, func() error { return b.sweep(ctx, sweep.ID) })
	b.must(b.db.Read(ctx).Where("year = 2025").Take(&sweep).Error)
	if sweep.Status != "done" || sweep.SweptAllowances != 3*people || sweep.SweptFen != 3*people*30000 || sweep.StartedBy != nil {
		t.Errorf("sweep: %+v", sweep)
	}
	b.must(b.SweepDue(ctx))
	b.must(b.jobs.Drain(ctx))
	b.balanced()
}

// TestSpendable shows the order in which allowances are used.
func TestSpendable(t *testing.T) {
	b := newBench(t)
	u := b.union("甲工会", 0, 1)
	ctx := context.Background()
	for _, purse := range []model.Purse{model.PurseFestival, model.PurseExtra, model.PurseActivity} {
		b.topup(u, purse, 60000)
		b.must(b.issue(ctx, b.started(u, purse, 10000)))
	}
	b.must(b.db.Tx(ctx, func(tx *gorm.DB) error {
		held, err := b.Spendable(tx, 1000, 2025, b.db.Now())
		if len(held) != 3 || held[0].Purse != model.PurseExtra || held[1].Purse != model.PurseFestival || held[2].Purse != model.PurseActivity {
			t.Errorf("order: %+v", held)
		}
		return err
	}))
}
