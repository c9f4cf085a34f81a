package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/group"
	"bangfu/service/order"
	"bangfu/service/report"
	"bangfu/service/union/rosterfile"
)

// crowd is a union that buys together: its two people for money, members, and the shop.
type crowd struct {
	*stall
	*treasury
	members []model.Member
}

// newCrowd makes a union of n members with fen in its fund of the extra purse. When the test has ended well, the books must be sound.
func newCrowd(t testing.TB, n, fen int) *crowd {
	t.Helper()
	h := newHouse(t)
	x := &crowd{stall: stallIn(t, h), treasury: h.treasury("虚拟医院工会")}
	x.members = h.purseHolders(x.treasury.union, 0, n)
	if fen > 0 {
		x.topup("extra", 2025, fen)
	}
	return x
}

func (x *crowd) path() string {
	return console + "/unions/" + x.treasury.union.ID.String() + "/group-purchases"
}

func groupPath(id model.ID) string { return console + "/group-purchases/" + id.String() }

// want is a draft of one ¥50 piece for each member, changed by change.
func (x *crowd) want(change map[string]any) map[string]any {
	in := map[string]any{"purse": "extra", "year": 2025, "title": "端午慰问", "selection": "roster", "division": "each",
		"items":    []map[string]any{{"sku_id": x.shop.SKUs[0].ID, "quantity": 1}},
		"delivery": map[string]any{"consignee": "陈示例", "phone": "10000000001", "province": "广东省", "city": "湛江市", "district": "赤坎区", "detail": "虚拟路 1 号工会办公室"}}
	for k, v := range change {
		in[k] = v
	}
	return in
}

func (x *crowd) drafts(change map[string]any) (v group.View) {
	x.t.Helper()
	x.admin.money(x.path(), x.nextKey(), x.want(change)).ok(&v)
	return v
}

func (x *crowd) tryApprove(id model.ID) *answer {
	x.t.Helper()
	return x.approver.money(groupPath(id)+"/approve", x.nextKey(), map[string]string{"note": "同意"})
}

func (x *crowd) orders(change map[string]any) (v group.View) {
	x.t.Helper()
	x.tryApprove(x.drafts(change).ID).ok(&v)
	return v
}

func (x *crowd) purchase(id model.ID) (v group.View) {
	x.t.Helper()
	x.admin.get(groupPath(id)).ok(&v)
	return v
}

// arrive ships every parcel of the purchase and has the union receive them.
func (x *crowd) arrive(v group.View) {
	x.t.Helper()
	for _, p := range v.Order.Parcels {
		var row model.Parcel
		if err := x.DB.Read(context.Background()).Take(&row, p.ID).Error; err != nil {
			x.t.Fatal(err)
		}
		seller := x.staffWith(model.Staff{Role: "supplier", UnionID: x.root().ID, SupplierID: &row.SupplierID}, true)
		seller.post(console+"/parcels/"+p.ID.String()+"/ship", map[string]string{"carrier": "演示快递", "tracking_no": "YS" + p.ID.String()}).ok(nil)
		x.admin.post(console+"/parcels/"+p.ID.String()+"/receive", nil).ok(nil)
		x.admin.post(console+"/parcels/"+p.ID.String()+"/receive", nil).ok(nil) // again
	}
}

// counted is what a person counts under this year's cap.
func (h *house) counted(person model.ID) model.Fen {
	h.t.Helper()
	var c model.PersonCap
	if err := h.DB.Read(context.Background()).Where("person_id = ? AND year = 2025", person).Limit(1).Find(&c).Error; err != nil {
		h.t.Fatal(err)
	}
	return c.GrantedFen
}

func (x *crowd) fundOf(v group.View) model.Fen { return x.fundBalance(v.FundID) }

// TestGroupStory follows a group purchase of two suppliers from a draft over approval, delivery to the unit and every way to sign, to
// the form.
func TestGroupStory(t *testing.T) {
	x := newCrowd(t, 4, 100_000)
	items := []map[string]any{{"sku_id": x.shop.SKUs[0].ID, "quantity": 1}, {"sku_id": x.shop.SKUs[2].ID, "quantity": 1}}
	draft := x.drafts(map[string]any{"items": items, "selection": "filter", "filter": map[string]any{"department": "办公室"}})
	if draft.Status != "draft" || draft.Receivers != 2 || draft.TotalFen != 2*178_00 || draft.Phone != "100****0001" || draft.Consignee != "陈*例" || !strings.Contains(draft.Address, "虚拟路 1 号") {
		t.Fatalf("%+v", draft)
	}
	x.admin.money(groupPath(draft.ID)+"/approve", x.nextKey(), map[string]string{"note": ""}).fails(model.CodeForbidden)
	both := x.staffWith(model.Staff{Role: "union_approver", UnionID: x.treasury.union.ID}, true)
	x.update(&model.GroupPurchase{}, draft.ID, map[string]any{"drafted_by": both.staff.ID})
	both.money(groupPath(draft.ID)+"/approve", x.nextKey(), map[string]string{"note": ""}).fails(model.CodeSamePerson)

	var v, again group.View
	key := x.nextKey()
	x.approver.money(groupPath(draft.ID)+"/approve", key, map[string]string{"note": "同意"}).ok(&v)
	x.approver.money(groupPath(draft.ID)+"/approve", key, map[string]string{"note": "同意"}).ok(&again)
	x.tryApprove(draft.ID).fails(model.CodeConflict)
	if v.Status != "ordered" || len(v.Order.Parcels) != 2 || again.Order.ID != v.Order.ID || x.fundOf(v) != 100_000-2*178_00 {
		t.Fatalf("%+v", v)
	}
	for i, m := range x.members {
		if want := model.Fen(178_00 * (1 - i%2)); x.counted(m.PersonID) != want {
			t.Errorf("member %d counts %d, want %d", i, x.counted(m.PersonID), want)
		}
	}
	x.sound(t)
	x.members, x.t = []model.Member{x.members[0], x.members[2]}, t
	x.signs(t, v)
}

// signs delivers what was ordered and has the two members sign, one in the mini-program, one on paper by mistake and again.
func (x *crowd) signs(t *testing.T, v group.View) {
	first, second := x.memberAs(x.members[0].PersonID), x.members[1]
	var mine model.List[group.MemberView]
	first.get("/api/v1/member/group-purchases").ok(&mine)
	if len(mine.Items) != 1 || mine.Items[0].CanSign || mine.Items[0].ShareFen != 178_00 || mine.Items[0].Status != "ordered" {
		t.Fatalf("%+v", mine)
	}
	sign := "/api/v1/member/group-purchases/" + mine.Items[0].ID.String() + "/sign"
	paper := map[string]any{"member_ids": []model.ID{second.ID}, "note": "签收表第 1 页"}
	first.post(sign, nil).fails(model.CodeConflict) // nothing has come
	x.admin.post(groupPath(v.ID)+"/sign-offs", paper).fails(model.CodeConflict)
	x.arrive(v)

	x.memberAs(second.PersonID).post(sign, nil).fails(model.CodeNotFound)
	var signed group.MemberView
	first.post(sign, nil).ok(&signed)
	first.post(sign, nil).ok(&signed)
	if signed.SignedAt == nil || signed.CanSign || signed.Method != "member" {
		t.Errorf("%+v", signed)
	}
	var done group.PaperSigned
	x.admin.post(groupPath(v.ID)+"/sign-offs", map[string]any{"member_ids": []model.ID{x.members[0].ID, second.ID}, "note": "签收表第 1 页"}).ok(&done)
	if done != (group.PaperSigned{Signed: 1, Already: 1}) || x.purchase(v.ID).Status != "done" {
		t.Errorf("%+v, %s", done, x.purchase(v.ID).Status)
	}
	x.admin.post(groupPath(v.ID)+"/sign-offs", map[string]any{"member_ids": []model.ID{1}, "note": "x"}).fails(model.CodeInvalid)

	x.clock.Advance(time.Minute)
	before := x.row2(t)
	undo := map[string]any{"member_id": second.ID, "reason": "登记错了人"}
	x.admin.post(groupPath(v.ID)+"/sign-offs/undo", undo).fails(model.CodeForbidden)
	x.approver.post(groupPath(v.ID)+"/sign-offs/undo", undo).ok(nil)
	x.approver.post(groupPath(v.ID)+"/sign-offs/undo", undo).fails(model.CodeConflict)
	x.clock.Advance(time.Minute)
	after := x.row2(t)
	if before.PersonTimes != 2 || after.PersonTimes != 1 || before.AmountFen != 2*178_00 || before.InvestedFen != 2*178_00 || after.AmountFen != before.AmountFen {
		t.Errorf("before the undo %+v, after %+v", before, after)
	}
	x.admin.post(groupPath(v.ID)+"/sign-offs", paper).ok(&done)
	var waiting model.List[group.ReceiverView]
	x.admin.get(groupPath(v.ID) + "/receivers?signed=no").ok(&waiting)
	if done.Signed != 1 || len(waiting.Items) != 0 || x.count(&model.GroupSignoff{}, "purchase_id = ?", v.ID) != 3 {
		t.Errorf("%+v, %+v", done, waiting)
	}
}

// row2 is the union's form, held against the orders behind it.
func (x *crowd) row2(t *testing.T) report.RowView {
	t.Helper()
	var period model.ReportingPeriod
	if err := x.DB.Read(context.Background()).Where("year = 2025 AND seq = 1").Take(&period).Error; err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("%s/unions/%s/statements/%s", console, x.treasury.union.ID, period.ID)
	var form report.StatementView
	x.admin.get(path).ok(&form)
	var behind report.CountedOrders
	x.admin.get(path + "/rows/2/orders?limit=100").ok(&behind)
	var net model.Fen
	times := 0
	for _, o := range behind.Items {
		net, times = net+o.NetFen, times+o.Counted
	}
	if r := form.Rows[1]; net != r.AmountFen || times != r.PersonTimes {
		t.Errorf("the orders make %d and %d, the form says %+v", net, times, r)
	}
	return form.Rows[1]
}

// TestGroupDivision shows shares that add up to the fen, sets from a spreadsheet, and what a draft must be.
func TestGroupDivision(t *testing.T) {
	x := newCrowd(t, 3, 0)
	even := x.drafts(map[string]any{"division": "even", "items": []map[string]any{{"sku_id": x.shop.SKUs[2].ID, "quantity": 1}, {"sku_id": x.shop.SKUs[0].ID, "quantity": 2}}})
	var list model.List[group.ReceiverView]
	x.admin.get(groupPath(even.ID) + "/receivers").ok(&list)
	if even.TotalFen != 228_00 || even.MissingFen != 228_00 || len(list.Items) != 3 || list.Items[0].ShareFen != 76_00 || strings.Contains(list.Items[0].Name, "工") {
		t.Errorf("%+v, %+v", even, list)
	}
	sheet := sheet(t, []any{"姓名", "身份证号", "份数"}, []any{x.members[0].Name, rosterfile.DemoIDNumber(0), 2}, []any{x.members[1].Name, rosterfile.DemoIDNumber(1), ""})
	var read group.MemberList
	x.admin.upload(x.path()+"/read-list", "名单.xlsx", sheet, nil).ok(&read)
	if read.Count != 2 || read.Sets != 3 || read.Items[1].Sets != 1 {
		t.Fatalf("%+v", read)
	}
	members := []map[string]any{{"member_id": read.Items[0].MemberID, "sets": 2}, {"member_id": read.Items[1].MemberID}}
	each := x.drafts(map[string]any{"selection": "list", "members": members})
	list = model.List[group.ReceiverView]{}
	x.admin.get(groupPath(each.ID) + "/receivers").ok(&list)
	if each.TotalFen != 150_00 || each.Items[0].Quantity != 3 || list.Items[0].ShareFen != 100_00 || list.Items[1].ShareFen != 50_00 {
		t.Errorf("%+v, %+v", each, list)
	}
	for what, change := range map[string]map[string]any{
		"list without members": {"selection": "list"}, "even with sets": {"selection": "list", "division": "even", "members": members},
		"members twice": {"selection": "list", "members": []map[string]any{members[0], members[0]}}, "somebody else": {"selection": "list", "members": []map[string]any{{"member_id": "1"}}},
		"no phone": {"delivery": map[string]any{"consignee": "陈", "phone": "123", "province": "广东省", "city": "湛江市", "district": "赤坎区", "detail": "虚拟路"}},
	} {
		if a := x.admin.money(x.path(), x.nextKey(), x.want(change)); a.code() != model.CodeInvalid {
			t.Errorf("%s: %s", what, a.Body)
		}
	}
	x.admin.money(x.path(), x.nextKey(), x.want(map[string]any{"items": []map[string]any{{"sku_id": x.shop.SKUs[0].ID, "quantity": 13}}})).fails(model.CodeCapExceeded)
	x.admin.money(x.path(), x.nextKey(), x.want(map[string]any{"year": 2031})).fails(model.CodeNoPolicy)
	x.admin.money(x.path(), x.nextKey(), x.want(map[string]any{"items": []map[string]any{{"sku_id": "1", "quantity": 1}}})).fails(model.CodeNotFound)
	x.admin.get(console + "/group-purchase-template").ok(nil)
	x.admin.post(groupPath(each.ID)+"/cancel", map[string]string{"reason": "不买了"}).ok(&each)
	x.approver.post(groupPath(even.ID)+"/reject", map[string]string{"note": "数量不对"}).ok(&even)
	if each.Status != "cancelled" || even.Status != "rejected" {
		t.Errorf("%s, %s", each.Status, even.Status)
	}
	var all model.List[group.View]
	x.admin.get(x.path() + "?year=2025&status=rejected").ok(&all)
	if len(all.Items) != 1 || all.Items[0].ID != even.ID {
		t.Errorf("%+v", all)
	}
}

// TestGroupRefusals shows that an approval does all or nothing: a person over the cap is named, a short fund, short stock, a changed
// price and a member who left are told.
func TestGroupRefusals(t *testing.T) {
	x := newCrowd(t, 2, 1_000_000)
	twice := x.drafts(map[string]any{"items": []map[string]any{{"sku_id": x.shop.SKUs[0].ID, "quantity": 8}}})
	x.issue(map[string]any{"selection": "list", "member_ids": []model.ID{x.members[1].ID}, "amount_fen": 30000})
	fund := x.fundOf(twice)
	e := x.tryApprove(twice.ID).fails(model.CodeCapExceeded)
	var over group.OverCap
	if err := json.Unmarshal(e.Data, &over); err != nil {
		t.Fatal(err)
	}
	if over.Count != 1 || over.Members[0].MemberID != x.members[1].ID || over.Members[0].OverFen != 100_00 || strings.Contains(e.Message, x.members[1].Name) || !strings.Contains(e.Message, "有 1 人") {
		t.Errorf("%+v: %s", over, e.Message)
	}
	if x.counted(x.members[0].PersonID) != 0 || x.fundOf(twice) != fund || x.onHand(x.shop.SKUs[0].ID) != 100 || x.purchase(twice.ID).Status != "draft" {
		t.Error("a refused approval left something behind")
	}
	one := x.drafts(nil)
	x.adjust(x.shop.SKUs[0].ID, -99)
	x.tryApprove(one.ID).fails(model.CodeSoldOut)
	x.adjust(x.shop.SKUs[0].ID, 99)
	x.update(&model.SKU{}, x.shop.SKUs[0].ID, map[string]any{"price_fen": 51_00})
	x.tryApprove(one.ID).fails(model.CodePriceChanged)
	x.update(&model.SKU{}, x.shop.SKUs[0].ID, map[string]any{"price_fen": 50_00})
	activity := x.drafts(map[string]any{"purse": "activity"})
	x.tryApprove(activity.ID).fails(model.CodeInsufficientFund)
	x.topup("activity", 2025, 10_000)
	x.tryApprove(activity.ID).ok(nil)
	if x.counted(x.members[0].PersonID) != 0 {
		t.Error("an activity counts under the cap")
	}
	x.admin.money(console+"/members/"+x.members[1].ID.String()+"/leave", x.nextKey(), map[string]string{"reason": "调离"}).ok(nil)
	if e := x.tryApprove(one.ID).fails(model.CodeConflict); !strings.Contains(e.Message, "有 1 人已不在") {
		t.Error(e.Message)
	}
	x.travel(model.Year(2025).End())
	x.papersUntil("2026-12-31")
	x.tryApprove(one.ID).fails(model.CodeNoPolicy)
}

// TestGroupCancel shows that an order is cancelled by two before it is shipped, and that fund, stock and caps are as before.
func TestGroupCancel(t *testing.T) {
	x := newCrowd(t, 3, 100_000)
	v := x.orders(nil)
	cancel, key := groupPath(v.ID)+"/cancel", x.nextKey()
	x.approver.money(cancel+"/approve", x.nextKey(), map[string]string{"note": ""}).fails(model.CodeConflict) // nobody asked
	x.admin.post(cancel, map[string]string{"reason": "活动延期"}).ok(nil)
	x.admin.post(cancel, map[string]string{"reason": "活动延期"}).fails(model.CodeConflict)
	x.approver.post(cancel+"/refuse", map[string]string{"note": "已备货"}).ok(&v)
	if v.CancelAskedBy != nil || v.Status != "ordered" {
		t.Errorf("%+v", v)
	}
	x.admin.post(cancel, map[string]string{"reason": "活动取消"}).ok(nil)
	x.approver.money(cancel+"/approve", key, map[string]string{"note": "同意"}).ok(&v)
	x.approver.money(cancel+"/approve", key, map[string]string{"note": "同意"}).ok(&v)
	if v.Status != "cancelled" || v.RefundedFen != 150_00 || x.fundOf(v) != 100_000 || x.onHand(x.shop.SKUs[0].ID) != 100 || x.counted(x.members[0].PersonID) != 0 {
		t.Errorf("%+v", v)
	}
	x.clock.Advance(time.Minute)
	if r := x.row2(t); r.PersonTimes != 0 || r.AmountFen != 0 || r.InvestedFen != 0 {
		t.Errorf("%+v", r)
	}
	late := x.orders(nil)
	x.admin.post(groupPath(late.ID)+"/cancel", map[string]string{"reason": "晚了"}).ok(nil)
	x.arrive(late)
	x.approver.money(groupPath(late.ID)+"/cancel/approve", x.nextKey(), map[string]string{"note": ""}).fails(model.CodeConflict)
}

// TestGroupRefund shows that a refund in part goes to the fund and lowers every share and cap, to the fen, and that all of it together takes
// exactly the rest; what is refunded in full counts nobody.
func TestGroupRefund(t *testing.T) {
	x := newCrowd(t, 3, 100_000)
	v := x.orders(map[string]any{"division": "even", "items": []map[string]any{{"sku_id": x.shop.SKUs[2].ID, "quantity": 4}}}) // ¥512.00 for three
	x.arrive(v)
	x.admin.post(groupPath(v.ID)+"/sign-offs", map[string]any{"member_ids": []model.ID{x.members[0].ID, x.members[1].ID}, "note": "签收表"}).ok(nil)
	x.clock.Advance(time.Minute)
	for n, back := range []int64{1, 3} {
		x.refund(t, v.Order.ID, back)
		x.clock.Advance(time.Minute)
		x.sound(t)
		var caps model.Fen
		for _, m := range x.members {
			caps += x.counted(m.PersonID)
		}
		left := model.Fen(512_00 - 128_00*(1+3*n))
		r := x.row2(t)
		if caps != left || x.fundOf(v) != 100_000-left || r.AmountFen != left || r.InvestedFen != left || r.PersonTimes != 2*(1-n) {
			t.Errorf("refund %d: caps %d, want %d; form %+v", n, caps, left, r)
		}
	}
	if s := x.purchase(v.ID).Status; s != "refunded" {
		t.Error(s)
	}
	x.admin.post(groupPath(v.ID)+"/sign-offs", map[string]any{"member_ids": []model.ID{x.members[2].ID}, "note": "签收表"}).fails(model.CodeConflict)
}

// refund gives back pieces of the order's one line, as a decided case does, but as a cancelling, which needs no case.
func (x *crowd) refund(t *testing.T, id model.ID, quantity int64) {
	t.Helper()
	var line model.OrderLine
	if err := x.DB.Read(context.Background()).Where("order_id = ?", id).Take(&line).Error; err != nil {
		t.Fatal(err)
	}
	err := x.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		_, err := x.Order.GiveBack(tx, model.Clockwork(), x.clock.Now(), order.Return{Order: id, Kind: order.RefundCancel, Reason: "破损", Lines: []order.ReturnLine{{LineID: line.ID, Quantity: quantity}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestGroupRaces lets purchases race for one fund and for the same persons: as many win as there is money or room for, and two approvals of
// one draft make one order.
func TestGroupRaces(t *testing.T) {
	race := func(x *crowd, ids ...model.ID) (won int) {
		var wg sync.WaitGroup
		answers := make([]*answer, len(ids))
		for i, id := range ids {
			key := x.nextKey()
			wg.Go(func() {
				answers[i] = x.approver.money(groupPath(id)+"/approve", key, map[string]string{"note": ""})
			})
		}
		wg.Wait()
		for _, a := range answers {
			switch {
			case a.Status < 300:
				won++
			case a.code() == model.CodeInternal || a.code() == model.CodeBusy:
				t.Errorf("%s", a.Body)
			}
		}
		return won
	}
	t.Run("Fund", func(t *testing.T) {
		x := newCrowd(t, 4, 25_000)
		half := map[string]any{"items": []map[string]any{{"sku_id": x.shop.SKUs[1].ID, "quantity": 1}}}
		if won := race(x, x.drafts(half).ID, x.drafts(half).ID, x.drafts(half).ID); won != 1 {
			t.Errorf("%d of three were paid from a fund that holds one", won)
		}
	})
	t.Run("Persons", func(t *testing.T) {
		x := newCrowd(t, 3, 1_000_000)
		most := map[string]any{"items": []map[string]any{{"sku_id": x.shop.SKUs[0].ID, "quantity": 7}}} // ¥350 each
		if won := race(x, x.drafts(most).ID, x.drafts(most).ID, x.drafts(most).ID); won != 1 {
			t.Errorf("%d of three found room under the cap for one", won)
		}
	})
	t.Run("OneDraft", func(t *testing.T) {
		x := newCrowd(t, 2, 1_000_000)
		d := x.drafts(nil)
		if won := race(x, d.ID, d.ID, d.ID, d.ID); won != 1 || x.count(&model.Order{}, "kind = 'group'") != 1 {
			t.Errorf("%d approvals of one draft", won)
		}
	})
}

// TestGroupSheet shows the sheet to sign on: names in full, nothing in it a formula, and the download in the audit trail.
func TestGroupSheet(t *testing.T) {
	x := newCrowd(t, 2, 100_000)
	x.update(&model.Member{}, x.members[0].ID, map[string]any{"department": `=HYPERLINK("http://example.invalid","x")`})
	v := x.orders(nil)
	file := x.admin.get(groupPath(v.ID) + "/sign-off-list").ok(nil)
	book, err := excelize.OpenReader(bytes.NewReader(file.Body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("签收表")
	if err != nil || len(rows) != 3 || rows[1][1] != x.members[0].Name || !strings.HasPrefix(rows[1][3], "'=HYPERLINK") || rows[1][5] != "50.00" {
		t.Errorf("%v (%v)", rows, err)
	}
	if f, _ := book.GetCellFormula("签收表", "D2"); f != "" {
		t.Errorf("formula %q", f)
	}
	if x.count(&model.AuditEntry{}, "action = 'group.export'") != 1 {
		t.Error("the download left no trace")
	}
}

// TestGroupOrderIsNobodys shows that the union's order is no member's: they neither see, cancel nor confirm it; staff see who pays.
func TestGroupOrderIsNobodys(t *testing.T) {
	x := newCrowd(t, 1, 100_000)
	v := x.orders(nil)
	m := x.memberAs(x.members[0].PersonID)
	m.get(ordersPath + "/" + v.Order.ID.String()).fails(model.CodeNotFound)
	m.money(ordersPath+"/"+v.Order.ID.String()+"/cancel", "group-cancel", map[string]string{"reason": "不要"}).fails(model.CodeNotFound)
	m.post("/api/v1/member/parcels/"+v.Order.Parcels[0].ID.String()+"/confirm", nil).fails(model.CodeNotFound)
	var o order.View
	x.admin.get(console + "/orders/" + v.Order.ID.String()).ok(&o)
	if o.Kind != "group" || len(o.Payments) != 1 || o.Payments[0].AllowanceID != nil || o.Payments[0].PurseName != "消费帮扶增加额度" {
		t.Errorf("%+v", o)
	}
	b := x.buyer(x.stall.union, 100_00)
	placed := b.buys("own-order", b.cart(1, x.shop.SKUs[0]))
	own := x.detail(b.client, placed.ID)
	x.admin.post(console+"/parcels/"+own.Parcels[0].ID.String()+"/receive", nil).fails(model.CodeNotFound) // another union's
}

// TestGroupFestival shows that holiday money bought with together is measured against its limits: the approval says what is missing, and the
// meter counts the purchase.
func TestGroupFestival(t *testing.T) {
	x := newCrowd(t, 2, 0)
	x.topup("festival", 2025, 100_000)
	v := x.orders(map[string]any{"purse": "festival"})
	if len(v.Warnings) == 0 || !strings.Contains(v.Warnings[0], "尚未录入并确认 2025 年度的经费预算") {
		t.Errorf("%q", v.Warnings)
	}
	x.admin.post(groupPath(v.ID)+"/cancel", map[string]string{"reason": "换一种"}).ok(nil)
	x.sound(t)
	x.approver.money(groupPath(v.ID)+"/cancel/approve", x.nextKey(), map[string]string{"note": ""}).ok(nil)
	var fund struct {
		GroupFen model.Fen `json:"group_fen"`
	}
	x.admin.get(console + "/funds/" + v.FundID.String()).ok(&fund)
	if fund.GroupFen != 0 || x.fundOf(v) != 100_000 {
		t.Errorf("%+v", fund)
	}
}
