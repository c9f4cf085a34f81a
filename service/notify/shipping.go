package notify

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/wechat"
)

// maxShippingParcels is how many parcels WeChat takes for one payment.
const maxShippingParcels = 10

// carriers are WeChat's codes of the carriers, found by what suppliers call them.
var carriers = []struct{ name, code string }{
	{"顺丰", "SF"}, {"中通", "ZTO"}, {"圆通", "YTO"}, {"申通", "STO"}, {"韵达", "YUNDA"}, {"极兔", "JTSD"}, {"京东", "JD"}, {"德邦", "DBL"},
	{"邮政", "YZPY"}, {"EMS", "EMS"}, {"百世", "BEST"}, {"跨越", "KYSY"}, {"丹鸟", "DNWL"}, {"菜鸟", "CAINIAO"}, {"优速", "UC"}, {"天天", "TTKDEX"},
}

// carrierCode is WeChat's code of a carrier, "" if it is not known.
func carrierCode(name string) string {
	for _, c := range carriers {
		if strings.Contains(strings.ToUpper(name), c.name) {
			return c.code
		}
	}
	return ""
}

func shippingMessage(order model.Order, nth string) Message {
	return Message{TopicShippingInfo, "order:" + order.ID.String() + ":" + nth, order.PersonID, order.UnionID, nil, orderPayload{order.ID}}
}

// ShippingDone has WeChat told that all of an order is on its way, if it had WeChat money: else that money stays frozen.
func ShippingDone(tx *gorm.DB, db *model.DB, now time.Time, order model.Order) error {
	if order.WechatFen == 0 {
		return nil
	}
	return Enqueue(tx, db, now, shippingMessage(order, "1"))
}

// ShippingChanged has WeChat told of a corrected parcel, if it was told before: it takes one change. A message that still
// waits is read when it is sent and needs none, one that was given up gets another try.
func ShippingChanged(tx *gorm.DB, db *model.DB, now time.Time, order model.Order) error {
	var first model.OutboxMessage
	err := tx.Where("topic = ? AND cause = ?", TopicShippingInfo, shippingMessage(order, "1").cause).Take(&first).Error
	if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && first.Status == StatusWaiting {
		return nil
	}
	if err != nil {
		return err
	}
	if first.Status == StatusDead || first.Status == StatusSkipped {
		return tx.Model(&model.OutboxMessage{}).Where("id = ? AND status = ?", first.ID, first.Status).UpdateColumns(afresh(now)).Error
	}
	return Enqueue(tx, db, now, shippingMessage(order, "2"))
}

// prepareShipping makes the call that uploads an order's shipping info as it is now.
func (s *Service) prepareShipping(ctx context.Context, m model.OutboxMessage, account model.WechatAccount) (call func(context.Context) error, skip string, err error) {
	p, err := read[orderPayload](m)
	if err != nil {
		return nil, "", err
	}
	tx := s.db.Read(ctx)
	var order model.Order
	var payment model.Payment
	if err := tx.Where("id = ?", p.OrderID).Take(&order).Error; err != nil {
		return nil, "", err
	}
	err = tx.Where("order_id = ? AND status = 'paid'", p.OrderID).Take(&payment).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil, "订单没有微信支付", nil
	case err != nil:
		return nil, "", err
	case account.ID == 0:
		return nil, "付款人已不绑定微信", nil
	}
	left, err := wechatLeft(tx, payment)
	if err != nil {
		return nil, "", err
	}
	if left <= 0 {
		return nil, "微信支付的钱已全部退回", nil
	}
	info := wechat.Shipping{TransactionID: payment.TransactionID, OpenID: account.OpenID, At: s.db.Now().In(model.China)}
	var wrong *model.Error
	if skip, err = s.parcelsOf(tx, order, &info); errors.As(err, &wrong) {
		return func(context.Context) error { return wrong }, "", nil // a failure that somebody must see to, not a reason to skip
	}
	if skip != "" || err != nil {
		return nil, skip, err
	}
	return func(ctx context.Context) error { return s.wechat.UploadShipping(ctx, info) }, "", nil
}

// wechatLeft is what of a payment was not given back.
func wechatLeft(tx *gorm.DB, p model.Payment) (model.Fen, error) {
	var back model.Fen
	err := tx.Model(&model.WechatRefund{}).Select("COALESCE(SUM(amount_fen), 0)").Where("payment_id = ? AND status <> 'failed'", p.ID).Scan(&back).Error
	return p.PaidFen - back, err
}

// parcelsOf fills in what was shipped; CodeInvalid if WeChat would not understand it. Beyond ten parcels WeChat learns of the first ten only.
func (s *Service) parcelsOf(tx *gorm.DB, order model.Order, info *wechat.Shipping) (skip string, err error) {
	var parcels []model.Parcel
	if err := tx.Where("order_id = ? AND shipped_at IS NOT NULL AND status <> 'cancelled'", order.ID).Order("id").Limit(maxShippingParcels).Find(&parcels).Error; err != nil {
		return "", err
	}
	if len(parcels) == 0 {
		return "没有已发货的包裹", nil
	}
	for _, p := range parcels {
		one := wechat.ShippingParcel{Company: carrierCode(p.Carrier), TrackingNo: p.TrackingNo}
		if one.Company == "" {
			return "", model.E(model.CodeInvalid, "微信不认识承运公司“%s”，请供应商更正", p.Carrier)
		}
		if one.Goods, err = goodsOf(ofParcel(tx, p)); err != nil {
			return "", err
		}
		if one.Company == "SF" { // WeChat wants it of this carrier only
			phone, err := s.sealer.Open(order.PhoneSealed, model.SealOrderPhone)
			if err != nil {
				return "", err
			}
			one.Receiver = model.MaskPhone(phone)
		}
		info.Parcels = append(info.Parcels, one)
	}
	return "", nil
}
