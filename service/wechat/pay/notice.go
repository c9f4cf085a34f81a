package pay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"bangfu/model"
)

// MaxNotice bounds a notice in bytes.
const MaxNotice = 64 << 10

// Notice is what WeChat tells by itself: of a payment or of a refund, the other is nil.
type Notice struct {
	ID      string
	Event   string // such as TRANSACTION.SUCCESS
	Payment *Trade
	Refund  *RefundResult
}

// envelope is a notice as it comes.
type envelope struct {
	ID           string `json:"id"`
	EventType    string `json:"event_type"`
	ResourceType string `json:"resource_type"`
	Resource     struct {
		Algorithm      string `json:"algorithm"`
		Ciphertext     string `json:"ciphertext"`
		AssociatedData string `json:"associated_data"`
		Nonce          string `json:"nonce"`
		OriginalType   string `json:"original_type"`
	} `json:"resource"`
}

// refundNotice is what a refund's notice has inside; the library has no type for it.
type refundNotice struct {
	MchID         string     `json:"mchid"`
	OutTradeNo    string     `json:"out_trade_no"`
	TransactionID string     `json:"transaction_id"`
	OutRefundNo   string     `json:"out_refund_no"`
	RefundID      string     `json:"refund_id"`
	RefundStatus  string     `json:"refund_status"`
	SuccessTime   *time.Time `json:"success_time"`
	Amount        struct {
		Total  int64 `json:"total"`
		Refund int64 `json:"refund"`
	} `json:"amount"`
}

// ParseNotice checks a notice (size, signature, age) and opens it. header gives the request's headers by name. A notice
// can be replayed by anybody within the five minutes that a signature lives, so what it tells must take effect once by the
// payment's own state; and who the payment is for must still be judged (JudgeTrade). Errors: CodeTooLarge, CodeForbidden (not
// WeChat's), CodeInvalid (WeChat's, but not understood).
func (c *Client) ParseNotice(ctx context.Context, header func(name string) string, body []byte) (Notice, error) {
	if len(body) > MaxNotice {
		return Notice{}, model.E(model.CodeTooLarge, "通知过大")
	}
	if kind := header("Wechatpay-Signature-Type"); kind != "" && kind != "WECHATPAY2-SHA256-RSA2048" {
		return Notice{}, forbidden(errors.New("the signature is of another kind"))
	}
	if err := c.judge.check(ctx, header, body); err != nil {
		return Notice{}, forbidden(err)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Notice{}, notUnderstood("envelope", err)
	}
	if e.Resource.Algorithm != "AEAD_AES_256_GCM" {
		return Notice{}, notUnderstood("envelope", errors.New("another algorithm"))
	}
	if len(e.Resource.Nonce) != 12 { // GCM panics on any other length
		return Notice{}, notUnderstood("envelope", errors.New("the nonce is not 12 bytes"))
	}
	plain, err := utils.DecryptAES256GCM(c.apiV3Key, e.Resource.AssociatedData, e.Resource.Nonce, e.Resource.Ciphertext)
	if err != nil {
		return Notice{}, forbidden(err)
	}
	n := Notice{ID: e.ID, Event: e.EventType}
	switch e.Resource.OriginalType {
	case "transaction":
		n.Payment, err = paymentNotice(plain)
	case "refund":
		n.Refund, err = c.refundNotice(plain)
	default:
		err = fmt.Errorf("a notice about %.40q", e.Resource.OriginalType)
	}
	if err != nil {
		return Notice{}, notUnderstood("resource", err)
	}
	return n, nil
}

func paymentNotice(plain string) (*Trade, error) {
	var in payments.Transaction
	if err := json.Unmarshal([]byte(plain), &in); err != nil {
		return nil, err
	}
	t, err := tradeOf(&in)
	return &t, err
}

func (c *Client) refundNotice(plain string) (*RefundResult, error) {
	var in refundNotice
	if err := json.Unmarshal([]byte(plain), &in); err != nil {
		return nil, err
	}
	out := &RefundResult{
		Status: refundStates[in.RefundStatus], RefundNo: in.OutRefundNo, RefundID: in.RefundID, PaymentNo: in.OutTradeNo, TransactionID: in.TransactionID,
		Amount: model.Fen(in.Amount.Refund), Total: model.Fen(in.Amount.Total),
	}
	switch {
	case in.MchID != c.mchID:
		return nil, errors.New("a refund of another merchant")
	case out.Status == "" || out.RefundNo == "" || !out.sane():
		return nil, errors.New("a refund without its state, number or amount")
	case out.Status == RefundSuccess && (in.SuccessTime == nil || !storable(*in.SuccessTime)):
		return nil, errors.New("a refund that is done without its time")
	case out.Status == RefundSuccess:
		out.DoneAt = model.Millis(*in.SuccessTime)
	}
	return out, nil
}

// forbidden is the answer to a notice that WeChat did not write, or wrote too long ago.
func forbidden(cause error) error {
	e := model.E(model.CodeForbidden, "通知的签名不正确或已过期")
	e.Cause = &failure{api: "notice", text: bare(cause)}
	return e
}

// notUnderstood is the answer to a notice of WeChat's that we cannot read.
func notUnderstood(field string, cause error) error {
	e := model.Invalid(field, "通知的内容无法识别")
	e.Cause = &failure{api: "notice", text: bare(cause)}
	return e
}
