package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"

	"bangfu/config"
)

// TestSecurityPageNamesWhatExists holds docs/security.md to the sources: every test, fuzz target and file that it names as proof is there.
func TestSecurityPageNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := declaredTests(t)
	tests, files := 0, 0
	name, file := regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w+$`), regexp.MustCompile(`^\.?[\w-]+(/[\w.-]+)+$|^\.?[\w-]+\.(go|md|mod|sum|yml)$|^(Makefile|Dockerfile)$`)
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllSubmatch(page, -1) {
		switch said := string(m[1]); {
		case name.MatchString(said):
			tests++
			if !declared[said] {
				t.Errorf("there is no test %s", said)
			}
		case file.MatchString(said):
			files++
			if _, err := os.Stat(said); err != nil {
				t.Errorf("there is no file %s", said)
			}
		}
	}
	if tests < 200 || files < 50 {
		t.Errorf("only %d tests and %d files found: has the page's form changed?", tests, files)
	}
}

// declaredTests are the names of all tests and fuzz targets.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(source, -1) {
			declared[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

// TestPagesNameTestsThatExist: the tests that other pages name as proof are there.
func TestPagesNameTestsThatExist(t *testing.T) {
	declared := declaredTests(t)
	for path, least := range map[string]int{"docs/engines.md": 8, "docs/privacy.md": 1} {
		named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)(?:/\\w+)?`").FindAllSubmatch(page(t, path), -1)
		for _, m := range named {
			if !declared[string(m[1])] {
				t.Errorf("%s names %s, which is no test", path, m[1])
			}
		}
		if len(named) < least {
			t.Errorf("%s names only %d tests", path, len(named))
		}
	}
}

// settings are the names of all settings, with the groups that pages write short: S3_….
func settings(t *testing.T) []string {
	t.Helper()
	fields, err := env.GetFieldParams(&config.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Key)
	}
	return names
}

func page(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestReadmeNamesEverySetting holds README.md to the settings that the program reads: each is named, or a group that it begins with (S3_…), or what it ends
// with (…_ORDER_SHIPPED, and _FILE of any secret).
func TestReadmeNamesEverySetting(t *testing.T) {
	readme, all := page(t, "README.md"), settings(t)
	for _, name := range all {
		told := bytes.Contains(readme, []byte("`"+name+"`")) || bytes.Contains(readme, []byte("`"+strings.TrimSuffix(name, "_FILE")+"`"))
		for i := range name {
			told = told || name[i] == '_' && (bytes.Contains(readme, []byte("`"+name[:i+1]+"…`")) || bytes.Contains(readme, []byte("`…"+name[i:]+"`")))
		}
		if !told {
			t.Errorf("README.md does not name %s", name)
		}
	}
	if len(all) < 50 {
		t.Errorf("only %d settings", len(all))
	}
}

// TestPagesNameSettingsThatExist: what the pages for operators write like one of our settings is one.
func TestPagesNameSettingsThatExist(t *testing.T) {
	all, found := settings(t), 0
	for _, path := range []string{"README.md", "docs/deploy.md", "docs/security.md", "docs/privacy.md"} {
		for _, m := range regexp.MustCompile("`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`").FindAllSubmatch(page(t, path), -1) {
			found++
			if name := string(m[1]); !slices.Contains(all, name) {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d settings named", found)
	}
}

// TestReadmeNamesEveryCommand holds README.md to the commands of the program and the targets of the Makefile, and keeps its first screen: the two
// commands to begin with.
func TestReadmeNamesEveryCommand(t *testing.T) {
	readme := page(t, "README.md")
	if first := bytes.Join(bytes.SplitN(readme, []byte("\n"), 20)[:19], []byte("\n")); !bytes.Contains(first, []byte("\nmake demo ")) || !bytes.Contains(first, []byte("\nmake test ")) {
		t.Error("the first screen does not say make demo and make test")
	}
	rows := regexp.MustCompile("(?m)^\\| `bangfu .*$").FindAll(readme, -1)
	var said []string
	for _, m := range regexp.MustCompile("`(?:bangfu )?([a-z-]+)`").FindAllSubmatch(bytes.Join(rows, []byte("\n")), -1) {
		said = append(said, string(m[1]))
	}
	var known []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+)  +\S`).FindAllStringSubmatch(help[:strings.Index(help, "Settings are")], -1) {
		known = append(known, m[1])
		if !slices.Contains(said, m[1]) {
			t.Errorf("README.md does not name bangfu %s", m[1])
		}
	}
	if len(known) < 10 {
		t.Errorf("only %v commands", known)
	}
	makefile := page(t, "Makefile")
	for _, m := range regexp.MustCompile("make ([a-z-]+)").FindAllSubmatch(slices.Concat(readme, page(t, "CONTRIBUTING.md")), -1) {
		if !regexp.MustCompile(`(?m)^`+string(m[1])+`:`).Match(makefile) && string(m[1]) != "sure" {
			t.Errorf("there is no make %s", m[1])
		}
	}
	for _, target := range []string{"demo", "test", "check", "nightly", "bench", "scale", "chaos", "drill", "fuzz", "histories"} {
		if !bytes.Contains(readme, []byte("make "+target)) {
			t.Errorf("README.md does not name make %s", target)
		}
	}
}

// TestTablesAreWhole shows that every table of the documents begins with its headings: a blank line within one makes what follows plain text.
func TestTablesAreWhole(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	tables, line := 0, regexp.MustCompile(`^\|(\s*:?-+:?\s*\|)+$`)
	for _, path := range append(pages, "README.md", "CONTRIBUTING.md") {
		lines, code := strings.Split(string(page(t, path)), "\n"), false
		for i, text := range lines {
			if strings.HasPrefix(strings.TrimSpace(text), "```") {
				code = !code
			}
			if code || !strings.HasPrefix(text, "|") || i > 0 && strings.HasPrefix(lines[i-1], "|") {
				continue
			}
			tables++
			if i+1 == len(lines) || !line.MatchString(strings.TrimSpace(lines[i+1])) {
				t.Errorf("%s:%d begins a table without headings", path, i+1)
			}
		}
	}
	if tables < 20 {
		t.Errorf("only %d tables", tables)
	}
}

// TestMakeDemoSaysThatItBuilds shows that the first thing "make demo" does is to say what the minute of silence is for.
func TestMakeDemoSaysThatItBuilds(t *testing.T) {
	path, err := exec.LookPath("make")
	if err != nil {
		t.Skip(err)
	}
	command := exec.CommandContext(t.Context(), path, "-n", "demo")
	command.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") }) // "make test" runs this too
	out, err := command.CombinedOutput()
	if first, _, _ := strings.Cut(string(out), "\n"); err != nil || !strings.Contains(first, "building bin/bangfu") {
		t.Errorf("%v: %s", err, out)
	}
}
