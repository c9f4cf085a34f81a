package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
	"bangfu/service/shop"
)

// patch sends a PATCH with a JSON body.
func (c *client) patch(path string, body any) *answer {
	c.t.Helper()
	return c.do(request{method: "PATCH", path: path, body: body})
}

// as is a JSON object in a test.
type as = map[string]any

// wrongFields are the names of the fields that an error names, in order.
func wrongFields(e apiError) string {
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

// shopStaff are the console accounts of the shop's tests.
func (h *house) shopStaff(suppliers ...model.Supplier) (city *client, own []*client) {
	h.t.Helper()
	root := h.root()
	for i := range suppliers {
		own = append(own, h.staffWith(model.Staff{Role: string(identity.RoleSupplier), UnionID: root.ID, SupplierID: &suppliers[i].ID}, false))
	}
	return h.staffAs(identity.RoleCityFederation, root), own
}

// TestChannels shows the notice's channels in the registry with their form rows, once however often the product starts,
// and that the product's own cannot be taken away.
func TestChannels(t *testing.T) {
	h := newHouse(t)
	if err := h.Setup(context.Background()); err != nil {
		t.Fatal(err)
	}
	own, err := shop.OwnChannel(h.DB.Read(context.Background()))
	if err != nil || own.FormRow != 2 || own.Name != "湛江市总工会消费帮扶官方平台“粤工惠·湛江号”" {
		t.Fatalf("own channel %+v, %v", own, err)
	}
	city, _ := h.shopStaff()
	var list struct {
		Items      []shop.ChannelView
		NextCursor *string `json:"next_cursor"`
	}
	city.get(console + "/channels?limit=100").ok(&list)
	if len(list.Items) != 29 || list.NextCursor != nil || list.Items[0].Name != "粤工惠购" || list.Items[0].FormRowName != "粤工惠购平台" {
		t.Errorf("%d channels, first %+v", len(list.Items), list.Items[0])
	}
	city.get(console + "/channels?level=city&limit=5").ok(&list)
	if len(list.Items) != 5 || list.NextCursor == nil || !list.Items[0].Own {
		t.Errorf("first page of the city's: %+v", list)
	}
	var made shop.ChannelView
	city.post(console+"/channels", as{"level": "city", "no": "5.12", "name": "示例农业", "form_row": 8}).ok(&made)
	city.post(console+"/channels", as{"level": "city", "no": "5.12", "name": "示例农业", "form_row": 8}).fails(model.CodeConflict)
	bad := city.post(console+"/channels", as{"level": "town", "no": "一", "name": " ", "url": "javascript:alert(1)", "form_row": 9}).fails(model.CodeInvalid)
	if wrongFields(bad) != "level no name url form_row" {
		t.Errorf("told %+v", bad.Fields)
	}
	city.patch(console+"/channels/"+made.ID.String(), as{"status": "closed", "url": "https://shop.example"}).ok(&made)
	if made.Status != "closed" || made.URL != "https://shop.example" {
		t.Errorf("%+v", made)
	}
	city.patch(console+"/channels/"+own.ID.String(), as{"status": "closed"}).fails(model.CodeConflict)
	city.patch(console+"/channels/"+own.ID.String(), as{"form_row": 8}).fails(model.CodeConflict)
	city.patch(console+"/channels/"+own.ID.String(), as{}).fails(model.CodeInvalid)
	city.patch(console+"/channels/12", as{"name": "没有"}).fails(model.CodeNotFound)
}

// TestRegions shows that a paired region says why it is paired.
func TestRegions(t *testing.T) {
	h := newHouse(t)
	city, _ := h.shopStaff()
	var r shop.RegionView
	city.post(console+"/regions", as{"name": "虚拟县", "province": "广西壮族自治区", "paired": true, "pairing_note": "粤桂协作地区"}).ok(&r)
	city.post(console+"/regions", as{"name": "虚拟县", "province": "广西壮族自治区"}).fails(model.CodeConflict)
	if e := city.post(console+"/regions", as{"name": "另一县", "province": "广西壮族自治区", "paired": true}).fails(model.CodeInvalid); wrongFields(e) != "pairing_note" {
		t.Errorf("%+v", e)
	}
	city.patch(console+"/regions/"+r.ID.String(), as{"paired": false, "status": "closed"}).ok(&r)
	if r.Paired || r.Status != "closed" {
		t.Errorf("%+v", r)
	}
	var list struct{ Items []shop.RegionView }
	city.get(console + "/regions?paired=true").ok(&list)
	if len(list.Items) != 0 {
		t.Errorf("%+v", list.Items)
	}
	h.staffAs(identity.RoleUnionAdmin, h.root()).post(console+"/regions", as{"name": "外县", "province": "广东省"}).fails(model.CodeForbidden)
}

// TestFromSupplierToShelf plays a supplier's way onto the shelf: every lack is told at once, each paper that comes
// removes one, and the product sells until the last day of its papers ends in China.
func TestFromSupplierToShelf(t *testing.T) {
	h := newHouse(t)
	city, _ := h.shopStaff()
	var s shop.SupplierView
	city.post(console+"/suppliers", as{"name": "示例农业有限公司", "credit_code": "91999999ma0000000k", "contact": "示例联系人", "contact_phone": "10000000001"}).ok(&s)
	if s.CreditCode != "91999999MA0000000K" || s.ContactPhone != "100****0001" || len(s.Problems) != 2 {
		t.Errorf("%+v", s)
	}
	city.post(console+"/suppliers", as{"name": "同码公司", "credit_code": "91999999MA0000000K", "contact": "示例联系人", "contact_phone": "0759-1000001"}).fails(model.CodeConflict)
	bad := city.post(console+"/suppliers", as{"name": "", "credit_code": "91999999MA0000000T", "contact": "示例联系人", "contact_phone": "电话"}).fails(model.CodeInvalid)
	if wrongFields(bad) != "name credit_code contact_phone" {
		t.Errorf("%+v", bad.Fields)
	}
	var r shop.RegionView
	city.post(console+"/regions", as{"name": "虚拟县", "province": "广西壮族自治区", "paired": true, "pairing_note": "粤桂协作地区"}).ok(&r)
	supplier := console + "/suppliers/" + s.ID.String()
	own := h.staffWith(model.Staff{Role: string(identity.RoleSupplier), UnionID: h.root().ID, SupplierID: &s.ID}, false)
	var p shop.ProductView
	own.post(supplier+"/products", as{"name": "百香果", "category": "水果", "region_id": r.ID, "description": "当季现摘"}).ok(&p)
	product := console + "/products/" + p.ID.String()
	own.post(product+"/shelve", nil).fails(model.CodeForbidden)
	reasons := func() string {
		t.Helper()
		e := city.post(product+"/shelve", nil).fails(model.CodeConflict)
		var data struct{ Reasons []string }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		return strings.Join(data.Reasons, "；")
	}
	if got := reasons(); got != "缺少营业执照；缺少食品经营许可证；缺少消费帮扶产品认定；没有在售的规格" {
		t.Error(got)
	}
	var k shop.SKUView
	own.post(product+"/skus", as{"spec": "5kg/箱", "price_fen": 5000}).ok(&k)
	paper := func(kind, from, until string, more as) *answer {
		t.Helper()
		body := as{"kind": kind, "number": "XN-" + kind, "issuer": "虚拟发证机关", "valid_from": from, "valid_until": until}
		for k, v := range more {
			body[k] = v
		}
		return city.post(supplier+"/certificates", body)
	}
	var scan struct{ ID string }
	city.upload(supplier+"/files", "营业执照.pdf", []byte("%PDF-1.4\n%%EOF\n"), as1("kind", "certificate")).ok(&scan)
	own.upload(supplier+"/files", "营业执照.pdf", []byte("%PDF-1.4\n%%EOF\n"), as1("kind", "certificate")).fails(model.CodeForbidden)
	paper("business_licence", "2020-01-01", "9999-12-31", as{"file_id": scan.ID}).ok(nil)
	own.get(console + "/files/" + scan.ID).ok(nil)
	paper("food_licence", "2020-01-01", "2025-03-02", nil).ok(nil)
	paper("assistance_product", "2025-04-01", "2025-12-31", as{"product_id": p.ID}).ok(nil)
	if got := reasons(); got != "食品经营许可证已于2025年3月2日到期；消费帮扶产品认定自2025年4月1日起才有效" {
		t.Error(got)
	}
	paper("food_licence", "2020-01-01", "2025-03-31", nil).fails(model.CodeConflict)
	paper("food_licence", "2025-03-01", "2025-03-31", as{"number": "XN-2"}).ok(nil)
	paper("assistance_product", "2025-03-03", "2025-12-31", as{"product_id": p.ID, "number": "XN-3"}).ok(nil)
	for name, a := range map[string]*answer{
		"dates the wrong way round": paper("food_licence", "2025-03-02", "2025-03-01", as{"number": "XN-4"}),
		"no such day":               paper("food_licence", "2025-02-30", "2025-03-31", as{"number": "XN-4"}),
		"a licence of a product":    paper("food_licence", "2025-03-01", "2025-03-31", as{"number": "XN-4", "product_id": p.ID}),
		"certificate of nothing":    paper("assistance_product", "2025-03-01", "2025-03-31", as{"number": "XN-4"}),
		"unknown kind":              paper("driving_licence", "2025-03-01", "2025-03-31", as{"number": "XN-4"}),
		"unknown file":              paper("food_licence", "2025-03-01", "2025-03-31", as{"number": "XN-4", "file_id": "12"}),
	} {
		if e := a.fails(model.CodeInvalid); len(e.Fields) != 1 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	city.post(product+"/shelve", nil).ok(&p)
	if !p.OnSale || p.Status != "on" || p.MinPriceFen != 5000 || len(p.OffReasons) != 0 {
		t.Errorf("%+v", p)
	}
	city.post(product+"/shelve", nil).fails(model.CodeConflict)
	h.expiresByItself(k.ID, p.ID)
}

func as1(k, v string) map[string]string { return map[string]string{k: v} }

// expiresByItself moves the clock over the end of the last day of the food licence, 31 March 2025 in China.
func (h *house) expiresByItself(sku, product model.ID) {
	h.t.Helper()
	m := h.memberAs(h.DB.NewID())
	for at, want := range map[string]string{"2025-03-31 23:59": "", "2025-04-01 00:00": "食品经营许可证已于2025年3月31日到期"} {
		h.clock.Set(modeltest.At(at))
		items, err := shop.ForSale(h.DB.Read(context.Background()), []model.ID{sku}, h.clock.Now())
		if err != nil || items[sku].OffReason != want {
			h.t.Errorf("%s: %+v, %v", at, items[sku], err)
		}
		var page shop.ProductPage
		m.get("/api/v1/products").ok(&page)
		if (len(page.Items) == 1) != (want == "") {
			h.t.Errorf("%s: %d products listed", at, len(page.Items))
		}
		var d shop.ProductDetail
		m.get("/api/v1/products/" + product.String()).ok(&d)
		if d.OffReason != want || d.OnSale != (want == "") || len(d.Papers) < 2 {
			h.t.Errorf("%s: %+v", at, d)
		}
	}
}

// TestTakingOffSale shows every way to take products off sale by hand, each with its reason for members.
func TestTakingOffSale(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	city, own := h.shopStaff(f.Suppliers[0])
	m := h.memberAs(h.DB.NewID())
	reason := func(i int) string {
		t.Helper()
		items, err := shop.ForSale(h.DB.Read(context.Background()), []model.ID{f.SKUs[i].ID}, h.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		var d shop.ProductDetail
		m.get("/api/v1/products/" + f.Products[i].ID.String()).ok(&d)
		if (d.OffReason == "") != (items[f.SKUs[i].ID].OffReason == "") {
			t.Errorf("checkout says %q, the shop says %q", items[f.SKUs[i].ID].OffReason, d.OffReason)
		}
		return d.OffReason
	}
	listed := func() int {
		var page shop.ProductPage
		m.get("/api/v1/products").ok(&page)
		return len(page.Items)
	}
	supplier, product := console+"/suppliers/"+f.Suppliers[0].ID.String(), console+"/products/"+f.Products[0].ID.String()
	city.post(supplier+"/suspend", as{"reason": " "}).fails(model.CodeInvalid)
	city.post(supplier+"/suspend", as{"reason": "抽检不合格"}).ok(nil)
	city.post(supplier+"/suspend", as{"reason": "抽检不合格"}).fails(model.CodeConflict)
	if reason(0) != "供应商已暂停供货" || reason(2) != "" || listed() != 1 {
		t.Errorf("suspended: %q, %d listed", reason(0), listed())
	}
	city.post(supplier+"/resume", nil).ok(nil)
	city.post(supplier+"/resume", nil).fails(model.CodeConflict)

	city.post(product+"/unshelve", as{"reason": "当季售完"}).ok(nil)
	city.post(product+"/unshelve", as{"reason": "当季售完"}).fails(model.CodeConflict)
	if reason(0) != "商品已下架：当季售完" || listed() != 2 {
		t.Errorf("unshelved: %q", reason(0))
	}
	city.post(product+"/shelve", nil).ok(nil)

	own[0].patch(console+"/skus/"+f.SKUs[0].ID.String(), as{"status": "off"}).ok(nil)
	if reason(0) != "没有在售的规格" || listed() != 2 {
		t.Errorf("SKU off: %q", reason(0))
	}
	own[0].patch(console+"/skus/"+f.SKUs[0].ID.String(), as{"status": "on"}).ok(nil)

	var papers struct{ Items []shop.CertificateView }
	own[0].get(supplier + "/certificates").ok(&papers)
	for _, c := range papers.Items {
		if c.Kind == shop.KindBusinessLicence {
			own[0].post(console+"/certificates/"+c.ID.String()+"/withdraw", as{"reason": "登记有误"}).fails(model.CodeForbidden)
			city.post(console+"/certificates/"+c.ID.String()+"/withdraw", as{"reason": "登记有误"}).ok(nil)
			city.post(console+"/certificates/"+c.ID.String()+"/withdraw", as{"reason": "登记有误"}).fails(model.CodeConflict)
		}
	}
	if reason(0) != "缺少营业执照" || listed() != 1 {
		t.Errorf("withdrawn: %q", reason(0))
	}
	draft := model.Product{ID: h.DB.NewID(), SupplierID: f.Suppliers[1].ID, RegionID: f.Paired.ID, Name: "草稿", Category: "农产品", Status: "draft", CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now()}
	h.insert(&draft)
	m.get("/api/v1/products/" + draft.ID.String()).fails(model.CodeNotFound)
}

// TestSuppliersSeeThemselvesOnly shows that a supplier's account finds nothing of another supplier.
func TestSuppliersSeeThemselvesOnly(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	_, own := h.shopStaff(f.Suppliers[:]...)
	c, other := own[1], f.Products[0].ID.String()
	var list struct{ Items []struct{ ID model.ID } }
	c.get(console + "/suppliers").ok(&list)
	if len(list.Items) != 1 || list.Items[0].ID != f.Suppliers[1].ID {
		t.Errorf("suppliers %+v", list)
	}
	c.get(console + "/products").ok(&list)
	if len(list.Items) != 1 || list.Items[0].ID != f.Products[2].ID {
		t.Errorf("products %+v", list)
	}
	c.get(console + "/products?supplier_id=" + f.Suppliers[0].ID.String()).ok(&list)
	if len(list.Items) != 0 {
		t.Errorf("products of the other %+v", list)
	}
	for _, a := range []*answer{
		c.get(console + "/suppliers/" + f.Suppliers[0].ID.String()), c.get(console + "/suppliers/" + f.Suppliers[0].ID.String() + "/certificates"),
		c.get(console + "/products/" + other), c.patch(console+"/products/"+other, as{"name": "改名"}),
		c.post(console+"/products/"+other+"/skus", as{"spec": "大", "price_fen": 1}), c.upload(console+"/products/"+other+"/pictures", "a.jpg", jpegOf(t, 4, 4), nil),
		c.do(request{method: "DELETE", path: console + "/products/" + other + "/pictures/1"}),
		c.patch(console+"/skus/"+f.SKUs[0].ID.String(), as{"price_fen": 1}), c.get(console + "/skus/" + f.SKUs[0].ID.String() + "/stock"),
		c.get(console + "/skus/" + f.SKUs[0].ID.String() + "/movements"), c.money(console+"/skus/"+f.SKUs[0].ID.String()+"/movements", "other-supplier", as{"kind": "receive", "quantity": 1}),
		c.post(console+"/suppliers/"+f.Suppliers[0].ID.String()+"/products", as{"name": "别家的", "category": "水果", "region_id": f.Paired.ID}),
	} {
		a.fails(model.CodeNotFound)
	}
	c.post(console+"/suppliers", as{}).fails(model.CodeForbidden)
	c.post(console+"/channels", as{}).fails(model.CodeForbidden)
}

// TestPrices shows which prices are taken, that the lowest of those on sale leads, and that every edit of what is on the
// shelf is in the audit trail.
func TestPrices(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	_, own := h.shopStaff(f.Suppliers[0])
	product, sku := console+"/products/"+f.Products[0].ID.String(), console+"/skus/"+f.SKUs[0].ID.String()
	for _, price := range []any{0, -1, 10_000_001} {
		own[0].post(product+"/skus", as{"spec": "大", "price_fen": price}).fails(model.CodeInvalid)
		own[0].patch(sku, as{"price_fen": price}).fails(model.CodeInvalid)
	}
	own[0].patch(sku, as{"price_fen": 12.5}).fails(model.CodeInvalid)
	own[0].post(product+"/skus", as{"spec": "1 份", "price_fen": 1}).fails(model.CodeConflict)
	var k shop.SKUView
	own[0].post(product+"/skus", as{"spec": "小份", "price_fen": 10_000_000}).ok(&k)
	lowest := func() model.Fen {
		var p shop.ProductView
		own[0].get(product).ok(&p)
		return p.MinPriceFen
	}
	if lowest() != 5000 {
		t.Error(lowest())
	}
	own[0].patch(console+"/skus/"+k.ID.String(), as{"price_fen": 2000}).ok(&k)
	if lowest() != 2000 || k.PriceFen != 2000 {
		t.Error(lowest())
	}
	own[0].patch(console+"/skus/"+k.ID.String(), as{"status": "off"}).ok(nil)
	if lowest() != 5000 {
		t.Error(lowest())
	}
	own[0].patch(product, as{"name": "百香果（大果）", "region_id": f.Unpaired.ID}).ok(nil)
	own[0].patch(product, as{"region_id": "12"}).fails(model.CodeInvalid)
	var trail []model.AuditEntry
	err := h.DB.Read(context.Background()).Where("object = ? AND action = 'product.update'", "product:"+f.Products[0].ID.String()).Find(&trail).Error
	want := fmt.Sprintf(`{"name":{"from":"百香果","to":"百香果（大果）"},"region_id":{"from":"%d","to":"%d"},"shelved":true}`, f.Paired.ID, f.Unpaired.ID)
	if err != nil || len(trail) != 1 || trail[0].Detail != want {
		t.Errorf("%v %+v", err, trail)
	}
}

// TestStockByHand shows goods received and corrections: once a key, never below zero, listed with their sum.
func TestStockByHand(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	_, own := h.shopStaff(f.Suppliers[0])
	path := console + "/skus/" + f.SKUs[0].ID.String() + "/movements"
	var st shop.StockView
	for range 2 {
		own[0].money(path, "receive-001", as{"kind": "receive", "quantity": 20, "note": "到货"}).ok(&st)
		if st.OnHand != 120 {
			t.Errorf("%+v", st)
		}
	}
	own[0].money(path, "receive-001", as{"kind": "receive", "quantity": 21, "note": "到货"}).fails(model.CodeIdempotencyMismatch)
	own[0].post(path, as{"kind": "receive", "quantity": 20}).fails(model.CodeInvalid)
	own[0].money(path, "adjust-001", as{"kind": "adjust", "quantity": -121, "note": "盘亏"}).fails(model.CodeSoldOut)
	own[0].money(path, "adjust-001", as{"kind": "adjust", "quantity": -120, "note": "盘亏"}).ok(&st)
	if st.OnHand != 0 || h.onHand(f.SKUs[0].ID) != 0 {
		t.Errorf("%+v", st)
	}
	for i, body := range []as{{"kind": "adjust", "quantity": -1}, {"kind": "adjust", "quantity": 0, "note": "没有变化"}, {"kind": "receive", "quantity": -5}, {"kind": "sell", "quantity": 1},
		{"kind": "receive", "quantity": 1_000_001}, {"kind": "receive", "quantity": 1, "cause": "line:1"}} {
		own[0].money(path, fmt.Sprintf("wrong-%04d", i), body).fails(model.CodeInvalid)
	}
	var moves struct{ Items []shop.MovementView }
	own[0].get(path).ok(&moves)
	var sum int64
	for _, m := range moves.Items {
		sum += m.Quantity
	}
	if len(moves.Items) != 3 || sum != 0 || moves.Items[0].Kind != "adjust" {
		t.Errorf("%+v", moves.Items)
	}
	own[0].get(console + "/skus/" + f.SKUs[0].ID.String() + "/stock").ok(&st)
	if st.OnHand != 0 {
		t.Errorf("%+v", st)
	}
}
