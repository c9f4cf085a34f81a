package counter

import (
	"context"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
)

// voidContent is what an idempotency key of a voiding stands for.
type voidContent struct {
	Act        string
	Redemption model.ID
	Reason     string
}

// Void undoes a sale of the cashier's hall on the China day on which it was paid, whoever of the hall sold it: the money goes back to
// where it came from, goods with a SKU go back on the shelf. 31 December is a day like others: until 24:00 the money goes back to the
// allowance. The same key gets the same answer. Errors: CodeInvalid; CodeNotFound; CodeConflict when it is not paid, was voided
// before, or its day is over (then it is a matter for after-sales); CodeIdempotencyMismatch.
func (s *Service) Void(ctx context.Context, actor model.Actor, key string, id model.ID, reason string) (Redemption, error) {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 2 || n > 100 {
		return Redemption{}, model.Invalid("reason", "请填写撤销原因，2 到 100 个字")
	}
	if _, err := s.find(ctx, actor, id); err != nil {
		return Redemption{}, err
	}
	var skus []model.ID
	voided, err := model.Once(model.InTurn(ctx), s.db, actor, key, voidContent{"counter_void", id, reason}, func(tx *gorm.DB) (Redemption, error) {
		back, err := s.void(tx, actor, id, reason)
		if err != nil {
			return Redemption{}, err
		}
		skus = back
		return s.showOne(tx, id)
	})
	if err == nil {
		s.orders.ClearSoldOut(ctx, skus)
	}
	return voided, err
}

// void is Void within tx. It locks the redemption, then what order.GiveBack locks.
func (s *Service) void(tx *gorm.DB, actor model.Actor, id model.ID, reason string) ([]model.ID, error) {
	now := s.db.Now()
	r, err := lockIn(tx, id, StatusPaid, now)
	if err != nil {
		return nil, err
	}
	if model.DateOf(now) != r.PaidOn {
		return nil, model.E(model.CodeConflict, "只能在付款当天撤销，这笔核销付款于 %s，请会员在订单里申请售后", r.PaidOn)
	}
	back, err := s.orders.GiveBack(tx, actor, now, order.Return{Order: *r.OrderID, Kind: order.RefundVoid, Reason: reason, Restock: true, CancelFrom: order.ParcelReceived})
	if err != nil {
		return nil, err
	}
	return back.SKUs, turn(tx, r, StatusPaid, map[string]any{"status": StatusVoided, "voided_at": now, "voided_by": actor.ID, "void_reason": reason, "updated_at": now})
}
