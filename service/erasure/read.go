package erasure

import (
	"context"

	"gorm.io/gorm"

	"bangfu/model"
)

// Get is one demand, with what stands against it now.
func (s *Service) Get(ctx context.Context, id model.ID) (Demand, error) {
	return s.view(s.db.Read(ctx), id)
}

func (s *Service) view(tx *gorm.DB, id model.ID) (Demand, error) {
	var e model.Erasure
	if err := tx.Take(&e, id).Error; err != nil {
		return Demand{}, err
	}
	views, err := viewsOf(tx, []model.Erasure{e})
	if err != nil {
		return Demand{}, err
	}
	if e.OpenPersonID != nil {
		views[0].Obstacles, err = obstacles(tx, e.PersonID, e.WaiveBalance)
	}
	return views[0], err
}

// List lists the demands of the actor's subtree, newest first; status "" is all.
func (s *Service) List(ctx context.Context, actor model.Actor, status string, page model.Page) (model.List[Demand], error) {
	tx := s.db.Read(ctx)
	q := tx.Where("union_id IN (SELECT x.id FROM unions x WHERE x.path LIKE ?)", actor.UnionPath+"%")
	if status != "" {
		q = q.Where("status = ?", status)
	}
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.Erasure
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[Demand]{}, err
	}
	views, err := viewsOf(tx, rows)
	return model.NewList(views, page, func(v Demand) model.ID { return v.ID }, func(v Demand) Demand { return v }), err
}

func viewsOf(tx *gorm.DB, rows []model.Erasure) ([]Demand, error) {
	var unions, staff []model.ID
	for _, e := range rows {
		unions = append(unions, e.UnionID)
		for _, id := range []*model.ID{e.DraftedBy, e.DecidedBy} {
			if id != nil {
				staff = append(staff, *id)
			}
		}
	}
	unionNames, err := model.NamesOf(tx, &model.Union{}, unions)
	if err != nil {
		return nil, err
	}
	staffNames, err := model.NamesOf(tx, &model.Staff{}, staff)
	views := make([]Demand, len(rows))
	for i, e := range rows {
		views[i] = Demand{ID: e.ID, Union: model.Ref{ID: e.UnionID, Name: unionNames[e.UnionID]}, ByMember: e.ByMember, WaiveBalance: e.WaiveBalance, Reason: e.Reason,
			Status: e.Status, RequestedAt: e.RequestedAt, DraftedBy: staffNames.Ref(e.DraftedBy), DraftedAt: e.DraftedAt, DecidedBy: staffNames.Ref(e.DecidedBy),
			DecidedAt: e.DecidedAt, DecisionNote: e.DecisionNote, Problem: e.Problem, FinishedAt: e.FinishedAt, Obstacles: []string{}}
	}
	return views, err
}
