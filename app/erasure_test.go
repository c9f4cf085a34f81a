package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/order"
)

// leaver is a member with everything that a member can leave behind, who has spent 100 of 300.
type leaver struct {
	*stall
	buyer
	name, phone, idNumber string
	account               model.WechatAccount
	person                model.Person
}

func newLeaver(t *testing.T) *leaver {
	x := &leaver{stall: newStall(t), name: "欧阳注", phone: "10012345678", idNumber: idNumberB}
	m := x.rosterMember(x.union, x.name, x.phone, x.idNumber)
	x.buyer = buyer{Person: m.PersonID, Member: m.ID}
	x.buyer.Allowance = x.joins(x.buyer, x.house.union(x.root(), "grassroots", "虚拟医院工会"), 300_00)
	x.buyer.client = x.memberAs(m.PersonID)
	ctx := context.Background()
	for _, err := range []error{
		x.DB.Read(ctx).Where("person_id = ?", m.PersonID).Take(&x.account).Error,
		x.DB.Read(ctx).Take(&x.person, m.PersonID).Error,
		x.DB.Read(ctx).Model(&model.Member{}).Where("person_id = ?", m.PersonID).UpdateColumns(map[string]any{"name": x.name, "phone_hash": m.PhoneHash, "phone_sealed": m.PhoneSealed}).Error,
		x.DB.Read(ctx).Model(&model.WechatAccount{}).Where("id = ?", x.account.ID).UpdateColumns(map[string]any{"openid": "openid-of-ouyang", "union_openid": "unionid-of-ouyang"}).Error,
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	x.leaveTraces(m)
	return x
}

func (x *leaver) seal(plain, context string) string {
	x.house.t.Helper()
	sealed, err := x.sealer().Seal(plain, context)
	if err != nil {
		x.house.t.Fatal(err)
	}
	return sealed
}

func (x *leaver) leaveTraces(m model.Member) {
	now := x.clock.Now()
	address := x.address(x.DB.NewID(), x.Person)
	address.Consignee, address.PhoneSealed, address.DetailSealed = x.name, x.seal(x.phone, model.SealAddressPhone), x.seal("欧阳路 9 号", model.SealAddressDetail)
	x.buyer.Address = address.ID
	old := address
	old.ID, old.DeletedAt = x.DB.NewID(), &now
	imported := x.DB.NewID()
	x.insert(&address, &old,
		&model.RosterImport{ID: imported, UnionID: x.stall.union.ID, Status: "imported", CreatedAt: now, UpdatedAt: now},
		&model.RosterRow{ImportID: imported, RowNo: 2, Verdict: "changed", Reason: "姓名由欧阳住改为" + x.name, Name: x.name, PhoneSealed: x.seal(x.phone, model.SealRosterPhone), PhoneHash: m.PhoneHash,
			IDNumberSealed: x.seal(x.idNumber, model.SealRosterIDNumber), IDNumberHash: x.person.IDNumberHash, EmployeeNo: "E-ouyang", Department: "后勤", Imported: true},
		&model.RosterRow{ImportID: imported, RowNo: 3, Verdict: "wrong", Reason: "身份证号不对", Name: x.name, PhoneSealed: x.seal(x.phone, model.SealRosterPhone), PhoneHash: m.PhoneHash},
		&model.BindingRequest{ID: x.DB.NewID(), AccountID: x.account.ID, UnionID: x.stall.union.ID, Name: x.name, PhoneSealed: x.seal(x.phone, model.SealBindingPhone),
			IDLast6Sealed: x.seal(x.idNumber[12:], model.SealBindingIDLast6), Status: "approved", MemberID: &m.ID, CreatedAt: now},
		&model.Attempt{Subject: "binding:phone:" + m.PhoneHash + ":hour", WindowStart: now, Count: 1},
		&model.Session{ID: x.DB.NewID(), TokenHash: "elsewhere", Audience: "member", SubjectID: x.account.ID, DeviceHash: "device-of-ouyang", CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(0, 1, 0)},
	)
}

// buysAndReceives places an order and has it shipped and received.
func (x *leaver) buysAndReceives(key string) model.ID {
	p := x.buys(key, x.cart(1, x.shop.SKUs[0]))
	v := x.stall.detail(x.buyer.client, p.ID)
	for _, part := range v.Parcels {
		x.supplierStaff(0).post("/api/v1/console/parcels/"+part.ID.String()+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN0000000001"}).ok(nil)
		x.buyer.post("/api/v1/member/parcels/"+part.ID.String()+"/confirm", nil)
	}
	return p.ID
}

// wordsOfOuyang is why the member does not want an order any more.
const wordsOfOuyang = "欧家老父住院，用不上了"

// traces looks through every text of the database for what names or finds the person, plain, hashed and sealed, and tells where it is.
func (x *leaver) traces() (where []string) {
	x.house.t.Helper()
	needles := []string{x.name, x.phone, x.idNumber, x.idNumber[12:], "欧阳路", "openid-of-ouyang", "unionid-of-ouyang", "device-of-ouyang", "E-ouyang", wordsOfOuyang,
		x.sealer().Hash(model.HashPhone, x.phone), x.sealer().Hash(model.HashIDNumber, x.idNumber)}
	for table, columns := range x.columns() {
		rows, err := x.DB.Read(context.Background()).Table(table).Select(columns).Rows()
		if err != nil {
			x.house.t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				x.house.t.Fatal(err)
			}
			for i, v := range values {
				text := fmt.Sprintf("%s", *v.(*any))
				if strings.HasPrefix(text, "v1.") {
					plain, err := x.sealer().Open(text, table+"."+strings.TrimSuffix(columns[i], "_sealed"))
					if err != nil && table != "installation" {
						x.house.t.Errorf("%s.%s: %v", table, columns[i], err)
					}
					text = plain
				}
				at := table + "." + columns[i]
				if slices.ContainsFunc(needles, func(n string) bool { return strings.Contains(text, n) }) && !slices.Contains(where, at) {
					where = append(where, at)
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil { //nolint:sqlclosecheck // one query a table, each closed before the next
			x.house.t.Fatal(err)
		}
	}
	slices.Sort(where)
	return where
}

// columns are all tables with their columns.
func (x *leaver) columns() map[string][]string {
	sql := "SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
	if x.DB.Dialect == model.MySQL {
		sql = "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = database()"
	}
	var all []struct{ T, C string }
	if err := x.DB.Read(context.Background()).Raw(sql).Scan(&all).Error; err != nil || len(all) < 500 {
		x.house.t.Fatal(len(all), err)
	}
	columns := map[string][]string{}
	for _, r := range all {
		columns[r.T] = append(columns[r.T], r.C)
	}
	return columns
}

// erased has the person erased by two of the city's people.
func (x *leaver) erased() {
	x.house.t.Helper()
	var d struct{ ID model.ID }
	x.staffAs(identity.RoleCityFederation, x.root()).post("/api/v1/console/members/"+x.Member.String()+"/erasure", map[string]any{"reason": "本人书面申请", "waive_balance": true}).ok(&d)
	x.staffAs(identity.RoleCityFederation, x.root()).post("/api/v1/console/erasures/"+d.ID.String()+"/approve", map[string]any{}).ok(nil)
	x.drain()
}

// TestErasure follows a demand from the member's asking to the last trace: what stands in its way, the second person, what goes at once, what has
// to stay for a while, and that the books are sound all along.
func TestErasure(t *testing.T) {
	x := newLeaver(t)
	const mine, console = "/api/v1/member/erasure", "/api/v1/console"
	before := x.traces()
	for _, at := range []string{"members.name", "members.phone_hash", "persons.id_number_hash", "persons.id_number_sealed", "roster_rows.reason", "wechat_accounts.openid", "sessions.device_hash", "addresses.detail_sealed", "attempts.subject"} {
		if !slices.Contains(before, at) {
			t.Errorf("the test leaves no trace in %s: %v", at, before)
		}
	}
	open := x.buys("open-order", x.cart(1, x.shop.SKUs[0]))
	var m struct {
		Status    string
		Obstacles []string
	}
	x.buyer.post(mine, map[string]any{}).ok(&m)
	if m.Status != "requested" || !slices.Equal(m.Obstacles, []string{"还有未完成的订单", "还有未使用的额度；放弃后退回工会经费"}) {
		t.Errorf("%+v", m)
	}
	first, second := x.staffAs(identity.RoleCityFederation, x.root()), x.staffAs(identity.RoleCityFederation, x.root())
	var d struct {
		ID        model.ID
		Status    string
		Problem   string
		ByMember  bool `json:"by_member"`
		Obstacles []string
	}
	first.post(console+"/members/"+x.Member.String()+"/erasure", map[string]any{"reason": "本人申请", "waive_balance": true}).ok(&d)
	if d.Status != "drafted" || !d.ByMember || len(d.Obstacles) != 2 {
		t.Errorf("%+v", d)
	}
	one := console + "/erasures/" + d.ID.String()
	first.post(one+"/approve", map[string]any{}).fails(model.CodeSamePerson)
	second.post(one+"/approve", map[string]any{}).fails(model.CodeConflict)
	x.buyer.money(ordersPath+"/"+open.ID.String()+"/cancel", "open-cancel", map[string]string{"reason": wordsOfOuyang}).ok(nil)
	unpaid := x.cart(1, x.shop.SKUs[0])
	unpaid.Payment = order.PayWechat
	x.buyer.money(ordersPath+"/"+x.buys("unpaid-order", unpaid).ID.String()+"/cancel", "unpaid-cancel", map[string]string{"reason": wordsOfOuyang}).ok(nil)
	if words := x.traces(); !slices.Contains(words, "orders.cancel_reason") || !slices.Contains(words, "refunds.reason") || x.count(&model.Order{}, "cancel_reason = ?", wordsOfOuyang) != 2 {
		t.Errorf("the member's words are in %v", words)
	}
	kept := x.buysAndReceives("kept-order")
	second.post(one+"/approve", map[string]any{}).fails(model.CodeConflict) // the member has not waived what is left
	x.buyer.do(request{method: "DELETE", path: mine})
	x.buyer.post(mine, map[string]any{"waive_balance": true}).ok(&m)
	first.post(console+"/members/"+x.Member.String()+"/erasure", map[string]any{"reason": "本人申请"}).ok(&d)
	one = console + "/erasures/" + d.ID.String()
	second.post(one+"/approve", map[string]any{"note": "核对无误"}).ok(&d)
	x.buyer.get(mine).fails(model.CodeUnauthenticated) // logged out at once
	x.drain()
	x.drain()
	second.get(one).ok(&d)
	if d.Status != "done" {
		t.Fatalf("%+v", d)
	}
	second.get(console + "/erasures").ok(nil)
	second.post(one+"/reject", map[string]any{"note": "晚了"}).fails(model.CodeConflict)
	first.post(console+"/members/"+x.Member.String()+"/erasure", map[string]any{"reason": "再来"}).fails(model.CodeConflict)
	if left := x.traces(); !slices.Equal(left, []string{"orders.address_sealed", "orders.consignee", "orders.phone_sealed"}) {
		t.Errorf("left: %v", left)
	}
	x.sound(t)
	x.clock.Advance(5 * 365 * 24 * time.Hour) // what the law wants to be kept is old enough
	if err := x.Erasure.Purge(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := x.traces(); len(left) > 0 {
		t.Errorf("left in the end: %v", left)
	}
	var o model.Order
	if err := x.DB.Read(context.Background()).Take(&o, kept).Error; err != nil || o.AllowanceFen == 0 || o.Consignee != model.ErasedName {
		t.Errorf("%+v %v", o, err)
	}
	x.sound(t)
}

// TestErasedAndBackAgain shows that somebody who is erased and comes back in the same year is a new person, but has no new year: what was
// used of the cap counts; and that the next year is whole, with nothing left that knows the old person.
func TestErasedAndBackAgain(t *testing.T) {
	x := newLeaver(t)
	x.buysAndReceives("kept-order")
	var used model.Fen
	x.erased()
	var tomb model.CapTombstone
	if err := x.DB.Read(context.Background()).Take(&tomb).Error; err != nil || tomb.GrantedFen == 0 || tomb.Hash == nil {
		t.Fatalf("%+v %v", tomb, err)
	}
	used = tomb.GrantedFen
	again := x.addsMember(x.name, x.phone, x.idNumber)
	if again.PersonID == x.Person {
		t.Error("the erased person is known again")
	}
	var cap model.PersonCap
	if err := x.DB.Read(context.Background()).Where("person_id = ?", again.PersonID).Take(&cap).Error; err != nil || cap.GrantedFen != used {
		t.Errorf("%+v %v, used %d", cap, err, used)
	}
	x.sound(t)
	x.buyer.Person, x.buyer.Member = again.PersonID, again.ID // and once more
	x.erased()
	third := x.addsMember(x.name, x.phone, x.idNumber)
	cap = model.PersonCap{}
	if err := x.DB.Read(context.Background()).Where("person_id = ?", third.PersonID).Take(&cap).Error; err != nil || cap.GrantedFen != used {
		t.Errorf("the third time: %+v %v", cap, err)
	}
	x.sound(t)
}

// addsMember enters a member as the union's staff does.
func (x *leaver) addsMember(name, phone, idNumber string) (m model.Member) {
	x.house.t.Helper()
	x.staffAs(identity.RoleUnionAdmin, x.stall.union).post("/api/v1/console/unions/"+x.stall.union.ID.String()+"/members", map[string]any{"name": name, "phone": phone, "id_number": idNumber}).ok(nil)
	hash := x.sealer().Hash(model.HashIDNumber, idNumber)
	err := x.DB.Read(context.Background()).Where("person_id = (SELECT id FROM persons WHERE id_number_hash = ?)", hash).Take(&m).Error
	if err != nil {
		x.house.t.Fatal(err)
	}
	return m
}

// TestErasureIsResumed shows that the work goes on where a crash left it, and that what came up after the approval blocks it until it is settled.
func TestErasureIsResumed(t *testing.T) {
	x := newLeaver(t)
	ctx := context.Background()
	var d struct {
		ID              model.ID
		Status, Problem string
	}
	first, second := x.staffAs(identity.RoleCityFederation, x.root()), x.staffAs(identity.RoleCityFederation, x.root())
	first.post("/api/v1/console/members/"+x.Member.String()+"/erasure", map[string]any{"reason": "本人书面申请", "waive_balance": true}).ok(&d)
	one := "/api/v1/console/erasures/" + d.ID.String()
	second.post(one+"/approve", map[string]any{}).ok(nil)
	hold := &model.Redemption{ID: x.DB.NewID(), HallID: 1, SupplierID: 1, PersonID: x.Person, CashierID: 1, CodeHash: "late", Status: "scanned", ScannedAt: x.clock.Now(), ExpiresAt: x.clock.Now(), UpdatedAt: x.clock.Now()}
	x.insert(hold)
	x.drain()
	second.get(one).ok(&d)
	if d.Status != "blocked" || !strings.Contains(d.Problem, "到馆核销") {
		t.Errorf("%+v", d)
	}
	if err := x.DB.Read(ctx).Delete(hold).Error; err != nil {
		t.Fatal(err)
	}
	second.post(one+"/approve", map[string]any{}).ok(nil)
	for range 2 { // again by hand: nothing more happens
		x.drain()
		x.update(&model.Job{}, x.jobOf(d.ID), map[string]any{"status": "queued"})
	}
	x.drain()
	second.get(one).ok(&d)
	if left := x.traces(); d.Status != "done" || len(left) > 0 || x.count(&model.AuditEntry{}, "action = 'erasure.done'") != 1 {
		t.Errorf("%+v %v", d, left)
	}
}

func (x *leaver) jobOf(subject model.ID) model.ID {
	var j model.Job
	if err := x.DB.Read(context.Background()).Where("kind = 'erasure.run' AND subject_id = ?", subject).Take(&j).Error; err != nil {
		x.house.t.Fatal(err)
	}
	return j.ID
}

// TestNoticeTellsTheErasure: the privacy notice sends members to the mini-program and the city federation, not to their union, and tells what stays.
func TestNoticeTellsTheErasure(t *testing.T) {
	h := newHouse(t)
	var notice identity.PrivacyNotice
	h.client().get("/api/v1/privacy-notice").ok(&notice)
	for _, says := range []string{"您可以在小程序中提交注销申请，也可以向" + h.root().Name + "书面提出", "十五个工作日", "满四年后删除", "退回工会经费", "每人每年的上限"} {
		if !strings.Contains(notice.Text, says) {
			t.Errorf("the notice does not say %s", says)
		}
	}
}
