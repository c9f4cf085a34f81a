package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"bangfu/model"
)

// eachStore runs a test against a local directory and against a real S3 server over HTTP.
func eachStore(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("Local", func(t *testing.T) {
		s, err := Open(Options{Kind: KindLocal, Dir: filepath.Join(t.TempDir(), "new", "files")})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
	t.Run("S3", func(t *testing.T) {
		s, err := Open(s3Options(t, "pictures"))
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

func s3Options(t *testing.T, bucket string) Options {
	backend := s3mem.New()
	if err := backend.CreateBucket("pictures"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return Options{Kind: KindS3, Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: bucket,
		Region: "us-east-1", AccessKey: "test", SecretKey: "test-secret"}
}

func put(t *testing.T, s Store, key, content string) {
	t.Helper()
	if err := s.Put(t.Context(), key, typeOf(key), int64(len(content)), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s Store, key string) (string, Info) {
	t.Helper()
	r, info, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(content), info
}

func TestStoreKeepsContent(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		big := strings.Repeat("大文件", 1<<20)
		for key, content := range map[string]string{"a.jpg": "first", "claims/2025/b-1.pdf": big, "b.csv": "姓名"} {
			put(t, s, key, content)
			got, info := get(t, s, key)
			if got != content || info.Size != int64(len(content)) || info.ContentType != typeOf(key) {
				t.Errorf("%s: %d bytes, %+v", key, len(got), info)
			}
			if age := time.Since(info.ModTime); age < -time.Minute || age > time.Minute {
				t.Errorf("%s: stored at %v", key, info.ModTime)
			}
		}
		put(t, s, "a.jpg", "second, longer")
		if got, _ := get(t, s, "a.jpg"); got != "second, longer" {
			t.Errorf("after replacing: %q", got)
		}
		if err := s.Health(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestStoreSeeks(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		put(t, s, "a.pdf", "0123456789")
		r, _, err := s.Get(t.Context(), "a.pdf")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Seek(6, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != "6789" {
			t.Fatalf("%q, %v", rest, err)
		}
	})
}

func TestStoreMissingAndDelete(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		for _, key := range []string{"none.jpg", "none/none.jpg", "../etc/passwd", "/etc/passwd", "", ".tmp", "a/.tmp/x.jpg"} {
			if _, _, err := s.Get(t.Context(), key); model.CodeOf(err) != model.CodeNotFound {
				t.Errorf("get %q: %v", key, err)
			}
		}
		put(t, s, "x/a.jpg", "a")
		for range 2 {
			if err := s.Delete(t.Context(), "x/a.jpg"); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Get(t.Context(), "x/a.jpg"); model.CodeOf(err) != model.CodeNotFound {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), "../a.jpg"); err == nil {
			t.Error("deleted a path outside")
		}
	})
}

func TestStoreRefusesAndKeepsTheOld(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		put(t, s, "a.jpg", "old")
		broken := io.MultiReader(strings.NewReader("ne"), iotest.ErrReader(errors.New("client went away")))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range map[string]error{
			"short":       s.Put(t.Context(), "a.jpg", "image/jpeg", 5, strings.NewReader("new")),
			"long":        s.Put(t.Context(), "a.jpg", "image/jpeg", 2, strings.NewReader("new")),
			"broken":      s.Put(t.Context(), "a.jpg", "image/jpeg", 3, broken),
			"empty":       s.Put(t.Context(), "a.jpg", "image/jpeg", 0, strings.NewReader("")),
			"too large":   s.Put(t.Context(), "a.jpg", "image/jpeg", MaxBytes+1, strings.NewReader("new")),
			"cancelled":   s.Put(gone, "a.jpg", "image/jpeg", 3, strings.NewReader("new")),
			"other type":  s.Put(t.Context(), "a.jpg", "image/png", 3, strings.NewReader("new")),
			"no such":     s.Put(t.Context(), "a.html", "text/html", 3, strings.NewReader("new")),
			"escape":      s.Put(t.Context(), "../a.jpg", "image/jpeg", 3, strings.NewReader("new")),
			"absolute":    s.Put(t.Context(), "/a.jpg", "image/jpeg", 3, strings.NewReader("new")),
			"dots inside": s.Put(t.Context(), "b/../a.jpg", "image/jpeg", 3, strings.NewReader("new")),
			"hidden":      s.Put(t.Context(), ".tmp/a.jpg", "image/jpeg", 3, strings.NewReader("new")),
			"backslash":   s.Put(t.Context(), `b\a.jpg`, "image/jpeg", 3, strings.NewReader("new")),
			"very long":   s.Put(t.Context(), strings.Repeat("a", 200)+".jpg", "image/jpeg", 3, strings.NewReader("new")),
		} {
			if err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if got, _ := get(t, s, "a.jpg"); got != "old" {
			t.Errorf("the old content became %q", got)
		}
	})
}

func TestLocalFilesArePrivateAndContained(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Kind: KindLocal, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "x/y/a.jpg", "a")
	_ = s.Put(t.Context(), "x/b.jpg", "image/jpeg", 9, strings.NewReader("short"))
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() && filepath.Base(path) != "a.jpg" {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.jpg"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(t.Context(), "link/secret.jpg"); err == nil {
		t.Error("a symbolic link led out of the directory")
	}
	if err := s.Put(t.Context(), "link/new.jpg", "image/jpeg", 1, strings.NewReader("x")); err == nil {
		t.Error("wrote through a symbolic link")
	}
}

func TestLocalTidiesAfterACrash(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, tempDir), 0o700); err != nil {
		t.Fatal(err)
	}
	stale, fresh := filepath.Join(dir, tempDir, "STALE"), filepath.Join(dir, tempDir, "FRESH")
	for _, name := range []string{stale, fresh} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Kind: KindLocal, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Error("stale file is still there:", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("another process's file was removed:", err)
	}
}

func TestHealthTellsTrouble(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(Options{Kind: KindLocal, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	noBucket, err := Open(s3Options(t, "other"))
	if err != nil {
		t.Fatal(err)
	}
	down := httptest.NewServer(nil)
	down.Close()
	o := s3Options(t, "pictures")
	o.Endpoint = strings.TrimPrefix(down.URL, "http://")
	unreachable, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Store{"directory gone": l, "no bucket": noBucket, "server down": unreachable} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := s.Health(ctx); err == nil {
			t.Errorf("%s: healthy", name)
		}
		cancel()
	}
	if _, _, err := unreachable.Get(t.Context(), "a.jpg"); err == nil || model.CodeOf(err) == model.CodeNotFound {
		t.Errorf("a server that is down is not a missing file: %v", err)
	}
	if err := noBucket.Put(t.Context(), "a.jpg", "image/jpeg", 1, bytes.NewReader([]byte("x"))); err == nil {
		t.Error("put into a missing bucket")
	}
}

func TestOpenRefusesIncompleteOptions(t *testing.T) {
	for _, o := range []Options{{}, {Kind: "ftp"}, {Kind: KindLocal}, {Kind: KindS3, Endpoint: "x"},
		{Kind: KindS3, Endpoint: "http://x/y", Bucket: "b", AccessKey: "a", SecretKey: "s"}} {
		if _, err := Open(o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}
