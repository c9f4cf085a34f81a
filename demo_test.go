package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/xuri/excelize/v2"

	"bangfu/config"
	"bangfu/demo"
	"bangfu/model"
)

// TestDemo plays the demonstration year and finds what it promises: the forms, the accounts for its owner's eyes only, sound
// books; a second start serves what is there, each part of it.
func TestDemo(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	t.Setenv("DATA_DIR", dir)
	t.Setenv("HTTP_ADDR", addr)
	t.Setenv("LOG_LEVEL", "error")
	var first, second, books output
	if code := run(context.Background(), []string{"demo", "--exit"}, &first, &first); code != 0 || !strings.Contains(first.String(), "演示年度已走完") {
		t.Fatalf("%d %s", code, first.String())
	}
	for _, pattern := range []string{"*.xlsx", "*.pdf"} {
		if files, err := filepath.Glob(filepath.Join(dir, "demo", pattern)); err != nil || len(files) < 2 {
			t.Errorf("%s: %v %v", pattern, files, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "demo", "accounts.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("accounts.json: %v %v", info, err)
	}
	if code := run(context.Background(), []string{"reconcile"}, &books, &books); code != 0 {
		t.Errorf("reconcile: %s", books.String())
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"demo"}, &second, &second) }()
	waitReady(t, addr, &second)
	showsEachPart(t, visit(t, "http://"+addr, dir), dir)
	stop()
	if code := <-done; code != 0 || strings.Contains(second.String(), "走完") || strings.Contains(second.String(), "只显示这一次") || !strings.Contains(second.String(), "demo-city") {
		t.Errorf("second start: %d %s", code, second.String())
	}
}

// TestTourNamesTheDatabase shows that the command to prove the books finds the demonstration's database in another shell too, and that no password
// is printed for it.
func TestTourNamesTheDatabase(t *testing.T) {
	var embedded, server bytes.Buffer
	tour(&embedded, &config.Config{DataDir: "there"}, "http://127.0.0.1:1", "there/demo")
	tour(&server, &config.Config{DataDir: "there", MySQLDSN: "root:not-a-secret@tcp(127.0.0.1:2)/demo"}, "http://127.0.0.1:1", "there/demo")
	if text := embedded.String(); !strings.Contains(text, "核对账目：DATA_DIR=there bin/bangfu reconcile") {
		t.Error(text)
	}
	if text := server.String(); !strings.Contains(text, "相同的 MYSQL_DSN") || !strings.Contains(text, "DATA_DIR=there bin/bangfu reconcile") || strings.Contains(text, "not-a-secret") {
		t.Error(text)
	}
}

// visitor looks around with the accounts that the demonstration leaves.
type visitor struct {
	t        *testing.T
	base     string
	accounts map[string]demo.Account
	clients  map[string]*http.Client
}

func visit(t *testing.T, base, dir string) *visitor {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "demo", "accounts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var left struct {
		Console []demo.Account
		Members []string
	}
	if err := json.Unmarshal(text, &left); err != nil || len(left.Members) == 0 {
		t.Fatal(err, left.Members)
	}
	v := &visitor{t: t, base: base, accounts: map[string]demo.Account{}, clients: map[string]*http.Client{}}
	for _, a := range left.Console {
		v.accounts[a.Login] = a
	}
	return v
}

// as is a client in a session of the account.
func (v *visitor) as(login string) *http.Client {
	v.t.Helper()
	if c := v.clients[login]; c != nil {
		return c
	}
	a, ok := v.accounts[login]
	if !ok {
		v.t.Fatalf("accounts.json does not know %s", login)
	}
	body := map[string]string{"login": a.Login, "password": a.Password}
	if a.TOTP != "" {
		code, err := totp.GenerateCode(a.TOTP, time.Now())
		if err != nil {
			v.t.Fatal(err)
		}
		body["totp"] = code
	}
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar}
	text, _ := json.Marshal(body)
	resp, err := c.Post(v.base+"/api/v1/console/login", "application/json", bytes.NewReader(text))
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(resp.Body)
		v.t.Fatalf("%s: %s %s", login, resp.Status, answer)
	}
	v.clients[login] = c
	return c
}

func (v *visitor) get(login, path string, into any) {
	v.t.Helper()
	resp, err := v.as(login).Get(v.base + "/api/v1/console/" + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %s %v %s", path, resp.Status, err, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		v.t.Fatalf("%s: %v", path, err)
	}
}

// expect holds how many of a list's items have each status against want, which may name fewer than there are.
func (v *visitor) expect(login, path string, want map[string]int) {
	v.t.Helper()
	var list struct{ Items []struct{ ID, Status string } }
	v.get(login, path, &list)
	got := map[string]int{}
	for _, i := range list.Items {
		got[i.Status]++
	}
	for status, n := range want {
		if got[status] < n {
			v.t.Errorf("%s shows %v, want %v", path, got, want)
			return
		}
	}
}

// showsEachPart asks the interface for each part that the demonstration should show.
func showsEachPart(t *testing.T, v *visitor, dir string) {
	t.Helper()
	year := model.YearOf(time.Now())
	union := func(login string) string {
		var s struct {
			Staff struct{ Union struct{ ID string } }
		}
		v.get(login, "session", &s)
		return s.Staff.Union.ID
	}
	root := union("demo-city")
	for login, state := range map[string]string{"demo-admin1": "near", "demo-admin2": "ok"} {
		var meter struct{ State string }
		if v.get(login, fmt.Sprintf("unions/%s/limits/%d", union(login), year), &meter); meter.State != state {
			t.Errorf("the meter of %s is %s", login, meter.State)
		}
	}
	v.expect("demo-city", "payments?limit=100", map[string]int{"paid": 3, "closed": 1})
	v.expect("demo-auditor", "after-sales?limit=100", map[string]int{"refunded": 3, "requested": 1})
	v.expect("demo-city", "unions/"+root+"/claims?subtree=true&limit=100", map[string]int{"approved": 6, "rejected": 1, "entered": 1})
	v.expect("demo-admin3", "unions/"+union("demo-admin3")+"/group-purchases", map[string]int{"signing": 1})
	halls(t, v)
	var invoices struct{ Items []struct{ Status string } }
	for i := 1; i <= 3; i++ {
		var some struct{ Items []struct{ Status string } }
		v.get(fmt.Sprintf("demo-supplier%d", i), "invoice-requests", &some)
		invoices.Items = append(invoices.Items, some.Items...)
	}
	if got := fmt.Sprint(invoices.Items); !strings.Contains(got, "issued") || !strings.Contains(got, "requested") {
		t.Errorf("invoices: %s", got)
	}
	var told struct {
		Items []struct{ Status, Topic string }
	}
	v.get("demo-city", "outbox?status=sent&limit=100", &told)
	if len(told.Items) < 20 {
		t.Errorf("%d messages were sent", len(told.Items))
	}
	v.expect("demo-city", "outbox?topic=shipping_info", map[string]int{"sent": 2})
	if v.get("demo-city", "outbox?status=dead", &told); len(told.Items) > 0 {
		t.Errorf("given up: %+v", told.Items)
	}
	v.expect("demo-city", "erasures", map[string]int{"done": 1, "requested": 1})
	v.expect("demo-city", "risk-signals?limit=100", map[string]int{"dismissed": 1, "open": 1})
	if time.Now().In(model.China).YearDay() > 60 { // money is paid out some days after goods are received
		v.expect("demo-city2", "settlement-batches", map[string]int{"paid": 1, "confirmed": 1})
	}
	formShows(t, v, root, dir)
	figuresShow(t, v, root)
}

// figuresShow holds the city's dashboards: something of each kind, the parts adding up to the whole.
func figuresShow(t *testing.T, v *visitor, root string) {
	t.Helper()
	type sum struct {
		Net model.Fen `json:"net_fen"`
	}
	var all struct {
		Total          sum
		Months, Purses []any
	}
	var parts struct {
		Items []struct{ Total sum }
		Rest  sum
	}
	var regions struct{ Total, Paired sum }
	v.get("demo-city", "unions/"+root+"/figures", &all)
	v.get("demo-city", "unions/"+root+"/figures/unions", &parts)
	v.get("demo-city", "unions/"+root+"/figures/regions", &regions)
	whole := parts.Rest.Net
	for _, p := range parts.Items {
		whole += p.Total.Net
	}
	if all.Total.Net == 0 || whole != all.Total.Net || regions.Total.Net != all.Total.Net || regions.Paired.Net == 0 || len(parts.Items) < 2 || len(all.Months) == 0 || len(all.Purses) == 0 {
		t.Errorf("%+v\n%+v\n%+v", all, parts, regions)
	}
}

// halls holds that each hall sold, one sale was voided, and the cashiers see their own.
func halls(t *testing.T, v *visitor) {
	t.Helper()
	var list struct{ Items []struct{ ID, Name string } }
	v.get("demo-city", "halls", &list)
	if len(list.Items) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, h := range list.Items {
		v.expect("demo-city", "halls/"+h.ID+"/sales", map[string]int{"paid": 3})
	}
	v.expect("demo-cashier1", "halls/"+list.Items[0].ID+"/sales", map[string]int{"paid": 3, "voided": 1})
	var own struct{ Name string }
	if v.get("demo-cashier2", "counter/hall", &own); own.Name != list.Items[1].Name {
		t.Errorf("%+v", own)
	}
}

// formShows holds the city's exported form against the interface, and that every row says something.
func formShows(t *testing.T, v *visitor, root, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "demo", "统计表_市总汇总_*.xlsx"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	last := files[len(files)-1]
	var periods struct {
		Items []struct {
			ID  string
			Seq int
		}
	}
	v.get("demo-city", fmt.Sprintf("reporting-periods?year=%d", model.YearOf(time.Now())), &periods)
	book, err := excelize.OpenFile(last)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string][2]string{}
	for _, r := range rows {
		if len(r) >= 3 {
			printed[r[0]] = [2]string{r[1], strings.ReplaceAll(r[2], ",", "")}
		}
	}
	for _, p := range periods.Items {
		if !strings.Contains(last, fmt.Sprintf("第%d次", p.Seq)) {
			continue
		}
		var form struct {
			Rows []struct {
				Channel string
				Times   int       `json:"person_times"`
				Fen     model.Fen `json:"amount_fen"`
			}
		}
		v.get("demo-city", "unions/"+root+"/statements/"+p.ID, &form)
		if len(form.Rows) != 8 {
			t.Fatalf("%+v", form)
		}
		for _, r := range form.Rows {
			if r.Times == 0 || r.Fen == 0 || printed[r.Channel] != [2]string{strconv.Itoa(r.Times), r.Fen.Yuan()} {
				t.Errorf("%+v, printed %v", r, printed)
			}
		}
	}
}
