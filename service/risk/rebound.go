package risk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"bangfu/model"
)

// What the audit trail calls the acts that this rule looks at.
const (
	actUnbind  = "member.unbind"
	actChange  = "member.change"
	actAdd     = "member.add"
	actMatch   = "binding.match"
	actApprove = "binding.approve"
)

// deed is an entry of the audit trail about a person's phone or binding.
type deed struct {
	ID     model.ID
	At     time.Time
	Action string
	Object string
	Detail string
	of     holder   // whose
	phone  bool     // it gave the person another phone than a roster had
	wechat model.ID // the WeChat account that was bound or unbound; 0: none
}

// holder is whom an object of the trail is about. A deed about the person has no member.
type holder struct{ person, member, union model.ID }

// story is what is known of one person: what staff did, who was bound, what was spent, each in the order of time.
type story struct {
	acts, bindings []deed
	orders         []bought
}

// rebound finds persons whose binding staff had undone or whose phone was changed on a roster, who were then bound to a WeChat account that
// was never theirs before, and from whose allowance was spent since the last look. It reads by index alone: persons out of orders_placed, and
// of the trail only entries about these persons and their memberships.
func rebound(l look) ([]finding, error) {
	var persons []model.ID
	if err := l.tx.Raw("SELECT DISTINCT person_id FROM orders WHERE placed_at >= ? AND kind <> 'group'", l.since).Scan(&persons).Error; err != nil {
		return nil, err
	}
	var found []finding
	for part := range slices.Chunk(persons, chunk) {
		stories, err := storiesOf(l, part)
		if err != nil {
			return nil, err
		}
		for person, s := range stories {
			found = append(found, s.rebound(l, person)...)
		}
	}
	return found, nil
}

// storiesOf reads what happened to those of the persons for whom staff did anything of the kind.
func storiesOf(l look, persons []model.ID) (map[model.ID]*story, error) {
	objects := map[string]holder{}
	var members []model.Member
	if err := l.tx.Select("id", "person_id", "union_id").Where("person_id IN ?", persons).Find(&members).Error; err != nil {
		return nil, err
	}
	for _, m := range members {
		objects["member:"+m.ID.String()] = holder{m.PersonID, m.ID, m.UnionID}
	}
	acts, err := deedsOf(l, objects, l.from.AddDate(0, 0, -l.set.WindowDays), actUnbind, actChange, actAdd)
	if err != nil {
		return nil, err
	}
	stories := map[model.ID]*story{}
	for _, d := range acts {
		if d.Action != actUnbind && !d.phone {
			continue
		}
		if stories[d.of.person] == nil {
			stories[d.of.person] = &story{}
		}
		stories[d.of.person].acts = append(stories[d.of.person].acts, d)
	}
	if len(stories) == 0 {
		return nil, nil
	}
	if err := readBindings(l, stories); err != nil {
		return nil, err
	}
	return stories, readSpent(l, stories)
}

// deedsOf reads the entries about the objects since from, the first first.
func deedsOf(l look, objects map[string]holder, from time.Time, actions ...string) ([]deed, error) {
	names := make([]string, 0, len(objects))
	for name := range objects {
		names = append(names, name)
	}
	slices.Sort(names)
	var all []deed
	for part := range slices.Chunk(names, chunk) {
		var rows []deed
		err := l.tx.Raw("SELECT id, at, action, object, detail FROM audit_entries WHERE object IN ? AND action IN ? AND at >= ?", part, actions, from).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	for i, d := range all {
		said, err := detailOf(d.Detail)
		if err != nil {
			return nil, fmt.Errorf("detail of audit entry %d: %w", d.ID, err)
		}
		all[i].of, all[i].phone, all[i].wechat = objects[d.Object], said.PhoneHash, said.AccountID
	}
	slices.SortFunc(all, inTime)
	return all, nil
}

// said is what the detail of an entry tells this rule.
type said struct {
	PhoneHash bool     `json:"phone_hash"` // the phone became another
	AccountID model.ID `json:"account_id"`
}

func detailOf(text string) (said, error) {
	var d said
	err := json.Unmarshal([]byte(text), &d)
	return d, err
}

func inTime(a, b deed) int {
	if a.At.Equal(b.At) {
		return int(min(max(a.ID-b.ID, -1), 1))
	}
	return a.At.Compare(b.At)
}

// readBindings adds which WeChat accounts were ever bound to the persons: found on a roster, or approved by a union.
func readBindings(l look, stories map[model.ID]*story) error {
	objects, persons := map[string]holder{}, make([]model.ID, 0, len(stories))
	for person := range stories {
		persons = append(persons, person)
		objects["person:"+person.String()] = holder{person: person}
	}
	var approved []struct{ ID, PersonID, MemberID, UnionID model.ID }
	err := l.tx.Raw("SELECT b.id, m.person_id, m.id AS member_id, m.union_id FROM members m JOIN binding_requests b ON b.union_id = m.union_id AND b.status = 'approved' AND b.member_id = m.id "+
		"WHERE m.person_id IN ?", persons).Scan(&approved).Error
	if err != nil {
		return err
	}
	for _, r := range approved {
		objects["binding_request:"+r.ID.String()] = holder{r.PersonID, r.MemberID, r.UnionID}
	}
	bindings, err := deedsOf(l, objects, time.Unix(0, 0), actMatch, actApprove) // ever: MySQL refuses a time of zero
	for _, d := range bindings {
		stories[d.of.person].bindings = append(stories[d.of.person].bindings, d)
	}
	return err
}

// readSpent adds the orders in the window that the persons paid from their allowance and that stand.
func readSpent(l look, stories map[model.ID]*story) error {
	persons := make([]model.ID, 0, len(stories))
	for person := range stories {
		persons = append(persons, person)
	}
	var rows []bought
	err := l.tx.Raw("SELECT id, person_id, member_id, union_id, allowance_fen AS goods_fen, placed_at FROM orders "+
		"WHERE person_id IN ? AND placed_at >= ? AND kind <> 'group' AND allowance_fen > 0 AND status NOT IN ('closed', 'cancelled') ORDER BY placed_at, id", persons, l.from).Scan(&rows).Error
	for _, o := range rows {
		stories[o.PersonID].orders = append(stories[o.PersonID].orders, o)
	}
	return err
}

// rebound judges a person's bindings one by one; each is a signal of its own.
func (s *story) rebound(l look, person model.ID) (found []finding) {
	for i, b := range s.bindings {
		if b.At.Before(l.from) || !s.another(s.bindings[:i], b) {
			continue
		}
		var acts []deed
		for _, a := range s.acts {
			if !a.At.After(b.At) && a.At.After(b.At.AddDate(0, 0, -l.set.WindowDays)) {
				acts = append(acts, a)
			}
		}
		orders := s.spentBy(b)
		if int64(len(acts)) < l.set.Threshold || len(orders) == 0 {
			continue
		}
		f := tally(orders)
		spent := f.figures[3].Value
		f.subject, f.bucket, f.size, f.first = person, model.DateOf(b.At), int64(len(acts)), acts[0].At
		for _, a := range append(acts, b) {
			f.evidence.Entries = append(f.evidence.Entries, a.ID)
			if a.of.union != 0 {
				f.unions[a.of.union] = true
			}
			if a.of.member != 0 && !slices.Contains(f.evidence.Members, a.of.member) {
				f.evidence.Members = append(f.evidence.Members, a.of.member)
			}
		}
		f.figures = []figure{{"staff_acts", f.size}, {"orders", int64(len(orders))}, {"spent_fen", spent}}
		found = append(found, f)
	}
	return found
}

// another tells whether the binding is of an account that was not the person's before, while another one was.
func (s *story) another(before []deed, b deed) bool {
	was := false
	for _, d := range slices.Concat(before, s.acts) {
		if d.wechat == 0 || d.At.After(b.At) {
			continue
		}
		if d.wechat == b.wechat {
			return false
		}
		was = true
	}
	return was
}

// spentBy are the orders placed while the binding held.
func (s *story) spentBy(b deed) (orders []bought) {
	for _, o := range s.orders {
		ended := slices.ContainsFunc(s.acts, func(a deed) bool {
			return a.Action == actUnbind && a.wechat == b.wechat && a.At.After(b.At) && !a.At.After(o.PlacedAt)
		})
		if !o.PlacedAt.Before(b.At) && !ended {
			orders = append(orders, o)
		}
	}
	return orders
}

// staffOf is the console account that an actor of the trail is; 0 for all others.
func staffOf(actor string) model.ID {
	text, ok := strings.CutPrefix(actor, "staff:")
	if !ok {
		return 0
	}
	id, err := model.ParseID(text)
	if err != nil {
		return 0
	}
	return id
}
