package allowance

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"bangfu/model"
)

// The notice that the product starts from, and the reporting dates that it sets for each year.
const (
	noticeNo         = "湛工总〔2023〕25号"
	noticeUpstreamNo = "粤工总〔2023〕22号"
	noticeTitle      = "关于持续开展消费帮扶工作的通知"
	noticeCap        = model.Fen(600_00)
	noticeFirst      = model.Year(2023)
	noticeLast       = model.Year(2025)
)

// SeedPolicies enters the notice's policy years, 2023 to 2025, where they are missing.
func (s *Service) SeedPolicies(ctx context.Context) error {
	for year := noticeFirst; year <= noticeLast; year++ {
		if err := s.seed(ctx, noticeYear(year), "policy.seed"); err != nil {
			return err
		}
	}
	return nil
}

// SeedDemoPolicy enters a policy for a year that no notice covers, for the demonstration only: it is marked as such and
// says so in its title. A year that has a policy is left alone.
func (s *Service) SeedDemoPolicy(ctx context.Context, year model.Year) error {
	p := noticeYear(year)
	p.Demo, p.DocumentNo, p.UpstreamDocumentNo = true, "演示用，无文号", ""
	p.Title = fmt.Sprintf("【演示】%d 年度消费帮扶政策（并非真实通知）", year)
	return s.seed(ctx, p, "policy.seed_demo")
}

func noticeYear(year model.Year) model.Policy {
	return model.Policy{Year: year, DocumentNo: noticeNo, UpstreamDocumentNo: noticeUpstreamNo, Title: noticeTitle, CapFen: noticeCap,
		StartsOn: model.Date(fmt.Sprintf("%d-01-01", year)), EndsOn: model.Date(fmt.Sprintf("%d-12-31", year))}
}

func noticePeriods(year model.Year) []model.ReportingPeriod {
	return []model.ReportingPeriod{
		{Year: year, Seq: 1, Name: "第一次报送", DueOn: model.Date(fmt.Sprintf("%d-08-25", year))},
		{Year: year, Seq: 2, Name: "第二次报送", DueOn: model.Date(fmt.Sprintf("%d-10-25", year))},
		{Year: year, Seq: 3, Name: "第三次报送", DueOn: model.Date(fmt.Sprintf("%d-02-28", year+1))},
	}
}

func (s *Service) seed(ctx context.Context, p model.Policy, action string) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		have, err := findPolicy(tx, p.Year)
		if err != nil || have != nil {
			return err
		}
		now := s.db.Now()
		p.ID, p.CreatedAt, p.UpdatedAt = s.db.NewID(), now, now
		if err := s.storePolicy(tx, p, true, noticePeriods(p.Year)); err != nil {
			return err
		}
		return s.db.Audit(tx, model.Actor{Kind: model.ActorSetup}, now, action, "policy:"+p.ID.String(), 0, map[string]any{"year": p.Year})
	})
	if model.Duplicate(err) { // another process was first
		return nil
	}
	return err
}
