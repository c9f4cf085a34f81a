package claim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/shop"
)

// MaxPersons bounds the persons that one claim may list.
const MaxPersons = 5000

// Input is a purchase as it is entered. Its persons are either listed, each with their share or all without (then it is split
// evenly in whole fen), or only counted.
type Input struct {
	ChannelID   model.ID    `json:"channel_id" check:"required"`
	PurchasedOn string      `json:"purchased_on" check:"required"` // China date
	AmountFen   model.Fen   `json:"amount_fen" check:"min=1,max=10000000000"`
	Purse       model.Purse `json:"purse" check:"required,oneof=extra festival hardship activity"`
	InvoiceCode string      `json:"invoice_code" check:"max=40"` // of bills that have one, see parseInvoice
	InvoiceNo   string      `json:"invoice_no" check:"required,max=60"`
	FileIDs     []model.ID  `json:"file_ids" check:"required,min=1,max=9,unique"` // evidence, uploaded before
	Persons     []Person    `json:"persons" check:"max=5000,unique=MemberID,dive"`
	PersonTimes int64       `json:"person_times" check:"omitempty,min=1,max=1000000"` // only without persons
	Note        string      `json:"note" check:"max=200"`
}

// Person is one listed person of a claim.
type Person struct {
	MemberID  model.ID   `json:"member_id" check:"required"`
	AmountFen *model.Fen `json:"amount_fen" check:"omitempty,min=1,max=10000000000"` // nil for everybody: split evenly
}

// Enter enters a purchase for a second person to approve. Errors: CodeNoPolicy for a day without a policy, CodeCapExceeded for more
// than the yearly cap of the extra purse for each person, CodeConflict if the bill was entered before anywhere in the city. It locks the
// union.
func (s *Service) Enter(ctx context.Context, actor model.Actor, key string, unionID model.ID, in Input) (View, error) {
	content := map[string]any{"enter_claim": unionID, "in": in}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (View, error) {
		now := s.db.Now()
		if err := openUnion(tx, unionID); err != nil {
			return View{}, err
		}
		c := model.Claim{ID: s.db.NewID(), UnionID: unionID, Status: StatusEntered, Version: 1, EnteredBy: actor.ID, EnteredAt: now, UpdatedAt: now}
		persons, err := s.fill(tx, &c, in, nil, now)
		if err != nil {
			return View{}, err
		}
		if err := tx.Create(&c).Error; err != nil {
			if model.Duplicate(err) {
				err = invoiceUsed(tx, c)
			}
			return View{}, err
		}
		if err := s.storeParts(tx, c, persons, in.FileIDs); err != nil {
			return View{}, err
		}
		if err := s.db.Audit(tx, actor, now, "claim.enter", object(c.ID), unionID, detail(c)); err != nil {
			return View{}, err
		}
		return viewOf(tx, c)
	})
}

// Correction replaces what was entered. Version is the one that was looked at. Without persons and person_times the list of persons stays; its
// shares are split anew if they were split evenly.
type Correction struct {
	Version int   `json:"version" check:"min=1"`
	Claim   Input `json:"claim"`
}

// Correct corrects a claim that is not decided yet; who corrects counts as who entered it. Errors are those of Enter, and CodeConflict if
// it was decided or corrected meanwhile. It locks the union, then the claim.
func (s *Service) Correct(ctx context.Context, actor model.Actor, id model.ID, in Correction) (view View, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		old, err := find(tx, id)
		if err != nil {
			return err
		}
		if err := openUnion(tx, old.UnionID); err != nil {
			return err
		}
		if old, err = lockForChange(tx, id, in.Version); err != nil {
			return err
		}
		c := old
		c.Version, c.EnteredBy, c.UpdatedAt = old.Version+1, actor.ID, now
		persons, err := s.fill(tx, &c, in.Claim, &old, now)
		if err != nil {
			return err
		}
		if err := replace(tx, old, c); err != nil {
			return err
		}
		if err := s.storeParts(tx, c, persons, in.Claim.FileIDs); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "claim.correct", object(id), c.UnionID, map[string]any{"was": detail(old), "is": detail(c)}); err != nil {
			return err
		}
		view, err = viewOf(tx, c)
		return err
	})
	return view, err
}

// lockForChange locks an entered claim in the version that was looked at.
func lockForChange(tx *gorm.DB, id model.ID, version int) (model.Claim, error) {
	c, err := find(locked(tx), id)
	switch {
	case err != nil:
		return c, err
	case c.Status != StatusEntered:
		return c, notInState(c.Status, "更正")
	case c.Version != version:
		return c, changed("更正")
	}
	return c, nil
}

func changed(act string) error {
	return model.E(model.CodeConflict, "这笔采购登记在您查看之后被更正过，没有%s，请刷新后重新核对", act)
}

// replace stores a correction and clears the way for its persons and files.
func replace(tx *gorm.DB, old, c model.Claim) error {
	err := move(tx, old, StatusEntered, "更正", map[string]any{
		"channel_id": c.ChannelID, "purchased_on": c.PurchasedOn, "year": c.Year, "amount_fen": c.AmountFen, "person_times": c.PersonTimes, "listed": c.Listed,
		"even_split": c.EvenSplit, "purse": c.Purse, "invoice_code": c.InvoiceCode, "invoice_no": c.InvoiceNo, "live_invoice": c.LiveInvoice, "note": c.Note,
		"version": c.Version, "entered_by": c.EnteredBy, "updated_at": c.UpdatedAt})
	if model.Duplicate(err) {
		return invoiceUsed(tx, c)
	}
	if err != nil {
		return err
	}
	if err := tx.Where("claim_id = ?", c.ID).Delete(&model.ClaimPerson{}).Error; err != nil {
		return err
	}
	return tx.Where("claim_id = ?", c.ID).Delete(&model.ClaimFile{}).Error
}

// fill checks an input and puts it into the claim; it returns the listed persons. old is the claim that is being corrected, if any.
func (s *Service) fill(tx *gorm.DB, c *model.Claim, in Input, old *model.Claim, now time.Time) ([]model.ClaimPerson, error) {
	bill, err := parseInvoice(in.InvoiceCode, in.InvoiceNo)
	if err != nil {
		return nil, err
	}
	day, err := model.ParseDate("purchased_on", in.PurchasedOn)
	if err != nil {
		return nil, err
	}
	if day > model.DateOf(now) {
		return nil, model.Invalid("purchased_on", "购买日期不能晚于今天")
	}
	policy, err := checkYear(tx, tx, day, now)
	if err != nil {
		return nil, err
	}
	if err := checkChannel(tx, in.ChannelID); err != nil {
		return nil, err
	}
	if err := checkFiles(tx, c.UnionID, in.FileIDs); err != nil {
		return nil, err
	}
	key := bill.key()
	if err := issuedHere(tx, key); err != nil {
		return nil, err
	}
	c.ChannelID, c.PurchasedOn, c.Year, c.AmountFen, c.Purse, c.Note = in.ChannelID, day, policy.Year, in.AmountFen, in.Purse, in.Note
	c.InvoiceCode, c.InvoiceNo, c.LiveInvoice = bill.code, bill.no, &key
	persons, err := s.whoTookPart(tx, c, in, old)
	if err != nil {
		return nil, err
	}
	return persons, checkCap(*c, persons, policy)
}

// checkChannel refuses what is not a recognised channel in use, and the product's own row of the form, which it fills by itself.
func checkChannel(tx *gorm.DB, id model.ID) error {
	var c model.Channel
	if err := tx.Where("id = ?", id).Limit(1).Find(&c).Error; err != nil {
		return err
	}
	own, err := shop.OwnChannel(tx)
	switch {
	case err != nil:
		return err
	case c.ID == 0:
		return model.Invalid("channel_id", "采购渠道不存在")
	case c.ID == own.ID || c.FormRow == own.FormRow:
		return model.Invalid("channel_id", fmt.Sprintf("本平台的采购由系统自动计入统计表第 %d 行，不用登记", own.FormRow))
	case c.Status != "active":
		return model.Invalid("channel_id", "采购渠道“"+c.Name+"”已停用，不能登记")
	}
	return nil
}

// checkFiles refuses files that are not evidence uploaded for this union.
func checkFiles(tx *gorm.DB, unionID model.ID, ids []model.ID) error {
	var n int64
	err := tx.Model(&model.File{}).Where("id IN ? AND union_id = ? AND kind = 'evidence'", ids, unionID).Count(&n).Error
	if err == nil && n != int64(len(ids)) {
		return model.Invalid("file_ids", "有凭证文件不存在，请重新上传")
	}
	return err
}

// checkCap holds a claim of the extra purse against the yearly cap as far as it can be told from itself; what persons have been
// granted besides is counted at approval.
func checkCap(c model.Claim, persons []model.ClaimPerson, policy model.Policy) error {
	if !c.Purse.Capped() {
		return nil
	}
	var e *model.Error
	if c.Listed {
		over := len(slices.DeleteFunc(slices.Clone(persons), func(p model.ClaimPerson) bool { return p.AmountFen <= policy.CapFen }))
		if over == 0 {
			return nil
		}
		e = model.E(model.CodeCapExceeded, "名单上有 %d 人的金额超过每人每年 %s 元的上限", over, policy.CapFen.Yuan())
	} else {
		if c.AmountFen <= policy.CapFen*model.Fen(c.PersonTimes) {
			return nil
		}
		e = model.E(model.CodeCapExceeded, "%d 人次共 %s 元，平均超过每人每年 %s 元的上限", c.PersonTimes, c.AmountFen.Yuan(), policy.CapFen.Yuan())
	}
	e.Fields = []model.Field{{Name: "amount_fen", Message: e.Message}}
	return e
}

// storeParts writes the persons and files of a claim.
func (s *Service) storeParts(tx *gorm.DB, c model.Claim, persons []model.ClaimPerson, fileIDs []model.ID) error {
	files := make([]model.ClaimFile, len(fileIDs))
	for i, id := range fileIDs {
		files[i] = model.ClaimFile{ClaimID: c.ID, Seq: i + 1, FileID: id}
	}
	if err := tx.Create(&files).Error; err != nil {
		return err
	}
	if len(persons) == 0 {
		return nil
	}
	return tx.CreateInBatches(&persons, s.db.BatchRows()).Error
}

// invoiceUsed says that a bill was entered before: which claim that is only if it is the same union's.
func invoiceUsed(tx *gorm.DB, c model.Claim) error {
	e := model.E(model.CodeConflict, "这张发票已在本市其他单位登记过，同一张发票不能重复登记；如有疑问请联系上级工会")
	var other model.Claim
	if err := tx.Where("live_invoice = ?", c.LiveInvoice).Limit(1).Find(&other).Error; err != nil {
		return err
	}
	if other.UnionID == c.UnionID {
		e.Message = fmt.Sprintf("这张发票本单位已经登记过（购买日期 %s，金额 %s 元，%s），同一张发票不能重复登记", other.PurchasedOn, other.AmountFen.Yuan(), statusNames[other.Status])
	}
	e.Fields = []model.Field{{Name: "invoice_no", Message: e.Message}}
	return e
}

func object(id model.ID) string { return "claim:" + id.String() }

// detail is what the audit trail keeps of a claim.
func detail(c model.Claim) map[string]any {
	return map[string]any{"channel_id": c.ChannelID, "purchased_on": c.PurchasedOn, "amount_fen": c.AmountFen, "person_times": c.PersonTimes, "listed": c.Listed,
		"purse": c.Purse, "invoice": invoice{c.InvoiceCode, c.InvoiceNo}.key(), "version": c.Version}
}
