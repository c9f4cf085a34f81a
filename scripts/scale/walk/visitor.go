// Package walk is what people open of the product, as a table, and the means to open it on a city that package city made: for measuring it
// and for looking at the queries that it runs.
package walk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bwmarrin/snowflake"

	"bangfu/api"
	"bangfu/model"
	"bangfu/scripts/scale/city"
)

// Walker opens things of a product on a made city, as its people.
type Walker struct {
	base     string
	db       *sql.DB
	http     *http.Client
	now      time.Time
	visitors map[Role]*Visitor
	members  map[string][]*Visitor
	sessions int
}

// Visitor is somebody with a session.
type Visitor struct {
	token  string // a member's
	cookie string // staff's
	csrf   string
	ids    map[string]string   // what is the same in every visit
	things map[string][]string // what changes from visit to visit
}

// New makes sessions for all roles in the database and returns a walker that speaks to the product at base. now is the product's time.
func New(ctx context.Context, base string, db *sql.DB, now time.Time) (*Walker, error) {
	w := &Walker{base: base, db: db, now: model.Millis(now), visitors: map[Role]*Visitor{}, members: map[string][]*Visitor{}, http: &http.Client{Timeout: 10 * time.Minute}}
	big := "SELECT union_id FROM members ORDER BY id LIMIT 1"
	for _, r := range []struct{ role, staff, union, below string }{
		{string(City), "s.role = 'city_federation'", "SELECT id FROM unions WHERE parent_id IS NULL", big},
		{string(County), "s.role = 'federation' AND u.kind = 'county'", "", "SELECT id FROM unions WHERE kind = 'grassroots' AND path LIKE CONCAT(@path, '%') ORDER BY id LIMIT 1"},
		{string(Big), "s.role = 'union_admin' AND u.id = (" + big + ")", "", ""},
		{string(BigSign), "s.role = 'union_approver' AND u.id = (" + big + ")", "", ""},
		{string(Small), "s.role = 'union_admin' AND u.id = (SELECT union_id FROM funds ORDER BY id DESC LIMIT 1)", "", ""},
		{string(Supplier), "s.role = 'supplier'", "", ""},
		{string(Cashier), "s.role = 'cashier'", "", ""},
		{string(Operator), "s.role = 'operator' AND s.login LIKE 'city%'", "", ""},
	} {
		v, err := w.staff(ctx, r.staff, r.below)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.role, err)
		}
		w.visitors[Role(r.role)] = v
	}
	return w, nil
}

// session stores a session and returns its token.
func (w *Walker) session(ctx context.Context, audience string, subject int64) (token, csrf string, err error) {
	w.sessions++
	token, csrf = fmt.Sprintf("walker%037d", time.Now().UnixNano()+int64(w.sessions)), fmt.Sprintf("csrf-%d", w.sessions)
	id := (time.Now().UnixMilli()-snowflake.Epoch)<<22 + int64(w.sessions)
	_, err = w.db.ExecContext(ctx, "INSERT INTO sessions (id, token_hash, csrf_hash, audience, subject_id, second_factor, device_hash, created_at, last_seen_at, expires_at) VALUES (?, ?, ?, ?, ?, 1, '', ?, ?, ?)",
		id, sha(token), sha(csrf), audience, subject, stamp(w.now), stamp(w.now), stamp(w.now.AddDate(0, 2, 0)))
	return token, csrf, err
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.000") }

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// staff is the first console account that fits, with a session and with what it opens.
func (w *Walker) staff(ctx context.Context, where, below string) (*Visitor, error) {
	var id, union int64
	var path string
	var supplier, hall sql.NullInt64
	err := w.db.QueryRowContext(ctx, "SELECT s.id, s.union_id, u.path, s.supplier_id, s.hall_id FROM staff s JOIN unions u ON u.id = s.union_id WHERE s.login LIKE 'city%' AND "+where+" ORDER BY s.id LIMIT 1").
		Scan(&id, &union, &path, &supplier, &hall)
	if err != nil {
		return nil, err
	}
	v := &Visitor{ids: map[string]string{"union": fmt.Sprint(union), "below": fmt.Sprint(union), "path": path, "staff": fmt.Sprint(id), "supplier_own": fmt.Sprint(supplier.Int64), "hall_own": fmt.Sprint(hall.Int64)}, things: map[string][]string{}}
	if v.cookie, v.csrf, err = w.session(ctx, "staff", id); err != nil {
		return nil, err
	}
	if below != "" {
		var at int64
		if err := w.db.QueryRowContext(ctx, strings.ReplaceAll(below, "@path", "'"+path+"'")).Scan(&at); err != nil {
			return nil, err
		}
		v.ids["below"] = fmt.Sprint(at)
	}
	return v, nil
}

// things says how to find what a visit opens. {…} in a query stands for what is the visitor's own.
var things = map[string]string{
	"member":       "SELECT id FROM members WHERE union_id = {below} ORDER BY id LIMIT 40",
	"name":         "SELECT DISTINCT name FROM members WHERE union_id = {below} LIMIT 40",
	"letter":       "SELECT DISTINCT LEFT(name, 1) FROM members WHERE union_id = {below} LIMIT 20",
	"federation":   "SELECT DISTINCT parent_id FROM unions WHERE kind = 'grassroots' AND path LIKE '{path}%' LIMIT 20",
	"import":       "SELECT id FROM roster_imports ORDER BY id LIMIT 20",
	"fund":         "SELECT id FROM funds WHERE union_id = {below} LIMIT 10",
	"grant":        "SELECT id FROM grants WHERE union_id = {below} AND status = 'issued' LIMIT 10",
	"supplier":     "SELECT id FROM suppliers WHERE {supplier_own} IN (0, id) ORDER BY id LIMIT 40",
	"product":      "SELECT id FROM products WHERE status = 'on' ORDER BY id LIMIT 40",
	"sku":          "SELECT id FROM skus ORDER BY id LIMIT 40",
	"order":        "SELECT id FROM orders WHERE union_id = {below} ORDER BY id LIMIT 40",
	"my_parcel":    "SELECT id FROM parcels WHERE supplier_id = {supplier_own} AND status = 'received' ORDER BY id DESC LIMIT 40",
	"case":         "SELECT id FROM after_sales ORDER BY id LIMIT 40",
	"group":        "SELECT id FROM group_purchases ORDER BY id LIMIT 20",
	"claim":        "SELECT k.id FROM claims k JOIN unions u ON u.id = k.union_id WHERE u.path LIKE '{path}%' LIMIT 40",
	"listed_claim": "SELECT id FROM claims WHERE listed = 1 LIMIT 40",
	"channel":      "SELECT DISTINCT channel_id FROM claims LIMIT 20",
	"my_request":   "SELECT id FROM invoice_requests WHERE supplier_id = {supplier_own} LIMIT 40",
	"hall":         "SELECT id FROM halls ORDER BY id LIMIT 20",
	"my_sale":      "SELECT id FROM redemptions WHERE hall_id = {hall_own} ORDER BY id DESC LIMIT 40",
	"batch":        "SELECT id FROM settlement_batches ORDER BY id LIMIT 20",
	"settlement":   "SELECT id FROM settlements ORDER BY id LIMIT 40",
	"period":       "SELECT id FROM reporting_periods WHERE year = {year} AND seq = 3",
	"first_period": "SELECT id FROM reporting_periods WHERE year = {year} AND seq = 1",
	"statement":    "SELECT id FROM statements LIMIT 20",
	"signal":       "SELECT id FROM risk_signals LIMIT 40",
}

// memberThings says how to find members who have what a visit opens: the account, and the thing.
const memberBase = "SELECT a.id, {thing} FROM {from} WHERE a.person_id IS NOT NULL ORDER BY {thing} DESC LIMIT 20"

var memberThings = map[string][2]string{
	"":             {"a.id", "wechat_accounts a"},
	"my_order":     {"o.id", "orders o JOIN wechat_accounts a ON a.person_id = o.person_id"},
	"my_allowance": {"o.id", "allowances o JOIN wechat_accounts a ON a.person_id = o.person_id"},
	"my_case":      {"o.id", "after_sales o JOIN wechat_accounts a ON a.person_id = o.person_id"},
}

// fill replaces the names in braces of a path for the i-th visit.
func (w *Walker) fill(ctx context.Context, v *Visitor, path string, i int) (string, error) {
	for {
		from := strings.IndexByte(path, '{')
		if from < 0 {
			return path, nil
		}
		to := from + strings.IndexByte(path[from:], '}')
		value, err := w.thing(ctx, v, path[from+1:to], i)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path[from:to+1], err)
		}
		path = path[:from] + url.QueryEscape(value) + path[to+1:]
	}
}

func (w *Walker) thing(ctx context.Context, v *Visitor, name string, i int) (string, error) {
	if id, ok := v.ids[name]; ok {
		return id, nil
	}
	day := func(back int) string { return string(model.DateOf(w.now.AddDate(0, 0, -back))) }
	switch name {
	case "year":
		return fmt.Sprint(model.YearOf(w.now)), nil
	case "phone":
		return city.Phone(i % 300), nil
	case "number":
		return city.IDNumber(i % 300), nil
	case "from":
		return day(20 + i%60), nil
	case "to":
		return day(17 + i%60), nil
	case "month_from":
		return day(60 + i%30), nil
	case "month_to":
		return day(30 + i%30), nil
	}
	list, ok := v.things[name]
	if !ok {
		query, known := things[name]
		if !known {
			return "", errors.New("nobody knows what that is")
		}
		for key, id := range v.ids {
			query = strings.ReplaceAll(query, "{"+key+"}", id)
		}
		query = strings.ReplaceAll(query, "{year}", fmt.Sprint(model.YearOf(w.now)))
		var err error
		if list, err = w.column(ctx, query); err != nil {
			return "", err
		}
		v.things[name] = list
	}
	if len(list) == 0 {
		return "", errors.New("there is nothing such in the city")
	}
	return list[i%len(list)], nil
}

func (w *Walker) column(ctx context.Context, query string) (list []string, err error) {
	rows, err := w.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// membersOf finds twenty members who have the thing that a path names, each with a session.
func (w *Walker) membersOf(ctx context.Context, path string) (list []*Visitor, err error) {
	kind := ""
	for name := range memberThings {
		if name != "" && strings.Contains(path, "{"+name+"}") {
			kind = name
		}
	}
	if kept := w.members[kind]; kept != nil {
		return kept, nil
	}
	query := strings.NewReplacer("{thing}", memberThings[kind][0], "{from}", memberThings[kind][1]).Replace(memberBase)
	rows, err := w.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var account, thing int64
		if err := rows.Scan(&account, &thing); err != nil {
			return nil, err
		}
		v := &Visitor{ids: map[string]string{kind: fmt.Sprint(thing)}, things: map[string][]string{}}
		if v.token, _, err = w.session(ctx, "member", account); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if len(list) == 0 && rows.Err() == nil {
		return nil, errors.New("no member has such a thing")
	}
	w.members[kind] = list
	return list, rows.Err()
}

// Answer is what came back.
type Answer struct {
	Took   time.Duration
	Status int
	Next   string // the cursor of the next page, where there is one
	Body   []byte
}

// Get opens a visit for the i-th time, on the page after the cursor.
func (w *Walker) Get(ctx context.Context, visit Visit, as Role, i int, cursor string) (Answer, error) {
	v := w.visitors[as]
	if as == Member {
		list, err := w.membersOf(ctx, visit.Path)
		if err != nil {
			return Answer{}, err
		}
		v = list[i%len(list)]
	}
	path, err := w.fill(ctx, v, visit.Path, i)
	if err != nil {
		return Answer{}, err
	}
	if cursor != "" {
		mark := "?"
		if strings.Contains(path, "?") {
			mark = "&"
		}
		path += mark + "cursor=" + url.QueryEscape(cursor)
	}
	return w.Do(ctx, v, http.MethodGet, path, "", nil, "")
}

// Visitor is who visits in a role other than Member.
func (w *Walker) Visitor(as Role) *Visitor { return w.visitors[as] }

// Do makes a request as the visitor. An answer that is no success is an error. key is the Idempotency-Key, or empty.
func (w *Walker) Do(ctx context.Context, v *Visitor, method, path, contentType string, body io.Reader, key string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, body)
	if err != nil {
		return Answer{}, err
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	} else {
		req.AddCookie(&http.Cookie{Name: api.StaffCookie, Value: v.cookie})
		req.Header.Set("X-CSRF-Token", v.csrf)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	start := time.Now()
	resp, err := w.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	a := Answer{Took: time.Since(start), Status: resp.StatusCode, Body: text}
	if err != nil {
		return a, err
	}
	if resp.StatusCode >= 300 {
		return a, fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, text)
	}
	var page struct {
		Next  *string `json:"next_cursor"`
		Lines struct {
			Next *string `json:"next_cursor"`
		} `json:"lines"`
		Orders struct {
			Next *string `json:"next_cursor"`
		} `json:"orders"`
	}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && json.Unmarshal(text, &page) == nil {
		for _, next := range []*string{page.Next, page.Lines.Next, page.Orders.Next} {
			if next != nil {
				a.Next = *next
			}
		}
	}
	return a, nil
}

// Own is what is the same in every visit of the visitor: union, below, supplier_own, staff; of a buyer member and address.
func (v *Visitor) Own(name string) string { return v.ids[name] }

// Buyers are up to n active members of a union who can check out, each with a session.
func (w *Walker) Buyers(ctx context.Context, union string, n int) (list []*Visitor, err error) {
	rows, err := w.db.QueryContext(ctx, "SELECT a.id, m.id, d.id FROM members m JOIN wechat_accounts a ON a.person_id = m.person_id JOIN addresses d ON d.person_id = m.person_id "+
		"WHERE m.union_id = ? AND m.status = 'active' ORDER BY m.id LIMIT ?", union, n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var account int64
		var member, address string
		if err := rows.Scan(&account, &member, &address); err != nil {
			return nil, err
		}
		v := &Visitor{ids: map[string]string{"member": member, "address": address}, things: map[string][]string{}}
		if v.token, _, err = w.session(ctx, "member", account); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
