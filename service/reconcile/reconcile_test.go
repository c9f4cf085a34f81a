package reconcile_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/dues"
	"bangfu/service/reconcile"
	"bangfu/service/tally"
)

// TestEmpty shows that every statement runs on the database and that an empty one is sound.
func TestEmpty(t *testing.T) {
	if r := run(t, modeltest.Open(t, nil)); !r.OK() {
		t.Errorf("%+v", r)
	}
}

func run(t *testing.T, db *model.DB) reconcile.Report {
	t.Helper()
	r, err := reconcile.Run(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// books fills a database with a small sound set of books: ¥1000 put in, ¥600 granted, an order of ¥200 and a
// cancelled one of ¥100.
func books(t *testing.T) *model.DB {
	t.Helper()
	db := modeltest.Open(t, modeltest.NewClock(modeltest.At("2025-03-03 09:00")))
	fill(t, db)
	return db
}

func fill(t *testing.T, db *model.DB) {
	t.Helper()
	at := db.Now()
	id := func(n int) *model.ID { v := model.ID(n); return &v }
	extra, year := model.PurseExtra, model.Year(2025)
	transfer := func(n int, kind, cause, debit, credit string, fen model.Fen, order *model.ID) *model.Transfer {
		return &model.Transfer{ID: model.ID(n), Kind: kind, Cause: cause, DebitAccount: debit, CreditAccount: credit, AmountFen: fen, Purse: extra, Year: year, UnionID: 1, OrderID: order, At: at}
	}
	rows := []any{
		&model.Union{ID: 1, Name: "市总", Kind: "city", Path: "/1/", Status: "active", ActiveMembers: 2, CreatedAt: at, UpdatedAt: at},
		&model.UnionPath{UnionID: 1, FromAt: at, Path: "/1/"},
		&model.Union{ID: 2, ParentID: id(1), Name: "县总", Kind: "county", Path: "/1/2/", Depth: 1, Status: "active", ActiveMembers: 2, CreatedAt: at, UpdatedAt: at},
		&model.UnionPath{UnionID: 2, FromAt: at, Path: "/1/2/"},
		&model.Person{ID: 10, IDNumberHash: "h", CreatedAt: at},
		&model.Member{ID: 11, UnionID: 1, PersonID: 10, Status: "active", JoinedAt: at, CreatedAt: at, UpdatedAt: at},
		&model.Policy{ID: 12, Year: year, CapFen: 60000, StartsOn: "2025-01-01", EndsOn: "2025-12-31", CreatedAt: at, UpdatedAt: at},
		&model.Fund{ID: 13, UnionID: 1, Purse: extra, Year: year, BalanceFen: 40000, ToppedUpFen: 100000, CreatedAt: at, UpdatedAt: at},
		&model.Topup{ID: 14, FundID: 13, UnionID: 1, AmountFen: 100000, EvidenceNo: "A1", Status: "confirmed", EnteredBy: 1, EnteredAt: at, DecidedBy: id(2), DecidedAt: &at},
		transfer(15, "fund", "topup:14", "bank", "fund:13", 100000, nil),
		&model.Grant{ID: 16, UnionID: 1, FundID: 13, Purse: extra, Year: year, AmountFen: 60000, Status: "issued", TotalItems: 1, DoneItems: 1, IssuedItems: 1, TotalFen: 60000, IssuedFen: 60000, CreatedBy: 1, DecidedBy: id(2), CreatedAt: at, UpdatedAt: at},
		&model.GrantItem{ID: 17, GrantID: 16, MemberID: 11, PersonID: 10, AskedFen: 60000, IssuedFen: 60000, Status: "issued", AllowanceID: id(18)},
		&model.Allowance{ID: 18, PersonID: 10, MemberID: 11, UnionID: 1, FundID: 13, Purse: extra, Year: year, BalanceFen: 40000, Status: "active", CreatedAt: at, UpdatedAt: at},
		&model.PersonCap{PersonID: 10, Year: year, GrantedFen: 60000},
		transfer(19, "grant", "grant_item:17", "fund:13", "allowance:18", 60000, nil),
		&model.Channel{ID: 20, Level: "city", No: "1", FormRow: 2, Status: "active", CreatedAt: at, UpdatedAt: at},
		&model.Supplier{ID: 21, Name: "供应商", CreditCode: "x", Status: "active", CreatedAt: at, UpdatedAt: at},
		&model.Product{ID: 22, SupplierID: 21, RegionID: 1, Status: "on", CreatedAt: at, UpdatedAt: at},
		&model.SKU{ID: 23, ProductID: 22, PriceFen: 10000, Status: "on", CreatedAt: at, UpdatedAt: at},
		&model.Stock{SKUID: 23, OnHand: 8, UpdatedAt: at},
		&model.StockMovement{ID: 24, SKUID: 23, Kind: "receive", Cause: "r1", Quantity: 10, At: at},
		&model.Order{ID: 30, OrderNo: "N30", PersonID: 10, MemberID: 11, UnionID: 1, ChannelID: 20, Year: year, Status: "paid", GoodsFen: 20000, AllowanceFen: 20000, PlacedAt: at, PaidAt: &at, UpdatedAt: at},
		&model.Parcel{ID: 31, OrderID: 30, SupplierID: 21, UnionID: 1, AmountFen: 20000, Status: "waiting", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 32, OrderID: 30, ParcelID: 31, SupplierID: 21, ProductID: 22, SKUID: 23, PriceFen: 10000, Quantity: 2, AmountFen: 20000},
		&model.StockMovement{ID: 33, SKUID: 23, Kind: "sell", Cause: "line:32", Quantity: -2, At: at},
		transfer(34, "spend", "order:30:18:21", "allowance:18", "supplier:21", 20000, id(30)),
		&model.Order{ID: 40, OrderNo: "N40", PersonID: 10, MemberID: 11, UnionID: 1, ChannelID: 20, Year: year, Status: "cancelled", GoodsFen: 10000, AllowanceFen: 10000, RefundedFen: 10000, PlacedAt: at, PaidAt: &at, CancelledAt: &at, UpdatedAt: at},
		&model.Parcel{ID: 41, OrderID: 40, SupplierID: 21, UnionID: 1, AmountFen: 10000, Status: "cancelled", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 42, OrderID: 40, ParcelID: 41, SupplierID: 21, ProductID: 22, SKUID: 23, PriceFen: 10000, Quantity: 1, AmountFen: 10000},
		&model.StockMovement{ID: 43, SKUID: 23, Kind: "sell", Cause: "line:42", Quantity: -1, At: at},
		&model.StockMovement{ID: 44, SKUID: 23, Kind: "return", Cause: "refund_line:48", Quantity: 1, At: at},
		transfer(45, "spend", "order:40:18:21", "allowance:18", "supplier:21", 10000, id(40)),
		&model.Refund{ID: 46, OrderID: 40, UnionID: 1, Kind: "cancel", AmountFen: 10000, AllowanceFen: 10000, RefundedAt: at},
		&model.RefundLine{ID: 48, RefundID: 46, OrderID: 40, LineID: 42, Quantity: 1, AmountFen: 10000, Restocked: true},
		transfer(47, "refund", "cancel:40:18:21", "supplier:21", "allowance:18", 10000, id(40)),
		&model.Person{ID: 70, IDNumberHash: "h2", CreatedAt: at},
		&model.Member{ID: 71, UnionID: 1, PersonID: 70, Status: "active", JoinedAt: at, CreatedAt: at, UpdatedAt: at},
		&model.PersonCap{PersonID: 70, Year: year, GrantedFen: 30000},
		&model.Channel{ID: 72, Level: "province", No: "3", FormRow: 7, Status: "active", CreatedAt: at, UpdatedAt: at},
		&model.File{ID: 73, StoreKey: "evidence/73.pdf", Kind: "evidence", UnionID: id(1), CreatedAt: at},
		claim(at, 74, "approved", "25440000000000000074", 30000, 1, true),
		&model.ClaimPerson{ClaimID: 74, MemberID: 71, PersonID: 70, AmountFen: 30000},
		claim(at, 75, "approved", "25440000000000000075", 110000, 2, false),
		claim(at, 76, "revoked", "25440000000000000075", 50000, 1, false),
		&[]model.ClaimFile{{ClaimID: 74, Seq: 1, FileID: 73}, {ClaimID: 75, Seq: 1, FileID: 73}, {ClaimID: 76, Seq: 1, FileID: 73}},
		&model.ReportingPeriod{ID: 60, PolicyID: 12, Year: year, Seq: 1, DueOn: "2025-08-25"},
		&model.Statement{ID: 61, UnionID: 1, UnionName: "市总", PeriodID: 60, Version: 1, Status: "submitted", AsOf: at.Add(time.Second), SubmittedBy: 1, SubmittedAt: at.Add(time.Minute)},
		&model.StatementPart{StatementID: 61, UnionID: 1, AsOf: at.Add(time.Second)},
		&[]model.StatementRow{{StatementID: 61, RowNo: 1}, {StatementID: 61, RowNo: 2, PersonTimes: 1, AmountFen: 20000, InvestedFen: 60000}, {StatementID: 61, RowNo: 3},
			{StatementID: 61, RowNo: 4}, {StatementID: 61, RowNo: 5}, {StatementID: 61, RowNo: 6}, {StatementID: 61, RowNo: 7, PersonTimes: 3, AmountFen: 140000, InvestedFen: 140000}, {StatementID: 61, RowNo: 8}},
		&model.UnionBudget{ID: 70, UnionID: 1, Year: year, Version: 1, BudgetFen: 100, Basis: model.BasisBudget, Status: "confirmed", EnteredBy: 1, EnteredAt: at, ConfirmedBy: id(2), ConfirmedAt: &at},
		&model.WechatAccount{ID: 75, OpenID: "o", PersonID: id(10), CreatedAt: at},
		&model.Subscription{AccountID: 75, Template: "allowance_ending", AcceptedCount: 2, UsedCount: 1, VoidCount: 1, UpdatedAt: at},
		&model.Reminder{ID: 76, UnionID: 1, Year: year, Kind: "60", Status: "done", Holders: 1, Told: 1, StartedAt: at, FinishedAt: &at},
		&model.OutboxMessage{ID: 77, Topic: "allowance_ending", Cause: "2025:60:18", PersonID: 10, UnionID: 1, BatchID: id(76), Payload: "{}", Status: "sent", Attempts: 1, NextTryAt: at, AccountID: id(75), CreatedAt: at, SentAt: &at, UpdatedAt: at},
		&model.Sweep{ID: 50, Year: 2024, Status: "done", StartedAt: at},
		&model.IdempotencyKey{Actor: "person:10", IdemKey: "key-0001", ContentHash: "x", Response: `{"id":"30","order_no":"N30","total_fen":20000}`, CreatedAt: at},
	}
	rows = append(rows, settlementRows(at)...)
	rows = append(rows, afterSaleRows(at)...)
	rows = append(rows, paymentRows(at)...)
	rows = append(rows, invoiceRows(at)...)
	rows = append(rows, counterRows(at)...)
	rows = append(rows, groupRows(at)...)
	rows = append(rows, erasureRows(at)...)
	for _, r := range rows {
		if err := db.Read(context.Background()).Create(r).Error; err != nil {
			t.Fatalf("%T: %v", r, err)
		}
	}
	fillTrail(t, db)
	if _, err := tally.New(db).Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := dues.New(dues.Options{DB: db}).Keep(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// claim is a claim of the extra purse at channel 72, entered by 1, decided and perhaps revoked at the same moment by 2.
func claim(at time.Time, id model.ID, status, invoice string, fen model.Fen, times int64, listed bool) *model.Claim {
	second := model.ID(2)
	c := &model.Claim{ID: id, UnionID: 1, ChannelID: 72, PurchasedOn: "2025-03-01", Year: 2025, AmountFen: fen, PersonTimes: times, Listed: listed, Purse: model.PurseExtra,
		InvoiceNo: invoice, LiveInvoice: &invoice, Status: status, Version: 1, EnteredBy: 1, EnteredAt: at, DecidedBy: &second, DecidedAt: &at, CountedAt: &at, UpdatedAt: at}
	if status == "revoked" {
		c.LiveInvoice, c.RevokedBy, c.RevokedAt = nil, &second, &at
	}
	return c
}

// restore empties every table that fill fills and fills them again.
func restore(t *testing.T, db *model.DB) {
	t.Helper()
	for _, table := range []string{"unions", "union_paths", "persons", "members", "policies", "funds", "topups", "transfers", "grants", "grant_items", "allowances", "person_caps",
		"channels", "suppliers", "products", "skus", "stocks", "stock_movements", "orders", "parcels", "order_lines", "refunds", "refund_lines", "sweeps", "idempotency_keys",
		"reporting_periods", "statements", "statement_rows", "statement_parts", "wechat_accounts", "subscriptions", "reminders", "outbox", "claims", "claim_persons", "claim_files", "files",
		"union_budgets", "holds", "payments", "wechat_refunds",
		"after_sales", "after_sale_lines", "after_sale_events",
		"supplier_bank_accounts", "settlement_batches", "settlements", "settlement_items",
		"halls", "counter_codes", "redemptions", "invoice_requests", "invoice_request_orders", "invoices",
		"group_purchases", "group_lines", "group_receivers", "group_signoffs", "audit_entries", "audit_seals", "erasures", "cap_tombstones",
		"supplier_sums", "supplier_hours", "supplier_days", "supplier_mark"} {
		if err := db.Read(context.Background()).Exec("DELETE FROM " + table).Error; err != nil {
			t.Fatal(err)
		}
	}
	fill(t, db)
}

// TestSound shows that sound books pass and that figures are really counted.
func TestSound(t *testing.T) {
	r := run(t, books(t))
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	if !r.OK() {
		t.Fatalf("sound books do not pass:\n%s", out.String())
	}
	if want := "经费账户余额等于其流水之和：2 个经费账户，通过"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

// breach is a change behind the program's back, and where it must be seen.
type breach struct{ name, ref, sql string }

// TestEachBreachIsCaught breaks each invariant by hand and sees it caught by name, with the row.
func TestEachBreachIsCaught(t *testing.T) {
	breaks := []breach{
		{"fund_balance", "fund:13", "UPDATE funds SET balance_fen = balance_fen + 1"},
		{"fund_topped_up", "fund:13", "UPDATE funds SET topped_up_fen = topped_up_fen + 1 WHERE id = 13"},
		{"fund_topped_up", "fund:13", "UPDATE transfers SET amount_fen = 99999 WHERE id = 15"},
		{"union_members", "union:1", "UPDATE unions SET active_members = 3 WHERE id = 1"},
		{"union_members", "union:2", "UPDATE members SET status = 'left' WHERE id = 511"},
		{"allowance_balance", "allowance:18", "UPDATE allowances SET balance_fen = balance_fen - 1"},
		{"no_negative", "allowance:18", "UPDATE allowances SET held_fen = -1, balance_fen = 40001"},
		{"transfer_shape", "transfer:34", "UPDATE transfers SET kind = 'settle' WHERE id = 34"},
		{"transfer_shape", "transfer:15", "UPDATE transfers SET debit_account = 'fund:13', credit_account = 'bank' WHERE id = 15"},
		{"transfer_accounts", "transfer:34", "UPDATE transfers SET credit_account = 'supplier:999' WHERE id = 34"},
		{"purse_and_year", "transfer:34", "UPDATE transfers SET year = 2024 WHERE id = 34"},
		{"cap_rows", "person:10 2025", "UPDATE person_caps SET granted_fen = 59999"},
		{"cap_rows", "person:10 2025", "DELETE FROM person_caps"},
		{"cap", "person:10 2025", "UPDATE policies SET cap_fen = 59999"},
		{"topups", "topup:14", "UPDATE topups SET amount_fen = 99999"},
		{"topups", "transfer:15", "DELETE FROM topups"},
		{"second_person", "topup:14", "UPDATE topups SET decided_by = entered_by"},
		{"second_person", "grant:16", "UPDATE grants SET decided_by = created_by"},
		{"grant_items", "grant_item:17", "UPDATE grant_items SET issued_fen = 1"},
		{"grant_items", "transfer:19", "DELETE FROM grant_items"},
		{"grant_totals", "grant:16", "UPDATE grants SET issued_fen = 1"},
		{"ended_allowances", "allowance:18", "UPDATE allowances SET status = 'ended'"},
		{"sweeps", "allowance:18", "UPDATE sweeps SET year = 2025"},
		{"sweeps", "sweep:50", "UPDATE sweeps SET swept_fen = 5"},
		{"stock", "sku:23", "UPDATE stocks SET on_hand = 7"},
		{"stock_sold", "line:32", "DELETE FROM stock_movements WHERE id = 33"},
		{"stock_sold", "refund_line:48", "DELETE FROM stock_movements WHERE id = 44"},
		{"stock_sold", "stock_movement:33", "UPDATE stock_movements SET cause = 'line:999' WHERE id = 33"},
		{"order_lines", "line:32", "UPDATE order_lines SET amount_fen = 19999 WHERE id = 32"},
		{"order_lines", "parcel:31", "UPDATE parcels SET amount_fen = 1 WHERE id = 31"},
		{"order_lines", "order:30", "UPDATE orders SET wechat_fen = 1 WHERE id = 30"},
		{"order_money", "order:30", "DELETE FROM transfers WHERE id = 34"},
		{"order_money", "order:40", "DELETE FROM refunds"},
		{"order_money", "order:40", "DELETE FROM transfers WHERE id = 47"},
		{"refund_lines", "refund:46", "UPDATE refund_lines SET amount_fen = 9999"},
		{"refund_lines", "line:42", "UPDATE refund_lines SET quantity = 2"},
		{"holds", "allowance:18", "UPDATE allowances SET held_fen = 5, balance_fen = balance_fen - 5"},
		{"closed_orders", "order:40", "UPDATE orders SET refunded_fen = 9999 WHERE id = 40"},
		{"order_states", "order:30 shipped", "UPDATE orders SET status = 'shipped' WHERE id = 30"},
		{"union_tree", "union:2", "UPDATE unions SET path = '/9/2/' WHERE id = 2"},
		{"union_tree", "union:2", "DELETE FROM union_paths WHERE union_id = 2"},
		{"references", "order:30", "UPDATE orders SET member_id = 999 WHERE id = 30"},
		{"acknowledged_orders", "order:30", "UPDATE idempotency_keys SET response = REPLACE(response, '20000', '20001')"},
		{"acknowledged_orders", "order:31", "UPDATE idempotency_keys SET response = REPLACE(response, '\"30\"', '\"31\"')"},
		{"budgets", "budget:70", "UPDATE union_budgets SET confirmed_by = entered_by"},
		{"budgets", "budget:70", "UPDATE union_budgets SET status = 'entered'"},
		{"limit_meters", "union:1 2025", "UPDATE transfers SET purse = 'festival' WHERE id = 19"},
		{"limit_meters", "union:1 2025", "UPDATE funds SET purse = 'festival'"},
		{"consents", "subscription:75 allowance_ending", "UPDATE subscriptions SET used_count = 0"},
		{"consents", "subscription:75 allowance_ending", "UPDATE subscriptions SET accepted_count = 1"},
		{"consents", "account:75 allowance_ending", "DELETE FROM subscriptions"},
		{"outbox", "outbox:77", "UPDATE outbox SET account_id = NULL"},
		{"outbox", "outbox:77", "UPDATE outbox SET status = 'dead'"},
		{"shipping_info", "order:30", "UPDATE orders SET kind = 'online', status = 'shipped', wechat_fen = 1 WHERE id = 30"},
		{"reminders", "reminder:76", "UPDATE reminders SET told = 0"},
		{"reminders", "reminder:76", "UPDATE reminders SET holders = 0"},
		{"statements", "statement:61 row 2", "UPDATE statement_rows SET amount_fen = 19999 WHERE row_no = 2"},
		{"statements", "statement:61 row 2", "UPDATE statement_rows SET invested_fen = 0 WHERE row_no = 2"},
		{"statements", "statement:61 row 0", "DELETE FROM statement_rows WHERE row_no = 8"},
		{"statements", "statement:61 row 7", "UPDATE claims SET amount_fen = 110001 WHERE id = 75"},
		{"statements", "statement:61 row 7", "UPDATE claims SET revoked_at = '2025-08-01 00:00:00' WHERE id = 76"},
		{"cap_rows", "person:70 2025", "UPDATE claims SET status = 'revoked' WHERE id = 74"},
		{"cap", "person:70 2025", "UPDATE claim_persons SET amount_fen = 60001"},
		{"claim_shares", "claim:74", "UPDATE claim_persons SET amount_fen = 29999"},
		{"claim_shares", "claim:74", "UPDATE claims SET person_times = 2 WHERE id = 74"},
		{"claim_shares", "claim:74", "UPDATE claims SET listed = 0 WHERE id = 74"},
		{"claim_second_person", "claim:75", "UPDATE claims SET decided_by = entered_by WHERE id = 75"},
		{"claim_second_person", "claim:76", "UPDATE claims SET revoked_by = entered_by WHERE id = 76"},
		{"claim_second_person", "claim:75", "UPDATE claims SET status = 'entered' WHERE id = 75"},
		{"claim_invoices", "claim:74", "UPDATE claims SET live_invoice = 'X1' WHERE id = 74"},
		{"claim_invoices", "claim:75", "UPDATE claims SET status = 'approved' WHERE id = 76"},
		{"claim_invoices", "claim:75", "UPDATE claims SET live_invoice = NULL WHERE id = 75"},
		{"claim_caps", "claim:75", "UPDATE claims SET amount_fen = 120001 WHERE id = 75"},
		{"claim_evidence", "claim:75", "DELETE FROM claim_files WHERE claim_id = 75"},
		{"claim_evidence", "claim:75", "UPDATE files SET union_id = 2"},
		{"claim_evidence", "claim:75", "UPDATE claims SET channel_id = 20 WHERE id = 75"},
		{"claim_evidence", "claim:74", "UPDATE members SET person_id = 10, union_id = 2 WHERE id = 71"},
	}
	breaks = append(breaks, tallyBreaks...)
	breaks = append(breaks, settlementBreaks...)
	breaks = append(breaks, duesBreaks...)
	breaks = append(breaks, afterSaleBreaks...)
	breaks = append(breaks, paymentBreaks...)
	breaks = append(breaks, invoiceBreaks...)
	breaks = append(breaks, counterBreaches...)
	breaks = append(breaks, groupBreaks...)
	breaks = append(breaks, auditBreaks...)
	breaks = append(breaks, erasureBreaks...)
	seen := map[string]bool{}
	db := books(t)
	for i, b := range breaks {
		t.Run(fmt.Sprintf("%d_%s", i, b.name), func(t *testing.T) {
			restore(t, db)
			breakBy(t, db, b.sql)
			for _, x := range run(t, db).Results {
				if x.Name == b.name {
					assertNames(t, x, b.ref)
				}
			}
		})
		seen[b.name] = true
	}
	restore(t, db)
	for _, x := range run(t, db).Results {
		if x.Broken > 0 {
			t.Errorf("%s: not restored: %+v", x.Name, x.Breaches)
		}
		if !seen[x.Name] {
			t.Errorf("no breach of %s is tried", x.Name)
		}
	}
}

// breakBy changes rows behind the program's back, constraints off where the database would catch it first.
func breakBy(t *testing.T, db *model.DB, sql string) {
	t.Helper()
	off, on := "SET SESSION check_constraint_checks = 0", "SET SESSION check_constraint_checks = 1"
	if db.Dialect == model.SQLite {
		off, on = "PRAGMA ignore_check_constraints = 1", "PRAGMA ignore_check_constraints = 0"
	}
	pool, err := db.Pool()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.ExecContext(context.Background(), off) // MySQL itself has no such switch
	if _, err := conn.ExecContext(context.Background(), sql); err != nil {
		t.Skipf("the database itself refuses %s: %v", sql, err)
	}
	_, _ = conn.ExecContext(context.Background(), on)
}

func assertNames(t *testing.T, x reconcile.Result, ref string) {
	t.Helper()
	for _, b := range x.Breaches {
		if b.Ref == ref {
			return
		}
	}
	t.Errorf("%s does not name %s: %+v", x.Name, ref, x.Breaches)
}
