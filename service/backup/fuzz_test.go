package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzParseUntil: a point is refused, or it is one, has one canonical form that reads as the same point, and asks for a replay.
func FuzzParseUntil(f *testing.F) {
	for _, s := range []string{"latest", "2026-11-24 15:04:05", "2026-11-24T07:04:05Z", "2026-11-24T15:04:05+08:00", "mysql-bin.000042:1234", "bin.1000000:4", "bin.000042:99999999999999999999",
		"0001-01-01T00:00:00Z", "0000-01-01 00:00:00", "9999-12-31T23:59:59-23:59", "2026-11-24 15:04:05.5", "../bin.000001:4", "bin.42:4", "bin.000042:0", "-x.000001:5", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseUntil(text)
		if err != nil {
			if u.set() {
				t.Errorf("%q is refused and taken: %v", text, u)
			}
			return
		}
		if !u.set() {
			t.Fatalf("%q is taken and means nothing", text)
		}
		if u.Latest {
			return
		}
		again, err := ParseUntil(u.String())
		if err != nil || again.String() != u.String() || !again.Time.Equal(u.Time) {
			t.Errorf("%q is %s, which reads as %s, %v", text, u, again, err)
		}
		if u.At != nil {
			goodPosition(t, *u.At)
		} else if at := u.Time.Format(time.DateTime); len(at) != len(time.DateTime) || u.Time.Nanosecond() != 0 {
			t.Errorf("%q would be handed on as %q", text, at)
		}
	})
}

// goodPosition fails for a place whose file's name would leave the log's folder, or that cannot be one.
func goodPosition(t *testing.T, p Position) {
	t.Helper()
	if base, n, ok := splitLogName(p.File); !ok || base == "" || n < 1 || p.Pos < 4 || filepath.Base(p.File) != p.File || fmt.Sprintf("%s.%06d", base, n) != p.File {
		t.Errorf("%+v is a place", p)
	}
}

// FuzzDumpPosition: what a dump says of its place is one, or nothing is taken for it, however the dump comes in pieces.
func FuzzDumpPosition(f *testing.F) {
	f.Add([]byte("-- CHANGE MASTER TO MASTER_LOG_FILE='bin.000042', MASTER_LOG_POS=1234;\n-- Dump completed"), uint16(7))
	f.Add([]byte("-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='binlog.000002', SOURCE_LOG_POS=158;\n"), uint16(1))
	f.Add([]byte("MASTER_LOG_FILE='../../x.000001', MASTER_LOG_POS=4"), uint16(500))
	f.Add([]byte("MASTER_LOG_FILE='bin.000001', MASTER_LOG_POS=99999999999999999999"), uint16(3))
	f.Fuzz(func(t *testing.T, dump []byte, piece uint16) {
		whole, parts := &dumpScan{}, &dumpScan{}
		_, _ = whole.Write(dump)
		for rest := dump; len(rest) > 0; {
			some := rest[:min(len(rest), int(piece)+1)]
			rest = rest[len(some):]
			if n, err := parts.Write(some); n != len(some) || err != nil {
				t.Fatal(n, err)
			}
		}
		if !bytes.Equal(whole.first, parts.first) || !bytes.Equal(whole.last, parts.last) || !bytes.HasSuffix(dump, whole.last) || !bytes.HasPrefix(dump, whole.first) || len(whole.last) > 256 || len(whole.first) > 16<<10 {
			t.Error("another beginning or end in pieces")
		}
		p, err := whole.position()
		if (p == nil) != (err != nil) {
			t.Errorf("%v, %v", p, err)
		}
		if p != nil {
			goodPosition(t, *p)
		}
	})
}

// FuzzManifest: a manifest is refused or names the database and nothing but files in its own folder; written again it reads the same.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"engine":"sqlite","schema":3,"parts":[{"name":"database.sqlite.gz","bytes":10,"sha256":"00"},{"name":"files.tar.gz","bytes":1,"sha256":"00"}]}`))
	f.Add([]byte(`{"format":1,"engine":"mariadb","log":{"file":"bin.000042","pos":1234},"parts":[{"name":"database.sql.gz","bytes":10,"sha256":"00"}]}`))
	f.Add([]byte(`{"format":1,"engine":"mysql","parts":[{"name":"../database.sql.gz"}]}`))
	f.Add([]byte(`{"format":1,"engine":"mysql","parts":[]}`))
	f.Add([]byte(`{"format":1,"engine":"mysql","log":{"file":"../x.000001","pos":-1},"parts":[{"name":"database.sql.gz"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, manifestName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := readManifest(dir)
		if err != nil {
			return
		}
		if !m.has(dumpName) && !m.has(sqliteName) {
			t.Error("a backup without the database")
		}
		for _, p := range m.Parts {
			if filepath.Base(p.Name) != p.Name || p.Bytes < 0 {
				t.Errorf("the part %+v", p)
			}
		}
		if m.Log != nil {
			goodPosition(t, *m.Log)
		}
		if m.verify(dir) == nil {
			t.Error("checksums of parts that are not there are right")
		}
		before, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.write(dir); err != nil {
			t.Fatal(err)
		}
		again, err := readManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		if after, err := json.Marshal(again); err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s reads as %s, %v", before, after, err)
		}
	})
}

// FuzzLogIndex: of a list of archived files that is taken, what is still missing on the server goes on without a gap and names no
// folder; and what a restore needs of it goes from the backup's place to the wanted one.
func FuzzLogIndex(f *testing.F) {
	f.Add([]byte(`{"files":[{"name":"bin.000002","bytes":9},{"name":"bin.000003","bytes":9}]}`), "bin.000003=9,bin.000004=7", "bin.000002:4", "bin.000003:8")
	f.Add([]byte(`{"files":[{"name":"bin.999999","bytes":9},{"name":"bin.1000000","bytes":9}]}`), "bin.1000001=1", "bin.999999:4", "bin.1000000:4")
	f.Add([]byte(`{"files":[{"name":"bin.000005","bytes":9}]}`), "other.000001=1,other.000002=1", "bin.000005:9", "bin.000005:4")
	f.Add([]byte(`{"files":[{"name":"bin.000005","bytes":9}]}`), "bin.000001=1", "bin.000005:9", "latest")
	f.Add([]byte(`{"files":[{"name":"../../x.000001","bytes":9},{"name":"bin.000009","bytes":9}]}`), "../y.000010=1", "bin.000009:9", "latest")
	f.Fuzz(func(t *testing.T, text []byte, onServer, start, end string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, indexName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := readIndex(dir)
		if err != nil {
			return
		}
		var closed []LogFile
		for one := range strings.SplitSeq(onServer, ",") {
			name, bytes, _ := strings.Cut(one, "=")
			closed = append(closed, LogFile{Name: name, Bytes: int64(len(bytes))})
		}
		if missing, err := x.missing(closed); err == nil {
			all := LogIndex{Files: append(x.Files, missing...)}
			if err := all.check(); err != nil {
				t.Errorf("%v and %v are archived together: %v", x.Files, missing, err)
			}
			if again, err := all.missing(closed); err != nil || len(again) > 0 {
				t.Errorf("archived, and still missing: %v, %v", again, err)
			}
			if newest := closed[len(closed)-1].Name; all.Files[len(all.Files)-1].Name != newest {
				t.Errorf("the newest file %q is not archived", newest)
			}
		}
		from, err1 := ParseUntil(start)
		until, err2 := ParseUntil(end)
		if err1 != nil || err2 != nil || from.At == nil {
			return
		}
		files, err := x.between(*from.At, until)
		if err != nil {
			return
		}
		if files[0].Name != from.At.File || until.At != nil && files[len(files)-1].Name != until.At.File || (&LogIndex{Files: files}).check() != nil {
			t.Errorf("from %s to %s by %v", from, until, files)
		}
		for _, one := range files {
			if filepath.Base(one.Name) != one.Name {
				t.Errorf("%q leaves the folder", one.Name)
			}
		}
	})
}

// unpackSafely unpacks a tar and holds that it stays in its folder, makes plain files only and fills no more than came.
func unpackSafely(t *testing.T, archive []byte) error {
	t.Helper()
	outer := t.TempDir()
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // the level is one that exists
	_, _ = z.Write(archive)
	_ = z.Close()
	tarball, inner := filepath.Join(outer, filesName), filepath.Join(outer, "inner")
	if err := os.WriteFile(tarball, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	err := unpackFiles(t.Context(), tarball, inner)
	if left, err := os.ReadDir(outer); err != nil || len(left) != 2 {
		t.Fatalf("something escaped: %v, %v", left, err)
	}
	if now, err := os.ReadFile(tarball); err != nil || !bytes.Equal(now, packed.Bytes()) {
		t.Fatal("a file beside the folder was changed")
	}
	var size int64
	walked := filepath.WalkDir(inner, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %s", name, info.Mode())
		}
		size += info.Size()
		return nil
	})
	if walked != nil {
		t.Fatal(walked)
	}
	if size > int64(len(archive)) {
		t.Errorf("%d bytes out of %d", size, len(archive))
	}
	return err
}

// FuzzUnpackFiles: an archive of any bytes stays in its folder.
func FuzzUnpackFiles(f *testing.F) {
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeReg, Name: "pictures/1.jpg", Size: 3}, {Typeflag: tar.TypeReg, Name: "../1.jpg", Size: 3}, {Typeflag: tar.TypeReg, Name: "/tmp/1.jpg", Size: 3},
		{Typeflag: tar.TypeSymlink, Name: "a", Linkname: ".."}, {Typeflag: tar.TypeDir, Name: "a/"}, {Typeflag: tar.TypeReg, Name: strings.Repeat("long/", 40) + "x", Size: 3},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&h); err != nil {
			f.Fatal(err)
		}
		_, _ = w.Write([]byte("abc")[:h.Size])
		_ = w.Close()
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:600])
	}
	f.Add([]byte{})
	f.Add(sparseTar(f))
	f.Fuzz(func(t *testing.T, archive []byte) { _ = unpackSafely(t, archive) })
}

// sparseTar is an archive of a few kilobytes with a file that claims to be an exabyte.
func sparseTar(f *testing.F) []byte {
	f.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	records := map[string]string{"XXX.sparse.major": "1", "XXX.sparse.minor": "0", "XXX.sparse.name": "big", "XXX.sparse.realsize": "1152921504606846976"}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "big", Size: 512, PAXRecords: records}); err != nil {
		f.Fatal(err)
	}
	_, _ = w.Write(append([]byte("0\n"), make([]byte, 510)...))
	_ = w.Close()
	return bytes.ReplaceAll(b.Bytes(), []byte("XXX.sparse"), []byte("GNU.sparse")) // Go's writer refuses to write them
}

// FuzzUnpackNames: a sound archive with a file of any name, kind and link, and a plain one after it that may go through it, stays
// in its folder.
func FuzzUnpackNames(f *testing.F) {
	f.Add("pictures/1.jpg", "", byte(tar.TypeReg), []byte("abc"))
	f.Add("a", "..", byte(tar.TypeSymlink), []byte(nil))
	f.Add("a", "/tmp", byte(tar.TypeSymlink), []byte(nil))
	f.Add("a", "../files.tar.gz", byte(tar.TypeLink), []byte(nil))
	f.Add("../files.tar.gz", "", byte(tar.TypeReg), []byte("x"))
	f.Add("a//b", "", byte(tar.TypeReg), []byte("x"))
	f.Add("a/./b", "", byte(tar.TypeReg), []byte("x"))
	f.Add("a", "", byte(tar.TypeFifo), []byte(nil))
	f.Fuzz(func(t *testing.T, name, link string, kind byte, content []byte) {
		if kind != tar.TypeReg {
			content = nil
		}
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range []tar.Header{{Typeflag: kind, Name: name, Linkname: link, Size: int64(len(content))}, {Typeflag: tar.TypeReg, Name: name + "/after", Size: 1}} {
			if w.WriteHeader(&h) != nil {
				return
			}
			if _, err := w.Write(append(content, '1')[:h.Size]); err != nil {
				return
			}
		}
		if w.Close() != nil {
			return
		}
		if err := unpackSafely(t, b.Bytes()); err == nil {
			t.Errorf("%q is a file and a folder at once", name)
		}
	})
}

// FuzzQuoteOption: a value that is handed to the server's programs is read by them as it was; the others are refused. None adds
// a line to the option file.
func FuzzQuoteOption(f *testing.F) {
	for _, s := range []string{"", "plain", `p\a#s"s w;d`, "it's", `both'"`, "line\nbreak", `end\`, `\\`, "\\n", " spaces ", "#", "密码", strings.Repeat("x", 5000), "\x00", "\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		quoted, err := quoteOption(value)
		if err != nil {
			if quoted != "" || len(value) > 5 && strings.Contains(err.Error(), value) {
				t.Errorf("the error quotes the value: %v", err)
			}
			return
		}
		if read, ok := readOption("password=" + quoted + "\n"); !ok || read != value {
			t.Errorf("%q is written %s and read as %q", value, quoted, read)
		}
	})
}

// readOption reads one line of an option file as MySQL's and MariaDB's programs do (mysys/my_default.c): a line has 4 kB at most, a # outside
// quotes begins a comment, quotes around the value go, a backslash escapes.
func readOption(line string) (value string, ok bool) {
	if len(line) >= 4096 || strings.Count(line, "\n") != 1 {
		return "", false
	}
	var quote byte
	escaped := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case (c == '"' || c == '\'') && !escaped && quote == 0:
			quote = c
		case c == quote && !escaped:
			quote = 0
		}
		if quote == 0 && c == '#' {
			line = line[:i]
			break
		}
		escaped = quote != 0 && c == '\\' && !escaped
	}
	_, value, _ = strings.Cut(strings.TrimRight(line, " \t\r\n\v\f"), "=")
	value = strings.TrimLeft(value, " \t\r\n\v\f")
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	var b strings.Builder
	escapes := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 's': ' ', '"': '"', '\'': '\'', '\\': '\\'}
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
			if c, known := escapes[value[i]]; known {
				b.WriteByte(c)
				continue
			}
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	return b.String(), true
}
