package app_test

import (
	"context"
	"errors"
	"reflect"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report"
)

// submitForms has the history's union submit its form of every year in which it did something. reconcile then counts each submitted form
// again, by statements of its own, from orders, refunds, sign-offs, claims and transfers.
func (h *history) submitForms() {
	h.clock.Advance(time.Minute) // forms count up to half a minute back
	var years []model.Year
	if err := h.DB.Read(context.Background()).Model(&model.Policy{}).Order("year").Pluck("year", &years).Error; err != nil {
		h.fail("%v", err)
	}
	for _, year := range years {
		var have int64
		err := h.DB.Read(context.Background()).Raw("SELECT (SELECT COUNT(*) FROM orders WHERE union_id = ? AND year = ?) + (SELECT COUNT(*) FROM claims WHERE union_id = ? AND year = ?)",
			h.union.ID, year, h.union.ID, year).Scan(&have).Error
		if err != nil {
			h.fail("%v", err)
		}
		if have > 0 {
			h.submitForm(h.periodOf(year))
		}
	}
}

// periodOf is the reporting period of a year, made if there is none.
func (h *history) periodOf(year model.Year) model.ID {
	var p model.ReportingPeriod
	err := h.DB.Read(context.Background()).Where("year = ?", year).Order("seq").Limit(1).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		var policy model.Policy
		if err := h.DB.Read(context.Background()).Where("year = ?", year).Take(&policy).Error; err != nil {
			h.fail("%v", err)
		}
		p = model.ReportingPeriod{ID: h.DB.NewID(), PolicyID: policy.ID, Year: year, Seq: 1, Name: "年度", DueOn: model.DateOf(year.End().Add(58 * 24 * time.Hour))}
		h.insert(&p)
	} else if err != nil {
		h.fail("%v", err)
	}
	return p.ID
}

// submitForm submits what the form shows: the figures come with the refusal of others.
func (h *history) submitForm(period model.ID) {
	ctx := context.Background()
	in := report.Submission{Filler: "王五", FillerPhone: "10000000003", ExpectedTotalFen: -1}
	_, err := h.Report.Submit(ctx, h.admin, h.union.ID, period, in)
	var shown *model.Error
	if !errors.As(err, &shown) {
		h.fail("a form with wrong figures: %v", err)
	}
	figures, ok := shown.Data.(report.Figures)
	if !ok {
		h.fail("submitting a form: %v", err)
	}
	in.ExpectedTotalFen, in.ExpectedPersonTimes = figures.Total.AmountFen, figures.Total.PersonTimes
	if _, err := h.Report.Submit(ctx, h.admin, h.union.ID, period, in); err != nil {
		h.fail("submitting a form: %v", err)
	}
	h.tally.add("= forms submitted")
}

// compareForms holds what forms say out of the rollups against what they say when everything is counted anew.
func (h *history) compareForms() {
	var periods []model.ReportingPeriod
	read := h.DB.Read(context.Background())
	if err := read.Find(&periods).Error; err != nil {
		h.fail("%v", err)
	}
	forms := func() (all []report.StatementView) {
		for _, u := range []model.ID{h.union.ID, h.root().ID} {
			for _, p := range periods {
				v, err := h.Report.Statement(context.Background(), h.city, u, p.ID)
				if err != nil {
					h.fail("form: %v", err)
				}
				all = append(all, v)
			}
		}
		return all
	}
	quick := forms()
	h.exec("UPDATE tally_state SET status = 'building'")
	slow := forms()
	h.exec("UPDATE tally_state SET status = 'ready'")
	if !reflect.DeepEqual(quick, slow) {
		h.fail("out of the rollups %+v\ncounted anew %+v", quick, slow)
	}
	for _, v := range quick {
		if v.Total.AmountFen != 0 && !v.Frozen {
			h.tally.add("= forms compared")
		}
	}
}
