package city

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/report"
)

// Make migrates and sets up the empty database that the settings name, fills it, and has some unions submit their forms.
func Make(ctx context.Context, cfg *config.Config, o Options) (err error) {
	var ao app.Options
	ao.Clock = standing{model.Millis(o.Today)}
	if _, err := app.Migrate(ctx, cfg, ao); err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, ao)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Setup(ctx); err != nil {
		return err
	}
	if err := a.Allowance.SeedDemoPolicy(ctx, model.YearOf(o.Today)); err != nil {
		return err
	}
	if o.Sealer, err = Sealer(cfg); err != nil {
		return err
	}
	o.DSN = cfg.MySQLDSN
	if err := Fill(ctx, o); err != nil {
		return err
	}
	if _, err := a.Tally.Rebuild(ctx); err != nil { // the rows came without the product
		return err
	}
	if err := a.Dues.CatchUp(ctx); err != nil {
		return err
	}
	if err := submit(ctx, a); err != nil {
		return err
	}
	return a.Audit.SealAll(ctx) // the entries' ids are of the city's year: without this they would wait for the daily look
}

// standing is a clock that stands still.
type standing struct{ at time.Time }

// Now implements model.Clock.
func (c standing) Now() time.Time { return c.at }

// Sealer seals with the keys of the settings; they must have been made.
func Sealer(cfg *config.Config) (*model.Sealer, error) {
	hashKey, err := model.DecodeKey(cfg.HashKey)
	if err != nil {
		return nil, err
	}
	return model.NewSealer(cfg.FieldKeys, hashKey)
}

// submitters is how many grassroots unions have submitted their first form.
const submitters = 40

// submit has some unions submit the first form of the year through the product.
func submit(ctx context.Context, a *app.App) error {
	periods, err := a.Report.Periods(ctx, 0)
	if err != nil {
		return err
	}
	var staff []struct {
		model.Staff
		Path string
	}
	err = a.DB.Read(ctx).Table("staff").Select("staff.*, unions.path").Joins("JOIN unions ON unions.id = staff.union_id").
		Where("staff.role = ?", identity.RoleUnionAdmin).Order("staff.id").Limit(submitters).Scan(&staff).Error
	if err != nil {
		return err
	}
	for _, s := range staff {
		actor := model.Actor{Kind: model.ActorStaff, ID: s.ID, Role: s.Role, UnionID: s.UnionID, UnionPath: s.Path}
		v, err := a.Report.Statement(ctx, actor, s.UnionID, periods.Items[0].ID)
		if err != nil {
			return err
		}
		_, err = a.Report.Submit(ctx, actor, s.UnionID, periods.Items[0].ID, report.Submission{Filler: s.Name, FillerPhone: "10000000000", ExpectedTotalFen: v.Total.AmountFen, ExpectedPersonTimes: v.Total.PersonTimes})
		if err != nil {
			return fmt.Errorf("submit the form of union %s: %w", s.UnionID, err)
		}
	}
	return nil
}
