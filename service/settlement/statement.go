package settlement

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
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
		var rows []Line
		values := p.values(supplier)
		values["cursor"], values["limit"] = page.Cursor, page.Limit+1
		if err := tx.Raw(linesSQL+" ORDER BY x.order_id LIMIT @limit", values).Scan(&rows).Error; err != nil {
			return err
		}
		v.Lines = model.NewList(rows, page, func(l Line) model.ID { return l.OrderID }, func(l Line) Line { return l })
		return nil
	})
	return v, err
}

// linesSQL are the orders with movements in the period, after a cursor. Order ids rise with time.
const linesSQL = `SELECT x.order_id, o.order_no, COALESCE(p.status, '') AS parcel_status, p.received_at, x.sold_fen, x.refunded_fen, x.sold_fen - x.refunded_fen AS net_fen
FROM (SELECT y.order_id, SUM(y.sold) AS sold_fen, SUM(y.back) AS refunded_fen FROM (
SELECT order_id, amount_fen AS sold, 0 AS back FROM transfers WHERE credit_account = @account AND kind = 'spend' AND at >= @from AND at < @to
UNION ALL SELECT order_id, 0, amount_fen FROM transfers WHERE debit_account = @account AND kind = 'refund' AND at >= @from AND at < @to) y
WHERE y.order_id > @cursor GROUP BY y.order_id) x JOIN orders o ON o.id = x.order_id LEFT JOIN parcels p ON p.order_id = x.order_id AND p.supplier_id = @supplier`

// head is a statement without its lines.
func head(tx *gorm.DB, supplier model.ID, p Period) (StatementView, error) {
	v := StatementView{SupplierID: supplier, From: p.From, To: p.To, Payments: []Payment{}}
	names, err := model.NamesOf(tx, &model.Supplier{}, []model.ID{supplier})
	if err != nil {
		return v, err
	}
	v.SupplierName = names[supplier]
	var in, out struct{ Before, Sold, Back, Paid model.Fen }
	values := p.values(supplier)
	err = tx.Raw("SELECT COALESCE(SUM(CASE WHEN at < @from THEN amount_fen ELSE 0 END), 0) AS `before`, COALESCE(SUM(CASE WHEN at >= @from THEN amount_fen ELSE 0 END), 0) AS sold "+
		"FROM transfers WHERE credit_account = @account AND at < @to", values).Scan(&in).Error
	if err != nil {
		return v, err
	}
	err = tx.Raw("SELECT COALESCE(SUM(CASE WHEN at < @from THEN amount_fen ELSE 0 END), 0) AS `before`, COALESCE(SUM(CASE WHEN at >= @from AND kind = 'refund' THEN amount_fen ELSE 0 END), 0) AS back, "+
		"COALESCE(SUM(CASE WHEN at >= @from AND kind = 'settle' THEN amount_fen ELSE 0 END), 0) AS paid FROM transfers WHERE debit_account = @account AND at < @to", values).Scan(&out).Error
	if err != nil {
		return v, err
	}
	v.OpeningFen, v.SalesFen, v.RefundsFen, v.PaidFen = in.Before-out.Before, in.Sold, out.Back, out.Paid
	v.ClosingFen = v.OpeningFen + v.SalesFen - v.RefundsFen - v.PaidFen
	err = tx.Raw("SELECT x.id AS settlement_id, t.amount_fen, x.evidence_no, t.at FROM transfers t JOIN settlements x ON t.cause = CONCAT('settlement:', x.id) "+
		"WHERE t.debit_account = @account AND t.kind = 'settle' AND t.at >= @from AND t.at < @to AND x.supplier_id = @supplier ORDER BY t.id", values).Scan(&v.Payments).Error
	return v, err
}
