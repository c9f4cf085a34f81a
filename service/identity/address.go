package identity

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// MaxAddresses is how many addresses a person may keep.
const MaxAddresses = 20

// AddressInput is what a member enters for an address.
type AddressInput struct {
	Consignee string
	Phone     string
	Province  string
	City      string
	District  string
	Detail    string
	Default   bool
}

// Address is a delivery address as its owner sees it, in full.
type Address struct {
	ID        model.ID  `json:"id"`
	Consignee string    `json:"consignee"`
	Phone     string    `json:"phone"`
	Province  string    `json:"province"`
	City      string    `json:"city"`
	District  string    `json:"district"`
	Detail    string    `json:"detail"`
	IsDefault bool      `json:"is_default"`
	UpdatedAt time.Time `json:"updated_at"`
}

// clean brings the input to its stored form: without outer spaces and the invisible marks that come along when text is
// pasted, without control characters, the phone as 11 digits.
func (in *AddressInput) clean() error {
	for _, f := range []struct {
		name, title string
		value       *string
	}{
		{"consignee", "收货人", &in.Consignee}, {"province", "省份", &in.Province}, {"city", "城市", &in.City},
		{"district", "区县", &in.District}, {"detail", "详细地址", &in.Detail},
	} {
		*f.value = strings.TrimFunc(strings.Map(dropInvisible, *f.value), blank)
		if *f.value == "" {
			return model.Invalid(f.name, "请填写"+f.title)
		}
		if strings.ContainsFunc(*f.value, breaks) {
			return model.Invalid(f.name, f.title+"里有不能用的字符（如换行），请重新填写")
		}
	}
	if utf8.RuneCountInString(in.Detail) < 2 {
		return model.Invalid("detail", "详细地址太短，请写明街道门牌")
	}
	var err error
	in.Phone, err = rosterfile.NormalizePhone(in.Phone)
	return err
}

// blank is what goes from both ends of a text: spaces, and joiners that join nothing.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\u200d' }

// breaks are controls, and the line ends that Unicode adds.
func breaks(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// dropInvisible drops format characters (zero-width spaces, direction marks) but for the joiner inside emoji.
func dropInvisible(r rune) rune {
	if unicode.Is(unicode.Cf, r) && r != '\u200d' {
		return -1
	}
	return r
}

func (s *Service) sealAddress(in AddressInput) (phone, detail string, err error) {
	if phone, err = s.sealer.Seal(in.Phone, model.SealAddressPhone); err != nil {
		return "", "", err
	}
	detail, err = s.sealer.Seal(in.Detail, model.SealAddressDetail)
	return phone, detail, err
}

func (s *Service) viewAddress(r model.Address) (Address, error) {
	phone, err := s.sealer.Open(r.PhoneSealed, model.SealAddressPhone)
	if err != nil {
		return Address{}, err
	}
	detail, err := s.sealer.Open(r.DetailSealed, model.SealAddressDetail)
	return Address{
		ID: r.ID, Consignee: r.Consignee, Phone: phone, Province: r.Province, City: r.City, District: r.District, Detail: detail,
		IsDefault: r.IsDefault, UpdatedAt: r.UpdatedAt,
	}, err
}

// ListAddresses lists the member's addresses, the default first, then the newest.
func (s *Service) ListAddresses(ctx context.Context, actor model.Actor) ([]Address, error) {
	var rows []model.Address
	if err := s.db.Read(ctx).Where("person_id = ? AND deleted_at IS NULL", actor.ID).Order("is_default DESC, id DESC").Find(&rows).Error; err != nil {
		return nil, err
	}
	list := make([]Address, 0, len(rows))
	for _, r := range rows {
		view, err := s.viewAddress(r)
		if err != nil {
			return nil, err
		}
		list = append(list, view)
	}
	return list, nil
}

// AddAddress stores a new address; a person's first one is the default. CodeConflict beyond MaxAddresses.
func (s *Service) AddAddress(ctx context.Context, actor model.Actor, in AddressInput) (Address, error) {
	if err := in.clean(); err != nil {
		return Address{}, err
	}
	phone, detail, err := s.sealAddress(in)
	if err != nil {
		return Address{}, err
	}
	var row model.Address
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := lockPerson(tx, actor.ID); err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&model.Address{}).Where("person_id = ? AND deleted_at IS NULL", actor.ID).Count(&n).Error; err != nil {
			return err
		}
		if n >= MaxAddresses {
			return model.E(model.CodeConflict, "收货地址最多保存 %d 个，请先删除不用的地址", MaxAddresses)
		}
		now := s.db.Now()
		row = model.Address{ID: s.db.NewID(), PersonID: actor.ID, Consignee: in.Consignee, PhoneSealed: phone, Province: in.Province, City: in.City,
			District: in.District, DetailSealed: detail, CreatedAt: now, UpdatedAt: now}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		row.IsDefault = in.Default || n == 0
		if row.IsDefault {
			return makeDefault(tx, actor.ID, row.ID)
		}
		return nil
	})
	if err != nil {
		return Address{}, err
	}
	return s.viewAddress(row)
}

// ChangeAddress replaces the content of an address. Default true makes it the default, false leaves that as it is.
func (s *Service) ChangeAddress(ctx context.Context, actor model.Actor, id model.ID, in AddressInput) (Address, error) {
	if err := in.clean(); err != nil {
		return Address{}, err
	}
	phone, detail, err := s.sealAddress(in)
	if err != nil {
		return Address{}, err
	}
	err = s.onAddress(ctx, actor, id, func(tx *gorm.DB, own *gorm.DB) error {
		err := own.UpdateColumns(map[string]any{"consignee": in.Consignee, "phone_sealed": phone, "province": in.Province, "city": in.City,
			"district": in.District, "detail_sealed": detail, "updated_at": s.db.Now()}).Error
		if err != nil || !in.Default {
			return err
		}
		return makeDefault(tx, actor.ID, id)
	})
	if err != nil {
		return Address{}, err
	}
	var row model.Address
	if err := s.db.Read(ctx).Take(&row, id).Error; err != nil {
		return Address{}, err
	}
	return s.viewAddress(row)
}

// DeleteAddress hides an address from its owner; orders keep their own copy. If it was the default, the newest of the
// others becomes it.
func (s *Service) DeleteAddress(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.onAddress(ctx, actor, id, func(tx *gorm.DB, own *gorm.DB) error {
		if err := own.UpdateColumns(map[string]any{"deleted_at": s.db.Now(), "is_default": false}).Error; err != nil {
			return err
		}
		var left []model.Address
		if err := tx.Where("person_id = ? AND deleted_at IS NULL", actor.ID).Order("is_default DESC, id DESC").Limit(1).Find(&left).Error; err != nil {
			return err
		}
		if len(left) == 0 || left[0].IsDefault {
			return nil
		}
		return makeDefault(tx, actor.ID, left[0].ID)
	})
}

// SetDefaultAddress makes an address the one that is offered first.
func (s *Service) SetDefaultAddress(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.onAddress(ctx, actor, id, func(tx *gorm.DB, _ *gorm.DB) error { return makeDefault(tx, actor.ID, id) })
}

// onAddress runs change under the lock of the person, on an address that is the person's and not deleted; own is a
// query of that address. Else it is CodeNotFound.
func (s *Service) onAddress(ctx context.Context, actor model.Actor, id model.ID, change func(tx, own *gorm.DB) error) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := lockPerson(tx, actor.ID); err != nil {
			return err
		}
		own := func() *gorm.DB {
			return tx.Model(&model.Address{}).Where("id = ? AND person_id = ? AND deleted_at IS NULL", id, actor.ID)
		}
		var n int64
		if err := own().Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return model.NotFound("收货地址")
		}
		return change(tx, own())
	})
}

// lockPerson makes a person's changes to its addresses happen one after the other.
func lockPerson(tx *gorm.DB, person model.ID) error {
	return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&model.Person{}, person).Error
}

func makeDefault(tx *gorm.DB, person, id model.ID) error {
	return tx.Model(&model.Address{}).Where("person_id = ? AND deleted_at IS NULL", person).UpdateColumn("is_default", gorm.Expr("id = ?", id)).Error
}
