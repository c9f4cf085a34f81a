package aftersale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
)

// Summary is a case in a list.
type Summary struct {
	ID           model.ID   `json:"id"`
	OrderID      model.ID   `json:"order_id"`
	OrderNo      string     `json:"order_no"`
	OrderKind    string     `json:"order_kind"`
	SupplierID   model.ID   `json:"supplier_id"`
	SupplierName string     `json:"supplier_name"`
	UnionID      model.ID   `json:"union_id"`
	UnionName    string     `json:"union_name"`
	Kind         string     `json:"kind"`
	Reason       string     `json:"reason"`
	ReasonName   string     `json:"reason_name"`
	Status       string     `json:"status"`
	StatusName   string     `json:"status_name"`
	AmountFen    model.Fen  `json:"amount_fen"`
	Lines        []LineView `json:"lines"`
	DeadlineAt   *time.Time `json:"deadline_at"`
	CreatedAt    time.Time  `json:"created_at"`
	EndedAt      *time.Time `json:"ended_at"`
}

// View is a case in full.
type View struct {
	Summary
	ParcelID     model.ID          `json:"parcel_id"`
	ParcelStatus string            `json:"parcel_status"`
	Description  string            `json:"description"`
	ReturnTo     string            `json:"return_to"` // empty until goods are to be sent back
	Carrier      string            `json:"return_carrier"`
	TrackingNo   string            `json:"return_tracking_no"`
	ReturnedAt   *time.Time        `json:"returned_at"` // when the goods were sent back
	Refund       *order.RefundView `json:"refund"`      // with the progress of WeChat money
	Pictures     []PictureView     `json:"pictures"`
	History      []EventView       `json:"history"`
}

// LineView is what of an order line a case is about.
type LineView struct {
	LineID      model.ID  `json:"line_id"`
	ProductName string    `json:"product_name"`
	Spec        string    `json:"spec"`
	PriceFen    model.Fen `json:"price_fen"`
	Quantity    int64     `json:"quantity"`
	AmountFen   model.Fen `json:"amount_fen"`
}

// EventView is one step of a case's history.
type EventView struct {
	At     time.Time `json:"at"`
	Party  string    `json:"party"`
	Action string    `json:"action"`
	Title  string    `json:"title"` // who did what, in Chinese
	Status string    `json:"status"`
	Note   string    `json:"note"`
}

var parties = map[string]string{"member": "会员", "union": "工会", "supplier": "供应商", "platform": "平台", "clock": "系统"}

var actions = map[string]string{
	"open": "提交售后申请", "agree": "同意", "refuse": "拒绝", "send_back": "寄回商品", "receive": "确认收到退货", "withdraw": "撤回申请", "escalate": "申请平台处理",
	"decide": "作出处理", "expire": "超时处理",
}

// Filter narrows a list of cases; zero parts do not.
type Filter struct {
	Status string   // a state, or "open": all that are not over
	Order  model.ID // of one order
}

func (f Filter) narrow(q *gorm.DB) *gorm.DB {
	switch f.Status {
	case "":
	case "open":
		q = q.Where("status IN ?", model.OpenAfterSale)
	default:
		q = q.Where("status = ?", f.Status)
	}
	if f.Order != 0 {
		q = q.Where("order_id = ?", f.Order)
	}
	return q
}

// Mine lists the member's own cases, newest first.
func (s *Service) Mine(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[Summary], error) {
	q := f.narrow(s.db.Read(ctx).Where("person_id = ?", actor.ID))
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	return s.list(ctx, q.Order("id DESC"), page)
}

// Cases lists the cases that staff see, a supplier those about its goods, others those of their subtree: the open ones first, by
// deadline, then those that wait for the platform, then the ended ones, the last ended first.
func (s *Service) Cases(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[Summary], error) {
	after, err := s.after(ctx, page.Cursor)
	if err != nil {
		return model.List[Summary]{}, err
	}
	const order = "urgency, id"
	rows := func() *gorm.DB { return after(f.narrow(s.db.Read(ctx).Model(&model.AfterSale{}))) }
	if actor.Supplier != 0 {
		return s.list(ctx, rows().Where("supplier_id = ?", actor.Supplier).Order(order), page)
	}
	first, err := model.Among(s.db.Read(ctx), actor.UnionPath, page.Limit+1, []string{"urgency", "id"}, order, rows)
	if err != nil {
		return model.List[Summary]{}, err
	}
	return s.list(ctx, s.db.Read(ctx).Where("id IN ?", first).Order(order), page)
}

// after narrows a list by urgency to what comes after the cursor.
func (s *Service) after(ctx context.Context, cursor model.ID) (narrow func(q *gorm.DB) *gorm.DB, err error) {
	if cursor == 0 {
		return func(q *gorm.DB) *gorm.DB { return q }, nil
	}
	var last model.AfterSale
	err = s.db.Read(ctx).Select("urgency").Where("id = ?", cursor).Take(&last).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.Invalid("cursor", "cursor 不正确，请从第一页重新查看")
	}
	return func(q *gorm.DB) *gorm.DB {
		return q.Where("urgency >= ? AND (urgency > ? OR id > ?)", last.Urgency, last.Urgency, cursor)
	}, err
}

func (s *Service) list(ctx context.Context, q *gorm.DB, page model.Page) (model.List[Summary], error) {
	var rows []model.AfterSale
	if err := q.Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[Summary]{}, err
	}
	views, err := s.summaries(ctx, rows)
	if err != nil {
		return model.List[Summary]{}, err
	}
	return model.NewList(views, page, func(v Summary) model.ID { return v.ID }, func(v Summary) Summary { return v }), nil
}

func (s *Service) summaries(ctx context.Context, rows []model.AfterSale) ([]Summary, error) {
	ids := make([]model.ID, len(rows))
	for i, c := range rows {
		ids[i] = c.ID
	}
	var names []struct {
		ID                                     model.ID
		OrderNo, Kind, SupplierName, UnionName string
	}
	err := s.db.Read(ctx).Table("after_sales c").Select("c.id, o.order_no, o.kind, s.name AS supplier_name, u.name AS union_name").Joins("JOIN orders o ON o.id = c.order_id").
		Joins("JOIN suppliers s ON s.id = c.supplier_id").Joins("JOIN unions u ON u.id = c.union_id").Where("c.id IN ?", ids).Scan(&names).Error
	if err != nil {
		return nil, err
	}
	var lines []struct {
		CaseID model.ID
		LineView
	}
	err = s.db.Read(ctx).Table("after_sale_lines x").Select("x.case_id, x.line_id, l.product_name, l.spec, l.price_fen, x.quantity, x.amount_fen").
		Joins("JOIN order_lines l ON l.id = x.line_id").Where("x.case_id IN ?", ids).Order("x.line_id").Scan(&lines).Error
	if err != nil {
		return nil, err
	}
	views := make([]Summary, len(rows))
	for i, c := range rows {
		v := Summary{ID: c.ID, OrderID: c.OrderID, SupplierID: c.SupplierID, UnionID: c.UnionID, Kind: c.Kind, Reason: c.Reason, ReasonName: reasonName(c.Reason), Status: c.Status,
			StatusName: statusNames[c.Status], AmountFen: c.AmountFen, Lines: []LineView{}, DeadlineAt: c.DeadlineAt, CreatedAt: c.CreatedAt, EndedAt: c.EndedAt}
		for _, n := range names {
			if n.ID == c.ID {
				v.OrderNo, v.OrderKind, v.SupplierName, v.UnionName = n.OrderNo, n.Kind, n.SupplierName, n.UnionName
			}
		}
		for _, l := range lines {
			if l.CaseID == c.ID {
				v.Lines = append(v.Lines, l.LineView)
			}
		}
		views[i] = v
	}
	return views, nil
}

// Case shows a case in full. The caller has checked who asks.
func (s *Service) Case(ctx context.Context, actor model.Actor, id model.ID) (View, error) {
	c, err := read(s.db.Read(ctx), id)
	if err != nil {
		return View{}, err
	}
	heads, err := s.summaries(ctx, []model.AfterSale{c})
	if err != nil {
		return View{}, err
	}
	v := View{Summary: heads[0], ParcelID: c.ParcelID, Description: c.Description, Carrier: c.ReturnCarrier, TrackingNo: c.ReturnTrackingNo, ReturnedAt: c.ReturnedAt,
		Pictures: []PictureView{}, History: []EventView{}}
	if c.ReturnToSealed != "" {
		if v.ReturnTo, err = s.sealer.Open(c.ReturnToSealed, model.SealReturnTo); err != nil {
			return View{}, err
		}
	}
	if c.RefundID != nil {
		r, err := s.orders.Refund(ctx, c.OrderID, *c.RefundID)
		if err != nil {
			return View{}, err
		}
		v.Refund = &r
	}
	err = s.fill(ctx, actor, &v)
	return v, err
}

// fill reads the parcel's state, the pictures and the history of a case.
func (s *Service) fill(ctx context.Context, actor model.Actor, v *View) error {
	var parcel model.Parcel
	if err := s.db.Read(ctx).Select("status").Where("id = ?", v.ParcelID).Take(&parcel).Error; err != nil {
		return err
	}
	v.ParcelStatus = parcel.Status
	var pictures []model.AfterSalePicture
	if err := s.db.Read(ctx).Where("case_id = ?", v.ID).Order("seq").Find(&pictures).Error; err != nil {
		return err
	}
	for _, p := range pictures {
		v.Pictures = append(v.Pictures, PictureView{Seq: p.Seq, URL: pictureURL(actor, v.ID, p.Seq)})
	}
	var events []model.AfterSaleEvent
	if err := s.db.Read(ctx).Where("case_id = ?", v.ID).Order("at, id").Find(&events).Error; err != nil {
		return err
	}
	for _, e := range events {
		v.History = append(v.History, EventView{At: e.At, Party: e.Party, Action: e.Action, Title: parties[e.Party] + actions[e.Action], Status: e.Status, Note: e.Note})
	}
	return nil
}

// pictureURL is where whoever asks finds a picture.
func pictureURL(actor model.Actor, id model.ID, seq int) string {
	audience := "console"
	if actor.Kind == model.ActorPerson {
		audience = "member"
	}
	return fmt.Sprintf("/api/v1/%s/after-sales/%s/pictures/%d", audience, id, seq)
}
