package rosterfile

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

func template(t *testing.T, format string) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Template(&buf, format); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func openBook(t *testing.T, data []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestTemplateAsItIsHoldsNobody(t *testing.T) {
	for _, format := range []string{"xlsx", "csv"} {
		_, _, err := read(t, template(t, format))
		wantFileError(t, format, err, model.CodeInvalid, "没有填写任何人")
	}
	if err := Template(&bytes.Buffer{}, "xls"); err == nil {
		t.Error("unknown format accepted")
	}
}

func TestFilledTemplateReads(t *testing.T) {
	want := "[职工甲 " + DemoPhone(1) + " " + DemoIDNumber(1) + " A1 财务科]"
	check := func(data []byte) {
		t.Helper()
		rows, summary := mustRead(t, data)
		r := rows[0]
		if got := fmt.Sprint([]string{r.Name, r.Phone, r.IDNumber, r.EmployeeNo, r.Department}); got != want ||
			len(rows) != 1 || summary.BadRows != 0 || len(summary.ExtraColumns)+len(summary.OtherSheets) != 0 {
			t.Errorf("%+v %+v", summary, rows)
		}
	}
	check(append(template(t, "csv"), "职工甲,"+DemoPhone(1)+","+DemoIDNumber(1)+",A1,财务科,备注\r\n"...))

	f := openBook(t, template(t, "xlsx"))
	if !slices.Equal(f.GetSheetList(), []string{rosterSheet, instructionSheet}) {
		t.Error(f.GetSheetList())
	}
	for _, cell := range []string{"B2", "C2", "B5000"} {
		id, err := f.GetCellStyle(rosterSheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		if style, err := f.GetStyle(id); err != nil || style.NumFmt != textFormat {
			t.Errorf("%s is not a text cell: %+v, %v", cell, style, err)
		}
	}
	fill(t, f, rosterSheet, nil, []any{"职工甲", DemoPhone(1), DemoIDNumber(1), "A1", "财务科", "备注"})
	check(bytesOf(t, f))

	if err := f.MoveSheet(instructionSheet, rosterSheet); err != nil { // its example must not be taken
		t.Fatal(err)
	}
	check(bytesOf(t, f))
}

func TestInstructionsShowAValidExample(t *testing.T) {
	f := openBook(t, template(t, "xlsx"))
	all, err := f.GetRows(instructionSheet)
	if err != nil {
		t.Fatal(err)
	}
	example := all[len(all)-1]
	if _, err := NormalizePhone(example[1]); err != nil {
		t.Error(err)
	}
	if _, err := NormalizeIDNumber(example[2], today); err != nil {
		t.Error(err)
	}
}

func TestWriteErrorsCanBeCorrectedAndUploaded(t *testing.T) {
	evil := `=HYPERLINK("http://x","y")`
	rows := []Row{
		{No: 5, Name: evil, Phone: "+1", IDNumber: "@SUM(1)", EmployeeNo: "-2+3", Department: "\x01财务\t科",
			Problems: []Problem{{"姓名", "姓名不对"}, {"手机号", "手机号不对"}}},
		{No: 7, Name: "职工甲", Phone: DemoPhone(1), IDNumber: DemoIDNumber(1), Problems: []Problem{{"身份证号", "重复"}}},
	}
	var buf bytes.Buffer
	if err := WriteErrors(&buf, rows); err != nil {
		t.Fatal(err)
	}
	f := openBook(t, buf.Bytes())
	for _, axis := range []string{"A2", "B2", "C2", "D2", "E2", "F2", "G2", "B3", "C3"} {
		kind, err := f.GetCellType(rosterSheet, axis)
		if err != nil || kind != excelize.CellTypeInlineString {
			t.Errorf("%s is %v, %v", axis, kind, err)
		}
		if formula, err := f.GetCellFormula(rosterSheet, axis); err != nil || formula != "" {
			t.Errorf("%s has formula %q", axis, formula)
		}
	}
	all, err := f.GetRows(rosterSheet)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"姓名*", "手机号*", "身份证号*", "工号", "部门", "行号", "问题"}; !slices.Equal(all[0], want) {
		t.Errorf("%q", all[0])
	}
	if all[1][0] != "'"+evil || all[1][5] != "5" || all[1][6] != "姓名不对；手机号不对" {
		t.Errorf("%q", all[1])
	}
	again, summary := mustRead(t, buf.Bytes())
	if len(again) != 2 || again[1].Phone != DemoPhone(1) || len(again[1].Problems) != 0 || len(summary.ExtraColumns) != 0 {
		t.Errorf("%+v %+v", summary, again)
	}
}

func TestWriteErrorsOfNone(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteErrors(&buf, nil); err != nil {
		t.Fatal(err)
	}
	_, _, err := read(t, buf.Bytes())
	wantFileError(t, "no rows", err, model.CodeInvalid, "没有填写任何人")
}

// roster is an xlsx of n people as a spreadsheet program writes it: texts in the shared table.
func roster(tb testing.TB, n int) []byte {
	f := book(tb, headRow())
	for i := 1; i <= n; i++ {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &[]any{"职工" + string(rune('一'+i%9000)),
			DemoPhone(i), DemoIDNumber(i), fmt.Sprintf("A%06d", i), fmt.Sprintf("第%d车间", i%40)}); err != nil {
			tb.Fatal(err)
		}
	}
	return bytesOf(tb, f)
}

func BenchmarkReadXLSX50000(b *testing.B) {
	data := roster(b, 50_000)
	b.ReportAllocs()
	for b.Loop() {
		summary, err := Read(bytes.NewReader(data), Limits{}, today, func(Row) error { return nil })
		if err != nil || summary.Rows != 50_000 || summary.BadRows != 0 {
			b.Fatal(summary, err)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(head + "\n" + line(1) + "\n"))
	f.Add([]byte("\xef\xbb\xbf" + head + "\r\n\"a\"\"b\",\"=\n\",=\"1\"x\r\r\n"))
	f.Add([]byte("\xff\xfe\x00\xd8"))
	f.Fuzz(func(t *testing.T, data []byte) {
		last := 0
		summary, err := Read(bytes.NewReader(data), Limits{}, today, func(r Row) error {
			if r.No <= last {
				t.Errorf("row %d after %d", r.No, last)
			}
			last = r.No
			return nil
		})
		if err == nil && (summary.Rows == 0 || summary.BadRows > summary.Rows) {
			t.Errorf("%+v", summary)
		}
		if code := model.CodeOf(err); err != nil && code != model.CodeInvalid && code != model.CodeTooLarge {
			t.Error(err)
		}
	})
}

// What encoding/csv writes must come back, whatever is in the cells.
func FuzzSplitCSV(f *testing.F) {
	f.Add("a", "b\"c", "d\n,e")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 1000 || strings.Contains(a+b+c, "\r") {
			return // encoding/csv changes \r
		}
		want := []string{a, "=", b, c}
		var buf bytes.Buffer
		w := csv.NewWriter(&buf)
		if err := w.Write(want); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		var got [][]string
		if err := splitCSV(buf.String(), ',', func(no int, cells []string) error {
			got = append(got, slices.Clone(cells))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !slices.Equal(got[0], want) {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}
