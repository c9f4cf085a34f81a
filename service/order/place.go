package order

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

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

// payWindow is how long a member may take to pay through WeChat.
const payWindow = 15 * time.Minute

// setPayer names the membership for whose union the order counts, the parts that pay it, and its state: pending as long as
// WeChat money is to come. An order that no allowance pays for counts in longest, the membership that the person has had longest.
func setPayer(order *model.Order, b basket, allowances []model.Allowance, longest model.Member) error {
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
	if longest.ID == 0 {
		return model.E(model.CodeForbidden, "您目前不在任何工会的会员名册上，不能下单")
	}
	order.MemberID, order.UnionID = longest.ID, longest.UnionID
	return nil
}

// lockStocks locks the stock rows by SKU id and tells what is on hand.
func (s *Service) lockStocks(tx *gorm.DB, skus []model.ID) (map[model.ID]int64, error) {
	onHand := map[model.ID]int64{}
	if len(skus) == 0 {
		return onHand, nil
	}
	return onHand, model.Ask(tx, shop.LockOnHand(s.db, distinct(slices.Clone(skus)), onHand))
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
	for i, it := range cart.Items {
		sale, ok := items[it.SKUID]
		if !ok {
			return b, model.NoSuch(fmt.Sprintf("items[%d].sku_id", i), "商品")
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
