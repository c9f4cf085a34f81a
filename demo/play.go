package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pquerna/otp/totp"

	"bangfu/model"
)

// Stage is where the year is played: a running product and what surrounds it.
type Stage struct {
	Base          string // http://host:port of the running product, WeChat emulated
	Clock         *Clock // the product's clock
	Dir           string // where the accounts and the forms are left
	AdminPassword string // of the operator made at first start
	Password      string // that the demonstration gives to every console account
	// SeedPolicy makes the demonstration's policy for the year, labelled as such.
	SeedPolicy func(ctx context.Context, year model.Year) error
	// Meanwhile does what the clock does when time has passed: payments followed to their end, deadlines, messages sent.
	Meanwhile func(ctx context.Context) error
	Out       io.Writer
}

// Files that the play leaves in Stage.Dir.
const accountsFile = "accounts.json"

// Played tells whether a year was played into dir before, to its end.
func Played(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, accountsFile))
	return err == nil
}

// play is a year being played.
type play struct {
	Stage
	keys  int
	now   time.Time // the real time at the beginning
	year  model.Year
	start time.Time

	operator, auditor *console
	city, checker     *console // of the city federation: whoever makes something, the other confirms it
	federations       []*federation
	unions            []*grassroots
	suppliers         []*supplier
	buyers            []*buyer
	halls             []*hall
	regions           map[string]model.ID
	channels          map[string]model.ID // by level and number in the notice's lists: "province 3"
	shelf             []shelved
	accounts          []Account
	tally             tally

	mixed    []*bought // paid through WeChat
	disputed []*bought // with after-sales cases that come to an end
	group    groupPurchase
	late     []*bought // what is still open today
}

type federation struct {
	id    model.ID
	name  string
	staff *console
}

type grassroots struct {
	id              model.ID
	name            string
	parent          *federation
	admin, approver *console
	people          []person
}

// Play plays the year and leaves the accounts and the filled forms in s.Dir. On an error the database holds part of a year:
// the caller should say so.
func Play(ctx context.Context, s Stage) error {
	p := &play{Stage: s, now: model.Millis(time.Now()), regions: map[string]model.ID{}, channels: map[string]model.ID{}, tally: tally{}}
	p.year = model.YearOf(p.now)
	p.start = p.year.Start()
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	for _, scene := range p.scenes() {
		if scene.at.After(s.Clock.Now()) { // another scene of the same morning may have taken until now
			s.Clock.Set(scene.at)
		}
		p.say("%s  %s", scene.at.In(model.China).Format(time.DateOnly), scene.title)
		for _, step := range []func(context.Context) error{s.Meanwhile, scene.play, s.Meanwhile} {
			if err := step(ctx); err != nil {
				return fmt.Errorf("%s: %w", scene.title, err)
			}
		}
	}
	s.Clock.Real()
	if err := p.holdTally(ctx); err != nil {
		return err
	}
	if err := p.exportForms(ctx); err != nil {
		return err
	}
	return p.leaveAccounts()
}

func (p *play) say(format string, args ...any) { _, _ = fmt.Fprintf(p.Out, format+"\n", args...) }

func (p *play) web() *web { return newWeb(p.Base, p.Clock, &p.keys) }

// post is a console account to be made.
type post struct {
	login, name, role string
	union             model.ID
	unionName         string // or the supplier's, or the hall's
	supplier, hall    model.ID
}

// hire makes a console account and goes through its first login: password changed, second factor bound if the role needs one.
func (p *play) hire(ctx context.Context, as post) (*console, error) {
	by, err := p.operator.at(ctx)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"login": as.login, "name": as.name, "role": as.role}
	if as.supplier != 0 {
		body["supplier_id"] = as.supplier
	}
	if as.hall != 0 {
		body["hall_id"] = as.hall
	}
	var made struct {
		Staff           struct{ ID model.ID }
		InitialPassword string `json:"initial_password"`
	}
	if err := by.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/staff", as.union), body, &made); err != nil {
		return nil, err
	}
	c := &console{web: p.web(), Account: Account{Login: as.login, Password: made.InitialPassword, Role: as.role, UnionName: as.unionName}, Union: as.union, ID: made.Staff.ID}
	return c, p.firstLogin(ctx, c)
}

func (p *play) firstLogin(ctx context.Context, c *console) error {
	if _, err := c.at(ctx); err != nil {
		return err
	}
	if err := c.post(ctx, "/api/v1/console/password", map[string]string{"old": c.Password, "new": p.Password}, nil); err != nil {
		return err
	}
	c.Password = p.Password
	if c.Role == "supplier" || c.Role == "cashier" || c.Role == "auditor" || c.Role == "federation" {
		p.accounts = append(p.accounts, c.Account)
		return nil
	}
	var secret struct{ Secret string }
	if err := c.post(ctx, "/api/v1/console/totp", map[string]string{"password": c.Password}, &secret); err != nil {
		return err
	}
	code, err := totp.GenerateCode(secret.Secret, p.Clock.Now())
	if err != nil {
		return err
	}
	if err := c.post(ctx, "/api/v1/console/totp/confirm", map[string]string{"code": code}, nil); err != nil {
		return err
	}
	c.TOTP = secret.Secret
	p.accounts = append(p.accounts, c.Account)
	return nil
}

func (p *play) setUpUnions(ctx context.Context) error {
	if err := p.SeedPolicy(ctx, p.year); err != nil {
		return err
	}
	p.operator = &console{web: p.web(), Account: Account{Login: "admin", Password: p.AdminPassword, Role: "operator"}}
	if err := p.firstLogin(ctx, p.operator); err != nil {
		return err
	}
	var session struct {
		Staff struct {
			Union struct {
				ID   model.ID
				Name string
			}
		}
	}
	if err := p.operator.get(ctx, "/api/v1/console/session", &session); err != nil {
		return err
	}
	root := session.Staff.Union
	p.operator.Union = root.ID
	var err error
	for _, x := range []struct {
		account           **console
		login, name, role string
	}{{&p.city, "demo-city", "市总演示", "city_federation"}, {&p.checker, "demo-city2", "市总复核", "city_federation"}, {&p.auditor, "demo-auditor", "审计演示", "auditor"}} {
		if *x.account, err = p.hire(ctx, post{login: x.login, name: x.name, role: x.role, union: root.ID, unionName: root.Name}); err != nil {
			return err
		}
	}
	first := 1
	for i, f := range city {
		fed, err := p.found(ctx, root.ID, f)
		if err != nil {
			return err
		}
		parent := &federation{id: fed, name: f.name}
		if parent.staff, err = p.hire(ctx, post{login: fmt.Sprintf("demo-federation%d", i+1), name: "联络演示", role: "federation", union: fed, unionName: f.name}); err != nil {
			return err
		}
		p.federations = append(p.federations, parent)
		for _, plan := range f.children {
			if err := p.foundGrassroots(ctx, parent, plan, first); err != nil {
				return err
			}
			first += plan.members
		}
	}
	return nil
}

func (p *play) found(ctx context.Context, parent model.ID, plan unionPlan) (model.ID, error) {
	var made struct{ ID model.ID }
	err := p.operator.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/children", parent), map[string]string{"name": plan.name, "kind": plan.kind}, &made)
	return made.ID, err
}

func (p *play) foundGrassroots(ctx context.Context, parent *federation, plan unionPlan, first int) error {
	id, err := p.found(ctx, parent.id, plan)
	if err != nil {
		return err
	}
	n := len(p.unions) + 1
	u := &grassroots{id: id, name: plan.name, parent: parent, people: people(n-1, plan.members, first)}
	if u.admin, err = p.hire(ctx, post{login: fmt.Sprintf("demo-admin%d", n), name: "经办演示", role: "union_admin", union: id, unionName: plan.name}); err != nil {
		return err
	}
	if u.approver, err = p.hire(ctx, post{login: fmt.Sprintf("demo-approver%d", n), name: "审批演示", role: "union_approver", union: id, unionName: plan.name}); err != nil {
		return err
	}
	p.unions = append(p.unions, u)
	return nil
}

// wait asks for path until done says that what happens in the background has come to its end.
func wait[T any](ctx context.Context, w *web, path string, done func(T) (bool, error)) (T, error) {
	for range 3000 {
		var state T
		if err := w.get(ctx, path, &state); err != nil {
			return state, err
		}
		ok, err := done(state)
		if ok || err != nil {
			return state, err
		}
		select {
		case <-ctx.Done():
			return state, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	var none T
	return none, errors.New("did not finish within half a minute: " + path)
}

func (p *play) importRosters(ctx context.Context) error {
	for _, u := range p.unions {
		admin, err := u.admin.at(ctx)
		if err != nil {
			return err
		}
		sheet, err := roster(u.people)
		if err != nil {
			return err
		}
		type state struct {
			ID      model.ID
			Status  string
			Error   string
			NewRows int `json:"new_rows"`
		}
		var up state
		if err := admin.upload(ctx, fmt.Sprintf("/api/v1/console/unions/%s/roster-imports", u.id), "名册.xlsx", sheet, nil, &up); err != nil {
			return err
		}
		path := "/api/v1/console/roster-imports/" + up.ID.String()
		reached := func(status string) func(s state) (bool, error) {
			return func(s state) (bool, error) {
				if s.Status == "failed" {
					return false, errors.New(s.Error)
				}
				return s.Status == status, nil
			}
		}
		seen, err := wait(ctx, admin.web, path, reached("previewed"))
		if err != nil {
			return err
		}
		if seen.NewRows != len(u.people) {
			return fmt.Errorf("%s: %d of %d rows are new", u.name, seen.NewRows, len(u.people))
		}
		if err := admin.post(ctx, path+"/import", nil, nil); err != nil {
			return err
		}
		if _, err := wait(ctx, admin.web, path, reached("imported")); err != nil {
			return err
		}
	}
	return nil
}

// leaveAccounts writes the accounts for whoever wants to look around, readable by their owner only. It is the last
// thing that the play does, so that its being there says that the year is complete.
func (p *play) leaveAccounts() error {
	text, err := json.MarshalIndent(map[string]any{
		"注意": "仅供演示。totp_secret 可加入任意动态口令应用；会员账号见 members，用模拟器取得登录码", "console": p.accounts, "members": p.memberHandles(),
	}, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(p.Dir, ".accounts")
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(p.Dir, accountsFile))
}

// emulate posts to the emulator's own control interface.
func (p *play) emulate(ctx context.Context, path string, body, into any) error {
	return p.web().call(ctx, http.MethodPost, "/emulator/_emulator"+path, body, into)
}
