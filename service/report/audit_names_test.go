package report

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

// actionForm is how actions look in the sources; half of one may be put together there ("product."+to).
var actionForm = regexp.MustCompile(`^([a-z]+)\.([a-z_]+)$`)

// TestActionsHaveNames reads every action out of the services' sources and wants a Chinese name for it.
func TestActionsHaveNames(t *testing.T) {
	found := map[string]bool{"product.on": true, "product.off": true, "stock.receive": true, "stock.adjust": true, "supplier.active": true, "supplier.suspended": true,
		"supplier.update": true, "channel.update": true, "region.update": true, "certificate.update": true}
	for _, step := range []string{"open", "agree", "refuse", "send_back", "receive", "withdraw", "escalate", "decide", "expire"} {
		found["aftersale."+step] = true
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		skip := strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "permissions.go" || filepath.Base(path) == "audit.go"
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || skip {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				if m := actionForm.FindStringSubmatch(text); m != nil && subjects[m[1]] != "" && m[2] != "id" {
					found[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("only %d actions found: has the way they are written changed?", len(found))
	}
	for action := range found {
		if name := actionName(action); strings.ContainsAny(name, "abcdefghijklmnopqrstuvwxyz_.") {
			t.Errorf("%s is shown as %q", action, name)
		}
	}
}
