package order

import (
	"context"
	"encoding/json"

	"bangfu/model"
)

// destination is where an order goes, as it is sealed into the order: what happens to the member's address later
// does not change it.
type destination struct {
	Province string `json:"province"`
	City     string `json:"city"`
	District string `json:"district"`
	Detail   string `json:"detail"`
}

// recipientCopy is the part of an order that says to whom and where it goes.
type recipientCopy struct{ consignee, phoneSealed, addressSealed, addressHash string }

func (c *recipientCopy) write(order *model.Order) {
	order.Consignee, order.PhoneSealed, order.AddressSealed, order.AddressHash = c.consignee, c.phoneSealed, c.addressSealed, c.addressHash
}

// copyAddress makes the copy of a member's address that an order keeps; nil if the address is not the person's. It is read and sealed
// before the order queues, so that nobody else waits for that.
func (s *Service) copyAddress(ctx context.Context, person, id model.ID) (*recipientCopy, error) {
	a, found, err := s.addresses.Get(ctx, id)
	if err != nil || !found || a.PersonID != person {
		return nil, err
	}
	phone, err := s.sealer.Open(a.PhoneSealed, model.SealAddressPhone)
	if err != nil {
		return nil, err
	}
	detail, err := s.sealer.Open(a.DetailSealed, model.SealAddressDetail)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(destination{a.Province, a.City, a.District, detail})
	if err != nil {
		return nil, err
	}
	c := &recipientCopy{consignee: a.Consignee, addressHash: s.sealer.Hash(model.HashAddress, model.NormalAddress(a.Province, a.City, a.District, detail))}
	if c.phoneSealed, err = s.sealer.Seal(phone, model.SealOrderPhone); err != nil {
		return nil, err
	}
	c.addressSealed, err = s.sealer.Seal(string(text), model.SealOrderAddress)
	return c, err
}

// readAddresses reads addresses that were not deleted.
func (s *Service) readAddresses(ctx context.Context, ids []model.ID) (map[model.ID]model.Address, error) {
	rows, err := s.db.Read(ctx).Model(&model.Address{}).Select("id", "person_id", "consignee", "phone_sealed", "province", "city", "district", "detail_sealed").
		Where("id IN ? AND deleted_at IS NULL", ids).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	byID := make(map[model.ID]model.Address, len(ids))
	for rows.Next() {
		var a model.Address
		if err := rows.Scan(&a.ID, &a.PersonID, &a.Consignee, &a.PhoneSealed, &a.Province, &a.City, &a.District, &a.DetailSealed); err != nil {
			return nil, err
		}
		byID[a.ID] = a
	}
	return byID, rows.Err()
}
