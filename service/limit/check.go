package limit

import (
	"fmt"

	"gorm.io/gorm"

	"bangfu/model"
)

// Spending is money about to leave a purse, or to be approved to.
type Spending struct {
	UnionID model.ID
	Year    model.Year
	Purse   model.Purse
	Amount  model.Fen // 0: it was approved, and counted, before
	Object  string    // what spends it, for the audit trail: "grant:12"
}

// Check tells, in the transaction that spends or approves, whether the union's holiday gifts of the year stay within their
// limits with this spending. It says nothing about purses other than festival.
//
// warnings are texts for people, with figures and source: a limit is near, the warning line is passed, or no budget is confirmed,
// so that only the average could be measured; they never block. Beyond a limit the error is CodeLimitExceeded if the city
// federation switched refusal on for the year (Data: the Gauge); else it is a warning too, and an audit entry is written. Exactly at a
// limit is allowed.
//
// It locks the union, then the festival fund, so of two that spend at once one waits and sees the other. Call it before any
// lock that comes later in docs/adr/0005-lock-order.md (a caller that locks the policy locks the union itself before), and write
// what makes the spending count in the same transaction: the fund's movement, the grant's or the claim's approval.
func Check(tx *gorm.DB, db *model.DB, actor model.Actor, s Spending) (warnings []string, err error) {
	warnings = []string{}
	if s.Purse != model.PurseFestival {
		return warnings, nil
	}
	f, rule, err := s.figures(tx, db)
	if err != nil {
		return nil, err
	}
	if f.budget == nil {
		warnings = append(warnings, fmt.Sprintf("尚未录入并确认 %d 年度的经费预算，无法按预算支出或留成经费的比例衡量节日慰问品支出（%s），请尽快录入", s.Year, rule.DocumentNo))
	}
	for _, g := range gauges(rule, f, s.Amount) {
		text := g.remark(s.Year, s.Amount)
		switch {
		case text == "":
			continue
		case g.State == StateOver && rule.Enforce:
			e := model.E(model.CodeLimitExceeded, "%s。市总工会已设定超过限额不予通过", text)
			e.Data = g
			return nil, e
		case g.State == StateOver:
			if err := auditExceeded(tx, db, actor, s, g); err != nil {
				return nil, err
			}
		}
		warnings = append(warnings, text)
	}
	return warnings, nil
}

// figures locks what they depend on and reads them.
func (s Spending) figures(tx *gorm.DB, db *model.DB) (*figures, model.LimitRule, error) {
	if _, err := lockUnion(tx, s.UnionID); err != nil {
		return nil, model.LimitRule{}, err
	}
	var fund []model.Fund
	if err := locked(tx).Select("id").Where("union_id = ? AND purse = ? AND year = ?", s.UnionID, s.Purse, s.Year).Find(&fund).Error; err != nil {
		return nil, model.LimitRule{}, err
	}
	rule, err := ruleOf(tx, s.Year)
	if err != nil {
		return nil, rule, err
	}
	all, err := read(tx, s.Year, db.Now(), oneUnion(s.UnionID))
	if err != nil {
		return nil, rule, err
	}
	return all.of(s.UnionID), rule, nil
}

func auditExceeded(tx *gorm.DB, db *model.DB, actor model.Actor, s Spending, g Gauge) error {
	detail := map[string]any{"year": s.Year, "kind": g.Kind, "amount_fen": s.Amount, "used_fen": g.UsedFen, "limit_fen": g.LimitFen, "document_no": g.DocumentNo}
	return db.Audit(tx, actor, db.Now(), "limit.exceed", s.Object, s.UnionID, detail)
}
