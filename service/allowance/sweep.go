package allowance

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

const (
	jobSweep  = "sweep" // subject: the sweep
	sweepStep = 500     // allowances swept per transaction
)

// SweepView is one run of the year's end.
type SweepView struct {
	ID              model.ID   `json:"id"`
	Year            model.Year `json:"year"`
	Status          string     `json:"status"` // running | done
	SweptAllowances int        `json:"swept_allowances"`
	SweptFen        model.Fen  `json:"swept_fen"`
	HeldFen         model.Fen  `json:"held_fen"`   // still held for orders placed in time that await their payment: done only at 0
	StartedBy       *model.Ref `json:"started_by"` // null: by the clock
	StartedAt       time.Time  `json:"started_at"`
	FinishedAt      *time.Time `json:"finished_at"`
}

// RehearsalView is what the year's end would take back: of a union and all below it, and, page by page, union by union.
type RehearsalView struct {
	Year       model.Year `json:"year"`
	Due        bool       `json:"due"`     // the year is over
	EndsAt     time.Time  `json:"ends_at"` // 31 December 24:00 China time
	AsOf       time.Time  `json:"as_of"`   // of all figures
	Allowances int64      `json:"allowances"`
	AmountFen  model.Fen  `json:"amount_fen"`
	HeldFen    model.Fen  `json:"held_fen"` // besides, held for orders that await their payment: comes back only if they are not paid in time
	model.List[RehearsalUnion]
}

// RehearsalUnion is one union's part of it.
type RehearsalUnion struct {
	UnionID    model.ID  `json:"union_id"`
	UnionName  string    `json:"union_name"`
	Allowances int64     `json:"allowances"`
	AmountFen  model.Fen `json:"amount_fen"`
	HeldFen    model.Fen `json:"held_fen"`
}

// SweepInput names the year to end.
type SweepInput struct {
	Year model.Year `json:"year" check:"required,min=2000,max=2100"`
}

// StartSweep begins the year's end, or takes up one that broke off: whatever members have not spent goes back to their
// unions' funds, in a job, step by step. Errors: CodeConflict before the year is over or if it is done, CodeNoPolicy for
// a year without a policy.
func (s *Service) StartSweep(ctx context.Context, actor model.Actor, key string, year model.Year) (SweepView, error) {
	view, err := model.Once(ctx, s.db, actor, key, map[string]any{"sweep": year}, func(tx *gorm.DB) (SweepView, error) {
		now := s.db.Now()
		policy, err := findPolicy(tx, year)
		switch {
		case err != nil:
			return SweepView{}, err
		case policy == nil:
			return SweepView{}, model.E(model.CodeNoPolicy, "没有 %d 年度的政策", year)
		case now.Before(year.End()):
			return SweepView{}, model.E(model.CodeConflict, "%d 年度尚未结束，额度可以使用到 12 月 31 日 24 时，之后才能清零", year)
		}
		sweep, err := s.beginSweep(tx, actor, year, now)
		if err != nil {
			return SweepView{}, err
		}
		if sweep.Status == "done" {
			return SweepView{}, model.E(model.CodeConflict, "%d 年度已经清零", year)
		}
		return sweepView(tx, sweep)
	})
	s.jobs.Wake()
	return view, err
}

// SweepDue begins the year's end of last year by the clock, if that year had a policy and its end was not done, and
// takes it up again if anything was left over. Call it now and then.
func (s *Service) SweepDue(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		year := model.YearOf(now) - 1
		policy, err := findPolicy(tx, year)
		if err != nil || policy == nil {
			return err
		}
		sweep, err := findSweep(tx, year)
		if err != nil {
			return err
		}
		if sweep == nil || sweep.Status == "running" { // its job may have failed
			_, err = s.beginSweep(tx, model.Clockwork(), year, now)
			return err
		}
		fund, err := unsweptFund(tx, year, 0)
		if err != nil || fund == nil {
			return err
		}
		if err := tx.Model(&model.Sweep{}).Where("id = ?", sweep.ID).UpdateColumns(map[string]any{"status": "running", "finished_at": nil}).Error; err != nil {
			return err
		}
		return s.jobs.Enqueue(tx, jobSweep, sweep.ID)
	})
	if model.Duplicate(err) { // another process was first
		return nil
	}
	s.jobs.Wake()
	return err
}

// beginSweep finds or opens the sweep of a year and sees to its job.
func (s *Service) beginSweep(tx *gorm.DB, actor model.Actor, year model.Year, now time.Time) (model.Sweep, error) {
	have, err := findSweep(tx, year)
	if err != nil {
		return model.Sweep{}, err
	}
	if have != nil {
		if have.Status == "done" {
			return *have, nil
		}
		return *have, s.jobs.Enqueue(tx, jobSweep, have.ID)
	}
	sweep := model.Sweep{ID: s.db.NewID(), Year: year, Status: "running", StartedAt: now}
	if actor.Kind == model.ActorStaff {
		sweep.StartedBy = &actor.ID
	}
	if err := tx.Create(&sweep).Error; err != nil {
		return sweep, err
	}
	if err := s.jobs.Enqueue(tx, jobSweep, sweep.ID); err != nil {
		return sweep, err
	}
	return sweep, s.db.Audit(tx, actor, now, "sweep.start", "sweep:"+sweep.ID.String(), 0, map[string]any{"year": year})
}

func findSweep(tx *gorm.DB, year model.Year) (*model.Sweep, error) {
	var sweep model.Sweep
	err := tx.Where("year = ?", year).Take(&sweep).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &sweep, err
}

// sweep is the job of the year's end: fund by fund, some allowances per transaction. An allowance that is swept has ended, so
// nothing is swept twice, and a run that broke off goes on where it was. What is held for orders that await a payment stays held: such an
// order was placed in time and stands if it is paid; if not, its closing brings the held part to the fund. The year's end is
// done only when nothing is held any more.
func (s *Service) sweep(ctx context.Context, sweepID model.ID) error {
	var sweep model.Sweep
	if err := s.db.Read(ctx).Where("id = ?", sweepID).Take(&sweep).Error; err != nil {
		return err
	}
	for from, after := model.ID(0), model.ID(0); ; {
		var last model.ID
		fund, err := unsweptFund(s.db.Read(ctx), sweep.Year, from)
		switch {
		case err != nil:
			return err
		case fund == nil && from == 0:
			return s.finishSweep(ctx, sweepID)
		case fund == nil: // once more from the start: nothing may be left
			from = 0
			continue
		}
		if fund.ID != from {
			from, after = fund.ID, 0
		}
		if err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
			last, err = s.sweepSome(tx, sweep, fund.ID, after)
			return err
		}); err != nil {
			return err
		}
		after = last
	}
}

// unsweptFund finds the first fund of the year, from an id on, whose members still hold allowances in use; nil if there
// is none.
func unsweptFund(tx *gorm.DB, year model.Year, from model.ID) (*model.Fund, error) {
	var fund model.Fund
	err := tx.Where("year = ? AND id >= ? AND EXISTS (SELECT 1 FROM allowances a WHERE a.fund_id = funds.id AND a.status = 'active')", year, from).Order("id").Limit(1).Take(&fund).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &fund, err
}

// sweepSome ends some allowances of a fund, those after an id, and returns the last of them; 0 if there was none, and the
// caller starts over. It locks the fund, then the allowances.
func (s *Service) sweepSome(tx *gorm.DB, sweep model.Sweep, fundID, after model.ID) (last model.ID, err error) {
	now := s.db.Now()
	var fund model.Fund
	if err := locked(tx).Where("id = ?", fundID).Take(&fund).Error; err != nil {
		return 0, err
	}
	var allowances []model.Allowance
	if err := locked(tx).Where("fund_id = ? AND status = 'active' AND id > ?", fundID, after).Order("id").Limit(sweepStep).Find(&allowances).Error; err != nil || len(allowances) == 0 {
		return 0, err
	}
	var ids []model.ID
	var moves []ledger.Movement
	var total model.Fen
	for _, a := range allowances {
		ids = append(ids, a.ID)
		if a.BalanceFen == 0 {
			continue
		}
		total += a.BalanceFen
		moves = append(moves, ledger.Movement{Kind: ledger.KindSweep, Cause: "sweep:" + a.ID.String(), From: ledger.Allowance(a.ID), To: ledger.Fund(fundID),
			Amount: a.BalanceFen, Purse: a.Purse, Year: a.Year, Union: a.UnionID})
	}
	if err := ledger.PostAll(tx, s.db, now, moves); err != nil {
		return 0, err
	}
	res := tx.Model(&model.Allowance{}).Where("id IN ? AND status = 'active'", ids).UpdateColumns(map[string]any{"status": "ended", "updated_at": now})
	if res.Error != nil {
		return 0, res.Error
	}
	if res.RowsAffected != int64(len(ids)) {
		return 0, errors.New("sweep: locked allowances changed")
	}
	return ids[len(ids)-1], tx.Model(&model.Sweep{}).Where("id = ?", sweep.ID).UpdateColumns(map[string]any{
		"swept_allowances": gorm.Expr("swept_allowances + ?", len(moves)), "swept_fen": gorm.Expr("swept_fen + ?", total)}).Error
}

func (s *Service) finishSweep(ctx context.Context, sweepID model.ID) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.Sweep{}).Where("id = ? AND status = 'running'", sweepID).
			Where("NOT EXISTS (SELECT 1 FROM allowances a WHERE a.year = sweeps.year AND a.held_fen > 0)"). // SweepDue comes back to it
			UpdateColumns(map[string]any{"status": "done", "finished_at": now})
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		var sweep model.Sweep
		if err := tx.Where("id = ?", sweepID).Take(&sweep).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, model.Clockwork(), now, "sweep.done", "sweep:"+sweepID.String(), 0,
			map[string]any{"year": sweep.Year, "swept_allowances": sweep.SweptAllowances, "swept_fen": sweep.SweptFen})
	})
}

// Sweep is the year's end of a year; CodeNotFound if it has not begun.
func (s *Service) Sweep(ctx context.Context, year model.Year) (SweepView, error) {
	sweep, err := findSweep(s.db.Read(ctx), year)
	if err != nil {
		return SweepView{}, err
	}
	if sweep == nil {
		return SweepView{}, model.E(model.CodeNotFound, "%d 年度还没有清零", year)
	}
	return sweepView(s.db.Read(ctx), *sweep)
}

func sweepView(tx *gorm.DB, sweep model.Sweep) (SweepView, error) {
	v := SweepView{ID: sweep.ID, Year: sweep.Year, Status: sweep.Status, SweptAllowances: sweep.SweptAllowances, SweptFen: sweep.SweptFen,
		StartedAt: sweep.StartedAt, FinishedAt: sweep.FinishedAt}
	if sweep.Status == "running" {
		held, err := heldBelow(tx, "/", sweep.Year)
		if err != nil {
			return v, err
		}
		for _, h := range held {
			v.HeldFen += h.HeldFen
		}
	}
	if sweep.StartedBy == nil {
		return v, nil
	}
	names, err := model.NamesOf(tx, &model.Staff{}, []model.ID{*sweep.StartedBy})
	v.StartedBy = names.Ref(sweep.StartedBy)
	return v, err
}

// RehearseSweep tells what the year's end would take back now from the actor's union and all below it, and a page of the unions whose members
// were given any of the year's money. CodeBusy while the rollups are being built.
func (s *Service) RehearseSweep(ctx context.Context, actor model.Actor, year model.Year, page model.Page) (RehearsalView, error) {
	now := s.db.Now()
	v := RehearsalView{Year: year, Due: !now.Before(year.End()), EndsAt: year.End()}
	err := s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		e, err := endingOf(tx, now, actor, year, page)
		if err != nil {
			return err
		}
		v.AsOf, v.Allowances, v.AmountFen, v.HeldFen = e.asOf, e.total.holders-e.total.allHeld, e.total.free(), e.total.held
		v.List = model.NewList(e.unions, page, func(u model.Union) model.ID { return u.ID }, func(u model.Union) RehearsalUnion {
			l := e.own[u.ID]
			return RehearsalUnion{UnionID: u.ID, UnionName: u.Name, Allowances: l.holders - l.allHeld, AmountFen: l.free(), HeldFen: l.held}
		})
		return nil
	})
	return v, err
}
