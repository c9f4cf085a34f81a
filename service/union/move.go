package union

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	figures "bangfu/service/tally"
)

// Move puts a union with everything below it under another parent in the actor's subtree. union_paths keeps where each
// of them stood until now, so that forms and reports of the time before still find it there. Moving a union to where it
// stands is no error and changes nothing.
func (s *Service) Move(ctx context.Context, actor model.Actor, id, parentID model.ID) (Detail, error) {
	var d Detail
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		locked, err := lockTree(tx, id, parentID)
		if err != nil {
			return err
		}
		u, parent, now := locked[0], locked[1], s.db.Now()
		if err := movable(actor, u, parent); err != nil {
			return err
		}
		if *u.ParentID != parent.ID {
			if err := s.move(tx, now, u, parent); err != nil {
				return err
			}
			detail := map[string]any{"from": *u.ParentID, "to": parent.ID}
			if err := s.db.Audit(tx, actor, now, "union.move", "union:"+id.String(), id, detail); err != nil {
				return err
			}
		}
		d, err = unionDetail(tx, actor, id)
		return err
	})
	return d, err
}

func movable(actor model.Actor, u, parent model.Union) error {
	switch {
	case !actor.Sees(parent.Path):
		return model.NotFound("上级工会")
	case u.ParentID == nil || u.Path == actor.UnionPath:
		return model.E(model.CodeConflict, "不能移动本级工会")
	case u.Status != active:
		return model.E(model.CodeConflict, "这个工会已经撤销")
	case strings.HasPrefix(parent.Path, u.Path):
		return model.Invalid("parent_id", "不能移到自己或自己的下级工会之下")
	}
	return mayStandBelow(u.Kind, parent)
}

// move rewrites the paths of the subtree and turns a page in its history.
func (s *Service) move(tx *gorm.DB, now time.Time, u, parent model.Union) error {
	newPath := parent.Path + u.ID.String() + "/"
	var longest int
	if err := tx.Model(&model.Union{}).Where("path LIKE ?", u.Path+"%").Select("MAX(LENGTH(path))").Scan(&longest).Error; err != nil {
		return err
	}
	if longest-len(u.Path)+len(newPath) > maxPath {
		return tooDeep()
	}
	if err := tx.Model(&model.Union{}).Where("id = ?", u.ID).UpdateColumn("parent_id", parent.ID).Error; err != nil {
		return sameName(err)
	}
	rest := gorm.Expr("CONCAT(?, SUBSTR(path, ?))", newPath, len(u.Path)+1)
	err := tx.Model(&model.Union{}).Where("path LIKE ?", u.Path+"%").
		UpdateColumns(map[string]any{"path": rest, "depth": gorm.Expr("depth + ?", parent.Depth+1-u.Depth), "updated_at": now}).Error
	if err != nil {
		return err
	}
	open := func() *gorm.DB {
		return tx.Model(&model.UnionPath{}).Where("to_at IS NULL AND path LIKE ?", u.Path+"%")
	}
	// What was put somewhere in this very millisecond has never been there for anybody else.
	if err := open().Where("from_at >= ?", now).UpdateColumn("path", rest).Error; err != nil {
		return err
	}
	if err := open().UpdateColumn("to_at", now).Error; err != nil {
		return err
	}
	if err := figures.Write(tx, s.db, figures.Moved(s.db, u.ID, now)); err != nil {
		return err
	}
	return tx.Exec("INSERT INTO union_paths (union_id, from_at, to_at, path) SELECT u.id, ?, NULL, u.path FROM unions u WHERE u.path LIKE ? "+
		"AND NOT EXISTS (SELECT 1 FROM union_paths p WHERE p.union_id = u.id AND p.to_at IS NULL)", now, newPath+"%").Error
}
