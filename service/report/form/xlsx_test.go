package form

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

func renderXLSX(t *testing.T, f Form) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := XLSX(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openXLSX(t *testing.T, f Form) *excelize.File {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(renderXLSX(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close() })
	return book
}

// part reads one file inside the workbook.
func part(t *testing.T, workbook []byte, name string) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestXLSXEveryCell(t *testing.T) {
	f := sample()
	f.Draft, f.Demo = true, true
	book := openXLSX(t, f)
	got, err := book.GetRows("统计表")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"附件3"},
		{"工会消费帮扶情况统计表"},
		{"单位（盖章）：湛江市示范区第一小学工会委员会", "", "2025年8月25日"},
		{"采购平台", "人次（单位：人）", "消费总金额或投入总额度（单位：元）"},
		{"粤工惠购平台", "0", "0.10"},
		{"湛江市总工会消费帮扶官方平台“粤工惠·湛江号”", "12,345", "1,234,567,890.12"},
		{"湛江市乡村振兴产品专馆", "274", "-12.50"},
		{"粤桂协作消费帮扶产品展销中心", "411", "600.00"},
		{"消费帮扶联盟广东馆（原乡村振兴全国消费帮扶广东馆）", "548", "0.00"},
		{"广东东西部扶贫协作产品交易网", "685", "0.01"},
		{"832平台", "822", "0.29"},
		{"其他采购渠道（含线上和线下）", "959", "19,999.99"},
		{"合计", "16,044", "1,234,588,478.01"},
		{"填报人：陈示例", "联系电话：", "10012345678"},
		nil,
		{"统计期间：2025年1月1日至8月25日"},
		{"消费总金额为订单付款减退款，加其他渠道采购；人次：一人一次有效购买计一人次，全额退款不计。"},
		{"文件依据：湛工总〔2023〕25号"},
		{"（草稿，未提交）（演示数据）"},
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if a, b := strings.Join(got[i], "|"), strings.Join(want[i], "|"); a != b {
			t.Errorf("row %d is %q, want %q", i+1, a, b)
		}
	}
}

func TestXLSXTotalIsAFormulaWithItsValue(t *testing.T) {
	sheet := part(t, renderXLSX(t, sample()), "xl/worksheets/sheet1.xml")
	for _, want := range []string{
		`<f>SUM(B5:B12)</f><v>16044</v>`,
		`<f>SUM(C5:C12)</f><v>1234588478.01</v>`,
	} {
		if !strings.Contains(sheet, want) {
			t.Errorf("sheet lacks %s", want)
		}
	}
	if n := strings.Count(sheet, "<f>"); n != 2 {
		t.Errorf("%d formulas, want only the two of 合计", n)
	}
	if strings.Contains(sheet, `t="str"`) {
		t.Error("a formula's value is stored as text")
	}
	book := openXLSX(t, sample())
	for cell, want := range map[string]string{"B13": "16,044", "C13": "1,234,588,478.01"} {
		if got, err := book.CalcCellValue("统计表", cell); err != nil || got != want {
			t.Errorf("%s calculates to %q, %v; want %q", cell, got, err, want)
		}
	}
}

func TestXLSXAmountsAreExact(t *testing.T) {
	f := sample()
	f.Rows = BlankRows()
	f.Rows[0].Amount = maxAmount                 // the largest that Check lets through
	f.Rows[1].Amount = -maxAmount + 1            // so that the total is in bounds
	f.Rows[2].Amount = 29                        // 0.29 is not a binary fraction
	f.Rows[3].Amount = model.Fen(999_999_999_97) // nor is this
	sheet := part(t, renderXLSX(t, f), "xl/worksheets/sheet1.xml")
	for cell, want := range map[string]string{
		"C5": "9999999999999.99", "C6": "-9999999999999.98", "C7": "0.29", "C8": "999999999.97", "C9": "0",
	} {
		_, after, found := strings.Cut(sheet, `<c r="`+cell+`"`)
		_, after, _ = strings.Cut(after, "<v>")
		got, _, _ := strings.Cut(after, "</v>")
		if !found || got != want {
			t.Errorf("%s stores %q, want %q", cell, got, want)
		}
	}
}

func TestXLSXTypedTextIsNeverAFormula(t *testing.T) {
	for _, lead := range []string{"=", "+", "-", "@", "\t=", "\x00=", " ="} {
		f := sample()
		f.UnionName = lead + `HYPERLINK("http://example.invalid","<点&击>")`
		f.Filler = lead + "1+1"
		f.Phone = lead + "cmd|' /C calc'!A0"
		f.Period = lead + "2"
		f.DocumentNo = lead + "3"
		book := openXLSX(t, f)
		texts := map[string]string{
			"A3":  "单位（盖章）：" + clean(f.UnionName),
			"A14": "填报人：" + clean(f.Filler),
			"C14": model.CellText(clean(f.Phone)),
			"A16": "统计期间：" + clean(f.Period),
			"A18": "文件依据：" + clean(f.DocumentNo),
		}
		for cell, want := range texts {
			if got, err := book.GetCellValue("统计表", cell); err != nil || got != want {
				t.Errorf("%q: %s is %q, %v; want %q", lead, cell, got, err, want)
			}
			if formula, err := book.GetCellFormula("统计表", cell); err != nil || formula != "" {
				t.Errorf("%q: %s holds the formula %q, %v", lead, cell, formula, err)
			}
			kind, err := book.GetCellType("统计表", cell)
			if err != nil || kind != excelize.CellTypeInlineString {
				t.Errorf("%q: %s has type %v, %v; want a string", lead, cell, kind, err)
			}
		}
	}
}

func TestXLSXPhoneIsText(t *testing.T) {
	book := openXLSX(t, sample())
	kind, err := book.GetCellType("统计表", "C14")
	if err != nil || kind != excelize.CellTypeInlineString {
		t.Errorf("type %v, %v; want a string", kind, err)
	}
	id, err := book.GetCellStyle("统计表", "C14")
	if err != nil {
		t.Fatal(err)
	}
	if style, err := book.GetStyle(id); err != nil || style.NumFmt != 49 {
		t.Errorf("style %+v, %v; want the text format", style, err)
	}
}

func TestXLSXLayout(t *testing.T) {
	book := openXLSX(t, sample())
	merges, err := book.GetMergeCells("统计表")
	if err != nil {
		t.Fatal(err)
	}
	var ranges []string
	for _, m := range merges {
		ranges = append(ranges, m.GetStartAxis()+":"+m.GetEndAxis())
	}
	if got := strings.Join(ranges, " "); got != "A2:C2 A3:B3 A16:C16 A17:C17 A18:C18" {
		t.Errorf("merged %s", got)
	}
	page, err := book.GetPageLayout("统计表")
	if err != nil || *page.Size != 9 || *page.Orientation != "portrait" || *page.FitToWidth != 1 || *page.FitToHeight != 1 {
		t.Errorf("page %+v, %v; want A4 portrait, one page", page, err)
	}
	if props, err := book.GetSheetProps("统计表"); err != nil || props.FitToPage == nil || !*props.FitToPage {
		t.Errorf("sheet %+v, %v; want fit to page", props, err)
	}
	for _, cell := range []string{"A4", "B4", "C4", "A5", "C12", "A13", "B13", "C13"} {
		id, err := book.GetCellStyle("统计表", cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := book.GetStyle(id)
		if err != nil || len(style.Border) != 4 || style.Font.Family != "宋体" || !style.Alignment.WrapText {
			t.Errorf("%s has style %+v, %v", cell, style, err)
		}
	}
	sheet := part(t, renderXLSX(t, sample()), "xl/worksheets/sheet1.xml")
	first, last := strings.Index(sheet, `<col min="1"`), strings.Index(sheet, `<col min="3"`)
	if first < 0 || last < first {
		t.Error("columns are not in ascending order, which some readers refuse")
	}
}

func TestXLSXWithoutOptionalTexts(t *testing.T) {
	f := Form{UnionName: "示例工会", Rows: BlankRows()}
	book := openXLSX(t, f)
	for cell, want := range map[string]string{
		"C3": "　　年　　月　　日", "A14": "填报人：", "C14": "", "A16": noteRules, "A17": "",
	} {
		if got, err := book.GetCellValue("统计表", cell); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", cell, got, err, want)
		}
	}
}

func TestXLSXSameFormSameBytes(t *testing.T) {
	if !bytes.Equal(renderXLSX(t, sample()), renderXLSX(t, sample())) {
		t.Error("two renderings of one form differ")
	}
	if core := part(t, renderXLSX(t, sample()), "docProps/core.xml"); !strings.Contains(core, "<dc:creator>湛江市示范区第一小学工会委员会<") {
		t.Errorf("the union is not the author: %s", core)
	}
}

func BenchmarkXLSX(b *testing.B) {
	f := sample()
	b.ReportAllocs()
	for b.Loop() {
		if err := XLSX(io.Discard, f); err != nil {
			b.Fatal(err)
		}
	}
}
