package api

import (
	"context"

	"bangfu/service/identity"
)

type addressBody struct {
	Consignee string `json:"consignee" check:"required,max=30"`
	Phone     string `json:"phone" check:"required,max=30"`
	Province  string `json:"province" check:"required,max=40"`
	City      string `json:"city" check:"required,max=40"`
	District  string `json:"district" check:"required,max=40"`
	Detail    string `json:"detail" check:"required,max=200"`
	IsDefault bool   `json:"is_default"`
}

func (c *Call) address() (identity.AddressInput, error) {
	var in addressBody
	err := c.JSON(&in)
	return identity.AddressInput{
		Consignee: in.Consignee, Phone: in.Phone, Province: in.Province, City: in.City, District: in.District, Detail: in.Detail, Default: in.IsDefault,
	}, err
}

func (s *Server) listAddresses(ctx context.Context, c *Call) (any, error) {
	items, err := s.Identity.ListAddresses(ctx, c.Actor)
	return map[string]any{"items": items}, err
}

func (s *Server) addAddress(ctx context.Context, c *Call) (any, error) {
	in, err := c.address()
	if err != nil {
		return nil, err
	}
	return s.Identity.AddAddress(ctx, c.Actor, in)
}

func (s *Server) changeAddress(ctx context.Context, c *Call) (any, error) {
	in, err := c.address()
	if err != nil {
		return nil, err
	}
	return s.Identity.ChangeAddress(ctx, c.Actor, c.Object, in)
}

func (s *Server) deleteAddress(ctx context.Context, c *Call) (any, error) {
	return nil, s.Identity.DeleteAddress(ctx, c.Actor, c.Object)
}

func (s *Server) setDefaultAddress(ctx context.Context, c *Call) (any, error) {
	return nil, s.Identity.SetDefaultAddress(ctx, c.Actor, c.Object)
}
