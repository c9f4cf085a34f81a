package invoice

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// View is a request as it is shown. A personal title is masked for everybody but the member and the supplier.
type View struct {
	ID           model.ID    `json:"id"`
	SupplierID   model.ID    `json:"supplier_id"`
	SupplierName string      `json:"supplier_name"`
	UnionID      model.ID    `json:"union_id"`
	UnionName    string      `json:"union_name"`
	ByMember     bool        `json:"by_member"`
	TitleKind    string      `json:"title_kind"`
	Title        string      `json:"title"`
	TaxNo        string      `json:"tax_no"`
	AmountFen    model.Fen   `json:"amount_fen"` // issued: of the invoice; requested: what the orders come to now
	RedFen       model.Fen   `json:"red_fen"`    // of that taken back by red invoices
	NeedsRed     bool        `json:"needs_red"`  // 需冲红: refunds after the issue
	RedDueFen    model.Fen   `json:"red_due_fen"`
	Status       string      `json:"status"`
	Reason       string      `json:"reason"`
	Orders       []OrderView `json:"orders"`
	Invoices     []BillView  `json:"invoices"`
	RequestedAt  time.Time   `json:"requested_at"`
	DecidedAt    *time.Time  `json:"decided_at"`
}

// OrderView is an order of a request.
type OrderView struct {
	OrderID   model.ID  `json:"order_id"`
	OrderNo   string    `json:"order_no"`
	AmountFen model.Fen `json:"amount_fen"`
}

// BillView is one uploaded invoice of a request.
type BillView struct {
	Kind        string     `json:"kind"` // normal | red
	InvoiceCode string     `json:"invoice_code"`
	InvoiceNo   string     `json:"invoice_no"`
	IssuedOn    model.Date `json:"issued_on"`
	AmountFen   model.Fen  `json:"amount_fen"`
	UploadedAt  time.Time  `json:"uploaded_at"`
}

// Filter narrows a list of requests; zero values do not.
type Filter struct {
	Status   string
	NeedsRed bool
}

// OfSupplier lists the requests to the actor's supplier, the newest first.
func (s *Service) OfSupplier(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[View], error) {
	return s.list(ctx, s.db.Read(ctx).Where("r.supplier_id = ?", actor.Supplier), f, page, false)
}

// OfUnion lists the requests that a union made itself, the newest first.
func (s *Service) OfUnion(ctx context.Context, union model.ID, f Filter, page model.Page) (model.List[View], error) {
	return s.list(ctx, s.db.Read(ctx).Where("r.union_id = ? AND r.person_id = 0", union), f, page, true)
}

// OfOrder lists the member's requests for an order, the newest first.
func (s *Service) OfOrder(ctx context.Context, actor model.Actor, order model.ID, page model.Page) (model.List[View], error) {
	q := s.db.Read(ctx).Where("r.person_id = ? AND r.id IN (SELECT x.request_id FROM invoice_request_orders x WHERE x.order_id = ?)", actor.ID, order)
	return s.list(ctx, q, Filter{}, page, false)
}

func (s *Service) list(ctx context.Context, q *gorm.DB, f Filter, page model.Page, masked bool) (model.List[View], error) {
	if f.Status != "" {
		q = q.Where("r.status = ?", f.Status)
	}
	if f.NeedsRed {
		q = q.Where("r.status = ? AND r.amount_fen - r.red_fen > "+netSQL, issued)
	}
	if page.Cursor != 0 {
		q = q.Where("r.id < ?", page.Cursor)
	}
	var rows []row
	if err := selected(q).Order("r.id DESC").Limit(page.Limit + 1).Scan(&rows).Error; err != nil {
		return model.List[View]{}, err
	}
	views, err := views(s.db.Read(ctx), rows, masked)
	return model.NewList(views, page, func(v View) model.ID { return v.ID }, func(v View) View { return v }), err
}

// Request shows one request to staff: the supplier sees the title, others a masked one if it is a person's.
func (s *Service) Request(ctx context.Context, actor model.Actor, id model.ID) (View, error) {
	return read(s.db.Read(ctx), id, actor.Supplier == 0)
}

// row is a request with what it comes to now.
type row struct {
	model.InvoiceRequest
	NetFen                  model.Fen
	SupplierName, UnionName string
}

func selected(q *gorm.DB) *gorm.DB {
	return q.Table("invoice_requests r").Select("r.*, " + netSQL + " AS net_fen, s.name AS supplier_name, u.name AS union_name").
		Joins("LEFT JOIN suppliers s ON s.id = r.supplier_id").Joins("LEFT JOIN unions u ON u.id = r.union_id")
}

func read(tx *gorm.DB, id model.ID, masked bool) (View, error) {
	var rows []row
	if err := selected(tx.Where("r.id = ?", id)).Scan(&rows).Error; err != nil {
		return View{}, err
	}
	if len(rows) == 0 {
		return View{}, model.NotFound("开票申请")
	}
	list, err := views(tx, rows, masked)
	if err != nil {
		return View{}, err
	}
	return list[0], nil
}

func views(tx *gorm.DB, rows []row, masked bool) ([]View, error) {
	ids := make([]model.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	var orders []struct {
		RequestID model.ID
		OrderView
	}
	err := tx.Raw("SELECT x.request_id, x.order_id, o.order_no, x.amount_fen FROM invoice_request_orders x JOIN orders o ON o.id = x.order_id WHERE x.request_id IN ? ORDER BY x.request_id, x.order_id", ids).
		Scan(&orders).Error
	if err != nil {
		return nil, err
	}
	var invoices []model.Invoice
	if err := tx.Where("request_id IN ?", ids).Order("id").Find(&invoices).Error; err != nil {
		return nil, err
	}
	list, at := make([]View, len(rows)), make(map[model.ID]*View, len(rows))
	for i, r := range rows {
		list[i] = r.view(masked)
		at[r.ID] = &list[i]
	}
	for _, o := range orders {
		at[o.RequestID].Orders = append(at[o.RequestID].Orders, o.OrderView)
	}
	for _, x := range invoices {
		at[x.RequestID].Invoices = append(at[x.RequestID].Invoices, BillView{Kind: x.Kind, InvoiceCode: x.InvoiceCode, InvoiceNo: x.InvoiceNo, IssuedOn: x.IssuedOn,
			AmountFen: x.AmountFen, UploadedAt: x.UploadedAt})
	}
	return list, nil
}

func (r row) view(masked bool) View {
	v := View{ID: r.ID, SupplierID: r.SupplierID, SupplierName: r.SupplierName, UnionID: r.UnionID, UnionName: r.UnionName, ByMember: r.PersonID != 0, TitleKind: r.TitleKind,
		Title: r.Title, TaxNo: r.TaxNo, AmountFen: r.AmountFen, RedFen: r.RedFen, Status: r.Status, Reason: r.Reason, Orders: []OrderView{}, Invoices: []BillView{},
		RequestedAt: r.RequestedAt, DecidedAt: r.DecidedAt}
	if masked && r.TitleKind == titlePersonal {
		v.Title = model.MaskName(r.Title)
	}
	switch r.Status {
	case requested:
		v.AmountFen = r.NetFen
	case issued:
		v.RedDueFen = max(0, r.AmountFen-r.RedFen-r.NetFen)
		v.NeedsRed = v.RedDueFen > 0
	}
	return v
}
