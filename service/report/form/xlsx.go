package form

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

// Where things are on the sheet. Columns A to C are the form's three; rows are 1-based.
const (
	sheetName  = "统计表"
	rowHead    = 4
	rowFirst   = 5
	rowTotal   = 13
	rowNotes   = 16
	unionWidth = 24 // full-width characters of the head that fit into A:B in one line
)

// sheetStyles are the style ids of one workbook.
type sheetStyles struct {
	annex, title, left, right, phone, note, mark int
	headCell, nameCell, timesCell, amountCell    int
}

// XLSX writes the form as a workbook of one sheet, laid out like the official form on one A4 page. Amounts
// are numbers in yuan with two decimals, 合计 is a SUM formula that carries its value for readers that do
// not calculate. Everything a person typed is text and never a formula. The form must pass Check.
func XLSX(w io.Writer, f Form) error {
	if err := f.Check(); err != nil {
		return err
	}
	book := excelize.NewFile()
	defer book.Close() // holds no file; nothing to report
	if err := book.SetSheetName("Sheet1", sheetName); err != nil {
		return fmt.Errorf("name sheet: %w", err)
	}
	if err := setUpPage(book); err != nil {
		return fmt.Errorf("set up page: %w", err)
	}
	if err := book.SetDocProps(properties(f)); err != nil {
		return fmt.Errorf("set properties: %w", err)
	}
	styles, err := newStyles(book)
	if err != nil {
		return fmt.Errorf("make styles: %w", err)
	}
	// Only the stream writer can store a formula together with a numeric value.
	sheet, err := book.NewStreamWriter(sheetName)
	if err != nil {
		return fmt.Errorf("open sheet: %w", err)
	}
	if err := writeSheet(sheet, styles, f); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	if err := sheet.Flush(); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

// properties name the union as the author, since the library would name its own. Without a date in the
// head the file carries the library's fixed one: the current time has no place in a pure rendering.
func properties(f Form) *excelize.DocProperties {
	p := &excelize.DocProperties{Title: title, Creator: clean(f.UnionName)}
	if f.Date != "" {
		p.Created = f.Date.Start().Format(time.RFC3339)
		p.Modified = p.Created
	}
	return p
}

func setUpPage(book *excelize.File) error {
	a4, one, portrait, yes := 9, 1, "portrait", true
	if err := book.SetPageLayout(sheetName, &excelize.PageLayoutOptions{
		Size: &a4, Orientation: &portrait, FitToWidth: &one, FitToHeight: &one,
	}); err != nil {
		return err
	}
	if err := book.SetSheetProps(sheetName, &excelize.SheetPropsOptions{FitToPage: &yes}); err != nil {
		return err
	}
	inch := func(v float64) *float64 { return &v }
	return book.SetPageMargins(sheetName, &excelize.PageLayoutMarginsOptions{
		Left: inch(0.7), Right: inch(0.7), Top: inch(0.9), Bottom: inch(0.7), Horizontally: &yes,
	})
}

func newStyles(book *excelize.File) (sheetStyles, error) {
	const counts, money, text = 3, 4, 49 // built-in number formats #,##0  #,##0.00  @
	font := func(family string, size float64, bold bool, color string) *excelize.Font {
		return &excelize.Font{Family: family, Size: size, Bold: bold, Color: color}
	}
	align := func(horizontal string) *excelize.Alignment {
		return &excelize.Alignment{Horizontal: horizontal, Vertical: "center", WrapText: true}
	}
	var border []excelize.Border
	for _, side := range []string{"left", "right", "top", "bottom"} {
		border = append(border, excelize.Border{Type: side, Style: 1, Color: "000000"})
	}
	body, heading := font("宋体", 12, false, ""), font("宋体", 12, true, "")

	var s sheetStyles
	for _, style := range []struct {
		id *int
		is excelize.Style
	}{
		{&s.annex, excelize.Style{Font: font("黑体", 14, false, ""), Alignment: align("left")}},
		{&s.title, excelize.Style{Font: font("宋体", 20, true, ""), Alignment: align("center")}},
		{&s.left, excelize.Style{Font: body, Alignment: align("left")}},
		{&s.right, excelize.Style{Font: body, Alignment: align("right")}},
		{&s.phone, excelize.Style{Font: body, Alignment: align("left"), NumFmt: text}},
		{&s.note, excelize.Style{Font: font("宋体", 10, false, "595959"), Alignment: align("left")}},
		{&s.mark, excelize.Style{Font: font("宋体", 11, true, "C00000"), Alignment: align("left")}},
		{&s.headCell, excelize.Style{Font: heading, Alignment: align("center"), Border: border}},
		{&s.nameCell, excelize.Style{Font: body, Alignment: align("left"), Border: border}},
		{&s.timesCell, excelize.Style{Font: body, Alignment: align("right"), Border: border, NumFmt: counts}},
		{&s.amountCell, excelize.Style{Font: body, Alignment: align("right"), Border: border, NumFmt: money}},
	} {
		id, err := book.NewStyle(&style.is)
		if err != nil {
			return s, err
		}
		*style.id = id
	}
	return s, nil
}

// sheetRow is one row to be written: cells from column A, and a height in points.
type sheetRow struct {
	number int
	height float64
	merge  string // last cell of a merge that starts in column A; "" for none
	cells  []any
}

func writeSheet(sheet *excelize.StreamWriter, s sheetStyles, f Form) error {
	widths := [3]float64{48, 14, 24}
	// From the last to the first: the library writes the newest first, readers want them ascending.
	for column := len(widths); column > 0; column-- {
		if err := sheet.SetColWidth(column, column, widths[column-1]); err != nil {
			return err
		}
	}
	rows, err := formRows(s, f)
	if err != nil {
		return err
	}
	rows = append(rows, noteRows(s, f)...)
	for _, row := range rows {
		first := "A" + strconv.Itoa(row.number)
		if err := sheet.SetRow(first, row.cells, excelize.RowOpts{Height: row.height}); err != nil {
			return err
		}
		if row.merge == "" {
			continue
		}
		if err := sheet.MergeCell(first, row.merge+strconv.Itoa(row.number)); err != nil {
			return err
		}
	}
	return nil
}

// formRows are the rows of the official form itself, head to foot.
func formRows(s sheetStyles, f Form) ([]sheetRow, error) {
	cell := func(style int, value any) any { return excelize.Cell{StyleID: style, Value: value} }
	union := headUnion + clean(f.UnionName)
	unionLines := (len([]rune(union)) + unionWidth - 1) / unionWidth
	rows := []sheetRow{
		{1, 22, "", []any{cell(s.annex, annex)}},
		{2, 40, "C", []any{cell(s.title, title), cell(s.title, nil), cell(s.title, nil)}},
		{3, 6 + 18*float64(unionLines), "B", []any{cell(s.left, union), cell(s.left, nil), cell(s.right, f.headDate())}},
		{rowHead, 44, "", []any{cell(s.headCell, headChannel), cell(s.headCell, headTimes), cell(s.headCell, headAmount)}},
	}
	for i, r := range f.Rows {
		amount, err := yuan(r.Amount)
		if err != nil {
			return nil, err
		}
		rows = append(rows, sheetRow{rowFirst + i, 34, "", []any{
			cell(s.nameCell, r.Channel), cell(s.timesCell, r.PersonTimes), cell(s.amountCell, amount),
		}})
	}
	total := f.Total()
	amount, err := yuan(total.Amount)
	if err != nil {
		return nil, err
	}
	sum := func(style int, column string, value any) any {
		formula := fmt.Sprintf("SUM(%s%d:%s%d)", column, rowFirst, column, rowTotal-1)
		return excelize.Cell{StyleID: style, Formula: formula, Value: value}
	}
	return append(rows,
		sheetRow{rowTotal, 34, "", []any{
			cell(s.headCell, totalName), sum(s.timesCell, "B", total.PersonTimes), sum(s.amountCell, "C", amount),
		}},
		sheetRow{rowTotal + 1, 34, "", []any{
			cell(s.left, footFiller+clean(f.Filler)), cell(s.right, footPhone), cell(s.phone, model.CellText(clean(f.Phone))),
		}}), nil
}

func noteRows(s sheetStyles, f Form) []sheetRow {
	var rows []sheetRow
	add := func(style int, text string, height float64) {
		rows = append(rows, sheetRow{rowNotes + len(rows), height, "C", []any{excelize.Cell{StyleID: style, Value: text}}})
	}
	for _, note := range f.notes() {
		add(s.note, note, 18)
	}
	if marks := f.marks(); marks != "" {
		add(s.mark, marks, 22)
	}
	return rows
}

// yuan turns an amount into the spreadsheet's number. It goes through the decimal text: within the bounds
// of Check the nearest float64 writes itself as exactly that decimal again.
func yuan(a model.Fen) (float64, error) { return strconv.ParseFloat(a.Yuan(), 64) }
