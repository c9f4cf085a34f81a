// Package rosterfile reads and writes roster spreadsheets (职工名册): the template to download, an
// uploaded xlsx or csv as rows with their problems, and the file that gives wrong rows back. It knows
// files only; what a row means for the roster in the database is its caller's matter.
package rosterfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"bangfu/model"
)

// Limits of one file where Limits says nothing else.
const (
	DefaultMaxRows  = 200_000
	DefaultMaxBytes = 30 << 20
)

// Limits bound what Read takes; a zero field means the default.
type Limits struct {
	MaxRows  int   // rows with people, without header and blank rows
	MaxBytes int64 // of the file as uploaded
}

// Row is one person of a file. Texts are normalised (see NormalizeName and its like); one that cannot be
// is kept as written, without outer spaces, and has a Problem.
type Row struct {
	No         int       `json:"no"` // the row number that the spreadsheet program shows
	Name       string    `json:"name"`
	Phone      string    `json:"phone"`
	IDNumber   string    `json:"id_number"`
	EmployeeNo string    `json:"employee_no"`
	Department string    `json:"department"`
	Problems   []Problem `json:"problems,omitempty"`
}

// Problem says, in a Chinese sentence, what is wrong in one column of a row.
type Problem struct {
	Column  string `json:"column"` // as in the template: 姓名, 手机号, 身份证号, 工号, 部门
	Message string `json:"message"`
}

// Summary tells what was read.
type Summary struct {
	Format       string   `json:"format"`        // "xlsx" or "csv"
	Encoding     string   `json:"encoding"`      // of a csv: "UTF-8", "UTF-16" or "GB18030"
	Sheet        string   `json:"sheet"`         // of an xlsx: the sheet that was read
	OtherSheets  []string `json:"other_sheets"`  // of an xlsx: sheets that look like rosters but were not read
	ExtraColumns []string `json:"extra_columns"` // headings that mean nothing here; their cells were ignored
	HeaderRow    int      `json:"header_row"`    // row number of the headings
	Rows         int      `json:"rows"`          // people
	BadRows      int      `json:"bad_rows"`      // of them with problems
	HiddenRows   int      `json:"hidden_rows"`   // of an xlsx: rows below the headings that it hides, by a filter or by hand; they were read too
}

// Read reads a roster, xlsx or csv as its content tells, and hands each person to each in file order;
// an error of each stops and is returned as it is. Birth dates must not lie after today. A file that
// cannot be read as a whole (wrong kind, damaged, protected, columns missing, empty) is a model.Error
// about the field "file": invalid, or too_large for what exceeds limits; the latter may come after rows
// were handed out, so what was made of them must be undone. A person who occurs twice has the problem
// at the later row. While it runs, an xlsx of 50,000 people takes about 140 MB of memory, one of 200,000
// about 400 MB; large sheets are unpacked to the system's temporary directory where there is one.
func Read(r io.Reader, limits Limits, today model.Date, each func(Row) error) (Summary, error) {
	if limits.MaxRows == 0 {
		limits.MaxRows = DefaultMaxRows
	}
	if limits.MaxBytes == 0 {
		limits.MaxBytes = DefaultMaxBytes
	}
	t := newTable(limits, today, each)
	rows := &reader{summary: &t.summary, isHeader: func(cells []string) bool { return readHeading(cells).found >= 2 }, add: t.add}
	if err := rows.read(r, limits.MaxBytes); err != nil {
		return t.summary, err
	}
	return t.summary, t.finish()
}

// reader reads the rows of a spreadsheet of any kind and hands them to add.
type reader struct {
	summary  *Summary
	isHeader func(cells []string) bool // tells the sheet to read from others
	add      func(no int, cells []string) error
}

func (t *reader) read(r io.Reader, maxBytes int64) error {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		var own *model.Error // such as a limit on the request's body
		if errors.As(err, &own) {
			return err
		}
		return badFile("文件没有传完，请重试", err)
	}
	if int64(len(data)) > maxBytes {
		return tooLarge("文件不能超过 %s，请分成几个文件", sizeText(maxBytes))
	}
	return t.readContent(data)
}

// readContent tells the kind of file by its first bytes.
func (t *reader) readContent(data []byte) error {
	head := strings.ToLower(string(bytes.TrimSpace(data[:min(len(data), 512)])))
	switch {
	case len(head) == 0:
		return badFile("文件是空的，请重新选择", nil)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return t.readXLSX(data)
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return oldOrProtected(data)
	case strings.HasPrefix(head, "<"):
		return badFile("这个文件其实是网页格式，请用表格软件打开后另存为 xlsx", nil)
	}
	return t.readCSV(data)
}

// oldOrProtected tells the two kinds of compound file apart: a workbook of before 2007 (.xls, .et) and
// an xlsx encrypted with a password.
func oldOrProtected(data []byte) error {
	var name []byte // directory entries are in UTF-16
	for _, c := range []byte("EncryptedPackage") {
		name = append(name, c, 0)
	}
	if bytes.Contains(data, name) {
		return badFile("文件设了打开密码，请去掉密码后再上传", nil)
	}
	return badFile("这是旧版 xls 格式，请另存为 xlsx 后再上传", nil)
}

func badFile(message string, cause error) error {
	e := model.Invalid("file", message)
	e.Cause = cause
	return e
}

func tooLarge(format string, args ...any) error {
	e := model.E(model.CodeTooLarge, format, args...)
	e.Fields = []model.Field{{Name: "file", Message: e.Message}}
	return e
}

func sizeText(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KB", bytes>>10)
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}
