package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// jobsKilled kills the product in the middle of each kind of long work; whoever starts next takes it up.
func jobsKilled() Scenario {
	end := func() time.Time { return model.YearOf(time.Now()).End() }
	return Scenario{
		Name: "jobs-killed", Fault: "kill -9 in the middle of an import, a grant, a settlement and the year's end", Quick: false,
		Setup: Setup{Starts: func(time.Time) time.Time { return end().Add(-100 * time.Minute) }, Env: []string{"SETTLE_AFTER_DAYS=0"}},
		Play: func(ctx context.Context, s *Stage) error {
			db, err := s.DB()
			if err != nil {
				return err
			}
			defer func() { _ = db.Close() }()
			o := &office{Stage: s, db: db, people: s.Times(8000, 3000), kills: s.Times(3, 1)}
			l := s.Load(ctx, Traffic{Rate: 100, Clients: 8})
			for _, step := range []func(context.Context) error{o.importRoster, o.grant} {
				if err := step(ctx); err != nil {
					return err
				}
			}
			l.Stop()
			if err := o.settle(ctx); err != nil {
				return err
			}
			l = s.Load(ctx, Traffic{Rate: 100, Clients: 8})
			if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM jobs WHERE kind = 'sweep'").Scan(&o.last); err != nil { // that of last year
				return err
			}
			if err := s.WalkClock(ctx, end()); err != nil {
				return err
			}
			err = o.sweep(ctx)
			l.Stop()
			return err
		},
	}
}

// office does the long work of the consoles.
type office struct {
	*Stage
	db     *sql.DB
	people int
	kills  int
	n      int
	last   model.ID // the newest job of the kind that is waited for, before it was begun
}

// must asks for something until it is done; what is refused is an error.
func (o *office) must(ctx context.Context, who Login, path string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	o.n++
	key := fmt.Sprintf("office-%04d", o.n)
	for start := time.Now(); ; {
		_, url := o.base(0)
		r := classify(o.client.send(ctx, http.MethodPost, url+"/api/v1/"+path, who.Name, key, body))
		switch {
		case r.Class == Acked && into == nil:
			return nil
		case r.Class == Acked:
			return json.Unmarshal(r.Answer, into)
		case r.Class == Refused || time.Since(start) > time.Minute || ctx.Err() != nil:
			return fmt.Errorf("%s is answered %d %s %s", path, r.Status, r.Code, r.Err)
		}
		sleep(ctx, 50*time.Millisecond)
	}
}

// endures kills the product while a job of the kind runs, again after the next process has taken it up, and waits until it is done.
func (o *office) endures(ctx context.Context, kind, what string) error {
	start, killed, attempts := time.Now(), 0, 0
	for time.Since(start) < 4*time.Minute && ctx.Err() == nil {
		var status, fault string
		var tries int
		err := o.db.QueryRowContext(ctx, "SELECT status, attempts, error FROM jobs WHERE kind = ? AND id > ? ORDER BY id DESC LIMIT 1", kind, o.last).Scan(&status, &tries, &fault)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case status == "failed":
			return fmt.Errorf("%s failed: %s", what, fault)
		case status == "done":
			o.Goal(true, "%s: killed %d times in the middle, done by itself after %s", what, killed, time.Since(start).Round(100*time.Millisecond))
			return nil
		case status == "running" && tries > attempts && killed < o.kills:
			attempts = tries
			sleep(ctx, time.Duration(rand.IntN(150))*time.Millisecond)
			if err := o.killAndSpawn(ctx); err != nil {
				return err
			}
			killed++
		}
		sleep(ctx, 5*time.Millisecond)
	}
	o.Goal(false, "%s is not done after %s", what, time.Since(start).Round(time.Second))
	return nil
}

func (o *office) killAndSpawn(ctx context.Context) error {
	p := o.Products[0]
	if err := errors.Join(p.Kill(), p.Spawn()); err != nil {
		return err
	}
	return p.WaitReady(ctx)
}

// importRoster brings a roster in, in two jobs.
func (o *office) importRoster(ctx context.Context) error {
	var csv strings.Builder
	csv.WriteString("姓名,手机号,身份证号,工号,部门\r\n")
	for i := range o.people {
		fmt.Fprintf(&csv, "职工甲,%s,%s,A%05d,财务科\r\n", rosterfile.DemoPhone(i), rosterfile.DemoIDNumber(i), i)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "roster.csv")
	if err != nil {
		return err
	}
	_, err = part.Write([]byte(csv.String()))
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	_, url := o.base(0)
	at := url + "/api/v1/console/unions/" + o.City.New.ID.String() + "/roster-imports"
	r := classify(o.client.sendAs(ctx, http.MethodPost, at, o.City.New.Admin.Name, "", w.FormDataContentType(), form.Bytes()))
	var v struct {
		ID model.ID `json:"id"`
	}
	if r.Class != Acked {
		return fmt.Errorf("the roster is answered %d %s %s", r.Status, r.Code, r.Err)
	}
	if err := json.Unmarshal(r.Answer, &v); err != nil {
		return err
	}
	if err := o.endures(ctx, "roster.preview", "preview of a roster"); err != nil {
		return err
	}
	if err := o.must(ctx, o.City.New.Admin, "console/roster-imports/"+v.ID.String()+"/import", nil, nil); err != nil {
		return err
	}
	if err := o.endures(ctx, "roster.import", "import of a roster"); err != nil {
		return err
	}
	return o.counts(ctx, o.people, "every person of the roster is a member once", "SELECT COUNT(*), COUNT(DISTINCT person_id) FROM members WHERE union_id = ? AND status = 'active'", o.City.New.ID)
}

// counts holds every figure of a query against what it must be.
func (o *office) counts(ctx context.Context, want int, what, query string, args ...any) error {
	rows, err := o.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	got := make([]int, len(columns))
	into := make([]any, len(columns))
	for i := range got {
		into[i] = &got[i]
	}
	ok := rows.Next()
	if ok {
		err = rows.Scan(into...)
	}
	for _, n := range got {
		ok = ok && n == want
	}
	o.Goal(ok, "%s (%v, want %d)", what, got, want)
	return errors.Join(err, rows.Err())
}

// share is what each of the new members gets.
const share = 100_00

func (o *office) grant(ctx context.Context) error {
	at, year := "console/unions/"+o.City.New.ID.String(), model.YearOf(time.Now())
	var topup, grant struct {
		ID model.ID `json:"id"`
	}
	in := map[string]any{"purse": "extra", "year": year, "amount_fen": share * o.people, "evidence_no": "YL2"}
	if err := o.must(ctx, o.City.New.Admin, at+"/topups", in, &topup); err != nil {
		return err
	}
	if err := o.must(ctx, o.City.New.Approver, "console/topups/"+topup.ID.String()+"/confirm", map[string]any{}, nil); err != nil {
		return err
	}
	in = map[string]any{"purse": "extra", "year": year, "title": "演练发放", "selection": "roster", "amount_fen": share}
	if err := o.must(ctx, o.City.New.Admin, at+"/grants", in, &grant); err != nil {
		return err
	}
	if err := o.endures(ctx, "grant_prepare", "a grant's list"); err != nil {
		return err
	}
	one := "console/grants/" + grant.ID.String()
	if err := o.must(ctx, o.City.New.Approver, one+"/approve", map[string]any{"note": "同意"}, nil); err != nil {
		return err
	}
	if err := o.must(ctx, o.City.New.Admin, one+"/issue", nil, nil); err != nil {
		return err
	}
	if err := o.endures(ctx, "grant_issue", "a grant"); err != nil {
		return err
	}
	return o.counts(ctx, o.people, "every member has the grant once", "SELECT COUNT(*), COUNT(DISTINCT person_id), SUM(balance_fen) DIV ? FROM allowances WHERE union_id = ?", share, o.City.New.ID)
}

// settle ships and confirms what was bought of the first supplier and makes a batch of it.
func (o *office) settle(ctx context.Context) error {
	list, err := o.journal.fates()
	if err != nil {
		return err
	}
	received := 0
	for _, f := range list {
		var p placed
		if f.Kind != "order" || len(f.acks) == 0 || json.Unmarshal(f.acks[0], &p) != nil || received >= o.Times(400, 100) {
			continue
		}
		done, err := o.deliver(ctx, f.Who, p.ID)
		if err != nil {
			return err
		}
		received += done
	}
	// What is due goes by whole hours.
	if err := o.WalkClock(ctx, model.YearOf(time.Now()).End().Add(-59*time.Minute)); err != nil {
		return err
	}
	supplier := o.City.Goods[Hot].Supplier.String()
	var account struct {
		ID model.ID `json:"id"`
	}
	number := "6200000000000000001"
	in := map[string]string{"account_name": "演练供应商", "bank": "虚拟银行湛江支行", "account_no": number}
	if err := o.must(ctx, o.City.Office, "console/suppliers/"+supplier+"/bank-accounts", in, &account); err != nil {
		return err
	}
	if err := o.must(ctx, o.City.Checker, "console/bank-accounts/"+account.ID.String()+"/confirm", map[string]string{"account_no": number}, nil); err != nil {
		return err
	}
	day := string(model.DateOf(model.YearOf(time.Now()).End().Add(-time.Minute)))
	if err := o.must(ctx, o.City.Office, "console/settlement-batches", map[string]any{"period_to": day}, nil); err != nil {
		return err
	}
	if err := o.endures(ctx, "settlement_make", "a settlement"); err != nil {
		return err
	}
	var reason sql.NullString
	if err := o.db.QueryRowContext(ctx, "SELECT MAX(reason) FROM settlements").Scan(&reason); err != nil {
		return err
	}
	if reason.String != "" {
		o.Note("a supplier's settlement was skipped: %s", reason.String)
	}
	return o.counts(ctx, received, "every received parcel is in the settlement once", "SELECT COUNT(*), COUNT(DISTINCT transfer_id) FROM settlement_items")
}

// deliver ships the first supplier's parcel of an order and has the member confirm it; done is 0 if there is none.
func (o *office) deliver(ctx context.Context, who string, order model.ID) (done int, err error) {
	var parcel model.ID
	err = o.db.QueryRowContext(ctx, "SELECT id FROM parcels WHERE order_id = ? AND supplier_id = ?", order, o.City.Goods[Hot].Supplier).Scan(&parcel)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := o.must(ctx, o.City.Supplier, "console/parcels/"+parcel.String()+"/ship", map[string]string{"carrier": "虚拟速运", "tracking_no": "XN000001"}, nil); err != nil {
		return 0, err
	}
	return 1, o.must(ctx, Login{Name: who}, "member/parcels/"+parcel.String()+"/confirm", nil, nil)
}

// sweep waits through the year's end.
func (o *office) sweep(ctx context.Context) error {
	if err := o.endures(ctx, "sweep", "the year's end"); err != nil {
		return err
	}
	left, err := o.awaitSweep(ctx)
	if err != nil {
		return err
	}
	o.Note("nothing was left in any allowance %s after that", left.Round(time.Second))
	var given, spent, swept, fund int64
	err = o.db.QueryRowContext(ctx, "SELECT (SELECT SUM(amount_fen) FROM transfers WHERE kind = 'grant'), (SELECT COALESCE(SUM(amount_fen), 0) FROM transfers WHERE kind = 'spend'), "+
		"(SELECT SUM(amount_fen) FROM transfers WHERE kind = 'sweep'), (SELECT SUM(balance_fen) FROM funds)").Scan(&given, &spent, &swept, &fund)
	o.Goal(given-spent == swept && fund == swept, "given %d − spent %d = swept %d = in the funds %d fen", given, spent, swept, fund)
	return err
}
