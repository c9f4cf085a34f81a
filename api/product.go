package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/shop"
)

func (s *Server) listProducts(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Supplier model.ID `query:"supplier_id" check:"gte=0"`
		Status   string   `query:"status" check:"omitempty,oneof=draft on off"`
		Query    string   `query:"q" check:"max=60"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Shop.Products(ctx, c.Actor, shop.ProductFilter{Supplier: q.Supplier, Status: q.Status, Query: q.Query}, page)
}

func (s *Server) getProduct(ctx context.Context, c *Call) (any, error) {
	return s.Shop.Product(ctx, c.Object)
}

func (s *Server) createProduct(ctx context.Context, c *Call) (any, error) {
	var in shop.NewProduct
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.CreateProduct(ctx, c.Actor, c.Object, in)
}

func (s *Server) updateProduct(ctx context.Context, c *Call) (any, error) {
	var in shop.ProductPatch
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.UpdateProduct(ctx, c.Actor, c.Object, in)
}

func (s *Server) shelveProduct(ctx context.Context, c *Call) (any, error) {
	return s.Shop.Shelve(ctx, c.Actor, c.Object)
}

func (s *Server) unshelveProduct(ctx context.Context, c *Call) (any, error) {
	id, reason, err := c.reason()
	if err != nil {
		return nil, err
	}
	return s.Shop.Unshelve(ctx, c.Actor, id, reason)
}

func (s *Server) addSKU(ctx context.Context, c *Call) (any, error) {
	var in shop.NewSKU
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.AddSKU(ctx, c.Actor, c.Object, in)
}

func (s *Server) updateSKU(ctx context.Context, c *Call) (any, error) {
	var in shop.SKUPatch
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.UpdateSKU(ctx, c.Actor, c.Object, in)
}

func (s *Server) listShopProducts(ctx context.Context, c *Call) (any, error) {
	var q struct {
		Query    string    `query:"q" check:"max=60"`
		Category string    `query:"category" check:"max=40"`
		Region   model.ID  `query:"region_id" check:"gte=0"`
		Supplier model.ID  `query:"supplier_id" check:"gte=0"`
		Paired   *bool     `query:"paired"`
		InStock  *bool     `query:"in_stock"`
		MinPrice model.Fen `query:"min_price_fen" check:"gte=0,lte=10000000"`
		MaxPrice model.Fen `query:"max_price_fen" check:"gte=0,lte=10000000"`
		Sort     string    `query:"sort" check:"omitempty,oneof=relevance price_asc price_desc newest sales"`
		Cursor   string    `query:"cursor" check:"max=300"`
		Limit    int       `query:"limit"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	page, err := pageOf("", q.Limit)
	if err != nil {
		return nil, err
	}
	return s.Shop.List(ctx, shop.Listing{Query: q.Query, Category: q.Category, Region: q.Region, Supplier: q.Supplier, Paired: q.Paired, InStock: q.InStock,
		MinPrice: q.MinPrice, MaxPrice: q.MaxPrice, Sort: q.Sort, Cursor: q.Cursor, Limit: page.Limit})
}

func (s *Server) getShopProduct(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Shop.Detail(ctx, id)
}

func (s *Server) getProductFilters(ctx context.Context, _ *Call) (any, error) {
	return s.Shop.Filters(ctx)
}
