package rosterfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
)

// repack rebuilds an xlsx with one part changed.
func repack(t *testing.T, data []byte, part string, change func([]byte) io.Reader) []byte {
	t.Helper()
	old, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range old.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var changed io.Reader = bytes.NewReader(content)
		if f.Name == part {
			changed = change(content)
		}
		entry, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(entry, changed); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

const firstSheet = "xl/worksheets/sheet1.xml"

func goodXLSX(t testing.TB) []byte {
	return bytesOf(t, book(t, headRow(), []any{"职工甲", DemoPhone(1), DemoIDNumber(1)}, []any{"职工乙", DemoPhone(2), DemoIDNumber(2)}))
}

func TestFilesThatAreNoRoster(t *testing.T) {
	good := goodXLSX(t)
	flipped := bytes.Clone(good)
	archive, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		if f.Name == firstSheet {
			at, err := f.DataOffset()
			if err != nil {
				t.Fatal(err)
			}
			flipped[at+int64(f.CompressedSize64)/2] ^= 1
		}
	}
	ole := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 600)...)
	for _, c := range []struct {
		name    string
		data    []byte
		message string
	}{
		{"empty", nil, "空的"},
		{"spaces", []byte(" \r\n "), "空的"},
		{"old xls", ole, "请另存为 xlsx"},
		{"password", bytesOf(t, book(t, headRow()), excelize.Options{Password: "secret"}), "打开密码"},
		{"page named xls", []byte("\r\n<html><table>…"), "网页格式"},
		{"cut", good[:len(good)/2], "已损坏"},
		{"flipped bit", flipped, "已损坏"},
		{"another zip", repack(t, good, "xl/workbook.xml", func([]byte) io.Reader { return strings.NewReader("hello") }), "已损坏"},
		{"picture", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "不是表格文件"},
		{"unknown letters", []byte("姓名\xff\xff\xff,手机号"), "无法识别"},
		{"open quotation mark", []byte(head + "\n" + line(1) + "\n\"职工乙,1,2\n" + line(3) + "\n"), "第 3 行的引号不成对"},
		{"huge cell", []byte(head + "\n\"" + strings.Repeat("长", maxRecord) + "\",,,\n"), "第 2 行的引号不成对"},
	} {
		_, _, err := read(t, c.data)
		wantFileError(t, c.name, err, model.CodeInvalid, c.message)
	}
}

// excelize takes broken XML for the end of the sheet; half a roster must not pass for all of it.
func TestBrokenSheetIsNotAShortOne(t *testing.T) {
	good := goodXLSX(t)
	if rows, _ := mustRead(t, good); len(rows) != 2 {
		t.Fatal(rows)
	}
	for name, change := range map[string]func([]byte) io.Reader{
		"cut": func(b []byte) io.Reader { return bytes.NewReader(b[:bytes.LastIndex(b, []byte("<row "))]) },
		"control character": func(b []byte) io.Reader {
			return strings.NewReader(strings.Replace(string(b), `<row r="3"`, "\x01<row r=\"3\"", 1))
		},
	} {
		_, _, err := read(t, repack(t, good, firstSheet, change))
		wantFileError(t, name, err, model.CodeInvalid, "已损坏")
	}
}

// claim makes the directory of a zip tell another unpacked size of a part.
func claim(t *testing.T, data []byte, part string, size uint32) []byte {
	t.Helper()
	at := bytes.LastIndex(data, []byte(part)) - 46 // the directory comes last; its entries have 46 bytes before the name
	if at < 0 || string(data[at:at+4]) != "PK\x01\x02" {
		t.Fatal("no directory entry of", part)
	}
	lying := bytes.Clone(data)
	binary.LittleEndian.PutUint32(lying[at+24:], size)
	return lying
}

func TestZipBombs(t *testing.T) {
	good := goodXLSX(t)
	_, _, err := read(t, claim(t, good, firstSheet, maxUnpacked))
	wantFileError(t, "bomb", err, model.CodeTooLarge, "解压后超过")

	// What is no sheet is unpacked in memory: less of it is allowed.
	_, _, err = read(t, claim(t, good, "xl/styles.xml", maxOther))
	wantFileError(t, "bomb of another part", err, model.CodeTooLarge, "图片等内容解压后超过 32 MB")

	// A bomb whose directory claims to be small unpacks no further than it claims.
	spaces := strings.Repeat("<!--"+strings.Repeat(" ", 1000)+"-->", 4000)
	bomb := repack(t, good, firstSheet, func(b []byte) io.Reader {
		return strings.NewReader(strings.Replace(string(b), "<sheetData>", "<sheetData>"+spaces, 1))
	})
	if rows, _ := mustRead(t, bomb); len(rows) != 2 {
		t.Fatal("told truly, the same sheet is right:", rows)
	}
	_, _, err = read(t, claim(t, bomb, firstSheet, 1000))
	wantFileError(t, "lying bomb", err, model.CodeInvalid, "已损坏")
}

// TestNothingIsReadIntoMemoryWhole shows that a small file which unpacks to one endless text, or to endless elements where they become many times
// their size in memory, is turned away while little of it was read, whichever reader of spreadsheets it is uploaded to.
func TestNothingIsReadIntoMemoryWhole(t *testing.T) {
	good := goodXLSX(t)
	inSheet := func(b []byte, text io.Reader) io.Reader {
		before, after, _ := bytes.Cut(b, []byte("<sheetData>"))
		return io.MultiReader(bytes.NewReader(before), strings.NewReader("<sheetData>"), text, bytes.NewReader(after))
	}
	for _, c := range []struct {
		name, part, says string
		change           func([]byte) io.Reader
	}{
		{"spaces", firstSheet, "一处内容超过 1 MB", func(b []byte) io.Reader { return inSheet(b, io.LimitReader(endless(" "), 100<<20)) }},
		{"comment", firstSheet, "一处内容超过 1 MB", func(b []byte) io.Reader {
			return inSheet(b, io.MultiReader(strings.NewReader("<!--"), io.LimitReader(endless("x"), 100<<20), strings.NewReader("-->")))
		}},
		{"attribute", firstSheet, "一处内容超过 1 MB", func(b []byte) io.Reader {
			return inSheet(b, io.MultiReader(strings.NewReader("<row a='"), io.LimitReader(endless("x"), 100<<20), strings.NewReader("'/>")))
		}},
		{"cells of a row", firstSheet, "一行超过 16384 格", func(b []byte) io.Reader {
			return inSheet(b, io.MultiReader(strings.NewReader("<row>"), io.LimitReader(endless("<c/>"), 40<<20), strings.NewReader("<c><v>1</v></c></row>")))
		}},
		{"letters of a cell", firstSheet, "多得不像名单", func(b []byte) io.Reader {
			return inSheet(b, io.MultiReader(strings.NewReader("<row><c><is><c/>"), io.LimitReader(endless("<r/>"), 40<<20), strings.NewReader("</is></c></row>")))
		}},
		{"texts", "xl/sharedStrings.xml", "多得不像名单", func([]byte) io.Reader {
			return io.MultiReader(strings.NewReader(`<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`), io.LimitReader(endless("<si/>"), 100<<20), strings.NewReader("</sst>"))
		}},
		{"many styles", "xl/styles.xml", "多得不像名单", func(b []byte) io.Reader {
			return strings.NewReader(strings.Replace(string(b), "</cellXfs>", strings.Repeat("<xf/>", maxStyles+1)+"</cellXfs>", 1))
		}},
		{"large styles", "xl/styles.xml", "样式等内容解压后超过", func(b []byte) io.Reader {
			return strings.NewReader(strings.Replace(string(b), "</cellXfs>", strings.Repeat("<xf/>", maxParsed/5)+"</cellXfs>", 1))
		}},
	} {
		bomb := repack(t, good, c.part, c.change)
		for reader, upload := range map[string]func() error{
			"roster": func() error { _, _, err := read(t, bomb); return err },
			"list": func() error {
				return ReadCells(bytes.NewReader(bomb), 20<<20, func([]string) bool { return true }, func(int, []string) error { return nil })
			},
		} {
			var err error
			most := peak(func() { err = upload() })
			wantFileError(t, c.name+" in a "+reader, err, model.CodeTooLarge, c.says)
			if most > 64<<20 {
				t.Errorf("%s in a %s: %d MB of memory for a file of %d kB", c.name, reader, most>>20, len(bomb)>>10)
			}
		}
	}
}

// peak tells how much larger the heap was at most while work was done.
func peak(work func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, done, most := m.HeapInuse, make(chan struct{}), make(chan uint64)
	go func() {
		top := before
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapInuse)
			select {
			case <-done:
				most <- top - before
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	work()
	close(done)
	return <-most
}

// endless repeats a text.
type endless string

func (e endless) Read(b []byte) (n int, err error) {
	for n+len(e) <= len(b) {
		n += copy(b[n:], e)
	}
	return n, nil
}

func TestWideAndTallSheets(t *testing.T) {
	f := book(t, headRow())
	if err := f.SetCellStr("Sheet1", "XFD2", "x"); err != nil {
		t.Fatal(err)
	}
	_, _, err := read(t, bytesOf(t, f))
	wantFileError(t, "wide", err, model.CodeInvalid, "16384 列")

	f = book(t, headRow())
	if err := f.SetSheetRow("Sheet1", "A1048576", &[]any{"职工甲", DemoPhone(1), DemoIDNumber(1)}); err != nil {
		t.Fatal(err)
	}
	if rows, _ := mustRead(t, bytesOf(t, f)); len(rows) != 1 || rows[0].No != 1048576 {
		t.Errorf("%+v", rows)
	}
}
