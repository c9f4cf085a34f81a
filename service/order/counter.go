package order

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/shop"
)

// Counter is where a member buys at a counter, and who.
type Counter struct {
	Person   model.ID
	Channel  model.ID // whose row of the form it counts in
	Supplier model.ID // who sells and is owed the money
	Name     string   // of the hall
	Address  string
}

// CounterSale is what a member buys at a counter, with the prices and the total that were shown. Prices of Items are only
// compared, never used. Goods are typed by hand with their amount, for what has no SKU.
type CounterSale struct {
	Items    []Item    `json:"items"`
	Goods    string    `json:"goods"`
	GoodsFen model.Fen `json:"goods_fen"`
	TotalFen model.Fen `json:"total_fen"`
}

// The length of typed goods, in characters.
const (
	minGoods = 2
	maxGoods = 100
)

// Check refuses, with CodeInvalid and the field's name, what no sale can be.
func (c CounterSale) Check() error {
	if c.Goods == "" && c.GoodsFen == 0 && len(c.Items) == 0 {
		return model.Invalid("items", "请选择商品，或填写商品名称和金额")
	}
	if c.Goods != "" || c.GoodsFen != 0 {
		if n := utf8.RuneCountInString(c.Goods); n < minGoods || n > maxGoods {
			return model.Invalid("goods", fmt.Sprintf("请填写商品名称，%d 到 %d 个字", minGoods, maxGoods))
		}
		if err := checkText("goods", "商品名称", c.Goods); err != nil {
			return err
		}
		if c.GoodsFen < 1 || c.GoodsFen > model.MaxFen {
			return model.Invalid("goods_fen", "金额应大于 0，且不超过一亿元")
		}
	}
	if len(c.Items) == 0 {
		if c.TotalFen != c.GoodsFen {
			return model.Invalid("total_fen", "合计与金额不符")
		}
		return nil
	}
	return Cart{Items: c.Items, AddressID: 1, TotalFen: c.TotalFen}.check()
}

// SKUs lists the SKUs of the sale.
func (c CounterSale) SKUs() []model.ID { return Cart{Items: c.Items}.skus() }

// cart is the sale as a cart, typed goods being one piece of an item without SKU.
func (c CounterSale) cart() Cart {
	cart := Cart{Items: append([]Item{}, c.Items...), TotalFen: c.TotalFen}
	if c.GoodsFen > 0 {
		cart.Items = append(cart.Items, Item{Quantity: 1, PriceFen: c.GoodsFen})
	}
	return cart
}

// SellAtCounter makes one order of kind counter within tx: paid by the person's allowances as online (one membership pays, the extra
// purse first), whole or not at all, handed over at once. It locks and writes what place does. Errors: CodeNotFound for a SKU that the
// counter's supplier does not have; CodeOffShelf; CodePriceChanged with Prices; CodeSoldOut with SoldOut; CodeInsufficientBalance
// with Shortage.
//
// A crash leaves nothing: order, stock and transfers are one transaction with what the caller writes, and nobody is told that it is
// paid before COMMIT.
func (s *Service) SellAtCounter(tx *gorm.DB, actor model.Actor, now time.Time, at Counter, sale CounterSale) (Placed, []LineView, error) {
	b, allowances, err := s.weigh(tx, now, at, sale)
	if err != nil {
		return Placed{}, nil, err
	}
	order := model.Order{ID: s.db.NewID(), PersonID: at.Person, ChannelID: at.Channel, Year: model.YearOf(now), Kind: KindCounter, Status: StatusCompleted,
		Consignee: at.Name, PlacedAt: now, PaidAt: &now, CompletedAt: &now, UpdatedAt: now}
	text, err := json.Marshal(destination{Detail: at.Address})
	if err != nil {
		return Placed{}, nil, err
	}
	if order.AddressSealed, err = s.sealer.Seal(string(text), model.SealOrderAddress); err != nil {
		return Placed{}, nil, err
	}
	if err := setPayer(&order, b, allowances, model.Member{}); err != nil {
		return Placed{}, nil, err
	}
	if err := s.write(tx, actor, now, &order, b); err != nil {
		return Placed{}, nil, err
	}
	placed := Placed{ID: order.ID, OrderNo: order.OrderNo, Status: order.Status, TotalFen: order.GoodsFen, AllowanceFen: order.AllowanceFen, Parcels: len(b.dues), PlacedAt: now}
	return placed, views(b.lines), nil
}

// QuoteAtCounter says what SellAtCounter would sell, or why it would not, and changes nothing. It locks the allowances and stocks.
func (s *Service) QuoteAtCounter(tx *gorm.DB, now time.Time, at Counter, sale CounterSale) ([]LineView, error) {
	b, _, err := s.weigh(tx, now, at, sale)
	return views(b.lines), err
}

// weigh locks what pays and what is sold, and decides.
func (s *Service) weigh(tx *gorm.DB, now time.Time, at Counter, sale CounterSale) (basket, []model.Allowance, error) {
	allowances, err := s.allowances.Spendable(tx, at.Person, model.YearOf(now), now)
	if err != nil {
		return basket{}, nil, err
	}
	stocks, err := s.lockStocks(tx, sale.SKUs())
	if err != nil {
		return basket{}, nil, err
	}
	goods, err := shop.ForSale(tx, sale.SKUs(), now)
	if err != nil {
		return basket{}, nil, err
	}
	for id, item := range goods {
		if item.SupplierID != at.Supplier {
			delete(goods, id)
		}
	}
	stocks[0], goods[0] = 1, shop.SaleItem{SupplierID: at.Supplier, Name: sale.Goods, PriceFen: sale.GoodsFen}
	b, err := decide(sale.cart(), goods, stocks, allowances)
	return b, allowances, err
}

func views(lines []model.OrderLine) []LineView {
	list := make([]LineView, len(lines))
	for i, l := range lines {
		list[i] = viewLine(l)
	}
	return list
}
