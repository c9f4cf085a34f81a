package tally

import (
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// line is what an order or a refund says of one product.
type line struct {
	RefID      model.ID // the order or refund
	ProductID  model.ID
	SupplierID model.ID
	RegionID   model.ID
	Quantity   int64
	AmountFen  model.Fen
}

type (
	formKey struct {
		year           model.Year
		union, channel model.ID
	}
	dayKey struct {
		year           model.Year
		day            int
		union, channel model.ID
	}
	monthKey struct {
		node  model.ID
		year  model.Year
		month int
	}
	goodKey struct {
		node                      model.ID
		year                      model.Year
		product, supplier, region model.ID
	}
	purseKey struct {
		node  model.ID
		year  model.Year
		purse model.Purse
	}
	buyerKey struct {
		year   model.Year
		member model.ID
	}
)

// sums are rows of the rollups, or what is to be added to them.
type sums struct {
	forms  map[formKey]*model.TallyForm
	days   map[dayKey]*model.TallyDay
	months map[monthKey]*model.TallyMonth
	goods  map[goodKey]*model.TallyGood
	purses map[purseKey]*model.TallyPurse
	buyers map[buyerKey]bool
}

func newSums() *sums {
	return &sums{map[formKey]*model.TallyForm{}, map[dayKey]*model.TallyDay{}, map[monthKey]*model.TallyMonth{}, map[goodKey]*model.TallyGood{}, map[purseKey]*model.TallyPurse{}, map[buyerKey]bool{}}
}

// dayOf is the China day of a moment as yyyymmdd, monthOf its month as yyyymm.
func dayOf(at time.Time) int {
	y, m, d := at.In(model.China).Date()
	return y*10000 + int(m)*100 + d
}

func monthOf(at time.Time) int { return dayOf(at) / 100 }

// add counts an event in its union's form and in every node above it; nodes are the ids of the union's path. newBuyer: the member has not
// bought in that year before.
func (s *sums) add(e model.TallyEvent, lines []line, nodes []model.ID, newBuyer bool) {
	if e.Times != 0 || e.AmountFen != 0 || e.InvestedFen != 0 {
		s.addForm(e)
		day := dayOf(e.At)
		s.addDay(e, day)
		s.addDay(e, day/100)
	}
	for _, node := range nodes {
		s.addMonth(e, node)
		s.addPurse(e, node)
		for _, l := range lines {
			s.addGood(e, l, node)
		}
		if newBuyer {
			s.month(node, e.Year, 0).Buyers++
		}
	}
	if newBuyer {
		s.buyers[buyerKey{e.Year, e.MemberID}] = true
	}
}

func (s *sums) addForm(e model.TallyEvent) {
	k := formKey{e.Year, e.UnionID, e.ChannelID}
	f := s.forms[k]
	if f == nil {
		f = &model.TallyForm{Year: e.Year, UnionID: e.UnionID, ChannelID: e.ChannelID}
		s.forms[k] = f
	}
	f.Times += e.Times
	f.AmountFen += e.AmountFen
	f.InvestedFen += e.InvestedFen
}

// addDay adds to a day (yyyymmdd) or to a whole month (yyyymm).
func (s *sums) addDay(e model.TallyEvent, day int) {
	k := dayKey{e.Year, day, e.UnionID, e.ChannelID}
	d := s.days[k]
	if d == nil {
		d = &model.TallyDay{UnionID: e.UnionID, Year: e.Year, Day: k.day, ChannelID: e.ChannelID}
		s.days[k] = d
	}
	d.Times += e.Times
	d.AmountFen += e.AmountFen
	d.InvestedFen += e.InvestedFen
}

func (s *sums) month(node model.ID, year model.Year, month int) *model.TallyMonth {
	k := monthKey{node, year, month}
	m := s.months[k]
	if m == nil {
		m = &model.TallyMonth{NodeID: node, Year: year, Month: month}
		s.months[k] = m
	}
	return m
}

func (s *sums) addMonth(e model.TallyEvent, node model.ID) {
	switch e.Kind {
	case kindOrder, kindGroup:
		m := s.month(node, e.Year, monthOf(e.At))
		m.Orders++
		m.Times += e.Times
		m.PaidFen += e.AmountFen
		m.WechatFen += e.WechatFen
	case kindRefund, kindUngroup:
		m := s.month(node, e.Year, monthOf(e.At))
		m.Refunds++
		m.Times += e.Times
		m.RefundedFen -= e.AmountFen
		m.RefundedWechatFen -= e.WechatFen
	case kindSign:
		s.month(node, e.Year, monthOf(e.At)).Times += e.Times
	case kindClaim:
		m := s.month(node, e.Year, monthOf(e.At))
		m.Claims++
		if e.AmountFen < 0 {
			m.Claims -= 2
		}
		m.ClaimedTimes += e.Times
		m.ClaimedFen += e.AmountFen
	}
}

func (s *sums) purse(node model.ID, year model.Year, purse model.Purse) *model.TallyPurse {
	k := purseKey{node, year, purse}
	p := s.purses[k]
	if p == nil {
		p = &model.TallyPurse{NodeID: node, Year: year, Purse: purse}
		s.purses[k] = p
	}
	return p
}

func (s *sums) addPurse(e model.TallyEvent, node model.ID) {
	if e.PurseFen == 0 {
		return
	}
	p := s.purse(node, e.Year, e.Purse)
	p.Holders += e.Holders
	switch e.Kind {
	case kindOrder, kindRefund, kindSpend:
		p.SpentFen += e.PurseFen
	case kindGroup, kindUngroup:
		p.GroupFen += e.PurseFen
	case kindFund:
		p.FundedFen += e.PurseFen
	case kindGrant:
		p.GrantedFen += e.PurseFen
	case kindRevoke, kindSweep, kindBack:
		p.ReturnedFen += e.PurseFen
	}
}

func (s *sums) addGood(e model.TallyEvent, l line, node model.ID) {
	k := goodKey{node, e.Year, l.ProductID, l.SupplierID, l.RegionID}
	g := s.goods[k]
	if g == nil {
		g = &model.TallyGood{NodeID: node, Year: e.Year, ProductID: l.ProductID, SupplierID: l.SupplierID, RegionID: l.RegionID}
		s.goods[k] = g
	}
	if e.Kind == kindRefund || e.Kind == kindUngroup {
		g.RefundedQuantity += l.Quantity
		g.RefundedFen += l.AmountFen
		return
	}
	g.Quantity += l.Quantity
	g.AmountFen += l.AmountFen
}

// nodesOf are the ids of a path.
func nodesOf(path string) []model.ID {
	var ids []model.ID
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if id, err := model.ParseID(part); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// fold adds events up: each under its union's path, with the lines of its order or refund (if asked for) and the first purchase of each
// member who is not among the buyers yet.
func fold(tx *gorm.DB, events []model.TallyEvent, paths map[model.ID]string, withLines bool) (*sums, error) {
	s := newSums()
	lines := map[model.ID][]line{}
	if withLines {
		var err error
		if lines, err = linesOf(tx, events); err != nil {
			return nil, err
		}
	}
	known, err := knownBuyers(tx, events)
	if err != nil {
		return nil, err
	}
	nodes := make(map[model.ID][]model.ID, len(paths))
	for union, path := range paths {
		nodes[union] = nodesOf(path)
	}
	for _, e := range events {
		if e.Kind == kindMove {
			continue
		}
		k := buyerKey{e.Year, e.MemberID}
		first := e.Kind == kindOrder && e.MemberID != 0 && !known[k]
		if first {
			known[k] = true
		}
		s.add(e, lines[e.RefID], nodes[e.UnionID], first)
	}
	return s, nil
}

// idsPerStatement bounds the ids that one statement names.
const idsPerStatement = 1000

// linesOf reads what the events' orders and refunds say of products.
func linesOf(tx *gorm.DB, events []model.TallyEvent) (map[model.ID][]line, error) {
	var orders, refunds []model.ID
	for _, e := range events {
		switch e.Kind {
		case kindOrder, kindGroup:
			orders = append(orders, e.RefID)
		case kindRefund, kindUngroup:
			refunds = append(refunds, e.RefID)
		}
	}
	byRef := map[model.ID][]line{}
	for _, source := range []struct {
		ids []model.ID
		sql string
	}{
		{orders, "SELECT order_id AS ref_id, product_id, supplier_id, region_id, quantity, amount_fen FROM order_lines WHERE order_id IN ?"},
		{refunds, "SELECT r.refund_id AS ref_id, l.product_id, l.supplier_id, l.region_id, r.quantity, r.amount_fen FROM refund_lines r JOIN order_lines l ON l.id = r.line_id WHERE r.refund_id IN ?"},
	} {
		for ids := range slices.Chunk(source.ids, idsPerStatement) {
			var some []line
			if err := tx.Raw(source.sql, ids).Scan(&some).Error; err != nil {
				return nil, err
			}
			for _, l := range some {
				byRef[l.RefID] = append(byRef[l.RefID], l)
			}
		}
	}
	return byRef, nil
}

// knownBuyers tells which of the events' members have bought before in that year.
func knownBuyers(tx *gorm.DB, events []model.TallyEvent) (map[buyerKey]bool, error) {
	members := map[model.Year][]model.ID{}
	for _, e := range events {
		if e.Kind == kindOrder && e.MemberID != 0 {
			members[e.Year] = append(members[e.Year], e.MemberID)
		}
	}
	known := map[buyerKey]bool{}
	for year, all := range members {
		for ids := range slices.Chunk(all, idsPerStatement) {
			var bought []model.ID
			if err := tx.Model(&model.TallyBuyer{}).Where("year = ? AND member_id IN ?", year, ids).Pluck("member_id", &bought).Error; err != nil {
				return nil, err
			}
			for _, m := range bought {
				known[buyerKey{year, m}] = true
			}
		}
	}
	return known, nil
}
