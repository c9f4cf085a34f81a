package rosterfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"bangfu/model"
)

const today = model.Date("2026-11-20")

func read(t testing.TB, data []byte) ([]Row, Summary, error) {
	t.Helper()
	var rows []Row
	summary, err := Read(bytes.NewReader(data), Limits{}, today, func(r Row) error {
		rows = append(rows, r)
		return nil
	})
	return rows, summary, err
}

func mustRead(t testing.TB, data []byte) ([]Row, Summary) {
	t.Helper()
	rows, summary, err := read(t, data)
	if err != nil {
		t.Fatal(err)
	}
	return rows, summary
}

// problems writes a row's problems as "列：话".
func problems(r Row) string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, p.Column+"："+p.Message)
	}
	return strings.Join(all, "；")
}

func wantFileError(t *testing.T, name string, err error, code model.Code, message string) {
	t.Helper()
	var e *model.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, message) ||
		len(e.Fields) != 1 || e.Fields[0].Name != "file" {
		t.Errorf("%s: %v", name, err)
	}
}

// line is a csv line of a right person.
func line(n int) string {
	return fmt.Sprintf("职工甲,%s,%s,A%03d,财务科", DemoPhone(n), DemoIDNumber(n), n)
}

const head = "姓名,手机号,身份证号,工号,部门"

// book makes an xlsx whose first sheet has these rows; a nil row is left out.
func book(t testing.TB, rows ...[]any) *excelize.File {
	t.Helper()
	f := excelize.NewFile()
	t.Cleanup(func() { _ = f.Close() })
	fill(t, f, "Sheet1", rows...)
	return f
}

func fill(t testing.TB, f *excelize.File, sheet string, rows ...[]any) {
	t.Helper()
	for i, row := range rows {
		if row == nil {
			continue
		}
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
}

func bytesOf(t testing.TB, f *excelize.File, opts ...excelize.Options) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := f.Write(&buf, opts...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func headRow() []any { return []any{"姓名", "手机号", "身份证号", "工号", "部门"} }

func TestReadCSV(t *testing.T) {
	text := head + "\r\n" + line(1) + "\r\n" + line(2) + "\r\n"
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(text, ",", "\t"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ data, encoding string }{
		"utf-8":         {text, "UTF-8"},
		"bom":           {"\ufeff" + text, "UTF-8"},
		"gb18030":       {gbk, "GB18030"},
		"utf-16 tabs":   {utf16, "UTF-16"},
		"semicolons":    {strings.ReplaceAll(text, ",", ";"), "UTF-8"},
		"tabs":          {strings.ReplaceAll(text, ",", "\t"), "UTF-8"},
		"old mac lines": {strings.ReplaceAll(text, "\r\n", "\r"), "UTF-8"},
		"no last line":  {strings.TrimSpace(text), "UTF-8"},
		"sep line":      {"sep=,\r\n" + text, "UTF-8"},
		"quoted":        {`"` + strings.NewReplacer(",", `","`, "\r\n", "\"\r\n\"").Replace(strings.TrimSpace(text)) + `"`, "UTF-8"},
		"protected":     {strings.ReplaceAll(text, DemoPhone(1), `="`+DemoPhone(1)+`"`), "UTF-8"},
	} {
		rows, summary := mustRead(t, []byte(c.data))
		if summary.Format != "csv" || summary.Encoding != c.encoding || summary.Rows != 2 || summary.BadRows != 0 {
			t.Errorf("%s: %+v %+v", name, summary, rows)
			continue
		}
		want := Row{No: summary.HeaderRow + 1, Name: "职工甲", Phone: DemoPhone(1), IDNumber: DemoIDNumber(1), EmployeeNo: "A001", Department: "财务科"}
		if fmt.Sprint(rows[0]) != fmt.Sprint(want) {
			t.Errorf("%s: %+v", name, rows[0])
		}
	}
}

func TestRowNumbersAreTheSpreadsheets(t *testing.T) {
	t.Run("CSV", func(t *testing.T) {
		text := "2026 年职工名册,,,,\n\n" + head + ",备注\n" + line(1) + ",\"两\n行\"\n\n,,,,\n" + line(2) + ",5\" 管\n" + line(3)
		rows, summary := mustRead(t, []byte(text))
		if summary.HeaderRow != 3 || len(rows) != 3 || rows[0].No != 4 || rows[1].No != 7 || rows[2].No != 8 {
			t.Errorf("%+v %+v", summary, rows)
		}
	})
	t.Run("XLSX", func(t *testing.T) {
		f := book(t, []any{"2026 年职工名册"}, nil, headRow(), []any{"职工甲", DemoPhone(1), DemoIDNumber(1)}, nil, []any{"", " "}, nil,
			[]any{"职工乙", DemoPhone(2), DemoIDNumber(2)})
		rows, summary := mustRead(t, bytesOf(t, f))
		if summary.HeaderRow != 3 || summary.Sheet != "Sheet1" || len(rows) != 2 || rows[0].No != 4 || rows[1].No != 8 {
			t.Errorf("%+v %+v", summary, rows)
		}
	})
}

func TestHeadings(t *testing.T) {
	for name, c := range map[string]struct {
		head   string
		extras []string
	}{
		"any order, synonyms":    {"科室,证件号码,员工编号,电话,职工姓名", nil},
		"marks and notes":        {"＊所属 部门,身份证号码（18位）：,工号,手机号码*【必填】, 姓　名*", nil},
		"extra columns":          {"部门,身份证号,工号,手机号,姓名,性别,备注,序号,籍贯", []string{"性别", "籍贯"}},
		"the better name counts": {"部门,身份证号,工号,手机号,姓名,联系电话", []string{"联系电话"}},
		"without the optional":   {"车间主任,身份证号,年龄,手机,名字", []string{"车间主任", "年龄"}},
	} {
		rows, summary := mustRead(t, []byte(c.head+"\n财务科,"+DemoIDNumber(7)+",9,"+DemoPhone(7)+",职工甲,x,x,x,x\n"))
		if len(rows) != 1 || rows[0].Phone != DemoPhone(7) || rows[0].IDNumber != DemoIDNumber(7) || rows[0].Name != "职工甲" {
			t.Errorf("%s: %+v", name, rows)
		}
		if !slices.Equal(summary.ExtraColumns, c.extras) {
			t.Errorf("%s: extras %q", name, summary.ExtraColumns)
		}
	}
	for text, message := range map[string]string{
		"姓名,部门\n张三,x\n":                         "缺少必填的列：“手机号”“身份证号”",
		"姓名,性别\n张三,男\n":                         "缺少必填的列：“手机号”“身份证号”",
		"姓名,联系方式,,部门\n,手机号,身份证号,\n张三,1,2,x":     "“身份证号”在第二行",
		"姓名,手机号\n":                              "缺少必填的列：“身份证号”",
		"手机号,身份证号\n1,2\n":                       "缺少必填的列：“姓名”",
		"姓名,手机号,手机号,身份证号\n":                     "“手机号”出现了两次",
		"a,b,c\n1,2,3\n":                        "没有找到表头",
		strings.Repeat("说明\n", 30) + head:       "没有找到表头",
		head + "\n\n,,,,\n":                     "没有填写任何人",
		strings.Repeat("列,", 600) + "\n" + head: "不像职工名册",
	} {
		_, _, err := read(t, []byte(text))
		wantFileError(t, text[:min(len(text), 40)], err, model.CodeInvalid, message)
	}
}

func TestRowProblems(t *testing.T) {
	name, phone, id := "张三", DemoPhone(1), DemoIDNumber(1)
	for _, c := range []struct {
		cells [5]string
		want  string
	}{
		{[5]string{name, phone, id, "A1", "财务科"}, ""},
		{[5]string{"张　三", "'+86 100-0000-0001", "'" + id, "", ""}, ""},
		{[5]string{"", "", "", "A1", ""}, "姓名：姓名没有填写；手机号：手机号没有填写；身份证号：身份证号没有填写"},
		{[5]string{"张", phone, id, "", ""}, "姓名：姓名应为 2 至 30 个字"},
		{[5]string{"张三1", phone, id, "", ""}, "姓名：姓名只能用汉字、字母和间隔号“·”"},
		{[5]string{"张\x01三", phone, id, "", ""}, "姓名：姓名只能用汉字、字母和间隔号“·”"},
		{[5]string{"·张三", phone, id, "", ""}, "姓名：姓名的间隔号“·”前后都要有字"},
		{[5]string{name, "1.00E+10", id, "", ""}, "手机号：手机号被表格软件改成了科学计数法，请把该列设为文本后重新填写"},
		{[5]string{name, "1000000001", id, "", ""}, "手机号：手机号有 10 位，应为 11 位"},
		{[5]string{name, "20000000001", id, "", ""}, "手机号：手机号应以 1 开头"},
		{[5]string{name, phone + "/" + phone, id, "", ""}, "手机号：手机号只能填一个 11 位数字的号码"},
		{[5]string{name, phone, "9.99999199001011E+17", "", ""}, "身份证号：身份证号被表格软件改成了科学计数法，请把该列设为文本后重新填写"},
		{[5]string{name, phone, id[:17], "", ""}, "身份证号：身份证号有 17 位，应为 18 位"},
		{[5]string{name, phone, "不知道", "", ""}, "身份证号：身份证号应为 18 位，只有最后一位可以是 X"},
		{[5]string{name, phone, "999999900101001", "", ""}, "身份证号：身份证号是 15 位的旧号码，请填 18 位的号码"},
		{[5]string{name, phone, id, strings.Repeat("1", 33), ""}, "工号：工号不能超过 32 个字"},
		{[5]string{name, phone, id, "1.2E+12", ""}, "工号：工号被表格软件改成了科学计数法，请把该列设为文本后重新填写"},
		{[5]string{name, phone, id, "3E7", "财\x02务"}, "部门：部门里有看不见的控制字符，请重新填写"},
		{[5]string{name, phone, id, "", strings.Repeat("长", 65)}, "部门：部门不能超过 64 个字"},
	} {
		rows, summary := mustRead(t, []byte(head+"\n"+strings.Join(c.cells[:], ",")+"\n"))
		if len(rows) != 1 || problems(rows[0]) != c.want || (summary.BadRows == 1) != (c.want != "") {
			t.Errorf("%q: %+v", c.cells, rows)
		}
	}
}

func TestRepeatedPeople(t *testing.T) {
	row := func(name string, phone, id int) string {
		return name + "," + DemoPhone(phone) + "," + DemoIDNumber(id) + ",,\n"
	}
	rows, _ := mustRead(t, []byte(head+"\n"+row("张三", 1, 1)+row("李四", 2, 2)+row("张三", 1, 1)+row("王五", 2, 3)+
		row("张三", 4, 1)+"赵六,100,"+DemoIDNumber(5)+",,\n"+row("钱七", 6, 5)+row("孙八", 8, 8)))
	want := []string{"", "", "身份证号：身份证号与第 2 行相同，同一个人只能填一行", "手机号：手机号与第 3 行相同，但身份证号不同，请核对是谁的手机",
		"身份证号：身份证号与第 2 行相同，同一个人只能填一行", "手机号：手机号有 3 位，应为 11 位",
		"身份证号：身份证号与第 7 行相同，同一个人只能填一行", ""}
	for i, r := range rows {
		if problems(r) != want[i] {
			t.Errorf("row %d: %q", r.No, problems(r))
		}
	}
}

func TestXLSXNumbers(t *testing.T) {
	f := book(t, headRow(), []any{"职工甲", 10000000001, DemoIDNumber(1), 1001}, []any{"职工乙", DemoPhone(2), 999999199001011234})
	rows, _ := mustRead(t, bytesOf(t, f))
	if rows[0].Phone != "10000000001" || rows[0].EmployeeNo != "1001" || len(rows[0].Problems) != 0 {
		t.Errorf("numbers that lost nothing are fine: %+v", rows[0])
	}
	if len(rows[1].Problems) != 1 || rows[1].Problems[0].Column != "身份证号" {
		t.Errorf("a number cell cannot hold an ID number: %+v", rows[1])
	}
}

func TestXLSXSheets(t *testing.T) {
	f := book(t, []any{"封面"})
	for _, sheet := range []string{instructionSheet, "藏起来的", "一车间", "二车间"} {
		if _, err := f.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		fill(t, f, sheet, headRow(), []any{sheet, DemoPhone(1), DemoIDNumber(1)})
	}
	if err := f.SetSheetVisible("藏起来的", false); err != nil {
		t.Fatal(err)
	}
	rows, summary := mustRead(t, bytesOf(t, f))
	if summary.Sheet != "一车间" || !slices.Equal(summary.OtherSheets, []string{"二车间"}) || rows[0].Name != "一车间" {
		t.Errorf("%+v", summary)
	}
}

// Rows that a filter hides are read, and the summary says so.
func TestHiddenRows(t *testing.T) {
	f := book(t, headRow(), []any{"职工甲", DemoPhone(1), DemoIDNumber(1)}, []any{"职工乙", DemoPhone(2), DemoIDNumber(2)}, []any{"职工丙", DemoPhone(3), DemoIDNumber(3)})
	for _, row := range []int{3, 9} { // the ninth is empty
		if err := f.SetRowVisible("Sheet1", row, false); err != nil {
			t.Fatal(err)
		}
	}
	rows, summary := mustRead(t, bytesOf(t, f))
	if len(rows) != 3 || summary.HiddenRows != 1 {
		t.Errorf("%d rows, %+v", len(rows), summary)
	}
}

func TestReadStopsAsTold(t *testing.T) {
	text := []byte(head + "\n" + line(1) + "\n" + line(2) + "\n" + line(3) + "\n")
	stop := errors.New("stop")
	_, err := Read(bytes.NewReader(text), Limits{}, today, func(Row) error { return stop })
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	count := func(Row) error { return nil }
	if _, err := Read(bytes.NewReader(text), Limits{MaxRows: 3}, today, count); err != nil {
		t.Error(err)
	}
	_, err = Read(bytes.NewReader(text), Limits{MaxRows: 2}, today, count)
	wantFileError(t, "rows", err, model.CodeTooLarge, "超过 2 人")
	_, err = Read(bytes.NewReader(text), Limits{MaxBytes: 100}, today, count)
	wantFileError(t, "bytes", err, model.CodeTooLarge, "不能超过")
	_, err = Read(iotest.ErrReader(errors.New("gone")), Limits{}, today, count)
	wantFileError(t, "broken upload", err, model.CodeInvalid, "没有传完")
}
