package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// paper paints a picture that stands for a photographed receipt or parcel: lines on paper with a red stamp. Each n gives another.
func paper(n int) ([]byte, error) {
	const w, h = 240, 320
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{250, 248, 240, 255}
			dx, dy := x-180, y-250
			switch d := dx*dx + dy*dy; {
			case x < 6 || y < 6 || x >= w-6 || y >= h-6:
				c = color.RGBA{190, 180, 165, 255}
			case d < 40*40 && d > 35*35:
				c = color.RGBA{200, 60, 50, 255}
			case y%24 < 3 && x > 24 && x < 60+(y*37+n*53)%150:
				c = color.RGBA{80, 80, 90, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// sheet is a PDF of one page that says text (printable ASCII without parentheses).
func sheet(text string) []byte {
	draw := fmt.Sprintf("BT /F1 18 Tf 60 720 Td (%s) Tj ET", text)
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(draw), draw),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}
