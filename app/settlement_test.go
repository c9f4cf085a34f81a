package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/aftersale"
	"bangfu/service/identity"
	"bangfu/service/order"
	"bangfu/service/settlement"
)

const consolePath = "/api/v1/console/"

// till is a stall with two people of the city federation who pay suppliers.
type till struct {
	*stall
	maker, checker *client
	n              int
}

func newTill(t testing.TB) *till {
	t.Helper()
	s := newStall(t)
	return &till{stall: s, maker: s.staffAs(identity.RoleCityFederation, s.root()), checker: s.staffAs(identity.RoleCityFederation, s.root())}
}

func (x *till) key() string { x.n++; return fmt.Sprintf("settle-%04d", x.n) }

// bought is an order of the stall's i-th SKU, shipped and received.
func (x *till) bought(b buyer, quantity int64, i int) model.ID {
	x.t.Helper()
	p := b.buys(x.key(), b.cart(quantity, x.shop.SKUs[i]))
	x.deliver(b, p.ID, i/2)
	return p.ID
}

// deliver ships and receives every parcel of an order of the i-th supplier.
func (x *till) deliver(b buyer, id model.ID, i int) {
	x.t.Helper()
	for _, part := range x.detail(b.client, id).Parcels {
		x.supplierStaff(i).post(consolePath+"parcels/"+part.ID.String()+"/ship", order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"}).ok(nil)
		b.post("/api/v1/member/parcels/"+part.ID.String()+"/confirm", nil).ok(nil)
	}
}

// account gives the i-th supplier a confirmed bank account.
func (x *till) account(i int, name, number string) settlement.AccountView {
	x.t.Helper()
	var v settlement.AccountView
	x.maker.post(x.supplierPath(i)+"/bank-accounts", map[string]string{"account_name": name, "bank": "虚拟银行湛江支行", "account_no": number}).ok(&v)
	x.checker.post(consolePath+"bank-accounts/"+v.ID.String()+"/confirm", map[string]string{"account_no": number}).ok(&v)
	return v
}

func (x *till) supplierPath(i int) string {
	return consolePath + "suppliers/" + x.shop.Suppliers[i].ID.String()
}

func (x *till) owed(i int) settlement.OwedView {
	x.t.Helper()
	var v settlement.OwedView
	x.maker.get(x.supplierPath(i) + "/balance").ok(&v)
	return v
}

// expect holds what the i-th supplier is owed: waiting, ready, in a batch, paid.
func (x *till) expect(i int, waiting, ready, inBatch, paid model.Fen) {
	x.t.Helper()
	if v := x.owed(i); v.WaitingFen != waiting || v.ReadyFen != ready || v.InBatchFen != inBatch || v.PaidFen != paid || v.OwedFen != waiting+ready+inBatch {
		x.t.Errorf("supplier %d: %+v, want %d %d %d %d", i, v, waiting, ready, inBatch, paid)
	}
}

// makes a batch up to today and runs the job.
func (x *till) makes(suppliers ...model.ID) settlement.BatchView {
	x.t.Helper()
	var v settlement.BatchView
	in := map[string]any{"period_to": string(model.DateOf(x.clock.Now()))}
	if len(suppliers) > 0 {
		in["supplier_ids"] = suppliers
	}
	if a := x.maker.money(consolePath+"settlement-batches", x.key(), in).ok(&v); a.Status != http.StatusAccepted || v.Status != "preparing" {
		x.t.Fatalf("%d %s", a.Status, a.Body)
	}
	x.drain()
	return x.batch(v.ID)
}

func (x *till) batch(id model.ID) (v settlement.BatchView) {
	x.t.Helper()
	x.maker.get(batchPath(id)).ok(&v)
	return v
}

func batchPath(id model.ID) string { return consolePath + "settlement-batches/" + id.String() }

func (x *till) parts(id model.ID) []settlement.View {
	x.t.Helper()
	var v model.List[settlement.View]
	x.maker.get(batchPath(id) + "/settlements").ok(&v)
	return v.Items
}

func (x *till) confirms(id model.ID) {
	x.t.Helper()
	x.checker.money(batchPath(id)+"/confirm", x.key(), map[string]string{}).ok(nil)
}

// receipt is the bank's receipt, uploaded.
func (x *till) receipt() map[string]any {
	x.t.Helper()
	var f struct{ ID model.ID }
	x.maker.upload(consolePath+"payment-evidence", "回单.pdf", []byte("%PDF-1.4 demo"), nil).ok(&f)
	return map[string]any{"evidence_no": "XN回单" + f.ID.String(), "evidence_file_id": f.ID}
}

// giveBack refunds pieces of an order's first line.
func (x *till) giveBack(id model.ID, quantity int64) {
	x.t.Helper()
	var line model.OrderLine
	if err := x.DB.Read(context.Background()).Where("order_id = ?", id).Take(&line).Error; err != nil {
		x.t.Fatal(err)
	}
	err := x.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		_, err := x.Order.GiveBack(tx, model.Clockwork(), x.clock.Now(), order.Return{Order: id, Kind: order.RefundCancel, Reason: "破损", Lines: []order.ReturnLine{{LineID: line.ID, Quantity: quantity}}})
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

// TestSettlementStory follows money from received orders to the bank: what is owed and when, two people, the bank's file, marking paid
// with evidence, and the statement after it.
func TestSettlementStory(t *testing.T) {
	x := newTill(t)
	b := x.buyer(x.union, 600_00)
	first := x.bought(b, 2, 0) // ¥100 of supplier 0
	b.buys(x.key(), b.cart(1, x.shop.SKUs[1]))
	gone := b.buys(x.key(), b.cart(1, x.shop.SKUs[0])) // cancelled before shipping
	b.money(ordersPath+"/"+gone.ID.String()+"/cancel", x.key(), map[string]string{"reason": "不要了"}).ok(nil)
	x.bought(b, 1, 2) // ¥128 of supplier 1
	x.expect(0, 150_00, 0, 0, 0)
	x.expect(1, 128_00, 0, 0, 0)

	x.travel(x.clock.Now().Add(7*24*time.Hour - time.Millisecond))
	if v := x.makes(); v.Status != "cancelled" || !strings.Contains(v.StopReason, "没有可以结算") {
		t.Errorf("too early: %+v", v)
	}
	x.travel(x.clock.Now().Add(time.Millisecond))
	x.expect(0, 50_00, 100_00, 0, 0)
	x.account(0, x.shop.Suppliers[0].Name, "9999 0000 0000 0001")

	v := x.makes()
	if v.Status != "draft" || v.Settlements != 1 || v.TotalFen != 100_00 || v.PeriodFrom != "2025-03-03" || v.PeriodTo != "2025-03-10" || v.MadeBy.ID != x.maker.staff.ID {
		t.Fatalf("%+v", v)
	}
	x.expect(0, 50_00, 0, 100_00, 0)
	parts := x.parts(v.ID)
	if len(parts) != 2 || parts[0].AmountFen != 100_00 || parts[0].BankAccount.AccountNo != "****0001" || parts[0].Items != 3 || parts[1].Status != "skipped" ||
		!strings.Contains(parts[1].Reason, "没有已确认的收款账户，应付的 128.00 元") {
		t.Fatalf("%+v", parts)
	}
	evidence := x.receipt()
	x.maker.money(batchPath(v.ID)+"/confirm", x.key(), map[string]string{}).fails(model.CodeSamePerson)
	x.maker.money(batchPath(v.ID)+"/pay", x.key(), evidence).fails(model.CodeConflict)
	x.maker.get(batchPath(v.ID) + "/bank-file").fails(model.CodeConflict)
	x.supplierStaff(0).get(x.supplierPath(0) + "/settlements").ok(nil)
	x.confirms(v.ID)
	x.checker.post(batchPath(v.ID)+"/cancel", map[string]string{"reason": "太晚了"}).fails(model.CodeConflict)

	x.bankFileSays(t, v.ID, [][]string{{"1", x.shop.Suppliers[0].Name, "9999000000000001", "虚拟银行湛江支行", "100.00", "消费帮扶货款 结算单" + parts[0].ID.String()}}, "100.00")
	if got := x.batch(v.ID); got.Status != "exported" || got.Exports != 1 {
		t.Errorf("%+v", got)
	}

	x.maker.money(batchPath(v.ID)+"/pay", x.key(), map[string]any{"evidence_no": "XN1", "evidence_file_id": "123"}).fails(model.CodeInvalid)
	x.maker.money(batchPath(v.ID)+"/pay", x.key(), map[string]any{"evidence_no": " ", "evidence_file_id": evidence["evidence_file_id"]}).fails(model.CodeInvalid)
	key := x.key()
	for range 2 { // the same key again changes nothing
		x.maker.money(batchPath(v.ID)+"/pay", key, evidence).ok(&v)
	}
	if v.Status != "paid" || v.PaidFen != 100_00 || v.ClosedAt == nil {
		t.Errorf("%+v", v)
	}
	x.maker.money(batchPath(v.ID)+"/pay", x.key(), evidence).fails(model.CodeConflict)
	x.maker.post(consolePath+"settlements/"+parts[0].ID.String()+"/fail", map[string]string{"reason": "退"}).fails(model.CodeConflict)
	x.expect(0, 50_00, 0, 0, 100_00)
	x.sound(t)
	x.supplierReads(t, first, parts[0].ID)
}

// bankFileSays opens the bank's workbook again and holds it and the trail of its making against what they should be.
func (x *till) bankFileSays(t *testing.T, batch model.ID, want [][]string, total string) {
	t.Helper()
	a := x.checker.get(batchPath(batch) + "/bank-file").ok(nil)
	book, err := excelize.OpenReader(bytes.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("付款清单")
	if err != nil {
		t.Fatal(err)
	}
	if head := strings.Join(rows[0], "|"); head != "序号|收款人户名|收款账号|开户行|金额（元）|用途/附言" {
		t.Error(head)
	}
	for i, w := range want {
		if got := strings.Join(rows[i+1], "|"); got != strings.Join(w, "|") {
			t.Errorf("row %d: %s, want %v", i+1, got, w)
		}
	}
	last := rows[len(rows)-1]
	if len(rows) != len(want)+2 || last[0] != "合计" || last[4] != total {
		t.Errorf("%v", rows)
	}
	for i := range rows {
		for _, column := range []string{"B", "C", "D", "F"} {
			ref := fmt.Sprintf("%s%d", column, i+1)
			kind, _ := book.GetCellType("付款清单", ref)
			if formula, _ := book.GetCellFormula("付款清单", ref); formula != "" || kind == excelize.CellTypeNumber {
				t.Errorf("%s is not a text", ref)
			}
		}
	}
	sum := sha256.Sum256(a.Body)
	if x.count(&model.AuditEntry{}, "action = 'settlement.export' AND detail LIKE ?", "%"+hex.EncodeToString(sum[:])+"%") != 1 {
		t.Error("the file's hash is not in the trail")
	}
}

// supplierReads holds what the supplier itself sees, and that it sees nothing of another.
func (x *till) supplierReads(t *testing.T, first, paid model.ID) {
	t.Helper()
	own, other := x.supplierStaff(0), x.supplierStaff(1)
	query := "/statement?from=2025-03-01&to=2025-03-31"
	var v settlement.StatementView
	own.get(x.supplierPath(0) + query + "&limit=2").ok(&v)
	if v.OpeningFen != 0 || v.SalesFen != 200_00 || v.RefundsFen != 50_00 || v.PaidFen != 100_00 || v.ClosingFen != 50_00 || len(v.Payments) != 1 || v.Payments[0].SettlementID != paid {
		t.Errorf("%+v", v)
	}
	if len(v.Lines.Items) != 2 || v.Lines.NextCursor == nil || v.Lines.Items[0].OrderID != first || v.Lines.Items[0].NetFen != 100_00 || v.Lines.Items[0].ReceivedAt == nil {
		t.Errorf("%+v", v.Lines)
	}
	var rest settlement.StatementView
	own.get(x.supplierPath(0) + query + "&cursor=" + v.Lines.NextCursor.String()).ok(&rest)
	if len(rest.Lines.Items) != 1 || rest.Lines.Items[0].NetFen != 0 || rest.Lines.Items[0].RefundedFen != 50_00 {
		t.Errorf("%+v", rest.Lines)
	}
	own.get(x.supplierPath(0) + "/statement?from=2025-03-01&to=2025-02-01").fails(model.CodeInvalid)
	own.get(x.supplierPath(0) + "/statement?from=2024-01-01&to=2025-02-01").fails(model.CodeInvalid)
	for _, path := range []string{"/balance", "/settlements", query, "/statement/export?from=2025-03-01&to=2025-03-31", "/bank-accounts"} {
		other.get(x.supplierPath(0) + path).fails(model.CodeNotFound)
	}
	var list model.List[settlement.View]
	own.get(x.supplierPath(0) + "/settlements").ok(&list)
	if len(list.Items) != 1 || list.Items[0].Status != "paid" || list.Items[0].EvidenceNo == "" {
		t.Errorf("%+v", list)
	}
	var items model.List[settlement.ItemView]
	own.get(consolePath + "settlements/" + paid.String() + "/items").ok(&items)
	if len(items.Items) != 3 || items.Items[0].AmountFen != 100_00 || items.Items[2].AmountFen != -50_00 {
		t.Errorf("%+v", items)
	}
	other.get(consolePath + "settlements/" + paid.String()).fails(model.CodeNotFound)

	book, err := excelize.OpenReader(bytes.NewReader(own.get(x.supplierPath(0) + "/statement/export?from=2025-03-01&to=2025-03-31").ok(nil).Body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("对账单")
	if err != nil || len(rows) != 11 {
		t.Fatal(err, rows)
	}
	for i, want := range map[int]string{1: "100.00", 4: "150.00", 5: "0.00", 7: "100.00", 8: "50.00", 9: "100.00"} {
		if got := rows[i][5]; got != want {
			t.Errorf("row %d %v: %s, want %s", i+1, rows[i], got, want)
		}
	}
}

// TestSettlementBankAccounts shows that an account counts once a second person has typed its number again, that a change does so
// too, and that a batch made with the old account cannot be confirmed.
func TestSettlementBankAccounts(t *testing.T) {
	x := newTill(t)
	path := x.supplierPath(0) + "/bank-accounts"
	input := map[string]string{"account_name": "=HYPERLINK(\"x\")", "bank": "虚拟银行", "account_no": "99990000 0000-0001"}
	x.maker.post(path, map[string]string{"account_name": "甲", "bank": "乙", "account_no": "12345x678"}).fails(model.CodeInvalid)
	var v settlement.AccountView
	x.maker.post(path, input).ok(&v)
	if !v.NameDiffers || v.AccountNo != "****0001" || v.Version != 1 {
		t.Errorf("%+v", v)
	}
	x.maker.post(path, input).fails(model.CodeConflict)
	confirm := consolePath + "bank-accounts/" + v.ID.String() + "/confirm"
	x.maker.post(confirm, map[string]string{"account_no": "9999000000000001"}).fails(model.CodeSamePerson)
	x.checker.post(confirm, map[string]string{"account_no": "9999000000000002"}).fails(model.CodeInvalid)
	if x.owed(0).BankAccount != nil {
		t.Error("in use before it was confirmed")
	}
	x.checker.post(confirm, map[string]string{"account_no": "9999 0000 0000 0001"}).ok(nil)
	x.checker.post(confirm, map[string]string{"account_no": "9999000000000001"}).fails(model.CodeConflict)

	b := x.buyer(x.union, 600_00)
	x.bought(b, 1, 0)
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	old := x.makes()
	second := x.account(0, x.shop.Suppliers[0].Name, "9999000000000009")
	if e := x.checker.money(batchPath(old.ID)+"/confirm", x.key(), map[string]string{}).fails(model.CodeConflict); !strings.Contains(e.Message, "收款账户有变更") {
		t.Error(e.Message)
	}
	x.maker.post(batchPath(old.ID)+"/cancel", map[string]string{"reason": "账户变更"}).ok(nil)
	x.expect(0, 0, 50_00, 0, 0)
	fresh := x.makes()
	if p := x.parts(fresh.ID); len(p) != 1 || p[0].BankAccount.ID != second.ID {
		t.Errorf("%+v", p)
	}
	var rejected settlement.AccountView
	x.maker.post(path, input).ok(&rejected)
	x.checker.post(consolePath+"bank-accounts/"+rejected.ID.String()+"/reject", map[string]string{"note": "与原件不符"}).ok(&rejected)
	if x.owed(0).BankAccount.ID != second.ID || rejected.Version != 3 || rejected.Status != "rejected" {
		t.Errorf("%+v", rejected)
	}
	var list model.List[settlement.AccountView]
	x.supplierStaff(0).get(path).ok(&list)
	if len(list.Items) != 3 || list.Items[2].Status != "replaced" {
		t.Errorf("%+v", list)
	}
}

// TestSettlementRefunds shows refunds of money that was paid out before: they come off the next payment, wait while they are more than
// what is due, and are never taken twice.
func TestSettlementRefunds(t *testing.T) {
	x := newTill(t)
	x.account(0, x.shop.Suppliers[0].Name, "9999000000000001")
	b := x.buyer(x.union, 600_00)
	first, partly := x.bought(b, 3, 0), x.bought(b, 2, 1) // ¥150 and ¥100
	x.giveBack(partly, 1)                                 // before the settlement: in it
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	one := x.makes()
	x.giveBack(first, 1) // while it is in an open batch
	if one.TotalFen != 200_00 {
		t.Errorf("%+v", one)
	}
	x.expect(0, 0, -50_00, 200_00, 0)
	x.confirms(one.ID)
	x.maker.money(batchPath(one.ID)+"/pay", x.key(), x.receipt()).ok(nil)
	x.giveBack(first, 1)
	x.expect(0, 0, -100_00, 0, 200_00)
	x.sound(t)

	x.bought(b, 1, 0) // ¥50: less than what is to be taken off
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	none := x.makes()
	if p := x.parts(none.ID); none.Status != "cancelled" || len(p) != 1 || p[0].Status != "skipped" || !strings.Contains(p[0].Reason, "多 50.00 元") {
		t.Errorf("%+v %+v", none, p)
	}
	x.bought(b, 3, 1)
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	two := x.makes()
	if two.TotalFen != 100_00 {
		t.Errorf("%+v", two)
	}
	x.confirms(two.ID)
	x.maker.money(batchPath(two.ID)+"/pay", x.key(), x.receipt()).ok(nil)
	x.expect(0, 0, 0, 0, 300_00)
}

// TestSettlementWaitsForAfterSales shows that a parcel with an open after-sales case is not paid out, and is once the case has ended.
func TestSettlementWaitsForAfterSales(t *testing.T) {
	x := newTill(t)
	x.account(0, x.shop.Suppliers[0].Name, "9999000000000001")
	b := x.buyer(x.union, 600_00)
	id, now := x.bought(b, 1, 0), x.clock.Now()
	x.bought(b, 1, 1)
	part := x.detail(b.client, id).Parcels[0]
	sale, err := x.AfterSale.Open(t.Context(), b.actor(), "settle-case", id, aftersale.NewCase{Kind: "refund_only", Reason: "quality", Lines: []order.ReturnLine{{LineID: part.Lines[0].ID, Quantity: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	x.travel(now.AddDate(0, 0, 8))
	x.expect(0, 50_00, 50_00, 0, 0)
	if v := x.makes(); v.TotalFen != 50_00 {
		t.Errorf("%+v", v)
	}
	if _, err := x.AfterSale.Withdraw(t.Context(), b.actor(), sale.ID); err != nil {
		t.Fatal(err)
	}
	x.expect(0, 0, 50_00, 50_00, 0)
}

// TestSettlementRefused shows that a payment which the bank refused frees its money for the next batch, keeps its history, and leaves
// the rest of the batch alone.
func TestSettlementRefused(t *testing.T) {
	x := newTill(t)
	x.account(0, x.shop.Suppliers[0].Name, "9999000000000001")
	x.account(1, x.shop.Suppliers[1].Name, "9999000000000002")
	b := x.buyer(x.union, 600_00)
	x.bought(b, 1, 0)
	x.bought(b, 1, 2)
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	v := x.makes()
	p := x.parts(v.ID)
	fail := consolePath + "settlements/" + p[0].ID.String() + "/fail"
	x.maker.post(fail, map[string]string{"reason": "户名不符"}).fails(model.CodeConflict) // not confirmed yet
	x.confirms(v.ID)
	x.maker.post(fail, map[string]string{"reason": " "}).fails(model.CodeInvalid)
	x.maker.post(fail, map[string]string{"reason": "户名不符"}).ok(nil)
	x.bankFileSays(t, v.ID, [][]string{{"1", x.shop.Suppliers[1].Name, "9999000000000002", "虚拟银行湛江支行", "128.00", "消费帮扶货款 结算单" + p[1].ID.String()}}, "128.00")
	x.expect(0, 0, 50_00, 0, 0)
	again := x.makes()
	x.maker.money(consolePath+"settlements/"+p[0].ID.String()+"/pay", x.key(), x.receipt()).fails(model.CodeConflict)
	var one settlement.View
	x.maker.money(consolePath+"settlements/"+p[1].ID.String()+"/pay", x.key(), x.receipt()).ok(&one)
	if got := x.batch(v.ID); one.Status != "paid" || got.Status != "paid" || got.PaidFen != 128_00 || got.TotalFen != 178_00 {
		t.Errorf("%+v %+v", one, got)
	}
	x.confirms(again.ID)
	x.maker.post(consolePath+"settlements/"+x.parts(again.ID)[0].ID.String()+"/fail", map[string]string{"reason": "账号已销户"}).ok(nil)
	if got := x.batch(again.ID); got.Status != "failed" {
		t.Errorf("%+v", got)
	}
	var items model.List[settlement.ItemView]
	x.maker.get(consolePath + "settlements/" + p[0].ID.String() + "/items").ok(&items)
	if len(items.Items) != 1 {
		t.Errorf("history is gone: %+v", items)
	}
	x.expect(0, 0, 50_00, 0, 0)
}

// TestSettlementTwoBatchesAtOnce shows that batches made at once take each movement once.
func TestSettlementTwoBatchesAtOnce(t *testing.T) {
	x := newTill(t)
	x.account(0, x.shop.Suppliers[0].Name, "9999000000000001")
	x.account(1, x.shop.Suppliers[1].Name, "9999000000000002")
	for _, b := range x.buyers(x.union, 5, 600_00) {
		x.bought(b, 1, 0)
		x.bought(b, 1, 2)
	}
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	for range 4 {
		x.maker.money(consolePath+"settlement-batches", x.key(), map[string]any{"period_to": "2025-03-11"}).ok(nil)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { x.drain() })
	}
	wg.Wait()
	x.drain()
	x.expect(0, 0, 0, 250_00, 0)
	x.expect(1, 0, 0, 640_00, 0)
	if n := x.count(&model.SettlementItem{}, "live_transfer_id IS NOT NULL"); n != 10 {
		t.Errorf("%d items", n)
	}
	var rows []model.Settlement
	if err := x.DB.Read(context.Background()).Where("status = 'open'").Find(&rows).Error; err != nil || len(rows) != 2 {
		t.Fatal(err, rows)
	}
	// Paying at once, many times over, pays once.
	for _, id := range []model.ID{rows[0].BatchID, rows[1].BatchID} {
		if x.batch(id).Status == "draft" {
			x.confirms(id)
		}
		evidence, keys := x.receipt(), []string{x.key(), x.key(), x.key(), x.key()}
		for _, k := range keys {
			wg.Go(func() { x.maker.money(batchPath(id)+"/pay", k, evidence) })
		}
		wg.Wait()
	}
	x.expect(0, 0, 0, 0, 250_00)
	x.expect(1, 0, 0, 0, 640_00)
	if n := x.count(&model.Transfer{}, "kind = 'settle'"); n != 2 {
		t.Errorf("%d payments", n)
	}
}

// TestSettlementMakingBreaksOff shows that making a batch which was broken off after any supplier is taken up where it stopped, and that
// one cancelled meanwhile stays so.
func TestSettlementMakingBreaksOff(t *testing.T) {
	x := newTill(t)
	b := x.buyer(x.union, 600_00)
	x.account(0, x.shop.Suppliers[0].Name, "9999000000000001")
	x.account(1, x.shop.Suppliers[1].Name, "9999000000000002")
	x.bought(b, 1, 0)
	x.bought(b, 1, 2)
	x.travel(x.clock.Now().AddDate(0, 0, 8))
	ctx := context.Background()
	var v settlement.BatchView
	x.maker.money(consolePath+"settlement-batches", x.key(), map[string]any{"period_to": "2025-03-11"}).ok(&v)
	// The process dies after the first supplier: its progress is what was committed with it.
	if over, err := x.Settlement.PrepareStep(ctx, v.ID); over || err != nil {
		t.Fatal(over, err)
	}
	if got := x.batch(v.ID); got.Settlements != 1 || got.Status != "preparing" {
		t.Fatalf("%+v", got)
	}
	x.checker.money(batchPath(v.ID)+"/confirm", x.key(), map[string]string{}).fails(model.CodeConflict)
	x.drain()
	if got := x.batch(v.ID); got.Status != "draft" || got.Settlements != 2 || got.TotalFen != 178_00 {
		t.Fatalf("%+v", got)
	}
	x.maker.post(batchPath(v.ID)+"/cancel", map[string]string{"reason": "重做"}).ok(nil)

	x.maker.money(consolePath+"settlement-batches", x.key(), map[string]any{"period_to": "2025-03-11"}).ok(&v)
	if _, err := x.Settlement.PrepareStep(ctx, v.ID); err != nil {
		t.Fatal(err)
	}
	x.maker.post(batchPath(v.ID)+"/cancel", map[string]string{"reason": "不做了"}).ok(nil)
	x.drain()
	if got := x.batch(v.ID); got.Status != "cancelled" {
		t.Errorf("%+v", got)
	}
	x.expect(0, 0, 50_00, 0, 0)
	x.expect(1, 0, 128_00, 0, 0)
}

// TestSettlementInput shows what a batch is refused for, and who may make one.
func TestSettlementInput(t *testing.T) {
	x := newTill(t)
	path := consolePath + "settlement-batches"
	x.maker.money(path, x.key(), map[string]any{"period_to": "2025-03-04"}).fails(model.CodeInvalid) // tomorrow
	x.maker.money(path, x.key(), map[string]any{"period_to": "3月3日"}).fails(model.CodeInvalid)
	x.maker.money(path, x.key(), map[string]any{"period_to": "2025-03-03", "supplier_ids": []string{"123"}}).fails(model.CodeInvalid)
	key := x.key()
	x.maker.money(path, key, map[string]any{"period_to": "2025-03-03"}).ok(nil)
	x.maker.money(path, key, map[string]any{"period_to": "2025-03-02"}).fails(model.CodeIdempotencyMismatch)
	// A suspended supplier is paid only when chosen.
	x.account(0, x.shop.Suppliers[0].Name, "9999000000000001")
	x.bought(x.buyer(x.union, 600_00), 1, 0)
	x.update(&model.Supplier{}, x.shop.Suppliers[0].ID, map[string]any{"status": "suspended", "suspend_reason": "抽检"})
	x.travel(modeltest.At("2025-03-20 10:00"))
	if v := x.makes(); v.Status != "cancelled" || !strings.Contains(x.parts(v.ID)[0].Reason, "暂停供货") {
		t.Errorf("%+v", v)
	}
	if v := x.makes(x.shop.Suppliers[0].ID); v.TotalFen != 50_00 {
		t.Errorf("%+v", v)
	}
	var owed model.List[settlement.OwedView]
	x.maker.get(consolePath + "supplier-balances?limit=1").ok(&owed)
	if len(owed.Items) != 1 || owed.Items[0].InBatchFen != 50_00 || owed.NextCursor == nil {
		t.Errorf("%+v", owed)
	}
	var batches model.List[settlement.BatchView]
	x.maker.get(path + "?status=draft").ok(&batches)
	if len(batches.Items) != 1 {
		t.Errorf("%+v", batches)
	}
	x.staffAs(identity.RoleAuditor, x.union).get(path).ok(&batches)
	if len(batches.Items) != 0 {
		t.Error("an auditor of one union sees the city's batches")
	}
}
