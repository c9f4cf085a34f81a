package walk

import "time"

// Visit is one thing that somebody opens. Names in braces in Path stand for things of the visitor's, see things in visitor.go.
type Visit struct {
	Name  string
	Route string // of the route table
	Path  string
	As    []Role
	List  bool // it has pages: the visit is also made with the cursor of a later page
	Goal  time.Duration
}

// Role is who visits.
type Role string

// The visitors: of the city, of a county, of a union with a tenth of all members, of a small one, and the others.
const (
	City     Role = "city"
	County   Role = "county"
	Big      Role = "big union"
	Small    Role = "small union"
	BigSign  Role = "big union's approver"
	Supplier Role = "supplier"
	Cashier  Role = "cashier"
	Operator Role = "operator"
	Member   Role = "member"
)

// The goals: of lists and searches (the shop too), of what is a member's own, of the city's form, of dashboards and a union's form.
const (
	goalList   = 50 * time.Millisecond
	goalMember = 15 * time.Millisecond
	goalForm   = time.Second
	goalFigure = 100 * time.Millisecond
)

const (
	console = "/api/v1/console"
	mine    = "/api/v1/member"
)

var (
	all     = []Role{City, County, Big, Small}
	ofCity  = []Role{City}
	above   = []Role{City, County}
	unions  = []Role{Big, Small}
	ofGoods = []Role{Supplier}
	members = []Role{Member}
)

// Visits is the table: every route that only reads has at least one line, each list its first and a later page, its filters and a search.
// A new route is one more line.
var Visits = func() []Visit {
	list := func(route, path, name string, as []Role) Visit {
		return Visit{Name: name, Route: route, Path: path, As: as, List: true, Goal: goalList}
	}
	one := func(route, path, name string, as []Role) Visit {
		return Visit{Name: name, Route: route, Path: path, As: as, Goal: goalList}
	}
	own := func(route, path, name string) Visit {
		return Visit{Name: name, Route: route, Path: path, As: members, Goal: goalMember}
	}
	ownList := func(route, path, name string) Visit {
		return Visit{Name: name, Route: route, Path: path, As: members, List: true, Goal: goalMember}
	}
	figure := func(route, path, name string, as []Role, goal time.Duration) Visit {
		return Visit{Name: name, Route: route, Path: path, As: as, Goal: goal}
	}
	const union = console + "/unions/:id"
	const u = console + "/unions/{union}"
	const below = console + "/unions/{below}"
	return []Visit{
		// The member's pages.
		own("/api/v1/privacy-notice", "/api/v1/privacy-notice", "privacy notice"),
		own(mine+"/binding", mine+"/binding", "binding"),
		own(mine+"/unions", mine+"/unions?q=医院", "unions to bind to, search"),
		own(mine+"/profile", mine+"/profile", "profile"),
		own(mine+"/addresses", mine+"/addresses", "addresses"),
		own(mine+"/allowances", mine+"/allowances", "allowances"),
		ownList(mine+"/allowances/:id/transfers", mine+"/allowances/{my_allowance}/transfers", "allowance's movements"),
		ownList(mine+"/orders", mine+"/orders", "orders"),
		ownList(mine+"/orders", mine+"/orders?status=completed&from={from}&to={to}", "orders, by state and days"),
		own(mine+"/orders/:id", mine+"/orders/{my_order}", "order"),
		own(mine+"/orders/:id/invoice-requests", mine+"/orders/{my_order}/invoice-requests", "order's invoices"),
		ownList(mine+"/after-sales", mine+"/after-sales", "after-sales cases"),
		own(mine+"/after-sales/:id", mine+"/after-sales/{my_case}", "after-sales case"),
		own(mine+"/subscriptions", mine+"/subscriptions", "consents"),
		ownList(mine+"/redemptions", mine+"/redemptions", "purchases at halls"),
		own(mine+"/redemptions/pending", mine+"/redemptions/pending", "purchases at halls to confirm"),
		ownList(mine+"/group-purchases", mine+"/group-purchases", "bought together"),
		list("/api/v1/products", "/api/v1/products", "shop", members),
		list("/api/v1/products", "/api/v1/products?sort=sales", "shop, by sales", members),
		list("/api/v1/products", "/api/v1/products?sort=price_asc&paired=true&in_stock=true", "shop, filtered, by price", members),
		list("/api/v1/products", "/api/v1/products?q=虾", "shop, search", members),
		one("/api/v1/products/:id", "/api/v1/products/{product}", "product", members),
		one("/api/v1/product-filters", "/api/v1/product-filters", "shop's filters", members),
		own("/api/v1/halls", "/api/v1/halls", "halls"),

		// Accounts, unions, rosters.
		one(console+"/session", console+"/session", "session", all),
		one(console+"/roles", console+"/roles", "roles", ofCity),
		list(union+"/staff", u+"/staff", "console accounts", []Role{City, County, BigSign}),
		list(console+"/unions", console+"/unions", "unions", all),
		list(console+"/unions", console+"/unions?q=医院", "unions, search", above),
		list(console+"/unions", console+"/unions?kind=grassroots&parent_id={federation}", "unions of a federation", above),
		one(union, u, "union", all),
		list(union+"/roster-imports", below+"/roster-imports", "roster imports", all),
		one(console+"/roster-imports/:id", console+"/roster-imports/{import}", "roster import", ofCity),
		list(console+"/roster-imports/:id/rows", console+"/roster-imports/{import}/rows", "roster import's rows", ofCity),
		list(union+"/members", u+"/members", "members", unions),
		list(union+"/members", u+"/members?subtree=true", "members of all below", above),
		list(union+"/members", u+"/members?subtree=true&q={name}", "members, search by name", all),
		list(union+"/members", u+"/members?subtree=true&q={letter}", "members, search by the start of a name", all),
		list(union+"/members", u+"/members?subtree=true&q={phone}", "members, search by phone", all),
		list(union+"/members", u+"/members?subtree=true&q={number}", "members, search by ID number", all),
		list(union+"/members", u+"/members?subtree=true&status=left", "members who left", all),
		list(union+"/members", u+"/members?subtree=true&department=财务部", "members, by department", all),
		one(console+"/members/:id", console+"/members/{member}", "member", all),
		list(union+"/binding-requests", below+"/binding-requests", "binding requests", all),

		// Money.
		one(console+"/policies", console+"/policies", "policies", ofCity),
		one(console+"/policies/:year", console+"/policies/{year}", "policy", ofCity),
		list(union+"/funds", below+"/funds", "funds", all),
		one(console+"/funds/:id", console+"/funds/{fund}", "fund", all),
		list(console+"/funds/:id/transfers", console+"/funds/{fund}/transfers", "fund's movements", all),
		list(union+"/topups", below+"/topups", "top-ups", all),
		list(union+"/topups", below+"/topups?status=confirmed", "top-ups, by state", all),
		list(union+"/grants", below+"/grants", "grants", all),
		list(union+"/grants", below+"/grants?status=issued&year={year}", "grants, by state", all),
		one(console+"/grants/:id", console+"/grants/{grant}", "grant", all),
		list(console+"/grants/:id/items", console+"/grants/{grant}/items", "grant's items", all),
		list(console+"/grants/:id/items", console+"/grants/{grant}/items?status=issued", "grant's items, by state", all),
		list(console+"/sweeps/:year/rehearsal", console+"/sweeps/{year}/rehearsal", "year's end, rehearsal", all),
		list(console+"/year-end/:year", console+"/year-end/{year}", "year's end", all),
		list(union+"/year-end/:year/members", u+"/year-end/{year}/members", "members with money left", unions),
		list(union+"/budgets/:year", below+"/budgets/{year}", "budgets", all),
		figure(union+"/limits/:year", below+"/limits/{year}", "limits on gifts", all, goalFigure),
		list(console+"/limits/:year", console+"/limits/{year}", "limits on gifts, by union", all),
		one(console+"/limit-rules/:year", console+"/limit-rules/{year}", "rule of limits", ofCity),

		// The shop.
		one(console+"/channels", console+"/channels", "channels", ofCity),
		list(console+"/regions", console+"/regions", "regions", ofCity),
		list(console+"/suppliers", console+"/suppliers", "suppliers", ofCity),
		list(console+"/suppliers", console+"/suppliers?q=农业", "suppliers, search", ofCity),
		one(console+"/suppliers/:id", console+"/suppliers/{supplier}", "supplier", ofCity),
		list(console+"/suppliers/:id/certificates", console+"/suppliers/{supplier}/certificates", "certificates", ofCity),
		list(console+"/products", console+"/products", "products", []Role{City, Supplier}),
		list(console+"/products", console+"/products?status=on&q=虾", "products, search", []Role{City, Supplier}),
		one(console+"/products/:id", console+"/products/{product}", "product for staff", ofCity),
		one(console+"/skus/:id/stock", console+"/skus/{sku}/stock", "stock", ofCity),
		list(console+"/skus/:id/movements", console+"/skus/{sku}/movements", "stock's movements", ofCity),

		// Orders and what becomes of them.
		list(union+"/orders", u+"/orders", "orders of the union and below", all),
		list(union+"/orders", u+"/orders?status=shipped", "orders on their way", all),
		list(union+"/orders", u+"/orders?status=cancelled", "orders cancelled", all),
		list(union+"/orders", u+"/orders?from={from}&to={to}", "orders of some days", all),
		one(console+"/orders/:id", console+"/orders/{order}", "order for staff", all),
		list(console+"/parcels", console+"/parcels", "parcels", ofGoods),
		list(console+"/parcels", console+"/parcels?status=waiting", "parcels to ship", ofGoods),
		list(console+"/parcels", console+"/parcels?status=received", "parcels received", ofGoods),
		one(console+"/parcels/:id", console+"/parcels/{my_parcel}", "parcel", ofGoods),
		list(console+"/payments", console+"/payments", "payments", all),
		list(console+"/payments", console+"/payments?status=closed", "payments, by state", all),
		list(console+"/payments", console+"/payments?attention=true", "payments to look at", all),
		list(console+"/after-sales", console+"/after-sales", "after-sales", []Role{City, County, Big, Small, Supplier}),
		list(console+"/after-sales", console+"/after-sales?status=open", "after-sales, open", []Role{City, County, Big, Small, Supplier}),
		one(console+"/after-sales/:id", console+"/after-sales/{case}", "after-sales case for staff", ofCity),
		list(union+"/group-purchases", below+"/group-purchases", "group purchases", all),
		one(console+"/group-purchases/:id", console+"/group-purchases/{group}", "group purchase", ofCity),
		list(console+"/group-purchases/:id/receivers", console+"/group-purchases/{group}/receivers", "group purchase's receivers", ofCity),
		list(union+"/claims", u+"/claims?subtree=true", "claims", all),
		list(union+"/claims", u+"/claims?subtree=true&status=entered", "claims to decide", all),
		list(union+"/claims", u+"/claims?subtree=true&year={year}&purse=festival&channel_id={channel}", "claims, filtered", all),
		one(console+"/claims/:id", console+"/claims/{claim}", "claim", all),
		list(console+"/claims/:id/persons", console+"/claims/{listed_claim}/persons", "claim's persons", ofCity),
		list(union+"/invoice-requests", u+"/invoice-requests", "invoice requests of a union", all),
		list(console+"/invoice-requests", console+"/invoice-requests", "invoice requests", ofGoods),
		list(console+"/invoice-requests", console+"/invoice-requests?status=requested", "invoice requests to answer", ofGoods),
		one(console+"/invoice-requests/:id", console+"/invoice-requests/{my_request}", "invoice request", ofGoods),

		// Halls.
		list(console+"/halls", console+"/halls", "halls for staff", ofCity),
		figure(console+"/halls/:id/days", console+"/halls/{hall}/days?from={from}&to={to}", "hall's days", ofCity, goalFigure),
		list(console+"/halls/:id/sales", console+"/halls/{hall}/sales", "hall's sales", ofCity),
		one(console+"/counter/hall", console+"/counter/hall", "cashier's hall", []Role{Cashier}),
		one(console+"/counter/goods", console+"/counter/goods?q=虾", "cashier's goods", []Role{Cashier}),
		one(console+"/counter/redemptions/:id", console+"/counter/redemptions/{my_sale}", "cashier's sale", []Role{Cashier}),

		// Suppliers' money.
		list(console+"/supplier-balances", console+"/supplier-balances", "what suppliers are owed", ofCity),
		figure(console+"/suppliers/:id/balance", console+"/suppliers/{supplier}/balance", "what a supplier is owed", []Role{City, Supplier}, goalFigure),
		list(console+"/suppliers/:id/statement", console+"/suppliers/{supplier}/statement?from={month_from}&to={month_to}", "supplier's statement of a month", []Role{City, Supplier}),
		list(console+"/suppliers/:id/settlements", console+"/suppliers/{supplier}/settlements", "supplier's settlements", []Role{City, Supplier}),
		list(console+"/suppliers/:id/bank-accounts", console+"/suppliers/{supplier}/bank-accounts", "supplier's bank accounts", ofCity),
		list(console+"/settlement-batches", console+"/settlement-batches", "settlement batches", ofCity),
		one(console+"/settlement-batches/:id", console+"/settlement-batches/{batch}", "settlement batch", ofCity),
		list(console+"/settlement-batches/:id/settlements", console+"/settlement-batches/{batch}/settlements", "batch's settlements", ofCity),
		one(console+"/settlements/:id", console+"/settlements/{settlement}", "settlement", ofCity),
		list(console+"/settlements/:id/items", console+"/settlements/{settlement}/items", "settlement's orders", ofCity),

		// Forms, trail, messages, risk.
		one(console+"/reporting-periods", console+"/reporting-periods", "reporting periods", ofCity),
		figure(union+"/statements/:period_id", u+"/statements/{period}", "the city's form", ofCity, goalForm),
		figure(union+"/statements/:period_id", u+"/statements/{period}", "a county's form", []Role{County}, goalForm),
		figure(union+"/statements/:period_id", u+"/statements/{period}", "a union's form", unions, goalFigure),
		list(union+"/statements/:period_id/rows/:row_no/orders", u+"/statements/{period}/rows/2/orders", "orders behind a form's row", all),
		figure(union+"/figures", u+"/figures", "figures of the year and by month", all, goalFigure),
		figure(union+"/figures/unions", u+"/figures/unions?limit=100", "figures by county or union", all, goalFigure),
		figure(union+"/figures/regions", u+"/figures/regions", "figures by region", all, goalFigure),
		figure(union+"/figures/suppliers", u+"/figures/suppliers", "figures by supplier", all, goalFigure),
		figure(union+"/figures/products", u+"/figures/products", "figures by product", all, goalFigure),
		list(union+"/statement-progress/:period_id", u+"/statement-progress/{first_period}", "progress of the forms", above),
		list(union+"/statement-progress/:period_id", u+"/statement-progress/{first_period}?status=missing", "forms that are missing", above),
		one(console+"/statements/:id", console+"/statements/{statement}", "submitted form", ofCity),
		list(console+"/audit", console+"/audit", "audit trail", []Role{City, County, BigSign, Operator}),
		list(console+"/audit", console+"/audit?action=order.cancel", "audit trail, by action", []Role{City, County, BigSign}),
		list(console+"/audit", console+"/audit?actor=staff:{staff}", "audit trail, by actor", []Role{City, County, BigSign}),
		list(console+"/audit", console+"/audit?object=order:{order}", "audit trail, by object", []Role{City, County, BigSign}),
		list(console+"/audit", console+"/audit?from={from}&to={to}", "audit trail of some days", []Role{City, County, BigSign}),
		one(console+"/audit-head", console+"/audit-head", "head of the audit trail", ofCity),
		list(console+"/outbox", console+"/outbox", "messages", ofCity),
		list(console+"/outbox", console+"/outbox?topic=shipping_info&status=sent", "messages, by topic and state", ofCity),
		one(console+"/outbox/counts", console+"/outbox/counts", "messages, counted", ofCity),
		list(console+"/risk-signals", console+"/risk-signals", "risk signals", above),
		list(console+"/risk-signals", console+"/risk-signals?status=open", "risk signals, open", above),
		one(console+"/risk-signals/:id", console+"/risk-signals/{signal}", "risk signal", ofCity),
		list(console+"/erasures", console+"/erasures", "demands to be erased", ofCity),
		one(console+"/risk-rules", console+"/risk-rules", "risk rules", ofCity),
	}
}()

// Unvisited are the routes that only read and are not in the table, with the reason.
var Unvisited = map[string]string{
	console + "/erasures/:id":                            "nobody in the city demands to be erased",
	mine + "/erasure":                                    "as above",
	console + "/files/:id":                               "a file of the file store",
	"/api/v1/pictures/:id":                               "a file of the file store",
	mine + "/after-sales/:id/pictures/:seq":              "a file of the file store",
	console + "/after-sales/:id/pictures/:seq":           "a file of the file store",
	mine + "/invoice-requests/:id/file":                  "a file of the file store",
	console + "/invoice-requests/:id/file":               "a file of the file store",
	console + "/roster-template":                         "reads nothing",
	console + "/grant-template":                          "reads nothing",
	console + "/claim-list-template":                     "reads nothing",
	console + "/group-purchase-template":                 "reads nothing",
	console + "/binding-requests/:id":                    "a city has no open ones",
	console + "/sweeps/:year":                            "before the year's end there is none",
	console + "/roster-imports/:id/errors":               "an export",
	console + "/suppliers/:id/statement/export":          "an export",
	console + "/settlement-batches/:id/bank-file":        "an export, of an unpaid batch",
	console + "/unions/:id/year-end/:year/export":        "an export",
	console + "/group-purchases/:id/sign-off-list":       "an export",
	console + "/unions/:id/statements/:period_id/export": "an export of what the form shows",
	console + "/statements/:id/export":                   "an export of what the form shows",
}
