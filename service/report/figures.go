package report

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report/form"
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
JOIN transfers t ON t.credit_account = CONCAT('fund:', f.id) AND (t.kind = 'revoke' OR t.kind = 'refund' AND EXISTS (SELECT 1 FROM orders o WHERE o.id = t.order_id AND o.kind = 'group')) AND t.at < {cutoff}
WHERE {where}`
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

// count fills the form's eight rows from all sources over the segments.
func count(tx *gorm.DB, over []segment, year model.Year) ([8]form.Row, error) {
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

// fill decides the parts of the union's form as of a moment and counts them.
func fill(tx *gorm.DB, union model.ID, p Period, at, treeAt time.Time) ([]model.StatementPart, [8]form.Row, error) {
	all, err := parts(tx, union, p, at, treeAt)
	if err != nil {
		return nil, form.BlankRows(), err
	}
	over, err := segments(tx, all)
	if err != nil {
		return nil, form.BlankRows(), err
	}
	rows, err := count(tx, over, p.Year)
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
