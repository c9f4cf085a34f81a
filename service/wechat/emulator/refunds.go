package emulator

import (
	"slices"
	"time"

	"bangfu/model"
)

// maxRefunds is how many refunds WeChat makes of one payment.
const maxRefunds = 50

// refund is one refund at WeChat.
type refund struct {
	of        *trade
	in        refundRequest
	id        string
	status    string // PROCESSING | SUCCESS | CLOSED | ABNORMAL
	createdAt time.Time
	doneAt    time.Time
}

type refundRequest struct {
	OutTradeNo  string `json:"out_trade_no"`
	OutRefundNo string `json:"out_refund_no"`
	Reason      string `json:"reason"`
	NotifyURL   string `json:"notify_url"`
	Amount      struct {
		Refund   int64  `json:"refund"`
		Total    int64  `json:"total"`
		Currency string `json:"currency"`
	} `json:"amount"`
}

// RefundOutcome is how refunds end.
type RefundOutcome string

// The outcomes; Never leaves a refund in processing until FinishRefund.
const (
	RefundSuccess  RefundOutcome = "success"
	RefundAbnormal RefundOutcome = "abnormal" // the payer's card is gone; somebody must act at the merchant site: FinishRefund
	RefundClosed   RefundOutcome = "closed"   // asked again with the same number, it starts anew
	RefundNever    RefundOutcome = "never"
)

var refundStatus = map[RefundOutcome]string{RefundSuccess: "SUCCESS", RefundAbnormal: "ABNORMAL", RefundClosed: "CLOSED"}

// RefundRule says how refunds end from now on.
type RefundRule struct {
	Result  RefundOutcome `json:"result"`
	DelayMS int           `json:"delay_ms"` // after the request, 0 to 60000; a late one is one with a long delay
	Times   int           `json:"times"`    // for how many refunds; 0 is all
}

// SetRefunds puts a rule before those that are there; a rule that makes no sense is CodeInvalid.
func (e *Emulator) SetRefunds(r RefundRule) error {
	switch {
	case r.Result != RefundNever && refundStatus[r.Result] == "":
		return model.Invalid("result", "退款结果应为 success、abnormal、closed 或 never")
	case r.DelayMS < 0 || r.DelayMS > int(longest/time.Millisecond):
		return model.Invalid("delay_ms", "延迟应为 0 至 60000 毫秒")
	case r.Times < 0:
		return model.Invalid("times", "次数不能为负；0 表示一直有效")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refundRules = slices.Insert(e.refundRules, 0, r)
	return nil
}

// nextRefundRule takes the rule that a new refund meets. e.mu is held.
func (e *Emulator) nextRefundRule() RefundRule {
	if len(e.refundRules) == 0 {
		return RefundRule{Result: RefundSuccess}
	}
	r := e.refundRules[0]
	if r.Times == 1 {
		e.refundRules = slices.Delete(e.refundRules, 0, 1)
	} else if r.Times > 1 {
		e.refundRules[0].Times--
	}
	return r
}

// createRefund accepts a refund, whose result comes later. One number is one refund: asked again, it tells how that one
// stands; only a closed one starts anew.
func (e *Emulator) createRefund(c call) (any, *v3Error) {
	var in refundRequest
	if refusal := readV3(c.body, &in); refusal != nil {
		return nil, refusal
	}
	if !tradeNo.MatchString(in.OutRefundNo) || in.Amount.Refund <= 0 || in.Amount.Currency != "CNY" || len(in.Reason) > 80 {
		return nil, v3MissingPart
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.refunds[in.OutRefundNo]
	if r != nil && (r.in.OutTradeNo != in.OutTradeNo || r.in.Amount != in.Amount) {
		return nil, v3Differs
	}
	if r != nil && r.status != "CLOSED" {
		return r.answer(), nil
	}
	t := e.trade(in.OutTradeNo)
	if refusal := t.refundable(in, r); refusal != nil {
		return nil, refusal
	}
	if r == nil {
		r = &refund{of: t, in: in, id: "5030" + digits(24), createdAt: e.clock.Now()}
		e.refunds[in.OutRefundNo] = r
		t.refunds = append(t.refunds, r)
	}
	r.status, t.state = "PROCESSING", "REFUND"
	if rule := e.nextRefundRule(); rule.Result != RefundNever {
		e.later(time.Duration(rule.DelayMS)*time.Millisecond, func() { _ = e.FinishRefund(in.OutRefundNo, rule.Result, nil) })
	}
	return r.answer(), nil
}

// refundable judges a refund of the payment; again is the refund if it is a closed one asked for again.
func (t *trade) refundable(in refundRequest, again *refund) *v3Error {
	switch {
	case t == nil:
		return v3NoResource
	case t.state != "SUCCESS" && t.state != "REFUND":
		return v3NotRefund
	case in.Amount.Total != t.in.Amount.Total:
		return v3WrongTotal
	case again == nil && len(t.refunds) >= maxRefunds:
		return v3TooMany
	}
	sum := in.Amount.Refund
	for _, r := range t.refunds {
		if r.status != "CLOSED" {
			sum += r.in.Amount.Refund
		}
	}
	if sum > t.in.Amount.Total {
		return v3TooMuch
	}
	return nil
}

// FinishRefund gives a refund its result now: one in processing any, an abnormal one success (as when somebody has acted
// at the merchant site). notice, if not nil, says how the notice behaves. CodeNotFound, CodeConflict, CodeInvalid.
func (e *Emulator) FinishRefund(refundNo string, result RefundOutcome, notice *NoticeRule) error {
	if refundStatus[result] == "" {
		return model.Invalid("result", "退款结果应为 success、abnormal 或 closed")
	}
	if notice != nil {
		if err := notice.check(); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.refunds[refundNo]
	switch {
	case r == nil:
		return model.E(model.CodeNotFound, "没有这笔退款；模拟器只记得本次启动以来的退款")
	case r.status != "PROCESSING" && (r.status != "ABNORMAL" || result == RefundAbnormal):
		return model.E(model.CodeConflict, "该退款已有结果")
	}
	r.status = refundStatus[result]
	if result == RefundSuccess {
		r.doneAt = e.clock.Now()
	}
	e.notify(message{kind: AboutRefund, no: refundNo, url: r.in.NotifyURL, event: "REFUND." + r.status, content: r.notice()}, notice)
	return nil
}

type refundAmount struct {
	Total            int64  `json:"total"`
	Refund           int64  `json:"refund"`
	PayerTotal       int64  `json:"payer_total"`
	PayerRefund      int64  `json:"payer_refund"`
	SettlementTotal  int64  `json:"settlement_total,omitempty"`
	SettlementRefund int64  `json:"settlement_refund,omitempty"`
	DiscountRefund   int64  `json:"discount_refund,omitempty"`
	Currency         string `json:"currency,omitempty"`
}

// refundAnswer is a refund as WeChat answers it.
type refundAnswer struct {
	RefundID      string       `json:"refund_id"`
	OutRefundNo   string       `json:"out_refund_no"`
	TransactionID string       `json:"transaction_id"`
	OutTradeNo    string       `json:"out_trade_no"`
	Channel       string       `json:"channel"`
	Account       string       `json:"user_received_account"`
	SuccessTime   string       `json:"success_time,omitempty"`
	CreateTime    string       `json:"create_time"`
	Status        string       `json:"status"`
	FundsAccount  string       `json:"funds_account"`
	Amount        refundAmount `json:"amount"`
}

func (r *refund) answer() refundAnswer {
	total, part := r.of.in.Amount.Total, r.in.Amount.Refund
	a := refundAnswer{
		RefundID: r.id, OutRefundNo: r.in.OutRefundNo, TransactionID: r.of.transactionID, OutTradeNo: r.in.OutTradeNo, Channel: "ORIGINAL", Account: "支付用户零钱",
		CreateTime: chinaTime(r.createdAt), Status: r.status, FundsAccount: "AVAILABLE",
		Amount: refundAmount{Total: total, Refund: part, PayerTotal: total, PayerRefund: part, SettlementTotal: total, SettlementRefund: part, Currency: "CNY"},
	}
	if r.status == "SUCCESS" {
		a.SuccessTime = chinaTime(r.doneAt)
	}
	return a
}

// refundMessage is a refund as WeChat's notices tell it.
type refundMessage struct {
	MchID         string       `json:"mchid"`
	OutTradeNo    string       `json:"out_trade_no"`
	TransactionID string       `json:"transaction_id"`
	OutRefundNo   string       `json:"out_refund_no"`
	RefundID      string       `json:"refund_id"`
	RefundStatus  string       `json:"refund_status"`
	SuccessTime   string       `json:"success_time,omitempty"`
	Account       string       `json:"user_received_account"`
	Amount        refundAmount `json:"amount"`
}

func (r *refund) notice() refundMessage {
	a := r.answer()
	return refundMessage{
		MchID: keys().MchID, OutTradeNo: a.OutTradeNo, TransactionID: a.TransactionID, OutRefundNo: a.OutRefundNo, RefundID: a.RefundID, RefundStatus: a.Status,
		SuccessTime: a.SuccessTime, Account: a.Account,
		Amount: refundAmount{Total: a.Amount.Total, Refund: a.Amount.Refund, PayerTotal: a.Amount.PayerTotal, PayerRefund: a.Amount.PayerRefund},
	}
}

func (e *Emulator) queryRefund(c call) (any, *v3Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.refunds[c.no]
	if r == nil {
		return nil, v3NoResource
	}
	return r.answer(), nil
}
