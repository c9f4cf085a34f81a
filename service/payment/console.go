package payment

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Filter narrows a list of payments; zero parts do not.
type Filter struct {
	Status    string
	Attention bool // only those that somebody should look at: a problem, or a failed refund
}

// View is a payment as the console sees it.
type View struct {
	ID            model.ID     `json:"id"`
	PaymentNo     string       `json:"payment_no"`
	OrderID       model.ID     `json:"order_id"`
	OrderStatus   string       `json:"order_status"`
	UnionID       model.ID     `json:"union_id"`
	UnionName     string       `json:"union_name"`
	AmountFen     model.Fen    `json:"amount_fen"`
	Status        string       `json:"status"` // created | prepaid | paid | closed
	PayBefore     time.Time    `json:"pay_before"`
	TransactionID string       `json:"transaction_id"`
	PaidFen       model.Fen    `json:"paid_fen"`
	PaidAt        *time.Time   `json:"paid_at"`
	ClosedAt      *time.Time   `json:"closed_at"`
	Problem       string       `json:"problem"`
	Refunds       []RefundView `json:"refunds"`
	CreatedAt     time.Time    `json:"created_at"`
}

// row is a payment with the names that belong to it.
type row struct {
	model.Payment
	OrderStatus string
	UnionName   string
}

// Payments lists the WeChat payments of orders that are counted in the actor's subtree, newest first.
func (s *Service) Payments(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[View], error) {
	newest, err := s.newest(ctx, actor.UnionPath, f, page)
	if err != nil {
		return model.List[View]{}, err
	}
	q := s.db.Read(ctx).Table("payments p").Select("p.*, o.status AS order_status, u.name AS union_name").
		Joins("JOIN unions u ON u.id = p.union_id").Joins("JOIN orders o ON o.id = p.order_id").Where("p.id IN ?", newest)
	var rows []row
	if err := q.Order("p.id DESC").Scan(&rows).Error; err != nil {
		return model.List[View]{}, err
	}
	refunds, err := refundsOf(s.db.Read(ctx), rows)
	if err != nil {
		return model.List[View]{}, err
	}
	return model.NewList(rows, page, func(r row) model.ID { return r.ID }, func(r row) View {
		v := View{ID: r.ID, PaymentNo: r.PaymentNo, OrderID: r.OrderID, OrderStatus: r.OrderStatus, UnionID: r.UnionID, UnionName: r.UnionName, AmountFen: r.AmountFen, Status: r.Status,
			PayBefore: r.PayBefore, TransactionID: r.TransactionID, PaidFen: r.PaidFen, PaidAt: r.PaidAt, ClosedAt: r.ClosedAt, Problem: r.Problem, Refunds: refunds[r.ID], CreatedAt: r.CreatedAt}
		if v.Refunds == nil {
			v.Refunds = []RefundView{}
		}
		return v
	}), nil
}

// newest finds a page of the payments of the unions below a path. Those that somebody should look at are few, and found by what is wrong with them.
func (s *Service) newest(ctx context.Context, path string, f Filter, page model.Page) ([]model.ID, error) {
	tx := s.db.Read(ctx)
	narrow := func(q *gorm.DB) *gorm.DB {
		if f.Status != "" {
			q = q.Where("status = ?", f.Status)
		}
		return q
	}
	if !f.Attention {
		return model.Newest(tx, "payments", path, page, narrow)
	}
	wrong := func(what string, args ...any) *gorm.DB {
		q := narrow(tx.Model(&model.Payment{})).Where(what, args...).Where("union_id IN (?)", tx.Model(&model.Union{}).Select("id").Where("path LIKE ?", path+"%"))
		if page.Cursor != 0 {
			q = q.Where("id < ?", page.Cursor)
		}
		return q
	}
	failed := tx.Model(&model.WechatRefund{}).Select("payment_id").Where("status = ?", RefundFailed)
	return model.Highest(tx, page.Limit+1, wrong("problem > ''"), wrong("id IN (?)", failed))
}

func refundsOf(tx *gorm.DB, payments []row) (map[model.ID][]RefundView, error) {
	ids := make([]model.ID, len(payments))
	for i, p := range payments {
		ids[i] = p.ID
	}
	var rows []model.WechatRefund
	if err := tx.Where("payment_id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	byPayment := map[model.ID][]RefundView{}
	for _, r := range rows {
		byPayment[r.PaymentID] = append(byPayment[r.PaymentID], viewRefund(r))
	}
	return byPayment, nil
}
