package report

import (
	"context"
	"fmt"
	"io"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report/form"
)

// File is a form to be downloaded.
type File struct {
	Name        string
	ContentType string
	Form        form.Form
	Write       func(w io.Writer) error // fails before the first byte if the form cannot be rendered
}

// Export renders the union's form for the period as "xlsx" or "pdf": the submitted one, or a draft that says so.
func (s *Service) Export(ctx context.Context, actor model.Actor, unionID, periodID model.ID, format string) (File, error) {
	v, err := s.Statement(ctx, actor, unionID, periodID)
	if err != nil {
		return File{}, err
	}
	return s.file(s.db.Read(ctx), v, format)
}

// ExportSnapshot renders a submitted form as "xlsx" or "pdf", exactly as it was frozen.
func (s *Service) ExportSnapshot(ctx context.Context, actor model.Actor, id model.ID, format string) (File, error) {
	v, err := s.Snapshot(ctx, actor, id)
	if err != nil {
		return File{}, err
	}
	return s.file(s.db.Read(ctx), v, format)
}

func (s *Service) file(tx *gorm.DB, v StatementView, format string) (File, error) {
	f := form.Form{UnionName: v.Union.Name, Period: v.Period.span(), Rows: form.BlankRows(), Draft: !v.Frozen, Demo: v.Period.Demo, DocumentNo: v.Period.DocumentNo}
	for i, r := range v.Rows {
		f.Rows[i].PersonTimes, f.Rows[i].Amount, f.Rows[i].Invested = r.PersonTimes, r.AmountFen, r.InvestedFen
	}
	if v.AsOf.Before(v.Period.end()) {
		f.Period += "（数据截至" + v.AsOf.In(model.China).Format("2006年1月2日15:04:05") + "）"
	}
	if v.Frozen {
		st, err := findStatement(tx, *v.StatementID)
		if err != nil {
			return File{}, err
		}
		if f.Phone, err = s.sealer.Open(st.FillerPhoneSealed, model.SealFillerPhone); err != nil {
			return File{}, err
		}
		f.Filler, f.Date = v.Filler, model.DateOf(st.SubmittedAt)
	}
	return render(f, fileName(v), format)
}

func render(f form.Form, name, format string) (File, error) {
	switch format {
	case "xlsx":
		return File{Name: name + ".xlsx", ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Form: f,
			Write: func(w io.Writer) error { return form.XLSX(w, f) }}, nil
	case "pdf":
		return File{Name: name + ".pdf", ContentType: "application/pdf", Form: f, Write: func(w io.Writer) error { return form.PDF(w, f) }}, nil
	}
	return File{}, model.Invalid("format", "“format”应为 xlsx 或 pdf")
}

// fileName is what the file is saved as, without what file systems do not take.
func fileName(v StatementView) string {
	union := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, v.Union.Name)
	name := fmt.Sprintf("工会消费帮扶情况统计表_%s_%d年第%d期", union, v.Period.Year, v.Period.Seq)
	switch {
	case !v.Frozen:
		name += "_草稿"
	case v.State == stateReturned:
		name += fmt.Sprintf("_第%d版已退回", v.Version)
	}
	return name
}
