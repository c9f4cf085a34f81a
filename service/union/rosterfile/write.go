package rosterfile

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

const rosterSheet = "职工名册"

// textFormat is the built-in number format "@": the cell stays text when it is edited, so that no
// program turns a long number into 1.0E+17 or a text into a formula.
const textFormat = 49

// Template writes the file to fill in, format "xlsx" or "csv", headings only: required ones are marked
// with "*". The xlsx carries its rules and an example on a second sheet, which Read passes over.
func Template(w io.Writer, format string) error {
	switch format {
	case "xlsx":
		return templateXLSX(w)
	case "csv":
		_, err := io.WriteString(w, "\ufeff"+strings.Join(templateHeadings(), ",")+"\r\n")
		return err
	}
	return fmt.Errorf("template format %q is neither xlsx nor csv", format)
}

func templateHeadings() []string {
	headings := make([]string, 0, columnCount+1)
	for c := range columnCount {
		heading := c.title()
		if c.spec().required {
			heading += "*"
		}
		headings = append(headings, heading)
	}
	return append(headings, "备注")
}

func templateXLSX(w io.Writer) error {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := book.SetSheetName("Sheet1", rosterSheet); err != nil {
		return err
	}
	styles, err := newStyles(book)
	if err != nil {
		return err
	}
	if err := writeSheet(book, rosterSheet, styles, templateWidths(), func(row rowWriter) error {
		return row(styles.heading, templateHeadings()...)
	}); err != nil {
		return err
	}
	if _, err := book.NewSheet(instructionSheet); err != nil {
		return err
	}
	if err := writeSheet(book, instructionSheet, styles, templateWidths(), func(row rowWriter) error {
		return writeInstructions(row, styles)
	}); err != nil {
		return err
	}
	return book.Write(w)
}

func templateWidths() []float64 {
	widths := make([]float64, 0, columnCount+1)
	for c := range columnCount {
		widths = append(widths, c.spec().width)
	}
	return append(widths, 30)
}

func writeInstructions(row rowWriter, styles styles) error {
	if err := row(styles.heading, instructionSheet); err != nil {
		return err
	}
	for _, line := range []string{
		"1. 请在“" + rosterSheet + "”工作表里填写，一人一行，表头不要改动；本页内容不会被导入。",
		"2. 带 * 的列必填：姓名、手机号、身份证号。工号、部门可以不填；备注只供您自己看，不会被导入。",
		"3. 姓名：2 至 30 个字，须与身份证一致；少数民族姓名的间隔号写作“·”。",
		"4. 手机号：11 位，以 1 开头，须是本人微信绑定的手机号，一个号码只能属于一个人。",
		"5. 身份证号：18 位，最后一位可以是 X。同一个人只能填一行。",
		"6. 手机号和身份证号须以文本保存。从别处粘贴时请选“只粘贴文本”，避免变成 1.00E+10 这样的科学计数法。",
		fmt.Sprintf("7. 一个文件最多 %d 人，大小不超过 %s。支持 xlsx 和 csv。", DefaultMaxRows, sizeText(DefaultMaxBytes)),
		"8. 上传后先预览，每行有问题会写明原因，确认后才会保存；重复上传同一份名册不会重复添加。",
		"",
		"填写示例（号码均为虚构）：",
	} {
		if err := row(styles.text, line); err != nil {
			return err
		}
	}
	if err := row(styles.heading, templateHeadings()...); err != nil {
		return err
	}
	return row(styles.text, "张三", DemoPhone(1), DemoIDNumber(1), "A001", "办公室", "示例")
}

// WriteErrors writes rows back as an xlsx to be corrected and uploaded again: the template's columns,
// 行号 (where the row stood) and 问题 (its problems). Every cell is text, and one that looks like a formula bears an
// apostrophe (see model.CellText), which Read takes off.
func WriteErrors(w io.Writer, rows []Row) error {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := book.SetSheetName("Sheet1", rosterSheet); err != nil {
		return err
	}
	styles, err := newStyles(book)
	if err != nil {
		return err
	}
	widths := slices.Concat(templateWidths()[:columnCount], []float64{8, 60})
	headings := slices.Concat(templateHeadings()[:columnCount], []string{"行号", "问题"})
	if err := writeSheet(book, rosterSheet, styles, widths, func(write rowWriter) error {
		if err := write(styles.heading, headings...); err != nil {
			return err
		}
		for _, row := range rows {
			messages := make([]string, len(row.Problems))
			for i, p := range row.Problems {
				messages[i] = p.Message
			}
			if err := write(styles.text, row.Name, row.Phone, row.IDNumber, row.EmployeeNo, row.Department,
				fmt.Sprint(row.No), strings.Join(messages, "；")); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return book.Write(w)
}

type styles struct{ heading, text int }

func newStyles(book *excelize.File) (styles, error) {
	heading, err := book.NewStyle(&excelize.Style{
		Font:      &excelize.Font{Bold: true, Color: "FFFFFF"},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"C0392B"}},
		Alignment: &excelize.Alignment{Horizontal: "center", Vertical: "center"},
		NumFmt:    textFormat,
	})
	if err != nil {
		return styles{}, err
	}
	text, err := book.NewStyle(&excelize.Style{NumFmt: textFormat})
	return styles{heading, text}, err
}

// rowWriter writes the next row of a sheet, text cells all in one style.
type rowWriter func(style int, texts ...string) error

// writeSheet streams the rows that write makes into a sheet whose first row stays in view and whose
// columns take text, also in the rows that are added by hand.
func writeSheet(book *excelize.File, sheet string, styles styles, widths []float64, write func(rowWriter) error) error {
	stream, err := book.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	if err := stream.SetColStyle(1, len(widths), styles.text); err != nil {
		return err
	}
	for i, width := range widths {
		if err := stream.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	if err := stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	no := 0
	if err := write(func(style int, texts ...string) error {
		no++
		cells := make([]any, len(texts))
		for i, text := range texts {
			cells[i] = excelize.Cell{StyleID: style, Value: model.CellText(text)}
		}
		return stream.SetRow(fmt.Sprintf("A%d", no), cells)
	}); err != nil {
		return err
	}
	return stream.Flush()
}
