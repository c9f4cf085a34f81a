package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"bangfu/model"
)

// Call is one request as a handler sees it: who asks, and what.
type Call struct {
	Actor model.Actor
	// Object is what the path points at, in the caller's scope, if the route has an Object.
	Object model.ID
	// Key is the Idempotency-Key of a route with Money set.
	Key string
	gin *gin.Context
	// queried: the handler has read the query string.
	queried bool
}

// Handler answers a call: with a value that becomes the JSON body, a *Download, or nil for an empty answer.
type Handler func(ctx context.Context, c *Call) (any, error)

// ID reads the path parameter name as an id; a malformed one is CodeNotFound, like one that does not exist.
func (c *Call) ID(name string) (model.ID, error) {
	id, err := model.ParseID(c.gin.Param(name))
	if err != nil {
		return 0, model.E(model.CodeNotFound, "没有这个编号")
	}
	return id, nil
}

// IP is the client's address, for rate limits.
func (c *Call) IP() string { return c.gin.ClientIP() }

// cookie sets a session cookie: HttpOnly, SameSite=Strict, Secure unless the server serves plain HTTP on loopback.
// maxAge in seconds; negative deletes it.
func (c *Call) cookie(name, value, path string, maxAge int, secure bool) {
	http.SetCookie(c.gin.Writer, &http.Cookie{ //nolint:gosec // secure is false with the emulator only, which is plain HTTP on loopback
		Name: name, Value: value, Path: path, MaxAge: maxAge, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode})
}

// Upload is one file of a multipart form and the form's text fields.
type Upload struct {
	Name string // base name as the person called it
	Size int64  // bytes
	multipart.File
	Fields map[string]string
}

// Upload reads the multipart form: one part named "file" (at most maxBytes) and the named text fields; anything else
// is refused. The caller closes it.
func (c *Call) Upload(maxBytes int64, fields ...string) (*Upload, error) {
	r := c.gin.Request
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "multipart/form-data" {
		return nil, model.Invalid("file", "请以 multipart/form-data 上传文件")
	}
	r.Body = http.MaxBytesReader(c.gin.Writer, r.Body, maxBytes+1<<20)
	if err := r.ParseMultipartForm(4 << 20); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, tooBig(maxBytes)
		}
		return nil, model.Invalid("file", "上传的内容不完整，请重新上传")
	}
	up := &Upload{Fields: map[string]string{}}
	allowed := map[string]bool{}
	for _, f := range fields {
		allowed[f] = true
	}
	for name, values := range r.MultipartForm.Value {
		if !allowed[name] || len(values) > 1 {
			return nil, model.Invalid(name, "不认识或重复的字段“"+name+"”")
		}
		if !utf8.ValidString(values[0]) || strings.ContainsFunc(values[0], unseen) {
			return nil, model.Invalid(name, "含有看不见的字符，请重新填写")
		}
		up.Fields[name] = values[0]
	}
	for name := range r.MultipartForm.File {
		if name != "file" {
			return nil, model.Invalid(name, "不认识的文件字段“"+name+"”")
		}
	}
	parts := r.MultipartForm.File["file"]
	if len(parts) != 1 {
		return nil, model.Invalid("file", "请选择一个文件")
	}
	if parts[0].Size > maxBytes {
		return nil, tooBig(maxBytes)
	}
	var err error
	up.Name, up.Size = baseName(parts[0].Filename), parts[0].Size
	if up.File, err = parts[0].Open(); err != nil {
		return nil, err
	}
	return up, nil
}

// baseName is a file's name without folders, and without what nobody can see.
func baseName(name string) string {
	return filepath.Base(strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "")))
}

func tooBig(maxBytes int64) error {
	e := model.E(model.CodeTooLarge, "文件过大，最多 %d MB", maxBytes>>20)
	e.Fields = []model.Field{{Name: "file", Message: e.Message}}
	return e
}

// immutable lets anybody keep an answer for a year.
const immutable = "public, max-age=31536000, immutable"

// Download is an answer that is a file. Write is called once; it must check that it can produce the file before
// its first byte, since an error after that can only cut the connection.
type Download struct {
	Name        string // offered to save as; empty: shown inline
	ContentType string
	Size        int64  // 0 if not known
	Cache       bool   // immutable content, may be cached
	ETag        string // of the content, without quotes; empty: none
	Write       func(w io.Writer) error
}

// holds tells whether an If-None-Match header names the tag: one of a list, weak (as a compressing proxy makes it) or "*".
func holds(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

func (s *Server) send(g *gin.Context, d *Download) {
	if d.ETag != "" {
		tag := `"` + d.ETag + `"`
		g.Header("ETag", tag)
		if holds(g.GetHeader("If-None-Match"), tag) {
			g.Header("Cache-Control", immutable)
			g.Status(http.StatusNotModified)
			g.Writer.WriteHeaderNow()
			return
		}
	}
	g.Header("Content-Type", d.ContentType)
	g.Writer.Header().Del("Content-Disposition")
	if d.Name != "" {
		g.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	}
	if d.Size > 0 {
		g.Header("Content-Length", strconv.FormatInt(d.Size, 10))
	}
	if d.Cache {
		g.Header("Cache-Control", immutable)
	}
	if err := d.Write(g.Writer); err != nil {
		if g.Writer.Written() {
			s.log.ErrorContext(g, "download broke off", "request_id", requestID(g), "route", g.FullPath(), "error", err.Error())
			panic(http.ErrAbortHandler)
		}
		for _, h := range []string{"Content-Disposition", "Content-Length", "Content-Type", "Cache-Control", "ETag"} {
			g.Writer.Header().Del(h)
		}
		s.fail(g, err)
	}
}
