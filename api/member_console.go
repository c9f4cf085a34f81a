package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/union"
)

func (s *Server) listMembers(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Q          string `query:"q" check:"max=40"`
		Status     string `query:"status" check:"omitempty,oneof=active left"`
		Department string `query:"department" check:"max=64"`
		Subtree    bool   `query:"subtree"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Union.Members(ctx, c.Object, union.MemberFilter{Query: in.Q, Status: in.Status, Department: in.Department, Subtree: in.Subtree}, page)
}

func (s *Server) getMember(ctx context.Context, c *Call) (any, error) {
	return s.Union.Member(ctx, c.Object)
}

func (s *Server) revealMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.Reveal(ctx, c.Actor, c.Object, in.Reason)
}

func (s *Server) changeMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Phone      *string `json:"phone"`
		EmployeeNo *string `json:"employee_no"`
		Department *string `json:"department"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.ChangeMember(ctx, c.Actor, c.Object, union.MemberChange{Phone: in.Phone, EmployeeNo: in.EmployeeNo, Department: in.Department})
}

func (s *Server) addMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Name       string `json:"name" check:"required"`
		Phone      string `json:"phone" check:"required"`
		IDNumber   string `json:"id_number" check:"required"`
		EmployeeNo string `json:"employee_no"`
		Department string `json:"department"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.AddMember(ctx, c.Actor, c.Object, union.NewMember{Name: in.Name, Phone: in.Phone, IDNumber: in.IDNumber, EmployeeNo: in.EmployeeNo, Department: in.Department})
}

func (s *Server) leaveMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.Leave(ctx, c.Actor, c.Key, c.Object, in.Reason)
}

func (s *Server) transferMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		UnionID model.ID `json:"union_id" check:"required"`
		Reason  string   `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.TransferMember(ctx, c.Actor, c.Key, c.Object, in.UnionID, in.Reason)
}
