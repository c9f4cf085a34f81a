package api

import (
	"context"
	"io"
	"strconv"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/invoice"
)

func (s *Server) requestInvoice(ctx context.Context, c *Call) (any, error) {
	var in invoice.MemberInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Invoice.RequestByMember(ctx, c.Actor, c.Object, in)
}

func (s *Server) listOrderInvoices(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.listOf()
	if err != nil {
		return nil, err
	}
	return s.Invoice.OfOrder(ctx, c.Actor, id, page)
}

func (s *Server) cancelInvoiceRequest(ctx context.Context, c *Call) (any, error) {
	return s.Invoice.Cancel(ctx, c.Actor, c.Object)
}

func (s *Server) cancelMyInvoiceRequest(ctx context.Context, c *Call) (any, error) {
	return s.Invoice.Cancel(ctx, c.Actor, c.Object)
}

func (s *Server) getMyInvoiceFile(ctx context.Context, c *Call) (any, error) {
	return s.getInvoiceFile(ctx, c)
}

func (s *Server) getInvoiceFile(ctx context.Context, c *Call) (any, error) {
	var q struct {
		Kind string `query:"kind" check:"omitempty,oneof=normal red"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	if q.Kind == "" {
		q.Kind = "normal"
	}
	f, content, err := s.Invoice.File(ctx, c.Actor, c.Object, q.Kind)
	if err != nil {
		return nil, err
	}
	return &Download{Name: f.Name, ContentType: f.ContentType, Size: f.Size, Write: func(w io.Writer) error {
		defer func() { _ = content.Close() }()
		_, err := io.Copy(w, content)
		return err
	}}, nil
}

func (s *Server) requestUnionInvoice(ctx context.Context, c *Call) (any, error) {
	var in invoice.UnionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Invoice.RequestByUnion(ctx, c.Actor, c.Object, in)
}

// invoiceFilter reads the query of a list of requests.
func (c *Call) invoiceFilter() (invoice.Filter, model.Page, error) {
	var q struct {
		listing
		Status   string `query:"status" check:"omitempty,oneof=requested issued voided rejected cancelled"`
		NeedsRed bool   `query:"needs_red"`
	}
	page, err := c.page(&q, &q.listing)
	return invoice.Filter{Status: q.Status, NeedsRed: q.NeedsRed}, page, err
}

func (s *Server) listUnionInvoices(ctx context.Context, c *Call) (any, error) {
	f, page, err := c.invoiceFilter()
	if err != nil {
		return nil, err
	}
	return s.Invoice.OfUnion(ctx, c.Object, f, page)
}

func (s *Server) listInvoiceRequests(ctx context.Context, c *Call) (any, error) {
	f, page, err := c.invoiceFilter()
	if err != nil {
		return nil, err
	}
	return s.Invoice.OfSupplier(ctx, c.Actor, f, page)
}

func (s *Server) getInvoiceRequest(ctx context.Context, c *Call) (any, error) {
	return s.Invoice.Request(ctx, c.Actor, c.Object)
}

func (s *Server) rejectInvoiceRequest(ctx context.Context, c *Call) (any, error) {
	id, reason, err := c.reason()
	if err != nil {
		return nil, err
	}
	return s.Invoice.Reject(ctx, c.Actor, id, reason)
}

func (s *Server) issueInvoice(ctx context.Context, c *Call) (any, error) {
	return c.invoiceUpload(ctx, s.Invoice.Issue)
}

func (s *Server) redInvoice(ctx context.Context, c *Call) (any, error) {
	return c.invoiceUpload(ctx, s.Invoice.Red)
}

// invoiceUpload reads an uploaded invoice and what the form says of it.
func (c *Call) invoiceUpload(ctx context.Context, take func(context.Context, model.Actor, model.ID, invoice.Upload) (invoice.View, error)) (any, error) {
	up, err := c.Upload(files.MaxDocumentBytes, "invoice_code", "invoice_no", "issued_on", "amount_fen")
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	amount, err := strconv.ParseInt(up.Fields["amount_fen"], 10, 64)
	if err != nil || amount < 1 || amount > int64(model.MaxFen) {
		return nil, model.Invalid("amount_fen", "“发票金额”应为大于 0 的整数，单位分")
	}
	return take(ctx, c.Actor, c.Object, invoice.Upload{Code: up.Fields["invoice_code"], No: up.Fields["invoice_no"], IssuedOn: up.Fields["issued_on"],
		AmountFen: model.Fen(amount), Name: up.Name, File: up})
}
