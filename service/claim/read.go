package claim

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/report/form"
)

// View is a claim as it is shown.
type View struct {
	ID           model.ID         `json:"id"`
	Union        model.Ref        `json:"union"`
	Channel      ChannelRef       `json:"channel"`
	PurchasedOn  model.Date       `json:"purchased_on"`
	Year         model.Year       `json:"year"`
	AmountFen    model.Fen        `json:"amount_fen"`
	PersonTimes  int64            `json:"person_times"`
	Listed       bool             `json:"listed"`
	EvenSplit    bool             `json:"even_split"` // of a listed claim: the shares were split evenly
	Purse        model.Purse      `json:"purse"`
	PurseName    string           `json:"purse_name"`
	InvoiceCode  string           `json:"invoice_code"`
	InvoiceNo    string           `json:"invoice_no"`
	Note         string           `json:"note"`
	Files        []files.FileView `json:"files"`
	Status       string           `json:"status"` // entered | approved | rejected | withdrawn | revoked
	Version      int              `json:"version"`
	EnteredBy    model.Ref        `json:"entered_by"`
	EnteredAt    time.Time        `json:"entered_at"`
	DecidedBy    *model.Ref       `json:"decided_by"`
	DecidedAt    *time.Time       `json:"decided_at"`
	DecisionNote string           `json:"decision_note"`
	CountedAt    *time.Time       `json:"counted_at"` // the form counts it from then on
	RevokedBy    *model.Ref       `json:"revoked_by"`
	RevokedAt    *time.Time       `json:"revoked_at"` // the form takes it off from then on
	RevokeReason string           `json:"revoke_reason"`
	Warnings     []string         `json:"warnings"` // approving holiday money: which of its limits is near or passed, see package limit
}

// ChannelRef names a channel and its row of the form.
type ChannelRef struct {
	ID          model.ID `json:"id"`
	Name        string   `json:"name"`
	FormRow     int      `json:"form_row"`
	FormRowName string   `json:"form_row_name"`
}

// Filter narrows a list of claims; zero values do not.
type Filter struct {
	Subtree   bool // with the unions below
	Year      model.Year
	Status    string
	Purse     model.Purse
	ChannelID model.ID
}

// Claims lists a union's claims, the latest first.
func (s *Service) Claims(ctx context.Context, unionID model.ID, f Filter, page model.Page) (model.List[View], error) {
	tx := s.db.Read(ctx)
	var rows []model.Claim
	var err error
	if f.Subtree {
		rows, err = newestBelow(tx, unionID, f, page)
	} else {
		q := f.narrow(tx.Where("union_id = ?", unionID))
		if page.Cursor != 0 {
			q = q.Where("id < ?", page.Cursor)
		}
		err = q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error
	}
	if err != nil {
		return model.List[View]{}, err
	}
	views, err := viewsOf(tx, rows)
	return model.NewList(views, page, func(v View) model.ID { return v.ID }, func(v View) View { return v }), err
}

// newestBelow reads the latest claims of a union and all below it.
func newestBelow(tx *gorm.DB, unionID model.ID, f Filter, page model.Page) (rows []model.Claim, err error) {
	var path string
	if err := tx.Model(&model.Union{}).Where("id = ?", unionID).Pluck("path", &path).Error; err != nil {
		return nil, err
	}
	ids, err := model.Newest(tx, "claims", path, page, f.narrow)
	if err != nil {
		return nil, err
	}
	err = tx.Where("id IN ?", ids).Order("id DESC").Find(&rows).Error
	return rows, err
}

// narrow leaves the claims that fit.
func (f Filter) narrow(q *gorm.DB) *gorm.DB {
	if f.Year != 0 {
		q = q.Where("year = ?", f.Year)
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if f.Purse != "" {
		q = q.Where("purse = ?", f.Purse)
	}
	if f.ChannelID != 0 {
		q = q.Where("channel_id = ?", f.ChannelID)
	}
	return q
}

// Claim shows one claim.
func (s *Service) Claim(ctx context.Context, id model.ID) (View, error) {
	tx := s.db.Read(ctx)
	c, err := find(tx, id)
	if err != nil {
		return View{}, err
	}
	return viewOf(tx, c)
}

// PersonView is one listed person of a claim.
type PersonView struct {
	MemberID   model.ID  `json:"member_id"`
	Name       string    `json:"name"`
	EmployeeNo string    `json:"employee_no"`
	Department string    `json:"department"`
	AmountFen  model.Fen `json:"amount_fen"`
}

// Persons lists the persons of a listed claim by rising member.
func (s *Service) Persons(ctx context.Context, id model.ID, page model.Page) (model.List[PersonView], error) {
	var rows []PersonView
	err := s.db.Read(ctx).Table("claim_persons p").Select("p.member_id, m.name, m.employee_no, m.department, p.amount_fen").
		Joins("JOIN members m ON m.id = p.member_id").Where("p.claim_id = ? AND p.member_id > ?", id, page.Cursor).
		Order("p.member_id").Limit(page.Limit + 1).Scan(&rows).Error
	return model.NewList(rows, page, func(p PersonView) model.ID { return p.MemberID }, func(p PersonView) PersonView { return p }), err
}

func viewOf(tx *gorm.DB, c model.Claim) (View, error) {
	views, err := viewsOf(tx, []model.Claim{c})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// about is what a page of claims refers to, read at once.
type about struct {
	unions, staff model.Names
	channels      map[model.ID]model.Channel
	files         map[model.ID][]files.FileView // by claim
}

func viewsOf(tx *gorm.DB, rows []model.Claim) ([]View, error) {
	a, err := aboutOf(tx, rows)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(rows))
	for i, c := range rows {
		views[i] = a.show(c)
	}
	return views, nil
}

func aboutOf(tx *gorm.DB, rows []model.Claim) (a about, err error) {
	var claims, unionIDs, staffIDs, channelIDs []model.ID
	for _, c := range rows {
		claims, unionIDs, channelIDs, staffIDs = append(claims, c.ID), append(unionIDs, c.UnionID), append(channelIDs, c.ChannelID), append(staffIDs, c.EnteredBy)
		for _, id := range []*model.ID{c.DecidedBy, c.RevokedBy} {
			if id != nil {
				staffIDs = append(staffIDs, *id)
			}
		}
	}
	if a.unions, err = model.NamesOf(tx, &model.Union{}, unionIDs); err != nil {
		return a, err
	}
	if a.staff, err = model.NamesOf(tx, &model.Staff{}, staffIDs); err != nil {
		return a, err
	}
	var channels []model.Channel
	if err := tx.Where("id IN ?", channelIDs).Find(&channels).Error; err != nil {
		return a, err
	}
	a.channels = make(map[model.ID]model.Channel, len(channels))
	for _, c := range channels {
		a.channels[c.ID] = c
	}
	a.files, err = filesOf(tx, claims)
	return a, err
}

func filesOf(tx *gorm.DB, claims []model.ID) (map[model.ID][]files.FileView, error) {
	var rows []struct {
		ClaimID model.ID
		model.File
	}
	err := tx.Table("claim_files k").Select("k.claim_id, f.*").Joins("JOIN files f ON f.id = k.file_id").Where("k.claim_id IN ?", claims).Order("k.claim_id, k.seq").Scan(&rows).Error
	byClaim := make(map[model.ID][]files.FileView, len(claims))
	for _, r := range rows {
		byClaim[r.ClaimID] = append(byClaim[r.ClaimID], files.ViewOf(r.File))
	}
	return byClaim, err
}

func (a about) show(c model.Claim) View {
	ch := a.channels[c.ChannelID]
	v := View{ID: c.ID, Union: *a.unions.Ref(&c.UnionID), Channel: ChannelRef{ID: c.ChannelID, Name: ch.Name, FormRow: ch.FormRow},
		PurchasedOn: c.PurchasedOn, Year: c.Year, AmountFen: c.AmountFen, PersonTimes: c.PersonTimes, Listed: c.Listed, EvenSplit: c.EvenSplit, Purse: c.Purse, PurseName: c.Purse.Name(),
		InvoiceCode: c.InvoiceCode, InvoiceNo: c.InvoiceNo, Note: c.Note, Files: a.files[c.ID], Status: c.Status, Version: c.Version, EnteredBy: *a.staff.Ref(&c.EnteredBy), EnteredAt: c.EnteredAt,
		DecidedBy: a.staff.Ref(c.DecidedBy), DecidedAt: c.DecidedAt, DecisionNote: c.DecisionNote, CountedAt: c.CountedAt,
		RevokedBy: a.staff.Ref(c.RevokedBy), RevokedAt: c.RevokedAt, RevokeReason: c.RevokeReason, Warnings: []string{}}
	if ch.FormRow >= 1 && ch.FormRow <= len(form.Channels) {
		v.Channel.FormRowName = form.Channels[ch.FormRow-1]
	}
	if v.Files == nil {
		v.Files = []files.FileView{}
	}
	return v
}
