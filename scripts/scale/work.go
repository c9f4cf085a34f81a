//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"slices"
	"strings"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/scripts/scale/walk"
	"bangfu/service/union/rosterfile"
)

// The goals of the large jobs.
const (
	goalImport = 15 * time.Second
	goalGrant  = 20 * time.Second
	goalSweep  = 3 * time.Minute
)

// work does the large jobs, one after the other.
func (g *stage) work(ctx context.Context) error {
	for _, job := range []struct {
		name string
		do   func(ctx context.Context) error
	}{{"grant", g.grantMany}, {"import", g.importRoster}, {"exports", g.exports}, {"sweep", g.sweep}} {
		g.memory.label(job.name)
		if err := job.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", job.name, err)
		}
	}
	return nil
}

func (g *stage) job(name, label string, took, goal time.Duration, note string) {
	say("%s: %s", name, took.Round(time.Millisecond))
	g.jobs = append(g.jobs, line{name: name, calls: 1, p95: took, goal: goal, note: strings.TrimPrefix(fmt.Sprintf("%s; %s MiB", note, lab.Number(g.memory.of(label), 0)), "; ")})
}

// post posts JSON as a visitor and reads the answer.
func (g *stage) post(ctx context.Context, w *walk.Walker, v *walk.Visitor, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := w.Do(ctx, v, "POST", path, "application/json", bytes.NewReader(body), fmt.Sprintf("scale-%d", time.Now().UnixNano()))
	if err == nil && out != nil {
		err = json.Unmarshal(a.Body, out)
	}
	return err
}

// until asks for a thing again and again until its status is one of those wanted.
func (g *stage) until(ctx context.Context, w *walk.Walker, v *walk.Visitor, path string, wanted ...string) error {
	for {
		a, err := w.Do(ctx, v, "GET", path, "", nil, "")
		if err != nil {
			return err
		}
		var thing struct{ Status, Error string }
		if err := json.Unmarshal(a.Body, &thing); err != nil || slices.Contains(wanted, thing.Status) {
			return err
		}
		if thing.Error != "" || thing.Status == "failed" {
			return errors.New(thing.Error)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const purse = "hardship" // not capped, and nobody has any of it yet

// money puts money for a grant to so many members into the union's fund.
func (g *stage) money(ctx context.Context, w *walk.Walker, year model.Year, fen model.Fen) error {
	admin, signs := w.Visitor(walk.Big), w.Visitor(walk.BigSign)
	var made struct{ ID string }
	err := g.post(ctx, w, admin, "/api/v1/console/unions/"+admin.Own("union")+"/topups", map[string]any{"purse": purse, "year": year, "amount_fen": fen, "evidence_no": fmt.Sprint("PZ-", time.Now().UnixNano())}, &made)
	if err != nil {
		return err
	}
	return g.post(ctx, w, signs, "/api/v1/console/topups/"+made.ID+"/confirm", map[string]any{"note": ""}, nil)
}

// grant drafts, approves and issues a grant and waits until it is issued; it returns how long preparing and issuing took.
func (g *stage) grantTo(ctx context.Context, w *walk.Walker, in map[string]any) (took time.Duration, items int, err error) {
	admin, signs := w.Visitor(walk.Big), w.Visitor(walk.BigSign)
	var made struct{ ID string }
	start := time.Now()
	if err := g.post(ctx, w, admin, "/api/v1/console/unions/"+admin.Own("union")+"/grants", in, &made); err != nil {
		return 0, 0, err
	}
	one := "/api/v1/console/grants/" + made.ID
	if err := g.until(ctx, w, admin, one, "draft"); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	if err := g.post(ctx, w, signs, one+"/approve", map[string]any{"note": ""}, nil); err != nil {
		return 0, 0, err
	}
	start = time.Now()
	if err := g.post(ctx, w, admin, one+"/issue", nil, nil); err != nil {
		return 0, 0, err
	}
	err = g.until(ctx, w, admin, one, "issued")
	took += time.Since(start)
	if err == nil {
		err = g.db.QueryRowContext(ctx, "SELECT issued_items FROM grants WHERE id = ?", made.ID).Scan(&items)
	}
	return took, items, err
}

func (g *stage) grantMany(ctx context.Context) error {
	year := model.YearOf(time.Now())
	if err := g.money(ctx, g.walker, year, model.Fen(g.home.made.Size.Members)*10_00); err != nil {
		return err
	}
	took, items, err := g.grantTo(ctx, g.walker, map[string]any{"purse": purse, "year": year, "title": "困难帮扶", "selection": "roster", "amount_fen": 10_00})
	if err == nil {
		g.job(fmt.Sprintf("grant to %s members, preparing and issuing", lab.Number(float64(items), 0)), "grant", took, goalGrant, "")
	}
	return err
}

// importRoster uploads a roster of people whom nobody knows yet, has it checked, and imports it.
func (g *stage) importRoster(ctx context.Context) error {
	var text bytes.Buffer
	rows := csv.NewWriter(&text)
	_ = rows.Write([]string{"姓名", "手机号", "身份证号", "工号", "部门"})
	for i := range g.roster {
		n := 13_000_000 + i // beyond those of the city
		_ = rows.Write([]string{"名册" + string([]rune("甲乙丙丁戊己庚辛壬癸")[i%10]), rosterfile.DemoPhone(90_000_000 + i), rosterfile.DemoIDNumber(n), fmt.Sprintf("N%06d", i), "一车间"})
	}
	rows.Flush()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "名册.csv")
	if err != nil {
		return err
	}
	if _, err := part.Write(text.Bytes()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	admin := g.walker.Visitor(walk.Small)
	start := time.Now()
	a, err := g.walker.Do(ctx, admin, "POST", "/api/v1/console/unions/"+admin.Own("union")+"/roster-imports", w.FormDataContentType(), &form, "")
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(a.Body, &made); err != nil {
		return err
	}
	one := "/api/v1/console/roster-imports/" + made.ID
	if err := g.until(ctx, g.walker, admin, one, "previewed"); err != nil {
		return err
	}
	checked := time.Since(start)
	if err := g.post(ctx, g.walker, admin, one+"/import", nil, nil); err != nil {
		return err
	}
	if err := g.until(ctx, g.walker, admin, one, "imported"); err != nil {
		return err
	}
	var fresh int
	if err := g.db.QueryRowContext(ctx, "SELECT new_rows FROM roster_imports WHERE id = ?", made.ID).Scan(&fresh); err != nil || fresh != g.roster {
		return errors.Join(err, fmt.Errorf("%d of %d rows are new", fresh, g.roster))
	}
	g.job(fmt.Sprintf("import of %s rows, checking and importing", lab.Number(float64(g.roster), 0)), "import", time.Since(start), goalImport, "checked after "+ms(checked))
	return nil
}

// exports takes the workbooks that grow with members and orders.
func (g *stage) exports(ctx context.Context) error {
	year := fmt.Sprint(model.YearOf(time.Now()))
	big, supplier := g.walker.Visitor(walk.Big), g.walker.Visitor(walk.Supplier)
	day := func(back int) string { return string(model.DateOf(time.Now().AddDate(0, 0, -back))) }
	for _, x := range []struct {
		name, path string
		as         *walk.Visitor
	}{
		{"export of a big union's members with money left", "/api/v1/console/unions/" + big.Own("union") + "/year-end/" + year + "/export", big},
		{"export of a supplier's statement of a year", "/api/v1/console/suppliers/" + supplier.Own("supplier_own") + "/statement/export?from=" + day(330) + "&to=" + day(1), supplier},
	} {
		g.memory.label(x.name)
		a, err := g.walker.Do(ctx, x.as, "GET", x.path, "", nil, "")
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		g.job(x.name, x.name, a.Took, 0, fmt.Sprintf("%.1f MB", float64(len(a.Body))/1e6))
	}
	return nil
}
