package order

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestNewestOfFew shows that pages of the orders of one union, of a few and of many are the whole list in its order: orders of two years, paid at
// once, late or never, with long times in which a union bought nothing.
func TestNewestOfFew(t *testing.T) {
	start := modeltest.At("2025-11-20 10:00")
	clock := modeltest.NewClock(start)
	db, ctx, rng := modeltest.Open(t, clock), context.Background(), rand.New(rand.NewPCG(1, 2))
	s := &Service{db: db}
	rows := []any{&model.Union{ID: 1, Name: "市总工会", Kind: "city", Path: "/1/", Status: "active", CreatedAt: start, UpdatedAt: start}}
	root := model.ID(1)
	for id := model.ID(2); id <= 12; id++ { // 2 and 3 stand below 2
		path := fmt.Sprintf("/1/%d/", id)
		if id == 3 {
			path = "/1/2/3/"
		}
		rows = append(rows, &model.Union{ID: id, ParentID: &root, Name: fmt.Sprint("工会", id), Kind: "grassroots", Path: path, Depth: 1, Status: "active", CreatedAt: start, UpdatedAt: start})
	}
	at := start
	var orders []model.Order
	for i := range 900 {
		at = at.Add(time.Duration(rng.IntN(int(6 * time.Hour))))
		union := model.ID(2 + rng.IntN(3))
		if i > 500 && union == 3 { // bought nothing since
			union = 12
		}
		o := model.Order{ID: model.IDAt(at) + model.ID(i), OrderNo: fmt.Sprint(i), Kind: KindOnline, Status: StatusPaid, UnionID: union, Year: model.YearOf(at), PlacedAt: at, UpdatedAt: at}
		switch rng.IntN(6) {
		case 0:
			o.Status = StatusClosed
		case 1:
			paid := at.Add(29 * time.Minute)
			o.PaidAt = &paid
		default:
			paid := at
			o.PaidAt = &paid
		}
		orders = append(orders, o)
	}
	clock.Set(at.Add(time.Minute))
	err := db.Tx(ctx, func(tx *gorm.DB) error {
		for _, row := range rows {
			if err := tx.Create(row).Error; err != nil {
				return err
			}
		}
		return tx.CreateInBatches(&orders, db.BatchRows()).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, unions := range map[string][]model.ID{"/1/2/": {2, 3}, "/1/2/3/": {3}, "/1/4/": {4}, "/1/12/": {12}, "/1/": {2, 3, 4, 12}, "/1/11/": nil} {
		var want, got []model.ID
		for _, o := range slices.Backward(orders) {
			if slices.Contains(unions, o.UnionID) {
				want = append(want, o.ID)
			}
		}
		for page := (model.Page{Limit: 7}); ; {
			ids, err := s.newest(ctx, path, Filter{}, page)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids[:min(len(ids), page.Limit)]...)
			if len(ids) <= page.Limit {
				break
			}
			page.Cursor = ids[page.Limit-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d orders, want %d", path, len(got), len(want))
		}
	}
}
