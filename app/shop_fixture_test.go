package app_test

import (
	"context"
	"fmt"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/shop"
)

// shopFixture is a small shop with everything in order: three products on the shelf, one SKU each, 100 in stock.
type shopFixture struct {
	Paired, Unpaired model.Region
	Suppliers        [2]model.Supplier
	// Products and SKUs: 0 is paired, of supplier 0, ¥50.00; 1 is unpaired, of supplier 0, ¥50.00; 2 is unpaired, of
	// supplier 1, ¥128.00.
	Products [3]model.Product
	SKUs     [3]model.SKU
}

// shopFixture stores a small shop; licences and certificates are valid through 2025-12-31. Call it once a house.
func (h *house) shopFixture() shopFixture {
	h.t.Helper()
	var f shopFixture
	now := h.clock.Now()
	f.Paired = model.Region{ID: h.DB.NewID(), Name: "虚拟县", Province: "广西壮族自治区", Paired: true, PairingNote: "粤桂协作地区", Status: "active", CreatedAt: now, UpdatedAt: now}
	f.Unpaired = model.Region{ID: h.DB.NewID(), Name: "虚拟市", Province: "广东省", Status: "active", CreatedAt: now, UpdatedAt: now}
	h.insert(&f.Paired, &f.Unpaired)
	for i := range f.Suppliers {
		f.Suppliers[i] = h.supplier(fmt.Sprintf("虚拟供应商%d号", i+1), fmt.Sprintf("9199999900000%03dX", i))
	}
	f.Products[0], f.SKUs[0] = h.product(f.Suppliers[0], f.Paired, "百香果", 50_00)
	f.Products[1], f.SKUs[1] = h.product(f.Suppliers[0], f.Unpaired, "番薯", 50_00)
	f.Products[2], f.SKUs[2] = h.product(f.Suppliers[1], f.Unpaired, "虾干礼盒", 128_00)
	return f
}

// supplier stores an active supplier with both licences, valid through 2025.
func (h *house) supplier(name, creditCode string) model.Supplier {
	h.t.Helper()
	now := h.clock.Now()
	s := model.Supplier{ID: h.DB.NewID(), Name: name, CreditCode: creditCode, Contact: "联系人", Status: "active", CreatedAt: now, UpdatedAt: now}
	h.insert(&s, h.certificate(s.ID, nil, shop.KindBusinessLicence), h.certificate(s.ID, nil, shop.KindFoodLicence))
	return s
}

func (h *house) certificate(supplier model.ID, product *model.ID, kind string) *model.Certificate {
	id, now := h.DB.NewID(), h.clock.Now()
	return &model.Certificate{ID: id, SupplierID: supplier, ProductID: product, Kind: kind, Number: "XN" + id.String(), Issuer: "虚拟发证机关",
		ValidFrom: "2024-01-01", ValidUntil: "2025-12-31", Status: "active", CreatedAt: now, UpdatedAt: now}
}

// product stores a certified product on the shelf with one SKU and 100 of it in stock.
func (h *house) product(s model.Supplier, r model.Region, name string, price model.Fen) (model.Product, model.SKU) {
	h.t.Helper()
	now := h.clock.Now()
	p := model.Product{ID: h.DB.NewID(), SupplierID: s.ID, RegionID: r.ID, Name: name, Category: "农产品", Description: "演示商品", Status: "on", MinPriceFen: price, CreatedAt: now, UpdatedAt: now}
	k := model.SKU{ID: h.DB.NewID(), ProductID: p.ID, Spec: "1 份", PriceFen: price, Status: "on", CreatedAt: now, UpdatedAt: now}
	h.insert(&p, &k, &model.Stock{SKUID: k.ID, UpdatedAt: now}, h.certificate(s.ID, &p.ID, shop.KindAssistanceProduct))
	h.receive(k.ID, 100)
	return p, k
}

// receive adds to the stock of a SKU.
func (h *house) receive(sku model.ID, quantity int64) {
	h.t.Helper()
	err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		return shop.MoveStock(tx, h.DB, h.clock.Now(), shop.Movement{SKU: sku, Kind: shop.StockReceive, Cause: "fixture:" + h.DB.NewID().String(),
			Quantity: quantity, Actor: model.Actor{Kind: model.ActorSetup}})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// onHand is what can be sold of a SKU.
func (h *house) onHand(sku model.ID) int64 {
	h.t.Helper()
	var s model.Stock
	if err := h.DB.Read(context.Background()).Take(&s, sku).Error; err != nil {
		h.t.Fatal(err)
	}
	return s.OnHand
}

// TestShopFixture shows that the fixture's SKUs are for sale until the end of 2025, and then say why not.
func TestShopFixture(t *testing.T) {
	h := newHouse(t)
	f := h.shopFixture()
	ids := []model.ID{f.SKUs[0].ID, f.SKUs[1].ID, f.SKUs[2].ID}
	for day, want := range map[model.Date]string{"2025-12-31": "", "2026-01-01": "营业执照已于2025年12月31日到期；食品经营许可证已于2025年12月31日到期；消费帮扶产品认定已于2025年12月31日到期"} {
		items, err := shop.ForSale(h.DB.Read(context.Background()), ids, day.Start())
		if err != nil || len(items) != 3 {
			t.Fatal(items, err)
		}
		for i, id := range ids {
			if got := items[id]; got.OffReason != want || got.PriceFen != f.SKUs[i].PriceFen || got.Name != f.Products[i].Name {
				t.Errorf("%s: %+v", day, got)
			}
		}
	}
	if h.onHand(ids[0]) != 100 {
		t.Error("stock", h.onHand(ids[0]))
	}
}
