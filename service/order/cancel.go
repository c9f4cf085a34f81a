package order

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// Cancelled is the answer to cancelling an order: where the money went.
type Cancelled struct {
	ID             model.ID  `json:"id"`
	Status         string    `json:"status"`
	RefundedFen    model.Fen `json:"refunded_fen"`
	ToAllowanceFen model.Fen `json:"to_allowance_fen"` // back to the member
	ToFundFen      model.Fen `json:"to_fund_fen"`      // to the union's fund: the member's year is over, or the allowance was taken back
	ToWechatFen    model.Fen `json:"to_wechat_fen"`    // on its way back to where the member paid from
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
	reason, err := cleanReason(reason)
	if err != nil {
		return Cancelled{}, err
	}
	var skus []model.ID
	done, err := model.Once(model.InTurn(ctx), s.db, actor, key, cancelContent{"cancel", id, reason}, func(tx *gorm.DB) (Cancelled, error) {
		c, back, err := s.cancel(tx, actor, id, reason)
		skus = back
		return c, err
	})
	if err == nil {
		s.guard.ClearSoldOut(ctx, skus...)
	}
	return done, err
}

// cancel is Cancel within tx: a refund of everything that is left, before any parcel was shipped (GiveBack says what it locks). Its
// compare-and-set of order and parcels alone decides a race with the supplier who ships or with another cancelling, and whoever loses
// rolls everything back. It returns the SKUs that came back.
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
	if order.Status != StatusPaid || order.Kind != KindOnline {
		return Cancelled{}, nil, cannotCancel(order)
	}
	r, err := s.GiveBack(tx, actor, now, Return{Order: id, Kind: RefundCancel, Reason: reason, Restock: true, CancelFrom: ParcelWaiting})
	if err != nil {
		return Cancelled{}, nil, err
	}
	c := Cancelled{ID: id, Status: StatusCancelled, RefundedFen: r.AmountFen, ToAllowanceFen: r.ToAllowance, ToFundFen: r.ToFund, ToWechatFen: r.ToWechat, CancelledAt: now}
	return c, r.SKUs, nil
}

var statusNames = map[string]string{
	StatusPending: "还没有付款", StatusPaid: "已付款", StatusShipped: "已发货", StatusCompleted: "已完成", StatusCancelled: "已经取消", StatusClosed: "未付款已关闭",
}

func cannotCancel(o model.Order) error {
	switch {
	case o.Status == StatusCancelled:
		return model.E(model.CodeConflict, "订单已经取消过了")
	case o.Status == StatusClosed:
		return model.E(model.CodeConflict, "订单未付款，已经关闭")
	case o.Kind != KindOnline:
		return model.E(model.CodeConflict, "这个订单不能由会员取消")
	case o.Status == StatusPending:
		return model.E(model.CodeConflict, "订单正在等待付款")
	}
	return model.E(model.CodeConflict, "订单已有包裹发货，不能取消")
}

// lockPaying locks the funds of the allowances, the person's cap of the order's year, then the allowances, in the lock
// order. Funds and cap are locked even where nothing may go to them: whether an allowance is still active is only known
// once it is locked itself.
func lockPaying(tx *gorm.DB, order model.Order, ids []model.ID) (map[model.ID]model.Allowance, error) {
	if len(ids) == 0 {
		return nil, nil
	}
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
	return lockAllowances(tx, ids)
}

// Cancelled looks up what Cancel or CancelUnpaid answered to the same key and content before. Errors: CodeInvalid; CodeIdempotencyMismatch.
func (s *Service) Cancelled(ctx context.Context, actor model.Actor, key string, id model.ID, reason string) (Cancelled, bool, error) {
	reason, err := cleanReason(reason)
	if err != nil {
		return Cancelled{}, false, err
	}
	return model.Answered[Cancelled](ctx, s.db, actor, key, cancelContent{"cancel", id, reason})
}

// CancelUnpaid closes the member's pending order after WeChat has confirmed that its payment can no longer be made, or was never told of
// it; with marks the payment in the same transaction. The answer is kept under the key like Cancel's. ErrNotPending if the order is not
// pending any more.
func (s *Service) CancelUnpaid(ctx context.Context, actor model.Actor, key string, id model.ID, reason string, with func(tx *gorm.DB, now time.Time) error) (Cancelled, error) {
	reason, err := cleanReason(reason)
	if err != nil {
		return Cancelled{}, err
	}
	var skus []model.ID
	done, err := model.Once(model.InTurn(ctx), s.db, actor, key, cancelContent{"cancel", id, reason}, func(tx *gorm.DB) (Cancelled, error) {
		now := s.db.Now()
		back, err := s.CloseUnpaid(tx, actor, now, id, reason)
		if err != nil {
			return Cancelled{}, err
		}
		skus = back
		return Cancelled{ID: id, Status: StatusClosed, CancelledAt: now}, with(tx, now)
	})
	if err == nil {
		s.guard.ClearSoldOut(ctx, skus...)
	}
	return done, err
}

func cleanReason(reason string) (string, error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return "", model.Invalid("reason", "请填写取消原因")
	}
	return reason, checkText("reason", "取消原因", reason)
}
