package form

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/signintech/gopdf"

	"bangfu/model"
)

// Measures of the page in points (A4 portrait is 595 × 842).
const (
	pageLeft   = 55.6
	pageTop    = 60.0
	pageWidth  = 484.0
	padding    = 6.0
	rowHeight  = 36.0
	headHeight = 46.0
	bodySize   = 10.5 // 五号
	minSize    = 7.0
	leading    = 1.35 // line height as a multiple of the font size
)

// columns are the left edges of the table's columns, and the right edge of the last.
var columns = [4]float64{pageLeft, pageLeft + 276, pageLeft + 352, pageLeft + pageWidth}

// PDF writes the form as one A4 page laid out like the official form. The font is embedded as a subset, so
// the text can be searched and copied anywhere. Long texts wrap, then shrink, and in the last resort are
// cut with …; characters that the font does not have appear as □. The form must pass Check.
func PDF(w io.Writer, f Form) error {
	if err := f.Check(); err != nil {
		return err
	}
	p, err := newPage()
	if err != nil {
		return err
	}
	p.pdf.SetInfo(gopdf.PdfInfo{Title: title + " " + clean(f.UnionName)})
	y := p.head(f)
	y = p.table(y, f)
	p.foot(y, f)
	if p.err != nil {
		return fmt.Errorf("draw form: %w", p.err)
	}
	out, err := p.pdf.GetBytesPdfReturnErr()
	if err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	_, err = w.Write(out)
	return err
}

func (p *page) head(f Form) (bottom float64) {
	y := pageTop
	p.text(box{pageLeft, y, pageWidth, 18}, annex, line(13))
	y += 30
	p.text(box{pageLeft, y, pageWidth, 34}, title, style{size: 20, lines: 1, align: gopdf.Center})
	y += 50
	const dateWidth = 130
	union := box{pageLeft, y, pageWidth - dateWidth, 22}
	lines := p.fit(headUnion+clean(f.UnionName), union.w, style{size: bodySize, lines: 4})
	union.h = max(union.h, lines.height())
	p.draw(union, lines, gopdf.Left, false)
	date := line(bodySize)
	date.align = gopdf.Right
	p.text(box{pageLeft + pageWidth - dateWidth, y, dateWidth, 22}, f.headDate(), date)
	return y + union.h + 6
}

func (p *page) table(top float64, f Form) (bottom float64) {
	y := p.tableRow(top, headHeight, [3]string{headChannel, unitBelow(headTimes), unitBelow(headAmount)}, gopdf.Center, gopdf.Center)
	for _, r := range f.Rows {
		y = p.tableRow(y, rowHeight, figures(r), gopdf.Left, gopdf.Right)
	}
	return p.tableRow(y, rowHeight, figures(f.Total()), gopdf.Center, gopdf.Right)
}

// unitBelow puts the unit of a column's heading on a line of its own.
func unitBelow(heading string) string { return strings.Replace(heading, "（", "\n（", 1) }

func figures(r Row) [3]string {
	return [3]string{r.Channel, group(strconv.Itoa(r.PersonTimes)), grouped(r.Amount)}
}

// tableRow draws one row with its borders and tells where it ends.
func (p *page) tableRow(y, height float64, texts [3]string, nameAlign, figureAlign int) (bottom float64) {
	for i, text := range texts {
		left, width := columns[i], columns[i+1]-columns[i]
		p.pdf.RectFromUpperLeft(left, y, width, height)
		s := style{size: bodySize, lines: 1 + strings.Count(text, "\n"), align: figureAlign}
		if i == 0 {
			s.align = nameAlign
		}
		p.text(box{left + padding, y, width - 2*padding, height}, text, s)
	}
	return y + height
}

func (p *page) foot(y float64, f Form) {
	y += 14
	const half = pageWidth / 2
	p.text(box{pageLeft, y, half - padding, 22}, footFiller+clean(f.Filler), line(bodySize))
	p.text(box{pageLeft + half, y, half, 22}, footPhone+clean(f.Phone), line(bodySize))
	y += 44
	for _, note := range f.notes() {
		note := p.fit(note, pageWidth, style{size: 9, lines: 2})
		at := box{pageLeft, y, pageWidth, note.height()}
		p.draw(at, note, gopdf.Left, false)
		y += at.h + 3
	}
	if marks := f.marks(); marks != "" {
		mark := p.fit(marks, pageWidth, line(12))
		p.draw(box{pageLeft, y + 6, pageWidth, mark.height()}, mark, gopdf.Left, true)
	}
}

// grouped writes an amount as people read it on paper: "1,234,567.80".
func grouped(a model.Fen) string {
	text := a.Yuan()
	point := len(text) - len(".00")
	return group(text[:point]) + text[point:]
}

// group puts a comma between the thousands of a whole number.
func group(digits string) string {
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
