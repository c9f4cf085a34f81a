package union

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// runImport is the job that brings the new and changed rows of a previewed roster onto the roster, a step to a
// transaction: members and the mark on their rows are written together, so that a restart does nothing twice. What
// changed since the preview is judged again: a row that no longer fits becomes wrong and says why.
//
// The sealed rows of a finished import are kept, because the file of errors is made from them.
func (s *Service) runImport(ctx context.Context, id model.ID) error {
	imp, err := takeImport(s.db.Read(ctx), id)
	if err != nil || imp.Status != importImporting {
		return err
	}
	for last := 0; ; {
		var next int
		err := againIfDuplicate(func() (err error) {
			next, err = s.importStep(ctx, imp, last)
			return err
		})
		switch {
		case errors.Is(err, errStopped):
			return nil
		case err != nil:
			return err
		case next == 0:
			return s.finishImport(ctx, imp)
		}
		last = next
	}
}

// againIfDuplicate runs work, a whole transaction, again when another union has just made the same person: then it is
// there to be found.
func againIfDuplicate(work func() error) (err error) {
	for range 10 {
		if err = work(); !model.Duplicate(err) {
			return err
		}
	}
	return err
}

// importStep imports the next rows after row number last and returns the last of them, 0 if none is left.
func (s *Service) importStep(ctx context.Context, imp model.RosterImport, last int) (next int, err error) {
	var rows []model.RosterRow
	err = s.db.Read(ctx).Where("import_id = ? AND row_no > ?", imp.ID, last).Where("verdict IN ? AND imported = ?", []string{verdictNew, verdictChanged}, false).
		Order("row_no").Limit(s.step).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	candidates := make([]*candidate, len(rows))
	for i, r := range rows {
		c := &candidate{RosterRow: r}
		if c.phone, c.idNumber, err = s.openRow(r); err != nil {
			return 0, err
		}
		candidates[i] = c
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		for i, c := range candidates {
			c.Verdict, c.Reason = rows[i].Verdict, rows[i].Reason
		}
		return s.importRows(tx, imp, candidates, rows)
	})
	return rows[len(rows)-1].RowNo, err
}

// importRows does one step's writing. was are the rows as the preview judged them.
func (s *Service) importRows(tx *gorm.DB, imp model.RosterImport, rows []*candidate, was []model.RosterRow) error {
	if err := rosterOpen(tx, imp.UnionID); err != nil {
		return err
	}
	r, err := readRoster(tx, imp.UnionID, rows)
	if err != nil {
		return err
	}
	r.moving = func(h phoneHolder) (bool, error) {
		var n int64
		err := tx.Model(&model.RosterRow{}).Where("import_id = ? AND id_number_hash = ? AND phone_hash <> ?", imp.ID, h.IDNumberHash, h.PhoneHash).
			Where("verdict = ? AND imported = ?", verdictChanged, false).Count(&n).Error
		return n > 0, err
	}
	if err := s.judge(r, rows); err != nil {
		return err
	}
	now := s.db.Now()
	var moved []*candidate
	for _, c := range rows {
		if r.movesPhone(c) {
			moved = append(moved, c)
		}
	}
	if err := s.write(tx, now, imp.UnionID, rows); err != nil {
		return err
	}
	if err := s.auditPhones(tx, now, imp, moved); err != nil {
		return err
	}
	shift := tally(rows)
	for _, row := range was {
		shift[row.Verdict]--
	}
	if err := s.progress(tx, imp.ID, importImporting, len(rows), shift); err != nil {
		return err
	}
	if err := markRows(tx, imp.ID, rows); err != nil {
		return err
	}
	done := tally(rows)
	return s.db.Audit(tx, importer(imp), now, "roster.write", importRef(imp.ID), imp.UnionID,
		map[string]any{"from_row": rows[0].RowNo, "to_row": rows[len(rows)-1].RowNo, "new": done[verdictNew], "changed": done[verdictChanged]})
}

// auditPhones writes an entry for each member who got another phone by an import, as there is one for each change by hand: whoever holds the
// phone may be bound to the person.
func (s *Service) auditPhones(tx *gorm.DB, now time.Time, imp model.RosterImport, moved []*candidate) error {
	entries := make([]model.AuditEntry, len(moved))
	for i, c := range moved {
		detail := map[string]any{"phone_hash": true, "import_id": imp.ID}
		var err error
		if entries[i], err = s.db.AuditEntry(importer(imp), now, "member.change", memberRef(c.member.ID), imp.UnionID, detail); err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return tx.CreateInBatches(&entries, s.db.BatchRows()).Error
}

func importer(imp model.RosterImport) model.Actor {
	if imp.ImportedBy == nil {
		return model.Clockwork()
	}
	return model.Actor{Kind: model.ActorStaff, ID: *imp.ImportedBy}
}

// markRows notes on the rows what came of them, with one statement for each different outcome.
func markRows(tx *gorm.DB, importID model.ID, rows []*candidate) error {
	type outcome struct{ verdict, reason string }
	var order []outcome
	by := map[outcome][]int{}
	for _, c := range rows {
		o := outcome{c.Verdict, ""}
		if c.Verdict == verdictWrong || c.Verdict == verdictUnchanged {
			o.reason = clip(c.Reason, keptReason)
		}
		if by[o] == nil {
			order = append(order, o)
		}
		by[o] = append(by[o], c.RowNo)
	}
	for _, o := range order {
		set := map[string]any{"verdict": o.verdict, "imported": o.verdict != verdictWrong}
		if o.verdict == verdictWrong || o.verdict == verdictUnchanged {
			set["reason"] = o.reason // new and changed rows keep what the preview said
		}
		if err := tx.Model(&model.RosterRow{}).Where("import_id = ? AND row_no IN ?", importID, by[o]).UpdateColumns(set).Error; err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) finishImport(ctx context.Context, imp model.RosterImport) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.RosterImport{}).Where("id = ? AND status = ?", imp.ID, importImporting).
			UpdateColumns(map[string]any{"status": importImported, "imported_at": now, "updated_at": now})
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		return s.db.Audit(tx, importer(imp), now, "roster.imported", importRef(imp.ID), imp.UnionID, map[string]int{"rows": imp.TotalRows})
	})
}

// write puts judged candidates onto the union's roster: persons and members that are missing, and what changes. The
// caller has locked the union. A person whom another union has just made is a duplicate error: run it all again.
func (s *Service) write(tx *gorm.DB, now time.Time, unionID model.ID, rows []*candidate) error {
	if err := s.createPersons(tx, now, rows); err != nil {
		return err
	}
	fresh := make([]model.Member, 0, len(rows))
	var changed []*candidate
	for _, c := range rows {
		switch c.Verdict {
		case verdictChanged:
			changed = append(changed, c)
		case verdictNew:
			sealed, err := s.sealer.Seal(c.phone, model.SealMemberPhone)
			if err != nil {
				return err
			}
			fresh = append(fresh, model.Member{ID: s.db.NewID(), UnionID: unionID, PersonID: c.person, Name: c.Name, PhoneSealed: sealed, PhoneHash: c.PhoneHash,
				EmployeeNo: c.EmployeeNo, Department: c.Department, Status: active, JoinedAt: now, CreatedAt: now, UpdatedAt: now})
			c.member = &fresh[len(fresh)-1]
		}
	}
	if len(fresh) > 0 {
		if err := tx.CreateInBatches(&fresh, s.db.BatchRows()).Error; err != nil {
			return err
		}
		if err := model.CountMembers(tx, unionID, len(fresh)); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(changed, s.db.BatchRows()) {
		if err := s.updateMembers(tx, now, unionID, part); err != nil {
			return err
		}
	}
	return nil
}

// createPersons makes the persons that new rows lack, in the order of their hashes, so that two imports that meet on
// the same people queue instead of deadlocking.
func (s *Service) createPersons(tx *gorm.DB, now time.Time, rows []*candidate) error {
	var fresh []model.Person
	for _, c := range rows {
		if c.Verdict != verdictNew || c.person != 0 {
			continue
		}
		sealed, err := s.sealer.Seal(c.idNumber, model.SealPersonIDNumber)
		if err != nil {
			return err
		}
		c.person = s.db.NewID()
		fresh = append(fresh, model.Person{ID: c.person, IDNumberSealed: sealed, IDNumberHash: c.IDNumberHash, CreatedAt: now})
	}
	if len(fresh) == 0 {
		return nil
	}
	slices.SortFunc(fresh, func(a, b model.Person) int { return strings.Compare(a.IDNumberHash, b.IDNumberHash) })
	if err := tx.CreateInBatches(&fresh, s.db.BatchRows()).Error; err != nil {
		return err
	}
	return s.carryCaps(tx, now, fresh)
}

// updateMembers writes what changes of a hundred or so members of a union with one statement.
func (s *Service) updateMembers(tx *gorm.DB, now time.Time, unionID model.ID, rows []*candidate) error {
	ids := make([]model.ID, len(rows))
	set := map[string]*strings.Builder{}
	args := map[string][]any{}
	put := func(column string, id model.ID, value any) {
		if set[column] == nil {
			set[column] = new(strings.Builder)
		}
		set[column].WriteString(" WHEN ? THEN ?")
		args[column] = append(args[column], id, value)
	}
	for i, c := range rows {
		m := c.member
		ids[i] = m.ID
		if c.PhoneHash != m.PhoneHash {
			sealed, err := s.sealer.Seal(c.phone, model.SealMemberPhone)
			if err != nil {
				return err
			}
			put("phone_sealed", m.ID, sealed)
			put("phone_hash", m.ID, c.PhoneHash)
		}
		if c.Name != m.Name {
			put("name", m.ID, c.Name)
		}
		if c.EmployeeNo != "" && c.EmployeeNo != m.EmployeeNo {
			put("employee_no", m.ID, c.EmployeeNo)
		}
		if c.Department != "" && c.Department != m.Department {
			put("department", m.ID, c.Department)
		}
	}
	columns := map[string]any{"updated_at": now}
	for column, when := range set {
		columns[column] = gorm.Expr("CASE id"+when.String()+" ELSE "+column+" END", args[column]...)
	}
	if err := rejoin(tx, now, unionID, ids); err != nil {
		return err
	}
	return tx.Model(&model.Member{}).Where("id IN ?", ids).UpdateColumns(columns).Error
}

// rejoin makes those of the union's members who had left active again.
func rejoin(tx *gorm.DB, now time.Time, unionID model.ID, ids []model.ID) error {
	res := tx.Model(&model.Member{}).Where("id IN ? AND union_id = ? AND status = ?", ids, unionID, left).
		UpdateColumns(map[string]any{"status": active, "joined_at": now, "left_at": nil, "left_reason": "", "updated_at": now})
	if res.Error != nil {
		return res.Error
	}
	return model.CountMembers(tx, unionID, int(res.RowsAffected))
}
