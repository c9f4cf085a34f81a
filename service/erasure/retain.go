package erasure

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// retainYears is how long who received an order, and where, is kept after it was placed: 电子商务法第三十一条 wants three years from the
// completion; four from placing are never less.
const retainYears = 4

// purgeBatch is how many orders one turn of Purge looks at.
const purgeBatch = 500

// Purge erases from orders of erased persons what had to be kept until now, and forgets how much of past years they had used. It is
// harmless to repeat.
func (s *Service) Purge(ctx context.Context) error {
	now := s.db.Now()
	if err := s.db.Read(ctx).Model(&model.CapTombstone{}).Where("hash IS NOT NULL AND year < ?", model.YearOf(now)).UpdateColumn("hash", nil).Error; err != nil {
		return err
	}
	for {
		var persons []model.ID
		err := s.db.Read(ctx).Raw("SELECT DISTINCT o.person_id FROM erasures e JOIN orders o ON o.person_id = e.person_id WHERE e.status = ? AND o.placed_at < ? AND o.consignee NOT IN ('', ?) LIMIT ?",
			StatusDone, now.AddDate(-retainYears, 0, 0), model.ErasedName, purgeBatch).Scan(&persons).Error
		if err != nil || len(persons) == 0 {
			return err
		}
		for _, p := range persons {
			if err := s.db.Tx(ctx, func(tx *gorm.DB) error { return s.eraseOld(tx, now, p) }); err != nil {
				return err
			}
		}
	}
}

// eraseOld erases who received the person's orders that need not be kept any more, and where; and what the person wrote in the cases and
// asked to be put on invoices about them.
func (s *Service) eraseOld(tx *gorm.DB, now time.Time, person model.ID) error {
	var ids []model.ID
	err := tx.Model(&model.Order{}).Where("person_id = ? AND placed_at < ? AND kind <> 'group'", person, now.AddDate(-retainYears, 0, 0)).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return err
	}
	nowhere, err := s.sealer.Seal("{}", model.SealOrderAddress)
	if err != nil {
		return err
	}
	if err := tx.Model(&model.Order{}).Where("id IN ? AND consignee <> ''", ids).UpdateColumns(map[string]any{"consignee": model.ErasedName, "phone_sealed": "",
		"address_sealed": nowhere, "address_hash": "", "note": ""}).Error; err != nil {
		return err
	}
	if err := tx.Model(&model.AfterSale{}).Where("order_id IN ? AND person_id = ?", ids, person).UpdateColumns(map[string]any{"description": "", "return_tracking_no": ""}).Error; err != nil {
		return err
	}
	if err := tx.Model(&model.AfterSaleEvent{}).Where("party = 'member' AND case_id IN (SELECT id FROM after_sales WHERE order_id IN ?)", ids).UpdateColumn("note", "").Error; err != nil {
		return err
	}
	return tx.Model(&model.InvoiceRequest{}).Where("person_id = ? AND title_kind = 'personal' AND requested_at < ?", person, now.AddDate(-retainYears, 0, 0)).UpdateColumn("title", "个人").Error
}
