// Package notify tells people and WeChat what happened: an outbox that is written inside the transaction it tells of, and
// workers that send what is in it.
//
// A message is sent at least once: a process that dies between WeChat's answer and the mark "sent" leaves its message to
// another, which sends it again, so that a member may in rare cases read something twice. The consent is taken before the
// first call and kept for all of them, and no money depends on any of it.
package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// Topic is a kind of message. The topics of subscribe messages are also the names of their templates.
type Topic string

// The topics.
const (
	TopicAllowanceIssued Topic = "allowance_issued" // a union gave a member money
	TopicAllowanceEnding Topic = "allowance_ending" // the year ends and there is money left
	TopicOrderShipped    Topic = "order_shipped"    // a parcel is on its way
	TopicRefundDone      Topic = "refund_done"      // money went back
	TopicShippingInfo    Topic = "shipping_info"    // told to WeChat, not to a person: the goods behind a payment were shipped
)

// Topics lists every topic with its Chinese name, in the order in which people see them.
var Topics = []struct {
	Topic Topic
	Name  string
}{
	{TopicAllowanceIssued, "额度到账通知"}, {TopicAllowanceEnding, "额度到期提醒"}, {TopicOrderShipped, "发货通知"}, {TopicRefundDone, "退款到账通知"},
	{TopicShippingInfo, "微信发货信息录入"},
}

// Name is the topic's Chinese name.
func (t Topic) Name() string {
	for _, x := range Topics {
		if x.Topic == t {
			return x.Name
		}
	}
	return string(t)
}

// Subscribed tells whether the topic is a subscribe message, which needs a consent.
func (t Topic) Subscribed() bool { return t != TopicShippingInfo }

// The states of a message.
const (
	StatusWaiting = "waiting"
	StatusSending = "sending"
	StatusSent    = "sent"
	StatusSkipped = "skipped" // nobody to tell, or no consent: visible, not an error
	StatusDead    = "dead"    // given up; may be replayed
)

// Message is something to be told. Make it with one of the functions named after the topics.
type Message struct {
	topic         Topic
	cause         string
	person, union model.ID
	batch         *model.ID
	payload       any
}

// What a message carries. Everything else is read when it is sent, so that it is true then.
type (
	issuedPayload struct {
		AmountFen model.Fen   `json:"amount_fen"`
		Purse     model.Purse `json:"purse"`
		Year      model.Year  `json:"year"`
	}
	endingPayload struct {
		AllowanceID model.ID `json:"allowance_id"`
	}
	parcelPayload struct {
		ParcelID model.ID `json:"parcel_id"`
	}
	refundPayload struct {
		RefundID model.ID `json:"refund_id"`
	}
	orderPayload struct {
		OrderID model.ID `json:"order_id"`
	}
)

// AllowanceIssued tells a person that a grant of the union gave them amount.
func AllowanceIssued(grant model.Grant, item model.GrantItem, amount model.Fen) Message {
	return Message{TopicAllowanceIssued, "grant_item:" + item.ID.String(), item.PersonID, grant.UnionID, &grant.ID, issuedPayload{amount, grant.Purse, grant.Year}}
}

// AllowanceEnding reminds a person of the money left in an allowance. kind is the reminder's: each allowance is told of
// once in each.
func AllowanceEnding(a model.Allowance, kind string, reminder model.ID) Message {
	return Message{TopicAllowanceEnding, fmt.Sprintf("%d:%s:%s", a.Year, kind, a.ID), a.PersonID, a.UnionID, &reminder, endingPayload{a.ID}}
}

// OrderShipped tells the buyer that a parcel of theirs is on its way.
func OrderShipped(order model.Order, parcel model.ID) Message {
	return Message{TopicOrderShipped, "parcel:" + parcel.String(), order.PersonID, order.UnionID, nil, parcelPayload{parcel}}
}

// RefundDone tells the buyer that all of a refund has arrived. Where WeChat money is among it that is when WeChat says so:
// RefundArrived.
func RefundDone(order model.Order, refund model.ID) Message {
	return Message{TopicRefundDone, "refund:" + refund.String(), order.PersonID, order.UnionID, nil, refundPayload{refund}}
}

// RefundArrived writes RefundDone, within tx, the transaction in which WeChat's part of the refund is marked done.
func RefundArrived(tx *gorm.DB, db *model.DB, now time.Time, refund model.ID) error {
	var order model.Order
	err := tx.Select("orders.*").Joins("JOIN refunds AS r ON r.order_id = orders.id").Where("r.id = ?", refund).Take(&order).Error
	if err != nil {
		return err
	}
	if order.Kind == "group" {
		return nil // it was the union's money
	}
	return Enqueue(tx, db, now, RefundDone(order, refund))
}

// Enqueue writes one message into the outbox, within tx, the transaction that it tells of. An event that was told of
// before is not told again. now is the transaction's time.
func Enqueue(tx *gorm.DB, db *model.DB, now time.Time, m Message) error {
	return EnqueueAll(tx, db, now, []Message{m})
}

// EnqueueAll is Enqueue for many messages, in multi-row statements.
func EnqueueAll(tx *gorm.DB, db *model.DB, now time.Time, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	rows := make([]model.OutboxMessage, len(messages))
	for i, m := range messages {
		payload, err := json.Marshal(m.payload)
		if err != nil {
			return err
		}
		rows[i] = model.OutboxMessage{ID: db.NewID(), Topic: string(m.topic), Cause: m.cause, PersonID: m.person, UnionID: m.union, BatchID: m.batch,
			Payload: string(payload), Status: StatusWaiting, NextTryAt: now, CreatedAt: now, UpdatedAt: now}
	}
	return tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&rows, db.BatchRows()).Error
}
