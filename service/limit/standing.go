package limit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// standing is what a union's place in the list of meters depends on, and no more: a city has 12,000 of them, a page twenty.
type standing struct {
	union    model.ID
	expected bool // a grassroots union that is not closed: it is in the list whatever it spent
	heads    int64
	used     model.Fen
	budget   *counted
	severity int // the worst of the limits'
	share    float64
}

// standings are those of all unions that belong into the list of the subtree's meters, in no order. tx is one consistent view.
func standings(tx *gorm.DB, rule model.LimitRule, now time.Time, path string) ([]standing, error) {
	all, err := unionsBelow(tx, path)
	if err != nil {
		return nil, err
	}
	at := make(map[model.ID]*standing, len(all))
	for i := range all {
		at[all[i].union] = &all[i]
	}
	in := subtree(path)
	if err := addUsed(tx, rule.Year, in, at); err != nil {
		return nil, err
	}
	if err := addBudgets(tx, rule.Year, in, at); err != nil {
		return nil, err
	}
	if over(rule.Year, now) {
		if err := putHeads(tx, rule.Year, in, at); err != nil {
			return nil, err
		}
	}
	all = slices.DeleteFunc(all, standing.idle)
	for i := range all {
		all[i].measure(rule)
	}
	return all, nil
}

// pageOf are the worst that come after the last one seen (0: from the first on), in order, up to a page and one more. Error: CodeInvalid for a
// cursor that is not of the list.
func pageOf(all []standing, page model.Page) ([]standing, error) {
	last := slices.IndexFunc(all, func(u standing) bool { return u.union == page.Cursor })
	if page.Cursor != 0 && last < 0 {
		return nil, model.Invalid("cursor", "cursor 不正确，请从第一页重新查看")
	}
	top := make([]standing, 0, page.Limit+2)
	for _, u := range all {
		if last >= 0 && worse(u, all[last]) <= 0 || len(top) > page.Limit && worse(u, top[page.Limit]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, u, worse)
		top = slices.Insert(top, at, u)
		top = top[:min(len(top), page.Limit+1)]
	}
	return top, nil
}

// unionsBelow reads the union with the path and all below it, with their present members.
func unionsBelow(tx *gorm.DB, path string) (all []standing, err error) {
	err = eachRow(tx.Table("unions u").Where("u.path LIKE ?", path+"%").
		Select("u.id, CASE WHEN u.kind = 'grassroots' AND u.status = 'active' THEN 1 ELSE 0 END, u.active_members"), func(row [4]int64) {
		all = append(all, standing{union: model.ID(row[0]), expected: row[1] == 1, heads: row[2]})
	})
	return all, err
}

// addUsed adds what was spent of holiday money, and what is approved to be.
func addUsed(tx *gorm.DB, year model.Year, in scope, at map[model.ID]*standing) error {
	for _, q := range []*gorm.DB{
		in.of(tx.Table("funds f"), "f.union_id").Where("f.year = ? AND f.purse = ? AND f.topped_up_fen <> f.balance_fen", year, model.PurseFestival).
			Select("f.union_id, f.topped_up_fen - f.balance_fen"),
		in.of(tx.Table("claims k"), "k.union_id").Where("k.year = ? AND k.status = 'approved' AND k.purse = ?", year, model.PurseFestival).
			Select("k.union_id, SUM(k.amount_fen)").Group("k.union_id"),
	} {
		err := eachRow(q, func(row [4]int64) {
			if u := at[model.ID(row[0])]; u != nil {
				u.used += model.Fen(row[1])
			}
		})
		if err != nil {
			return err
		}
	}
	sums, err := approved(tx, year, in)
	for _, s := range sums {
		if u := at[s.UnionID]; u != nil {
			u.used += s.Fen
		}
	}
	return err
}

// addBudgets adds the latest confirmed budget of each union, as far as it is measured by.
func addBudgets(tx *gorm.DB, year model.Year, in scope, at map[model.ID]*standing) error {
	q := in.of(tx.Table("union_budgets b"), "b.union_id").Where("b.year = ? AND b.status = 'confirmed'", year).
		Select("b.union_id, b.version, CASE WHEN b.basis = ? THEN 1 ELSE 0 END, CASE WHEN b.basis = ? THEN b.retained_fen ELSE b.budget_fen END", model.BasisRetained, model.BasisRetained)
	return eachRow(q, func(row [4]int64) {
		if u := at[model.ID(row[0])]; u != nil && (u.budget == nil || u.budget.version < row[1]) {
			u.budget = &counted{version: row[1], retained: row[2] == 1, base: model.Fen(row[3])}
		}
	})
}

// putHeads puts in the members of a year that is over.
func putHeads(tx *gorm.DB, year model.Year, in scope, at map[model.ID]*standing) error {
	for _, u := range at {
		u.heads = 0
	}
	counts, err := headsAtEnd(tx, year, in)
	for _, c := range counts {
		if u := at[c.UnionID]; u != nil {
			u.heads = int64(c.Fen)
		}
	}
	return err
}

// eachRow gives the rows of a query of up to four whole numbers to take, without looking at types for every row: there are thousands.
func eachRow(q *gorm.DB, take func(row [4]int64)) error {
	rows, err := q.Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	var row [4]int64
	into := []any{&row[0], &row[1], &row[2], &row[3]}[:len(columns)]
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		take(row)
	}
	return rows.Err()
}

// idle tells whether the union need not be in a list: nothing is expected of it, and nothing was spent.
func (u standing) idle() bool { return !u.expected && u.used == 0 && u.budget == nil }

// measure finds the worst of the limits' states and the largest part of a limit that is used.
func (u *standing) measure(r model.LimitRule) {
	for _, y := range yardsticks(r, u.budget, u.heads) {
		u.severity = max(u.severity, severity[y.state(u.used)])
		u.share = max(u.share, y.share(u.used))
	}
}

// worse orders unions from the worst to the best: by state, then those without a budget, then by the part of a limit that is used.
func worse(a, b standing) int {
	if c := cmp.Compare(b.severity, a.severity); c != 0 {
		return c
	}
	if (a.budget == nil) != (b.budget == nil) {
		if a.budget == nil {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.union, b.union))
}

// onlyRoot tells whether a path is the root's, or none: then nothing is outside.
func onlyRoot(path string) bool { return strings.Count(path, "/") <= 2 }
