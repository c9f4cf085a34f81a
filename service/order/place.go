package order

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/shop"
)

// basket is a cart as the database knows it: priced, grouped by supplier, decided.
type basket struct {
	lines  []model.OrderLine // in the cart's order; ids, order and parcel still missing
	dues   []due             // by supplier id
	shares []share           // what allowances pay
	wechat []due             // what WeChat money pays, by supplier id
	total  model.Fen
}

// fromAllowances is what the allowances pay in all.
func (b basket) fromAllowances() (sum model.Fen) {
	for _, sh := range b.shares {
		sum += sh.amount
	}
	return sum
}

// place makes one order within tx. Locks, in the order of docs/adr/0005-lock-order.md: the person's allowances by id, the
// stocks by SKU id; then it decides in memory and writes order, lines, parcels, stock movements, transfers with
// their balances (or, where WeChat money is to come, holds and the payment), and the audit entry. The caller stores the
// answer under the idempotency key in the same transaction.
//
// A crash at any line loses nothing: until COMMIT the database holds nothing of all this and the member has been told nothing,
// so the same key places the order anew; after COMMIT everything is there together, the stored answer included, so the same
// key gets it even if the first answer never arrived. Nothing is kept outside the database: the door's hold and marks in
// Redis end by themselves.
func (s *Service) place(tx *gorm.DB, actor model.Actor, cart Cart) (Placed, error) {
	now := s.db.Now()
	if cart.Payment == PayMixed || cart.Payment == PayWechat {
		if !s.wechat {
			return Placed{}, model.Invalid("payment", "暂未开通微信支付，请使用帮扶额度支付")
		}
	}
	order, err := s.draft(tx, actor, cart, now)
	if err != nil {
		return Placed{}, err
	}
	allowances, err := s.allowances.Spendable(tx, actor.ID, order.Year, now)
	if err != nil {
		return Placed{}, err
	}
	stocks, err := lockStocks(tx, cart.skus())
	if err != nil {
		return Placed{}, err
	}
	items, err := shop.ForSale(tx, cart.skus(), now)
	if err != nil {
		return Placed{}, err
	}
	b, err := decide(cart, items, stocks, allowances)
	if err != nil {
		return Placed{}, err
	}
	if err := setPayer(tx, &order, b, allowances); err != nil {
		return Placed{}, err
	}
	if err := s.write(tx, actor, now, &order, b); err != nil {
		return Placed{}, err
	}
	return Placed{ID: order.ID, OrderNo: order.OrderNo, Status: order.Status, TotalFen: order.GoodsFen, AllowanceFen: order.AllowanceFen, WechatFen: order.WechatFen,
		Parcels: len(b.dues), PlacedAt: now, PayBefore: order.PayBefore}, nil
}

// payWindow is how long a member may take to pay through WeChat.
const payWindow = 15 * time.Minute

// setPayer names the membership for whose union the order counts, the parts that pay it, and its state: pending as long as
// WeChat money is to come.
func setPayer(tx *gorm.DB, order *model.Order, b basket, allowances []model.Allowance) error {
	order.GoodsFen, order.AllowanceFen = b.total, b.fromAllowances()
	order.WechatFen = order.GoodsFen - order.AllowanceFen
	if order.WechatFen > 0 {
		until := order.PlacedAt.Add(payWindow)
		order.Status, order.PaidAt, order.PayBefore = StatusPending, nil, &until
	}
	for _, a := range allowances {
		if len(b.shares) > 0 && ledger.Allowance(a.ID) == b.shares[0].from {
			order.MemberID, order.UnionID = a.MemberID, a.UnionID
			return nil
		}
	}
	return setMembership(tx, order)
}

// setMembership counts an order that no allowance pays for in the union in which the person has been longest.
func setMembership(tx *gorm.DB, order *model.Order) error {
	var m model.Member
	err := tx.Select("id", "union_id").Where("person_id = ? AND status = 'active'", order.PersonID).Order("id").Limit(1).Take(&m).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.E(model.CodeForbidden, "您目前不在任何工会的会员名册上，不能下单")
	}
	order.MemberID, order.UnionID = m.ID, m.UnionID
	return err
}

// draft is the order as far as it is known before anything is locked: whose, when, where to.
func (s *Service) draft(tx *gorm.DB, actor model.Actor, cart Cart, now time.Time) (model.Order, error) {
	channel, err := shop.OwnChannel(tx)
	if err != nil {
		return model.Order{}, err
	}
	order := model.Order{ID: s.db.NewID(), PersonID: actor.ID, ChannelID: channel.ID, Year: model.YearOf(now), Kind: KindOnline, Status: StatusPaid,
		Note: cart.Note, PlacedAt: now, PaidAt: &now, UpdatedAt: now}
	err = s.copyAddress(tx, &order, cart.AddressID)
	return order, err
}

// destination is where an order goes, as it is sealed into the order: what happens to the member's address later
// does not change it.
type destination struct {
	Province string `json:"province"`
	City     string `json:"city"`
	District string `json:"district"`
	Detail   string `json:"detail"`
}

// copyAddress takes the address into the order; CodeNotFound if it is not the person's.
func (s *Service) copyAddress(tx *gorm.DB, order *model.Order, id model.ID) error {
	var a model.Address
	err := tx.Where("id = ? AND person_id = ? AND deleted_at IS NULL", id, order.PersonID).Take(&a).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.NotFound("收货地址")
	}
	if err != nil {
		return err
	}
	phone, err := s.sealer.Open(a.PhoneSealed, model.SealAddressPhone)
	if err != nil {
		return err
	}
	detail, err := s.sealer.Open(a.DetailSealed, model.SealAddressDetail)
	if err != nil {
		return err
	}
	text, err := json.Marshal(destination{a.Province, a.City, a.District, detail})
	if err != nil {
		return err
	}
	order.Consignee = a.Consignee
	order.AddressHash = s.sealer.Hash(model.HashAddress, model.NormalAddress(a.Province, a.City, a.District, detail))
	if order.PhoneSealed, err = s.sealer.Seal(phone, model.SealOrderPhone); err != nil {
		return err
	}
	order.AddressSealed, err = s.sealer.Seal(string(text), model.SealOrderAddress)
	return err
}

// lockStocks locks the stock rows by SKU id and tells what is on hand.
func lockStocks(tx *gorm.DB, skus []model.ID) (map[model.ID]int64, error) {
	var rows []model.Stock
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("sku_id IN ?", slices.Sorted(slices.Values(skus))).Order("sku_id").Find(&rows).Error
	onHand := make(map[model.ID]int64, len(rows))
	for _, r := range rows {
		onHand[r.SKUID] = r.OnHand
	}
	return onHand, err
}

// decide judges the cart by what is locked; it touches no database. Refusals in this order: a SKU that does not exist or is
// off the shelf, a changed price or total, too little stock, too little money.
func decide(cart Cart, items map[model.ID]shop.SaleItem, onHand map[model.ID]int64, allowances []model.Allowance) (basket, error) {
	b, err := price(cart, items, onHand)
	if err != nil {
		return b, err
	}
	if cart.Payment == PayWechat {
		b.wechat = b.dues
		return b, nil
	}
	paying, err := payer(allowances, b.total, cart.Payment == PayMixed)
	if err != nil {
		return b, err
	}
	b.shares, b.wechat = split(paying, b.dues)
	return b, nil
}

// price is what decide says before anybody pays: lines, dues and total.
func price(cart Cart, items map[model.ID]shop.SaleItem, onHand map[model.ID]int64) (basket, error) {
	b := basket{}
	owed := map[model.ID]model.Fen{}
	for _, it := range cart.Items {
		sale, ok := items[it.SKUID]
		if !ok {
			return b, model.NotFound("商品")
		}
		if sale.OffReason != "" {
			return b, model.E(model.CodeOffShelf, "“%s”暂时不能购买：%s", sale.Name, sale.OffReason)
		}
		amount := sale.PriceFen * model.Fen(it.Quantity)
		b.lines = append(b.lines, model.OrderLine{SupplierID: sale.SupplierID, ProductID: sale.ProductID, SKUID: it.SKUID, RegionID: sale.RegionID,
			ProductName: sale.Name, Spec: sale.Spec, PriceFen: sale.PriceFen, Quantity: it.Quantity, AmountFen: amount})
		owed[sale.SupplierID] += amount
		b.total += amount
	}
	if err := samePrices(cart, b); err != nil {
		return b, err
	}
	for _, l := range b.lines {
		if have := onHand[l.SKUID]; have < l.Quantity {
			return b, soldOut(l, have)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(owed)) {
		b.dues = append(b.dues, due{id, owed[id]})
	}
	return b, nil
}

func samePrices(cart Cart, b basket) error {
	same := cart.TotalFen == b.total
	now := Prices{TotalFen: b.total}
	for i, l := range b.lines {
		same = same && cart.Items[i].PriceFen == l.PriceFen
		now.Items = append(now.Items, Price{l.SKUID, l.PriceFen})
	}
	if same {
		return nil
	}
	e := model.E(model.CodePriceChanged, "价格有变动，现在合计 %s，请确认后重新下单", b.total)
	e.Data = now
	return e
}

func soldOut(l model.OrderLine, have int64) error {
	e := model.E(model.CodeSoldOut, "“%s（%s）”只剩 %d 件，不够您要的数量", l.ProductName, l.Spec, have)
	if have == 0 {
		e.Message = "“" + l.ProductName + "（" + l.Spec + "）”已售罄"
	}
	e.Data = SoldOut{SKUID: l.SKUID, Available: have}
	return e
}

// write stores a decided order.
func (s *Service) write(tx *gorm.DB, actor model.Actor, now time.Time, order *model.Order, b basket) error {
	parcels := make([]model.Parcel, len(b.dues))
	for i, d := range b.dues {
		parcels[i] = model.Parcel{ID: s.db.NewID(), OrderID: order.ID, SupplierID: d.supplier, UnionID: order.UnionID, AmountFen: d.amount,
			Status: ParcelWaiting, CreatedAt: now, UpdatedAt: now}
		if order.Kind == KindCounter {
			parcels[i].Status, parcels[i].ReceivedAt, parcels[i].ReceivedBy = ParcelReceived, &now, KindCounter
		}
	}
	var moves []shop.Movement
	for i := range b.lines {
		l := &b.lines[i]
		at, _ := slices.BinarySearchFunc(parcels, l.SupplierID, func(p model.Parcel, id model.ID) int { return cmp.Compare(p.SupplierID, id) })
		l.ID, l.OrderID, l.ParcelID = s.db.NewID(), order.ID, parcels[at].ID
		if l.SKUID != 0 { // goods typed at a counter have no stock
			moves = append(moves, shop.Movement{SKU: l.SKUID, Kind: shop.StockSell, Cause: "line:" + l.ID.String(), Quantity: -l.Quantity, Actor: actor})
		}
	}
	if err := shop.MoveStocks(tx, s.db, now, moves); err != nil {
		return err
	}
	if err := insertOrder(tx, order); err != nil {
		return err
	}
	if err := tx.Create(&b.lines).Error; err != nil {
		return err
	}
	if err := tx.Create(&parcels).Error; err != nil {
		return err
	}
	if order.Status == StatusPending {
		if err := s.setAside(tx, order, b); err != nil {
			return err
		}
	} else if err := s.pay(tx, now, order.ID, b.shares); err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "order.checkout", object(order.ID), order.UnionID, map[string]any{"order_no": order.OrderNo, "kind": order.Kind,
		"goods_fen": order.GoodsFen, "wechat_fen": order.WechatFen, "lines": len(b.lines), "parcels": len(parcels)})
}

// pay posts what each source pays to each supplier.
func (s *Service) pay(tx *gorm.DB, now time.Time, order model.ID, shares []share) error {
	for _, sh := range shares {
		if err := ledger.Post(tx, s.db, now, spend(order, sh)); err != nil {
			return err
		}
	}
	return nil
}

// spend is the movement of one source's part of an order to one supplier.
func spend(order model.ID, sh share) ledger.Movement {
	return ledger.Movement{
		Kind: ledger.KindSpend, Cause: "order:" + shareCause(order, sh.from, sh.supplier),
		From: sh.from, To: ledger.Supplier(sh.supplier), Amount: sh.amount, Purse: sh.purse, Year: sh.year, Union: sh.union, Order: &order,
	}
}

// shareCause names what one source pays to one supplier for an order: "order:source:supplier", all ids.
func shareCause(order model.ID, from ledger.Account, supplier model.ID) string {
	_, source := from.Split()
	return order.String() + ":" + source.String() + ":" + supplier.String()
}

// insertOrder stores the order under a number that no other has.
func insertOrder(tx *gorm.DB, order *model.Order) (err error) {
	for range 5 {
		order.OrderNo = newNumber(order.PlacedAt)
		if err = tx.Create(order).Error; !model.Duplicate(err) {
			return err
		}
	}
	return err
}
