package rosterfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"bangfu/model"
)

// fileError fails the target when a file was refused in another way than by an error to be shown about the field "file".
func fileError(t *testing.T, err error) {
	t.Helper()
	var e *model.Error
	if !errors.As(err, &e) || (e.Code != model.CodeInvalid && e.Code != model.CodeTooLarge) || len(e.Fields) != 1 || e.Fields[0].Name != "file" {
		t.Errorf("not an error about the file: %v", err)
	}
}

// TestTooManyParts shows that a workbook of thousands of parts is turned away before any is unpacked.
func TestTooManyParts(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := range maxParts + 1 {
		if _, err := w.Create(fmt.Sprintf("xl/media/%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err := read(t, buf.Bytes())
	wantFileError(t, "parts", err, model.CodeTooLarge, "项")
}

// FuzzReadXLSX: any bytes are a roster within its limits or are refused with words; rows come in rising order, and what a row has
// without a problem is in the form in which it is stored.
func FuzzReadXLSX(f *testing.F) {
	f.Add(bytesOf(f, book(f, headRow(), []any{"职工甲", DemoPhone(1), DemoIDNumber(1)}, []any{"=1+1", "1.00E+10", ""})))
	f.Add(bytesOf(f, book(f, []any{"某单位名册"}, headRow())))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		last, rows := 0, 0
		summary, err := Read(bytes.NewReader(data), Limits{MaxRows: 50, MaxBytes: 1 << 20}, today, func(r Row) error {
			rows++
			if r.No <= last || rows > 50 {
				t.Errorf("row %d after %d", r.No, last)
			}
			last = r.No
			if len(r.Problems) == 0 {
				storable(t, r)
			}
			return nil
		})
		if err != nil {
			fileError(t, err)
			return
		}
		if summary.Rows != rows || summary.Rows == 0 || summary.BadRows > rows || summary.HeaderRow == 0 {
			t.Errorf("%+v", summary)
		}
	})
}

// storable holds that a row without problems is in normal form.
func storable(t *testing.T, r Row) {
	t.Helper()
	name, err := NormalizeName(r.Name)
	if err != nil || name != r.Name {
		t.Errorf("name %q: %q, %v", r.Name, name, err)
	}
	phone, err := NormalizePhone(r.Phone)
	if err != nil || phone != r.Phone {
		t.Errorf("phone %q: %q, %v", r.Phone, phone, err)
	}
	if err := ValidIDNumber(r.IDNumber, today); err != nil {
		t.Errorf("id number %q: %v", r.IDNumber, err)
	}
	if utf8.RuneCountInString(r.EmployeeNo) > maxEmployeeNo || utf8.RuneCountInString(r.Department) > maxDepartment {
		t.Errorf("too long: %+v", r)
	}
}

// FuzzReadCells: a spreadsheet of any kind gives rows with rising numbers or words about the file, within the limit of bytes.
func FuzzReadCells(f *testing.F) {
	f.Add([]byte("姓名,手机号,金额\n职工甲,10000000001,600\n"))
	f.Add([]byte("\xd0\xd5\xc3\xfb,\xbd\xf0\xb6\xee\n\xd5\xc5\xc8\xfd,600\n"))
	f.Add(bytesOf(f, book(f, headRow(), []any{"职工甲", "600"})))
	f.Fuzz(func(t *testing.T, data []byte) {
		last := 0
		err := ReadCells(bytes.NewReader(data), 64<<10, func([]string) bool { return true }, func(no int, cells []string) error {
			if no <= last || blank(cells) {
				t.Errorf("row %d after %d: %q", no, last, cells)
			}
			last = no
			return nil
		})
		if err != nil {
			fileError(t, err)
		}
	})
}

// FuzzDecodeText: whatever the encoding, what comes out is sound UTF-8 without the signs of a wrong guess.
func FuzzDecodeText(f *testing.F) {
	for _, s := range []string{"姓名", "\xef\xbb\xbf姓名", "\xff\xfe\x3a\x4e", "\xfe\xff\x4e\x3a", "\xd0\xd5\xc3\xfb", "\x84\x31\xa4\x37", "\x00a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, encoding, err := decodeText(data)
		if err != nil {
			fileError(t, err)
			return
		}
		if !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) || strings.ContainsRune(text, 0) || encoding == "" {
			t.Errorf("%s: %q", encoding, text)
		}
	})
}

// FuzzNormalize: names, phones, ID numbers and texts have one normal form, which is its own normal form and within its length.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"张 三", "阿卜杜拉•艾山", "Ann  Lee", "+86 100-0000-0001", "1.0000000001E10", "1.00E+10", DemoIDNumber(1), "99999919900101００1ｘ", "'=1+1", `="10000000001"`, "\u200b张三"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, normal := range map[string]func(string) (string, error){
			"name": NormalizeName, "phone": NormalizePhone, "employee_no": NormalizeEmployeeNo, "department": NormalizeDepartment,
			"id_number": func(s string) (string, error) { return NormalizeIDNumber(s, today) },
		} {
			once, err := normal(text)
			if err != nil {
				if model.CodeOf(err) != model.CodeInvalid || once != "" {
					t.Errorf("%s of %q: %q, %v", name, text, once, err)
				}
				continue
			}
			if twice, err := normal(once); err != nil || twice != once {
				t.Errorf("%s of %q is %q and then %q, %v", name, text, once, twice, err)
			}
		}
	})
}

// FuzzWriteErrors: what is given back to be corrected reads as what was in it, whatever was in it.
func FuzzWriteErrors(f *testing.F) {
	f.Add("=1+1", "@SUM(1)", "财务科")
	f.Add("职工甲", "'", "\x01")
	f.Fuzz(func(t *testing.T, name, number, department string) {
		if len(name)+len(number)+len(department) > 2000 || !utf8.ValidString(name+number+department) {
			return
		}
		row := Row{No: 2, Name: cleanCell(name), Phone: DemoPhone(1), IDNumber: DemoIDNumber(1), EmployeeNo: cleanCell(number), Department: cleanCell(department)}
		var buf bytes.Buffer
		if err := WriteErrors(&buf, []Row{row}); err != nil {
			t.Fatal(err)
		}
		var again []Row
		if _, err := Read(bytes.NewReader(buf.Bytes()), Limits{}, today, func(r Row) error { again = append(again, r); return nil }); err != nil {
			t.Fatal(err)
		}
		want, _ := NormalizeName(row.Name)
		if len(again) != 1 || again[0].Phone != row.Phone || want != "" && again[0].Name != want {
			t.Errorf("%+v came back as %+v", row, again)
		}
	})
}
