package risk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/risk"
)

// town is a city with two counties of three unions each, with hand-made orders and a clock in the test's hand.
type town struct {
	*testing.T
	db       *model.DB
	clock    *modeltest.Clock
	risk     *risk.Service
	sealer   *model.Sealer
	city     model.Union
	counties [2]model.Union
	unions   [2][3]model.Union
	n        int
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{T: t, clock: modeltest.NewClock(modeltest.At("2025-06-20 10:00"))}
	w.db = modeltest.Open(t, w.clock)
	key, err := model.DecodeKey(model.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	if w.sealer, err = model.NewSealer("a:"+model.GenerateKey(), key); err != nil {
		t.Fatal(err)
	}
	w.risk = risk.New(w.db, w.sealer)
	w.city = w.union(nil, "虚拟市总工会")
	for i := range w.counties {
		w.counties[i] = w.union(&w.city, fmt.Sprintf("虚拟%d县总工会", i+1))
		for j := range w.unions[i] {
			w.unions[i][j] = w.union(&w.counties[i], fmt.Sprintf("虚拟%d县%d厂工会", i+1, j+1))
		}
	}
	return w
}

func (w *town) insert(rows ...any) {
	w.Helper()
	for _, r := range rows {
		if err := w.db.Read(context.Background()).Create(r).Error; err != nil {
			w.Fatalf("%T: %v", r, err)
		}
	}
}

func (w *town) unique() string { w.n++; return fmt.Sprintf("x%d", w.n) }

func (w *town) union(parent *model.Union, name string) model.Union {
	w.Helper()
	id, now := w.db.NewID(), w.clock.Now()
	u := model.Union{ID: id, Name: name, Kind: "grassroots", Path: "/" + id.String() + "/", Status: "active", CreatedAt: now, UpdatedAt: now}
	if parent != nil {
		u.ParentID, u.Path, u.Depth = &parent.ID, parent.Path+id.String()+"/", parent.Depth+1
	}
	w.insert(&u)
	return u
}

// member is somebody on a union's roster with 600 yuan of this year.
func (w *town) member(u model.Union) model.Member {
	w.Helper()
	now := w.clock.Now()
	m := model.Member{ID: w.db.NewID(), UnionID: u.ID, PersonID: w.db.NewID(), Name: "张小三", PhoneHash: w.unique(), Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now}
	w.insert(&m, &model.Person{ID: m.PersonID, IDNumberHash: w.unique(), CreatedAt: now}, &model.PersonCap{PersonID: m.PersonID, Year: 2025, GrantedFen: 600_00})
	return m
}

func (w *town) members(u model.Union, n int) []model.Member {
	list := make([]model.Member, n)
	for i := range list {
		list[i] = w.member(u)
	}
	return list
}

// buy is one order; what is not said is an online order of one piece of SKU 1 for 50 yuan, of supplier 1, an hour ago.
type buy struct {
	ago      time.Duration
	kind     string
	status   string
	to       string // address
	sku      model.ID
	pieces   int64
	price    model.Fen
	supplier model.ID
}

func (w *town) order(m model.Member, b buy) model.Order {
	w.Helper()
	if b.ago == 0 {
		b.ago = time.Hour
	}
	if b.kind == "" {
		b.kind = "online"
	}
	if b.status == "" {
		b.status = "paid"
	}
	b.sku, b.pieces, b.price, b.supplier = max(b.sku, 1), max(b.pieces, 1), max(b.price, 0), max(b.supplier, 1)
	if b.price == 0 {
		b.price = 50_00
	}
	at := w.clock.Now().Add(-b.ago)
	sealed, err := w.sealer.Seal(`{"province":"广东省","city":"湛江市","district":"赤坎区","detail":"虚拟路 1 号"}`, model.SealOrderAddress)
	if err != nil {
		w.Fatal(err)
	}
	o := model.Order{ID: w.db.NewID(), OrderNo: w.unique(), PersonID: m.PersonID, MemberID: m.ID, UnionID: m.UnionID, ChannelID: 1, Year: 2025, Kind: b.kind, Status: b.status,
		GoodsFen: b.price * model.Fen(b.pieces), AllowanceFen: b.price * model.Fen(b.pieces), AddressSealed: sealed, AddressHash: w.sealer.Hash(model.HashAddress, b.to), PlacedAt: at, PaidAt: &at, UpdatedAt: at}
	parcel := w.db.NewID()
	w.insert(&o, &model.Parcel{ID: parcel, OrderID: o.ID, SupplierID: b.supplier, UnionID: m.UnionID, AmountFen: o.GoodsFen, Status: "waiting", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: w.db.NewID(), OrderID: o.ID, ParcelID: parcel, SupplierID: b.supplier, ProductID: 1, SKUID: b.sku, PriceFen: b.price, Quantity: b.pieces, AmountFen: o.GoodsFen})
	return o
}

// refunds gives an order back whole.
func (w *town) refunds(o model.Order, kind string, ago time.Duration) {
	w.Helper()
	var line model.OrderLine
	if err := w.db.Read(context.Background()).Where("order_id = ?", o.ID).Take(&line).Error; err != nil {
		w.Fatal(err)
	}
	r := model.Refund{ID: w.db.NewID(), OrderID: o.ID, UnionID: o.UnionID, Kind: kind, AmountFen: o.GoodsFen, AllowanceFen: o.GoodsFen, RefundedAt: w.clock.Now().Add(-ago)}
	w.insert(&r, &model.RefundLine{ID: w.db.NewID(), RefundID: r.ID, OrderID: o.ID, LineID: line.ID, Quantity: line.Quantity, AmountFen: line.AmountFen})
}

func (w *town) hall(hours string) model.Hall {
	w.Helper()
	now := w.clock.Now()
	h := model.Hall{ID: w.db.NewID(), ChannelID: 1, SupplierID: 1, Name: "虚拟专馆" + w.unique(), OpenHours: hours, ConfirmOverFen: 200_00, Status: "active", CreatedAt: now, UpdatedAt: now}
	w.insert(&h)
	return h
}

// sale is a counter sale of a hall's cashier at a moment.
func (w *town) sale(h model.Hall, cashier model.ID, at time.Time, price model.Fen) model.Order {
	w.Helper()
	o := w.order(w.member(w.unions[0][0]), buy{kind: "counter", ago: w.clock.Now().Sub(at), price: price, status: "completed"})
	w.insert(&model.Redemption{ID: w.db.NewID(), HallID: h.ID, SupplierID: h.SupplierID, PersonID: o.PersonID, CashierID: cashier, CodeHash: w.unique(), Status: "paid", Sale: "{}", TotalFen: o.GoodsFen,
		OrderID: &o.ID, ScannedAt: at, ExpiresAt: at, PaidAt: &at, PaidOn: model.DateOf(at), UpdatedAt: at})
	return o
}

func (w *town) void(o model.Order, cashier model.ID, ago time.Duration) {
	w.Helper()
	w.refunds(o, "void", ago)
	err := w.db.Read(context.Background()).Model(&model.Redemption{}).Where("order_id = ?", o.ID).UpdateColumns(map[string]any{"status": "voided", "voided_by": cashier, "voided_at": w.clock.Now()}).Error
	if err != nil {
		w.Fatal(err)
	}
}

// login is a login of a member on a device, and another on one that is not told.
func (w *town) login(m model.Member, device string, ago time.Duration) {
	w.Helper()
	at := w.clock.Now().Add(-ago)
	a := model.WechatAccount{ID: w.db.NewID(), OpenID: w.unique(), PersonID: &m.PersonID, BoundAt: &at, CreatedAt: at}
	w.insert(&a)
	w.again(a.ID, device, at)
	w.again(a.ID, "", at)
}

func (w *town) again(account model.ID, device string, at time.Time) {
	w.Helper()
	w.insert(&model.Session{ID: w.db.NewID(), TokenHash: w.unique(), Audience: "member", SubjectID: account, DeviceHash: w.sealer.Hash(model.HashDevice, device), CreatedAt: at, LastSeenAt: at, ExpiresAt: at})
}

func (w *town) claim(u model.Union, on string, fen model.Fen) {
	w.Helper()
	at := modeltest.At(on)
	w.insert(&model.Claim{ID: w.db.NewID(), UnionID: u.ID, ChannelID: 1, PurchasedOn: model.DateOf(at), Year: 2025, AmountFen: fen, PersonTimes: 1, Purse: model.PurseExtra, InvoiceNo: w.unique(),
		Status: "entered", Version: 1, EnteredBy: 1, EnteredAt: at, UpdatedAt: at})
}

// leaver is a member of a grant who spent spent and left so many days after the issue.
func (w *town) leaver(g model.Grant, spent model.Fen, after time.Duration) {
	w.Helper()
	var u model.Union
	if err := w.db.Read(context.Background()).Take(&u, g.UnionID).Error; err != nil {
		w.Fatal(err)
	}
	m, allowance, issued := w.member(u), w.db.NewID(), *g.IssuedAt
	left := issued.Add(after)
	w.insert(&model.GrantItem{ID: w.db.NewID(), GrantID: g.ID, MemberID: m.ID, PersonID: m.PersonID, AskedFen: 600_00, IssuedFen: 600_00, Status: "issued", AllowanceID: &allowance, DecidedAt: &issued})
	if spent > 0 {
		o := w.order(m, buy{price: spent, ago: w.clock.Now().Sub(issued.Add(time.Hour))})
		w.insert(&model.Transfer{ID: w.db.NewID(), Kind: "spend", Cause: w.unique(), DebitAccount: "allowance:" + allowance.String(), CreditAccount: "supplier:1", AmountFen: spent, Purse: model.PurseExtra,
			Year: 2025, UnionID: u.ID, OrderID: &o.ID, At: issued.Add(time.Hour)})
	}
	err := w.db.Read(context.Background()).Model(&model.Member{}).Where("id = ?", m.ID).UpdateColumns(map[string]any{"status": "left", "left_at": left}).Error
	if err != nil {
		w.Fatal(err)
	}
}

func (w *town) grant(u model.Union, ago time.Duration) model.Grant {
	w.Helper()
	at := w.clock.Now().Add(-ago)
	g := model.Grant{ID: w.db.NewID(), UnionID: u.ID, FundID: 1, Purse: model.PurseExtra, Year: 2025, Title: "年度发放", Selection: "roster", FilterJSON: "{}", Status: "issued", CreatedAt: at, IssuedAt: &at, UpdatedAt: at}
	w.insert(&g)
	return g
}

// deed is an entry of the audit trail so long ago, by a union's staff.
func (w *town) deed(action, object string, union model.ID, ago time.Duration, detail map[string]any) {
	w.Helper()
	ctx, actor := context.Background(), model.Actor{Kind: model.ActorStaff, ID: 9}
	if err := w.db.Audit(w.db.Read(ctx), actor, w.clock.Now().Add(-ago), action, object, union, detail); err != nil {
		w.Fatal(err)
	}
}

// binds has a member found on the roster with a WeChat account.
func (w *town) binds(m model.Member, account model.ID, ago time.Duration) {
	w.Helper()
	w.deed("binding.match", "person:"+m.PersonID.String(), m.UnionID, ago, map[string]any{"account_id": account})
}

func (w *town) unbinds(m model.Member, account model.ID, ago time.Duration) {
	w.Helper()
	w.deed("member.unbind", "member:"+m.ID.String(), m.UnionID, ago, map[string]any{"account_id": account, "reason": "换微信"})
}

// changes changes something of a member: the phone, or something else.
func (w *town) changes(m model.Member, phone bool, ago time.Duration) {
	w.Helper()
	detail := map[string]any{"department": true}
	if phone {
		detail = map[string]any{"phone_hash": true}
	}
	w.deed("member.change", "member:"+m.ID.String(), m.UnionID, ago, detail)
}

// scan looks by every rule, anew through the whole windows.
func (w *town) scan() {
	w.Helper()
	if err := w.db.Read(context.Background()).Where("1 = 1").Delete(&model.RiskRun{}).Error; err != nil {
		w.Fatal(err)
	}
	if err := w.risk.Scan(context.Background()); err != nil {
		w.Fatal(err)
	}
}

// signals are the signals of a rule, the oldest first.
func (w *town) signals(rule string) []model.RiskSignal {
	w.Helper()
	var rows []model.RiskSignal
	if err := w.db.Read(context.Background()).Where("rule = ?", rule).Order("id").Find(&rows).Error; err != nil {
		w.Fatal(err)
	}
	return rows
}

func (w *town) figure(s model.RiskSignal, name string) int64 {
	w.Helper()
	var figures []struct {
		Name  string
		Value int64
	}
	if err := json.Unmarshal([]byte(s.FiguresJSON), &figures); err != nil {
		w.Fatal(err)
	}
	for _, f := range figures {
		if f.Name == name {
			return f.Value
		}
	}
	w.Fatalf("%s has no %s: %s", s.Rule, name, s.FiguresJSON)
	return 0
}

// auditor sees the union's subtree.
func auditor(u model.Union) model.Actor {
	return model.Actor{Kind: model.ActorStaff, ID: 7, UnionID: u.ID, UnionPath: u.Path, Role: "auditor"}
}
