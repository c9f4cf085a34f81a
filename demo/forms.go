package demo

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"bangfu/model"
)

// period is one reporting date as the product tells it.
type period struct {
	ID    model.ID
	Seq   int
	DueOn model.Date `json:"due_on"`
}

// dueDates are the demonstration policy's reporting dates, as the notice has them for its years.
func dueDates(year model.Year) []model.Date {
	return []model.Date{model.Date(fmt.Sprintf("%d-08-25", year)), model.Date(fmt.Sprintf("%d-10-25", year)), model.Date(fmt.Sprintf("%d-02-28", year+1))}
}

// formScenes has the unions report on the day before each reporting date that has passed; if none has, on the first one's
// account today.
func (p *play) formScenes() (list []scene) {
	for i, due := range dueDates(p.year) {
		at := due.Start().Add(-8 * time.Hour)
		if at.After(p.now) {
			if i > 0 {
				break
			}
			at = p.now.Add(-time.Minute)
		}
		list = append(list, scene{at, fmt.Sprintf("第 %d 次报表：填报、退回、汇总", i+1), func(ctx context.Context) error { return p.report(ctx, i+1) }})
	}
	return list
}

func (p *play) period(ctx context.Context, w *web, seq int) (period, error) {
	var periods struct{ Items []period }
	if err := w.get(ctx, fmt.Sprintf("/api/v1/console/reporting-periods?year=%d", p.year), &periods); err != nil {
		return period{}, err
	}
	for _, x := range periods.Items {
		if x.Seq == seq {
			return x, nil
		}
	}
	return period{}, fmt.Errorf("the year has no period %d", seq)
}

// submit signs and submits a union's form as it stands, and returns the statement's id.
func (p *play) submit(ctx context.Context, c *console, union model.ID, period model.ID) (model.ID, error) {
	c, err := c.at(ctx)
	if err != nil {
		return 0, err
	}
	path := fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", union, period)
	var form struct {
		Total struct {
			PersonTimes int `json:"person_times"`
			AmountFen   int `json:"amount_fen"`
		}
	}
	if err := c.get(ctx, path, &form); err != nil {
		return 0, err
	}
	var done struct {
		StatementID model.ID `json:"statement_id"`
	}
	body := map[string]any{"filler": "演示填报人", "filler_phone": "10088880000", "expected_total_fen": form.Total.AmountFen, "expected_person_times": form.Total.PersonTimes}
	err = c.post(ctx, path+"/submit", body, &done)
	return done.StatementID, err
}

// report has every union submit its form for the period, one be returned and corrected, and the federations roll up. In
// the second period one union is late.
func (p *play) report(ctx context.Context, seq int) error {
	staff, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	period, err := p.period(ctx, staff.web, seq)
	if err != nil {
		return err
	}
	for i, u := range p.unions {
		if seq == 2 && i == len(p.unions)-1 {
			continue
		}
		id, err := p.submit(ctx, u.admin, u.id, period.ID)
		if err != nil {
			return err
		}
		if seq == 1 && i == 0 {
			parent, err := u.parent.staff.at(ctx)
			if err != nil {
				return err
			}
			if err := parent.post(ctx, fmt.Sprintf("/api/v1/console/statements/%s/return", id), map[string]string{"reason": "请核对联系电话后重新提交"}, nil); err != nil {
				return err
			}
			if _, err := p.submit(ctx, u.admin, u.id, period.ID); err != nil {
				return err
			}
		}
	}
	for _, f := range p.federations {
		if _, err := p.submit(ctx, f.staff, f.id, period.ID); err != nil {
			return err
		}
	}
	_, err = p.submit(ctx, p.city, p.city.Union, period.ID)
	return err
}

// exportForms leaves the city's and one union's forms as spreadsheets and PDF: those submitted and the draft of the period
// that is open.
func (p *play) exportForms(ctx context.Context) error {
	staff, err := p.auditor.at(ctx)
	if err != nil {
		return err
	}
	seqs := len(p.formScenes())
	for _, who := range []struct {
		name string
		id   model.ID
	}{{"市总汇总", p.city.Union}, {"基层工会", p.unions[0].id}} {
		for seq := 1; seq <= min(seqs+1, 3); seq++ {
			state := "已提交"
			if seq > seqs {
				state = "草稿"
			}
			period, err := p.period(ctx, staff.web, seq)
			if err != nil {
				return err
			}
			for _, format := range []string{"xlsx", "pdf"} {
				var file []byte
				if err := staff.get(ctx, fmt.Sprintf("/api/v1/console/unions/%s/statements/%s/export?format=%s", who.id, period.ID, url.QueryEscape(format)), &file); err != nil {
					return err
				}
				name := fmt.Sprintf("统计表_%s_%d年第%d次_%s.%s", who.name, p.year, seq, state, format)
				if err := os.WriteFile(filepath.Join(p.Dir, name), file, 0o600); err != nil {
					return err
				}
				p.say("    %s", filepath.Join(p.Dir, name))
			}
		}
	}
	return nil
}
