package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// tally is the demonstration's own count of what it did, by row of the form: an independent sum that the form must equal.
type tally map[int]*counted

type counted struct{ times, fen int }

// rowOwn is the form's row of the product's own sales.
const rowOwn = 2

func (t tally) add(row, times, fen int) {
	if t[row] == nil {
		t[row] = &counted{}
	}
	t[row].times += times
	t[row].fen += fen
}

// back takes money that was given back off a row; all of a purchase makes it none.
func (t tally) back(row, fen int, all bool) {
	t.add(row, 0, -fen)
	if all {
		t.add(row, -1, 0)
	}
}

// holdTally compares the city's form as it stands, or the last one of the year, with the tally, row by row.
func (p *play) holdTally(ctx context.Context) error {
	staff, err := p.auditor.at(ctx)
	if err != nil {
		return err
	}
	period, err := p.period(ctx, staff.web, min(len(p.formScenes())+1, 3))
	if err != nil {
		return err
	}
	var form struct {
		Rows []struct {
			No    int    `json:"row_no"`
			Name  string `json:"channel"`
			Times int    `json:"person_times"`
			Fen   int    `json:"amount_fen"`
		}
		Total struct {
			Times int `json:"person_times"`
			Fen   int `json:"amount_fen"`
		}
	}
	if err := staff.get(ctx, fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", p.city.Union, period.ID), &form); err != nil {
		return err
	}
	var wrong []error
	var all counted
	p.say("\n市总汇总表（第 %d 次，截至现在）与演示逐笔累计：", period.Seq)
	for _, r := range form.Rows {
		want := counted{}
		if c := p.tally[r.No]; c != nil {
			want = *c
		}
		if r.Times != want.times || r.Fen != want.fen {
			wrong = append(wrong, fmt.Errorf("row %d: the form says %d, %d fen; the tally %d, %d fen", r.No, r.Times, r.Fen, want.times, want.fen))
		}
		all.times, all.fen = all.times+want.times, all.fen+want.fen
		p.say("  %d  %4d 人次  %10.2f 元  %s", r.No, r.Times, float64(r.Fen)/100, r.Name)
	}
	if form.Total.Times != all.times || form.Total.Fen != all.fen {
		wrong = append(wrong, fmt.Errorf("the form's total is %d, %d fen; the tally's %d, %d fen", form.Total.Times, form.Total.Fen, all.times, all.fen))
	}
	if len(wrong) > 0 {
		return errors.Join(slices.Insert(wrong, 0, errors.New("the form is not what was played"))...)
	}
	p.say("  合计 %d 人次  %.2f 元，逐行一致", all.times, float64(all.fen)/100)
	return nil
}
