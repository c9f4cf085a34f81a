package report

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report/form"
)

// Breach is a submitted form that does not hold against the orders and claims it was filled from.
type Breach struct {
	StatementID model.ID
	RowNo       int    // 1 to 8; 0: the form as a whole
	What        string // in Chinese, what differs
	Frozen      int64  // fen or 人次 as submitted
	Counted     int64  // as counted again
}

func (b Breach) String() string {
	return fmt.Sprintf("statement %s row %d: %s: submitted %d, counted again %d", b.StatementID, b.RowNo, b.What, b.Frozen, b.Counted)
}

// recountSQL shares nothing with the filling: it starts from the purchases and takes each one's refunds by order. An order for a
// group counts the receivers who had signed.
const recountSQL = `SELECT o.statement_id, o.form_row AS row_no, SUM(CASE WHEN o.back < o.paid THEN o.times ELSE 0 END) AS person_times, SUM(o.paid - o.back) AS amount_fen
FROM (SELECT p.statement_id, c.form_row, x.allowance_fen + x.wechat_fen AS paid,
  CASE WHEN NOT EXISTS (SELECT 1 FROM group_purchases g WHERE g.order_id = x.id) THEN 1 ELSE (SELECT COUNT(*) FROM group_receivers v JOIN group_purchases g ON g.id = v.purchase_id WHERE g.order_id = x.id
    AND EXISTS (SELECT 1 FROM group_signoffs z WHERE z.receiver_id = v.id AND z.signed_at < p.as_of AND COALESCE(z.undone_at, p.as_of) >= p.as_of)) END AS times,
  (SELECT COALESCE(SUM(r.amount_fen), 0) FROM refunds r WHERE r.order_id = x.id AND r.refunded_at < p.as_of) AS back
  FROM orders x JOIN statement_parts p ON p.union_id = x.union_id JOIN statements s ON s.id = p.statement_id JOIN reporting_periods d ON d.id = s.period_id
  JOIN channels c ON c.id = x.channel_id WHERE x.year = d.year AND x.paid_at IS NOT NULL AND x.paid_at < p.as_of AND (@one = 0 OR s.id = @one)) o
GROUP BY o.statement_id, o.form_row`

// reclaimSQL takes each claim once, with what is left of it at the part's moment.
const reclaimSQL = `SELECT s.id AS statement_id, c.form_row AS row_no, SUM(k.person_times) AS person_times, SUM(k.amount_fen) AS amount_fen, SUM(k.amount_fen) AS invested_fen
FROM claims k JOIN channels c ON c.id = k.channel_id JOIN statement_parts p ON p.union_id = k.union_id JOIN statements s ON s.id = p.statement_id JOIN reporting_periods d ON d.id = s.period_id
WHERE k.year = d.year AND k.status IN ('approved', 'revoked') AND k.counted_at < p.as_of AND (k.status = 'approved' OR k.revoked_at >= p.as_of) AND (@one = 0 OR s.id = @one)
GROUP BY s.id, c.form_row`

// recount counts submitted forms again from their parts: all of them, or only one.
func recount(tx *gorm.DB, one model.ID) (map[model.ID]*[8]form.Row, error) {
	forms := map[model.ID]*[8]form.Row{}
	of := func(id model.ID) *[8]form.Row {
		if forms[id] == nil {
			blank := form.BlankRows()
			forms[id] = &blank
		}
		return forms[id]
	}
	for _, sql := range []string{recountSQL, reclaimSQL} {
		var sums []struct {
			StatementID model.ID
			Sum         figure `gorm:"embedded"`
		}
		if err := tx.Raw(sql, map[string]any{"one": one}).Scan(&sums).Error; err != nil {
			return nil, err
		}
		for _, s := range sums {
			if err := add(of(s.StatementID), []figure{s.Sum}); err != nil {
				return nil, err
			}
		}
	}
	invested, err := reinvest(tx, one)
	for id, fen := range invested {
		of(id)[1].Invested += fen
	}
	return forms, err
}

// reinvest counts 投入总额度 of submitted forms again, by the union that transfers name.
func reinvest(tx *gorm.DB, one model.ID) (map[model.ID]model.Fen, error) {
	type key struct {
		UnionID model.ID
		Year    model.Year
	}
	var issued []struct {
		Key key `gorm:"embedded"`
		At  time.Time
		Fen model.Fen
	}
	err := tx.Raw(`SELECT union_id, year, at, SUM(CASE WHEN kind IN ('grant', 'spend') THEN amount_fen ELSE -amount_fen END) AS fen FROM transfers
WHERE kind IN ('grant', 'revoke') OR order_id IN (SELECT g.order_id FROM group_purchases g) AND kind IN ('spend', 'refund') GROUP BY union_id, year, at`).Scan(&issued).Error
	if err != nil {
		return nil, err
	}
	byUnion := map[key][]int{}
	for i, t := range issued {
		byUnion[t.Key] = append(byUnion[t.Key], i)
	}
	var parts []struct {
		StatementID model.ID
		Key         key `gorm:"embedded"`
		AsOf        time.Time
	}
	err = tx.Raw(`SELECT p.statement_id, p.union_id, d.year, p.as_of FROM statement_parts p JOIN statements s ON s.id = p.statement_id
JOIN reporting_periods d ON d.id = s.period_id WHERE @one = 0 OR s.id = @one`, map[string]any{"one": one}).Scan(&parts).Error
	sums := map[model.ID]model.Fen{}
	for _, p := range parts {
		for _, i := range byUnion[p.Key] {
			if issued[i].At.Before(p.AsOf) {
				sums[p.StatementID] += issued[i].Fen
			}
		}
	}
	return sums, err
}

// Recount fills a submitted form again from its parts, independently of how it was filled.
func Recount(tx *gorm.DB, statementID model.ID) ([8]form.Row, error) {
	forms, err := recount(tx, statementID)
	if err != nil || forms[statementID] == nil {
		return form.BlankRows(), err
	}
	return *forms[statementID], nil
}

// VerifySnapshots counts every form ever submitted again and tells each figure that is not as it was frozen, and each form whose
// parts or rows are not those of a whole form. tx should be one read-consistent view.
func VerifySnapshots(tx *gorm.DB) ([]Breach, error) {
	found, err := verifyShape(tx)
	if err != nil {
		return nil, err
	}
	counted, err := recount(tx, 0)
	if err != nil {
		return nil, err
	}
	var stored []model.StatementRow
	if err := tx.Order("statement_id, row_no").Find(&stored).Error; err != nil {
		return nil, err
	}
	blank := form.BlankRows()
	for _, r := range stored {
		if r.RowNo < 1 || r.RowNo > 8 {
			continue // verifyShape tells it
		}
		again := &blank
		if c := counted[r.StatementID]; c != nil {
			again = c
		}
		found = append(found, compare(r, again[r.RowNo-1])...)
	}
	return found, nil
}

func compare(r model.StatementRow, again form.Row) (found []Breach) {
	for _, c := range []struct {
		what            string
		frozen, counted int64
	}{
		{"人次", r.PersonTimes, int64(again.PersonTimes)},
		{"消费总金额", int64(r.AmountFen), int64(again.Amount)},
		{"投入总额度", int64(r.InvestedFen), int64(again.Invested)},
	} {
		if c.frozen != c.counted {
			found = append(found, Breach{StatementID: r.StatementID, RowNo: r.RowNo, What: c.what, Frozen: c.frozen, Counted: c.counted})
		}
	}
	return found
}

// verifyShape finds forms without the rows 1 to 8, without themselves among their parts, that count past their period, or that
// took parts from a form of another one.
func verifyShape(tx *gorm.DB) ([]Breach, error) {
	var forms []struct {
		ID                    model.ID
		AsOf                  time.Time
		DueOn                 model.Date
		RowCount, Own, Beyond int64
	}
	err := tx.Raw(`SELECT s.id, s.as_of, d.due_on,
(SELECT COUNT(*) FROM statement_rows r WHERE r.statement_id = s.id AND r.row_no BETWEEN 1 AND 8) AS row_count,
(SELECT COUNT(*) FROM statement_parts p WHERE p.statement_id = s.id AND p.union_id = s.union_id AND p.as_of = s.as_of) AS own,
(SELECT COUNT(*) FROM statement_parts p JOIN statements c ON c.id = p.source_statement_id WHERE p.statement_id = s.id AND c.period_id <> s.period_id) AS beyond
FROM statements s JOIN reporting_periods d ON d.id = s.period_id ORDER BY s.id`).Scan(&forms).Error
	var found []Breach
	for _, f := range forms {
		if f.RowCount != 8 {
			found = append(found, Breach{StatementID: f.ID, What: "行数", Frozen: f.RowCount, Counted: 8})
		}
		if f.Own != 1 {
			found = append(found, Breach{StatementID: f.ID, What: "本单位未计入", Frozen: f.Own, Counted: 1})
		}
		if f.Beyond != 0 {
			found = append(found, Breach{StatementID: f.ID, What: "引用了其他报表期的统计表", Frozen: f.Beyond})
		}
		if f.AsOf.After(f.DueOn.End()) {
			found = append(found, Breach{StatementID: f.ID, What: "统计时间超出报表期", Frozen: f.AsOf.UnixMilli(), Counted: f.DueOn.End().UnixMilli()})
		}
	}
	return found, err
}
