// Package shop keeps what can be bought and from whom: purchase channels, regions and their pairing, suppliers,
// products with licences and certificates that expire, SKUs, stock and pictures; and it ranks what members see.
package shop

import (
	"bangfu/model"
)

// Service is the use cases of the shop.
type Service struct {
	db     *model.DB
	sealer *model.Sealer
}

// New makes the service.
func New(db *model.DB, sealer *model.Sealer) *Service { return &Service{db: db, sealer: sealer} }
