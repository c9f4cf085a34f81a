package city

import (
	"fmt"
	"slices"
	"time"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/shop"
)

var (
	places     = []string{"云岭", "清溪", "石塘", "松岗", "白沙", "南屏", "北坡", "东安", "西河", "龙湾", "凤山", "金田"}
	goods      = []string{"生晒虾干", "红江橙", "火龙果", "菠萝", "番薯", "莲藕粉", "土鸡蛋", "山茶油", "木耳", "香菇", "大米", "蜂蜜", "花生油", "黑茶", "柠檬片", "海鸭蛋"}
	categories = []string{"水产", "水果", "粮油", "禽蛋", "干货", "茶饮"}
	specs      = []string{"500克/袋", "1千克/袋", "2.5千克/箱", "5千克/箱"}
)

// Counts of the shop that go with the number of orders.
func (p *plan) suppliersWanted() int { return min(max(p.size.Orders/16_000, 12), 300) }

const (
	regionCount        = 60
	productsOfSupplier = 10
	received           = 20_000_000 // pieces of each SKU
)

func (f *filler) fillShop() {
	p := f.p
	for i := range regionCount {
		f.put(&model.Region{ID: p.id(idRegion, i), Name: fmt.Sprintf("%s%d镇", places[i%len(places)], i/len(places)+1), Province: []string{"广东省", "广西壮族自治区", "贵州省"}[i%3],
			Paired: i%4 == 0, PairingNote: map[bool]string{true: "对口帮扶地区"}[i%4 == 0], Status: "active", CreatedAt: p.start, UpdatedAt: p.start})
	}
	for i := range p.suppliersWanted() {
		f.fillSupplier(i)
	}
	for i := range min(20, len(p.suppliers)) {
		h := hall{p.id(idHall, i), p.id(idStaff, 60_000+i), i, fmt.Sprintf("帮扶专馆%d号店", i+1)}
		p.halls = append(p.halls, h)
		f.put(&model.Hall{ID: h.id, ChannelID: p.counter, SupplierID: p.suppliers[i].id, Name: h.name, Address: "示例大道1号", OpenHours: "9:00-21:00", ConfirmOverFen: 200_00, Status: "active", CreatedAt: p.start, UpdatedAt: p.start})
		f.putStaff(h.cashier, string(identity.RoleCashier), p.root.ID, &p.suppliers[i].id, &h.id)
	}
}

func (f *filler) fillSupplier(i int) {
	p := f.p
	s := supplier{id: p.id(idSupplier, i), name: fmt.Sprintf("%s%s农业发展有限公司%d", places[i%len(places)], goods[i%len(goods)], i+1)}
	f.put(&model.Supplier{ID: s.id, Name: s.name, CreditCode: creditCode(i), Contact: name(i), ContactPhoneSealed: p.sealed.supplierPhone, Status: "active", CreatedAt: p.start, UpdatedAt: p.start})
	f.putStaff(p.id(idStaff, 50_000+i), string(identity.RoleSupplier), p.root.ID, &s.id, nil)
	for k, kind := range []string{shop.KindBusinessLicence, shop.KindFoodLicence} {
		f.certificate(i*100+k, s.id, nil, kind)
	}
	f.put(&model.SupplierBankAccount{ID: p.id(idBank, i), SupplierID: s.id, Version: 1, AccountName: s.name, Bank: "示例银行湛江分行", AccountNoSealed: p.sealed.account, AccountNoTail: "0001",
		Status: "confirmed", CurrentSupplierID: &s.id, EnteredBy: p.staff["maker"], EnteredAt: p.start, DecidedBy: ptr(p.staff["checker"]), DecidedAt: &p.start})
	for k := range productsOfSupplier {
		f.fillProduct(i, k, &s)
	}
	p.suppliers = append(p.suppliers, s)
}

func (f *filler) certificate(i int, supplier model.ID, product *model.ID, kind string) {
	f.put(&model.Certificate{ID: f.p.id(idCertificate, i), SupplierID: supplier, ProductID: product, Kind: kind, Number: fmt.Sprintf("ZS%08d", i), Issuer: "示例市场监督管理局",
		ValidFrom: "2020-01-01", ValidUntil: shop.LongTerm, Status: "active", CreatedAt: f.p.start, UpdatedAt: f.p.start})
}

func (f *filler) fillProduct(i, k int, s *supplier) {
	p, n := f.p, i*productsOfSupplier+k
	id, region := p.id(idProduct, n), p.id(idRegion, n%regionCount)
	text := places[n%len(places)] + goods[n%len(goods)] + fmt.Sprint(n)
	f.certificate(i*100+10+k, s.id, &id, shop.KindAssistanceProduct)
	least := model.Fen(0)
	for j := range 1 + n%2 {
		price := model.Fen(8_00 + 50*p.rng.IntN(90))
		if least == 0 || price < least {
			least = price
		}
		row := sku{id: p.id(idSKU, 2*n+j), product: id, region: region, supplier: i, price: price, name: text, spec: specs[(n+j)%len(specs)], received: received}
		s.skus = append(s.skus, len(p.skus))
		p.skus = append(p.skus, row)
		f.put(&model.SKU{ID: row.id, ProductID: id, Spec: row.spec, PriceFen: price, Status: "on", CreatedAt: p.start, UpdatedAt: p.start})
	}
	row := model.Product{ID: id, SupplierID: s.id, RegionID: region, Name: text, Category: categories[n%len(categories)], Description: "产地直供，按订单采收，冷链配送。", Status: "on", MinPriceFen: least, CreatedAt: p.start, UpdatedAt: p.start}
	if n%50 == 49 {
		row.Status, row.OffReason = "off", "换季"
	}
	f.products = append(f.products, row)
}

// fillStocks writes stocks and products as they are after all orders.
func (f *filler) fillStocks() {
	p := f.p
	sold := map[model.ID]int64{}
	for _, s := range p.skus {
		sold[s.product] += s.sold - s.returned
		f.put(&model.Stock{SKUID: s.id, OnHand: s.received - s.sold + s.returned, UpdatedAt: p.today})
		f.put(&model.StockMovement{ID: s.id, SKUID: s.id, Kind: "receive", Cause: "city:" + s.id.String(), Quantity: s.received, Note: "年初入库", Actor: "staff:" + p.staff["maker"].String(), At: p.start})
	}
	for _, row := range f.products {
		row.SoldCount = sold[row.ID]
		f.put(&row)
	}
}

// fillSettlements writes the batches and their settlements as they are after all orders.
func (f *filler) fillSettlements() {
	p := f.p
	for b, sums := range f.settled {
		if !slices.ContainsFunc(sums, func(s settledSum) bool { return s.items > 0 }) {
			continue
		}
		id, cut := p.id(idBatch, b), p.settledOn(b)
		var total model.Fen
		rows := 0
		for s := range p.suppliers {
			sum := sums[s]
			if sum.items == 0 {
				continue
			}
			x := p.settlement(b, s)
			f.put(&model.Settlement{ID: x, BatchID: id, SupplierID: p.suppliers[s].id, BankAccountID: ptr(p.id(idBank, s)), AmountFen: sum.fen, Items: sum.items, Status: "paid", EvidenceNo: fmt.Sprintf("HD%d-%d", b, s),
				DecidedBy: ptr(p.staff["maker"]), DecidedAt: &cut, CreatedAt: cut, UpdatedAt: cut})
			f.transfer(f.laterID(cut), cut, "settle", "settlement:"+x.String(), "supplier:"+p.suppliers[s].id.String(), "bank", sum.fen, "", p.root.ID, nil)
			total += sum.fen
			rows++
		}
		first := p.start.AddDate(0, b, 0)
		f.put(&model.SettlementBatch{ID: id, UnionID: p.root.ID, PeriodFrom: model.DateOf(first), PeriodTo: model.DateOf(cut.AddDate(0, 0, -1)), CutAt: cut, SuppliersJSON: "[]", AfterSupplierID: p.suppliers[len(p.suppliers)-1].id,
			Status: "paid", Settlements: rows, TotalFen: total, PaidFen: total, Exports: 1, ExportedAt: &cut, MadeBy: p.staff["maker"], MadeAt: cut, ConfirmedBy: ptr(p.staff["checker"]), ConfirmedAt: &cut, ClosedAt: &cut, UpdatedAt: cut})
	}
}

// settledOn is when the orders of a month (0: January) were paid out: long after all of them were received.
func (p *plan) settledOn(month int) time.Time {
	return p.start.AddDate(0, month+2, 4).Add(2 * time.Hour)
}

func (p *plan) settlement(batch, supplier int) model.ID {
	return p.id(idSettlement, batch*1000+supplier)
}

// creditCode is an invented 统一社会信用代码 with a right check character.
func creditCode(i int) string {
	body := fmt.Sprintf("91999999MA%07d", i)
	for _, last := range "0123456789ABCDEFGHJKLMNPQRTUWXY" {
		if code, ok := shop.CreditCode(body + string(last)); ok {
			return code
		}
	}
	panic("no check character fits " + body)
}

// popular picks a SKU, the first ones far more often than the last.
func (p *plan) popular() int {
	x := p.rng.Float64()
	return int(x * x * float64(len(p.skus)))
}

// distinct picks up to n different SKUs out of a pick.
func distinct(n int, pick func() int) []int {
	var list []int
	for range 2 * n {
		if at := pick(); len(list) < n && !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}
