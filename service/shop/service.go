// Package shop keeps what can be bought and from whom: purchase channels, regions and their pairing, suppliers,
// products with licences and certificates that expire, SKUs, stock and pictures; and it ranks what members see.
package shop

import (
	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/guard"
)

// Service is the use cases of the shop.
type Service struct {
	db     *model.DB
	sealer *model.Sealer
	files  *files.Service
	guard  *guard.Guard
}

// New makes the service. The guard is told when stock comes in.
func New(db *model.DB, sealer *model.Sealer, f *files.Service, g *guard.Guard) *Service {
	return &Service{db: db, sealer: sealer, files: f, guard: g}
}
