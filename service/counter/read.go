package counter

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// find is a redemption of the cashier's hall; CodeNotFound if it is not.
func (s *Service) find(ctx context.Context, actor model.Actor, id model.ID) (model.Redemption, error) {
	return take(s.db.Read(ctx).Where("id = ? AND hall_id = ?", id, actor.Hall))
}

// findMine is a redemption of the member's; CodeNotFound if it is not.
func (s *Service) findMine(ctx context.Context, actor model.Actor, id model.ID) (model.Redemption, error) {
	return take(s.db.Read(ctx).Where("id = ? AND person_id = ?", id, actor.ID))
}

func take(q *gorm.DB) (model.Redemption, error) {
	var r model.Redemption
	err := q.Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("到馆核销")
	}
	return r, err
}

// Redemption shows a redemption of the cashier's hall. It reads what is committed: "paid" here is as final as in Pay's answer.
func (s *Service) Redemption(ctx context.Context, actor model.Actor, id model.ID) (Redemption, error) {
	r, err := s.find(ctx, actor, id)
	if err != nil {
		return Redemption{}, err
	}
	v, err := s.showOne(s.db.Read(ctx), id)
	if err != nil || v.Status != StatusScanned {
		return v, err
	}
	fen, err := spendable(s.db.Read(ctx), r.PersonID, s.db.Now())
	v.SpendableFen = &fen
	return v, err
}

// spendable is the most that one sale can cost the person now: what one membership holds, since one pays alone. It locks nothing and
// is for the cashier to look at; the sale itself decides.
func spendable(tx *gorm.DB, person model.ID, now time.Time) (most model.Fen, err error) {
	var held []model.Allowance
	err = tx.Select("member_id", "balance_fen").Where("person_id = ? AND year = ? AND status = 'active'", person, model.YearOf(now)).Find(&held).Error
	sums := map[model.ID]model.Fen{}
	for _, a := range held {
		sums[a.MemberID] += a.BalanceFen
		most = max(most, sums[a.MemberID])
	}
	return most, err
}

func (s *Service) showOne(tx *gorm.DB, id model.ID) (Redemption, error) {
	rows, a, err := s.withAround(tx.Where("id = ?", id), tx)
	if err != nil || len(rows) == 0 {
		return Redemption{}, errors.Join(err, model.NotFound("到馆核销"))
	}
	return a.show(rows[0], s.db.Now())
}

func (s *Service) showMine(tx *gorm.DB, id model.ID) (MemberRedemption, error) {
	rows, a, err := s.withAround(tx.Where("id = ?", id), tx)
	if err != nil || len(rows) == 0 {
		return MemberRedemption{}, errors.Join(err, model.NotFound("到馆核销"))
	}
	return a.showMember(rows[0], s.db.Now())
}

func (s *Service) withAround(q, tx *gorm.DB) ([]model.Redemption, around, error) {
	var rows []model.Redemption
	if err := q.Find(&rows).Error; err != nil {
		return nil, around{}, err
	}
	a, err := lookAround(tx, rows)
	return rows, a, err
}

// Mine lists the member's redemptions, newest first.
func (s *Service) Mine(ctx context.Context, actor model.Actor, page model.Page) (model.List[MemberRedemption], error) {
	q := s.db.Read(ctx).Where("person_id = ?", actor.ID)
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	return s.listMine(ctx, q.Order("id DESC").Limit(page.Limit+1), page)
}

// Pending lists what the member is asked to confirm now, the oldest first.
func (s *Service) Pending(ctx context.Context, actor model.Actor) (model.List[MemberRedemption], error) {
	q := s.db.Read(ctx).Where("person_id = ? AND status = ? AND expires_at > ?", actor.ID, StatusAwaiting, s.db.Now())
	return s.listMine(ctx, q.Order("id").Limit(model.MaxPage), model.Page{Limit: model.MaxPage})
}

func (s *Service) listMine(ctx context.Context, q *gorm.DB, page model.Page) (model.List[MemberRedemption], error) {
	return list(ctx, s, q, page, around.showMember)
}

// list shows the redemptions that q reads as show does.
func list[V any](ctx context.Context, s *Service, q *gorm.DB, page model.Page, show func(around, model.Redemption, time.Time) (V, error)) (model.List[V], error) {
	rows, a, err := s.withAround(q, s.db.Read(ctx))
	if err != nil {
		return model.List[V]{}, err
	}
	now := s.db.Now()
	var bad error
	views := model.NewList(rows, page, func(r model.Redemption) model.ID { return r.ID }, func(r model.Redemption) V {
		v, err := show(a, r, now)
		bad = errors.Join(bad, err)
		return v
	})
	return views, bad
}

// SalesFilter narrows a hall's sales to China days of payment, both inclusive; zero parts do not.
type SalesFilter struct{ From, To model.Date }

func (f SalesFilter) on(q *gorm.DB) *gorm.DB {
	if f.From != "" {
		q = q.Where("paid_on >= ?", f.From)
	}
	if f.To != "" {
		q = q.Where("paid_on <= ?", f.To)
	}
	return q
}

// Sales lists a hall's paid redemptions, voided ones too, newest first. The caller has checked the scope.
func (s *Service) Sales(ctx context.Context, hall model.ID, f SalesFilter, page model.Page) (model.List[Redemption], error) {
	q := f.on(s.db.Read(ctx).Where("hall_id = ? AND paid_on <> ''", hall))
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	return list(ctx, s, q.Order("id DESC").Limit(page.Limit+1), page, around.show)
}

// Day is what a hall sold on one China day.
type Day struct {
	Day         model.Date `json:"day"`
	Sales       int        `json:"sales"` // voided ones included
	AmountFen   model.Fen  `json:"amount_fen"`
	Voided      int        `json:"voided"`
	RefundedFen model.Fen  `json:"refunded_fen"` // of that day's sales: voided, or given back later by after-sales
	NetFen      model.Fen  `json:"net_fen"`
}

// Days are the days of a hall on which something was sold, with their sum.
type Days struct {
	Items []Day `json:"items"` // newest first
	Total Day   `json:"total"` // its day is empty
}

// maxDays bounds how many days are added up at once.
const maxDays = 366

// DailySales adds a hall's sales up by day of payment. The caller has checked the scope. Errors: CodeInvalid for more than a year.
func (s *Service) DailySales(ctx context.Context, hall model.ID, f SalesFilter) (Days, error) {
	out := Days{Items: []Day{}}
	if f.To == "" {
		f.To = model.DateOf(s.db.Now())
	}
	if f.From == "" {
		f.From = model.DateOf(f.To.Start().AddDate(0, 0, -30))
	}
	if f.To.End().Sub(f.From.Start()) > maxDays*24*time.Hour {
		return out, model.Invalid("from", "一次最多统计一年")
	}
	err := s.db.Read(ctx).Raw(`SELECT r.paid_on AS day, COUNT(*) AS sales, SUM(o.goods_fen) AS amount_fen, SUM(CASE WHEN r.status = 'voided' THEN 1 ELSE 0 END) AS voided,
SUM(o.refunded_fen) AS refunded_fen, SUM(o.goods_fen - o.refunded_fen) AS net_fen FROM redemptions r JOIN orders o ON o.id = r.order_id
WHERE r.hall_id = ? AND r.paid_on BETWEEN ? AND ? GROUP BY r.paid_on ORDER BY r.paid_on DESC`, hall, f.From, f.To).Scan(&out.Items).Error
	for _, d := range out.Items {
		out.Total.Sales += d.Sales
		out.Total.AmountFen += d.AmountFen
		out.Total.Voided += d.Voided
		out.Total.RefundedFen += d.RefundedFen
		out.Total.NetFen += d.NetFen
	}
	return out, err
}
