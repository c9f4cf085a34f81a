package order

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"bangfu/model"
)

// The limits of one order.
const (
	MaxLines    = 50
	MaxQuantity = 999
	maxNote     = 200 // characters, also of a reason
)

// Cart is what a member wants to buy, with the prices that were shown. Prices are only compared, never used.
type Cart struct {
	Items     []Item    `json:"items"`
	AddressID model.ID  `json:"address_id"`
	TotalFen  model.Fen `json:"total_fen"`         // sum that was shown
	Note      string    `json:"note"`              // for the suppliers
	Payment   string    `json:"payment,omitempty"` // PayAllowance if empty
}

// The ways to pay for a cart.
const (
	PayAllowance = "allowance" // all from the allowances of one membership, or not at all
	PayMixed     = "mixed"     // from the allowances as far as they go, the rest through WeChat
	PayWechat    = "wechat"    // all through WeChat; the allowances stay as they are
)

// Item is one SKU of a cart.
type Item struct {
	SKUID    model.ID  `json:"sku_id"`
	Quantity int64     `json:"quantity"`
	PriceFen model.Fen `json:"price_fen"` // of one, as shown
}

// check refuses, with CodeInvalid and the field's name, what no order can be.
func (c Cart) check() error {
	if len(c.Items) == 0 {
		return model.Invalid("items", "请选择商品")
	}
	if len(c.Items) > MaxLines {
		return model.Invalid("items", fmt.Sprintf("一个订单最多 %d 种商品，请分开下单", MaxLines))
	}
	seen := make(map[model.ID]bool, len(c.Items))
	for i, it := range c.Items {
		field := fmt.Sprintf("items[%d].", i)
		switch {
		case it.SKUID <= 0:
			return model.Invalid(field+"sku_id", "缺少商品规格编号")
		case seen[it.SKUID]:
			return model.Invalid(field+"sku_id", "同一商品规格出现了两次，请合并数量")
		case it.Quantity < 1 || it.Quantity > MaxQuantity:
			return model.Invalid(field+"quantity", fmt.Sprintf("数量应为 1 到 %d", MaxQuantity))
		case it.PriceFen <= 0:
			return model.Invalid(field+"price_fen", "缺少页面显示的单价")
		}
		seen[it.SKUID] = true
	}
	if c.AddressID <= 0 {
		return model.Invalid("address_id", "请选择收货地址")
	}
	if c.TotalFen <= 0 || c.TotalFen > model.MaxFen {
		return model.Invalid("total_fen", "订单金额不正确")
	}
	switch c.Payment {
	case "", PayAllowance, PayMixed, PayWechat:
	default:
		return model.Invalid("payment", "支付方式应为 allowance（帮扶额度）、mixed（额度加微信支付）或 wechat（微信支付）")
	}
	return checkText("note", "备注", c.Note)
}

// skus lists the cart's SKUs in the cart's order.
func (c Cart) skus() []model.ID {
	ids := make([]model.ID, len(c.Items))
	for i, it := range c.Items {
		ids[i] = it.SKUID
	}
	return ids
}

// checkText bounds a free text and keeps control characters out; name is its Chinese name.
func checkText(field, name, text string) error {
	if utf8.RuneCountInString(text) > maxNote {
		return model.Invalid(field, fmt.Sprintf("%s不能超过 %d 个字", name, maxNote))
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
		return model.Invalid(field, name+"不能包含换行或看不见的字符")
	}
	return nil
}

// unprintable are control characters and invisible marks, but for the joiner inside emoji.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d'
}
