package app_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/shop"
)

// names are the products of a page, in order.
func names(page shop.ProductPage) string {
	var list []string
	for _, p := range page.Items {
		list = append(list, p.Name)
	}
	return strings.Join(list, " ")
}

// TestRanking shows that paired regions come first among equals of each sort, never against price or relevance, and
// that the answer says so.
func TestRanking(t *testing.T) {
	h := newHouse(t)
	s := h.supplier("虚拟供应商", "91999999MA0000001N")
	now := h.clock.Now()
	paired := model.Region{ID: h.DB.NewID(), Name: "虚拟县", Province: "广西壮族自治区", Paired: true, PairingNote: "粤桂协作地区", Status: "active", CreatedAt: now, UpdatedAt: now}
	plain := model.Region{ID: h.DB.NewID(), Name: "虚拟市", Province: "广东省", Status: "active", CreatedAt: now, UpdatedAt: now}
	h.insert(&paired, &plain)
	h.product(s, paired, "大米", 30_00)
	h.product(s, plain, "大米", 30_00)
	h.product(s, paired, "大米礼盒", 80_00)
	h.product(s, plain, "大米散装", 20_00)
	h.product(s, paired, "香大米", 30_00)
	m := h.memberAs(h.DB.NewID())
	for query, want := range map[string]string{
		"q=大米":                           "大米+ 大米- 大米礼盒+ 大米散装- 香大米+",
		"sort=price_asc":                 "大米散装- 香大米+ 大米+ 大米- 大米礼盒+",
		"sort=price_desc":                "大米礼盒+ 香大米+ 大米+ 大米- 大米散装-",
		"sort=newest":                    "香大米+ 大米礼盒+ 大米+ 大米散装- 大米-",
		"":                               "香大米+ 大米礼盒+ 大米+ 大米散装- 大米-",
		"paired=false":                   "大米散装- 大米-",
		"q=礼盒":                           "大米礼盒+",
		"q=%25":                          "",
		"q=_":                            "",
		"max_price_fen=2000":             "大米散装-",
		"min_price_fen=3001":             "大米礼盒+",
		"category=水果":                    "",
		"region_id=" + plain.ID.String(): "大米散装- 大米-",
		"supplier_id=12":                 "",
		"in_stock=false":                 "",
	} {
		var page shop.ProductPage
		m.get("/api/v1/products?" + escaped(query)).ok(&page)
		var got []string
		for _, p := range page.Items {
			mark := "-"
			if p.Paired {
				mark = "+"
			}
			if p.Paired != (p.PairingNote == "粤桂协作地区") {
				t.Errorf("%+v", p)
			}
			got = append(got, p.Name+mark)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
		if page.RankingNote != "同等条件下，对口帮扶支援合作地区的产品排在前面（湛工总〔2023〕25号）" {
			t.Error(page.RankingNote)
		}
	}
}

// escaped escapes the values of a query string that is written plainly.
func escaped(query string) string {
	key, value, ok := strings.Cut(query, "=")
	if !ok || strings.HasPrefix(value, "%") {
		return query
	}
	return key + "=" + url.QueryEscape(value)
}

// TestPagesAreComplete shows for every sort that pages of any size, put together, are the whole list in its order, whatever stands on the shelf
// between that cannot be bought.
func TestPagesAreComplete(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	for i := range 20 {
		region := f.Paired
		if i%3 > 0 {
			region = f.Unpaired
		}
		if i%4 == 0 {
			h.clock.Advance(time.Millisecond * 7)
		}
		p, _ := h.product(f.Suppliers[i%2], region, []string{"番薯", "番薯干", "红番薯"}[i%3], model.Fen(1000+i%4))
		h.DB.Read(context.Background()).Model(&model.Product{}).Where("id = ?", p.ID).UpdateColumn("sold_count", i%5)
	}
	lapsed := h.supplier("证照过期的供应商", "91999999MA0000077N")
	for i := range 40 {
		h.product(lapsed, f.Paired, []string{"番薯", "番薯干"}[i%2], model.Fen(900+i*10))
	}
	h.DB.Read(context.Background()).Model(&model.Certificate{}).Where("supplier_id = ? AND product_id IS NULL", lapsed.ID).UpdateColumn("status", "withdrawn")
	m := h.memberAs(h.DB.NewID())
	for _, query := range []string{"sort=relevance", "sort=relevance&q=" + url.QueryEscape("番薯"), "sort=price_asc", "sort=price_desc", "sort=newest", "sort=sales"} {
		var whole shop.ProductPage
		m.get("/api/v1/products?limit=100&" + query).ok(&whole)
		if len(whole.Items) < 21 || whole.NextCursor != nil {
			t.Fatalf("%s: %d", query, len(whole.Items))
		}
		if slices.ContainsFunc(whole.Items, func(p shop.ListedProduct) bool { return p.SupplierID == lapsed.ID }) {
			t.Errorf("%s: %s", query, names(whole))
		}
		for _, size := range []int{1, 7} {
			var got []shop.ListedProduct
			for cursor := ""; ; {
				var page shop.ProductPage
				m.get(fmt.Sprintf("/api/v1/products?limit=%d&%s&cursor=%s", size, query, cursor)).ok(&page)
				if got = append(got, page.Items...); page.NextCursor == nil {
					break
				}
				cursor = *page.NextCursor
			}
			if !slices.EqualFunc(got, whole.Items, func(a, b shop.ListedProduct) bool { return a.ID == b.ID }) {
				t.Errorf("%s by %d: %d items, or in another order", query, size, len(got))
			}
		}
	}
	var page shop.ProductPage
	m.get("/api/v1/products?limit=1&sort=sales").ok(&page)
	m.get("/api/v1/products?sort=newest&cursor=" + *page.NextCursor).fails(model.CodeInvalid)
	for _, query := range []string{"cursor=x", "limit=0x", "limit=101", "sort=best", "paired=maybe", "min_price_fen=-1", "min_price_fen=2&max_price_fen=1", "page=2", "q=a&q=b", "region_id=-1"} {
		m.get("/api/v1/products?" + query).fails(model.CodeInvalid)
	}
	h.client().get("/api/v1/products").fails(model.CodeUnauthenticated)
}

// TestScarceStock shows that members are told the number only when fewer than ten are left, and the filters they have.
func TestScarceStock(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	_, own := h.shopStaff(f.Suppliers[:]...)
	m := h.memberAs(h.DB.NewID())
	own[0].money(console+"/skus/"+f.SKUs[0].ID.String()+"/movements", "scarce-01", as{"kind": "adjust", "quantity": -91, "note": "盘亏"}).ok(nil)
	own[0].money(console+"/skus/"+f.SKUs[1].ID.String()+"/movements", "scarce-02", as{"kind": "adjust", "quantity": -100, "note": "盘亏"}).ok(nil)
	want := map[string]string{"百香果": "true 9", "番薯": "false 0", "虾干礼盒": "true many"}
	var page shop.ProductPage
	m.get("/api/v1/products").ok(&page)
	for _, p := range page.Items {
		left := "many"
		if p.Left != nil {
			left = fmt.Sprint(*p.Left)
		}
		if got := fmt.Sprint(p.InStock, " ", left); got != want[p.Name] {
			t.Errorf("%s: %s", p.Name, got)
		}
	}
	m.get("/api/v1/products?in_stock=true").ok(&page)
	if names(page) != "百香果 虾干礼盒" {
		t.Error(names(page))
	}
	var filters shop.ProductFilters
	m.get("/api/v1/product-filters").ok(&filters)
	if len(filters.Categories) != 1 || filters.Categories[0].Count != 3 || len(filters.Regions) != 2 || !filters.Regions[0].Paired || filters.MinPriceFen != 50_00 || filters.MaxPriceFen != 128_00 {
		t.Errorf("%+v", filters)
	}
}

// TestRecountSales shows that units that left the shelf and did not come back are counted, again and again.
func TestRecountSales(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	for i, kind := range []string{shop.StockSell, shop.StockSell, shop.StockSell, shop.StockReturn} {
		n := []int64{-1, -2, -7, 4}[i]
		err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
			return shop.MoveStocks(tx, h.DB, h.clock.Now(), []shop.Movement{{SKU: f.SKUs[2].ID, Kind: kind, Cause: fmt.Sprint("line:", i), Quantity: n, Actor: model.Clockwork()}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.Shop.RecountSales(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var page shop.ProductPage
	h.memberAs(h.DB.NewID()).get("/api/v1/products?sort=sales").ok(&page)
	if page.Items[0].ID != f.Products[2].ID || page.Items[0].SoldCount != 6 || page.Items[1].SoldCount != 0 {
		t.Errorf("%+v", page.Items)
	}
}

func jpegOf(t *testing.T, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bombPNG is a PNG of a few bytes that claims to be 60,000 pixels wide and high.
func bombPNG() []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), 60_000)
	head = append(binary.BigEndian.AppendUint32(head, 60_000), 8, 6, 0, 0, 0)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(head)-4))
	return binary.BigEndian.AppendUint32(append(b, head...), crc32.ChecksumIEEE(head))
}

// TestPictures shows a product's gallery: what is kept, served to anybody, refused, and taken away.
func TestPictures(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	_, own := h.shopStaff(f.Suppliers[0])
	path := console + "/products/" + f.Products[0].ID.String() + "/pictures"
	var pic shop.PictureView
	own[0].upload(path, "一.jpg", jpegOf(t, 2000, 100), nil).ok(&pic)
	anybody := h.client()
	got := anybody.get(pic.URL).ok(nil)
	config, err := jpeg.DecodeConfig(bytes.NewReader(got.Body))
	if err != nil || config.Width != 1600 || got.Header.Get("Content-Type") != "image/jpeg" || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%v %+v %v", err, config, got.Header)
	}
	tag := got.Header.Get("ETag")
	for header, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
		if again := anybody.do(request{method: "GET", path: pic.URL, header: map[string]string{"If-None-Match": header}}); again.Status != want || (want == 304) != (len(again.Body) == 0) || len(tag) < 10 {
			t.Errorf("%d with If-None-Match %q", again.Status, header)
		}
	}
	own[0].upload(path, "文字.jpg", []byte("这不是图片"), nil).fails(model.CodeInvalid)
	own[0].upload(path, "空.jpg", nil, nil).fails(model.CodeInvalid)
	own[0].upload(path, "炸弹.png", bombPNG(), nil).fails(model.CodeTooLarge)
	own[0].upload(path, "断.jpg", jpegOf(t, 200, 200)[:400], nil).fails(model.CodeInvalid)
	own[0].upload(path, "多.jpg", jpegOf(t, 4, 4), map[string]string{"seq": "1"}).fails(model.CodeInvalid)
	own[0].post(path, as{"file": "x"}).fails(model.CodeInvalid)
	for range 8 {
		own[0].upload(path, "又一张.jpg", jpegOf(t, 4, 4), nil).ok(nil)
	}
	own[0].upload(path, "第十张.jpg", jpegOf(t, 4, 4), nil).fails(model.CodeConflict)

	own[0].do(request{method: "DELETE", path: path + "/1"}).ok2(http.StatusNoContent)
	own[0].do(request{method: "DELETE", path: path + "/1"}).fails(model.CodeNotFound)
	anybody.get(pic.URL).fails(model.CodeNotFound)
	var p shop.ProductView
	own[0].get(console + "/products/" + f.Products[0].ID.String()).ok(&p)
	if len(p.Pictures) != 8 || p.Pictures[0].Seq != 2 {
		t.Errorf("%+v", p.Pictures)
	}
	var page shop.ProductPage
	h.memberAs(h.DB.NewID()).get("/api/v1/products?q=" + url.QueryEscape("百香果")).ok(&page)
	if page.Items[0].PictureURL == nil || *page.Items[0].PictureURL != p.Pictures[0].URL {
		t.Errorf("%+v", page.Items)
	}

	var scan struct{ ID string }
	h.staffAs(identity.RoleCityFederation, h.root()).upload(console+"/suppliers/"+f.Suppliers[0].ID.String()+"/files", "a.pdf", []byte("%PDF-1.4\n%%EOF\n"), as1("kind", "certificate")).ok(&scan)
	anybody.get("/api/v1/pictures/" + scan.ID).fails(model.CodeNotFound)
}

// ok2 expects exactly the status.
func (a *answer) ok2(status int) {
	a.t.Helper()
	if a.Status != status {
		a.t.Errorf("status %d, want %d: %s", a.Status, status, a.Body)
	}
}
