package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"bangfu/api"
	"bangfu/model"
	"bangfu/service/identity"
)

// operation is a route with what it takes to call it: somebody who may, a thing that it may be done to, the contract's example.
type operation struct {
	route   api.Route
	role    identity.Role // staff
	object  model.ID
	path    string
	example []byte
	form    map[string]string // of an upload
	upload  bool
	query   []string // the parameters that the contract knows
}

// fuzzHouse is the product with one operation for each route.
type fuzzHouse struct {
	*scene
	person     model.ID
	operations []operation
}

func newFuzzHouse(t testing.TB) *fuzzHouse {
	t.Helper()
	x := &fuzzHouse{scene: newScene(t)}
	x.h.Guard.LiftLimits(true)
	x.person = x.object(identity.ObjectMember, x.unions["own"], 0, 0)
	table, doc := permissions(t), contract(t)
	for _, r := range x.h.Server.Routes() {
		o := operation{route: r}
		for _, role := range identity.Roles {
			if o.role == "" && strings.Contains(","+strings.TrimSuffix(table[key(r)].roles, " +2fa")+",", ","+shortRoles[role.Role]+",") {
				o.role = role.Role
			}
		}
		if r.Object != "" {
			o.object = x.mine(r, o.role)
		}
		o.path = x.path(r, o.object)
		_, template, _ := strings.Cut(key(r), " ")
		op := doc.Paths.Find(template).GetOperation(r.Method)
		if op.RequestBody != nil {
			o.fill(t, op.RequestBody.Value.Content)
		}
		for _, p := range op.Parameters {
			if p.Value.In == "query" {
				o.query = append(o.query, p.Value.Name)
			}
		}
		x.operations = append(x.operations, o)
	}
	return x
}

// mine makes a thing that the route may be called for by the role, or by the member.
func (x *fuzzHouse) mine(r api.Route, role identity.Role) model.ID {
	own, supplier := x.unions["own"], x.suppliers["own"]
	switch r.Object {
	case identity.ObjectHall:
		return x.halls["own"]
	case identity.ObjectRedemption:
		return x.redemption(x.halls["own"], supplier, x.person)
	case identity.ObjectFile:
		if role == identity.RoleSupplier {
			own = model.Union{}
		}
	}
	id := x.object(r.Object, own, x.person, supplier)
	if r.Object == identity.ObjectBindingRequest { // the matrix needs no account behind it
		x.h.insert(&model.WechatAccount{ID: id, OpenID: "asks-" + id.String(), CreatedAt: x.h.clock.Now()})
	}
	return id
}

// fill takes the example of a request's body from the contract.
func (o *operation) fill(t testing.TB, content openapi3.Content) {
	t.Helper()
	if m := content["application/json"]; m != nil {
		example := m.Example
		for _, e := range m.Examples {
			example = e.Value.Value
		}
		if example == nil && m.Schema != nil {
			example = m.Schema.Value.Example
		}
		o.example, _ = json.Marshal(example)
		return
	}
	o.upload, o.form = content["multipart/form-data"] != nil, map[string]string{}
	if !o.upload {
		return
	}
	for name, schema := range content["multipart/form-data"].Schema.Value.Properties {
		if name != "file" {
			o.form[name] = fmt.Sprint(schema.Value.Example)
			if len(schema.Value.Enum) > 0 {
				o.form[name] = fmt.Sprint(schema.Value.Enum[0])
			}
		}
	}
	o.example = []byte("姓名,身份证号,手机号,金额(元)\n职工甲,99999919900101001X,10000000001,600\n")
}

// caller is somebody who may call the operation, in a session of their own.
func (x *fuzzHouse) caller(o operation) *client {
	switch o.route.Audience {
	case api.Staff:
		s := model.Staff{Role: string(o.role), UnionID: x.unions["own"].ID}
		if supplier := x.suppliers["own"]; o.role == identity.RoleSupplier || o.role == identity.RoleCashier {
			s.SupplierID = &supplier
		}
		if hall := x.halls["own"]; o.role == identity.RoleCashier {
			s.HallID = &hall
		}
		return x.h.staffWith(s, true)
	case api.Account, api.Member:
		return x.h.memberAgain(x.person)
	}
	return x.h.client()
}

// memberAgain is a new session of the one WeChat account that the person is bound to.
func (h *house) memberAgain(person model.ID) *client {
	h.t.Helper()
	var account model.WechatAccount
	if h.DB.Read(h.t.Context()).Where("person_id = ?", person).Limit(1).Find(&account).RowsAffected == 0 {
		return h.memberAs(person)
	}
	n, now := h.n.Add(1), h.clock.Now()
	c := h.client()
	c.token = fmt.Sprintf("%043d", n)
	h.insert(&model.Session{ID: h.DB.NewID(), TokenHash: sha(c.token), Audience: "member", SubjectID: account.ID, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(1, 0, 0)})
	return c
}

// request builds the call; value replaces the last parameter of the path unless it is empty.
func (x *fuzzHouse) request(t *testing.T, o operation, value, query string, body []byte) *http.Request {
	t.Helper()
	path := o.path
	if last := strings.LastIndex(o.route.Path, "/:"); value != "" && last >= 0 {
		rest := o.route.Path[last+2:]
		_, tail, more := strings.Cut(rest, "/")
		path = strings.Join(strings.Split(o.path, "/")[:strings.Count(o.route.Path[:last], "/")+1], "/") + "/" + url.PathEscape(value)
		if more {
			path += "/" + tail
		}
	}
	contentType := "application/json"
	if o.upload {
		body, contentType = asForm(o.form, body)
	}
	if o.route.Method == http.MethodGet || o.route.Method == http.MethodDelete {
		body = nil
	}
	req, err := http.NewRequestWithContext(t.Context(), o.route.Method, x.h.base+path, bytes.NewReader(body))
	if err != nil {
		return nil
	}
	req.URL.RawQuery = query
	req.Header.Set("Content-Type", contentType)
	if o.route.Money {
		req.Header.Set("Idempotency-Key", fmt.Sprintf("fuzz-%d", x.h.n.Add(1)))
	}
	return req
}

func asForm(fields map[string]string, file []byte) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		_ = w.WriteField(k, v)
	}
	part, _ := w.CreateFormFile("file", "名单.csv")
	_, _ = part.Write(file)
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// oddQuery tells a query that is not in the form that clients send, or has an empty parameter, which is one not given.
func oddQuery(u *url.URL) bool {
	for _, values := range u.Query() {
		if slices.Contains(values, "") {
			return true
		}
	}
	return u.RawQuery != u.Query().Encode()
}

// reset forgets what was logged.
func (s *syncBuffer) reset() { s.mu.Lock(); defer s.mu.Unlock(); s.b.Reset() }

// nasty are values that have broken other programs.
var nasty = []any{"", " ", "0", "1", "-1", "9223372036854775807", "18446744073709551616", "2025-02-29", "9999-12-31", "0000-00-00", "2199-12-31", "1900-01-01", "true", "%_!'\"\\;--", "=1+1", "\u202e", "\ufffd",
	"\U0001F34A\U0001F468\u200d\U0001F469", strings.Repeat("长", 5000), strings.Repeat("9", 400), 0, 1, -1, 9_999_999_999, 10_000_000_001, 9223372036854775807, -9223372036854775808, 2147483648, 1e300, true, false, nil,
	[]any{}, map[string]any{}, "100.00", "１２", "a/b", "10000000001", "99999919900101001X", "extra", "festival", "active", "online", "2025", "city", "roster", "list", "refund_only"}

// spiced changes some values of an example to nasty ones, leaves some out and doubles some, always the same for the same dice.
func spiced(dice *rand.Rand, v any, own []any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if dice.IntN(20) == 0 {
				delete(v, name)
				continue
			}
			v[name] = spiced(dice, v[name], own)
		}
		return v
	case []any:
		for i := range v {
			v[i] = spiced(dice, v[i], own)
		}
		if len(v) > 0 && dice.IntN(4) == 0 {
			v = append(v, v[0])
		}
		if len(v) > 0 && dice.IntN(50) == 0 {
			return slices.Repeat(v, 60)
		}
		return v
	}
	if dice.IntN(3) > 0 {
		return v
	}
	if dice.IntN(3) == 0 {
		return own[dice.IntN(len(own))] // the id of something that there is, of this kind or another
	}
	return nasty[dice.IntN(len(nasty))]
}

// spice makes body and query out of what the contract says of the operation.
func (x *fuzzHouse) spice(o operation, seed uint64) (query string, body []byte) {
	dice := rand.New(rand.NewPCG(seed, 1))
	own := []any{x.person.String(), x.unions["own"].ID.String(), x.unions["sibling"].ID.String(), x.suppliers["own"].String()}
	for _, other := range x.operations {
		if other.object != 0 {
			own = append(own, other.object.String())
		}
	}
	values := url.Values{}
	for _, name := range o.query {
		if dice.IntN(2) == 0 {
			values.Set(name, fmt.Sprint(spiced(dice, "1", own)))
		}
	}
	body = o.example
	var example any
	if !o.upload && json.Unmarshal(o.example, &example) == nil {
		body, _ = json.Marshal(spiced(dice, example, own))
	}
	return values.Encode(), body
}

// FuzzRoutes calls every route with anything in its path, query and body, as somebody who may call it; with a seed, the contract's
// example with values in it that break programs. It is never an internal error,
// what is accepted is what the contract accepts, and every answer has the form that the contract promises and the headers that keep
// browsers safe.
func FuzzRoutes(f *testing.F) {
	x := newFuzzHouse(f)
	for i, o := range x.operations {
		f.Add(uint16(i), uint64(0), "", "", o.example)
		f.Add(uint16(i), uint64(i+1), "", "", []byte(nil))
		if o.route.Method == http.MethodGet {
			f.Add(uint16(i), uint64(0), "9223372036854775807", "limit=2&cursor=1&q=%25_&year=2025", []byte(nil))
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, seed uint64, value, query string, body []byte) {
		x.h.t = t
		o := x.operations[int(n)%len(x.operations)]
		if seed != 0 {
			query, body = x.spice(o, seed)
		}
		req := x.request(t, o, value, query, body)
		if req == nil {
			return
		}
		c := x.caller(o)
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.cookie != "" {
			req.AddCookie(&http.Cookie{Name: api.StaffCookie, Value: c.cookie})
			req.Header.Set("X-CSRF-Token", c.csrf)
		}
		x.send(t, o, req, body)
	})
}

// send calls the product in this process and judges the answer.
func (x *fuzzHouse) send(t *testing.T, o operation, req *http.Request, body []byte) {
	t.Helper()
	x.h.log.reset()
	w := httptest.NewRecorder()
	x.h.Handler().ServeHTTP(w, req)
	if logged := x.h.log.String(); w.Code == http.StatusInternalServerError || strings.Contains(logged, `"msg":"panic"`) {
		t.Fatalf("%s answered %d to %s?%s %q\n%s", key(o.route), w.Code, req.URL.Path, req.URL.RawQuery, body, logged)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %s is %q", key(o.route), name, got)
		}
	}
	if strings.Contains(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s answered %q", key(o.route), w.Body)
	}
	if slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable}, w.Code) || oddQuery(req.URL) {
		return // the platform or a moment's load; or a query that the contract's validator reads in its own way
	}
	holdAgainstContract(t, req, body, w.Result(), w.Body.Bytes())
}
