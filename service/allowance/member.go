package allowance

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// View is an allowance as its member sees it.
type View struct {
	ID          model.ID    `json:"id"`
	Purse       model.Purse `json:"purse"`
	PurseName   string      `json:"purse_name"`
	UnionID     model.ID    `json:"union_id"`
	UnionName   string      `json:"union_name"`
	Year        model.Year  `json:"year"`
	EndsOn      model.Date  `json:"ends_on"` // the last day on which it can be spent
	DaysLeft    int         `json:"days_left"`
	BalanceFen  model.Fen   `json:"balance_fen"` // free to spend
	HeldFen     model.Fen   `json:"held_fen"`    // held for orders that await a payment
	GrantedFen  model.Fen   `json:"granted_fen"`
	SpentFen    model.Fen   `json:"spent_fen"`    // net of refunds that came back to it
	ReturnedFen model.Fen   `json:"returned_fen"` // gone back to the union: on leaving, at the year's end
	Status      string      `json:"status"`       // active | revoked | ended
}

// Allowances lists a person's allowances of all unions, the latest year first, the extra purse first within a year.
func (s *Service) Allowances(ctx context.Context, personID model.ID) (model.List[View], error) {
	list := model.List[View]{Items: []View{}}
	tx, now := s.db.Read(ctx), s.db.Now()
	var rows []struct {
		model.Allowance
		UnionName string
	}
	err := tx.Table("allowances AS a").Select("a.*, u.name AS union_name").Joins("JOIN unions AS u ON u.id = a.union_id").
		Where("a.person_id = ?", personID).Order("a.year DESC, CASE a.purse WHEN 'extra' THEN 0 ELSE 1 END, a.id").Scan(&rows).Error
	if err != nil {
		return list, err
	}
	ids := make([]model.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	sums, err := sumByKind(tx, ids)
	if err != nil {
		return list, err
	}
	for _, r := range rows {
		v := View{ID: r.ID, Purse: r.Purse, PurseName: r.Purse.Name(), UnionID: r.UnionID, UnionName: r.UnionName, Year: r.Year,
			EndsOn: model.DateOf(r.Year.End().Add(-time.Second)), BalanceFen: r.BalanceFen, HeldFen: r.HeldFen, Status: r.Status}
		if r.Status == "active" {
			v.DaysLeft = daysLeft(r.Year, now)
		}
		in, out := sums[ledger.Allowance(r.ID)].in, sums[ledger.Allowance(r.ID)].out
		v.GrantedFen, v.SpentFen = in[ledger.KindGrant], out[ledger.KindSpend]-in[ledger.KindRefund]
		v.ReturnedFen = out[ledger.KindRevoke] + out[ledger.KindSweep]
		list.Items = append(list.Items, v)
	}
	return list, nil
}

// daysLeft counts the days on which money of the year can still be spent, today included.
func daysLeft(year model.Year, now time.Time) int {
	left := year.End().Sub(now)
	if left <= 0 {
		return 0
	}
	return int((left + 24*time.Hour - 1) / (24 * time.Hour))
}

// flow is what went into and out of an account, by kind.
type flow struct{ in, out map[ledger.Kind]model.Fen }

func sumByKind(tx *gorm.DB, allowances []model.ID) (map[ledger.Account]flow, error) {
	accounts, sums := make([]ledger.Account, len(allowances)), map[ledger.Account]flow{}
	for i, id := range allowances {
		accounts[i] = ledger.Allowance(id)
		sums[accounts[i]] = flow{in: map[ledger.Kind]model.Fen{}, out: map[ledger.Kind]model.Fen{}}
	}
	for _, side := range []string{"credit_account", "debit_account"} {
		var rows []struct {
			Account ledger.Account
			Kind    ledger.Kind
			Fen     model.Fen
		}
		err := tx.Model(&model.Transfer{}).Select(side+" AS account, kind, SUM(amount_fen) AS fen").Where(side+" IN ?", accounts).Group(side + ", kind").Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if side == "credit_account" {
				sums[r.Account].in[r.Kind] = r.Fen
			} else {
				sums[r.Account].out[r.Kind] = r.Fen
			}
		}
	}
	return sums, nil
}
