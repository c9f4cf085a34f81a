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
	return slices.Concat(s.memberIdentityRoutes(), s.staffRoutes(), s.unionRoutes(), s.moneyRoutes(), s.limitRoutes(), s.shopRoutes(), s.orderRoutes(), s.paymentRoutes(), s.statementRoutes(), s.figureRoutes(), s.auditRoutes(), s.claimRoutes(), s.riskRoutes(), s.groupRoutes(), s.settlementRoutes(), s.noticeRoutes(), s.afterSaleRoutes(), s.invoiceRoutes(), s.counterRoutes(), s.erasureRoutes())
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
		{Method: post, Path: "/api/v1/member/sessions/revoke-all", Audience: Account, Handle: s.revokeMemberSessions},
		{Method: get, Path: "/api/v1/member/addresses", Audience: Member, Handle: s.listAddresses},
		{Method: post, Path: "/api/v1/member/addresses", Audience: Member, Status: http.StatusCreated, Handle: s.addAddress},
		{Method: put, Path: "/api/v1/member/addresses/:id", Audience: Member, Object: identity.ObjectAddress, Handle: s.changeAddress},
		{Method: remove, Path: "/api/v1/member/addresses/:id", Audience: Member, Object: identity.ObjectAddress, Handle: s.deleteAddress},
		{Method: post, Path: "/api/v1/member/addresses/:id/default", Audience: Member, Object: identity.ObjectAddress, Handle: s.setDefaultAddress},
		{Method: get, Path: "/api/v1/console/unions/:id/binding-requests", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.listBindingRequests},
		{Method: get, Path: "/api/v1/console/binding-requests/:id", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectBindingRequest, Handle: s.showBindingRequest},
		{Method: post, Path: "/api/v1/console/binding-requests/:id/approve", Audience: Staff, Permission: identity.PermBindingDecide, Object: identity.ObjectBindingRequest, Handle: s.approveBinding},
		{Method: post, Path: "/api/v1/console/binding-requests/:id/reject", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectBindingRequest, Handle: s.rejectBinding},
		{Method: post, Path: "/api/v1/console/members/:id/unbind", Audience: Staff, Permission: identity.PermBindingDecide, Object: identity.ObjectMember, Handle: s.unbind},
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
		{Method: post, Path: "/api/v1/console/staff/:id/reset-password", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.resetStaffPassword},
		{Method: post, Path: "/api/v1/console/staff/:id/unlock", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.unlockStaff},
		{Method: post, Path: "/api/v1/console/staff/:id/reset-totp", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.resetStaffTOTP},
		{Method: post, Path: "/api/v1/console/staff/:id/sign-out", Audience: Staff, Permission: identity.PermStaffManage, Object: identity.ObjectStaff, Handle: s.signOutStaff},
	}
}

// unionRoutes: the union tree, rosters, members, binding requests.
func (s *Server) unionRoutes() []Route {
	const console = "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/files/:id", Audience: Staff, Permission: identity.PermSelf, Object: identity.ObjectFile, Slow: true, Handle: s.getFile},
		{Method: post, Path: console + "/unions/:id/files", Audience: Staff, Permission: identity.PermFundEnter, Object: identity.ObjectUnion, Slow: true, Status: http.StatusCreated, Handle: s.uploadUnionFile},
		{Method: get, Path: console + "/unions", Audience: Staff, Permission: identity.PermUnionRead, Handle: s.listUnions},
		{Method: get, Path: console + "/unions/:id", Audience: Staff, Permission: identity.PermUnionRead, Object: identity.ObjectUnion, Handle: s.getUnion},
		{Method: post, Path: console + "/unions/:id/children", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Status: http.StatusCreated, Handle: s.createUnion},
		{Method: patch, Path: console + "/unions/:id", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Handle: s.changeUnion},
		{Method: post, Path: console + "/unions/:id/move", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Handle: s.moveUnion},
		{Method: post, Path: console + "/unions/:id/close", Audience: Staff, Permission: identity.PermUnionManage, Object: identity.ObjectUnion, Handle: s.closeUnion},

		{Method: get, Path: console + "/roster-template", Audience: Staff, Permission: identity.PermRosterRead, Handle: s.getRosterTemplate},
		{Method: post, Path: console + "/unions/:id/roster-imports", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectUnion, Slow: true, Status: http.StatusAccepted, Handle: s.uploadRoster},
		{Method: get, Path: console + "/unions/:id/roster-imports", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.listRosterImports},
		{Method: get, Path: console + "/roster-imports/:id", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectRosterImport, Handle: s.getRosterImport},
		{Method: get, Path: console + "/roster-imports/:id/rows", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectRosterImport, Handle: s.listRosterRows},
		{Method: post, Path: console + "/roster-imports/:id/import", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectRosterImport, Status: http.StatusAccepted, Handle: s.startRosterImport},
		{Method: post, Path: console + "/roster-imports/:id/cancel", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectRosterImport, Handle: s.cancelRosterImport},
		{Method: get, Path: console + "/roster-imports/:id/errors", Audience: Staff, Permission: identity.PermMemberReveal, Object: identity.ObjectRosterImport, Slow: true, Handle: s.getRosterErrors},

		{Method: get, Path: console + "/unions/:id/members", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.listMembers},
		{Method: post, Path: console + "/unions/:id/members", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectUnion, Handle: s.addMember},
		{Method: get, Path: console + "/members/:id", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectMember, Handle: s.getMember},
		{Method: patch, Path: console + "/members/:id", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Handle: s.changeMember},
		{Method: post, Path: console + "/members/:id/reveal", Audience: Staff, Permission: identity.PermMemberReveal, Object: identity.ObjectMember, Handle: s.revealMember},
		{Method: post, Path: console + "/members/:id/leave", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Money: true, Handle: s.leaveMember},
		{Method: post, Path: console + "/members/:id/transfer", Audience: Staff, Permission: identity.PermRosterWrite, Object: identity.ObjectMember, Money: true, Handle: s.transferMember},
	}
}

// moneyRoutes: policies, funds, top-ups, grants, allowances, the year's end.
func (s *Server) moneyRoutes() []Route {
	const console, member = "/api/v1/console", "/api/v1/member"
	return []Route{
		{Method: get, Path: console + "/policies", Audience: Staff, Permission: identity.PermPolicyRead, Handle: s.listPolicies},
		{Method: get, Path: console + "/policies/:year", Audience: Staff, Permission: identity.PermPolicyRead, Handle: s.getPolicy},
		{Method: put, Path: console + "/policies/:year", Audience: Staff, Permission: identity.PermPolicyManage, Handle: s.putPolicy},

		{Method: get, Path: console + "/unions/:id/funds", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectUnion, Handle: s.listFunds},
		{Method: get, Path: console + "/funds/:id", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectFund, Handle: s.getFund},
		{Method: get, Path: console + "/funds/:id/transfers", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectFund, Handle: s.listFundTransfers},
		{Method: post, Path: console + "/unions/:id/topups", Audience: Staff, Permission: identity.PermFundEnter, Object: identity.ObjectUnion, Money: true, Status: http.StatusCreated, Handle: s.enterTopup},
		{Method: get, Path: console + "/unions/:id/topups", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectUnion, Handle: s.listTopups},
		{Method: post, Path: console + "/topups/:id/confirm", Audience: Staff, Permission: identity.PermFundConfirm, Object: identity.ObjectTopup, Money: true, Handle: s.confirmTopup},
		{Method: post, Path: console + "/topups/:id/reject", Audience: Staff, Permission: identity.PermFundConfirm, Object: identity.ObjectTopup, Handle: s.rejectTopup},

		{Method: post, Path: console + "/unions/:id/grants", Audience: Staff, Permission: identity.PermGrantDraft, Object: identity.ObjectUnion, Money: true, Status: http.StatusCreated, Handle: s.draftGrant},
		{Method: post, Path: console + "/unions/:id/grants/upload", Audience: Staff, Permission: identity.PermGrantDraft, Object: identity.ObjectUnion, Money: true, Slow: true, Status: http.StatusCreated, Handle: s.uploadGrant},
		{Method: get, Path: console + "/grant-template", Audience: Staff, Permission: identity.PermGrantRead, Handle: s.getGrantTemplate},
		{Method: get, Path: console + "/unions/:id/grants", Audience: Staff, Permission: identity.PermGrantRead, Object: identity.ObjectUnion, Handle: s.listGrants},
		{Method: get, Path: console + "/grants/:id", Audience: Staff, Permission: identity.PermGrantRead, Object: identity.ObjectGrant, Handle: s.getGrant},
		{Method: get, Path: console + "/grants/:id/items", Audience: Staff, Permission: identity.PermGrantRead, Object: identity.ObjectGrant, Handle: s.listGrantItems},
		{Method: post, Path: console + "/grants/:id/approve", Audience: Staff, Permission: identity.PermGrantApprove, Object: identity.ObjectGrant, Money: true, Handle: s.approveGrant},
		{Method: post, Path: console + "/grants/:id/reject", Audience: Staff, Permission: identity.PermGrantApprove, Object: identity.ObjectGrant, Handle: s.rejectGrant},
		{Method: post, Path: console + "/grants/:id/cancel", Audience: Staff, Permission: identity.PermGrantDraft, Object: identity.ObjectGrant, Handle: s.cancelGrant},
		{Method: post, Path: console + "/grants/:id/issue", Audience: Staff, Permission: identity.PermGrantIssue, Object: identity.ObjectGrant, Money: true, Status: http.StatusAccepted, Handle: s.issueGrant},

		{Method: post, Path: console + "/sweeps", Audience: Staff, Permission: identity.PermSweepRun, Money: true, Status: http.StatusAccepted, Handle: s.startSweep},
		{Method: get, Path: console + "/sweeps/:year", Audience: Staff, Permission: identity.PermSweepRun, Handle: s.getSweep},
		{Method: get, Path: console + "/sweeps/:year/rehearsal", Audience: Staff, Permission: identity.PermFundRead, Handle: s.rehearseSweep},

		{Method: get, Path: member + "/allowances", Audience: Member, Handle: s.listAllowances},
		{Method: get, Path: member + "/allowances/:id/transfers", Audience: Member, Object: identity.ObjectAllowance, Handle: s.listAllowanceTransfers},
	}
}

// limitRoutes: the unions' budgets, and how much of the limits on holiday gifts they use.
func (s *Server) limitRoutes() []Route {
	const console = "/api/v1/console"
	return []Route{
		{Method: put, Path: console + "/unions/:id/budgets/:year", Audience: Staff, Permission: identity.PermBudgetEnter, Object: identity.ObjectUnion, Handle: s.enterBudget},
		{Method: get, Path: console + "/unions/:id/budgets/:year", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectUnion, Handle: s.getBudgets},
		{Method: post, Path: console + "/unions/:id/budgets/:year/confirm", Audience: Staff, Permission: identity.PermBudgetConfirm, Object: identity.ObjectUnion, Handle: s.confirmBudget},
		{Method: get, Path: console + "/unions/:id/limits/:year", Audience: Staff, Permission: identity.PermFundRead, Object: identity.ObjectUnion, Handle: s.getMeter},
		{Method: get, Path: console + "/limits/:year", Audience: Staff, Permission: identity.PermFundRead, Handle: s.listMeters},
		{Method: get, Path: console + "/limit-rules/:year", Audience: Staff, Permission: identity.PermFundRead, Handle: s.getLimitRule},
		{Method: put, Path: console + "/limit-rules/:year", Audience: Staff, Permission: identity.PermLimitManage, Handle: s.putLimitRule},
	}
}

// shopRoutes: channels, regions, suppliers, certificates, products, stock, pictures.
func (s *Server) shopRoutes() []Route {
	const v1, console = "/api/v1", "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/channels", Audience: Staff, Permission: identity.PermShopRead, Handle: s.listChannels},
		{Method: post, Path: console + "/channels", Audience: Staff, Permission: identity.PermShopManage, Status: http.StatusCreated, Handle: s.createChannel},
		{Method: patch, Path: console + "/channels/:id", Audience: Staff, Permission: identity.PermShopManage, Handle: s.updateChannel},
		{Method: get, Path: console + "/regions", Audience: Staff, Permission: identity.PermShopRead, Handle: s.listRegions},
		{Method: post, Path: console + "/regions", Audience: Staff, Permission: identity.PermShopManage, Status: http.StatusCreated, Handle: s.createRegion},
		{Method: patch, Path: console + "/regions/:id", Audience: Staff, Permission: identity.PermShopManage, Handle: s.updateRegion},
		{Method: get, Path: console + "/suppliers", Audience: Staff, Permission: identity.PermShopRead, Handle: s.listSuppliers},
		{Method: post, Path: console + "/suppliers", Audience: Staff, Permission: identity.PermShopManage, Status: http.StatusCreated, Handle: s.createSupplier},
		{Method: get, Path: console + "/suppliers/:id", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSupplier, Handle: s.getSupplier},
		{Method: patch, Path: console + "/suppliers/:id", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Handle: s.updateSupplier},
		{Method: post, Path: console + "/suppliers/:id/suspend", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Handle: s.suspendSupplier},
		{Method: post, Path: console + "/suppliers/:id/resume", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Handle: s.resumeSupplier},
		{Method: post, Path: console + "/suppliers/:id/files", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Slow: true, Status: http.StatusCreated, Handle: s.uploadSupplierFile},
		{Method: get, Path: console + "/suppliers/:id/certificates", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSupplier, Handle: s.listCertificates},
		{Method: post, Path: console + "/suppliers/:id/certificates", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectSupplier, Status: http.StatusCreated, Handle: s.addCertificate},
		{Method: post, Path: console + "/certificates/:id/withdraw", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectCertificate, Handle: s.withdrawCertificate},
		{Method: get, Path: console + "/products", Audience: Staff, Permission: identity.PermShopRead, Handle: s.listProducts},
		{Method: post, Path: console + "/suppliers/:id/products", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectSupplier, Status: http.StatusCreated, Handle: s.createProduct},
		{Method: get, Path: console + "/products/:id", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectProduct, Handle: s.getProduct},
		{Method: patch, Path: console + "/products/:id", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Handle: s.updateProduct},
		{Method: post, Path: console + "/products/:id/shelve", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectProduct, Handle: s.shelveProduct},
		{Method: post, Path: console + "/products/:id/unshelve", Audience: Staff, Permission: identity.PermShopManage, Object: identity.ObjectProduct, Handle: s.unshelveProduct},
		{Method: post, Path: console + "/products/:id/pictures", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Slow: true, Status: http.StatusCreated, Handle: s.addPicture},
		{Method: remove, Path: console + "/products/:id/pictures/:seq", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Handle: s.removePicture},
		{Method: post, Path: console + "/products/:id/skus", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectProduct, Status: http.StatusCreated, Handle: s.addSKU},
		{Method: patch, Path: console + "/skus/:id", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectSKU, Handle: s.updateSKU},
		{Method: get, Path: console + "/skus/:id/stock", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSKU, Handle: s.getStock},
		{Method: get, Path: console + "/skus/:id/movements", Audience: Staff, Permission: identity.PermShopRead, Object: identity.ObjectSKU, Handle: s.listMovements},
		{Method: post, Path: console + "/skus/:id/movements", Audience: Staff, Permission: identity.PermProductWrite, Object: identity.ObjectSKU, Money: true, Status: http.StatusCreated, Handle: s.addMovement},
		{Method: get, Path: v1 + "/products", Audience: Account, Handle: s.listShopProducts},
		{Method: get, Path: v1 + "/products/:id", Audience: Account, Handle: s.getShopProduct},
		{Method: get, Path: v1 + "/product-filters", Audience: Account, Handle: s.getProductFilters},
		{Method: get, Path: v1 + "/pictures/:id", Audience: Public, Handle: s.getPicture},
	}
}

// orderRoutes: checkout, orders, parcels.
func (s *Server) orderRoutes() []Route {
	const member, console = "/api/v1/member", "/api/v1/console"
	return []Route{
		{Method: post, Path: member + "/orders", Audience: Member, Money: true, Status: http.StatusCreated, Handle: s.checkout},
		{Method: get, Path: member + "/orders", Audience: Member, Handle: s.listMyOrders},
		{Method: get, Path: member + "/orders/:id", Audience: Member, Object: identity.ObjectOrder, Handle: s.getOrder},
		{Method: post, Path: member + "/orders/:id/cancel", Audience: Member, Object: identity.ObjectOrder, Money: true, Handle: s.cancelOrder},
		{Method: post, Path: member + "/parcels/:id/confirm", Audience: Member, Object: identity.ObjectParcel, Handle: s.confirmParcel},
		{Method: get, Path: console + "/unions/:id/orders", Audience: Staff, Permission: identity.PermOrderRead, Object: identity.ObjectUnion, Handle: s.listUnionOrders},
		{Method: get, Path: console + "/orders/:id", Audience: Staff, Permission: identity.PermOrderRead, Object: identity.ObjectOrder, Handle: s.getOrder},
		{Method: get, Path: console + "/parcels", Audience: Staff, Permission: identity.PermParcelShip, Handle: s.listParcels},
		{Method: get, Path: console + "/parcels/:id", Audience: Staff, Permission: identity.PermParcelShip, Object: identity.ObjectParcel, Handle: s.getParcel},
		{Method: post, Path: console + "/parcels/:id/ship", Audience: Staff, Permission: identity.PermParcelShip, Object: identity.ObjectParcel, Handle: s.shipParcel},
		{Method: post, Path: console + "/parcels/:id/correct", Audience: Staff, Permission: identity.PermParcelShip, Object: identity.ObjectParcel, Handle: s.correctParcel},
	}
}

// paymentRoutes: WeChat money for orders.
func (s *Server) paymentRoutes() []Route {
	const member, console = "/api/v1/member", "/api/v1/console"
	return []Route{
		{Method: post, Path: member + "/orders/:id/prepay", Audience: Member, Object: identity.ObjectOrder, Handle: s.prepayOrder},
		{Method: post, Path: member + "/orders/:id/payment/check", Audience: Member, Object: identity.ObjectOrder, Handle: s.checkPayment},
		{Method: post, Path: "/api/v1/wechatpay/notices", Audience: Public, Handle: s.takeWechatNotice},
		{Method: get, Path: console + "/payments", Audience: Staff, Permission: identity.PermOrderRead, Handle: s.listPayments},
		{Method: post, Path: console + "/refunds/:id/retry", Audience: Staff, Permission: identity.PermRefundRetry, Object: identity.ObjectWechatRefund, Money: true, Handle: s.retryRefund},
	}
}

// statementRoutes: the statistics form.
func (s *Server) statementRoutes() []Route {
	const console = "/api/v1/console"
	const form = console + "/unions/:id/statements/:period_id"
	return []Route{
		{Method: get, Path: console + "/reporting-periods", Audience: Staff, Permission: identity.PermStatementRead, Handle: s.listReportingPeriods},
		{Method: get, Path: form, Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Handle: s.getUnionStatement},
		{Method: get, Path: form + "/rows/:row_no/orders", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Handle: s.listStatementOrders},
		{Method: post, Path: form + "/submit", Audience: Staff, Permission: identity.PermStatementSubmit, Object: identity.ObjectUnion, Slow: true, Handle: s.submitStatement},
		{Method: get, Path: form + "/export", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Slow: true, Handle: s.exportUnionStatement},
		{Method: get, Path: console + "/unions/:id/statement-progress/:period_id", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectUnion, Handle: s.getStatementProgress},
		{Method: get, Path: console + "/statements/:id", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectStatement, Handle: s.getStatement},
		{Method: post, Path: console + "/statements/:id/return", Audience: Staff, Permission: identity.PermStatementReturn, Object: identity.ObjectStatement, Handle: s.returnStatement},
		{Method: get, Path: console + "/statements/:id/export", Audience: Staff, Permission: identity.PermStatementRead, Object: identity.ObjectStatement, Slow: true, Handle: s.exportStatement},
	}
}

// figureRoutes: what was bought and what became of the money, of a union with all below it.
func (s *Server) figureRoutes() []Route {
	const figures = "/api/v1/console/unions/:id/figures"
	return []Route{
		{Method: get, Path: figures, Audience: Staff, Permission: identity.PermFiguresRead, Object: identity.ObjectUnion, Handle: s.getFigures},
		{Method: get, Path: figures + "/unions", Audience: Staff, Permission: identity.PermFiguresRead, Object: identity.ObjectUnion, Handle: s.getFiguresByUnion},
		{Method: get, Path: figures + "/regions", Audience: Staff, Permission: identity.PermFiguresRead, Object: identity.ObjectUnion, Handle: s.getFiguresByRegion},
		{Method: get, Path: figures + "/suppliers", Audience: Staff, Permission: identity.PermFiguresRead, Object: identity.ObjectUnion, Handle: s.getFiguresBySupplier},
		{Method: get, Path: figures + "/products", Audience: Staff, Permission: identity.PermFiguresRead, Object: identity.ObjectUnion, Handle: s.getFiguresByProduct},
	}
}

// auditRoutes: the audit trail.
func (s *Server) auditRoutes() []Route {
	return []Route{
		{Method: get, Path: "/api/v1/console/audit", Audience: Staff, Permission: identity.PermAuditRead, Handle: s.listAudit},
		{Method: get, Path: "/api/v1/console/audit-head", Audience: Staff, Permission: identity.PermAuditRead, Handle: s.getAuditHead},
	}
}

// claimRoutes: purchases made through other recognised channels.
func (s *Server) claimRoutes() []Route {
	const console = "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/claim-list-template", Audience: Staff, Permission: identity.PermClaimRead, Handle: s.getClaimListTemplate},
		{Method: post, Path: console + "/unions/:id/claim-lists", Audience: Staff, Permission: identity.PermClaimEnter, Object: identity.ObjectUnion, Slow: true, Handle: s.readClaimList},
		{Method: post, Path: console + "/unions/:id/claims", Audience: Staff, Permission: identity.PermClaimEnter, Object: identity.ObjectUnion, Money: true, Status: http.StatusCreated, Handle: s.enterClaim},
		{Method: get, Path: console + "/unions/:id/claims", Audience: Staff, Permission: identity.PermClaimRead, Object: identity.ObjectUnion, Handle: s.listClaims},
		{Method: get, Path: console + "/claims/:id", Audience: Staff, Permission: identity.PermClaimRead, Object: identity.ObjectClaim, Handle: s.getClaim},
		{Method: get, Path: console + "/claims/:id/persons", Audience: Staff, Permission: identity.PermClaimRead, Object: identity.ObjectClaim, Handle: s.listClaimPersons},
		{Method: put, Path: console + "/claims/:id", Audience: Staff, Permission: identity.PermClaimEnter, Object: identity.ObjectClaim, Handle: s.correctClaim},
		{Method: post, Path: console + "/claims/:id/withdraw", Audience: Staff, Permission: identity.PermClaimEnter, Object: identity.ObjectClaim, Handle: s.withdrawClaim},
		{Method: post, Path: console + "/claims/:id/approve", Audience: Staff, Permission: identity.PermClaimApprove, Object: identity.ObjectClaim, Money: true, Handle: s.approveClaim},
		{Method: post, Path: console + "/claims/:id/reject", Audience: Staff, Permission: identity.PermClaimApprove, Object: identity.ObjectClaim, Handle: s.rejectClaim},
		{Method: post, Path: console + "/claims/:id/revoke", Audience: Staff, Permission: identity.PermClaimApprove, Object: identity.ObjectClaim, Money: true, Handle: s.revokeClaim},
	}
}

// settlementRoutes: what suppliers are owed, their bank accounts, paying them.
func (s *Server) settlementRoutes() []Route {
	const console = "/api/v1/console"
	const batch, one = console + "/settlement-batches/:id", console + "/settlements/:id"
	return []Route{
		{Method: get, Path: console + "/supplier-balances", Audience: Staff, Permission: identity.PermSettlementRead, Handle: s.listOwed},
		{Method: get, Path: console + "/suppliers/:id/balance", Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSupplier, Handle: s.getOwed},
		{Method: get, Path: console + "/suppliers/:id/statement", Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSupplier, Handle: s.getSupplierStatement},
		{Method: get, Path: console + "/suppliers/:id/statement/export", Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSupplier, Slow: true, Handle: s.exportSupplierStatement},
		{Method: get, Path: console + "/suppliers/:id/settlements", Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSupplier, Handle: s.listSupplierSettlements},
		{Method: get, Path: console + "/suppliers/:id/bank-accounts", Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSupplier, Handle: s.listBankAccounts},
		{Method: post, Path: console + "/suppliers/:id/bank-accounts", Audience: Staff, Permission: identity.PermSettlementMake, Object: identity.ObjectSupplier, Status: http.StatusCreated, Handle: s.enterBankAccount},
		{Method: post, Path: console + "/bank-accounts/:id/confirm", Audience: Staff, Permission: identity.PermSettlementConfirm, Object: identity.ObjectBankAccount, Handle: s.confirmBankAccount},
		{Method: post, Path: console + "/bank-accounts/:id/reject", Audience: Staff, Permission: identity.PermSettlementConfirm, Object: identity.ObjectBankAccount, Handle: s.rejectBankAccount},

		{Method: post, Path: console + "/settlement-batches", Audience: Staff, Permission: identity.PermSettlementMake, Money: true, Status: http.StatusAccepted, Handle: s.makeSettlementBatch},
		{Method: get, Path: console + "/settlement-batches", Audience: Staff, Permission: identity.PermSettlementRead, Handle: s.listSettlementBatches},
		{Method: get, Path: batch, Audience: Staff, Permission: identity.PermSettlementRead, Object: identity.ObjectSettlementBatch, Handle: s.getSettlementBatch},
		{Method: get, Path: batch + "/settlements", Audience: Staff, Permission: identity.PermSettlementRead, Object: identity.ObjectSettlementBatch, Handle: s.listSettlements},
		{Method: post, Path: batch + "/confirm", Audience: Staff, Permission: identity.PermSettlementConfirm, Object: identity.ObjectSettlementBatch, Money: true, Handle: s.confirmSettlementBatch},
		{Method: post, Path: batch + "/cancel", Audience: Staff, Permission: identity.PermSettlementMake, Object: identity.ObjectSettlementBatch, Handle: s.cancelSettlementBatch},
		{Method: get, Path: batch + "/bank-file", Audience: Staff, Permission: identity.PermSettlementPay, Object: identity.ObjectSettlementBatch, Slow: true, Handle: s.exportBankFile},
		{Method: post, Path: batch + "/pay", Audience: Staff, Permission: identity.PermSettlementPay, Object: identity.ObjectSettlementBatch, Money: true, Handle: s.paySettlementBatch},
		{Method: post, Path: console + "/payment-evidence", Audience: Staff, Permission: identity.PermSettlementPay, Slow: true, Status: http.StatusCreated, Handle: s.uploadPaymentEvidence},
		{Method: get, Path: one, Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSettlement, Handle: s.getSettlement},
		{Method: get, Path: one + "/items", Audience: Staff, Permission: identity.PermSettlementOwn, Object: identity.ObjectSettlement, Handle: s.listSettlementItems},
		{Method: post, Path: one + "/pay", Audience: Staff, Permission: identity.PermSettlementPay, Object: identity.ObjectSettlement, Money: true, Handle: s.paySettlement},
		{Method: post, Path: one + "/fail", Audience: Staff, Permission: identity.PermSettlementPay, Object: identity.ObjectSettlement, Handle: s.failSettlement},
	}
}

// noticeRoutes: consents to subscribe messages, the outbox, the year's end and its reminders.
func (s *Server) noticeRoutes() []Route {
	const console, member, yearEnd = "/api/v1/console", "/api/v1/member", "/api/v1/console/unions/:id/year-end/:year"
	return []Route{
		{Method: get, Path: member + "/subscriptions", Audience: Member, Handle: s.listSubscriptions},
		{Method: post, Path: member + "/subscriptions", Audience: Member, Money: true, Handle: s.subscribe},

		{Method: get, Path: console + "/outbox", Audience: Staff, Permission: identity.PermOutboxRead, Handle: s.listOutbox},
		{Method: get, Path: console + "/outbox/counts", Audience: Staff, Permission: identity.PermOutboxRead, Handle: s.countOutbox},
		{Method: post, Path: console + "/outbox/replay", Audience: Staff, Permission: identity.PermOutboxReplay, Handle: s.replayDead},
		{Method: post, Path: console + "/outbox/:id/replay", Audience: Staff, Permission: identity.PermOutboxReplay, Handle: s.replayMessage},

		{Method: get, Path: console + "/year-end/:year", Audience: Staff, Permission: identity.PermFundRead, Handle: s.showYearEnd},
		{Method: get, Path: yearEnd + "/members", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Handle: s.listYearEndMembers},
		{Method: get, Path: yearEnd + "/export", Audience: Staff, Permission: identity.PermRosterRead, Object: identity.ObjectUnion, Slow: true, Handle: s.exportYearEnd},
		{Method: post, Path: yearEnd + "/remind", Audience: Staff, Permission: identity.PermReminderSend, Object: identity.ObjectUnion, Status: http.StatusAccepted, Handle: s.remindMembers},
	}
}

// afterSaleRoutes: refunds and after-sales.
func (s *Server) afterSaleRoutes() []Route {
	const member, console = "/api/v1/member", "/api/v1/console"
	const mine, one = member + "/after-sales/:id", console + "/after-sales/:id"
	const object = identity.ObjectAfterSale
	const read, ask, handle, decide = identity.PermAfterSaleRead, identity.PermAfterSaleAsk, identity.PermAfterSaleHandle, identity.PermAfterSaleDecide
	return []Route{
		{Method: post, Path: member + "/orders/:id/after-sales", Audience: Member, Object: identity.ObjectOrder, Money: true, Status: http.StatusCreated, Handle: s.openAfterSale},
		{Method: get, Path: member + "/after-sales", Audience: Member, Handle: s.listMyAfterSales},
		{Method: get, Path: mine, Audience: Member, Object: object, Handle: s.getAfterSale},
		{Method: post, Path: mine + "/withdraw", Audience: Member, Object: object, Handle: s.withdrawAfterSale},
		{Method: post, Path: mine + "/send-back", Audience: Member, Object: object, Handle: s.sendBackAfterSale},
		{Method: post, Path: mine + "/escalate", Audience: Member, Object: object, Handle: s.escalateAfterSale},
		{Method: post, Path: mine + "/pictures", Audience: Member, Object: object, Slow: true, Status: http.StatusCreated, Handle: s.addAfterSalePicture},
		{Method: get, Path: mine + "/pictures/:seq", Audience: Member, Object: object, Handle: s.getAfterSalePicture},
		{Method: get, Path: console + "/after-sales", Audience: Staff, Permission: read, Handle: s.listAfterSales},
		{Method: get, Path: one, Audience: Staff, Permission: read, Object: object, Handle: s.getAfterSale},
		{Method: get, Path: one + "/pictures/:seq", Audience: Staff, Permission: read, Object: object, Handle: s.getAfterSalePicture},
		{Method: post, Path: one + "/agree", Audience: Staff, Permission: handle, Object: object, Money: true, Handle: s.agreeAfterSale},
		{Method: post, Path: one + "/refuse", Audience: Staff, Permission: handle, Object: object, Handle: s.refuseAfterSale},
		{Method: post, Path: one + "/receive", Audience: Staff, Permission: handle, Object: object, Money: true, Handle: s.receiveAfterSale},
		{Method: post, Path: one + "/decide", Audience: Staff, Permission: decide, Object: object, Money: true, Handle: s.decideAfterSale},
		{Method: post, Path: console + "/orders/:id/after-sales", Audience: Staff, Permission: ask, Object: identity.ObjectOrder, Money: true, Status: http.StatusCreated, Handle: s.openAfterSale},
		{Method: post, Path: one + "/withdraw", Audience: Staff, Permission: ask, Object: object, Handle: s.withdrawAfterSale},
		{Method: post, Path: one + "/send-back", Audience: Staff, Permission: ask, Object: object, Handle: s.sendBackAfterSale},
		{Method: post, Path: one + "/escalate", Audience: Staff, Permission: ask, Object: object, Handle: s.escalateAfterSale},
		{Method: post, Path: one + "/pictures", Audience: Staff, Permission: ask, Object: object, Slow: true, Status: http.StatusCreated, Handle: s.addAfterSalePicture},
	}
}

// invoiceRoutes: invoices that members and unions ask suppliers for.
func (s *Server) invoiceRoutes() []Route {
	const member, console = "/api/v1/member", "/api/v1/console"
	const mine, one = member + "/invoice-requests/:id", console + "/invoice-requests/:id"
	return []Route{
		{Method: post, Path: member + "/orders/:id/invoice-requests", Audience: Member, Object: identity.ObjectOrder, Status: http.StatusCreated, Handle: s.requestInvoice},
		{Method: get, Path: member + "/orders/:id/invoice-requests", Audience: Member, Object: identity.ObjectOrder, Handle: s.listOrderInvoices},
		{Method: post, Path: mine + "/cancel", Audience: Member, Object: identity.ObjectInvoiceRequest, Handle: s.cancelMyInvoiceRequest},
		{Method: get, Path: mine + "/file", Audience: Member, Object: identity.ObjectInvoiceRequest, Slow: true, Handle: s.getMyInvoiceFile},
		{Method: post, Path: console + "/unions/:id/invoice-requests", Audience: Staff, Permission: identity.PermInvoiceRequest, Object: identity.ObjectUnion, Status: http.StatusCreated, Handle: s.requestUnionInvoice},
		{Method: get, Path: console + "/unions/:id/invoice-requests", Audience: Staff, Permission: identity.PermOrderRead, Object: identity.ObjectUnion, Handle: s.listUnionInvoices},
		{Method: get, Path: console + "/invoice-requests", Audience: Staff, Permission: identity.PermInvoiceIssue, Handle: s.listInvoiceRequests},
		{Method: get, Path: one, Audience: Staff, Permission: identity.PermInvoiceRead, Object: identity.ObjectInvoiceRequest, Handle: s.getInvoiceRequest},
		{Method: get, Path: one + "/file", Audience: Staff, Permission: identity.PermInvoiceRead, Object: identity.ObjectInvoiceRequest, Slow: true, Handle: s.getInvoiceFile},
		{Method: post, Path: one + "/cancel", Audience: Staff, Permission: identity.PermInvoiceRequest, Object: identity.ObjectInvoiceRequest, Handle: s.cancelInvoiceRequest},
		{Method: post, Path: one + "/reject", Audience: Staff, Permission: identity.PermInvoiceIssue, Object: identity.ObjectInvoiceRequest, Handle: s.rejectInvoiceRequest},
		{Method: post, Path: one + "/issue", Audience: Staff, Permission: identity.PermInvoiceIssue, Object: identity.ObjectInvoiceRequest, Slow: true, Handle: s.issueInvoice},
		{Method: post, Path: one + "/red", Audience: Staff, Permission: identity.PermInvoiceIssue, Object: identity.ObjectInvoiceRequest, Slow: true, Handle: s.redInvoice},
	}
}

// counterRoutes: halls, members' codes, the cashier's counter.
func (s *Server) counterRoutes() []Route {
	const v1, console, member = "/api/v1", "/api/v1/console", "/api/v1/member"
	return []Route{
		{Method: get, Path: v1 + "/halls", Audience: Account, Handle: s.listOpenHalls},
		{Method: get, Path: console + "/halls", Audience: Staff, Permission: identity.PermShopRead, Handle: s.listHalls},
		{Method: post, Path: console + "/halls", Audience: Staff, Permission: identity.PermHallManage, Status: http.StatusCreated, Handle: s.createHall},
		{Method: patch, Path: console + "/halls/:id", Audience: Staff, Permission: identity.PermHallManage, Object: identity.ObjectHall, Handle: s.updateHall},
		{Method: get, Path: console + "/halls/:id/days", Audience: Staff, Permission: identity.PermCounterRead, Object: identity.ObjectHall, Handle: s.getHallDays},
		{Method: get, Path: console + "/halls/:id/sales", Audience: Staff, Permission: identity.PermCounterRead, Object: identity.ObjectHall, Handle: s.listHallSales},

		{Method: get, Path: console + "/counter/hall", Audience: Staff, Permission: identity.PermCounterSell, Handle: s.getOwnHall},
		{Method: get, Path: console + "/counter/goods", Audience: Staff, Permission: identity.PermCounterSell, Handle: s.listCounterGoods},
		{Method: post, Path: console + "/counter/scan", Audience: Staff, Permission: identity.PermCounterSell, Status: http.StatusCreated, Handle: s.scanCounterCode},
		{Method: get, Path: console + "/counter/redemptions/:id", Audience: Staff, Permission: identity.PermCounterSell, Object: identity.ObjectRedemption, Handle: s.getRedemption},
		{Method: post, Path: console + "/counter/redemptions/:id/pay", Audience: Staff, Permission: identity.PermCounterSell, Object: identity.ObjectRedemption, Money: true, Handle: s.payRedemption},
		{Method: post, Path: console + "/counter/redemptions/:id/cancel", Audience: Staff, Permission: identity.PermCounterSell, Object: identity.ObjectRedemption, Handle: s.cancelRedemption},
		{Method: post, Path: console + "/counter/redemptions/:id/void", Audience: Staff, Permission: identity.PermCounterVoid, Object: identity.ObjectRedemption, Money: true, Handle: s.voidRedemption},

		{Method: post, Path: member + "/counter-code", Audience: Member, Status: http.StatusCreated, Handle: s.requestCounterCode},
		{Method: get, Path: member + "/redemptions", Audience: Member, Handle: s.listMyRedemptions},
		{Method: get, Path: member + "/redemptions/pending", Audience: Member, Handle: s.listPendingRedemptions},
		{Method: post, Path: member + "/redemptions/:id/confirm", Audience: Member, Object: identity.ObjectRedemption, Money: true, Handle: s.confirmRedemption},
		{Method: post, Path: member + "/redemptions/:id/refuse", Audience: Member, Object: identity.ObjectRedemption, Handle: s.refuseRedemption},
	}
}

// groupRoutes: unions that buy for many members.
func (s *Server) groupRoutes() []Route {
	const member, console, one = "/api/v1/member", "/api/v1/console", "/api/v1/console/group-purchases/:id"
	return []Route{
		{Method: get, Path: console + "/group-purchase-template", Audience: Staff, Permission: identity.PermGroupRead, Handle: s.getGroupTemplate},
		{Method: post, Path: console + "/unions/:id/group-purchases/read-list", Audience: Staff, Permission: identity.PermGroupDraft, Object: identity.ObjectUnion, Slow: true, Handle: s.readGroupList},
		{Method: post, Path: console + "/unions/:id/group-purchases", Audience: Staff, Permission: identity.PermGroupDraft, Object: identity.ObjectUnion, Money: true, Status: http.StatusCreated, Handle: s.draftGroupPurchase},
		{Method: get, Path: console + "/unions/:id/group-purchases", Audience: Staff, Permission: identity.PermGroupRead, Object: identity.ObjectUnion, Handle: s.listGroupPurchases},
		{Method: get, Path: one, Audience: Staff, Permission: identity.PermGroupRead, Object: identity.ObjectGroupPurchase, Handle: s.getGroupPurchase},
		{Method: get, Path: one + "/receivers", Audience: Staff, Permission: identity.PermGroupRead, Object: identity.ObjectGroupPurchase, Handle: s.listGroupReceivers},
		{Method: post, Path: one + "/approve", Audience: Staff, Permission: identity.PermGroupApprove, Object: identity.ObjectGroupPurchase, Money: true, Slow: true, Handle: s.approveGroupPurchase},
		{Method: post, Path: one + "/reject", Audience: Staff, Permission: identity.PermGroupApprove, Object: identity.ObjectGroupPurchase, Handle: s.rejectGroupPurchase},
		{Method: post, Path: one + "/cancel", Audience: Staff, Permission: identity.PermGroupDraft, Object: identity.ObjectGroupPurchase, Handle: s.cancelGroupPurchase},
		{Method: post, Path: one + "/cancel/approve", Audience: Staff, Permission: identity.PermGroupApprove, Object: identity.ObjectGroupPurchase, Money: true, Slow: true, Handle: s.approveGroupCancel},
		{Method: post, Path: one + "/cancel/refuse", Audience: Staff, Permission: identity.PermGroupApprove, Object: identity.ObjectGroupPurchase, Handle: s.refuseGroupCancel},
		{Method: post, Path: console + "/parcels/:id/receive", Audience: Staff, Permission: identity.PermGroupDraft, Object: identity.ObjectParcel, Handle: s.receiveGroupParcel},
		{Method: post, Path: one + "/sign-offs", Audience: Staff, Permission: identity.PermGroupDraft, Object: identity.ObjectGroupPurchase, Handle: s.signGroupOnPaper},
		{Method: post, Path: one + "/sign-offs/undo", Audience: Staff, Permission: identity.PermGroupApprove, Object: identity.ObjectGroupPurchase, Handle: s.undoGroupSignoff},
		{Method: get, Path: one + "/sign-off-list", Audience: Staff, Permission: identity.PermGroupDraft, Object: identity.ObjectGroupPurchase, Slow: true, Handle: s.getGroupSignoffList},
		{Method: get, Path: member + "/group-purchases", Audience: Member, Handle: s.listMyGroupPurchases},
		{Method: post, Path: member + "/group-purchases/:id/sign", Audience: Member, Object: identity.ObjectGroupReceiver, Handle: s.signGroupPurchase},
	}
}

// riskRoutes: what somebody should look at, and the rules that find it.
func (s *Server) riskRoutes() []Route {
	const console = "/api/v1/console"
	return []Route{
		{Method: get, Path: console + "/risk-signals", Audience: Staff, Permission: identity.PermRiskRead, Handle: s.listRiskSignals},
		{Method: get, Path: console + "/risk-signals/:id", Audience: Staff, Permission: identity.PermRiskRead, Object: identity.ObjectRiskSignal, Handle: s.getRiskSignal},
		{Method: post, Path: console + "/risk-signals/:id/review", Audience: Staff, Permission: identity.PermRiskReview, Object: identity.ObjectRiskSignal, Handle: s.reviewRiskSignal},
		{Method: get, Path: console + "/risk-rules", Audience: Staff, Permission: identity.PermRiskRead, Handle: s.listRiskRules},
		{Method: put, Path: console + "/risk-rules/:code", Audience: Staff, Permission: identity.PermRiskManage, Handle: s.putRiskRule},
	}
}

// erasureRoutes: erasing a person by law's demand.
func (s *Server) erasureRoutes() []Route {
	const mine, all, one = "/api/v1/member/erasure", "/api/v1/console/erasures", "/api/v1/console/erasures/:id"
	return []Route{
		{Method: get, Path: mine, Audience: Member, Handle: s.showMyErasure},
		{Method: post, Path: mine, Audience: Member, Handle: s.requestErasure},
		{Method: remove, Path: mine, Audience: Member, Handle: s.withdrawErasure},
		{Method: get, Path: all, Audience: Staff, Permission: identity.PermErasureDraft, Handle: s.listErasures},
		{Method: get, Path: one, Audience: Staff, Permission: identity.PermErasureDraft, Object: identity.ObjectErasure, Handle: s.getErasure},
		{Method: post, Path: "/api/v1/console/members/:id/erasure", Audience: Staff, Permission: identity.PermErasureDraft, Object: identity.ObjectMember, Handle: s.draftErasure},
		{Method: post, Path: one + "/approve", Audience: Staff, Permission: identity.PermErasureApprove, Object: identity.ObjectErasure, Handle: s.approveErasure},
		{Method: post, Path: one + "/reject", Audience: Staff, Permission: identity.PermErasureApprove, Object: identity.ObjectErasure, Handle: s.rejectErasure},
	}
}
