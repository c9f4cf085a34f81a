package settlement

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/dues"
	"bangfu/service/ledger"
)

// StatementView is a supplier's account over a period of China days, by the time of the movements: what it was owed before,
// what was sold, refunded and paid out, and what it is owed after. Lines are a page of the orders concerned.
type StatementView struct {
	SupplierID   model.ID         `json:"supplier_id"`
	SupplierName string           `json:"supplier_name"`
	From         model.Date       `json:"from"`
	To           model.Date       `json:"to"`
	OpeningFen   model.Fen        `json:"opening_fen"`
	SalesFen     model.Fen        `json:"sales_fen"`
	RefundsFen   model.Fen        `json:"refunds_fen"`
	PaidFen      model.Fen        `json:"paid_fen"`
	ClosingFen   model.Fen        `json:"closing_fen"` // opening + sales − refunds − paid
	Payments     []Payment        `json:"payments"`
	Lines        model.List[Line] `json:"lines"`
}

// Payment is one payment to the supplier.
type Payment struct {
	SettlementID model.ID  `json:"settlement_id"`
	AmountFen    model.Fen `json:"amount_fen"`
	EvidenceNo   string    `json:"evidence_no"`
	At           time.Time `json:"at"`
}

// Line is what happened in the period to the supplier's part of one order.
type Line struct {
	OrderID      model.ID   `json:"order_id"`
	OrderNo      string     `json:"order_no"`
	ParcelStatus string     `json:"parcel_status"`
	ReceivedAt   *time.Time `json:"received_at"`
	SoldFen      model.Fen  `json:"sold_fen"`
	RefundedFen  model.Fen  `json:"refunded_fen"`
	NetFen       model.Fen  `json:"net_fen"`
}

// Period are the China days of a statement, both included; at most a year and a day.
type Period struct{ From, To model.Date }

// ParsePeriod reads a statement's days.
func ParsePeriod(from, to string) (p Period, err error) {
	if p.From, err = model.ParseDate("from", from); err != nil {
		return p, err
	}
	if p.To, err = model.ParseDate("to", to); err != nil {
		return p, err
	}
	switch {
	case p.To < p.From:
		return p, model.Invalid("to", "截止日期不能早于起始日期")
	case p.To.End().Sub(p.From.Start()) > 367*24*time.Hour:
		return p, model.Invalid("to", "一份对账单最长一年")
	}
	return p, nil
}

func (p Period) values(supplier model.ID) map[string]any {
	return map[string]any{"account": string(ledger.Supplier(supplier)), "supplier": supplier, "from": p.From.Start(), "to": p.To.End()}
}

// Statement shows a supplier's account over a period.
func (s *Service) Statement(ctx context.Context, supplier model.ID, p Period, page model.Page) (v StatementView, err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		if v, err = head(tx, supplier, p); err != nil {
			return err
		}
		rows, err := linesOf(tx, supplier, p, page.Cursor, page.Limit+1)
		v.Lines = model.NewList(rows, page, func(l lineRow) model.ID { return l.FirstID }, func(l lineRow) Line { return l.Line })
		return err
	})
	return v, err
}

// lineRow is a line with the first movement of its order in the period, by which lines are sorted.
type lineRow struct {
	FirstID model.ID
	Line
}

// firstSQL are the movements of one side of a supplier's account in the period, after a cursor and up to an id, that are the first of their order there.
const firstSQL = `SELECT t.id AS first_id, t.order_id FROM transfers t WHERE t.{side} = @account AND t.kind = '{kind}' AND t.id > @cursor AND t.id <= @until AND {span} AND t.at >= @from AND t.at < @to
AND NOT EXISTS (SELECT 1 FROM transfers e WHERE e.order_id = t.order_id AND e.id < t.id AND e.at >= @from AND e.at < @to
AND ((e.kind = 'spend' AND e.credit_account = @account) OR (e.kind = 'refund' AND e.debit_account = @account))) ORDER BY t.id LIMIT @limit`

// linesSQL are the sums of orders in the period.
const linesSQL = `SELECT x.first_id, x.order_id, o.order_no, COALESCE(p.status, '') AS parcel_status, p.received_at, x.sold_fen, x.refunded_fen, x.sold_fen - x.refunded_fen AS net_fen
FROM (SELECT t.order_id, MIN(t.id) AS first_id, SUM(CASE WHEN t.kind = 'spend' THEN t.amount_fen ELSE 0 END) AS sold_fen, SUM(CASE WHEN t.kind = 'refund' THEN t.amount_fen ELSE 0 END) AS refunded_fen
FROM transfers t WHERE t.order_id IN @orders AND t.at >= @from AND t.at < @to
AND ((t.kind = 'spend' AND t.credit_account = @account) OR (t.kind = 'refund' AND t.debit_account = @account)) GROUP BY t.order_id) x
JOIN orders o ON o.id = x.order_id LEFT JOIN parcels p ON p.order_id = x.order_id AND p.supplier_id = @supplier ORDER BY x.first_id`

// linesOf reads the orders with movements in the period, by the first of these, after a cursor.
func linesOf(tx *gorm.DB, supplier model.ID, p Period, cursor model.ID, limit int) ([]lineRow, error) {
	span, err := dues.SpanOf(tx, supplier, p.From, p.To)
	if err != nil {
		return nil, err
	}
	values := p.values(supplier)
	values["cursor"], values["limit"], values["first"], values["last"], values["mark"] = cursor, limit, span.First, span.Last, span.Mark
	values["until"] = model.ID(math.MaxInt64)
	var found []lineRow
	for _, where := range []string{"t.id >= @first AND t.id <= @last", "t.id > @mark"} {
		for _, x := range []struct{ kind, side string }{{"spend", "credit_account"}, {"refund", "debit_account"}} {
			var some []lineRow
			if err := tx.Raw(strings.NewReplacer("{side}", x.side, "{kind}", x.kind, "{span}", where).Replace(firstSQL), values).Scan(&some).Error; err != nil {
				return nil, err
			}
			found = append(found, some...)
			if len(some) == limit { // what lies above is of a later page
				values["until"] = some[limit-1].FirstID
			}
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	slices.SortFunc(found, func(a, b lineRow) int { return cmp.Compare(a.FirstID, b.FirstID) })
	orders := make([]model.ID, 0, limit)
	for _, f := range found[:min(len(found), limit)] {
		orders = append(orders, f.OrderID)
	}
	values["orders"] = orders
	var rows []lineRow
	err = tx.Raw(linesSQL, values).Scan(&rows).Error
	return rows, err
}

// head is a statement without its lines.
func head(tx *gorm.DB, supplier model.ID, p Period) (StatementView, error) {
	v := StatementView{SupplierID: supplier, From: p.From, To: p.To, Payments: []Payment{}}
	names, err := model.NamesOf(tx, &model.Supplier{}, []model.ID{supplier})
	if err != nil {
		return v, err
	}
	v.SupplierName = names[supplier]
	before, err := dues.Accounts(tx, []model.ID{supplier}, "", model.DateOf(p.From.Start().Add(-time.Second)))
	if err != nil {
		return v, err
	}
	in, err := dues.Accounts(tx, []model.ID{supplier}, p.From, p.To)
	if err != nil {
		return v, err
	}
	now := in[supplier]
	v.OpeningFen, v.SalesFen, v.RefundsFen, v.PaidFen = before[supplier].Net(), now.Sold, now.Refunded, now.Paid
	v.ClosingFen = v.OpeningFen + now.Net()
	values := p.values(supplier)
	err = tx.Raw("SELECT x.id AS settlement_id, t.amount_fen, x.evidence_no, t.at FROM settlements x JOIN transfers t ON t.kind = 'settle' AND t.cause = CONCAT('settlement:', x.id) "+
		"WHERE x.supplier_id = @supplier AND x.status = 'paid' AND t.at >= @from AND t.at < @to ORDER BY t.id", values).Scan(&v.Payments).Error
	return v, err
}
