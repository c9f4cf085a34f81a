package rosterfile

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

const (
	maxUnpacked = 400 << 20 // bytes of an xlsx with all its parts unpacked
	maxInMemory = 32 << 20  // a sheet or its texts above this unpack to a temporary file
	maxOther    = 64 << 20  // all other parts, such as pictures, which are unpacked in memory
	maxParts    = 2000      // of an xlsx
)

const instructionSheet = "填写说明"

func (t *reader) readXLSX(data []byte) error {
	t.summary.Format = "xlsx"
	if err := checkPackage(data); err != nil {
		return err
	}
	var book *excelize.File
	err := guarded(func() (err error) {
		book, err = excelize.OpenReader(bytes.NewReader(data), excelize.Options{
			RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxInMemory})
		return err
	})
	if err != nil {
		return damaged(err)
	}
	defer func() { _ = book.Close() }() // removes temporary files; nothing was written
	sheet, err := t.pickSheet(book)
	if err != nil {
		return err
	}
	t.summary.Sheet = sheet
	return eachRow(book, sheet, func(no int, cells []string, hidden bool) error {
		if hidden && t.summary.HeaderRow > 0 && !blank(cells) {
			t.summary.HiddenRows++
		}
		return t.add(no, cells)
	})
}

// pickSheet takes the first visible sheet that has a header, or the first at all, and notes the others
// that have one.
func (t *reader) pickSheet(book *excelize.File) (string, error) {
	first, picked := "", ""
	for _, sheet := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(sheet); err != nil || !visible || sheet == instructionSheet {
			continue
		}
		if first == "" {
			first = sheet
		}
		headed, err := t.hasHeader(book, sheet)
		if err != nil {
			return "", err
		}
		switch {
		case headed && picked == "":
			picked = sheet
		case headed:
			t.summary.OtherSheets = append(t.summary.OtherSheets, sheet)
		}
	}
	switch {
	case picked != "":
		return picked, nil
	case first != "":
		return first, nil
	}
	return "", badFile("表格里没有可以读取的工作表，请使用模板填写", nil)
}

func (t *reader) hasHeader(book *excelize.File, sheet string) (bool, error) {
	enough := errors.New("enough")
	headed, searched := false, 0
	err := eachRow(book, sheet, func(_ int, cells []string, _ bool) error {
		if blank(cells) {
			return nil
		}
		headed = t.isHeader(cells[:min(len(cells), maxColumns)])
		if searched++; headed || searched >= headerSearch {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return false, err
	}
	return headed, nil
}

// eachRow hands the rows of a sheet to add with their numbers and whether they are hidden; rows without cells come as nil.
func eachRow(book *excelize.File, sheet string, add func(no int, cells []string, hidden bool) error) error {
	var rows *excelize.Rows
	err := guarded(func() (err error) {
		rows, err = book.Rows(sheet)
		return err
	})
	if err != nil {
		return damaged(err)
	}
	defer func() { _ = rows.Close() }()
	for no := 1; ; no++ {
		var cells []string
		more, hidden := false, false
		err := guarded(func() (err error) {
			if more = rows.Next(); more {
				hidden = rows.GetRowOpts().Hidden
				cells, err = rows.Columns()
				return err
			}
			return rows.Error()
		})
		if err != nil {
			return damaged(err)
		}
		if !more {
			return nil
		}
		if err := add(no, cells, hidden); err != nil {
			return err
		}
	}
}

// checkPackage looks at an xlsx before it is opened: its size unpacked, and that its sheets and texts
// are sound to the end, because excelize takes a broken sheet for one that ends there.
func checkPackage(data []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return damaged(err)
	}
	if len(archive.File) > maxParts {
		return tooLarge("表格里的内容超过 %d 项，请只保留名单后再上传", maxParts)
	}
	total, other := uint64(0), uint64(0)
	for _, part := range archive.File {
		if !unpackedToFile(strings.ToLower(part.Name)) {
			other += min(part.UncompressedSize64, maxUnpacked)
		}
		if total += part.UncompressedSize64; total > maxUnpacked || part.UncompressedSize64 > maxUnpacked {
			return tooLarge("表格解压后超过 %s，请只保留职工名册后再上传", sizeText(maxUnpacked))
		}
		if other > maxOther {
			return tooLarge("表格里的图片等内容解压后超过 %s，请只保留名单后再上传", sizeText(maxOther))
		}
	}
	for _, part := range archive.File {
		if needed(strings.ToLower(part.Name)) {
			if err := checkXML(part); err != nil {
				return damaged(fmt.Errorf("%s: %w", part.Name, err))
			}
		}
	}
	return nil
}

// needed tells the parts that carry the roster.
func needed(part string) bool {
	switch part {
	case "xl/workbook.xml", "xl/_rels/workbook.xml.rels":
		return true
	}
	return unpackedToFile(part)
}

// unpackedToFile tells the parts that may be large: excelize unpacks them to temporary files.
func unpackedToFile(part string) bool {
	return part == "xl/sharedstrings.xml" || strings.HasPrefix(part, "xl/worksheets/") && strings.HasSuffix(part, ".xml")
}

// checkXML reads a part to its end, which also compares its checksum.
func checkXML(part *zip.File) error {
	r, err := part.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	decoder := xml.NewDecoder(r)
	for {
		switch _, err := decoder.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// guarded calls into excelize, which may panic on a file made to break it.
func guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while reading: %v", p)
		}
	}()
	return call()
}

func damaged(cause error) error {
	return badFile("文件已损坏，或者不是 xlsx 表格，请用表格软件打开后另存为 xlsx", cause)
}
