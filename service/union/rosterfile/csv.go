package rosterfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// maxRecord bounds one row of a csv in bytes; more means a quotation mark that never closes.
const maxRecord = 64 << 10

func (t *reader) readCSV(data []byte) error {
	text, encoding, err := decodeText(data)
	if err != nil {
		return err
	}
	t.summary.Format, t.summary.Encoding = "csv", encoding
	return splitCSV(text, separator(text), t.add)
}

// decodeText makes UTF-8 of what spreadsheet programs write: UTF-8 with or without byte order mark,
// UTF-16 with one ("Unicode text"), and GB18030, which Excel writes in China.
func decodeText(data []byte) (text, encoding string, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		text, encoding = string(data[3:]), "UTF-8"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		var decoded []byte
		decoded, err = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
		text, encoding = string(decoded), "UTF-16"
	case utf8.Valid(data):
		text, encoding = string(data), "UTF-8"
	default:
		var decoded []byte
		decoded, err = simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		text, encoding = string(decoded), "GB18030"
	}
	if strings.ContainsRune(text, 0) {
		return "", "", badFile("这不是表格文件，请上传 xlsx 或 csv", nil)
	}
	if err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
		return "", "", badFile("文件里的文字无法识别，请另存为 xlsx，或另存为 UTF-8 编码的 csv", err)
	}
	return text, encoding, nil
}

// separator is the one of comma, semicolon and tab that occurs most in the first lines.
func separator(text string) byte {
	head := text[:min(len(text), maxRecord)]
	best, most := byte(','), 0
	for _, c := range []byte{',', ';', '\t'} {
		if n := strings.Count(head, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// splitCSV hands each row of text to add with its number as spreadsheet programs count: a blank line
// counts, line ends inside quotation marks do not. encoding/csv loses the former and bounds no row; it
// also refuses ="…", which exports use to protect long numbers. Lines end in \n, \r\n or \r.
func splitCSV(text string, sep byte, add func(no int, cells []string) error) error {
	var cells []string
	for no := 1; text != ""; no++ {
		cells = cells[:0]
		record := text
		for more := true; more; {
			cell, rest, problem := nextCell(text, sep)
			if problem || len(record)-len(rest) > maxRecord {
				return badFile(fmt.Sprintf("第 %d 行的引号不成对，或者内容太长，请检查后再上传", no), nil)
			}
			cells = append(cells, cell)
			more = rest != "" && rest[0] == sep
			if more {
				rest = rest[1:]
			}
			text = rest
		}
		text = cutLineEnd(text)
		if err := add(no, cells); err != nil {
			return err
		}
	}
	return nil
}

// nextCell takes the first cell off text; rest begins with what ended it. A quotation mark is special
// only at the start of a cell; problem tells that it never closes.
func nextCell(text string, sep byte) (cell, rest string, problem bool) {
	end := func(s string) int {
		for i := range len(s) {
			if s[i] == sep || s[i] == '\n' || s[i] == '\r' {
				return i
			}
		}
		return len(s)
	}
	quoted, found := strings.CutPrefix(strings.TrimPrefix(text, "="), `"`)
	if !found {
		i := end(text)
		return text[:i], text[i:], false
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(quoted[:min(len(quoted), maxRecord)], '"')
		if i < 0 || b.Len() > maxRecord {
			return "", "", true
		}
		b.WriteString(quoted[:i])
		quoted = quoted[i+1:]
		if !strings.HasPrefix(quoted, `"`) {
			break
		}
		b.WriteByte('"')
		quoted = quoted[1:]
	}
	i := end(quoted) // text after the closing mark is kept, as spreadsheet programs do
	b.WriteString(quoted[:i])
	return b.String(), quoted[i:], false
}

func cutLineEnd(text string) string {
	if rest, found := strings.CutPrefix(text, "\r\n"); found {
		return rest
	}
	if text != "" {
		return text[1:]
	}
	return text
}
