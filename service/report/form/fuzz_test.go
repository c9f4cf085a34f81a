package form

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

// FuzzForm: whatever people typed and whatever the figures, the form is refused or its workbook is made, in which nothing
// typed is a formula and no text cell begins like one.
func FuzzForm(f *testing.F) {
	f.Add("示范工会", "陈示例", "10012345678", "2025年", int64(10), 3)
	f.Add("=1+1", "@x", "+1-1", "-", int64(-1), 0)
	f.Add("\u202e\x00", "\ufeff", "\U0001F34A", "\ue000", int64(999_999_999_999_999), 999_999_999)
	f.Fuzz(func(t *testing.T, union, filler, phone, period string, amount int64, times int) {
		if len(union)+len(filler)+len(phone)+len(period) > 800 {
			return
		}
		x := sample()
		x.UnionName, x.Filler, x.Phone, x.Period = union, filler, phone, period
		x.Rows[2].Amount, x.Rows[2].PersonTimes = model.Fen(amount), times
		if err := x.Check(); err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		var sheet bytes.Buffer
		if err := XLSX(&sheet, x); err != nil {
			t.Fatalf("xlsx: %v", err)
		}
		book, err := excelize.OpenReader(&sheet)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = book.Close() }()
		for _, axis := range []string{"A3", "A14", "C14", "A16"} {
			value, err := book.GetCellValue(sheetName, axis)
			formula, ferr := book.GetCellFormula(sheetName, axis)
			if err != nil || ferr != nil || formula != "" || model.CellText(value) != value || !utf8.ValidString(value) {
				t.Errorf("%s is %q, formula %q, %v %v", axis, value, formula, err, ferr)
			}
		}
	})
}

// FuzzFormPDF: the same for the other rendering. Cutting the font to size makes it slow.
func FuzzFormPDF(f *testing.F) {
	f.Add("示范工会", "陈示例", int64(10))
	f.Add("\U0001F34A\x00%PDF", "(\\)", int64(-1))
	f.Fuzz(func(t *testing.T, union, filler string, amount int64) {
		x := sample()
		x.UnionName, x.Filler, x.Rows[7].Amount = union, filler, model.Fen(amount)
		if len(union)+len(filler) > 300 || x.Check() != nil {
			return
		}
		var pdf bytes.Buffer
		if err := PDF(&pdf, x); err != nil || !bytes.HasPrefix(pdf.Bytes(), []byte("%PDF-")) {
			t.Errorf("%v", err)
		}
	})
}
