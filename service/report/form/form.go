// Package form is the official statistics form 附件3 工会消费帮扶情况统计表 as a value, with its two
// renderings, XLSX and PDF. It is pure: it knows nothing of databases, clocks or the people who fill
// the form, and the same Form always gives the same bytes.
package form

import (
	"strconv"
	"strings"
	"unicode"

	"bangfu/model"
)

// Channels are the official names of the form's eight rows, in the official order (湛工总〔2023〕25号,
// 附件3). They are the values that the column annex3_row of the channel registry may have.
var Channels = [8]string{
	"粤工惠购平台",
	"湛江市总工会消费帮扶官方平台“粤工惠·湛江号”",
	"湛江市乡村振兴产品专馆",
	"粤桂协作消费帮扶产品展销中心",
	"消费帮扶联盟广东馆（原乡村振兴全国消费帮扶广东馆）",
	"广东东西部扶贫协作产品交易网",
	"832平台",
	"其他采购渠道（含线上和线下）",
}

// The fixed words of the form, shared by both renderings.
const (
	annex       = "附件3"
	title       = "工会消费帮扶情况统计表"
	headUnion   = "单位（盖章）："
	headChannel = "采购平台"
	headTimes   = "人次（单位：人）"
	headAmount  = "消费总金额或投入总额度（单位：元）"
	totalName   = "合计"
	footFiller  = "填报人："
	footPhone   = "联系电话："
	noteRules   = "消费总金额为订单付款减退款，加其他渠道采购；人次：一人一次有效购买计一人次，全额退款不计。"
	markDraft   = "（草稿，未提交）"
	markDemo    = "（演示数据）"
)

// Bounds of one figure. 15 decimal digits are what a spreadsheet keeps exactly; sums of eight such
// figures stay far below the limits of int64.
const (
	maxAmount model.Fen = 999_999_999_999_999
	maxTimes  int       = 999_999_999
)

// Row is one line of the form: the figures of one purchase channel in the period.
type Row struct {
	Channel     string    // official name, see Channels
	PersonTimes int       // 人次: one valid purchase by one person is one
	Amount      model.Fen // consumption, net of refunds; the printed amount
	Invested    model.Fen // 投入总额度; kept beside the consumption, not printed
}

// Form is one filled 附件3. Text fields may hold anything a person typed: control and other invisible
// characters are left out of the renderings.
type Form struct {
	UnionName  string     // 单位; required
	Date       model.Date // the date in the head; "" leaves 年 月 日 blank to be filled by hand
	Period     string     // e.g. "2025年1月1日至8月25日"; printed beneath the form, "" leaves the line out
	Rows       [8]Row     // in the order of Channels
	Filler     string     // 填报人
	Phone      string     // 联系电话
	Draft      bool       // not submitted yet; both renderings say so
	Demo       bool       // demonstration data; both renderings say so
	DocumentNo string     // number of the notice that asks for the form, e.g. "湛工总〔2023〕25号"; "" leaves the line out
}

// BlankRows gives the eight rows with their official names and no figures.
func BlankRows() [8]Row {
	var rows [8]Row
	for i, name := range Channels {
		rows[i].Channel = name
	}
	return rows
}

// RowOf tells the index in Channels (and in Form.Rows) of a channel registry's annex3_row. Any other
// text is CodeInvalid: a purchase that belongs to no row must not silently count as 其他采购渠道.
func RowOf(annex3Row string) (int, error) {
	name := strings.TrimSpace(annex3Row)
	for i, channel := range Channels {
		if name == channel {
			return i, nil
		}
	}
	return 0, model.Invalid("annex3_row", "“"+annex3Row+"”不是附件3统计表中的采购平台")
}

// Total is the row 合计: the sums of all eight rows. It is always computed, never stored, so it cannot
// differ from the rows.
func (f Form) Total() Row {
	total := Row{Channel: totalName}
	for _, r := range f.Rows {
		total.PersonTimes += r.PersonTimes
		total.Amount += r.Amount
		total.Invested += r.Invested
	}
	return total
}

// Check tells as CodeInvalid what keeps the form from being rendered: no union name, a malformed date,
// rows that are not the official ones in their order, or figures out of bounds.
//
// 人次 may not be negative: a purchase counts in the period it was paid in, and a later full refund is not
// a person less in another period. Amounts may be: a refund counts in the period it is made in, so the
// refund in January of what was paid in December leaves the new year's net below zero until purchases
// make up for it.
func (f Form) Check() error {
	if clean(f.UnionName) == "" {
		return model.Invalid("union_name", "请填写单位名称")
	}
	if f.Date != "" {
		if _, err := model.ParseDate("date", string(f.Date)); err != nil {
			return err
		}
	}
	for i, r := range f.Rows {
		line := "统计表第" + strconv.Itoa(i+1) + "行"
		switch {
		case r.Channel != Channels[i]:
			return model.Invalid("rows", line+"应为“"+Channels[i]+"”")
		case r.PersonTimes < 0 || r.PersonTimes > maxTimes:
			return model.Invalid("rows", line+"的人次不正确："+strconv.Itoa(r.PersonTimes))
		case outOfBounds(r.Amount) || outOfBounds(r.Invested):
			return model.Invalid("rows", line+"的金额超出可填报范围")
		}
	}
	if total := f.Total(); outOfBounds(total.Amount) || outOfBounds(total.Invested) {
		return model.Invalid("rows", "统计表合计金额超出可填报范围")
	}
	return nil
}

func outOfBounds(a model.Fen) bool { return a > maxAmount || a < -maxAmount }

// notes are the lines beneath the form; marks (draft, demonstration) are apart since they are printed
// to catch the eye.
func (f Form) notes() []string {
	var lines []string
	if period := clean(f.Period); period != "" {
		lines = append(lines, "统计期间："+period)
	}
	lines = append(lines, noteRules)
	if number := clean(f.DocumentNo); number != "" {
		lines = append(lines, "文件依据："+number)
	}
	return lines
}

func (f Form) marks() string {
	var marks string
	if f.Draft {
		marks += markDraft
	}
	if f.Demo {
		marks += markDemo
	}
	return marks
}

// headDate writes the date as the form has it, with room to fill in by hand when there is none.
func (f Form) headDate() string {
	if f.Date == "" {
		return "　　年　　月　　日"
	}
	return f.Date.Start().In(model.China).Format("2006年1月2日")
}

// clean drops what must not reach a document: control and format characters (also those that turn the
// writing direction), private-use characters and broken UTF-8; and trims spaces.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}
