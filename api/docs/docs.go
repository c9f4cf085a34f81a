// Package docs serves the contract of the HTTP interface as a page to browse. Everything it needs is
// embedded: the page works without a network and under a strict content security policy.
package docs

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the files of the page
	"encoding/hex"
	"net/http"
	"time"
)

//go:embed index.html
var indexHTML []byte

//go:embed page.js
var pageJS []byte

//go:embed bundle/swagger-ui-bundle.js
var bundleJS []byte

//go:embed bundle/swagger-ui.css
var bundleCSS []byte

// The scripts are our own files only. Swagger UI sets style attributes and has pictures in its style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at /docs/ and spec, the text of the OpenAPI document, at /docs/openapi.yaml.
// It expects the full request path and answers GET and HEAD only.
func Handler(spec []byte) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /docs", http.RedirectHandler("/docs/", http.StatusMovedPermanently))
	mux.Handle("GET /docs/{$}", file("text/html; charset=utf-8", indexHTML))
	mux.Handle("GET /docs/page.js", file("text/javascript; charset=utf-8", pageJS))
	mux.Handle("GET /docs/swagger-ui-bundle.js", file("text/javascript; charset=utf-8", bundleJS))
	mux.Handle("GET /docs/swagger-ui.css", file("text/css; charset=utf-8", bundleCSS))
	mux.Handle("GET /docs/openapi.yaml", file("application/yaml; charset=utf-8", spec))
	return mux
}

// file serves content that changes only with a new build; browsers keep it and ask whether it is still right.
func file(contentType string, content []byte) http.Handler {
	sum := sha256.Sum256(content)
	etag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}
