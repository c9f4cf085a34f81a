package union

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// carryCaps lets the year of persons who were erased in it and come back begin with what they had used of it, so that the yearly cap is not
// evaded that way.
func (s *Service) carryCaps(tx *gorm.DB, now time.Time, fresh []model.Person) error {
	year := model.YearOf(now)
	byHash := make(map[string]model.ID, len(fresh))
	hashes := make([]string, len(fresh))
	for i, p := range fresh {
		hashes[i] = s.sealer.CapHash(year, p.IDNumberHash)
		byHash[hashes[i]] = p.ID
	}
	for some := range slices.Chunk(hashes, s.db.BatchRows()) {
		var found []model.CapTombstone
		if err := tx.Where("hash IN ? AND year = ?", some, year).Find(&found).Error; err != nil {
			return err
		}
		for _, f := range found {
			person := byHash[*f.Hash]
			res := tx.Model(&model.CapTombstone{}).Where("id = ? AND hash = ?", f.ID, *f.Hash).UpdateColumns(map[string]any{"hash": nil, "new_person_id": person})
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				return model.ErrRerun
			}
			if err := tx.Create(&model.PersonCap{PersonID: person, Year: year, GrantedFen: f.GrantedFen}).Error; err != nil {
				return err
			}
		}
	}
	return nil
}
