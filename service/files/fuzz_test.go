package files

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"unicode/utf8"

	"bangfu/model"
)

func uploadError(t *testing.T, err error) {
	t.Helper()
	if code := model.CodeOf(err); code != model.CodeInvalid && code != model.CodeTooLarge {
		t.Errorf("not an error about the upload: %v", err)
	}
}

// FuzzPicture: what is kept is a picture made here, within its limits, that ends where its format ends and bears no metadata.
func FuzzPicture(f *testing.F) {
	var j, p bytes.Buffer
	_ = jpeg.Encode(&j, quarters(16, 12), nil)
	_ = png.Encode(&p, quarters(9, 3))
	f.Add(j.Bytes())
	f.Add(p.Bytes())
	f.Add(append(bytes.Clone(j.Bytes()), "<script>alert(1)</script>"...))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8L"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1_000_000 {
			return // sound, but its memory would be this process's
		}
		kept, err := Picture(bytes.NewReader(data))
		if err != nil {
			uploadError(t, err)
			return
		}
		again, format, err := image.Decode(bytes.NewReader(kept.Bytes))
		if err != nil || "image/"+format != kept.ContentType || again.Bounds().Dx() != kept.Width || again.Bounds().Dy() != kept.Height {
			t.Fatalf("%s %d×%d: %s, %v", kept.ContentType, kept.Width, kept.Height, format, err)
		}
		if kept.Width < 1 || kept.Height < 1 || kept.Width > PictureSide || kept.Height > PictureSide || bytes.Contains(kept.Bytes, []byte("Exif")) || bytes.Contains(kept.Bytes, []byte("<script")) {
			t.Errorf("%d×%d, or something of the upload survives", kept.Width, kept.Height)
		}
	})
}

// FuzzDocuments: evidence and invoices are kept byte for byte, under the type that their first bytes tell, or refused in words.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte("%PDF-1.7\n"))
	f.Add([]byte("PK\x03\x04"))
	ofd := archiveOf(f, "Doc_0/Document.xml", "OFD.xml")
	if _, kind, err := Invoice(bytes.NewReader(ofd)); err != nil || kind != "application/ofd" {
		f.Fatal(kind, err) // a seed that gets past the zip's directory
	}
	f.Add(ofd)
	f.Add(ofd[:len(ofd)-1])
	f.Add(bytes.Replace(ofd, []byte("OFD.xml"), []byte("ofd.xml"), -1))
	f.Add(archiveOf(f, "a/OFD.xml"))
	f.Add(archiveOf(f))
	f.Add([]byte("<svg onload=alert(1)>"))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, read := range map[string]func([]byte) ([]byte, string, error){
			"document": func(b []byte) ([]byte, string, error) { return Document(bytes.NewReader(b)) },
			"invoice":  func(b []byte) ([]byte, string, error) { return Invoice(bytes.NewReader(b)) },
		} {
			kept, contentType, err := read(data)
			if err != nil {
				uploadError(t, err)
				continue
			}
			if !bytes.Equal(kept, data) || Ext(contentType) == "" || strings.Contains(contentType, "html") || strings.Contains(contentType, "svg") {
				t.Errorf("%s: %s", name, contentType)
			}
			if (contentType == "application/ofd") != (name == "invoice" && !bytes.HasPrefix(data, []byte("%PDF-"))) || contentType == "application/ofd" && !bytes.Contains(data, []byte("OFD.xml")) {
				t.Errorf("%s is called %s", name, contentType)
			}
		}
	})
}

// FuzzFileNames: a name that is kept names no folder, holds nothing unseen and is not too long; only keys made of our own segments are
// well-formed.
func FuzzFileNames(f *testing.F) {
	for _, s := range []string{"回单.pdf", "../../etc/passwd", `C:\x\y.pdf`, "a\x00b", "\u202egpj.exe", ".hidden", "a//b", "pictures/1.jpg", "a/../b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		kept := cleanName(name)
		if kept == "" || strings.ContainsAny(kept, "/\\\x00\r\n") || utf8.RuneCountInString(kept) > maxName || !utf8.ValidString(kept) || cleanName(kept) != kept {
			t.Errorf("%q is kept as %q", name, kept)
		}
		if validKey(name) {
			for _, segment := range strings.Split(name, "/") {
				if segment == "" || strings.HasPrefix(segment, ".") || strings.ContainsAny(segment, `\:`) {
					t.Errorf("the key %q is called well-formed", name)
				}
			}
		}
	})
}
