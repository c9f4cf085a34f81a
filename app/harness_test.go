package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	mysqldriver "github.com/go-sql-driver/mysql"

	"bangfu/api"
	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
)

// house is the whole product on a fresh database, serving on loopback, its clock in the test's hand.
type house struct {
	*app.App
	t     testing.TB
	clock *modeltest.Clock
	base  string // http://127.0.0.1:port
	log   *syncBuffer
	n     atomic.Int64
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// newHouse starts the product on the database that TEST_DB names (mysql: with the Redis of TEST_REDIS_ADDRS) at 3 March 2025.
func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseAt(t, modeltest.At("2025-03-03 09:00"))
}

// newHouseAt is newHouse at another time; change may alter settings and options before anything opens.
func newHouseAt(t testing.TB, at time.Time, change ...func(*config.Config, *app.Options)) *house {
	t.Helper()
	h := &house{t: t, clock: modeltest.NewClock(at), log: &syncBuffer{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.base = "http://" + listener.Addr().String()
	cfg := testConfig(t, listener.Addr().String())
	o := app.Options{Clock: h.clock, Log: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range change {
		f(cfg, &o)
	}
	ctx := context.Background()
	db, err := app.OpenDB(ctx, cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if h.App, err = app.Open(ctx, cfg, o); err != nil {
		t.Fatal(err)
	}
	if err := h.Setup(ctx); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = h.Close()
		if t.Failed() && os.Getenv("TEST_LOG") != "" {
			t.Log(h.log.String())
		}
	})
	return h
}

func testConfig(t testing.TB, addr string) *config.Config {
	t.Helper()
	environ := []string{"HTTP_ADDR=" + addr, "DATA_DIR=" + t.TempDir()}
	if os.Getenv("TEST_DB") == "mysql" {
		dsn := modeltest.MySQLOptions(t, nil).MySQLDSN
		parsed, err := mysqldriver.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "MYSQL_DSN="+dsn, "REDIS_ADDRS="+os.Getenv("TEST_REDIS_ADDRS"), "REDIS_PREFIX="+parsed.DBName+":")
	}
	cfg, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// drain runs all due background jobs.
func (h *house) drain() {
	h.t.Helper()
	if err := h.Jobs.Drain(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// insert stores rows directly, for fixtures.
func (h *house) insert(rows ...any) {
	h.t.Helper()
	for _, r := range rows {
		if err := h.DB.Read(context.Background()).Create(r).Error; err != nil {
			h.t.Fatalf("insert %T: %v", r, err)
		}
		if m, ok := r.(*model.Member); ok && m.Status == "active" {
			if err := model.CountMembers(h.DB.Read(context.Background()), m.UnionID, 1); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

// root is the city federation.
func (h *house) root() model.Union {
	h.t.Helper()
	var u model.Union
	if err := h.DB.Read(context.Background()).Where("parent_id IS NULL").Take(&u).Error; err != nil {
		h.t.Fatal(err)
	}
	return u
}

// union makes a union below parent.
func (h *house) union(parent model.Union, kind, name string) model.Union {
	h.t.Helper()
	id, now := h.DB.NewID(), h.clock.Now()
	u := model.Union{ID: id, ParentID: &parent.ID, Name: name, Kind: kind, Path: parent.Path + id.String() + "/", Depth: parent.Depth + 1, Status: "active", CreatedAt: now, UpdatedAt: now}
	h.insert(&u, &model.UnionPath{UnionID: id, FromAt: now, Path: u.Path})
	return u
}

// staffAs makes a console account with the role at the union and returns a client in a session of it that passed a
// second factor.
func (h *house) staffAs(role identity.Role, u model.Union) *client {
	h.t.Helper()
	return h.staffWith(model.Staff{Role: string(role), UnionID: u.ID}, true)
}

func (h *house) staffWith(s model.Staff, strong bool) *client {
	h.t.Helper()
	n, now := h.n.Add(1), h.clock.Now()
	s.ID, s.Login, s.Name, s.Status, s.CreatedAt, s.UpdatedAt = h.DB.NewID(), fmt.Sprintf("staff%d", n), fmt.Sprintf("工作人员%d", n), "active", now, now
	token, csrf := fmt.Sprintf("%043d", n), fmt.Sprintf("csrf-%d", n)
	h.insert(&s, &model.Session{ID: h.DB.NewID(), TokenHash: sha(token), CSRFHash: sha(csrf), Audience: "staff", SubjectID: s.ID, SecondFactor: strong,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(10, 0, 0)})
	c := h.client()
	c.staff, c.cookie, c.csrf = s, token, csrf
	return c
}

// memberAs returns a client in a session of a WeChat account bound to the person.
func (h *house) memberAs(person model.ID) *client {
	h.t.Helper()
	n, now := h.n.Add(1), h.clock.Now()
	account := model.WechatAccount{ID: h.DB.NewID(), OpenID: fmt.Sprintf("openid-%d", n), PersonID: &person, BoundAt: &now, CreatedAt: now}
	token := fmt.Sprintf("%043d", n)
	h.insert(&account, &model.Consent{ID: h.DB.NewID(), AccountID: account.ID, Kind: "privacy", Version: identity.PrivacyVersion, AgreedAt: now},
		&model.Session{ID: h.DB.NewID(), TokenHash: sha(token), Audience: "member", SubjectID: account.ID, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(10, 0, 0)})
	c := h.client()
	c.token = token
	return c
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// client speaks to the product over HTTP and holds every exchange against the contract.
type client struct {
	h            *house
	t            testing.TB
	http         *http.Client
	token        string // member
	cookie, csrf string // staff
	staff        model.Staff
}

func (h *house) client() *client {
	return &client{h: h, t: h.t, http: &http.Client{Timeout: 60 * time.Second}}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
}

// request is one call: a JSON body, or a raw one with its content type.
type request struct {
	method, path string
	body         any
	raw          []byte
	contentType  string
	header       map[string]string
}

func (c *client) get(path string) *answer {
	c.t.Helper()
	return c.do(request{method: "GET", path: path})
}

func (c *client) post(path string, body any) *answer {
	c.t.Helper()
	return c.do(request{method: "POST", path: path, body: body})
}

// money posts with an Idempotency-Key.
func (c *client) money(path, key string, body any) *answer {
	c.t.Helper()
	return c.do(request{method: "POST", path: path, body: body, header: map[string]string{"Idempotency-Key": key}})
}

// upload posts a multipart form with one file and text fields.
func (c *client) upload(path, filename string, content []byte, fields map[string]string) *answer {
	c.t.Helper()
	return c.uploadWith(path, filename, content, fields, nil)
}

// uploadWith is upload with request headers.
func (c *client) uploadWith(path, filename string, content []byte, fields, header map[string]string) *answer {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		_ = w.WriteField(k, v)
	}
	part, err := w.CreateFormFile("file", filename)
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = part.Write(content)
	_ = w.Close()
	return c.do(request{method: "POST", path: path, raw: b.Bytes(), contentType: w.FormDataContentType(), header: header})
}

func (c *client) do(r request) *answer {
	c.t.Helper()
	body := r.raw
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			c.t.Fatal(err)
		}
		r.contentType = "application/json"
	}
	req, err := http.NewRequestWithContext(context.Background(), r.method, c.h.base+r.path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.cookie != "" {
		req.AddCookie(&http.Cookie{Name: api.StaffCookie, Value: c.cookie})
		req.Header.Set("X-CSRF-Token", c.csrf)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: read: %v", r.method, r.path, err)
	}
	holdAgainstContract(c.t, req, body, resp, content)
	if csrf := resp.Header.Get("X-CSRF-Token"); csrf != "" { // the session goes on under another token
		c.csrf = csrf
		for _, cookie := range resp.Cookies() {
			c.cookie = cookie.Value
		}
	}
	return &answer{t: c.t, Status: resp.StatusCode, Header: resp.Header, Body: content}
}

var contractRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// holdAgainstContract fails the test when the request names nothing in the contract, when a request that the contract
// calls wrong was accepted, or when the answer is not what the contract promises.
func holdAgainstContract(t testing.TB, req *http.Request, body []byte, resp *http.Response, content []byte) {
	t.Helper()
	if !strings.HasPrefix(req.URL.Path, "/api/") || resp.StatusCode == http.StatusMethodNotAllowed {
		return
	}
	router, err := contractRouter()
	if err != nil {
		t.Fatalf("contract: %v", err)
	}
	route, params, err := router.FindRoute(req)
	if err != nil {
		if resp.StatusCode == http.StatusNotFound {
			return
		}
		t.Fatalf("%s %s is not in the contract", req.Method, req.URL.Path)
	}
	opts := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: false, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		ExcludeRequestBody: strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/")}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: opts}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil && resp.StatusCode < 300 {
		t.Fatalf("%s %s was accepted, but the contract calls it wrong: %v", req.Method, req.URL.Path, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(content)), Options: opts}
	if !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		opts.ExcludeResponseBody = true
	}
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		t.Fatalf("%s %s answered %d against the contract: %v\n%s", req.Method, req.URL.Path, resp.StatusCode, err, content)
	}
}

// ok expects success and decodes the answer into into (may be nil).
func (a *answer) ok(into any) *answer {
	a.t.Helper()
	if a.Status >= 300 {
		a.t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			a.t.Fatalf("%v: %s", err, a.Body)
		}
	}
	return a
}

// fails expects an error with the code and returns its message, fields and data.
func (a *answer) fails(code model.Code) apiError {
	a.t.Helper()
	var body struct{ Error apiError }
	if err := json.Unmarshal(a.Body, &body); err != nil || a.Status < 400 {
		a.t.Fatalf("status %d, want %s: %s", a.Status, code, a.Body)
	}
	if body.Error.Code != code {
		a.t.Fatalf("status %d, code %s, want %s: %s", a.Status, body.Error.Code, code, a.Body)
	}
	return body.Error
}

type apiError struct {
	Code    model.Code
	Message string
	Fields  []model.Field
	Data    json.RawMessage
}
