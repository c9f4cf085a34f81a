package reconcile_test

import (
	"time"

	"bangfu/model"
)

// counterRows are a hall of supplier 21 with a sale that stands (its money was given back otherwise), one that was voided and one that
// the member refused.
func counterRows(at time.Time) []any {
	id := func(n int) *model.ID { v := model.ID(n); return &v }
	code := func(hash string) *model.CounterCode {
		return &model.CounterCode{CodeHash: hash, PersonID: 10, CreatedAt: at, ExpiresAt: at, UsedAt: &at, UsedBy: id(3)}
	}
	transfer := func(n int, kind, cause, debit, credit string, fen model.Fen, order int) *model.Transfer {
		return &model.Transfer{ID: model.ID(n), Kind: kind, Cause: cause, DebitAccount: debit, CreditAccount: credit, AmountFen: fen, Purse: model.PurseExtra, Year: 2025, UnionID: 1, OrderID: id(order), At: at}
	}
	order := func(n int, no string, fen, back model.Fen, status string) *model.Order {
		return &model.Order{ID: model.ID(n), OrderNo: no, PersonID: 10, MemberID: 11, UnionID: 1, ChannelID: 20, Year: 2025, Kind: "counter", Status: status, GoodsFen: fen, AllowanceFen: fen, RefundedFen: back,
			PlacedAt: at, PaidAt: &at, CompletedAt: &at, UpdatedAt: at}
	}
	later := at.Add(time.Hour) // after the submitted form
	paid, voided := order(301, "N301", 500, 500, "completed"), order(311, "N311", 700, 700, "cancelled")
	for _, o := range []*model.Order{paid, voided} {
		o.PlacedAt, o.PaidAt = later, &later
	}
	return []any{
		&model.Hall{ID: 300, ChannelID: 20, SupplierID: 21, Name: "专馆", Status: "active", CreatedAt: at, UpdatedAt: at},
		code("h1"), code("h2"), code("h3"), paid, voided,
		&model.Parcel{ID: 302, OrderID: 301, SupplierID: 21, UnionID: 1, AmountFen: 500, Status: "received", ReceivedAt: &later, ReceivedBy: "counter", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 303, OrderID: 301, ParcelID: 302, SupplierID: 21, ProductName: "荔枝", PriceFen: 500, Quantity: 1, AmountFen: 500},
		transfer(304, "spend", "order:301:18:21", "allowance:18", "supplier:21", 500, 301),
		&model.Refund{ID: 307, OrderID: 301, UnionID: 1, Kind: "cancel", AmountFen: 500, AllowanceFen: 500, RefundedAt: later},
		&model.RefundLine{ID: 308, RefundID: 307, OrderID: 301, LineID: 303, Quantity: 1, AmountFen: 500},
		transfer(309, "refund", "307:301:18:21", "supplier:21", "allowance:18", 500, 301),
		&model.Parcel{ID: 312, OrderID: 311, SupplierID: 21, UnionID: 1, AmountFen: 700, Status: "cancelled", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 313, OrderID: 311, ParcelID: 312, SupplierID: 21, ProductName: "龙眼", PriceFen: 700, Quantity: 1, AmountFen: 700},
		transfer(314, "spend", "order:311:18:21", "allowance:18", "supplier:21", 700, 311),
		&model.Refund{ID: 315, OrderID: 311, UnionID: 1, Kind: "void", AmountFen: 700, AllowanceFen: 700, RefundedAt: later},
		&model.RefundLine{ID: 316, RefundID: 315, OrderID: 311, LineID: 313, Quantity: 1, AmountFen: 700, Restocked: true},
		transfer(317, "refund", "315:311:18:21", "supplier:21", "allowance:18", 700, 311),
		&model.Redemption{ID: 305, HallID: 300, SupplierID: 21, PersonID: 10, CashierID: 3, CodeHash: "h1", Status: "paid", TotalFen: 500, OrderID: id(301), ScannedAt: at, ExpiresAt: at, PaidAt: &later, PaidOn: "2025-03-03", UpdatedAt: at},
		&model.Redemption{ID: 306, HallID: 300, SupplierID: 21, PersonID: 10, CashierID: 3, CodeHash: "h2", Status: "refused", ScannedAt: at, ExpiresAt: at, EndedAt: &at, UpdatedAt: at},
		&model.Redemption{ID: 318, HallID: 300, SupplierID: 21, PersonID: 10, CashierID: 3, CodeHash: "h3", Status: "voided", TotalFen: 700, OrderID: id(311), ScannedAt: at, ExpiresAt: at, PaidAt: &later, PaidOn: "2025-03-03",
			VoidedAt: &later, VoidedBy: id(3), VoidReason: "退回", UpdatedAt: at},
	}
}

// counterBreaches break each invariant of the counter by hand.
var counterBreaches = []breach{
	{"counter_orders", "redemption:305", "UPDATE redemptions SET total_fen = 501 WHERE id = 305"},
	{"counter_orders", "redemption:305", "UPDATE orders SET channel_id = 72 WHERE id = 301"},
	{"counter_orders", "redemption:305", "UPDATE orders SET person_id = 70 WHERE id = 301"},
	{"counter_orders", "redemption:306", "UPDATE redemptions SET order_id = 30 WHERE id = 306"},
	{"counter_orders", "order:301", "DELETE FROM redemptions WHERE id = 305"},
	{"counter_orders", "parcel:302", "UPDATE parcels SET supplier_id = 99 WHERE id = 302"},
	{"counter_voids", "redemption:305 paid cancelled", "UPDATE orders SET status = 'cancelled' WHERE id = 301"},
	{"counter_voids", "redemption:318", "DELETE FROM refunds WHERE id = 315"},
	{"counter_voids", "refund:315", "UPDATE redemptions SET status = 'paid' WHERE id = 318"},
	{"counter_voids", "redemption:318", "UPDATE redemptions SET voided_by = NULL WHERE id = 318"},
	{"counter_codes", "redemption:305", "UPDATE counter_codes SET used_at = NULL WHERE code_hash = 'h1'"},
	{"counter_codes", "redemption:305", "UPDATE counter_codes SET used_by = 4 WHERE code_hash = 'h1'"},
	{"counter_codes", "staff:3", "DELETE FROM redemptions WHERE id = 306"},
	{"counter_codes", "person:10", "UPDATE counter_codes SET live_person_id = 70 WHERE code_hash = 'h1'"},
}
