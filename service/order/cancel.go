package order

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/shop"
)

// Cancelled is the answer to cancelling an order: where the money went.
type Cancelled struct {
	ID             model.ID  `json:"id"`
	Status         string    `json:"status"`
	RefundedFen    model.Fen `json:"refunded_fen"`
	ToAllowanceFen model.Fen `json:"to_allowance_fen"` // back to the member
	ToFundFen      model.Fen `json:"to_fund_fen"`      // to the union's fund: the member's year is over, or the allowance was taken back
	CancelledAt    time.Time `json:"cancelled_at"`
}

// cancelContent is what an idempotency key of a cancelling stands for.
type cancelContent struct {
	Act    string
	Order  model.ID
	Reason string
}

// Cancel undoes the member's order before any of its parcels was shipped: the goods go back to stock and every part
// paid goes back to the allowance that it came from; after that allowance's year, or when it was taken back
// meanwhile, to the union's fund. The same key gets the same answer. Errors: CodeInvalid; CodeNotFound;
// CodeConflict when the order was cancelled before or a parcel is on its way; CodeIdempotencyMismatch.
func (s *Service) Cancel(ctx context.Context, actor model.Actor, key string, id model.ID, reason string) (Cancelled, error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return Cancelled{}, model.Invalid("reason", "请填写取消原因")
	}
	if err := checkText("reason", "取消原因", reason); err != nil {
		return Cancelled{}, err
	}
	var skus []model.ID
	done, err := model.Once(ctx, s.db, actor, key, cancelContent{"cancel", id, reason}, func(tx *gorm.DB) (Cancelled, error) {
		c, back, err := s.cancel(tx, actor, id, reason)
		skus = back
		return c, err
	})
	if err == nil {
		s.guard.ClearSoldOut(ctx, skus...)
	}
	return done, err
}

// cancel is Cancel within tx. What was spent and sold never changes after the checkout, so it is read without a lock.
// Then, in the order of docs/adr/0005-lock-order.md, it locks the funds concerned, the person's cap, the allowances, the stocks by
// SKU id, and last takes the order and its parcels by compare-and-set: that alone decides a race with the supplier who
// ships or with another cancelling, and whoever loses rolls everything back. It returns the SKUs that came back.
func (s *Service) cancel(tx *gorm.DB, actor model.Actor, id model.ID, reason string) (Cancelled, []model.ID, error) {
	now := s.db.Now()
	var order model.Order
	err := tx.Where("id = ? AND person_id = ?", id, actor.ID).Take(&order).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Cancelled{}, nil, model.NotFound("订单")
	}
	if err != nil {
		return Cancelled{}, nil, err
	}
	if order.Status != StatusPaid {
		return Cancelled{}, nil, cannotCancel(order.Status)
	}
	refunds, err := refundsOf(tx, order, now)
	if err != nil {
		return Cancelled{}, nil, err
	}
	if err := giveRoomBack(tx, order, refunds); err != nil {
		return Cancelled{}, nil, err
	}
	if err := ledger.PostAll(tx, s.db, now, refunds); err != nil {
		if errors.Is(err, ledger.ErrPosted) {
			err = cannotCancel(StatusCancelled)
		}
		return Cancelled{}, nil, err
	}
	skus, err := s.restock(tx, actor, order.ID, now)
	if err != nil {
		return Cancelled{}, nil, err
	}
	c := Cancelled{ID: order.ID, Status: StatusCancelled, CancelledAt: now}
	for _, r := range refunds {
		c.RefundedFen += r.Amount
		if kind, _ := r.To.Split(); kind == "fund" {
			c.ToFundFen += r.Amount
		} else {
			c.ToAllowanceFen += r.Amount
		}
	}
	return c, skus, s.close(tx, actor, order, c, reason)
}

func cannotCancel(status string) error {
	if status == StatusCancelled {
		return model.E(model.CodeConflict, "订单已经取消过了")
	}
	return model.E(model.CodeConflict, "订单已有包裹发货，不能取消")
}

// refundsOf mirrors each of the order's spends. It locks the funds, the person's cap and the allowances that paid.
func refundsOf(tx *gorm.DB, order model.Order, now time.Time) ([]ledger.Movement, error) {
	var spends []model.Transfer
	if err := tx.Where("order_id = ? AND kind = ?", order.ID, ledger.KindSpend).Order("id").Find(&spends).Error; err != nil {
		return nil, err
	}
	paid := make([]model.ID, len(spends))
	for i, t := range spends {
		_, paid[i] = ledger.Account(t.DebitAccount).Split()
	}
	slices.Sort(paid)
	allowances, err := lockPaying(tx, order, slices.Compact(paid))
	if err != nil {
		return nil, err
	}
	moves := make([]ledger.Movement, len(spends))
	for i, t := range spends {
		_, allowance := ledger.Account(t.DebitAccount).Split()
		_, supplier := ledger.Account(t.CreditAccount).Split()
		a := allowances[allowance]
		to := ledger.Allowance(a.ID)
		if a.Status != "active" || !now.Before(a.Year.End()) {
			to = ledger.Fund(a.FundID)
		}
		moves[i] = ledger.Movement{
			Kind: ledger.KindRefund, Cause: "cancel:" + shareCause(order.ID, allowance, supplier), From: ledger.Account(t.CreditAccount), To: to,
			Amount: t.AmountFen, Purse: t.Purse, Year: t.Year, Union: t.UnionID, Order: &order.ID,
		}
	}
	return moves, nil
}

// giveRoomBack lowers what the person counts as granted in the order's year by what goes back to a fund: the person has it
// no longer, as after a revocation.
func giveRoomBack(tx *gorm.DB, order model.Order, refunds []ledger.Movement) error {
	var back model.Fen
	for _, r := range refunds {
		if kind, _ := r.To.Split(); kind == "fund" && r.Purse.Capped() {
			back += r.Amount
		}
	}
	if back == 0 {
		return nil
	}
	return ledger.ShiftCaps(tx, order.Year, map[model.ID]model.Fen{order.PersonID: -back}, 0)
}

// lockPaying locks the funds of the allowances, the person's cap of the order's year, then the allowances, in the lock
// order. Funds and cap are locked even where nothing may go to them: whether an allowance is still active is only known
// once it is locked itself.
func lockPaying(tx *gorm.DB, order model.Order, ids []model.ID) (map[model.ID]model.Allowance, error) {
	var fundIDs []model.ID
	if err := tx.Model(&model.Allowance{}).Where("id IN ?", ids).Distinct().Pluck("fund_id", &fundIDs).Error; err != nil {
		return nil, err
	}
	lock := clause.Locking{Strength: "UPDATE"}
	var funds []model.Fund
	if err := tx.Clauses(lock).Select("id").Where("id IN ?", fundIDs).Order("id").Find(&funds).Error; err != nil {
		return nil, err
	}
	var caps []model.PersonCap
	if err := tx.Clauses(lock).Where("person_id = ? AND year = ?", order.PersonID, order.Year).Find(&caps).Error; err != nil {
		return nil, err
	}
	var rows []model.Allowance
	if err := tx.Clauses(lock).Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) != len(ids) {
		return nil, errors.New("an allowance that paid for an order is gone")
	}
	byID := make(map[model.ID]model.Allowance, len(rows))
	for _, a := range rows {
		byID[a.ID] = a
	}
	return byID, nil
}

// restock puts the order's goods back on the shelf and returns their SKUs.
func (s *Service) restock(tx *gorm.DB, actor model.Actor, order model.ID, now time.Time) ([]model.ID, error) {
	var lines []model.OrderLine
	if err := tx.Where("order_id = ?", order).Order("sku_id").Find(&lines).Error; err != nil {
		return nil, err
	}
	skus := make([]model.ID, len(lines))
	moves := make([]shop.Movement, len(lines))
	for i, l := range lines {
		skus[i] = l.SKUID
		moves[i] = shop.Movement{SKU: l.SKUID, Kind: shop.StockReturn, Cause: "line:" + l.ID.String(), Quantity: l.Quantity, Actor: actor}
	}
	return skus, shop.MoveStocks(tx, s.db, now, moves)
}

// close takes order and parcels from paid and waiting to cancelled, or fails with CodeConflict, and writes the refund.
func (s *Service) close(tx *gorm.DB, actor model.Actor, order model.Order, c Cancelled, reason string) error {
	res := tx.Model(&model.Order{}).Where("id = ? AND status = ?", order.ID, StatusPaid).UpdateColumns(map[string]any{
		"status": StatusCancelled, "refunded_fen": c.RefundedFen, "cancelled_at": c.CancelledAt, "cancel_reason": reason, "updated_at": c.CancelledAt})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return s.whyNot(tx, order.ID)
	}
	res = tx.Model(&model.Parcel{}).Where("order_id = ? AND status = ?", order.ID, ParcelWaiting).
		UpdateColumns(map[string]any{"status": ParcelCancelled, "updated_at": c.CancelledAt})
	if res.Error != nil {
		return res.Error
	}
	var parcels int64
	if err := tx.Model(&model.Parcel{}).Where("order_id = ?", order.ID).Count(&parcels).Error; err != nil {
		return err
	}
	if res.RowsAffected != parcels {
		return cannotCancel(StatusShipped)
	}
	refund := model.Refund{ID: s.db.NewID(), OrderID: order.ID, UnionID: order.UnionID, Kind: "cancel", AmountFen: c.RefundedFen, AllowanceFen: c.RefundedFen,
		Reason: reason, RefundedAt: c.CancelledAt}
	if err := tx.Create(&refund).Error; err != nil {
		return err
	}
	return s.db.Audit(tx, actor, c.CancelledAt, "order.cancel", object(order.ID), order.UnionID,
		map[string]any{"refunded_fen": c.RefundedFen, "to_fund_fen": c.ToFundFen})
}

// whyNot tells why an order could not be cancelled, by its state now.
func (s *Service) whyNot(tx *gorm.DB, id model.ID) error {
	var now model.Order
	if err := tx.Select("status").Where("id = ?", id).Take(&now).Error; err != nil {
		return err
	}
	return cannotCancel(now.Status)
}
