package order

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/notify"
)

// Shipment is what the supplier says when shipping.
type Shipment struct {
	Carrier    string `json:"carrier"`
	TrackingNo string `json:"tracking_no"`
}

var trackingNo = regexp.MustCompile(`^[A-Z0-9-]{6,40}$`)

// Clean brings a shipment into the form in which it is stored, or refuses it with CodeInvalid.
func (sh Shipment) Clean() (Shipment, error) {
	sh.Carrier, sh.TrackingNo = strings.TrimSpace(sh.Carrier), strings.ToUpper(strings.TrimSpace(sh.TrackingNo))
	if n := utf8.RuneCountInString(sh.Carrier); n < 1 || n > 40 {
		return sh, model.Invalid("carrier", "请填写承运公司，最多 40 个字")
	}
	if err := checkText("carrier", "承运公司", sh.Carrier); err != nil {
		return sh, err
	}
	if !trackingNo.MatchString(sh.TrackingNo) {
		return sh, model.Invalid("tracking_no", "快递单号应为 6 到 40 个字母、数字或连字符")
	}
	return sh, nil
}

var parcelStates = map[string]string{
	ParcelWaiting: "包裹还没有发货", ParcelShipped: "包裹已经发货", ParcelReceived: "包裹已经签收", ParcelCancelled: "包裹已随订单取消",
}

// Ship marks the supplier's own waiting parcel as shipped. Errors: CodeInvalid; CodeNotFound; CodeConflict when it is not waiting, or
// when an after-sales case of it is undecided: what is to be sent would not be known.
func (s *Service) Ship(ctx context.Context, actor model.Actor, id model.ID, sh Shipment) (ParcelView, error) {
	sh, err := sh.Clean()
	if err != nil {
		return ParcelView{}, err
	}
	return s.handle(ctx, actor, id, "parcel.ship", ParcelWaiting, func(now time.Time) map[string]any {
		return map[string]any{"status": ParcelShipped, "carrier": sh.Carrier, "tracking_no": sh.TrackingNo, "shipped_at": now, "updated_at": now}
	})
}

// Correct changes carrier and number of the supplier's own parcel while it is on its way. Errors as of Ship.
func (s *Service) Correct(ctx context.Context, actor model.Actor, id model.ID, sh Shipment) (ParcelView, error) {
	sh, err := sh.Clean()
	if err != nil {
		return ParcelView{}, err
	}
	return s.handle(ctx, actor, id, "parcel.correct", ParcelShipped, func(now time.Time) map[string]any {
		return map[string]any{"carrier": sh.Carrier, "tracking_no": sh.TrackingNo, "updated_at": now}
	})
}

// handle changes a parcel of the actor's supplier that is in the state from.
func (s *Service) handle(ctx context.Context, actor model.Actor, id model.ID, action, from string, change func(now time.Time) map[string]any) (ParcelView, error) {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		parcel, order, err := lockOrderOf(tx, id)
		if err != nil {
			return err
		}
		if parcel.SupplierID != actor.Supplier {
			return model.NotFound("包裹")
		}
		if from == ParcelWaiting {
			if err := decided(tx, id); err != nil {
				return err
			}
		}
		now := s.db.Now()
		columns := change(now)
		if err := move(tx, id, from, columns); err != nil {
			return err
		}
		if err := s.settle(tx, order, now); err != nil {
			return err
		}
		if err := s.tellShipped(tx, now, order, id, action); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, action, "parcel:"+id.String(), order.UnionID, map[string]any{
			"order": order.OrderNo, "carrier": columns["carrier"], "tracking_no": columns["tracking_no"], "was_carrier": parcel.Carrier, "was_tracking_no": parcel.TrackingNo})
	})
	if err != nil {
		return ParcelView{}, err
	}
	return s.supplierParcel(ctx, id)
}

// tellShipped has the buyer told that their parcel is on its way, and WeChat of a correction. What a union ordered is told to
// nobody: its members sign for it.
func (s *Service) tellShipped(tx *gorm.DB, now time.Time, order model.Order, parcel model.ID, action string) error {
	if action != "parcel.ship" {
		return notify.ShippingChanged(tx, s.db, now, order)
	}
	if order.Kind == KindGroup {
		return nil
	}
	return notify.Enqueue(tx, s.db, now, notify.OrderShipped(order, parcel))
}

// decided refuses a parcel with an after-sales case that waits for the supplier or the platform. The caller has locked the order.
func decided(tx *gorm.DB, parcel model.ID) error {
	var n int64
	err := tx.Model(&model.AfterSale{}).Where("parcel_id = ? AND status IN ?", parcel, []string{"requested", "escalated"}).Count(&n).Error
	if err == nil && n > 0 {
		return model.E(model.CodeConflict, "买家正在申请退款，请先处理售后申请再发货")
	}
	return err
}

// inCase tells whether an after-sales case of the parcel is open.
func inCase(tx *gorm.DB, parcel model.ID) (bool, error) {
	var n int64
	err := tx.Model(&model.AfterSale{}).Where("parcel_id = ? AND status IN ?", parcel, model.OpenAfterSale).Count(&n).Error
	return n > 0, err
}

// Confirm says that the member has received a parcel of theirs; saying it again changes nothing. Errors: CodeNotFound;
// CodeConflict when it was not shipped, or was cancelled.
func (s *Service) Confirm(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		parcel, order, err := lockOrderOf(tx, id)
		if err != nil {
			return err
		}
		if order.PersonID != actor.ID {
			return model.NotFound("包裹")
		}
		if parcel.Status == ParcelReceived {
			return nil
		}
		return s.receive(tx, actor, order, parcel, "member", s.db.Now())
	})
}

// autoConfirmChunk is how many parcels are looked up at a time.
const autoConfirmChunk = 200

// AutoConfirm marks as received, by the clock, every parcel that was shipped longer ago than the set time, and tells how
// many it was; a parcel with an open after-sales case waits until that is over. Each parcel is a transaction of its own, decided by compare-and-set, so any number of processes may run it at
// once, and one that dies leaves nothing half done.
func (s *Service) AutoConfirm(ctx context.Context) (int, error) {
	n, after := 0, model.ID(0)
	before := s.db.Now().Add(-s.autoConfirm)
	for {
		var ids []model.ID
		err := s.db.Read(ctx).Model(&model.Parcel{}).Where("status = ? AND shipped_at <= ? AND id > ?", ParcelShipped, before, after).
			Order("id").Limit(autoConfirmChunk).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return n, err
		}
		for _, id := range ids {
			did, err := s.confirmByClock(ctx, id, before)
			if err != nil {
				return n, err
			}
			if did {
				n++
			}
			after = id
		}
	}
}

func (s *Service) confirmByClock(ctx context.Context, id model.ID, before time.Time) (did bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		did = false
		parcel, order, err := lockOrderOf(tx, id)
		if err != nil {
			return err
		}
		if parcel.Status != ParcelShipped || parcel.ShippedAt.After(before) {
			return nil // somebody else was first
		}
		if waits, err := inCase(tx, id); err != nil || waits {
			return err
		}
		did = true
		return s.receive(tx, model.Clockwork(), order, parcel, "clock", s.db.Now())
	})
	return did && err == nil, err
}

// receive makes a parcel received whose order the caller has locked.
func (s *Service) receive(tx *gorm.DB, actor model.Actor, order model.Order, parcel model.Parcel, by string, now time.Time) error {
	if err := move(tx, parcel.ID, ParcelShipped, map[string]any{"status": ParcelReceived, "received_at": now, "received_by": by, "updated_at": now}); err != nil {
		return err
	}
	if err := s.settle(tx, order, now); err != nil {
		return err
	}
	err := s.db.Audit(tx, actor, now, "parcel.receive", "parcel:"+parcel.ID.String(), order.UnionID, map[string]any{"order": order.OrderNo, "by": by})
	if err != nil {
		return err
	}
	return owe(tx, parcel, now)
}

// lockOrderOf locks the order of a parcel, so that the parcels of one order change one after the other, and then reads the
// parcel as it is. CodeNotFound if there is none.
func lockOrderOf(tx *gorm.DB, parcel model.ID) (model.Parcel, model.Order, error) {
	var p model.Parcel
	var o model.Order
	err := tx.Select("order_id").Where("id = ?", parcel).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return p, o, model.NotFound("包裹")
	}
	if err != nil {
		return p, o, err
	}
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", p.OrderID).Take(&o).Error; err != nil {
		return p, o, err
	}
	if o.Status == StatusPending {
		return p, o, model.E(model.CodeConflict, "订单还没有付款")
	}
	p = model.Parcel{}
	return p, o, tx.Where("id = ?", parcel).Take(&p).Error
}

// move changes a parcel that is in the state from; in any other it is CodeConflict and nothing changes.
func move(tx *gorm.DB, id model.ID, from string, columns map[string]any) error {
	res := tx.Model(&model.Parcel{}).Where("id = ? AND status = ?", id, from).UpdateColumns(columns)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	var p model.Parcel
	if err := tx.Select("status").Where("id = ?", id).Take(&p).Error; err != nil {
		return err
	}
	return model.E(model.CodeConflict, "%s", parcelStates[p.Status])
}

// settle brings an order that its caller has locked into the state that its parcels say: those that were cancelled, because all in them
// was given back, do not count as long as there are others.
func (s *Service) settle(tx *gorm.DB, order model.Order, now time.Time) error {
	var parcels []model.Parcel
	if err := tx.Select("status").Where("order_id = ?", order.ID).Find(&parcels).Error; err != nil {
		return err
	}
	count := map[string]int{}
	for _, p := range parcels {
		count[p.Status]++
	}
	columns := map[string]any{"updated_at": now}
	switch {
	case count[ParcelWaiting] > 0:
		columns["status"] = StatusPaid
	case count[ParcelShipped] > 0:
		columns["status"] = StatusShipped
	case count[ParcelReceived] > 0:
		columns["status"], columns["completed_at"] = StatusCompleted, now
	default:
		columns["status"], columns["cancelled_at"], columns["cancel_reason"] = StatusCancelled, now, "商品已全部退款"
	}
	if columns["status"] == order.Status {
		return nil
	}
	res := tx.Model(&model.Order{}).Where("id = ? AND status = ?", order.ID, order.Status).UpdateColumns(columns)
	if res.Error == nil && res.RowsAffected != 1 {
		return errors.New("a locked order changed")
	}
	if res.Error == nil && (columns["status"] == StatusShipped || columns["status"] == StatusCompleted) {
		return notify.ShippingDone(tx, s.db, now, order)
	}
	return res.Error
}
