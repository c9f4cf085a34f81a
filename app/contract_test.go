package app_test

import (
	"bufio"
	"context"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"bangfu/api"
	"bangfu/service/identity"
)

var ginParam = regexp.MustCompile(`:([a-z_]+)`)

// key is how the tables name a route: "GET /api/v1/orders/{id}".
func key(r api.Route) string { return r.Method + " " + ginParam.ReplaceAllString(r.Path, "{$1}") }

func contract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestContractIsSound validates the contract itself, its examples included.
func TestContractIsSound(t *testing.T) {
	doc := contract(t)
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	var codes []string
	for _, c := range doc.Components.Schemas["Error"].Value.Properties["error"].Value.Properties["code"].Value.Enum {
		codes = append(codes, c.(string))
	}
	var want []string
	for _, c := range api.Codes() {
		want = append(want, string(c))
	}
	slices.Sort(codes)
	slices.Sort(want)
	if !slices.Equal(codes, want) {
		t.Errorf("error codes of the contract %v, of the program %v", codes, want)
	}
}

// permission is one row of testdata/permissions.tsv: who may call a route, and what decides the scope.
type permission struct{ route, audience, roles, scope string }

// permissions reads the permission table, which is kept by hand: a route that is not in it fails the tests.
func permissions(t testing.TB) map[string]permission {
	t.Helper()
	f, err := os.Open("testdata/permissions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	table := map[string]permission{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			c := strings.Split(line, "\t")
			if len(c) != 4 {
				t.Fatalf("permissions.tsv: %q does not have 4 columns", line)
			}
			if _, twice := table[c[0]]; twice {
				t.Errorf("permissions.tsv: %s stands twice", c[0])
			}
			table[c[0]] = permission{c[0], c[1], c[2], c[3]}
		}
	}
	return table
}

// short names of the roles, in the order of identity.Roles.
var shortRoles = map[identity.Role]string{
	identity.RoleUnionAdmin: "admin", identity.RoleUnionApprover: "approver", identity.RoleFederation: "federation", identity.RoleCityFederation: "city",
	identity.RoleAuditor: "auditor", identity.RoleSupplier: "supplier", identity.RoleCashier: "cashier", identity.RoleOperator: "operator",
}

// described is the row of the permission table that the program's own tables amount to.
func described(r api.Route) permission {
	p := permission{route: key(r), audience: string(r.Audience), roles: "-", scope: "-"}
	if r.Audience == api.Staff {
		var roles []string
		for _, x := range identity.Roles {
			if x.Role.May(r.Permission) {
				roles = append(roles, shortRoles[x.Role])
			}
		}
		p.roles = strings.Join(roles, ",")
		if r.Permission.NeedsSecondFactor() {
			p.roles += " +2fa"
		}
	}
	if r.Object != "" {
		p.scope = string(r.Object)
	}
	return p
}

// TestRoutesContractAndPermissionsAgree ties the route table, the contract and the permission table together: each route is in
// all three and says the same in each.
func TestRoutesContractAndPermissionsAgree(t *testing.T) {
	h := newHouse(t)
	doc, table := contract(t), permissions(t)
	seen := map[string]bool{}
	for _, r := range h.Server.Routes() {
		k := key(r)
		seen[k] = true
		if got := described(r); table[k] != got {
			t.Errorf("permissions.tsv has %q, the program amounts to\n%s\t%s\t%s\t%s", table[k], got.route, got.audience, got.roles, got.scope)
		}
		item := doc.Paths.Value(ginParam.ReplaceAllString(r.Path, "{$1}"))
		if item == nil || item.GetOperation(r.Method) == nil {
			t.Errorf("%s is not in the contract", k)
			continue
		}
		checkOperation(t, k, r, item.GetOperation(r.Method))
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !seen[method+" "+path] {
				t.Errorf("the contract has %s %s, which is not a route", method, path)
			}
		}
	}
	for k := range table {
		if !seen[k] {
			t.Errorf("permissions.tsv has %s, which is not a route", k)
		}
	}
}

func handlerName(r api.Route) string {
	full := runtime.FuncForPC(reflect.ValueOf(r.Handle).Pointer()).Name() // "bangfu/api.(*Server).getOrder-fm"
	return strings.TrimSuffix(full[strings.LastIndex(full, ".")+1:], "-fm")
}

func checkOperation(t *testing.T, k string, r api.Route, op *openapi3.Operation) {
	t.Helper()
	var schemes []string
	if op.Security != nil {
		for _, s := range *op.Security {
			for name := range s {
				schemes = append(schemes, name)
			}
		}
	}
	want := map[api.Audience][]string{api.Public: nil, api.Account: {"member"}, api.Member: {"member"}, api.Staff: {"staff"}}[r.Audience]
	if !slices.Equal(schemes, want) {
		t.Errorf("%s: security %v, want %v", k, schemes, want)
	}
	if got := op.Parameters.GetByInAndName("header", "Idempotency-Key") != nil; got != r.Money {
		t.Errorf("%s: Idempotency-Key in the contract: %v, in the route: %v", k, got, r.Money)
	}
	if got := op.Parameters.GetByInAndName("header", "X-CSRF-Token") != nil; got != (r.Audience == api.Staff && r.Method != "GET") {
		t.Errorf("%s: X-CSRF-Token in the contract: %v", k, got)
	}
	if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
		t.Errorf("%s: operationId, summary or tag is missing", k)
	}
	// One name for one thing: the handler is called as the contract calls the operation. What members do with their own things as the console
	// does it has one handler, and "My" in the operation's name.
	if name := handlerName(r); name != op.OperationID && (r.Audience != api.Member || name != strings.Replace(op.OperationID, "My", "", 1)) {
		t.Errorf("%s: the handler is %s, the operation %s", k, name, op.OperationID)
	}
	status := "200"
	if r.Status != 0 {
		status = map[int]string{201: "201", 202: "202", 204: "204"}[r.Status]
	}
	if op.Responses.Value(status) == nil && op.Responses.Value("204") == nil {
		t.Errorf("%s: no answer %s in the contract", k, status)
	}
	for _, code := range []string{"500", "503"} {
		if op.Responses.Value(code) == nil {
			t.Errorf("%s: no answer %s in the contract", k, code)
		}
	}
	checkExamples(t, k, op)
}

// checkExamples wants an example of every JSON body and answer, in the operation itself or in its schema.
func checkExamples(t *testing.T, k string, op *openapi3.Operation) {
	t.Helper()
	has := func(c openapi3.Content) bool {
		m := c.Get("application/json")
		return m == nil || m.Example != nil || len(m.Examples) > 0 || m.Schema != nil && m.Schema.Value != nil && (m.Schema.Value.Example != nil || len(m.Schema.Value.Examples) > 0)
	}
	if op.RequestBody != nil && !has(op.RequestBody.Value.Content) {
		t.Errorf("%s: no example of the request", k)
	}
	for status, r := range op.Responses.Map() {
		if !has(r.Value.Content) {
			t.Errorf("%s: no example of answer %s", k, status)
		}
	}
}
