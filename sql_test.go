package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// byDialect has one statement in two forms, ON DUPLICATE KEY for MySQL, MariaDB and TiDB and ON CONFLICT for SQLite, and chooses.
const byDialect = "service/tally/store.go"

// TestSQLForEveryEngine reads the texts of the sources and finds SQL that one of the engines of docs/engines.md does not know or understands
// otherwise.
func TestSQLForEveryEngine(t *testing.T) {
	statements := 0
	for _, folder := range []string{"api", "app", "model", "service"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for at, text := range texts(t, path) {
				if !sqlText.MatchString(text) {
					continue
				}
				statements++
				if path == byDialect {
					continue
				}
				if why := onlySomeEngines(text); why != "" {
					t.Errorf("%s: %s: %.200s", at, why, text)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if statements < 300 {
		t.Errorf("only %d texts with SQL found", statements)
	}
}

// TestUnportableSQLIsFound shows that the test above finds what it looks for, and nothing else.
func TestUnportableSQLIsFound(t *testing.T) {
	for text, found := range map[string]bool{
		"SELECT 1 FROM a JOIN b ON b.id = a.id AND EXISTS (SELECT 1 FROM c WHERE c.id = a.id) WHERE a.x = 1":          true,
		"SELECT 1 FROM a JOIN b ON b.id = a.id LEFT JOIN (SELECT id FROM c) d ON d.id = a.id WHERE a.x IN (SELECT 1)": false,
		"INSERT INTO a (b) VALUES (1) ON DUPLICATE KEY UPDATE b = 2":                                                  true,
		"INSERT INTO a (b) VALUES (1) RETURNING b":                                                                    true,
		"SELECT a || b FROM c":                             true,
		"SELECT id FROM a WHERE b = ? ORDER BY id LIMIT 1": false,
	} {
		if got := onlySomeEngines(text); (got != "") != found {
			t.Errorf("%s: %q", text, got)
		}
	}
}

var (
	sqlText   = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|JOIN|WHERE|FROM)\b`)
	onlySome  = regexp.MustCompile(`\b(RETURNING|ON DUPLICATE KEY|ON CONFLICT|INSERT IGNORE|REPLACE INTO|FULL OUTER|STRAIGHT_JOIN|GET_LOCK|SKIP LOCKED|LAST_INSERT_ID|AUTO_INCREMENT)\b|\|\|`)
	condition = regexp.MustCompile(`\bON\b`)
	nextPart  = regexp.MustCompile(`\b(JOIN|WHERE|GROUP BY|ORDER BY|UNION)\b`)
)

// onlySomeEngines says why an engine would refuse the statement; empty if none is known to.
func onlySomeEngines(sql string) string {
	if m := onlySome.FindString(sql); m != "" {
		return m + " is not known everywhere"
	}
	for _, at := range condition.FindAllStringIndex(sql, -1) {
		rest := sql[at[1]:]
		if end := nextPart.FindStringIndex(rest); end != nil {
			rest = rest[:end[0]]
		}
		if strings.Contains(rest, "(SELECT ") || strings.Contains(rest, "EXISTS (") {
			return "TiDB knows no subquery in the condition of a join; put it into WHERE"
		}
	}
	return ""
}

// texts are the string constants of a source file, those joined with + as one, by where they stand.
func texts(t *testing.T, path string) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found, inside := map[string]string{}, map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok || inside[n] {
			return true
		}
		if text := constant(e, inside); text != "" {
			found[files.Position(n.Pos()).String()] = text
		}
		return true
	})
	return found
}

// constant is the text of a string literal or of several joined with +; what else is joined in between counts as a space. The parts are noted in inside.
func constant(e ast.Expr, inside map[ast.Node]bool) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return ""
		}
		inside[e.X], inside[e.Y] = true, true
		left, right := constant(e.X, inside), constant(e.Y, inside)
		if left == "" && right == "" {
			return ""
		}
		return left + " " + right
	}
	return ""
}
