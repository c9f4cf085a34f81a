package identity

import (
	"maps"
	"slices"
)

// Role is what a console account is. What it may see is the subtree of its union (or, for a supplier, its own
// supplier); what it may do are the permissions of its role, all listed here.
type Role string

// The roles.
const (
	RoleUnionAdmin     Role = "union_admin"     // 基层工会经办人: keeps the roster, enters money, drafts grants, fills the form
	RoleUnionApprover  Role = "union_approver"  // 基层工会审批人: the second person
	RoleFederation     Role = "federation"      // 县区、产业工会: watches its subtree, returns forms
	RoleCityFederation Role = "city_federation" // 市总工会: policy, channels, suppliers, products, the year's end
	RoleAuditor        Role = "auditor"         // 审计: reads everything in its subtree, changes nothing
	RoleSupplier       Role = "supplier"        // 供应商: its own products, stock and parcels
	RoleCashier        Role = "cashier"         // 专馆收银员: sells at its own hall
	RoleOperator       Role = "operator"        // 运维: accounts and the union tree; no money
)

// Roles lists every role in the order in which the console shows them, with its Chinese name.
var Roles = []struct {
	Role Role
	Name string
}{
	{RoleUnionAdmin, "工会经办人"}, {RoleUnionApprover, "工会审批人"}, {RoleFederation, "县区（产业）工会"}, {RoleCityFederation, "市总工会"},
	{RoleAuditor, "审计（只读）"}, {RoleSupplier, "供应商"}, {RoleCashier, "专馆收银员"}, {RoleOperator, "系统运维"},
}

// Permission is one thing that a role may do.
type Permission string

// The permissions. Reading is always limited to the subtree (or the supplier) besides.
const (
	PermSelf            Permission = "self"             // one's own account; every role
	PermStaffRead       Permission = "staff.read"       //
	PermStaffManage     Permission = "staff.manage"     // create, disable, reset console accounts in the subtree
	PermUnionRead       Permission = "union.read"       //
	PermUnionManage     Permission = "union.manage"     // create, rename, move, close unions
	PermRosterRead      Permission = "roster.read"      // members, masked
	PermRosterWrite     Permission = "roster.write"     // import, leave, transfer, turn bindings down
	PermBindingDecide   Permission = "binding.decide"   // bind a WeChat account to a member by hand, or undo a binding: whoever is bound spends
	PermMemberReveal    Permission = "member.reveal"    // see a phone or ID number unmasked; each look is audited
	PermPolicyRead      Permission = "policy.read"      //
	PermPolicyManage    Permission = "policy.manage"    // enter a policy year
	PermFundRead        Permission = "fund.read"        //
	PermFundEnter       Permission = "fund.enter"       // enter a top-up
	PermFundConfirm     Permission = "fund.confirm"     // confirm a top-up that another person entered
	PermBudgetEnter     Permission = "budget.enter"     // enter the union's budget of a year
	PermBudgetConfirm   Permission = "budget.confirm"   // confirm a budget that another person entered
	PermLimitManage     Permission = "limit.manage"     // set the limits on holiday gifts of a year
	PermGrantRead       Permission = "grant.read"       //
	PermGrantDraft      Permission = "grant.draft"      //
	PermGrantApprove    Permission = "grant.approve"    // approve a grant that another person drafted
	PermGrantIssue      Permission = "grant.issue"      // start or resume issuing an approved grant
	PermSweepRun        Permission = "sweep.run"        // start the year's end
	PermShopRead        Permission = "shop.read"        // channels, regions, suppliers, products, stock
	PermShopManage      Permission = "shop.manage"      // channels, regions, suppliers, certificates; put on and off the shelf
	PermProductWrite    Permission = "product.write"    // draft products, SKUs, stock of a supplier
	PermParcelShip      Permission = "parcel.ship"      // see and ship a supplier's parcels
	PermOrderRead       Permission = "order.read"       //
	PermRefundRetry     Permission = "refund.retry"     // try a failed WeChat refund again
	PermStatementRead   Permission = "statement.read"   //
	PermFiguresRead     Permission = "figures.read"     // the figures of one's subtree: what was bought, what became of the money
	PermStatementSubmit Permission = "statement.submit" // sign and submit one's own union's form
	PermStatementReturn Permission = "statement.return" // send a form of the subtree back with a reason
	PermAuditRead       Permission = "audit.read"       //
	PermAfterSaleRead   Permission = "aftersale.read"   // after-sales cases
	PermAfterSaleAsk    Permission = "aftersale.ask"    // ask for refunds of what the union bought for a group
	PermAfterSaleHandle Permission = "aftersale.handle" // answer the cases about a supplier's goods
	PermAfterSaleDecide Permission = "aftersale.decide" // decide cases in which supplier and member do not come together
	PermClaimRead       Permission = "claim.read"       //
	PermClaimEnter      Permission = "claim.enter"      // enter, correct and withdraw a purchase made elsewhere
	PermRiskRead        Permission = "risk.read"        // signals that somebody should look at, and their rules
	PermRiskReview      Permission = "risk.review"      // say what came of looking
	PermRiskManage      Permission = "risk.manage"      // set the rules
	PermClaimApprove    Permission = "claim.approve"    // approve, reject or revoke one that another person entered

	PermGroupRead    Permission = "group.read"    //
	PermGroupDraft   Permission = "group.draft"   // draft a purchase for many members, receive its parcels, enter signatures, ask to cancel
	PermGroupApprove Permission = "group.approve" // approve or cancel what another person drafted or asked for, undo signatures

	PermSettlementRead    Permission = "settlement.read"    // all suppliers' balances, batches
	PermSettlementOwn     Permission = "settlement.own"     // one supplier's balance, statements, settlements; a supplier its own
	PermSettlementMake    Permission = "settlement.make"    // make a batch, enter a supplier's bank account
	PermSettlementConfirm Permission = "settlement.confirm" // confirm what another person made or entered
	PermSettlementPay     Permission = "settlement.pay"     // take the bank file, mark paid or refused
	PermOutboxRead        Permission = "outbox.read"        // what was and was not told to members and to WeChat
	PermOutboxReplay      Permission = "outbox.replay"      // have what was given up sent again
	PermReminderSend      Permission = "reminder.send"      // remind a union's members of the year's end

	PermInvoiceRead    Permission = "invoice.read"    // a request and its invoice
	PermInvoiceRequest Permission = "invoice.request" // ask a supplier for an invoice for the union
	PermInvoiceIssue   Permission = "invoice.issue"   // a supplier: answer requests
)

// The permissions for erasing a person by law's demand.
const (
	PermErasureDraft   Permission = "erasure.draft"   // see demands, take one up or enter one
	PermErasureApprove Permission = "erasure.approve" // have carried out what another person drafted
)

// The permissions of halls and their counters.
const (
	PermHallManage  Permission = "hall.manage"  // open, change and close halls
	PermCounterRead Permission = "counter.read" // a hall's sales
	PermCounterSell Permission = "counter.sell" // scan members' codes and sell at one's own hall
	PermCounterVoid Permission = "counter.void" // undo a sale of one's own hall on its day
)

// needsSecondFactor are the permissions by which money is approved or policy is set, by which somebody could be given these or be
// given a member's allowance to spend, and by which numbers are shown in full: they work only in a session that passed a second factor.
var needsSecondFactor = permissions(PermRiskManage, PermAfterSaleDecide, PermFundConfirm, PermBudgetConfirm, PermLimitManage, PermGrantApprove, PermClaimApprove, PermGroupApprove, PermPolicyManage, PermSweepRun, PermRefundRetry, PermStaffManage, PermUnionManage,
	PermSettlementConfirm, PermSettlementPay, PermErasureApprove, PermBindingDecide, PermMemberReveal)

var reading = []Permission{PermSelf, PermUnionRead, PermRosterRead, PermPolicyRead, PermFundRead, PermGrantRead, PermShopRead, PermOrderRead, PermAfterSaleRead, PermStatementRead, PermFiguresRead, PermClaimRead, PermGroupRead, PermInvoiceRead}

var rolePermissions = map[Role]map[Permission]bool{
	RoleUnionAdmin: permissions(append(reading, PermAfterSaleAsk, PermRosterWrite, PermBindingDecide, PermMemberReveal, PermFundEnter, PermBudgetEnter, PermClaimEnter, PermGroupDraft, PermGrantDraft, PermGrantIssue, PermStatementSubmit, PermReminderSend, PermInvoiceRequest)...),
	RoleUnionApprover: permissions(append(reading, PermStaffRead, PermFundConfirm, PermBudgetConfirm, PermClaimApprove, PermGroupApprove, PermGrantApprove, PermGrantIssue,
		PermAuditRead)...),
	RoleFederation: permissions(append(reading, PermRiskRead, PermRiskReview, PermStaffRead, PermStatementSubmit, PermStatementReturn, PermAuditRead)...),
	RoleCityFederation: permissions(append(reading, PermRiskRead, PermRiskReview, PermRiskManage, PermHallManage, PermCounterRead, PermAfterSaleDecide, PermStaffRead, PermStaffManage, PermUnionManage, PermPolicyManage, PermLimitManage, PermSweepRun, PermRefundRetry,
		PermShopManage, PermProductWrite, PermStatementSubmit, PermStatementReturn, PermAuditRead,
		PermSettlementRead, PermSettlementOwn, PermSettlementMake, PermSettlementConfirm, PermSettlementPay, PermOutboxRead, PermOutboxReplay, PermErasureDraft, PermErasureApprove)...),
	RoleAuditor:  permissions(append(reading, PermRiskRead, PermStaffRead, PermAuditRead, PermSettlementRead, PermSettlementOwn)...),
	RoleSupplier: permissions(PermSelf, PermAfterSaleRead, PermAfterSaleHandle, PermShopRead, PermProductWrite, PermParcelShip, PermSettlementOwn, PermInvoiceRead, PermInvoiceIssue, PermCounterRead),
	RoleCashier:  permissions(PermSelf, PermCounterRead, PermCounterSell, PermCounterVoid),
	RoleOperator: permissions(PermSelf, PermStaffRead, PermStaffManage, PermUnionRead, PermUnionManage, PermPolicyRead, PermAuditRead, PermOutboxRead, PermOutboxReplay),
}

func permissions(list ...Permission) map[Permission]bool {
	m := make(map[Permission]bool, len(list))
	for _, p := range list {
		m[p] = true
	}
	return m
}

// May tells whether the role has the permission.
func (r Role) May(p Permission) bool { return rolePermissions[r][p] }

// Permissions lists the role's permissions in alphabetical order.
func (r Role) Permissions() []Permission { return slices.Sorted(maps.Keys(rolePermissions[r])) }

// NeedsSecondFactor tells whether the role holds any permission that asks for a second factor.
func (r Role) NeedsSecondFactor() bool {
	for p := range rolePermissions[r] {
		if needsSecondFactor[p] {
			return true
		}
	}
	return false
}

// NeedsSecondFactor tells whether the permission works only in a session that passed a second factor.
func (p Permission) NeedsSecondFactor() bool { return needsSecondFactor[p] }
