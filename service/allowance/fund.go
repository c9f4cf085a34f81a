package allowance

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/tally"
)

// FundView is a union's money for a purse and year, with what became of it.
type FundView struct {
	ID           model.ID    `json:"id"`
	UnionID      model.ID    `json:"union_id"`
	Purse        model.Purse `json:"purse"`
	PurseName    string      `json:"purse_name"`
	Year         model.Year  `json:"year"`
	BalanceFen   model.Fen   `json:"balance_fen"`     // can still be granted
	ToppedUpFen  model.Fen   `json:"topped_up_fen"`   // confirmed top-ups
	UnconfirmFen model.Fen   `json:"unconfirmed_fen"` // entered top-ups that wait for the second person
	GrantedFen   model.Fen   `json:"granted_fen"`     // issued to members so far
	GroupFen     model.Fen   `json:"group_fen"`       // paid for group purchases, less what came back of them
	UnspentFen   model.Fen   `json:"unspent_fen"`     // with the members, not spent yet; what is held for orders included
	Holders      int64       `json:"holders"`         // members who have some of it left
}

// Funds lists a union's own funds, of one year or (0) of all, the latest year first.
func (s *Service) Funds(ctx context.Context, unionID model.ID, year model.Year) (model.List[FundView], error) {
	list := model.List[FundView]{Items: []FundView{}}
	err := s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		q := tx.Where("union_id = ?", unionID)
		if year != 0 {
			q = q.Where("year = ?", year)
		}
		var funds []model.Fund
		if err := q.Order("year DESC, id").Find(&funds).Error; err != nil || len(funds) == 0 {
			return err
		}
		own, err := ownPurses(tx, s.db.Now(), unionID, year)
		if err != nil {
			return err
		}
		for _, f := range funds {
			v, err := fundView(tx, f, own)
			if err != nil {
				return err
			}
			list.Items = append(list.Items, v)
		}
		return nil
	})
	return list, err
}

// Fund is one fund.
func (s *Service) Fund(ctx context.Context, id model.ID) (v FundView, err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		var f model.Fund
		err := tx.Where("id = ?", id).Take(&f).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("经费账户")
		}
		if err != nil {
			return err
		}
		own, err := ownPurses(tx, s.db.Now(), f.UnionID, f.Year)
		if err != nil {
			return err
		}
		v, err = fundView(tx, f, own)
		return err
	})
	return v, err
}

// ownPurses is what became of a union's own money by the rollups; nil while they are being built.
func ownPurses(tx *gorm.DB, now time.Time, union model.ID, year model.Year) (map[tally.OwnPurse]model.TallyPurse, error) {
	r, known, err := tally.ReadPurses(tx, now, year)
	if err != nil || !known {
		return nil, err
	}
	return r.Own([]model.ID{union})
}

// fundView shows a fund; what its members have left is counted from their allowances where the rollups do not tell.
func fundView(tx *gorm.DB, f model.Fund, own map[tally.OwnPurse]model.TallyPurse) (FundView, error) {
	v := FundView{ID: f.ID, UnionID: f.UnionID, Purse: f.Purse, PurseName: f.Purse.Name(), Year: f.Year, BalanceFen: f.BalanceFen, ToppedUpFen: f.ToppedUpFen}
	if err := tx.Model(&model.Topup{}).Select("COALESCE(SUM(amount_fen), 0)").Where("fund_id = ? AND status = 'entered'", f.ID).Scan(&v.UnconfirmFen).Error; err != nil {
		return v, err
	}
	if err := tx.Model(&model.Grant{}).Select("COALESCE(SUM(issued_fen), 0)").Where("fund_id = ?", f.ID).Scan(&v.GrantedFen).Error; err != nil {
		return v, err
	}
	err := tx.Table("group_purchases g").Joins("JOIN orders o ON o.id = g.order_id").Where("g.fund_id = ?", f.ID).Select("COALESCE(SUM(o.goods_fen - o.refunded_fen), 0)").Scan(&v.GroupFen).Error
	if err != nil {
		return v, err
	}
	if own != nil {
		p := own[tally.OwnPurse{Union: f.UnionID, Year: f.Year, Purse: f.Purse}]
		v.Holders, v.UnspentFen = p.Holders, p.UnspentFen()
		return v, nil
	}
	left := tx.Model(&model.Allowance{}).Select("COUNT(*), COALESCE(SUM(balance_fen + held_fen), 0)").Where("fund_id = ? AND balance_fen + held_fen > 0", f.ID)
	err = model.ScanRow(left, &v.Holders, &v.UnspentFen)
	return v, err
}

// EnsureFund finds or opens a union's fund for a purse and year, without locking it.
func (s *Service) EnsureFund(tx *gorm.DB, unionID model.ID, purse model.Purse, year model.Year) (model.Fund, error) {
	var f model.Fund
	find := func() error {
		return tx.Where("union_id = ? AND purse = ? AND year = ?", unionID, purse, year).Take(&f).Error
	}
	err := find()
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return f, err
	}
	now := s.db.Now()
	row := model.Fund{ID: s.db.NewID(), UnionID: unionID, Purse: purse, Year: year, CreatedAt: now, UpdatedAt: now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return f, err
	}
	return f, find()
}

// Recount adds up anew what every fund was topped up with and tells how many had another sum: to repair it, or after top-ups were put into the
// database without the product. It locks one fund at a time.
func (s *Service) Recount(ctx context.Context) (mended int, err error) {
	var ids []model.ID
	err = s.db.Read(ctx).Table("funds f").Joins("LEFT JOIN (SELECT fund_id, SUM(amount_fen) AS fen FROM topups WHERE status = 'confirmed' GROUP BY fund_id) t ON t.fund_id = f.id").
		Where("f.topped_up_fen <> COALESCE(t.fen, 0)").Order("f.id").Pluck("f.id", &ids).Error
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			if err := locked(tx).Select("id").Where("id = ?", id).Take(&model.Fund{}).Error; err != nil {
				return err
			}
			var fen model.Fen
			if err := tx.Model(&model.Topup{}).Select("COALESCE(SUM(amount_fen), 0)").Where("fund_id = ? AND status = 'confirmed'", id).Scan(&fen).Error; err != nil {
				return err
			}
			return tx.Model(&model.Fund{}).Where("id = ?", id).UpdateColumn("topped_up_fen", fen).Error
		})
		if err != nil {
			return mended, err
		}
		mended++
	}
	return mended, nil
}

// OpenUnion locks a union that may receive and grant money, so that it is not closed at the same time; a closed one is CodeConflict.
func OpenUnion(tx *gorm.DB, id model.ID) (model.Union, error) {
	var u model.Union
	err := locked(tx).Where("id = ?", id).Take(&u).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return u, model.NotFound("工会")
	case err == nil && u.Status != "active":
		return u, model.E(model.CodeConflict, "“%s”已撤销，不能入账或发放", u.Name)
	}
	return u, err
}

// fundsByID reads the funds of a page of rows in one query.
func fundsByID(tx *gorm.DB, ids []model.ID) (map[model.ID]model.Fund, error) {
	var rows []model.Fund
	err := tx.Where("id IN ?", ids).Find(&rows).Error
	byID := make(map[model.ID]model.Fund, len(rows))
	for _, f := range rows {
		byID[f.ID] = f
	}
	return byID, err
}
