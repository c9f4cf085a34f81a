package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/order"
	"bangfu/service/reconcile"
	"bangfu/service/shop"
)

// buyer is a member with an allowance of this year's extra purse and an address, and a client in a session of theirs.
type buyer struct {
	*client
	Person, Member, Address model.ID
	Allowance               model.Allowance
}

// actor is the buyer as services see them.
func (b buyer) actor() model.Actor { return model.Actor{Kind: model.ActorPerson, ID: b.Person} }

// buyer makes one buyer of the union who was granted fen.
func (h *house) buyer(u model.Union, fen model.Fen) buyer {
	h.t.Helper()
	return h.buyers(u, 1, fen)[0]
}

// buyers makes n persons on the union's roster, each granted fen, with sound books: a confirmed top-up and one grant.
func (h *house) buyers(u model.Union, n int, fen model.Fen) []buyer {
	h.t.Helper()
	list := make([]buyer, n)
	for i := range list {
		list[i].Person = h.DB.NewID()
	}
	h.grantTo(u, list, fen)
	for i := range list {
		list[i].client = h.memberAs(list[i].Person)
	}
	return list
}

// joins puts a buyer on another union's roster too and grants fen there; it returns the allowance.
func (h *house) joins(b buyer, u model.Union, fen model.Fen) model.Allowance {
	h.t.Helper()
	list := []buyer{b}
	h.grantTo(u, list, fen)
	return list[0].Allowance
}

// grantTo stores members, addresses, top-up, grant and allowances for the persons of list, and fills in their ids.
func (h *house) grantTo(u model.Union, list []buyer, fen model.Fen) {
	h.t.Helper()
	now, year := h.clock.Now(), model.YearOf(h.clock.Now())
	h.policy(year)
	fund := h.fund(u, year)
	one, two := model.ID(1), model.ID(2)
	total := fen * model.Fen(len(list))
	topup := model.Topup{ID: h.DB.NewID(), FundID: fund.ID, UnionID: u.ID, AmountFen: total, Status: "confirmed", EnteredBy: one, EnteredAt: now, DecidedBy: &two, DecidedAt: &now}
	topup.EvidenceNo = "XN" + topup.ID.String()
	grant := model.Grant{ID: h.DB.NewID(), UnionID: u.ID, FundID: fund.ID, Purse: fund.Purse, Year: year, Title: "测试发放", Selection: "list", FilterJSON: "{}", AmountFen: fen, Status: "issued",
		TotalItems: len(list), DoneItems: len(list), IssuedItems: len(list), TotalFen: total, IssuedFen: total, CreatedBy: one, CreatedAt: now, DecidedBy: &two, DecidedAt: &now, IssuedAt: &now, UpdatedAt: now}
	moves := []ledger.Movement{{Kind: ledger.KindFund, Cause: "topup:" + topup.ID.String(), From: ledger.Bank, To: ledger.Fund(fund.ID), Amount: total, Purse: fund.Purse, Year: year, Union: u.ID}}
	var persons []model.Person
	var members []model.Member
	var addresses []model.Address
	var allowances []model.Allowance
	var items []model.GrantItem
	for i := range list {
		b := &list[i]
		if b.Member == 0 {
			persons = append(persons, model.Person{ID: b.Person, IDNumberHash: "hash-" + b.Person.String(), CreatedAt: now})
			b.Address = h.DB.NewID()
			addresses = append(addresses, h.address(b.Address, b.Person))
		}
		b.Member = h.DB.NewID()
		members = append(members, model.Member{ID: b.Member, UnionID: u.ID, PersonID: b.Person, Name: "张小三", PhoneHash: "hash-" + b.Member.String(), Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now})
		b.Allowance = model.Allowance{ID: h.DB.NewID(), PersonID: b.Person, MemberID: b.Member, UnionID: u.ID, FundID: fund.ID, Purse: fund.Purse, Year: year, Status: "active", CreatedAt: now, UpdatedAt: now}
		allowances = append(allowances, b.Allowance)
		item := model.GrantItem{ID: h.DB.NewID(), GrantID: grant.ID, MemberID: b.Member, PersonID: b.Person, AskedFen: fen, IssuedFen: fen, Status: "issued", AllowanceID: &b.Allowance.ID, DecidedAt: &now}
		items = append(items, item)
		moves = append(moves, ledger.Movement{Kind: ledger.KindGrant, Cause: "grant_item:" + item.ID.String(), From: ledger.Fund(fund.ID), To: ledger.Allowance(b.Allowance.ID),
			Amount: fen, Purse: fund.Purse, Year: year, Union: u.ID})
	}
	err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		for _, rows := range []any{&topup, &grant, &persons, &members, &addresses, &allowances, &items} {
			if err := tx.CreateInBatches(rows, 200).Error; err != nil && !errors.Is(err, gorm.ErrEmptySlice) {
				return fmt.Errorf("%T: %w", rows, err)
			}
		}
		for _, b := range list {
			if err := addCap(tx, b.Person, year, fen); err != nil {
				return err
			}
		}
		if err := model.CountMembers(tx, u.ID, len(members)); err != nil {
			return err
		}
		return ledger.PostAll(tx, h.DB, now, moves)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func addCap(tx *gorm.DB, person model.ID, year model.Year, fen model.Fen) error {
	res := tx.Model(&model.PersonCap{}).Where("person_id = ? AND year = ?", person, year).UpdateColumn("granted_fen", gorm.Expr("granted_fen + ?", fen))
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	return tx.Create(&model.PersonCap{PersonID: person, Year: year, GrantedFen: fen}).Error
}

// policy makes a policy for the year if there is none.
func (h *house) policy(year model.Year) {
	h.t.Helper()
	var n int64
	if err := h.DB.Read(context.Background()).Model(&model.Policy{}).Where("year = ?", year).Count(&n).Error; err != nil {
		h.t.Fatal(err)
	}
	if n == 0 {
		now := h.clock.Now()
		h.insert(&model.Policy{ID: h.DB.NewID(), Year: year, DocumentNo: "虚拟文号", Title: "测试政策", CapFen: 600_00, StartsOn: model.DateOf(year.Start()), EndsOn: model.DateOf(year.End().Add(-time.Hour)), Demo: true, CreatedAt: now, UpdatedAt: now})
	}
}

// fund is the union's fund of the extra purse, made if there is none.
func (h *house) fund(u model.Union, year model.Year) model.Fund {
	h.t.Helper()
	var f model.Fund
	err := h.DB.Read(context.Background()).Where("union_id = ? AND purse = ? AND year = ?", u.ID, model.PurseExtra, year).Take(&f).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		now := h.clock.Now()
		f = model.Fund{ID: h.DB.NewID(), UnionID: u.ID, Purse: model.PurseExtra, Year: year, CreatedAt: now, UpdatedAt: now}
		h.insert(&f)
		return f
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

// address is a delivery address of the person, sealed as the product does.
func (h *house) address(id, person model.ID) model.Address {
	h.t.Helper()
	sealer := h.sealer()
	phone, err := sealer.Seal("10000000001", model.SealAddressPhone)
	if err != nil {
		h.t.Fatal(err)
	}
	detail, err := sealer.Seal("虚拟路 1 号", model.SealAddressDetail)
	if err != nil {
		h.t.Fatal(err)
	}
	now := h.clock.Now()
	return model.Address{ID: id, PersonID: person, Consignee: "张小三", PhoneSealed: phone, Province: "广东省", City: "湛江市", District: "赤坎区", DetailSealed: detail, CreatedAt: now, UpdatedAt: now}
}

// cart is quantity of each SKU at its price, sent to the buyer's address.
func (b buyer) cart(quantity int64, skus ...model.SKU) order.Cart {
	c := order.Cart{AddressID: b.Address}
	for _, k := range skus {
		c.Items = append(c.Items, order.Item{SKUID: k.ID, Quantity: quantity, PriceFen: k.PriceFen})
		c.TotalFen += k.PriceFen * model.Fen(quantity)
	}
	return c
}

// buys places an order that must succeed.
func (b buyer) buys(key string, c order.Cart) order.Placed {
	b.t.Helper()
	var p order.Placed
	b.money("/api/v1/member/orders", key, c).ok(&p)
	return p
}

// balance is what an allowance has left.
func (h *house) balance(id model.ID) model.Fen {
	h.t.Helper()
	var a model.Allowance
	if err := h.DB.Read(context.Background()).Take(&a, id).Error; err != nil {
		h.t.Fatal(err)
	}
	return a.BalanceFen
}

// fundBalance is what a fund holds.
func (h *house) fundBalance(id model.ID) model.Fen {
	h.t.Helper()
	var f model.Fund
	if err := h.DB.Read(context.Background()).Take(&f, id).Error; err != nil {
		h.t.Fatal(err)
	}
	return f.BalanceFen
}

// count counts rows of an entity.
func (h *house) count(entity any, where string, args ...any) int64 {
	h.t.Helper()
	var n int64
	if err := h.DB.Read(context.Background()).Model(entity).Where(where, args...).Count(&n).Error; err != nil {
		h.t.Fatal(err)
	}
	return n
}

// sound holds all invariants of the books against the database.
func (h *house) sound(t testing.TB) {
	t.Helper()
	report, err := reconcile.Run(context.Background(), h.DB)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		var out strings.Builder
		_ = report.Write(&out)
		t.Error(out.String())
	}
}

// in is the buyer whose failures end the subtest t.
func (b buyer) in(t testing.TB) buyer {
	c := *b.client
	c.t = t
	b.client = &c
	return b
}

// adjust changes the stock of a SKU by quantity.
func (h *house) adjust(sku model.ID, quantity int64) {
	h.t.Helper()
	err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		return shop.MoveStock(tx, h.DB, h.clock.Now(), shop.Movement{SKU: sku, Kind: shop.StockAdjust, Cause: "fixture:" + h.DB.NewID().String(),
			Quantity: quantity, Actor: model.Actor{Kind: model.ActorSetup}})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// code is the code of an error answer.
func (a *answer) code() model.Code {
	a.t.Helper()
	var body struct{ Error apiError }
	if err := json.Unmarshal(a.Body, &body); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	return body.Error.Code
}
