package reconcile

// counterInvariants are about sales at halls.
var counterInvariants = []invariant{
	{"counter_orders", "每笔已付款的到馆核销恰有一个柜台订单，金额、会员、渠道、供应商一致；没有核销就没有柜台订单", "笔核销", "SELECT COUNT(*) FROM redemptions WHERE order_id IS NOT NULL",
		"SELECT CONCAT('redemption:', r.id), COALESCE(o.goods_fen, 0), r.total_fen FROM redemptions r LEFT JOIN orders o ON o.id = r.order_id AND o.kind = 'counter' AND o.person_id = r.person_id " +
			"LEFT JOIN halls h ON h.id = r.hall_id AND h.channel_id = o.channel_id AND h.supplier_id = r.supplier_id " +
			"WHERE r.status IN ('paid', 'voided') AND (o.id IS NULL OR h.id IS NULL OR o.goods_fen <> r.total_fen OR o.wechat_fen <> 0 OR r.paid_at IS NULL OR o.paid_at <> r.paid_at)" + union +
			"SELECT CONCAT('redemption:', id), order_id, 0 FROM redemptions WHERE status NOT IN ('paid', 'voided') AND order_id IS NOT NULL" + union +
			"SELECT CONCAT('order:', o.id), COUNT(r.id), 1 FROM orders o LEFT JOIN redemptions r ON r.order_id = o.id WHERE o.kind = 'counter' GROUP BY o.id HAVING COUNT(r.id) <> 1" + union +
			"SELECT CONCAT('parcel:', p.id), p.supplier_id, r.supplier_id FROM redemptions r JOIN parcels p ON p.order_id = r.order_id WHERE p.supplier_id <> r.supplier_id"},
	{"counter_voids", "撤销的核销与取消的柜台订单一一对应，各有一笔撤销退款", "笔撤销", "SELECT COUNT(*) FROM redemptions WHERE status = 'voided'",
		"SELECT CONCAT('redemption:', r.id, ' ', r.status, ' ', o.status), o.refunded_fen, o.goods_fen FROM redemptions r JOIN orders o ON o.id = r.order_id " +
			"WHERE (r.status = 'voided') <> (o.status = 'cancelled')" + union +
			"SELECT CONCAT('redemption:', r.id), COUNT(f.id), 1 FROM redemptions r LEFT JOIN refunds f ON f.order_id = r.order_id AND f.kind = 'void' WHERE r.status = 'voided' GROUP BY r.id HAVING COUNT(f.id) <> 1" + union +
			"SELECT CONCAT('refund:', f.id), f.amount_fen, 0 FROM refunds f LEFT JOIN redemptions r ON r.order_id = f.order_id AND r.status = 'voided' WHERE f.kind = 'void' AND r.id IS NULL" + union +
			"SELECT CONCAT('redemption:', id), 0, 1 FROM redemptions WHERE status = 'voided' AND (voided_at IS NULL OR voided_by IS NULL OR void_reason = '' OR voided_at < paid_at)"},
	{"counter_codes", "每个用过的消费码恰好对应一笔核销，由同一收银员扫描", "个消费码", "SELECT COUNT(*) FROM counter_codes",
		"SELECT CONCAT('redemption:', r.id), r.person_id, c.person_id FROM redemptions r JOIN counter_codes c ON c.code_hash = r.code_hash " +
			"WHERE c.used_at IS NULL OR c.live_person_id IS NOT NULL OR c.used_by IS NULL OR c.used_by <> r.cashier_id OR c.person_id <> r.person_id" + union +
			"SELECT CONCAT('staff:', c.used_by), 0, 1 FROM counter_codes c LEFT JOIN redemptions r ON r.code_hash = c.code_hash WHERE c.used_at IS NOT NULL AND r.id IS NULL" + union +
			"SELECT CONCAT('person:', person_id), live_person_id, person_id FROM counter_codes WHERE live_person_id <> person_id"},
}
