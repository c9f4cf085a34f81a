package api

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// FuzzUpload: a multipart form of any bytes is refused in words, or it is one file within its size, under a name without folders, and
// the fields that were asked for.
func FuzzUpload(f *testing.F) {
	const most = 1 << 10
	form := func(parts ...string) []byte {
		return []byte("--b\r\n" + strings.Join(parts, "\r\n--b\r\n") + "\r\n--b--\r\n")
	}
	file := "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\nx"
	year := "Content-Disposition: form-data; name=\"year\"\r\n\r\n2026"
	f.Add("multipart/form-data; boundary=b", form(file, year))
	f.Add("multipart/form-data; boundary=b", form(file, file))
	f.Add("multipart/form-data; boundary=b", form(year, year, file))
	f.Add("multipart/form-data; boundary=b", form(strings.Replace(file, "a.csv", "../../etc/x", 1)))
	f.Add("multipart/form-data; boundary=b", form(strings.Replace(file, "a.csv", `C:\\x\\y`, 1)))
	f.Add("multipart/form-data; boundary=b", form(strings.Replace(file, "a.csv", "", 1)))
	f.Add("multipart/form-data; boundary=b", form(strings.Replace(file, "filename=\"a.csv\"", "filename*=utf-8''%ff%00%0a", 1)))
	f.Add("multipart/form-data; boundary=b", form(strings.Replace(file, "name=\"file\"", "name=\"other\"", 1)))
	f.Add("multipart/form-data; boundary=b", form(file+strings.Repeat("x", most)))
	f.Add("multipart/form-data; boundary=b", form(file, strings.Replace(year, "2026", "\xff\x00", 1)))
	f.Add("multipart/form-data; boundary=b", form(file)[:60])
	f.Add("multipart/form-data; boundary=b", form("Content-Disposition: form-data; name=\"file\"\r\n\r\nno file", file))
	f.Add("multipart/form-data; boundary=b", form("Content-Transfer-Encoding: quoted-printable\r\n"+file+"=zz"))
	f.Add("multipart/form-data", form(file))
	f.Add("multipart/form-data; boundary=\"\"", form(file))
	f.Add("multipart/mixed; boundary=b", form(file))
	f.Add(";", []byte(nil))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		c := fuzzCall(t, "POST", "", http.Header{"Content-Type": {contentType}}, body)
		up, err := c.Upload(most, "year", "note")
		if form := c.gin.Request.MultipartForm; form != nil {
			defer func() { _ = form.RemoveAll() }()
		}
		if err != nil {
			refusedWell(t, err)
			return
		}
		defer func() { _ = up.Close() }()
		content, err := io.ReadAll(up)
		if err != nil || int64(len(content)) != up.Size || up.Size > most {
			t.Errorf("%d bytes, not %d: %v", len(content), up.Size, err)
		}
		if filepath.Base(up.Name) != up.Name || !utf8.ValidString(up.Name) || strings.ContainsFunc(up.Name, unseen) {
			t.Errorf("the name %q", up.Name)
		}
		for name, value := range up.Fields {
			if name != "year" && name != "note" || !utf8.ValidString(value) || strings.ContainsFunc(value, unseen) {
				t.Errorf("the field %q is %q", name, value)
			}
		}
	})
}

// FuzzUploadRoundTrip: a sound form comes out as it went in.
func FuzzUploadRoundTrip(f *testing.F) {
	f.Add("名册.csv", []byte("a,b"), "2026")
	f.Add("x\"y;z.csv", []byte("\r\n--b--\r\n"), "")
	f.Fuzz(func(t *testing.T, name string, content []byte, year string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(content)
		_ = w.WriteField("year", year)
		_ = w.Close()
		up, err := fuzzCall(t, "POST", "", http.Header{"Content-Type": {w.FormDataContentType()}}, b.Bytes()).Upload(1<<20, "year")
		if err != nil {
			refusedWell(t, err)
			if plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz.") == "" && name != ""; plain && utf8.ValidString(year) && !strings.ContainsFunc(year, unseen) {
				t.Errorf("%q with %q is refused: %v", name, year, err)
			}
			return
		}
		defer func() { _ = up.Close() }()
		if got, err := io.ReadAll(up); err != nil || !bytes.Equal(got, content) || up.Fields["year"] != year {
			t.Errorf("%q, %q came out as %q, %q: %v", content, year, got, up.Fields["year"], err)
		}
	})
}

// FuzzClientAddress: what counts as the client's address is one address, and it is the connection's own unless that is a trusted
// proxy's: nobody chooses theirs by a header.
func FuzzClientAddress(f *testing.F) {
	for _, s := range []string{"203.0.113.9", "203.0.113.9, 10.0.0.1", "10.0.0.1, 10.0.0.2", "x", "", ",", "2001:db8::1", "[2001:db8::1]:80", "203.0.113.9:80", "203.0.113.9,", "::ffff:203.0.113.9", "fe80::1%eth0", "\x00"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	gin.SetMode(gin.ReleaseMode)
	g, e := gin.CreateTestContext(httptest.NewRecorder())
	if err := e.SetTrustedProxies([]string{"10.0.0.0/8", "::1"}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, forwarded string, trusted bool) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"X-Forwarded-For": {forwarded}, "X-Real-Ip": {"198.51.100.1"}, "Forwarded": {forwarded}}
		peer := "192.0.2.7"
		if trusted {
			peer = "10.1.2.3"
		}
		req.RemoteAddr = peer + ":4711"
		g.Request = req
		got := (&Call{gin: g}).IP()
		addr, err := netip.ParseAddr(got)
		if err != nil || addr.Zone() != "" {
			t.Errorf("%q from %s counts as %q, %v", forwarded, peer, got, err)
		}
		if !trusted && got != peer {
			t.Errorf("%q from a stranger counts as %q", forwarded, got)
		}
	})
}

// FuzzOwnHost: only a request that names this machine by a loopback address or as localhost reaches the emulator.
func FuzzOwnHost(f *testing.F) {
	for _, s := range []string{"localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "::1", "localhost.example", "localhost:8080:1", "127.0.0.1.example", "0.0.0.0", "[[::1]]", "", ":80", "::ffff:127.0.0.1"} {
		f.Add(s)
	}
	gin.SetMode(gin.ReleaseMode)
	f.Fuzz(func(t *testing.T, host string) {
		g, _ := gin.CreateTestContext(httptest.NewRecorder())
		g.Request = &http.Request{Method: http.MethodGet, Host: host}
		ownHost(g)
		if g.IsAborted() {
			return
		}
		name := host
		if at := strings.LastIndexByte(host, ':'); at >= 0 && (strings.HasPrefix(host, "[") == strings.HasSuffix(host[:at], "]")) && strings.Count(strings.Trim(host[:at], "[]"), ":") != 0 == strings.HasPrefix(host, "[") {
			name = host[:at]
		}
		addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
		if name != "localhost" && (err != nil || !addr.Unmap().IsLoopback()) {
			t.Errorf("%q is taken for this machine", host)
		}
	})
}
