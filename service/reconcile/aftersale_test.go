package reconcile_test

import (
	"time"

	"bangfu/model"
)

// afterSaleRows are an open case about one of the two pieces of fill's order of ¥200.
func afterSaleRows(at time.Time) []any {
	return []any{
		&model.AfterSale{ID: 90, OrderID: 30, ParcelID: 31, SupplierID: 21, UnionID: 1, PersonID: 10, Kind: "refund_only", Reason: "quality", Status: "requested", AmountFen: 10000, CreatedAt: at, UpdatedAt: at},
		&model.AfterSaleLine{CaseID: 90, LineID: 32, Quantity: 1, AmountFen: 10000},
		&model.AfterSaleEvent{ID: 91, CaseID: 90, At: at, Party: "member", Actor: "person:10", Action: "open", Status: "requested"},
	}
}

var afterSaleBreaks = []breach{
	{"after_sales", "after_sale:90", "UPDATE after_sales SET status = 'refunded'"},
	{"after_sales", "after_sale:90", "UPDATE after_sales SET amount_fen = 1"},
	{"after_sales", "refund:46", "UPDATE refunds SET kind = 'after_sale'"},
	{"after_sales", "after_sale:90 line:32", "UPDATE after_sales SET status = 'refunded', refund_id = 46"},
	{"after_sales", "refund_line:48", "UPDATE after_sales SET refund_id = 46"},
	{"after_sale_pieces", "after_sale:90 cancelled", "UPDATE orders SET status = 'cancelled' WHERE id = 30"},
	{"after_sale_pieces", "after_sale:90 cancelled", "UPDATE parcels SET status = 'cancelled' WHERE id = 31"},
	{"after_sale_pieces", "line:32", "UPDATE after_sale_lines SET quantity = 3"},
	{"after_sale_pieces", "after_sale:90 line:32", "UPDATE after_sales SET parcel_id = 41"},
	{"after_sale_history", "after_sale:90 refused", "UPDATE after_sales SET status = 'refused'"},
	{"after_sale_history", "after_sale:90", "UPDATE after_sales SET status = 'closed'"},
	{"after_sale_history", "after_sale_event:91", "DELETE FROM after_sales"},
}
