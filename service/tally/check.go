package tally

import (
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"bangfu/model"
)

// Difference is a figure of the rollups that is not what the orders, refunds, transfers and claims say.
type Difference struct {
	Ref        string // "union:12 2025-0304 channel:7 amount_fen"
	Have, Want int64
}

// Check counts everything anew, as Rebuild does, and tells each figure that the rollups with what waits in the queue have otherwise. figures is
// how many were compared; 0 while the rollups are not ready. tx must be one read-consistent view.
func Check(tx *gorm.DB, tell func(Difference)) (figures int64, err error) {
	st, err := stateOf(tx)
	if err != nil || st.Status != ready {
		return 0, err
	}
	tree, err := treeOf(tx)
	if err != nil {
		return 0, err
	}
	waiting, err := waitingByNode(tx, tree)
	if err != nil {
		return 0, err
	}
	var years []model.Year
	if err := tx.Model(&model.TallyForm{}).Distinct().Pluck("year", &years).Error; err != nil {
		return 0, err
	}
	parents, above := parentsOf(tree), newSums()
	var days map[model.ID]map[dayKey]*model.TallyDay // of the unions in hand
	compare := func(id model.ID, want *sums) error {
		have, err := stored(tx, id, years)
		if err != nil {
			return err
		}
		have.days = days[id]
		if w := waiting[id]; w != nil {
			have = have.plus(w)
		}
		figures += differences(have.figures(), want.figures(), tell)
		return nil
	}
	wanted, daysAbove := map[model.ID]*sums{}, map[model.ID]map[dayKey]*model.TallyDay{} // of parents, until everything below them is counted
	for i, u := range tree {
		if i%unionsInHand == 0 {
			if days, err = daysOf(tx, u.ID, tree[min(i+unionsInHand, len(tree))-1].ID); err != nil {
				return figures, err
			}
		}
		own, err := recount(tx, u.ID, func(model.TallyEvent) {})
		if err != nil {
			return figures, fmt.Errorf("union %s: %w", u.ID, err)
		}
		for _, node := range nodesOf(u.Path) {
			if parents[node] {
				above.addNode(own, node)
			}
		}
		if parents[u.ID] {
			wanted[u.ID] = newSums()
			wanted[u.ID].addOwn(own, false)
			daysAbove[u.ID] = days[u.ID]
		} else if err := compare(u.ID, own); err != nil {
			return figures, err
		}
	}
	for id, sums := range above.byNode() {
		if wanted[id] != nil {
			wanted[id].addOwn(sums, true)
		}
	}
	days = daysAbove
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		if err := compare(id, wanted[id]); err != nil {
			return figures, err
		}
	}
	return figures, nil
}

// unionsInHand is how many unions' days are read at once: the table is not ordered by union.
const unionsInHand = 500

// daysOf reads the days and months of all unions from one id to another.
func daysOf(tx *gorm.DB, from, to model.ID) (map[model.ID]map[dayKey]*model.TallyDay, error) {
	var rows []model.TallyDay
	if err := tx.Where("union_id BETWEEN ? AND ?", from, to).Find(&rows).Error; err != nil {
		return nil, err
	}
	all := map[model.ID]map[dayKey]*model.TallyDay{}
	for _, d := range rows {
		if all[d.UnionID] == nil {
			all[d.UnionID] = map[dayKey]*model.TallyDay{}
		}
		all[d.UnionID][dayKey{d.Year, d.Day, d.UnionID, d.ChannelID}] = &d
	}
	return all, nil
}

// treeOf is all unions where the rollups have them, or would put them.
func treeOf(tx *gorm.DB) ([]model.Union, error) {
	var tree []model.Union
	err := tx.Raw("SELECT u.id, COALESCE(n.path, u.path) AS path FROM unions u LEFT JOIN tally_nodes n ON n.union_id = u.id ORDER BY u.id").Scan(&tree).Error
	return tree, err
}

// waitingByNode adds up what waits in the queue.
func waitingByNode(tx *gorm.DB, tree []model.Union) (map[model.ID]*sums, error) {
	var events []model.TallyEvent
	if err := each(tx.Where("done = ?", false).Order("at"), func(e model.TallyEvent) { events = append(events, e) }); err != nil {
		return nil, err
	}
	paths := make(map[model.ID]string, len(tree))
	for _, u := range tree {
		paths[u.ID] = u.Path
	}
	s, err := fold(tx, events, paths, true)
	if err != nil {
		return nil, err
	}
	return s.byNode(), nil
}

// byNode takes sums apart: a union's form and days, a node's months, goods and purses.
func (s *sums) byNode() map[model.ID]*sums {
	all := map[model.ID]*sums{}
	of := func(id model.ID) *sums {
		if all[id] == nil {
			all[id] = newSums()
		}
		return all[id]
	}
	for k, v := range s.forms {
		of(k.union).forms[k] = v
	}
	for k, v := range s.days {
		of(k.union).days[k] = v
	}
	for k, v := range s.months {
		of(k.node).months[k] = v
	}
	for k, v := range s.goods {
		of(k.node).goods[k] = v
	}
	for k, v := range s.purses {
		of(k.node).purses[k] = v
	}
	return all
}

// stored reads a union's rows of the rollups but for its days, and those of its node.
func stored(tx *gorm.DB, id model.ID, years []model.Year) (*sums, error) {
	s := newSums()
	var forms []model.TallyForm
	var months []model.TallyMonth
	var goods []model.TallyGood
	var purses []model.TallyPurse
	for rows, q := range map[any]*gorm.DB{&forms: tx.Where("year IN ? AND union_id = ?", years, id),
		&months: tx.Where("node_id = ?", id), &goods: tx.Where("node_id = ?", id), &purses: tx.Where("node_id = ?", id)} {
		if err := q.Find(rows).Error; err != nil {
			return nil, err
		}
	}
	for _, f := range forms {
		s.forms[formKey{f.Year, f.UnionID, f.ChannelID}] = &f
	}
	for _, m := range months {
		s.months[monthKey{m.NodeID, m.Year, m.Month}] = &m
	}
	for _, g := range goods {
		s.goods[goodKey{g.NodeID, g.Year, g.ProductID, g.SupplierID, g.RegionID}] = &g
	}
	for _, p := range purses {
		s.purses[purseKey{p.NodeID, p.Year, p.Purse}] = &p
	}
	return s, nil
}

// plus is the sum of two parts of one union.
func (s *sums) plus(o *sums) *sums {
	both := newSums()
	for _, part := range []*sums{s, o} {
		for _, f := range part.forms {
			both.addForm(model.TallyEvent{Year: f.Year, UnionID: f.UnionID, ChannelID: f.ChannelID, Times: f.Times, AmountFen: f.AmountFen, InvestedFen: f.InvestedFen})
		}
		for k, d := range part.days {
			if both.days[k] == nil {
				both.days[k] = &model.TallyDay{UnionID: d.UnionID, Year: d.Year, Day: d.Day, ChannelID: d.ChannelID}
			}
			both.days[k].Times += d.Times
			both.days[k].AmountFen += d.AmountFen
			both.days[k].InvestedFen += d.InvestedFen
		}
		for id, node := range part.byNode() {
			both.addNode(node, id)
		}
	}
	return both
}

// figures names every figure that is not 0.
func (s *sums) figures() map[string]int64 {
	all := map[string]int64{}
	put := func(key string, names []string, values ...int64) {
		for i, v := range values {
			if v != 0 {
				all[key+" "+names[i]] = v
			}
		}
	}
	for _, f := range s.forms {
		put(fmt.Sprintf("union:%d %d channel:%d", f.UnionID, f.Year, f.ChannelID), formFigures, f.Times, int64(f.AmountFen), int64(f.InvestedFen))
	}
	for _, d := range s.days {
		put(fmt.Sprintf("union:%d %d day:%d channel:%d", d.UnionID, d.Year, d.Day, d.ChannelID), formFigures, d.Times, int64(d.AmountFen), int64(d.InvestedFen))
	}
	for _, m := range s.months {
		put(fmt.Sprintf("node:%d %d month:%d", m.NodeID, m.Year, m.Month), monthFigures, m.Buyers, m.Orders, m.Times, int64(m.PaidFen), int64(m.WechatFen), m.Refunds,
			int64(m.RefundedFen), int64(m.RefundedWechatFen), m.Claims, m.ClaimedTimes, int64(m.ClaimedFen))
	}
	for _, g := range s.goods {
		put(fmt.Sprintf("node:%d %d product:%d supplier:%d region:%d", g.NodeID, g.Year, g.ProductID, g.SupplierID, g.RegionID), goodFigures,
			g.Quantity, int64(g.AmountFen), g.RefundedQuantity, int64(g.RefundedFen))
	}
	for _, p := range s.purses {
		put(fmt.Sprintf("node:%d %d purse:%s", p.NodeID, p.Year, p.Purse), purseFigures, int64(p.FundedFen), int64(p.GrantedFen), int64(p.ReturnedFen), int64(p.SpentFen), int64(p.GroupFen), p.Holders)
	}
	return all
}

// differences tells every figure in which the two differ, and returns how many there are to compare.
func differences(have, want map[string]int64, tell func(Difference)) int64 {
	names := maps.Clone(want)
	maps.Copy(names, have)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if have[name] != want[name] {
			tell(Difference{name, have[name], want[name]})
		}
	}
	return int64(len(names))
}
