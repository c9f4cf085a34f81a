package counter

import (
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Redemption is a redemption as its hall sees it: of the member only the masked name and, until it is charged, how much can be spent.
type Redemption struct {
	ID           model.ID   `json:"id"`
	HallID       model.ID   `json:"hall_id"`
	HallName     string     `json:"hall_name"`
	CashierName  string     `json:"cashier_name"`
	Status       string     `json:"status"`
	MemberName   string     `json:"member_name"`   // masked
	SpendableFen *model.Fen `json:"spendable_fen"` // the most that one sale can cost; only while scanned
	Lines        []Line     `json:"lines"`
	TotalFen     model.Fen  `json:"total_fen"`
	RefundedFen  model.Fen  `json:"refunded_fen"` // voided, or given back by after-sales
	Order        *OrderRef  `json:"order"`        // once paid
	ScannedAt    time.Time  `json:"scanned_at"`
	SecondsLeft  int        `json:"seconds_left"` // until it expires; 0 in an end state
	PaidAt       *time.Time `json:"paid_at"`
	Voidable     bool       `json:"voidable"` // it is paid and its day is not over
	VoidedAt     *time.Time `json:"voided_at"`
	VoidReason   string     `json:"void_reason"`
}

// MemberRedemption is a redemption as its member sees it.
type MemberRedemption struct {
	ID          model.ID   `json:"id"`
	HallName    string     `json:"hall_name"`
	HallAddress string     `json:"hall_address"`
	Status      string     `json:"status"`
	Lines       []Line     `json:"lines"`
	TotalFen    model.Fen  `json:"total_fen"`
	Order       *OrderRef  `json:"order"` // once paid
	ScannedAt   time.Time  `json:"scanned_at"`
	SecondsLeft int        `json:"seconds_left"` // to confirm; 0 in an end state
	PaidAt      *time.Time `json:"paid_at"`
	VoidedAt    *time.Time `json:"voided_at"`
	VoidReason  string     `json:"void_reason"`
}

// Line is one kind of goods of a sale. Typed goods have no SKU.
type Line struct {
	SKUID     *model.ID `json:"sku_id"`
	Name      string    `json:"name"`
	Spec      string    `json:"spec"`
	PriceFen  model.Fen `json:"price_fen"`
	Quantity  int64     `json:"quantity"`
	AmountFen model.Fen `json:"amount_fen"`
}

// OrderRef names the order that a redemption became.
type OrderRef struct {
	ID      model.ID `json:"id"`
	OrderNo string   `json:"order_no"`
}

// around is what redemptions are shown with.
type around struct {
	halls  map[model.ID]model.Hall
	staff  map[model.ID]string
	names  map[model.ID]string // of members, by person, masked
	orders map[model.ID]model.Order
}

func lookAround(tx *gorm.DB, rows []model.Redemption) (around, error) {
	a := around{map[model.ID]model.Hall{}, map[model.ID]string{}, map[model.ID]string{}, map[model.ID]model.Order{}}
	var halls []model.Hall
	if err := tx.Where("id IN ?", ids(rows, func(r model.Redemption) model.ID { return r.HallID })).Find(&halls).Error; err != nil {
		return a, err
	}
	for _, h := range halls {
		a.halls[h.ID] = h
	}
	var staff []model.Staff
	if err := tx.Select("id", "name").Where("id IN ?", ids(rows, func(r model.Redemption) model.ID { return r.CashierID })).Find(&staff).Error; err != nil {
		return a, err
	}
	for _, s := range staff {
		a.staff[s.ID] = s.Name
	}
	var members []model.Member
	persons := ids(rows, func(r model.Redemption) model.ID { return r.PersonID })
	if err := tx.Select("id", "person_id", "name").Where("person_id IN ?", persons).Order("status DESC, id DESC").Find(&members).Error; err != nil {
		return a, err
	}
	for _, m := range members { // the last one stays: an active membership, the oldest
		a.names[m.PersonID] = model.MaskName(m.Name)
	}
	var orders []model.Order
	placed := ids(rows, func(r model.Redemption) model.ID {
		if r.OrderID == nil {
			return 0
		}
		return *r.OrderID
	})
	err := tx.Select("id", "order_no", "refunded_fen").Where("id IN ?", placed).Find(&orders).Error
	for _, o := range orders {
		a.orders[o.ID] = o
	}
	return a, err
}

func (a around) show(r model.Redemption, now time.Time) (Redemption, error) {
	lines, err := linesOf(r)
	v := Redemption{ID: r.ID, HallID: r.HallID, HallName: a.halls[r.HallID].Name, CashierName: a.staff[r.CashierID], Status: statusAt(r, now), MemberName: a.names[r.PersonID],
		Lines: lines, TotalFen: r.TotalFen, Order: a.order(r), ScannedAt: r.ScannedAt, SecondsLeft: secondsLeft(r, now), PaidAt: r.PaidAt,
		Voidable: r.Status == StatusPaid && r.PaidOn == model.DateOf(now), VoidedAt: r.VoidedAt, VoidReason: r.VoidReason}
	if r.OrderID != nil {
		v.RefundedFen = a.orders[*r.OrderID].RefundedFen
	}
	return v, err
}

func (a around) showMember(r model.Redemption, now time.Time) (MemberRedemption, error) {
	lines, err := linesOf(r)
	hall := a.halls[r.HallID]
	return MemberRedemption{ID: r.ID, HallName: hall.Name, HallAddress: hall.Address, Status: statusAt(r, now), Lines: lines, TotalFen: r.TotalFen, Order: a.order(r),
		ScannedAt: r.ScannedAt, SecondsLeft: secondsLeft(r, now), PaidAt: r.PaidAt, VoidedAt: r.VoidedAt, VoidReason: r.VoidReason}, err
}

func (a around) order(r model.Redemption) *OrderRef {
	if r.OrderID == nil {
		return nil
	}
	return &OrderRef{ID: *r.OrderID, OrderNo: a.orders[*r.OrderID].OrderNo}
}

// secondsLeft is rounded up, so that 0 means over.
func secondsLeft(r model.Redemption, now time.Time) int {
	if status := statusAt(r, now); status != StatusScanned && status != StatusAwaiting {
		return 0
	}
	return int((r.ExpiresAt.Sub(now) + time.Second - 1) / time.Second)
}

func linesOf(r model.Redemption) ([]Line, error) {
	if r.Sale == "" {
		return []Line{}, nil
	}
	var f fixed
	err := json.Unmarshal([]byte(r.Sale), &f)
	return f.Lines, err
}

// ids lists one id of each row, without repeats.
func ids(rows []model.Redemption, id func(model.Redemption) model.ID) []model.ID {
	list := make([]model.ID, len(rows))
	for i, r := range rows {
		list[i] = id(r)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
