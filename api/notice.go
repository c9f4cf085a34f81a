package api

import (
	"context"

	"bangfu/service/notify"
)

func (s *Server) listSubscriptions(ctx context.Context, c *Call) (any, error) {
	return s.Notify.Subscriptions(ctx, c.Actor.AccountID)
}

func (s *Server) subscribe(ctx context.Context, c *Call) (any, error) {
	var in notify.AnswersInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Notify.Subscribe(ctx, c.Actor, c.Key, in)
}

func (s *Server) listOutbox(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Topic  string `query:"topic" check:"omitempty,oneof=allowance_issued allowance_ending order_shipped refund_done shipping_info"`
		Status string `query:"status" check:"omitempty,oneof=waiting sending sent skipped dead"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Notify.Messages(ctx, c.Actor, notify.Filter{Topic: notify.Topic(q.Topic), Status: q.Status}, page)
}

func (s *Server) countOutbox(ctx context.Context, c *Call) (any, error) {
	return s.Notify.Counts(ctx, c.Actor)
}

func (s *Server) replayMessage(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Notify.Replay(ctx, c.Actor, id)
}

func (s *Server) replayDead(ctx context.Context, c *Call) (any, error) {
	var in notify.ReplayInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Notify.ReplayDead(ctx, c.Actor, in)
}
