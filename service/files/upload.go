package files

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"bangfu/model"
)

// Limits of uploads.
const (
	MaxPictureBytes  = 10 << 20   // as uploaded
	MaxDocumentBytes = 10 << 20   // as uploaded
	MaxPictureSide   = 8000       // pixels, as uploaded
	MaxPicturePixels = 25_000_000 // width × height, as uploaded
	PictureSide      = 1600       // pixels of the long side, as kept
)

// pictureQuality is the JPEG quality of kept pictures.
const pictureQuality = 85

// Image is a picture ready to be kept.
type Image struct {
	Bytes         []byte
	ContentType   string // "image/jpeg", or "image/png" where something is transparent
	Width, Height int    // pixels
}

// Picture reads an uploaded JPEG, PNG or WebP, judged by content, and makes the picture to keep: turned
// as its camera says, at most PictureSide on the long side, encoded anew so that no metadata (place,
// camera) and nothing hidden survives. Dimensions are checked before anything is decoded. Errors are
// model.Error about field "file": invalid, or too_large for what exceeds a limit. Decoding the largest
// picture takes some 200 MB (300 MB if it is a progressive JPEG): callers bound how many run at once.
func Picture(r io.Reader) (Image, error) {
	data, err := readUpload(r, MaxPictureBytes, "图片")
	if err != nil {
		return Image{}, err
	}
	format := formatOf(data)
	if format == nil || format.decode == nil {
		return Image{}, model.Invalid("file", "图片只能是 JPG、PNG 或 WebP 格式")
	}
	if err := checkDimensions(format, data); err != nil {
		return Image{}, err
	}
	decoded, err := format.decode(bytes.NewReader(data))
	if err != nil {
		return Image{}, badUpload("图片已损坏或不完整，请换一张", err)
	}
	turn := 1
	if format.contentType == "image/jpeg" {
		turn = orientation(data)
	}
	return encode(upright(shrink(decoded, PictureSide), turn))
}

// Document reads uploaded evidence (PDF, JPEG or PNG, judged by content) and returns it unchanged with
// its content type. Errors are model.Error about field "file": invalid or too_large. What is returned
// comes from a stranger: serve it as a download or with a content type that is not sniffed.
func Document(r io.Reader) (data []byte, contentType string, err error) {
	data, err = readUpload(r, MaxDocumentBytes, "文件")
	if err != nil {
		return nil, "", err
	}
	format := formatOf(data)
	if format == nil || !format.evidence {
		return nil, "", model.Invalid("file", "凭证只能是 PDF、JPG 或 PNG 文件")
	}
	if format.config != nil {
		if err := checkDimensions(format, data); err != nil {
			return nil, "", err
		}
	}
	return data, format.contentType, nil
}

// fileFormat is one format that uploads may have, known by its first bytes.
type fileFormat struct {
	contentType string
	is          func(data []byte) bool
	evidence    bool
	config      func(io.Reader) (image.Config, error)
	decode      func(io.Reader) (image.Image, error)
}

func formatOf(data []byte) *fileFormat {
	starts := func(magic string) func([]byte) bool {
		return func(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }
	}
	for _, f := range []fileFormat{
		{"image/jpeg", starts("\xff\xd8\xff"), true, jpeg.DecodeConfig, jpeg.Decode},
		{"image/png", starts("\x89PNG\r\n\x1a\n"), true, png.DecodeConfig, png.Decode},
		{"image/webp", isWebP, false, webp.DecodeConfig, webp.Decode},
		{"application/pdf", starts("%PDF-"), true, nil, nil},
	} {
		if f.is(data) {
			return &f
		}
	}
	return nil
}

func isWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

func checkDimensions(f *fileFormat, data []byte) error {
	config, err := f.config(bytes.NewReader(data))
	if err != nil {
		return badUpload("图片已损坏或不完整，请换一张", err)
	}
	if config.Width < 1 || config.Height < 1 {
		return model.Invalid("file", "图片已损坏或不完整，请换一张")
	}
	if config.Width > MaxPictureSide || config.Height > MaxPictureSide || config.Width*config.Height > MaxPicturePixels {
		return tooLarge("图片尺寸是 %d×%d，边长不能超过 %d 像素，总数不能超过 %d 万像素",
			config.Width, config.Height, MaxPictureSide, MaxPicturePixels/10_000)
	}
	return nil
}

// readUpload reads all of r, at most limit bytes. what is the Chinese name of the thing.
func readUpload(r io.Reader, limit int64, what string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		// A limit set further out (http.MaxBytesReader) keeps its own kind of error.
		var own *model.Error
		if errors.As(err, &own) {
			return nil, err
		}
		return nil, badUpload(what+"没有传完，请重试", err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge("%s不能超过 %d MB", what, limit>>20)
	}
	if len(data) == 0 {
		return nil, model.Invalid("file", what+"是空的，请重新选择")
	}
	return data, nil
}

func badUpload(message string, cause error) error {
	e := model.Invalid("file", message)
	e.Cause = cause
	return e
}

func tooLarge(format string, args ...any) error {
	e := model.E(model.CodeTooLarge, format, args...)
	e.Fields = []model.Field{{Name: "file", Message: e.Message}}
	return e
}
