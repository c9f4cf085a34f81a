package tally

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// PurseReading reads what became of purses' money, with what waits in the queue, on one read-consistent view.
type PurseReading struct {
	AsOf time.Time // of all figures
	reading
}

// OwnPurse names a fund.
type OwnPurse struct {
	Union model.ID
	Year  model.Year
	Purse model.Purse
}

// ReadPurses begins a reading of a year (0: of all years). now is the moment of tx. known is false while the rollups are being built.
func ReadPurses(tx *gorm.DB, now time.Time, year model.Year) (r *PurseReading, known bool, err error) {
	st, err := stateOf(tx)
	if err != nil || st.Status != ready {
		return nil, false, err
	}
	r = &PurseReading{reading: reading{tx: tx, year: year, asOf: now}}
	err = r.readWaiting()
	r.AsOf = r.asOf
	return r, err == nil, err
}

// Total is what became of the year's money of a union and all below it.
func (r *PurseReading) Total(union model.ID) (map[model.Purse]model.TallyPurse, error) {
	r.node = union
	if err := r.readTail(false); err != nil {
		return nil, err
	}
	purses, err := r.purses([]model.ID{union})
	return purses[union], err
}

// Own is what became of the money of unions' own funds, without those below them; what has no figures is missing. It is what a union has with all
// below it, less what those directly below it have, and what waits of the union itself.
func (r *PurseReading) Own(unions []model.ID) (map[OwnPurse]model.TallyPurse, error) {
	s := newSums()
	for ids := range slices.Chunk(unions, idsPerStatement) {
		if err := r.takeOwn(s, ids); err != nil {
			return nil, err
		}
	}
	if err := r.setRight(s, unions); err != nil {
		return nil, err
	}
	for _, e := range r.waiting {
		if (r.year == 0 || e.Year == r.year) && slices.Contains(unions, e.UnionID) {
			s.addPurse(e, e.UnionID)
		}
	}
	own := make(map[OwnPurse]model.TallyPurse, len(s.purses))
	for k, p := range s.purses {
		own[OwnPurse{k.node, k.year, k.purse}] = *p
	}
	return own, nil
}

// takeOwn adds the unions' rows of the rollups, less those of the unions directly below them.
func (r *PurseReading) takeOwn(s *sums, unions []model.ID) error {
	var whole, below []model.TallyPurse
	if err := r.ofYear(r.tx.Where("node_id IN ?", unions)).Find(&whole).Error; err != nil {
		return err
	}
	err := r.ofYear(r.tx.Table("unions AS u").Joins("JOIN tally_purses AS p ON p.node_id = u.id").Where("u.parent_id IN ?", unions)).
		Select("u.parent_id AS node_id, p.year, p.purse, SUM(p.funded_fen) AS funded_fen, SUM(p.granted_fen) AS granted_fen, SUM(p.returned_fen) AS returned_fen, " +
			"SUM(p.spent_fen) AS spent_fen, SUM(p.group_fen) AS group_fen, SUM(p.holders) AS holders").Group("u.parent_id, p.year, p.purse").Scan(&below).Error
	for _, p := range whole {
		s.addPurseTimes(p, p.NodeID, 1)
	}
	for _, p := range below {
		s.addPurseTimes(p, p.NodeID, -1)
	}
	return err
}

func (r *PurseReading) ofYear(q *gorm.DB) *gorm.DB {
	if r.year == 0 {
		return q
	}
	return q.Where("year = ?", r.year)
}

// addPurseTimes adds a row to a node n times.
func (s *sums) addPurseTimes(p model.TallyPurse, node model.ID, n int64) {
	one := newSums()
	one.purses[purseKey{node, p.Year, p.Purse}] = purseTimes(p, node, n)
	s.addNode(one, node)
}

// setRight takes unions that were moved, whose moves wait, for what they are in the rollups: below the parent that they had there.
func (r *PurseReading) setRight(s *sums, unions []model.ID) error {
	q := r.tx.Table("unions AS u").Select("u.id, u.parent_id, n.path").Joins("JOIN tally_nodes AS n ON n.union_id = u.id").Where("n.path <> u.path")
	if r.whole {
		var moved []model.ID
		for _, e := range r.waiting {
			if e.Kind == kindMove {
				moved = append(moved, e.UnionID)
			}
		}
		if len(moved) == 0 {
			return nil
		}
		q = q.Where("u.id IN ?", moved)
	}
	var astray []model.Union
	if err := q.Scan(&astray).Error; err != nil {
		return err
	}
	for _, u := range astray {
		var present, before model.ID
		if u.ParentID != nil {
			present = *u.ParentID
		}
		if nodes := nodesOf(u.Path); len(nodes) > 1 {
			before = nodes[len(nodes)-2]
		}
		if present == before || !slices.Contains(unions, present) && !slices.Contains(unions, before) {
			continue
		}
		var rows []model.TallyPurse
		if err := r.ofYear(r.tx.Where("node_id = ?", u.ID)).Find(&rows).Error; err != nil {
			return err
		}
		for _, p := range rows {
			if slices.Contains(unions, present) {
				s.addPurseTimes(p, present, 1)
			}
			if slices.Contains(unions, before) {
				s.addPurseTimes(p, before, -1)
			}
		}
	}
	return nil
}
