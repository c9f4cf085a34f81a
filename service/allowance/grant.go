package allowance

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// The states of a grant.
const (
	grantPreparing = "preparing" // its list of members is being made
	grantDraft     = "draft"
	grantApproved  = "approved" // also: issuing stopped half way, see StopReason
	grantIssuing   = "issuing"
	grantIssued    = "issued"
	grantRejected  = "rejected"
	grantCancelled = "cancelled"
)

// GrantView is one act of issuing, as it is shown.
type GrantView struct {
	ID             model.ID     `json:"id"`
	UnionID        model.ID     `json:"union_id"`
	FundID         model.ID     `json:"fund_id"`
	Purse          model.Purse  `json:"purse"`
	PurseName      string       `json:"purse_name"`
	Year           model.Year   `json:"year"`
	Title          string       `json:"title"`
	Selection      string       `json:"selection"` // roster | filter | list
	Filter         *GrantFilter `json:"filter"`
	AmountFen      model.Fen    `json:"amount_fen"` // per member; 0 for a spreadsheet with amounts of its own
	Status         string       `json:"status"`
	StopReason     string       `json:"stop_reason"` // why preparing or issuing stopped half way
	TotalItems     int          `json:"total_items"`
	DoneItems      int          `json:"done_items"`
	IssuedItems    int          `json:"issued_items"` // in full
	CutItems       int          `json:"cut_items"`
	SkippedItems   int          `json:"skipped_items"`
	TotalFen       model.Fen    `json:"total_fen"` // asked for
	IssuedFen      model.Fen    `json:"issued_fen"`
	FundBalanceFen model.Fen    `json:"fund_balance_fen"`
	MissingFen     model.Fen    `json:"missing_fen"` // what the fund lacks if everything asked for were issued; 0 if it suffices
	CreatedBy      model.Ref    `json:"created_by"`
	CreatedAt      time.Time    `json:"created_at"`
	DecidedBy      *model.Ref   `json:"decided_by"`
	DecidedAt      *time.Time   `json:"decided_at"`
	DecisionNote   string       `json:"decision_note"`
	IssuedAt       *time.Time   `json:"issued_at"`
	Warnings       []string     `json:"warnings"` // approving and issuing holiday money: which of its limits is near or passed, see package limit
}

// GrantFilter says who of the roster is in a grant; all given parts must hold.
type GrantFilter struct {
	Department     string `json:"department,omitempty" check:"max=80"`
	JoinedBefore   string `json:"joined_before,omitempty"`   // China date: on the roster before this day
	ExcludeGranted bool   `json:"exclude_granted,omitempty"` // leave out whoever holds an allowance of the purse and year already
}

// GrantItemView is what one member gets from a grant and what came of it.
type GrantItemView struct {
	MemberID   model.ID  `json:"member_id"`
	Name       string    `json:"name"` // masked
	EmployeeNo string    `json:"employee_no"`
	Department string    `json:"department"`
	AskedFen   model.Fen `json:"asked_fen"`
	IssuedFen  model.Fen `json:"issued_fen"`
	Status     string    `json:"status"` // pending | issued | cut | skipped
	Reason     string    `json:"reason"` // why cut or skipped
}

// Grants lists a union's grants, the latest first; year 0 and an empty status mean all.
func (s *Service) Grants(ctx context.Context, unionID model.ID, year model.Year, status string, page model.Page) (model.List[GrantView], error) {
	tx := s.db.Read(ctx)
	q := tx.Where("union_id = ?", unionID)
	if year != 0 {
		q = q.Where("year = ?", year)
	}
	if status != "" {
		q = q.Where("status = ?", status)
	}
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.Grant
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[GrantView]{}, err
	}
	views, err := grantViews(tx, rows)
	return model.NewList(views, page, func(v GrantView) model.ID { return v.ID }, func(v GrantView) GrantView { return v }), err
}

// Grant is one grant with its progress.
func (s *Service) Grant(ctx context.Context, id model.ID) (GrantView, error) {
	g, err := findGrant(s.db.Read(ctx), id)
	if err != nil {
		return GrantView{}, err
	}
	return grantView(s.db.Read(ctx), g)
}

// GrantItems lists who is in a grant, by member; status may be empty for all. Names are masked.
func (s *Service) GrantItems(ctx context.Context, grantID model.ID, status string, page model.Page) (model.List[GrantItemView], error) {
	q := s.db.Read(ctx).Table("grant_items AS i").Select("i.member_id, m.name, m.employee_no, m.department, i.asked_fen, i.issued_fen, i.status, i.reason").
		Joins("JOIN members AS m ON m.id = i.member_id").Where("i.grant_id = ? AND i.member_id > ?", grantID, page.Cursor)
	if status != "" {
		q = q.Where("i.status = ?", status)
	}
	var rows []GrantItemView
	err := q.Order("i.member_id").Limit(page.Limit + 1).Scan(&rows).Error
	return model.NewList(rows, page, func(v GrantItemView) model.ID { return v.MemberID }, func(v GrantItemView) GrantItemView {
		v.Name = model.MaskName(v.Name)
		return v
	}), err
}

func findGrant(tx *gorm.DB, id model.ID) (model.Grant, error) {
	var g model.Grant
	err := tx.Where("id = ?", id).Take(&g).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return g, model.NotFound("发放批次")
	}
	return g, err
}

func grantView(tx *gorm.DB, g model.Grant) (GrantView, error) {
	views, err := grantViews(tx, []model.Grant{g})
	if err != nil {
		return GrantView{}, err
	}
	return views[0], nil
}

func grantViews(tx *gorm.DB, rows []model.Grant) ([]GrantView, error) {
	var people, fundIDs []model.ID
	for _, g := range rows {
		people, fundIDs = append(people, g.CreatedBy), append(fundIDs, g.FundID)
		if g.DecidedBy != nil {
			people = append(people, *g.DecidedBy)
		}
	}
	names, err := model.NamesOf(tx, &model.Staff{}, people)
	if err != nil {
		return nil, err
	}
	funds, err := fundsByID(tx, fundIDs)
	if err != nil {
		return nil, err
	}
	views := make([]GrantView, len(rows))
	for i, g := range rows {
		if views[i], err = showGrant(g, funds[g.FundID].BalanceFen, names); err != nil {
			return nil, err
		}
	}
	return views, nil
}

func showGrant(g model.Grant, balance model.Fen, names model.Names) (GrantView, error) {
	v := GrantView{ID: g.ID, UnionID: g.UnionID, FundID: g.FundID, Purse: g.Purse, PurseName: g.Purse.Name(), Year: g.Year, Title: g.Title, Selection: g.Selection,
		AmountFen: g.AmountFen, Status: g.Status, StopReason: g.StopReason, TotalItems: g.TotalItems, DoneItems: g.DoneItems, IssuedItems: g.IssuedItems,
		CutItems: g.CutItems, SkippedItems: g.SkippedItems, TotalFen: g.TotalFen, IssuedFen: g.IssuedFen, FundBalanceFen: balance,
		CreatedBy: *names.Ref(&g.CreatedBy), CreatedAt: g.CreatedAt, DecidedBy: names.Ref(g.DecidedBy), DecidedAt: g.DecidedAt, DecisionNote: g.DecisionNote, IssuedAt: g.IssuedAt, Warnings: []string{}}
	switch g.Status {
	case grantPreparing, grantDraft, grantApproved:
		v.MissingFen = max(0, g.TotalFen-g.IssuedFen-balance)
	}
	if g.Selection == "filter" {
		v.Filter = &GrantFilter{}
		if err := json.Unmarshal([]byte(g.FilterJSON), v.Filter); err != nil {
			return v, err
		}
	}
	return v, nil
}
