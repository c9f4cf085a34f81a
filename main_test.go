package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
)

// output collects what the program prints while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) { o.mu.Lock(); defer o.mu.Unlock(); return o.b.Write(p) }
func (o *output) String() string              { o.mu.Lock(); defer o.mu.Unlock(); return o.b.String() }

// TestCommandLine shows what a stranger gets for each way of calling the program.
func TestCommandLine(t *testing.T) {
	t.Setenv("DATA_DIR", t.TempDir())
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"help", 0, "Usage: bangfu"},
		{"--help", 0, "healthcheck"},
		{"serve --help", 0, "Usage: bangfu"},
		{"version", 0, "bangfu dev"},
		{"--version", 0, "bangfu dev"},
		{"frobnicate", 2, `no command "frobnicate"`},
		{"serve --fast", 2, `serve does not know "--fast"`},
		{"--migrate --fast", 2, `"--fast"`},
		{"migrate", 0, "up to date"},
		{"reconcile", 0, "全部通过"},
		{"recount", 0, "1 unions were counted anew: 0 rows"},
		{"rekey", 0, "0 sealed values"},
		{"backup", 2, "backup wants a folder"},
		{"backup --help", 0, "Usage: bangfu"},
		{"backup --until=latest x", 2, `backup does not know "--until=latest"`},
		{"restore a b", 2, "takes one folder"},
		{"restore --until=yesterday x", 2, "whole seconds"},
		{"backup --log x", 1, "the embedded database has no log"},
		{"restore " + t.TempDir(), 1, "holds no backup"},
	} {
		var out output
		if code := run(context.Background(), strings.Fields(c.args), &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: exit code %d, printed %q", c.args, code, out.String())
		}
	}
}

// TestFreshDatabaseIsRefusedUntilMigrated shows that commands that do not migrate say what to do, and that reconcile makes
// nothing where nothing is.
func TestFreshDatabaseIsRefusedUntilMigrated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	t.Setenv("DATA_DIR", dir)
	var out output
	for _, command := range []string{"reconcile", "recount", "rekey", "audit-head", "audit-verify"} {
		var out output
		if code := run(context.Background(), []string{command}, &out, &out); code != 1 || !strings.Contains(out.String(), "there is no database") {
			t.Errorf("%s: %d %s", command, code, out.String())
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s made a DATA_DIR", command)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bangfu.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run(context.Background(), []string{"rekey"}, &out, &out); code != 1 || !strings.Contains(out.String(), "run the migrate subcommand") {
		t.Errorf("%d %s", code, out.String())
	}
}

// TestWrongSettings shows that a start with wrong settings fails and names all of them.
func TestWrongSettings(t *testing.T) {
	t.Setenv("HTTP_ADDR", "0.0.0.0:8080")
	t.Setenv("LOG_LEVEL", "loud")
	var out output
	if code := run(context.Background(), nil, &out, &out); code != 1 || !strings.Contains(out.String(), "WECHAT_APP_SECRET") || !strings.Contains(out.String(), "LOG_LEVEL") {
		t.Errorf("%d %s", code, out.String())
	}
}

// TestOtherKeysAreRefused shows that a process with other keys than the database was made with does not start on it, and that
// the field key can be rotated and the old one dropped.
func TestOtherKeysAreRefused(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DATA_DIR", dir)
	expect := func(args string, code int, says string) {
		t.Helper()
		var out output
		if got := run(context.Background(), strings.Fields(args), &out, &out); got != code || !strings.Contains(out.String(), says) {
			t.Errorf("%s: %d %s", args, got, out.String())
		}
	}
	expect("migrate", 0, "up to date")
	t.Setenv("HASH_KEY", model.GenerateKey())
	expect("migrate", 1, "HASH_KEY: a key is not the one")
	t.Setenv("HASH_KEY", "")
	old, err := os.ReadFile(filepath.Join(dir, "secrets", "field-keys"))
	if err != nil {
		t.Fatal(err)
	}
	fresh := "k2:" + model.GenerateKey()
	t.Setenv("FIELD_KEYS", fresh)
	expect("migrate", 1, "FIELD_KEYS: a key is not the one")
	t.Setenv("FIELD_KEYS", fresh+","+strings.TrimSpace(string(old)))
	expect("rekey", 1, `FIELD_KEYS: "k2": no serving process`)
	serving, stop := context.WithCancel(context.Background())
	addr := freeAddr(t)
	t.Setenv("HTTP_ADDR", addr)
	var out output
	done := make(chan int, 1)
	go func() { done <- run(serving, nil, &out, &out) }()
	waitReady(t, addr, &out)
	expect("rekey", 1, "another process works on the embedded database")
	stop()
	if code := <-done; code != 0 {
		t.Fatalf("serve: %d %s", code, out.String())
	}
	expect("rekey", 0, "sealed again")
	t.Setenv("FIELD_KEYS", fresh)
	expect("migrate", 0, "up to date")
	t.Setenv("FIELD_KEYS", "")
	expect("migrate", 1, "FIELD_KEYS: a key is not the one")
}

// TestServe starts the program, stops it as an operator would and starts it again on the same data: the first password is
// shown once and kept with mode 0600.
func TestServe(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	t.Setenv("DATA_DIR", dir)
	t.Setenv("HTTP_ADDR", addr)
	t.Setenv("MYSQL_DSN", "")
	for round := range 2 {
		ctx, stop := context.WithCancel(context.Background())
		var out output
		done := make(chan int, 1)
		go func() { done <- run(ctx, []string{"serve"}, &out, &out) }()
		waitReady(t, addr, &out)
		if code := run(ctx, []string{"healthcheck"}, &out, &out); code != 0 {
			t.Errorf("healthcheck: %d", code)
		}
		stop()
		select {
		case code := <-done:
			if code != 0 {
				t.Errorf("exit code %d: %s", code, out.String())
			}
		case <-time.After(10 * time.Second):
			t.Fatal("does not stop")
		}
		if shown := strings.Contains(out.String(), "初始密码"); shown != (round == 0) {
			t.Errorf("round %d: first password shown: %v", round, shown)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "secrets", "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
	}
	var out output
	if code := run(context.Background(), []string{"healthcheck"}, &out, &out); code != 1 {
		t.Errorf("healthcheck of a stopped program: %d", code)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func waitReady(t *testing.T, addr string, out *output) {
	t.Helper()
	for range 200 {
		if resp, err := http.Get("http://" + addr + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not ready: %s", out.String())
}

// TestBackupAndRestore shows an operator's way: a backup, a restore on another machine, where the invariants are proved at once, and that
// the program then starts only with the keys, which are not in the backup.
func TestBackupAndRestore(t *testing.T) {
	first, second, folder := t.TempDir(), filepath.Join(t.TempDir(), "new"), t.TempDir()
	t.Setenv("DATA_DIR", first)
	call := func(code int, says string, args ...string) {
		t.Helper()
		var out output
		if got := run(context.Background(), args, &out, &out); got != code || !strings.Contains(out.String(), says) {
			t.Fatalf("%q: exit code %d, printed %q", args, got, out.String())
		}
	}
	call(0, "up to date", "migrate")
	call(0, "The keys are not in it", "backup", folder)
	made, err := filepath.Glob(filepath.Join(folder, "2*"))
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	call(1, "holds a database already", "restore", made[0])
	t.Setenv("DATA_DIR", second)
	call(0, "全部通过", "restore", made[0])
	if _, err := os.Stat(filepath.Join(second, "secrets")); err == nil {
		t.Error("the keys came with the backup, or were made by the restore")
	}
	call(1, "HASH_KEY", "rekey")
	if err := os.RemoveAll(filepath.Join(second, "secrets")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(second, "secrets"), os.DirFS(filepath.Join(first, "secrets"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hash-key", "field-keys"} {
		if err := os.Chmod(filepath.Join(second, "secrets", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call(0, "0 sealed values", "rekey")
	call(0, "条已封存的审计记录，通过", "reconcile")
	call(0, "1:1.", "audit-head")
	call(0, "不符 0 处", "audit-verify")
	call(1, "与留存的链头不符", "audit-verify", "--since=1:1.other")
	call(2, "is not SEQ:HASH", "audit-verify", "--since=x")
	call(2, "--since wants a noted head", "audit-verify", "--since=") // an unset variable must not pass for "no head"

	note := filepath.Join(second, "audit-head") // as if the chain had come further before somebody cut it off
	if err := os.WriteFile(note, []byte("9:1.other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(1, "记下的链头 9:1.other", "audit-verify")
	call(1, "记下的链头 9:1.other", "reconcile")
	call(0, "全部通过", "restore", made[0], "--overwrite") // the note is of what was there before
	call(0, "全部通过", "reconcile")
	if _, err := os.Stat(note); err == nil {
		t.Error("the note of a chain that was restored over is still there")
	}
}

// TestSameDatabase shows when the proof of a restore is about the product's own database.
func TestSameDatabase(t *testing.T) {
	const own = "bangfu:a@tcp(db:3306)/bangfu?tls=true"
	for other, same := range map[string]bool{
		own: true, "restore:b@tcp(db:3306)/bangfu": true, "bangfu:a@tcp(db)/bangfu": true,
		"restore:b@tcp(db:3306)/rehearsal": false, "restore:b@tcp(db2:3306)/bangfu": false, "restore:b@unix(/s)/bangfu": false, "": false, "x": false,
	} {
		if got := sameDatabase(other, own); got != same {
			t.Errorf("%q: %v", other, got)
		}
	}
	if !sameDatabase("", "") {
		t.Error("the embedded database is itself")
	}
}
