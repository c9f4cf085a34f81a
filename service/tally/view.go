package tally

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Heading says whose figures an answer has: of the union and all below it, of the money of a year, all that had happened by a moment.
type Heading struct {
	Union model.Ref  `json:"union"`
	Year  model.Year `json:"year"`
	AsOf  time.Time  `json:"as_of"`
}

// Bought is what was bought. paid_fen is before refunds, net_fen after them; each refund stands in the month in which it was made.
type Bought struct {
	Orders               int64     `json:"orders"`
	PersonTimes          int64     `json:"person_times"` // 人次, as the form counts them
	PaidFen              model.Fen `json:"paid_fen"`
	AllowanceFen         model.Fen `json:"allowance_fen"` // of paid: from allowances and, for group orders, from funds
	WechatFen            model.Fen `json:"wechat_fen"`    // of paid
	Refunds              int64     `json:"refunds"`
	RefundedFen          model.Fen `json:"refunded_fen"`
	RefundedAllowanceFen model.Fen `json:"refunded_allowance_fen"`
	RefundedWechatFen    model.Fen `json:"refunded_wechat_fen"`
	NetFen               model.Fen `json:"net_fen"`
	Claims               int64     `json:"claims"` // purchases made through other channels, approved and not revoked
	ClaimedTimes         int64     `json:"claimed_times"`
	ClaimedFen           model.Fen `json:"claimed_fen"`
}

// Total is what was bought in a year and by how many memberships, whatever they gave back later.
type Total struct {
	Buyers int64 `json:"buyers"`
	Bought
}

// Month is what was bought in a China month.
type Month struct {
	Month string `json:"month"` // 2025-03
	Bought
}

// Purse is what became of a purse's money. unspent_fen = granted - returned - spent is what members hold; fund_fen =
// funded - granted + returned - group is what is left in funds.
type Purse struct {
	Purse       model.Purse `json:"purse"`
	PurseName   string      `json:"purse_name"`
	FundedFen   model.Fen   `json:"funded_fen"`
	GrantedFen  model.Fen   `json:"granted_fen"`
	ReturnedFen model.Fen   `json:"returned_fen"`
	SpentFen    model.Fen   `json:"spent_fen"`
	UnspentFen  model.Fen   `json:"unspent_fen"`
	GroupFen    model.Fen   `json:"group_fen"`
	FundFen     model.Fen   `json:"fund_fen"`
	Holders     int64       `json:"holders"` // allowances with money left, free or held
}

// Overview is the figures of a union with all below it.
type Overview struct {
	Heading
	Total  Total   `json:"total"`
	Months []Month `json:"months"`
	Purses []Purse `json:"purses"`
}

// Part is one union below another, with all below it.
type Part struct {
	Union  model.Ref `json:"union"`
	Kind   string    `json:"kind"`
	Total  Total     `json:"total"`
	Purses []Purse   `json:"purses"`
}

// Parts are the unions directly below one, those that bought most first. rest is what those not shown and the union itself bought.
type Parts struct {
	Heading
	Items []Part `json:"items"`
	More  int    `json:"more"` // how many are not shown
	Rest  Total  `json:"rest"`
}

// Goods is how much of some goods was bought and given back.
type Goods struct {
	Quantity         int64     `json:"quantity"`
	AmountFen        model.Fen `json:"amount_fen"`
	RefundedQuantity int64     `json:"refunded_quantity"`
	RefundedFen      model.Fen `json:"refunded_fen"`
	NetFen           model.Fen `json:"net_fen" gorm:"-"`
}

func (g *Goods) add(o Goods) {
	g.Quantity += o.Quantity
	g.AmountFen += o.AmountFen
	g.RefundedQuantity += o.RefundedQuantity
	g.RefundedFen += o.RefundedFen
	g.NetFen = g.AmountFen - g.RefundedFen
}

// Region is what was bought from a region. Goods typed at a counter have none: their id is null.
type Region struct {
	ID       *model.ID `json:"id"`
	Name     string    `json:"name"`
	Province string    `json:"province"`
	Paired   bool      `json:"paired"` // the city is paired with it for assistance
	Goods
}

// Ranked is a supplier or a product and what was bought of it. Goods typed at a counter have no product: their id is null.
type Ranked struct {
	ID   *model.ID `json:"id"`
	Name string    `json:"name"`
	Goods
}

// Regions are the regions that goods came from, those bought most first.
type Regions struct {
	Heading
	Total  Goods    `json:"total"`
	Paired Goods    `json:"paired"` // of total: from paired regions
	Items  []Region `json:"items"`
}

// Ranking is suppliers or products, those bought most first.
type Ranking struct {
	Heading
	Total Goods    `json:"total"` // of all, shown or not
	Items []Ranked `json:"items"`
}

// heading names the union; year 0 is the present one.
func (r *reading) heading() (h Heading, err error) {
	h = Heading{Year: r.year, AsOf: r.asOf}
	err = r.tx.Raw("SELECT id, name FROM unions WHERE id = ?", r.node).Take(&h.Union).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("工会")
	}
	return h, err
}

func (s *Service) yearOr(year model.Year) model.Year {
	if year == 0 {
		return model.YearOf(s.db.Now())
	}
	return year
}

// bought shows a row of the rollups.
func bought(m model.TallyMonth) Bought {
	return Bought{Orders: m.Orders, PersonTimes: m.Times, PaidFen: m.PaidFen, AllowanceFen: m.PaidFen - m.WechatFen, WechatFen: m.WechatFen,
		Refunds: m.Refunds, RefundedFen: m.RefundedFen, RefundedAllowanceFen: m.RefundedFen - m.RefundedWechatFen, RefundedWechatFen: m.RefundedWechatFen,
		NetFen: m.PaidFen - m.RefundedFen, Claims: m.Claims, ClaimedTimes: m.ClaimedTimes, ClaimedFen: m.ClaimedFen}
}

// sum adds rows of the rollups up to one.
func sum(months map[int]model.TallyMonth) Total {
	s := newSums()
	for _, m := range months {
		part := newSums()
		part.months[monthKey{m.NodeID, m.Year, m.Month}] = monthTimes(m, 0, 1)
		for _, p := range part.months {
			p.Month = 0
		}
		s.addNode(part, 0)
	}
	for _, m := range s.months {
		return Total{m.Buyers, bought(*m)}
	}
	return Total{}
}

func showPurses(purses map[model.Purse]model.TallyPurse) []Purse {
	all := []Purse{}
	for _, p := range []model.Purse{model.PurseExtra, model.PurseFestival, model.PurseHardship, model.PurseActivity} {
		x, ok := purses[p]
		if !ok {
			continue
		}
		all = append(all, Purse{Purse: p, PurseName: p.Name(), FundedFen: x.FundedFen, GrantedFen: x.GrantedFen, ReturnedFen: x.ReturnedFen, SpentFen: x.SpentFen,
			UnspentFen: x.UnspentFen(), GroupFen: x.GroupFen, FundFen: x.FundedFen - x.GrantedFen + x.ReturnedFen - x.GroupFen, Holders: x.Holders})
	}
	return all
}

// Overview is the figures of a union with all below it: of the year, by month, and what became of its money. year 0 is the present one.
func (s *Service) Overview(ctx context.Context, union model.ID, year model.Year) (v Overview, err error) {
	err = s.read(ctx, union, s.yearOr(year), false, func(r reading) error {
		v = Overview{Months: []Month{}}
		if v.Heading, err = r.heading(); err != nil {
			return err
		}
		months, err := r.months()
		if err != nil {
			return err
		}
		v.Total = sum(months)
		for _, m := range slices.Sorted(maps.Keys(months)) {
			if m != 0 {
				v.Months = append(v.Months, Month{fmt.Sprintf("%04d-%02d", m/100, m%100), bought(months[m])})
			}
		}
		purses, err := r.purses([]model.ID{union})
		v.Purses = showPurses(purses[union])
		return err
	})
	return v, err
}

// Parts are the unions directly below one, each with all below it, at most limit of them. year 0 is the present one.
func (s *Service) Parts(ctx context.Context, union model.ID, year model.Year, limit int) (v Parts, err error) {
	err = s.read(ctx, union, s.yearOr(year), false, func(r reading) error {
		v = Parts{}
		if v.Heading, err = r.heading(); err != nil {
			return err
		}
		months, err := r.months()
		if err != nil {
			return err
		}
		v.Rest = sum(months)
		items, err := r.children()
		if err != nil {
			return err
		}
		v.More = max(0, len(items)-limit)
		v.Items = items[:len(items)-v.More]
		ids := make([]model.ID, len(v.Items))
		for i := range v.Items {
			ids[i] = v.Items[i].Union.ID
			v.Rest = v.Rest.less(v.Items[i].Total)
		}
		purses, err := r.purses(ids)
		for i := range v.Items {
			v.Items[i].Purses = showPurses(purses[v.Items[i].Union.ID])
		}
		return err
	})
	return v, err
}

func (t Total) less(o Total) Total {
	t.Buyers -= o.Buyers
	t.Orders -= o.Orders
	t.PersonTimes -= o.PersonTimes
	t.PaidFen -= o.PaidFen
	t.AllowanceFen -= o.AllowanceFen
	t.WechatFen -= o.WechatFen
	t.Refunds -= o.Refunds
	t.RefundedFen -= o.RefundedFen
	t.RefundedAllowanceFen -= o.RefundedAllowanceFen
	t.RefundedWechatFen -= o.RefundedWechatFen
	t.NetFen -= o.NetFen
	t.Claims -= o.Claims
	t.ClaimedTimes -= o.ClaimedTimes
	t.ClaimedFen -= o.ClaimedFen
	return t
}

// children are the unions directly below the node with what was bought in each, those that bought most first.
func (r *reading) children() ([]Part, error) {
	var unions []model.Union
	if err := r.tx.Select("id", "name", "kind", "status").Where("parent_id = ?", r.node).Order("id").Find(&unions).Error; err != nil {
		return nil, err
	}
	ids := make([]model.ID, len(unions))
	for i, u := range unions {
		ids[i] = u.ID
	}
	both := newSums()
	for some := range slices.Chunk(ids, idsPerStatement) {
		var rows []model.TallyMonth
		err := r.tx.Model(&model.TallyMonth{}).Select("node_id, year, 0 AS month, SUM(buyers) AS buyers, SUM(orders) AS orders, SUM(times) AS times, SUM(paid_fen) AS paid_fen, SUM(wechat_fen) AS wechat_fen, "+
			"SUM(refunds) AS refunds, SUM(refunded_fen) AS refunded_fen, SUM(refunded_wechat_fen) AS refunded_wechat_fen, SUM(claims) AS claims, SUM(claimed_times) AS claimed_times, SUM(claimed_fen) AS claimed_fen").
			Where("node_id IN ? AND year = ?", some, r.year).Group("node_id, year").Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, m := range rows {
			both.months[monthKey{m.NodeID, m.Year, 0}] = &m
		}
	}
	for k, m := range r.tail.months {
		if k.year == r.year && slices.Contains(ids, k.node) {
			part := newSums()
			part.months[monthKey{k.node, k.year, 0}] = monthTimes(*m, k.node, 1)
			part.months[monthKey{k.node, k.year, 0}].Month = 0
			both.addNode(part, k.node)
		}
	}
	items := make([]Part, 0, len(unions))
	for _, u := range unions {
		m := both.months[monthKey{u.ID, r.year, 0}]
		if m == nil {
			m = &model.TallyMonth{}
		}
		items = append(items, Part{Union: model.Ref{ID: u.ID, Name: u.Name}, Kind: u.Kind, Total: Total{m.Buyers, bought(*m)}, Purses: []Purse{}})
	}
	slices.SortStableFunc(items, func(a, b Part) int { return cmp.Compare(b.Total.NetFen, a.Total.NetFen) })
	return items, nil
}

// Regions are the regions that goods came from, and how much of all came from regions that the city is paired with.
func (s *Service) Regions(ctx context.Context, union model.ID, year model.Year) (v Regions, err error) {
	err = s.read(ctx, union, s.yearOr(year), true, func(r reading) error {
		v = Regions{Items: []Region{}}
		if v.Heading, err = r.heading(); err != nil {
			return err
		}
		goods, err := r.goods("region_id", func(k goodKey) model.ID { return k.region })
		if err != nil {
			return err
		}
		var regions []model.Region
		if err := r.tx.Where("id IN ?", slices.Collect(maps.Keys(goods))).Find(&regions).Error; err != nil {
			return err
		}
		byID := make(map[model.ID]model.Region, len(regions))
		for _, x := range regions {
			byID[x.ID] = x
		}
		for _, x := range ranked(goods) {
			item := Region{ID: x.ID, Name: "未登记产地", Goods: x.Goods}
			if x.ID != nil {
				known := byID[*x.ID]
				item.Name, item.Province, item.Paired = known.Name, known.Province, known.Paired
			}
			v.Total.add(x.Goods)
			if item.Paired {
				v.Paired.add(x.Goods)
			}
			v.Items = append(v.Items, item)
		}
		return nil
	})
	return v, err
}

// Suppliers are the suppliers from whom most was bought.
func (s *Service) Suppliers(ctx context.Context, union model.ID, year model.Year, limit int) (Ranking, error) {
	return s.ranking(ctx, union, year, limit, "supplier_id", func(k goodKey) model.ID { return k.supplier }, &model.Supplier{}, "未登记供应商")
}

// Products are the products of which most was bought.
func (s *Service) Products(ctx context.Context, union model.ID, year model.Year, limit int) (Ranking, error) {
	return s.ranking(ctx, union, year, limit, "product_id", func(k goodKey) model.ID { return k.product }, &model.Product{}, "柜台手工录入的商品")
}

func (s *Service) ranking(ctx context.Context, union model.ID, year model.Year, limit int, column string, key func(goodKey) model.ID, entity any, unnamed string) (v Ranking, err error) {
	err = s.read(ctx, union, s.yearOr(year), true, func(r reading) error {
		v = Ranking{Items: []Ranked{}}
		if v.Heading, err = r.heading(); err != nil {
			return err
		}
		goods, err := r.goods(column, key)
		if err != nil {
			return err
		}
		all := ranked(goods)
		for _, x := range all {
			v.Total.add(x.Goods)
		}
		v.Items = all[:min(limit, len(all))]
		var ids []model.ID
		for _, x := range v.Items {
			if x.ID != nil {
				ids = append(ids, *x.ID)
			}
		}
		names, err := model.NamesOf(r.tx, entity, ids)
		if err != nil {
			return err
		}
		for i := range v.Items {
			v.Items[i].Name = unnamed
			if id := v.Items[i].ID; id != nil {
				v.Items[i].Name = names[*id]
			}
		}
		return nil
	})
	return v, err
}

// ranked lists goods, those bought most first.
func ranked(goods map[model.ID]*Goods) []Ranked {
	all := make([]Ranked, 0, len(goods))
	for _, id := range slices.Sorted(maps.Keys(goods)) {
		x := Ranked{Goods: *goods[id]}
		x.NetFen = x.AmountFen - x.RefundedFen
		if id != 0 {
			x.ID = &id
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b Ranked) int { return cmp.Compare(b.NetFen, a.NetFen) })
	return all
}
