package report

import (
	"context"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report/form"
)

// Submission is what a person signs: who filled the form, and the figures as they were shown.
type Submission struct {
	Filler              string    // 填报人
	FillerPhone         string    // 联系电话
	ExpectedTotalFen    model.Fen // 合计 as shown
	ExpectedPersonTimes int       // 合计 as shown
	AsOf                string    // the as_of shown, RFC 3339, so that purchases since do not get in between; empty: now
}

// Figures are the form's figures at a moment: the data of the conflict when they are not those that were shown.
type Figures struct {
	AsOf  time.Time `json:"as_of"`
	Rows  []RowView `json:"rows"`
	Total TotalView `json:"total"`
}

// stale is how old the shown figures may be for their moment to be taken as the form's.
const stale = time.Hour

var phoneForm = regexp.MustCompile(`^[0-9+()（）\- ]{5,30}$`)

// Submit freezes the union's form for the period: its parts and rows, at one moment. Only the union itself submits its form,
// late if need be. CodeConflict if it is submitted already, if the year has not begun, or, with the new Figures as data, if the
// figures are no longer those that were shown. A city's form takes a while to count; since nothing before its moment changes any
// more, that is done before the transaction, which only writes.
func (s *Service) Submit(ctx context.Context, actor model.Actor, unionID, periodID model.ID, in Submission) (StatementView, error) {
	sealed, err := s.checkSubmission(actor, unionID, &in)
	if err != nil {
		return StatementView{}, err
	}
	read := s.db.Read(ctx)
	st, p, err := s.prepare(read, actor, unionID, periodID, in)
	if err != nil {
		return StatementView{}, err
	}
	st.Filler, st.FillerPhoneSealed = in.Filler, sealed
	all, rows, err := s.fill(ctx, unionID, p, st.AsOf, p.treeAt(st.SubmittedAt))
	if err != nil {
		return StatementView{}, err
	}
	t := total(rows)
	if t.Amount != in.ExpectedTotalFen || t.PersonTimes != in.ExpectedPersonTimes {
		changed := model.E(model.CodeConflict, "数据已有变化，请核对新的合计（%d人次，%s元）后再提交", t.PersonTimes, t.Amount.Yuan())
		changed.Data = Figures{AsOf: st.AsOf, Rows: showRows(rows), Total: showTotal(rows)}
		return StatementView{}, changed
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := freeze(tx, st, all, rows); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, st.SubmittedAt, "statement.submit", "statement:"+st.ID.String(), unionID,
			map[string]any{"period_id": periodID, "version": st.Version, "amount_fen": t.Amount, "person_times": t.PersonTimes})
	})
	if err != nil {
		return StatementView{}, err
	}
	return s.Snapshot(ctx, actor, st.ID)
}

func (s *Service) checkSubmission(actor model.Actor, unionID model.ID, in *Submission) (sealedPhone string, err error) {
	if actor.UnionID != unionID {
		return "", model.E(model.CodeForbidden, "统计表由本单位填报、提交，不能代其他单位提交")
	}
	in.Filler, in.FillerPhone = strings.TrimSpace(in.Filler), strings.TrimSpace(in.FillerPhone)
	if in.Filler == "" {
		return "", model.Invalid("filler", "请填写填报人")
	}
	if !phoneForm.MatchString(in.FillerPhone) {
		return "", model.Invalid("filler_phone", "联系电话应为 5 到 30 位的电话号码")
	}
	if in.AsOf != "" {
		if _, err := shownMoment(in.AsOf); err != nil {
			return "", err
		}
	}
	return s.sealer.Seal(in.FillerPhone, model.SealFillerPhone)
}

// prepare makes the statement's row, after making sure that it may be submitted.
func (s *Service) prepare(tx *gorm.DB, actor model.Actor, unionID, periodID model.ID, in Submission) (model.Statement, Period, error) {
	now := s.db.Now()
	st := model.Statement{ID: s.db.NewID(), UnionID: unionID, PeriodID: periodID, Version: 1, Status: stateSubmitted, SubmittedBy: actor.ID, SubmittedAt: now}
	p, err := findPeriod(tx, periodID, now)
	if err != nil {
		return st, p, err
	}
	if !now.After(p.Year.Start()) {
		return st, p, model.E(model.CodeConflict, "%d年尚未开始，还不能提交统计表", p.Year)
	}
	last, err := lastStatement(tx, unionID, periodID)
	if err != nil {
		return st, p, err
	}
	if last != nil {
		if last.Status == stateSubmitted {
			return st, p, alreadySubmitted()
		}
		st.Version = last.Version + 1
	}
	st.AsOf = p.cutoff(now)
	if shown, err := shownMoment(in.AsOf); err == nil && st.AsOf.Before(p.end()) && !shown.After(st.AsOf) && st.AsOf.Sub(shown) <= stale {
		st.AsOf = shown
	}
	err = tx.Raw("SELECT name FROM unions WHERE id = ?", unionID).Take(&st.UnionName).Error
	return st, p, err
}

func alreadySubmitted() error {
	return model.E(model.CodeConflict, "本期统计表已经提交；如需更正，请由上级工会退回后重新提交")
}

// freeze stores the statement, its parts and its rows. The unique version stops doubles.
func freeze(tx *gorm.DB, st model.Statement, all []model.StatementPart, rows [8]form.Row) error {
	if err := tx.Create(&st).Error; err != nil {
		if model.Duplicate(err) {
			err = alreadySubmitted()
		}
		return err
	}
	for i := range all {
		all[i].StatementID = st.ID
	}
	if err := tx.CreateInBatches(all, 1000).Error; err != nil {
		return err
	}
	stored := make([]model.StatementRow, len(rows))
	for i, r := range rows {
		stored[i] = model.StatementRow{StatementID: st.ID, RowNo: i + 1, PersonTimes: int64(r.PersonTimes), AmountFen: r.Amount, InvestedFen: r.Invested}
	}
	return tx.Create(&stored).Error
}

// Return sends a submitted form back to its union with a reason. The form stays as it was; the union submits the next version.
// Only a union above may do so. CodeConflict if the form was returned already.
func (s *Service) Return(ctx context.Context, actor model.Actor, id model.ID, reason string) (StatementView, error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return StatementView{}, model.Invalid("reason", "请填写退回原因")
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		st, err := findStatement(tx, id)
		if err != nil {
			return err
		}
		var path string
		if err := tx.Raw("SELECT path FROM unions WHERE id = ?", st.UnionID).Take(&path).Error; err != nil {
			return err
		}
		if !actor.Sees(path) {
			return model.NotFound("统计表")
		}
		if actor.UnionID == st.UnionID {
			return model.E(model.CodeForbidden, "统计表只能由上级工会退回")
		}
		res := tx.Model(&model.Statement{}).Where("id = ? AND status = ?", id, stateSubmitted).UpdateColumns(map[string]any{
			"status": stateReturned, "returned_by": actor.ID, "returned_at": now, "return_reason": reason})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected != 1 {
			return model.E(model.CodeConflict, "该统计表已经退回")
		}
		return s.db.Audit(tx, actor, now, "statement.return", "statement:"+id.String(), st.UnionID, map[string]any{"period_id": st.PeriodID, "version": st.Version})
	})
	if err != nil {
		return StatementView{}, err
	}
	return s.Snapshot(ctx, actor, id)
}
