package emulator

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"time"

	"bangfu/model"
)

// trade is one payment at WeChat.
type trade struct {
	in            prepayRequest
	state         string // NOTPAY | PAYERROR | SUCCESS | REFUND | CLOSED
	prepayID      string
	transactionID string
	paidAt        time.Time
	refunds       []*refund
}

// prepayRequest is what the merchant asks with, as far as it matters here.
type prepayRequest struct {
	AppID       string    `json:"appid"`
	MchID       string    `json:"mchid"`
	Description string    `json:"description"`
	OutTradeNo  string    `json:"out_trade_no"`
	TimeExpire  time.Time `json:"time_expire"`
	NotifyURL   string    `json:"notify_url"`
	Amount      struct {
		Total    int64  `json:"total"`
		Currency string `json:"currency"`
	} `json:"amount"`
	Payer struct {
		OpenID string `json:"openid"`
	} `json:"payer"`
}

var tradeNo = regexp.MustCompile(`^[A-Za-z0-9_*|-]{6,32}$`)

func (p prepayRequest) fault(e *Emulator) *v3Error {
	switch {
	case p.MchID != keys().MchID:
		return v3OtherMch
	case p.AppID != e.appID:
		return v3OtherApp
	case !tradeNo.MatchString(p.OutTradeNo), p.Description == "", len(p.Description) > 127, p.NotifyURL == "", p.Payer.OpenID == "", p.Amount.Total <= 0, p.Amount.Currency != "CNY":
		return v3MissingPart
	case !p.TimeExpire.After(e.clock.Now()):
		return v3BadExpiry
	}
	return nil
}

// prepay makes a payment; asked again with the same content it gives the same prepay id.
func (e *Emulator) prepay(c call) (any, *v3Error) {
	var in prepayRequest
	if refusal := readV3(c.body, &in); refusal != nil {
		return nil, refusal
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.trade(in.OutTradeNo)
	if t == nil {
		if refusal := in.fault(e); refusal != nil {
			return nil, refusal
		}
		t = &trade{in: in, state: "NOTPAY", prepayID: "wx" + digits(34)}
		e.trades[in.OutTradeNo] = t
	}
	switch {
	case t.state == "SUCCESS" || t.state == "REFUND":
		return nil, v3Paid
	case t.state == "CLOSED":
		return nil, v3Closed
	case in.Amount != t.in.Amount || in.Payer != t.in.Payer || in.AppID != t.in.AppID || in.MchID != t.in.MchID:
		return nil, v3Differs
	}
	return struct {
		PrepayID string `json:"prepay_id"`
	}{t.prepayID}, nil
}

// trade is the payment with the number, nil if there is none; one that nobody paid in time is closed. e.mu is held.
func (e *Emulator) trade(no string) *trade {
	t := e.trades[no]
	if t != nil && (t.state == "NOTPAY" || t.state == "PAYERROR") && !e.clock.Now().Before(t.in.TimeExpire) {
		t.state = "CLOSED"
	}
	return t
}

// tradeAnswer is a payment as WeChat tells it, in answers and notices.
type tradeAnswer struct {
	AppID         string `json:"appid"`
	MchID         string `json:"mchid"`
	OutTradeNo    string `json:"out_trade_no"`
	TransactionID string `json:"transaction_id,omitempty"`
	TradeType     string `json:"trade_type,omitempty"`
	TradeState    string `json:"trade_state"`
	TradeDesc     string `json:"trade_state_desc"`
	BankType      string `json:"bank_type,omitempty"`
	SuccessTime   string `json:"success_time,omitempty"`
	Payer         struct {
		OpenID string `json:"openid"`
	} `json:"payer"`
	Amount struct {
		Total         int64  `json:"total"`
		PayerTotal    int64  `json:"payer_total"`
		Currency      string `json:"currency"`
		PayerCurrency string `json:"payer_currency"`
	} `json:"amount"`
}

var tradeWords = map[string]string{"NOTPAY": "订单未支付", "PAYERROR": "支付失败", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭"}

func (t *trade) answer() tradeAnswer {
	a := tradeAnswer{AppID: t.in.AppID, MchID: t.in.MchID, OutTradeNo: t.in.OutTradeNo, TradeState: t.state, TradeDesc: tradeWords[t.state]}
	a.Payer.OpenID, a.Amount.Total, a.Amount.PayerTotal = t.in.Payer.OpenID, t.in.Amount.Total, t.in.Amount.Total
	a.Amount.Currency, a.Amount.PayerCurrency = "CNY", "CNY"
	if t.transactionID != "" {
		a.TransactionID, a.TradeType, a.BankType, a.SuccessTime = t.transactionID, "JSAPI", "OTHERS", chinaTime(t.paidAt)
	}
	return a
}

func chinaTime(at time.Time) string { return at.In(model.China).Format(time.RFC3339) }

func (e *Emulator) queryTrade(c call) (any, *v3Error) {
	if c.mch != keys().MchID {
		return nil, v3OtherMch
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.trade(c.no)
	if t == nil {
		return nil, v3NoTrade
	}
	return t.answer(), nil
}

func (e *Emulator) closeTrade(c call) (any, *v3Error) {
	var in struct {
		MchID string `json:"mchid"`
	}
	if refusal := readV3(c.body, &in); refusal != nil {
		return nil, refusal
	}
	if in.MchID != keys().MchID {
		return nil, v3OtherMch
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.trade(c.no)
	switch {
	case t == nil:
		return nil, v3NoTrade
	case t.state == "CLOSED":
		return nil, v3Closed
	case t.state == "SUCCESS" || t.state == "REFUND":
		return nil, v3Paid
	}
	t.state = "CLOSED"
	return nil, nil
}

// Verdict is how the payer's attempt ends.
type Verdict string

// The verdicts.
const (
	PaySuccess     Verdict = "success"
	PayError       Verdict = "payerror"
	PayLate        Verdict = "late"         // success also where the payment is closed: it had been made before, and WeChat says so only now
	PayWrongAmount Verdict = "wrong_amount" // success, but one fen more than was asked for
)

// Pay lets the payer pay the payment now. notice, if not nil, says how this payment's notice behaves, else the rules do
// (SetNotices). A failed attempt sends no notice, as at WeChat. CodeNotFound, CodeConflict (closed, or paid already),
// CodeInvalid.
func (e *Emulator) Pay(paymentNo string, v Verdict, notice *NoticeRule) error {
	if !slices.Contains([]Verdict{PaySuccess, PayError, PayLate, PayWrongAmount}, v) {
		return model.Invalid("verdict", "结果应为 success、payerror、late 或 wrong_amount")
	}
	if notice != nil {
		if err := notice.check(); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.trade(paymentNo)
	switch {
	case t == nil:
		return model.E(model.CodeNotFound, "没有这笔支付；模拟器只记得本次启动以来的支付")
	case t.state == "CLOSED" && v != PayLate:
		return model.E(model.CodeConflict, "该支付已关闭，不能再付")
	case t.state == "SUCCESS" || t.state == "REFUND":
		return model.E(model.CodeConflict, "该支付已付款")
	case v == PayError:
		t.state = "PAYERROR"
		return nil
	}
	if v == PayWrongAmount {
		t.in.Amount.Total++
	}
	t.state, t.paidAt, t.transactionID = "SUCCESS", e.clock.Now(), "4200"+digits(24)
	e.notify(message{kind: AboutPayment, no: paymentNo, url: t.in.NotifyURL, event: "TRANSACTION.SUCCESS", content: t.answer()}, notice)
	return nil
}

// Books tells what WeChat has taken for a payment and given back of it so far.
func (e *Emulator) Books(paymentNo string) (paid, back model.Fen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.trades[paymentNo]
	if t == nil || t.transactionID == "" {
		return 0, 0
	}
	for _, r := range t.refunds {
		if r.status == "SUCCESS" {
			back += model.Fen(r.in.Amount.Refund)
		}
	}
	return model.Fen(t.in.Amount.Total), back
}

// digits is n random decimal digits.
func digits(n int) string {
	return fmt.Sprintf("%0*d", n, new(big.Int).Mod(new(big.Int).SetBytes(randomBytes(n)), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)))
}
