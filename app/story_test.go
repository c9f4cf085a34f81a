package app_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/group"
	"bangfu/service/identity"
	"bangfu/service/union/rosterfile"
)

// story is the whole main job, played over HTTP: what it remembers is summed independently of the product.
type story struct {
	*house
	t               *testing.T
	union           model.Union
	admin, approver *client
	city            *client
	shop            shopFixture
	persons         []rosterPerson
	bought          map[model.ID]model.Fen // by order, less those cancelled
	claimed         map[model.ID]figures   // by claim, less those revoked
	together        figures                // bought for many members: who signed, what it cost
	granted         model.Fen
}

type rosterPerson struct{ name, phone, idNumber string }

// TestStory: roster → top-up → grant → login → bind → buy → ship → confirm → cancel another → claim what was bought elsewhere → buy together → sweep → form.
func TestStory(t *testing.T) {
	h := newHouse(t)
	s := &story{house: h, t: t, shop: h.shopFixture(), bought: map[model.ID]model.Fen{}, claimed: map[model.ID]figures{}}
	county := h.union(h.root(), "county", "甲县总工会")
	s.union = h.union(county, "grassroots", "甲县实验学校工会")
	s.admin, s.approver = h.staffAs(identity.RoleUnionAdmin, s.union), h.staffAs(identity.RoleUnionApprover, s.union)
	s.city = h.staffAs(identity.RoleCityFederation, h.root())

	s.importRoster(12)
	s.topUp(12*600_00 + 100_00)
	s.grant(600_00)
	var buyers []*client
	for i := range 4 {
		buyers = append(buyers, s.bind(i))
	}
	s.buyAndCancel(buyers)
	h.sound(s.t)

	s.claims(1, 2, 3)
	s.unclaim()
	members := s.buyTogether(5)
	h.travel(modeltest.At("2025-08-20 10:00"))
	first := s.form(1)
	if want := s.all(); first != want {
		t.Errorf("first form: %+v; the independent sum is %+v", first, want)
	}
	s.submit(1, first)

	h.travel(modeltest.At("2025-11-11 10:00"))
	buyers[3].get("/api/v1/member/profile").fails(model.CodeUnauthenticated) // half a year later
	s.place(s.login(3), s.shop.SKUs[2], 1, "later")
	if again := s.form(1); again != first {
		t.Errorf("a submitted form changed from %+v to %+v", first, again)
	}
	s.unclaim()
	s.claims(4, 5)
	s.approver.post(groupPath(members.purchase)+"/sign-offs/undo", map[string]any{"member_id": members.signed[0], "reason": "登记错了人"}).ok(nil)
	s.together.times--
	s.sweep()
	last := s.form(3)
	if want := s.all(); last != want {
		t.Errorf("last form: %+v; the independent sum is %+v", last, want)
	}
	s.submit(3, last)
	s.exported(last)
	h.sound(s.t)
}

func (s *story) importRoster(n int) {
	s.t.Helper()
	sheet := excelize.NewFile()
	rows := [][]any{{"姓名", "手机号", "身份证号", "工号", "部门"}}
	for i := range n {
		p := rosterPerson{"王小" + string([]rune("一二三四五六七八九十甲乙")[i]), rosterfile.DemoPhone(100 + i), rosterfile.DemoIDNumber(100 + i)}
		s.persons = append(s.persons, p)
		rows = append(rows, []any{p.name, p.phone, p.idNumber, fmt.Sprintf("G%03d", i), "教务处"})
	}
	rows = append(rows, []any{"李四", "12345", "999999199001010010", "", ""}) // wrong
	for i, r := range rows {
		if err := sheet.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r); err != nil {
			s.t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := sheet.Write(&b); err != nil {
		s.t.Fatal(err)
	}
	var up struct{ ID model.ID }
	s.admin.upload(fmt.Sprintf("/api/v1/console/unions/%s/roster-imports", s.union.ID), "名册.xlsx", b.Bytes(), nil).ok(&up)
	s.drain()
	path := "/api/v1/console/roster-imports/" + up.ID.String()
	var state struct {
		Status  string
		NewRows int `json:"new_rows"`
		Wrong   int `json:"wrong_rows"`
	}
	s.admin.get(path).ok(&state)
	if state.Status != "previewed" || state.NewRows != n || state.Wrong != 1 {
		s.t.Fatalf("preview: %+v", state)
	}
	s.admin.post(path+"/import", nil).ok(nil)
	s.drain()
	s.admin.get(path).ok(&state)
	if state.Status != "imported" {
		s.t.Fatalf("import: %+v", state)
	}
}

func (s *story) topUp(fen model.Fen) {
	s.t.Helper()
	var topup struct{ ID model.ID }
	body := map[string]any{"purse": "extra", "year": 2025, "amount_fen": fen, "evidence_no": "银回2025-001", "note": "年度经费"}
	s.admin.money(fmt.Sprintf("/api/v1/console/unions/%s/topups", s.union.ID), "story-topup", body).ok(&topup)
	path := fmt.Sprintf("/api/v1/console/topups/%s/confirm", topup.ID)
	s.admin.money(path, "story-confirm", map[string]string{"note": "x"}).fails(model.CodeForbidden)
	s.approver.money(path, "story-confirm", map[string]string{"note": "已核对"}).ok(nil)
	s.approver.money(path, "story-confirm", map[string]string{"note": "已核对"}).ok(nil) // replayed
}

func (s *story) grant(fen model.Fen) {
	s.t.Helper()
	var grant struct{ ID model.ID }
	body := map[string]any{"purse": "extra", "year": 2025, "title": "2025 年度额度", "selection": "roster", "amount_fen": fen}
	s.admin.money(fmt.Sprintf("/api/v1/console/unions/%s/grants", s.union.ID), "story-grant", body).ok(&grant)
	s.drain()
	path := "/api/v1/console/grants/" + grant.ID.String()
	s.approver.money(path+"/approve", "story-approve", map[string]string{"note": "同意"}).ok(nil)
	s.admin.money(path+"/issue", "story-issue", nil).ok(nil)
	s.drain()
	var state struct {
		Status    string
		Issued    int       `json:"issued_items"`
		IssuedFen model.Fen `json:"issued_fen"`
	}
	s.admin.get(path).ok(&state)
	if state.Status != "issued" || state.Issued != len(s.persons) || state.IssuedFen != fen*model.Fen(len(s.persons)) {
		s.t.Fatalf("grant: %+v", state)
	}
	s.granted = state.IssuedFen
}

func user(i int) string { return fmt.Sprintf("story-%d", i) }

// login logs person i in through the emulator, as the mini-program does.
func (s *story) login(i int) *client {
	s.t.Helper()
	code, err := s.Emulator.LoginCode(user(i))
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.client()
	var session struct{ Token string }
	c.post("/api/v1/member/login", map[string]string{"code": code}).ok(&session)
	c.token = session.Token
	return c
}

// bind logs person i in for the first time and binds them.
func (s *story) bind(i int) *client {
	s.t.Helper()
	p, c := s.persons[i], s.login(i)
	var notice struct{ Version string }
	c.get("/api/v1/privacy-notice").ok(&notice)
	c.post("/api/v1/member/consents", map[string]string{"version": notice.Version}).ok(nil)
	phone, err := s.Emulator.PhoneCode(user(i), p.phone)
	if err != nil {
		s.t.Fatal(err)
	}
	var binding struct{ State string }
	c.post("/api/v1/member/binding", map[string]string{"phone_code": phone, "name": p.name, "id_last6": p.idNumber[12:]}).ok(&binding)
	if binding.State != "bound" {
		s.t.Fatalf("binding: %+v", binding)
	}
	return c
}

// place orders quantity of a SKU to a new address and returns the order's id.
func (s *story) place(c *client, sku model.SKU, quantity int, key string) model.ID {
	s.t.Helper()
	var address, order struct{ ID model.ID }
	body := map[string]any{"consignee": "王小", "phone": "10012345678", "province": "广东省", "city": "甲市", "district": "乙区", "detail": "演示路 1 号", "is_default": false}
	c.post("/api/v1/member/addresses", body).ok(&address)
	total := sku.PriceFen * model.Fen(quantity)
	items := []map[string]any{{"sku_id": sku.ID, "quantity": quantity, "price_fen": sku.PriceFen}}
	c.money("/api/v1/member/orders", "story-order-"+key, map[string]any{"items": items, "address_id": address.ID, "total_fen": total}).ok(&order)
	s.bought[order.ID] = total
	return order.ID
}

func (s *story) buyAndCancel(buyers []*client) {
	s.t.Helper()
	s.travel(modeltest.At("2025-05-01 12:00"))
	shipped := s.place(buyers[0], s.shop.SKUs[0], 3, "a")
	s.place(buyers[1], s.shop.SKUs[2], 2, "b")
	cancelled := s.place(buyers[2], s.shop.SKUs[1], 4, "c")

	supplier := s.staffWith(model.Staff{Role: "supplier", UnionID: s.root().ID, SupplierID: &s.shop.Suppliers[0].ID}, true)
	var detail struct {
		Status  string
		Parcels []struct{ ID model.ID }
	}
	buyers[0].get("/api/v1/member/orders/" + shipped.String()).ok(&detail)
	parcel := detail.Parcels[0].ID
	supplier.post(fmt.Sprintf("/api/v1/console/parcels/%s/ship", parcel), map[string]string{"carrier": "演示快递", "tracking_no": "YS20250501001"}).ok(nil)
	buyers[0].money(fmt.Sprintf("/api/v1/member/orders/%s/cancel", shipped), "story-cancel-1", map[string]string{"reason": "不要了"}).fails(model.CodeConflict)
	buyers[0].post(fmt.Sprintf("/api/v1/member/parcels/%s/confirm", parcel), nil).ok(nil)
	buyers[0].get("/api/v1/member/orders/" + shipped.String()).ok(&detail)
	if detail.Status != "completed" {
		s.t.Errorf("the confirmed order is %s", detail.Status)
	}
	buyers[2].money(fmt.Sprintf("/api/v1/member/orders/%s/cancel", cancelled), "story-cancel-2", map[string]string{"reason": "选错了"}).ok(nil)
	delete(s.bought, cancelled)
}

func (s *story) sum() (total model.Fen) {
	for _, fen := range s.bought {
		total += fen
	}
	return total
}

// claims enters and approves purchases made elsewhere with money for activities, each 1,000 yuan for as many persons as its number.
func (s *story) claims(numbers ...int) {
	s.t.Helper()
	a := &treasury{h: s.house, union: s.union, admin: s.admin, approver: s.approver, key: numbers[0] * 100}
	for _, n := range numbers {
		v := a.pass(a.claim(a.claimInput(bill(n), map[string]any{"purse": "activity", "amount_fen": 100000, "person_times": n})))
		s.claimed[v.ID] = figures{n, 100000}
	}
	s.clock.Advance(time.Minute)
}

// unclaim revokes one of them.
func (s *story) unclaim() {
	s.t.Helper()
	for id := range s.claimed {
		s.approver.money(claimPath(id)+"/revoke", "story-revoke-"+id.String(), map[string]string{"reason": "发票已作废"}).ok(nil)
		delete(s.claimed, id)
		return
	}
}

// signedFor is a group purchase and who has signed for it.
type signedFor struct {
	purchase model.ID
	signed   []model.ID
}

// buyTogether buys a piece for every member with money for activities, delivers it, and has n of them sign on paper.
func (s *story) buyTogether(n int) signedFor {
	s.t.Helper()
	a := &treasury{h: s.house, union: s.union, admin: s.admin, approver: s.approver, key: 900}
	a.topup("activity", 2025, 1_000_00)
	x := &crowd{stall: &stall{house: s.house, shop: s.shop}, treasury: a}
	v := x.orders(map[string]any{"purse": "activity"})
	x.arrive(v)
	var list model.List[group.ReceiverView]
	s.admin.get(groupPath(v.ID) + "/receivers").ok(&list)
	done := signedFor{purchase: v.ID}
	for _, r := range list.Items[:n] {
		done.signed = append(done.signed, r.MemberID)
	}
	s.admin.post(groupPath(v.ID)+"/sign-offs", map[string]any{"member_ids": done.signed, "note": "签收表"}).ok(nil)
	s.together = figures{n, s.shop.SKUs[0].PriceFen * model.Fen(len(s.persons))}
	return done
}

// all is the independent sum of orders, claims and what was bought together.
func (s *story) all() figures {
	f := figures{len(s.bought) + s.together.times, s.sum() + s.together.amount}
	for _, c := range s.claimed {
		f.times += c.times
		f.amount += c.amount
	}
	return f
}

// figures are a form's, or a purchase's.
type figures struct {
	times  int
	amount model.Fen
}

func (s *story) path(seq int, union model.ID) string {
	s.t.Helper()
	var periods struct {
		Items []struct {
			ID  model.ID
			Seq int
		}
	}
	s.city.get("/api/v1/console/reporting-periods?year=2025").ok(&periods)
	for _, p := range periods.Items {
		if p.Seq == seq {
			return fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", union, p.ID)
		}
	}
	s.t.Fatalf("no period %d", seq)
	return ""
}

// form reads the union's form and holds it against the city's roll-up, which has nothing else to count.
func (s *story) form(seq int) figures {
	s.t.Helper()
	read := func(union model.ID) figures {
		var form struct {
			Rows []struct {
				RowNo       int       `json:"row_no"`
				PersonTimes int       `json:"person_times"`
				AmountFen   model.Fen `json:"amount_fen"`
			}
			Total struct {
				PersonTimes int       `json:"person_times"`
				AmountFen   model.Fen `json:"amount_fen"`
			}
		}
		s.city.get(s.path(seq, union)).ok(&form)
		own, elsewhere := form.Rows[1], form.Rows[6]
		if own.RowNo != 2 || own.AmountFen+elsewhere.AmountFen != form.Total.AmountFen || own.PersonTimes+elsewhere.PersonTimes != form.Total.PersonTimes {
			s.t.Errorf("row 2 is %+v, row 7 %+v, the total %+v", own, elsewhere, form.Total)
		}
		return figures{form.Total.PersonTimes, form.Total.AmountFen}
	}
	union, city := read(s.union.ID), read(s.root().ID)
	if union != city {
		s.t.Errorf("the union has %+v, the city %+v", union, city)
	}
	return union
}

func (s *story) submit(seq int, f figures) {
	s.t.Helper()
	body := map[string]any{"filler": "王填报", "filler_phone": "10000001111", "expected_total_fen": f.amount, "expected_person_times": f.times}
	wrong := map[string]any{"filler": "王填报", "filler_phone": "10000001111", "expected_total_fen": f.amount + 1, "expected_person_times": f.times}
	s.admin.post(s.path(seq, s.union.ID)+"/submit", wrong).fails(model.CodeConflict)
	s.admin.post(s.path(seq, s.union.ID)+"/submit", body).ok(nil)
	s.city.post(s.path(seq, s.root().ID)+"/submit", body).ok(nil)
}

func (s *story) sweep() {
	s.t.Helper()
	s.city.money("/api/v1/console/sweeps", "story-sweep-0", map[string]any{"year": 2025}).fails(model.CodeConflict)
	s.travel(model.Year(2025).End())
	s.city.money("/api/v1/console/sweeps", "story-sweep-1", map[string]any{"year": 2025}).ok(nil)
	s.drain()
	var swept struct {
		Status string
		Fen    model.Fen `json:"swept_fen"`
	}
	s.city.get("/api/v1/console/sweeps/2025").ok(&swept)
	if want := s.granted - s.sum(); swept.Status != "done" || swept.Fen != want {
		s.t.Errorf("swept %+v, want %d fen: what was granted less what was bought", swept, want)
	}
}

// exported opens the signed form as the federation would and finds the figures in it.
func (s *story) exported(f figures) {
	s.t.Helper()
	file := s.city.get(s.path(3, s.union.ID) + "/export?format=xlsx").ok(nil)
	book, err := excelize.OpenReader(bytes.NewReader(file.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetList()[0], excelize.Options{RawCellValue: true})
	if err != nil {
		s.t.Fatal(err)
	}
	var text []string
	for _, r := range rows {
		text = append(text, strings.Join(r, " | "))
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"工会消费帮扶情况统计表", "甲县实验学校工会", "粤工惠·湛江号”", fmt.Sprintf("| %d |", f.times), "王填报", "10000001111", "合"} {
		if !strings.Contains(all, want) {
			s.t.Errorf("no %q in\n%s", want, all)
		}
	}
	pdf := s.city.get(s.path(3, s.union.ID) + "/export?format=pdf").ok(nil)
	if !bytes.HasPrefix(pdf.Body, []byte("%PDF-")) {
		s.t.Error("the PDF is none")
	}
}
