package reconcile_test

import (
	"time"

	"bangfu/model"
)

// paymentRows are an order paid through WeChat, of which a part was given back, and one that was paid after it had been closed.
func paymentRows(at time.Time) []any {
	later, order, closed, refund := at.Add(time.Hour), model.ID(100), model.ID(120), model.ID(107)
	transfer := func(n int, kind, cause, debit, credit string, fen model.Fen, order *model.ID) *model.Transfer {
		return &model.Transfer{ID: model.ID(n), Kind: kind, Cause: cause, DebitAccount: debit, CreditAccount: credit, AmountFen: fen, Year: 2025, UnionID: 1, OrderID: order, At: later}
	}
	return []any{
		&model.Supplier{ID: 99, Name: "另一家", CreditCode: "y", Status: "active", CreatedAt: at, UpdatedAt: at},
		&model.Order{ID: 100, OrderNo: "N100", PersonID: 10, MemberID: 11, UnionID: 1, ChannelID: 20, Year: 2025, Kind: "online", Status: "paid", GoodsFen: 5000, WechatFen: 5000, RefundedFen: 2000, PlacedAt: at, PayBefore: &later, PaidAt: &later, UpdatedAt: at},
		&model.Parcel{ID: 101, OrderID: 100, SupplierID: 99, UnionID: 1, AmountFen: 5000, Status: "waiting", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 102, OrderID: 100, ParcelID: 101, SupplierID: 99, ProductID: 22, PriceFen: 1000, Quantity: 5, AmountFen: 5000},
		&model.Hold{ID: 103, OrderID: 100, SupplierID: 99, UnionID: 1, Year: 2025, AmountFen: 5000, Status: "captured", CreatedAt: at, UpdatedAt: at},
		&model.Payment{ID: 104, PaymentNo: "PN100", OrderID: 100, PersonID: 10, UnionID: 1, AmountFen: 5000, Status: "paid", PayBefore: later, TransactionID: "T1", PaidFen: 5000, PaidAt: &later, CreatedAt: at, UpdatedAt: at},
		transfer(105, "pay", "payment:104", "wechat", "payment:104", 5000, &order),
		transfer(106, "spend", "order:100:payment:104:99", "payment:104", "supplier:99", 5000, &order),
		&model.Refund{ID: 107, OrderID: 100, UnionID: 1, Kind: "cancel", AmountFen: 2000, WechatFen: 2000, RefundedAt: later},
		&model.RefundLine{ID: 108, RefundID: 107, OrderID: 100, LineID: 102, Quantity: 2, AmountFen: 2000},
		transfer(109, "refund", "107:order:100:payment:104:99", "supplier:99", "payment:104", 2000, &order),
		&model.WechatRefund{ID: 110, RefundNo: "R107", PaymentID: 104, RefundID: &refund, UnionID: 1, AmountFen: 2000, Status: "done", DoneAt: &later, CreatedAt: later, UpdatedAt: later},
		transfer(111, "payback", "wechat_refund:110", "payment:104", "wechat", 2000, &order),
		&model.Order{ID: 120, OrderNo: "N120", PersonID: 10, MemberID: 11, UnionID: 1, ChannelID: 20, Year: 2025, Kind: "online", Status: "closed", GoodsFen: 3000, WechatFen: 3000, PlacedAt: at, PayBefore: &later, CancelledAt: &later, UpdatedAt: at},
		&model.Parcel{ID: 121, OrderID: 120, SupplierID: 99, UnionID: 1, AmountFen: 3000, Status: "cancelled", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 122, OrderID: 120, ParcelID: 121, SupplierID: 99, ProductID: 22, PriceFen: 3000, Quantity: 1, AmountFen: 3000},
		&model.Hold{ID: 123, OrderID: 120, SupplierID: 99, UnionID: 1, Year: 2025, AmountFen: 3000, Status: "released", CreatedAt: at, UpdatedAt: at},
		&model.Payment{ID: 124, PaymentNo: "PN120", OrderID: 120, PersonID: 10, UnionID: 1, AmountFen: 3000, Status: "paid", PayBefore: later, TransactionID: "T2", PaidFen: 3000, PaidAt: &later, Problem: "迟到", CreatedAt: at, UpdatedAt: at},
		transfer(125, "pay", "payment:124", "wechat", "payment:124", 3000, &closed),
		&model.WechatRefund{ID: 126, RefundNo: "R126", PaymentID: 124, UnionID: 1, AmountFen: 3000, Status: "waiting", CreatedAt: later, UpdatedAt: later},
	}
}

var paymentBreaks = []breach{
	{"payment_account", "payment:104", "DELETE FROM transfers WHERE id = 111"},
	{"payment_account", "payment:124", "UPDATE wechat_refunds SET amount_fen = 2999 WHERE id = 126"},
	{"payment_account", "payment:104", "UPDATE transfers SET amount_fen = 8000 WHERE id = 111"},
	{"payments", "payment:104 paid", "DELETE FROM transfers WHERE id = 105"},
	{"payments", "payment:124 closed", "UPDATE payments SET status = 'closed' WHERE id = 124"},
	{"payments", "payment:104", "UPDATE payments SET transaction_id = 'T1'"},
	{"payments", "transfer:125", "UPDATE transfers SET cause = 'payment:999' WHERE id = 125"},
	{"payment_orders", "order:100 paid", "DELETE FROM payments WHERE id = 104"},
	{"payment_orders", "order:100 paid prepaid", "UPDATE payments SET status = 'prepaid' WHERE id = 104"},
	{"payment_orders", "order:120 pending paid", "UPDATE orders SET status = 'pending' WHERE id = 120"},
	{"payment_orders", "order:120 closed", "DELETE FROM wechat_refunds WHERE id = 126"},
	{"payment_orders", "payment:124", "UPDATE payments SET order_id = 999 WHERE id = 124"},
	{"wechat_refunds", "wechat_refund:110 failed", "UPDATE wechat_refunds SET status = 'failed' WHERE id = 110"},
	{"wechat_refunds", "wechat_refund:126 done", "UPDATE wechat_refunds SET status = 'done' WHERE id = 126"},
	{"wechat_refunds", "payment:124", "UPDATE wechat_refunds SET amount_fen = 3001 WHERE id = 126"},
	{"wechat_refunds", "refund:107", "DELETE FROM wechat_refunds WHERE id = 110"},
	{"wechat_refunds", "transfer:111", "UPDATE transfers SET cause = 'wechat_refund:999' WHERE id = 111"},
}
