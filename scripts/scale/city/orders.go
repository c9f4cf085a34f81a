package city

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bangfu/model"
)

// purchase is an order while it is made.
type purchase struct {
	n       int
	at      time.Time
	buyer   int // member
	order   model.Order
	lines   []model.OrderLine
	parcels []model.Parcel
	parts   []part
	moves   int // ids given out of the order's own
	payment model.ID
	settled int // month of the settlement, -1: none yet
}

// part is what one source pays to one supplier.
type part struct {
	transfer model.ID
	source   model.ID // allowance or payment
	purse    int      // -1: WeChat money
	supplier int
	fen      model.Fen
}

type settledSum struct {
	fen   model.Fen
	items int
}

// next is the purchase's next id.
func (b *purchase) next() model.ID {
	b.moves++
	return b.order.ID + model.ID(b.moves)
}

// fillOrders makes the orders of the year in the order of their times, more of them towards the holidays.
func (f *filler) fillOrders() {
	p := f.p
	months := [12]float64{0.8, 0.7, 0.8, 0.9, 1, 1, 0.9, 1, 1.4, 1.2, 1.2, 1.8}
	first := p.start.AddDate(0, 0, openingDay)
	days := int(p.today.Sub(first).Hours()/24) + 1
	weights, sum := make([]float64, days), 0.0
	for d := range weights {
		weights[d] = months[first.AddDate(0, 0, d).In(model.China).Month()-1]
		sum += weights[d]
	}
	last, made, due := first, 0, 0.0
	for d, w := range weights {
		due += w / sum * float64(p.size.Orders)
		today := int(due+0.5) - made
		opens := first.AddDate(0, 0, d).Add(7 * time.Hour)
		open := min(15*time.Hour, p.today.Add(-5*time.Minute).Sub(opens))
		for i := range today {
			at := opens.Add(time.Duration(float64(open) * float64(i) / float64(today)).Truncate(time.Millisecond))
			if !at.After(last) {
				at = last.Add(time.Millisecond)
			}
			last = at
			f.fillOrder(made, at)
			made++
		}
	}
}

func (f *filler) fillOrder(n int, at time.Time) {
	p := f.p
	b := &purchase{n: n, at: at, settled: -1}
	b.order = model.Order{ID: idAt(at, 0), OrderNo: orderNo(at, n), ChannelID: p.channel, Year: p.year, Kind: "online", Status: "paid", PlacedAt: at, UpdatedAt: at}
	atCounter := p.chance(20) && len(p.halls) > 0
	var h hall
	if atCounter {
		h = p.halls[p.rng.IntN(len(p.halls))]
		f.chooseAt(b, h)
	} else {
		f.choose(b)
	}
	if atCounter && b.order.WechatFen > 0 {
		return // nobody pays at a counter with WeChat money: the order is not made
	}
	f.deliver(b)
	b.order.PersonID, b.order.MemberID = p.personID(b.buyer), p.memberID(b.buyer)
	b.order.UnionID = p.unions[p.members[b.buyer].union].id
	for i := range b.parcels {
		b.parcels[i].UnionID = b.order.UnionID
	}
	if atCounter {
		f.sellAtCounter(b, h)
	} else {
		k := b.buyer % fewHundred
		b.order.Consignee, b.order.PhoneSealed, b.order.AddressSealed, b.order.AddressHash = name(b.buyer), p.sealed.orderPhones[k], p.sealed.orderAddresses[k], digest("address", b.buyer)
	}
	f.write(b)
}

// orderNo is a number as the program makes it, without a random part.
func orderNo(at time.Time, n int) string {
	body := at.In(model.China).Format("20060102") + fmt.Sprintf("%09d", (int64(n)*7919+12345)%1_000_000_007%1_000_000_000)
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return body + strconv.Itoa((10-sum%10)%10)
}

// choose fills the cart and finds somebody who can pay for it; two in a hundred add WeChat money, as does whoever comes when
// hardly anybody has any allowance left.
func (f *filler) choose(b *purchase) {
	p := f.p
	want := 1 + p.rng.IntN(5)*p.rng.IntN(5)/10 // 1 to 2, often 1
	if p.chance(100) {
		want = 3
	}
	f.cart(b, distinct(want, p.popular))
	b.buyer = p.buyer(b.order.GoodsFen)
	f.pay(b, p.chance(20))
}

// chooseAt fills the cart at a hall: its supplier's goods, or goods typed by hand.
func (f *filler) chooseAt(b *purchase, h hall) {
	p := f.p
	own := p.suppliers[h.supplier]
	if p.chance(400) {
		fen := model.Fen(5_00 + 100*p.rng.IntN(60))
		b.order.GoodsFen = fen
		parcel := model.Parcel{ID: b.next(), OrderID: b.order.ID, SupplierID: own.id, AmountFen: fen}
		b.parcels = append(b.parcels, parcel)
		b.lines = append(b.lines, model.OrderLine{ID: b.next(), OrderID: b.order.ID, ParcelID: parcel.ID, SupplierID: own.id, ProductName: "散装干货", PriceFen: fen, Quantity: 1, AmountFen: fen})
	} else {
		f.cart(b, distinct(1, func() int { return own.skus[p.rng.IntN(len(own.skus))] }))
	}
	b.order.Kind, b.order.ChannelID = "counter", p.counter
	b.buyer = p.buyer(b.order.GoodsFen)
	f.pay(b, false)
}

// cart makes lines and parcels of SKUs.
func (f *filler) cart(b *purchase, skus []int) {
	p := f.p
	for _, at := range skus {
		s, n := &p.skus[at], int64(1)
		if p.chance(250) {
			n = 2
		}
		s.sold += n
		amount := s.price * model.Fen(n)
		b.order.GoodsFen += amount
		b.lines = append(b.lines, model.OrderLine{ID: b.next(), OrderID: b.order.ID, SupplierID: p.suppliers[s.supplier].id, ProductID: s.product, SKUID: s.id, RegionID: s.region,
			ProductName: s.name, Spec: s.spec, PriceFen: s.price, Quantity: n, AmountFen: amount})
	}
	slices.SortFunc(b.lines, func(x, y model.OrderLine) int { return cmp.Compare(x.ID, y.ID) })
	for i := range b.lines {
		l := &b.lines[i]
		at := slices.IndexFunc(b.parcels, func(x model.Parcel) bool { return x.SupplierID == l.SupplierID })
		if at < 0 {
			at, b.parcels = len(b.parcels), append(b.parcels, model.Parcel{ID: b.next(), OrderID: b.order.ID, SupplierID: l.SupplierID})
		}
		b.parcels[at].AmountFen += l.AmountFen
		l.ParcelID = b.parcels[at].ID
	}
	slices.SortFunc(b.parcels, func(x, y model.Parcel) int { return cmp.Compare(x.SupplierID, y.SupplierID) })
}

// buyer finds a member who can pay, or after a while anybody.
func (p *plan) buyer(total model.Fen) int {
	m := 0
	for range 12 {
		m = p.rng.IntN(p.persons)
		for p.members[m].left {
			m = (m + 1) % p.persons
		}
		if model.Fen(p.members[m].balance[0])+model.Fen(p.members[m].balance[1]) >= total {
			return m
		}
	}
	return m
}

// pay lays the parcels over the buyer's allowances, the extra purse first; what they do not cover, or half where WeChat money is
// wanted, comes through WeChat.
func (f *filler) pay(b *purchase, wantsWechat bool) {
	p := f.p
	who := &p.members[b.buyer]
	left := b.order.GoodsFen
	if wantsWechat && b.order.Kind == "online" {
		left /= 2
	}
	budget := [2]model.Fen{}
	for k := range budget {
		budget[k] = min(model.Fen(who.balance[k]), left)
		left -= budget[k]
	}
	if b.order.Kind == "counter" && budget[0]+budget[1] < b.order.GoodsFen {
		b.order.WechatFen = b.order.GoodsFen // not made
		for _, l := range b.lines {
			f.unsell(l)
		}
		return
	}
	for _, parcel := range b.parcels {
		owed, s := parcel.AmountFen, p.supplierAt(parcel.SupplierID)
		for k := range budget {
			fen := min(owed, budget[k])
			if fen == 0 {
				continue
			}
			b.parts = append(b.parts, part{source: p.allowance(b.buyer, k), purse: k, supplier: s, fen: fen})
			budget[k], owed, b.order.AllowanceFen = budget[k]-fen, owed-fen, b.order.AllowanceFen+fen
			who.balance[k] -= int32(fen)
		}
		if owed > 0 {
			if b.payment == 0 {
				b.payment = b.next()
			}
			b.parts = append(b.parts, part{source: b.payment, purse: -1, supplier: s, fen: owed})
			b.order.WechatFen += owed
		}
	}
}

// supplierAt is the number of a supplier.
func (p *plan) supplierAt(id model.ID) int {
	at, _ := slices.BinarySearchFunc(p.suppliers, id, func(s supplier, id model.ID) int { return cmp.Compare(s.id, id) })
	return at
}

func (f *filler) skuAt(id model.ID) *sku {
	at, found := slices.BinarySearchFunc(f.p.skus, id, func(s sku, id model.ID) int { return cmp.Compare(s.id, id) })
	if !found {
		return nil
	}
	return &f.p.skus[at]
}

func (f *filler) unsell(l model.OrderLine) {
	if s := f.skuAt(l.SKUID); s != nil {
		s.sold -= l.Quantity
	}
}

var carriers = []string{"顺丰速运", "中通快递", "圆通速递", "中国邮政"}

// deliver decides how far the parcels have come.
func (f *filler) deliver(b *purchase) {
	p, o := f.p, &b.order
	for i := range b.parcels {
		x := &b.parcels[i]
		x.CreatedAt, x.UpdatedAt, x.Status = b.at, b.at, "waiting"
	}
	if o.Kind == "counter" {
		return
	}
	if o.WechatFen > 0 && p.chance(80) && p.today.Sub(b.at) > time.Hour {
		o.Status = "closed"
		return
	}
	paid := b.at
	if o.WechatFen > 0 {
		paid = b.at.Add(time.Minute)
	}
	o.PaidAt = &paid
	if (p.chance(10) || o.WechatFen > 0 && p.chance(60)) && p.today.Sub(b.at) > 4*time.Hour {
		o.Status = "cancelled"
		return
	}
	shipped := b.at.Add(time.Duration(20+p.rng.IntN(40)) * time.Hour)
	arrived := shipped.Add(time.Duration(40+p.rng.IntN(190)) * time.Hour)
	state := "received"
	switch {
	case shipped.After(p.today) || p.chance(1):
		return
	case arrived.After(p.today):
		state, o.Status = "shipped", "shipped"
	default:
		o.Status, o.CompletedAt, o.UpdatedAt = "completed", &arrived, arrived
	}
	for i := range b.parcels {
		x := &b.parcels[i]
		x.Status, x.Carrier, x.TrackingNo, x.ShippedAt, x.UpdatedAt = state, carriers[b.n%len(carriers)], fmt.Sprintf("SF%013d", b.n), &shipped, shipped
		if state == "received" {
			x.ReceivedAt, x.ReceivedBy, x.UpdatedAt = &arrived, []string{"member", "clock"}[b.n%3/2], arrived
		}
	}
}

// sellAtCounter is what a sale at a hall has besides.
func (f *filler) sellAtCounter(b *purchase, h hall) {
	p, o, at := f.p, &b.order, b.at
	o.Status, o.PaidAt, o.CompletedAt, o.Consignee, o.AddressSealed = "completed", &at, &at, h.name, p.sealed.hallAddress
	for i := range b.parcels {
		b.parcels[i].Status, b.parcels[i].ReceivedAt, b.parcels[i].ReceivedBy = "received", &at, "counter"
	}
	f.put(&model.Redemption{ID: b.next(), HallID: h.id, SupplierID: p.suppliers[h.supplier].id, PersonID: o.PersonID, CashierID: h.cashier, CodeHash: digest("code", b.n), Status: "paid", Sale: "{}",
		TotalFen: o.GoodsFen, OrderID: &o.ID, ScannedAt: at.Add(-30 * time.Second), ExpiresAt: at.Add(2 * time.Minute), PaidAt: &at, PaidOn: model.DateOf(at), UpdatedAt: at})
}

// write stores a purchase with its money, its goods and what came of it.
func (f *filler) write(b *purchase) {
	p, o := f.p, &b.order
	if o.WechatFen > 0 {
		f.wechat(b)
	}
	for i := range b.parts {
		x := &b.parts[i]
		if o.Status == "closed" {
			if x.purse >= 0 {
				p.members[b.buyer].balance[x.purse] += int32(x.fen)
			}
			continue
		}
		x.transfer = b.next()
		f.transfer(x.transfer, *o.PaidAt, "spend", x.cause(o.ID, p), x.account(), "supplier:"+p.suppliers[x.supplier].id.String(), x.fen, x.purseName(), o.UnionID, &o.ID)
	}
	for i := range b.lines {
		if l := &b.lines[i]; l.SKUID != 0 {
			f.put(&model.StockMovement{ID: b.next(), SKUID: l.SKUID, Kind: "sell", Cause: "line:" + l.ID.String(), Quantity: -l.Quantity, Actor: "person:" + o.PersonID.String(), At: b.at})
		}
	}
	f.audit(b.at, "person:"+o.PersonID.String(), "order.checkout", "order:"+o.ID.String(), o.UnionID, fmt.Sprintf(`{"goods_fen":%d,"kind":%q,"lines":%d,"order_no":%q,"parcels":%d,"wechat_fen":%d}`,
		o.GoodsFen, o.Kind, len(b.lines), o.OrderNo, len(b.parcels), o.WechatFen))
	f.settle(b)
	switch o.Status {
	case "closed":
		f.closeUnpaid(b)
	case "cancelled":
		f.cancel(b)
	case "completed":
		f.complain(b)
	}
	for i := range b.lines {
		f.put(&b.lines[i])
	}
	for i := range b.parcels {
		f.put(&b.parcels[i])
	}
	f.put(o)
	f.tell(b)
}

func (x part) cause(order model.ID, p *plan) string {
	return "order:" + x.share(order, p)
}

func (x part) share(order model.ID, p *plan) string {
	return order.String() + ":" + x.source.String() + ":" + p.suppliers[x.supplier].id.String()
}

func (x part) account() string {
	if x.purse < 0 {
		return "payment:" + x.source.String()
	}
	return "allowance:" + x.source.String()
}

func (x part) purseName() model.Purse {
	if x.purse < 0 {
		return ""
	}
	return purses[x.purse]
}
