package settlement

import (
	"fmt"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

// Built-in number formats: "@" keeps a text a text when it is edited, so that no program turns an account number into
// 1.0E+17 or a name into a formula; "0.00" shows whole fen.
const (
	textFormat   = 49
	amountFormat = 2
)

// look is how a row looks.
type look int

const (
	body look = iota
	heading
)

// rowWriter writes the next row. Texts become text cells and never formulas, amounts numbers in yuan with two decimals.
type rowWriter func(l look, cells ...any) error

// workbook streams the rows that fill makes into a workbook of one sheet. Nothing reaches w before all rows are made.
func workbook(w io.Writer, sheet string, widths []float64, fill func(put rowWriter) error) error {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	if err := book.SetDocProps(&excelize.DocProperties{Title: sheet, Creator: "工会消费帮扶平台"}); err != nil {
		return err
	}
	var styles [2][2]int // by look, then text or amount
	for l := range styles {
		for kind, format := range []int{textFormat, amountFormat} {
			var err error
			if styles[l][kind], err = book.NewStyle(&excelize.Style{NumFmt: format, Font: &excelize.Font{Bold: look(l) == heading}}); err != nil {
				return err
			}
		}
	}
	stream, err := book.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	for i, width := range widths {
		if err := stream.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	no := 0
	err = fill(func(l look, values ...any) error {
		no++
		cells := make([]any, len(values))
		for i, v := range values {
			if cells[i], err = cell(v, styles[l]); err != nil {
				return err
			}
		}
		return stream.SetRow(fmt.Sprintf("A%d", no), cells)
	})
	if err != nil {
		return err
	}
	if err := stream.Flush(); err != nil {
		return err
	}
	return book.Write(w)
}

func cell(v any, styles [2]int) (any, error) {
	switch v := v.(type) {
	case model.Fen:
		// Through the decimal text: the nearest float64 writes itself as exactly that decimal again.
		yuan, err := strconv.ParseFloat(v.Yuan(), 64)
		return excelize.Cell{StyleID: styles[1], Value: yuan}, err
	case string:
		return excelize.Cell{StyleID: styles[0], Value: model.CellText(v)}, nil
	}
	return excelize.Cell{StyleID: styles[0], Value: fmt.Sprint(v)}, nil
}
