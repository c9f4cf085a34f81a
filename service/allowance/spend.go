package allowance

import (
	"database/sql"
	"maps"
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
	held := make(map[model.ID][]model.Allowance, len(persons))
	if len(persons) == 0 || !now.Before(year.End()) {
		return held, nil
	}
	byPerson := map[model.ID][]model.ID{}
	if err := model.Ask(tx, AskIDs(persons, year, byPerson)); err != nil || len(byPerson) == 0 {
		return held, err
	}
	ids := slices.Concat(slices.Collect(maps.Values(byPerson))...)
	slices.Sort(ids)
	return held, model.Ask(tx, s.AskSpendable(ids, held))
}

// AskIDs is the question for the ids of the persons' allowances of the year, by person, in no order. Nothing is locked; there is a person.
func AskIDs(persons []model.ID, year model.Year, into map[model.ID][]model.ID) model.Question {
	return model.Question{
		SQL:  "SELECT person_id, id FROM allowances WHERE year = ? AND person_id IN " + model.Marks(len(persons)),
		Args: append([]any{year}, model.Values(persons)...),
		Row: func(rows *sql.Rows) error {
			var person, id model.ID
			err := rows.Scan(&person, &id)
			into[person] = append(into[person], id)
			return err
		},
	}
}

// AskSpendable is the question that locks allowances and puts those with money to spend into held, by person, in the order in which they are
// to be used. The ids are distinct and rising, and there is one.
func (s *Service) AskSpendable(ids []model.ID, held map[model.ID][]model.Allowance) model.Question {
	return model.Question{
		SQL: "SELECT id, person_id, member_id, union_id, fund_id, purse, year, balance_fen, held_fen, status FROM allowances WHERE id IN " + model.Marks(len(ids)) +
			" ORDER BY id" + s.db.ForUpdate(),
		Args: model.Values(ids),
		Row: func(rows *sql.Rows) error {
			var a model.Allowance
			err := rows.Scan(&a.ID, &a.PersonID, &a.MemberID, &a.UnionID, &a.FundID, &a.Purse, &a.Year, &a.BalanceFen, &a.HeldFen, &a.Status)
			if err != nil || a.Status != "active" || a.BalanceFen <= 0 {
				return err
			}
			list := held[a.PersonID]
			at := len(list)
			for at > 0 && useRank(list[at-1].Purse) > useRank(a.Purse) {
				at--
			}
			held[a.PersonID] = slices.Insert(list, at, a)
			return nil
		},
	}
}

func useRank(p model.Purse) int {
	if p == model.PurseExtra {
		return 0
	}
	return 1
}
