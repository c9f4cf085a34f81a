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

// Bounds of an xlsx. A sheet of 200,000 people with some twenty columns unpacks to about 100 MB.
const (
	maxUnpacked = 160 << 20 // bytes with all its parts unpacked
	maxInMemory = 32 << 20  // a sheet or its texts above this unpack to a temporary file
	maxOther    = 32 << 20  // all other parts, such as pictures, which are unpacked in memory
	maxParsed   = 8 << 20   // the other parts that excelize takes apart, each; in memory they become many times that
	maxPiece    = 1 << 20   // one tag, text or comment in a sheet or its texts, which is read into memory whole; Excel's cells end at 32,767 characters
	maxParts    = 2000

	// Elements, which in memory are many times as large as in the file. Excel has at most 64,000 styles, and 16,384 cells in a row.
	maxElements = 12_000_000 // in a sheet: 200,000 people with twenty columns have 8 million
	maxStyles   = 400_000    // in the styles and the like
	maxTexts    = 1_000_000  // texts that cells share; three elements each
	maxCells    = 16384      // in a row
	maxInner    = 20_000     // in one cell or text, such as runs of letters in their own colours
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
		name := partName(part)
		if !unpackedToFile(name) {
			other += min(part.UncompressedSize64, maxUnpacked)
		}
		if total += part.UncompressedSize64; total > maxUnpacked || part.UncompressedSize64 > maxUnpacked {
			return tooLarge("表格解压后超过 %s，请只保留职工名册后再上传", sizeText(maxUnpacked))
		}
		if other > maxOther {
			return tooLarge("表格里的图片等内容解压后超过 %s，请只保留名单后再上传", sizeText(maxOther))
		}
		if parsed(name) && part.UncompressedSize64 > maxParsed {
			return tooLarge("表格里的样式等内容解压后超过 %s，请把名单复制到新建的表格里再上传", sizeText(maxParsed))
		}
	}
	for _, part := range archive.File {
		name := partName(part)
		if !needed(name) && !parsed(name) {
			continue
		}
		most := maxElements
		switch {
		case parsed(name):
			most = maxStyles
		case name == "xl/sharedstrings.xml":
			most = 3 * maxTexts
		}
		if err := checkXML(part, most); err != nil {
			return err
		}
	}
	return nil
}

// partName is a part's name as excelize compares it.
func partName(part *zip.File) string {
	return strings.ToLower(strings.ReplaceAll(part.Name, "\\", "/"))
}

// needed tells the parts that carry the roster.
func needed(part string) bool {
	switch part {
	case "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedstrings.xml":
		return true
	}
	return strings.HasPrefix(part, "xl/worksheets/") && strings.HasSuffix(part, ".xml")
}

// unpackedToFile tells the parts that may be large: excelize unpacks them to temporary files.
func unpackedToFile(part string) bool {
	return part == "xl/sharedstrings.xml" || strings.HasPrefix(part, "xl/worksheets/sheet") && strings.HasSuffix(part, ".xml")
}

// parsed tells the parts, besides sheets and texts, that excelize takes apart when it opens a workbook.
func parsed(part string) bool {
	switch part {
	case "[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/calcchain.xml":
		return true
	}
	return strings.HasPrefix(part, "xl/theme/")
}

// checkXML reads a part to its end, which also compares its checksum, and refuses what would take too much memory: more than so many elements, or too
// many in one place.
func checkXML(part *zip.File, most int) error {
	r, err := part.Open()
	if err != nil {
		return damaged(fmt.Errorf("%s: %w", part.Name, err))
	}
	defer func() { _ = r.Close() }()
	bounded := &pieces{r: r}
	decoder := xml.NewDecoder(bounded)
	var n counts
	for {
		bounded.left = maxPiece
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errPiece):
			return tooLarge("表格里有一处内容超过 %s，不是名单的内容，请把名单复制到新建的表格里再上传", sizeText(maxPiece))
		case err != nil:
			return damaged(fmt.Errorf("%s: %w", part.Name, err))
		}
		if n.add(token); n.cells > maxCells {
			return tooLarge("表格里有一行超过 %d 格，请把名单复制到新建的表格里再上传", maxCells)
		}
		if n.elements > most || n.texts > maxTexts || n.inner > maxInner {
			return tooLarge("表格里的格子、文字或样式多得不像名单，请把名单复制到新建的表格里再上传")
		}
	}
}

// counts are the elements of a part, up to where it was read.
type counts struct {
	elements int
	texts    int // shared ones
	cells    int // in the present row
	inner    int // within the present cell or shared text
	depth    int // below its start
}

func (n *counts) add(token xml.Token) {
	switch e := token.(type) {
	case xml.EndElement:
		n.depth = max(0, n.depth-1)
	case xml.StartElement:
		n.elements++
		if n.depth > 0 {
			n.inner++
			n.depth++
			return
		}
		switch e.Name.Local {
		case "row":
			n.cells = 0
		case "c":
			n.cells++
			n.inner, n.depth = 0, 1
		case "si":
			n.texts++
			n.inner, n.depth = 0, 1
		}
	}
}

// pieces hands a part to the reader of XML, which keeps each tag, text and comment whole, and stops it within one that is too long.
type pieces struct {
	r    io.Reader
	left int
}

var errPiece = errors.New("a tag, text or comment is too long")

func (p *pieces) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errPiece
	}
	n, err := p.r.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, err
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
