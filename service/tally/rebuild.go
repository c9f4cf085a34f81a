package tally

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

const (
	rebuildLease = "tally-rebuild"
	leaseFor     = 2 * time.Minute
	// rowsPerPiece is about how many rows of the rollups are written in one transaction while they are built.
	rowsPerPiece = 20_000
)

// errTaken says that somebody else builds the rollups.
var errTaken = errors.New("the rollups are being built by another process")

// Built tells what a rebuild counted.
type Built struct {
	Unions int
	Rows   int           // of the rollups
	Took   time.Duration // on the machine's own clock
}

// Rebuild counts everything anew from orders, refunds, transfers and claims and replaces the rollups by it: after the upgrade that brought
// them, after rows were put into the database without the product, or to repair. The product goes on meanwhile; until it is done forms are counted
// the slow way and dashboards say to come back. A rebuild that broke off leaves nothing half: it starts over.
//
// It reads on one consistent view. The events that this view shows are in its count and are dropped; all later ones stay in the queue.
func (s *Service) Rebuild(ctx context.Context) (Built, error) {
	start, holder := time.Now(), s.db.NewID()
	mine, err := s.db.Lease(ctx, rebuildLease, holder.String(), leaseFor)
	if err != nil {
		return Built{}, err
	}
	if !mine {
		return Built{}, errTaken
	}
	defer func() { _ = s.db.Unlease(context.WithoutCancel(ctx), rebuildLease, holder.String()) }()
	b := &rebuild{s: s, ctx: ctx, token: holder, above: newSums(), pending: newSums(), renewed: start}
	if err := b.begin(); err != nil {
		return Built{}, err
	}
	if err := s.db.Snapshot(ctx, b.count); err != nil {
		return Built{}, err
	}
	err = b.finish()
	return Built{b.unions, b.rows, time.Since(start)}, err
}

// buildIfNobodyElse builds the rollups unless another process is at it.
func (s *Service) buildIfNobodyElse(ctx context.Context) error {
	if _, err := s.Rebuild(ctx); !errors.Is(err, errTaken) {
		return err
	}
	return nil
}

// Ensure builds the rollups at once on a database that has nothing to count yet; else it leaves that to the worker.
func (s *Service) Ensure(ctx context.Context) error {
	tx := s.db.Read(ctx)
	st, err := stateOf(tx)
	if err != nil || st.Status != "" {
		return err
	}
	for _, entity := range []any{&model.Order{}, &model.Transfer{}, &model.Claim{}} {
		var some []model.ID
		if err := tx.Model(entity).Limit(1).Pluck("id", &some).Error; err != nil || len(some) > 0 {
			return err
		}
	}
	return s.buildIfNobodyElse(ctx)
}

type rebuild struct {
	s       *Service
	ctx     context.Context
	token   model.ID
	began   time.Time // on the product's clock
	above   *sums     // of nodes that have others below them
	pending *sums     // to be written
	late    []model.TallyEvent
	seen    []model.ID // bundles that the view shows
	unions  int
	rows    int
	renewed time.Time
}

// begin closes the rollups and empties them.
func (b *rebuild) begin() error {
	db := b.s.db
	b.began = db.Now()
	st := model.TallyState{ID: stateID, Status: building, Token: b.token, PurgedTo: b.began, BuiltAt: b.began}
	err := db.Tx(b.ctx, func(tx *gorm.DB) error {
		var old model.TallyState
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", stateID).Limit(1).Find(&old).Error; err != nil {
			return err
		}
		if old.ID == 0 {
			return tx.Create(&st).Error
		}
		return tx.Model(&model.TallyState{}).Where("id = ?", stateID).UpdateColumns(map[string]any{"status": building, "token": b.token, "built_at": b.began}).Error
	})
	if err != nil {
		return err
	}
	for _, table := range []string{"tally_forms", "tally_days", "tally_months", "tally_goods", "tally_purses", "tally_buyers", "tally_nodes"} {
		if err := b.empty(table); err != nil {
			return err
		}
	}
	return nil
}

// empty deletes a table's rows, on MySQL in pieces.
func (b *rebuild) empty(table string) error {
	limit := " LIMIT 10000"
	if b.s.db.Dialect == model.SQLite {
		limit = ""
	}
	for {
		gone := int64(0)
		err := b.write(func(tx *gorm.DB) error {
			res := tx.Exec("DELETE FROM " + table + limit)
			gone = res.RowsAffected
			return res.Error
		})
		if err != nil || gone == 0 || limit == "" {
			return err
		}
	}
}

// write runs fn in a transaction that holds only as long as this rebuild is the latest.
func (b *rebuild) write(fn func(tx *gorm.DB) error) error {
	if time.Since(b.renewed) > leaseFor/8 {
		mine, err := b.s.db.Lease(b.ctx, rebuildLease, b.token.String(), leaseFor)
		if err != nil {
			return err
		}
		if !mine {
			return errTaken
		}
		b.renewed = time.Now()
	}
	return b.s.db.Tx(b.ctx, func(tx *gorm.DB) error {
		var st model.TallyState
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", stateID).Take(&st).Error; err != nil {
			return err
		}
		if st.Token != b.token || st.Status != building {
			return errTaken
		}
		return fn(tx)
	})
}

// count reads the view union by union; it writes on other connections.
func (b *rebuild) count(view *gorm.DB) error {
	if err := view.Model(&model.TallyBundle{}).Order("id").Pluck("id", &b.seen).Error; err != nil {
		return err
	}
	var tree []model.Union
	if err := view.Select("id", "path").Order("id").Find(&tree).Error; err != nil {
		return err
	}
	b.unions = len(tree)
	if err := b.write(func(tx *gorm.DB) error {
		nodes := make([]model.TallyNode, len(tree))
		for i, u := range tree {
			nodes[i] = model.TallyNode{UnionID: u.ID, Path: u.Path}
		}
		return tx.CreateInBatches(nodes, b.s.db.BatchRows()).Error
	}); err != nil {
		return err
	}
	parents := parentsOf(tree)
	keepFrom := b.began.Add(-keep)
	for _, u := range tree {
		own, err := recount(view, u.ID, func(e model.TallyEvent) {
			if !e.At.Before(keepFrom) && (e.Times != 0 || e.AmountFen != 0 || e.InvestedFen != 0) {
				b.late = append(b.late, e)
			}
		})
		if err != nil {
			return fmt.Errorf("union %s: %w", u.ID, err)
		}
		for _, node := range nodesOf(u.Path) {
			if parents[node] {
				b.above.addNode(own, node)
			}
		}
		b.pending.addOwn(own, !parents[u.ID])
		if err := b.flush(rowsPerPiece); err != nil {
			return err
		}
	}
	b.pending.addOwn(b.above, true)
	return b.flush(0)
}

// parentsOf tells which unions have others below them.
func parentsOf(tree []model.Union) map[model.ID]bool {
	parents := map[model.ID]bool{}
	for _, u := range tree {
		ids := nodesOf(u.Path)
		for _, id := range ids[:max(0, len(ids)-1)] {
			parents[id] = true
		}
	}
	return parents
}

// flush writes what is pending if it is more than some rows.
func (b *rebuild) flush(above int) error {
	if b.pending.rows()+len(b.late) <= above {
		return nil
	}
	slices.SortStableFunc(b.late, func(x, y model.TallyEvent) int { return x.At.Compare(y.At) })
	err := b.write(func(tx *gorm.DB) error {
		if err := model.InsertAll(tx, b.s.db, bundle(b.s.db, b.late, true)); err != nil {
			return err
		}
		return b.pending.store(tx, b.s.db, true)
	})
	b.rows += b.pending.rows()
	b.pending, b.late = newSums(), nil
	return err
}

// finish drops the events that the count has and opens the rollups.
func (b *rebuild) finish() error {
	for len(b.seen) > 0 {
		n := min(len(b.seen), idsPerStatement)
		err := b.write(func(tx *gorm.DB) error { return tx.Where("id IN ?", b.seen[:n]).Delete(&model.TallyBundle{}).Error })
		if err != nil {
			return err
		}
		b.seen = b.seen[n:]
	}
	return b.write(func(tx *gorm.DB) error {
		return tx.Model(&model.TallyState{}).Where("id = ? AND token = ?", stateID, b.token).UpdateColumns(map[string]any{"status": ready, "purged_to": b.began.Add(-keep)}).Error
	})
}

// rows is how many rows the sums are.
func (s *sums) rows() int {
	return len(s.forms) + len(s.days) + len(s.months) + len(s.goods) + len(s.purses) + len(s.buyers)
}

// addOwn adds another union's sums, with or without its node's.
func (s *sums) addOwn(o *sums, node bool) {
	for k, v := range o.forms {
		s.forms[k] = v
	}
	for k, v := range o.days {
		s.days[k] = v
	}
	for k := range o.buyers {
		s.buyers[k] = true
	}
	if !node {
		return
	}
	for k, v := range o.months {
		s.months[k] = v
	}
	for k, v := range o.goods {
		s.goods[k] = v
	}
	for k, v := range o.purses {
		s.purses[k] = v
	}
}

// addNode adds a union's figures to a node above it, or to its own.
func (s *sums) addNode(o *sums, node model.ID) {
	for _, m := range o.months {
		sum := s.month(node, m.Year, m.Month)
		sum.Buyers += m.Buyers
		sum.Orders += m.Orders
		sum.Times += m.Times
		sum.PaidFen += m.PaidFen
		sum.WechatFen += m.WechatFen
		sum.Refunds += m.Refunds
		sum.RefundedFen += m.RefundedFen
		sum.RefundedWechatFen += m.RefundedWechatFen
		sum.Claims += m.Claims
		sum.ClaimedTimes += m.ClaimedTimes
		sum.ClaimedFen += m.ClaimedFen
	}
	for _, g := range o.goods {
		k := goodKey{node, g.Year, g.ProductID, g.SupplierID, g.RegionID}
		if s.goods[k] == nil {
			s.goods[k] = &model.TallyGood{NodeID: node, Year: g.Year, ProductID: g.ProductID, SupplierID: g.SupplierID, RegionID: g.RegionID}
		}
		s.goods[k].Quantity += g.Quantity
		s.goods[k].AmountFen += g.AmountFen
		s.goods[k].RefundedQuantity += g.RefundedQuantity
		s.goods[k].RefundedFen += g.RefundedFen
	}
	for _, p := range o.purses {
		sum := s.purse(node, p.Year, p.Purse)
		sum.FundedFen += p.FundedFen
		sum.GrantedFen += p.GrantedFen
		sum.ReturnedFen += p.ReturnedFen
		sum.SpentFen += p.SpentFen
		sum.GroupFen += p.GroupFen
		sum.Holders += p.Holders
	}
}
