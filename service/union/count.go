package union

import (
	"context"

	"gorm.io/gorm"

	"bangfu/model"
)

// membersBelow is how many active members the union with the path and all below it have.
func membersBelow(tx *gorm.DB, path string) (n int64, err error) {
	err = tx.Model(&model.Union{}).Where("path LIKE ?", path+"%").Select("COALESCE(SUM(active_members), 0)").Scan(&n).Error
	return n, err
}

// Recount counts the active members of every union anew and tells how many unions had another number: to repair it, or after members were
// put into the database without the product. It locks one union at a time.
func (s *Service) Recount(ctx context.Context) (mended int, err error) {
	var ids []model.ID
	err = s.db.Read(ctx).Table("unions u").Joins("LEFT JOIN (SELECT union_id, COUNT(*) AS n FROM members WHERE status = 'active' GROUP BY union_id) m ON m.union_id = u.id").
		Where("u.active_members <> COALESCE(m.n, 0)").Order("u.id").Pluck("u.id", &ids).Error
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			if _, err := lockUnion(tx, id); err != nil {
				return err
			}
			var n int64
			if err := tx.Model(&model.Member{}).Where("union_id = ? AND status = ?", id, active).Count(&n).Error; err != nil {
				return err
			}
			return tx.Model(&model.Union{}).Where("id = ?", id).UpdateColumn("active_members", n).Error
		})
		if err != nil {
			return mended, err
		}
		mended++
	}
	return mended, nil
}
