package allowance

import (
	"cmp"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Spendable locks the person's allowances of the year (by rising id) and returns those with money to spend, in the
// order in which they are to be used: the extra purse first, because its unspent rest leaves the member at the year's
// end for certain, then the others by id. After the year's end there are none, whether the sweep ran or not. Debit
// them with ledger.Post in the same transaction.
func (s *Service) Spendable(tx *gorm.DB, personID model.ID, year model.Year, now time.Time) ([]model.Allowance, error) {
	held, err := s.SpendableOf(tx, []model.ID{personID}, year, now)
	return held[personID], err
}

// SpendableOf is Spendable for many persons, by person. The ids are read without a lock first, so that the rows are locked by
// rising id whoever's they are.
func (s *Service) SpendableOf(tx *gorm.DB, persons []model.ID, year model.Year, now time.Time) (map[model.ID][]model.Allowance, error) {
	if len(persons) == 0 || !now.Before(year.End()) {
		return nil, nil
	}
	var ids []model.ID
	if err := tx.Model(&model.Allowance{}).Where("person_id IN ? AND year = ?", persons, year).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return nil, err
	}
	slices.Sort(ids)
	rows, err := locked(tx).Model(&model.Allowance{}).Select("id", "person_id", "member_id", "union_id", "fund_id", "purse", "year", "balance_fen", "held_fen", "status").
		Where("id IN ?", ids).Order("id").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := make(map[model.ID][]model.Allowance, len(persons))
	for rows.Next() {
		var a model.Allowance
		if err := rows.Scan(&a.ID, &a.PersonID, &a.MemberID, &a.UnionID, &a.FundID, &a.Purse, &a.Year, &a.BalanceFen, &a.HeldFen, &a.Status); err != nil {
			return nil, err
		}
		if a.Status == "active" && a.BalanceFen > 0 {
			held[a.PersonID] = append(held[a.PersonID], a)
		}
	}
	for _, list := range held {
		slices.SortStableFunc(list, func(a, b model.Allowance) int { return cmp.Compare(useRank(a.Purse), useRank(b.Purse)) })
	}
	return held, rows.Err()
}

func useRank(p model.Purse) int {
	if p == model.PurseExtra {
		return 0
	}
	return 1
}
