package order

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// Filter narrows a list of orders; zero parts do not.
type Filter struct {
	Status   string
	From, To model.Date // days of placing, both inclusive
}

// MyOrders lists the member's own orders, newest first.
func (s *Service) MyOrders(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[Summary], error) {
	return s.list(ctx, s.db.Read(ctx).Where("person_id = ?", actor.ID), f, page, false)
}

// UnionOrders lists the orders counted in the union or below it, newest first, names masked. The caller has
// checked that the union is in the actor's scope.
func (s *Service) UnionOrders(ctx context.Context, union model.ID, f Filter, page model.Page) (model.List[Summary], error) {
	var u model.Union
	err := s.db.Read(ctx).Select("path").Where("id = ?", union).Take(&u).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.List[Summary]{}, model.NotFound("工会")
	}
	if err != nil {
		return model.List[Summary]{}, err
	}
	newest, err := s.newest(ctx, u.Path, f, page)
	if err != nil {
		return model.List[Summary]{}, err
	}
	var orders []model.Order
	if err := s.db.Read(ctx).Where("id IN ?", newest).Order("id DESC").Find(&orders).Error; err != nil {
		return model.List[Summary]{}, err
	}
	return s.summaries(ctx, orders, page, true)
}

// newest finds a page of the orders of the unions below a path.
func (s *Service) newest(ctx context.Context, path string, f Filter, page model.Page) ([]model.ID, error) {
	if f == (Filter{}) {
		unions, err := model.Few(s.db.Read(ctx), path)
		if err != nil {
			return nil, err
		}
		if len(unions) > 0 {
			return s.ofFew(ctx, unions, page)
		}
	}
	days, err := s.between(ctx, f)
	if err != nil {
		return nil, err
	}
	return model.Newest(s.db.Read(ctx), "orders", path, page, func(q *gorm.DB) *gorm.DB { return days(f.narrow(q)) })
}

// ofFew finds a page of the orders of a few unions. They have an index by the time of payment, not by id: some page of them, found by that
// time, tells from which id on the page lies, and what lies there was paid since then or not at all.
func (s *Service) ofFew(ctx context.Context, unions []model.ID, page model.Page) (found []model.ID, err error) {
	rows := func() *gorm.DB {
		q := s.db.Read(ctx).Model(&model.Order{})
		if page.Cursor != 0 {
			q = q.Where("id < ?", page.Cursor)
		}
		return q
	}
	before, n := s.db.Now().Add(idSlackTime), page.Limit+1
	if page.Cursor != 0 {
		before = page.Cursor.Time().Add(idSlackTime)
	}
	var some []model.Order
	for _, union := range unions {
		for year := model.YearOf(before); year >= model.YearOf(before)-1; year-- {
			var part []model.Order
			q := rows().Select("id", "placed_at").Where("union_id = ? AND year = ? AND paid_at < ?", union, year, before)
			if err := q.Order("paid_at DESC").Limit(n).Find(&part).Error; err != nil {
				return nil, err
			}
			if some = append(some, part...); len(part) == n {
				break
			}
		}
	}
	if len(some) < n {
		err = rows().Where("union_id IN ?", unions).Order("id + 0 DESC").Limit(n).Pluck("id", &found).Error // by the index of unions, not by that of ids
		return found, err
	}
	slices.SortFunc(some, func(a, b model.Order) int { return cmp.Compare(b.ID, a.ID) })
	last := some[n-1]
	since := last.PlacedAt.Add(-idSlackTime)
	var parts []string
	var args []any
	part := func(union model.ID, year model.Year, paid string, at ...any) {
		parts = append(parts, "SELECT id FROM orders WHERE union_id = ? AND year = ? AND id >= ? AND id < ? AND paid_at "+paid)
		args = append(append(args, union, year, last.ID, cmp.Or(page.Cursor, math.MaxInt64)), at...)
	}
	for _, union := range unions {
		for year := model.YearOf(since) - 1; year <= model.YearOf(before)+1; year++ { // of the money, which may be another than that of the day
			part(union, year, ">= ?", since)
			part(union, year, "IS NULL")
		}
	}
	err = s.db.Read(ctx).Raw(strings.Join(parts, " UNION ALL ")+" ORDER BY id DESC LIMIT ?", append(args, n)...).Scan(&found).Error
	return found, err
}

// narrow leaves the orders that fit, in the order of their ids. The days are written so that no index of theirs is taken: whoever looks at a
// long time wants its last orders, and only the ids are in that order.
func (f Filter) narrow(q *gorm.DB) *gorm.DB {
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if f.From != "" {
		q = q.Where("CASE WHEN placed_at >= ? THEN 1 ELSE 0 END = 1", f.From.Start())
	}
	if f.To != "" {
		q = q.Where("CASE WHEN placed_at < ? THEN 1 ELSE 0 END = 1", f.To.End())
	}
	return q
}

// between tells between which ids the orders of a filter by days are: ids rise with the time of placing, but for what several processes
// and repeated attempts mix up, which is far less than the slack.
func (s *Service) between(ctx context.Context, f Filter) (narrow func(q *gorm.DB) *gorm.DB, err error) {
	edge := func(where string, at time.Time, order string) (first []model.ID, err error) {
		err = s.db.Read(ctx).Model(&model.Order{}).Where(where, at).Order(order).Limit(1).Pluck("id", &first).Error
		return first, err
	}
	low, high := []model.ID{0}, []model.ID{math.MaxInt64 - idSlack}
	if f.From != "" {
		if low, err = edge("placed_at >= ?", f.From.Start(), "placed_at"); err != nil {
			return nil, err
		}
	}
	if f.To != "" {
		if high, err = edge("placed_at < ?", f.To.End(), "placed_at DESC"); err != nil {
			return nil, err
		}
	}
	return func(q *gorm.DB) *gorm.DB {
		switch {
		case f.From == "" && f.To == "":
			return q
		case len(low) == 0 || len(high) == 0:
			return q.Where("1 = 0")
		}
		return q.Where("id BETWEEN ? AND ?", low[0]-idSlack, high[0]+idSlack)
	}, nil
}

// idSlack is an hour of ids.
const (
	idSlackTime = time.Hour
	idSlack     = model.ID(idSlackTime/time.Millisecond) << 22
)

func (s *Service) list(ctx context.Context, q *gorm.DB, f Filter, page model.Page, masked bool) (model.List[Summary], error) {
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var orders []model.Order
	if err := f.narrow(q).Order("id DESC").Limit(page.Limit + 1).Find(&orders).Error; err != nil {
		return model.List[Summary]{}, err
	}
	return s.summaries(ctx, orders, page, masked)
}

// summaries shows orders, with one more than fits on the page if there is a next one.
func (s *Service) summaries(ctx context.Context, orders []model.Order, page model.Page, masked bool) (model.List[Summary], error) {
	lines, err := s.linesOf(ctx, ids(orders, func(o model.Order) model.ID { return o.ID }), func(l model.OrderLine) model.ID { return l.OrderID })
	if err != nil {
		return model.List[Summary]{}, err
	}
	names, err := s.unionNames(ctx, ids(orders, func(o model.Order) model.ID { return o.UnionID }))
	if err != nil {
		return model.List[Summary]{}, err
	}
	return model.NewList(orders, page, func(o model.Order) model.ID { return o.ID }, func(o model.Order) Summary {
		consignee := o.Consignee
		if masked && o.Kind != KindCounter { // there it is the hall's name
			consignee = model.MaskName(consignee)
		}
		return Summary{ID: o.ID, OrderNo: o.OrderNo, Kind: o.Kind, Status: o.Status, UnionID: o.UnionID, UnionName: names[o.UnionID], Consignee: consignee,
			GoodsFen: o.GoodsFen, RefundedFen: o.RefundedFen, Lines: lines[o.ID], PlacedAt: o.PlacedAt}
	}), nil
}

// Order shows an order in full: to its member as it is, to staff masked. The caller has checked the scope.
func (s *Service) Order(ctx context.Context, actor model.Actor, id model.ID) (View, error) {
	var o model.Order
	q := s.db.Read(ctx).Where("id = ?", id)
	if actor.Kind == model.ActorPerson {
		q = q.Where("person_id = ?", actor.ID)
	}
	err := q.Take(&o).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return View{}, model.NotFound("订单")
	}
	if err != nil {
		return View{}, err
	}
	to, err := s.recipientOf(o, actor.Kind != model.ActorPerson)
	if err != nil {
		return View{}, err
	}
	names, err := s.unionNames(ctx, []model.ID{o.UnionID})
	if err != nil {
		return View{}, err
	}
	v := View{ID: o.ID, OrderNo: o.OrderNo, Kind: o.Kind, Status: o.Status, PayBefore: o.PayBefore, UnionID: o.UnionID, UnionName: names[o.UnionID], GoodsFen: o.GoodsFen, AllowanceFen: o.AllowanceFen,
		WechatFen: o.WechatFen, RefundedFen: o.RefundedFen, Consignee: to.name, Phone: to.phone, Address: to.address, Note: o.Note,
		PlacedAt: o.PlacedAt, PaidAt: o.PaidAt, CompletedAt: o.CompletedAt, CancelledAt: o.CancelledAt, CancelReason: o.CancelReason}
	if v.Payments, v.Refunds, err = s.moneyOf(ctx, id); err != nil {
		return View{}, err
	}
	v.Parcels, err = s.partsOf(ctx, id)
	return v, err
}

// Refund shows one refund of an order. CodeNotFound if it has none such.
func (s *Service) Refund(ctx context.Context, order, id model.ID) (RefundView, error) {
	_, refunds, err := s.moneyOf(ctx, order)
	if err != nil {
		return RefundView{}, err
	}
	for _, r := range refunds {
		if r.ID == id {
			return r, nil
		}
	}
	return RefundView{}, model.NotFound("退款")
}

// moneyOf tells which sources paid for the order, and what each refund gave back to where.
func (s *Service) moneyOf(ctx context.Context, id model.ID) ([]Payment, []RefundView, error) {
	var transfers []model.Transfer
	if err := s.db.Read(ctx).Where("order_id = ?", id).Order("id").Find(&transfers).Error; err != nil {
		return nil, nil, err
	}
	var rows []model.Refund
	if err := s.db.Read(ctx).Where("order_id = ?", id).Order("id").Find(&rows).Error; err != nil {
		return nil, nil, err
	}
	var onTheirWay []model.WechatRefund
	if err := s.db.Read(ctx).Where("refund_id IN ?", ids(rows, func(r model.Refund) model.ID { return r.ID })).Find(&onTheirWay).Error; err != nil {
		return nil, nil, err
	}
	refunds := make([]RefundView, len(rows))
	for i, r := range rows {
		refunds[i] = RefundView{ID: r.ID, Kind: r.Kind, AmountFen: r.AmountFen, ToWechatFen: r.WechatFen, Reason: r.Reason, RefundedAt: r.RefundedAt}
		for _, w := range onTheirWay {
			if *w.RefundID == r.ID {
				refunds[i].WechatStatus = w.Status
			}
		}
	}
	late, err := s.lateMoney(ctx, id)
	return paymentsOf(transfers), append(whereTo(refunds, transfers), late...), err
}

// lateMoney is WeChat money that came for an order which was closed, or in another sum, and goes back whole.
func (s *Service) lateMoney(ctx context.Context, order model.ID) ([]RefundView, error) {
	var rows []model.WechatRefund
	err := s.db.Read(ctx).Where("refund_id IS NULL AND payment_id IN (?)", s.db.Read(ctx).Model(&model.Payment{}).Select("id").Where("order_id = ?", order)).Order("id").Find(&rows).Error
	views := make([]RefundView, len(rows))
	for i, w := range rows {
		views[i] = RefundView{ID: w.ID, Kind: refundLate, AmountFen: w.AmountFen, ToWechatFen: w.AmountFen, WechatStatus: w.Status, Reason: w.Reason, RefundedAt: w.CreatedAt}
	}
	return views, err
}

func paymentsOf(transfers []model.Transfer) []Payment {
	payments := []Payment{}
	for _, t := range transfers {
		if t.Kind != string(ledger.KindSpend) {
			continue
		}
		p := Payment{Purse: t.Purse, PurseName: t.Purse.Name()}
		switch kind, source := ledger.Account(t.DebitAccount).Split(); kind {
		case "allowance":
			p.AllowanceID = &source
		case "payment":
			p.PurseName = "微信支付"
		}
		at := slices.IndexFunc(payments, func(q Payment) bool {
			return q.PurseName == p.PurseName && (q.AllowanceID == nil) == (p.AllowanceID == nil) && (p.AllowanceID == nil || *q.AllowanceID == *p.AllowanceID)
		})
		if at < 0 {
			at, payments = len(payments), append(payments, p)
		}
		payments[at].AmountFen += t.AmountFen
	}
	return payments
}

// whereTo fills in how much of each refund went back to allowances and to funds. A refund's transfers begin with its id.
func whereTo(refunds []RefundView, transfers []model.Transfer) []RefundView {
	for _, t := range transfers {
		if t.Kind != string(ledger.KindRefund) {
			continue
		}
		refund, _, _ := strings.Cut(t.Cause, ":")
		at := slices.IndexFunc(refunds, func(r RefundView) bool { return r.ID.String() == refund })
		if at < 0 {
			at = 0 // of before partial refunds: the order has one, that of its cancelling
		}
		switch kind, _ := ledger.Account(t.CreditAccount).Split(); kind {
		case "allowance":
			refunds[at].ToAllowanceFen += t.AmountFen
		case "fund":
			refunds[at].ToFundFen += t.AmountFen
		}
	}
	return refunds
}

func (s *Service) partsOf(ctx context.Context, order model.ID) ([]Part, error) {
	var parcels []struct {
		model.Parcel
		SupplierName string
	}
	err := s.db.Read(ctx).Model(&model.Parcel{}).Select("parcels.*, suppliers.name AS supplier_name").Joins("JOIN suppliers ON suppliers.id = parcels.supplier_id").
		Where("parcels.order_id = ?", order).Order("parcels.supplier_id").Scan(&parcels).Error
	if err != nil {
		return nil, err
	}
	lines, err := s.linesOf(ctx, []model.ID{order}, func(l model.OrderLine) model.ID { return l.ParcelID })
	if err != nil {
		return nil, err
	}
	parts := make([]Part, len(parcels))
	for i, p := range parcels {
		parts[i] = Part{ID: p.ID, SupplierID: p.SupplierID, SupplierName: p.SupplierName, Status: p.Status, AmountFen: p.AmountFen, Carrier: p.Carrier,
			TrackingNo: p.TrackingNo, ShippedAt: p.ShippedAt, ReceivedAt: p.ReceivedAt, ReceivedBy: p.ReceivedBy, Lines: lines[p.ID]}
	}
	return parts, nil
}

// SupplierParcels lists the parcels of the actor's supplier, newest first, recipients masked.
func (s *Service) SupplierParcels(ctx context.Context, actor model.Actor, status string, page model.Page) (model.List[ParcelView], error) {
	states := []string{ParcelWaiting, ParcelShipped, ParcelReceived, ParcelCancelled}
	if status != "" {
		states = []string{status}
	}
	queries := make([]*gorm.DB, len(states)) // a supplier's parcels have an index by state and id
	for i, state := range states {
		queries[i] = s.db.Read(ctx).Model(&model.Parcel{}).Where("supplier_id = ? AND status = ?", actor.Supplier, state).
			Where("EXISTS (SELECT 1 FROM orders o WHERE o.id = parcels.order_id AND o.status NOT IN ?)", []string{StatusPending, StatusClosed}) // nobody ships what is not paid
		if page.Cursor != 0 {
			queries[i] = queries[i].Where("id < ?", page.Cursor)
		}
	}
	newest, err := model.Highest(s.db.Read(ctx), page.Limit+1, queries...)
	if err != nil {
		return model.List[ParcelView]{}, err
	}
	var parcels []model.Parcel
	if err := s.db.Read(ctx).Where("id IN ?", newest).Order("id DESC").Find(&parcels).Error; err != nil {
		return model.List[ParcelView]{}, err
	}
	views, err := s.viewParcels(ctx, parcels, true)
	if err != nil {
		return model.List[ParcelView]{}, err
	}
	return model.NewList(views, page, func(v ParcelView) model.ID { return v.ID }, func(v ParcelView) ParcelView { return v }), nil
}

// SupplierParcel shows a parcel of the actor's supplier with the recipient's name, phone and address as long as they
// are needed to deliver it; every such look is in the audit trail. CodeNotFound if it is not theirs.
func (s *Service) SupplierParcel(ctx context.Context, actor model.Actor, id model.ID) (ParcelView, error) {
	var p model.Parcel
	err := s.db.Read(ctx).Where("id = ? AND supplier_id = ?", id, actor.Supplier).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ParcelView{}, model.NotFound("包裹")
	}
	if err != nil {
		return ParcelView{}, err
	}
	v, err := s.supplierParcel(ctx, id)
	if err != nil || v.Masked {
		return v, err
	}
	return v, s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.db.Audit(tx, actor, s.db.Now(), "parcel.view", "parcel:"+id.String(), p.UnionID, map[string]any{"order": v.OrderNo})
	})
}

func (s *Service) supplierParcel(ctx context.Context, id model.ID) (ParcelView, error) {
	var p model.Parcel
	if err := s.db.Read(ctx).Where("id = ?", id).Take(&p).Error; err != nil {
		return ParcelView{}, err
	}
	views, err := s.viewParcels(ctx, []model.Parcel{p}, p.Status == ParcelReceived || p.Status == ParcelCancelled)
	if err != nil {
		return ParcelView{}, err
	}
	return views[0], nil
}

func (s *Service) viewParcels(ctx context.Context, parcels []model.Parcel, masked bool) ([]ParcelView, error) {
	var orders []model.Order
	if err := s.db.Read(ctx).Where("id IN ?", ids(parcels, func(p model.Parcel) model.ID { return p.OrderID })).Find(&orders).Error; err != nil {
		return nil, err
	}
	byID := make(map[model.ID]model.Order, len(orders))
	for _, o := range orders {
		byID[o.ID] = o
	}
	lines, err := s.linesOf(ctx, ids(parcels, func(p model.Parcel) model.ID { return p.OrderID }), func(l model.OrderLine) model.ID { return l.ParcelID })
	if err != nil {
		return nil, err
	}
	views := make([]ParcelView, len(parcels))
	for i, p := range parcels {
		o := byID[p.OrderID]
		to, err := s.recipientOf(o, masked)
		if err != nil {
			return nil, err
		}
		views[i] = ParcelView{ID: p.ID, OrderNo: o.OrderNo, Status: p.Status, AmountFen: p.AmountFen, Consignee: to.name, Phone: to.phone, Address: to.address,
			Masked: masked, Note: o.Note, Carrier: p.Carrier, TrackingNo: p.TrackingNo, Lines: lines[p.ID], CreatedAt: p.CreatedAt, ShippedAt: p.ShippedAt, ReceivedAt: p.ReceivedAt}
	}
	return views, nil
}

// linesOf reads the lines of the orders, grouped by what by says.
func (s *Service) linesOf(ctx context.Context, orders []model.ID, by func(model.OrderLine) model.ID) (map[model.ID][]LineView, error) {
	var rows []model.OrderLine
	if err := s.db.Read(ctx).Where("order_id IN ?", orders).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	var back []model.RefundLine
	if err := s.db.Read(ctx).Where("order_id IN ?", ids(rows, func(l model.OrderLine) model.ID { return l.OrderID })).Find(&back).Error; err != nil {
		return nil, err
	}
	refunded := make(map[model.ID]int64, len(back))
	for _, b := range back {
		refunded[b.LineID] += b.Quantity
	}
	lines := make(map[model.ID][]LineView, len(orders))
	for _, l := range rows {
		v := viewLine(l)
		v.Refunded = refunded[l.ID]
		lines[by(l)] = append(lines[by(l)], v)
	}
	return lines, nil
}

func (s *Service) unionNames(ctx context.Context, in []model.ID) (map[model.ID]string, error) {
	var unions []model.Union
	err := s.db.Read(ctx).Select("id", "name").Where("id IN ?", in).Find(&unions).Error
	names := make(map[model.ID]string, len(unions))
	for _, u := range unions {
		names[u.ID] = u.Name
	}
	return names, err
}

// ids lists one id of each row, without repeats.
func ids[R any](rows []R, id func(R) model.ID) []model.ID {
	list := make([]model.ID, len(rows))
	for i, r := range rows {
		list[i] = id(r)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
