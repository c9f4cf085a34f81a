package limit

import "bangfu/model"

// counted is what of a confirmed budget a union is measured by.
type counted struct {
	version  int64
	retained bool // by the retained funds, else by the budget
	base     model.Fen
}

func countedOf(b *model.UnionBudget) *counted {
	switch {
	case b == nil:
		return nil
	case b.Basis == model.BasisRetained:
		return &counted{int64(b.Version), true, b.RetainedFen}
	}
	return &counted{int64(b.Version), false, b.BudgetFen}
}

// yardstick is one limit: percentages of a base. warn 0 means that the rule has no warning line.
type yardstick struct {
	kind       string // budget | retained | average
	base       model.Fen
	warn, most int
}

// yardsticks are the limits that a union is measured against: the one it chose, once its budget is confirmed, and the average.
func yardsticks(r model.LimitRule, b *counted, heads int64) []yardstick {
	average := yardstick{"average", r.AverageFen * model.Fen(heads), 0, 100}
	switch {
	case b == nil:
		return []yardstick{average}
	case b.retained:
		return []yardstick{{"retained", b.base, 0, r.RetainedPercent}, average}
	}
	return []yardstick{{"budget", b.base, r.WarnPercent, r.MaxPercent}, average}
}

// lines are the warning line, or the most where there is none, and the most. A fraction of a fen is nobody's: lines are cut to whole fen, so
// that "at most the line" says the same as "at most the percentage".
func (y yardstick) lines() (next, most model.Fen) {
	most = y.base * model.Fen(y.most) / 100
	if y.warn > 0 {
		return y.base * model.Fen(y.warn) / 100, most
	}
	return most, most
}

// state tells how near to the limit it is to have used so much.
func (y yardstick) state(used model.Fen) State {
	next, most := y.lines()
	switch {
	case used > most:
		return StateOver
	case used > next:
		return StateWarned
	case used > 0 && used*10 >= next*9:
		return StateNear
	}
	return StateOK
}

// share is how much of the limit is used, for sorting: 1 is all of it.
func (y yardstick) share(used model.Fen) float64 {
	_, most := y.lines()
	switch {
	case used <= 0:
		return 0
	case most == 0:
		return 1e18
	}
	return float64(used) / float64(most)
}
