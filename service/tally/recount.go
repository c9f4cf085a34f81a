package tally

import (
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// recount counts one union (without those below it) from its orders, refunds, transfers, allowances, claims and signatures alone, as one node. Events
// that a form of the last hour may need are passed to late.
func recount(tx *gorm.DB, union model.ID, late func(model.TallyEvent)) (*sums, error) {
	r := recounting{tx: tx, union: union, sums: newSums(), nodes: []model.ID{union}, late: late}
	for _, part := range []func() error{r.orders, r.refunds, r.signatures, r.claims, r.money, r.spending, r.holders, r.goods} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return r.sums, nil
}

type recounting struct {
	tx    *gorm.DB
	union model.ID
	sums  *sums
	nodes []model.ID
	late  func(model.TallyEvent)
}

func (r *recounting) add(e model.TallyEvent, newBuyer bool) {
	e.UnionID = r.union
	r.sums.add(e, nil, r.nodes, newBuyer)
	r.late(e)
}

// paidOrder is an order as far as the figures go.
type paidOrder struct {
	ID           model.ID
	MemberID     model.ID
	ChannelID    model.ID
	Year         model.Year
	Kind         string
	AllowanceFen model.Fen
	WechatFen    model.Fen
	PaidAt       time.Time
}

const isPaid = "o.paid_at IS NOT NULL AND o.allowance_fen + o.wechat_fen > 0"

func (r *recounting) orders() error {
	rows, err := r.tx.Raw("SELECT o.id, o.member_id, o.channel_id, o.year, o.kind, o.allowance_fen, o.wechat_fen, o.paid_at FROM orders o WHERE o.union_id = ? AND "+isPaid, r.union).Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var o paidOrder
		if err := rows.Scan(&o.ID, &o.MemberID, &o.ChannelID, &o.Year, &o.Kind, &o.AllowanceFen, &o.WechatFen, &o.PaidAt); err != nil {
			return err
		}
		e := model.TallyEvent{Kind: kindOrder, RefID: o.ID, MemberID: o.MemberID, Year: o.Year, ChannelID: o.ChannelID, Times: 1,
			AmountFen: o.AllowanceFen + o.WechatFen, WechatFen: o.WechatFen, At: o.PaidAt}
		if o.Kind == kindGroup {
			e.Kind, e.Times, e.InvestedFen, e.MemberID = kindGroup, 0, e.AmountFen, 0
		}
		r.add(e, e.MemberID != 0 && !r.sums.buyers[buyerKey{e.Year, e.MemberID}])
	}
	return rows.Err()
}

// refundOf is a refund with what matters of its order.
type refundOf struct {
	ID         model.ID
	OrderID    model.ID
	AmountFen  model.Fen
	WechatFen  model.Fen
	RefundedAt time.Time
	Year       model.Year
	ChannelID  model.ID
	Kind       string
	PaidFen    model.Fen
	PaidAt     time.Time
}

// at is when the form counts the refund: not before the payment.
func (f refundOf) at() time.Time {
	if f.RefundedAt.Before(f.PaidAt) {
		return f.PaidAt
	}
	return f.RefundedAt
}

const selectRefunds = "SELECT f.id, f.order_id, f.amount_fen, f.wechat_fen, f.refunded_at, o.year, o.channel_id, o.kind, o.allowance_fen + o.wechat_fen AS paid_fen, o.paid_at " +
	"FROM refunds f JOIN orders o ON o.id = f.order_id AND o.union_id = f.union_id WHERE f.union_id = ? AND " + isPaid

func (r *recounting) refunds() error {
	var all []refundOf
	if err := r.tx.Raw(selectRefunds+" ORDER BY f.order_id, f.refunded_at, f.id", r.union).Scan(&all).Error; err != nil {
		return err
	}
	back := map[model.ID]model.Fen{}
	for _, f := range all {
		e := model.TallyEvent{Kind: kindRefund, RefID: f.ID, Year: f.Year, ChannelID: f.ChannelID, AmountFen: -f.AmountFen, WechatFen: -f.WechatFen, At: f.at()}
		if f.Kind == kindGroup {
			e.Kind, e.InvestedFen = kindUngroup, -f.AmountFen
		} else if had := back[f.OrderID]; had < f.PaidFen && had+f.AmountFen >= f.PaidFen {
			e.Times = -1
		}
		back[f.OrderID] += f.AmountFen
		r.add(e, false)
	}
	return nil
}

// signature is one of a group purchase that was ordered.
type signature struct {
	OrderID   model.ID
	Year      model.Year
	ChannelID model.ID
	GoodsFen  model.Fen
	PaidAt    time.Time
	SignedAt  time.Time
	UndoneAt  *time.Time
}

// signatures count from when they were given until they were undone or all of the order was given back.
func (r *recounting) signatures() error {
	var all []signature
	err := r.tx.Raw("SELECT g.order_id, g.year, o.channel_id, o.goods_fen, o.paid_at, s.signed_at, s.undone_at FROM group_purchases g JOIN orders o ON o.id = g.order_id "+
		"JOIN group_signoffs s ON s.purchase_id = g.id WHERE g.union_id = ? AND o.paid_at IS NOT NULL", r.union).Scan(&all).Error
	if err != nil || len(all) == 0 {
		return err
	}
	ended, err := r.fullRefunds()
	if err != nil {
		return err
	}
	for _, s := range all {
		from, to := s.SignedAt, s.UndoneAt
		if from.Before(s.PaidAt) {
			from = s.PaidAt
		}
		if end, ok := ended[s.OrderID]; ok && (to == nil || end.Before(*to)) {
			to = &end
		}
		if to != nil && !to.After(from) {
			continue
		}
		e := model.TallyEvent{Kind: kindSign, Year: s.Year, ChannelID: s.ChannelID, Times: 1, At: from}
		r.add(e, false)
		if to != nil {
			e.Times, e.At = -1, *to
			r.add(e, false)
		}
	}
	return nil
}

// fullRefunds tells when nothing was left of the union's group orders.
func (r *recounting) fullRefunds() (map[model.ID]time.Time, error) {
	var all []refundOf
	if err := r.tx.Raw(selectRefunds+" AND o.kind = 'group' ORDER BY f.order_id, f.refunded_at, f.id", r.union).Scan(&all).Error; err != nil {
		return nil, err
	}
	back, ended := map[model.ID]model.Fen{}, map[model.ID]time.Time{}
	for _, f := range all {
		if back[f.OrderID] += f.AmountFen; back[f.OrderID] >= f.PaidFen {
			ended[f.OrderID] = f.at()
		}
	}
	return ended, nil
}

func (r *recounting) claims() error {
	var all []model.Claim
	if err := r.tx.Where("union_id = ? AND counted_at IS NOT NULL", r.union).Find(&all).Error; err != nil {
		return err
	}
	for _, c := range all {
		e := model.TallyEvent{Kind: kindClaim, Year: c.Year, ChannelID: c.ChannelID, Times: c.PersonTimes, AmountFen: c.AmountFen, InvestedFen: c.AmountFen, At: *c.CountedAt}
		r.add(e, false)
		if c.RevokedAt == nil {
			continue
		}
		e.Times, e.AmountFen, e.InvestedFen = -e.Times, -e.AmountFen, -e.InvestedFen
		if c.RevokedAt.After(e.At) {
			e.At = *c.RevokedAt
		}
		r.add(e, false)
	}
	return nil
}

// money counts what went into the union's funds and out of them into allowances and back.
func (r *recounting) money() error {
	for _, side := range []string{"debit_account = CONCAT('fund:', f.id) AND t.kind = 'grant'", "credit_account = CONCAT('fund:', f.id) AND t.kind IN ('fund', 'revoke', 'sweep')"} {
		var all []struct {
			Kind  string
			Purse model.Purse
			Year  model.Year
			At    time.Time
			Fen   model.Fen
		}
		err := r.tx.Raw("SELECT t.kind, f.purse, f.year, t.at, SUM(t.amount_fen) AS fen FROM funds f JOIN transfers t ON t."+side+" WHERE f.union_id = ? GROUP BY t.kind, f.purse, f.year, t.at", r.union).Scan(&all).Error
		if err != nil {
			return err
		}
		for _, m := range all {
			e := model.TallyEvent{Kind: m.Kind, Year: m.Year, Purse: m.Purse, PurseFen: m.Fen, At: m.At}
			switch m.Kind {
			case kindGrant:
				e.InvestedFen = m.Fen
			case kindRevoke:
				e.InvestedFen = -m.Fen
			}
			r.add(e, false)
		}
	}
	return nil
}

// spending counts what purses paid for orders and got back.
func (r *recounting) spending() error {
	var all []struct {
		Year   model.Year
		Purse  model.Purse
		Grp    bool
		Kind   string
		ToFund bool
		Fen    model.Fen
	}
	err := r.tx.Raw("SELECT o.year, t.purse, o.kind = 'group' AS grp, t.kind, t.credit_account LIKE 'fund:%' AS to_fund, SUM(t.amount_fen) AS fen FROM orders o JOIN transfers t ON t.order_id = o.id "+
		"WHERE o.union_id = ? AND "+isPaid+" AND t.kind IN ('spend', 'refund') AND t.purse <> '' GROUP BY o.year, t.purse, o.kind = 'group', t.kind, t.credit_account LIKE 'fund:%'", r.union).Scan(&all).Error
	if err != nil {
		return err
	}
	for _, m := range all {
		e := model.TallyEvent{Kind: kindSpend, UnionID: r.union, Year: m.Year, Purse: m.Purse, PurseFen: m.Fen}
		if m.Kind == "refund" {
			e.PurseFen = -m.Fen
		}
		if m.Grp {
			e.Kind = kindUngroup
		}
		r.sums.addPurse(e, r.union)
		if m.Kind == "refund" && m.ToFund && !m.Grp {
			e.Kind, e.PurseFen = kindBack, m.Fen
			r.sums.addPurse(e, r.union)
		}
	}
	return nil
}

// holders counts the allowances of the union's funds in which money is left.
func (r *recounting) holders() error {
	var all []model.TallyPurse
	err := r.tx.Raw("SELECT a.purse, a.year, COUNT(*) AS holders FROM funds f JOIN allowances a ON a.fund_id = f.id WHERE f.union_id = ? AND a.balance_fen + a.held_fen > 0 GROUP BY a.purse, a.year", r.union).Scan(&all).Error
	for _, p := range all {
		r.sums.purse(r.union, p.Year, p.Purse).Holders += p.Holders
	}
	return err
}

// goods counts what was bought and given back of each product.
func (r *recounting) goods() error {
	const by = " GROUP BY o.year, l.product_id, l.supplier_id, l.region_id"
	for kind, sql := range map[string]string{
		kindOrder: "SELECT o.year, l.product_id, l.supplier_id, l.region_id, SUM(l.quantity) AS quantity, SUM(l.amount_fen) AS amount_fen FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.union_id = ? AND " + isPaid,
		kindRefund: "SELECT o.year, l.product_id, l.supplier_id, l.region_id, SUM(x.quantity) AS quantity, SUM(x.amount_fen) AS amount_fen FROM refunds f JOIN orders o ON o.id = f.order_id AND o.union_id = f.union_id " +
			"JOIN refund_lines x ON x.refund_id = f.id JOIN order_lines l ON l.id = x.line_id WHERE f.union_id = ? AND " + isPaid,
	} {
		var all []struct {
			Year model.Year
			Line line `gorm:"embedded"`
		}
		if err := r.tx.Raw(sql+by, r.union).Scan(&all).Error; err != nil {
			return err
		}
		for _, g := range all {
			r.sums.addGood(model.TallyEvent{Kind: kind, Year: g.Year}, g.Line, r.union)
		}
	}
	return nil
}
