package reconcile_test

import (
	"time"

	"bangfu/model"
)

// invoiceRows are an issued invoice for the order of ¥200 of fill, ¥50 of it taken back.
func invoiceRows(at time.Time) []any {
	id := func(n int) *model.ID { v := model.ID(n); return &v }
	return []any{
		&model.InvoiceRequest{ID: 90, SupplierID: 21, UnionID: 1, PersonID: 10, TitleKind: "personal", Title: "张三", AmountFen: 20000, RedFen: 5000, Status: "issued", RequestedBy: "person:10", RequestedAt: at, UpdatedAt: at},
		&model.InvoiceRequestOrder{RequestID: 90, OrderID: 30, SupplierID: 21, LiveOrderID: id(30), AmountFen: 20000},
		&model.Invoice{ID: 91, RequestID: 90, Kind: "normal", InvoiceNo: "25999000000000000001", NumberKey: "25999000000000000001", IssuedOn: "2025-03-03", AmountFen: 20000, FileID: 1, UploadedBy: 3, UploadedAt: at},
		&model.Invoice{ID: 92, RequestID: 90, Kind: "red", InvoiceNo: "25999000000000000002", NumberKey: "25999000000000000002", IssuedOn: "2025-03-03", AmountFen: 5000, FileID: 2, UploadedBy: 3, UploadedAt: at},
	}
}

var invoiceBreaks = []breach{
	{"invoice_amounts", "invoice_request:90", "UPDATE invoice_requests SET amount_fen = 19999"},
	{"invoice_amounts", "invoice_request:90", "UPDATE invoices SET amount_fen = 19999 WHERE id = 91"},
	{"invoice_amounts", "invoice_request:90", "UPDATE invoices SET amount_fen = 4999 WHERE id = 92"},
	{"invoice_amounts", "invoice_request:90", "UPDATE invoice_requests SET status = 'voided'"},
	{"invoices_once", "invoice_request:90", "UPDATE invoice_request_orders SET live_order_id = NULL"},
	{"invoices_once", "invoice:91", "UPDATE claims SET live_invoice = '25999000000000000001'"},
	{"invoices_once", "invoice:91", "UPDATE invoices SET request_id = 999"},
}
