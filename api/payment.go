package api

import (
	"context"
	"io"
	"net/http"

	"bangfu/model"
	"bangfu/service/payment"
	"bangfu/service/wechat/pay"
)

func (s *Server) prepayOrder(ctx context.Context, c *Call) (any, error) {
	return s.Payment.Prepay(ctx, c.Actor, c.Object)
}

func (s *Server) checkPayment(ctx context.Context, c *Call) (any, error) {
	return s.Payment.Check(ctx, c.Actor, c.Object)
}

// takeWechatNotice answers WeChat Pay: 204 ends a notice, any error has it come again. Its signature is its authenticity.
func (s *Server) takeWechatNotice(ctx context.Context, c *Call) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.gin.Writer, c.gin.Request.Body, pay.MaxNotice))
	if err != nil {
		return nil, model.E(model.CodeTooLarge, "通知过大或不完整")
	}
	return nil, s.Payment.Notice(ctx, c.gin.GetHeader, body)
}

func (s *Server) listPayments(ctx context.Context, c *Call) (any, error) {
	var q struct {
		Status    string `query:"status" check:"omitempty,oneof=created prepaid paid closed"`
		Attention bool   `query:"attention"`
		Cursor    string `query:"cursor"`
		Limit     int    `query:"limit"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	page, err := pageOf(q.Cursor, q.Limit)
	if err != nil {
		return nil, err
	}
	return s.Payment.Payments(ctx, c.Actor, payment.Filter{Status: q.Status, Attention: q.Attention}, page)
}

func (s *Server) retryRefund(ctx context.Context, c *Call) (any, error) {
	return s.Payment.RetryRefund(ctx, c.Actor, c.Key, c.Object)
}
