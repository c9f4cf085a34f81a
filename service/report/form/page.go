package form

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/signintech/gopdf"
)

// fontFile is Noto Sans SC Regular, under the licence in font/OFL.txt; scripts/update-font.sh fetches it.
//
//go:embed font/NotoSansSC_400Regular.ttf
var fontFile []byte

const fontName = "NotoSansSC"

// missing stands for characters that the font does not have.
const missing = '□'

// parsedFont parses the font at its first use and keeps the tables, which are only read from then on,
// so that a batch of forms does not pay for it each time.
var parsedFont = sync.OnceValues(func() (*gopdf.FontContainer, error) {
	fonts := new(gopdf.FontContainer)
	if err := fonts.AddTTFFontData(fontName, fontFile); err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	return fonts, nil
})

// page is one PDF page being drawn. The first error is kept in err and stops all further drawing.
type page struct {
	pdf gopdf.GoPdf
	err error
}

// box is a place on the page, in points from its upper left corner.
type box struct{ x, y, w, h float64 }

// style says how a text is set: its wanted size, the most lines it may take, and gopdf's alignment.
type style struct {
	size  float64
	lines int
	align int
}

// line is the style of a single line at the left.
func line(size float64) style { return style{size: size, lines: 1, align: gopdf.Left} }

// setText is text broken into lines of one size.
type setText struct {
	size  float64
	lines []string
}

func (t setText) height() float64 { return float64(len(t.lines)) * t.size * leading }

func newPage() (*page, error) {
	fonts, err := parsedFont()
	if err != nil {
		return nil, err
	}
	p := new(page)
	p.pdf.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4})
	if err := p.pdf.AddTTFFontFromFontContainer(fontName, fonts); err != nil {
		return nil, fmt.Errorf("add font: %w", err)
	}
	p.pdf.AddPage()
	p.pdf.SetLineWidth(0.6)
	return p, nil
}

// text sets a text into a box, centred vertically.
func (p *page) text(at box, text string, s style) { p.draw(at, p.fit(text, at.w, s), s.align, false) }

// fit breaks text into at most s.lines lines of the given width, shrinking it down to minSize to do so;
// what does not fit even then is cut with ….
func (p *page) fit(text string, width float64, s style) setText {
	text = p.printable(text, s.size)
	var set setText
	for size := s.size; size >= minSize; size -= 0.5 {
		set = setText{size: size, lines: p.split(text, width, size)}
		if len(set.lines) <= s.lines {
			return set
		}
	}
	set.lines = set.lines[:s.lines]
	last := []rune(set.lines[s.lines-1])
	set.lines[s.lines-1] = string(last[:max(len(last)-2, 0)]) + "…"
	return set
}

// printable puts □ for each character that the font does not have. Rare characters of names beyond the
// basic plane are drawn right, but the library's table for extracting text cannot express them.
func (p *page) printable(text string, size float64) string {
	p.setSize(size)
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if has, err := p.pdf.IsCurrFontContainGlyph(r); err != nil || !has {
			return missing
		}
		return r
	}, text)
}

// split breaks text at newlines and wherever the width is full. Chinese may break after any character, so
// words of other scripts are broken too; only a punctuation mark never stands where it may not.
func (p *page) split(text string, width, size float64) []string {
	p.setSize(size)
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		rest := []rune(paragraph)
		for {
			n := p.fitting(rest, width)
			lines = append(lines, string(rest[:n]))
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
	}
	return lines
}

// fitting tells how many characters the next line takes: all of text if it fits, else at least one.
func (p *page) fitting(text []rune, width float64) int {
	used := 0.0
	for i, r := range text {
		used += p.width(r)
		if used <= width || i == 0 {
			continue
		}
		for n := i; n > 0; n-- {
			if !strings.ContainsRune("）〕》”、，。；：", text[n]) && !strings.ContainsRune("（〔《“", text[n-1]) {
				return n
			}
		}
		return i
	}
	return len(text)
}

// width is that of one character in the current size; without kerning, widths add up.
func (p *page) width(r rune) float64 {
	if p.err != nil {
		return 0
	}
	w, err := p.pdf.MeasureTextWidth(string(r))
	p.err = err
	return w
}

func (p *page) setSize(size float64) {
	if p.err == nil {
		p.err = p.pdf.SetFont(fontName, "", size)
	}
}

// draw puts lines into a box, centred vertically; strong ones in red.
func (p *page) draw(at box, t setText, align int, strong bool) {
	p.setSize(t.size)
	if strong {
		p.pdf.SetTextColor(0xC0, 0, 0)
		defer p.pdf.SetTextColor(0, 0, 0)
	}
	step := t.size * leading
	y := at.y + (at.h-t.height())/2
	for _, text := range t.lines {
		if p.err != nil {
			return
		}
		p.pdf.SetXY(at.x, y)
		p.err = p.pdf.CellWithOption(&gopdf.Rect{W: at.w, H: step}, text, gopdf.CellOption{Align: align | gopdf.Middle})
		y += step
	}
}
