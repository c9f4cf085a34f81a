// Package emulator answers WeChat's own HTTP interfaces for development and tests, with their JSON shapes
// and error codes, so that the same client library talks to it as to WeChat. It lets anyone in: serve it
// on loopback only.
package emulator

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"bangfu/model"
)

const (
	codeLife  = 5 * time.Minute // WeChat's rule for login and phone codes
	codeKept  = 2 * codeLife    // after this a used code is "invalid" instead of "been used"
	tokenLife = 2 * time.Hour
	maxBody   = 64 << 10 // bytes of any request
)

// Options says which mini-program the emulator knows.
type Options struct {
	AppID     string
	AppSecret string
	Clock     model.Clock // nil is the real time
}

// Emulator is a small WeChat platform in memory, with WeChat Pay. It is an http.Handler, to be mounted anywhere by
// http.StripPrefix, and safe for concurrent use. Close it when done: it sends notices in the background.
type Emulator struct {
	appID, appSecret string
	clock            model.Clock
	mux              *http.ServeMux

	mu     sync.Mutex
	codes  map[string]*code
	issued []string // codes in the order of their issue, for forgetting them
	tokens map[string]time.Time
	stable string // the current token of each of the two interfaces; WeChat keeps them apart
	plain  string
	faults []Fault

	// WeChat Pay, also under mu. It is in memory only: after a restart it knows no payment.
	trades      map[string]*trade
	refunds     map[string]*refund
	noticeRules []NoticeRule
	refundRules []RefundRule
	held        []message
	sent        []Sent
	retries     []time.Duration

	courier  http.Client // brings notices
	life     context.Context
	end      context.CancelFunc
	busy     int        // what is under way in the background, under mu
	idle     *sync.Cond // told when busy falls
	messages []Message  // what users received
	uploads  []Upload   // shipping info
}

// New makes an emulator that knows one mini-program and no codes.
func New(o Options) *Emulator {
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	e := &Emulator{
		appID: o.AppID, appSecret: o.AppSecret, clock: o.Clock,
		mux: http.NewServeMux(), codes: map[string]*code{}, tokens: map[string]time.Time{},
		trades: map[string]*trade{}, refunds: map[string]*refund{}, retries: []time.Duration{time.Second, 5 * time.Second, 15 * time.Second},
	}
	e.idle = sync.NewCond(&e.mu)
	e.life, e.end = context.WithCancel(context.Background())
	for path, p := range e.platform() {
		e.mux.Handle(path, e.serve(p))
	}
	for pattern, answer := range e.v3() {
		_, path, _ := strings.Cut(pattern, " ")
		e.mux.Handle(pattern, e.serveV3(path, answer))
	}
	e.mux.HandleFunc("GET /_emulator", e.help)
	e.mux.HandleFunc("GET /_emulator/{$}", e.help)
	e.mux.HandleFunc("POST /_emulator/users/{user}/login-code", e.postLoginCode)
	e.mux.HandleFunc("POST /_emulator/users/{user}/phone-code", e.postPhoneCode)
	e.mux.HandleFunc("GET /_emulator/messages", e.getMessages)
	e.mux.HandleFunc("GET /_emulator/shipping", e.getUploads)
	e.mux.HandleFunc("POST /_emulator/faults", e.postFault)
	e.mux.HandleFunc("DELETE /_emulator/faults", e.deleteFaults)
	e.mux.HandleFunc("POST /_emulator/payments/{no}/pay", e.postPay)
	e.mux.HandleFunc("POST /_emulator/refunds/{no}/result", e.postRefundResult)
	e.mux.HandleFunc("POST /_emulator/refunds", e.postRefundRule)
	e.mux.HandleFunc("POST /_emulator/notices", e.postNoticeRule)
	e.mux.HandleFunc("GET /_emulator/notices", e.getNotices)
	e.mux.HandleFunc("POST /_emulator/notices/release", e.postRelease)
	e.mux.HandleFunc("PUT /_emulator/notices/retries", e.putRetries)
	e.mux.HandleFunc("DELETE /_emulator/rules", e.deleteRules)
	return e
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	e.mux.ServeHTTP(w, r)
}

// OpenID is the openid of a user at this emulator's mini-program. It depends on the two names only, so
// that data made with it survives restarts.
func (e *Emulator) OpenID(user string) string {
	return "o" + digest("openid", e.appID, user)
}

// UnionID is the unionid of a user, the same at every mini-program.
func (e *Emulator) UnionID(user string) string {
	return "u" + digest("unionid", user)
}

// digest is 27 URL-safe characters that depend on nothing but the parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p + "\x00")) // hash.Hash never fails
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:27]
}

// endpoint is one of WeChat's interfaces: its method and what it answers.
type endpoint struct {
	method      string
	contentType string
	answer      func(r *http.Request, body []byte) any
}

// serve reads the request, lets an injected fault act, and answers as WeChat does: always with status 200.
func (e *Emulator) serve(p endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "request entity too large", http.StatusRequestEntityTooLarge)
			return
		}
		lost, over := e.disturb(w, r, r.URL.Path, func(f Fault) { writeJSON(w, refusal(f.ErrCode)) })
		if over {
			return
		}
		w.Header().Set("Content-Type", p.contentType)
		if r.Method != p.method {
			writeJSON(w, wrongMethod(p.method))
			return
		}
		answer := p.answer(r, body)
		if lost {
			panic(http.ErrAbortHandler) // it has taken effect; the connection is cut before the answer
		}
		writeJSON(w, answer)
	})
}

// writeJSON writes v. A failed write means that the caller hung up, which is their right.
func writeJSON(w http.ResponseWriter, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
