package union

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// Lengths in characters to which the texts of wrong rows are cut, so that they fit their columns also when sealed.
const (
	keptSealed = 40
	keptText   = 80
	keptReason = 400
)

// preview is the job that reads an uploaded roster and stores each row with its verdict. It reads the whole file before
// it stores anything, to know that it is sound, how long it is, and which phones it moves from one person to another
// (rosterfile's limits bound what is held); then it stores a step to a transaction. A restart takes up after the last
// row stored.
func (s *Service) preview(ctx context.Context, id model.ID) error {
	imp, err := s.beginPreview(ctx, id)
	if err != nil {
		return err
	}
	if imp.Status != importPreviewing {
		return s.discardUnlessMissing(ctx, id)
	}
	p := &previewer{s: s, imp: imp, phones: map[string]string{}}
	if err := p.read(ctx); err != nil {
		return err
	}
	last, err := p.begin(ctx)
	if err != nil {
		return err
	}
	if err := p.store(ctx, last); err != nil {
		return err
	}
	if err := p.finish(ctx); err != nil {
		return err
	}
	return s.discardUnlessMissing(ctx, id)
}

// discardUnlessMissing is the last step of a preview, also of one that was restarted after its last step.
func (s *Service) discardUnlessMissing(ctx context.Context, id model.ID) error {
	if err := s.discardFile(ctx, id); err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	return nil
}

func (s *Service) beginPreview(ctx context.Context, id model.ID) (imp model.RosterImport, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&model.RosterImport{}).Where("id = ? AND status = ?", id, importUploaded).
			UpdateColumns(map[string]any{"status": importPreviewing, "updated_at": s.db.Now()})
		if res.Error != nil {
			return res.Error
		}
		imp, err = takeImport(tx, id)
		return err
	})
	return imp, err
}

func (s *Service) rosterContent(ctx context.Context, imp model.RosterImport) (string, error) {
	_, content, err := s.files.Open(ctx, imp.FileID)
	if err != nil {
		return "", err
	}
	defer func() { _ = content.Close() }()
	sealed, err := io.ReadAll(content)
	if err != nil {
		return "", err
	}
	return s.sealer.Open(string(sealed), sealRosterFile)
}

// previewer is one run of a preview.
type previewer struct {
	s      *Service
	imp    model.RosterImport
	rows   []rosterfile.Row
	phones map[string]string // phone hash by ID number hash, of the whole file's sound rows
}

// read reads the file. Births are judged by the day of the upload, so that a restart sees the same rows.
func (p *previewer) read(ctx context.Context) error {
	data, err := p.s.rosterContent(ctx, p.imp)
	if err != nil {
		return err
	}
	summary, err := rosterfile.Read(strings.NewReader(data), rosterfile.Limits{}, model.DateOf(p.imp.CreatedAt), func(r rosterfile.Row) error {
		p.rows = append(p.rows, r)
		if len(r.Problems) == 0 {
			p.phones[p.s.sealer.Hash(model.HashIDNumber, r.IDNumber)] = p.s.sealer.Hash(model.HashPhone, r.Phone)
		}
		return ctx.Err()
	})
	p.imp.TotalRows, p.imp.Note = summary.Rows, noteOf(summary)
	return err
}

// begin tells the person how long the file is, and the job which row was stored last before a restart (0: none).
func (p *previewer) begin(ctx context.Context) (last int, err error) {
	err = p.s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Model(&model.RosterRow{}).Select("COALESCE(MAX(row_no), 0)").Where("import_id = ?", p.imp.ID).Scan(&last).Error; err != nil {
			return err
		}
		return tx.Model(&model.RosterImport{}).Where("id = ? AND status = ?", p.imp.ID, importPreviewing).
			UpdateColumns(map[string]any{"total_rows": p.imp.TotalRows, "note": p.imp.Note, "updated_at": p.s.db.Now()}).Error
	})
	return last, err
}

// noteOf says what of the file was left out, and what was not although it may have been meant to be.
func noteOf(summary rosterfile.Summary) string {
	var notes []string
	if n := len(summary.ExtraColumns); n > 0 {
		notes = append(notes, "这些列不认识，没有读取："+strings.Join(summary.ExtraColumns, "、"))
	}
	if len(summary.OtherSheets) > 0 {
		notes = append(notes, fmt.Sprintf("读取的是工作表“%s”，没有读取：%s", summary.Sheet, strings.Join(summary.OtherSheets, "、")))
	}
	if summary.HiddenRows > 0 {
		notes = append(notes, fmt.Sprintf("表格里有 %d 行被筛选或隐藏，也一并读取了", summary.HiddenRows))
	}
	return clip(strings.Join(notes, "；"), keptReason)
}

// errStopped says that the import was cancelled under the job's hands.
var errStopped = errors.New("cancelled")

// store stores the rows after row number last.
func (p *previewer) store(ctx context.Context, last int) error {
	rest := p.rows
	for len(rest) > 0 && rest[0].No <= last {
		rest = rest[1:]
	}
	for rows := range slices.Chunk(rest, p.s.step) {
		chunk := make([]*candidate, len(rows))
		for i, r := range rows {
			var err error
			if chunk[i], err = p.candidate(r); err != nil {
				return err
			}
		}
		if err := p.storeStep(ctx, chunk); errors.Is(err, errStopped) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// candidate seals a row as read.
func (p *previewer) candidate(r rosterfile.Row) (*candidate, error) {
	c := &candidate{phone: r.Phone, idNumber: r.IDNumber}
	c.ImportID, c.RowNo, c.Name, c.EmployeeNo, c.Department = p.imp.ID, r.No, clip(r.Name, keptText), clip(r.EmployeeNo, keptText), clip(r.Department, keptText)
	if len(r.Problems) > 0 {
		messages := make([]string, len(r.Problems))
		for i, problem := range r.Problems {
			messages[i] = problem.Message
		}
		c.Verdict, c.Reason = verdictWrong, clip(strings.Join(messages, "；"), keptReason)
		c.phone, c.idNumber = clip(r.Phone, keptSealed), clip(r.IDNumber, keptSealed)
	} else {
		c.PhoneHash, c.IDNumberHash = p.s.sealer.Hash(model.HashPhone, r.Phone), p.s.sealer.Hash(model.HashIDNumber, r.IDNumber)
	}
	var err error
	if c.PhoneSealed, err = p.s.sealer.Seal(c.phone, model.SealRosterPhone); err != nil {
		return nil, err
	}
	c.IDNumberSealed, err = p.s.sealer.Seal(c.idNumber, model.SealRosterIDNumber)
	return c, err
}

// storeStep judges rows and stores them with the progress, in one transaction.
func (p *previewer) storeStep(ctx context.Context, chunk []*candidate) error {
	return p.s.db.Tx(ctx, func(tx *gorm.DB) error {
		for _, c := range chunk { // forget the verdicts of a run that was undone
			if c.IDNumberHash != "" {
				c.Verdict, c.Reason = "", ""
			}
		}
		r, err := readRoster(tx, p.imp.UnionID, chunk)
		if err != nil {
			return err
		}
		r.moving = func(h phoneHolder) (bool, error) {
			phone, found := p.phones[h.IDNumberHash]
			return found && phone != h.PhoneHash, nil
		}
		if err := p.s.judge(r, chunk); err != nil {
			return err
		}
		if err := p.s.progress(tx, p.imp.ID, importPreviewing, len(chunk), tally(chunk)); err != nil {
			return err
		}
		rows := make([]model.RosterRow, len(chunk))
		for i, c := range chunk {
			rows[i] = c.RosterRow
		}
		return tx.CreateInBatches(&rows, p.s.db.BatchRows()).Error
	})
}

// counts are numbers of rows by verdict.
type counts map[string]int

func tally(rows []*candidate) counts {
	n := counts{}
	for _, c := range rows {
		n[c.Verdict]++
	}
	return n
}

// progress moves an import's counts by what one transaction did; errStopped if it is not in that state any more.
func (s *Service) progress(tx *gorm.DB, id model.ID, status string, done int, by counts) error {
	set := map[string]any{"done_rows": gorm.Expr("done_rows + ?", done), "updated_at": s.db.Now()}
	for verdict, n := range by {
		if n != 0 {
			set[verdict+"_rows"] = gorm.Expr(verdict+"_rows + ?", n)
		}
	}
	res := tx.Model(&model.RosterImport{}).Where("id = ? AND status = ?", id, status).UpdateColumns(set)
	if res.Error == nil && res.RowsAffected == 0 {
		return errStopped
	}
	return res.Error
}

func (p *previewer) finish(ctx context.Context) error {
	return p.s.db.Tx(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&model.RosterImport{}).Where("id = ? AND status = ?", p.imp.ID, importPreviewing).
			UpdateColumns(map[string]any{"status": importPreviewed, "updated_at": p.s.db.Now()})
		if res.Error != nil || res.RowsAffected == 0 { // cancelled meanwhile
			return res.Error
		}
		imp, err := takeImport(tx, p.imp.ID)
		if err != nil {
			return err
		}
		return p.s.db.Audit(tx, model.Clockwork(), p.s.db.Now(), "roster.preview", importRef(imp.ID), imp.UnionID,
			counts{verdictNew: imp.NewRows, verdictChanged: imp.ChangedRows, verdictUnchanged: imp.UnchangedRows, verdictWrong: imp.WrongRows})
	})
}
