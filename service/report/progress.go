package report

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Progress tells who below a union has submitted for a period and who is missing. The union itself is not counted.
type Progress struct {
	Period    Period `json:"period"`
	Unions    int64  `json:"unions"`    // that have to submit or have submitted
	Submitted int64  `json:"submitted"` // in time or late
	Late      int64  `json:"late"`      // of these, after the due date
	Missing   int64  `json:"missing"`
	model.List[ProgressItem]
}

// ProgressItem is one union's progress.
type ProgressItem struct {
	Union       UnionRef   `json:"union" gorm:"embedded;embeddedPrefix:union_"`
	Kind        string     `json:"kind"`
	ParentName  string     `json:"parent_name"`
	Status      string     `json:"status"`   // missing | submitted | late
	Returned    bool       `json:"returned"` // missing because its form was returned
	StatementID *model.ID  `json:"statement_id"`
	SubmittedAt *time.Time `json:"submitted_at"`
}

// dueSQL lists the unions below @below at @at that have a submitted form s for @period, or are active and have none.
const dueSQL = ` FROM (SELECT up.union_id` + treeRows + ` AND up.path LIKE @below AND up.union_id <> @union) t JOIN unions u ON u.id = t.union_id
LEFT JOIN unions pu ON pu.id = u.parent_id LEFT JOIN statements s ON s.union_id = t.union_id AND s.period_id = @period AND s.status = 'submitted'
WHERE (s.id IS NOT NULL OR u.status = 'active')`

// statusSQL are the conditions by which a list may be narrowed.
var statusSQL = map[string]string{
	"":          "",
	"missing":   " AND s.id IS NULL",
	"submitted": " AND s.id IS NOT NULL",
	"late":      " AND s.submitted_at >= @end",
}

// Progress lists the unions below the union, narrowed to status ("missing", "submitted", "late" or all).
func (s *Service) Progress(ctx context.Context, unionID, periodID model.ID, status string, page model.Page) (Progress, error) {
	var out Progress
	tx := s.db.Read(ctx)
	narrow, ok := statusSQL[status]
	if !ok {
		return out, model.Invalid("status", "“status”应为 missing、submitted 或 late")
	}
	var err error
	if out.Period, err = findPeriod(tx, periodID, s.db.Now()); err != nil {
		return out, err
	}
	args, err := s.progressArgs(tx, out.Period, unionID)
	if err != nil {
		return out, err
	}
	err = model.ScanRow(tx.Raw(`SELECT COUNT(*) AS unions, COUNT(s.id) AS submitted, COALESCE(SUM(CASE WHEN s.id IS NULL THEN 1 ELSE 0 END), 0) AS missing,
COALESCE(SUM(CASE WHEN s.submitted_at >= @end THEN 1 ELSE 0 END), 0) AS late`+dueSQL, args), &out.Unions, &out.Submitted, &out.Missing, &out.Late)
	if err != nil {
		return out, err
	}
	args["after"], args["limit"] = page.Cursor, page.Limit+1
	var items []ProgressItem
	err = tx.Raw(`SELECT u.id AS union_id, u.name AS union_name, u.kind, COALESCE(pu.name, '') AS parent_name, s.id AS statement_id, s.submitted_at,
CASE WHEN s.id IS NULL THEN 'missing' WHEN s.submitted_at >= @end THEN 'late' ELSE 'submitted' END AS status,
CASE WHEN s.id IS NULL AND EXISTS (SELECT 1 FROM statements r WHERE r.union_id = u.id AND r.period_id = @period) THEN 1 ELSE 0 END AS returned`+
		dueSQL+narrow+" AND u.id > @after ORDER BY u.id LIMIT @limit", args).Scan(&items).Error
	out.List = model.NewList(items, page, func(i ProgressItem) model.ID { return i.Union.ID }, func(i ProgressItem) ProgressItem { return i })
	return out, err
}

// missing counts the unions below that have not submitted.
func (s *Service) missing(tx *gorm.DB, p Period, unionID model.ID) (n int64, err error) {
	args, err := s.progressArgs(tx, p, unionID)
	if err != nil {
		return 0, err
	}
	err = model.ScanRow(tx.Raw("SELECT COUNT(*)"+dueSQL+statusSQL["missing"], args), &n)
	return n, err
}

func (s *Service) progressArgs(tx *gorm.DB, p Period, unionID model.ID) (map[string]any, error) {
	at := p.treeAt(s.db.Now())
	path, err := place(tx, unionID, at)
	return map[string]any{"at": at, "below": path + "%", "union": unionID, "period": p.ID, "end": p.end()}, err
}
