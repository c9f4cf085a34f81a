package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/report"
)

func (s *Server) listReportingPeriods(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Year int `query:"year" check:"omitempty,min=2000,max=2100"`
	}
	if err := c.Query(&in); err != nil {
		return nil, err
	}
	return s.Report.Periods(ctx, model.Year(in.Year))
}

// unionPeriod reads the two ids in the path of a union's form.
func unionPeriod(c *Call) (union, period model.ID, err error) {
	if union, err = c.ID("id"); err != nil {
		return 0, 0, err
	}
	period, err = c.ID("period_id")
	return union, period, err
}

func (s *Server) getUnionStatement(ctx context.Context, c *Call) (any, error) {
	union, period, err := unionPeriod(c)
	if err != nil {
		return nil, err
	}
	return s.Report.Statement(ctx, c.Actor, union, period)
}

func (s *Server) listStatementOrders(ctx context.Context, c *Call) (any, error) {
	union, period, err := unionPeriod(c)
	if err != nil {
		return nil, err
	}
	row, err := c.ID("row_no")
	if err != nil {
		return nil, err
	}
	var in struct {
		listing
		AsOf string `query:"as_of"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Report.Orders(ctx, union, period, int(row), in.AsOf, page)
}

func (s *Server) submitStatement(ctx context.Context, c *Call) (any, error) {
	union, period, err := unionPeriod(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Filler              string     `json:"filler" check:"required,max=60"`
		FillerPhone         string     `json:"filler_phone" check:"required,max=30"`
		ExpectedTotalFen    *model.Fen `json:"expected_total_fen" check:"required"`
		ExpectedPersonTimes *int       `json:"expected_person_times" check:"required,min=0"`
		AsOf                string     `json:"as_of"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Report.Submit(ctx, c.Actor, union, period, report.Submission{Filler: in.Filler, FillerPhone: in.FillerPhone,
		ExpectedTotalFen: *in.ExpectedTotalFen, ExpectedPersonTimes: *in.ExpectedPersonTimes, AsOf: in.AsOf})
}

func (s *Server) exportUnionStatement(ctx context.Context, c *Call) (any, error) {
	union, period, err := unionPeriod(c)
	if err != nil {
		return nil, err
	}
	format, err := exportFormat(c)
	if err != nil {
		return nil, err
	}
	return exported(s.Report.Export(ctx, c.Actor, union, period, format))
}

func (s *Server) getStatementProgress(ctx context.Context, c *Call) (any, error) {
	union, period, err := unionPeriod(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=missing submitted late"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Report.Progress(ctx, union, period, in.Status, page)
}

func (s *Server) getStatement(ctx context.Context, c *Call) (any, error) {
	return s.Report.Snapshot(ctx, c.Actor, c.Object)
}

func (s *Server) returnStatement(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Report.Return(ctx, c.Actor, c.Object, in.Reason)
}

func (s *Server) exportStatement(ctx context.Context, c *Call) (any, error) {
	format, err := exportFormat(c)
	if err != nil {
		return nil, err
	}
	return exported(s.Report.ExportSnapshot(ctx, c.Actor, c.Object, format))
}

func exportFormat(c *Call) (string, error) {
	var in struct {
		Format string `query:"format" check:"required,oneof=xlsx pdf"`
	}
	err := c.Query(&in)
	return in.Format, err
}

func exported(f report.File, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return &Download{Name: f.Name, ContentType: f.ContentType, Write: f.Write}, nil
}
