package tally

import (
	"errors"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// The rollups of a node hold what all unions below it have, so they need to know the tree. They keep their own (tally_nodes), which
// follows unions by events: whatever order moves and purchases are taken from the queue in, each purchase ends up above its union's
// present place once all events are taken.

// track tells the paths of unions in the rollups' tree and puts those into it that are not there yet.
func track(tx *gorm.DB, unions []model.ID) (map[model.ID]string, error) {
	paths, err := tracked(tx, unions)
	if err != nil {
		return nil, err
	}
	for _, id := range unions {
		if _, ok := paths[id]; ok {
			continue
		}
		again, err := tracked(tx, []model.ID{id}) // it may have been put there as the parent of another
		if err != nil {
			return nil, err
		}
		path, ok := again[id]
		if !ok {
			if path, err = plant(tx, id); err != nil {
				return nil, err
			}
		}
		paths[id] = path
	}
	return paths, nil
}

func tracked(tx *gorm.DB, unions []model.ID) (map[model.ID]string, error) {
	unions = slices.Compact(slices.Sorted(slices.Values(unions)))
	paths := make(map[model.ID]string, len(unions))
	for ids := range slices.Chunk(unions, idsPerStatement) {
		var nodes []model.TallyNode
		if err := tx.Where("union_id IN ?", ids).Find(&nodes).Error; err != nil {
			return nil, err
		}
		for _, n := range nodes {
			paths[n.UnionID] = n.Path
		}
	}
	return paths, nil
}

// plant puts a union below its present parent, which is put there first.
func plant(tx *gorm.DB, id model.ID) (string, error) {
	parent, err := parentPath(tx, id)
	if err != nil {
		return "", err
	}
	n := model.TallyNode{UnionID: id, Path: parent + id.String() + "/"}
	return n.Path, tx.Create(&n).Error
}

// parentPath is the path of the union's present parent in the rollups' tree; "/" of the root.
func parentPath(tx *gorm.DB, id model.ID) (string, error) {
	var u model.Union
	err := tx.Select("id", "parent_id").Where("id = ?", id).Take(&u).Error
	if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && u.ParentID == nil {
		return "/", nil
	}
	if err != nil {
		return "", err
	}
	paths, err := track(tx, []model.ID{*u.ParentID})
	return paths[*u.ParentID], err
}

// follow puts a union that was moved below its present parent, with everything below it: its figures leave the nodes that are no longer
// above it and come to those that now are.
func follow(tx *gorm.DB, db *model.DB, id model.ID) error {
	paths, err := tracked(tx, []model.ID{id})
	if err != nil {
		return err
	}
	old, ok := paths[id]
	if !ok {
		return nil // nothing of it or below it was counted yet
	}
	parent, err := parentPath(tx, id)
	if err != nil {
		return err
	}
	if strings.HasPrefix(parent, old) { // its parent was below it before and has moved too: that first
		var u model.Union
		if err := tx.Select("parent_id").Where("id = ?", id).Take(&u).Error; err != nil {
			return err
		}
		if err := followUp(tx, db, *u.ParentID, id); err != nil {
			return err
		}
		return follow(tx, db, id)
	}
	path := parent + id.String() + "/"
	if path == old {
		return nil
	}
	if err := shift(tx, db, id, nodesOf(old), nodesOf(path)); err != nil {
		return err
	}
	return tx.Model(&model.TallyNode{}).Where("path LIKE ?", old+"%").UpdateColumn("path", gorm.Expr("CONCAT(?, SUBSTR(path, ?))", path, len(old)+1)).Error
}

// followUp follows the nearest union from one upwards, below another, whose present parent differs from where the rollups have it.
func followUp(tx *gorm.DB, db *model.DB, from, below model.ID) error {
	for id := from; id != below; {
		paths, err := tracked(tx, []model.ID{id})
		if err != nil {
			return err
		}
		nodes := nodesOf(paths[id])
		if len(nodes) < 2 {
			break
		}
		above := nodes[len(nodes)-2]
		var u model.Union
		if err := tx.Select("parent_id").Where("id = ?", id).Take(&u).Error; err != nil {
			return err
		}
		if u.ParentID == nil || *u.ParentID != above {
			return follow(tx, db, id)
		}
		id = above
	}
	return errors.New("the rollups' tree has a circle that no move explains")
}

// shift takes a node's figures from the nodes that only old names and gives them to those that only path names.
func shift(tx *gorm.DB, db *model.DB, id model.ID, old, path []model.ID) error {
	signs := map[model.ID]int64{}
	for _, n := range old {
		signs[n]--
	}
	for _, n := range path {
		signs[n]++
	}
	var months []model.TallyMonth
	var goods []model.TallyGood
	var purses []model.TallyPurse
	for _, rows := range []any{&months, &goods, &purses} {
		if err := tx.Where("node_id = ?", id).Find(rows).Error; err != nil {
			return err
		}
	}
	for node, sign := range signs {
		if sign == 0 {
			continue
		}
		s := newSums()
		for _, m := range months {
			s.months[monthKey{node, m.Year, m.Month}] = monthTimes(m, node, sign)
		}
		for _, g := range goods {
			s.goods[goodKey{node, g.Year, g.ProductID, g.SupplierID, g.RegionID}] = goodTimes(g, node, sign)
		}
		for _, p := range purses {
			s.purses[purseKey{node, p.Year, p.Purse}] = purseTimes(p, node, sign)
		}
		if err := s.store(tx, db, false); err != nil {
			return err
		}
	}
	return nil
}

func monthTimes(m model.TallyMonth, node model.ID, n int64) *model.TallyMonth {
	f := model.Fen(n)
	return &model.TallyMonth{NodeID: node, Year: m.Year, Month: m.Month, Buyers: n * m.Buyers, Orders: n * m.Orders, Times: n * m.Times, PaidFen: f * m.PaidFen,
		WechatFen: f * m.WechatFen, Refunds: n * m.Refunds, RefundedFen: f * m.RefundedFen, RefundedWechatFen: f * m.RefundedWechatFen,
		Claims: n * m.Claims, ClaimedTimes: n * m.ClaimedTimes, ClaimedFen: f * m.ClaimedFen}
}

func goodTimes(g model.TallyGood, node model.ID, n int64) *model.TallyGood {
	f := model.Fen(n)
	return &model.TallyGood{NodeID: node, Year: g.Year, ProductID: g.ProductID, SupplierID: g.SupplierID, RegionID: g.RegionID,
		Quantity: n * g.Quantity, AmountFen: f * g.AmountFen, RefundedQuantity: n * g.RefundedQuantity, RefundedFen: f * g.RefundedFen}
}

func purseTimes(p model.TallyPurse, node model.ID, n int64) *model.TallyPurse {
	f := model.Fen(n)
	return &model.TallyPurse{NodeID: node, Year: p.Year, Purse: p.Purse, FundedFen: f * p.FundedFen, GrantedFen: f * p.GrantedFen, ReturnedFen: f * p.ReturnedFen,
		SpentFen: f * p.SpentFen, GroupFen: f * p.GroupFen, Holders: n * p.Holders}
}
