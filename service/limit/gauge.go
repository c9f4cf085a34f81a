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

// gauges are the limits that a union is measured against. more is what would be used besides.
func gauges(r model.LimitRule, f *figures, more model.Fen) []Gauge {
	var all []Gauge
	for _, y := range yardsticks(r, countedOf(f.budget), f.heads) {
		g := Gauge{Kind: y.kind, DocumentNo: r.DocumentNo, NoticeDocumentNo: r.NoticeDocumentNo}
		switch y.kind {
		case "retained":
			g.Name, g.Rule = "工会留成经费", fmt.Sprintf("选择控制在基层工会留成经费的%d%%以内", r.RetainedPercent)
		case "budget":
			g.Name = "当年本级工会经费预算支出"
			g.Rule = fmt.Sprintf("节日慰问品的全年支出金额一般应控制在当年本级工会经费预算支出的%d%%左右，最高不超过%d%%", r.WarnPercent, r.MaxPercent)
		case "average":
			g.Name, g.Rule, g.heads = "人均年度总额", "年度总额一般不超过人均"+shortYuan(r.AverageFen)+"元", f.heads
		}
		all = append(all, g.measure(y, f.used()+more))
	}
	return all
}

// measure fills the gauge.
func (g Gauge) measure(y yardstick, used model.Fen) Gauge {
	next, most := y.lines()
	g.UsedFen, g.BaseFen, g.LimitFen, g.State = used, y.base, most, y.state(used)
	if y.warn > 0 {
		left := max(0, next-used)
		g.WarnFen, g.LeftToWarnFen = &next, &left
	}
	g.LeftFen, g.OverFen = max(0, most-used), max(0, used-most)
	if y.base > 0 {
		bp := (int64(used)*10000 + int64(y.base) - 1) / int64(y.base)
		g.UsedBP = &bp
	}
	return g
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
