package shop

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// RegionView is a region as the console shows it.
type RegionView struct {
	ID          model.ID  `json:"id"`
	Name        string    `json:"name"`
	Province    string    `json:"province"`
	Paired      bool      `json:"paired"`
	PairingNote string    `json:"pairing_note"`
	Status      string    `json:"status"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func regionView(r model.Region) RegionView {
	return RegionView{ID: r.ID, Name: r.Name, Province: r.Province, Paired: r.Paired, PairingNote: r.PairingNote, Status: r.Status, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}

// RegionFilter narrows a list of regions; zero values do not.
type RegionFilter struct {
	Paired *bool
	Status string
}

// Regions lists the regions.
func (s *Service) Regions(ctx context.Context, f RegionFilter, page model.Page) (model.List[RegionView], error) {
	q := s.db.Read(ctx).Where("id > ?", page.Cursor)
	if f.Paired != nil {
		q = q.Where("paired = ?", *f.Paired)
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	var rows []model.Region
	if err := q.Order("id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[RegionView]{}, err
	}
	return model.NewList(rows, page, func(r model.Region) model.ID { return r.ID }, regionView), nil
}

// NewRegion is a region to be entered. A paired region says why in PairingNote, which members read.
type NewRegion struct {
	Name        string `json:"name"`
	Province    string `json:"province"`
	Paired      bool   `json:"paired"`
	PairingNote string `json:"pairing_note"`
}

// CreateRegion enters a region; CodeConflict when the province has one of that name.
func (s *Service) CreateRegion(ctx context.Context, actor model.Actor, in NewRegion) (RegionView, error) {
	now := s.db.Now()
	r := model.Region{ID: s.db.NewID(), Name: in.Name, Province: in.Province, Paired: in.Paired, PairingNote: in.PairingNote, Status: "active", CreatedAt: now, UpdatedAt: now}
	if err := checkRegion(&r); err != nil {
		return RegionView{}, err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "region.create", "region:"+r.ID.String(), 0, map[string]any{"name": r.Name, "province": r.Province, "paired": r.Paired, "pairing_note": r.PairingNote})
	})
	return regionView(r), regionTaken(err, r)
}

func regionTaken(err error, r model.Region) error {
	if model.Duplicate(err) {
		return model.E(model.CodeConflict, "%s已有名为“%s”的地区", r.Province, r.Name)
	}
	return err
}

func checkRegion(r *model.Region) error {
	var w wrong
	r.Name = w.text("name", "地区名称", r.Name, 2, 80)
	r.Province = w.text("province", "省份", r.Province, 2, 40)
	r.PairingNote = w.text("pairing_note", "结对说明", r.PairingNote, 0, 200)
	if r.Paired && r.PairingNote == "" {
		w.add("pairing_note", "对口帮扶支援合作地区须写明结对说明")
	}
	return w.err()
}

// RegionPatch is an edit of a region; nil leaves a field as it is.
type RegionPatch struct {
	Name        *string `json:"name"`
	Province    *string `json:"province"`
	Paired      *bool   `json:"paired"`
	PairingNote *string `json:"pairing_note"`
	Status      *string `json:"status"` // active | closed: no new products from there
}

// UpdateRegion edits a region.
func (s *Service) UpdateRegion(ctx context.Context, actor model.Actor, id model.ID, p RegionPatch) (RegionView, error) {
	if p == (RegionPatch{}) {
		return RegionView{}, errNothing()
	}
	var r model.Region
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		r = model.Region{}
		if err := lock(tx, &r, id, "地区"); err != nil {
			return err
		}
		old := r
		assign(&r.Name, p.Name)
		assign(&r.Province, p.Province)
		assign(&r.Paired, p.Paired)
		assign(&r.PairingNote, p.PairingNote)
		assign(&r.Status, p.Status)
		if err := checkRegion(&r); err != nil {
			return err
		}
		if r.Status != "active" && r.Status != "closed" {
			return model.Invalid("status", "状态应为 active（启用）或 closed（停用）")
		}
		ch := newChanges()
		ch.set("name", old.Name, r.Name)
		ch.set("province", old.Province, r.Province)
		ch.set("paired", old.Paired, r.Paired)
		ch.set("pairing_note", old.PairingNote, r.PairingNote)
		ch.set("status", old.Status, r.Status)
		return s.save(tx, actor, ch, &r, "region", r.ID, &r.UpdatedAt)
	})
	return regionView(r), regionTaken(err, r)
}
