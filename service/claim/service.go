// Package claim is purchases that unions made through other recognised channels: entered by one person with their evidence,
// approved by a second one, and counted from then on in the channel's row of the statistics form (notice 湛工总〔2023〕25号, 附件3).
package claim

import (
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/allowance"
)

// The states of a claim.
const (
	StatusEntered   = "entered"   // waits for the second person; may be corrected and withdrawn
	StatusApproved  = "approved"  // counts
	StatusRejected  = "rejected"  // refused by the second person
	StatusWithdrawn = "withdrawn" // taken back before it was decided
	StatusRevoked   = "revoked"   // was approved and found wrong: taken off from then on
)

var statusNames = map[string]string{StatusEntered: "待审批", StatusApproved: "已通过", StatusRejected: "已退回", StatusWithdrawn: "已撤回", StatusRevoked: "已撤销"}

// Service is the use cases of claims.
type Service struct {
	db         *model.DB
	allowances *allowance.Service
}

// New makes the service; allowances reads uploaded lists of people.
func New(db *model.DB, allowances *allowance.Service) *Service {
	return &Service{db: db, allowances: allowances}
}

// locked makes a query lock the rows it reads until the transaction ends.
func locked(tx *gorm.DB) *gorm.DB { return tx.Clauses(clause.Locking{Strength: "UPDATE"}) }

// find reads a claim; CodeNotFound if there is none.
func find(tx *gorm.DB, id model.ID) (model.Claim, error) {
	var c model.Claim
	err := tx.Where("id = ?", id).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return c, model.NotFound("采购登记")
	}
	return c, err
}

// notInState says that the claim has gone on since it was looked at.
func notInState(status, act string) error {
	return model.E(model.CodeConflict, "这笔采购登记%s，不能%s，请刷新", statusNames[status], act)
}

// move takes a claim from one state to another, in the version that was looked at; whoever comes second gets CodeConflict.
func move(tx *gorm.DB, c model.Claim, from, act string, set map[string]any) error {
	res := tx.Model(&model.Claim{}).Where("id = ? AND status = ? AND version = ?", c.ID, from, c.Version).UpdateColumns(set)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	return model.E(model.CodeConflict, "这笔采购登记刚刚被别人处理或更正，没有%s，请刷新后重新核对", act)
}

// openUnion locks an active union.
func openUnion(tx *gorm.DB, id model.ID) error {
	var u model.Union
	err := locked(tx).Where("id = ?", id).Take(&u).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return model.NotFound("工会")
	case err == nil && u.Status != "active":
		return model.E(model.CodeConflict, "“%s”已撤销，不能登记采购", u.Name)
	}
	return err
}

// checkYear finds the policy under which a purchase of the day counts at now. CodeNoPolicy if none was in force on that day, or
// if the year's last reporting date is over, since no form would count it any more. q may lock the policy's row.
func checkYear(q, tx *gorm.DB, day model.Date, now time.Time) (model.Policy, error) {
	var p model.Policy
	year := model.YearOf(day.Start())
	err := q.Where("year = ?", year).Take(&p).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return p, model.E(model.CodeNoPolicy, "%d 年度没有施行中的消费帮扶政策，不能登记采购；请等市总工会录入该年度的通知", year)
	case err != nil:
		return p, err
	case day < p.StartsOn || day > p.EndsOn:
		e := model.E(model.CodeNoPolicy, "%d 年度的消费帮扶政策自 %s 起施行，至 %s 止，购买日期不在其中", year, p.StartsOn, p.EndsOn)
		e.Fields = []model.Field{{Name: "purchased_on", Message: e.Message}}
		return p, e
	}
	var last model.ReportingPeriod
	if err := tx.Where("year = ?", year).Order("seq DESC").Limit(1).Find(&last).Error; err != nil {
		return p, err
	}
	if last.ID != 0 && !now.Before(last.DueOn.End()) {
		return p, model.E(model.CodeNoPolicy, "%d 年度的最后一次报送已于 %s 截止，采购登记不能再计入统计表", year, last.DueOn)
	}
	return p, nil
}
