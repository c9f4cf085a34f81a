package files

import (
	"bytes"
	"encoding/binary"
	"image"
	stddraw "image/draw"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"bangfu/model"
)

// shrink scales src down so that its long side is at most side, or only converts it. It averages whole
// blocks first and interpolates the rest (a factor below 2), which is sharp and, unlike a filter kernel
// over the whole picture, needs little memory beside src.
func shrink(src image.Image, side int) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	long := max(w, h)
	if long <= side {
		return toRGBA(src)
	}
	if factor := long / side; factor > 1 {
		src = average(src, factor)
	}
	dst := image.NewRGBA(image.Rect(0, 0, max(1, w*side/long), max(1, h*side/long)))
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return dst
}

func toRGBA(src image.Image) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, src.Bounds().Dx(), src.Bounds().Dy()))
	stddraw.Draw(dst, dst.Bounds(), src, src.Bounds().Min, stddraw.Src)
	return dst
}

// average makes one pixel of each factor × factor block; a rest at the right or lower edge is dropped.
// It converts one row of blocks at a time.
func average(src image.Image, factor int) *image.RGBA {
	b := src.Bounds()
	kx, ky := min(factor, b.Dx()), min(factor, b.Dy())
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx()/kx, b.Dy()/ky))
	strip := image.NewRGBA(image.Rect(0, 0, b.Dx(), ky))
	sums := make([]uint32, 4*dst.Rect.Dx())
	n := uint32(kx * ky)
	for y := range dst.Rect.Dy() {
		stddraw.Draw(strip, strip.Rect, src, image.Pt(b.Min.X, b.Min.Y+y*ky), stddraw.Src)
		clear(sums)
		for sy := range ky {
			row := strip.Pix[sy*strip.Stride:]
			for i := range len(sums) / 4 * kx {
				sum, pix := sums[i/kx*4:][:4], row[i*4:][:4]
				sum[0] += uint32(pix[0])
				sum[1] += uint32(pix[1])
				sum[2] += uint32(pix[2])
				sum[3] += uint32(pix[3])
			}
		}
		row := dst.Pix[y*dst.Stride:]
		for i, sum := range sums {
			row[i] = uint8((sum + n/2) / n)
		}
	}
	return dst
}

// encode makes a JPEG of an opaque picture and a PNG of one with transparency.
func encode(m *image.RGBA) (Image, error) {
	out := Image{Width: m.Rect.Dx(), Height: m.Rect.Dy(), ContentType: "image/jpeg"}
	var buf bytes.Buffer
	var err error
	if m.Opaque() {
		err = jpeg.Encode(&buf, m, &jpeg.Options{Quality: pictureQuality})
	} else {
		out.ContentType = "image/png"
		err = png.Encode(&buf, m)
	}
	if err != nil {
		return Image{}, &model.Error{Code: model.CodeInternal, Message: "图片处理失败", Cause: err}
	}
	out.Bytes = buf.Bytes()
	return out, nil
}

// upright turns and mirrors m as EXIF orientation 1–8 demands.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch orientation {
			case 2:
				dx = w - 1 - x
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dy = h - 1 - y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			dst.SetRGBA(dx, dy, m.RGBAAt(x, y))
		}
	}
	return dst
}

// orientation reads the EXIF orientation (1–8) of a JPEG; 1, upright, where there is none or it is
// damaged.
func orientation(data []byte) int {
	for data = data[2:]; len(data) >= 4 && data[0] == 0xff; {
		marker, size := data[1], int(binary.BigEndian.Uint16(data[2:]))
		if marker == 0xda || size < 2 || len(data) < 2+size { // the picture itself starts, or damage
			return 1
		}
		if segment := data[4 : 2+size]; marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		data = data[2+size:]
	}
	return 1
}

// tiffOrientation looks tag 0x0112 up in the first directory of a TIFF header.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
