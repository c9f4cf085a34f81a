package limit

import (
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// scope is the unions that figures are read for.
type scope struct {
	where string
	arg   any
}

func oneUnion(id model.ID) scope { return scope{" = ?", id} }

func someUnions(ids []model.ID) scope { return scope{" IN ?", ids} }

// subtree is the union with the path and all below it.
func subtree(path string) scope {
	if onlyRoot(path) {
		return scope{}
	}
	return scope{" IN (SELECT su.id FROM unions su WHERE su.path LIKE ?)", path + "%"}
}

// of narrows a query to the scope by the column that names the union.
func (s scope) of(q *gorm.DB, column string) *gorm.DB {
	if s.where == "" {
		return q
	}
	return q.Where(column+s.where, s.arg)
}

// figures is what one union spent in a year, and what that is measured by.
type figures struct {
	paid      map[model.Purse]model.Fen // left the purse's fund for members or suppliers, less what came back
	claimed   map[model.Purse]model.Fen // approved claims
	committed model.Fen                 // festival: approved grants, the part not issued yet
	heads     int64                     // active members
	budget    *model.UnionBudget        // the latest confirmed; nil: none
}

// spent is what went out of a purse, whichever way.
func (f *figures) spent(p model.Purse) model.Fen { return f.paid[p] + f.claimed[p] }

// used is what counts against the limits: holiday money spent, and what is approved to be.
func (f *figures) used() model.Fen { return f.spent(model.PurseFestival) + f.committed }

// amount is one sum that a query found.
type amount struct {
	UnionID model.ID
	Purse   model.Purse
	Fen     model.Fen
}

// book is the figures of many unions.
type book map[model.ID]*figures

// of is the figures of a union, empty ones if it has none yet.
func (b book) of(id model.ID) *figures {
	if b[id] == nil {
		b[id] = &figures{paid: map[model.Purse]model.Fen{}, claimed: map[model.Purse]model.Fen{}}
	}
	return b[id]
}

// read finds the figures of a year of the unions in scope. tx must be one consistent view, or hold the lock of the festival fund.
func read(tx *gorm.DB, year model.Year, now time.Time, in scope) (book, error) {
	all, err := readSpent(tx, year, in)
	if err != nil {
		return nil, err
	}
	sums, err := approved(tx, year, in)
	if err != nil {
		return nil, err
	}
	for _, s := range sums {
		all.of(s.UnionID).committed = s.Fen
	}
	if sums, err = headcounts(tx, year, now, in); err != nil {
		return nil, err
	}
	for _, s := range sums {
		all.of(s.UnionID).heads = int64(s.Fen)
	}
	budgets, err := countedBudgets(tx, year, in)
	if err != nil {
		return nil, err
	}
	for id, b := range budgets {
		all.of(id).budget = &b
	}
	return all, nil
}

// readSpent finds what was spent of each purse.
func readSpent(tx *gorm.DB, year model.Year, in scope) (book, error) {
	all := book{}
	sums, err := paidOut(tx, year, in)
	if err != nil {
		return nil, err
	}
	for _, s := range sums {
		all.of(s.UnionID).paid[s.Purse] = s.Fen
	}
	if sums, err = claims(tx, year, in); err != nil {
		return nil, err
	}
	for _, s := range sums {
		all.of(s.UnionID).claimed[s.Purse] = s.Fen
	}
	return all, nil
}

// claims is, by union and purse, what was spent through other channels: approved claims, less those revoked.
func claims(tx *gorm.DB, year model.Year, in scope) (sums []amount, err error) {
	err = in.of(tx.Table("claims k"), "k.union_id").Where("k.year = ? AND k.status = 'approved'", year).
		Select("k.union_id, k.purse, SUM(k.amount_fen) AS fen").Group("k.union_id, k.purse").Scan(&sums).Error
	return sums, err
}

// paidOut is, by union and purse, what left the fund for members (grant) and suppliers (spend) less what came back (revoke,
// sweep, refund). A fund's only other movement is money put in, and its balance is the sum of all: so that is what was put
// in less the balance, without reading a single movement. reconcile adds up the movements and holds them against this.
func paidOut(tx *gorm.DB, year model.Year, in scope) (sums []amount, err error) {
	err = in.of(tx.Table("funds f"), "f.union_id").Where("f.year = ?", year).
		Select("f.union_id, f.purse, f.topped_up_fen - f.balance_fen AS fen").Scan(&sums).Error
	return sums, err
}

// approved is, by union, what approved grants of holiday money have not issued yet.
func approved(tx *gorm.DB, year model.Year, in scope) (sums []amount, err error) {
	err = in.of(tx.Table("grants g"), "g.union_id").Joins("JOIN grant_items i ON i.grant_id = g.id AND i.status = 'pending'").
		Where("g.purse = ? AND g.year = ? AND g.status IN ('approved', 'issuing')", model.PurseFestival, year).
		Select("g.union_id, SUM(i.asked_fen) AS fen").Group("g.union_id").Scan(&sums).Error
	return sums, err
}

// headcounts is, by union, the active members: of a year that is over, those of its last moment.
func headcounts(tx *gorm.DB, year model.Year, now time.Time, in scope) (counts []amount, err error) {
	if over(year, now) {
		return headsAtEnd(tx, year, in)
	}
	err = in.of(tx.Table("unions"), "id").Select("id AS union_id, active_members AS fen").Scan(&counts).Error
	return counts, err
}

// over tells whether a year has ended.
func over(year model.Year, now time.Time) bool { return !now.Before(year.End()) }

// headsAtEnd counts, by union, the active members of a year's last moment (who came back later counts from then only, as the roster
// knows it).
func headsAtEnd(tx *gorm.DB, year model.Year, in scope) (counts []amount, err error) {
	end := year.End()
	err = in.of(tx.Table("members"), "union_id").Where("joined_at < ? AND (left_at IS NULL OR left_at >= ?)", end, end).
		Select("union_id, COUNT(*) AS fen").Group("union_id").Scan(&counts).Error
	return counts, err
}

// Spent is what a union spent of holiday money in a year.
type Spent struct {
	UnionID model.ID
	Year    model.Year
	Fen     model.Fen
}

// SpentFestival is what the meter shows as spent holiday money of every union and year that has any, for reconcile.
func SpentFestival(tx *gorm.DB) ([]Spent, error) {
	var years []model.Year
	err := tx.Raw("SELECT year FROM funds WHERE purse = @purse UNION SELECT year FROM claims WHERE purse = @purse AND status = 'approved' ORDER BY year",
		map[string]any{"purse": model.PurseFestival}).Scan(&years).Error
	if err != nil {
		return nil, err
	}
	var all []Spent
	for _, year := range years {
		unions, err := readSpent(tx, year, subtree("/"))
		if err != nil {
			return nil, err
		}
		for id, f := range unions {
			if fen := f.spent(model.PurseFestival); fen != 0 {
				all = append(all, Spent{id, year, fen})
			}
		}
	}
	return all, nil
}
