package union

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Leaving is what came of a member's leaving or transfer.
type Leaving struct {
	MemberID   model.ID  `json:"member_id"`
	RevokedFen model.Fen `json:"revoked_fen"` // unspent allowance that went back to the union's funds
	LeftAt     time.Time `json:"left_at"`
}

// Leave takes a member off the roster; the unspent allowance goes back to the union's funds in the same transaction.
// It locks the union, the member, and then what revoking locks (funds, caps, allowances).
func (s *Service) Leave(ctx context.Context, actor model.Actor, key string, id model.ID, reason string) (Leaving, error) {
	reason, err := reasonText(reason)
	if err != nil {
		return Leaving{}, err
	}
	content := map[string]any{"act": "member.leave", "member": id, "reason": reason}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (Leaving, error) {
		m, err := s.lockMember(tx, id)
		if err != nil {
			return Leaving{}, err
		}
		return s.leave(tx, actor, s.db.Now(), m, reason)
	})
}

// leave marks a locked, active member as left and revokes what it has not spent.
func (s *Service) leave(tx *gorm.DB, actor model.Actor, now time.Time, m model.Member, reason string) (Leaving, error) {
	res := tx.Model(&model.Member{}).Where("id = ? AND status = ?", m.ID, active).
		UpdateColumns(map[string]any{"status": left, "left_at": now, "left_reason": reason, "updated_at": now})
	if res.Error != nil {
		return Leaving{}, res.Error
	}
	if res.RowsAffected == 0 {
		return Leaving{}, model.E(model.CodeConflict, "该会员已离会")
	}
	if err := model.CountMembers(tx, m.UnionID, -1); err != nil {
		return Leaving{}, err
	}
	revoked, err := s.revoke(tx, actor, m.ID, now, clip("离会："+reason, 200))
	if err != nil {
		return Leaving{}, err
	}
	err = s.db.Audit(tx, actor, now, "member.leave", memberRef(m.ID), m.UnionID, map[string]any{"reason": reason, "revoked_fen": revoked})
	return Leaving{MemberID: m.ID, RevokedFen: revoked, LeftAt: now}, err
}

// Transfer is what came of a member's transfer: the membership that ended and the one that began.
type Transfer struct {
	Leaving
	NewMemberID model.ID `json:"new_member_id"`
	UnionID     model.ID `json:"union_id"`
	UnionName   string   `json:"union_name"`
}

// TransferMember moves a member to another union in one transaction: it leaves here, as in Leave, and joins there. The
// other union need not be in the actor's scope, since a union's own staff transfers its members anywhere: whoever knows
// the number of an active union may send a member there. Its roster then shows who came.
func (s *Service) TransferMember(ctx context.Context, actor model.Actor, key string, id, to model.ID, reason string) (Transfer, error) {
	reason, err := reasonText(reason)
	if err != nil {
		return Transfer{}, err
	}
	content := map[string]any{"act": "member.transfer", "member": id, "union": to, "reason": reason}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (Transfer, error) {
		m, target, err := s.lockTransfer(tx, id, to)
		if err != nil {
			return Transfer{}, err
		}
		now := s.db.Now()
		leaving, err := s.leave(tx, actor, now, m, clip("转往"+target.Name+"："+reason, 200))
		if err != nil {
			return Transfer{}, err
		}
		joined, err := s.join(tx, now, m, target)
		if err != nil {
			return Transfer{}, err
		}
		err = s.db.Audit(tx, actor, now, "member.join", memberRef(joined), target.ID, map[string]any{"from_union": m.UnionID, "from_member": m.ID})
		return Transfer{Leaving: leaving, NewMemberID: joined, UnionID: target.ID, UnionName: target.Name}, err
	})
}

// lockTransfer locks both unions by rising id and then the member.
func (s *Service) lockTransfer(tx *gorm.DB, id, to model.ID) (m model.Member, target model.Union, err error) {
	at, err := takeMemberRow(tx, id)
	if err != nil {
		return m, target, err
	}
	if at.UnionID == to {
		return m, target, model.Invalid("union_id", "会员已在这个工会")
	}
	for _, union := range []model.ID{min(at.UnionID, to), max(at.UnionID, to)} {
		u, err := lockUnion(tx, union)
		if err != nil {
			return m, target, err
		}
		if u.Status != active {
			return m, target, model.E(model.CodeConflict, "工会“%s”已撤销，不能再改动名册", u.Name)
		}
		if union == to {
			target = u
		}
	}
	m, err = lockActive(tx, id)
	return m, target, err
}

// join puts the person of a membership that has just ended onto the target's roster.
func (s *Service) join(tx *gorm.DB, now time.Time, m model.Member, target model.Union) (model.ID, error) {
	if err := phoneFree(tx, target.ID, m.PersonID, m.PhoneHash); err != nil {
		return 0, err
	}
	var there []model.Member
	if err := tx.Where("union_id = ? AND person_id = ?", target.ID, m.PersonID).Find(&there).Error; err != nil {
		return 0, err
	}
	if len(there) == 0 {
		joined := model.Member{ID: s.db.NewID(), UnionID: target.ID, PersonID: m.PersonID, Name: m.Name, PhoneSealed: m.PhoneSealed, PhoneHash: m.PhoneHash,
			Status: active, JoinedAt: now, CreatedAt: now, UpdatedAt: now}
		if err := tx.Create(&joined).Error; err != nil {
			return 0, err
		}
		return joined.ID, model.CountMembers(tx, target.ID, 1)
	}
	if there[0].Status == active {
		return 0, model.E(model.CodeConflict, "此人已是“%s”的会员", target.Name)
	}
	if err := rejoin(tx, now, target.ID, []model.ID{there[0].ID}); err != nil {
		return 0, err
	}
	return there[0].ID, tx.Model(&model.Member{}).Where("id = ?", there[0].ID).
		UpdateColumns(map[string]any{"name": m.Name, "phone_sealed": m.PhoneSealed, "phone_hash": m.PhoneHash}).Error
}
