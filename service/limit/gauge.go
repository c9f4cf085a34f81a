package limit

import (
	"fmt"
	"strings"

	"bangfu/model"
)

// State says how near a union is to a limit.
type State string

// The states, from the best to the worst.
const (
	StateOK     State = "ok"
	StateNear   State = "near"   // at nine tenths of the warning line, or of the limit where there is no such line
	StateWarned State = "warned" // above the warning line
	StateOver   State = "over"   // above the limit; exactly at it is allowed
)

var severity = map[State]int{StateOK: 0, StateNear: 1, StateWarned: 2, StateOver: 3}

// Gauge is what is used of one limit.
type Gauge struct {
	Kind             string     `json:"kind"` // budget | retained | average
	Name             string     `json:"name"`
	Rule             string     `json:"rule"` // in the policy's words
	DocumentNo       string     `json:"document_no"`
	NoticeDocumentNo string     `json:"notice_document_no"`
	BaseFen          model.Fen  `json:"base_fen"` // what is measured by: the budget, the retained funds, the average times the members
	UsedFen          model.Fen  `json:"used_fen"`
	UsedBP           *int64     `json:"used_bp"`          // used of the base in hundredths of a percent, rounded up; null: the base is 0
	WarnFen          *model.Fen `json:"warn_fen"`         // warned above; null: the rule has no such line
	LimitFen         model.Fen  `json:"limit_fen"`        // the most
	LeftToWarnFen    *model.Fen `json:"left_to_warn_fen"` // null: the rule has no such line
	LeftFen          model.Fen  `json:"left_fen"`
	OverFen          model.Fen  `json:"over_fen"`
	State            State      `json:"state"`

	heads int64 // average only
}

// gauges are the limits that a union is measured against: the one it chose, once its budget is confirmed, and the average.
// more is what would be used besides.
func gauges(r model.LimitRule, f *figures, more model.Fen) []Gauge {
	used := f.used() + more
	var all []Gauge
	switch {
	case f.budget == nil:
	case f.budget.Basis == model.BasisRetained:
		all = append(all, Gauge{Kind: "retained", Name: "工会留成经费", Rule: fmt.Sprintf("选择控制在基层工会留成经费的%d%%以内", r.RetainedPercent)}.
			measure(r, used, f.budget.RetainedFen, 0, r.RetainedPercent))
	default:
		all = append(all, Gauge{Kind: "budget", Name: "当年本级工会经费预算支出",
			Rule: fmt.Sprintf("节日慰问品的全年支出金额一般应控制在当年本级工会经费预算支出的%d%%左右，最高不超过%d%%", r.WarnPercent, r.MaxPercent)}.
			measure(r, used, f.budget.BudgetFen, r.WarnPercent, r.MaxPercent))
	}
	average := Gauge{Kind: "average", Name: "人均年度总额", Rule: "年度总额一般不超过人均" + shortYuan(r.AverageFen) + "元", heads: f.heads}
	return append(all, average.measure(r, used, r.AverageFen*model.Fen(f.heads), 0, 100))
}

// measure fills the gauge; warn 0 means that the rule has no warning line. A fraction of a fen is nobody's: lines are cut to
// whole fen, so that "at most the line" says the same as "at most the percentage".
func (g Gauge) measure(r model.LimitRule, used, base model.Fen, warn, most int) Gauge {
	g.DocumentNo, g.NoticeDocumentNo, g.UsedFen, g.BaseFen, g.LimitFen = r.DocumentNo, r.NoticeDocumentNo, used, base, base*model.Fen(most)/100
	next := g.LimitFen
	if warn > 0 {
		next = base * model.Fen(warn) / 100
		left := max(0, next-used)
		g.WarnFen, g.LeftToWarnFen = &next, &left
	}
	g.LeftFen, g.OverFen = max(0, g.LimitFen-used), max(0, used-g.LimitFen)
	if base > 0 {
		bp := (int64(used)*10000 + int64(base) - 1) / int64(base)
		g.UsedBP = &bp
	}
	switch {
	case used > g.LimitFen:
		g.State = StateOver
	case used > next:
		g.State = StateWarned
	case used > 0 && used*10 >= next*9:
		g.State = StateNear
	default:
		g.State = StateOK
	}
	return g
}

// share is how much of the limit is used, for sorting: 1 is all of it.
func (g Gauge) share() float64 {
	switch {
	case g.UsedFen <= 0:
		return 0
	case g.LimitFen == 0:
		return 1e18
	}
	return float64(g.UsedFen) / float64(g.LimitFen)
}

// remark says in Chinese, with figures and source, that the gauge is no longer in order; "" if it is. more is what the figures
// hold beyond what is used already.
func (g Gauge) remark(year model.Year, more model.Fen) string {
	if g.State == StateOK {
		return ""
	}
	begin := fmt.Sprintf("%d 年度节日慰问品支出（含已审批）为 %s 元", year, g.UsedFen.Yuan())
	if more > 0 {
		begin = fmt.Sprintf("连同本次 %s 元，%d 年度节日慰问品支出（含已审批）将为 %s 元", more.Yuan(), year, g.UsedFen.Yuan())
	}
	line := map[State]string{StateOver: "超过", StateWarned: "未超过", StateNear: "接近"}[g.State]
	return begin + "，" + g.portion() + "，" + g.warning() + line + g.most() + "。依据：" + g.Rule + "（" + g.source() + "）"
}

// portion is what is used, as a part of the base or an average.
func (g Gauge) portion() string {
	if g.Kind != "average" {
		return fmt.Sprintf("占%s %s 元的 %s%%", g.Name, g.BaseFen.Yuan(), percent(g.UsedBP))
	}
	if g.heads == 0 {
		return "而名册上没有在册会员"
	}
	each := (g.UsedFen + model.Fen(g.heads) - 1) / model.Fen(g.heads)
	return fmt.Sprintf("按在册会员 %d 人计，人均 %s 元", g.heads, each.Yuan())
}

// warning names the warning line where the gauge is at or above it.
func (g Gauge) warning() string {
	switch {
	case g.WarnFen == nil || g.State == StateOver:
		return ""
	case g.State == StateWarned:
		return "已超过控制线 " + g.WarnFen.Yuan() + " 元，"
	}
	return "接近控制线 " + g.WarnFen.Yuan() + " 元，"
}

func (g Gauge) most() string { return "最高限额 " + g.LimitFen.Yuan() + " 元" }

// source is the document that the rule stands in, and the notice that quotes it.
func (g Gauge) source() string {
	if g.NoticeDocumentNo == "" {
		return g.DocumentNo
	}
	return g.DocumentNo + "，" + g.NoticeDocumentNo + "引述"
}

// shortYuan writes whole yuan without decimals.
func shortYuan(f model.Fen) string { return strings.TrimSuffix(f.Yuan(), ".00") }

// percent writes hundredths of a percent: "41.00".
func percent(bp *int64) string {
	if bp == nil {
		return "—"
	}
	return fmt.Sprintf("%d.%02d", *bp/100, *bp%100)
}
