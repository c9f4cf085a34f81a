package union

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// TestFindMembers holds every way to narrow the list, over pages, against all members read at once: for unions that have most of the
// members, few of them, and none, more of them than the first window holds, read whole and looked for among all.
func TestFindMembers(t *testing.T) {
	w, ctx, rng := newTown(t), context.Background(), rand.New(rand.NewPCG(1, 2))
	unions := []model.ID{w.union("大工会"), w.union("小工会"), w.union("空工会")}
	var all []model.Member
	for i := range 900 {
		m := model.Member{ID: w.db.NewID(), UnionID: unions[0], Name: []string{"陈甲", "陈乙", "李丙", "王丁"}[rng.IntN(4)], Department: []string{"财务科", "一车间", ""}[rng.IntN(3)], Status: active}
		m.JoinedAt, m.CreatedAt, m.UpdatedAt = w.db.Now(), w.db.Now(), w.db.Now()
		if rng.IntN(40) == 0 {
			m.UnionID = unions[1]
		}
		if rng.IntN(10) == 0 {
			m.Status = left
		}
		number, err := w.sealer.Seal(rosterfile.DemoIDNumber(i), model.SealPersonIDNumber)
		w.ok(err)
		person := model.Person{ID: w.db.NewID(), IDNumberSealed: number, IDNumberHash: w.sealer.Hash(model.HashIDNumber, rosterfile.DemoIDNumber(i)), CreatedAt: w.db.Now()}
		w.ok(w.db.Read(ctx).Create(&person).Error)
		m.PersonID, m.PhoneHash = person.ID, w.sealer.Hash(model.HashPhone, rosterfile.DemoPhone(i))
		m.PhoneSealed, err = w.sealer.Seal(rosterfile.DemoPhone(i), model.SealMemberPhone)
		w.ok(err)
		all = append(all, m)
	}
	w.ok(w.db.Read(ctx).CreateInBatches(&all, 50).Error)
	if mended, err := w.Recount(ctx); mended != 2 || err != nil {
		t.Errorf("%d unions counted anew, %v", mended, err)
	}
	for _, w.small = range []int64{w.small, 0} {
		w.findsEverywhere(unions, all)
	}
}

// findsEverywhere looks in each of the unions and in the whole city.
func (w *town) findsEverywhere(unions []model.ID, all []model.Member) {
	w.t.Helper()
	for _, union := range append(unions, rootID) {
		for _, f := range []MemberFilter{{}, {Status: left}, {Status: active}, {Department: "财务科"}, {Query: "陈"}, {Query: "陈甲"}, {Query: "赵"}, {Query: "陈", Status: left, Department: "一车间"}} {
			for _, f.Subtree = range []bool{false, true} {
				w.findsAll(union, f, all)
			}
		}
		w.findsAll(union, MemberFilter{Query: rosterfile.DemoPhone(5), Subtree: true}, all[5:6])
		w.findsAll(union, MemberFilter{Query: rosterfile.DemoIDNumber(7), Subtree: true}, all[7:8])
	}
}

// findsAll pages through a list and compares it with those of all that fit.
func (w *town) findsAll(union model.ID, f MemberFilter, all []model.Member) {
	w.t.Helper()
	var want, got []string
	for _, m := range all {
		if (m.UnionID == union || f.Subtree && union == rootID) && (f.Status == "" || m.Status == f.Status) && (f.Department == "" || m.Department == f.Department) &&
			(f.Query == "" || len(all) == 1 || strings.HasPrefix(m.Name, f.Query)) {
			key := m.ID.String()
			if f.Query != "" {
				key = m.Name + key
			}
			want = append(want, key)
		}
	}
	slices.Sort(want)
	for page := (model.Page{Limit: 20}); ; {
		list, err := w.Members(context.Background(), union, f, page)
		w.ok(err)
		for _, m := range list.Items {
			var row model.Member
			w.ok(w.db.Read(context.Background()).Where("id = ?", m.ID).Take(&row).Error)
			key := row.ID.String()
			if f.Query != "" {
				key = row.Name + key
			}
			got = append(got, key)
		}
		if list.NextCursor == nil {
			break
		}
		page.Cursor = *list.NextCursor
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("%s %+v: %d found, want %d in order", union, f, len(got), len(want))
	}
}
