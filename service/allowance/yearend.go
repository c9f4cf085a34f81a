package allowance

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/notify"
)

// YearEndView is what is left before a year's money ends: in a union and all below it, and, page by page, union by union.
type YearEndView struct {
	Year         model.Year     `json:"year"`
	EndsAt       time.Time      `json:"ends_at"`       // 31 December 24:00 China time
	DaysLeft     int            `json:"days_left"`     // today included
	NextReminder *time.Time     `json:"next_reminder"` // by the clock; null after the last
	AsOf         time.Time      `json:"as_of"`         // of all figures
	Holders      int64          `json:"holders"`       // allowances with money left, free or held
	AmountFen    model.Fen      `json:"amount_fen"`    // free to spend
	HeldFen      model.Fen      `json:"held_fen"`      // held for orders that await a payment
	GrantedFen   model.Fen      `json:"granted_fen"`   // in the year
	ReturnedFen  model.Fen      `json:"returned_fen"`  // of it, back in the unions' funds: of those who left, or at the year's end
	Purses       []YearEndPurse `json:"purses"`
	model.List[*YearEndUnion]
}

// YearEndPurse is one purse's part of the whole.
type YearEndPurse struct {
	Purse      model.Purse `json:"purse"`
	PurseName  string      `json:"purse_name"`
	Holders    int64       `json:"holders"`
	UnspentFen model.Fen   `json:"unspent_fen"` // free or held
}

// YearEndUnion is what is left of one union's own money.
type YearEndUnion struct {
	UnionID         model.ID      `json:"union_id"`
	UnionName       string        `json:"union_name"`
	Holders         int64         `json:"holders"`
	AmountFen       model.Fen     `json:"amount_fen"`
	HeldFen         model.Fen     `json:"held_fen"`
	GrantedFen      model.Fen     `json:"granted_fen"`
	ReturnedFen     model.Fen     `json:"returned_fen"`
	UnspentPermille int           `json:"unspent_permille"` // left and held in proportion to granted less returned, rounded down
	LastReminder    *ReminderView `json:"last_reminder"`    // null: none this year
}

// ReminderView is one round of reminders and what became of it.
type ReminderView struct {
	ID         model.ID   `json:"id"`
	Kind       string     `json:"kind"`   // "60", "30", "7": days before the end, by the clock; a date: by the union
	Status     string     `json:"status"` // running | done
	Holders    int        `json:"holders"`
	Told       int        `json:"told"`    // of them with a consent
	Waiting    int64      `json:"waiting"` // of these, not sent yet
	Sent       int64      `json:"sent"`
	Skipped    int64      `json:"skipped"` // spent meanwhile, or the consent was gone
	Dead       int64      `json:"dead"`
	StartedBy  *model.Ref `json:"started_by"` // null: by the clock
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
}

// YearEnd tells what the actor's union and all below it have left of a year, and a page of the unions whose members were given any of it.
// CodeBusy while the rollups are being built.
func (s *Service) YearEnd(ctx context.Context, actor model.Actor, year model.Year, page model.Page) (YearEndView, error) {
	now := s.db.Now()
	v := YearEndView{Year: year, EndsAt: year.End(), DaysLeft: daysLeft(year, now), Purses: []YearEndPurse{}}
	for _, days := range reminderDays {
		if at := remindAt(year, days); at.After(now) {
			v.NextReminder = &at
			break
		}
	}
	err := s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		e, err := endingOf(tx, now, actor, year, page)
		if err != nil {
			return err
		}
		v.AsOf, v.Holders, v.AmountFen, v.HeldFen, v.GrantedFen, v.ReturnedFen = e.asOf, e.total.holders, e.total.free(), e.total.held, e.total.granted, e.total.returned
		for _, p := range []model.Purse{model.PurseExtra, model.PurseFestival, model.PurseHardship, model.PurseActivity} {
			if x, ok := e.purses[p]; ok && x.GrantedFen > 0 {
				v.Purses = append(v.Purses, YearEndPurse{p, p.Name(), x.Holders, x.UnspentFen()})
			}
		}
		last, err := lastReminders(tx, year, e.unions)
		v.List = model.NewList(e.unions, page, func(u model.Union) model.ID { return u.ID }, func(u model.Union) *YearEndUnion {
			l := e.own[u.ID]
			return &YearEndUnion{UnionID: u.ID, UnionName: u.Name, Holders: l.holders, AmountFen: l.free(), HeldFen: l.held, GrantedFen: l.granted, ReturnedFen: l.returned,
				UnspentPermille: l.permille(), LastReminder: last[u.ID]}
		})
		return err
	})
	return v, err
}

// lastReminders are the unions' last reminders of the year.
func lastReminders(tx *gorm.DB, year model.Year, unions []model.Union) (map[model.ID]*ReminderView, error) {
	ids := make([]model.ID, len(unions))
	for i, u := range unions {
		ids[i] = u.ID
	}
	var rows []model.Reminder
	if err := tx.Where("union_id IN ? AND year = ?", ids, year).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	last := map[model.ID]model.Reminder{}
	for _, r := range rows {
		last[r.UnionID] = r
	}
	views, err := reminderViews(tx, slices.Collect(maps.Values(last)))
	shown := make(map[model.ID]*ReminderView, len(last))
	for union, r := range last {
		view := views[r.ID]
		shown[union] = &view
	}
	return shown, err
}

// reminderViews shows reminders, by id.
func reminderViews(tx *gorm.DB, rows []model.Reminder) (map[model.ID]ReminderView, error) {
	var ids, people []model.ID
	for _, r := range rows {
		ids = append(ids, r.ID)
		if r.StartedBy != nil {
			people = append(people, *r.StartedBy)
		}
	}
	names, err := model.NamesOf(tx, &model.Staff{}, people)
	if err != nil {
		return nil, err
	}
	came, err := notify.Came(tx, ids)
	if err != nil {
		return nil, err
	}
	views := make(map[model.ID]ReminderView, len(rows))
	for _, r := range rows {
		n := came[r.ID]
		views[r.ID] = ReminderView{ID: r.ID, Kind: r.Kind, Status: r.Status, Holders: r.Holders, Told: r.Told, Waiting: n[notify.StatusWaiting] + n[notify.StatusSending],
			Sent: n[notify.StatusSent], Skipped: n[notify.StatusSkipped], Dead: n[notify.StatusDead], StartedBy: names.Ref(r.StartedBy), StartedAt: r.StartedAt, FinishedAt: r.FinishedAt}
	}
	return views, nil
}

// HolderView is one allowance with money left.
type HolderView struct {
	AllowanceID model.ID    `json:"allowance_id"`
	MemberID    model.ID    `json:"member_id"`
	Name        string      `json:"name"` // masked
	EmployeeNo  string      `json:"employee_no"`
	Department  string      `json:"department"`
	Purse       model.Purse `json:"purse"`
	PurseName   string      `json:"purse_name"`
	BalanceFen  model.Fen   `json:"balance_fen"`
	HeldFen     model.Fen   `json:"held_fen"`
	Bound       bool        `json:"bound"`    // has bound a WeChat account
	Consents    int         `json:"consents"` // reminders that may still be sent to it
}

// holding finds the first of a union's allowances in use of a year, after an id, whose money ("a.balance_fen > 0") fits: fund by fund, of
// which there is at most one a purse, in the order of the index of allowances by fund.
func holding(tx *gorm.DB, unionID model.ID, year model.Year, money string, after model.ID, limit int) ([]model.ID, error) {
	var funds, ids []model.ID
	if err := tx.Model(&model.Fund{}).Where("union_id = ? AND year = ?", unionID, year).Pluck("id", &funds).Error; err != nil {
		return nil, err
	}
	for _, fund := range funds {
		var some []model.ID
		err := tx.Table("allowances AS a").Where("a.fund_id = ? AND a.status = 'active' AND a.id > ? AND "+money, fund, after).Order("a.id").Limit(limit).Pluck("a.id", &some).Error
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	slices.Sort(ids)
	return ids[:min(len(ids), limit)], nil
}

// heldOver finds the first of a union's allowances of a year, after an id, that are no longer in use (their members left, or the year is over) and
// still hold money for orders that await a payment, through these orders.
func heldOver(tx *gorm.DB, unionID model.ID, year model.Year, after model.ID, limit int) (ids []model.ID, err error) {
	err = tx.Raw("SELECT DISTINCT a.id FROM orders o JOIN holds h ON h.order_id = o.id AND h.status = 'held' AND h.union_id = ? AND h.year = ? "+
		"JOIN allowances a ON a.id = h.allowance_id WHERE o.status = 'pending' AND a.status <> 'active' AND a.held_fen > 0 AND a.id > ? ORDER BY a.id LIMIT ?",
		unionID, year, after, limit).Scan(&ids).Error
	return ids, err
}

// YearEndMembers lists the allowances of a union's members in which there is money left, free or held, by allowance.
func (s *Service) YearEndMembers(ctx context.Context, unionID model.ID, year model.Year, page model.Page) (model.List[HolderView], error) {
	rows, err := s.holders(ctx, unionID, year, page.Cursor, page.Limit+1)
	return model.NewList(rows, page, func(v HolderView) model.ID { return v.AllowanceID }, func(v HolderView) HolderView { return v }), err
}

func (s *Service) holders(ctx context.Context, unionID model.ID, year model.Year, after model.ID, limit int) ([]HolderView, error) {
	tx := s.db.Read(ctx)
	ids, err := holding(tx, unionID, year, "a.balance_fen + a.held_fen > 0", after, limit)
	if err != nil {
		return nil, err
	}
	gone, err := heldOver(tx, unionID, year, after, limit)
	if err != nil {
		return nil, err
	}
	ids = append(ids, gone...)
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	ids = ids[:min(len(ids), limit)]
	var rows []HolderView
	err = tx.Table("allowances AS a").Where("a.id IN ?", ids).
		Select("a.id AS allowance_id, a.member_id, m.name, m.employee_no, m.department, a.purse, a.balance_fen, a.held_fen, w.id IS NOT NULL AS bound, "+
			"COALESCE(s.accepted_count - s.used_count - s.void_count, 0) AS consents").
		Joins("JOIN members AS m ON m.id = a.member_id").Joins("LEFT JOIN wechat_accounts AS w ON w.person_id = a.person_id").
		Joins("LEFT JOIN subscriptions AS s ON s.account_id = w.id AND s.template = ?", notify.TopicAllowanceEnding).
		Order("a.id").Scan(&rows).Error
	for i, r := range rows {
		rows[i].Name, rows[i].PurseName = model.MaskName(r.Name), r.Purse.Name()
	}
	return rows, err
}

// exportStep is how many rows of an export are read at a time.
const exportStep = 1000

// ExportYearEnd is YearEndMembers as a workbook, read and written part by part; amounts in yuan, as text. Writing is bound
// to ctx.
func (s *Service) ExportYearEnd(ctx context.Context, unionID model.ID, year model.Year) (func(io.Writer) error, error) {
	var u model.Union
	if err := s.db.Read(ctx).Select("name").Where("id = ?", unionID).Take(&u).Error; err != nil {
		return nil, err
	}
	return func(w io.Writer) error {
		book := excelize.NewFile()
		defer book.Close() // its spilled file goes with it; nothing to report
		sheet, err := book.NewStreamWriter("Sheet1")
		if err != nil {
			return err
		}
		if err := s.writeHolders(ctx, sheet, u.Name, unionID, year); err != nil {
			return err
		}
		if err := sheet.Flush(); err != nil {
			return err
		}
		return book.Write(w)
	}, nil
}

func (s *Service) writeHolders(ctx context.Context, sheet *excelize.StreamWriter, name string, unionID model.ID, year model.Year) error {
	for i, width := range []float64{14, 14, 20, 18, 14, 14, 10, 16} {
		if err := sheet.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	no := 0
	add := func(cells ...any) error {
		no++
		return sheet.SetRow(fmt.Sprintf("A%d", no), cells)
	}
	if err := add(model.CellText(name) + fmt.Sprintf(" %d 年未用额度（截至 %s）", year, s.db.Now().In(model.China).Format("2006-01-02 15:04"))); err != nil {
		return err
	}
	if err := add("姓名", "工号", "部门", "经费用途", "未用（元）", "占用中（元）", "绑定微信", "可提醒次数"); err != nil {
		return err
	}
	for after := model.ID(0); ; {
		rows, err := s.holders(ctx, unionID, year, after, exportStep)
		if err != nil {
			return err
		}
		for _, r := range rows {
			bound := map[bool]string{true: "是", false: "否"}[r.Bound]
			if err := add(model.CellText(r.Name), model.CellText(r.EmployeeNo), model.CellText(r.Department), r.PurseName, r.BalanceFen.Yuan(), r.HeldFen.Yuan(), bound, r.Consents); err != nil {
				return err
			}
		}
		if len(rows) < exportStep {
			return nil
		}
		after = rows[len(rows)-1].AllowanceID
	}
}
