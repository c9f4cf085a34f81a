package pay

import (
	"context"
	"errors"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"

	"bangfu/model"
)

// RefundStatus is how a refund stands at WeChat.
type RefundStatus string

// The states of a refund at WeChat.
const (
	RefundProcessing RefundStatus = "processing" // accepted, not done
	RefundSuccess    RefundStatus = "success"
	RefundClosed     RefundStatus = "closed"   // WeChat gave it up; the same number may be tried again
	RefundAbnormal   RefundStatus = "abnormal" // the payer's card does not take it: somebody must act at WeChat's merchant site
	RefundUnknown    RefundStatus = "unknown"  // WeChat does not know the refund
)

var refundStates = map[string]RefundStatus{"PROCESSING": RefundProcessing, "SUCCESS": RefundSuccess, "CLOSED": RefundClosed, "ABNORMAL": RefundAbnormal}

// RefundRequest asks for a part of a payment, or all of it, to go back to the payer.
type RefundRequest struct {
	RefundNo  string // one number per refund, the same at every retry
	PaymentNo string
	Amount    model.Fen // of this refund
	Total     model.Fen // of the payment
	Reason    string    // the payer reads it
}

// RefundResult is a refund as WeChat sees it.
type RefundResult struct {
	Status        RefundStatus
	RefundNo      string
	RefundID      string // WeChat's number
	PaymentNo     string
	TransactionID string
	Amount        model.Fen // of this refund
	Total         model.Fen // of the payment
	DoneAt        time.Time // zero unless Status is RefundSuccess
}

// sane tells whether the amounts can be those of a refund, and WeChat's number is one or left out.
func (r RefundResult) sane() bool {
	return r.Amount > 0 && r.Amount <= r.Total && r.Total <= model.MaxFen && (r.RefundID == "" || wechatNumber.MatchString(r.RefundID))
}

// Refund asks for a refund. The answer means that it is accepted, not that it is done. Asked again with the same number,
// WeChat answers how that refund stands. Errors: CodeWechat, see RefusedFinally.
func (c *Client) Refund(ctx context.Context, r RefundRequest) (RefundResult, error) {
	if err := errors.Join(checkNumber(r.RefundNo), checkNumber(r.PaymentNo)); err != nil {
		return RefundResult{}, err
	}
	if r.Amount <= 0 || r.Amount > r.Total {
		return RefundResult{}, errors.New("wechat pay: a refund is above zero and at most what was paid")
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	in := refunddomestic.CreateRequest{
		OutTradeNo: &r.PaymentNo, OutRefundNo: &r.RefundNo, NotifyUrl: &c.notifyURL,
		Amount: &refunddomestic.AmountReq{Refund: core.Int64(int64(r.Amount)), Total: core.Int64(int64(r.Total)), Currency: core.String(currency)},
	}
	if r.Reason != "" {
		in.Reason = core.String(clip(r.Reason, 26)) // WeChat takes 80 bytes
	}
	answer, _, err := c.refunds.Create(ctx, in)
	if err != nil {
		return RefundResult{}, c.fail(ctx, "refund", err)
	}
	out, err := refundOf(answer, r.RefundNo)
	if err == nil && (out.PaymentNo != r.PaymentNo || out.Amount != r.Amount) {
		err = errors.New("the answer is about another payment or amount")
	}
	if err != nil {
		return RefundResult{}, c.fail(ctx, "refund", err)
	}
	return out, nil
}

// QueryRefund asks how a refund stands; one that WeChat does not know is RefundUnknown and no error. Errors: CodeWechat.
func (c *Client) QueryRefund(ctx context.Context, refundNo string) (RefundResult, error) {
	if err := checkNumber(refundNo); err != nil {
		return RefundResult{}, err
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	answer, _, err := c.refunds.QueryByOutRefundNo(ctx, refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: &refundNo})
	if refused(err, "RESOURCE_NOT_EXISTS", "REFUND_NOT_EXIST") {
		return RefundResult{Status: RefundUnknown, RefundNo: refundNo}, nil
	}
	if err != nil {
		return RefundResult{}, c.fail(ctx, "query refund", err)
	}
	out, err := refundOf(answer, refundNo)
	if err != nil {
		return RefundResult{}, c.fail(ctx, "query refund", err)
	}
	return out, nil
}

// refundOf reads the library's refund, which must be the one with the number.
func refundOf(in *refunddomestic.Refund, refundNo string) (RefundResult, error) {
	out := RefundResult{RefundNo: text(in.OutRefundNo), RefundID: text(in.RefundId), PaymentNo: text(in.OutTradeNo), TransactionID: text(in.TransactionId)}
	if in.Status != nil {
		out.Status = refundStates[string(*in.Status)]
	}
	if in.Amount != nil && in.Amount.Refund != nil && in.Amount.Total != nil {
		out.Amount, out.Total = model.Fen(*in.Amount.Refund), model.Fen(*in.Amount.Total)
	}
	switch {
	case out.RefundNo != refundNo:
		return RefundResult{}, errors.New("the answer is about another refund")
	case out.Status == "" || out.RefundID == "" || !out.sane():
		return RefundResult{}, errors.New("the answer lacks the refund's state, number or amount")
	case out.Status == RefundSuccess && (in.SuccessTime == nil || !storable(*in.SuccessTime)):
		return RefundResult{}, errors.New("a refund that is done without its time")
	case out.Status == RefundSuccess:
		out.DoneAt = model.Millis(*in.SuccessTime)
	}
	return out, nil
}
