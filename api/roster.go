package api

import (
	"context"
	"io"

	"bangfu/service/union"
)

const (
	typeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typeCSV  = "text/csv; charset=utf-8"
)

func (s *Server) getRosterTemplate(_ context.Context, c *Call) (any, error) {
	var in struct {
		Format string `query:"format" check:"omitempty,oneof=xlsx csv"`
	}
	if err := c.Query(&in); err != nil {
		return nil, err
	}
	format, contentType := "xlsx", typeXLSX
	if in.Format == "csv" {
		format, contentType = "csv", typeCSV
	}
	return &Download{Name: "职工名册模板." + format, ContentType: contentType, Write: func(w io.Writer) error {
		return s.Union.Template(w, format)
	}}, nil
}

func (s *Server) uploadRoster(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(union.MaxRosterBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	return s.Union.UploadRoster(ctx, c.Actor, c.Object, up.Name, up)
}

func (s *Server) listRosterImports(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Union.Imports(ctx, c.Object, page)
}

func (s *Server) getRosterImport(ctx context.Context, c *Call) (any, error) {
	return s.Union.Import(ctx, c.Object)
}

func (s *Server) listRosterRows(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Verdict string `query:"verdict" check:"omitempty,oneof=new changed unchanged wrong"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Union.Rows(ctx, c.Object, in.Verdict, page)
}

func (s *Server) startRosterImport(ctx context.Context, c *Call) (any, error) {
	return s.Union.StartImport(ctx, c.Actor, c.Object)
}

func (s *Server) cancelRosterImport(ctx context.Context, c *Call) (any, error) {
	return s.Union.CancelImport(ctx, c.Actor, c.Object)
}

func (s *Server) getRosterErrors(ctx context.Context, c *Call) (any, error) {
	name, content, err := s.Union.Errors(ctx, c.Actor, c.Object)
	if err != nil {
		return nil, err
	}
	return &Download{Name: name, ContentType: typeXLSX, Size: int64(content.Len()), Write: func(w io.Writer) error {
		_, err := content.WriteTo(w)
		return err
	}}, nil
}
