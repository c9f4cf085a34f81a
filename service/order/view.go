package order

import (
	"encoding/json"
	"time"

	"bangfu/model"
)

// View is an order in full. Staff see name, phone and address masked.
type View struct {
	ID           model.ID     `json:"id"`
	OrderNo      string       `json:"order_no"`
	Kind         string       `json:"kind"`
	Status       string       `json:"status"`
	UnionID      model.ID     `json:"union_id"`
	UnionName    string       `json:"union_name"`
	GoodsFen     model.Fen    `json:"goods_fen"`
	AllowanceFen model.Fen    `json:"allowance_fen"`
	WechatFen    model.Fen    `json:"wechat_fen"`
	RefundedFen  model.Fen    `json:"refunded_fen"`
	Consignee    string       `json:"consignee"`
	Phone        string       `json:"phone"`
	Address      string       `json:"address"`
	Note         string       `json:"note"`
	Payments     []Payment    `json:"payments"`
	Refunds      []RefundView `json:"refunds"`
	Parcels      []Part       `json:"parcels"`
	PlacedAt     time.Time    `json:"placed_at"`
	PayBefore    *time.Time   `json:"pay_before"` // with WeChat money
	PaidAt       *time.Time   `json:"paid_at"`
	CompletedAt  *time.Time   `json:"completed_at"`
	CancelledAt  *time.Time   `json:"cancelled_at"`
	CancelReason string       `json:"cancel_reason"`
}

// Payment is what one source paid for an order: an allowance, a union's fund, or WeChat money (no purse).
type Payment struct {
	AllowanceID *model.ID   `json:"allowance_id"`
	Purse       model.Purse `json:"purse"`
	PurseName   string      `json:"purse_name"`
	AmountFen   model.Fen   `json:"amount_fen"`
}

// RefundView is money given back for an order, and to where.
type RefundView struct {
	ID             model.ID  `json:"id"`
	Kind           string    `json:"kind"`
	AmountFen      model.Fen `json:"amount_fen"`
	ToAllowanceFen model.Fen `json:"to_allowance_fen"`
	ToFundFen      model.Fen `json:"to_fund_fen"`
	ToWechatFen    model.Fen `json:"to_wechat_fen"`
	WechatStatus   string    `json:"wechat_status"` // waiting | processing | done | failed; empty without WeChat money
	Reason         string    `json:"reason"`
	RefundedAt     time.Time `json:"refunded_at"`
}

// Part is one parcel of an order.
type Part struct {
	ID           model.ID   `json:"id"`
	SupplierID   model.ID   `json:"supplier_id"`
	SupplierName string     `json:"supplier_name"`
	Status       string     `json:"status"`
	AmountFen    model.Fen  `json:"amount_fen"`
	Carrier      string     `json:"carrier"`
	TrackingNo   string     `json:"tracking_no"`
	ShippedAt    *time.Time `json:"shipped_at"`
	ReceivedAt   *time.Time `json:"received_at"`
	ReceivedBy   string     `json:"received_by"`
	Lines        []LineView `json:"lines"`
}

// LineView is one SKU of an order as it was bought.
type LineView struct {
	ID          model.ID  `json:"id"`
	ProductID   *model.ID `json:"product_id"` // nil, as SKUID: goods typed at a counter
	SKUID       *model.ID `json:"sku_id"`
	ProductName string    `json:"product_name"`
	Spec        string    `json:"spec"`
	PriceFen    model.Fen `json:"price_fen"`
	Quantity    int64     `json:"quantity"`
	AmountFen   model.Fen `json:"amount_fen"`
	Refunded    int64     `json:"refunded_quantity"` // pieces of it that were given back
}

// Summary is an order in a list.
type Summary struct {
	ID          model.ID   `json:"id"`
	OrderNo     string     `json:"order_no"`
	Kind        string     `json:"kind"`
	Status      string     `json:"status"`
	UnionID     model.ID   `json:"union_id"`
	UnionName   string     `json:"union_name"`
	Consignee   string     `json:"consignee"` // masked for staff
	GoodsFen    model.Fen  `json:"goods_fen"`
	RefundedFen model.Fen  `json:"refunded_fen"`
	Lines       []LineView `json:"lines"`
	PlacedAt    time.Time  `json:"placed_at"`
}

// ParcelView is a parcel as its supplier sees it. Name, phone and address are masked in lists, and wherever the parcel
// has arrived or was cancelled.
type ParcelView struct {
	ID         model.ID   `json:"id"`
	OrderNo    string     `json:"order_no"`
	Status     string     `json:"status"`
	AmountFen  model.Fen  `json:"amount_fen"`
	Consignee  string     `json:"consignee"`
	Phone      string     `json:"phone"`
	Address    string     `json:"address"`
	Masked     bool       `json:"masked"`
	Note       string     `json:"note"`
	Carrier    string     `json:"carrier"`
	TrackingNo string     `json:"tracking_no"`
	Lines      []LineView `json:"lines"`
	CreatedAt  time.Time  `json:"created_at"`
	ShippedAt  *time.Time `json:"shipped_at"`
	ReceivedAt *time.Time `json:"received_at"`
}

func viewLine(l model.OrderLine) LineView {
	v := LineView{ID: l.ID, ProductName: l.ProductName, Spec: l.Spec, PriceFen: l.PriceFen, Quantity: l.Quantity, AmountFen: l.AmountFen}
	if l.SKUID != 0 {
		v.ProductID, v.SKUID = &l.ProductID, &l.SKUID
	}
	return v
}

// recipient is to whom an order goes.
type recipient struct{ name, phone, address string }

// recipientOf opens the order's copy of name, phone and address; masked hides who it is and where exactly.
func (s *Service) recipientOf(o model.Order, masked bool) (recipient, error) {
	phone, err := s.sealer.Open(o.PhoneSealed, model.SealOrderPhone)
	if err != nil {
		return recipient{}, err
	}
	text, err := s.sealer.Open(o.AddressSealed, model.SealOrderAddress)
	if err != nil {
		return recipient{}, err
	}
	var to destination
	if err := json.Unmarshal([]byte(text), &to); err != nil {
		return recipient{}, err
	}
	region := to.Province + to.City + to.District
	if masked && o.Kind != KindCounter { // there it is the hall's name and address
		return recipient{model.MaskName(o.Consignee), model.MaskPhone(phone), region + "****"}, nil
	}
	return recipient{o.Consignee, phone, region + to.Detail}, nil
}
