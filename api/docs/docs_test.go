package docs

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func get(h http.Handler, method, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, http.NoBody)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	spec := []byte("openapi: 3.1.0\n")
	h := Handler(spec)

	t.Run("ServesEveryFileOfThePage", func(t *testing.T) {
		for path, kind := range map[string]string{
			"/docs/":                     "text/html",
			"/docs/page.js":              "text/javascript",
			"/docs/swagger-ui-bundle.js": "text/javascript",
			"/docs/swagger-ui.css":       "text/css",
			"/docs/openapi.yaml":         "application/yaml",
		} {
			w := get(h, http.MethodGet, path, nil)
			if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Body.Len() == 0 {
				t.Errorf("%s: %d, %q, %d bytes", path, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
			}
			if !strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src 'self';") {
				t.Errorf("%s: policy %q", path, w.Header().Get("Content-Security-Policy"))
			}
		}
	})

	t.Run("TheContractIsServedAsGiven", func(t *testing.T) {
		if w := get(h, http.MethodGet, "/docs/openapi.yaml", nil); !bytes.Equal(w.Body.Bytes(), spec) {
			t.Errorf("got %q", w.Body)
		}
	})

	t.Run("ThePageNamesOnlyFilesThatAreServed", func(t *testing.T) {
		for _, part := range strings.Split(string(indexHTML), `"`) {
			if strings.HasSuffix(part, ".js") || strings.HasSuffix(part, ".css") || strings.HasSuffix(part, ".yaml") {
				if w := get(h, http.MethodGet, "/docs/"+part, nil); w.Code != http.StatusOK {
					t.Errorf("%s: %d", part, w.Code)
				}
			}
		}
		if bytes.Contains(indexHTML, []byte("http")) {
			t.Error("the page refers to another server")
		}
	})

	t.Run("UnchangedFilesAreNotSentAgain", func(t *testing.T) {
		tag := get(h, http.MethodGet, "/docs/swagger-ui.css", nil).Header().Get("ETag")
		w := get(h, http.MethodGet, "/docs/swagger-ui.css", http.Header{"If-None-Match": {tag}})
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
		}
	})

	t.Run("NothingElse", func(t *testing.T) {
		for path, want := range map[string]int{
			"/docs":                   http.StatusMovedPermanently,
			"/docs/docs.go":           http.StatusNotFound,
			"/docs/bundle/":           http.StatusNotFound,
			"/docs/bundle/SHA256SUMS": http.StatusNotFound,
		} {
			if w := get(h, http.MethodGet, path, nil); w.Code != want {
				t.Errorf("%s: %d, want %d", path, w.Code, want)
			}
		}
		if w := get(h, http.MethodPost, "/docs/", nil); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", w.Code)
		}
	})
}

// The bundle is other people's work: it is committed as released (scripts/update-docs-page.sh), never edited.
func TestBundleIsUnmodified(t *testing.T) {
	sums, err := os.Open("bundle/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	defer sums.Close()
	listed := map[string]bool{"SHA256SUMS": true}
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		want, name, _ := strings.Cut(lines.Text(), "  ")
		listed[name] = true
		content, err := os.ReadFile(filepath.Join("bundle", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s was changed", name)
		}
	}
	if !listed["LICENSE"] || !listed["swagger-ui-bundle.js"] {
		t.Error("SHA256SUMS is incomplete")
	}
	files, err := os.ReadDir("bundle")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !listed[f.Name()] {
			t.Errorf("%s is not in SHA256SUMS", f.Name())
		}
	}
}
