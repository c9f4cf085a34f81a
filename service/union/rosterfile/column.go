package rosterfile

import (
	"slices"
	"strings"
)

// column is one of the columns that a roster knows.
type column int

const (
	colName column = iota
	colPhone
	colIDNumber
	colEmployeeNo
	colDepartment
	columnCount
)

// columnSpec describes a column: headings are the names under which it is found, the better first; the
// first is the template's and the one in problems.
type columnSpec struct {
	headings []string
	required bool
	width    float64 // in the files written here, in characters
}

func (c column) spec() columnSpec {
	return [columnCount]columnSpec{
		colName: {[]string{"姓名", "职工姓名", "会员姓名", "员工姓名", "名字"}, true, 14},
		colPhone: {[]string{"手机号", "手机号码", "手机", "移动电话", "联系手机", "手机电话", "联系电话", "电话号码",
			"联系方式", "电话"}, true, 18},
		colIDNumber: {[]string{"身份证号", "身份证号码", "身份证", "居民身份证号", "居民身份证号码", "公民身份号码",
			"公民身份证号码", "证件号码", "证件号"}, true, 24},
		colEmployeeNo: {[]string{"工号", "员工编号", "职工编号", "员工工号", "职工工号", "员工号", "职工号", "人员编号"}, false, 14},
		colDepartment: {[]string{"部门", "科室", "部门科室", "部门/科室", "所属部门", "所在部门", "部门名称", "车间", "班组"}, false, 20},
	}[c]
}

func (c column) title() string { return c.spec().headings[0] }

// silent are headings without meaning here that are not worth reporting: our own, and counting.
func silent(key string) bool {
	return slices.Contains([]string{"", "备注", "行号", "问题", "序号"}, key)
}

// layout says in which cell of a row each column is; -1 for a column that the file lacks.
type layout [columnCount]int

// heading is what one row looks like as a header.
type heading struct {
	at     layout
	found  int      // columns found
	twice  []string // headings by which one column is found in two cells
	extras []string // headings that mean nothing here
}

// readHeading recognises the headings of a row. Where several cells name the same column, the better
// name wins and the others are extras ("手机号" before "联系电话"); equal names are reported as twice.
func readHeading(cells []string) heading {
	h := heading{}
	claimed := map[int]bool{}
	keys := make([]string, len(cells))
	for i, cell := range cells {
		keys[i] = headingKey(cell)
	}
	for c := range columnCount {
		h.at[c] = -1
		for _, name := range c.spec().headings {
			i := slices.Index(keys, name)
			if i < 0 {
				continue
			}
			h.at[c] = i
			h.found++
			claimed[i] = true
			if slices.Contains(keys[i+1:], name) {
				h.twice = append(h.twice, name)
			}
			break
		}
	}
	for i, key := range keys {
		if !claimed[i] && !silent(key) {
			h.extras = append(h.extras, clip(cleanCell(cells[i]), 30))
		}
	}
	return h
}

// missing lists the titles of required columns that were not found.
func (h heading) missing() []string {
	var titles []string
	for c := range columnCount {
		if h.at[c] < 0 && c.spec().required {
			titles = append(titles, c.title())
		}
	}
	return titles
}

// headingKey brings a heading to its bare name: "＊身份证号（18 位）：" is "身份证号".
func headingKey(cell string) string {
	key := strings.ReplaceAll(foldPunctuation(cleanCell(cell)), " ", "")
	key = strings.TrimLeft(key, "*")
	if i := strings.IndexAny(key, "([【"); i >= 0 {
		key = key[:i]
	}
	return strings.Trim(key, "*:")
}
