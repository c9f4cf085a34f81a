package risk

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"bangfu/model"
)

// sale is a counter sale, as an order that was placed when it was paid.
type sale struct {
	Order                         bought `gorm:"embedded"`
	HallID, CashierID, SupplierID model.ID
	OpenHours                     string
}

// sold are counter sales by the index redemptions_hall: a hall's from a day on.
const sold = "FROM halls h JOIN redemptions r ON r.hall_id = h.id AND r.paid_on >= ? WHERE r.paid_at >= ?"

const saleColumns = "SELECT r.order_id AS id, r.person_id, r.total_fen AS goods_fen, r.paid_at AS placed_at, r.hall_id, r.cashier_id, r.supplier_id, h.open_hours "

// sales reads the counter sales since from, those voided too, the first first.
func sales(l look, from time.Time) ([]sale, error) {
	var rows []sale
	err := l.tx.Raw(saleColumns+sold+" AND r.status IN ('paid', 'voided') ORDER BY r.paid_at, r.order_id", model.DateOf(from), from).Scan(&rows).Error
	return rows, err
}

// ofSales sums counter sales up; what halls and cashiers do is for the city federation to see.
func ofSales(rows []sale) finding {
	orders := make([]bought, len(rows))
	for i, s := range rows {
		orders[i] = s.Order
	}
	f := tally(orders)
	persons := f.size
	f.size, f.unions, f.supplier = int64(len(rows)), nil, &rows[0].SupplierID
	f.figures = []figure{{"sales", f.size}, {"persons", persons}, f.figures[3]}
	return f
}

// voidsCashier finds cashiers who voided many sales.
func voidsCashier(l look) ([]finding, error) {
	var rows []sale
	err := l.tx.Raw("SELECT o.id, o.person_id, o.union_id, f.amount_fen AS goods_fen, f.refunded_at AS placed_at, r.hall_id, r.voided_by AS cashier_id, r.supplier_id "+
		"FROM refunds f JOIN redemptions r ON r.order_id = f.order_id JOIN orders o ON o.id = f.order_id "+
		"WHERE f.refunded_at >= ? AND f.kind = 'void' AND r.voided_by IS NOT NULL ORDER BY f.refunded_at", l.from).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	by := map[model.ID][]sale{}
	for _, r := range rows {
		by[r.CashierID] = append(by[r.CashierID], r)
	}
	var found []finding
	for cashier, voided := range by {
		if int64(len(voided)) < l.set.Threshold {
			continue
		}
		f := ofSales(voided)
		f.subject, f.figures[0].Name = cashier, "voids"
		found = append(found, f)
	}
	return found, nil
}

// The night, hours of China's zone, in which no hall is expected to sell.
const (
	nightFrom = 22
	nightTo   = 6
)

// hallDay is one hall's day.
type hallDay struct {
	hall model.ID
	day  model.Date
}

// oddHours finds halls that sold in the night or outside their own open hours, day by day.
func oddHours(l look) ([]finding, error) {
	rows, err := sales(l, model.DateOf(l.since).Start())
	if err != nil {
		return nil, err
	}
	by := map[hallDay][]sale{}
	for _, r := range rows {
		if odd(r.Order.PlacedAt, r.OpenHours) {
			key := hallDay{r.HallID, model.DateOf(r.Order.PlacedAt)}
			by[key] = append(by[key], r)
		}
	}
	var found []finding
	for key, odd := range by {
		if int64(len(odd)) >= l.set.Threshold {
			f := ofSales(odd)
			f.subject, f.bucket = key.hall, key.day
			found = append(found, f)
		}
	}
	return found, nil
}

// openForm reads one span of time out of what a hall says of its open hours: "09:00—21:00", "每天 8:30 至 18:00".
var openForm = regexp.MustCompile(`(\d{1,2})[:：](\d{2})\s*(?:-|—|–|~|～|至|到)+\s*(\d{1,2})[:：](\d{2})`)

// odd tells whether a moment lies in the night or outside the open hours. Hours that cannot be read, or that are several, say nothing.
func odd(at time.Time, hours string) bool {
	local := at.In(model.China)
	minute := local.Hour()*60 + local.Minute()
	spans := openForm.FindAllStringSubmatch(hours, -1)
	if len(spans) == 1 {
		from, to := clock(spans[0][1], spans[0][2]), clock(spans[0][3], spans[0][4])
		if from >= 0 && from < to && (minute < from || minute > to) {
			return true
		}
	}
	return minute >= nightFrom*60 || minute < nightTo*60
}

// clock is the minute of the day that a clock shows, -1 where no clock shows it.
func clock(hour, minute string) int {
	h, _ := strconv.Atoi(hour) // digits, by the form
	m, _ := strconv.Atoi(minute)
	if m > 59 || h*60+m > 24*60 {
		return -1
	}
	return h*60 + m
}

// counterBurst finds cashiers who made many sales within minutes; the densest run of a day is the signal of that day.
func counterBurst(l look) ([]finding, error) {
	span := time.Duration(l.set.Minutes) * time.Minute
	rows, err := sales(l, l.since.Add(-span))
	if err != nil {
		return nil, err
	}
	by := map[model.ID][]sale{}
	for _, r := range rows {
		by[r.CashierID] = append(by[r.CashierID], r)
	}
	var found []finding
	for cashier, all := range by {
		from, best := 0, []sale(nil)
		for to := range all {
			for all[to].Order.PlacedAt.Sub(all[from].Order.PlacedAt) > span {
				from++
			}
			if to+1-from > len(best) {
				best = all[from : to+1]
			}
		}
		if int64(len(best)) < l.set.Threshold {
			continue
		}
		f := ofSales(slices.Clone(best))
		f.subject, f.bucket = cashier, model.DateOf(f.first)
		found = append(found, f)
	}
	return found, nil
}

// justBelow is how many percent below the amount that the member confirms a sale may be to count as just below it.
const justBelow = 10

// belowConfirm finds halls that sell mostly just below the amount from which the member has to confirm.
func belowConfirm(l look) ([]finding, error) {
	const below = "r.total_fen <= h.confirm_over_fen AND r.total_fen * 100 > h.confirm_over_fen * ?"
	var halls []struct {
		HallID       model.ID
		Sales, Below int64
	}
	err := l.tx.Raw("SELECT r.hall_id, COUNT(*) AS sales, SUM(CASE WHEN "+below+" THEN 1 ELSE 0 END) AS below "+sold+" AND r.status = 'paid' GROUP BY r.hall_id",
		100-justBelow, model.DateOf(l.from), l.from).Scan(&halls).Error
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, h := range halls {
		share := h.Below * 100 / max(h.Sales, 1)
		if h.Below < l.set.Threshold || share < l.set.Percent {
			continue
		}
		var rows []sale
		err := l.tx.Raw(saleColumns+sold+" AND r.status = 'paid' AND "+below+" AND r.hall_id = ? ORDER BY r.paid_at", model.DateOf(l.from), l.from, 100-justBelow, h.HallID).Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		f := ofSales(rows)
		f.subject, f.share = h.HallID, share
		f.figures = append(f.figures, figure{"all_sales", h.Sales}, figure{"share_of_sales_count", share})
		found = append(found, f)
	}
	return found, nil
}
