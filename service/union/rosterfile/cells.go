package rosterfile

import (
	"io"

	"github.com/xuri/excelize/v2"
)

// ReadCells hands the rows of any other spreadsheet that is about the people of a roster, xlsx or csv as its content
// tells, to each: no is the number that the spreadsheet program shows, blank rows are left out. isHeader tells the sheet
// to read, where a workbook has several. What cannot be read as a whole is a model.Error about the field "file", as with
// Read. Cells are as written: see Clean, Heading and the Normalize functions.
func ReadCells(r io.Reader, maxBytes int64, isHeader func(cells []string) bool, each func(no int, cells []string) error) error {
	rows := &reader{summary: &Summary{}, isHeader: isHeader, add: func(no int, cells []string) error {
		if blank(cells) {
			return nil
		}
		return each(no, cells)
	}}
	return rows.read(r, maxBytes)
}

// Clean removes from a cell what spreadsheets, web pages and input methods add to a text.
func Clean(cell string) string { return cleanCell(cell) }

// Heading brings a heading to its bare name: "＊金额（元）：" is "金额".
func Heading(cell string) string { return headingKey(cell) }

// Column is a column of a template.
type Column struct {
	Heading string
	Width   float64 // in characters
}

// WriteTemplate writes a workbook to fill in: a sheet with the headings only, its cells kept as text, and a second one
// with the instructions, which Read and ReadCells pass over.
func WriteTemplate(w io.Writer, sheet string, columns []Column, instructions []string) error {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	styles, err := newStyles(book)
	if err != nil {
		return err
	}
	headings, widths := make([]string, len(columns)), make([]float64, len(columns))
	for i, c := range columns {
		headings[i], widths[i] = c.Heading, c.Width
	}
	if err := writeSheet(book, sheet, styles, widths, func(row rowWriter) error { return row(styles.heading, headings...) }); err != nil {
		return err
	}
	if _, err := book.NewSheet(instructionSheet); err != nil {
		return err
	}
	if err := writeSheet(book, instructionSheet, styles, []float64{100}, func(row rowWriter) error {
		for _, line := range instructions {
			if err := row(styles.text, line); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return book.Write(w)
}

// WriteTable streams a workbook of one sheet: the headings, then the rows that each makes. Every cell is text, and one that looks like a
// formula bears an apostrophe (see model.CellText).
func WriteTable(w io.Writer, sheet string, columns []Column, each func(row func(texts ...string) error) error) error {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	styles, err := newStyles(book)
	if err != nil {
		return err
	}
	headings, widths := make([]string, len(columns)), make([]float64, len(columns))
	for i, c := range columns {
		headings[i], widths[i] = c.Heading, c.Width
	}
	if err := writeSheet(book, sheet, styles, widths, func(row rowWriter) error {
		if err := row(styles.heading, headings...); err != nil {
			return err
		}
		return each(func(texts ...string) error { return row(styles.text, texts...) })
	}); err != nil {
		return err
	}
	return book.Write(w)
}
