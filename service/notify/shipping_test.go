package notify

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/wechat/emulator"
)

const uploadPath = "/wxa/sec/order/upload_shipping_info"

// shipped stores an order with WeChat money whose parcels went out with the carriers, by a bound person.
func (b *bench) shipped(carriers ...string) model.Order {
	b.t.Helper()
	_, person := b.user(0)
	at := b.clock.Now()
	o := model.Order{ID: b.db.NewID(), PersonID: person, UnionID: 1, Year: 2025, Kind: "online", Status: "shipped", WechatFen: 100, PlacedAt: at, PaidAt: &at, UpdatedAt: at}
	o.OrderNo = o.ID.String()
	b.insert(&o, &model.Payment{ID: b.db.NewID(), PaymentNo: "P" + o.OrderNo, OrderID: o.ID, PersonID: person, UnionID: 1, AmountFen: 100, PaidFen: 100, Status: "paid",
		TransactionID: "42" + o.OrderNo, PaidAt: &at, PayBefore: at, CreatedAt: at, UpdatedAt: at})
	for i, carrier := range carriers {
		p := model.Parcel{ID: b.db.NewID(), OrderID: o.ID, SupplierID: model.ID(i + 1), UnionID: 1, Status: "shipped", Carrier: carrier, TrackingNo: "XN00000001", ShippedAt: &at, CreatedAt: at, UpdatedAt: at}
		b.insert(&p, &model.OrderLine{ID: b.db.NewID(), OrderID: o.ID, ParcelID: p.ID, SKUID: p.ID, ProductName: "徐闻菠萝", Quantity: 1})
	}
	b.tx(func(tx *gorm.DB) error { return ShippingDone(tx, b.db, at, o) })
	return o
}

func (b *bench) tx(fn func(tx *gorm.DB) error) {
	b.t.Helper()
	b.must(b.db.Tx(context.Background(), fn))
}

// correct changes the carrier of all of an order's parcels, as a supplier's correction does.
func (b *bench) correct(o model.Order, carrier string) {
	b.t.Helper()
	b.tx(func(tx *gorm.DB) error {
		if err := tx.Model(&model.Parcel{}).Where("order_id = ?", o.ID).UpdateColumn("carrier", carrier).Error; err != nil {
			return err
		}
		return ShippingChanged(tx, b.db, b.clock.Now(), o)
	})
}

func (b *bench) uploads(o model.Order) (list []emulator.Upload) {
	for _, u := range b.emu.Uploads() {
		if u.TransactionID == "42"+o.OrderNo {
			list = append(list, u)
		}
	}
	return list
}

// TestShippingInfo shows what WeChat is told of orders with its money, once and one change of it.
func TestShippingInfo(t *testing.T) {
	b := newBench(t)
	one, two, strange := b.shipped("中通快递"), b.shipped("圆通", "ems"), b.shipped("老王货运")
	b.tx(func(tx *gorm.DB) error { return ShippingDone(tx, b.db, b.clock.Now(), model.Order{ID: 5}) }) // allowance only
	b.drain()
	if u := b.uploads(one); len(u) != 1 || !strings.Contains(string(u[0].Body), `"delivery_mode":1`) || !strings.Contains(string(u[0].Body), `"express_company":"ZTO"`) || !strings.Contains(string(u[0].Body), "徐闻菠萝") {
		t.Errorf("%+v", u)
	}
	if u := b.uploads(two); len(u) != 1 || !strings.Contains(string(u[0].Body), `"delivery_mode":2`) || !strings.Contains(string(u[0].Body), `"EMS"`) {
		t.Errorf("%+v", u)
	}
	status := func(o model.Order, nth string) string {
		for _, m := range b.messages() {
			if m.Cause == "order:"+o.ID.String()+":"+nth {
				return m.Status + " " + m.LastError
			}
		}
		return "none"
	}
	if got := status(strange, "1"); !strings.HasPrefix(got, "dead ") || !strings.Contains(got, "老王货运") || len(b.messages()) != 3 {
		t.Error(got, len(b.messages()))
	}
	b.correct(strange, "韵达速递") // it was never told: told now
	b.correct(one, "申通")       // told: its one change
	b.drain()
	b.correct(one, "德邦") // beyond it
	b.drain()
	if status(strange, "1") != "sent " || len(b.uploads(strange)) != 1 || status(one, "2") != "sent " || len(b.uploads(one)) != 2 || len(b.messages()) != 4 {
		t.Error(status(strange, "1"), status(one, "2"), len(b.messages()))
	}
	b.sound()
}

// TestShippingInfoReadsLate shows that what is uploaded is what is true at that moment, and that money which went back is not told of.
func TestShippingInfoReadsLate(t *testing.T) {
	b := newBench(t)
	o, back := b.shipped("中通"), b.shipped("中通")
	var p model.Payment
	b.must(b.db.Read(context.Background()).Where("order_id = ?", back.ID).Take(&p).Error)
	b.insert(&model.WechatRefund{ID: b.db.NewID(), RefundNo: "R1", PaymentID: p.ID, UnionID: 1, AmountFen: 100, Status: "done", CreatedAt: b.clock.Now(), UpdatedAt: b.clock.Now()})
	b.must(b.emu.InjectFault(emulator.Fault{Path: uploadPath, Mode: emulator.Garbage, Times: 1}))
	b.correct(o, "圆通") // before anything was sent: nothing more to send
	b.drain()
	b.clock.Advance(firstPause * 2)
	b.drain()
	if u := b.uploads(o); len(b.messages()) != 2 || len(u) != 1 || !strings.Contains(string(u[0].Body), "YTO") || len(b.uploads(back)) != 0 {
		t.Errorf("%+v %+v", u, b.messages())
	}
}
