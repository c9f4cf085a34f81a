package order

import (
	"database/sql"
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

// delivery is the part of an order that says to whom and where it goes.
type delivery struct{ consignee, phoneSealed, addressSealed, addressHash string }

func (d *delivery) write(order *model.Order) {
	order.Consignee, order.PhoneSealed, order.AddressSealed, order.AddressHash = d.consignee, d.phoneSealed, d.addressSealed, d.addressHash
}

// askAddresses is the question for addresses that were not deleted, by id; the ids are distinct, and there is one.
func askAddresses(ids []model.ID, into map[model.ID]model.Address) model.Question {
	return model.Question{
		SQL: "SELECT id, person_id, consignee, phone_sealed, province, city, district, detail_sealed FROM addresses WHERE deleted_at IS NULL AND id IN " +
			model.Marks(len(ids)),
		Args: model.Values(ids),
		Row: func(rows *sql.Rows) error {
			var a model.Address
			err := rows.Scan(&a.ID, &a.PersonID, &a.Consignee, &a.PhoneSealed, &a.Province, &a.City, &a.District, &a.DetailSealed)
			into[a.ID] = a
			return err
		},
	}
}

// deliver makes the copy of an address that an order keeps.
func (s *Service) deliver(a model.Address) (*delivery, error) {
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
	d := &delivery{consignee: a.Consignee, addressHash: s.sealer.Hash(model.HashAddress, model.NormalAddress(a.Province, a.City, a.District, detail))}
	if d.phoneSealed, err = s.sealer.Seal(phone, model.SealOrderPhone); err != nil {
		return nil, err
	}
	d.addressSealed, err = s.sealer.Seal(string(text), model.SealOrderAddress)
	return d, err
}
