package union

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// MemberFilter narrows a list of members; zero fields narrow nothing.
type MemberFilter struct {
	Query      string // start of the name, a whole phone number or a whole ID number
	Status     string // active | left
	Department string // whole
	Subtree    bool   // also of the unions below
}

// Members lists the members of a union, with Subtree also those of the unions below: by id, or by name where the start of a name is
// searched for.
func (s *Service) Members(ctx context.Context, unionID model.ID, f MemberFilter, page model.Page) (model.List[MemberView], error) {
	tx := s.db.Read(ctx)
	ids, err := s.findMembers(tx, unionID, f, page)
	if err != nil {
		return model.List[MemberView]{}, err
	}
	var rows []memberRow
	if err := memberRows(tx).Where("members.id IN ?", ids).Scan(&rows).Error; err != nil {
		return model.List[MemberView]{}, err
	}
	slices.SortFunc(rows, func(a, b memberRow) int { return cmp.Compare(slices.Index(ids, a.ID), slices.Index(ids, b.ID)) })
	var failed error
	list := model.NewList(rows, page, func(r memberRow) model.ID { return r.ID }, func(r memberRow) MemberView {
		v, err := s.memberView(r)
		failed = errors.Join(failed, err)
		return v
	})
	return list, failed
}

// findMembers finds the ids of a page and of one more.
func (s *Service) findMembers(tx *gorm.DB, unionID model.ID, f MemberFilter, page model.Page) (ids []model.ID, err error) {
	u, err := takeUnion(tx, unionID)
	if err != nil {
		return nil, err
	}
	in := memberScope{"union_id = ?", "u.id = ?", unionID}
	if f.Subtree {
		in = memberScope{"union_id IN (SELECT id FROM unions WHERE path LIKE ?)", "u.path LIKE ?", u.Path + "%"}
	}
	w := wanted{MemberFilter: f, order: "id", page: page}
	if f.Query != "" {
		if hash, arg := s.number(f.Query); hash != "" {
			err = w.narrow(tx).Where(hash, arg).Where(in.where, in.arg).Order("id").Limit(page.Limit+1).Pluck("id", &ids).Error
			return ids, err
		}
		if err := w.byName(tx, strings.TrimSpace(f.Query)); err != nil {
			return nil, err
		}
	}
	if !f.Subtree && w.name == "" && f.Department == "" {
		return w.roster(tx, unionID)
	}
	small, err := s.isSmall(tx, u, f.Subtree)
	if err != nil {
		return nil, err
	}
	if small {
		return w.byUnion(tx, in)
	}
	return w.find(tx, in)
}

// isSmall tells whether a union, or its subtree, has so few members that they are rather all read, by their unions, than looked for among the
// members of the whole city.
func (s *Service) isSmall(tx *gorm.DB, u model.Union, subtree bool) (bool, error) {
	switch {
	case !subtree:
		return u.ActiveMembers <= s.small, nil
	case u.ID == rootID:
		return false, nil
	}
	n, err := membersBelow(tx, u.Path)
	return n <= s.small, err
}

// number tells how to find what looks like a whole phone or ID number, by keyed hash; empty: it looks like neither.
func (s *Service) number(text string) (where string, hash any) {
	if phone, err := rosterfile.NormalizePhone(text); err == nil {
		return "phone_hash = ?", s.sealer.Hash(model.HashPhone, phone)
	}
	if number, err := rosterfile.NormalizeIDNumber(text, model.DateOf(s.db.Now())); err == nil {
		return "person_id IN (SELECT p.id FROM persons p WHERE p.id_number_hash = ?)", s.sealer.Hash(model.HashIDNumber, number)
	}
	return "", nil
}

// memberScope is the condition by which members are of a union, or of a subtree: on members, and on their unions as u.
type memberScope struct {
	where, union string
	arg          any
}

// qualified are the orders of the members n.
var qualified = map[string]string{"id": "n.id", "name, id": "n.name, n.id"}

// wanted is which members are looked for, and in which order.
type wanted struct {
	MemberFilter
	order string
	page  model.Page
	name  string // pattern of LIKE; empty: no name is searched for
	last  string // the name that the page before ended with
}

// byName orders by name, so that the index of names gives a page without sorting all that fit.
func (w *wanted) byName(tx *gorm.DB, start string) error {
	w.name, w.order = escapeLike(start)+"%", "name, id"
	if w.page.Cursor == 0 {
		return nil
	}
	return tx.Model(&model.Member{}).Select("name").Where("id = ?", w.page.Cursor).Limit(1).Scan(&w.last).Error
}

// narrow is the members that fit and come after the page before, of whatever union.
func (w *wanted) narrow(tx *gorm.DB) *gorm.DB {
	q := tx.Session(&gorm.Session{NewDB: true}).Table("members")
	switch {
	case w.name == "":
		q = q.Where("id > ?", w.page.Cursor)
	case w.page.Cursor == 0:
		q = q.Where("name LIKE ? ESCAPE '!'", w.name)
	default:
		q = q.Where("name LIKE ? ESCAPE '!' AND name >= ? AND (name > ? OR id > ?)", w.name, w.last, w.last, w.page.Cursor)
	}
	if w.Status != "" {
		q = q.Where("status = ?", w.Status)
	}
	if w.Department != "" {
		q = q.Where("department = ?", w.Department)
	}
	return q
}

// roster reads a union's members in the order of the index of unions and states.
func (w *wanted) roster(tx *gorm.DB, unionID model.ID) (ids []model.ID, err error) {
	states := []string{active, left}
	if w.Status != "" {
		states = []string{w.Status}
	}
	for _, status := range states {
		var some []model.ID
		err := tx.Model(&model.Member{}).Where("union_id = ? AND status = ? AND id > ?", unionID, status, w.page.Cursor).Order("id").Limit(w.page.Limit+1).Pluck("id", &some).Error
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	slices.Sort(ids)
	return ids[:min(len(ids), w.page.Limit+1)], nil
}

// windows are how many members are looked through, whosever they are, before it goes by union: who has a good part of them finds enough in
// the first, who has one in a hundred in the second.
var windows = []int{300, 4000}

// find looks through the next members that fit; where these do not give a page the scope holds few, and they are found by its unions.
func (w *wanted) find(tx *gorm.DB, in memberScope) (ids []model.ID, err error) {
	for _, window := range windows {
		next := w.narrow(tx).Select("id", "union_id", "name").Order(w.order).Limit(window)
		if w.name == "" {
			next = next.Select("id", "union_id")
		}
		found, err := tx.Table("(?) AS n", next).Select("n.id, u.id IS NOT NULL AS here").Joins("LEFT JOIN unions u ON u.id = n.union_id AND "+in.union, in.arg).
			Order(qualified[w.order]).Rows()
		if err != nil {
			return nil, err
		}
		ids, seen, err := w.here(found)
		if err != nil || seen < window || len(ids) > w.page.Limit {
			return ids, err
		}
	}
	return w.byUnion(tx, in)
}

// here takes the members that are in scope from rows of ids with a mark, up to a page and one more, and tells how many rows there were.
func (w *wanted) here(rows *sql.Rows) (ids []model.ID, seen int, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for ; rows.Next() && len(ids) <= w.page.Limit; seen++ {
		var id int64
		var here bool
		if err := rows.Scan(&id, &here); err != nil {
			return nil, 0, err
		}
		if here {
			ids = append(ids, model.ID(id))
		}
	}
	return ids, seen, rows.Err()
}

// byUnion reads all members of the scope's unions that fit.
func (w *wanted) byUnion(tx *gorm.DB, in memberScope) (ids []model.ID, err error) {
	order := strings.Replace(w.order, "id", "id + 0", 1) // not by the primary key: nearly all in it are somebody else's
	err = w.narrow(tx).Where(in.where, in.arg).Order(order).Limit(w.page.Limit+1).Pluck("id", &ids).Error
	return ids, err
}
