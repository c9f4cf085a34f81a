package union

import (
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// The verdicts on a row of a roster.
const (
	verdictNew       = "new"
	verdictChanged   = "changed"
	verdictUnchanged = "unchanged"
	verdictWrong     = "wrong"
)

// candidate is a row on its way to the roster. Before it is judged, Verdict is wrong if the row itself is, else empty.
type candidate struct {
	model.RosterRow
	phone, idNumber string // plain

	person model.ID      // 0: not known yet
	member *model.Member // the person's membership in this union, active or left; nil: none
}

// roster is the present state of one union's roster as far as it concerns some candidates. It is read with a few
// queries, whatever the number of candidates.
type roster struct {
	persons   map[string]model.ID               // by ID number hash
	members   map[model.ID]*model.Member        // of this union, by person
	elsewhere map[model.ID][]string             // phone hashes of active memberships in other unions, by person
	holders   map[string][]phoneHolder          // active members of this union, by phone hash
	moving    func(h phoneHolder) (bool, error) // whether the same file gives the holder another phone
}

// phoneHolder is a member who has a phone that a candidate wants.
type phoneHolder struct {
	UnionID      model.ID
	Status       string
	PersonID     model.ID
	Name         string
	PhoneHash    string
	IDNumberHash string
}

// readRoster reads what judging the candidates needs. Whoever acts on the verdicts has locked the union (see lockUnion).
func readRoster(tx *gorm.DB, unionID model.ID, rows []*candidate) (*roster, error) {
	r := &roster{persons: map[string]model.ID{}, members: map[model.ID]*model.Member{}, elsewhere: map[model.ID][]string{}, holders: map[string][]phoneHolder{}}
	var numbers, phones []string
	for _, c := range rows {
		if c.Verdict != verdictWrong {
			numbers, phones = append(numbers, c.IDNumberHash), append(phones, c.PhoneHash)
		}
	}
	if len(numbers) == 0 {
		return r, nil
	}
	var persons []model.Person
	if err := tx.Select("id", "id_number_hash").Where("id_number_hash IN ?", numbers).Find(&persons).Error; err != nil {
		return nil, err
	}
	ids := make([]model.ID, len(persons))
	for i, p := range persons {
		r.persons[p.IDNumberHash], ids[i] = p.ID, p.ID
	}
	var members []model.Member
	if len(ids) > 0 {
		if err := tx.Where("person_id IN ?", ids).Find(&members).Error; err != nil {
			return nil, err
		}
	}
	for _, m := range members {
		if m.UnionID == unionID {
			r.members[m.PersonID] = &m
		} else if m.Status == active {
			r.elsewhere[m.PersonID] = append(r.elsewhere[m.PersonID], m.PhoneHash)
		}
	}
	var err error
	r.holders, err = phoneHolders(tx, unionID, phones)
	return r, err
}

// phoneHolders finds the active members of the union who have one of the phones, by phone hash. It asks by phone alone,
// since few unions share a phone: with the union in the question, engines read the whole union's roster each time.
func phoneHolders(tx *gorm.DB, unionID model.ID, phones []string) (map[string][]phoneHolder, error) {
	var found []phoneHolder
	err := tx.Table("members").Select("members.union_id, members.status, members.person_id, members.name, members.phone_hash, persons.id_number_hash").
		Joins("JOIN persons ON persons.id = members.person_id").Where("members.phone_hash IN ?", phones).Scan(&found).Error
	holders := map[string][]phoneHolder{}
	for _, h := range found {
		if h.UnionID == unionID && h.Status == active {
			holders[h.PhoneHash] = append(holders[h.PhoneHash], h)
		}
	}
	return holders, err
}

// judge gives each candidate its verdict and reason against the present roster.
func (s *Service) judge(r *roster, rows []*candidate) error {
	for _, c := range rows {
		if c.Verdict == verdictWrong {
			continue
		}
		c.person = r.persons[c.IDNumberHash]
		c.member = r.members[c.person]
		rival, err := r.rival(c)
		if err != nil {
			return err
		}
		if rival != "" {
			c.Verdict, c.Reason = verdictWrong, "手机号已被本工会的另一名会员（"+model.MaskName(rival)+"）使用，请核对是谁的手机"
			continue
		}
		if c.member == nil {
			c.Verdict, c.Reason = verdictNew, ""
			if len(r.elsewhere[c.person]) > 0 {
				c.Reason = "此人也在另一工会的名册上：全年额度上限按人合计"
			}
			continue
		}
		changes, err := s.changes(c)
		if err != nil {
			return err
		}
		c.Verdict, c.Reason = verdictUnchanged, strings.Join(changes, "；")
		if len(changes) > 0 {
			c.Verdict = verdictChanged
		}
	}
	return nil
}

// movesPhone tells whether writing the judged candidate gives its person another phone: than this union's roster had, or, for one who is new
// on it, than another union's roster has.
func (r *roster) movesPhone(c *candidate) bool {
	switch c.Verdict {
	case verdictChanged:
		return c.member.PhoneHash != c.PhoneHash
	case verdictNew:
		return slices.ContainsFunc(r.elsewhere[c.person], func(hash string) bool { return hash != c.PhoneHash })
	default:
		return false
	}
}

// rival is the name of another active member of the union who has the candidate's phone and keeps it.
func (r *roster) rival(c *candidate) (string, error) {
	for _, h := range r.holders[c.PhoneHash] {
		if h.PersonID == c.person {
			continue
		}
		if r.moving != nil {
			if moves, err := r.moving(h); err != nil || moves {
				if err != nil {
					return "", err
				}
				continue
			}
		}
		return h.Name, nil
	}
	return "", nil
}

// changes says in Chinese what the candidate changes of its membership. An empty employee number or department in the
// file leaves what is stored.
func (s *Service) changes(c *candidate) ([]string, error) {
	m := c.member
	var list []string
	if m.Status == left {
		list = append(list, "已离会，重新入会")
	}
	if c.Name != m.Name {
		list = append(list, "姓名："+m.Name+" → "+c.Name)
	}
	if c.PhoneHash != m.PhoneHash {
		old, err := s.sealer.Open(m.PhoneSealed, model.SealMemberPhone)
		if err != nil {
			return nil, err
		}
		list = append(list, "手机号："+model.MaskPhone(old)+" → "+model.MaskPhone(c.phone))
	}
	for _, text := range []struct{ title, old, new string }{{"工号", m.EmployeeNo, c.EmployeeNo}, {"部门", m.Department, c.Department}} {
		if text.new == "" || text.new == text.old {
			continue
		}
		old := text.old
		if old == "" {
			old = "（空）"
		}
		list = append(list, text.title+"："+old+" → "+text.new)
	}
	return list, nil
}
