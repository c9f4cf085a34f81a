package union

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// The kinds of unions: the city federation is the root, county and industry federations stand below it or below each
// other, grassroots unions below any of them.
const (
	kindCity       = "city"
	kindCounty     = "county"
	kindIndustry   = "industry"
	kindGrassroots = "grassroots"
)

const (
	active  = "active"
	closed  = "closed"
	left    = "left"
	maxPath = 400 // characters of unions.path
)

// View is a union as the console shows it.
type View struct {
	ID        model.ID  `json:"id"`
	ParentID  *model.ID `json:"parent_id"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	Depth     int       `json:"depth"`
	Status    string    `json:"status"`
	Members   int64     `json:"members"`  // active, its own
	Children  int64     `json:"children"` // active, directly below it
	CreatedAt time.Time `json:"created_at"`
}

// Detail is one union with where it stands.
type Detail struct {
	View
	SubtreeMembers int64      `json:"subtree_members"` // active, of it and everything below
	Ancestors      []Ancestor `json:"ancestors"`       // from the top of what the caller may see down to the parent
}

// Ancestor is a union above another one.
type Ancestor struct {
	ID   model.ID `json:"id"`
	Name string   `json:"name"`
}

// Filter narrows a list of unions; zero fields narrow nothing.
type Filter struct {
	Query    string // part of the name
	ParentID model.ID
	Kind     string
}

// List lists the unions of the actor's subtree by id.
func (s *Service) List(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[View], error) {
	q := s.db.Read(ctx).Where("path LIKE ?", actor.UnionPath+"%").Where("id > ?", page.Cursor)
	if f.Query != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", "%"+escapeLike(f.Query)+"%")
	}
	if f.ParentID != 0 {
		q = q.Where("parent_id = ?", f.ParentID)
	}
	if f.Kind != "" {
		q = q.Where("kind = ?", f.Kind)
	}
	var rows []model.Union
	if err := q.Order("id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[View]{}, err
	}
	show, err := unionViews(s.db.Read(ctx), rows)
	return model.NewList(rows, page, func(u model.Union) model.ID { return u.ID }, show), err
}

// escapeLike makes text literal in a LIKE pattern with ESCAPE '!'.
func escapeLike(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// unionViews counts the children of all rows at once.
func unionViews(tx *gorm.DB, rows []model.Union) (func(model.Union) View, error) {
	ids := make([]model.ID, len(rows))
	for i, u := range rows {
		ids[i] = u.ID
	}
	children, err := countBy(tx.Model(&model.Union{}).Where("parent_id IN ? AND status = ?", ids, active), "parent_id")
	return func(u model.Union) View {
		return View{ID: u.ID, ParentID: u.ParentID, Name: u.Name, Kind: u.Kind, Depth: u.Depth, Status: u.Status,
			Members: u.ActiveMembers, Children: children[u.ID], CreatedAt: u.CreatedAt}
	}, err
}

func countBy(q *gorm.DB, column string) (map[model.ID]int64, error) {
	var rows []struct {
		ID model.ID
		N  int64
	}
	err := q.Select(column + " AS id, COUNT(*) AS n").Group(column).Scan(&rows).Error
	counts := make(map[model.ID]int64, len(rows))
	for _, r := range rows {
		counts[r.ID] = r.N
	}
	return counts, err
}

// Get shows one union. The caller has checked its scope.
func (s *Service) Get(ctx context.Context, actor model.Actor, id model.ID) (Detail, error) {
	return unionDetail(s.db.Read(ctx), actor, id)
}

func unionDetail(tx *gorm.DB, actor model.Actor, id model.ID) (Detail, error) {
	u, err := takeUnion(tx, id)
	if err != nil {
		return Detail{}, err
	}
	show, err := unionViews(tx, []model.Union{u})
	if err != nil {
		return Detail{}, err
	}
	d := Detail{View: show(u), Ancestors: []Ancestor{}}
	if d.SubtreeMembers, err = membersBelow(tx, u.Path); err != nil {
		return Detail{}, err
	}
	var above []model.Union
	if err := tx.Where("id IN ?", pathIDs(u.Path)).Order("depth").Find(&above).Error; err != nil {
		return Detail{}, err
	}
	for _, a := range above {
		if a.ID != u.ID && actor.Sees(a.Path) {
			d.Ancestors = append(d.Ancestors, Ancestor{ID: a.ID, Name: a.Name})
		}
	}
	return d, nil
}

func pathIDs(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func takeUnion(tx *gorm.DB, id model.ID) (model.Union, error) {
	var u model.Union
	err := tx.Where("id = ?", id).Take(&u).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("工会")
	}
	return u, err
}

// lockUnion locks a union's row, which whoever changes its roster or its place in the tree holds: so one roster is
// changed by one transaction at a time. Several are locked by rising id, before anything else (members, funds …).
func lockUnion(tx *gorm.DB, id model.ID) (model.Union, error) {
	return takeUnion(tx.Clauses(clause.Locking{Strength: "UPDATE"}), id)
}

// lockTree locks the root, which whoever changes the tree holds, and then the given unions; they come back in the order
// in which they were asked for.
func lockTree(tx *gorm.DB, ids ...model.ID) ([]model.Union, error) {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	byID := map[model.ID]model.Union{}
	for _, id := range slices.Compact(append([]model.ID{rootID}, sorted...)) {
		u, err := lockUnion(tx, id)
		if err != nil {
			return nil, err
		}
		byID[id] = u
	}
	unions := make([]model.Union, len(ids))
	for i, id := range ids {
		unions[i] = byID[id]
	}
	return unions, nil
}

// CreateChild makes a union below parent.
func (s *Service) CreateChild(ctx context.Context, actor model.Actor, parentID model.ID, name, kind string) (Detail, error) {
	name, err := unionName(name)
	if err != nil {
		return Detail{}, err
	}
	var d Detail
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		locked, err := lockTree(tx, parentID)
		if err != nil {
			return err
		}
		parent, now := locked[0], s.db.Now()
		if err := mayStandBelow(kind, parent); err != nil {
			return err
		}
		id := s.db.NewID()
		u := model.Union{ID: id, ParentID: &parent.ID, Name: name, Kind: kind, Path: parent.Path + id.String() + "/", Depth: parent.Depth + 1,
			Status: active, CreatedAt: now, UpdatedAt: now}
		if len(u.Path) > maxPath {
			return tooDeep()
		}
		if err := tx.Create(&u).Error; err != nil {
			return sameName(err)
		}
		if err := tx.Create(&model.UnionPath{UnionID: id, FromAt: now, Path: u.Path}).Error; err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "union.create", "union:"+id.String(), id, map[string]any{"name": name, "kind": kind, "parent": parent.ID}); err != nil {
			return err
		}
		d, err = unionDetail(tx, actor, id)
		return err
	})
	return d, err
}

func unionName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", model.Invalid("name", "工会名称不能为空")
	}
	return name, plainText("name", "工会名称", name, 60)
}

// mayStandBelow tells whether a union of this kind may be below parent.
func mayStandBelow(kind string, parent model.Union) error {
	switch {
	case parent.Status != active:
		return model.E(model.CodeConflict, "上级工会“%s”已撤销", parent.Name)
	case kind == kindCity:
		return model.Invalid("kind", "市总工会只能有一个")
	case parent.Kind == kindGrassroots && kind != kindGrassroots:
		return model.E(model.CodeConflict, "基层工会下面只能设基层工会")
	}
	return nil
}

func tooDeep() error { return model.E(model.CodeConflict, "工会层级过深，不能再往下设") }

func sameName(err error) error {
	if !model.Duplicate(err) {
		return err
	}
	e := model.E(model.CodeConflict, "同一上级下已有同名的工会")
	e.Fields = []model.Field{{Name: "name", Message: e.Message}}
	return e
}

// Rename gives a union another name.
func (s *Service) Rename(ctx context.Context, actor model.Actor, id model.ID, name string) (Detail, error) {
	name, err := unionName(name)
	if err != nil {
		return Detail{}, err
	}
	var d Detail
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		u, err := lockUnion(tx, id)
		if err != nil {
			return err
		}
		now := s.db.Now()
		if err := tx.Model(&model.Union{}).Where("id = ?", id).UpdateColumns(map[string]any{"name": name, "updated_at": now}).Error; err != nil {
			return sameName(err)
		}
		if err := s.db.Audit(tx, actor, now, "union.rename", "union:"+id.String(), id, map[string]string{"from": u.Name, "to": name}); err != nil {
			return err
		}
		d, err = unionDetail(tx, actor, id)
		return err
	})
	return d, err
}

// Close closes a union for good. It must have no active members, no active unions below it, no money in its funds and nothing
// under way that would bring or move any.
func (s *Service) Close(ctx context.Context, actor model.Actor, id model.ID) (Detail, error) {
	var d Detail
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		locked, err := lockTree(tx, id)
		if err != nil {
			return err
		}
		u, now := locked[0], s.db.Now()
		if u.ID == rootID || u.Path == actor.UnionPath {
			return model.E(model.CodeConflict, "不能撤销本级工会")
		}
		if err := closable(tx, u); err != nil {
			return err
		}
		if err := tx.Model(&model.Union{}).Where("id = ?", id).UpdateColumns(map[string]any{"status": closed, "updated_at": now}).Error; err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "union.close", "union:"+id.String(), id, map[string]string{"name": u.Name}); err != nil {
			return err
		}
		d, err = unionDetail(tx, actor, id)
		return err
	})
	return d, err
}

func closable(tx *gorm.DB, u model.Union) error {
	if u.Status != active {
		return model.E(model.CodeConflict, "这个工会已经撤销")
	}
	for _, hindrance := range []struct {
		q       *gorm.DB
		message string
	}{
		{tx.Model(&model.Union{}).Where("parent_id = ? AND status = ?", u.ID, active), "下面还有 %d 个工会，不能撤销"},
		{tx.Model(&model.Member{}).Where("union_id = ? AND status = ?", u.ID, active), "名册上还有 %d 名会员，不能撤销"},
		{tx.Model(&model.Fund{}).Where("union_id = ? AND balance_fen > 0", u.ID), "还有 %d 个经费账户有余额，不能撤销"},
		{tx.Model(&model.Topup{}).Where("union_id = ? AND status = 'entered'", u.ID), "还有 %d 笔经费入账等待确认，不能撤销；请先确认或驳回"},
		{tx.Model(&model.Grant{}).Where("union_id = ? AND status IN ('preparing', 'draft', 'approved', 'issuing')", u.ID), "还有 %d 个发放批次没有办完，不能撤销；请先取消"},
	} {
		var n int64
		if err := hindrance.q.Count(&n).Error; err != nil {
			return err
		}
		if n > 0 {
			return model.E(model.CodeConflict, hindrance.message, n)
		}
	}
	return nil
}
