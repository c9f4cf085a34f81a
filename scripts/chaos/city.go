package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/ledger"
	"bangfu/service/shop"
)

// City is the small city that every scenario plays in: one union whose members each hold a year's allowance, a shop of two
// suppliers, a hall with its cashier, and everybody logged in.
type City struct {
	Root     model.ID // the city federation
	Union    model.ID
	Period   model.ID // the reporting period of the year's end
	Members  []Member
	Goods    []Good // the hot one, the scarce one, then the others
	Hall     model.ID
	Office   Login // of the city federation: reads the form
	Supplier Login // brings goods in
	Cashiers []Login
	Checker  Login // of the city federation: the second person
	New      Grassroots
}

// Grassroots is a union without members or money yet, and its two people.
type Grassroots struct {
	ID              model.ID
	Admin, Approver Login
}

// Member is somebody who can buy.
type Member struct {
	Login
	Person, Address, Allowance model.ID
}

// Good is a SKU on sale.
type Good struct {
	SKU, Supplier model.ID
	Price         model.Fen
	Stock         int64 // at the beginning
}

// The places in City.Goods.
const (
	Hot    = 0
	Scarce = 1
)

// Login is a session of the product: of a member (Token) or of a console account (Cookie and CSRF).
type Login struct {
	Name                string // as the journal calls it
	Token, Cookie, CSRF string
}

// Plan says how big a city is.
type Plan struct {
	Members  int
	Allow    model.Fen // of each member; the year's cap if 0
	Scarce   int64     // of the scarce SKU
	Cashiers int
}

// mason builds a city in one transaction a kind of rows.
type mason struct {
	app  *app.App
	plan Plan
	now  time.Time
	year model.Year
	city *City
	rows []any
	n    int
}

// build migrates the database that environ names, sets the product up and fills it with a city, as the product itself would
// write it: a confirmed top-up, a grant, balanced transfers, sealed addresses, sessions of which only hashes are stored. clock may be nil.
func build(ctx context.Context, environ []string, plan Plan, clock model.Clock) (*City, error) {
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	if _, err := app.Migrate(ctx, cfg, app.Options{}); err != nil {
		return nil, err
	}
	a, err := app.Open(ctx, cfg, app.Options{Clock: clock})
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	if err := a.Setup(ctx); err != nil {
		return nil, err
	}
	now := a.DB.Now()
	if plan.Allow == 0 {
		plan.Allow = 600_00
	}
	m := &mason{app: a, plan: plan, now: now, year: model.YearOf(now), city: &City{}}
	if err := a.Allowance.SeedDemoPolicy(ctx, m.year); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{m.office, m.shop, m.members} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("build a city: %w", err)
		}
	}
	return m.city, nil
}

// store writes what was collected.
func (m *mason) store(ctx context.Context, more ...func(tx *gorm.DB) error) error {
	rows := m.rows
	m.rows = nil
	return m.app.DB.Tx(ctx, func(tx *gorm.DB) error {
		for _, r := range rows {
			if err := tx.CreateInBatches(r, 500).Error; err != nil {
				return fmt.Errorf("%T: %w", r, err)
			}
		}
		for _, do := range more {
			if err := do(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *mason) add(rows ...any) { m.rows = append(m.rows, rows...) }

func (m *mason) id() model.ID { return m.app.DB.NewID() }

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// staff makes a console account in a session that passed a second factor.
func (m *mason) staff(role identity.Role, union model.ID, supplier, hall *model.ID) Login {
	m.n++
	s := model.Staff{ID: m.id(), Login: fmt.Sprintf("chaos-%d", m.n), Name: "演练账号", Role: string(role), UnionID: union, SupplierID: supplier, HallID: hall,
		Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
	l := Login{Name: fmt.Sprintf("%s:%d", role, m.n), Cookie: fmt.Sprintf("%043d", m.n), CSRF: fmt.Sprintf("csrf-%d", m.n)}
	m.add(&s, &model.Session{ID: m.id(), TokenHash: hashed(l.Cookie), CSRFHash: hashed(l.CSRF), Audience: "staff", SubjectID: s.ID, SecondFactor: true,
		CreatedAt: m.now, LastSeenAt: m.now, ExpiresAt: m.now.AddDate(1, 0, 0)})
	return l
}

// office makes the union and the account that reads the form.
func (m *mason) office(ctx context.Context) error {
	var root model.Union
	if err := m.app.DB.Read(ctx).Where("parent_id IS NULL").Take(&root).Error; err != nil {
		return err
	}
	var period model.ReportingPeriod
	if err := m.app.DB.Read(ctx).Where("year = ? AND seq = 3", m.year).Take(&period).Error; err != nil {
		return err
	}
	id := m.id()
	u := model.Union{ID: id, ParentID: &root.ID, Name: "演练工会", Kind: "grassroots", Path: root.Path + id.String() + "/", Depth: root.Depth + 1, Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
	m.add(&u, &model.UnionPath{UnionID: id, FromAt: m.now, Path: u.Path})
	m.city.Root, m.city.Union, m.city.Period = root.ID, id, period.ID
	m.city.Office = m.staff(identity.RoleCityFederation, root.ID, nil, nil)
	m.city.Checker = m.staff(identity.RoleCityFederation, root.ID, nil, nil)
	id = m.id()
	young := model.Union{ID: id, ParentID: &root.ID, Name: "演练新建工会", Kind: "grassroots", Path: root.Path + id.String() + "/", Depth: root.Depth + 1, Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
	m.add(&young, &model.UnionPath{UnionID: id, FromAt: m.now, Path: young.Path})
	m.city.New = Grassroots{ID: id, Admin: m.staff(identity.RoleUnionAdmin, id, nil, nil), Approver: m.staff(identity.RoleUnionApprover, id, nil, nil)}
	return m.store(ctx)
}

// shop makes two suppliers with eleven SKUs, and a hall of the first.
func (m *mason) shop(ctx context.Context) error {
	region := model.Region{ID: m.id(), Name: "演练县", Province: "广西壮族自治区", Paired: true, PairingNote: "粤桂协作地区", Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
	m.add(&region)
	var suppliers []model.ID
	for i := range 2 {
		s := model.Supplier{ID: m.id(), Name: fmt.Sprintf("演练供应商%d号", i+1), CreditCode: fmt.Sprintf("9199999900000%03dX", i), Contact: "联系人", Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
		m.add(&s, m.certificate(s.ID, nil, shop.KindBusinessLicence), m.certificate(s.ID, nil, shop.KindFoodLicence))
		suppliers = append(suppliers, s.ID)
	}
	var moves []shop.Movement
	for i := range 11 {
		g := Good{SKU: m.id(), Supplier: suppliers[i%2], Price: model.Fen(100 + 10*i), Stock: 10_000_000}
		if i == Scarce {
			g.Stock = m.plan.Scarce
		}
		p := model.Product{ID: m.id(), SupplierID: g.Supplier, RegionID: region.ID, Name: fmt.Sprintf("演练商品%d号", i+1), Category: "农产品", Description: "演练商品", Status: "on",
			MinPriceFen: g.Price, CreatedAt: m.now, UpdatedAt: m.now}
		m.add(&p, &model.SKU{ID: g.SKU, ProductID: p.ID, Spec: "1 份", PriceFen: g.Price, Status: "on", CreatedAt: m.now, UpdatedAt: m.now},
			&model.Stock{SKUID: g.SKU, UpdatedAt: m.now}, m.certificate(g.Supplier, &p.ID, shop.KindAssistanceProduct))
		if g.Stock > 0 {
			moves = append(moves, shop.Movement{SKU: g.SKU, Kind: shop.StockReceive, Cause: "chaos:" + g.SKU.String(), Quantity: g.Stock, Actor: model.Actor{Kind: model.ActorSetup}})
		}
		m.city.Goods = append(m.city.Goods, g)
	}
	var channel model.Channel
	if err := m.app.DB.Read(ctx).Where("level = 'city' AND no = '2'").Take(&channel).Error; err != nil {
		return err
	}
	hall := model.Hall{ID: m.id(), ChannelID: channel.ID, SupplierID: suppliers[0], Name: "演练专馆", Address: "演练路 2 号", ConfirmOverFen: 200_00, Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
	m.add(&hall)
	m.city.Hall = hall.ID
	m.city.Supplier = m.staff(identity.RoleSupplier, m.city.Root, &suppliers[0], nil)
	for range m.plan.Cashiers {
		m.city.Cashiers = append(m.city.Cashiers, m.staff(identity.RoleCashier, m.city.Root, &suppliers[0], &hall.ID))
	}
	return m.store(ctx, func(tx *gorm.DB) error { return shop.MoveStocks(tx, m.app.DB, m.now, moves) })
}

func (m *mason) certificate(supplier model.ID, product *model.ID, kind string) *model.Certificate {
	id := m.id()
	return &model.Certificate{ID: id, SupplierID: supplier, ProductID: product, Kind: kind, Number: "YL" + id.String(), Issuer: "演练发证机关",
		ValidFrom: "2020-01-01", ValidUntil: "2099-12-31", Status: "active", CreatedAt: m.now, UpdatedAt: m.now}
}

// members makes the members with their allowances, addresses and sessions.
func (m *mason) members(ctx context.Context) error {
	n, fen := m.plan.Members, m.plan.Allow
	one, two, total := model.ID(1), model.ID(2), fen*model.Fen(n)
	fund := model.Fund{ID: m.id(), UnionID: m.city.Union, Purse: model.PurseExtra, Year: m.year, CreatedAt: m.now, UpdatedAt: m.now}
	topup := model.Topup{ID: m.id(), FundID: fund.ID, UnionID: m.city.Union, AmountFen: total, EvidenceNo: "YL1", Status: "confirmed", EnteredBy: one, EnteredAt: m.now, DecidedBy: &two, DecidedAt: &m.now}
	grant := model.Grant{ID: m.id(), UnionID: m.city.Union, FundID: fund.ID, Purse: fund.Purse, Year: m.year, Title: "演练发放", Selection: "roster", FilterJSON: "{}", AmountFen: fen, Status: "issued",
		TotalItems: n, DoneItems: n, IssuedItems: n, TotalFen: total, IssuedFen: total, CreatedBy: one, CreatedAt: m.now, DecidedBy: &two, DecidedAt: &m.now, IssuedAt: &m.now, UpdatedAt: m.now}
	m.add(&fund, &topup, &grant)
	movement := func(kind ledger.Kind, cause string, from, to ledger.Account, amount model.Fen) ledger.Movement {
		return ledger.Movement{Kind: kind, Cause: cause, From: from, To: to, Amount: amount, Purse: fund.Purse, Year: m.year, Union: m.city.Union}
	}
	moves := []ledger.Movement{movement(ledger.KindFund, "topup:"+topup.ID.String(), ledger.Bank, ledger.Fund(fund.ID), total)}
	r := &roll{}
	for range n {
		b, item, err := m.member(r, fund, grant)
		if err != nil {
			return err
		}
		m.city.Members = append(m.city.Members, b)
		moves = append(moves, movement(ledger.KindGrant, "grant_item:"+item.String(), ledger.Fund(fund.ID), ledger.Allowance(b.Allowance), fen))
	}
	m.add(&r.persons, &r.members, &r.addresses, &r.caps, &r.allowances, &r.items, &r.accounts, &r.consents, &r.sessions)
	return m.store(ctx, func(tx *gorm.DB) error {
		if err := model.CountMembers(tx, m.city.Union, n); err != nil {
			return err
		}
		return ledger.PostAll(tx, m.app.DB, m.now, moves)
	})
}

// roll collects the rows of many members.
type roll struct {
	persons    []model.Person
	members    []model.Member
	addresses  []model.Address
	caps       []model.PersonCap
	allowances []model.Allowance
	items      []model.GrantItem
	accounts   []model.WechatAccount
	consents   []model.Consent
	sessions   []model.Session
}

// member makes one member's rows; it also returns the id of the member's item in the grant.
func (m *mason) member(r *roll, fund model.Fund, grant model.Grant) (Member, model.ID, error) {
	i := len(r.persons)
	b := Member{Login: Login{Name: fmt.Sprintf("member:%d", i), Token: fmt.Sprintf("m%042d", i)}, Person: m.id(), Address: m.id(), Allowance: m.id()}
	member, item, account := m.id(), m.id(), m.id()
	address, err := m.address(b.Address, b.Person, i)
	if err != nil {
		return b, 0, err
	}
	r.persons = append(r.persons, model.Person{ID: b.Person, IDNumberHash: hashed("person " + b.Person.String()), CreatedAt: m.now})
	r.members = append(r.members, model.Member{ID: member, UnionID: fund.UnionID, PersonID: b.Person, Name: "张小三", PhoneHash: hashed("phone " + member.String()), Status: "active", JoinedAt: m.now, CreatedAt: m.now, UpdatedAt: m.now})
	r.addresses = append(r.addresses, address)
	r.caps = append(r.caps, model.PersonCap{PersonID: b.Person, Year: m.year, GrantedFen: grant.AmountFen})
	r.allowances = append(r.allowances, model.Allowance{ID: b.Allowance, PersonID: b.Person, MemberID: member, UnionID: fund.UnionID, FundID: fund.ID, Purse: fund.Purse, Year: m.year, Status: "active", CreatedAt: m.now, UpdatedAt: m.now})
	r.items = append(r.items, model.GrantItem{ID: item, GrantID: grant.ID, MemberID: member, PersonID: b.Person, AskedFen: grant.AmountFen, IssuedFen: grant.AmountFen, Status: "issued", AllowanceID: &b.Allowance, DecidedAt: &m.now})
	r.accounts = append(r.accounts, model.WechatAccount{ID: account, OpenID: fmt.Sprintf("chaos-%d", i), PersonID: &b.Person, BoundAt: &m.now, CreatedAt: m.now})
	r.consents = append(r.consents, model.Consent{ID: m.id(), AccountID: account, Kind: "privacy", Version: identity.PrivacyVersion, AgreedAt: m.now})
	r.sessions = append(r.sessions, model.Session{ID: m.id(), TokenHash: hashed(b.Token), Audience: "member", SubjectID: account, CreatedAt: m.now, LastSeenAt: m.now, ExpiresAt: m.now.AddDate(1, 0, 0)})
	return b, item, nil
}

// address is sealed as the product seals it.
func (m *mason) address(id, person model.ID, i int) (model.Address, error) {
	sealer, err := m.sealer()
	if err != nil {
		return model.Address{}, err
	}
	phone, err := sealer.Seal("10000000001", model.SealAddressPhone)
	if err != nil {
		return model.Address{}, err
	}
	detail, err := sealer.Seal(fmt.Sprintf("演练路 %d 号", i+1), model.SealAddressDetail)
	return model.Address{ID: id, PersonID: person, Consignee: "张小三", PhoneSealed: phone, Province: "广东省", City: "湛江市", District: "演练区", DetailSealed: detail, CreatedAt: m.now, UpdatedAt: m.now}, err
}

func (m *mason) sealer() (*model.Sealer, error) {
	key, err := model.DecodeKey(m.app.Config.HashKey)
	if err != nil {
		return nil, err
	}
	return model.NewSealer(m.app.Config.FieldKeys, key)
}
