// Package limit measures what unions spend on ordinary holiday gifts (节日慰问品, purse festival) against the limits of
// 粤工总〔2018〕5号, as 湛工总〔2023〕25号 quotes them: of the union's own budget expenditure of the year about 30 %, at most
// 40 %; or, if the union chooses so, within 50 % of its retained funds; and generally no more than ¥2,500 a member on
// average. The extra purse (消费帮扶增加额度) is outside of all of it and never counted. Everything that spends holiday
// money asks Check in its transaction.
package limit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// Service is the use cases of budgets, limit rules and their meters.
type Service struct {
	db *model.DB
}

// New makes the service.
func New(db *model.DB) *Service { return &Service{db: db} }

// noticeRule is what the notice says, for years in which the city federation entered nothing.
func noticeRule(year model.Year) model.LimitRule {
	return model.LimitRule{Year: year, WarnPercent: 30, MaxPercent: 40, RetainedPercent: 50, AverageFen: 250000,
		DocumentNo: "粤工总〔2018〕5号", NoticeDocumentNo: "湛工总〔2023〕25号"}
}

// ruleOf reads the rule of a year: what was entered, else what the notice says.
func ruleOf(tx *gorm.DB, year model.Year) (model.LimitRule, error) {
	var r model.LimitRule
	err := tx.Where("year = ?", year).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return noticeRule(year), nil
	}
	return r, err
}

// RuleView is the limits of a year, as they are shown.
type RuleView struct {
	Year             model.Year `json:"year"`
	WarnPercent      int        `json:"warn_percent"`
	MaxPercent       int        `json:"max_percent"`
	RetainedPercent  int        `json:"retained_percent"`
	AverageFen       model.Fen  `json:"average_fen"`
	Enforce          bool       `json:"enforce"`
	DocumentNo       string     `json:"document_no"`
	NoticeDocumentNo string     `json:"notice_document_no"`
	Entered          bool       `json:"entered"` // false: nothing was entered, the notice's own figures hold
	EnteredBy        *model.Ref `json:"entered_by"`
	EnteredAt        *time.Time `json:"entered_at"`
}

// RuleInput is the limits of a year as they are entered. Percentages are whole.
type RuleInput struct {
	WarnPercent      int       `json:"warn_percent" check:"min=1,max=100"`
	MaxPercent       int       `json:"max_percent" check:"min=1,max=100"`
	RetainedPercent  int       `json:"retained_percent" check:"min=1,max=100"`
	AverageFen       model.Fen `json:"average_fen" check:"min=1,max=10000000"`
	Enforce          *bool     `json:"enforce" check:"required"`
	DocumentNo       string    `json:"document_no" check:"required,max=60"`
	NoticeDocumentNo string    `json:"notice_document_no" check:"max=60"`
}

// Rule is the limits of a year.
func (s *Service) Rule(ctx context.Context, year model.Year) (RuleView, error) {
	r, err := ruleOf(s.db.Read(ctx), year)
	if err != nil {
		return RuleView{}, err
	}
	return ruleView(s.db.Read(ctx), r)
}

// PutRule enters or changes the limits of a year; they hold for every union from then on, also for grants that were approved
// before and are not issued yet. Error: CodeInvalid if the warning line lies above the maximum.
func (s *Service) PutRule(ctx context.Context, actor model.Actor, year model.Year, in RuleInput) (view RuleView, err error) {
	if in.WarnPercent > in.MaxPercent {
		return view, model.Invalid("warn_percent", "提醒比例不能高于最高比例")
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		r := model.LimitRule{Year: year, WarnPercent: in.WarnPercent, MaxPercent: in.MaxPercent, RetainedPercent: in.RetainedPercent, AverageFen: in.AverageFen,
			Enforce: *in.Enforce, DocumentNo: in.DocumentNo, NoticeDocumentNo: in.NoticeDocumentNo, EnteredBy: actor.ID, EnteredAt: now}
		if err := tx.Save(&r).Error; err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "limit.put", "limit_rule:"+fmt.Sprint(year), 0, map[string]any{"year": year, "rule": in}); err != nil {
			return err
		}
		view, err = ruleView(tx, r)
		return err
	})
	return view, err
}

func ruleView(tx *gorm.DB, r model.LimitRule) (RuleView, error) {
	v := RuleView{Year: r.Year, WarnPercent: r.WarnPercent, MaxPercent: r.MaxPercent, RetainedPercent: r.RetainedPercent, AverageFen: r.AverageFen,
		Enforce: r.Enforce, DocumentNo: r.DocumentNo, NoticeDocumentNo: r.NoticeDocumentNo}
	if r.EnteredBy == 0 {
		return v, nil
	}
	names, err := model.NamesOf(tx, &model.Staff{}, []model.ID{r.EnteredBy})
	v.Entered, v.EnteredAt, v.EnteredBy = true, &r.EnteredAt, names.Ref(&r.EnteredBy)
	return v, err
}

// locked makes a query lock the rows it reads until the transaction ends; the embedded database needs and has no row locks.
func locked(tx *gorm.DB) *gorm.DB { return tx.Clauses(clause.Locking{Strength: "UPDATE"}) }

// lockUnion locks a union: its roster and its budgets then stand still.
func lockUnion(tx *gorm.DB, id model.ID) (model.Union, error) {
	var u model.Union
	err := locked(tx).Where("id = ?", id).Take(&u).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return u, model.NotFound("工会")
	}
	return u, err
}
