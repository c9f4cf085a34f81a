// Package reconcile proves, on a live database and in one read-consistent pass, everything about money, stock and orders
// that must hold at every moment. It only reads.
package reconcile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// maxShown bounds how many breaching rows of one invariant are named.
const maxShown = 20

// Breach is one row that breaks an invariant: which, what it has and what it should have; both equal: the reference says it all.
type Breach struct {
	Ref  string // "allowance:123"
	Have int64
	Want int64
}

// Result is what one invariant gave.
type Result struct {
	Name     string // stable, for scripts
	Title    string // what must hold, in Chinese
	Figure   int64  // how much was looked at, in Unit
	Unit     string
	Breaches []Breach // at most 20
	Broken   int      // how many in all
}

// Report is the outcome of one pass.
type Report struct {
	At      time.Time
	Results []Result
}

// OK tells whether every invariant holds.
func (r Report) OK() bool {
	for _, x := range r.Results {
		if x.Broken > 0 {
			return false
		}
	}
	return true
}

// Write prints each invariant with its figure, and the rows that break it.
func (r Report) Write(w io.Writer) error {
	for _, x := range r.Results {
		verdict := "通过"
		if x.Broken > 0 {
			verdict = fmt.Sprintf("不符 %d 处", x.Broken)
		}
		if _, err := fmt.Fprintf(w, "%-24s %s：%d %s，%s\n", x.Name, x.Title, x.Figure, x.Unit, verdict); err != nil {
			return err
		}
		for _, b := range x.Breaches {
			figures := fmt.Sprintf(" 现为 %d，应为 %d", b.Have, b.Want)
			if b.Have == b.Want {
				figures = ""
			}
			if _, err := fmt.Fprintf(w, "    %s%s\n", b.Ref, figures); err != nil {
				return err
			}
		}
		if x.Broken > len(x.Breaches) {
			if _, err := fmt.Fprintf(w, "    …另有 %d 处\n", x.Broken-len(x.Breaches)); err != nil {
				return err
			}
		}
	}
	return nil
}

// invariant is one thing that must hold. count gives the figure; breaches gives one row (ref, have, want) per breach.
type invariant struct {
	name, title, unit string
	count             string
	breaches          string
}

// Run checks every invariant on one consistent view of the database. The DB must have its audit keys (model.DB.UseAuditKeys).
func Run(ctx context.Context, db *model.DB) (Report, error) {
	return check(ctx, db, func(tx *gorm.DB, r *Report) error {
		res, err := auditTrail(tx, db)
		r.Results = append(r.Results, res)
		return err
	})
}

// RunWithoutKeys is Run where the keys are not at hand: everything but the audit trail.
func RunWithoutKeys(ctx context.Context, db *model.DB) (Report, error) {
	return check(ctx, db, func(*gorm.DB, *Report) error { return nil })
}

func check(ctx context.Context, db *model.DB, last func(tx *gorm.DB, r *Report) error) (Report, error) {
	r := Report{At: db.Now()}
	err := db.Snapshot(ctx, func(tx *gorm.DB) error {
		for _, inv := range slices.Concat(invariants, limitInvariants, paymentInvariants, claimInvariants, settlementInvariants, afterSaleInvariants, notifyInvariants, invoiceInvariants, counterInvariants, groupInvariants, erasureInvariants) {
			res, err := inv.check(tx)
			if err != nil {
				return fmt.Errorf("%s: %w", inv.name, err)
			}
			r.Results = append(r.Results, res)
		}
		for _, check := range computed {
			res, err := check(tx)
			if err != nil {
				return err
			}
			r.Results = append(r.Results, res)
		}
		return last(tx, &r)
	})
	return r, err
}

func (inv invariant) check(tx *gorm.DB) (Result, error) {
	res := Result{Name: inv.name, Title: inv.title, Unit: inv.unit}
	if err := tx.Raw(inv.count).Scan(&res.Figure).Error; err != nil {
		return res, err
	}
	rows, err := tx.Raw(inv.breaches).Rows()
	if err != nil {
		return res, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var b Breach
		if err := rows.Scan(&b.Ref, &b.Have, &b.Want); err != nil {
			return res, err
		}
		res.add(b)
	}
	return res, rows.Err()
}

func (r *Result) add(b Breach) {
	r.Broken++
	if len(r.Breaches) < maxShown {
		r.Breaches = append(r.Breaches, b)
	}
}
