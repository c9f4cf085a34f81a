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
	return []Route{
		{Method: post, Path: "/api/v1/member/login", Audience: Public, Handle: s.loginMember},
		{Method: get, Path: "/api/v1/privacy-notice", Audience: Public, Handle: s.showPrivacyNotice},
		{Method: post, Path: "/api/v1/member/logout", Audience: Account, Handle: s.logoutMember},
		{Method: post, Path: "/api/v1/member/consents", Audience: Account, Handle: s.agree},
		{Method: get, Path: "/api/v1/member/binding", Audience: Account, Handle: s.showBinding},
		{Method: post, Path: "/api/v1/member/binding", Audience: Account, Handle: s.bind},
		{Method: get, Path: "/api/v1/member/unions", Audience: Account, Handle: s.searchUnions},
		{Method: get, Path: "/api/v1/member/profile", Audience: Member, Handle: s.showProfile},
		{Method: post, Path: "/api/v1/member/sessions/revoke-all", Audience: Member, Handle: s.revokeMemberSessions},
		{Method: get, Path: "/api/v1/member/addresses", Audience: Member, Handle: s.listAddresses},
		{Method: post, Path: "/api/v1/member/addresses", Audience: Member, Status: http.StatusCreated, Handle: s.addAddress},
		{Method: put, Path: "/api/v1/member/addresses/:id", Audience: Member, Object: identity.ObjectAddress, Handle: s.changeAddress},
		{Method: remove, Path: "/api/v1/member/addresses/:id", Audience: Member, Object: identity.ObjectAddress, Handle: s.deleteAddress},
		{Method: post, Path: "/api/v1/member/addresses/:id/default", Audience: Member, Object: identity.ObjectAddress, Handle: s.setDefaultAddress},
		{Method: get, Path: "/api/v1/console/unions/:id/binding-requests", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.listBindingRequests},
		{Method: get, Path: "/api/v1/console/binding-requests/:id", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectBindingRequest, Handle: s.showBindingRequest},
		{Method: post, Path: "/api/v1/console/binding-requests/:id/approve", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectBindingRequest, Handle: s.approveBinding},
		{Method: post, Path: "/api/v1/console/binding-requests/:id/reject", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectBindingRequest, Handle: s.rejectBinding},
		{Method: post, Path: "/api/v1/console/members/:id/unbind", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Handle: s.unbind},
	}
}

// staffRoutes: console login, second factor, console accounts.
func (s *Server) staffRoutes() []Route {
	return []Route{
		{Method: post, Path: "/api/v1/console/login", Audience: Public, Handle: s.loginStaff},
		{Method: get, Path: "/api/v1/console/session", Audience: Staff, Permission: identity.PermSelf, Initial: true, Handle: s.showSession},
		{Method: post, Path: "/api/v1/console/logout", Audience: Staff, Permission: identity.PermSelf, Initial: true, Handle: s.logoutStaff},
		{Method: post, Path: "/api/v1/console/password", Audience: Staff, Permission: identity.PermSelf, Initial: true, Handle: s.changePassword},
		{Method: post, Path: "/api/v1/console/totp", Audience: Staff, Permission: identity.PermSelf, Handle: s.beginTOTP},
		{Method: post, Path: "/api/v1/console/totp/confirm", Audience: Staff, Permission: identity.PermSelf, Handle: s.confirmTOTP},
		{Method: get, Path: "/api/v1/console/roles", Audience: Staff, Permission: identity.PermSelf, Handle: s.listRoles},
		{Method: get, Path: "/api/v1/console/unions/:id/staff", Audience: Staff, Permission: identity.PermStaffRead, Object: identity.ObjectUnion, Handle: s.listStaff},
		{Method: post, Path: "/api/v1/console/unions/:id/staff", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectUnion, Status: http.StatusCreated, Handle: s.createStaff},
		{Method: patch, Path: "/api/v1/console/staff/:id", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.changeStaff},
		{Method: post, Path: "/api/v1/console/staff/:id/reset-password", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.resetPassword},
		{Method: post, Path: "/api/v1/console/staff/:id/unlock", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.unlockStaff},
		{Method: post, Path: "/api/v1/console/staff/:id/reset-totp", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.resetTOTP},
		{Method: post, Path: "/api/v1/console/staff/:id/sign-out", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.signOutStaff},
	}
}

// unionRoutes: the union tree, rosters, members, binding requests.
func (s *Server) unionRoutes() []Route {
	const console = "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/files/:id", Audience: Staff, Permission: identity.PermSelf, Object: identity.ObjectFile, Slow: true, Handle: s.fileGet},
		{Method: post, Path: console + "/unions/:id/files", Audience: Staff, Permission: identity.PermFundEnter, Object: identity.ObjectUnion, Slow: true, Status: http.StatusCreated, Handle: s.unionFileUpload},
		{Method: get, Path: console + "/unions", Audience: Staff, Permission: identity.PermUnionRead, Handle: s.unionList},
		{Method: get, Path: console + "/unions/:id", Audience: Staff, Permission: identity.PermUnionRead, Object: identity.ObjectUnion, Handle: s.unionGet},
		{Method: post, Path: console + "/unions/:id/children", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Status: http.StatusCreated, Handle: s.unionCreateChild},
		{Method: patch, Path: console + "/unions/:id", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Handle: s.unionChange},
		{Method: post, Path: console + "/unions/:id/move", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Handle: s.unionMove},
		{Method: post, Path: console + "/unions/:id/close", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Handle: s.unionClose},

		{Method: get, Path: console + "/roster-template", Audience: Staff, Permission: identity.PermRosterRead, Handle: s.rosterTemplate},
		{Method: post, Path: console + "/unions/:id/roster-imports", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectUnion, Slow: true, Status: http.StatusAccepted, Handle: s.rosterUpload},
		{Method: get, Path: console + "/unions/:id/roster-imports", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.rosterImportList},
		{Method: get, Path: console + "/roster-imports/:id", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectRosterImport, Handle: s.rosterImportGet},
		{Method: get, Path: console + "/roster-imports/:id/rows", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectRosterImport, Handle: s.rosterRows},
		{Method: post, Path: console + "/roster-imports/:id/import", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectRosterImport, Status: http.StatusAccepted, Handle: s.rosterImportStart},
		{Method: post, Path: console + "/roster-imports/:id/cancel", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectRosterImport, Handle: s.rosterImportCancel},
		{Method: get, Path: console + "/roster-imports/:id/errors", Audience: Staff, Permission: identity.PermMemberReveal, Object: identity.ObjectRosterImport, Slow: true, Handle: s.rosterErrors},

		{Method: get, Path: console + "/unions/:id/members", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.memberList},
		{Method: post, Path: console + "/unions/:id/members", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectUnion, Handle: s.memberAdd},
		{Method: get, Path: console + "/members/:id", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectMember, Handle: s.memberGet},
		{Method: patch, Path: console + "/members/:id", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Handle: s.memberChange},
		{Method: post, Path: console + "/members/:id/reveal", Audience: Staff, Permission: identity.PermMemberReveal, Object: identity.ObjectMember, Handle: s.memberReveal},
		{Method: post, Path: console + "/members/:id/leave", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Money: true, Handle: s.memberLeave},
		{Method: post, Path: console + "/members/:id/transfer", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Money: true, Handle: s.memberTransfer},
	}
}

// moneyRoutes: policies, funds, top-ups, grants, allowances, the year's end.
func (s *Server) moneyRoutes() []Route {
	const console, member = "/api/v1/console", "/api/v1/member"
	return []Route{
		{Method: get, Path: console + "/policies", Audience: Staff, Permission: identity.PermPolicyRead, Handle: s.policyList},
		{Method: get, Path: console + "/policies/:year", Audience: Staff, Permission: identity.PermPolicyRead, Handle: s.policyGet},
		{Method: put, Path: console + "/policies/:year", Audience: Staff, Permission: identity.PermPolicyManage, Handle: s.policyPut},

		{Method: get, Path: console + "/unions/:id/funds", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectUnion, Handle: s.fundList},
		{Method: get, Path: console + "/funds/:id", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectFund, Handle: s.fundGet},
		{Method: get, Path: console + "/funds/:id/transfers", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectFund, Handle: s.fundTransfers},
		{Method: post, Path: console + "/unions/:id/topups", Audience: Staff, Permission: identity.PermFundEnter, Object: identity.ObjectUnion, Money: true, Status: http.StatusCreated, Handle: s.topupEnter},
		{Method: get, Path: console + "/unions/:id/topups", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectUnion, Handle: s.topupList},
		{Method: post, Path: console + "/topups/:id/confirm", Audience: Staff, Permission: identity.PermFundConfirm, Object: identity.ObjectTopup, Money: true, Handle: s.topupConfirm},
		{Method: post, Path: console + "/topups/:id/reject", Audience: Staff, Permission: identity.PermFundConfirm, Object: identity.ObjectTopup, Handle: s.topupReject},

		{Method: post, Path: console + "/unions/:id/grants", Audience: Staff, Permission: identity.PermGrantDraft, Object: identity.ObjectUnion, Money: true, Status: http.StatusCreated, Handle: s.grantDraft},
		{Method: post, Path: console + "/unions/:id/grants/upload", Audience: Staff, Permission: identity.PermGrantDraft, Object: identity.ObjectUnion, Money: true, Slow: true, Status: http.StatusCreated, Handle: s.grantUpload},
		{Method: get, Path: console + "/grant-template", Audience: Staff, Permission: identity.PermGrantRead, Handle: s.grantTemplate},
		{Method: get, Path: console + "/unions/:id/grants", Audience: Staff, Permission: identity.PermGrantRead, Object: identity.ObjectUnion, Handle: s.grantList},
		{Method: get, Path: console + "/grants/:id", Audience: Staff, Permission: identity.PermGrantRead, Object: identity.ObjectGrant, Handle: s.grantGet},
		{Method: get, Path: console + "/grants/:id/items", Audience: Staff, Permission: identity.PermGrantRead, Object: identity.ObjectGrant, Handle: s.grantItems},
		{Method: post, Path: console + "/grants/:id/approve", Audience: Staff, Permission: identity.PermGrantApprove, Object: identity.ObjectGrant, Money: true, Handle: s.grantApprove},
		{Method: post, Path: console + "/grants/:id/reject", Audience: Staff, Permission: identity.PermGrantApprove, Object: identity.ObjectGrant, Handle: s.grantReject},
		{Method: post, Path: console + "/grants/:id/cancel", Audience: Staff, Permission: identity.PermGrantDraft, Object: identity.ObjectGrant, Handle: s.grantCancel},
		{Method: post, Path: console + "/grants/:id/issue", Audience: Staff, Permission: identity.PermGrantIssue, Object: identity.ObjectGrant, Money: true, Status: http.StatusAccepted, Handle: s.grantIssue},

		{Method: post, Path: console + "/sweeps", Audience: Staff, Permission: identity.PermSweepRun, Money: true, Status: http.StatusAccepted, Handle: s.sweepStart},
		{Method: get, Path: console + "/sweeps/:year", Audience: Staff, Permission: identity.PermFundRead, Handle: s.sweepGet},
		{Method: get, Path: console + "/sweeps/:year/rehearsal", Audience: Staff, Permission: identity.PermFundRead, Handle: s.sweepRehearse},

		{Method: get, Path: member + "/allowances", Audience: Member, Handle: s.allowanceList},
		{Method: get, Path: member + "/allowances/:id/transfers", Audience: Member, Object: identity.ObjectAllowance, Handle: s.allowanceTransfers},
	}
}

// shopRoutes: channels, regions, suppliers, certificates, products, stock, pictures.
func (s *Server) shopRoutes() []Route {
	const v1, console = "/api/v1", "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/channels", Audience: Staff, Permission: identity.PermShopRead, Handle: s.channelList},
		{Method: post, Path: console + "/channels", Audience: Staff, Permission: identity.PermShopManage, Status: http.StatusCreated, Handle: s.channelCreate},
		{Method: patch, Path: console + "/channels/:id", Audience: Staff, Permission: identity.PermShopManage, Handle: s.channelUpdate},
		{Method: get, Path: console + "/regions", Audience: Staff, Permission: identity.PermShopRead, Handle: s.regionList},
		{Method: post, Path: console + "/regions", Audience: Staff, Permission: identity.PermShopManage, Status: http.StatusCreated, Handle: s.regionCreate},
		{Method: patch, Path: console + "/regions/:id", Audience: Staff, Permission: identity.PermShopManage, Handle: s.regionUpdate},
		{Method: get, Path: console + "/suppliers", Audience: Staff, Permission: identity.PermShopRead, Handle: s.supplierList},
		{Method: post, Path: console + "/suppliers", Audience: Staff, Permission: identity.PermShopManage, Status: http.StatusCreated, Handle: s.supplierCreate},
		{Method: get, Path: console + "/suppliers/:id", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSupplier, Handle: s.supplierGet},
		{Method: patch, Path: console + "/suppliers/:id", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Handle: s.supplierUpdate},
		{Method: post, Path: console + "/suppliers/:id/suspend", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Handle: s.supplierSuspend},
		{Method: post, Path: console + "/suppliers/:id/resume", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Handle: s.supplierResume},
		{Method: post, Path: console + "/suppliers/:id/files", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Slow: true, Status: http.StatusCreated, Handle: s.supplierFileUpload},
		{Method: get, Path: console + "/suppliers/:id/certificates", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSupplier, Handle: s.certificateList},
		{Method: post, Path: console + "/suppliers/:id/certificates", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Status: http.StatusCreated, Handle: s.certificateCreate},
		{Method: post, Path: console + "/certificates/:id/withdraw", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectCertificate, Handle: s.certificateWithdraw},
		{Method: get, Path: console + "/products", Audience: Staff, Permission: identity.PermShopRead, Handle: s.productList},
		{Method: post, Path: console + "/suppliers/:id/products", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectSupplier, Status: http.StatusCreated, Handle: s.productCreate},
		{Method: get, Path: console + "/products/:id", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectProduct, Handle: s.productGet},
		{Method: patch, Path: console + "/products/:id", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Handle: s.productUpdate},
		{Method: post, Path: console + "/products/:id/shelve", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectProduct, Handle: s.productShelve},
		{Method: post, Path: console + "/products/:id/unshelve", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectProduct, Handle: s.productUnshelve},
		{Method: post, Path: console + "/products/:id/pictures", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Slow: true, Status: http.StatusCreated, Handle: s.pictureAdd},
		{Method: remove, Path: console + "/products/:id/pictures/:seq", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Handle: s.pictureRemove},
		{Method: post, Path: console + "/products/:id/skus", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Status: http.StatusCreated, Handle: s.skuCreate},
		{Method: patch, Path: console + "/skus/:id", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectSKU, Handle: s.skuUpdate},
		{Method: get, Path: console + "/skus/:id/stock", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSKU, Handle: s.stockGet},
		{Method: get, Path: console + "/skus/:id/movements", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSKU, Handle: s.movementList},
		{Method: post, Path: console + "/skus/:id/movements", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectSKU, Money: true, Status: http.StatusCreated, Handle: s.movementCreate},
		{Method: get, Path: v1 + "/products", Audience: Account, Handle: s.shopList},
		{Method: get, Path: v1 + "/products/:id", Audience: Account, Handle: s.shopDetail},
		{Method: get, Path: v1 + "/product-filters", Audience: Account, Handle: s.shopFilters},
		{Method: get, Path: v1 + "/pictures/:id", Audience: Public, Handle: s.pictureGet},
	}
}

// orderRoutes: checkout, orders, parcels.
func (s *Server) orderRoutes() []Route {
	const member, console = "/api/v1/member", "/api/v1/console"
	return []Route{
		{Method: post, Path: member + "/orders", Audience: Member, Money: true, Status: http.StatusCreated, Handle: s.checkout},
		{Method: get, Path: member + "/orders", Audience: Member, Handle: s.myOrders},
		{Method: get, Path: member + "/orders/:id", Audience: Member, Object: identity.ObjectOrder, Handle: s.order},
		{Method: post, Path: member + "/orders/:id/cancel", Audience: Member, Object: identity.ObjectOrder, Money: true, Handle: s.orderCancel},
		{Method: post, Path: member + "/parcels/:id/confirm", Audience: Member, Object: identity.ObjectParcel, Handle: s.parcelConfirm},
		{Method: get, Path: console + "/unions/:id/orders", Audience: Staff, Permission: identity.PermOrderRead, Object: identity.ObjectUnion, Handle: s.unionOrders},
		{Method: get, Path: console + "/orders/:id", Audience: Staff, Permission: identity.PermOrderRead, Object: identity.ObjectOrder, Handle: s.order},
		{Method: get, Path: console + "/parcels", Audience: Staff, Permission: identity.PermParcelShip, Handle: s.parcels},
		{Method: get, Path: console + "/parcels/:id", Audience: Staff, Permission: identity.PermParcelShip, Object: identity.ObjectParcel, Handle: s.parcel},
		{Method: post, Path: console + "/parcels/:id/ship", Audience: Staff, Permission: identity.PermParcelShip, Object: identity.ObjectParcel, Handle: s.parcelShip},
		{Method: post, Path: console + "/parcels/:id/correct", Audience: Staff, Permission: identity.PermParcelShip, Object: identity.ObjectParcel, Handle: s.parcelCorrect},
	}
}

// statementRoutes: the statistics form.
func (s *Server) statementRoutes() []Route {
	const console = "/api/v1/console"
	const form = console + "/unions/:id/statements/:period_id"
	return []Route{
		{Method: get, Path: console + "/reporting-periods", Audience: Staff, Permission: identity.PermStatementRead, Handle: s.reportingPeriods},
		{Method: get, Path: form, Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Handle: s.statementGet},
		{Method: get, Path: form + "/rows/:row_no/orders", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Handle: s.statementOrders},
		{Method: post, Path: form + "/submit", Audience: Staff, Permission: identity.PermStatementSubmit, Object: identity.ObjectUnion, Slow: true, Handle: s.statementSubmit},
		{Method: get, Path: form + "/export", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Slow: true, Handle: s.statementDraftExport},
		{Method: get, Path: console + "/unions/:id/statement-progress/:period_id", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Handle: s.statementProgress},
		{Method: get, Path: console + "/statements/:id", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectStatement, Handle: s.statementSnapshot},
		{Method: post, Path: console + "/statements/:id/return", Audience: Staff, Permission: identity.PermStatementReturn, Object: identity.ObjectStatement, Handle: s.statementReturn},
		{Method: get, Path: console + "/statements/:id/export", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectStatement, Slow: true, Handle: s.statementExport},
	}
}

// auditRoutes: the audit trail.
func (s *Server) auditRoutes() []Route {
	return []Route{
		{Method: get, Path: "/api/v1/console/audit", Audience: Staff, Permission: identity.PermAuditRead, Handle: s.auditList},
	}
}
