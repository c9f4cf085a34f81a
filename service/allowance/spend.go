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
	if !now.Before(year.End()) {
		return nil, nil
	}
	var held []model.Allowance
	if err := locked(tx).Where("person_id = ? AND year = ?", personID, year).Order("id").Find(&held).Error; err != nil {
		return nil, err
	}
	held = slices.DeleteFunc(held, func(a model.Allowance) bool { return a.Status != "active" || a.BalanceFen <= 0 })
	slices.SortStableFunc(held, func(a, b model.Allowance) int { return cmp.Compare(useRank(a.Purse), useRank(b.Purse)) })
	return held, nil
}

func useRank(p model.Purse) int {
	if p == model.PurseExtra {
		return 0
	}
	return 1
}
