package reconcile_test

import (
	"time"

	"bangfu/model"
)

// groupRows are two group purchases of union 2: one of ¥200 for two members, half of it refunded, signed by one and, after an undone
// signature, by the other; and one of ¥100 for one of them that was cancelled.
func groupRows(at time.Time) []any {
	id := func(n int) *model.ID { v := model.ID(n); return &v }
	year, extra := model.Year(2025), model.PurseExtra
	transfer := func(n int, kind, cause, debit, credit string, fen model.Fen, order *model.ID) *model.Transfer {
		return &model.Transfer{ID: model.ID(n), Kind: kind, Cause: cause, DebitAccount: debit, CreditAccount: credit, AmountFen: fen, Purse: extra, Year: year, UnionID: 2, OrderID: order, At: at}
	}
	purchase := func(n, order int, status string, receivers int, fen model.Fen) *model.GroupPurchase {
		return &model.GroupPurchase{ID: model.ID(n), UnionID: 2, FundID: 513, Purse: extra, Year: year, Selection: "roster", FilterJSON: "{}", Division: "even", Receivers: receivers, TotalFen: fen,
			Status: status, OrderID: id(order), DraftedBy: 1, DraftedAt: at, DecidedBy: id(2), DecidedAt: &at, UpdatedAt: at}
	}
	cancelled := purchase(550, 560, "cancelled", 1, 10000)
	cancelled.CancelAskedBy, cancelled.CancelAskedAt, cancelled.CancelDecidedBy, cancelled.CancelDecidedAt = id(1), &at, id(2), &at
	return []any{
		&model.Person{ID: 510, IDNumberHash: "g1", CreatedAt: at}, &model.Person{ID: 520, IDNumberHash: "g2", CreatedAt: at},
		&model.Member{ID: 511, UnionID: 2, PersonID: 510, PhoneHash: "g1", Status: "active", JoinedAt: at, CreatedAt: at, UpdatedAt: at},
		&model.Member{ID: 521, UnionID: 2, PersonID: 520, PhoneHash: "g2", Status: "active", JoinedAt: at, CreatedAt: at, UpdatedAt: at},
		&model.PersonCap{PersonID: 510, Year: year, GrantedFen: 5000}, &model.PersonCap{PersonID: 520, Year: year, GrantedFen: 5000},
		&model.Fund{ID: 513, UnionID: 2, Purse: extra, Year: year, BalanceFen: 40000, ToppedUpFen: 50000, CreatedAt: at, UpdatedAt: at},
		&model.Topup{ID: 514, FundID: 513, UnionID: 2, AmountFen: 50000, EvidenceNo: "G1", Status: "confirmed", EnteredBy: 1, EnteredAt: at, DecidedBy: id(2), DecidedAt: &at},
		transfer(515, "fund", "topup:514", "bank", "fund:513", 50000, nil),
		&model.Supplier{ID: 524, Name: "集采供应商", CreditCode: "g", Status: "active", CreatedAt: at, UpdatedAt: at},
		&model.Product{ID: 522, SupplierID: 524, RegionID: 1, Status: "on", CreatedAt: at, UpdatedAt: at},
		&model.SKU{ID: 523, ProductID: 522, PriceFen: 10000, Status: "on", CreatedAt: at, UpdatedAt: at},
		&model.Stock{SKUID: 523, OnHand: 4, UpdatedAt: at},
		&model.StockMovement{ID: 525, SKUID: 523, Kind: "receive", Cause: "g1", Quantity: 5, At: at},
		purchase(500, 530, "ordered", 2, 20000), &model.GroupLine{ID: 501, PurchaseID: 500, SKUID: 523, PriceFen: 10000, Quantity: 2},
		&model.GroupReceiver{ID: 502, PurchaseID: 500, MemberID: 511, PersonID: 510, ShareFen: 10000, ReturnedFen: 5000},
		&model.GroupReceiver{ID: 503, PurchaseID: 500, MemberID: 521, PersonID: 520, ShareFen: 10000, ReturnedFen: 5000},
		&model.GroupSignoff{ID: 504, PurchaseID: 500, ReceiverID: 502, LiveReceiverID: id(502), Method: "member", SignedBy: 510, SignedAt: at},
		&model.GroupSignoff{ID: 505, PurchaseID: 500, ReceiverID: 503, Method: "paper", SignedBy: 1, SignedAt: at, UndoneBy: id(2), UndoneAt: &at},
		&model.GroupSignoff{ID: 506, PurchaseID: 500, ReceiverID: 503, LiveReceiverID: id(503), Method: "paper", SignedBy: 1, SignedAt: at},
		&model.Order{ID: 530, OrderNo: "N530", UnionID: 2, ChannelID: 20, Year: year, Kind: "group", Status: "completed", GoodsFen: 20000, AllowanceFen: 20000, RefundedFen: 10000, PlacedAt: at, PaidAt: &at, UpdatedAt: at},
		&model.Parcel{ID: 531, OrderID: 530, SupplierID: 524, UnionID: 2, AmountFen: 20000, Status: "received", ReceivedAt: &at, CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 532, OrderID: 530, ParcelID: 531, SupplierID: 524, ProductID: 522, SKUID: 523, PriceFen: 10000, Quantity: 2, AmountFen: 20000},
		&model.StockMovement{ID: 533, SKUID: 523, Kind: "sell", Cause: "line:532", Quantity: -2, At: at},
		transfer(534, "spend", "order:530:513:524", "fund:513", "supplier:524", 20000, id(530)),
		&model.Refund{ID: 535, OrderID: 530, UnionID: 2, Kind: "cancel", AmountFen: 10000, AllowanceFen: 10000, RefundedAt: at},
		&model.RefundLine{ID: 536, RefundID: 535, OrderID: 530, LineID: 532, Quantity: 1, AmountFen: 10000, Restocked: true},
		&model.StockMovement{ID: 537, SKUID: 523, Kind: "return", Cause: "refund_line:536", Quantity: 1, At: at},
		transfer(538, "refund", "535:530:513:524", "supplier:524", "fund:513", 10000, id(530)),
		cancelled, &model.GroupLine{ID: 551, PurchaseID: 550, SKUID: 523, PriceFen: 10000, Quantity: 1},
		&model.GroupReceiver{ID: 552, PurchaseID: 550, MemberID: 511, PersonID: 510, ShareFen: 10000, ReturnedFen: 10000},
		&model.Order{ID: 560, OrderNo: "N560", UnionID: 2, ChannelID: 20, Year: year, Kind: "group", Status: "cancelled", GoodsFen: 10000, AllowanceFen: 10000, RefundedFen: 10000, PlacedAt: at, PaidAt: &at, UpdatedAt: at},
		&model.Parcel{ID: 561, OrderID: 560, SupplierID: 524, UnionID: 2, AmountFen: 10000, Status: "cancelled", CreatedAt: at, UpdatedAt: at},
		&model.OrderLine{ID: 562, OrderID: 560, ParcelID: 561, SupplierID: 524, ProductID: 522, SKUID: 523, PriceFen: 10000, Quantity: 1, AmountFen: 10000},
		&model.StockMovement{ID: 563, SKUID: 523, Kind: "sell", Cause: "line:562", Quantity: -1, At: at},
		transfer(564, "spend", "order:560:513:524", "fund:513", "supplier:524", 10000, id(560)),
		&model.Refund{ID: 565, OrderID: 560, UnionID: 2, Kind: "cancel", AmountFen: 10000, AllowanceFen: 10000, RefundedAt: at},
		&model.RefundLine{ID: 566, RefundID: 565, OrderID: 560, LineID: 562, Quantity: 1, AmountFen: 10000, Restocked: true},
		&model.StockMovement{ID: 567, SKUID: 523, Kind: "return", Cause: "refund_line:566", Quantity: 1, At: at},
		transfer(568, "refund", "565:560:513:524", "supplier:524", "fund:513", 10000, id(560)),
	}
}

var groupBreaks = []breach{
	{"group_orders", "group:500", "UPDATE group_purchases SET total_fen = 20001 WHERE id = 500"},
	{"group_orders", "group:500", "UPDATE transfers SET debit_account = 'fund:13' WHERE id = 534"},
	{"group_orders", "group:500", "UPDATE orders SET kind = 'online' WHERE id = 530"},
	{"group_orders", "order:530", "UPDATE orders SET person_id = 10 WHERE id = 530"},
	{"group_orders", "order:560", "DELETE FROM group_purchases WHERE id = 550"},
	{"group_orders", "order:30", "UPDATE orders SET person_id = 0 WHERE id = 30"},
	{"group_orders", "group:500", "UPDATE group_lines SET quantity = 3 WHERE id = 501"},
	{"group_shares", "group:500", "UPDATE group_receivers SET share_fen = 9999 WHERE id = 502"},
	{"group_shares", "group:500", "UPDATE group_receivers SET returned_fen = 4999 WHERE id = 502"},
	{"group_shares", "group:500", "UPDATE group_purchases SET receivers = 3 WHERE id = 500"},
	{"group_shares", "group_receiver:502", "UPDATE group_receivers SET returned_fen = 10001 WHERE id = 502"},
	{"group_shares", "group_receiver:503", "UPDATE group_receivers SET person_id = 510 WHERE id = 503"},
	{"group_second_person", "group:500", "UPDATE group_purchases SET decided_by = drafted_by WHERE id = 500"},
	{"group_second_person", "group:550", "UPDATE group_purchases SET cancel_decided_by = cancel_asked_by WHERE id = 550"},
	{"group_second_person", "group:500", "UPDATE group_purchases SET status = 'draft' WHERE id = 500"},
	{"group_signoffs", "group_signoff:504", "UPDATE group_signoffs SET purchase_id = 550 WHERE id = 504"},
	{"group_signoffs", "group_signoff:504", "UPDATE parcels SET received_at = NULL WHERE id = 531"},
	{"group_signoffs", "group_receiver:503", "UPDATE group_signoffs SET undone_at = NULL WHERE id = 505"},
	{"group_signoffs", "group_signoff:506", "UPDATE group_signoffs SET live_receiver_id = NULL WHERE id = 506"},
	{"group_signoffs", "group_signoff:505", "UPDATE group_signoffs SET undone_by = signed_by WHERE id = 505"},
	{"cap_rows", "person:510 2025", "UPDATE group_receivers SET returned_fen = 4999 WHERE id = 502"},
	{"cap", "person:520 2025", "UPDATE group_receivers SET share_fen = 65001 WHERE id = 503"},
	{"references", "order:560", "UPDATE orders SET kind = 'online' WHERE id = 560"},
}
