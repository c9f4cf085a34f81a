package allowance

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
)

// RevokeMember takes back what a member who leaves the union has not spent: it goes to the union's fund, and for the
// capped purse the person's year has that much room again. It returns the amount. Repeating it changes nothing. reason
// is kept in the audit trail. See RevokeMembers.
func (s *Service) RevokeMember(tx *gorm.DB, actor model.Actor, memberID model.ID, now time.Time, reason string) (model.Fen, error) {
	return s.RevokeMembers(tx, actor, []model.ID{memberID}, now, reason)
}

// RevokeMembers is RevokeMember for many members in one transaction, which keeps the lock order. It locks every fund of
// the members' unions, then the persons' caps, then the allowances. Mark the members as left in the same transaction:
// a grant that runs at the same time waits for the fund and then sees them gone.
func (s *Service) RevokeMembers(tx *gorm.DB, actor model.Actor, memberIDs []model.ID, now time.Time, reason string) (model.Fen, error) {
	var members []model.Member
	if err := tx.Select("id", "union_id", "person_id").Where("id IN ?", memberIDs).Find(&members).Error; err != nil {
		return 0, err
	}
	allowances, err := lockForRevoking(tx, members)
	if err != nil || len(allowances) == 0 {
		return 0, err
	}
	moves, err := revocations(tx, allowances)
	if err != nil {
		return 0, err
	}
	if err := ledger.PostAll(tx, s.db, now, moves); err != nil {
		return 0, err
	}
	if err := giveRoomBack(tx, allowances); err != nil {
		return 0, err
	}
	ids := make([]model.ID, len(allowances))
	for i, a := range allowances {
		ids[i] = a.ID
	}
	res := tx.Model(&model.Allowance{}).Where("id IN ? AND status = 'active'", ids).UpdateColumns(map[string]any{"status": "revoked", "updated_at": now})
	if res.Error != nil {
		return 0, res.Error
	}
	if res.RowsAffected != int64(len(ids)) {
		return 0, errors.New("revoke: locked allowances changed")
	}
	return s.auditRevoked(tx, actor, now, allowances, reason)
}

// lockForRevoking locks, in order, the funds of the members' unions, the persons' caps and the members' active
// allowances, and returns the latter.
func lockForRevoking(tx *gorm.DB, members []model.Member) ([]model.Allowance, error) {
	var unions, persons, ids []model.ID
	for _, m := range members {
		unions, persons, ids = append(unions, m.UnionID), append(persons, m.PersonID), append(ids, m.ID)
	}
	var funds []model.Fund
	if err := locked(tx).Select("id").Where("union_id IN ?", unions).Order("id").Find(&funds).Error; err != nil || len(funds) == 0 {
		return nil, err
	}
	var caps []model.PersonCap
	if err := locked(tx).Where("person_id IN ?", persons).Order("person_id, year").Find(&caps).Error; err != nil {
		return nil, err
	}
	var allowances []model.Allowance
	err := locked(tx).Where("member_id IN ? AND status = 'active'", ids).Order("id").Find(&allowances).Error
	return allowances, err
}

// revocations are the movements that empty the allowances. An allowance may be revoked, granted to anew when the member
// comes back, and revoked again: the cause counts.
func revocations(tx *gorm.DB, allowances []model.Allowance) ([]ledger.Movement, error) {
	var moves []ledger.Movement
	for _, a := range allowances {
		if a.BalanceFen == 0 {
			continue
		}
		var before int64
		if err := tx.Model(&model.Transfer{}).Where("debit_account = ? AND kind = ?", ledger.Allowance(a.ID), ledger.KindRevoke).Count(&before).Error; err != nil {
			return nil, err
		}
		moves = append(moves, ledger.Movement{
			Kind: ledger.KindRevoke, Cause: fmt.Sprintf("allowance:%s:%d", a.ID, before+1), From: ledger.Allowance(a.ID), To: ledger.Fund(a.FundID),
			Amount: a.BalanceFen, Purse: a.Purse, Year: a.Year, Union: a.UnionID,
		})
	}
	return moves, nil
}

// giveRoomBack lowers what the persons count as granted, year by year.
func giveRoomBack(tx *gorm.DB, allowances []model.Allowance) error {
	byYear := map[model.Year]map[model.ID]model.Fen{}
	var years []model.Year
	for _, a := range allowances {
		if !a.Purse.Capped() || a.BalanceFen == 0 {
			continue
		}
		if byYear[a.Year] == nil {
			byYear[a.Year] = map[model.ID]model.Fen{}
			years = append(years, a.Year)
		}
		byYear[a.Year][a.PersonID] -= a.BalanceFen
	}
	slices.Sort(years)
	for _, year := range years {
		if err := ledger.ShiftCaps(tx, year, byYear[year], 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) auditRevoked(tx *gorm.DB, actor model.Actor, now time.Time, allowances []model.Allowance, reason string) (model.Fen, error) {
	var total model.Fen
	for _, a := range allowances {
		if a.BalanceFen == 0 {
			continue
		}
		total += a.BalanceFen
		detail := map[string]any{"amount_fen": a.BalanceFen, "purse": a.Purse, "year": a.Year, "reason": reason}
		if err := s.db.Audit(tx, actor, now, "allowance.revoke", "allowance:"+a.ID.String(), a.UnionID, detail); err != nil {
			return 0, err
		}
	}
	return total, nil
}
