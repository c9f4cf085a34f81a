package aftersale

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/order"
)

// NewCase is what somebody asks for.
type NewCase struct {
	Kind        string // KindRefundOnly, KindReturnGoods
	Reason      string // a code of Reasons
	Description string
	Lines       []order.ReturnLine // of one parcel
}

// Outcome is the answer to an act that may move money: the case's state after it, and where the money went if it did.
type Outcome struct {
	ID             model.ID  `json:"id"`
	Status         string    `json:"status"`
	AmountFen      model.Fen `json:"amount_fen"`   // of the case
	RefundedFen    model.Fen `json:"refunded_fen"` // 0 unless refunded now
	ToAllowanceFen model.Fen `json:"to_allowance_fen"`
	ToFundFen      model.Fen `json:"to_fund_fen"`
	ToWechatFen    model.Fen `json:"to_wechat_fen"` // on its way
}

// content is what an idempotency key of this package stands for.
type content struct {
	Act string
	ID  model.ID // of the order, then of the case
	In  any
}

// Open opens a case: by the member about their own order, or by staff of the union about what it bought for a group (the route has
// checked the scope). Before shipping only money is asked for; after receipt within Windows.Ask; at a counter goods are handed
// back over it, so that only money is asked for. Pieces that were given back, that another open case is about, or that the platform
// has rejected, cannot be asked for again. The same key gets the same answer. It locks the order. Errors: CodeInvalid; CodeNotFound;
// CodeConflict when the order's state or time does not allow it, or less is left than asked for; CodeIdempotencyMismatch.
func (s *Service) Open(ctx context.Context, actor model.Actor, key string, id model.ID, in NewCase) (Outcome, error) {
	in.Description = strings.TrimSpace(in.Description)
	if err := in.check(); err != nil {
		return Outcome{}, err
	}
	return model.Once(ctx, s.db, actor, key, content{"after_sale", id, in}, func(tx *gorm.DB) (Outcome, error) {
		o, err := lockOrder(tx, actor, id)
		if err != nil {
			return Outcome{}, err
		}
		now := s.db.Now()
		lines, parcel, amount, err := ask(tx, o, in.Lines)
		if err != nil {
			return Outcome{}, err
		}
		if err := s.allowed(o, parcel, in.Kind, now); err != nil {
			return Outcome{}, err
		}
		c := model.AfterSale{ID: s.db.NewID(), OrderID: o.ID, ParcelID: parcel.ID, SupplierID: parcel.SupplierID, UnionID: o.UnionID, Kind: in.Kind, Reason: in.Reason,
			Description: in.Description, Status: StatusRequested, AmountFen: amount, DeadlineAt: s.deadline(StatusRequested, now), CreatedAt: now, UpdatedAt: now}
		c.Urgency = urgency(c.Status, c.DeadlineAt, now)
		if actor.Kind == model.ActorPerson {
			c.PersonID = actor.ID
		}
		for i := range lines {
			lines[i].CaseID = c.ID
		}
		if err := tx.Create(&c).Error; err != nil {
			return Outcome{}, err
		}
		if err := tx.Create(&lines).Error; err != nil {
			return Outcome{}, err
		}
		return Outcome{ID: c.ID, Status: c.Status, AmountFen: amount}, s.note(tx, actor, now, c, step{to: c.Status, action: "open", party: requester(actor), note: in.Description})
	})
}

func (in NewCase) check() error {
	switch {
	case in.Kind != KindRefundOnly && in.Kind != KindReturnGoods:
		return model.Invalid("kind", "售后类型应为 refund_only（仅退款）或 return_goods（退货退款）")
	case reasonName(in.Reason) == "":
		return model.Invalid("reason", "请选择售后原因")
	case in.Reason == "other" && in.Description == "":
		return model.Invalid("description", "请填写具体原因")
	case len(in.Lines) == 0:
		return model.Invalid("lines", "请选择要售后的商品")
	}
	seen := map[model.ID]bool{}
	for _, l := range in.Lines {
		if l.Quantity <= 0 {
			return model.Invalid("lines", "售后件数应大于 0")
		}
		if seen[l.LineID] {
			return model.Invalid("lines", "同一商品请只填一行")
		}
		seen[l.LineID] = true
	}
	return nil
}

// lockOrder locks an order that the actor may open a case about.
func lockOrder(tx *gorm.DB, actor model.Actor, id model.ID) (model.Order, error) {
	var o model.Order
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&o).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return o, model.NotFound("订单")
	}
	if err != nil {
		return o, err
	}
	group := o.Kind == order.KindGroup
	switch {
	case actor.Kind == model.ActorPerson && (o.PersonID != actor.ID || group):
		return o, model.NotFound("订单")
	case actor.Kind == model.ActorStaff && !group:
		return o, model.E(model.CodeConflict, "会员自己的订单由会员本人申请售后")
	}
	switch o.Status {
	case order.StatusPaid, order.StatusShipped, order.StatusCompleted:
		return o, nil
	case order.StatusCancelled:
		return o, model.E(model.CodeConflict, "订单已经取消或全部退款，不能申请售后")
	}
	return o, model.E(model.CodeConflict, "订单没有付款，不能申请售后")
}

// ask checks the pieces asked for against what is left of a locked order, and returns them as stored with their parcel and amount.
func ask(tx *gorm.DB, o model.Order, asked []order.ReturnLine) (lines []model.AfterSaleLine, parcel model.Parcel, amount model.Fen, err error) {
	var all []model.OrderLine
	if err := tx.Where("order_id = ?", o.ID).Find(&all).Error; err != nil {
		return nil, parcel, 0, err
	}
	left, err := unclaimed(tx, o.ID, all)
	if err != nil {
		return nil, parcel, 0, err
	}
	var in model.ID
	for _, a := range asked {
		at := slices.IndexFunc(all, func(l model.OrderLine) bool { return l.ID == a.LineID })
		if at < 0 {
			return nil, parcel, 0, model.NotFound("订单商品")
		}
		l := all[at]
		if in != 0 && in != l.ParcelID {
			return nil, parcel, 0, model.Invalid("lines", "一次申请只能包含同一个包裹里的商品")
		}
		if a.Quantity > left[l.ID] {
			return nil, parcel, 0, model.E(model.CodeConflict, "“%s”还能申请 %d 件，不能申请 %d 件", l.ProductName, max(0, left[l.ID]), a.Quantity)
		}
		in = l.ParcelID
		fen := l.PriceFen * model.Fen(a.Quantity)
		lines, amount = append(lines, model.AfterSaleLine{LineID: l.ID, Quantity: a.Quantity, AmountFen: fen}), amount+fen
	}
	return lines, parcel, amount, tx.Where("id = ?", in).Take(&parcel).Error
}

// unclaimed counts by line the pieces that were neither given back nor are held or decided for good by a case.
func unclaimed(tx *gorm.DB, id model.ID, lines []model.OrderLine) (map[model.ID]int64, error) {
	claimed, err := order.Claimed(tx, id, 0, append(slices.Clone(model.OpenAfterSale), StatusRejected))
	if err != nil {
		return nil, err
	}
	var refunded []model.RefundLine
	if err := tx.Where("order_id = ?", id).Find(&refunded).Error; err != nil {
		return nil, err
	}
	left := make(map[model.ID]int64, len(lines))
	for _, l := range lines {
		left[l.ID] = l.Quantity - claimed[l.ID]
	}
	for _, r := range refunded {
		left[r.LineID] -= r.Quantity
	}
	return left, nil
}

// allowed tells whether such a case may be opened about the parcel now.
func (s *Service) allowed(o model.Order, p model.Parcel, kind string, now time.Time) error {
	if kind == KindReturnGoods {
		switch {
		case p.Status == order.ParcelWaiting:
			return model.Invalid("kind", "商品还没有发货，请选择仅退款")
		case o.Kind == order.KindCounter:
			return model.Invalid("kind", "在专馆购买的商品请带回专馆处理，请选择仅退款")
		}
	}
	if p.Status == order.ParcelReceived && p.ReceivedAt != nil && now.After(p.ReceivedAt.Add(s.windows.Ask)) {
		return model.E(model.CodeConflict, "签收已超过 %d 天，不能申请售后", int(s.windows.Ask.Hours()/24))
	}
	return nil
}
