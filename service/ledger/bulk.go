package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// rowsPerStatement bounds the rows that one multi-row UPDATE names.
const rowsPerStatement = 500

// PostAll writes many transfers and moves the balances they touch, within tx, with multi-row statements. It is all or
// nothing: after any error tx must be rolled back. Errors are those of Post; ErrPosted means that one of the movements
// was posted before. It moves funds first, then allowances, each by rising id; callers that need the rows' content
// lock them in that order before.
func PostAll(tx *gorm.DB, db *model.DB, now time.Time, movements []Movement) error {
	s := db.NewScript()
	if err := post(s, db, now, movements); err != nil {
		return err
	}
	if err := s.Run(tx); err != nil {
		return err
	}
	return tell(tx, db, now, movements)
}

// Script is PostAll as statements of a script, for what orders spend alone: their events are their caller's.
func Script(s *model.Script, db *model.DB, now time.Time, spends []Movement) error {
	for _, m := range spends {
		if m.Kind != KindSpend {
			return fmt.Errorf("movement %s %s in a script", m.Kind, m.Cause)
		}
	}
	return post(s, db, now, spends)
}

func post(s *model.Script, db *model.DB, now time.Time, movements []Movement) error {
	rows := make([]model.Transfer, len(movements))
	funds, allowances, toppedUp := map[model.ID]model.Fen{}, map[model.ID]model.Fen{}, map[model.ID]model.Fen{}
	add := func(account Account, delta model.Fen) error {
		switch kind, id := account.Split(); kind {
		case "fund":
			funds[id] += delta
		case "allowance":
			allowances[id] += delta
		case "bank", "supplier", "payment", "wechat":
		default:
			return fmt.Errorf("unknown account %q", account)
		}
		return nil
	}
	for i, m := range movements {
		if m.Amount <= 0 || m.Held {
			return fmt.Errorf("movement %s %s: amount %d is not positive, or held", m.Kind, m.Cause, m.Amount)
		}
		rows[i] = m.Row(db.NewID(), now)
		if err := add(m.From, -m.Amount); err != nil {
			return err
		}
		if err := add(m.To, m.Amount); err != nil {
			return err
		}
		if m.Kind == KindFund {
			_, fund := m.To.Split()
			toppedUp[fund] += m.Amount
		}
	}
	if err := model.Insert(s, rows, ErrPosted); err != nil {
		return err
	}
	shiftAll(s, "funds", "balance_fen", funds, now, errShortFund)
	shiftAll(s, "funds", "topped_up_fen", toppedUp, now, errShortFund)
	shiftAll(s, "allowances", "balance_fen", allowances, now, errShortBalance)
	return nil
}

var (
	errShortFund    = model.E(model.CodeInsufficientFund, "工会经费账户余额不足")
	errShortBalance = model.E(model.CodeInsufficientBalance, "帮扶额度余额不足")
)

// HoldAll adds to a script Hold for many allowances, each by its own amount (> 0).
func HoldAll(s *model.Script, amounts map[model.ID]model.Fen, now time.Time) {
	for ids := range slices.Chunk(sortedKeys(amounts), rowsPerStatement) {
		step, _ := stepOf("id", ids, amounts)
		args := slices.Concat(step.Vars, step.Vars, []any{now}, model.Values(ids), step.Vars)
		s.Guard(len(ids), errShortBalance, "UPDATE allowances SET balance_fen = balance_fen - ("+step.SQL+"), held_fen = held_fen + ("+step.SQL+"), updated_at = ? WHERE id IN "+
			model.Marks(len(ids))+" AND balance_fen >= ("+step.SQL+")", args...)
	}
}

// shiftAll adds each account's delta to a column; debits are guarded, short is the error of one that holds too little.
func shiftAll(s *model.Script, table, column string, deltas map[model.ID]model.Fen, now time.Time, short *model.Error) {
	for ids := range slices.Chunk(sortedKeys(deltas), rowsPerStatement) {
		step, uniform := stepOf("id", ids, deltas)
		statement := "UPDATE " + table + " SET " + column + " = " + column + " + (" + step.SQL + "), updated_at = ? WHERE id IN " + model.Marks(len(ids))
		args := slices.Concat(step.Vars, []any{now}, model.Values(ids))
		if !uniform || deltas[ids[0]] < 0 {
			statement += " AND " + column + " + (" + step.SQL + ") >= 0"
			args = append(args, step.Vars...)
		}
		s.Guard(len(ids), short, statement, args...)
	}
}

// LockCaps locks the persons' caps of the year by rising person, making those that are missing, and tells what each has been
// granted so far: one insert that leaves existing rows as they are locks them too, so that two transactions for the same
// persons queue instead of crossing. It is nil for no persons.
func LockCaps(tx *gorm.DB, db *model.DB, year model.Year, persons []model.ID) (map[model.ID]model.Fen, error) {
	persons = slices.Compact(slices.Sorted(slices.Values(persons)))
	if len(persons) == 0 {
		return nil, nil
	}
	rows := make([]model.PersonCap, len(persons))
	for i, p := range persons {
		rows[i] = model.PersonCap{PersonID: p, Year: year}
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&rows, db.BatchRows()).Error; err != nil {
		return nil, err
	}
	granted := make(map[model.ID]model.Fen, len(persons))
	for ids := range slices.Chunk(persons, rowsPerStatement) {
		var caps []model.PersonCap
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("year = ? AND person_id IN ?", year, ids).Order("person_id").Find(&caps).Error
		if err != nil {
			return nil, err
		}
		for _, c := range caps {
			granted[c.PersonID] = c.GrantedFen
		}
	}
	return granted, nil
}

// ShiftCaps adds to what persons have been granted of the capped purse in a year, within tx; deltas are by person, and
// negative ones are revocations. The rows must exist and be locked (person_caps, by rising person). limit is the yearly
// cap: whoever would exceed it makes the whole call fail with CodeCapExceeded, and tx must be rolled back.
func ShiftCaps(tx *gorm.DB, year model.Year, deltas map[model.ID]model.Fen, limit model.Fen) error {
	for ids := range slices.Chunk(sortedKeys(deltas), rowsPerStatement) {
		step, _ := stepOf("person_id", ids, deltas)
		added := slices.ContainsFunc(ids, func(id model.ID) bool { return deltas[id] > 0 })
		q := tx.Model(&model.PersonCap{}).Where("year = ? AND person_id IN ?", year, ids).
			Where("granted_fen + ("+step.SQL+") >= 0", step.Vars...)
		if added {
			q = q.Where("granted_fen + ("+step.SQL+") <= ?", append(slices.Clone(step.Vars), limit)...)
		}
		res := q.UpdateColumns(map[string]any{"granted_fen": gorm.Expr("granted_fen + ("+step.SQL+")", step.Vars...)})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected != int64(len(ids)) {
			return model.E(model.CodeCapExceeded, "超过每人每年 %s 元的上限", limit.Yuan())
		}
	}
	return nil
}

// stepOf is the amount to add as an expression over the key column: one number if all are equal.
func stepOf(column string, ids []model.ID, deltas map[model.ID]model.Fen) (step clause.Expr, uniform bool) {
	first := deltas[ids[0]]
	if !slices.ContainsFunc(ids, func(id model.ID) bool { return deltas[id] != first }) {
		return gorm.Expr("?", first), true
	}
	vars := make([]any, 0, 2*len(ids))
	for _, id := range ids {
		vars = append(vars, id, deltas[id])
	}
	return gorm.Expr("CASE "+column+strings.Repeat(" WHEN ? THEN ?", len(ids))+" END", vars...), false
}

func sortedKeys(deltas map[model.ID]model.Fen) []model.ID {
	ids := make([]model.ID, 0, len(deltas))
	for id, delta := range deltas {
		if delta != 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
