package order

import (
	"gorm.io/gorm"

	"bangfu/model"
)

func ownChannel(tx *gorm.DB) (model.ID, error) {
	var c model.Channel
	err := tx.Select("id").Where("form_row = 2").Order("id").Take(&c).Error
	return c.ID, err
}
