package risk

import (
	"time"

	"bangfu/model"
)

// issuedBefore is how long after an issue those who left soon after it are still looked for, beyond the rule's own days.
const issuedBefore = 30

// leftAfterIssue finds grants of whose members several used their money and left soon after the issue. What they had not spent went back
// to the fund by itself.
func leftAfterIssue(l look) ([]finding, error) {
	var rows []struct {
		GrantID, MemberID, UnionID model.ID
		IssuedFen, SpentFen        model.Fen
		IssuedAt, LeftAt           time.Time
	}
	err := l.tx.Raw("SELECT g.id AS grant_id, g.union_id, m.id AS member_id, i.issued_fen, i.decided_at AS issued_at, m.left_at, "+
		"(SELECT COALESCE(SUM(t.amount_fen), 0) FROM transfers t WHERE t.debit_account = CONCAT('allowance:', i.allowance_id) AND t.kind = 'spend' AND t.at >= i.decided_at) AS spent_fen "+
		"FROM grants g JOIN grant_items i ON i.grant_id = g.id AND i.issued_fen > 0 JOIN members m ON m.id = i.member_id AND m.status = 'left' "+
		"WHERE g.issued_at >= ? AND m.left_at >= i.decided_at ORDER BY m.left_at DESC, m.id", l.from.AddDate(0, 0, -issuedBefore)).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	by := map[model.ID]finding{}
	for _, r := range rows {
		if r.SpentFen == 0 || r.LeftAt.Sub(r.IssuedAt) > time.Duration(l.set.WindowDays)*24*time.Hour {
			continue
		}
		f, ok := by[r.GrantID]
		if !ok {
			f = finding{subject: r.GrantID, unions: unionSet{r.UnionID: true}, first: r.LeftAt, last: r.LeftAt, bucket: model.DateOf(r.IssuedAt),
				figures: []figure{{Name: "persons"}, {Name: "issued_fen"}, {Name: "spent_fen"}}}
		}
		f.size++
		f.figures[0].Value = f.size
		f.figures[1].Value += int64(r.IssuedFen)
		f.figures[2].Value += int64(r.SpentFen)
		f.first, f.last = earlier(f.first, r.LeftAt), later(f.last, r.LeftAt)
		f.evidence.Members = append(f.evidence.Members, r.MemberID)
		by[r.GrantID] = f
	}
	var found []finding
	for _, f := range by {
		if f.size >= l.set.Threshold {
			found = append(found, f)
		}
	}
	return found, nil
}

// enoughUnions is how many unions must have bought before a supplier's concentration says anything.
const enoughUnions = 3

// supplierOneUnion finds suppliers that sell nearly everything to one union.
func supplierOneUnion(l look) ([]finding, error) {
	var rows []struct {
		SupplierID, UnionID model.ID
		Parcels             int64
		AmountFen           model.Fen
	}
	err := l.tx.Raw("SELECT p.supplier_id, p.union_id, COUNT(*) AS parcels, SUM(p.amount_fen) AS amount_fen FROM orders o JOIN parcels p ON p.order_id = o.id "+
		"WHERE o.placed_at >= ? AND o."+live+" AND p.status <> 'cancelled' GROUP BY p.supplier_id, p.union_id", l.from).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	unions, totals := unionSet{}, map[model.ID]model.Fen{}
	for _, r := range rows {
		unions[r.UnionID] = true
		totals[r.SupplierID] += r.AmountFen
	}
	var found []finding
	for _, r := range rows {
		share := int64(r.AmountFen * 100 / max(totals[r.SupplierID], 1))
		if len(unions) < enoughUnions || r.Parcels < l.set.Threshold || share < l.set.Percent {
			continue
		}
		var orders []bought
		err := l.tx.Raw("SELECT o.id, o.person_id, o.union_id, p.amount_fen AS goods_fen, o.placed_at FROM orders o JOIN parcels p ON p.order_id = o.id "+
			"WHERE o.placed_at >= ? AND o."+live+" AND p.status <> 'cancelled' AND p.supplier_id = ? AND p.union_id = ? ORDER BY o.placed_at", l.from, r.SupplierID, r.UnionID).Scan(&orders).Error
		if err != nil {
			return nil, err
		}
		f := tally(orders)
		f.subject, f.supplier, f.size, f.share = r.SupplierID, &r.SupplierID, r.Parcels, share
		f.figures = []figure{{"parcels", r.Parcels}, {"amount_fen", int64(r.AmountFen)}, {"supplier_fen", int64(totals[r.SupplierID])}, {"share_of_sales", share}}
		found = append(found, f)
	}
	return found, nil
}

// claimsBeforeDue finds unions that entered most of a reporting period's claims in its last days.
func claimsBeforeDue(l look) ([]finding, error) {
	var periods []model.ReportingPeriod
	if err := l.tx.Where("due_on >= ?", model.DateOf(l.now.AddDate(-1, 0, 0))).Order("due_on").Find(&periods).Error; err != nil {
		return nil, err
	}
	var found []finding
	start := l.now.AddDate(-1, 0, 0)
	for _, p := range periods {
		due := model.Date(p.DueOn)
		last := due.End().AddDate(0, 0, -l.set.WindowDays)
		if l.now.After(last) && l.now.Before(due.End().AddDate(0, 0, issuedBefore)) {
			f, err := claimsOf(l, due, start, last)
			if err != nil {
				return nil, err
			}
			found = append(found, f...)
		}
		start = due.End()
	}
	return found, nil
}

// claimsOf looks at the claims entered for one reporting date: from start to the end of that day, the last days beginning at last.
func claimsOf(l look, due model.Date, start, last time.Time) ([]finding, error) {
	var rows []model.Claim
	err := l.tx.Select("id", "union_id", "amount_fen", "entered_at").Where("entered_at >= ? AND entered_at < ? AND status IN ('entered', 'approved')", start, due.End()).
		Order("entered_at DESC").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	totals, by := map[model.ID]int64{}, map[model.ID]finding{}
	for _, c := range rows {
		totals[c.UnionID] += int64(c.AmountFen)
		if c.EnteredAt.Before(last) {
			continue
		}
		f, ok := by[c.UnionID]
		if !ok {
			f = finding{subject: c.UnionID, unions: unionSet{c.UnionID: true}, first: c.EnteredAt, last: c.EnteredAt, bucket: due,
				figures: []figure{{Name: "claims"}, {Name: "amount_fen"}}}
		}
		f.size++
		f.first = c.EnteredAt
		f.figures[0].Value = f.size
		f.figures[1].Value += int64(c.AmountFen)
		f.evidence.Claims = append(f.evidence.Claims, c.ID)
		by[c.UnionID] = f
	}
	var found []finding
	for union, f := range by {
		f.share = f.figures[1].Value * 100 / totals[union]
		f.figures = append(f.figures, figure{"period_fen", totals[union]}, figure{"share_of_period", f.share})
		if f.size >= l.set.Threshold && f.share >= l.set.Percent {
			found = append(found, f)
		}
	}
	return found, nil
}
