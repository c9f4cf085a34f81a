package order

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/shop"
	"bangfu/service/tally"
)

// The states of a hold.
const (
	holdHeld     = "held"
	holdCaptured = "captured"
	holdReleased = "released"
)

// ErrNotPending says that the order was paid or closed before; nothing was changed.
var ErrNotPending = errors.New("the order is not pending")

// Capture makes a pending order a paid one, within tx, after the caller has posted what came in on the payment's account
// (ledger.KindPay) for at least the order's WeChat part: what allowances hold for it and the payment's part go to the
// suppliers. It stands also when an allowance has ended or was taken back meanwhile: the held part was the order's. It locks the
// allowances, then the order. ErrNotPending: roll tx back.
//
// A crash loses nothing: all of it is one transaction, and the same payment captures a pending order only once.
func (s *Service) Capture(tx *gorm.DB, actor model.Actor, now time.Time, id, payment model.ID) error {
	order, holds, err := heldFor(tx, id)
	if err != nil {
		return err
	}
	allowances, err := lockAllowances(tx, allowancesOf(holds))
	if err != nil {
		return err
	}
	if err := turn(tx, id, StatusPending, map[string]any{"status": StatusPaid, "paid_at": now, "updated_at": now}); err != nil {
		return err
	}
	paid, moves := make([]share, 0, len(holds)), make([]ledger.Movement, 0, len(holds))
	for _, h := range holds {
		sh := share{from: ledger.Payment(payment), purse: h.Purse, year: h.Year, union: h.UnionID, supplier: h.SupplierID, amount: h.AmountFen}
		if h.AllowanceID != nil {
			sh.from = ledger.Allowance(*h.AllowanceID)
		}
		m := spend(id, sh)
		m.Held = h.AllowanceID != nil
		paid, moves = append(paid, sh), append(moves, m)
		if err := ledger.Post(tx, s.db, now, m); err != nil {
			return err
		}
	}
	if err := turnHolds(tx, id, len(holds), holdCaptured, now); err != nil {
		return err
	}
	order.PaidAt = &now
	if err := tally.Write(tx, s.db, tally.OrderPaid(s.db, order, byPurse(paid), crossed(moves, allowances))...); err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "order.paid", object(id), order.UnionID, map[string]any{"order_no": order.OrderNo, "wechat_fen": order.WechatFen})
}

// CloseUnpaid closes a pending order, within tx, after WeChat has confirmed that its payment can no longer be made: goods go back to the
// shelf, held parts to their allowances; where an allowance has ended or was taken back meanwhile, on to the union's fund.
// It locks funds, caps, allowances, the year's sweep, stocks, then the order. It returns the SKUs that came back, for
// ClearSoldOut after the commit. ErrNotPending: roll tx back.
func (s *Service) CloseUnpaid(tx *gorm.DB, actor model.Actor, now time.Time, id model.ID, reason string) ([]model.ID, error) {
	order, holds, err := heldFor(tx, id)
	if err != nil {
		return nil, err
	}
	allowances, err := lockPaying(tx, order, allowancesOf(holds))
	if err != nil {
		return nil, err
	}
	for _, h := range holds {
		if h.AllowanceID == nil {
			continue
		}
		if err := s.release(tx, now, h, allowances[*h.AllowanceID]); err != nil {
			return nil, err
		}
	}
	skus, err := s.unsell(tx, actor, id, now)
	if err != nil {
		return nil, err
	}
	if err := turn(tx, id, StatusPending, map[string]any{"status": StatusClosed, "cancelled_at": now, "cancel_reason": reason, "updated_at": now}); err != nil {
		return nil, err
	}
	if err := turnHolds(tx, id, len(holds), holdReleased, now); err != nil {
		return nil, err
	}
	err = tx.Model(&model.Parcel{}).Where("order_id = ? AND status = ?", id, ParcelWaiting).UpdateColumns(map[string]any{"status": ParcelCancelled, "updated_at": now}).Error
	if err != nil {
		return nil, err
	}
	detail := map[string]any{"order_no": order.OrderNo}
	if actor.Kind != model.ActorPerson { // a member's own words are the order's, where they can be erased
		detail["reason"] = reason
	}
	return skus, s.db.Audit(tx, actor, now, "order.close", object(id), order.UnionID, detail)
}

// ClearSoldOut lets the door forget that SKUs were sold out; call it after goods came back.
func (s *Service) ClearSoldOut(ctx context.Context, skus []model.ID) {
	s.guard.ClearSoldOut(ctx, skus...)
}

// release ends one hold. Money of an allowance that is no longer in use does not stay there: it follows the rest of the allowance to
// the fund, as the revocation or the year's end that ended it would have done.
func (s *Service) release(tx *gorm.DB, now time.Time, h model.Hold, a model.Allowance) error {
	if err := ledger.Release(tx, a.ID, h.AmountFen, now); err != nil {
		return err
	}
	m := ledger.Movement{Cause: "hold:" + h.ID.String(), From: ledger.Allowance(a.ID), To: ledger.Fund(a.FundID), Amount: h.AmountFen, Purse: a.Purse, Year: a.Year, Union: a.UnionID}
	switch a.Status {
	case "active":
		return nil
	case "ended":
		m.Kind = ledger.KindSweep
		res := tx.Model(&model.Sweep{}).Where("year = ?", a.Year).UpdateColumns(map[string]any{"swept_fen": gorm.Expr("swept_fen + ?", h.AmountFen)})
		if res.Error != nil {
			return res.Error
		}
	default:
		m.Kind = ledger.KindRevoke
		if a.Purse.Capped() {
			if err := ledger.ShiftCaps(tx, a.Year, map[model.ID]model.Fen{a.PersonID: -h.AmountFen}, 0); err != nil {
				return err
			}
		}
	}
	return ledger.Post(tx, s.db, now, m)
}

// unsell puts all goods of an order that was never paid back on the shelf and returns their SKUs.
func (s *Service) unsell(tx *gorm.DB, actor model.Actor, order model.ID, now time.Time) ([]model.ID, error) {
	var lines []model.OrderLine
	if err := tx.Where("order_id = ?", order).Order("sku_id").Find(&lines).Error; err != nil {
		return nil, err
	}
	skus := make([]model.ID, len(lines))
	moves := make([]shop.Movement, len(lines))
	for i, l := range lines {
		skus[i] = l.SKUID
		moves[i] = shop.Movement{SKU: l.SKUID, Kind: shop.StockReturn, Cause: "close:" + l.ID.String(), Quantity: l.Quantity, Actor: actor}
	}
	return skus, shop.MoveStocks(tx, s.db, now, moves)
}

// heldFor reads a pending order and how it is going to be paid, without locks: what it says never changes while it is pending.
func heldFor(tx *gorm.DB, id model.ID) (model.Order, []model.Hold, error) {
	var order model.Order
	var holds []model.Hold
	if err := tx.Where("id = ?", id).Take(&order).Error; err != nil {
		return order, nil, err
	}
	if order.Status != StatusPending {
		return order, nil, ErrNotPending
	}
	err := tx.Where("order_id = ? AND status = ?", id, holdHeld).Order("id").Find(&holds).Error
	return order, holds, err
}

func allowancesOf(holds []model.Hold) []model.ID {
	var list []model.ID
	for _, h := range holds {
		if h.AllowanceID != nil {
			list = append(list, *h.AllowanceID)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// turn takes an order out of a state; ErrNotPending if it is not in it.
func turn(tx *gorm.DB, id model.ID, from string, columns map[string]any) error {
	res := tx.Model(&model.Order{}).Where("id = ? AND status = ?", id, from).UpdateColumns(columns)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotPending
	}
	return res.Error
}

func turnHolds(tx *gorm.DB, order model.ID, want int, to string, now time.Time) error {
	res := tx.Model(&model.Hold{}).Where("order_id = ? AND status = ?", order, holdHeld).UpdateColumns(map[string]any{"status": to, "updated_at": now})
	if res.Error == nil && res.RowsAffected != int64(want) {
		return errors.New("the holds of a pending order changed")
	}
	return res.Error
}

// lockAllowances locks allowances by rising id.
func lockAllowances(tx *gorm.DB, list []model.ID) (map[model.ID]model.Allowance, error) {
	byID := make(map[model.ID]model.Allowance, len(list))
	if len(list) == 0 {
		return byID, nil
	}
	var rows []model.Allowance
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id IN ?", list).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) != len(list) {
		return nil, errors.New("an allowance that pays for an order is gone")
	}
	for _, a := range rows {
		byID[a.ID] = a
	}
	return byID, nil
}
