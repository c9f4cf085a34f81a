package order

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/dues"
	"bangfu/service/ledger"
	"bangfu/service/notify"
	"bangfu/service/shop"
)

// The kinds of refunds.
const (
	RefundCancel    = "cancel"     // the member cancelled before anything was shipped
	RefundAfterSale = "after_sale" // decided in an after-sales case
	RefundVoid      = "void"       // a counter sale undone on its day
	refundLate      = "late"       // shown only: money that came for an order which was closed; no row of refunds
)

var refundActions = map[string]string{RefundCancel: "order.cancel", RefundAfterSale: "order.refund", RefundVoid: "order.void"}

// ReturnLine is how many pieces of one order line are given back; more than 0.
type ReturnLine struct {
	LineID   model.ID
	Quantity int64
}

// Return is what is to be given back of a paid order.
type Return struct {
	Order   model.ID
	Kind    string // RefundCancel …
	Reason  string
	Lines   []ReturnLine // none: everything that is left
	Restock bool         // the goods go back on the shelf
	// CancelFrom ends the order with this refund, which must leave nothing of it: all parcels that are not cancelled must be in this state and
	// become cancelled. Empty: the order goes on, and only waiting parcels of which nothing is left are cancelled.
	CancelFrom string
	Case       model.ID // RefundAfterSale: the case that ends in this refund
}

// Returned is where the money of a refund went.
type Returned struct {
	RefundID    model.ID
	AmountFen   model.Fen
	ToAllowance model.Fen
	ToFund      model.Fen  // the allowance's year is over or it was taken back; or a fund had paid
	ToWechat    model.Fen  // on its way: a row in wechat_refunds follows it to its end
	SKUs        []model.ID // back on the shelf; for ClearSoldOut after the commit
}

// GiveBack refunds a paid order in part or whole, within tx: each supplier gives back the lines' amounts to the sources that paid it, in
// proportion to what is left of each, in whole fen (apportion), so that the parts of all refunds add up to the parts paid.
// Allowance money goes back to the allowance; after its year, or when it was taken back meanwhile, to the union's fund
// (policy: "A refund after 31 December returns to the union's fund"), and then the person's cap has that room again. Of a group order,
// the fund gets its money back, each receiver's share is lowered in proportion, and so is, for the extra purse, each one's cap (cutReceivers).
//
// What was spent and sold never changes after the payment, so it is read without a lock. Then it locks, in the order of
// docs/adr/0005-lock-order.md, the funds concerned, the person's cap (the receivers' caps), the allowances, the stocks by SKU id, and last takes the order by
// compare-and-set on its state and on what was refunded before: if another refund came between, the whole transaction runs
// again. Errors: CodeConflict when the order is not paid or less is left than asked for, or, with CancelFrom, when a parcel is in
// another state. Callers must not have locked anything that comes after funds.
func (s *Service) GiveBack(tx *gorm.DB, actor model.Actor, now time.Time, r Return) (Returned, error) {
	b, err := openBook(tx, r.Order)
	if err != nil {
		return Returned{}, err
	}
	if now, err = b.notBefore(tx, now); err != nil {
		return Returned{}, err
	}
	back, err := b.plan(r.Lines)
	if err != nil {
		return Returned{}, err
	}
	cut, err := s.cutReceivers(tx, b, back)
	if err != nil {
		return Returned{}, err
	}
	done := Returned{RefundID: s.db.NewID()}
	moves, err := b.movements(tx, now, done.RefundID, back)
	if err != nil {
		return Returned{}, err
	}
	if err := ledger.PostAll(tx, s.db, now, moves); err != nil {
		return Returned{}, err
	}
	done.count(moves)
	rows := back.rows(s.db, done.RefundID, r.Order, r.Restock)
	if r.Restock {
		if done.SKUs, err = s.restock(tx, actor, now, rows, b.lines); err != nil {
			return Returned{}, err
		}
	}
	if err := b.take(tx, now, done.AmountFen); err != nil {
		return Returned{}, err
	}
	if err := b.spareOpenCases(tx, back, r.Case); err != nil {
		return Returned{}, err
	}
	if err := s.record(tx, now, b.order, r, done, rows); err != nil {
		return Returned{}, err
	}
	received, err := receivedBefore(tx, r.Order, back)
	if err != nil {
		return Returned{}, err
	}
	if err := s.cancelParcels(tx, now, b, back, r); err != nil {
		return Returned{}, err
	}
	if err := cut.store(tx); err != nil {
		return Returned{}, err
	}
	if err := s.countRefund(tx, now, b, done, moves); err != nil {
		return Returned{}, err
	}
	if err := dues.Received(tx, received...); err != nil {
		return Returned{}, err
	}
	return done, s.db.Audit(tx, actor, now, refundActions[r.Kind], object(r.Order), b.order.UnionID, map[string]any{
		"refund": done.RefundID, "kind": r.Kind, "refunded_fen": done.AmountFen, "to_fund_fen": done.ToFund, "to_wechat_fen": done.ToWechat})
}

// book is an order as far as money and goods go: what was bought, who paid, what was given back before.
type book struct {
	order model.Order
	lines map[model.ID]model.OrderLine
	left  map[model.ID]int64     // pieces by line, not given back yet
	paid  map[model.ID][]payPart // by supplier, in the order of the transfers

	paying map[model.ID]model.Allowance // locked by movements, as they were before the refund
}

// payPart is what one source paid to one supplier and has not got back yet.
type payPart struct {
	share
	left model.Fen
}

func openBook(tx *gorm.DB, id model.ID) (*book, error) {
	b := &book{lines: map[model.ID]model.OrderLine{}, left: map[model.ID]int64{}, paid: map[model.ID][]payPart{}}
	err := tx.Where("id = ?", id).Take(&b.order).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, model.NotFound("订单")
	}
	if err != nil {
		return nil, err
	}
	switch b.order.Status {
	case StatusPaid, StatusShipped, StatusCompleted:
	default:
		return nil, model.E(model.CodeConflict, "订单%s，不能退款", statusNames[b.order.Status])
	}
	var lines []model.OrderLine
	if err := tx.Where("order_id = ?", id).Order("id").Find(&lines).Error; err != nil {
		return nil, err
	}
	for _, l := range lines {
		b.lines[l.ID], b.left[l.ID] = l, l.Quantity
	}
	var before []model.RefundLine
	if err := tx.Where("order_id = ?", id).Find(&before).Error; err != nil {
		return nil, err
	}
	for _, l := range before {
		b.left[l.LineID] -= l.Quantity
	}
	err = b.readPaid(tx)
	return b, err
}

// readPaid reads the spends of the order and takes off what refunds gave back of each: a refund's cause ends in the same
// "order:source:supplier" as the spend that it undoes.
func (b *book) readPaid(tx *gorm.DB) error {
	var transfers []model.Transfer
	kinds := []ledger.Kind{ledger.KindSpend, ledger.KindRefund}
	if err := tx.Where("order_id = ? AND kind IN ?", b.order.ID, kinds).Order("id").Find(&transfers).Error; err != nil {
		return err
	}
	back := map[string]model.Fen{}
	for _, t := range transfers {
		if t.Kind == string(ledger.KindRefund) {
			_, share, _ := strings.Cut(t.Cause, ":")
			back[share] += t.AmountFen
		}
	}
	for _, t := range transfers {
		if t.Kind != string(ledger.KindSpend) {
			continue
		}
		_, supplier := ledger.Account(t.CreditAccount).Split()
		sh := share{ledger.Account(t.DebitAccount), t.Purse, t.Year, t.UnionID, supplier, t.AmountFen, false}
		b.paid[supplier] = append(b.paid[supplier], payPart{sh, t.AmountFen - back[shareCause(b.order.ID, sh.from, supplier)]})
	}
	return nil
}

// returning is a refund as planned: pieces by line, and money by supplier.
type returning struct {
	pieces map[model.ID]int64
	lines  map[model.ID]model.OrderLine
	owed   map[model.ID]model.Fen
}

// plan checks what is asked for against what is left.
func (b *book) plan(asked []ReturnLine) (returning, error) {
	back := returning{pieces: map[model.ID]int64{}, lines: b.lines, owed: map[model.ID]model.Fen{}}
	if len(asked) == 0 {
		for id, n := range b.left {
			if n > 0 {
				back.pieces[id] = n
			}
		}
	}
	for _, l := range asked {
		if _, ok := b.lines[l.LineID]; !ok {
			return back, model.NotFound("订单商品")
		}
		back.pieces[l.LineID] += l.Quantity
	}
	for id, n := range back.pieces {
		if line := b.lines[id]; n <= 0 || n > b.left[id] {
			return back, model.E(model.CodeConflict, "“%s”还能退 %d 件，不能退 %d 件", line.ProductName, b.left[id], n)
		}
		back.owed[b.lines[id].SupplierID] += b.lines[id].PriceFen * model.Fen(n)
	}
	if len(back.pieces) == 0 {
		return back, model.E(model.CodeConflict, "订单已经全部退款")
	}
	return back, nil
}

// movements lays the refund over the sources that paid, and locks the funds, the person's cap and the allowances among them.
func (b *book) movements(tx *gorm.DB, now time.Time, refund model.ID, back returning) ([]ledger.Movement, error) {
	allowances, err := lockPaying(tx, b.order, b.payingAllowances())
	if err != nil {
		return nil, err
	}
	b.paying = allowances
	var moves []ledger.Movement
	room := model.Fen(0)
	for _, supplier := range slices.Sorted(maps.Keys(back.owed)) {
		parts := b.paid[supplier]
		left := make([]model.Fen, len(parts))
		for i, p := range parts {
			left[i] = p.left
		}
		amounts, err := apportion(back.owed[supplier], left)
		if err != nil {
			return nil, fmt.Errorf("order %s, supplier %s: %w", b.order.ID, supplier, err)
		}
		for i, p := range parts {
			if amounts[i] == 0 {
				continue
			}
			to := p.from
			if kind, id := p.from.Split(); kind == "allowance" {
				if a := allowances[id]; a.Status != "active" || !now.Before(a.Year.End()) {
					to = ledger.Fund(a.FundID)
					if p.purse.Capped() {
						room += amounts[i]
					}
				}
			}
			moves = append(moves, ledger.Movement{Kind: ledger.KindRefund, Cause: refund.String() + ":" + shareCause(b.order.ID, p.from, supplier),
				From: ledger.Supplier(supplier), To: to, Amount: amounts[i], Purse: p.purse, Year: p.year, Union: p.union, Order: &b.order.ID})
		}
	}
	if room == 0 {
		return moves, nil
	}
	return moves, ledger.ShiftCaps(tx, b.order.Year, map[model.ID]model.Fen{b.order.PersonID: -room}, 0)
}

func (b *book) payingAllowances() []model.ID {
	var list []model.ID
	for _, parts := range b.paid {
		for _, p := range parts {
			if kind, id := p.from.Split(); kind == "allowance" {
				list = append(list, id)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// apportion divides amount over parts in proportion to what is left of each, in whole fen and never more than is left: every
// part gets its share rounded down, and what is missing goes fen by fen to the largest fractions, the first of equals first.
// So the last refund takes exactly the rest. amount must not exceed the sum of what is left.
func apportion(amount model.Fen, left []model.Fen) ([]model.Fen, error) {
	var total model.Fen
	for _, l := range left {
		total += l
	}
	if amount < 0 || amount > total {
		return nil, fmt.Errorf("%d is to be given back of %d", amount, total)
	}
	parts := make([]model.Fen, len(left))
	if amount == 0 {
		return parts, nil
	}
	byFraction := make([]int, len(left))
	missing := amount
	for i, l := range left {
		byFraction[i] = i
		parts[i] = amount * l / total
		missing -= parts[i]
	}
	slices.SortStableFunc(byFraction, func(i, j int) int { return int(amount*left[j]%total - amount*left[i]%total) })
	for _, i := range byFraction[:missing] {
		parts[i]++
	}
	return parts, nil
}

func (d *Returned) count(moves []ledger.Movement) {
	for _, m := range moves {
		d.AmountFen += m.Amount
		switch kind, _ := m.To.Split(); kind {
		case "allowance":
			d.ToAllowance += m.Amount
		case "fund":
			d.ToFund += m.Amount
		case "payment":
			d.ToWechat += m.Amount
		}
	}
}

// rows are the refund's lines as stored.
func (back returning) rows(db *model.DB, refund, order model.ID, restocked bool) []model.RefundLine {
	var rows []model.RefundLine
	for _, id := range slices.Sorted(maps.Keys(back.pieces)) {
		n := back.pieces[id]
		rows = append(rows, model.RefundLine{ID: db.NewID(), RefundID: refund, OrderID: order, LineID: id, Quantity: n, AmountFen: back.lines[id].PriceFen * model.Fen(n), Restocked: restocked})
	}
	return rows
}

// restock puts the goods of a refund back on the shelf and returns their SKUs. Goods without a SKU (typed at a counter) have
// no stock.
func (s *Service) restock(tx *gorm.DB, actor model.Actor, now time.Time, rows []model.RefundLine, lines map[model.ID]model.OrderLine) ([]model.ID, error) {
	var skus []model.ID
	var moves []shop.Movement
	for _, r := range rows {
		if sku := lines[r.LineID].SKUID; sku != 0 {
			skus = append(skus, sku)
			moves = append(moves, shop.Movement{SKU: sku, Kind: shop.StockReturn, Cause: "refund_line:" + r.ID.String(), Quantity: r.Quantity, Actor: actor})
		}
	}
	return skus, shop.MoveStocks(tx, s.db, now, moves)
}

// take raises what was refunded of the order, if it is still as it was read; else the transaction runs again.
func (b *book) take(tx *gorm.DB, now time.Time, amount model.Fen) error {
	res := tx.Model(&model.Order{}).Where("id = ? AND status = ? AND refunded_fen = ? AND refunded_fen + ? <= goods_fen", b.order.ID, b.order.Status, b.order.RefundedFen, amount).
		UpdateColumns(map[string]any{"refunded_fen": gorm.Expr("refunded_fen + ?", amount), "updated_at": now})
	if res.Error == nil && res.RowsAffected == 0 {
		return model.ErrRerun
	}
	return res.Error
}

// spareOpenCases refuses a refund that takes pieces for which an after-sales case, other than the one that it decides, is open. The
// caller has locked the order; a case is opened under the same lock.
func (b *book) spareOpenCases(tx *gorm.DB, back returning, deciding model.ID) error {
	claimed, err := Claimed(tx, b.order.ID, deciding, model.OpenAfterSale)
	if err != nil {
		return err
	}
	for id, n := range back.pieces {
		if n > b.left[id]-claimed[id] {
			return model.E(model.CodeConflict, "“%s”有正在处理的售后申请，请先处理完或撤回", b.lines[id].ProductName)
		}
	}
	return nil
}

// Claimed counts, by order line, the pieces of an order that after-sales cases in the given states are about, save one case.
func Claimed(tx *gorm.DB, order, except model.ID, states []string) (map[model.ID]int64, error) {
	var rows []model.AfterSaleLine
	err := tx.Model(&model.AfterSaleLine{}).Select("after_sale_lines.*").Joins("JOIN after_sales c ON c.id = after_sale_lines.case_id").
		Where("c.order_id = ? AND c.id <> ? AND c.status IN ?", order, except, states).Find(&rows).Error
	claimed := make(map[model.ID]int64, len(rows))
	for _, r := range rows {
		claimed[r.LineID] += r.Quantity
	}
	return claimed, err
}

// record writes the refund, its lines and, for WeChat money, its way back.
func (s *Service) record(tx *gorm.DB, now time.Time, order model.Order, r Return, done Returned, rows []model.RefundLine) error {
	refund := model.Refund{ID: done.RefundID, OrderID: order.ID, UnionID: order.UnionID, Kind: r.Kind, AmountFen: done.AmountFen,
		AllowanceFen: done.AmountFen - done.ToWechat, WechatFen: done.ToWechat, Reason: r.Reason, RefundedAt: now}
	if err := tx.Create(&refund).Error; err != nil {
		return err
	}
	if err := tx.Create(&rows).Error; err != nil {
		return err
	}
	if done.ToWechat == 0 {
		if order.Kind == KindGroup {
			return nil // it was the union's money
		}
		return notify.Enqueue(tx, s.db, now, notify.RefundDone(order, refund.ID))
	}
	var p model.Payment
	if err := tx.Where("order_id = ?", order.ID).Take(&p).Error; err != nil {
		return err
	}
	return tx.Create(&model.WechatRefund{ID: s.db.NewID(), RefundNo: "R" + done.RefundID.String(), PaymentID: p.ID, RefundID: &done.RefundID, UnionID: order.UnionID,
		AmountFen: done.ToWechat, Reason: "订单退款", Status: "waiting", NextTryAt: &now, CreatedAt: now, UpdatedAt: now}).Error
}

// cancelParcels ends what is left of parcels after the refund, and brings the order into the state that they say.
func (s *Service) cancelParcels(tx *gorm.DB, now time.Time, b *book, back returning, r Return) error {
	columns := map[string]any{"status": ParcelCancelled, "updated_at": now}
	if r.CancelFrom != "" {
		res := tx.Model(&model.Parcel{}).Where("order_id = ? AND status = ?", b.order.ID, r.CancelFrom).UpdateColumns(columns)
		if res.Error != nil {
			return res.Error
		}
		var others int64
		if err := tx.Model(&model.Parcel{}).Where("order_id = ? AND status <> ?", b.order.ID, ParcelCancelled).Count(&others).Error; err != nil {
			return err
		}
		if others > 0 {
			return model.E(model.CodeConflict, "订单已有包裹发货，不能取消")
		}
		return tx.Model(&model.Order{}).Where("id = ?", b.order.ID).
			UpdateColumns(map[string]any{"status": StatusCancelled, "cancelled_at": now, "cancel_reason": r.Reason, "updated_at": now}).Error
	}
	gone := map[model.ID]bool{}
	for id, l := range b.lines {
		if _, seen := gone[l.ParcelID]; !seen {
			gone[l.ParcelID] = true
		}
		gone[l.ParcelID] = gone[l.ParcelID] && b.left[id] == back.pieces[id]
	}
	for _, parcel := range slices.Sorted(maps.Keys(gone)) {
		if !gone[parcel] {
			continue
		}
		if err := tx.Model(&model.Parcel{}).Where("id = ? AND status = ?", parcel, ParcelWaiting).UpdateColumns(columns).Error; err != nil {
			return err
		}
	}
	return s.settle(tx, b.order, now)
}
