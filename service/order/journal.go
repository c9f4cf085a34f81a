package order

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/dues"
	"bangfu/service/ledger"
	"bangfu/service/shop"
	"bangfu/service/tally"
)

// journal collects the rows of decided orders, so that any number of them are stored with one statement a table.
type journal struct {
	s   *Service
	now time.Time

	keys      []model.IdempotencyKey
	orders    []model.Order
	lines     []model.OrderLine
	parcels   []model.Parcel
	goods     []shop.Movement
	spends    []ledger.Movement
	events    []model.TallyEvent
	holds     []model.Hold
	held      map[model.ID]model.Fen // by allowance
	payments  []model.Payment
	histories []model.AuditEntry
	received  []dues.Receipt // over the counter
}

// write stores one decided order, within tx.
func (s *Service) write(tx *gorm.DB, actor model.Actor, now time.Time, order *model.Order, b basket) error {
	j := &journal{s: s, now: now}
	order.OrderNo = newNumber(order.PlacedAt)
	if err := j.add(actor, order, b); err != nil {
		return err
	}
	return j.store(tx)
}

// add enters a decided order with all its parts, or nothing of it, and gives b's lines their ids.
func (j *journal) add(actor model.Actor, order *model.Order, b basket) error {
	entry, err := j.s.db.AuditEntry(actor, j.now, "order.checkout", object(order.ID), order.UnionID, checkoutDetail{order.OrderNo, order.Kind,
		order.GoodsFen, order.WechatFen, len(b.lines), len(b.dues)})
	if err != nil {
		return err
	}
	parcels := j.pack(order, b.dues)
	for i := range b.lines {
		l := &b.lines[i]
		at, _ := slices.BinarySearchFunc(parcels, l.SupplierID, func(p model.Parcel, id model.ID) int { return cmp.Compare(p.SupplierID, id) })
		l.ID, l.OrderID, l.ParcelID = j.s.db.NewID(), order.ID, parcels[at].ID
		if l.SKUID != 0 { // goods typed at a counter have no stock
			j.goods = append(j.goods, shop.Movement{SKU: l.SKUID, Kind: shop.StockSell, Cause: "line:" + l.ID.String(), Quantity: -l.Quantity, Actor: actor})
		}
	}
	if order.Status == StatusPending {
		j.setAside(order, b)
	} else {
		for _, sh := range b.shares {
			j.spends = append(j.spends, spend(order.ID, sh))
		}
		j.events = append(j.events, tally.OrderPaid(j.s.db, *order, byPurse(b.shares), emptied(b.shares))...)
	}
	j.histories = append(j.histories, entry)
	j.orders, j.lines, j.parcels = append(j.orders, *order), append(j.lines, b.lines...), append(j.parcels, parcels...)
	return nil
}

// checkoutDetail is what the audit trail keeps of an order.
type checkoutDetail struct {
	OrderNo   string    `json:"order_no"`
	Kind      string    `json:"kind"`
	GoodsFen  model.Fen `json:"goods_fen"`
	WechatFen model.Fen `json:"wechat_fen"`
	Lines     int       `json:"lines"`
	Parcels   int       `json:"parcels"`
}

// pack makes one parcel a supplier, by supplier id as what is owed is.
func (j *journal) pack(order *model.Order, owed []due) []model.Parcel {
	parcels := make([]model.Parcel, len(owed))
	for i, d := range owed {
		parcels[i] = model.Parcel{ID: j.s.db.NewID(), OrderID: order.ID, SupplierID: d.supplier, UnionID: order.UnionID, AmountFen: d.amount,
			Status: ParcelWaiting, CreatedAt: j.now, UpdatedAt: j.now}
		if order.Kind == KindCounter {
			parcels[i].Status, parcels[i].ReceivedAt, parcels[i].ReceivedBy = ParcelReceived, &j.now, KindCounter
			j.received = append(j.received, dues.Receipt{Supplier: d.supplier, At: j.now, Fen: d.amount})
		}
	}
	return parcels
}

// setAside holds what allowances are to pay for a pending order, notes what WeChat money is to pay, and opens the payment.
func (j *journal) setAside(order *model.Order, b basket) {
	if j.held == nil {
		j.held = map[model.ID]model.Fen{}
	}
	hold := model.Hold{OrderID: order.ID, Status: holdHeld, CreatedAt: j.now, UpdatedAt: j.now}
	for _, sh := range b.shares {
		_, allowance := sh.from.Split()
		j.held[allowance] += sh.amount
		hold.ID, hold.SupplierID, hold.AllowanceID, hold.UnionID = j.s.db.NewID(), sh.supplier, &allowance, sh.union
		hold.Purse, hold.Year, hold.AmountFen = sh.purse, sh.year, sh.amount
		j.holds = append(j.holds, hold)
	}
	for _, d := range b.wechat {
		hold.ID, hold.SupplierID, hold.AllowanceID, hold.UnionID = j.s.db.NewID(), d.supplier, nil, order.UnionID
		hold.Purse, hold.Year, hold.AmountFen = "", order.Year, d.amount
		j.holds = append(j.holds, hold)
	}
	j.payments = append(j.payments, model.Payment{ID: j.s.db.NewID(), PaymentNo: "P" + order.OrderNo, OrderID: order.ID, PersonID: order.PersonID, UnionID: order.UnionID,
		AmountFen: order.WechatFen, Status: "created", PayBefore: *order.PayBefore, NextTryAt: order.PayBefore, CreatedAt: j.now, UpdatedAt: j.now})
}

// store writes everything within tx: the rows, then balances and stock, each guarded; these are locked already. A number or a key that
// somebody else took at the same moment makes the transaction run again (model.ErrRerun).
func (j *journal) store(tx *gorm.DB) error {
	db, script := j.s.db, j.s.db.NewScript()
	err := errors.Join(
		model.Insert(script, j.keys, model.ErrRerun),
		model.Insert(script, j.orders, model.ErrRerun),
		model.Insert(script, j.lines, nil),
		model.Insert(script, j.parcels, nil),
		model.Insert(script, j.holds, nil),
		model.Insert(script, j.payments, nil),
		model.Insert(script, j.histories, nil),
		tally.Script(script, db, j.events...),
		ledger.Script(script, db, j.now, j.spends),
	)
	if err != nil {
		return err
	}
	ledger.HoldAll(script, j.held, j.now)
	if err := shop.StockScript(script, db, j.now, j.goods); err != nil {
		return err
	}
	if err := script.Run(tx); err != nil {
		return err
	}
	return dues.Received(tx, j.received...)
}

// spend is the movement of one source's part of an order to one supplier.
func spend(order model.ID, sh share) ledger.Movement {
	return ledger.Movement{
		Kind: ledger.KindSpend, Cause: "order:" + shareCause(order, sh.from, sh.supplier),
		From: sh.from, To: ledger.Supplier(sh.supplier), Amount: sh.amount, Purse: sh.purse, Year: sh.year, Union: sh.union, Order: &order,
	}
}

// shareCause names what one source pays to one supplier for an order: "order:source:supplier", all ids.
func shareCause(order model.ID, from ledger.Account, supplier model.ID) string {
	_, source := from.Split()
	return order.String() + ":" + source.String() + ":" + supplier.String()
}
