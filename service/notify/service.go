package notify

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"bangfu/model"
	"bangfu/service/wechat"
)

// Options are what the service works with.
type Options struct {
	DB        *model.DB
	Wechat    *wechat.Client
	Sealer    *model.Sealer
	Templates map[Topic]Template // a topic without one is skipped
	Metrics   prometheus.Registerer
	Log       *slog.Logger
}

// Service sends what is in the outbox, counts consents, and shows both.
type Service struct {
	db        *model.DB
	wechat    *wechat.Client
	sealer    *model.Sealer
	templates map[Topic]Template
	log       *slog.Logger
	done      *prometheus.CounterVec
}

// New makes the service and registers outbox_messages_total, by topic and outcome (sent, skipped, dead, retry).
func New(o Options) (*Service, error) {
	s := &Service{db: o.DB, wechat: o.Wechat, sealer: o.Sealer, templates: o.Templates, log: o.Log, done: prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "outbox_messages_total", Help: "Messages of the outbox by topic and outcome: sent, skipped, dead, retry."}, []string{"topic", "outcome"})}
	for _, t := range Topics {
		for _, outcome := range []string{StatusSent, StatusSkipped, StatusDead, outcomeRetry} {
			s.done.WithLabelValues(string(t.Topic), outcome)
		}
	}
	return s, o.Metrics.Register(s.done)
}

// Depth is how full the outbox is.
type Depth struct {
	Waiting, Sending, Dead int64
	OldestSeconds          float64 // age of the oldest message that is neither sent nor given up
}

// Depth counts what is not sent, for metrics.
func (s *Service) Depth(ctx context.Context) (d Depth, err error) {
	tx := s.db.Read(ctx)
	var rows []struct {
		Status string
		N      int64
	}
	if err := tx.Model(&model.OutboxMessage{}).Select("status, COUNT(*) AS n").Where("status IN ?", []string{StatusWaiting, StatusSending, StatusDead}).
		Group("status").Scan(&rows).Error; err != nil {
		return d, err
	}
	for _, r := range rows {
		switch r.Status {
		case StatusWaiting:
			d.Waiting = r.N
		case StatusSending:
			d.Sending = r.N
		case StatusDead:
			d.Dead = r.N
		}
	}
	var oldest []model.OutboxMessage // ids rise with time
	if err := tx.Select("created_at").Where("status IN ?", []string{StatusWaiting, StatusSending}).Order("id").Limit(1).Find(&oldest).Error; err != nil {
		return d, err
	}
	if len(oldest) > 0 {
		d.OldestSeconds = max(0, s.db.Now().Sub(oldest[0].CreatedAt).Seconds())
	}
	return d, nil
}
