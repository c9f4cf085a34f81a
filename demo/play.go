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
	"sort"
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
	Out        io.Writer
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

	operator, city, auditor *console
	federations             []*federation
	unions                  []*grassroots
	suppliers               []*supplier
	buyers                  []*buyer
	regions                 map[string]model.ID
	shelf                   []shelved
	accounts                []Account
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
	p := &play{Stage: s, now: model.Millis(time.Now()), regions: map[string]model.ID{}}
	p.year = model.YearOf(p.now)
	p.start = p.year.Start()
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	for _, scene := range p.scenes() {
		s.Clock.Set(scene.at)
		p.say("%s  %s", scene.at.In(model.China).Format(time.DateOnly), scene.title)
		if err := scene.play(ctx); err != nil {
			return fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	s.Clock.Real()
	if err := p.exportForms(ctx); err != nil {
		return err
	}
	return p.leaveAccounts()
}

type scene struct {
	at    time.Time
	title string
	play  func(ctx context.Context) error
}

// scenes spreads the story over the part of the year that has passed, in order of time.
func (p *play) scenes() []scene {
	at := func(part float64) time.Time { return p.start.Add(time.Duration(float64(p.now.Sub(p.start)) * part)) }
	// The first day, ten minutes apart: everybody is still logged in from the scene before.
	day := at(.05)
	list := []scene{
		{day, "运维建立工会与账号", p.setUpUnions},
		{day.Add(10 * time.Minute), "各工会导入会员名册", p.importRosters},
		{day.Add(20 * time.Minute), "经费入账、双人确认", p.fillFunds},
		{day.Add(30 * time.Minute), "拟定、审批、发放额度", p.issueGrants},
		{day.Add(40 * time.Minute), "供应商与商品上架", p.openShop},
		{at(.20), "会员微信登录、绑定身份", p.bindMembers},
	}
	for i, part := range []float64{.25, .38, .51, .60, .72, .86} {
		list = append(list, scene{at(part), fmt.Sprintf("会员选购第 %d 轮", i+1), func(ctx context.Context) error { return p.buy(ctx, i) }})
		list = append(list, scene{at(part + .04), "供应商发货", p.ship}, scene{at(part + .08), "会员确认收货", p.confirm})
	}
	list = append(list, scene{at(.93), "离会收回余额、一笔绑定待人工核对", p.leaveAndMismatch})
	list = append(list, p.formScenes()...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	return list
}

func (p *play) say(format string, args ...any) { _, _ = fmt.Fprintf(p.Out, format+"\n", args...) }

func (p *play) web() *web { return newWeb(p.Base, p.Clock, &p.keys) }

// hire makes a console account and goes through its first login: password changed, second factor bound if the role needs one.
func (p *play) hire(ctx context.Context, by *console, login, name, role string, union model.ID, unionName string, supplier model.ID) (*console, error) {
	by, err := by.at(ctx)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"login": login, "name": name, "role": role}
	if supplier != 0 {
		body["supplier_id"] = supplier
	}
	var made struct {
		Staff           struct{ ID model.ID }
		InitialPassword string `json:"initial_password"`
	}
	if err := by.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/staff", union), body, &made); err != nil {
		return nil, err
	}
	c := &console{web: p.web(), Account: Account{Login: login, Password: made.InitialPassword, Role: role, UnionName: unionName}, Union: union, ID: made.Staff.ID}
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
	if c.Role == "union_admin" || c.Role == "supplier" || c.Role == "cashier" || c.Role == "auditor" || c.Role == "federation" {
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
	if p.city, err = p.hire(ctx, p.operator, "demo-city", "市总演示", "city_federation", root.ID, root.Name, 0); err != nil {
		return err
	}
	if p.auditor, err = p.hire(ctx, p.operator, "demo-auditor", "审计演示", "auditor", root.ID, root.Name, 0); err != nil {
		return err
	}
	first := 1
	for i, f := range city {
		fed, err := p.found(ctx, root.ID, f)
		if err != nil {
			return err
		}
		parent := &federation{id: fed, name: f.name}
		if parent.staff, err = p.hire(ctx, p.operator, fmt.Sprintf("demo-federation%d", i+1), "联络演示", "federation", fed, f.name, 0); err != nil {
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
	if u.admin, err = p.hire(ctx, p.operator, fmt.Sprintf("demo-admin%d", n), "经办演示", "union_admin", id, plan.name, 0); err != nil {
		return err
	}
	if u.approver, err = p.hire(ctx, p.operator, fmt.Sprintf("demo-approver%d", n), "审批演示", "union_approver", id, plan.name, 0); err != nil {
		return err
	}
	p.unions = append(p.unions, u)
	return nil
}

// wait asks for path until done says that what happens in the background has come to its end.
func wait[T any](ctx context.Context, w *web, path string, done func(T) (bool, error)) (T, error) {
	for range 600 {
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
		case <-time.After(50 * time.Millisecond):
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

func (p *play) fillFunds(ctx context.Context) error {
	for i, u := range p.unions {
		admin, err := u.admin.at(ctx)
		if err != nil {
			return err
		}
		var topup struct{ ID model.ID }
		body := map[string]any{"purse": "extra", "year": p.year, "amount_fen": 60000*len(u.people) + 500000, "evidence_no": fmt.Sprintf("演示凭证-%03d", i+1), "note": "年度消费帮扶经费"}
		if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/topups", u.id), body, &topup); err != nil {
			return err
		}
		approver, err := u.approver.at(ctx)
		if err != nil {
			return err
		}
		if err := approver.post(ctx, fmt.Sprintf("/api/v1/console/topups/%s/confirm", topup.ID), map[string]string{"note": "已核对银行回单"}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) issueGrants(ctx context.Context) error {
	type state struct {
		ID         model.ID
		Status     string
		TotalItems int `json:"total_items"`
	}
	for i, u := range p.unions {
		admin, err := u.admin.at(ctx)
		if err != nil {
			return err
		}
		amount := 60000
		if i == 3 {
			amount = 40000 // a union may grant less
		}
		var grant state
		body := map[string]any{"purse": "extra", "year": p.year, "title": fmt.Sprintf("%d 年消费帮扶额度", p.year), "selection": "roster", "amount_fen": amount}
		if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/grants", u.id), body, &grant); err != nil {
			return err
		}
		path := "/api/v1/console/grants/" + grant.ID.String()
		if _, err := wait(ctx, admin.web, path, func(s state) (bool, error) { return s.Status == "draft" && s.TotalItems > 0, nil }); err != nil {
			return err
		}
		approver, err := u.approver.at(ctx)
		if err != nil {
			return err
		}
		if err := approver.post(ctx, path+"/approve", map[string]string{"note": "同意发放"}, nil); err != nil {
			return err
		}
		if err := admin.post(ctx, path+"/issue", nil, nil); err != nil {
			return err
		}
		if _, err := wait(ctx, admin.web, path, func(s state) (bool, error) { return s.Status == "issued", nil }); err != nil {
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

// get one answer of the emulator's own control interface.
func (p *play) emulate(ctx context.Context, path string, body, into any) error {
	return p.web().call(ctx, http.MethodPost, "/emulator/_emulator"+path, body, into)
}
