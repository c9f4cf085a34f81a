package allowance

import (
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/tally"
)

// left is what is left of a year's money somewhere, and what it is left of.
type left struct {
	granted  model.Fen
	returned model.Fen // of granted, back in funds
	unspent  model.Fen // with the members, free or held
	holders  int64     // allowances with some of it
	held     model.Fen // of unspent: for orders that await a payment
	allHeld  int64     // holders all of whose money is held
}

func (l left) free() model.Fen { return l.unspent - l.held }

// permille is what is left in proportion to what was granted for good, rounded down.
func (l left) permille() int {
	if l.granted <= l.returned {
		return 0
	}
	return int(l.unspent * 1000 / (l.granted - l.returned))
}

func (l *left) add(p model.TallyPurse) {
	l.granted += p.GrantedFen
	l.returned += p.ReturnedFen
	l.unspent += p.UnspentFen()
	l.holders += p.Holders
}

func (l *left) hold(h heldPart) {
	l.held += h.HeldFen
	l.allHeld += h.AllHeld
}

// ending is what is left of a year's money in the actor's union and all below it, and of the own money of a page of unions (and one more, see
// model.NewList).
type ending struct {
	asOf   time.Time
	total  left
	purses map[model.Purse]model.TallyPurse // of the total; without what is held
	unions []model.Union
	own    map[model.ID]left
}

// endingOf reads one. tx must be one read-consistent view, now its moment. CodeBusy while the rollups are being built.
func endingOf(tx *gorm.DB, now time.Time, actor model.Actor, year model.Year, page model.Page) (e ending, err error) {
	r, known, err := tally.ReadPurses(tx, now, year)
	if err != nil {
		return e, err
	}
	if !known {
		return e, tally.Busy()
	}
	if e.purses, err = r.Total(actor.UnionID); err != nil {
		return e, err
	}
	e.asOf = r.AsOf
	for _, p := range e.purses {
		e.total.add(p)
	}
	if e.total.granted == 0 {
		return e, nil
	}
	if e.unions, err = givingUnions(tx, actor.UnionPath, year, page); err != nil {
		return e, err
	}
	if err := e.readOwn(r); err != nil {
		return e, err
	}
	held, err := heldBelow(tx, actor.UnionPath, year)
	if err != nil {
		return e, err
	}
	for _, h := range held {
		e.total.hold(h)
		if l, ok := e.own[h.UnionID]; ok {
			l.hold(h)
			e.own[h.UnionID] = l
		}
	}
	return e, nil
}

// readOwn reads what is left of the unions' own money.
func (e *ending) readOwn(r *tally.PurseReading) error {
	ids := make([]model.ID, len(e.unions))
	for i, u := range e.unions {
		ids[i] = u.ID
	}
	own, err := r.Own(ids)
	e.own = make(map[model.ID]left, len(ids))
	for _, id := range ids {
		e.own[id] = left{}
	}
	for k, p := range own {
		l := e.own[k.Union]
		l.add(p)
		e.own[k.Union] = l
	}
	return err
}

// givingUnions are unions below a path whose members hold or held allowances of a year, in the order of the tree: those after a cursor, and one more
// than a page. CodeInvalid for a cursor that is none of them. The first allowance of a fund is found by the index of allowances by fund.
func givingUnions(tx *gorm.DB, path string, year model.Year, page model.Page) ([]model.Union, error) {
	q := tx.Table("unions AS u").Select("u.id, u.name").Where("u.path LIKE ?", path+"%").
		Where("(SELECT f.id FROM funds f WHERE f.union_id = u.id AND f.year = ? AND (SELECT a.id FROM allowances a WHERE a.fund_id = f.id LIMIT 1) IS NOT NULL LIMIT 1) IS NOT NULL", year)
	if page.Cursor != 0 {
		var after model.Union
		if err := tx.Select("path").Where("id = ? AND path LIKE ?", page.Cursor, path+"%").Limit(1).Find(&after).Error; err != nil {
			return nil, err
		}
		if after.Path == "" {
			return nil, model.Invalid("cursor", "cursor 不正确，请从第一页重新查看")
		}
		q = q.Where("u.path > ?", after.Path)
	}
	var unions []model.Union
	err := q.Order("u.path").Limit(page.Limit + 1).Scan(&unions).Error
	return unions, err
}

// heldPart is what one union's members have held for orders that await a payment.
type heldPart struct {
	UnionID model.ID
	HeldFen model.Fen
	AllHeld int64 // allowances that have nothing else
}

// heldBelow is what is held of a year's money in the unions below a path. It is found through the orders that await a payment, which are few at any
// time.
func heldBelow(tx *gorm.DB, path string, year model.Year) ([]heldPart, error) {
	var parts []heldPart
	err := tx.Raw("SELECT a.union_id, SUM(a.held_fen) AS held_fen, SUM(CASE WHEN a.balance_fen = 0 THEN 1 ELSE 0 END) AS all_held FROM allowances a JOIN ("+
		"SELECT DISTINCT h.allowance_id AS id FROM orders o JOIN holds h ON h.order_id = o.id AND h.status = 'held' JOIN unions u ON u.id = h.union_id "+
		"WHERE o.status = 'pending' AND h.allowance_id IS NOT NULL AND h.year = ? AND u.path LIKE ?) x ON x.id = a.id GROUP BY a.union_id", year, path+"%").Scan(&parts).Error
	return parts, err
}
