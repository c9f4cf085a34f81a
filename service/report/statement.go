package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report/form"
)

// The states of a union's form for a period.
const (
	stateOpen      = "open"      // never submitted: figures run on
	stateSubmitted = "submitted" // frozen
	stateReturned  = "returned"  // sent back: figures run on until it is submitted again
)

// StatementView is a union's form for a period: as it would be submitted now, or as it was.
type StatementView struct {
	Union        UnionRef   `json:"union"`
	Period       Period     `json:"period"`
	State        string     `json:"state"`        // open | submitted | returned
	Frozen       bool       `json:"frozen"`       // the figures are a snapshot that never changes
	StatementID  *model.ID  `json:"statement_id"` // of the form submitted last, also if it was returned
	Version      int        `json:"version"`      // of that form; 0: never submitted
	AsOf         time.Time  `json:"as_of"`        // the union's own figures include what was before this moment
	Rows         []RowView  `json:"rows"`
	Total        TotalView  `json:"total"`
	Parts        PartsView  `json:"parts"`
	MissingCount int64      `json:"missing_count"` // unions below that have not submitted as of now
	Filler       string     `json:"filler"`
	FillerPhone  string     `json:"filler_phone"` // masked, except to the union itself
	SubmittedAt  *time.Time `json:"submitted_at"`
	Late         bool       `json:"late"` // submitted after the due date
	ReturnedAt   *time.Time `json:"returned_at"`
	ReturnReason string     `json:"return_reason"`
	Notes        []string   `json:"notes"` // how it is counted, to be shown with the form
}

// UnionRef names a union.
type UnionRef struct {
	ID   model.ID `json:"id"`
	Name string   `json:"name"`
}

// RowView is one of the form's eight rows.
type RowView struct {
	RowNo       int       `json:"row_no"`
	Channel     string    `json:"channel"`
	PersonTimes int       `json:"person_times"`
	AmountFen   model.Fen `json:"amount_fen"`   // 消费总金额, net of refunds
	InvestedFen model.Fen `json:"invested_fen"` // 投入总额度
}

// TotalView is the row 合计.
type TotalView struct {
	PersonTimes int       `json:"person_times"`
	AmountFen   model.Fen `json:"amount_fen"`
	InvestedFen model.Fen `json:"invested_fen"`
}

// PartsView says what a rolled-up form is made of. Each union counts once.
type PartsView struct {
	Unions        int `json:"unions"`         // counted in all, with the union itself
	FromSubmitted int `json:"from_submitted"` // of these, as in a submitted form
	ReturnedSince int `json:"returned_since"` // of these, from a form that was returned after this one was submitted
}

// Statement is the union's form for the period: the submitted one, or the one that would be submitted now.
func (s *Service) Statement(ctx context.Context, actor model.Actor, unionID, periodID model.ID) (StatementView, error) {
	tx, now := s.db.Read(ctx), s.db.Now()
	p, err := findPeriod(tx, periodID, now)
	if err != nil {
		return StatementView{}, err
	}
	last, err := lastStatement(tx, unionID, periodID)
	if err != nil {
		return StatementView{}, err
	}
	if last != nil && last.Status == stateSubmitted {
		return s.frozen(tx, actor, p, *last)
	}
	return s.live(ctx, tx, actor, p, unionID, last)
}

// Snapshot is a submitted form as it was submitted, whatever became of it.
func (s *Service) Snapshot(ctx context.Context, actor model.Actor, id model.ID) (StatementView, error) {
	tx := s.db.Read(ctx)
	st, err := findStatement(tx, id)
	if err != nil {
		return StatementView{}, err
	}
	p, err := findPeriod(tx, st.PeriodID, s.db.Now())
	if err != nil {
		return StatementView{}, err
	}
	return s.frozen(tx, actor, p, st)
}

func findStatement(tx *gorm.DB, id model.ID) (model.Statement, error) {
	var st model.Statement
	err := tx.Where("id = ?", id).Take(&st).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return st, model.NotFound("统计表")
	}
	return st, err
}

// lastStatement is the form that the union submitted last for the period, nil if none.
func lastStatement(tx *gorm.DB, unionID, periodID model.ID) (*model.Statement, error) {
	var st model.Statement
	err := tx.Where("union_id = ? AND period_id = ?", unionID, periodID).Order("version DESC").Take(&st).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &st, err
}

func (s *Service) live(ctx context.Context, tx *gorm.DB, actor model.Actor, p Period, unionID model.ID, last *model.Statement) (StatementView, error) {
	now := s.db.Now()
	v := StatementView{Period: p, State: stateOpen, AsOf: p.cutoff(now)}
	if err := tx.Raw("SELECT id, name FROM unions WHERE id = ?", unionID).Take(&v.Union).Error; err != nil {
		return v, err
	}
	if last != nil {
		if err := s.describe(&v, actor, p, *last); err != nil {
			return v, err
		}
	}
	all, rows, err := s.fill(ctx, unionID, p, v.AsOf, p.treeAt(now))
	if err != nil {
		return v, err
	}
	v.Parts = summarize(all)
	v.show(rows)
	if v.MissingCount, err = s.missing(tx, p, unionID); err != nil {
		return v, err
	}
	v.Notes = notes(v)
	return v, nil
}

func summarize(all []model.StatementPart) PartsView {
	v := PartsView{Unions: len(all)}
	for _, p := range all {
		if p.SourceStatementID != nil {
			v.FromSubmitted++
		}
	}
	return v
}

func (s *Service) frozen(tx *gorm.DB, actor model.Actor, p Period, st model.Statement) (StatementView, error) {
	v := StatementView{Union: UnionRef{ID: st.UnionID, Name: st.UnionName}, Period: p, Frozen: true, AsOf: st.AsOf}
	if err := s.describe(&v, actor, p, st); err != nil {
		return v, err
	}
	rows, err := storedRows(tx, st.ID)
	if err != nil {
		return v, err
	}
	v.show(rows)
	err = tx.Raw(`SELECT COUNT(*) AS unions, COUNT(p.source_statement_id) AS from_submitted,
COALESCE(SUM(CASE WHEN s.status = 'returned' THEN 1 ELSE 0 END), 0) AS returned_since
FROM statement_parts p LEFT JOIN statements s ON s.id = p.source_statement_id WHERE p.statement_id = ?`, st.ID).Take(&v.Parts).Error
	if err != nil {
		return v, err
	}
	if v.MissingCount, err = s.missing(tx, p, st.UnionID); err != nil {
		return v, err
	}
	v.Notes = notes(v)
	return v, nil
}

// storedRows are the frozen figures of a submitted form.
func storedRows(tx *gorm.DB, id model.ID) (rows [8]form.Row, err error) {
	rows = form.BlankRows()
	var stored []figure
	err = tx.Raw("SELECT row_no, person_times, amount_fen, invested_fen FROM statement_rows WHERE statement_id = ?", id).Scan(&stored).Error
	if err == nil {
		err = add(&rows, stored)
	}
	return rows, err
}

// describe tells what became of the form submitted last.
func (s *Service) describe(v *StatementView, actor model.Actor, p Period, st model.Statement) error {
	phone, err := s.sealer.Open(st.FillerPhoneSealed, model.SealFillerPhone)
	if err != nil {
		return err
	}
	if actor.UnionID != st.UnionID {
		phone = maskPhone(phone)
	}
	v.State, v.StatementID, v.Version = st.Status, &st.ID, st.Version
	v.Filler, v.FillerPhone = st.Filler, phone
	v.SubmittedAt, v.Late = &st.SubmittedAt, !st.SubmittedAt.Before(p.end())
	v.ReturnedAt, v.ReturnReason = st.ReturnedAt, st.ReturnReason
	return nil
}

// maskPhone hides the middle of a mobile number and all but the last two digits of a shorter one.
func maskPhone(phone string) string {
	if r := []rune(phone); len(r) > 4 && len(r) < 11 {
		return "****" + string(r[len(r)-2:])
	}
	return model.MaskPhone(phone)
}

func (v *StatementView) show(rows [8]form.Row) {
	v.Rows, v.Total = showRows(rows), showTotal(rows)
}

func showRows(rows [8]form.Row) []RowView {
	views := make([]RowView, len(rows))
	for i, r := range rows {
		views[i] = RowView{RowNo: i + 1, Channel: r.Channel, PersonTimes: r.PersonTimes, AmountFen: r.Amount, InvestedFen: r.Invested}
	}
	return views
}

func showTotal(rows [8]form.Row) TotalView {
	t := total(rows)
	return TotalView{PersonTimes: t.PersonTimes, AmountFen: t.Amount, InvestedFen: t.Invested}
}

// notes are what a reader of the form must know about its figures.
func notes(v StatementView) []string {
	list := []string{
		fmt.Sprintf("统计期间：%s，按付款时间累计；退款按退款时间扣减。", v.Period.span()),
		"消费总金额为已支付订单扣除退款后的净额；人次：一人一次有效购买计一人次，全额退款不计。",
		"在其他渠道的采购按登记的金额和人次，从审批通过时起计入该渠道所在的行；通过后撤销的，从撤销时起扣减。",
		"投入总额度为已发放的额度减去收回的额度，列在第2行，其他渠道的采购按登记的金额列在各自的行；打印的统计表只列消费总金额。",
	}
	if v.Parts.Unions > 1 {
		list = append(list, fmt.Sprintf("共汇总%d家单位，每家只计一次：其中%d家按已提交的统计表计，其余按本表的统计时间计。", v.Parts.Unions, v.Parts.FromSubmitted))
	}
	if v.AsOf.Before(v.Period.end()) {
		until := "数据截至" + v.AsOf.In(model.China).Format("2006年1月2日15:04:05") + "。"
		if !v.Frozen {
			until += "最近半分钟内的付款和退款稍后计入，刷新可见。"
		}
		list = append(list, until)
	}
	if v.Parts.ReturnedSince > 0 {
		list = append(list, fmt.Sprintf("本表提交后，有%d家单位所依据的统计表被退回，如需更新请退回本表后重新提交。", v.Parts.ReturnedSince))
	}
	if v.Late && v.Frozen {
		list = append(list, "本表在截止日期之后提交。")
	}
	if v.Period.Demo {
		list = append(list, "演示数据：本年度政策仅用于演示，不是正式文件。")
	}
	return list
}
