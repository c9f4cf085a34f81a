package counter

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/shop"
)

// Scan uses a member's code at the cashier's hall and opens a redemption. Of several who scan one code one gets it; the same cashier
// scanning again, because the answer was lost, gets the same redemption as long as nothing else was done with it. Errors: CodeNotFound
// for a code that is none; CodeConflict for one that was used, replaced by a newer one or is too old, and for a hall that may not
// sell now; CodeRateLimited.
func (s *Service) Scan(ctx context.Context, actor model.Actor, code string) (Redemption, error) {
	if err := s.flood(ctx, "counter_scan", actor.ID, maxScans); err != nil {
		return Redemption{}, err
	}
	hash := hashOf(code)
	var id model.ID
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		id, err = s.scan(tx, actor, hash)
		return err
	})
	if err != nil {
		return Redemption{}, err
	}
	return s.Redemption(ctx, actor, id)
}

// scan uses the code by compare-and-set: nobody else can have it after that.
func (s *Service) scan(tx *gorm.DB, actor model.Actor, hash string) (model.ID, error) {
	now := s.db.Now()
	hall, err := openHall(tx, actor.Hall, now)
	if err != nil {
		return 0, err
	}
	res := tx.Model(&model.CounterCode{}).Where("code_hash = ? AND live_person_id IS NOT NULL AND expires_at > ?", hash, now.Add(-codeGrace)).
		UpdateColumns(map[string]any{"live_person_id": nil, "used_at": now, "used_by": actor.ID})
	if res.Error != nil {
		return 0, res.Error
	}
	if res.RowsAffected == 0 {
		return scannedBefore(tx, actor, hash, now)
	}
	var code model.CounterCode
	if err := tx.Where("code_hash = ?", hash).Take(&code).Error; err != nil {
		return 0, err
	}
	r := model.Redemption{ID: s.db.NewID(), HallID: hall.ID, SupplierID: hall.SupplierID, PersonID: code.PersonID, CashierID: actor.ID, CodeHash: hash,
		Status: StatusScanned, ScannedAt: now, ExpiresAt: now.Add(scanLife), UpdatedAt: now}
	if err := tx.Create(&r).Error; err != nil {
		return 0, err
	}
	return r.ID, s.db.Audit(tx, actor, now, "redemption.scan", object(r.ID), 0, map[string]any{"hall": hall.ID})
}

// scannedBefore tells why a code cannot be used, or finds the redemption that the same cashier opened with it just now.
func scannedBefore(tx *gorm.DB, actor model.Actor, hash string, now time.Time) (model.ID, error) {
	var code model.CounterCode
	err := tx.Where("code_hash = ?", hash).Take(&code).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return 0, model.E(model.CodeNotFound, "这不是有效的消费码，请会员在小程序里重新出示")
	case err != nil:
		return 0, err
	case code.UsedAt == nil && code.LivePersonID == nil:
		return 0, model.E(model.CodeConflict, "会员已经换了新的消费码，请扫手机上最新的码")
	case code.UsedAt == nil:
		return 0, model.E(model.CodeConflict, "消费码已过期，请会员刷新后再扫")
	}
	var r model.Redemption
	if err := tx.Where("code_hash = ?", hash).Take(&r).Error; err != nil {
		return 0, err
	}
	if r.CashierID == actor.ID && r.HallID == actor.Hall && statusAt(r, now) == StatusScanned {
		return r.ID, nil
	}
	return 0, model.E(model.CodeConflict, "消费码已经使用过，每个码只能用一次，请会员刷新后再扫")
}

// openHall is the hall, if it may sell at now: neither it nor its channel is closed, and its supplier may sell. Errors: CodeConflict
// with the reasons.
func openHall(tx *gorm.DB, id model.ID, now time.Time) (model.Hall, error) {
	var h model.Hall
	if err := tx.Where("id = ?", id).Take(&h).Error; err != nil {
		return h, err
	}
	problems, err := hallProblems(tx, h, now)
	if err == nil && len(problems) > 0 {
		err = model.E(model.CodeConflict, "本馆暂时不能收银：%s", strings.Join(problems, "；"))
	}
	return h, err
}

// hallProblems says in Chinese why nothing can be sold at the hall at now; empty: it can.
func hallProblems(tx *gorm.DB, h model.Hall, now time.Time) ([]string, error) {
	problems := []string{}
	if h.Status != "active" {
		problems = append(problems, "专馆已停用")
	}
	var c model.Channel
	if err := tx.Where("id = ?", h.ChannelID).Take(&c).Error; err != nil {
		return nil, err
	}
	if c.Status != "active" {
		problems = append(problems, "采购渠道已停用")
	}
	of, err := shop.SupplierProblems(tx, h.SupplierID, now)
	return append(problems, of...), err
}
