package risk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bangfu/model"
)

// live are the states of orders that were paid and stand.
const live = "status IN ('paid', 'shipped', 'completed')"

// chunk is how many keys go into one IN list.
const chunk = 500

// bought is an order as far as rules look at it.
type bought struct {
	ID, PersonID, MemberID, UnionID model.ID
	AddressHash                     string
	GoodsFen                        model.Fen
	PlacedAt                        time.Time
}

const boughtColumns = "id, person_id, member_id, union_id, address_hash, goods_fen, placed_at"

// sameAddress finds addresses to which many persons had online orders delivered. The addresses come out of the index orders_placed alone;
// rows are only read of those that fire.
func sameAddress(l look) ([]finding, error) {
	var hashes []string
	err := l.tx.Raw("SELECT address_hash FROM orders WHERE placed_at >= ? AND kind = 'online' AND address_hash <> '' "+
		"GROUP BY address_hash HAVING COUNT(DISTINCT person_id) >= ? AND MAX(placed_at) >= ?", l.from, l.set.Threshold, l.since).Scan(&hashes).Error
	if err != nil {
		return nil, err
	}
	rows, err := ordersTo(l, hashes, l.from)
	if err != nil {
		return nil, err
	}
	var found []finding
	for hash, orders := range group(rows, func(o bought) string { return o.AddressHash }) {
		f := tally(orders)
		if f.size >= l.set.Threshold {
			f.key = hash
			found = append(found, f)
		}
	}
	return found, nil
}

// ordersTo reads the paid online orders to the addresses since from.
func ordersTo(l look, hashes []string, from time.Time) ([]bought, error) {
	var all []bought
	for part := range slices.Chunk(hashes, chunk) {
		var rows []bought
		err := l.tx.Table("orders").Select(boughtColumns).Where("placed_at >= ? AND kind = 'online' AND "+live, from).Where("address_hash IN ?", part).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

func group[K comparable](rows []bought, key func(bought) K) map[K][]bought {
	groups := map[K][]bought{}
	for _, r := range rows {
		groups[key(r)] = append(groups[key(r)], r)
	}
	return groups
}

// tally sums orders up; its size is how many persons they are of. The newest orders come first in the evidence.
func tally(orders []bought) finding {
	slices.SortFunc(orders, func(a, b bought) int { return b.PlacedAt.Compare(a.PlacedAt) })
	f := finding{unions: unionSet{}, last: orders[0].PlacedAt, first: orders[len(orders)-1].PlacedAt}
	persons := map[model.ID]bool{}
	var sum model.Fen
	for _, o := range orders {
		persons[o.PersonID], f.unions[o.UnionID] = true, true
		f.evidence.Orders = append(f.evidence.Orders, o.ID)
		sum += o.GoodsFen
	}
	f.size = int64(len(persons))
	f.figures = []figure{{"persons", f.size}, {"unions", int64(len(f.unions))}, {"orders", int64(len(orders))}, {"amount_fen", int64(sum)}}
	return f
}

// sameBasket finds persons of one union who ordered exactly the same to the same address within minutes.
func sameBasket(l look) ([]finding, error) {
	span := time.Duration(l.set.Minutes) * time.Minute
	from := l.since.Add(-span)
	var hashes []string
	err := l.tx.Raw("SELECT DISTINCT address_hash FROM (SELECT address_hash FROM orders WHERE placed_at >= ? AND kind = 'online' AND address_hash <> '' "+
		"GROUP BY address_hash, union_id HAVING COUNT(DISTINCT person_id) >= ?) x", from, l.set.Threshold).Scan(&hashes).Error
	if err != nil {
		return nil, err
	}
	rows, err := ordersTo(l, hashes, from)
	if err != nil {
		return nil, err
	}
	baskets, err := basketsOf(l, rows)
	if err != nil {
		return nil, err
	}
	best := map[string]finding{}
	same := func(o bought) string { return o.AddressHash + ":" + o.UnionID.String() + "|" + baskets[o.ID] }
	for key, orders := range group(rows, same) {
		f := tally(densest(orders, span, func(o bought) model.ID { return o.PersonID }))
		f.key, _, _ = strings.Cut(key, "|")
		f.bucket = model.DateOf(f.first)
		if f.size >= l.set.Threshold && f.size > best[f.key].size {
			best[f.key] = f
		}
	}
	found := make([]finding, 0, len(best))
	for _, f := range best {
		found = append(found, f)
	}
	return found, nil
}

// basketsOf writes each order's goods as a text that is equal for equal baskets.
func basketsOf(l look, orders []bought) (map[model.ID]string, error) {
	baskets := map[model.ID]string{}
	for part := range slices.Chunk(orders, chunk) {
		ids := make([]model.ID, len(part))
		for i, o := range part {
			ids[i] = o.ID
		}
		var lines []model.OrderLine
		if err := l.tx.Select("order_id", "sku_id", "quantity").Where("order_id IN ?", ids).Order("order_id, sku_id").Find(&lines).Error; err != nil {
			return nil, err
		}
		for _, x := range lines {
			baskets[x.OrderID] += fmt.Sprintf("%d*%d;", x.SKUID, x.Quantity)
		}
	}
	return baskets, nil
}

// densest is the run of orders within span that are of the most different keys.
func densest(orders []bought, span time.Duration, key func(bought) model.ID) []bought {
	slices.SortFunc(orders, func(a, b bought) int { return a.PlacedAt.Compare(b.PlacedAt) })
	seen, from, most := map[model.ID]int{}, 0, 0
	var best []bought
	for to, o := range orders {
		seen[key(o)]++
		for o.PlacedAt.Sub(orders[from].PlacedAt) > span {
			if seen[key(orders[from])]--; seen[key(orders[from])] == 0 {
				delete(seen, key(orders[from]))
			}
			from++
		}
		if len(seen) > most {
			best, most = orders[from:to+1], len(seen)
		}
	}
	return best
}

// skuBuy is what one person bought of one SKU.
type skuBuy struct {
	PersonID  model.ID
	SKUID     model.ID `gorm:"column:sku_id"`
	Pieces    int64
	AmountFen model.Fen
}

// farAbove is how many times what a buyer takes of a SKU on average is far above.
const farAbove = 3

// bulkSKU finds persons who bought much of one SKU: of those who have ordered since the last look.
func bulkSKU(l look) ([]finding, error) {
	var buys []skuBuy
	err := l.tx.Raw("SELECT o.person_id, l.sku_id, SUM(l.quantity) AS pieces, SUM(l.amount_fen) AS amount_fen FROM orders o JOIN order_lines l ON l.order_id = o.id "+
		"WHERE o.placed_at >= ? AND o.kind <> 'group' AND o."+live+" AND o.refunded_fen < o.goods_fen "+
		"AND o.person_id IN (SELECT x.person_id FROM orders x WHERE x.placed_at >= ?) GROUP BY o.person_id, l.sku_id HAVING SUM(l.quantity) >= ?",
		l.from, l.since, min(l.set.Threshold, l.set.Least)).Scan(&buys).Error
	if err != nil || len(buys) == 0 {
		return nil, err
	}
	averages, err := averageBuys(l, buys)
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, b := range buys {
		granted, err := grantedTo(l, b.PersonID)
		if err != nil {
			return nil, err
		}
		share := int64(0)
		if granted > 0 {
			share = int64(b.AmountFen * 100 / granted)
		}
		many := b.Pieces >= l.set.Threshold && float64(b.Pieces) >= farAbove*averages[b.SKUID]
		whole := b.Pieces >= l.set.Least && share >= l.set.Percent
		if !many && !whole {
			continue
		}
		f, err := bulkFinding(l, b)
		if err != nil {
			return nil, err
		}
		if f.size == 0 {
			continue // given back meanwhile
		}
		f.share = share
		f.figures = []figure{{"pieces", b.Pieces}, {"average_pieces_x10", int64(averages[b.SKUID]*10 + 0.5)}, {"amount_fen", int64(b.AmountFen)}, {"share_of_allowance", share},
			{"orders", int64(len(f.evidence.Orders))}}
		found = append(found, f)
	}
	return most(found), nil
}

// most keeps the largest finding of each subject.
func most(all []finding) (kept []finding) {
	at := map[model.ID]int{}
	for _, f := range all {
		i, ok := at[f.subject]
		switch {
		case !ok:
			at[f.subject], kept = len(kept), append(kept, f)
		case f.size > kept[i].size:
			kept[i] = f
		}
	}
	return kept
}

func bulkFinding(l look, b skuBuy) (finding, error) {
	var orders []bought
	err := l.tx.Table("orders").Select(boughtColumns).Where("person_id = ? AND placed_at >= ? AND kind <> 'group' AND refunded_fen < goods_fen AND "+live, b.PersonID, l.from).
		Where("id IN (SELECT l.order_id FROM order_lines l WHERE l.order_id = orders.id AND l.sku_id = ?)", b.SKUID).Scan(&orders).Error
	if err != nil || len(orders) == 0 {
		return finding{}, err
	}
	f := tally(orders)
	f.subject, f.size = b.PersonID, b.Pieces
	return f, nil
}

// averageBuys is how many pieces of each SKU a buyer took on average in the window, among all buyers.
func averageBuys(l look, buys []skuBuy) (map[model.ID]float64, error) {
	var skus []model.ID
	for _, b := range buys {
		if !slices.Contains(skus, b.SKUID) {
			skus = append(skus, b.SKUID)
		}
	}
	averages := map[model.ID]float64{}
	for part := range slices.Chunk(skus, chunk) {
		var rows []struct {
			SKUID          model.ID `gorm:"column:sku_id"`
			Pieces, Buyers int64
		}
		err := l.tx.Raw("SELECT l.sku_id, SUM(l.quantity) AS pieces, COUNT(DISTINCT o.person_id) AS buyers FROM orders o JOIN order_lines l ON l.order_id = o.id "+
			"WHERE o.placed_at >= ? AND o.kind <> 'group' AND o."+live+" AND l.sku_id IN ? GROUP BY l.sku_id", l.from, part).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			averages[r.SKUID] = float64(r.Pieces) / float64(max(r.Buyers, 1))
		}
	}
	return averages, nil
}

// grantedTo is what a person was granted this year of the extra purse.
func grantedTo(l look, person model.ID) (model.Fen, error) {
	var caps []model.PersonCap
	err := l.tx.Where("person_id = ? AND year = ?", person, model.YearOf(l.now)).Find(&caps).Error
	if err != nil || len(caps) == 0 {
		return 0, err
	}
	return caps[0].GrantedFen, nil
}
