package files

import (
	"archive/zip"
	"bytes"
	"testing"

	"bangfu/model"
)

// archiveOf is a zip with files of these names.
func archiveOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte("<OFD/>"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestInvoice shows that an invoice is PDF or OFD by its content, whatever it is called.
func TestInvoice(t *testing.T) {
	archive := func(names ...string) []byte { return archiveOf(t, names...) }
	good := archive("Doc_0/Document.xml", "OFD.xml")
	for name, c := range map[string]struct {
		data []byte
		want string
		code model.Code
	}{
		"pdf": {[]byte("%PDF-1.7"), "application/pdf", ""}, "ofd": {good, "application/ofd", ""}, "empty": {nil, "", model.CodeInvalid},
		"other zip": {archive("xl/workbook.xml"), "", model.CodeInvalid}, "OFD.xml deeper": {archive("a/OFD.xml"), "", model.CodeInvalid},
		"cut off": {good[:len(good)/2], "", model.CodeInvalid}, "picture": {[]byte("\x89PNG\r\n\x1a\n"), "", model.CodeInvalid},
		"too large": {append([]byte("%PDF-"), make([]byte, MaxDocumentBytes)...), "", model.CodeTooLarge},
	} {
		data, contentType, err := Invoice(bytes.NewReader(c.data))
		if contentType != c.want || model.CodeOf(err) != c.code || err == nil && !bytes.Equal(data, c.data) {
			t.Errorf("%s: %q, %v", name, contentType, err)
		}
	}
}
