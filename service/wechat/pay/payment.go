package pay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"bangfu/model"
)

// currency is the only one in which we ask for money.
const currency = "CNY"

// Prepayment is what a payment is asked with.
type Prepayment struct {
	PaymentNo   string    // our number of the payment
	Description string    // what the payer reads
	Amount      model.Fen // above zero
	OpenID      string    // of the payer, who alone can pay
	ExpireAt    time.Time // WeChat takes no payment after this
}

// JSAPI is what the mini-program hands to wx.requestPayment. The names are WeChat's.
type JSAPI struct {
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

// Prepay tells WeChat of a payment to come and returns what the client needs for it. It may be repeated with the same
// content. Errors: CodeWechat.
func (c *Client) Prepay(ctx context.Context, p Prepayment) (JSAPI, error) {
	const api = "prepay"
	if err := checkNumber(p.PaymentNo); err != nil {
		return JSAPI{}, err
	}
	if p.Amount <= 0 || p.OpenID == "" {
		return JSAPI{}, errors.New("wechat pay: a prepayment needs an amount above zero and a payer")
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	answer, _, err := c.payments.Prepay(ctx, jsapi.PrepayRequest{
		Appid: &c.appID, Mchid: &c.mchID, Description: core.String(clip(p.Description, 40)), OutTradeNo: &p.PaymentNo,
		TimeExpire: core.Time(p.ExpireAt.In(model.China).Truncate(time.Second)), NotifyUrl: &c.notifyURL,
		Amount: &jsapi.Amount{Total: core.Int64(int64(p.Amount)), Currency: core.String(currency)},
		Payer:  &jsapi.Payer{Openid: &p.OpenID},
	})
	if err == nil && text(answer.PrepayId) == "" {
		err = errors.New("the answer has no prepay_id")
	}
	if err != nil {
		return JSAPI{}, c.fail(ctx, api, err)
	}
	out, err := c.sign(ctx, *answer.PrepayId)
	if err != nil {
		return JSAPI{}, c.fail(ctx, api, err)
	}
	return out, nil
}

// clip cuts what the payer reads to n characters: WeChat takes 127 bytes.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// sign makes the client's parameters of a prepayment.
func (c *Client) sign(ctx context.Context, prepayID string) (JSAPI, error) {
	nonce, err := utils.GenerateNonce()
	if err != nil {
		return JSAPI{}, err
	}
	out := JSAPI{TimeStamp: strconv.FormatInt(c.clock.Now().Unix(), 10), NonceStr: nonce, Package: "prepay_id=" + prepayID, SignType: "RSA"}
	signed, err := c.core.Sign(ctx, fmt.Sprintf("%s\n%s\n%s\n%s\n", c.appID, out.TimeStamp, out.NonceStr, out.Package))
	if err != nil {
		return JSAPI{}, err
	}
	out.PaySign = signed.Signature
	return out, nil
}

// State is what WeChat says of a payment.
type State string

// The states of a payment at WeChat.
const (
	NotPaid  State = "notpay"
	Paying   State = "paying" // the payer is at it
	Success  State = "success"
	Refunded State = "refund" // paid, and a refund was asked for, in part or in full
	Closed   State = "closed"
	Revoked  State = "revoked"
	PayError State = "payerror" // an attempt failed; the payer may try again until it is closed
	Unknown  State = "unknown"  // WeChat does not know the payment, or says something new
)

var states = map[string]State{
	"NOTPAY": NotPaid, "USERPAYING": Paying, "ACCEPT": Paying, "SUCCESS": Success, "REFUND": Refunded, "CLOSED": Closed, "REVOKED": Revoked, "PAYERROR": PayError,
}

// Trade is a payment as WeChat sees it.
type Trade struct {
	State         State
	PaymentNo     string
	TransactionID string // WeChat's number, once paid
	AmountTotal   model.Fen
	Currency      string
	PaidAt        time.Time // zero unless paid
	MchID         string
	AppID         string
	OpenID        string
}

// Paid tells whether the payer's money was taken; a refund may have been asked for since.
func (t Trade) Paid() bool { return t.State == Success || t.State == Refunded }

// Query asks WeChat how a payment stands; a payment that WeChat does not know is Unknown and no error. Errors: CodeWechat.
func (c *Client) Query(ctx context.Context, paymentNo string) (Trade, error) {
	if err := checkNumber(paymentNo); err != nil {
		return Trade{}, err
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	answer, _, err := c.payments.QueryOrderByOutTradeNo(ctx, jsapi.QueryOrderByOutTradeNoRequest{OutTradeNo: &paymentNo, Mchid: &c.mchID})
	if refused(err, "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS") {
		return Trade{State: Unknown, PaymentNo: paymentNo}, nil
	}
	if err != nil {
		return Trade{}, c.fail(ctx, "query", err)
	}
	t, err := tradeOf(answer)
	if err == nil && t.PaymentNo != paymentNo {
		err = errors.New("the answer is about another payment")
	}
	if err != nil {
		return Trade{}, c.fail(ctx, "query", err)
	}
	return t, nil
}

// tradeOf reads the library's transaction.
func tradeOf(in *payments.Transaction) (Trade, error) {
	t := Trade{
		State: states[text(in.TradeState)], PaymentNo: text(in.OutTradeNo), TransactionID: text(in.TransactionId), MchID: text(in.Mchid), AppID: text(in.Appid),
	}
	if t.State == "" {
		t.State = Unknown
	}
	if in.Payer != nil {
		t.OpenID = text(in.Payer.Openid)
	}
	if in.Amount != nil {
		t.Currency = text(in.Amount.Currency)
		if in.Amount.Total != nil {
			t.AmountTotal = model.Fen(*in.Amount.Total)
		}
	}
	if !t.Paid() {
		return t, nil
	}
	at, err := time.Parse(time.RFC3339, text(in.SuccessTime))
	if err != nil || !storable(at) || !wechatNumber.MatchString(t.TransactionID) {
		return Trade{}, errors.New("a paid payment without its time or number")
	}
	t.PaidAt = model.Millis(at)
	return t, nil
}

// storable tells whether every database can hold a moment.
func storable(at time.Time) bool { y := at.UTC().Year(); return y >= 1900 && y <= 9999 }

// Mismatch is how a trade differs from what was asked.
type Mismatch string

// The ways to differ.
const (
	NoMismatch    Mismatch = ""
	WrongNumber   Mismatch = "number"
	WrongMerchant Mismatch = "merchant"
	WrongApp      Mismatch = "app"
	WrongCurrency Mismatch = "currency"
	WrongAmount   Mismatch = "amount"
)

// JudgeTrade says whether a trade is the one that was asked for: our number, merchant and app, the amount, in yuan. What
// the payer really paid after WeChat's own vouchers does not matter: the merchant receives the total.
func (c *Client) JudgeTrade(t Trade, paymentNo string, amount model.Fen) Mismatch {
	switch {
	case t.PaymentNo != paymentNo:
		return WrongNumber
	case t.MchID != c.mchID:
		return WrongMerchant
	case t.AppID != c.appID:
		return WrongApp
	case t.Currency != currency:
		return WrongCurrency
	case t.AmountTotal != amount:
		return WrongAmount
	}
	return NoMismatch
}

// Closing is how closing a payment ended.
type Closing string

// The ways it can end.
const (
	ClosedNow   Closing = "closed"  // no money can come any more (also: it was closed before)
	AlreadyPaid Closing = "paid"    // too late: ask with Query
	NoSuchTrade Closing = "missing" // WeChat never heard of it, so nobody can pay it
)

// Close makes WeChat take no money for the payment any more. Errors: CodeWechat: nothing is known, try again.
func (c *Client) Close(ctx context.Context, paymentNo string) (Closing, error) {
	if err := checkNumber(paymentNo); err != nil {
		return "", err
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	result, err := c.payments.CloseOrder(ctx, jsapi.CloseOrderRequest{OutTradeNo: &paymentNo, Mchid: &c.mchID})
	switch {
	case refused(err, "ORDER_PAID"):
		return AlreadyPaid, nil
	case refused(err, "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"):
		return NoSuchTrade, nil
	case refused(err, "ORDER_CLOSED"):
		return ClosedNow, nil
	case err == nil && result.Response.StatusCode != 204: // 202 is USERPAYING: the payer is just at it
		err = fmt.Errorf("http status %d is not what closing answers", result.Response.StatusCode)
	}
	if err != nil {
		return "", c.fail(ctx, "close", err)
	}
	return ClosedNow, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
