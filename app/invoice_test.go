package app_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/invoice"
)

// validTaxNo is an invented unit's 统一社会信用代码 with a right check character.
const validTaxNo = "91999999MA0000000K"

func ofd(t testing.TB, entry string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(entry)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(f, `<?xml version="1.0"?><ofd:OFD/>`)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (x *till) asks(b buyer, order model.ID, supplier int) (v invoice.View) {
	x.t.Helper()
	b.post(ordersPath+"/"+order.String()+"/invoice-requests", x.personal(supplier)).ok(&v)
	return v
}

func (x *till) personal(supplier int) map[string]any {
	return map[string]any{"supplier_id": x.shop.Suppliers[supplier].ID, "title_kind": "personal", "title": "张小三"}
}

// bill25 is the n-th invented 数电发票 number.
func bill25(n int) string { return fmt.Sprintf("2599900000%010d", n) }

// sends uploads an invoice to a request.
func (c *client) sends(request model.ID, act string, content []byte, no string, amount model.Fen) *answer {
	c.t.Helper()
	return c.upload(consolePath+"invoice-requests/"+request.String()+"/"+act, "发票.pdf", content, map[string]string{"invoice_no": no, "issued_on": "2025-03-03", "amount_fen": fmt.Sprint(int64(amount))})
}

var pdf = []byte("%PDF-1.7 demo")

// TestInvoiceStory shows a member's invoice from the request to the download, and what a refund after the issue asks of the supplier.
func TestInvoiceStory(t *testing.T) {
	x := newTill(t)
	b := x.buyer(x.union, 600_00)
	id := x.bought(b, 3, 0)
	own, other := x.supplierStaff(0), x.supplierStaff(1)
	path := ordersPath + "/" + id.String() + "/invoice-requests"
	for field, change := range map[string]map[string]any{"tax_no": {"title_kind": "unit", "tax_no": "91999999MA0000000X"}, "title": {"title": "  "}, "title_kind": {"title_kind": "company"}} {
		in := x.personal(0)
		for k, v := range change {
			in[k] = v
		}
		if e := b.post(path, in).fails(model.CodeInvalid); e.Fields[0].Name != field {
			t.Errorf("%+v, want %s", e, field)
		}
	}
	b.post(path, x.personal(1)).fails(model.CodeConflict) // bought nothing from that one
	x.buyer(x.union, 1_00).post(path, x.personal(0)).fails(model.CodeNotFound)
	v := x.asks(b, id, 0)
	b.post(path, x.personal(0)).fails(model.CodeConflict)
	if v.Status != "requested" || v.AmountFen != 150_00 || !v.ByMember || v.Orders[0].OrderID != id {
		t.Errorf("%+v", v)
	}
	x.giveBack(id, 1) // before the issue: the invoice is for what is left

	var list model.List[invoice.View]
	own.get(consolePath + "invoice-requests?status=requested").ok(&list)
	if len(list.Items) != 1 || list.Items[0].AmountFen != 100_00 || list.Items[0].Title != "张小三" {
		t.Errorf("%+v", list)
	}
	own.sends(v.ID, "issue", []byte("hello"), bill25(1), 100_00).fails(model.CodeInvalid)
	own.sends(v.ID, "issue", ofd(t, "Doc_0/OFD.xml"), bill25(1), 100_00).fails(model.CodeInvalid)
	own.sends(v.ID, "issue", pdf, "123", 100_00).fails(model.CodeInvalid)
	if e := own.sends(v.ID, "issue", pdf, bill25(1), 150_00).fails(model.CodeInvalid); !strings.Contains(e.Message, "100.00 元（已扣除退款）") {
		t.Error(e.Message)
	}
	other.sends(v.ID, "issue", pdf, bill25(1), 100_00).fails(model.CodeNotFound)
	own.sends(v.ID, "red", pdf, bill25(1), 100_00).fails(model.CodeConflict)
	content := ofd(t, "OFD.xml")
	own.sends(v.ID, "issue", content, bill25(1), 100_00).ok(&v)
	if v.Status != "issued" || v.NeedsRed || v.AmountFen != 100_00 || len(v.Invoices) != 1 || v.Invoices[0].InvoiceNo != bill25(1) {
		t.Errorf("%+v", v)
	}
	file := "/api/v1/member/invoice-requests/" + v.ID.String() + "/file"
	if a := b.get(file).ok(nil); !bytes.Equal(a.Body, content) || a.Header.Get("Content-Type") != "application/ofd" {
		t.Error("another file came back", a.Header)
	}
	b.get(file + "?kind=red").fails(model.CodeNotFound)
	b.post("/api/v1/member/invoice-requests/"+v.ID.String()+"/cancel", nil).fails(model.CodeConflict)

	x.reddened(t, b, own, id, v)
}

// reddened refunds a piece of an order with an issued invoice of ¥100 and follows the red invoices that this asks for.
func (x *till) reddened(t *testing.T, b buyer, own *client, id model.ID, v invoice.View) {
	t.Helper()
	path := ordersPath + "/" + id.String() + "/invoice-requests"
	var list model.List[invoice.View]
	x.giveBack(id, 1)
	own.get(consolePath + "invoice-requests?needs_red=true").ok(&list)
	if len(list.Items) != 1 || !list.Items[0].NeedsRed || list.Items[0].RedDueFen != 50_00 {
		t.Errorf("%+v", list)
	}
	own.sends(v.ID, "red", pdf, bill25(1), 50_00).fails(model.CodeConflict) // the number is taken
	own.sends(v.ID, "red", pdf, bill25(2), 40_00).fails(model.CodeInvalid)
	own.sends(v.ID, "red", pdf, bill25(2), 50_00).ok(&v)
	if v.Status != "issued" || v.NeedsRed || v.RedFen != 50_00 || v.AmountFen != 100_00 {
		t.Errorf("%+v", v)
	}
	own.sends(v.ID, "red", pdf, bill25(3), 50_00).ok(&v) // all of the rest: made out anew
	if v.Status != "voided" {
		t.Errorf("%+v", v)
	}
	again := x.asks(b, id, 0)
	own.sends(again.ID, "issue", pdf, bill25(4), 50_00).ok(nil)
	b.get(path).ok(&list)
	if len(list.Items) != 2 || list.Items[1].Status != "voided" {
		t.Errorf("%+v", list)
	}
	x.invoiceSeenBy(t, again)
}

// invoiceSeenBy holds who sees a member's request, and how much of it.
func (x *till) invoiceSeenBy(t *testing.T, v invoice.View) {
	t.Helper()
	admin := x.staffAs(identity.RoleUnionAdmin, x.union)
	one := consolePath + "invoice-requests/" + v.ID.String()
	var seen invoice.View
	admin.get(one).ok(&seen)
	if seen.Title != "张*三" {
		t.Errorf("%+v", seen)
	}
	x.supplierStaff(1).get(one).fails(model.CodeNotFound)
	x.staffAs(identity.RoleUnionAdmin, x.house.union(x.root(), "grassroots", "虚拟旁观工会")).get(one).fails(model.CodeNotFound)
	var list model.List[invoice.View]
	admin.get(consolePath + "unions/" + x.union.ID.String() + "/invoice-requests").ok(&list)
	if len(list.Items) != 0 {
		t.Error("members' requests are listed as the union's")
	}
	var f model.File
	if err := x.DB.Read(t.Context()).Where("kind = 'invoice'").Order("id DESC").Take(&f).Error; err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{admin, x.supplierStaff(0), x.maker} {
		c.get(consolePath + "files/" + f.ID.String()).fails(model.CodeNotFound)
	}
	admin.get(one + "/file").fails(model.CodeForbidden) // a personal title is the member's and the supplier's
}

// TestInvoiceOfUnion shows one invoice for several orders that the union's money paid, refused, cancelled and asked for again.
func TestInvoiceOfUnion(t *testing.T) {
	x := newTill(t)
	b := x.buyer(x.union, 600_00)
	first, second := x.bought(b, 1, 0), x.bought(b, 2, 1)
	stranger := x.buyer(x.house.union(x.root(), "grassroots", "虚拟旁观工会"), 600_00)
	foreign := x.bought(stranger, 1, 0)
	admin, own := x.staffAs(identity.RoleUnionAdmin, x.union), x.supplierStaff(0)
	path := consolePath + "unions/" + x.union.ID.String() + "/invoice-requests"
	in := func(tax string, orders ...model.ID) map[string]any {
		return map[string]any{"supplier_id": x.shop.Suppliers[0].ID, "order_ids": orders, "title": "虚拟学校工会", "tax_no": tax}
	}
	admin.post(path, in(validTaxNo, first, foreign)).fails(model.CodeInvalid)
	admin.post(path, in("", first)).fails(model.CodeInvalid)
	admin.post(path, in(validTaxNo)).fails(model.CodeInvalid)
	var v invoice.View
	admin.post(path, in(strings.ToLower(validTaxNo), second, first)).ok(&v)
	if v.AmountFen != 150_00 || len(v.Orders) != 2 || v.TaxNo != validTaxNo || v.ByMember {
		t.Errorf("%+v", v)
	}
	b.post(ordersPath+"/"+first.String()+"/invoice-requests", x.personal(0)).fails(model.CodeConflict)
	one := consolePath + "invoice-requests/" + v.ID.String()
	own.post(one+"/reject", map[string]string{"reason": ""}).fails(model.CodeInvalid)
	own.post(one+"/reject", map[string]string{"reason": "税号有误"}).ok(&v)
	admin.post(one+"/cancel", nil).fails(model.CodeConflict)
	personal := x.asks(b, first, 0)
	admin.post(consolePath+"invoice-requests/"+personal.ID.String()+"/cancel", nil).fails(model.CodeConflict)
	b.post("/api/v1/member/invoice-requests/"+personal.ID.String()+"/cancel", nil).ok(nil)
	admin.post(path, in(validTaxNo, first, second)).ok(&v)
	own.sends(v.ID, "issue", pdf, bill25(1), 150_00).ok(nil)
	var list model.List[invoice.View]
	admin.get(path + "?status=issued").ok(&list)
	if len(list.Items) != 1 {
		t.Errorf("%+v", list)
	}
}

// TestInvoiceNumberOnce shows that a number is taken once in the city: by one of many at once, not for a purchase made elsewhere that was
// entered before, nor for one entered after.
func TestInvoiceNumberOnce(t *testing.T) {
	x := newTill(t)
	b := x.buyer(x.union, 600_00)
	own := x.supplierStaff(0)
	var requests []invoice.View
	for range 3 {
		requests = append(requests, x.asks(b, x.bought(b, 1, 0), 0))
	}
	var wg sync.WaitGroup
	done := make(chan int, len(requests))
	for _, r := range requests[:2] {
		wg.Go(func() { done <- own.sends(r.ID, "issue", pdf, bill25(1), 50_00).Status })
	}
	wg.Wait()
	if a, b := <-done, <-done; min(a, b) != 200 || max(a, b) != 409 {
		t.Errorf("%d, %d", a, b)
	}
	if n := x.count(&model.Invoice{}, "1 = 1"); n != 1 {
		t.Errorf("%d invoices", n)
	}
	a := x.treasury("第二工会")
	a.admin.money(a.claimsPath(), a.nextKey(), a.claimInput(bill25(1), nil)).fails(model.CodeConflict)
	a.claim(a.claimInput(bill25(2), nil))
	if e := own.sends(requests[2].ID, "issue", pdf, bill25(2), 50_00).fails(model.CodeConflict); !strings.Contains(e.Message, "其他渠道的采购") {
		t.Error(e.Message)
	}
	own.sends(requests[2].ID, "issue", pdf, bill25(3), 50_00).ok(nil)
}
