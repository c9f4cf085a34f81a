package files

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"bangfu/model"
)

var (
	red   = color.RGBA{R: 255, A: 255}
	green = color.RGBA{G: 255, A: 255}
	blue  = color.RGBA{B: 255, A: 255}
	white = color.RGBA{R: 255, G: 255, B: 255, A: 255}
)

// quarters is a w×h picture: red, green over blue, white.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	fill := func(c color.RGBA, x0, y0, x1, y1 int) {
		draw.Draw(m, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(red, 0, 0, w/2, h/2)
	fill(green, w/2, 0, w, h/2)
	fill(blue, 0, h/2, w/2, h)
	fill(white, w/2, h/2, w, h)
	return m
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, m); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func picture(t *testing.T, data []byte) (Image, image.Image) {
	t.Helper()
	got, err := Picture(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	m, format, err := image.Decode(bytes.NewReader(got.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	if "image/"+format != got.ContentType || m.Bounds().Dx() != got.Width || m.Bounds().Dy() != got.Height {
		t.Fatalf("%s %v, told as %s %d×%d", format, m.Bounds(), got.ContentType, got.Width, got.Height)
	}
	return got, m
}

// corners names the colours in the middle of the four quarters, row by row.
func corners(m image.Image) string {
	b, out := m.Bounds(), ""
	for _, p := range []image.Point{{1, 1}, {3, 1}, {1, 3}, {3, 3}} {
		r, g, bl, _ := m.At(b.Min.X+b.Dx()*p.X/4, b.Min.Y+b.Dy()*p.Y/4).RGBA()
		switch high := func(v uint32) bool { return v > 0xb000 }; {
		case high(r) && high(g) && high(bl):
			out += "w"
		case high(r):
			out += "r"
		case high(g):
			out += "g"
		case high(bl):
			out += "b"
		default:
			out += "?"
		}
	}
	return out
}

func TestPictureShrinks(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{5000, 500, 1600, 160}, {500, 5000, 160, 1600}, {1601, 1000, 1600, 999}, {3199, 100, 1600, 50},
		{1600, 160, 1600, 160}, {40, 30, 40, 30}, {8000, 8, 1600, 1},
	} {
		got, m := picture(t, asJPEG(t, quarters(c.w, c.h)))
		if got.Width != c.wantW || got.Height != c.wantH || got.ContentType != "image/jpeg" {
			t.Errorf("%d×%d became %d×%d %s", c.w, c.h, got.Width, got.Height, got.ContentType)
		}
		if c.wantH > 4 && corners(m) != "rgbw" {
			t.Errorf("%d×%d: colours %s", c.w, c.h, corners(m))
		}
	}
}

func TestPictureKeepsTransparencyOnly(t *testing.T) {
	opaque, _ := picture(t, asPNG(t, quarters(2000, 200)))
	if opaque.ContentType != "image/jpeg" {
		t.Error("an opaque PNG became", opaque.ContentType)
	}
	m := quarters(4000, 400)
	draw.Draw(m, image.Rect(0, 0, 4000, 100), image.Transparent, image.Point{}, draw.Src)
	got, decoded := picture(t, asPNG(t, m))
	if _, _, _, a := decoded.At(800, 10).RGBA(); got.ContentType != "image/png" || a != 0 {
		t.Error("transparency lost:", got.ContentType)
	}
	gray := image.NewGray16(image.Rect(0, 0, 30, 30))
	if got, _ := picture(t, asPNG(t, gray)); got.ContentType != "image/jpeg" {
		t.Error(got.ContentType)
	}
}

// withExif puts an EXIF segment with an orientation and some text into a JPEG.
func withExif(data []byte, order binary.AppendByteOrder, orientation uint16, text string) []byte {
	tiff := []byte("MM")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II")
	}
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, tag := range []uint16{0x0100, 0x0112} {
		tiff = order.AppendUint16(tiff, tag)
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, orientation)
		tiff = order.AppendUint16(tiff, 0)
	}
	segment := append([]byte("Exif\x00\x00"), append(tiff, text...)...)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	return append(append(out, segment...), data[2:]...)
}

func TestPictureStandsUprightWithoutMetadata(t *testing.T) {
	plain := asJPEG(t, quarters(400, 200))
	want := map[uint16]string{1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb", 0: "rgbw", 9: "rgbw"}
	for orientation, colours := range want {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			got, m := picture(t, withExif(plain, order, orientation, "GPS of a home"))
			if corners(m) != colours {
				t.Errorf("orientation %d: %s, want %s", orientation, corners(m), colours)
			}
			if turned := orientation >= 5 && orientation <= 8; turned != (got.Height == 400) {
				t.Errorf("orientation %d: %d×%d", orientation, got.Width, got.Height)
			}
			if bytes.Contains(got.Bytes, []byte("GPS of a home")) || bytes.Contains(got.Bytes, []byte("Exif")) {
				t.Error("metadata survived")
			}
		}
	}
}

func TestDamagedExifIsUpright(t *testing.T) {
	whole := withExif(asJPEG(t, quarters(8, 8)), binary.BigEndian, 6, "")
	for cut := 2; cut < 60; cut++ {
		if o := orientation(whole[:cut]); o != 1 && o != 6 {
			t.Errorf("cut at %d: %d", cut, o)
		}
	}
	for i := 4; i < 60; i++ {
		damaged := bytes.Clone(whole)
		damaged[i] = 0xff
		if o := orientation(damaged); o < 1 || o > 8 {
			t.Errorf("byte %d: %d", i, o)
		}
	}
}

func TestPictureReadsWebP(t *testing.T) {
	data, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := picture(t, data); got.Width != 1 || got.Height != 1 {
		t.Errorf("%+v", got)
	}
}

// claimingPNG is a small file whose header claims w×h pixels.
func claimingPNG(t *testing.T, w, h uint32) []byte {
	data := asPNG(t, quarters(4, 4))
	binary.BigEndian.PutUint32(data[16:], w)
	binary.BigEndian.PutUint32(data[20:], h)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func wantRefused(t *testing.T, name string, err error, code model.Code, message string) {
	t.Helper()
	var e *model.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, message) ||
		len(e.Fields) != 1 || e.Fields[0].Name != "file" {
		t.Errorf("%s: %v", name, err)
	}
}

func TestPictureRefuses(t *testing.T) {
	jpg := asJPEG(t, quarters(300, 300))
	var gifData bytes.Buffer
	if err := gif.Encode(&gifData, quarters(4, 4), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		data    []byte
		code    model.Code
		message string
	}{
		{"bomb", claimingPNG(t, 100_000, 100_000), model.CodeTooLarge, "图片尺寸"},
		{"too wide", claimingPNG(t, 8001, 10), model.CodeTooLarge, "8001×10"},
		{"too many pixels", claimingPNG(t, 5001, 5000), model.CodeTooLarge, "2500 万像素"},
		{"truncated JPEG", jpg[:len(jpg)/2], model.CodeInvalid, "损坏"},
		{"JPEG of magic only", jpg[:3], model.CodeInvalid, "损坏"},
		{"wrong content", claimingPNG(t, 400, 400), model.CodeInvalid, "损坏"},
		{"GIF", gifData.Bytes(), model.CodeInvalid, "JPG、PNG 或 WebP"},
		{"PDF", []byte("%PDF-1.7 …"), model.CodeInvalid, "JPG、PNG 或 WebP"},
		{"SVG", []byte("<svg onload=alert(1)>"), model.CodeInvalid, "JPG、PNG 或 WebP"},
		{"empty", nil, model.CodeInvalid, "空的"},
		{"too many bytes", make([]byte, MaxPictureBytes+1), model.CodeTooLarge, "10 MB"},
	} {
		_, err := Picture(bytes.NewReader(c.data))
		wantRefused(t, c.name, err, c.code, c.message)
	}
	_, err := Picture(iotest.ErrReader(io.ErrUnexpectedEOF))
	wantRefused(t, "broken upload", err, model.CodeInvalid, "没有传完")
	if _, err := Picture(iotest.ErrReader(model.E(model.CodeTooLarge, "太大"))); model.CodeOf(err) != model.CodeTooLarge {
		t.Error("a limit set further out lost its code:", err)
	}
}

func TestDocument(t *testing.T) {
	pdf := []byte("%PDF-1.7\n…")
	jpg, pngData := asJPEG(t, quarters(8, 8)), asPNG(t, quarters(8, 8))
	for want, data := range map[string][]byte{"application/pdf": pdf, "image/jpeg": jpg, "image/png": pngData} {
		got, contentType, err := Document(bytes.NewReader(data))
		if err != nil || contentType != want || !bytes.Equal(got, data) {
			t.Errorf("%s: %s, %v", want, contentType, err)
		}
		if Ext(contentType) == "" {
			t.Errorf("the store does not keep %s", contentType)
		}
	}
	for _, c := range []struct {
		name    string
		data    []byte
		code    model.Code
		message string
	}{
		{"zip (xlsx, ofd)", []byte("PK\x03\x04 …"), model.CodeInvalid, "PDF、JPG 或 PNG"},
		{"page", []byte("<html>%PDF-"), model.CodeInvalid, "PDF、JPG 或 PNG"},
		{"program", []byte("MZ\x90\x00"), model.CodeInvalid, "PDF、JPG 或 PNG"},
		{"only the name of a picture", []byte("\xff\xd8\xff<script>"), model.CodeInvalid, "损坏"},
		{"bomb", claimingPNG(t, 100_000, 100_000), model.CodeTooLarge, "图片尺寸"},
		{"empty", nil, model.CodeInvalid, "空的"},
		{"too many bytes", append(pdf, make([]byte, MaxDocumentBytes)...), model.CodeTooLarge, "10 MB"},
	} {
		_, _, err := Document(bytes.NewReader(c.data))
		wantRefused(t, c.name, err, c.code, c.message)
	}
}

func BenchmarkPictureLargest(b *testing.B) {
	data := asJPEG(b, quarters(5000, 5000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Picture(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
