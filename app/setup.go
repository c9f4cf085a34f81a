package app

import (
	"context"

	"bangfu/config"
)

// Setup puts what every installation needs into a migrated database: the root of the union tree, the recognised channels,
// the policies of the notice, the first console account. It is harmless to repeat.
func (a *App) Setup(ctx context.Context) error {
	if _, err := a.Union.EnsureRoot(ctx, a.Config.CityUnionName); err != nil {
		return err
	}
	if err := a.Shop.EnsureChannels(ctx); err != nil {
		return err
	}
	if err := a.Allowance.SeedPolicies(ctx); err != nil {
		return err
	}
	if err := a.Tally.Ensure(ctx); err != nil {
		return err
	}
	return a.firstAccount(ctx)
}

// firstAccount makes the first console account if there is none. Its password is made now, kept in
// DATA_DIR/secrets/admin-password and noted in FirstPassword, to be shown once.
func (a *App) firstAccount(ctx context.Context) error {
	var made string
	created, err := a.Identity.EnsureOperator(ctx, "admin", func() (password string, err error) {
		made, _, err = a.Config.Secret("admin-password", config.Password)
		return made, err
	})
	if created {
		a.FirstPassword = made
	}
	return err
}
