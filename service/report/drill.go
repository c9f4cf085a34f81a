package report

import (
	"context"
	"time"

	"bangfu/model"
)

// CountedOrder is one purchase behind a figure of the form, as far as the form counts it: a member's order, a union's order for a group, or a claim.
type CountedOrder struct {
	Kind        string    `json:"kind"` // order | group | claim
	ID          model.ID  `json:"id"`
	OrderNo     string    `json:"order_no"` // of a claim: the number of its bill
	Union       UnionRef  `json:"union" gorm:"embedded;embeddedPrefix:union_"`
	Channel     string    `json:"channel"`
	PaidAt      time.Time `json:"paid_at"` // of a claim: when it was approved
	PaidFen     model.Fen `json:"paid_fen"`
	RefundedFen model.Fen `json:"refunded_fen"` // up to the form's moment; all of a revoked claim
	NetFen      model.Fen `json:"net_fen"`
	Counted     int       `json:"counted"` // 人次: of an order 1, of a group order the members who had received; 0 if all was given back
	PersonTimes int       `json:"-"`       // 人次 unless all was given back
}

// CountedOrders is one page of the purchases behind a figure. Over all pages, net_fen and counted add up to the figure.
type CountedOrders struct {
	AsOf time.Time `json:"as_of"`
	model.List[CountedOrder]
}

// Orders drills from one figure of the union's form for the period down to its orders and claims: union by union, a union's orders by the time
// of payment, then its claims. asOf (RFC 3339, of the page before) keeps the moment of a form that is not submitted; empty: now.
func (s *Service) Orders(ctx context.Context, unionID, periodID model.ID, row int, asOf string, page model.Page) (CountedOrders, error) {
	var out CountedOrders
	if row < 1 || row > 8 {
		return out, model.E(model.CodeNotFound, "统计表只有第 1 到第 8 行")
	}
	tx, now := s.db.Read(ctx), s.db.Now()
	p, err := findPeriod(tx, periodID, now)
	if err != nil {
		return out, err
	}
	if out.AsOf, err = drillMoment(p, now, asOf); err != nil {
		return out, err
	}
	last, err := lastStatement(tx, unionID, periodID)
	if err != nil {
		return out, err
	}
	d := drill{tx: tx, union: unionID, period: p, treeAt: p.treeAt(now)}
	if last != nil && last.Status == stateSubmitted {
		out.AsOf, d.statement = last.AsOf, last.ID
	}
	d.at = out.AsOf
	orders, err := d.walk(row, page)
	if err != nil {
		return out, err
	}
	out.List = model.NewList(orders, page, func(o CountedOrder) model.ID { return o.ID }, CountedOrder.net)
	return out, nil
}

func drillMoment(p Period, now time.Time, asOf string) (time.Time, error) {
	latest := p.cutoff(now)
	if asOf == "" {
		return latest, nil
	}
	at, err := shownMoment(asOf)
	if err != nil || at.After(latest) {
		return latest, err
	}
	return at, nil
}

// shownMoment reads the moment that figures were shown with, as it was answered (RFC 3339); one that no database can hold, we never
// answered.
func shownMoment(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if y := at.UTC().Year(); err != nil || y < 1900 || y > 9999 {
		return time.Time{}, model.Invalid("as_of", "as_of 应为查看统计表或上一页时得到的统计时间")
	}
	return model.Millis(at), nil
}

func (o CountedOrder) net() CountedOrder {
	o.NetFen = o.PaidFen - o.RefundedFen
	if o.NetFen > 0 {
		o.Counted = o.PersonTimes
	}
	return o
}
