package union

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/union/rosterfile"
)

// The states of an import. A preview ends in previewed, failed or cancelled; from previewed a person starts the import,
// which ends in imported or failed. What was imported before a failure stays; uploading the file again is harmless.
const (
	importUploaded   = "uploaded"
	importPreviewing = "previewing"
	importPreviewed  = "previewed"
	importImporting  = "importing"
	importImported   = "imported"
	importFailed     = "failed"
	importCancelled  = "cancelled"
)

// MaxRosterBytes is the largest roster file that may be uploaded.
const MaxRosterBytes = rosterfile.DefaultMaxBytes

// sealRosterFile is the context in which an uploaded roster is sealed until its preview ends.
const sealRosterFile = "files.roster"

// ImportView is an import as the console shows it. In every step DoneRows rises to TotalRows.
type ImportView struct {
	ID            model.ID   `json:"id"`
	UnionID       model.ID   `json:"union_id"`
	Filename      string     `json:"filename"`
	Status        string     `json:"status"`
	Error         string     `json:"error"`
	Note          string     `json:"note"`
	TotalRows     int        `json:"total_rows"`
	DoneRows      int        `json:"done_rows"`
	NewRows       int        `json:"new_rows"`
	ChangedRows   int        `json:"changed_rows"`
	UnchangedRows int        `json:"unchanged_rows"`
	WrongRows     int        `json:"wrong_rows"`
	CreatedBy     model.ID   `json:"created_by"`
	CreatedAt     time.Time  `json:"created_at"`
	ImportedBy    *model.ID  `json:"imported_by"`
	ImportedAt    *time.Time `json:"imported_at"`
}

func importView(r model.RosterImport) ImportView {
	return ImportView{ID: r.ID, UnionID: r.UnionID, Filename: r.Filename, Status: r.Status, Error: r.Error, Note: r.Note, TotalRows: r.TotalRows,
		DoneRows: r.DoneRows, NewRows: r.NewRows, ChangedRows: r.ChangedRows, UnchangedRows: r.UnchangedRows, WrongRows: r.WrongRows,
		CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt, ImportedBy: r.ImportedBy, ImportedAt: r.ImportedAt}
}

// Template writes the roster file to fill in, format "xlsx" or "csv".
func (s *Service) Template(w io.Writer, format string) error { return rosterfile.Template(w, format) }

// UploadRoster keeps an uploaded roster and queues its preview. The file is stored sealed, since it holds phone and ID
// numbers, and its content is deleted when the preview ends: from then on only the sealed rows are kept.
func (s *Service) UploadRoster(ctx context.Context, actor model.Actor, unionID model.ID, filename string, r io.Reader) (ImportView, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxRosterBytes+1))
	if err != nil {
		return ImportView{}, err
	}
	if len(data) == 0 {
		return ImportView{}, model.Invalid("file", "文件是空的，请重新选择")
	}
	if len(data) > MaxRosterBytes {
		return ImportView{}, model.E(model.CodeTooLarge, "文件不能超过 %d MB，请分成几个文件", MaxRosterBytes>>20)
	}
	sealed, err := s.sealer.Seal(string(data), sealRosterFile)
	if err != nil {
		return ImportView{}, err
	}
	file, err := s.files.Save(ctx, actor, files.NewFile{Kind: files.KindRoster, Name: filename, ContentType: "application/octet-stream",
		Size: int64(len(sealed)), UnionID: unionID}, strings.NewReader(sealed))
	if err != nil {
		return ImportView{}, err
	}
	now := s.db.Now()
	row := model.RosterImport{ID: s.db.NewID(), UnionID: unionID, FileID: file.ID, Filename: file.Name, Status: importUploaded,
		CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := rosterOpen(tx, unionID); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := s.jobs.Enqueue(tx, jobPreview, row.ID); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "roster.upload", importRef(row.ID), unionID, map[string]any{"file": file.ID})
	})
	if err != nil {
		_ = s.files.Discard(context.WithoutCancel(ctx), file)
		return ImportView{}, err
	}
	s.jobs.Wake()
	return importView(row), nil
}

// rosterOpen locks the union's roster and refuses one of a closed union.
func rosterOpen(tx *gorm.DB, unionID model.ID) error {
	u, err := lockUnion(tx, unionID)
	if err == nil && u.Status != active {
		err = model.E(model.CodeConflict, "工会“%s”已撤销，不能再改动名册", u.Name)
	}
	return err
}

func importRef(id model.ID) string { return "roster_import:" + id.String() }

// Imports lists a union's imports, the latest first.
func (s *Service) Imports(ctx context.Context, unionID model.ID, page model.Page) (model.List[ImportView], error) {
	q := s.db.Read(ctx).Where("union_id = ?", unionID)
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.RosterImport
	err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error
	return model.NewList(rows, page, func(r model.RosterImport) model.ID { return r.ID }, importView), err
}

// Import shows one import with its progress.
func (s *Service) Import(ctx context.Context, id model.ID) (ImportView, error) {
	r, err := takeImport(s.db.Read(ctx), id)
	return importView(r), err
}

func takeImport(tx *gorm.DB, id model.ID) (model.RosterImport, error) {
	var r model.RosterImport
	err := tx.Where("id = ?", id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("名册导入")
	}
	return r, err
}

// RowView is a row of an uploaded roster, masked.
type RowView struct {
	RowNo      int    `json:"row_no"` // as the spreadsheet program shows it
	Verdict    string `json:"verdict"`
	Reason     string `json:"reason"`
	Name       string `json:"name"`
	Phone      string `json:"phone"`
	IDNumber   string `json:"id_number"`
	EmployeeNo string `json:"employee_no"`
	Department string `json:"department"`
	Imported   bool   `json:"imported"`
}

// Rows lists the rows of an import by row number, which is also the cursor; verdict "" means all.
func (s *Service) Rows(ctx context.Context, id model.ID, verdict string, page model.Page) (model.List[RowView], error) {
	q := s.db.Read(ctx).Where("import_id = ? AND row_no > ?", id, page.Cursor)
	if verdict != "" {
		q = q.Where("verdict = ?", verdict)
	}
	var rows []model.RosterRow
	if err := q.Order("row_no").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[RowView]{}, err
	}
	var failed error
	list := model.NewList(rows, page, func(r model.RosterRow) model.ID { return model.ID(r.RowNo) }, func(r model.RosterRow) RowView {
		phone, number, err := s.openRow(r)
		failed = errors.Join(failed, err)
		return RowView{RowNo: r.RowNo, Verdict: r.Verdict, Reason: r.Reason, Name: r.Name, Phone: model.MaskPhone(phone), IDNumber: model.MaskIDNumber(number),
			EmployeeNo: r.EmployeeNo, Department: r.Department, Imported: r.Imported}
	})
	return list, failed
}

func (s *Service) openRow(r model.RosterRow) (phone, idNumber string, err error) {
	if phone, err = s.sealer.Open(r.PhoneSealed, model.SealRosterPhone); err != nil {
		return "", "", fmt.Errorf("row %d of import %d: %w", r.RowNo, r.ImportID, err)
	}
	idNumber, err = s.sealer.Open(r.IDNumberSealed, model.SealRosterIDNumber)
	return phone, idNumber, err
}

// Errors makes the xlsx of an import's wrong rows as they were written, each with its reason, to be corrected and
// uploaded again. It shows phone and ID numbers in full, so it is audited like a look at them.
func (s *Service) Errors(ctx context.Context, actor model.Actor, id model.ID) (filename string, content *bytes.Buffer, err error) {
	imp, err := takeImport(s.db.Read(ctx), id)
	if err != nil {
		return "", nil, err
	}
	var rows []model.RosterRow
	if err := s.db.Read(ctx).Where("import_id = ? AND verdict = ?", id, verdictWrong).Order("row_no").Find(&rows).Error; err != nil {
		return "", nil, err
	}
	wrong := make([]rosterfile.Row, len(rows))
	for i, r := range rows {
		phone, number, err := s.openRow(r)
		if err != nil {
			return "", nil, err
		}
		wrong[i] = rosterfile.Row{No: r.RowNo, Name: r.Name, Phone: phone, IDNumber: number, EmployeeNo: r.EmployeeNo, Department: r.Department,
			Problems: []rosterfile.Problem{{Message: r.Reason}}}
	}
	content = new(bytes.Buffer)
	if err := rosterfile.WriteErrors(content, wrong); err != nil {
		return "", nil, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.db.Audit(tx, actor, s.db.Now(), "roster.errors", importRef(id), imp.UnionID, map[string]int{"rows": len(rows)})
	})
	return "错误行-" + strings.TrimSuffix(imp.Filename, path.Ext(imp.Filename)) + ".xlsx", content, err
}

// StartImport queues the import of a previewed roster: its new and changed rows; wrong rows are left out.
func (s *Service) StartImport(ctx context.Context, actor model.Actor, id model.ID) (ImportView, error) {
	return s.transition(ctx, actor, id, "roster.import", "这次导入还没有预览完，或者已经导入、取消", []string{importPreviewed}, func(tx *gorm.DB, now time.Time, imp model.RosterImport) (map[string]any, error) {
		if err := rosterOpen(tx, imp.UnionID); err != nil {
			return nil, err
		}
		set := map[string]any{"status": importImporting, "imported_by": actor.ID, "done_rows": imp.UnchangedRows + imp.WrongRows}
		return set, s.jobs.Enqueue(tx, jobImport, id)
	})
}

// CancelImport gives an import up before anything of it was imported. A preview under way notices and deletes the file.
func (s *Service) CancelImport(ctx context.Context, actor model.Actor, id model.ID) (ImportView, error) {
	return s.transition(ctx, actor, id, "roster.cancel", "已经开始导入或已经结束，不能取消", []string{importUploaded, importPreviewing, importPreviewed},
		func(*gorm.DB, time.Time, model.RosterImport) (map[string]any, error) {
			return map[string]any{"status": importCancelled}, nil
		})
}

// transition moves an import on by compare-and-set, if it is in one of the states from.
func (s *Service) transition(ctx context.Context, actor model.Actor, id model.ID, action, refusal string, from []string,
	change func(tx *gorm.DB, now time.Time, imp model.RosterImport) (map[string]any, error)) (ImportView, error) {
	var imp model.RosterImport
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		if imp, err = takeImport(tx, id); err != nil {
			return err
		}
		now := s.db.Now()
		set, err := change(tx, now, imp)
		if err != nil {
			return err
		}
		set["updated_at"] = now
		res := tx.Model(&model.RosterImport{}).Where("id = ? AND status IN ?", id, from).UpdateColumns(set)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "%s", refusal)
		}
		if err := s.db.Audit(tx, actor, now, action, importRef(id), imp.UnionID, map[string]int{"new": imp.NewRows, "changed": imp.ChangedRows}); err != nil {
			return err
		}
		imp, err = takeImport(tx, id)
		return err
	})
	if err == nil {
		s.jobs.Wake()
	}
	return importView(imp), err
}

// importFailed tells the person why a preview or import ended.
func (s *Service) importFailed(ctx context.Context, id model.ID, message string) {
	_ = s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&model.RosterImport{}).Where("id = ? AND status IN ?", id, []string{importUploaded, importPreviewing, importImporting}).
			UpdateColumns(map[string]any{"status": importFailed, "error": clip(message, 200), "updated_at": s.db.Now()}).Error
	})
	_ = s.discardFile(ctx, id)
}

// discardFile deletes the uploaded content once nobody will read it any more.
func (s *Service) discardFile(ctx context.Context, id model.ID) error {
	var file model.File
	err := s.db.Read(ctx).Where("id = (SELECT file_id FROM roster_imports WHERE id = ?)", id).Take(&file).Error
	if err != nil {
		return err
	}
	return s.files.Discard(ctx, file)
}

// clip shortens text to at most n characters.
func clip(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}
