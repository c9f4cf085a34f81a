// Package world fills a database with members who can buy and goods that can be bought: what benchmarks and fault tests need
// before the first checkout. The books are sound: reconcile passes on them. Names and numbers are invented.
package world

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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

// Options say how much there is to be; Members and SKUs may be 0.
type Options struct {
	Members   int       // each with an allowance of this year, an address and a session
	Unions    int       // that they belong to; 0: one for every 1,000 members
	SKUs      int       // each of a product of its own, ten products a supplier
	Stock     int64     // of each SKU
	Allowance model.Fen // of each member, at most the cap of ¥600
	Price     model.Fen // of each SKU
}

// World is what was made.
type World struct {
	Options
	Year    model.Year
	Members []Member
	Goods   []Goods
}

// Member is somebody who can buy.
type Member struct {
	Person, Member, Union, Allowance, Address model.ID
	Account                                   model.ID // WeChat account
	Token                                     string   // of the session, for "Authorization: Bearer"
}

// Actor is the member as services see them.
func (m Member) Actor() model.Actor {
	return model.Actor{Kind: model.ActorPerson, ID: m.Person, AccountID: m.Account, Consented: true}
}

// Goods is one SKU with what belongs to it.
type Goods struct {
	SKU, Product, Supplier, Region model.ID
	Price                          model.Fen
}

// memberBatch is how many members are stored in one transaction.
const memberBatch = 1000

// Seed makes a world in the product's database, which must be migrated and set up. It can be called again for more.
func Seed(ctx context.Context, a *app.App, o Options) (*World, error) {
	if o.Unions == 0 && o.Members > 0 {
		o.Unions = 1 + o.Members/1000
	}
	now := a.DB.Now()
	w := &World{Options: o, Year: model.YearOf(now)}
	s := &seeder{App: a, world: w, now: now}
	if err := a.Allowance.SeedDemoPolicy(ctx, w.Year); err != nil {
		return nil, err
	}
	if err := s.openSealer(); err != nil {
		return nil, err
	}
	if err := a.DB.Tx(ctx, s.shop); err != nil {
		return nil, fmt.Errorf("goods: %w", err)
	}
	root, err := a.Union.EnsureRoot(ctx, a.Config.CityUnionName)
	if err != nil {
		return nil, err
	}
	for i := range o.Unions {
		from, to := i*o.Members/o.Unions, (i+1)*o.Members/o.Unions
		if err := s.union(ctx, root, to-from); err != nil {
			return nil, fmt.Errorf("members: %w", err)
		}
	}
	if o.Members > 0 {
		_, err = a.Tally.Rebuild(ctx) // the rows came without the product; goods alone move no figure
	}
	return w, err
}

// Refresh makes all sessions as if they had just been used, so that a run within the next minute does not note that again.
func (w *World) Refresh(ctx context.Context, db *model.DB) error {
	return db.Read(ctx).Model(&model.Session{}).Where("audience = 'member'").UpdateColumn("last_seen_at", db.Now()).Error
}

type seeder struct {
	*app.App
	world         *World
	now           time.Time
	phone, detail string // sealed
}

func (s *seeder) openSealer() error {
	hashKey, err := model.DecodeKey(s.Config.HashKey)
	if err != nil {
		return err
	}
	sealer, err := model.NewSealer(s.Config.FieldKeys, hashKey)
	if err != nil {
		return err
	}
	if s.phone, err = sealer.Seal("10000000001", model.SealAddressPhone); err != nil {
		return err
	}
	s.detail, err = sealer.Seal("虚拟路 1 号", model.SealAddressDetail)
	return err
}

func insert(tx *gorm.DB, rows ...any) error {
	for _, r := range rows {
		if err := tx.CreateInBatches(r, 500).Error; err != nil && !errors.Is(err, gorm.ErrEmptySlice) {
			return fmt.Errorf("%T: %w", r, err)
		}
	}
	return nil
}

// shop stores a region, suppliers with their licences, and certified products on the shelf, each with one SKU in stock.
func (s *seeder) shop(tx *gorm.DB) error {
	now, id := s.now, s.DB.NewID
	s.world.Goods = nil // the transaction may run again
	region := model.Region{ID: id(), Province: "广东省", Status: "active", CreatedAt: now, UpdatedAt: now}
	region.Name = "虚拟县" + region.ID.String()
	var suppliers []model.Supplier
	var papers []model.Certificate
	var products []model.Product
	var skus []model.SKU
	var stocks []model.Stock
	paper := func(supplier model.ID, product *model.ID, kind string) {
		c := model.Certificate{ID: id(), SupplierID: supplier, ProductID: product, Kind: kind, Issuer: "虚拟发证机关", Status: "active", CreatedAt: now, UpdatedAt: now,
			ValidFrom: model.DateOf(now.AddDate(-1, 0, 0)), ValidUntil: model.DateOf(now.AddDate(3, 0, 0))}
		c.Number = "XN" + c.ID.String()
		papers = append(papers, c)
	}
	for i := range s.world.SKUs {
		if i%10 == 0 {
			p := model.Supplier{ID: id(), Name: fmt.Sprintf("虚拟供应商%d号", i/10+1), Contact: "联系人", Status: "active", CreatedAt: now, UpdatedAt: now}
			p.CreditCode = fmt.Sprintf("91999999%010d", int64(p.ID)%1e10)
			suppliers = append(suppliers, p)
			paper(p.ID, nil, shop.KindBusinessLicence)
			paper(p.ID, nil, shop.KindFoodLicence)
		}
		supplier := suppliers[len(suppliers)-1].ID
		p := model.Product{ID: id(), SupplierID: supplier, RegionID: region.ID, Name: fmt.Sprintf("虚拟红薯%d号", i+1), Category: "农产品", Description: "测试商品", Status: "on",
			MinPriceFen: s.world.Price, CreatedAt: now, UpdatedAt: now}
		k := model.SKU{ID: id(), ProductID: p.ID, Spec: "1 份", PriceFen: s.world.Price, Status: "on", CreatedAt: now, UpdatedAt: now}
		paper(supplier, &p.ID, shop.KindAssistanceProduct)
		products, skus, stocks = append(products, p), append(skus, k), append(stocks, model.Stock{SKUID: k.ID, UpdatedAt: now})
		s.world.Goods = append(s.world.Goods, Goods{SKU: k.ID, Product: p.ID, Supplier: supplier, Region: region.ID, Price: k.PriceFen})
	}
	if err := insert(tx, &region, &suppliers, &papers, &products, &skus, &stocks); err != nil {
		return err
	}
	for _, g := range s.world.Goods {
		err := shop.MoveStock(tx, s.DB, now, shop.Movement{SKU: g.SKU, Kind: shop.StockReceive, Cause: "seed:" + g.SKU.String(), Quantity: s.world.Stock,
			Actor: model.Actor{Kind: model.ActorSetup}})
		if err != nil {
			return err
		}
	}
	return nil
}

// union stores a grassroots union with n members who were granted the allowance from its fund.
func (s *seeder) union(ctx context.Context, root model.ID, n int) error {
	now, id, o := s.now, s.DB.NewID, s.world.Options
	u := model.Union{ID: id(), ParentID: &root, Kind: "grassroots", Depth: 1, Status: "active", CreatedAt: now, UpdatedAt: now}
	u.Name, u.Path = "虚拟基层工会"+u.ID.String(), "/"+root.String()+"/"+u.ID.String()+"/"
	fund := model.Fund{ID: id(), UnionID: u.ID, Purse: model.PurseExtra, Year: s.world.Year, CreatedAt: now, UpdatedAt: now}
	one, two := model.ID(1), model.ID(2)
	total := o.Allowance * model.Fen(n)
	topup := model.Topup{ID: id(), FundID: fund.ID, UnionID: u.ID, AmountFen: total, Status: "confirmed", EnteredBy: one, EnteredAt: now, DecidedBy: &two, DecidedAt: &now}
	topup.EvidenceNo = "XN" + topup.ID.String()
	topup.LiveEvidenceNo = &topup.EvidenceNo
	grant := model.Grant{ID: id(), UnionID: u.ID, FundID: fund.ID, Purse: fund.Purse, Year: fund.Year, Title: "测试发放", Selection: "list", FilterJSON: "{}", AmountFen: o.Allowance,
		Status: "issued", TotalItems: n, DoneItems: n, IssuedItems: n, TotalFen: total, IssuedFen: total, CreatedBy: one, CreatedAt: now, DecidedBy: &two, DecidedAt: &now,
		IssuedAt: &now, UpdatedAt: now}
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := insert(tx, &u, &model.UnionPath{UnionID: u.ID, FromAt: now, Path: u.Path}, &fund, &topup, &grant); err != nil {
			return err
		}
		return ledger.PostAll(tx, s.DB, now, []ledger.Movement{{Kind: ledger.KindFund, Cause: "topup:" + topup.ID.String(), From: ledger.Bank, To: ledger.Fund(fund.ID),
			Amount: total, Purse: fund.Purse, Year: fund.Year, Union: u.ID}})
	})
	for done := 0; done < n && err == nil; done += memberBatch {
		b := &batch{seeder: s, fund: fund, grant: grant}
		for range min(memberBatch, n-done) {
			b.add()
		}
		if err = s.DB.Tx(ctx, b.store); err == nil {
			s.world.Members = append(s.world.Members, b.made...)
		}
	}
	return err
}

// batch is some members of one union, stored together.
type batch struct {
	*seeder
	fund       model.Fund
	grant      model.Grant
	made       []Member
	persons    []model.Person
	members    []model.Member
	accounts   []model.WechatAccount
	consents   []model.Consent
	sessions   []model.Session
	addresses  []model.Address
	allowances []model.Allowance
	items      []model.GrantItem
	caps       []model.PersonCap
	moves      []ledger.Movement
}

func (b *batch) add() {
	now, id, fen := b.now, b.DB.NewID, b.world.Allowance
	m := Member{Person: id(), Member: id(), Union: b.fund.UnionID, Allowance: id(), Address: id(), Account: id()}
	m.Token = fmt.Sprintf("%043d", m.Account)
	sum := sha256.Sum256([]byte(m.Token))
	b.persons = append(b.persons, model.Person{ID: m.Person, IDNumberHash: "hash-" + m.Person.String(), CreatedAt: now})
	b.members = append(b.members, model.Member{ID: m.Member, UnionID: m.Union, PersonID: m.Person, Name: "张小三", PhoneHash: "hash-" + m.Member.String(), Status: "active",
		JoinedAt: now, CreatedAt: now, UpdatedAt: now})
	b.accounts = append(b.accounts, model.WechatAccount{ID: m.Account, OpenID: "openid-" + m.Account.String(), PersonID: &m.Person, BoundAt: &now, CreatedAt: now})
	b.consents = append(b.consents, model.Consent{ID: id(), AccountID: m.Account, Kind: "privacy", Version: identity.PrivacyVersion, AgreedAt: now})
	b.sessions = append(b.sessions, model.Session{ID: id(), TokenHash: hex.EncodeToString(sum[:]), Audience: "member", SubjectID: m.Account, CreatedAt: now, LastSeenAt: now,
		ExpiresAt: now.AddDate(1, 0, 0)})
	b.addresses = append(b.addresses, model.Address{ID: m.Address, PersonID: m.Person, Consignee: "张小三", PhoneSealed: b.phone, Province: "广东省", City: "湛江市", District: "赤坎区",
		DetailSealed: b.detail, IsDefault: true, CreatedAt: now, UpdatedAt: now})
	b.allowances = append(b.allowances, model.Allowance{ID: m.Allowance, PersonID: m.Person, MemberID: m.Member, UnionID: m.Union, FundID: b.fund.ID, Purse: b.fund.Purse,
		Year: b.fund.Year, Status: "active", CreatedAt: now, UpdatedAt: now})
	item := model.GrantItem{ID: id(), GrantID: b.grant.ID, MemberID: m.Member, PersonID: m.Person, AskedFen: fen, IssuedFen: fen, Status: "issued", AllowanceID: &m.Allowance, DecidedAt: &now}
	b.items = append(b.items, item)
	b.caps = append(b.caps, model.PersonCap{PersonID: m.Person, Year: b.fund.Year, GrantedFen: fen})
	b.moves = append(b.moves, ledger.Movement{Kind: ledger.KindGrant, Cause: "grant_item:" + item.ID.String(), From: ledger.Fund(b.fund.ID), To: ledger.Allowance(m.Allowance),
		Amount: fen, Purse: b.fund.Purse, Year: b.fund.Year, Union: m.Union})
	b.made = append(b.made, m)
}

func (b *batch) store(tx *gorm.DB) error {
	err := insert(tx, &b.persons, &b.members, &b.accounts, &b.consents, &b.sessions, &b.addresses, &b.allowances, &b.items, &b.caps)
	if err != nil {
		return err
	}
	if err := model.CountMembers(tx, b.fund.UnionID, len(b.members)); err != nil {
		return err
	}
	return ledger.PostAll(tx, b.DB, b.now, b.moves)
}

// Open opens the product on a database in this process: brings its schema up to date and sets up what every installation
// needs. env are settings, NAME=value.
func Open(ctx context.Context, env []string, o app.Options) (*app.App, error) {
	cfg, err := config.Load(env)
	if err != nil {
		return nil, err
	}
	if _, err := app.Migrate(ctx, cfg, o); err != nil {
		return nil, err
	}
	a, err := app.Open(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	if err := a.Setup(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}
