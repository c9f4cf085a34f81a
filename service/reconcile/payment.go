package reconcile

// paidIn joins a payment p with the transfer by which its money came.
const paidIn = "LEFT JOIN transfers t ON t.kind = 'pay' AND t.cause = CONCAT('payment:', p.id) AND t.debit_account = 'wechat' AND t.credit_account = CONCAT('payment:', p.id) "

// paymentInvariants are about WeChat money: what came, what it paid, what goes back.
var paymentInvariants = []invariant{
	{"payment_account", "每笔微信支付的结余等于正在退回的款项，不为负", "笔支付", "SELECT COUNT(*) FROM payments",
		"SELECT CONCAT('payment:', p.id), COALESCE(c.fen, 0) - COALESCE(d.fen, 0), COALESCE(r.fen, 0) FROM payments p " +
			"LEFT JOIN " + transfersBy("credit", "payment") + " c ON c.account = CONCAT('payment:', p.id) LEFT JOIN " + transfersBy("debit", "payment") + " d ON d.account = CONCAT('payment:', p.id) " +
			"LEFT JOIN (SELECT payment_id, SUM(amount_fen) AS fen FROM wechat_refunds WHERE status <> 'done' GROUP BY payment_id) r ON r.payment_id = p.id " +
			"WHERE COALESCE(c.fen, 0) - COALESCE(d.fen, 0) <> COALESCE(r.fen, 0) OR COALESCE(c.fen, 0) < COALESCE(d.fen, 0)"},
	{"payments", "已付的支付恰好入账一次，没有付的没有入账", "笔支付", "SELECT COUNT(*) FROM payments",
		"SELECT CONCAT('payment:', p.id, ' ', p.status), p.paid_fen, COALESCE(t.amount_fen, 0) FROM payments p " + paidIn + "WHERE p.paid_fen <> COALESCE(t.amount_fen, 0)" + union +
			"SELECT CONCAT('payment:', p.id, ' ', p.status), p.paid_fen, 0 FROM payments p WHERE (p.status = 'paid') <> (p.paid_fen > 0) OR (p.status = 'paid') <> (p.paid_at IS NOT NULL) OR (p.status = 'paid' AND p.transaction_id = '')" + union +
			"SELECT CONCAT('payment:', MIN(p.id)), COUNT(*), 1 FROM payments p WHERE p.transaction_id <> '' GROUP BY p.transaction_id HAVING COUNT(*) > 1" + union +
			"SELECT CONCAT('transfer:', t.id), 0, 1 FROM transfers t LEFT JOIN payments p ON t.cause = CONCAT('payment:', p.id) AND t.credit_account = t.cause WHERE t.kind = 'pay' AND p.id IS NULL"},
	{"payment_orders", "支付与订单的状态一致：付了款才成交，关闭了的不留款项", "个订单", "SELECT COUNT(*) FROM orders WHERE wechat_fen > 0",
		"SELECT CONCAT('order:', o.id, ' ', o.status), COALESCE(p.amount_fen, 0), o.wechat_fen FROM orders o LEFT JOIN payments p ON p.order_id = o.id WHERE o.wechat_fen <> COALESCE(p.amount_fen, 0)" + union +
			"SELECT CONCAT('order:', o.id, ' ', o.status, ' ', p.status), p.paid_fen, p.amount_fen FROM orders o JOIN payments p ON p.order_id = o.id WHERE NOT (" +
			"(o.status = 'pending' AND p.status IN ('created', 'prepaid')) OR " +
			"(o.status = 'closed' AND p.status IN ('closed', 'paid')) OR " +
			"(o.status NOT IN ('pending', 'closed') AND p.status = 'paid' AND p.paid_fen = p.amount_fen))" + union +
			"SELECT CONCAT('order:', o.id, ' closed'), COALESCE(s.fen, 0), p.paid_fen FROM orders o JOIN payments p ON p.order_id = o.id " +
			"LEFT JOIN (SELECT payment_id, SUM(amount_fen) AS fen FROM wechat_refunds WHERE refund_id IS NULL GROUP BY payment_id) s ON s.payment_id = p.id " +
			"WHERE o.status = 'closed' AND COALESCE(s.fen, 0) <> p.paid_fen" + union + dangling("payments", "payment", "order_id", "orders")},
	{"wechat_refunds", "每笔微信退款与订单的退款一致，到账恰好记一次，总数不超过所付", "笔微信退款", "SELECT COUNT(*) FROM wechat_refunds",
		"SELECT CONCAT('wechat_refund:', r.id, ' ', r.status), CASE WHEN r.status = 'done' THEN r.amount_fen ELSE 0 END, COALESCE(t.amount_fen, 0) FROM wechat_refunds r " +
			"LEFT JOIN transfers t ON t.kind = 'payback' AND t.cause = CONCAT('wechat_refund:', r.id) AND t.debit_account = CONCAT('payment:', r.payment_id) " +
			"WHERE CASE WHEN r.status = 'done' THEN r.amount_fen ELSE 0 END <> COALESCE(t.amount_fen, 0)" + union +
			"SELECT CONCAT('transfer:', t.id), t.amount_fen, 0 FROM transfers t LEFT JOIN wechat_refunds r ON r.id = " + idIn("t.cause", "wechat_refund") + " WHERE t.kind = 'payback' AND r.id IS NULL" + union +
			"SELECT CONCAT('payment:', p.id), s.fen, p.paid_fen FROM payments p JOIN (SELECT payment_id, SUM(amount_fen) AS fen FROM wechat_refunds GROUP BY payment_id) s ON s.payment_id = p.id WHERE s.fen > p.paid_fen" + union +
			"SELECT CONCAT('refund:', f.id), COALESCE(r.amount_fen, 0), f.wechat_fen FROM refunds f LEFT JOIN wechat_refunds r ON r.refund_id = f.id WHERE f.wechat_fen <> COALESCE(r.amount_fen, 0)" + union +
			dangling("wechat_refunds", "wechat_refund", "payment_id", "payments") + union + dangling("wechat_refunds", "wechat_refund", "refund_id", "refunds")},
}
