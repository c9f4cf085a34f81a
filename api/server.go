// Package api is the HTTP interface: the route table, who may call what, strict binding, and handlers by audience.
// Handlers hold no rules: they bind, call one exported service method, and answer.
package api

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bangfu/api/docs"
	"bangfu/model"
	"bangfu/service/aftersale"
	"bangfu/service/allowance"
	"bangfu/service/audit"
	"bangfu/service/claim"
	"bangfu/service/counter"
	"bangfu/service/erasure"
	"bangfu/service/files"
	"bangfu/service/group"
	"bangfu/service/identity"
	"bangfu/service/invoice"
	"bangfu/service/limit"
	"bangfu/service/notify"
	"bangfu/service/order"
	"bangfu/service/payment"
	"bangfu/service/report"
	"bangfu/service/risk"
	"bangfu/service/settlement"
	"bangfu/service/shop"
	"bangfu/service/tally"
	"bangfu/service/union"
)

// Contract is the API's contract, OpenAPI 3.1, edited by hand.
//
//go:embed openapi.yaml
var Contract []byte

// Names of the console's session cookie and of values that a request carries along.
const (
	StaffCookie  = "bf_staff" // "__Host-bf_staff" where cookies are Secure
	keyRequestID = "request_id"
	keyActor     = "actor"
	keyErrorCode = "error_code"
)

// Deps are what the server serves.
type Deps struct {
	Log            *slog.Logger
	Metrics        *prometheus.Registry
	SecureCookies  bool         // false only with the emulator, which is served as plain HTTP on loopback
	TrustedProxies []string     // addresses whose X-Forwarded-For is believed
	Emulator       http.Handler // mounted at /emulator; nil with the real WeChat
	Ready          func(ctx context.Context) Readiness

	Identity  *identity.Service
	Order     *order.Service
	AfterSale *aftersale.Service
	Payment   *payment.Service
	Union     *union.Service
	Files     *files.Service
	Allowance *allowance.Service
	Limit     *limit.Service
	Shop      *shop.Service
	Report    *report.Service
	Audit     *audit.Service
	Erasure   *erasure.Service
	Claim     *claim.Service
	Risk      *risk.Service
	Group     *group.Service

	Settlement *settlement.Service
	Notify     *notify.Service
	Invoice    *invoice.Service
	Counter    *counter.Service
	Tally      *tally.Service
}

// Readiness is the answer of /readyz: each part and whether it works. Degraded parts do not make the process unready.
type Readiness struct {
	Ready bool              `json:"ready"`
	Parts map[string]string `json:"parts"` // "ok", "degraded: …", "down: …"
}

// Server is the HTTP interface over the services.
type Server struct {
	Deps
	log      *slog.Logger
	requests *prometheus.HistogramVec
	engine   *gin.Engine
}

// New builds the server; it is an http.Handler.
func New(d Deps) (*Server, error) {
	gin.SetMode(gin.ReleaseMode)
	s := &Server{Deps: d, log: d.Log, engine: gin.New()}
	s.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Duration of requests by route, method and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "method", "status"})
	if err := d.Metrics.Register(s.requests); err != nil {
		return nil, err
	}
	e := s.engine
	e.ContextWithFallback = true
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	if err := e.SetTrustedProxies(d.TrustedProxies); err != nil {
		return nil, err
	}
	e.Use(s.identify, s.observe, s.recover, s.headers)
	e.NoRoute(func(g *gin.Context) { s.fail(g, model.E(model.CodeNotFound, "没有这个地址")) })
	e.NoMethod(func(g *gin.Context) {
		g.Writer.WriteHeader(http.StatusMethodNotAllowed)
		g.AbortWithStatusJSON(http.StatusMethodNotAllowed, gin.H{"error": errorBody{Code: model.CodeInvalid, Message: "这个地址不支持该请求方法", RequestID: requestID(g)}})
	})
	for _, r := range s.Routes() {
		e.Handle(r.Method, r.Path, s.handle(r))
	}
	s.mountHouse()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// mountHouse adds what is not part of the contract: health, metrics, the contract itself, the emulator.
func (s *Server) mountHouse() {
	e := s.engine
	e.GET("/healthz", func(g *gin.Context) { g.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	e.GET("/readyz", func(g *gin.Context) {
		r := s.Ready(g)
		status := http.StatusOK
		if !r.Ready {
			status = http.StatusServiceUnavailable
		}
		g.JSON(status, r)
	})
	e.GET("/metrics", notForwarded, gin.WrapH(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})))
	e.GET("/", func(g *gin.Context) { g.Redirect(http.StatusFound, "/docs/") })
	page := gin.WrapH(docs.Handler(Contract))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Handle(method, "/docs", page)
		e.Handle(method, "/docs/*any", page)
	}
	if s.Emulator != nil {
		e.Any("/emulator/*any", notForwarded, ownHost, gin.WrapH(http.StripPrefix("/emulator", s.Emulator)))
	}
}

// ownHost keeps the emulator from pages of the internet whose name was made to mean this machine.
func ownHost(g *gin.Context) {
	host, _, err := net.SplitHostPort(g.Request.Host)
	if err != nil {
		host = g.Request.Host
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		g.AbortWithStatus(http.StatusForbidden)
	}
}

// notForwarded keeps what is for this machine or its neighbours, the emulator, which lets anybody in, and the metrics, from being
// reached through a proxy.
func notForwarded(g *gin.Context) {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if g.GetHeader(name) != "" {
			g.AbortWithStatus(http.StatusForbidden)
			return
		}
	}
}

// identify gives the request an id: the caller's X-Request-ID if it is sane, else a new one.
func (s *Server) identify(g *gin.Context) {
	id := g.GetHeader("X-Request-ID")
	if !saneRequestID(id) {
		b := make([]byte, 12)
		_, _ = rand.Read(b)
		id = hex.EncodeToString(b)
	}
	g.Set(keyRequestID, id)
	g.Header("X-Request-ID", id)
}

func saneRequestID(id string) bool {
	if len(id) < 8 || len(id) > 36 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

func requestID(g *gin.Context) string { return g.GetString(keyRequestID) }

// observe logs and measures each request by its route, never by its full address, which may hold personal data.
func (s *Server) observe(g *gin.Context) {
	start := time.Now()
	defer func() {
		route := g.FullPath()
		if route == "" {
			route = "none"
		}
		status, took := g.Writer.Status(), time.Since(start)
		s.requests.WithLabelValues(route, g.Request.Method, statusText(status)).Observe(took.Seconds())
		if route == "/healthz" || route == "/readyz" || route == "/metrics" {
			return
		}
		s.log.InfoContext(g, "request", "request_id", requestID(g), "method", g.Request.Method, "route", route, "status", status,
			"ms", float64(took.Microseconds())/1000, "actor", g.GetString(keyActor), "code", g.GetString(keyErrorCode))
	}()
	g.Next()
}

func statusText(status int) string {
	return string([]byte{byte('0' + status/100%10), byte('0' + status/10%10), byte('0' + status%10)})
}

// recover turns a panic into an internal error; a deliberate abort goes on to cut the connection.
func (s *Server) recover(g *gin.Context) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			s.log.ErrorContext(g, "panic", "request_id", requestID(g), "route", g.FullPath(), "panic", p, "stack", stack())
			if !g.Writer.Written() {
				s.fail(g, model.E(model.CodeInternal, "系统出错了，请稍后再试"))
			}
		}
	}()
	g.Next()
}

// headers sets the security headers of every answer; the docs page sets its own policy, downloads their own disposition.
func (s *Server) headers(g *gin.Context) {
	h := g.Writer.Header()
	if s.SecureCookies {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	if strings.HasPrefix(g.Request.URL.Path, "/api/") {
		h.Set("Content-Disposition", `attachment; filename="api.json"`) // opened by itself, an answer is no page
	}
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	g.Next()
}
