package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// tell is what a message says; skip, if set, is why it need not be said any more, in Chinese.
type tell struct {
	facts map[string]string
	skip  string
}

// Forms of dates and times in fields of those kinds.
const (
	dateForm = "2006年1月2日"
	timeForm = "2006年1月2日 15:04"
)

// render says what the message says now: what it tells of may have changed since it was written.
func (s *Service) render(ctx context.Context, m model.OutboxMessage) (tell, error) {
	tx := s.db.Read(ctx)
	switch Topic(m.Topic) {
	case TopicAllowanceIssued:
		return renderIssued(tx, m)
	case TopicAllowanceEnding:
		return renderEnding(tx, m, s.db.Now())
	case TopicOrderShipped:
		return renderShipped(tx, m)
	case TopicRefundDone:
		return renderRefund(tx, m)
	}
	return tell{}, fmt.Errorf("outbox: nobody knows how to send %q", m.Topic)
}

// read decodes a message's payload.
func read[T any](m model.OutboxMessage) (payload T, err error) {
	if err = json.Unmarshal([]byte(m.Payload), &payload); err != nil {
		err = fmt.Errorf("outbox %s: payload: %w", m.ID, err)
	}
	return payload, err
}

// gone turns a row that is not there any more into a reason to skip.
func gone(err error) (tell, error) {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return tell{skip: "所通知的事项已不存在"}, nil
	}
	return tell{}, err
}

func unionName(tx *gorm.DB, id model.ID) (string, error) {
	var u model.Union
	err := tx.Select("name").Where("id = ?", id).Take(&u).Error
	return u.Name, err
}

func endsOn(year model.Year) string {
	return year.End().Add(-time.Second).In(model.China).Format(dateForm)
}

func renderIssued(tx *gorm.DB, m model.OutboxMessage) (tell, error) {
	p, err := read[issuedPayload](m)
	if err != nil {
		return tell{}, err
	}
	union, err := unionName(tx, m.UnionID)
	if err != nil {
		return gone(err)
	}
	return tell{facts: map[string]string{"purse": p.Purse.Name(), "amount": amountText(p.AmountFen), "union": union, "year": strconv.Itoa(int(p.Year)),
		"ends_on": endsOn(p.Year), "note": "请在当年 12 月 31 日前使用"}}, nil
}

func renderEnding(tx *gorm.DB, m model.OutboxMessage, now time.Time) (tell, error) {
	p, err := read[endingPayload](m)
	if err != nil {
		return tell{}, err
	}
	var a model.Allowance
	if err := tx.Where("id = ?", p.AllowanceID).Take(&a).Error; err != nil {
		return gone(err)
	}
	left := a.Year.End().Sub(now)
	switch {
	case a.Status != "active" || left <= 0:
		return tell{skip: "额度已经结束，不再提醒"}, nil
	case a.BalanceFen <= 0:
		return tell{skip: "额度已经用完，不必提醒"}, nil
	}
	union, err := unionName(tx, m.UnionID)
	if err != nil {
		return gone(err)
	}
	days := int((left + 24*time.Hour - 1) / (24 * time.Hour))
	return tell{facts: map[string]string{"purse": a.Purse.Name(), "amount": amountText(a.BalanceFen), "union": union, "year": strconv.Itoa(int(a.Year)),
		"ends_on": endsOn(a.Year), "days": fmt.Sprintf("还剩 %d 天", days), "note": "年底未用部分退回工会"}}, nil
}

func renderShipped(tx *gorm.DB, m model.OutboxMessage) (tell, error) {
	p, err := read[parcelPayload](m)
	if err != nil {
		return tell{}, err
	}
	var parcel model.Parcel
	if err := tx.Where("id = ?", p.ParcelID).Take(&parcel).Error; err != nil {
		return gone(err)
	}
	if parcel.ShippedAt == nil {
		return tell{skip: "包裹没有发货"}, nil
	}
	var order model.Order
	if err := tx.Select("order_no").Where("id = ?", parcel.OrderID).Take(&order).Error; err != nil {
		return gone(err)
	}
	goods, err := goodsOf(ofParcel(tx, parcel))
	return tell{facts: map[string]string{"order_no": order.OrderNo, "goods": goods, "carrier": parcel.Carrier, "tracking_no": parcel.TrackingNo,
		"time": parcel.ShippedAt.In(model.China).Format(timeForm), "note": "请留意查收"}}, err
}

func renderRefund(tx *gorm.DB, m model.OutboxMessage) (tell, error) {
	p, err := read[refundPayload](m)
	if err != nil {
		return tell{}, err
	}
	var refund model.Refund
	if err := tx.Where("id = ?", p.RefundID).Take(&refund).Error; err != nil {
		return gone(err)
	}
	var order model.Order
	if err := tx.Select("id", "order_no").Where("id = ?", refund.OrderID).Take(&order).Error; err != nil {
		return gone(err)
	}
	goods, err := goodsOf(tx.Where("order_id = ?", order.ID))
	if err != nil {
		return tell{}, err
	}
	note, err := wentTo(tx, refund.ID)
	return tell{facts: map[string]string{"order_no": order.OrderNo, "amount": amountText(refund.AmountFen), "goods": goods,
		"time": refund.RefundedAt.In(model.China).Format(timeForm), "note": note}}, err
}

// wentTo says where a refund's money went.
func wentTo(tx *gorm.DB, refund model.ID) (string, error) {
	var accounts []string
	err := tx.Model(&model.Transfer{}).Where("kind = 'refund' AND cause LIKE ?", refund.String()+":%").Distinct().Pluck("credit_account", &accounts).Error
	if err != nil {
		return "", err
	}
	to := map[string]bool{}
	for _, a := range accounts {
		kind, _, _ := strings.Cut(a, ":")
		to[kind] = true
	}
	switch {
	case to["allowance"] && to["payment"]:
		return "已退回帮扶额度和微信", nil
	case to["fund"] && to["payment"]:
		return "微信部分已退，额度部分退回工会", nil
	case to["payment"]:
		return "已退回微信", nil
	case to["fund"]:
		return "年度已结束，额度退回工会", nil
	}
	return "已退回帮扶额度", nil
}

// ofParcel are the lines of a parcel, found by its order.
func ofParcel(tx *gorm.DB, p model.Parcel) *gorm.DB {
	return tx.Where("order_id = ? AND parcel_id = ?", p.OrderID, p.ID)
}

// goodsOf names what the lines are: the first, and of how many kinds they are.
func goodsOf(q *gorm.DB) (string, error) {
	var lines []model.OrderLine
	if err := q.Select("product_name").Order("id").Find(&lines).Error; err != nil || len(lines) == 0 {
		return "帮扶产品", err
	}
	if len(lines) == 1 {
		return lines[0].ProductName, nil
	}
	name := []rune(lines[0].ProductName)
	return fmt.Sprintf("%s 等 %d 种", string(name[:min(len(name), 12)]), len(lines)), nil
}
