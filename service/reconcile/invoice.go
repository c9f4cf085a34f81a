package reconcile

// invoiceInvariants hold the invoices that suppliers uploaded.
var invoiceInvariants = []invariant{
	{"invoice_amounts", "开票申请的金额等于其订单之和与发票金额，冲红不超过发票", "个开票申请", "SELECT COUNT(*) FROM invoice_requests",
		"SELECT CONCAT('invoice_request:', r.id), r.amount_fen, COALESCE(s.fen, 0) FROM invoice_requests r LEFT JOIN (SELECT request_id, SUM(amount_fen) AS fen FROM invoice_request_orders GROUP BY request_id) s " +
			"ON s.request_id = r.id WHERE r.amount_fen <> COALESCE(s.fen, 0)" + union +
			"SELECT CONCAT('invoice_request:', r.id), CASE WHEN r.status IN ('issued', 'voided') THEN r.amount_fen ELSE 0 END, COALESCE(s.fen, 0) FROM invoice_requests r LEFT JOIN (" + invoiceSums + ") s ON s.request_id = r.id " +
			"WHERE CASE WHEN r.status IN ('issued', 'voided') THEN r.amount_fen ELSE 0 END <> COALESCE(s.fen, 0) OR COALESCE(s.n, 0) > 1" + union +
			"SELECT CONCAT('invoice_request:', r.id), r.red_fen, COALESCE(s.red, 0) FROM invoice_requests r LEFT JOIN (" + invoiceSums + ") s ON s.request_id = r.id " +
			"WHERE r.red_fen <> COALESCE(s.red, 0) OR r.red_fen > r.amount_fen OR (r.status = 'voided') <> (r.red_fen = r.amount_fen)"},
	{"invoices_once", "同一订单、同一供应商只有一个有效的开票申请；发票不重复用作其他渠道的采购", "张发票", "SELECT COUNT(*) FROM invoices",
		"SELECT CONCAT('invoice_request:', r.id), COALESCE(o.live_order_id, 0), CASE WHEN r.status IN ('requested', 'issued') THEN o.order_id ELSE 0 END FROM invoice_request_orders o JOIN invoice_requests r ON r.id = o.request_id " +
			"WHERE o.supplier_id <> r.supplier_id OR COALESCE(o.live_order_id, 0) <> CASE WHEN r.status IN ('requested', 'issued') THEN o.order_id ELSE 0 END" + union +
			"SELECT CONCAT('invoice:', i.id), c.id, 0 FROM invoices i JOIN claims c ON c.live_invoice = i.number_key" + union +
			"SELECT CONCAT('invoice:', i.id), i.request_id, 0 FROM invoices i LEFT JOIN invoice_requests r ON r.id = i.request_id WHERE r.id IS NULL"},
}

// invoiceSums are the invoices of each request: how many and how much, and how much is taken back.
const invoiceSums = "SELECT request_id, SUM(CASE WHEN kind = 'normal' THEN 1 ELSE 0 END) AS n, SUM(CASE WHEN kind = 'normal' THEN amount_fen ELSE 0 END) AS fen, " +
	"SUM(CASE WHEN kind = 'red' THEN amount_fen ELSE 0 END) AS red FROM invoices GROUP BY request_id"
