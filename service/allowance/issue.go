package allowance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/notify"
)

const (
	jobIssue  = "grant_issue" // subject: the grant
	issueStep = 500           // items issued per transaction
)

// issue is the job that issues an approved grant. Each step is one transaction that moves the money, writes what came of
// each item and the grant's progress together, so it may be broken off anywhere and taken up by any process.
func (s *Service) issue(ctx context.Context, grantID model.ID) error {
	g, err := findGrant(s.db.Read(ctx), grantID)
	if err != nil {
		return err
	}
	for after := model.ID(0); ; {
		var b *batch
		err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
			b, err = s.issueSome(tx, g, after)
			return err
		})
		if err != nil || b.over {
			return err
		}
		after = b.items[len(b.items)-1].MemberID
	}
}

// issueFailed puts a grant whose job failed for good back to where it can be started again, and says why.
func (s *Service) issueFailed(ctx context.Context, grantID model.ID, message string) {
	s.stop(ctx, grantID, grantIssuing, grantApproved, message)
}

// outcome is what comes of one item: status issued, cut or skipped; amount and reason for a cut, reason for a skip.
type outcome struct {
	status string
	amount model.Fen
	reason string
}

// payment is what one item gets, more than nothing.
type payment struct {
	item   model.GrantItem
	amount model.Fen
}

// batch is one step of issuing: what is locked and read before, and what was decided.
type batch struct {
	grant      model.Grant
	policy     model.Policy
	now        time.Time
	fund       model.Fund
	items      []model.GrantItem
	onRoster   map[model.ID]bool            // by member
	caps       map[model.ID]model.Fen       // counted under the cap this year, by person; capped purse only
	claimed    map[model.ID]model.Fen       // of that, their shares of claims
	allowances map[model.ID]model.Allowance // by member

	outcomes  map[outcome][]model.ID // item ids
	payments  []payment
	capDeltas map[model.ID]model.Fen // by person
	out       model.Fen              // leaves the fund
	missing   model.Fen              // what the fund lacks for the item at which the step stopped; 0 if it did not
	done      int
	over      bool // the job has nothing more to do
}

// issueSome issues the next items of a grant, within tx: those after a member, up to whom all are done (which spares
// the database from passing over them again). It locks the fund, which also keeps other processes from the same grant, then
// the persons' caps, then the allowances.
func (s *Service) issueSome(tx *gorm.DB, g model.Grant, after model.ID) (b *batch, err error) {
	b = &batch{now: s.db.Now()}
	if err := locked(tx).Where("id = ?", g.FundID).Take(&b.fund).Error; err != nil {
		return nil, err
	}
	if b.grant, err = findGrant(tx, g.ID); err != nil {
		return nil, err
	}
	if b.over = b.grant.Status != grantIssuing; b.over {
		return b, nil
	}
	policy, err := OpenPolicy(tx, b.grant.Year, b.now)
	var shown *model.Error
	if errors.As(err, &shown) {
		b.over = true
		return b, s.stopIn(tx, g.ID, grantIssuing, grantApproved, shown.Message, b.now)
	}
	if err != nil {
		return nil, err
	}
	b.policy = *policy
	if err := b.read(tx, s.db, after); err != nil {
		return nil, err
	}
	b.decide()
	if err := s.write(tx, b); err != nil {
		return nil, err
	}
	switch {
	case b.missing > 0:
		b.over = true
		return b, s.stopIn(tx, g.ID, grantIssuing, grantApproved, b.fundShort(), b.now)
	case len(b.items) < issueStep:
		b.over = true
		return b, s.finishGrant(tx, b)
	}
	return b, nil
}

// read locks and reads what the next items need.
func (b *batch) read(tx *gorm.DB, db *model.DB, after model.ID) error {
	if err := tx.Where("grant_id = ? AND status = 'pending' AND member_id > ?", b.grant.ID, after).Order("member_id").Limit(issueStep).Find(&b.items).Error; err != nil {
		return err
	}
	members, persons := make([]model.ID, len(b.items)), make([]model.ID, len(b.items))
	for i, item := range b.items {
		members[i], persons[i] = item.MemberID, item.PersonID
	}
	if b.grant.Purse.Capped() {
		var err error
		if b.caps, err = ledger.LockCaps(tx, db, b.grant.Year, persons); err != nil {
			return err
		}
		if b.claimed, err = claimedBy(tx, b.grant.Year, persons); err != nil {
			return err
		}
	}
	var held []model.Allowance
	err := locked(tx).Where("member_id IN ? AND purse = ? AND year = ?", members, b.grant.Purse, b.grant.Year).Order("id").Find(&held).Error
	if err != nil {
		return err
	}
	b.allowances = make(map[model.ID]model.Allowance, len(held))
	for _, a := range held {
		b.allowances[a.MemberID] = a
	}
	var present []model.ID
	if err := tx.Model(&model.Member{}).Where("id IN ? AND status = 'active'", members).Pluck("id", &present).Error; err != nil {
		return err
	}
	b.onRoster = make(map[model.ID]bool, len(present))
	for _, id := range present {
		b.onRoster[id] = true
	}
	return nil
}

// decide settles the items in their order, until the fund does not suffice for the next.
func (b *batch) decide() {
	b.outcomes, b.capDeltas = map[outcome][]model.ID{}, map[model.ID]model.Fen{}
	for _, item := range b.items {
		o, amount := b.settle(item)
		if left := b.fund.BalanceFen - b.out; amount > left {
			b.missing = amount - left
			return
		}
		b.done++
		b.outcomes[o] = append(b.outcomes[o], item.ID)
		if amount == 0 {
			continue
		}
		b.out += amount
		b.payments = append(b.payments, payment{item, amount})
		if b.caps != nil {
			b.caps[item.PersonID] += amount
			b.capDeltas[item.PersonID] += amount
		}
	}
}

// settle says what one item gets: all, what the yearly cap leaves, or nothing.
func (b *batch) settle(item model.GrantItem) (outcome, model.Fen) {
	held, granted := b.allowances[item.MemberID], b.caps[item.PersonID]
	switch {
	case !b.onRoster[item.MemberID]:
		return outcome{status: "skipped", reason: "会员已不在本工会名册上，不发放"}, 0
	case held.Status == "ended":
		return outcome{status: "skipped", reason: fmt.Sprintf("%d 年度的额度已经结束，不发放", b.grant.Year)}, 0
	case b.caps == nil || granted+item.AskedFen <= b.policy.CapFen:
		return outcome{status: "issued"}, item.AskedFen
	}
	had, top := b.had(item.PersonID, held.ID != 0), b.policy.CapFen.Yuan()
	left := b.policy.CapFen - granted
	if left <= 0 {
		return outcome{status: "skipped", reason: fmt.Sprintf("%s，已达每人每年 %s 元上限，不再发放", had, top)}, 0
	}
	return outcome{status: "cut", amount: left, reason: fmt.Sprintf("%s，按每人每年 %s 元上限，本次实发 %s 元", had, top, left.Yuan())}, left
}

// had says what a person has of this year's cap already; here: some of it from this union.
func (b *batch) had(person model.ID, here bool) string {
	granted, claimed := b.caps[person].Yuan(), b.claimed[person]
	switch {
	case claimed > 0:
		return fmt.Sprintf("本年度已计入 %s 元（其中已登记的其他渠道采购 %s 元）", granted, claimed.Yuan())
	case here:
		return fmt.Sprintf("本年度已获发放 %s 元", granted)
	}
	return fmt.Sprintf("本年度已获其他工会发放 %s 元", granted)
}

// claimedBy sums each person's shares of the year's approved claims under the capped purse.
func claimedBy(tx *gorm.DB, year model.Year, persons []model.ID) (map[model.ID]model.Fen, error) {
	var sums []struct {
		PersonID model.ID
		Fen      model.Fen
	}
	err := tx.Table("claim_persons p").Select("p.person_id, SUM(p.amount_fen) AS fen").Joins("JOIN claims c ON c.id = p.claim_id").
		Where("p.person_id IN ? AND c.year = ? AND c.purse = ? AND c.status = 'approved'", persons, year, model.PurseExtra).Group("p.person_id").Scan(&sums).Error
	claimed := make(map[model.ID]model.Fen, len(sums))
	for _, s := range sums {
		claimed[s.PersonID] = s.Fen
	}
	return claimed, err
}

func (b *batch) fundShort() string {
	return fmt.Sprintf("经费账户余额不足：已处理 %d 人，其余 %d 人尚未发放；账户余额 %s 元，请入账后继续发放",
		b.grant.DoneItems+b.done, b.grant.TotalItems-b.grant.DoneItems-b.done, (b.fund.BalanceFen - b.out).Yuan())
}

// write stores what was decided: allowances, money, caps, items, progress.
func (s *Service) write(tx *gorm.DB, b *batch) error {
	if b.done == 0 {
		return nil
	}
	if err := s.openAllowances(tx, b); err != nil {
		return err
	}
	if err := ledger.PostAll(tx, s.db, b.now, b.moves()); err != nil {
		return err
	}
	if err := ledger.ShiftCaps(tx, b.grant.Year, b.capDeltas, b.policy.CapFen); err != nil {
		return err
	}
	for o, ids := range b.outcomes {
		if err := b.writeItems(tx, o, ids); err != nil {
			return err
		}
	}
	if err := b.tell(tx, s.db); err != nil {
		return err
	}
	counts := map[string]int{}
	for o, ids := range b.outcomes {
		counts[o.status] += len(ids)
	}
	return tx.Model(&model.Grant{}).Where("id = ?", b.grant.ID).UpdateColumns(map[string]any{
		"done_items": gorm.Expr("done_items + ?", b.done), "issued_items": gorm.Expr("issued_items + ?", counts["issued"]),
		"cut_items": gorm.Expr("cut_items + ?", counts["cut"]), "skipped_items": gorm.Expr("skipped_items + ?", counts["skipped"]),
		"issued_fen": gorm.Expr("issued_fen + ?", b.out), "updated_at": b.now,
	}).Error
}

// tell has those among the receivers told who have bound a WeChat account.
func (b *batch) tell(tx *gorm.DB, db *model.DB) error {
	persons := make([]model.ID, len(b.payments))
	for i, p := range b.payments {
		persons[i] = p.item.PersonID
	}
	var reachable []model.ID
	if err := tx.Model(&model.WechatAccount{}).Where("person_id IN ?", persons).Pluck("person_id", &reachable).Error; err != nil {
		return err
	}
	bound := make(map[model.ID]bool, len(reachable))
	for _, id := range reachable {
		bound[id] = true
	}
	var messages []notify.Message
	for _, p := range b.payments {
		if bound[p.item.PersonID] {
			messages = append(messages, notify.AllowanceIssued(b.grant, p.item, p.amount))
		}
	}
	return notify.EnqueueAll(tx, db, b.now, messages)
}

// moves are the payments as movements from the fund to the allowances.
func (b *batch) moves() []ledger.Movement {
	moves := make([]ledger.Movement, len(b.payments))
	for i, p := range b.payments {
		moves[i] = ledger.Movement{Kind: ledger.KindGrant, Cause: "grant_item:" + p.item.ID.String(), From: ledger.Fund(b.fund.ID),
			To: ledger.Allowance(b.allowances[p.item.MemberID].ID), Amount: p.amount, Purse: b.grant.Purse, Year: b.grant.Year, Union: b.grant.UnionID}
	}
	return moves
}

// openAllowances makes the allowances that are missing and puts those of members who came back into use again.
func (s *Service) openAllowances(tx *gorm.DB, b *batch) error {
	var fresh []model.Allowance
	var again []model.ID
	for _, p := range b.payments {
		item := p.item
		a, held := b.allowances[item.MemberID]
		switch {
		case !held:
			a = model.Allowance{ID: s.db.NewID(), PersonID: item.PersonID, MemberID: item.MemberID, UnionID: b.grant.UnionID, FundID: b.fund.ID,
				Purse: b.grant.Purse, Year: b.grant.Year, Status: "active", CreatedAt: b.now, UpdatedAt: b.now}
			b.allowances[item.MemberID] = a
			fresh = append(fresh, a)
		case a.Status == "revoked":
			again = append(again, a.ID)
		}
	}
	if len(fresh) > 0 {
		if err := tx.CreateInBatches(&fresh, s.db.BatchRows()).Error; err != nil {
			return err
		}
	}
	if len(again) > 0 {
		return tx.Model(&model.Allowance{}).Where("id IN ?", again).UpdateColumns(map[string]any{"status": "active", "updated_at": b.now}).Error
	}
	return nil
}

// writeItems stores one outcome for all items that share it.
func (b *batch) writeItems(tx *gorm.DB, o outcome, ids []model.ID) error {
	set := map[string]any{"status": o.status, "reason": o.reason, "decided_at": b.now}
	switch o.status {
	case "issued":
		set["issued_fen"] = gorm.Expr("asked_fen")
	case "cut":
		set["issued_fen"] = o.amount
	}
	if o.status != "skipped" {
		set["allowance_id"] = gorm.Expr("(SELECT a.id FROM allowances a WHERE a.member_id = grant_items.member_id AND a.purse = ? AND a.year = ?)", b.grant.Purse, b.grant.Year)
	}
	res := tx.Model(&model.GrantItem{}).Where("id IN ? AND status = 'pending'", ids).UpdateColumns(set)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != int64(len(ids)) {
		return errors.New("issue: pending items changed under the fund's lock")
	}
	return nil
}

func (s *Service) finishGrant(tx *gorm.DB, b *batch) error {
	res := tx.Model(&model.Grant{}).Where("id = ? AND status = ?", b.grant.ID, grantIssuing).
		UpdateColumns(map[string]any{"status": grantIssued, "issued_at": b.now, "updated_at": b.now})
	if res.Error != nil {
		return res.Error
	}
	return s.db.Audit(tx, model.Clockwork(), b.now, "grant.issued", "grant:"+b.grant.ID.String(), b.grant.UnionID,
		map[string]any{"items": b.grant.DoneItems + b.done, "issued_fen": b.grant.IssuedFen + b.out})
}
