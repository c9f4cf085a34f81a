//go:build unix

package lab

import (
	"fmt"
	"math"
	"strings"
)

// Series is one named row of figures in a plot.
type Series struct {
	Name   string
	Values []float64    // Bars: one for each label, NaN where there is none
	Points [][2]float64 // Lines: x and y, x rising
}

// The plots' measures, in pixels, and their colours: readable on white and on black.
const (
	plotWidth, plotHeight = 760, 400
	plotLeft, plotRight   = 80, 20
	plotTop, plotBottom   = 70, 60
)

var colours = [...]string{"#1b7f5c", "#d1793a", "#4a6fb5", "#a04a8f", "#8a8f3c", "#777777"} // by series

// Bars draws groups of bars, one group a label, one bar a series, as SVG. axis is what the height means.
func Bars(title, axis string, labels []string, series []Series) string {
	top := 0.0
	for _, s := range series {
		for _, v := range s.Values {
			if v > top {
				top = v
			}
		}
	}
	c := newCanvas(title, series)
	y := c.yAxis(axis, niceTop(top), false, 0)
	group := float64(plotWidth-plotLeft-plotRight) / float64(len(labels))
	width := group * 0.8 / float64(len(series))
	for g, label := range labels {
		x := plotLeft + group*(float64(g)+0.1)
		for i, s := range series {
			if v := s.Values[g]; !math.IsNaN(v) {
				at := x + width*float64(i)
				c.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, at, y(v), width*0.92, plotHeight-plotBottom-y(v), colours[i%len(colours)])
				c.text(at+width*0.46, y(v)-4, "middle", 10, Number(v, digitsFor(v)))
			}
		}
		c.text(x+group*0.4, plotHeight-plotBottom+18, "middle", 12, label)
	}
	return c.end()
}

// Lines draws one line a series as SVG; with logY the height is logarithmic.
func Lines(title, xAxis, yAxis string, series []Series, logY bool) string {
	low, high, right := math.Inf(1), 0.0, 0.0
	for _, s := range series {
		for _, p := range s.Points {
			right, high = max(right, p[0]), max(high, p[1])
			if p[1] > 0 {
				low = min(low, p[1])
			}
		}
	}
	c := newCanvas(title, series)
	top := niceTop(high)
	if logY {
		low, top = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	}
	y := c.yAxis(yAxis, top, logY, low)
	x := func(v float64) float64 { return plotLeft + v/right*(plotWidth-plotLeft-plotRight) }
	for i := range 6 {
		v := right * float64(i) / 5
		c.text(x(v), plotHeight-plotBottom+18, "middle", 11, Number(v, digitsFor(right)))
	}
	c.text((plotLeft+plotWidth-plotRight)/2, plotHeight-18, "middle", 12, xAxis)
	for i, s := range series {
		var path strings.Builder
		for _, p := range s.Points {
			fmt.Fprintf(&path, "%.1f,%.1f ", x(p[0]), y(max(p[1], low)))
		}
		c.add(`<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>`, colours[i%len(colours)], strings.TrimSpace(path.String()))
	}
	return c.end()
}

// canvas is an SVG picture under way.
type canvas struct{ strings.Builder }

func newCanvas(title string, series []Series) *canvas {
	c := &canvas{}
	c.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">`, plotWidth, plotHeight)
	c.add(`<rect width="%d" height="%d" fill="#ffffff"/>`, plotWidth, plotHeight)
	c.text(plotLeft, 24, "start", 16, title)
	x := float64(plotLeft)
	for i, s := range series {
		c.add(`<rect x="%.0f" y="38" width="12" height="12" fill="%s"/>`, x, colours[i%len(colours)])
		c.text(x+17, 49, "start", 12, s.Name)
		x += 38 + 7.2*float64(len([]rune(s.Name)))
	}
	return c
}

// yAxis draws the height's scale and returns where a value lies.
func (c *canvas) yAxis(axis string, top float64, logarithmic bool, low float64) func(float64) float64 {
	const height = plotHeight - plotTop - plotBottom
	y := func(v float64) float64 { return plotHeight - plotBottom - v/top*height }
	var ticks []float64
	if logarithmic {
		y = func(v float64) float64 {
			return plotHeight - plotBottom - (math.Log10(v)-math.Log10(low))/(math.Log10(top)-math.Log10(low))*height
		}
		for v := low; v <= top*1.0001; v *= 10 {
			ticks = append(ticks, v)
		}
	} else {
		for i := range 6 {
			ticks = append(ticks, top*float64(i)/5)
		}
	}
	for _, v := range ticks {
		c.add(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#dddddd"/>`, plotLeft, plotWidth-plotRight, y(v), y(v))
		c.text(plotLeft-8, y(v)+4, "end", 11, Number(v, digitsFor(v)))
	}
	c.add(`<text x="16" y="%d" font-size="12" text-anchor="middle" fill="#222222" transform="rotate(-90 16 %d)">%s</text>`, plotTop+height/2, plotTop+height/2, escape(axis))
	return y
}

func (c *canvas) add(format string, args ...any) {
	fmt.Fprintf(c, format, args...)
	c.WriteByte('\n')
}

func (c *canvas) text(x, y float64, anchor string, size int, text string) {
	c.add(`<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" fill="#222222">%s</text>`, x, y, size, anchor, escape(text))
}

func (c *canvas) end() string {
	c.WriteString("</svg>\n")
	return c.String()
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// digitsFor is how many digits after the point a figure of this size is written with.
func digitsFor(v float64) int {
	switch {
	case v == math.Trunc(v) || v >= 100:
		return 0
	case v >= 1:
		return 1
	default:
		return 2
	}
}

// niceTop is a round figure at or above v.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if f*unit >= v {
			return f * unit
		}
	}
	return 10 * unit
}
