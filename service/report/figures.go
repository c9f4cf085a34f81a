package report

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report/form"
	"bangfu/service/tally"
)

// Purchases are the orders of a segment's unions and year that were paid before each union's moment. A purchase
// counts in its channel's row with what was paid (allowance and WeChat money), and one 人次.
const paidSQL = `SELECT c.form_row AS row_no, COUNT(*) AS person_times, SUM(o.allowance_fen + o.wechat_fen) AS amount_fen
FROM {parts} JOIN orders o ON o.union_id = {union} AND o.year = @year AND o.paid_at < {cutoff} JOIN channels c ON c.id = o.channel_id
WHERE {where} AND o.allowance_fen + o.wechat_fen > 0 GROUP BY c.form_row`

// What was given back before the moment is taken off, and the 人次 of a purchase of which nothing is left.
const refundedSQL = `SELECT b.row_no, -SUM(CASE WHEN b.back >= b.paid THEN 1 ELSE 0 END) AS person_times, -SUM(b.back) AS amount_fen FROM (
SELECT o.id, c.form_row AS row_no, o.allowance_fen + o.wechat_fen AS paid, SUM(r.amount_fen) AS back
FROM {parts} JOIN refunds r ON r.union_id = {union} AND r.refunded_at < {cutoff}
JOIN orders o ON o.id = r.order_id AND o.union_id = {union} AND o.year = @year AND o.paid_at < {cutoff} JOIN channels c ON c.id = o.channel_id
WHERE {where} AND o.allowance_fen + o.wechat_fen > 0 GROUP BY o.id, c.form_row, o.allowance_fen, o.wechat_fen) b GROUP BY b.row_no`

// A group order counts in the two above like any other, with one 人次 that is none: its 人次 are the members who had received before the
// moment (policy: "a collective purchase counts the members who received"), a signature undone before it left out, and none where all
// was given back. So each that counts adds its signatures less that one. (The kind of an order is not asked above: the index that
// paidSQL reads alone does not have it.)
const groupSQL = `SELECT b.row_no, SUM(b.signed - 1) AS person_times FROM (
SELECT c.form_row AS row_no, (SELECT COUNT(DISTINCT s.receiver_id) FROM group_signoffs s WHERE s.purchase_id = g.id AND s.signed_at < {cutoff} AND (s.undone_at IS NULL OR s.undone_at >= {cutoff})) AS signed
FROM {parts} JOIN group_purchases g ON g.union_id = {union} AND g.year = @year JOIN orders o ON o.id = g.order_id AND o.paid_at < {cutoff} JOIN channels c ON c.id = o.channel_id
WHERE {where} AND o.goods_fen > (SELECT COALESCE(SUM(r.amount_fen), 0) FROM refunds r WHERE r.order_id = o.id AND r.refunded_at < {cutoff})) b GROUP BY b.row_no`

// 投入总额度 is what left the unions' funds of the year for members, less what was revoked; the year's end takes nothing off. What a fund
// pays for a group order leaves it for members too, without an allowance in between: it is put in when it is paid, and taken off as far as a
// refund brings it back. (A refund of a member's own order that goes to a fund, after the year or after leaving, takes nothing off: it was put
// in when it was granted.) It stands in row 2, the product's own platform, since that is where allowances are issued and groups buy.
const (
	grantedSQL = `SELECT 2 AS row_no, COALESCE(SUM(t.amount_fen), 0) AS invested_fen FROM {parts} JOIN funds f ON f.union_id = {union} AND f.year = @year
JOIN transfers t ON t.debit_account = CONCAT('fund:', f.id) AND t.kind IN ('grant', 'spend') AND t.at < {cutoff} WHERE {where}`
	revokedSQL = `SELECT 2 AS row_no, COALESCE(-SUM(t.amount_fen), 0) AS invested_fen FROM {parts} JOIN funds f ON f.union_id = {union} AND f.year = @year
JOIN transfers t ON t.credit_account = CONCAT('fund:', f.id) AND t.kind IN ('revoke', 'refund') AND t.at < {cutoff}
WHERE {where} AND (t.kind = 'revoke' OR EXISTS (SELECT 1 FROM orders o WHERE o.id = t.order_id AND o.kind = 'group'))`
)

// Claims are the purchases that unions made through other channels. One counts in its channel's row from the moment of its approval, with
// its 人次 and amount, and is taken off from the moment at which it was revoked. It is money that the union itself spent, so its amount
// is 投入总额度 of the same row as well.
const (
	claimedSQL = `SELECT c.form_row AS row_no, SUM(k.person_times) AS person_times, SUM(k.amount_fen) AS amount_fen, SUM(k.amount_fen) AS invested_fen
FROM {parts} JOIN claims k ON k.union_id = {union} AND k.year = @year AND k.counted_at < {cutoff} JOIN channels c ON c.id = k.channel_id WHERE {where} GROUP BY c.form_row`
	unclaimedSQL = `SELECT c.form_row AS row_no, -SUM(k.person_times) AS person_times, -SUM(k.amount_fen) AS amount_fen, -SUM(k.amount_fen) AS invested_fen
FROM {parts} JOIN claims k ON k.union_id = {union} AND k.year = @year AND k.counted_at < {cutoff} AND k.revoked_at < {cutoff} JOIN channels c ON c.id = k.channel_id
WHERE {where} GROUP BY c.form_row`
)

// sources are what the form is filled from; each adds to its rows. A further source of purchases is one more statement here.
var sources = []string{paidSQL, refundedSQL, groupSQL, grantedSQL, revokedSQL, claimedSQL, unclaimedSQL}

// count is recountSegments, but of unions that all count up to one moment it takes the figures from the rollups where these know them. tx must
// be one read-consistent view.
func count(tx *gorm.DB, over []segment, year model.Year) ([8]form.Row, error) {
	rows, slow := form.BlankRows(), make([]segment, 0, len(over))
	var rowOf map[model.ID]int
	for _, g := range over {
		if g.sums {
			sums, err := frozenSums(tx, g.ids)
			if err == nil {
				err = add(&rows, sums)
			}
			if err != nil {
				return rows, err
			}
			continue
		}
		if g.at.IsZero() {
			slow = append(slow, g)
			continue
		}
		cells, known, err := tally.Form(tx, year, g.at, g.ids)
		if err != nil {
			return rows, err
		}
		if !known {
			slow = append(slow, g)
			continue
		}
		if rowOf == nil {
			if rowOf, err = formRows(tx); err != nil {
				return rows, err
			}
		}
		sums := make([]figure, len(cells))
		for i, c := range cells {
			sums[i] = figure{rowOf[c.ChannelID], c.Times, c.AmountFen, c.InvestedFen}
		}
		if err := add(&rows, sums); err != nil {
			return rows, err
		}
	}
	rest, err := recountSegments(tx, slow, year)
	for i, r := range rest {
		rows[i].PersonTimes += r.PersonTimes
		rows[i].Amount += r.Amount
		rows[i].Invested += r.Invested
	}
	return rows, err
}

// frozenSums adds up what submitted forms say. All of their parts count here as they did there, and nothing before a part's moment changes any
// more (docs/adr/0008), so this is what counting them again would give; reconcile does count them again.
func frozenSums(tx *gorm.DB, statements []model.ID) (sums []figure, err error) {
	err = tx.Raw(`SELECT row_no, SUM(person_times) AS person_times, SUM(amount_fen) AS amount_fen, SUM(invested_fen) AS invested_fen
FROM statement_rows WHERE statement_id IN ? GROUP BY row_no`, statements).Scan(&sums).Error
	return sums, err
}

// formRows tells each channel's row of the form; channel 0 is the product's own platform.
func formRows(tx *gorm.DB) (map[model.ID]int, error) {
	var channels []model.Channel
	err := tx.Select("id", "form_row").Find(&channels).Error
	rows := map[model.ID]int{0: 2}
	for _, c := range channels {
		rows[c.ID] = c.FormRow
	}
	return rows, err
}

// recountSegments fills the form's eight rows from all sources over the segments, from nothing but what happened.
func recountSegments(tx *gorm.DB, over []segment, year model.Year) ([8]form.Row, error) {
	rows := form.BlankRows()
	for _, g := range over {
		for _, sql := range sources {
			var sums []figure
			if err := g.query(tx, sql, map[string]any{"year": year}).Scan(&sums).Error; err != nil {
				return rows, err
			}
			if err := add(&rows, sums); err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

// fill decides the parts of the union's form as of a moment and counts them, in one read-consistent view.
func (s *Service) fill(ctx context.Context, union model.ID, p Period, at, treeAt time.Time) (all []model.StatementPart, rows [8]form.Row, err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		if all, err = parts(tx, union, p, at, treeAt); err != nil {
			return err
		}
		over, err := segments(tx, all)
		if err != nil {
			return err
		}
		rows, err = count(tx, over, p.Year)
		return err
	})
	return all, rows, err
}

// figure is one row's sum from one source.
type figure struct {
	RowNo       int
	PersonTimes int64
	AmountFen   model.Fen
	InvestedFen model.Fen
}

func add(rows *[8]form.Row, sums []figure) error {
	for _, f := range sums {
		if f.RowNo < 1 || f.RowNo > len(rows) {
			return fmt.Errorf("a channel counts in row %d, which the form does not have", f.RowNo)
		}
		r := &rows[f.RowNo-1]
		r.PersonTimes += int(f.PersonTimes)
		r.Amount += f.AmountFen
		r.Invested += f.InvestedFen
	}
	return nil
}

// total is the row 合计.
func total(rows [8]form.Row) form.Row { return form.Form{Rows: rows}.Total() }
