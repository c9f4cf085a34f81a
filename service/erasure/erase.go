package erasure

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// failed marks a demand whose work failed for good as blocked, so that it can be approved again.
func (s *Service) failed(ctx context.Context, id model.ID, message string) {
	_ = s.block(ctx, id, message)
}

func (s *Service) block(ctx context.Context, id model.ID, problem string) error {
	if r := []rune(problem); len(r) > 300 {
		problem = string(r[:300])
	}
	return s.db.Read(ctx).Model(&model.Erasure{}).Where("id = ? AND status = ?", id, StatusApproved).
		UpdateColumns(map[string]any{"status": StatusBlocked, "problem": problem, "updated_at": s.db.Now()}).Error
}

// run carries an approved demand out. Each step may be done again: memberships end, each in a transaction of its own with its money; pictures
// leave the store; then everything else in one transaction.
func (s *Service) run(ctx context.Context, id model.ID) error {
	read := s.db.Read(ctx)
	var e model.Erasure
	if err := read.Take(&e, id).Error; err != nil || e.Status != StatusApproved {
		return err
	}
	actor := model.Actor{Kind: model.ActorStaff, ID: *e.DecidedBy}
	var active []model.Member
	if err := read.Where("person_id = ? AND status = 'active'", e.PersonID).Order("union_id").Find(&active).Error; err != nil {
		return err
	}
	for _, m := range active {
		if _, err := s.unions.Leave(ctx, actor, fmt.Sprintf("erasure-%s-%s", id, m.ID), m.ID, "依申请注销"); err != nil {
			return err
		}
	}
	found, err := obstacles(read, e.PersonID, false)
	if err != nil {
		return err
	}
	if len(found) > 0 { // came up after it was approved
		return s.block(ctx, id, "暂不能注销："+strings.Join(found, "、"))
	}
	if err := s.dropPictures(ctx, e.PersonID); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error { return s.erase(tx, actor, e) })
}

// dropPictures deletes the content of the pictures that the person uploaded.
func (s *Service) dropPictures(ctx context.Context, person model.ID) error {
	var rows []model.File
	if err := s.db.Read(ctx).Raw("SELECT f.* FROM files f "+pictures, person).Scan(&rows).Error; err != nil {
		return err
	}
	for _, f := range rows {
		if err := s.files.Discard(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

const pictures = "JOIN after_sale_pictures p ON p.file_id = f.id JOIN after_sales c ON c.id = p.case_id WHERE c.person_id = ?"

// erase empties every column that names or finds the person. It locks the demand, then the rows that it changes.
func (s *Service) erase(tx *gorm.DB, actor model.Actor, e model.Erasure) error {
	now := s.db.Now()
	if err := move(tx, e.ID, []string{StatusApproved}, map[string]any{"status": StatusDone, "open_person_id": nil, "finished_at": now, "updated_at": now}); err != nil {
		return err
	}
	var p model.Person
	if err := tx.Take(&p, e.PersonID).Error; err != nil {
		return err
	}
	var phones []string
	if err := tx.Model(&model.Member{}).Where("person_id = ? AND phone_hash <> ''", p.ID).Distinct().Pluck("phone_hash", &phones).Error; err != nil {
		return err
	}
	if err := s.keepCap(tx, now, p); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return eraseRoster(tx, p.IDNumberHash, phones) },
		func() error { return eraseAccounts(tx, e, phones) },
		func() error { return erasePictures(tx, p.ID) },
		func() error { return eraseReasons(tx, p.ID) },
		func() error { return erasePerson(tx, now, p) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := s.eraseOld(tx, now, p.ID); err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "erasure.done", ref(e.ID), e.UnionID, nil)
}

// erasePerson empties the person, its memberships, addresses and what was told to it.
func erasePerson(tx *gorm.DB, now time.Time, p model.Person) error {
	if err := tx.Model(&model.Person{}).Where("id = ?", p.ID).
		UpdateColumns(map[string]any{"id_number_sealed": "", "id_number_hash": "erased:" + p.ID.String()}).Error; err != nil {
		return err
	}
	if err := tx.Model(&model.Member{}).Where("person_id = ?", p.ID).UpdateColumns(map[string]any{"name": model.ErasedName, "phone_sealed": "", "phone_hash": "",
		"employee_no": "", "department": "", "left_reason": "", "updated_at": now}).Error; err != nil {
		return err
	}
	if err := tx.Where("person_id = ?", p.ID).Delete(&model.Address{}).Error; err != nil {
		return err
	}
	return tx.Model(&model.OutboxMessage{}).Where("person_id = ? AND topic <> 'shipping_info' AND status IN ?", p.ID, []string{"sent", "skipped", "dead"}).
		UpdateColumns(map[string]any{"payload": "{}"}).Error
}

// eraseRoster empties the rows of uploaded rosters that hold the person. They are found before they are changed, so that the search locks
// nothing.
func eraseRoster(tx *gorm.DB, idHash string, phones []string) error {
	q := tx.Select("import_id", "row_no").Where("id_number_hash = ?", idHash)
	if len(phones) > 0 {
		q = tx.Select("import_id", "row_no").Where("id_number_hash = ? OR phone_hash IN ?", idHash, phones)
	}
	var rows []model.RosterRow
	if err := q.Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		err := tx.Model(&model.RosterRow{}).Where("import_id = ? AND row_no = ?", r.ImportID, r.RowNo).UpdateColumns(map[string]any{"name": model.ErasedName, "reason": "",
			"phone_sealed": "", "phone_hash": "", "id_number_sealed": "", "id_number_hash": "", "employee_no": "", "department": ""}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseAccounts empties the WeChat accounts that were the person's, with their sessions, requests and attempts.
func eraseAccounts(tx *gorm.DB, e model.Erasure, phones []string) error {
	var ids []model.ID
	err := tx.Model(&model.BindingRequest{}).Where("status = 'approved' AND member_id IN (SELECT id FROM members WHERE person_id = ?) "+
		"AND account_id NOT IN (SELECT id FROM wechat_accounts WHERE person_id IS NOT NULL)", e.PersonID).Distinct().Pluck("account_id", &ids).Error
	if err != nil {
		return err
	}
	if e.AccountID != nil {
		ids = append(ids, *e.AccountID)
	}
	for _, id := range ids {
		subject := "account:" + id.String()
		if err := tx.Where("subject LIKE ?", "%:"+subject+":%").Delete(&model.Attempt{}).Error; err != nil {
			return err
		}
		if err := tx.Where("audience = 'member' AND subject_id = ?", id).Delete(&model.Session{}).Error; err != nil {
			return err
		}
		if err := tx.Model(&model.WechatAccount{}).Where("id = ? AND person_id IS NULL", id).
			UpdateColumns(map[string]any{"openid": "erased:" + id.String(), "union_openid": "", "bound_at": nil}).Error; err != nil {
			return err
		}
	}
	for _, p := range phones {
		if err := tx.Where("subject LIKE ? ESCAPE '!'", "binding:phone:"+strings.ReplaceAll(p, "_", "!_")+"%").Delete(&model.Attempt{}).Error; err != nil {
			return err
		}
	}
	return tx.Model(&model.BindingRequest{}).Where("account_id IN ? OR member_id IN (SELECT id FROM members WHERE person_id = ?)", append(ids, 0), e.PersonID).
		UpdateColumns(map[string]any{"name": model.ErasedName, "phone_sealed": "", "id_last6_sealed": "", "decision_note": "", "open_account_id": nil,
			"status": gorm.Expr("CASE status WHEN 'pending' THEN 'withdrawn' ELSE status END")}).Error
}

// erasePictures takes the person's pictures off its cases; their content is gone already.
func erasePictures(tx *gorm.DB, person model.ID) error {
	var ids []model.ID
	if err := tx.Raw("SELECT f.id FROM files f "+pictures, person).Scan(&ids).Error; err != nil || len(ids) == 0 {
		return err
	}
	if err := tx.Where("file_id IN ?", ids).Delete(&model.AfterSalePicture{}).Error; err != nil {
		return err
	}
	return tx.Model(&model.File{}).Where("id IN ?", ids).UpdateColumns(map[string]any{"name": "", "sha256": ""}).Error
}

// eraseReasons empties why the person cancelled its orders, in its own words; neither books nor forms look at that.
func eraseReasons(tx *gorm.DB, person model.ID) error {
	var ids []model.ID
	if err := tx.Model(&model.Order{}).Where("person_id = ? AND kind <> 'group'", person).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return err
	}
	if err := tx.Model(&model.Order{}).Where("id IN ? AND cancel_reason <> ''", ids).UpdateColumn("cancel_reason", "").Error; err != nil {
		return err
	}
	return tx.Model(&model.Refund{}).Where("order_id IN ? AND reason <> ''", ids).UpdateColumn("reason", "").Error
}

// keepCap remembers how much of the present year the person has used, by a hash that only the same ID number in the same year gives.
func (s *Service) keepCap(tx *gorm.DB, now time.Time, p model.Person) error {
	year := model.YearOf(now)
	var used []model.PersonCap
	if err := tx.Where("person_id = ? AND year = ? AND granted_fen > 0", p.ID, year).Find(&used).Error; err != nil || len(used) == 0 {
		return err
	}
	hash := s.sealer.CapHash(year, p.IDNumberHash)
	return tx.Create(&model.CapTombstone{ID: s.db.NewID(), PersonID: p.ID, Hash: &hash, Year: year, GrantedFen: used[0].GrantedFen, CreatedAt: now}).Error
}
