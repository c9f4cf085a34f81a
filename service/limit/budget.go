package limit

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// BudgetView is one version of a union's budget of a year.
type BudgetView struct {
	ID          model.ID    `json:"id"`
	UnionID     model.ID    `json:"union_id"`
	Year        model.Year  `json:"year"`
	Version     int         `json:"version"`
	BudgetFen   model.Fen   `json:"budget_fen"`   // 当年本级工会经费预算支出
	RetainedFen model.Fen   `json:"retained_fen"` // 工会留成经费
	Basis       model.Basis `json:"basis"`        // budget | retained
	Headcount   int         `json:"headcount"`    // active members when it was entered
	Note        string      `json:"note"`
	Status      string      `json:"status"` // entered | confirmed
	EnteredBy   model.Ref   `json:"entered_by"`
	EnteredAt   time.Time   `json:"entered_at"`
	ConfirmedBy *model.Ref  `json:"confirmed_by"`
	ConfirmedAt *time.Time  `json:"confirmed_at"`
}

// BudgetHistory is a union's budget of a year: the version that counts, and the versions, the latest first.
type BudgetHistory struct {
	UnionID  model.ID     `json:"union_id"`
	Year     model.Year   `json:"year"`
	Counted  *BudgetView  `json:"counted"` // the latest confirmed; null: none yet
	Versions []BudgetView `json:"versions"`
}

// maxVersions bounds the versions that BudgetHistory shows.
const maxVersions = 50

// BudgetInput is a budget as it is entered; the amount that the chosen basis needs must be there, the other may be 0.
type BudgetInput struct {
	BudgetFen   model.Fen   `json:"budget_fen" check:"min=0,max=10000000000"`
	RetainedFen model.Fen   `json:"retained_fen" check:"min=0,max=10000000000"`
	Basis       model.Basis `json:"basis" check:"required,oneof=budget retained"`
	Note        string      `json:"note" check:"max=200"`
}

func (in BudgetInput) check() error {
	if in.Basis == model.BasisBudget && in.BudgetFen == 0 {
		return model.Invalid("budget_fen", "选择按预算支出控制时，须填写当年本级工会经费预算支出")
	}
	if in.Basis == model.BasisRetained && in.RetainedFen == 0 {
		return model.Invalid("retained_fen", "选择按留成经费控制时，须填写工会留成经费")
	}
	return nil
}

// EnterBudget adds a version of the union's budget of a year, which counts once another person has confirmed it. What equals the
// latest version is not entered again. It locks the union. Error: CodeConflict for a closed union.
func (s *Service) EnterBudget(ctx context.Context, actor model.Actor, unionID model.ID, year model.Year, in BudgetInput) (view BudgetView, err error) {
	if err := in.check(); err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		u, err := lockUnion(tx, unionID)
		if err != nil {
			return err
		}
		if u.Status != "active" {
			return model.E(model.CodeConflict, "“%s”已撤销，不能再录入预算", u.Name)
		}
		last, err := lastBudget(tx, unionID, year)
		if err != nil {
			return err
		}
		if last.BudgetFen == in.BudgetFen && last.RetainedFen == in.RetainedFen && last.Basis == in.Basis && last.Note == in.Note {
			view, err = budgetView(tx, last)
			return err
		}
		now := s.db.Now()
		b := model.UnionBudget{ID: s.db.NewID(), UnionID: unionID, Year: year, Version: last.Version + 1, BudgetFen: in.BudgetFen, RetainedFen: in.RetainedFen,
			Basis: in.Basis, Headcount: int(u.ActiveMembers), Note: in.Note, Status: "entered", EnteredBy: actor.ID, EnteredAt: now}
		if err := tx.Create(&b).Error; err != nil {
			return err
		}
		detail := map[string]any{"year": year, "version": b.Version, "budget": in}
		if err := s.db.Audit(tx, actor, now, "budget.enter", "budget:"+b.ID.String(), unionID, detail); err != nil {
			return err
		}
		view, err = budgetView(tx, b)
		return err
	})
	return view, err
}

// ConfirmBudget makes the named version of a budget count. Only the latest can be confirmed, by another person than the one who
// entered it. It locks the union. Errors: CodeNotFound, CodeSamePerson, CodeConflict if it was replaced or is confirmed already.
func (s *Service) ConfirmBudget(ctx context.Context, actor model.Actor, unionID model.ID, year model.Year, version int) (view BudgetView, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockUnion(tx, unionID); err != nil {
			return err
		}
		b, err := lastBudget(tx, unionID, year)
		switch {
		case err != nil:
			return err
		case version > b.Version || version < 1:
			return model.E(model.CodeNotFound, "%d 年度没有第 %d 版预算", year, version)
		case version < b.Version:
			return model.E(model.CodeConflict, "%d 年度的预算已有更新的第 %d 版，请核对后确认该版", year, b.Version)
		case b.EnteredBy == actor.ID:
			return model.E(model.CodeSamePerson, "这份预算由您录入，须由另一个人确认")
		}
		now := s.db.Now()
		res := tx.Model(&model.UnionBudget{}).Where("id = ? AND status = 'entered'", b.ID).
			UpdateColumns(map[string]any{"status": "confirmed", "confirmed_by": actor.ID, "confirmed_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "这份预算已经确认过了，请刷新")
		}
		b.Status, b.ConfirmedBy, b.ConfirmedAt = "confirmed", &actor.ID, &now
		detail := map[string]any{"year": year, "version": version, "budget_fen": b.BudgetFen, "retained_fen": b.RetainedFen, "basis": b.Basis}
		if err := s.db.Audit(tx, actor, now, "budget.confirm", "budget:"+b.ID.String(), unionID, detail); err != nil {
			return err
		}
		view, err = budgetView(tx, b)
		return err
	})
	return view, err
}

// Budgets is a union's budget of a year with its versions; a year without any has none.
func (s *Service) Budgets(ctx context.Context, unionID model.ID, year model.Year) (BudgetHistory, error) {
	h := BudgetHistory{UnionID: unionID, Year: year, Versions: []BudgetView{}}
	err := s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		var rows []model.UnionBudget
		if err := tx.Where("union_id = ? AND year = ?", unionID, year).Order("version DESC").Limit(maxVersions).Find(&rows).Error; err != nil {
			return err
		}
		views, err := budgetViews(tx, rows)
		if err != nil {
			return err
		}
		h.Versions = views
		counted, err := countedBudgets(tx, year, oneUnion(unionID))
		if err != nil || counted[unionID].ID == 0 {
			return err
		}
		v, err := budgetView(tx, counted[unionID])
		h.Counted = &v
		return err
	})
	return h, err
}

// lastBudget reads the latest version of a union's budget of a year; the zero value if there is none.
func lastBudget(tx *gorm.DB, unionID model.ID, year model.Year) (model.UnionBudget, error) {
	var b model.UnionBudget
	err := tx.Where("union_id = ? AND year = ?", unionID, year).Order("version DESC").Limit(1).Take(&b).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return b, nil
	}
	return b, err
}

// countedBudgets reads the latest confirmed budget of each union in scope.
func countedBudgets(tx *gorm.DB, year model.Year, in scope) (map[model.ID]model.UnionBudget, error) {
	var rows []model.UnionBudget
	if err := in.of(tx, "union_id").Where("year = ? AND status = 'confirmed'", year).Order("version").Find(&rows).Error; err != nil {
		return nil, err
	}
	counted := make(map[model.ID]model.UnionBudget, len(rows))
	for _, b := range rows {
		counted[b.UnionID] = b
	}
	return counted, nil
}

func budgetView(tx *gorm.DB, b model.UnionBudget) (BudgetView, error) {
	views, err := budgetViews(tx, []model.UnionBudget{b})
	if err != nil {
		return BudgetView{}, err
	}
	return views[0], nil
}

func budgetViews(tx *gorm.DB, rows []model.UnionBudget) ([]BudgetView, error) {
	var people []model.ID
	for _, b := range rows {
		people = append(people, b.EnteredBy)
		if b.ConfirmedBy != nil {
			people = append(people, *b.ConfirmedBy)
		}
	}
	names, err := model.NamesOf(tx, &model.Staff{}, people)
	views := make([]BudgetView, len(rows))
	for i, b := range rows {
		views[i] = BudgetView{ID: b.ID, UnionID: b.UnionID, Year: b.Year, Version: b.Version, BudgetFen: b.BudgetFen, RetainedFen: b.RetainedFen, Basis: b.Basis,
			Headcount: b.Headcount, Note: b.Note, Status: b.Status, EnteredBy: *names.Ref(&b.EnteredBy), EnteredAt: b.EnteredAt,
			ConfirmedBy: names.Ref(b.ConfirmedBy), ConfirmedAt: b.ConfirmedAt}
	}
	return views, err
}
