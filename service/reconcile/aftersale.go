package reconcile

// openCases are the states of after-sales cases that are not over (model.OpenAfterSale).
const openCases = "('requested', 'refused', 'agreed', 'returning', 'escalated')"

// afterSaleInvariants hold cases to the refunds that they end in, to the orders that they are about, and to their history.
var afterSaleInvariants = []invariant{
	{"after_sales", "已退款的售后申请恰有一笔同样件数与金额的退款，售后退款都有申请", "个申请", "SELECT COUNT(*) FROM after_sales",
		"SELECT CONCAT('after_sale:', c.id), CASE WHEN c.status = 'refunded' THEN c.amount_fen ELSE 0 END, COALESCE(r.amount_fen, 0) FROM after_sales c " +
			"LEFT JOIN refunds r ON r.id = c.refund_id AND r.kind = 'after_sale' AND r.order_id = c.order_id WHERE CASE WHEN c.status = 'refunded' THEN c.amount_fen ELSE 0 END <> COALESCE(r.amount_fen, 0)" + union +
			"SELECT CONCAT('refund:', r.id), r.amount_fen, 0 FROM refunds r LEFT JOIN after_sales c ON c.refund_id = r.id WHERE r.kind = 'after_sale' AND c.id IS NULL" + union +
			"SELECT CONCAT('after_sale:', c.id, ' line:', l.line_id), COALESCE(x.quantity, 0), l.quantity FROM after_sales c JOIN after_sale_lines l ON l.case_id = c.id " +
			"LEFT JOIN refund_lines x ON x.refund_id = c.refund_id AND x.line_id = l.line_id WHERE c.status = 'refunded' AND COALESCE(x.quantity, 0) <> l.quantity" + union +
			"SELECT CONCAT('refund_line:', x.id), x.quantity, 0 FROM refund_lines x JOIN after_sales c ON c.refund_id = x.refund_id " +
			"LEFT JOIN after_sale_lines l ON l.case_id = c.id AND l.line_id = x.line_id WHERE l.case_id IS NULL" + union +
			"SELECT CONCAT('after_sale:', c.id), c.amount_fen, COALESCE(s.fen, 0) FROM after_sales c LEFT JOIN (SELECT case_id, SUM(amount_fen) AS fen FROM after_sale_lines GROUP BY case_id) s ON s.case_id = c.id " +
			"WHERE c.amount_fen <> COALESCE(s.fen, 0)"},
	{"after_sale_pieces", "处理中的售后申请只在已付款的订单上，件数不超过还没退的", "条申请明细", "SELECT COUNT(*) FROM after_sale_lines",
		"SELECT CONCAT('after_sale:', c.id, ' ', o.status), 1, 0 FROM after_sales c JOIN orders o ON o.id = c.order_id WHERE c.status IN " + openCases + " AND o.status NOT IN ('paid', 'shipped', 'completed')" + union +
			"SELECT CONCAT('after_sale:', c.id, ' ', p.status), 1, 0 FROM after_sales c JOIN parcels p ON p.id = c.parcel_id WHERE c.status IN " + openCases + " AND p.status = 'cancelled'" + union +
			"SELECT CONCAT('line:', l.id), a.n + COALESCE(b.n, 0), l.quantity FROM (SELECT x.line_id, SUM(x.quantity) AS n FROM after_sale_lines x JOIN after_sales c ON c.id = x.case_id WHERE c.status IN " + openCases +
			" GROUP BY x.line_id) a JOIN order_lines l ON l.id = a.line_id LEFT JOIN (SELECT line_id, SUM(quantity) AS n FROM refund_lines GROUP BY line_id) b ON b.line_id = l.id WHERE a.n + COALESCE(b.n, 0) > l.quantity" + union +
			"SELECT CONCAT('after_sale:', x.case_id, ' line:', x.line_id), x.amount_fen, COALESCE(l.price_fen * x.quantity, 0) FROM after_sale_lines x LEFT JOIN after_sales c ON c.id = x.case_id " +
			"LEFT JOIN order_lines l ON l.id = x.line_id AND l.parcel_id = c.parcel_id AND l.order_id = c.order_id AND l.supplier_id = c.supplier_id WHERE l.id IS NULL OR x.amount_fen <> l.price_fen * x.quantity"},
	{"after_sale_history", "售后申请的状态都有处理记录，结束的都有结束时间", "条处理记录", "SELECT COUNT(*) FROM after_sale_events",
		"SELECT CONCAT('after_sale:', c.id, ' ', c.status), 0, 1 FROM after_sales c WHERE NOT EXISTS (SELECT 1 FROM after_sale_events e WHERE e.case_id = c.id AND e.status = c.status)" + union +
			"SELECT CONCAT('after_sale:', c.id), CASE WHEN c.ended_at IS NULL THEN 0 ELSE 1 END, CASE WHEN c.status IN " + openCases + " THEN 0 ELSE 1 END FROM after_sales c " +
			"WHERE CASE WHEN c.ended_at IS NULL THEN 0 ELSE 1 END <> CASE WHEN c.status IN " + openCases + " THEN 0 ELSE 1 END" + union +
			dangling("after_sale_events", "after_sale_event", "case_id", "after_sales")},
}
