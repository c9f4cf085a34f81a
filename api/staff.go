package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/identity"
)

func (s *Server) listStaff(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Identity.ListStaff(ctx, c.Object, page)
}

func (s *Server) createStaff(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Login      string        `json:"login" check:"required,max=40"`
		Name       string        `json:"name" check:"required,max=30"`
		Role       identity.Role `json:"role" check:"required,max=32"`
		SupplierID model.ID      `json:"supplier_id"`
		HallID     model.ID      `json:"hall_id"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.CreateStaff(ctx, c.Actor, c.Object, identity.StaffInput{Login: in.Login, Name: in.Name, Role: in.Role, SupplierID: in.SupplierID, HallID: in.HallID})
}

func (s *Server) changeStaff(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Name   *string        `json:"name" check:"omitempty,min=1,max=30"`
		Role   *identity.Role `json:"role" check:"omitempty,max=32"`
		Status *string        `json:"status" check:"omitempty,oneof=active disabled"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.ChangeStaff(ctx, c.Actor, c.Object, identity.StaffChange{Name: in.Name, Role: in.Role, Status: in.Status})
}

func (s *Server) resetStaffPassword(ctx context.Context, c *Call) (any, error) {
	return s.Identity.ResetPassword(ctx, c.Actor, c.Object)
}

func (s *Server) unlockStaff(ctx context.Context, c *Call) (any, error) {
	return s.Identity.UnlockStaff(ctx, c.Actor, c.Object)
}

func (s *Server) resetStaffTOTP(ctx context.Context, c *Call) (any, error) {
	return s.Identity.ResetTOTP(ctx, c.Actor, c.Object)
}

func (s *Server) signOutStaff(ctx context.Context, c *Call) (any, error) {
	return nil, s.Identity.SignOutStaff(ctx, c.Actor, c.Object)
}
