package pay

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
)

// maxAnswer bounds one answer in bytes; WeChat's are a few kilobytes.
const maxAnswer = 256 << 10

var (
	errNotPlatform = errors.New("the call is not for WeChat Pay")
	errRedirect    = errors.New("WeChat Pay answered with a redirect")
)

// router sends the library's calls, which are always for the real WeChat Pay, to the client's target. The signature covers
// only path and query behind the target's own path, so it stays right.
type router struct {
	target *url.URL
	next   http.RoundTripper
}

func newRouter(target *url.URL) router {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost = 16
	transport.IdleConnTimeout = 30 * time.Second
	return router{target: target, next: transport}
}

// RoundTrip implements http.RoundTripper. No redirect is followed: it would carry the signed request elsewhere. The body
// of the answer is capped at maxAnswer bytes.
func (r router) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != strings.TrimPrefix(consts.WechatPayAPIServer, "https://") {
		if req.Body != nil {
			_ = req.Body.Close() // in memory: closing cannot fail
		}
		return nil, errNotPlatform
	}
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Host = r.target.Scheme, r.target.Host, r.target.Host
	out.URL.Path, out.URL.RawPath = r.target.Path+req.URL.Path, ""
	res, err := r.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		_ = res.Body.Close() // nothing of it is wanted
		return nil, errRedirect
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}
