package risk

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// ParamView is one figure of a rule.
type ParamView struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Unit    string `json:"unit"`
	Value   int64  `json:"value"`
	Default int64  `json:"default"`
	Min     int64  `json:"min"`
	Max     int64  `json:"max"`
}

// RuleView is a rule with the settings that hold.
type RuleView struct {
	Code         string      `json:"code"`
	Title        string      `json:"title"`
	Sentence     string      `json:"sentence"` // the rule with its figures
	Innocent     string      `json:"innocent"` // what it is when nothing is wrong
	Enabled      bool        `json:"enabled"`
	Params       []ParamView `json:"params"`
	EveryMinutes int         `json:"every_minutes"` // how often it looks
	LookedTo     *time.Time  `json:"looked_to"`     // null: it has not looked yet, or not since it was set
	SetBy        *model.Ref  `json:"set_by"`        // null: the program's own figures hold
	SetAt        *time.Time  `json:"set_at"`
}

// ParamInput sets one figure of a rule.
type ParamInput struct {
	Name  string `json:"name" check:"required,max=20"`
	Value int64  `json:"value" check:"min=1,max=100000"`
}

// RuleInput sets a rule. Figures that are not named go back to the program's own.
type RuleInput struct {
	Enabled *bool        `json:"enabled" check:"required"`
	Params  []ParamInput `json:"params" check:"max=10,dive"`
}

// settings are the settings that hold, by the code of the rule.
func settings(tx *gorm.DB) (map[string]model.RiskRule, error) {
	var rows []model.RiskRule
	if err := tx.Find(&rows).Error; err != nil {
		return nil, err
	}
	sets := make(map[string]model.RiskRule, len(rules))
	for _, r := range rules {
		sets[r.code] = r.own()
	}
	for _, row := range rows {
		sets[row.Code] = row
	}
	return sets, nil
}

// Rules lists the rules with what holds for each.
func (s *Service) Rules(ctx context.Context) ([]RuleView, error) {
	tx := s.db.Read(ctx)
	sets, err := settings(tx)
	if err != nil {
		return nil, err
	}
	var runs []model.RiskRun
	if err := tx.Find(&runs).Error; err != nil {
		return nil, err
	}
	looked := map[string]*time.Time{}
	for i := range runs {
		looked[runs[i].Code] = &runs[i].LookedTo
	}
	var people []model.ID
	for _, set := range sets {
		people = append(people, set.SetBy)
	}
	names, err := model.NamesOf(tx, &model.Staff{}, people)
	if err != nil {
		return nil, err
	}
	views := make([]RuleView, len(rules))
	for i, r := range rules {
		views[i] = r.view(sets[r.code], looked[r.code], names)
	}
	return views, nil
}

func (r rule) view(set model.RiskRule, looked *time.Time, names model.Names) RuleView {
	v := RuleView{Code: r.code, Title: r.title, Sentence: r.basis(set), Innocent: r.innocent, Enabled: set.Enabled, EveryMinutes: int(r.every.Minutes()), LookedTo: looked}
	for _, p := range r.params {
		v.Params = append(v.Params, ParamView{p.name, p.label, p.unit, p.get(set), p.own, p.min, p.max})
	}
	if set.SetBy != 0 {
		v.SetBy, v.SetAt = names.Ref(&set.SetBy), &set.SetAt
	}
	return v
}

// PutRule sets a rule. It looks anew through its whole window at its next turn; signals that are there stay. Errors: CodeNotFound for
// an unknown rule, CodeInvalid for a figure that the rule does not have, has twice or that is out of bounds.
func (s *Service) PutRule(ctx context.Context, actor model.Actor, code string, in RuleInput) (view RuleView, err error) {
	r, ok := ruleOf(code)
	if !ok {
		return view, model.NotFound("风险规则")
	}
	set, err := r.set(in)
	if err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		set.SetBy, set.SetAt = actor.ID, s.db.Now()
		if err := tx.Save(&set).Error; err != nil {
			return err
		}
		if err := tx.Where("code = ?", code).Delete(&model.RiskRun{}).Error; err != nil {
			return err
		}
		detail := map[string]any{"rule": code, "enabled": set.Enabled, "params": in.Params}
		if err := s.db.Audit(tx, actor, set.SetAt, "risk.put", "risk_rule:"+code, 0, detail); err != nil {
			return err
		}
		names, err := model.NamesOf(tx, &model.Staff{}, []model.ID{actor.ID})
		view = r.view(set, nil, names)
		return err
	})
	return view, err
}

func (r rule) set(in RuleInput) (model.RiskRule, error) {
	set := r.own()
	set.Enabled = *in.Enabled
	given := map[string]bool{}
	for i, p := range in.Params {
		def, ok := r.param(p.Name)
		field := fmt.Sprintf("params[%d]", i)
		switch {
		case !ok:
			return set, model.Invalid(field+".name", "“"+r.title+"”没有这项参数")
		case given[p.Name]:
			return set, model.Invalid(field+".name", "“"+def.label+"”填了两次")
		case p.Value < def.min || p.Value > def.max:
			return set, model.Invalid(field+".value", fmt.Sprintf("“%s”应为 %d 到 %d", def.label, def.min, def.max))
		}
		given[p.Name] = true
		def.put(&set, p.Value)
	}
	return set, nil
}

func (r rule) param(name string) (param, bool) {
	for _, p := range r.params {
		if p.name == name {
			return p, true
		}
	}
	return param{}, false
}
