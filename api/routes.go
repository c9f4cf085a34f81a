package api

import (
	"net/http"
	"slices"

	"bangfu/service/identity"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// Routes is the whole route table. A route that is not here does not exist; app's contract test pins the table to
// api/openapi.yaml, and its matrix test walks every route with every role and scope.
func (s *Server) Routes() []Route {
	return slices.Concat(s.memberIdentityRoutes(), s.staffRoutes(), s.unionRoutes(), s.moneyRoutes(), s.shopRoutes(), s.orderRoutes(), s.statementRoutes(), s.auditRoutes())
}

// memberIdentityRoutes: login, consent, binding, profile, addresses.
func (s *Server) memberIdentityRoutes() []Route {
	return []Route{}
}

// staffRoutes: console login, second factor, console accounts.
func (s *Server) staffRoutes() []Route {
	return []Route{}
}

// unionRoutes: the union tree, rosters, members, binding requests.
func (s *Server) unionRoutes() []Route {
	const console = "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/files/:id", Audience: Staff, Permission: identity.PermSelf, Object: identity.ObjectFile, Slow: true, Handle: s.fileGet},
		{Method: post, Path: console + "/unions/:id/files", Audience: Staff, Permission: identity.PermFundEnter, Object: identity.ObjectUnion, Slow: true, Status: http.StatusCreated, Handle: s.unionFileUpload},
	}
}

// moneyRoutes: policies, funds, top-ups, grants, allowances, the year's end.
func (s *Server) moneyRoutes() []Route {
	return []Route{}
}

// shopRoutes: channels, regions, suppliers, certificates, products, stock, pictures.
func (s *Server) shopRoutes() []Route {
	return []Route{}
}

// orderRoutes: checkout, orders, parcels.
func (s *Server) orderRoutes() []Route {
	return []Route{}
}

// statementRoutes: the statistics form.
func (s *Server) statementRoutes() []Route {
	return []Route{}
}

// auditRoutes: the audit trail.
func (s *Server) auditRoutes() []Route {
	return []Route{}
}
