package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangfu/api"
	"bangfu/model"
	"bangfu/service/identity"
)

// scene is the tree that the matrix is walked on: the caller stands at own.
type scene struct {
	h         *house
	unions    map[string]model.Union // own, sibling, parent, child
	suppliers map[string]model.ID    // own, other
	halls     map[string]model.ID    // own, sibling (of the same supplier), other
	period    model.ID
	n, funds  int
}

var positions = []string{"own", "child", "sibling", "parent"}

func newScene(t testing.TB) *scene {
	t.Helper()
	h := newHouse(t)
	parent := h.union(h.root(), "county", "县总工会")
	own := h.union(parent, "grassroots", "本工会")
	s := &scene{h: h, unions: map[string]model.Union{
		"parent": parent, "own": own, "sibling": h.union(parent, "grassroots", "兄弟工会"), "child": h.union(own, "grassroots", "下级工会"),
	}, suppliers: map[string]model.ID{}}
	for _, name := range []string{"own", "other"} {
		s.suppliers[name] = s.supplier(name)
	}
	s.halls = map[string]model.ID{}
	for name, supplier := range map[string]string{"own": "own", "sibling": "own", "other": "other"} {
		s.halls[name] = s.hall(name, s.suppliers[supplier])
	}
	var period model.ReportingPeriod
	if err := h.DB.Read(t.Context()).Where("year = 2025").Order("seq").Take(&period).Error; err != nil {
		t.Fatal(err)
	}
	s.period = period.ID
	return s
}

func (s *scene) supplier(name string) model.ID {
	now := s.h.clock.Now()
	x := model.Supplier{ID: s.h.DB.NewID(), Name: name, CreditCode: name, Status: "active", CreatedAt: now, UpdatedAt: now}
	s.h.insert(&x)
	return x.ID
}

func (s *scene) hall(name string, supplier model.ID) model.ID {
	now := s.h.clock.Now()
	x := model.Hall{ID: s.h.DB.NewID(), ChannelID: s.h.channel("city", "2"), SupplierID: supplier, Name: name, Status: "active", CreatedAt: now, UpdatedAt: now}
	s.h.insert(&x)
	return x.ID
}

// redemption stores one at the hall.
func (s *scene) redemption(hall, supplier, person model.ID) model.ID {
	s.n++
	id, now := s.h.DB.NewID(), s.h.clock.Now()
	s.h.insert(&model.Redemption{ID: id, HallID: hall, SupplierID: supplier, PersonID: person, CashierID: 1, CodeHash: fmt.Sprintf("x%d", s.n), Status: "cancelled",
		ScannedAt: now, ExpiresAt: now, UpdatedAt: now})
	return id
}

// object stores one thing of the kind, which belongs to the union, the person and the supplier as its kind has them.
func (s *scene) object(kind identity.Object, u model.Union, person, supplier model.ID) model.ID {
	s.n++
	id, now, unique := s.h.DB.NewID(), s.h.clock.Now(), fmt.Sprintf("x%d", s.n)
	order := func() *model.Order {
		address, err := s.h.sealer().Seal("{}", model.SealOrderAddress)
		if err != nil {
			s.h.t.Fatal(err)
		}
		return &model.Order{ID: id, AddressSealed: address, OrderNo: unique, PersonID: person, MemberID: 1, UnionID: u.ID, ChannelID: 1, Year: 2025, Kind: "online", Status: "paid", PlacedAt: now, PaidAt: &now, UpdatedAt: now}
	}
	fund := func() *model.Fund { // a union has one a purse and year
		s.funds++
		return &model.Fund{ID: id, UnionID: u.ID, Purse: []model.Purse{"extra", "festival", "hardship", "activity"}[s.funds%4], Year: model.Year(2000 + s.funds/4%100), CreatedAt: now, UpdatedAt: now}
	}
	product := &model.Product{ID: id, SupplierID: supplier, RegionID: 1, Name: unique, Status: "draft", CreatedAt: now, UpdatedAt: now}
	switch kind {
	case identity.ObjectUnion:
		return u.ID
	case identity.ObjectSupplier:
		return supplier
	case identity.ObjectMember:
		s.h.insert(&model.Member{ID: id, UnionID: u.ID, PersonID: id, Name: "张三", Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now},
			&model.Person{ID: id, IDNumberHash: unique, CreatedAt: now})
	case identity.ObjectRosterImport:
		s.h.insert(&model.RosterImport{ID: id, UnionID: u.ID, Status: "previewed", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectBindingRequest:
		s.h.insert(&model.BindingRequest{ID: id, AccountID: id, UnionID: u.ID, Status: "pending", OpenAccountID: &id, CreatedAt: now})
	case identity.ObjectStaff:
		s.h.insert(&model.Staff{ID: id, Login: unique, Role: "union_admin", UnionID: u.ID, Status: "active", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectFund:
		s.h.insert(fund())
	case identity.ObjectTopup:
		s.h.insert(fund(), &model.Topup{ID: id, FundID: id, UnionID: u.ID, AmountFen: 1, EvidenceNo: unique, Status: "entered", EnteredBy: 1, EnteredAt: now})
	case identity.ObjectGrant:
		s.h.insert(fund(), &model.Grant{ID: id, UnionID: u.ID, FundID: id, Purse: model.PurseExtra, Year: 2025, Selection: "roster", Status: "draft", CreatedBy: 1, CreatedAt: now, UpdatedAt: now})
	case identity.ObjectAllowance:
		s.h.insert(&model.Allowance{ID: id, PersonID: person, MemberID: id, UnionID: u.ID, FundID: id, Purse: model.PurseExtra, Year: 2025, Status: "active", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectStatement:
		s.h.insert(&model.Statement{ID: id, UnionID: u.ID, PeriodID: s.period, Version: s.n, Status: "submitted", AsOf: now, SubmittedBy: 1, SubmittedAt: now})
	case identity.ObjectClaim:
		s.h.insert(&model.Claim{ID: id, UnionID: u.ID, ChannelID: 1, PurchasedOn: "2025-03-01", Year: 2025, AmountFen: 1, PersonTimes: 1, Purse: model.PurseExtra, InvoiceNo: unique, Status: "entered", Version: 1,
			EnteredBy: 1, EnteredAt: now, UpdatedAt: now})
	case identity.ObjectErasure:
		s.h.insert(&model.Erasure{ID: id, PersonID: id, UnionID: u.ID, Status: "rejected", RequestedAt: now, UpdatedAt: now})
	case identity.ObjectRiskSignal:
		s.h.insert(&model.RiskSignal{ID: id, Rule: "same_address", SubjectType: "address", SubjectKey: unique, Bucket: "2025-03-01", UnionID: u.ID, FirstAt: now, LastAt: now, FiguresJSON: "[]",
			EvidenceJSON: "{}", Status: "open", Version: 1, CreatedAt: now, UpdatedAt: now})
	case identity.ObjectFile:
		f := &model.File{ID: id, StoreKey: unique + ".pdf", Kind: "evidence", Name: "回单.pdf", ContentType: "application/pdf", Size: 5, CreatedBy: 1, CreatedAt: now, UnionID: &u.ID}
		if err := os.WriteFile(filepath.Join(s.h.Config.DataDir, "files", f.StoreKey), []byte("%PDF-"), 0o600); err != nil {
			s.h.t.Fatal(err)
		}
		if u.ID == 0 {
			f.UnionID, f.SupplierID = nil, &supplier
		}
		s.h.insert(f)
	case identity.ObjectGroupPurchase, identity.ObjectGroupReceiver:
		phone, err := s.h.sealer().Seal("10000000001", model.SealGroupPhone)
		if err != nil {
			s.h.t.Fatal(err)
		}
		address, err := s.h.sealer().Seal("{}", model.SealGroupAddress)
		if err != nil {
			s.h.t.Fatal(err)
		}
		s.h.insert(&model.GroupPurchase{ID: id, UnionID: u.ID, FundID: id, Purse: model.PurseExtra, Year: 2025, Title: unique, Selection: "roster", FilterJSON: "{}", Division: "even",
			PhoneSealed: phone, AddressSealed: address, Receivers: 1, Status: "rejected", DraftedBy: 1, DraftedAt: now, UpdatedAt: now},
			&model.GroupReceiver{ID: id, PurchaseID: id, MemberID: id, PersonID: person})
	case identity.ObjectAddress:
		s.h.insert(&model.Address{ID: id, PersonID: person, CreatedAt: now, UpdatedAt: now})
	case identity.ObjectOrder, identity.ObjectParcel:
		s.h.insert(order(), &model.OrderLine{ID: id, OrderID: id, ParcelID: id, SupplierID: supplier, Quantity: 1}, &model.Parcel{ID: id, OrderID: id, SupplierID: supplier, UnionID: u.ID, Status: "waiting", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectAfterSale:
		s.h.insert(order(), &model.OrderLine{ID: id, OrderID: id, ParcelID: id, SupplierID: supplier, Quantity: 1}, &model.Parcel{ID: id, OrderID: id, SupplierID: supplier, UnionID: u.ID, Status: "waiting", CreatedAt: now, UpdatedAt: now},
			&model.AfterSale{ID: id, OrderID: id, ParcelID: id, SupplierID: supplier, UnionID: u.ID, PersonID: person, Kind: "refund_only", Reason: "other", Status: "requested", CreatedAt: now, UpdatedAt: now},
			&model.AfterSalePicture{CaseID: id, Seq: 1, FileID: s.object(identity.ObjectFile, u, person, supplier)})
	case identity.ObjectCertificate:
		s.h.insert(&model.Certificate{ID: id, SupplierID: supplier, Kind: "food_licence", ValidFrom: "2025-01-01", ValidUntil: "2025-12-31", Status: "active", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectProduct:
		s.h.insert(product, &model.ProductPicture{ProductID: id, Seq: 1, FileID: id})
	case identity.ObjectSKU:
		s.h.insert(product, &model.SKU{ID: id, ProductID: id, Spec: "5kg", PriceFen: 1, Status: "on", CreatedAt: now, UpdatedAt: now}, &model.Stock{SKUID: id, UpdatedAt: now})
	case identity.ObjectInvoiceRequest:
		s.h.insert(&model.InvoiceRequest{ID: id, SupplierID: supplier, UnionID: u.ID, PersonID: person, TitleKind: "personal", Title: "张三", Status: "rejected", RequestedBy: "person:1", RequestedAt: now, UpdatedAt: now})
	case identity.ObjectBankAccount:
		s.h.insert(&model.SupplierBankAccount{ID: id, SupplierID: supplier, Version: s.n, AccountName: unique, Bank: "虚拟银行", Status: "entered", EnteredBy: 1, EnteredAt: now})
	case identity.ObjectSettlementBatch, identity.ObjectSettlement:
		s.h.insert(&model.SettlementBatch{ID: id, UnionID: u.ID, PeriodTo: "2025-03-01", CutAt: now, SuppliersJSON: "[]", Status: "draft", MadeBy: 1, MadeAt: now, UpdatedAt: now},
			&model.Settlement{ID: id, BatchID: id, SupplierID: supplier, Status: "skipped", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectWechatRefund:
		s.h.insert(&model.Payment{ID: id, PaymentNo: unique + "000000", OrderID: id, UnionID: u.ID, AmountFen: 1, Status: "paid", PaidFen: 1, PayBefore: now, CreatedAt: now, UpdatedAt: now},
			&model.WechatRefund{ID: id, RefundNo: unique + "000000", PaymentID: id, UnionID: u.ID, AmountFen: 1, Status: "failed", CreatedAt: now, UpdatedAt: now})
	case identity.ObjectRedemption:
		return s.redemption(s.halls["other"], supplier, person)
	default:
		s.h.t.Fatalf("the matrix does not know how to make a %s", kind)
	}
	return id
}

// path fills a route's parameters: its object's id, and sane values for the others.
func (s *scene) path(r api.Route, object model.ID) string {
	values := map[string]string{"year": "2025", "seq": "1", "row_no": "2", "period_id": s.period.String()}
	param := r.Param
	if param == "" {
		param = "id"
	}
	if r.Object != "" {
		values[param] = object.String()
	}
	return ginParam.ReplaceAllStringFunc(r.Path, func(p string) string {
		if v, ok := values[p[1:]]; ok {
			return v
		}
		return "1"
	})
}

// call sends a request that passes every check before the handler but says nothing useful: an empty object as its body.
func (c *client) call(r api.Route, path string) *answer {
	c.t.Helper()
	req := request{method: r.Method, path: path, header: map[string]string{}}
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		req.body = map[string]any{}
	}
	if r.Money {
		c.h.n.Add(1)
		req.header["Idempotency-Key"] = fmt.Sprintf("matrix-%d", c.h.n.Load())
	}
	return c.do(req)
}

// verdict tells how far a request came: "logged out", "no permission", "second factor", "not bound", "out of scope" or "admitted".
func (a *answer) verdict() string {
	var body struct{ Error apiError }
	_ = json.Unmarshal(a.Body, &body)
	switch e := body.Error; {
	case e.Code == model.CodeUnauthenticated:
		return "logged out"
	case e.Code == model.CodeForbidden && strings.Contains(e.Message, "您的岗位没有这项权限"):
		return "no permission"
	case e.Code == model.CodeForbidden && strings.Contains(e.Message, "X-CSRF-Token"):
		return "no csrf"
	case e.Code == model.CodeSecondFactor:
		return "second factor"
	case e.Code == model.CodeNotBound:
		return "not bound"
	case e.Code == model.CodeNotFound && strings.HasSuffix(e.Message, "不存在，或您无权查看"):
		return "out of scope"
	case e.Code == model.CodeInternal:
		return "internal error"
	}
	return "admitted"
}

// TestMatrix walks every route with every role and every position of the thing it points at, and holds the outcome against
// testdata/permissions.tsv.
func TestMatrix(t *testing.T) {
	s := newScene(t)
	table := permissions(t)
	walked := 0
	for _, r := range s.h.Server.Routes() {
		row, ok := table[key(r)]
		if !ok {
			t.Errorf("%s is not in permissions.tsv", key(r))
			continue
		}
		switch r.Audience {
		case api.Staff:
			walked += s.walkStaff(t, r, row)
		case api.Account, api.Member:
			walked += s.walkMember(t, r)
		case api.Public:
			if v := s.h.client().call(r, s.path(r, 1)).verdict(); v == "logged out" || v == "no permission" {
				t.Errorf("%s: %s, but it is public", row.route, v)
			}
			walked++
		default:
			t.Errorf("%s: no audience", row.route)
		}
	}
	t.Logf("%d combinations of route, role and position", walked)
	if strings.Contains(s.h.log.String(), `"panic"`) {
		t.Error("a handler panicked")
	}
}

func (s *scene) walkStaff(t *testing.T, r api.Route, row permission) (walked int) {
	t.Helper()
	want := func(got, expected, who string) {
		t.Helper()
		walked++
		if got != expected {
			t.Errorf("%s by %s: %s, want %s", row.route, who, got, expected)
		}
	}
	own := s.unions["own"]
	want(s.h.client().call(r, s.path(r, own.ID)).verdict(), "logged out", "nobody")
	want(s.h.memberAs(s.h.DB.NewID()).call(r, s.path(r, own.ID)).verdict(), "logged out", "a member")
	roles, strongOnly := strings.CutSuffix(row.roles, " +2fa")
	for _, x := range identity.Roles {
		may := strings.Contains(","+roles+",", ","+shortRoles[x.Role]+",")
		staff := model.Staff{Role: string(x.Role), UnionID: own.ID}
		if x.Role == identity.RoleSupplier || x.Role == identity.RoleCashier {
			supplier := s.suppliers["own"]
			staff.SupplierID = &supplier
		}
		if x.Role == identity.RoleCashier {
			hall := s.halls["own"]
			staff.HallID = &hall
		}
		for _, p := range s.positionsOf(r, x.Role) {
			expected := "admitted"
			switch {
			case !may:
				expected = "no permission"
			case !p.visible:
				expected = "out of scope"
			}
			got := s.h.staffWith(staff, true).call(r, s.path(r, p.object)).verdict()
			if r.Object == "" && got == "out of scope" {
				got = "admitted" // the handler looked and found nothing by that number
			}
			want(got, expected, shortRoles[x.Role]+" "+p.name)
		}
		if may && strongOnly {
			want(s.h.staffWith(staff, false).call(r, s.path(r, own.ID)).verdict(), "second factor", shortRoles[x.Role]+" without second factor")
		}
		if may && r.Method != http.MethodGet {
			c := s.h.staffWith(staff, true)
			c.csrf = "wrong"
			want(c.call(r, s.path(r, own.ID)).verdict(), "no csrf", shortRoles[x.Role]+" without CSRF token")
		}
	}
	return walked
}

// position is where the thing that a request points at lies, seen from the caller.
type position struct {
	name    string
	object  model.ID
	visible bool
}

// positionsOf makes the things that a route may point at, in every position that its kind of object has.
func (s *scene) positionsOf(r api.Route, role identity.Role) (all []position) {
	none := model.Union{}
	switch r.Object {
	case "":
		return []position{{name: "anywhere", visible: true}}
	case identity.ObjectSupplier, identity.ObjectCertificate, identity.ObjectProduct, identity.ObjectSKU, identity.ObjectBankAccount:
		for name, supplier := range s.suppliers {
			all = append(all, position{name + " supplier", s.object(r.Object, none, 0, supplier), role != identity.RoleSupplier || name == "own"})
		}
		return all
	case identity.ObjectHall, identity.ObjectRedemption:
		return s.hallPositions(r.Object, role)
	}
	ofShop := role == identity.RoleSupplier || role == identity.RoleCashier
	for _, name := range positions {
		visible := (name == "own" || name == "child") && !ofShop
		all = append(all, position{name, s.object(r.Object, s.unions[name], s.h.DB.NewID(), s.suppliers["other"]), visible})
	}
	switch {
	case r.Object == identity.ObjectFile:
		all = append(all, position{"own supplier", s.object(r.Object, none, 0, s.suppliers["own"]), role != identity.RoleCashier})
	case (r.Object == identity.ObjectParcel || r.Object == identity.ObjectAfterSale || r.Object == identity.ObjectSettlement || r.Object == identity.ObjectInvoiceRequest) && role == identity.RoleSupplier:
		all = append(all, position{"own supplier", s.object(r.Object, s.unions["sibling"], s.h.DB.NewID(), s.suppliers["own"]), true})
	}
	return all
}

// hallPositions are the halls, or a redemption at each: a cashier sees its own hall, a supplier its own halls, others all.
func (s *scene) hallPositions(object identity.Object, role identity.Role) (all []position) {
	for name, hall := range s.halls {
		supplier := s.suppliers["own"]
		if name == "other" {
			supplier = s.suppliers["other"]
		}
		visible := role != identity.RoleCashier && role != identity.RoleSupplier || name == "own" || name == "sibling" && role == identity.RoleSupplier
		if object == identity.ObjectRedemption {
			hall = s.redemption(hall, supplier, s.h.DB.NewID())
		}
		all = append(all, position{name + " hall", hall, visible})
	}
	return all
}

func (s *scene) walkMember(t *testing.T, r api.Route) (walked int) {
	t.Helper()
	want := func(got, expected, who string) {
		t.Helper()
		walked++
		if got != expected {
			t.Errorf("%s by %s: %s, want %s", key(r), who, got, expected)
		}
	}
	person, stranger := s.object(identity.ObjectMember, s.unions["own"], 0, 0), s.h.DB.NewID()
	at := func(owner model.ID) string {
		if r.Object == "" || r.Object == identity.ObjectProduct {
			return s.path(r, 1)
		}
		return s.path(r, s.object(r.Object, s.unions["own"], owner, s.suppliers["own"]))
	}
	want(s.h.client().call(r, at(person)).verdict(), "logged out", "nobody")
	want(s.h.staffAs(identity.RoleCityFederation, s.h.root()).call(r, at(person)).verdict(), "logged out", "staff")
	if r.Audience == api.Member {
		want(s.h.accountAs().call(r, at(person)).verdict(), "not bound", "an account that is not bound")
	}
	if r.Object != "" {
		want(s.h.memberAs(person).call(r, at(person)).verdict(), "admitted", "its owner")
		want(s.h.memberAs(stranger).call(r, at(person)).verdict(), "out of scope", "another member")
	}
	return walked
}

// accountAs returns a client in a session of a WeChat account that is bound to nobody.
func (h *house) accountAs() *client {
	h.t.Helper()
	n, now := h.n.Add(1), h.clock.Now()
	account := model.WechatAccount{ID: h.DB.NewID(), OpenID: fmt.Sprintf("openid-%d", n), CreatedAt: now}
	token := fmt.Sprintf("%043d", n)
	h.insert(&account, &model.Session{ID: h.DB.NewID(), TokenHash: sha(token), Audience: "member", SubjectID: account.ID, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(10, 0, 0)})
	c := h.client()
	c.token = token
	return c
}
