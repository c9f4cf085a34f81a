package allowance

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// MovementView is one line of an account's statement.
type MovementView struct {
	ID          model.ID    `json:"id"`
	Kind        ledger.Kind `json:"kind"`
	Description string      `json:"description"` // in Chinese: what it was
	AmountFen   model.Fen   `json:"amount_fen"`  // signed: negative leaves the account
	OrderID     *model.ID   `json:"order_id"`
	OrderNo     string      `json:"order_no"` // of a purchase or its refund, else empty
	At          time.Time   `json:"at"`
}

// FundMovements is a fund's statement, the latest first.
func (s *Service) FundMovements(ctx context.Context, id model.ID, page model.Page) (model.List[MovementView], error) {
	return s.movements(ctx, ledger.Fund(id), page)
}

// AllowanceMovements is an allowance's statement, the latest first.
func (s *Service) AllowanceMovements(ctx context.Context, id model.ID, page model.Page) (model.List[MovementView], error) {
	return s.movements(ctx, ledger.Allowance(id), page)
}

func (s *Service) movements(ctx context.Context, account ledger.Account, page model.Page) (model.List[MovementView], error) {
	tx := s.db.Read(ctx)
	var rows []model.Transfer
	for _, side := range []string{"debit_account", "credit_account"} { // one index each
		q := tx.Where(side+" = ?", account)
		if page.Cursor != 0 {
			q = q.Where("id < ?", page.Cursor)
		}
		var part []model.Transfer
		if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&part).Error; err != nil {
			return model.List[MovementView]{}, err
		}
		rows = append(rows, part...)
	}
	slices.SortFunc(rows, func(a, b model.Transfer) int { return cmp.Compare(b.ID, a.ID) })
	rows = rows[:min(len(rows), page.Limit+1)]
	about, err := aboutOf(tx, rows)
	if err != nil {
		return model.List[MovementView]{}, err
	}
	return model.NewList(rows, page, func(t model.Transfer) model.ID { return t.ID }, func(t model.Transfer) MovementView { return about.show(t, account) }), nil
}

// about is what a page of transfers refers to, read at once.
type about struct {
	titles   map[string]string // grant titles and voucher numbers, by cause
	orderNos map[model.ID]string
}

func aboutOf(tx *gorm.DB, rows []model.Transfer) (about, error) {
	a := about{titles: map[string]string{}, orderNos: map[model.ID]string{}}
	var items, topups, orders []model.ID
	for _, t := range rows {
		switch kind, id := ledger.Account(t.Cause).Split(); kind {
		case "grant_item":
			items = append(items, id)
		case "topup":
			topups = append(topups, id)
		}
		if t.OrderID != nil {
			orders = append(orders, *t.OrderID)
		}
	}
	var titles []struct {
		ID    model.ID
		Title string
	}
	if err := tx.Table("grant_items AS i").Select("i.id, g.title").Joins("JOIN grants AS g ON g.id = i.grant_id").Where("i.id IN ?", items).Scan(&titles).Error; err != nil {
		return a, err
	}
	for _, t := range titles {
		a.titles["grant_item:"+t.ID.String()] = t.Title
	}
	var vouchers []model.Topup
	if err := tx.Select("id", "evidence_no").Where("id IN ?", topups).Find(&vouchers).Error; err != nil {
		return a, err
	}
	for _, v := range vouchers {
		a.titles["topup:"+v.ID.String()] = v.EvidenceNo
	}
	var bought []model.Order
	if err := tx.Select("id", "order_no").Where("id IN ?", orders).Find(&bought).Error; err != nil {
		return a, err
	}
	for _, o := range bought {
		a.orderNos[o.ID] = o.OrderNo
	}
	return a, nil
}

func (a about) show(t model.Transfer, account ledger.Account) MovementView {
	v := MovementView{ID: t.ID, Kind: ledger.Kind(t.Kind), AmountFen: t.AmountFen, OrderID: t.OrderID, At: t.At}
	if t.DebitAccount == string(account) {
		v.AmountFen = -t.AmountFen
	}
	if t.OrderID != nil {
		v.OrderNo = a.orderNos[*t.OrderID]
	}
	fund, _ := account.Split()
	switch v.Kind {
	case ledger.KindFund:
		v.Description = "经费入账，凭证号 " + a.titles[t.Cause]
	case ledger.KindGrant:
		v.Description = "工会发放：" + a.titles[t.Cause]
	case ledger.KindSpend:
		v.Description = "购买帮扶产品"
		if fund == "fund" {
			v.Description = "集体采购帮扶产品"
		}
	case ledger.KindRefund:
		v.Description = "订单退款，退回额度"
		if fund == "fund" {
			v.Description = "订单退款，退回经费账户"
		}
	case ledger.KindRevoke:
		v.Description = "离开工会，未用额度退回工会经费"
	case ledger.KindSweep:
		v.Description = "年度结束，未用额度退回工会经费"
	}
	return v
}
