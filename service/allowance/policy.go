package allowance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// PolicyView is a policy year as it is shown.
type PolicyView struct {
	Year               model.Year   `json:"year"`
	DocumentNo         string       `json:"document_no"`
	UpstreamDocumentNo string       `json:"upstream_document_no"`
	Title              string       `json:"title"`
	CapFen             model.Fen    `json:"cap_fen"` // per person and year, extra purse
	StartsOn           model.Date   `json:"starts_on"`
	EndsOn             model.Date   `json:"ends_on"`
	Demo               bool         `json:"demo"`   // made for the demonstration, not a real notice
	Locked             bool         `json:"locked"` // money was granted under it: only due dates may be put off
	Periods            []PeriodView `json:"periods"`
}

// PeriodView is a reporting date of a policy.
type PeriodView struct {
	ID    model.ID   `json:"id"`
	Seq   int        `json:"seq"`
	Name  string     `json:"name"`
	DueOn model.Date `json:"due_on"`
}

// PolicyInput is a policy year as it is entered.
type PolicyInput struct {
	DocumentNo         string        `json:"document_no" check:"required,max=60"`
	UpstreamDocumentNo string        `json:"upstream_document_no" check:"max=60"`
	Title              string        `json:"title" check:"required,max=200"`
	CapFen             model.Fen     `json:"cap_fen" check:"min=1,max=10000000"`
	StartsOn           string        `json:"starts_on" check:"required"`
	EndsOn             string        `json:"ends_on" check:"required"`
	Periods            []PeriodInput `json:"periods" check:"required,min=1,max=12,dive"`
}

// PeriodInput is a reporting date as it is entered.
type PeriodInput struct {
	Seq   int    `json:"seq" check:"min=1,max=12"`
	Name  string `json:"name" check:"required,max=60"`
	DueOn string `json:"due_on" check:"required"`
}

// Policies lists all policy years, the latest first.
func (s *Service) Policies(ctx context.Context) (model.List[PolicyView], error) {
	var rows []model.Policy
	list := model.List[PolicyView]{Items: []PolicyView{}}
	if err := s.db.Read(ctx).Order("year DESC").Find(&rows).Error; err != nil {
		return list, err
	}
	views, err := policyViews(s.db.Read(ctx), rows)
	list.Items = append(list.Items, views...)
	return list, err
}

// Policy is the policy of a year; CodeNotFound if there is none.
func (s *Service) Policy(ctx context.Context, year model.Year) (PolicyView, error) {
	p, err := findPolicy(s.db.Read(ctx), year)
	if err != nil {
		return PolicyView{}, err
	}
	if p == nil {
		return PolicyView{}, model.E(model.CodeNotFound, "还没有 %d 年度的政策", year)
	}
	return policyView(s.db.Read(ctx), *p)
}

// PutPolicy enters or corrects the policy of a year. Once money was granted or a claim approved under it, it stands: only reporting dates may be
// put off, anything else is CodeConflict.
func (s *Service) PutPolicy(ctx context.Context, actor model.Actor, year model.Year, in PolicyInput) (PolicyView, error) {
	want, periods, err := in.policy(year)
	if err != nil {
		return PolicyView{}, err
	}
	var view PolicyView
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		var old model.Policy
		err := locked(tx).Where("year = ?", year).Take(&old).Error
		if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		want.ID, want.Demo, want.CreatedBy, want.CreatedAt, want.UpdatedAt = old.ID, old.Demo, old.CreatedBy, old.CreatedAt, now
		if old.ID == 0 {
			want.ID, want.CreatedBy, want.CreatedAt = s.db.NewID(), actor.ID, now
		} else if err := checkChange(tx, old, want, periods); err != nil {
			return err
		}
		if err := s.storePolicy(tx, want, old.ID == 0, periods); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "policy.put", "policy:"+want.ID.String(), 0, map[string]any{"year": year, "policy": in}); err != nil {
			return err
		}
		view, err = policyView(tx, want)
		return err
	})
	if model.Duplicate(err) {
		return view, model.E(model.CodeConflict, "%d 年度的政策刚刚被别人录入，请刷新后再改", year)
	}
	return view, err
}

// policy checks the dates and makes the rows.
func (in PolicyInput) policy(year model.Year) (model.Policy, []model.ReportingPeriod, error) {
	p := model.Policy{Year: year, DocumentNo: in.DocumentNo, UpstreamDocumentNo: in.UpstreamDocumentNo, Title: in.Title, CapFen: in.CapFen}
	var err error
	if p.StartsOn, err = model.ParseDate("starts_on", in.StartsOn); err != nil {
		return p, nil, err
	}
	if p.EndsOn, err = model.ParseDate("ends_on", in.EndsOn); err != nil {
		return p, nil, err
	}
	first, last := model.DateOf(year.Start()), model.DateOf(year.End().Add(-time.Second))
	if p.StartsOn < first || p.StartsOn > last {
		return p, nil, model.Invalid("starts_on", fmt.Sprintf("开始日期应在 %d 年内", year))
	}
	if p.EndsOn < p.StartsOn || p.EndsOn > last {
		return p, nil, model.Invalid("ends_on", fmt.Sprintf("结束日期应在开始日期之后、%d 年内：当年额度须于 12 月 31 日前使用完毕", year))
	}
	var periods []model.ReportingPeriod
	latest := model.DateOf((year + 1).End().Add(-time.Second))
	for i, one := range in.Periods {
		field := fmt.Sprintf("periods[%d].", i)
		due, err := model.ParseDate(field+"due_on", one.DueOn)
		switch {
		case err != nil:
			return p, nil, err
		case one.Seq != i+1:
			return p, nil, model.Invalid(field+"seq", "报送次序应从 1 起依次排列")
		case due < p.StartsOn || due > latest || i > 0 && due <= periods[i-1].DueOn:
			return p, nil, model.Invalid(field+"due_on", "报送日期应依次靠后，且不晚于次年年底")
		}
		periods = append(periods, model.ReportingPeriod{Year: year, Seq: one.Seq, Name: one.Name, DueOn: due})
	}
	return p, periods, nil
}

// checkChange refuses what may not change any more. The caller holds the policy's row, which starting a grant locks too.
func checkChange(tx *gorm.DB, old, want model.Policy, periods []model.ReportingPeriod) error {
	granted, err := moneyGranted(tx, old.Year)
	if err != nil {
		return err
	}
	var have []model.ReportingPeriod
	if err := tx.Where("year = ?", old.Year).Order("seq").Find(&have).Error; err != nil {
		return err
	}
	if err := keepsSubmitted(tx, have, periods); err != nil {
		return err
	}
	if !granted {
		return nil
	}
	same := old.DocumentNo == want.DocumentNo && old.UpstreamDocumentNo == want.UpstreamDocumentNo && old.Title == want.Title && old.CapFen == want.CapFen &&
		old.StartsOn == want.StartsOn && old.EndsOn == want.EndsOn && slices.EqualFunc(have, periods, func(a, b model.ReportingPeriod) bool {
		return a.Seq == b.Seq && a.Name == b.Name && a.DueOn <= b.DueOn
	})
	if !same {
		return model.E(model.CodeConflict, "%d 年度已有额度发放或采购登记，政策不能再改，只能推迟报送日期", old.Year)
	}
	return nil
}

// keepsSubmitted refuses to take away, or to bring forward, a reporting date for which a form was submitted: that form counts up to it.
func keepsSubmitted(tx *gorm.DB, have, want []model.ReportingPeriod) error {
	var ids []model.ID
	for i, p := range have {
		if i >= len(want) || want[i].DueOn < p.DueOn {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var used int64
	if err := tx.Model(&model.Statement{}).Where("period_id IN ?", ids).Count(&used).Error; err != nil {
		return err
	}
	if used > 0 {
		return model.E(model.CodeConflict, "已有工会按原报送日期提交了统计表，报送次数不能减少，报送日期不能提前")
	}
	return nil
}

// moneyGranted tells whether any grant of the year has begun to issue, any claim was approved, or a union has bought for a group.
func moneyGranted(tx *gorm.DB, year model.Year) (bool, error) {
	granted, err := yearsGranted(tx, []model.Year{year})
	return granted[year], err
}

// yearsGranted is moneyGranted for the years that have a policy; of each it looks for the first such row only.
func yearsGranted(tx *gorm.DB, years []model.Year) (map[model.Year]bool, error) {
	var found []model.Year
	err := tx.Table("policies p").Where("p.year IN ?", years).
		Where("COALESCE((SELECT g.id FROM grants g WHERE g.year = p.year AND (g.status = 'issuing' OR g.done_items > 0) LIMIT 1), "+
			"(SELECT c.id FROM claims c WHERE c.year = p.year AND c.status IN ('approved', 'revoked') AND c.counted_at IS NOT NULL LIMIT 1), "+
			"(SELECT b.id FROM group_purchases b WHERE b.year = p.year AND b.order_id IS NOT NULL LIMIT 1)) IS NOT NULL").Pluck("p.year", &found).Error
	granted := make(map[model.Year]bool, len(found))
	for _, y := range found {
		granted[y] = true
	}
	return granted, err
}

// storePolicy writes the policy and its reporting dates; a date keeps its row, since submitted forms refer to it.
func (s *Service) storePolicy(tx *gorm.DB, p model.Policy, isNew bool, periods []model.ReportingPeriod) error {
	store := tx.Select("*").Create
	if !isNew {
		store = tx.Select("*").Updates
	}
	if err := store(&p).Error; err != nil {
		return err
	}
	for _, one := range periods {
		one.ID, one.PolicyID = s.db.NewID(), p.ID
		res := tx.Model(&model.ReportingPeriod{}).Where("year = ? AND seq = ?", p.Year, one.Seq).UpdateColumns(map[string]any{"name": one.Name, "due_on": one.DueOn})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			if err := tx.Create(&one).Error; err != nil {
				return err
			}
		}
	}
	return tx.Where("year = ? AND seq > ?", p.Year, len(periods)).Delete(&model.ReportingPeriod{}).Error
}

func policyView(tx *gorm.DB, p model.Policy) (PolicyView, error) {
	views, err := policyViews(tx, []model.Policy{p})
	if err != nil {
		return PolicyView{}, err
	}
	return views[0], nil
}

func policyViews(tx *gorm.DB, rows []model.Policy) ([]PolicyView, error) {
	years, views := make([]model.Year, len(rows)), make([]PolicyView, len(rows))
	for i, p := range rows {
		years[i] = p.Year
	}
	granted, err := yearsGranted(tx, years)
	if err != nil {
		return nil, err
	}
	var periods []model.ReportingPeriod
	if err := tx.Where("year IN ?", years).Order("year, seq").Find(&periods).Error; err != nil {
		return nil, err
	}
	for i, p := range rows {
		views[i] = PolicyView{Year: p.Year, DocumentNo: p.DocumentNo, UpstreamDocumentNo: p.UpstreamDocumentNo, Title: p.Title, CapFen: p.CapFen,
			StartsOn: p.StartsOn, EndsOn: p.EndsOn, Demo: p.Demo, Locked: granted[p.Year], Periods: []PeriodView{}}
		for _, one := range periods {
			if one.Year == p.Year {
				views[i].Periods = append(views[i].Periods, PeriodView{ID: one.ID, Seq: one.Seq, Name: one.Name, DueOn: one.DueOn})
			}
		}
	}
	return views, nil
}

// findPolicy reads the policy of a year; nil if there is none.
func findPolicy(tx *gorm.DB, year model.Year) (*model.Policy, error) {
	var p model.Policy
	err := tx.Where("year = ?", year).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &p, err
}

// OpenPolicy reads the policy under which money of a year may be entered or granted at now; CodeNoPolicy if there is none
// or the year is over.
func OpenPolicy(tx *gorm.DB, year model.Year, now time.Time) (*model.Policy, error) {
	p, err := findPolicy(tx, year)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, model.E(model.CodeNoPolicy, "%d 年度没有施行中的消费帮扶政策，不能入账或发放；请等市总工会录入该年度的通知", year)
	case !now.Before(endOf(*p)):
		return nil, model.E(model.CodeNoPolicy, "%d 年度的消费帮扶政策已于 %s 到期，不能再入账或发放", year, p.EndsOn)
	}
	return p, nil
}

// LockPolicy is OpenPolicy for money that is issued or spent for members now: it locks the policy's row, so that the policy stands from here
// on, and refuses, with CodeNoPolicy, to do so before the policy's first day.
func LockPolicy(tx *gorm.DB, year model.Year, now time.Time) (*model.Policy, error) {
	p, err := OpenPolicy(locked(tx), year, now)
	if err != nil {
		return nil, err
	}
	return p, begun(*p, now)
}

// begun refuses, with CodeNoPolicy, to issue money before the policy's first day.
func begun(p model.Policy, now time.Time) error {
	if now.Before(p.StartsOn.Start()) {
		return model.E(model.CodeNoPolicy, "%d 年度的消费帮扶政策自 %s 起施行，之前不能发放", p.Year, p.StartsOn)
	}
	return nil
}

// endOf is the moment at which nothing can be granted under the policy any more.
func endOf(p model.Policy) time.Time {
	if end := p.EndsOn.End(); end.Before(p.Year.End()) {
		return end
	}
	return p.Year.End()
}
