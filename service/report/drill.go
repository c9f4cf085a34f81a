package report

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

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

const drillOrdersSQL = `SELECT CASE o.kind WHEN 'group' THEN 'group' ELSE 'order' END AS kind, o.id, o.order_no,
CASE o.kind WHEN 'group' THEN (SELECT COUNT(DISTINCT s.receiver_id) FROM group_purchases g JOIN group_signoffs s ON s.purchase_id = g.id
  WHERE g.order_id = o.id AND s.signed_at < {cutoff} AND (s.undone_at IS NULL OR s.undone_at >= {cutoff})) ELSE 1 END AS person_times,
 o.union_id AS union_id, u.name AS union_name, c.name AS channel, o.paid_at, o.allowance_fen + o.wechat_fen AS paid_fen,
(SELECT COALESCE(SUM(r.amount_fen), 0) FROM refunds r WHERE r.order_id = o.id AND r.refunded_at < {cutoff}) AS refunded_fen
FROM {parts} JOIN orders o ON o.union_id = {union} AND o.year = @year AND o.paid_at < {cutoff}
JOIN channels c ON c.id = o.channel_id AND c.form_row = @row JOIN unions u ON u.id = o.union_id
WHERE {where} AND o.allowance_fen + o.wechat_fen > 0 AND o.id > @after ORDER BY o.id LIMIT @limit`

const drillClaimsSQL = `SELECT 'claim' AS kind, k.id, k.invoice_no AS order_no, k.person_times, k.union_id AS union_id, u.name AS union_name, c.name AS channel, k.counted_at AS paid_at,
k.amount_fen AS paid_fen, CASE WHEN k.revoked_at < {cutoff} THEN k.amount_fen ELSE 0 END AS refunded_fen
FROM {parts} JOIN claims k ON k.union_id = {union} AND k.year = @year AND k.counted_at < {cutoff}
JOIN channels c ON c.id = k.channel_id AND c.form_row = @row JOIN unions u ON u.id = k.union_id
WHERE {where} AND k.id > @after ORDER BY k.id LIMIT @limit`

// Orders drills from one figure of the union's form for the period down to its orders and claims, by rising id. asOf (RFC 3339, of the page
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

// behind reads one page, and one purchase more, of each segment and merges them.
func behind(tx *gorm.DB, over []segment, year model.Year, row int, page model.Page) ([]CountedOrder, error) {
	var all []CountedOrder
	for _, g := range over {
		for _, sql := range []string{drillOrdersSQL, drillClaimsSQL} {
			var some []CountedOrder
			args := map[string]any{"year": year, "row": row, "after": page.Cursor, "limit": page.Limit + 1}
			if err := g.query(tx, sql, args).Scan(&some).Error; err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
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
		o.Counted = o.PersonTimes
	}
	return o
}
