package tally

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// maxTail bounds how many waiting events an answer looks through while it reads.
const maxTail = 5000

// reading is one union with all below it in one year, as of a moment: the rollups' rows, and what waits to be added to them.
type reading struct {
	tx   *gorm.DB
	node model.ID
	year model.Year
	asOf time.Time
	tail *sums

	whole   bool               // what follows is all that waits; else the answer is the rollups' alone
	waiting []model.TallyEvent // of all unions and years
}

// Busy is what somebody is told while the rollups are being built.
func Busy() error {
	e := model.E(model.CodeBusy, "汇总数据正在重新统计，请稍后再看")
	e.RetryAfter = 10 * time.Second
	return e
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
			return Busy()
		}
		if err := r.readWaiting(); err != nil {
			return err
		}
		if err := r.readTail(withLines); err != nil {
			return err
		}
		return answer(r)
	})
}

// readTail adds up what waits in the queue of the union and all below it.
func (r *reading) readTail(withLines bool) error {
	r.tail = newSums()
	if len(r.waiting) == 0 {
		return nil
	}
	events := slices.DeleteFunc(slices.Clone(r.waiting), func(e model.TallyEvent) bool { return e.Year != r.year })
	paths, err := r.pathsBelow(events)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(e model.TallyEvent) bool { return paths[e.UnionID] == "" })
	r.tail, err = fold(r.tx, events, paths, withLines)
	return err
}

// readWaiting reads what waits in the queue. Where too much waits, the figures are the rollups' alone, and as of the oldest event that they lack: a few
// later ones may be in them.
func (r *reading) readWaiting() error {
	w, err := waiting(r.tx, maxTail)
	if err != nil {
		return err
	}
	if r.whole = w.all; !w.all {
		if w.first.Before(r.asOf) {
			r.asOf = w.first
		}
		return nil
	}
	r.waiting, err = w.events(r.tx)
	return err
}

// pathsBelow tells where the events' unions are, of those that are the node or below it.
func (r *reading) pathsBelow(events []model.TallyEvent) (map[model.ID]string, error) {
	unions := make([]model.ID, len(events), len(events)+1)
	for i, e := range events {
		unions[i] = e.UnionID
	}
	unions = append(unions, r.node)
	slices.Sort(unions)
	paths := map[model.ID]string{}
	for ids := range slices.Chunk(slices.Compact(unions), idsPerStatement) {
		var some []model.Union
		err := r.tx.Raw("SELECT u.id, COALESCE(n.path, u.path) AS path FROM unions u LEFT JOIN tally_nodes n ON n.union_id = u.id WHERE u.id IN ?", ids).Scan(&some).Error
		if err != nil {
			return nil, err
		}
		for _, u := range some {
			paths[u.ID] = u.Path
		}
	}
	above := paths[r.node]
	maps.DeleteFunc(paths, func(_ model.ID, path string) bool { return above == "" || !strings.HasPrefix(path, above) })
	return paths, nil
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
