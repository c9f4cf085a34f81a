package allowance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

const (
	jobPrepare  = "grant_prepare" // subject: the grant
	prepareStep = 1000            // members put into a grant per transaction
	maxListed   = 1000            // members that one request may name
)

// GrantInput is a grant as it is drafted: the same amount for the whole roster, for those whom a filter finds, or for
// listed members. Amounts of their own come with a spreadsheet, see UploadGrant.
type GrantInput struct {
	Purse     model.Purse  `json:"purse" check:"required,oneof=extra festival hardship activity"`
	Year      model.Year   `json:"year" check:"required,min=2000,max=2100"`
	Title     string       `json:"title" check:"required,max=100"`
	Selection string       `json:"selection" check:"required,oneof=roster filter list"`
	Filter    *GrantFilter `json:"filter"`
	MemberIDs []model.ID   `json:"member_ids" check:"max=1000,unique"`
	AmountFen model.Fen    `json:"amount_fen" check:"min=1,max=10000000000"`
}

func (in GrantInput) check() error {
	return CheckSelection(in.Selection, in.Filter, len(in.MemberIDs))
}

// CheckSelection refuses, with CodeInvalid, a choice of members (roster, filter or list) whose parts do not fit each other; listed is how many
// members are named.
func CheckSelection(selection string, filter *GrantFilter, listed int) error {
	if (selection == "filter") != (filter != nil) {
		return model.Invalid("filter", "按条件选择时须填写筛选条件，其他方式不填")
	}
	if (selection == "list") != (listed > 0) {
		return model.Invalid("member_ids", "按名单选择时须列出会员，其他方式不填")
	}
	if filter == nil {
		return nil
	}
	if *filter == (GrantFilter{}) {
		return model.Invalid("filter", "请至少填写一个筛选条件；要选全体会员请选择“全体名册”")
	}
	if filter.JoinedBefore != "" {
		_, err := model.ParseDate("filter.joined_before", filter.JoinedBefore)
		return err
	}
	return nil
}

// Members finds the members on the union's roster for whom all parts of the filter hold, all of them for an empty one.
func (f GrantFilter) Members(tx *gorm.DB, union model.ID, purse model.Purse, year model.Year) *gorm.DB {
	q := tx.Model(&model.Member{}).Where("union_id = ? AND status = 'active'", union)
	if f.Department != "" {
		q = q.Where("department = ?", f.Department)
	}
	if f.JoinedBefore != "" {
		q = q.Where("joined_at < ?", model.Date(f.JoinedBefore).Start())
	}
	if f.ExcludeGranted {
		q = q.Where("NOT EXISTS (SELECT 1 FROM allowances a WHERE a.member_id = members.id AND a.purse = ? AND a.year = ? AND a.status = 'active')", purse, year)
	}
	return q
}

// ListedMembers finds the id and person of listed members, by rising id; CodeInvalid unless all are on the union's roster.
func ListedMembers(tx *gorm.DB, union model.ID, ids []model.ID) ([]model.Member, error) {
	var members []model.Member
	if err := tx.Select("id", "person_id").Where("union_id = ? AND status = 'active' AND id IN ?", union, ids).Order("id").Find(&members).Error; err != nil {
		return nil, err
	}
	if missing := len(ids) - len(members); missing > 0 {
		return nil, model.Invalid("member_ids", fmt.Sprintf("有 %d 人不在本工会的名册上", missing))
	}
	return members, nil
}

// DraftGrant makes a grant for another person to approve. The list of members is made at once for a small roster; for a
// large one the draft is "preparing" while a job makes it. Errors: CodeNoPolicy for a year without a policy in force,
// CodeCapExceeded for more than the yearly cap of the extra purse, CodeInvalid if nobody is chosen.
func (s *Service) DraftGrant(ctx context.Context, actor model.Actor, key string, unionID model.ID, in GrantInput) (GrantView, error) {
	if err := in.check(); err != nil {
		return GrantView{}, err
	}
	content := map[string]any{"draft_grant": unionID, "in": in}
	view, err := model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (GrantView, error) {
		g, err := s.newGrant(tx, actor, unionID, in)
		if err != nil {
			return GrantView{}, err
		}
		if in.Selection == "list" {
			err = s.prepareList(tx, &g, in.MemberIDs)
		} else {
			err = s.prepareFirst(tx, &g)
		}
		if err != nil {
			return GrantView{}, err
		}
		return grantView(tx, g)
	})
	s.jobs.Wake()
	return view, err
}

// newGrant checks what must hold for any grant and writes its row, still without members.
func (s *Service) newGrant(tx *gorm.DB, actor model.Actor, unionID model.ID, in GrantInput) (model.Grant, error) {
	now := s.db.Now()
	g := model.Grant{ID: s.db.NewID(), UnionID: unionID, Purse: in.Purse, Year: in.Year, Title: in.Title, Selection: in.Selection, FilterJSON: "{}",
		AmountFen: in.AmountFen, Status: grantPreparing, CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now}
	if _, err := OpenUnion(tx, unionID); err != nil {
		return g, err
	}
	policy, err := OpenPolicy(tx, in.Year, now)
	if err != nil {
		return g, err
	}
	if in.Purse.Capped() && in.AmountFen > policy.CapFen {
		e := model.E(model.CodeCapExceeded, "每人 %s 元超过了 %d 年度每人每年 %s 元的上限", in.AmountFen.Yuan(), in.Year, policy.CapFen.Yuan())
		e.Fields = []model.Field{{Name: "amount_fen", Message: e.Message}}
		return g, e
	}
	if in.Filter != nil {
		text, err := json.Marshal(in.Filter)
		if err != nil {
			return g, err
		}
		g.FilterJSON = string(text)
	}
	fund, err := s.EnsureFund(tx, unionID, in.Purse, in.Year)
	if err != nil {
		return g, err
	}
	g.FundID = fund.ID
	if err := tx.Create(&g).Error; err != nil {
		return g, err
	}
	detail := map[string]any{"purse": in.Purse, "year": in.Year, "title": in.Title, "selection": in.Selection, "amount_fen": in.AmountFen}
	return g, s.db.Audit(tx, actor, now, "grant.draft", "grant:"+g.ID.String(), unionID, detail)
}

// prepareList puts listed members into the grant; all must be on the union's roster.
func (s *Service) prepareList(tx *gorm.DB, g *model.Grant, ids []model.ID) error {
	members, err := ListedMembers(tx, g.UnionID, ids)
	if err != nil {
		return err
	}
	if err := s.addItems(tx, g, members); err != nil {
		return err
	}
	return finishPreparing(tx, g)
}

// prepareFirst puts the first members into the grant and leaves the rest, if any, to the job.
func (s *Service) prepareFirst(tx *gorm.DB, g *model.Grant) error {
	more, err := s.prepareSome(tx, g, 0)
	if err != nil {
		return err
	}
	if more == 0 {
		return finishPreparing(tx, g)
	}
	return s.jobs.Enqueue(tx, jobPrepare, g.ID)
}

// prepareSome puts the next members after a member into the grant. more is the last one taken, 0 if none is left.
func (s *Service) prepareSome(tx *gorm.DB, g *model.Grant, after model.ID) (more model.ID, err error) {
	var f GrantFilter
	if err := json.Unmarshal([]byte(g.FilterJSON), &f); err != nil {
		return 0, err
	}
	var members []model.Member
	q := f.Members(tx, g.UnionID, g.Purse, g.Year).Select("id", "person_id").Where("id > ?", after)
	if err := q.Order("id").Limit(prepareStep + 1).Find(&members).Error; err != nil {
		return 0, err
	}
	if len(members) > prepareStep {
		members = members[:prepareStep]
		more = members[prepareStep-1].ID
	}
	return more, s.addItems(tx, g, members)
}

func (s *Service) addItems(tx *gorm.DB, g *model.Grant, members []model.Member) error {
	items := make([]model.GrantItem, len(members))
	for i, m := range members {
		items[i] = model.GrantItem{ID: s.db.NewID(), GrantID: g.ID, MemberID: m.ID, PersonID: m.PersonID, AskedFen: g.AmountFen, Status: "pending"}
	}
	return s.addGrantItems(tx, g, items)
}

// addGrantItems writes items and adds them to the grant's totals.
func (s *Service) addGrantItems(tx *gorm.DB, g *model.Grant, items []model.GrantItem) error {
	var sum model.Fen
	for _, i := range items {
		sum += i.AskedFen
	}
	if len(items) > 0 {
		if err := tx.CreateInBatches(items, s.db.BatchRows()).Error; err != nil {
			return err
		}
	}
	g.TotalItems += len(items)
	g.TotalFen += sum
	return tx.Model(&model.Grant{}).Where("id = ?", g.ID).UpdateColumns(map[string]any{
		"total_items": gorm.Expr("total_items + ?", len(items)), "total_fen": gorm.Expr("total_fen + ?", sum)}).Error
}

// errNobody is the answer to a grant that would reach nobody.
func errNobody() error {
	return model.E(model.CodeInvalid, "没有符合条件的会员，请检查名册和筛选条件")
}

func finishPreparing(tx *gorm.DB, g *model.Grant) error {
	if g.TotalItems == 0 {
		return errNobody()
	}
	g.Status = grantDraft
	return tx.Model(&model.Grant{}).Where("id = ? AND status = ?", g.ID, grantPreparing).UpdateColumns(map[string]any{"status": grantDraft}).Error
}

// prepare is the job that makes the list of a large grant. It takes up after the last member in it.
func (s *Service) prepare(ctx context.Context, grantID model.ID) error {
	for {
		done := false
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			var g model.Grant
			if err := locked(tx).Where("id = ?", grantID).Take(&g).Error; err != nil {
				return err
			}
			if done = g.Status != grantPreparing; done { // cancelled meanwhile
				return nil
			}
			last, err := lastPrepared(tx, g.ID)
			if err != nil {
				return err
			}
			more, err := s.prepareSome(tx, &g, last)
			if err != nil || more != 0 {
				return err
			}
			done = true
			return finishPreparing(tx, &g)
		})
		if done || err != nil {
			return err
		}
	}
}

func lastPrepared(tx *gorm.DB, grantID model.ID) (model.ID, error) {
	var last model.GrantItem
	err := tx.Select("member_id").Where("grant_id = ?", grantID).Order("member_id DESC").Limit(1).Take(&last).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, nil
	}
	return last.MemberID, err
}

// prepareFailed cancels a grant whose list could not be made, and says why.
func (s *Service) prepareFailed(ctx context.Context, grantID model.ID, message string) {
	s.stop(ctx, grantID, grantPreparing, grantCancelled, message)
}

// stop moves a grant out of a state in which a job failed; the job's own log line has the cause.
func (s *Service) stop(ctx context.Context, grantID model.ID, from, to, reason string) {
	_ = s.db.Tx(ctx, func(tx *gorm.DB) error { return s.stopIn(tx, grantID, from, to, reason, s.db.Now()) })
}

func (s *Service) stopIn(tx *gorm.DB, grantID model.ID, from, to, reason string, now time.Time) error {
	res := tx.Model(&model.Grant{}).Where("id = ? AND status = ?", grantID, from).UpdateColumns(map[string]any{"status": to, "stop_reason": reason, "updated_at": now})
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	g, err := findGrant(tx, grantID)
	if err != nil {
		return err
	}
	return s.db.Audit(tx, model.Clockwork(), now, "grant.stop", "grant:"+grantID.String(), g.UnionID, map[string]any{"status": to, "reason": reason})
}
