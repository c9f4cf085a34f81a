package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"time"

	"github.com/pquerna/otp/totp"

	"bangfu/model"
)

// web speaks to the product over HTTP.
type web struct {
	base   string
	clock  model.Clock
	client *http.Client
	keys   *int // numbers the idempotency keys of one play
	head   map[string]string
}

func newWeb(base string, clock model.Clock, keys *int) *web {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &web{base: base, clock: clock, keys: keys, client: &http.Client{Jar: jar, Timeout: time.Minute}, head: map[string]string{}}
}

// problem is an error answer of the product.
type problem struct {
	Status int
	Code   model.Code
	Text   string
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Text) }

// call sends body as JSON (nil: none) and decodes the answer into into (nil: ignored).
func (w *web) call(ctx context.Context, method, path string, body, into any) error {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return w.send(ctx, method, path, "application/json", content, into)
}

func (w *web) get(ctx context.Context, path string, into any) error {
	return w.call(ctx, http.MethodGet, path, nil, into)
}

func (w *web) post(ctx context.Context, path string, body, into any) error {
	return w.call(ctx, http.MethodPost, path, body, into)
}

func (w *web) put(ctx context.Context, path string, body, into any) error {
	return w.call(ctx, http.MethodPut, path, body, into)
}

// upload sends one file and text fields as a multipart form.
func (w *web) upload(ctx context.Context, path, filename string, content []byte, fields map[string]string, into any) error {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := form.WriteField(k, v); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", filename)
	if err != nil {
		return err
	}
	if _, err := part.Write(content); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	return w.send(ctx, http.MethodPost, path, form.FormDataContentType(), b.Bytes(), into)
}

func (w *web) send(ctx context.Context, method, path, contentType string, content []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	if len(content) > 0 {
		req.Header.Set("Content-Type", contentType)
	}
	if method != http.MethodGet {
		*w.keys++
		req.Header.Set("Idempotency-Key", fmt.Sprintf("demo-%08d", *w.keys))
	}
	for k, v := range w.head {
		req.Header.Set(k, v)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var e struct {
			Error struct {
				Code    model.Code
				Message string
			}
		}
		_ = json.Unmarshal(answer, &e)
		return fmt.Errorf("%s %s: %w", method, path, &problem{resp.StatusCode, e.Error.Code, e.Error.Message})
	}
	if csrf := resp.Header.Get("X-CSRF-Token"); csrf != "" { // the session goes on under another cookie
		w.head["X-CSRF-Token"] = csrf
	}
	switch out := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = answer
		return nil
	default:
		return json.Unmarshal(answer, into)
	}
}

// Account is a console account of the demonstration, as it is shown to whoever wants to look around.
type Account struct {
	Login     string `json:"login"`
	Password  string `json:"password"`
	TOTP      string `json:"totp_secret"` // empty if the role needs none
	Role      string `json:"role"`
	UnionName string `json:"union"`
}

// console is a console account at work.
type console struct {
	*web
	Account
	Union model.ID
	ID    model.ID
	until time.Time // the session is renewed after this
}

// at logs the account in again if its session may have ended, as it does when the clock moves on, and returns it.
func (c *console) at(ctx context.Context) (*console, error) {
	if now := c.clock.Now(); now.Before(c.until) {
		c.until = now.Add(15 * time.Minute)
		return c, nil
	}
	login := map[string]string{"login": c.Login, "password": c.Password}
	if c.TOTP != "" {
		code, err := totp.GenerateCode(c.TOTP, c.clock.Now())
		if err != nil {
			return nil, err
		}
		login["totp"] = code
	}
	var in struct {
		CSRF string `json:"csrf_token"`
	}
	c.head = map[string]string{}
	if err := c.post(ctx, "/api/v1/console/login", login, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Login, err)
	}
	c.head["X-CSRF-Token"] = in.CSRF
	c.until = c.clock.Now().Add(15 * time.Minute)
	return c, nil
}
