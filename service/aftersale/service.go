// Package aftersale is what comes after an order was paid: somebody asks for money back for some of its goods, the supplier
// agrees or refuses, the platform decides where they do not come together, goods travel back, and the money goes back where it
// came from. The clock moves on what nobody answers. Money moves through order.GiveBack only.
package aftersale

import (
	"time"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/order"
)

// The kinds of cases.
const (
	KindRefundOnly  = "refund_only"  // 仅退款: nothing is sent back
	KindReturnGoods = "return_goods" // 退货退款: the goods come back first
)

// The states of a case. The first five are open (model.OpenAfterSale), the others are its end.
const (
	StatusRequested = "requested" // waits for the supplier
	StatusRefused   = "refused"   // by the supplier; may be escalated
	StatusAgreed    = "agreed"    // waits for the goods to be sent back
	StatusReturning = "returning" // the goods are on their way back
	StatusEscalated = "escalated" // waits for the platform
	StatusRefunded  = "refunded"  // the money went back
	StatusRejected  = "rejected"  // by the platform, for good
	StatusWithdrawn = "withdrawn" // by who asked
	StatusClosed    = "closed"    // by the clock: what was to be done in time was not
)

var statusNames = map[string]string{
	StatusRequested: "等待供应商处理", StatusRefused: "供应商已拒绝", StatusAgreed: "供应商已同意，等待寄回商品", StatusReturning: "商品寄回中",
	StatusEscalated: "等待平台处理", StatusRefunded: "已退款", StatusRejected: "平台已驳回", StatusWithdrawn: "已撤回", StatusClosed: "超时关闭",
}

// Reasons lists the reasons that a case may have, with their Chinese names, in the order in which people see them.
var Reasons = []struct{ Code, Name string }{
	{"quality", "质量问题"}, {"shortage", "少发错发"}, {"mismatch", "与描述不符"}, {"damaged", "物流损坏"}, {"lost", "一直未收到货"}, {"unwanted", "不想要了"}, {"other", "其他原因"},
}

func reasonName(code string) string {
	for _, r := range Reasons {
		if r.Code == code {
			return r.Name
		}
	}
	return ""
}

// Windows are how long things may take.
type Windows struct {
	Ask      time.Duration // from receipt, to open a case
	Reply    time.Duration // for the supplier to answer; then the platform decides
	Escalate time.Duration // to escalate a refusal; then the case is closed
	SendBack time.Duration // to send the goods back; then the case is closed
	Receive  time.Duration // for the supplier to confirm returned goods; then the platform decides
}

// Options are what the service works with.
type Options struct {
	DB      *model.DB
	Orders  *order.Service
	Files   *files.Service
	Sealer  *model.Sealer
	Windows Windows
}

// Service is the use cases of after-sales.
type Service struct {
	db      *model.DB
	orders  *order.Service
	files   *files.Service
	sealer  *model.Sealer
	windows Windows
}

// New makes the service.
func New(o Options) *Service {
	return &Service{db: o.DB, orders: o.Orders, files: o.Files, sealer: o.Sealer, windows: o.Windows}
}

// deadline is when the clock moves on a case that came into a state at now; nil: it does not.
func (s *Service) deadline(status string, now time.Time) *time.Time {
	wait, ok := map[string]time.Duration{
		StatusRequested: s.windows.Reply, StatusRefused: s.windows.Escalate, StatusAgreed: s.windows.SendBack, StatusReturning: s.windows.Receive,
	}[status]
	if !ok {
		return nil
	}
	at := now.Add(wait)
	return &at
}

// urgency orders lists: open cases by deadline, then those that wait for the platform, then the ended ones, the last ended first.
func urgency(status string, deadline *time.Time, now time.Time) int64 {
	switch {
	case deadline != nil:
		return deadline.UnixMilli()
	case status == StatusEscalated:
		return 1 << 52
	}
	return 1<<53 - now.UnixMilli()
}

// object is how the audit trail names a case.
func object(id model.ID) string { return "after_sale:" + id.String() }
