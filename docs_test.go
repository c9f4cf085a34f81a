package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPageNamesWhatExists holds docs/security.md to the sources: every test, fuzz target and file that it names as proof is there.
func TestSecurityPageNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
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
