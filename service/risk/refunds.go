package risk

import (
	"slices"
	"time"

	"bangfu/model"
)

// gaveBack is a refunded order.
type gaveBack struct {
	OrderID, PersonID, UnionID model.ID
	AmountFen                  model.Fen
	RefundedAt                 time.Time
}

// refundsPerson finds persons who had many orders refunded, among those who had one since the last look. What a hall voided is the
// cashier's, see voidsCashier, and what a union bought for a group is nobody's.
func refundsPerson(l look) ([]finding, error) {
	var rows []gaveBack
	err := l.tx.Raw("SELECT r.order_id, o.person_id, o.union_id, r.amount_fen, r.refunded_at FROM refunds r JOIN orders o ON o.id = r.order_id "+
		"WHERE r.refunded_at >= ? AND r.kind <> 'void' AND o.kind <> 'group' AND o.person_id IN "+
		"(SELECT y.person_id FROM refunds x JOIN orders y ON y.id = x.order_id WHERE x.refunded_at >= ? AND x.kind <> 'void')", l.from, l.since).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	by := map[model.ID]finding{}
	for _, r := range rows {
		f, ok := by[r.PersonID]
		if !ok {
			f = finding{subject: r.PersonID, unions: unionSet{}, first: r.RefundedAt, last: r.RefundedAt, figures: []figure{{Name: "refunded_orders"}, {Name: "refunded_fen"}}}
		}
		f.refund(r.OrderID, r.UnionID, r.AmountFen, r.RefundedAt)
		by[r.PersonID] = f
	}
	placed, err := ordersOf(l, by)
	if err != nil {
		return nil, err
	}
	var found []finding
	for person, f := range by {
		f.share = f.size * 100 / max(placed[person], f.size)
		f.figures = append(f.figures, figure{"orders", max(placed[person], f.size)}, figure{"refunded_share", f.share})
		if f.size >= l.set.Threshold || placed[person] >= l.set.Least && f.share >= l.set.Percent {
			found = append(found, f)
		}
	}
	return found, nil
}

// refund adds one refund; its first two figures are orders and amount.
func (f *finding) refund(order, union model.ID, amount model.Fen, at time.Time) {
	if !slices.Contains(f.evidence.Orders, order) {
		f.evidence.Orders = append(f.evidence.Orders, order)
		f.size++
	}
	f.unions[union] = true
	f.first, f.last = earlier(f.first, at), later(f.last, at)
	f.figures[0].Value = f.size
	f.figures[1].Value += int64(amount)
}

// ordersOf counts the orders that the persons placed in the window, for those with two refunded or more.
func ordersOf(l look, by map[model.ID]finding) (map[model.ID]int64, error) {
	var persons []model.ID
	for id, f := range by {
		if f.size > 1 {
			persons = append(persons, id)
		}
	}
	placed := map[model.ID]int64{}
	for part := range slices.Chunk(persons, chunk) {
		var rows []struct {
			PersonID model.ID
			N        int64
		}
		err := l.tx.Raw("SELECT person_id, COUNT(*) AS n FROM orders WHERE person_id IN ? AND placed_at >= ? AND kind <> 'group' AND status NOT IN ('pending', 'closed') "+
			"GROUP BY person_id", part, l.from).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			placed[r.PersonID] = r.N
		}
	}
	return placed, nil
}

// refundsSupplier finds suppliers of whose parcels many were refunded.
func refundsSupplier(l look) ([]finding, error) {
	const refunded = "FROM refunds r JOIN refund_lines x ON x.refund_id = r.id JOIN order_lines l ON l.id = x.line_id WHERE r.refunded_at >= ? AND r.kind <> 'void'"
	var rows []struct {
		SupplierID model.ID
		Parcels    int64
		AmountFen  model.Fen
	}
	err := l.tx.Raw("SELECT l.supplier_id, COUNT(DISTINCT l.parcel_id) AS parcels, SUM(x.amount_fen) AS amount_fen "+refunded+
		" GROUP BY l.supplier_id HAVING COUNT(DISTINCT l.parcel_id) >= ?", l.from, l.set.Threshold).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	totals, err := parcelsOf(l)
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, r := range rows {
		all := max(totals[r.SupplierID], r.Parcels)
		share := r.Parcels * 100 / all
		if share < l.set.Percent {
			continue
		}
		var seen []gaveBack
		err = l.tx.Raw("SELECT r.order_id, r.refunded_at "+refunded+" AND l.supplier_id = ? ORDER BY r.refunded_at DESC, r.order_id", l.from, r.SupplierID).Scan(&seen).Error
		if err != nil || len(seen) == 0 {
			return nil, err
		}
		f := finding{subject: r.SupplierID, supplier: &r.SupplierID, size: r.Parcels, share: share, last: seen[0].RefundedAt, first: seen[len(seen)-1].RefundedAt,
			figures: []figure{{"refunded_parcels", r.Parcels}, {"parcels", all}, {"refunded_share", share}, {"refunded_fen", int64(r.AmountFen)}}}
		for _, s := range seen {
			if len(f.evidence.Orders) < maxEvidence && !slices.Contains(f.evidence.Orders, s.OrderID) {
				f.evidence.Orders = append(f.evidence.Orders, s.OrderID)
			}
		}
		found = append(found, f)
	}
	return found, nil
}

// parcelsOf counts the parcels of each supplier in the window.
func parcelsOf(l look) (map[model.ID]int64, error) {
	var rows []struct {
		SupplierID model.ID
		N          int64
	}
	err := l.tx.Raw("SELECT p.supplier_id, COUNT(*) AS n FROM orders o JOIN parcels p ON p.order_id = o.id WHERE o.placed_at >= ? AND o.status NOT IN ('pending', 'closed') "+
		"GROUP BY p.supplier_id", l.from).Scan(&rows).Error
	totals := make(map[model.ID]int64, len(rows))
	for _, r := range rows {
		totals[r.SupplierID] = r.N
	}
	return totals, err
}
