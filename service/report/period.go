package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Period is a reporting period: 1 January of the year to the end of the due date, China time.
type Period struct {
	ID         model.ID   `json:"id"`
	Year       model.Year `json:"year"`
	Seq        int        `json:"seq"` // 1, 2, 3
	Name       string     `json:"name"`
	StartsOn   model.Date `json:"starts_on"`
	DueOn      model.Date `json:"due_on"`
	DaysLeft   int        `json:"days_left"` // days from today to the due date; 0 on that day, negative after it
	DocumentNo string     `json:"document_no"`
	Demo       bool       `json:"demo"` // the year's policy is made up for the demonstration
}

// Periods is the reporting periods of a year.
type Periods struct {
	Items []Period `json:"items"`
}

// end is the moment after the period; what was paid from it on does not count.
func (p Period) end() time.Time { return p.DueOn.End() }

// cutoff is the moment before which things count, asked at now.
func (p Period) cutoff(now time.Time) time.Time {
	if at := now.Add(-settle); at.Before(p.end()) {
		return at
	}
	return p.end()
}

// treeAt is the moment at which the union tree is looked at, asked at now.
func (p Period) treeAt(now time.Time) time.Time {
	if now.Before(p.end()) {
		return now
	}
	return p.end()
}

// span is the period as the form prints it.
func (p Period) span() string {
	return fmt.Sprintf("%d年1月1日至%s", p.Year, p.DueOn.Start().In(model.China).Format("2006年1月2日"))
}

const selectPeriods = "SELECT p.id, p.year, p.seq, p.name, p.due_on, y.document_no, y.demo FROM reporting_periods p JOIN policies y ON y.id = p.policy_id WHERE "

// Periods lists the reporting periods of the year (0: the current one). CodeNoPolicy if no policy is in force for it.
func (s *Service) Periods(ctx context.Context, year model.Year) (Periods, error) {
	now := s.db.Now()
	if year == 0 {
		year = model.YearOf(now)
	}
	out := Periods{Items: []Period{}}
	if err := s.db.Read(ctx).Raw(selectPeriods+"p.year = ? ORDER BY p.seq", year).Scan(&out.Items).Error; err != nil {
		return out, err
	}
	if len(out.Items) == 0 {
		return out, model.E(model.CodeNoPolicy, "%d年没有生效的消费帮扶政策，没有报表期", year)
	}
	for i := range out.Items {
		out.Items[i].seenAt(now)
	}
	return out, nil
}

func findPeriod(tx *gorm.DB, id model.ID, now time.Time) (Period, error) {
	var p Period
	err := tx.Raw(selectPeriods+"p.id = ?", id).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return p, model.E(model.CodeNotFound, "报表期不存在")
	}
	p.seenAt(now)
	return p, err
}

func (p *Period) seenAt(now time.Time) {
	p.StartsOn = model.DateOf(p.Year.Start())
	p.DaysLeft = int(p.DueOn.Start().Sub(model.DateOf(now).Start()).Hours() / 24) // China has no summer time
}
