package city

import (
	"fmt"
	"strings"
	"time"

	"bangfu/model"
)

// wechat writes the payment of an order that WeChat money helped to pay, its holds, and that WeChat was told of the shipping.
func (f *filler) wechat(b *purchase) {
	o := &b.order
	until := b.at.Add(15 * time.Minute)
	o.PayBefore = &until
	pay := model.Payment{ID: b.payment, PaymentNo: fmt.Sprintf("P%031d", int64(b.payment)), OrderID: o.ID, PersonID: o.PersonID, UnionID: o.UnionID, AmountFen: o.WechatFen, Status: "paid", PayBefore: until,
		PrepayID: fmt.Sprintf("wx%d", b.n), PrepaidAt: &b.at, CreatedAt: b.at, UpdatedAt: b.at}
	hold := "captured"
	if o.Status == "closed" {
		closed := until.Add(time.Minute)
		pay.Status, pay.ClosedAt, hold = "closed", &closed, "released"
	} else {
		pay.TransactionID, pay.PaidFen, pay.PaidAt = fmt.Sprintf("42%026d", b.n), o.WechatFen, o.PaidAt
		f.transfer(b.next(), *o.PaidAt, "pay", "payment:"+b.payment.String(), "wechat", "payment:"+b.payment.String(), o.WechatFen, "", o.UnionID, &o.ID)
	}
	f.put(&pay)
	for _, x := range b.parts {
		h := model.Hold{ID: b.next(), OrderID: o.ID, SupplierID: f.p.suppliers[x.supplier].id, UnionID: o.UnionID, Purse: x.purseName(), Year: o.Year, AmountFen: x.fen, Status: hold, CreatedAt: b.at, UpdatedAt: b.at}
		if x.purse >= 0 {
			h.AllowanceID = &x.source
		}
		f.put(&h)
	}
	if o.Status == "shipped" || o.Status == "completed" {
		at := *b.parcels[0].ShippedAt
		f.put(&model.OutboxMessage{ID: f.laterID(at), Topic: "shipping_info", Cause: "order:" + o.ID.String() + ":1", PersonID: o.PersonID, UnionID: o.UnionID, Payload: `{"order_id":"` + o.ID.String() + `"}`,
			Status: "sent", Attempts: 1, NextTryAt: at, CreatedAt: at, SentAt: &at, UpdatedAt: at})
	}
}

// closeUnpaid is an order that nobody paid in time.
func (f *filler) closeUnpaid(b *purchase) {
	o, at := &b.order, b.at.Add(16*time.Minute)
	o.CancelledAt, o.CancelReason, o.UpdatedAt = &at, "超时未支付", at
	for i := range b.parcels {
		b.parcels[i].Status, b.parcels[i].UpdatedAt = "cancelled", at
	}
	for _, l := range b.lines {
		f.giveBack(l, "close:"+l.ID.String(), l.Quantity, at)
	}
}

// giveBack puts goods back on the shelf.
func (f *filler) giveBack(l model.OrderLine, cause string, n int64, at time.Time) {
	f.skuAt(l.SKUID).returned += n
	f.put(&model.StockMovement{ID: f.laterID(at), SKUID: l.SKUID, Kind: "return", Cause: cause, Quantity: n, Actor: "clock", At: at})
}

// cancel is an order that its member cancelled before anything was shipped.
func (f *filler) cancel(b *purchase) {
	o, at := &b.order, b.at.Add(3*time.Hour)
	o.CancelledAt, o.CancelReason, o.UpdatedAt = &at, "不想要了", at
	for i := range b.parcels {
		b.parcels[i].Status, b.parcels[i].UpdatedAt = "cancelled", at
	}
	refund := f.refund(b, "cancel", b.parts, o.GoodsFen, at)
	for _, l := range b.lines {
		id := f.laterID(at)
		f.put(&model.RefundLine{ID: id, RefundID: refund, OrderID: o.ID, LineID: l.ID, Quantity: l.Quantity, AmountFen: l.AmountFen, Restocked: true})
		f.giveBack(l, "refund_line:"+id.String(), l.Quantity, at)
	}
}

// refund gives parts of an order back to where they came from.
func (f *filler) refund(b *purchase, kind string, parts []part, fen model.Fen, at time.Time) model.ID {
	p, o, id := f.p, &b.order, f.laterID(at)
	row := model.Refund{ID: id, OrderID: o.ID, UnionID: o.UnionID, Kind: kind, AmountFen: fen, Reason: "质量问题", RefundedAt: at}
	for _, x := range parts {
		supplier := p.suppliers[x.supplier].id
		t := f.laterID(at)
		f.transfer(t, at, "refund", id.String()+":"+x.share(o.ID, p), "supplier:"+supplier.String(), x.account(), x.fen, x.purseName(), o.UnionID, &o.ID)
		f.settleOne(b, x.supplier, t, -x.fen)
		if x.purse >= 0 {
			row.AllowanceFen += x.fen
			p.members[b.buyer].balance[x.purse] += int32(x.fen)
		} else {
			row.WechatFen += x.fen
		}
	}
	o.RefundedFen += fen
	f.put(&row)
	if row.WechatFen > 0 {
		w := f.laterID(at)
		f.put(&model.WechatRefund{ID: w, RefundNo: "R" + w.String(), PaymentID: b.payment, RefundID: &id, UnionID: o.UnionID, AmountFen: row.WechatFen, Reason: "订单取消", Status: "done",
			WechatRefundID: "50" + w.String(), DoneAt: &at, CreatedAt: at, UpdatedAt: at})
		f.transfer(f.laterID(at), at, "payback", "wechat_refund:"+w.String(), "payment:"+b.payment.String(), "wechat", row.WechatFen, "", o.UnionID, &o.ID)
	}
	f.audit(at, "person:"+o.PersonID.String(), "order."+kind, "order:"+o.ID.String(), o.UnionID, fmt.Sprintf(`{"refunded_fen":%d}`, fen))
	return id
}

// complain opens an after-sales case about one line for a few orders; of those most end in a refund.
func (f *filler) complain(b *purchase) {
	p, o := f.p, &b.order
	if o.Kind != "online" || len(b.parts) != 1 || b.parts[0].purse < 0 || !p.chance(9) {
		return
	}
	l, opened := b.lines[0], o.CompletedAt.Add(12*time.Hour)
	if opened.After(p.today) {
		return
	}
	c := model.AfterSale{ID: f.laterID(opened), OrderID: o.ID, ParcelID: l.ParcelID, SupplierID: l.SupplierID, UnionID: o.UnionID, PersonID: o.PersonID, Kind: "refund_only", Reason: "quality",
		Description: "收到时有部分破损", Status: "requested", AmountFen: l.AmountFen, CreatedAt: opened, UpdatedAt: opened}
	f.event(c, opened, "member", "person:"+o.PersonID.String(), "open", "requested")
	f.put(&model.AfterSaleLine{CaseID: c.ID, LineID: l.ID, Quantity: l.Quantity, AmountFen: l.AmountFen})
	decided := opened.Add(20 * time.Hour)
	staff := "staff:" + p.id(idStaff, 50_000+b.parts[0].supplier).String()
	switch {
	case decided.After(p.today):
		until := opened.Add(48 * time.Hour)
		c.DeadlineAt, c.Urgency = &until, until.UnixMilli()
	case p.chance(850):
		x := b.parts[0]
		x.fen = l.AmountFen
		refund := f.refund(b, "after_sale", []part{x}, l.AmountFen, decided)
		f.put(&model.RefundLine{ID: f.laterID(decided), RefundID: refund, OrderID: o.ID, LineID: l.ID, Quantity: l.Quantity, AmountFen: l.AmountFen})
		c.Status, c.RefundID, c.EndedAt, c.Urgency, c.UpdatedAt = "refunded", &refund, &decided, 1<<53-decided.UnixMilli(), decided
		f.event(c, decided, "supplier", staff, "agree", "refunded")
	default:
		c.Status, c.EndedAt, c.Urgency, c.UpdatedAt = "withdrawn", &decided, 1<<53-decided.UnixMilli(), decided
		f.event(c, decided, "member", "person:"+o.PersonID.String(), "withdraw", "withdrawn")
	}
	f.put(&c)
}

func (f *filler) event(c model.AfterSale, at time.Time, party, actor, action, status string) {
	f.put(&model.AfterSaleEvent{ID: f.laterID(at), CaseID: c.ID, At: at, Party: party, Actor: actor, Action: action, Status: status, Note: ""})
}

// settle says in which settlement an order's money was paid out, if it was.
func (f *filler) settle(b *purchase) {
	p, o := f.p, &b.order
	month := int(b.at.In(model.China).Month()) - 1
	if p.settledOn(month).After(p.today) || o.Status != "completed" && o.Status != "cancelled" {
		return
	}
	if o.Status == "cancelled" { // nets to nothing, so it goes where something else is already
		for _, x := range b.parts {
			if f.settled[month][x.supplier].fen <= 0 {
				return
			}
		}
	}
	b.settled = month
	for _, x := range b.parts {
		f.settleOne(b, x.supplier, x.transfer, x.fen)
	}
}

func (f *filler) settleOne(b *purchase, supplier int, transfer model.ID, fen model.Fen) {
	if b.settled < 0 {
		return
	}
	sum := f.settled[b.settled][supplier]
	f.settled[b.settled][supplier] = settledSum{sum.fen + fen, sum.items + 1}
	f.put(&model.SettlementItem{SettlementID: f.p.settlement(b.settled, supplier), TransferID: transfer, LiveTransferID: &transfer, SupplierID: f.p.suppliers[supplier].id, OrderID: b.order.ID, AmountFen: fen})
}

// recent is how long answers to checkouts and messages are made for.
const recent = 30 * 24 * time.Hour

// tell writes what only recent orders have: the stored answer, a message, for a few a request for an invoice.
func (f *filler) tell(b *purchase) {
	p, o := f.p, &b.order
	if o.Kind == "online" && o.Status != "closed" && b.n%200 == 7 && o.RefundedFen == 0 {
		f.invoice(b)
	}
	if p.today.Sub(b.at) > recent || o.Kind != "online" {
		return
	}
	actor := "person:" + o.PersonID.String()
	status := "paid"
	if o.WechatFen > 0 {
		status = "pending"
	}
	f.put(&model.IdempotencyKey{Actor: actor, IdemKey: fmt.Sprintf("%032x", b.n), ContentHash: strings.Repeat(fmt.Sprintf("%016x", b.n), 4), CreatedAt: b.at,
		Response: fmt.Sprintf(`{"id":"%d","order_no":%q,"status":%q,"total_fen":%d,"allowance_fen":%d,"wechat_fen":%d,"parcels":%d,"placed_at":%q}`, o.ID, o.OrderNo, status, o.GoodsFen, o.AllowanceFen, o.WechatFen,
			len(b.parcels), b.at.UTC().Format(time.RFC3339Nano))})
	if o.Status == "shipped" {
		at := *b.parcels[0].ShippedAt
		f.put(&model.OutboxMessage{ID: f.laterID(at), Topic: "order_shipped", Cause: "parcel:" + b.parcels[0].ID.String(), PersonID: o.PersonID, UnionID: o.UnionID, Payload: `{"order_id":"` + o.ID.String() + `"}`,
			Status: "skipped", NextTryAt: at, LastError: "会员没有同意接收这类消息", CreatedAt: at, UpdatedAt: at})
	}
}

func (f *filler) invoice(b *purchase) {
	p, o, x := f.p, &b.order, b.parcels[0]
	at := b.at.Add(24 * time.Hour)
	if at.After(p.today) {
		return
	}
	id, live := f.laterID(at), o.ID
	r := model.InvoiceRequest{ID: id, SupplierID: x.SupplierID, UnionID: o.UnionID, PersonID: o.PersonID, TitleKind: "personal", Title: "个人", AmountFen: x.AmountFen, Status: "requested",
		RequestedBy: "person:" + o.PersonID.String(), RequestedAt: at, UpdatedAt: at}
	if b.n%3 > 0 {
		staff, file, no := p.id(idStaff, 50_000+p.supplierAt(x.SupplierID)), f.laterID(at), fmt.Sprintf("FP%018d", b.n)
		r.Status, r.DecidedBy, r.DecidedAt = "issued", &staff, &at
		f.file(file, "invoice", nil, &x.SupplierID, staff, at)
		f.put(&model.Invoice{ID: f.laterID(at), RequestID: id, Kind: "normal", InvoiceNo: no, NumberKey: no, IssuedOn: model.DateOf(at), AmountFen: x.AmountFen, FileID: file, UploadedBy: staff, UploadedAt: at})
	}
	f.put(&r)
	f.put(&model.InvoiceRequestOrder{RequestID: id, OrderID: o.ID, SupplierID: x.SupplierID, LiveOrderID: &live, AmountFen: x.AmountFen})
}

func (f *filler) file(id model.ID, kind string, union, supplier *model.ID, by model.ID, at time.Time) {
	f.put(&model.File{ID: id, StoreKey: kind + "/" + id.String(), Kind: kind, Name: "凭证.pdf", ContentType: "application/pdf", Size: 4096, SHA256: strings.Repeat("0", 64), UnionID: union, SupplierID: supplier, CreatedBy: by, CreatedAt: at})
}
