package tally

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// maxTail bounds how many waiting events an answer adds while it reads.
const maxTail = 5000

// reading is one union with all below it in one year, as of a moment: the rollups' rows, and what waits to be added to them.
type reading struct {
	tx   *gorm.DB
	node model.ID
	year model.Year
	asOf time.Time
	tail *sums
}

// read opens one read-consistent view and answers from it. CodeBusy while the rollups are being built.
func (s *Service) read(ctx context.Context, union model.ID, year model.Year, withLines bool, answer func(r reading) error) error {
	return s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		r := reading{tx: tx, node: union, year: year, asOf: s.db.Now()}
		st, err := stateOf(tx)
		if err != nil {
			return err
		}
		if st.Status != ready {
			e := model.E(model.CodeBusy, "汇总数据正在重新统计，请稍后再看")
			e.RetryAfter = 10 * time.Second
			return e
		}
		if err := r.readTail(withLines); err != nil {
			return err
		}
		return answer(r)
	})
}

// readTail adds up what waits in the queue of the union and all below it. Where too much waits, the figures are the rollups' alone, and as of the
// oldest event that they lack: a few later ones may be in them.
func (r *reading) readTail(withLines bool) error {
	r.tail = newSums()
	var path string
	err := r.tx.Raw("SELECT COALESCE(n.path, u.path) FROM unions u LEFT JOIN tally_nodes n ON n.union_id = u.id WHERE u.id = ?", r.node).Scan(&path).Error
	if err != nil || path == "" {
		return err
	}
	var waiting []struct {
		Event model.TallyEvent `gorm:"embedded"`
		Path  string
	}
	err = r.tx.Raw("SELECT e.*, COALESCE(n.path, u.path) AS path FROM tally_events e JOIN unions u ON u.id = e.union_id LEFT JOIN tally_nodes n ON n.union_id = e.union_id "+
		"WHERE e.done = ? AND e.year = ? AND COALESCE(n.path, u.path) LIKE ? ORDER BY e.at LIMIT ?", false, r.year, path+"%", maxTail+1).Scan(&waiting).Error
	if err != nil || len(waiting) == 0 {
		return err
	}
	if len(waiting) > maxTail {
		if oldest := waiting[0].Event.At; oldest.Before(r.asOf) {
			r.asOf = oldest
		}
		return nil
	}
	events, paths := make([]model.TallyEvent, len(waiting)), map[model.ID]string{}
	for i, w := range waiting {
		events[i], paths[w.Event.UnionID] = w.Event, w.Path
	}
	r.tail, err = fold(r.tx, events, paths, withLines)
	return err
}

// months are the node's months, the buyers' row among them, in order.
func (r *reading) months() (map[int]model.TallyMonth, error) {
	var rows []model.TallyMonth
	if err := r.tx.Where("node_id = ? AND year = ?", r.node, r.year).Find(&rows).Error; err != nil {
		return nil, err
	}
	both := newSums()
	for _, m := range rows {
		both.months[monthKey{m.NodeID, m.Year, m.Month}] = &m
	}
	both.addNode(r.tail.nodeOf(r.node, r.year), r.node)
	all := make(map[int]model.TallyMonth, len(rows))
	for k, m := range both.months {
		all[k.month] = *m
	}
	return all, nil
}

// nodeOf is the part of sums that is about one node and year.
func (s *sums) nodeOf(node model.ID, year model.Year) *sums {
	part := newSums()
	for k, v := range s.months {
		if k.node == node && k.year == year {
			part.months[k] = v
		}
	}
	for k, v := range s.goods {
		if k.node == node && k.year == year {
			part.goods[k] = v
		}
	}
	for k, v := range s.purses {
		if k.node == node && k.year == year {
			part.purses[k] = v
		}
	}
	return part
}

// purses are what became of each purse's money of some nodes.
func (r *reading) purses(nodes []model.ID) (map[model.ID]map[model.Purse]model.TallyPurse, error) {
	var rows []model.TallyPurse
	if err := r.tx.Where("node_id IN ? AND year = ?", nodes, r.year).Find(&rows).Error; err != nil {
		return nil, err
	}
	both := newSums()
	for _, p := range rows {
		both.purses[purseKey{p.NodeID, p.Year, p.Purse}] = &p
	}
	all := make(map[model.ID]map[model.Purse]model.TallyPurse, len(nodes))
	for _, node := range nodes {
		both.addNode(r.tail.nodeOf(node, r.year), node)
		all[node] = map[model.Purse]model.TallyPurse{}
	}
	for k, p := range both.purses {
		all[k.node][k.purse] = *p
	}
	return all, nil
}

// goods are the node's goods, grouped by one of their keys: product, supplier or region.
func (r *reading) goods(column string, key func(goodKey) model.ID) (map[model.ID]*Goods, error) {
	var rows []struct {
		Key   model.ID
		Goods Goods `gorm:"embedded"`
	}
	err := r.tx.Model(&model.TallyGood{}).Select(column+" AS `key`, SUM(quantity) AS quantity, SUM(amount_fen) AS amount_fen, SUM(refunded_quantity) AS refunded_quantity, SUM(refunded_fen) AS refunded_fen").
		Where("node_id = ? AND year = ?", r.node, r.year).Group(column).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	all := make(map[model.ID]*Goods, len(rows))
	for _, g := range rows {
		all[g.Key] = &g.Goods
	}
	for k, g := range r.tail.nodeOf(r.node, r.year).goods {
		sum := all[key(k)]
		if sum == nil {
			sum = &Goods{}
			all[key(k)] = sum
		}
		sum.add(Goods{Quantity: g.Quantity, AmountFen: g.AmountFen, RefundedQuantity: g.RefundedQuantity, RefundedFen: g.RefundedFen})
	}
	return all, nil
}
