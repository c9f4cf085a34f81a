package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/tally"
)

// drill walks through the purchases behind a figure of a form: the form's unions by id, each union's orders in the order of the index
// orders_union_paid, then its claims. So a page reads little more than it shows, however many purchases the figure has.
type drill struct {
	tx        *gorm.DB
	union     model.ID
	period    Period
	statement model.ID  // the submitted form; 0: parts are decided as of at
	at        time.Time // up to which unions without a submitted form count
	treeAt    time.Time
	path      string // where the union stood
	channels  []model.ID
	waiting   []model.ID // unions that the rollups do not have all of yet
	spot      spot
}

// spot is the purchase that the page before ended with. Zero: there was none.
type spot struct {
	UnionID      model.ID
	Claim        bool `gorm:"-"`
	ID           model.ID
	PaidAt       time.Time
	ChannelID    model.ID
	AllowanceFen model.Fen
	WechatFen    model.Fen
}

// batches are how many unions are looked through at a time: few at first, since one often fills a page.
var batches = []int{10, 50, 250}

// walk reads a page, and one purchase more.
func (d *drill) walk(row int, page model.Page) (all []CountedOrder, err error) {
	if err := d.tx.Model(&model.Channel{}).Where("form_row = ?", row).Pluck("id", &d.channels).Error; err != nil || len(d.channels) == 0 {
		return nil, err
	}
	if d.path, err = place(d.tx, d.union, d.treeAt); err != nil {
		return nil, err
	}
	if err := d.find(page.Cursor); err != nil {
		return nil, err
	}
	after, size := d.spot.UnionID-1, 1 // first the rest of the union where the page before ended
	if d.spot.ID == 0 {
		after, size = 0, batches[0]
	}
	waiting, known, err := tally.Waiting(d.tx)
	d.waiting = append([]model.ID{0}, waiting...) // no union, but never an empty list
	for i := 0; err == nil && len(all) <= page.Limit; i++ {
		var some []model.StatementPart
		if some, err = d.next(after, size, known); err != nil || len(some) == 0 {
			break
		}
		after, size = some[len(some)-1].UnionID, batches[min(i, len(batches)-1)]
		var cuts []int
		if cuts, err = d.runs(some); err != nil {
			break
		}
		for from := 0; err == nil && len(all) <= page.Limit && from < len(some); {
			to := cuts[0]
			var more []CountedOrder
			more, err = d.behind(some[from:to], page.Limit+1-len(all))
			all, from, cuts = append(all, more...), to, cuts[1:]
		}
	}
	return all, err
}

// sorted is how many purchases are sorted at a time; those of one union come in the order of an index.
const sorted = 2000

// runs tells where to cut unions into runs of few purchases each, by the rollups.
func (d *drill) runs(some []model.StatementPart) (cuts []int, err error) {
	unions := make([]model.ID, len(some))
	for i, p := range some {
		unions[i] = p.UnionID
	}
	var counts []struct {
		UnionID model.ID
		Times   int64
	}
	err = d.tx.Model(&model.TallyForm{}).Select("union_id, SUM(times) AS times").Where("year = ? AND union_id IN ?", d.period.Year, unions).Group("union_id").Scan(&counts).Error
	times := make(map[model.ID]int64, len(counts))
	for _, c := range counts {
		times[c.UnionID] = c.Times
	}
	sum := int64(0)
	for i, id := range unions {
		if sum += times[id]; sum > sorted && i > 0 {
			cuts, sum = append(cuts, i), times[id]
		}
	}
	return append(cuts, len(some)), err
}

// find looks up where the page before ended.
func (d *drill) find(cursor model.ID) error {
	if cursor == 0 {
		return nil
	}
	err := d.tx.Model(&model.Order{}).Select("id", "union_id", "paid_at", "channel_id", "allowance_fen", "wechat_fen").Where("id = ? AND paid_at IS NOT NULL", cursor).Limit(1).Scan(&d.spot).Error
	if err != nil || d.spot.ID != 0 {
		return err
	}
	err = d.tx.Model(&model.Claim{}).Select("id", "union_id", "counted_at AS paid_at").Where("id = ? AND counted_at IS NOT NULL", cursor).Limit(1).Scan(&d.spot).Error
	if d.spot.Claim = true; err == nil && d.spot.ID == 0 {
		err = model.Invalid("cursor", "cursor 不正确，请从第一页重新查看")
	}
	return err
}

// someSQL narrows unions to those for which anything was counted in the channels, or waits to be.
const someSQL = ` AND (EXISTS (SELECT 1 FROM tally_forms f WHERE f.year = @year AND f.union_id = {union} AND f.channel_id IN @channels)
OR {union} IN @waiting)`

// next is the form's next unions after an id, with the moment up to which each counts. known: the rollups tell which have anything.
func (d *drill) next(after model.ID, limit int, known bool) (some []model.StatementPart, err error) {
	sql, union := "SELECT up.union_id, up.path"+treeRows+" AND up.path LIKE @below AND up.union_id > @after", "up.union_id"
	if d.statement != 0 {
		sql, union = "SELECT p.union_id, p.as_of FROM statement_parts p WHERE p.statement_id = @statement AND p.union_id > @after", "p.union_id"
	}
	args := map[string]any{"at": d.treeAt, "below": d.path + "%", "after": after, "limit": limit, "statement": d.statement, "year": d.period.Year, "channels": d.channels, "waiting": d.waiting}
	if known {
		sql += strings.ReplaceAll(someSQL, "{union}", union)
	}
	q := d.tx.Raw(sql+" ORDER BY "+union+" LIMIT @limit", args)
	if d.statement != 0 {
		err = q.Scan(&some).Error
		return some, err
	}
	var tree []node
	if err := q.Scan(&tree).Error; err != nil {
		return nil, err
	}
	if alone := "/" + d.union.String() + "/"; d.path == alone && d.union > after && (len(tree) < limit || d.union < tree[len(tree)-1].UnionID) { // it may not have existed yet
		if i, found := slices.BinarySearchFunc(tree, d.union, func(n node, id model.ID) int { return cmp.Compare(n.UnionID, id) }); !found {
			tree = slices.Insert(tree, i, node{UnionID: d.union, Path: alone})
			tree = tree[:min(len(tree), limit)]
		}
	}
	return d.decide(tree)
}

// decide does for some unions what parts does for all: each counts by the form of the highest union above it, but below the asked one, that
// has a submitted form with this union in it, by its own submitted form if there is none, and else up to the moment.
func (d *drill) decide(tree []node) ([]model.StatementPart, error) {
	var submitters, unions []model.ID
	above := make([][]model.ID, len(tree))
	for i, n := range tree {
		unions = append(unions, n.UnionID)
		for text := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(n.Path, d.path), "/"), "/") {
			if id, err := model.ParseID(text); err == nil && id != d.union {
				above[i] = append(above[i], id)
			}
		}
		submitters = append(submitters, above[i]...)
	}
	slices.Sort(submitters)
	var read []submittedPart
	err := d.tx.Raw(`SELECT p.statement_id, s.union_id AS submitter, p.union_id, p.as_of FROM statements s JOIN statement_parts p ON p.statement_id = s.id AND p.union_id IN @unions
WHERE s.period_id = @period AND s.status = 'submitted' AND s.union_id IN @submitters`, map[string]any{"period": d.period.ID, "unions": unions, "submitters": slices.Compact(submitters)}).Scan(&read).Error
	if err != nil {
		return nil, err
	}
	by := make(map[[2]model.ID]submittedPart, len(read))
	for _, s := range read {
		by[[2]model.ID{s.Submitter, s.UnionID}] = s
	}
	some := make([]model.StatementPart, len(tree))
	for i, n := range tree {
		some[i] = model.StatementPart{UnionID: n.UnionID, AsOf: d.at}
		for _, submitter := range above[i] {
			if s, ok := by[[2]model.ID{submitter, n.UnionID}]; ok {
				some[i].AsOf, some[i].SourceStatementID = s.AsOf, &s.StatementID
				break
			}
		}
	}
	return some, nil
}

const drillOrdersSQL = `SELECT CASE o.kind WHEN 'group' THEN 'group' ELSE 'order' END AS kind, o.id, o.order_no,
CASE o.kind WHEN 'group' THEN (SELECT COUNT(DISTINCT s.receiver_id) FROM group_purchases g JOIN group_signoffs s ON s.purchase_id = g.id
  WHERE g.order_id = o.id AND s.signed_at < {cutoff} AND (s.undone_at IS NULL OR s.undone_at >= {cutoff})) ELSE 1 END AS person_times,
o.union_id AS union_id, (SELECT u.name FROM unions u WHERE u.id = o.union_id) AS union_name, (SELECT c.name FROM channels c WHERE c.id = o.channel_id) AS channel,
o.paid_at, o.allowance_fen + o.wechat_fen AS paid_fen, (SELECT COALESCE(SUM(r.amount_fen), 0) FROM refunds r WHERE r.order_id = o.id AND r.refunded_at < {cutoff}) AS refunded_fen
FROM orders o WHERE o.union_id IN @unions AND o.year = @year AND o.paid_at < {cutoff} AND o.channel_id IN @channels AND o.allowance_fen + o.wechat_fen > 0{after}
ORDER BY o.union_id, o.year, o.paid_at, o.channel_id, o.allowance_fen, o.wechat_fen, o.id LIMIT @limit`

const drillClaimsSQL = `SELECT 'claim' AS kind, k.id, k.invoice_no AS order_no, k.person_times,
k.union_id AS union_id, (SELECT u.name FROM unions u WHERE u.id = k.union_id) AS union_name, (SELECT c.name FROM channels c WHERE c.id = k.channel_id) AS channel,
k.counted_at AS paid_at, k.amount_fen AS paid_fen, CASE WHEN k.revoked_at < {cutoff} THEN k.amount_fen ELSE 0 END AS refunded_fen
FROM claims k WHERE k.union_id IN @unions AND k.year = @year AND k.counted_at < {cutoff} AND k.channel_id IN @channels{after}
ORDER BY k.union_id, k.year, k.counted_at, k.id LIMIT @limit`

// What comes after the spot. A union's claims come after all of its orders.
const (
	afterOrderSQL = ` AND o.paid_at >= @paid AND (o.paid_at > @paid OR o.channel_id > @channel OR o.channel_id = @channel AND (o.allowance_fen > @allowance
OR o.allowance_fen = @allowance AND (o.wechat_fen > @wechat OR o.wechat_fen = @wechat AND o.id > @id)))`
	afterClaimSQL = ` AND k.counted_at >= @paid AND (k.counted_at > @paid OR k.id > @id)`
)

// behind reads the first purchases of some unions, after the spot if it is in them.
func (d *drill) behind(some []model.StatementPart, limit int) ([]CountedOrder, error) {
	s := d.spot
	args := map[string]any{"year": d.period.Year, "channels": d.channels, "limit": limit, "paid": s.PaidAt, "channel": s.ChannelID, "allowance": s.AllowanceFen, "wechat": s.WechatFen, "id": s.ID}
	unions := make([]model.ID, len(some))
	for i, p := range some {
		unions[i] = p.UnionID
	}
	args["unions"] = unions
	afterOrder, afterClaim, orders := "", "", true
	if len(some) == 1 && some[0].UnionID == s.UnionID && s.ID != 0 {
		if orders = !s.Claim; orders {
			afterOrder = afterOrderSQL
		} else {
			afterClaim = afterClaimSQL
		}
	}
	var all, claims []CountedOrder
	if orders {
		if err := d.tx.Raw(strings.NewReplacer("{after}", afterOrder, "{cutoff}", cutoffs(some, "o.union_id", args)).Replace(drillOrdersSQL), args).Scan(&all).Error; err != nil {
			return nil, err
		}
	}
	err := d.tx.Raw(strings.NewReplacer("{after}", afterClaim, "{cutoff}", cutoffs(some, "k.union_id", args)).Replace(drillClaimsSQL), args).Scan(&claims).Error
	all = append(all, claims...)
	slices.SortStableFunc(all, func(a, b CountedOrder) int { return cmp.Compare(a.Union.ID, b.Union.ID) })
	return all[:min(len(all), limit)], err
}

// cutoffs is the moment up to which the unions count, as an expression.
func cutoffs(some []model.StatementPart, union string, args map[string]any) string {
	moments := map[time.Time][]model.ID{}
	for _, p := range some {
		moments[p.AsOf] = append(moments[p.AsOf], p.UnionID)
	}
	args["last"] = some[0].AsOf
	delete(moments, some[0].AsOf)
	if len(moments) == 0 {
		return "@last"
	}
	var b strings.Builder
	b.WriteString("CASE")
	for at, ids := range moments {
		name := "m" + ids[0].String()
		args[name], args[name+"_ids"] = at, ids
		b.WriteString(" WHEN " + union + " IN @" + name + "_ids THEN @" + name)
	}
	return b.String() + " ELSE @last END"
}
