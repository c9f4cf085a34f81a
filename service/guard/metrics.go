package guard

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Outcomes of calls in guard_calls_total, besides "open" and "failed" (see outcome).
const (
	answered = "ok"      // Redis answered and the caller goes on
	refused  = "refused" // Redis answered and the caller was turned away
	hit      = "hit"
	miss     = "miss"
)

// register makes the metrics and, if r is not nil, registers them.
func (g *Guard) register(r prometheus.Registerer) error {
	g.calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "guard_calls_total",
		Help: "Calls of the Redis guard by operation and outcome: ok, refused, hit, miss; open (let through unasked), failed (let through, no answer).",
	}, []string{"op", "outcome"})
	if r == nil {
		return nil
	}
	up := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "guard_up", Help: "1 if the last contact with Redis succeeded.",
	}, func() float64 { return number(g.breaker.answering()) })
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "guard_breaker_open", Help: "1 while Redis is not asked and everything is let through.",
	}, func() float64 { return number(g.breaker.open.Load()) })
	for _, c := range []prometheus.Collector{g.calls, up, open} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (g *Guard) count(op, outcome string) { g.calls.WithLabelValues(op, outcome).Inc() }

// outcome counts a call that was not refused: "ok", "open" if Redis was not asked, "failed" if it
// was and gave no answer (in time).
func (g *Guard) outcome(op string, err error) {
	switch {
	case err == nil:
		g.count(op, answered)
	case notAsked(err):
		g.count(op, "open")
	default:
		g.count(op, "failed")
	}
}
