package files

import (
	"archive/zip"
	"bytes"
	"io"

	"bangfu/model"
)

// Invoice reads an uploaded invoice (PDF or OFD, judged by content) and returns it unchanged with its content type. An OFD is a
// zip with OFD.xml at its root (GB/T 33190-2016, 7.1); nothing of it is unpacked. Errors are model.Error about field "file": invalid or
// too_large.
func Invoice(r io.Reader) (data []byte, contentType string, err error) {
	data, err = readUpload(r, MaxDocumentBytes, "文件")
	if err != nil {
		return nil, "", err
	}
	switch {
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return data, "application/pdf", nil
	case isOFD(data):
		return data, "application/ofd", nil
	}
	return nil, "", model.Invalid("file", "发票只能是 PDF 或 OFD 文件")
}

func isOFD(data []byte) bool {
	if !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return false
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return false
	}
	for _, f := range archive.File {
		if f.Name == "OFD.xml" && f.UncompressedSize64 > 0 {
			return true
		}
	}
	return false
}
