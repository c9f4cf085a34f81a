package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/shop"
)

// reasonInput is the body of an act that must give its reason.
type reasonInput struct {
	Reason string `json:"reason"`
}

func (s *Server) listSuppliers(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=active suspended"`
		Query  string `query:"q" check:"max=60"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Shop.Suppliers(ctx, c.Actor, shop.SupplierFilter{Status: q.Status, Query: q.Query}, page)
}

func (s *Server) getSupplier(ctx context.Context, c *Call) (any, error) {
	return s.Shop.Supplier(ctx, c.Object)
}

func (s *Server) createSupplier(ctx context.Context, c *Call) (any, error) {
	var in shop.NewSupplier
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.CreateSupplier(ctx, c.Actor, in)
}

func (s *Server) updateSupplier(ctx context.Context, c *Call) (any, error) {
	var in shop.SupplierPatch
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.UpdateSupplier(ctx, c.Actor, c.Object, in)
}

func (s *Server) suspendSupplier(ctx context.Context, c *Call) (any, error) {
	id, reason, err := c.reason()
	if err != nil {
		return nil, err
	}
	return s.Shop.SuspendSupplier(ctx, c.Actor, id, reason)
}

func (s *Server) resumeSupplier(ctx context.Context, c *Call) (any, error) {
	return s.Shop.ResumeSupplier(ctx, c.Actor, c.Object)
}

// reason reads the path's c.Object and the body's reason.
func (c *Call) reason() (model.ID, string, error) {
	id, err := c.ID("id")
	if err != nil {
		return 0, "", err
	}
	var in reasonInput
	err = c.JSON(&in)
	return id, in.Reason, err
}

func (s *Server) listCertificates(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.listOf()
	if err != nil {
		return nil, err
	}
	return s.Shop.Certificates(ctx, id, page)
}

// listOf reads the path's id and the page of a list without other filters.
func (c *Call) listOf() (model.ID, model.Page, error) {
	var q struct {
		Cursor string `query:"cursor"`
		Limit  int    `query:"limit"`
	}
	id, err := c.ID("id")
	if err == nil {
		err = c.Query(&q)
	}
	if err != nil {
		return 0, model.Page{}, err
	}
	page, err := pageOf(q.Cursor, q.Limit)
	return id, page, err
}

func (s *Server) addCertificate(ctx context.Context, c *Call) (any, error) {
	var in shop.NewCertificate
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.AddCertificate(ctx, c.Actor, c.Object, in)
}

func (s *Server) withdrawCertificate(ctx context.Context, c *Call) (any, error) {
	id, reason, err := c.reason()
	if err != nil {
		return nil, err
	}
	return s.Shop.WithdrawCertificate(ctx, c.Actor, id, reason)
}

func (s *Server) uploadSupplierFile(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(files.MaxDocumentBytes, "kind")
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	if up.Fields["kind"] != files.KindCertificate {
		return nil, model.Invalid("kind", "“kind”应为 certificate（证照扫描件）")
	}
	return s.Shop.SaveScan(ctx, c.Actor, c.Object, up.Name, up)
}
