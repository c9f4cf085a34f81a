package wechat

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

const (
	platformHost = "api.weixin.qq.com" // fixed in the library's source
	maxAnswer    = 1 << 20             // bytes of one answer; WeChat's JSON answers are a few hundred
)

// targetKey marks a context with the *url.URL of the platform that its calls are meant for.
type targetKey struct{}

var (
	errNoTarget    = errors.New("the call carries no target: the library ignores the context here, use our own client")
	errNotPlatform = errors.New("the call is not for the WeChat platform")
)

// installRouter puts the router into the library's package-global HTTP client. It runs once in a process,
// inside the first New, so every later read of the global happens after the only write.
var installRouter = sync.OnceFunc(func() {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.IdleConnTimeout = 30 * time.Second
	util.DefaultHTTPClient = &http.Client{Transport: router{next: transport}}
})

// router sends each library call to the target in the call's context. It has no state, so clients with
// different targets do not meet in it. A call without a target is refused instead of leaking its
// secret to a host that nobody chose. Because only Client.begin sets the target, every routed call has
// a deadline.
type router struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper. An answer other than 200 is an error here, so that the
// library never formats its URL into one and no redirect is followed; the body is capped at maxAnswer bytes.
func (r router) RoundTrip(req *http.Request) (*http.Response, error) {
	target, ok := req.Context().Value(targetKey{}).(*url.URL)
	if !ok {
		return nil, refuse(req, errNoTarget)
	}
	if req.URL.Host != platformHost {
		return nil, refuse(req, errNotPlatform)
	}
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Host = target.Scheme, target.Host, target.Host
	out.URL.Path, out.URL.RawPath = target.Path+req.URL.Path, ""
	res, err := r.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close() // the status is the error; nothing of the body is wanted
		return nil, fmt.Errorf("http status %d", res.StatusCode)
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}

// refuse closes the request's body, as a RoundTripper must even when it fails.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close() // an in-memory body; closing it cannot fail
	}
	return err
}
