package ledger

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/tally"
)

// tell writes the events of movements that were posted: what goes into funds and allowances and comes back. What orders spend and get back is
// told by the code that makes them paid.
func tell(tx *gorm.DB, db *model.DB, now time.Time, movements []Movement) error {
	movements = slices.DeleteFunc(slices.Clone(movements), func(m Movement) bool { return m.Kind == KindSpend || m.Kind == KindRefund })
	had, err := hadBefore(tx, movements)
	if err != nil {
		return err
	}
	return tally.Write(tx, db, counted(db, now, movements, had)...)
}

// counted are the events of movements: one for each kind, union, purse and year, however many.
func counted(db *model.DB, now time.Time, movements []Movement, had map[model.ID]model.Fen) []model.TallyEvent {
	type key struct {
		kind  Kind
		union model.ID
		purse model.Purse
		year  model.Year
	}
	sums, holders := map[key]model.Fen{}, map[key]int64{}
	for _, m := range movements {
		sums[key{m.Kind, m.Union, m.Purse, m.Year}] += m.Amount
	}
	Crossings(movements, had, func(m Movement, n int64) { holders[key{m.Kind, m.Union, m.Purse, m.Year}] += n })
	var events []model.TallyEvent
	for k, fen := range sums {
		if e, counts := tally.Money(db, string(k.kind), k.union, k.purse, k.year, fen, holders[k], now); counts {
			events = append(events, e)
		}
	}
	return events
}

// Crossings calls each with 1 for every movement that brings money into an allowance that had none left, free or held, and with -1 for every one
// that takes the last of it. had is what the allowances had left before.
func Crossings(movements []Movement, had map[model.ID]model.Fen, each func(m Movement, n int64)) {
	left := map[model.ID]model.Fen{}
	move := func(m Movement, account Account, delta model.Fen) {
		kind, id := account.Split()
		if kind != "allowance" {
			return
		}
		if _, known := left[id]; !known {
			left[id] = had[id]
		}
		before := left[id]
		left[id] += delta
		switch {
		case before <= 0 && left[id] > 0:
			each(m, 1)
		case before > 0 && left[id] <= 0:
			each(m, -1)
		}
	}
	for _, m := range movements {
		move(m, m.From, -m.Amount)
		move(m, m.To, m.Amount)
	}
}

// hadBefore is what the allowances that movements touch had left, free or held, before these were posted. They are locked by the updates of tx, so what they
// have now is read once for all.
func hadBefore(tx *gorm.DB, movements []Movement) (map[model.ID]model.Fen, error) {
	moved := map[model.ID]model.Fen{}
	for _, m := range movements {
		if kind, id := m.From.Split(); kind == "allowance" {
			moved[id] -= m.Amount
		}
		if kind, id := m.To.Split(); kind == "allowance" {
			moved[id] += m.Amount
		}
	}
	had := make(map[model.ID]model.Fen, len(moved))
	for ids := range slices.Chunk(sortedKeys(moved), rowsPerStatement) {
		var rows []model.Allowance
		if err := tx.Select("id", "balance_fen", "held_fen").Where("id IN ?", ids).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, a := range rows {
			had[a.ID] = a.BalanceFen + a.HeldFen - moved[a.ID]
		}
	}
	return had, nil
}
