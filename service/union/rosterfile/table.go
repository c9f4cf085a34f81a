package rosterfile

import (
	"fmt"
	"slices"
	"strings"

	"bangfu/model"
)

const (
	headerSearch = 20  // rows with content among which the headings are looked for
	maxColumns   = 500 // cells of a row; more is no roster
)

// table turns the rows of a file, whatever its kind, into people: it finds the header, then reads,
// checks and hands out each row.
type table struct {
	limits  Limits
	today   model.Date
	each    func(Row) error
	summary Summary

	headed   bool     // the header was found
	at       layout   // where its columns are
	searched int      // rows looked at before
	best     heading  // of those, the most like a header
	lacking  []string // columns that the header lacks, while the row below it was not looked at

	rowOfID    map[string]int // ID number → row that has it
	firstPhone map[string]holder
}

// holder is the first person with a phone number.
type holder struct {
	row      int
	idNumber string
}

func newTable(limits Limits, today model.Date, each func(Row) error) *table {
	return &table{limits: limits, today: today, each: each,
		rowOfID: map[string]int{}, firstPhone: map[string]holder{}}
}

// add takes the next row of the file. no is its number in the spreadsheet; blank rows may be left out.
func (t *table) add(no int, cells []string) error {
	if len(cells) > maxColumns {
		return badFile(fmt.Sprintf("第 %d 行有 %d 列，不像职工名册，请使用模板填写", no, len(cells)), nil)
	}
	if blank(cells) {
		return nil
	}
	if !t.headed {
		return t.addHeader(no, cells)
	}
	row, ok := t.person(no, cells)
	if !ok {
		return nil
	}
	if t.summary.Rows == t.limits.MaxRows {
		return tooLarge("名册超过 %d 人，请分成几个文件", t.limits.MaxRows)
	}
	t.summary.Rows++
	if len(row.Problems) > 0 {
		t.summary.BadRows++
	}
	return t.each(row)
}

func (t *table) addHeader(no int, cells []string) error {
	h := readHeading(cells)
	if len(t.lacking) > 0 {
		return t.secondHeader(h)
	}
	if h.found < 2 { // a title, or a heading too poor to tell from one
		if h.found > t.best.found {
			t.best = h
		}
		if t.searched++; t.searched >= headerSearch {
			return t.noHeader()
		}
		return nil
	}
	if t.lacking = h.missing(); len(t.lacking) > 0 {
		return nil // the row below tells why
	}
	if len(h.twice) > 0 {
		return badFile("表头里“"+strings.Join(h.twice, "”“")+"”出现了两次，请只保留一列", nil)
	}
	t.headed, t.at = true, h.at
	t.summary.HeaderRow, t.summary.ExtraColumns = no, h.extras
	return nil
}

// secondHeader answers a header that lacks columns: they may stand in the row below it, under a merged cell.
func (t *table) secondHeader(below heading) error {
	missing := below.missing()
	for _, title := range t.lacking {
		if !slices.Contains(missing, title) {
			return badFile("表头分成了上下两行（有合并的单元格），“"+title+"”在第二行。请把表头改成一行后再上传", nil)
		}
	}
	return missingColumns(t.lacking)
}

func (t *table) noHeader() error {
	if len(t.lacking) > 0 {
		return missingColumns(t.lacking)
	}
	if t.best.found > 0 {
		return missingColumns(t.best.missing())
	}
	return badFile("没有找到表头。表头应有“姓名”“手机号”“身份证号”这几列，请使用模板填写", nil)
}

func missingColumns(titles []string) error {
	return badFile("缺少必填的列：“"+strings.Join(titles, "”“")+"”，请补上后再上传", nil)
}

// finish says what is wrong with the file once all rows are in.
func (t *table) finish() error {
	if !t.headed {
		return t.noHeader()
	}
	if t.summary.Rows == 0 {
		return badFile("表头下面没有填写任何人", nil)
	}
	return nil
}

// person reads one row; false if all its columns that matter are blank.
func (t *table) person(no int, cells []string) (Row, bool) {
	row := Row{No: no}
	texts := [columnCount]*string{&row.Name, &row.Phone, &row.IDNumber, &row.EmployeeNo, &row.Department}
	filled := false
	var wrong [columnCount]bool
	for c, text := range texts {
		cell := ""
		if i := t.at[c]; i >= 0 && i < len(cells) {
			cell = cells[i]
		}
		value, message := t.check(column(c), cell)
		*text = value
		filled = filled || value != ""
		if message != "" {
			wrong[c] = true
			row.Problems = append(row.Problems, Problem{column(c).title(), message})
		}
	}
	if filled && !wrong[colIDNumber] {
		t.checkRepeated(&row, !wrong[colPhone])
	}
	return row, filled
}

func (t *table) check(c column, cell string) (value, message string) {
	switch c {
	case colName:
		return checkName(cell)
	case colPhone:
		return checkPhone(cell)
	case colIDNumber:
		return checkIDNumber(cell, t.today)
	case colEmployeeNo:
		return checkText(cell, c.title(), maxEmployeeNo)
	}
	return checkText(cell, c.title(), maxDepartment)
}

// checkRepeated compares a row whose ID number is right with all before it.
func (t *table) checkRepeated(row *Row, phoneRight bool) {
	if earlier, found := t.rowOfID[row.IDNumber]; found {
		row.Problems = append(row.Problems, Problem{colIDNumber.title(),
			fmt.Sprintf("身份证号与第 %d 行相同，同一个人只能填一行", earlier)})
		return
	}
	id := strings.Clone(row.IDNumber) // keeps the file's text from being held
	t.rowOfID[id] = row.No
	if !phoneRight {
		return
	}
	if earlier, found := t.firstPhone[row.Phone]; found {
		row.Problems = append(row.Problems, Problem{colPhone.title(),
			fmt.Sprintf("手机号与第 %d 行相同，但身份证号不同，请核对是谁的手机", earlier.row)})
		return
	}
	t.firstPhone[strings.Clone(row.Phone)] = holder{row.No, id}
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}
