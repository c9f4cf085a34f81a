package report

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// CountedOrder is one order behind a figure of the form, as far as the form counts it.
type CountedOrder struct {
	ID          model.ID  `json:"id"`
	OrderNo     string    `json:"order_no"`
	Union       UnionRef  `json:"union" gorm:"embedded;embeddedPrefix:union_"`
	Channel     string    `json:"channel"`
	PaidAt      time.Time `json:"paid_at"`
	PaidFen     model.Fen `json:"paid_fen"`
	RefundedFen model.Fen `json:"refunded_fen"` // up to the form's moment
	NetFen      model.Fen `json:"net_fen"`
	Counted     int       `json:"counted"` // 人次: 1, or 0 if all was given back
}

// CountedOrders is one page of the orders behind a figure. Over all pages, net_fen and counted add up to the figure.
type CountedOrders struct {
	AsOf time.Time `json:"as_of"`
	model.List[CountedOrder]
}

const drillSQL = `SELECT o.id, o.order_no, o.union_id AS union_id, u.name AS union_name, c.name AS channel, o.paid_at, o.allowance_fen + o.wechat_fen AS paid_fen,
(SELECT COALESCE(SUM(r.amount_fen), 0) FROM refunds r WHERE r.order_id = o.id AND r.refunded_at < {cutoff}) AS refunded_fen
FROM {parts} JOIN orders o ON o.union_id = {union} AND o.year = @year AND o.paid_at < {cutoff}
JOIN channels c ON c.id = o.channel_id AND c.form_row = @row JOIN unions u ON u.id = o.union_id
WHERE {where} AND o.allowance_fen + o.wechat_fen > 0 AND o.id > @after ORDER BY o.id LIMIT @limit`

// Orders drills from one figure of the union's form for the period down to its orders, by rising id. asOf (RFC 3339, of the page
// before) keeps the moment of a form that is not submitted; empty: now.
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
	over := []segment{}
	if last != nil && last.Status == stateSubmitted {
		out.AsOf, over = last.AsOf, append(over, statementSegment(last.ID))
	} else {
		all, err := parts(tx, unionID, p, out.AsOf, p.treeAt(now))
		if err != nil {
			return out, err
		}
		if over, err = segments(tx, all); err != nil {
			return out, err
		}
	}
	orders, err := behind(tx, over, p.Year, row, page)
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
	at, err := time.Parse(time.RFC3339, asOf)
	if err != nil {
		return latest, model.Invalid("as_of", "as_of 应为上一页给出的统计时间")
	}
	if at.After(latest) {
		return latest, nil
	}
	return model.Millis(at), nil
}

// behind reads one page, and one order more, of each segment and merges them.
func behind(tx *gorm.DB, over []segment, year model.Year, row int, page model.Page) ([]CountedOrder, error) {
	var all []CountedOrder
	for _, g := range over {
		var orders []CountedOrder
		args := map[string]any{"year": year, "row": row, "after": page.Cursor, "limit": page.Limit + 1}
		if err := g.query(tx, drillSQL, args).Scan(&orders).Error; err != nil {
			return nil, err
		}
		all = append(all, orders...)
	}
	slices.SortFunc(all, func(a, b CountedOrder) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all[:min(len(all), page.Limit+1)], nil
}

func (o CountedOrder) net() CountedOrder {
	o.NetFen = o.PaidFen - o.RefundedFen
	if o.NetFen > 0 {
		o.Counted = 1
	}
	return o
}
