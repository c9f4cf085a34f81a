package group

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/order"
)

// View is a group purchase as staff see it.
type View struct {
	ID              model.ID               `json:"id"`
	UnionID         model.ID               `json:"union_id"`
	FundID          model.ID               `json:"fund_id"`
	Purse           model.Purse            `json:"purse"`
	PurseName       string                 `json:"purse_name"`
	Year            model.Year             `json:"year"`
	Title           string                 `json:"title"`
	Selection       string                 `json:"selection"` // roster | filter | list
	Filter          *allowance.GrantFilter `json:"filter"`
	Division        string                 `json:"division"` // even | each
	Items           []ItemView             `json:"items"`
	Consignee       string                 `json:"consignee"` // masked
	Phone           string                 `json:"phone"`     // masked
	Address         string                 `json:"address"`   // the unit's, in full
	Note            string                 `json:"note"`
	Status          string                 `json:"status"` // draft | ordered | signing | done | refunded | rejected | cancelled
	Receivers       int                    `json:"receivers"`
	Signed          int                    `json:"signed"` // receivers who have signed
	TotalFen        model.Fen              `json:"total_fen"`
	RefundedFen     model.Fen              `json:"refunded_fen"`
	FundBalanceFen  model.Fen              `json:"fund_balance_fen"`
	MissingFen      model.Fen              `json:"missing_fen"` // of a draft: what the fund lacks
	Order           *OrderRef              `json:"order"`
	DraftedBy       model.Ref              `json:"drafted_by"`
	DraftedAt       time.Time              `json:"drafted_at"`
	DecidedBy       *model.Ref             `json:"decided_by"`
	DecidedAt       *time.Time             `json:"decided_at"`
	DecisionNote    string                 `json:"decision_note"`
	CancelAskedBy   *model.Ref             `json:"cancel_asked_by"`
	CancelAskedAt   *time.Time             `json:"cancel_asked_at"`
	CancelReason    string                 `json:"cancel_reason"`
	CancelDecidedBy *model.Ref             `json:"cancel_decided_by"`
	CancelDecidedAt *time.Time             `json:"cancel_decided_at"`
	Warnings        []string               `json:"warnings"` // approving holiday money: which of its limits is near or passed, see package limit
}

// ItemView is one SKU of a group purchase.
type ItemView struct {
	SKUID       model.ID  `json:"sku_id"`
	ProductName string    `json:"product_name"`
	Spec        string    `json:"spec"`
	PriceFen    model.Fen `json:"price_fen"`
	PerSet      int64     `json:"per_set"` // division each; else 0
	Quantity    int64     `json:"quantity"`
	AmountFen   model.Fen `json:"amount_fen"`
}

// OrderRef is the order of a group purchase and how far its parcels are.
type OrderRef struct {
	ID      model.ID    `json:"id"`
	OrderNo string      `json:"order_no"`
	Status  string      `json:"status"`
	Parcels []ParcelRef `json:"parcels"`
}

// ParcelRef is one parcel of the order.
type ParcelRef struct {
	ID           model.ID   `json:"id"`
	SupplierName string     `json:"supplier_name"`
	Status       string     `json:"status"`
	Carrier      string     `json:"carrier"`
	TrackingNo   string     `json:"tracking_no"`
	ShippedAt    *time.Time `json:"shipped_at"`
	ReceivedAt   *time.Time `json:"received_at"`
}

// ReceiverView is one member of a group purchase.
type ReceiverView struct {
	ID          model.ID   `json:"id"`
	MemberID    model.ID   `json:"member_id"`
	Name        string     `json:"name"` // masked
	EmployeeNo  string     `json:"employee_no"`
	Department  string     `json:"department"`
	Sets        int64      `json:"sets"` // division each; else 0
	ShareFen    model.Fen  `json:"share_fen"`
	ReturnedFen model.Fen  `json:"returned_fen"`
	SignedAt    *time.Time `json:"signed_at"`
	Method      string     `json:"method"` // member | paper; empty: not signed
	Note        string     `json:"note"`
}

// Purchases lists a union's group purchases, the latest first; year 0 and an empty status mean all. status is a stored one: "ordered"
// finds those that are being signed and done too.
func (s *Service) Purchases(ctx context.Context, unionID model.ID, year model.Year, status string, page model.Page) (model.List[View], error) {
	tx := s.db.Read(ctx)
	q := tx.Where("union_id = ?", unionID)
	if year != 0 {
		q = q.Where("year = ?", year)
	}
	if status != "" {
		q = q.Where("status = ?", status)
	}
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.GroupPurchase
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[View]{}, err
	}
	views, err := s.views(tx, rows)
	return model.NewList(views, page, func(v View) model.ID { return v.ID }, func(v View) View { return v }), err
}

// Purchase is one group purchase.
func (s *Service) Purchase(ctx context.Context, id model.ID) (View, error) {
	return s.freshView(s.db.Read(ctx), id)
}

// Receivers lists the members of a group purchase, by rising entry; signed narrows to those who have ("yes") or have not ("no") signed.
func (s *Service) Receivers(ctx context.Context, id model.ID, signed string, page model.Page) (model.List[ReceiverView], error) {
	q := receiversQuery(s.db.Read(ctx), id).Where("r.id > ?", page.Cursor)
	switch signed {
	case "yes":
		q = q.Where("g.id IS NOT NULL")
	case "no":
		q = q.Where("g.id IS NULL")
	}
	var rows []ReceiverView
	err := q.Order("r.id").Limit(page.Limit + 1).Scan(&rows).Error
	return model.NewList(rows, page, func(v ReceiverView) model.ID { return v.ID }, func(v ReceiverView) ReceiverView {
		v.Name = model.MaskName(v.Name)
		return v
	}), err
}

// receiversQuery reads the receivers of a purchase with their names in full.
func receiversQuery(tx *gorm.DB, id model.ID) *gorm.DB {
	return tx.Table("group_receivers r").Select("r.id, r.member_id, m.name, m.employee_no, m.department, r.sets, r.share_fen, r.returned_fen, g.signed_at, COALESCE(g.method, '') AS method, COALESCE(g.note, '') AS note").
		Joins("JOIN members m ON m.id = r.member_id").Joins("LEFT JOIN group_signoffs g ON g.live_receiver_id = r.id").Where("r.purchase_id = ?", id)
}

func (s *Service) freshView(tx *gorm.DB, id model.ID) (View, error) {
	p, err := find(tx, id)
	if err != nil {
		return View{}, err
	}
	return s.view(tx, p)
}

func (s *Service) view(tx *gorm.DB, p model.GroupPurchase) (View, error) {
	views, err := s.views(tx, []model.GroupPurchase{p})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// about is what a page of group purchases refers to, read at once.
type about struct {
	lines   map[model.ID][]ItemView
	funds   map[model.ID]model.Fen
	orders  map[model.ID]model.Order
	parcels map[model.ID][]ParcelRef // by order
	signed  map[model.ID]int
	staff   model.Names
}

func (s *Service) views(tx *gorm.DB, rows []model.GroupPurchase) ([]View, error) {
	a, err := aboutOf(tx, rows)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(rows))
	for i, p := range rows {
		if views[i], err = s.show(p, a); err != nil {
			return nil, err
		}
	}
	return views, nil
}

func aboutOf(tx *gorm.DB, rows []model.GroupPurchase) (about, error) {
	a := about{lines: map[model.ID][]ItemView{}, funds: map[model.ID]model.Fen{}, orders: map[model.ID]model.Order{}, parcels: map[model.ID][]ParcelRef{},
		signed: map[model.ID]int{}}
	var ids, funds, orders, staff []model.ID
	for _, p := range rows {
		ids, funds, staff = append(ids, p.ID), append(funds, p.FundID), append(staff, p.DraftedBy)
		if p.OrderID != nil {
			orders = append(orders, *p.OrderID)
		}
		for _, who := range []*model.ID{p.DecidedBy, p.CancelAskedBy, p.CancelDecidedBy} {
			if who != nil {
				staff = append(staff, *who)
			}
		}
	}
	if err := a.readLines(tx, ids); err != nil {
		return a, err
	}
	if err := a.readOrders(tx, orders); err != nil {
		return a, err
	}
	var fundRows []model.Fund
	if err := tx.Where("id IN ?", funds).Find(&fundRows).Error; err != nil {
		return a, err
	}
	for _, f := range fundRows {
		a.funds[f.ID] = f.BalanceFen
	}
	var err error
	if a.staff, err = model.NamesOf(tx, &model.Staff{}, staff); err != nil {
		return a, err
	}
	var counts []struct {
		PurchaseID model.ID
		N          int
	}
	err = tx.Model(&model.GroupSignoff{}).Select("purchase_id, COUNT(*) AS n").Where("purchase_id IN ? AND live_receiver_id IS NOT NULL", ids).Group("purchase_id").Scan(&counts).Error
	for _, c := range counts {
		a.signed[c.PurchaseID] = c.N
	}
	return a, err
}

func (a about) readLines(tx *gorm.DB, ids []model.ID) error {
	var lines []model.GroupLine
	err := tx.Where("purchase_id IN ?", ids).Order("sku_id").Find(&lines).Error
	for _, l := range lines {
		a.lines[l.PurchaseID] = append(a.lines[l.PurchaseID], ItemView{SKUID: l.SKUID, ProductName: l.ProductName, Spec: l.Spec, PriceFen: l.PriceFen, PerSet: l.PerSet,
			Quantity: l.Quantity, AmountFen: l.PriceFen * model.Fen(l.Quantity)})
	}
	return err
}

func (a about) readOrders(tx *gorm.DB, ids []model.ID) error {
	var orders []model.Order
	if err := tx.Where("id IN ?", ids).Find(&orders).Error; err != nil {
		return err
	}
	for _, o := range orders {
		a.orders[o.ID] = o
	}
	var parcels []struct {
		OrderID model.ID
		ParcelRef
	}
	err := tx.Table("parcels p").Select("p.order_id, p.id, s.name AS supplier_name, p.status, p.carrier, p.tracking_no, p.shipped_at, p.received_at").
		Joins("JOIN suppliers s ON s.id = p.supplier_id").Where("p.order_id IN ?", ids).Order("p.supplier_id").Scan(&parcels).Error
	for _, p := range parcels {
		a.parcels[p.OrderID] = append(a.parcels[p.OrderID], p.ParcelRef)
	}
	return err
}

func (s *Service) show(p model.GroupPurchase, a about) (View, error) {
	to, err := s.deliveryOf(p)
	if err != nil {
		return View{}, err
	}
	v := View{ID: p.ID, UnionID: p.UnionID, FundID: p.FundID, Purse: p.Purse, PurseName: p.Purse.Name(), Year: p.Year, Title: p.Title, Selection: p.Selection, Division: p.Division,
		Items: append([]ItemView{}, a.lines[p.ID]...), Consignee: model.MaskName(to.Consignee), Phone: model.MaskPhone(to.Phone), Address: to.Province + to.City + to.District + to.Detail, Note: p.Note,
		Status: p.Status, Receivers: p.Receivers, Signed: a.signed[p.ID], TotalFen: p.TotalFen, FundBalanceFen: a.funds[p.FundID],
		DraftedBy: *a.staff.Ref(&p.DraftedBy), DraftedAt: p.DraftedAt, DecidedBy: a.staff.Ref(p.DecidedBy), DecidedAt: p.DecidedAt, DecisionNote: p.DecisionNote,
		CancelAskedBy: a.staff.Ref(p.CancelAskedBy), CancelAskedAt: p.CancelAskedAt, CancelReason: p.CancelReason, CancelDecidedBy: a.staff.Ref(p.CancelDecidedBy), CancelDecidedAt: p.CancelDecidedAt,
		Warnings: []string{}}
	if p.Status == StatusDraft {
		v.MissingFen = max(0, p.TotalFen-v.FundBalanceFen)
	}
	if p.Selection == "filter" {
		v.Filter = &allowance.GrantFilter{}
		if err := json.Unmarshal([]byte(p.FilterJSON), v.Filter); err != nil {
			return v, err
		}
	}
	if p.OrderID != nil {
		o := a.orders[*p.OrderID]
		v.RefundedFen = o.RefundedFen
		v.Order = &OrderRef{ID: o.ID, OrderNo: o.OrderNo, Status: o.Status, Parcels: append([]ParcelRef{}, a.parcels[o.ID]...)}
		v.Status = stage(p, o, v.Order.Parcels, v.Signed)
	}
	return v, nil
}

// stage is how far a group purchase is that was ordered.
func stage(p model.GroupPurchase, o model.Order, parcels []ParcelRef, signed int) string {
	received := false
	for _, parcel := range parcels {
		received = received || parcel.Status == order.ParcelReceived
	}
	switch {
	case p.Status != StatusOrdered:
		return p.Status
	case o.RefundedFen >= o.GoodsFen:
		return StageRefunded
	case !received:
		return StatusOrdered
	case signed < p.Receivers:
		return StageSigning
	}
	return StageDone
}
