package allowance

import (
	"context"
	"testing"

	"bangfu/model"
)

// entered is the policy of a year in the form in which it is entered.
func (b *bench) entered(year model.Year) PolicyInput {
	b.t.Helper()
	p, err := b.Policy(context.Background(), year)
	b.must(err)
	in := PolicyInput{DocumentNo: p.DocumentNo, UpstreamDocumentNo: p.UpstreamDocumentNo, Title: p.Title, CapFen: p.CapFen, StartsOn: string(p.StartsOn), EndsOn: string(p.EndsOn)}
	for _, one := range p.Periods {
		in.Periods = append(in.Periods, PeriodInput{Seq: one.Seq, Name: one.Name, DueOn: string(one.DueOn)})
	}
	return in
}

// A policy made for the demonstration stays marked as such, whatever is corrected in it.
func TestCorrectedDemoPolicyStaysMarked(t *testing.T) {
	b, ctx := newBench(t), context.Background()
	b.must(b.SeedDemoPolicy(ctx, 2027))
	in := b.entered(2027)
	in.Periods[2].DueOn = "2028-03-05"
	v, err := b.PutPolicy(ctx, clerk, 2027, in)
	b.must(err)
	if again, err := b.Policy(ctx, 2027); err != nil || !v.Demo || !again.Demo || again.Periods[2].DueOn != "2028-03-05" {
		t.Fatalf("%+v %v", again, err)
	}
}

// A form that was submitted counts up to its reporting date: that date may be put off, but not come earlier or go away.
func TestSubmittedFormsKeepTheirDate(t *testing.T) {
	b, ctx := newBench(t), context.Background()
	p, err := b.Policy(ctx, 2025)
	b.must(err)
	b.insert(&model.Statement{ID: b.db.NewID(), UnionID: 1, PeriodID: p.Periods[2].ID, Version: 1, UnionName: b.root.Name, AsOf: b.clock.Now(), Status: "submitted",
		SubmittedBy: clerk.ID, SubmittedAt: b.clock.Now()})
	for name, c := range map[string]struct {
		change  func(in *PolicyInput)
		refused bool
	}{
		"Earlier":      {func(in *PolicyInput) { in.Periods[2].DueOn = "2026-02-01" }, true},
		"Gone":         {func(in *PolicyInput) { in.Periods = in.Periods[:2] }, true},
		"Later":        {func(in *PolicyInput) { in.Periods[2].DueOn = "2026-03-05" }, false},
		"AnotherMoves": {func(in *PolicyInput) { in.Periods[0].DueOn = "2025-08-01" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := b.entered(2025)
			c.change(&in)
			_, err := b.PutPolicy(ctx, clerk, 2025, in)
			if refused := model.CodeOf(err) == model.CodeConflict; refused != c.refused || (err != nil && !refused) {
				t.Fatal(err)
			}
		})
	}
}
