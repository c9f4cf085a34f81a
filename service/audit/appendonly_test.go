package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	trailName  = regexp.MustCompile(`\bAuditEntry\b|\bAuditSeal\b|audit_entries|audit_seals`)
	changing   = regexp.MustCompile(`(?is)\b(update|delete\s+from|truncate|replace\s+into|drop\s+table|alter\s+table)\b[^;]*\baudit_(entries|seals)\b`)
	changers   = []string{"Update", "Updates", "UpdateColumn", "UpdateColumns", "Delete", "Save", "FirstOrCreate", "Unscoped"}
	addsColumn = regexp.MustCompile(`(?is)^\s*alter\s+table\s+audit_(entries|seals)\s+(add\s+column\b|alter\s+column\s+\w+\s+set\s+default\b)`)
)

// TestNothingChangesTheTrail looks through the product's code and migrations: nothing updates or deletes entries or seals of the audit
// trail. (The entities refuse it besides, and so does the database to an account with the grants of docs/deploy.md.)
func TestNothingChangesTheTrail(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 || d.Name() == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".sql"):
			seen++
			return checkSQL(t, path)
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			seen++
			return checkGo(t, path)
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files, %v", seen, err)
	}
	for text, want := range map[string]bool{
		"UPDATE audit_entries SET x = 1": true, "delete from\n audit_seals": true, "INSERT INTO audit_seals": false, "SELECT * FROM audit_entries": false,
		"UPDATE orders SET x = 1; SELECT 1 FROM audit_entries": false,
	} {
		if changing.MatchString(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func checkSQL(t *testing.T, path string) error {
	text, err := os.ReadFile(path)
	for _, statement := range strings.Split(string(text), ";") {
		lines := slices.DeleteFunc(strings.Split(statement, "\n"), func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "--") })
		statement = strings.Join(lines, "\n")
		if changing.MatchString(statement) && !addsColumn.MatchString(statement) {
			t.Errorf("%s: %s", path, statement)
		}
	}
	return err
}

func checkGo(t *testing.T, path string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING && changing.MatchString(n.Value) {
				t.Errorf("%s: %s", files.Position(n.Pos()), n.Value)
			}
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			text := source[files.Position(n.Pos()).Offset:files.Position(n.End()).Offset]
			if ok && slices.Contains(changers, f.Sel.Name) && trailName.Match(text) && !strings.Contains(string(text), "func(") {
				t.Errorf("%s: %s", files.Position(n.Pos()), text)
			}
		}
		return true
	})
	return nil
}
