package limit

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"bangfu/model"
)

// Meter is what a union uses of its holiday gifts' limits of a year.
type Meter struct {
	UnionID       model.ID    `json:"union_id"`
	UnionName     string      `json:"union_name"`
	Year          model.Year  `json:"year"`
	State         State       `json:"state"`          // the worst of the limits'
	MissingBudget bool        `json:"missing_budget"` // no budget is confirmed: only the average can be measured
	Enforce       bool        `json:"enforce"`        // what goes beyond is refused
	Headcount     int64       `json:"headcount"`      // active members; of a year that is over, those at its end
	SpentFen      model.Fen   `json:"spent_fen"`      // out of the festival fund less what came back, and approved claims
	CommittedFen  model.Fen   `json:"committed_fen"`  // approved grants, the part not issued yet
	UsedFen       model.Fen   `json:"used_fen"`       // both: what is measured
	AverageFen    *model.Fen  `json:"average_fen"`    // used, a member, rounded up; null: no members
	Limits        []Gauge     `json:"limits"`
	Purses        []PurseSum  `json:"purses"`
	Budget        *BudgetView `json:"budget"` // the confirmed one that counts

	budget *model.UnionBudget
}

// PurseSum is what was spent of one purse, and whether it counts against the limits.
type PurseSum struct {
	Purse     model.Purse `json:"purse"`
	PurseName string      `json:"purse_name"`
	SpentFen  model.Fen   `json:"spent_fen"`
	Counted   bool        `json:"counted"`
	Note      string      `json:"note"` // why it does or does not count
}

// Meter is the meter of one union and year.
func (s *Service) Meter(ctx context.Context, unionID model.ID, year model.Year) (m Meter, err error) {
	var meters []Meter
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		err := tx.Select("id").Where("id = ?", unionID).Take(&model.Union{}).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("工会")
		}
		if err != nil {
			return err
		}
		rule, err := ruleOf(tx, year)
		if err != nil {
			return err
		}
		meters, err = s.meters(tx, rule, []model.ID{unionID})
		return err
	})
	if err != nil {
		return m, err
	}
	return meters[0], nil
}

// Meters lists the meters of the grassroots unions in the actor's subtree, and of what else there spent holiday money or has a budget,
// the worst first: by state, then those without a budget, then by the part of a limit that is used. The cursor is the last union seen.
// Error: CodeInvalid for a cursor that is no union of the list.
func (s *Service) Meters(ctx context.Context, actor model.Actor, year model.Year, page model.Page) (list model.List[Meter], err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		rule, err := ruleOf(tx, year)
		if err != nil {
			return err
		}
		all, err := standings(tx, rule, s.db.Now(), actor.UnionPath)
		if err != nil {
			return err
		}
		if all, err = pageOf(all, page); err != nil {
			return err
		}
		shown := model.NewList(all, page, func(u standing) model.ID { return u.union }, func(u standing) model.ID { return u.union })
		list.NextCursor = shown.NextCursor
		list.Items, err = s.meters(tx, rule, shown.Items)
		return err
	})
	return list, err
}

// meters makes the meters of a few unions, in the order of their ids.
func (s *Service) meters(tx *gorm.DB, rule model.LimitRule, ids []model.ID) ([]Meter, error) {
	all, err := read(tx, rule.Year, s.db.Now(), someUnions(ids))
	if err != nil {
		return nil, err
	}
	names, err := model.NamesOf(tx, &model.Union{}, ids)
	if err != nil {
		return nil, err
	}
	meters := make([]Meter, len(ids))
	for i, id := range ids {
		meters[i] = meterOf(id, names[id], rule, all.of(id))
	}
	return meters, showBudgets(tx, meters)
}

// showBudgets puts the budgets that count into the meters.
func showBudgets(tx *gorm.DB, meters []Meter) error {
	var budgets []model.UnionBudget
	for _, m := range meters {
		if m.budget != nil {
			budgets = append(budgets, *m.budget)
		}
	}
	views, err := budgetViews(tx, budgets)
	if err != nil {
		return err
	}
	for i := range meters {
		if meters[i].budget != nil {
			meters[i].Budget, views = &views[0], views[1:]
		}
	}
	return nil
}

func meterOf(union model.ID, name string, r model.LimitRule, f *figures) Meter {
	m := Meter{UnionID: union, UnionName: name, Year: r.Year, State: StateOK, MissingBudget: f.budget == nil, Enforce: r.Enforce, Headcount: f.heads,
		SpentFen: f.spent(model.PurseFestival), CommittedFen: f.committed, UsedFen: f.used(), Limits: gauges(r, f, 0), Purses: purseSums(f), budget: f.budget}
	if f.heads > 0 {
		each := (m.UsedFen + model.Fen(f.heads) - 1) / model.Fen(f.heads)
		m.AverageFen = &each
	}
	for _, g := range m.Limits {
		if severity[g.State] > severity[m.State] {
			m.State = g.State
		}
	}
	return m
}

var purseNotes = map[model.Purse]string{
	model.PurseFestival: "计入节日慰问品支出",
	model.PurseExtra:    "不计入：消费帮扶增加额度属于额外增加经费，不受节日慰问品各项限额的限制（湛工总〔2023〕25号）",
	model.PurseHardship: "不计入：不属于节日慰问品",
	model.PurseActivity: "不计入：不属于节日慰问品",
}

func purseSums(f *figures) []PurseSum {
	var sums []PurseSum
	for _, p := range []model.Purse{model.PurseFestival, model.PurseExtra, model.PurseHardship, model.PurseActivity} {
		sums = append(sums, PurseSum{p, p.Name(), f.spent(p), p == model.PurseFestival, purseNotes[p]})
	}
	return sums
}
