package reconcile

// groupInvariants are about unions that buy for many members. That shares of the extra purse count under each person's cap is part of
// cap_rows and cap.
var groupInvariants = []invariant{
	{"group_orders", "集体采购与其订单一一对应，由经费全额支付，没有个人", "次集体采购", "SELECT COUNT(*) FROM group_purchases",
		"SELECT CONCAT('group:', g.id), COALESCE(o.goods_fen, 0), g.total_fen FROM group_purchases g LEFT JOIN orders o ON o.id = g.order_id AND o.kind = 'group' AND o.union_id = g.union_id AND o.year = g.year " +
			"WHERE g.order_id IS NOT NULL AND (o.id IS NULL OR o.goods_fen <> g.total_fen)" + union +
			"SELECT CONCAT('group:', g.id), COALESCE(SUM(t.amount_fen), 0), g.total_fen FROM group_purchases g LEFT JOIN transfers t ON t.kind = 'spend' AND t.order_id = g.order_id AND t.debit_account = CONCAT('fund:', g.fund_id) " +
			"WHERE g.order_id IS NOT NULL GROUP BY g.id, g.total_fen HAVING COALESCE(SUM(t.amount_fen), 0) <> g.total_fen" + union +
			"SELECT CONCAT('order:', o.id), o.person_id + o.member_id, COUNT(g.id) FROM orders o LEFT JOIN group_purchases g ON g.order_id = o.id WHERE o.kind = 'group' " +
			"GROUP BY o.id, o.person_id, o.member_id HAVING COUNT(g.id) <> 1 OR o.person_id + o.member_id <> 0" + union +
			"SELECT CONCAT('order:', id), 0, 1 FROM orders WHERE kind <> 'group' AND person_id = 0" + union +
			"SELECT CONCAT('group:', g.id), COALESCE(s.fen, 0), g.total_fen FROM group_purchases g LEFT JOIN (SELECT purchase_id, SUM(price_fen * quantity) AS fen FROM group_lines GROUP BY purchase_id) s ON s.purchase_id = g.id " +
			"WHERE COALESCE(s.fen, 0) <> g.total_fen"},
	{"group_shares", "集体采购的分摊之和等于合计，退回的分摊之和等于退款", "人", "SELECT COUNT(*) FROM group_receivers",
		"SELECT CONCAT('group:', g.id), COALESCE(s.fen, 0), g.total_fen FROM group_purchases g LEFT JOIN (SELECT purchase_id, SUM(share_fen) AS fen, COUNT(*) AS n FROM group_receivers GROUP BY purchase_id) s ON s.purchase_id = g.id " +
			"WHERE COALESCE(s.fen, 0) <> g.total_fen OR COALESCE(s.n, 0) <> g.receivers" + union +
			"SELECT CONCAT('group:', g.id), COALESCE(s.fen, 0), COALESCE(o.refunded_fen, 0) FROM group_purchases g LEFT JOIN orders o ON o.id = g.order_id " +
			"LEFT JOIN (SELECT purchase_id, SUM(returned_fen) AS fen FROM group_receivers GROUP BY purchase_id) s ON s.purchase_id = g.id WHERE COALESCE(s.fen, 0) <> COALESCE(o.refunded_fen, 0)" + union +
			"SELECT CONCAT('group_receiver:', id), returned_fen, share_fen FROM group_receivers WHERE share_fen <= 0 OR returned_fen < 0 OR returned_fen > share_fen" + union +
			"SELECT CONCAT('group_receiver:', r.id), r.person_id, COALESCE(m.person_id, 0) FROM group_receivers r LEFT JOIN group_purchases g ON g.id = r.purchase_id " +
			"LEFT JOIN members m ON m.id = r.member_id AND m.union_id = g.union_id WHERE m.id IS NULL OR m.person_id <> r.person_id"},
	{"group_second_person", "集体采购的下单与取消都由第二个人审批", "次集体采购", "SELECT COUNT(*) FROM group_purchases WHERE order_id IS NOT NULL",
		"SELECT CONCAT('group:', id), drafted_by, COALESCE(decided_by, 0) FROM group_purchases WHERE order_id IS NOT NULL AND (decided_by IS NULL OR decided_by = drafted_by)" + union +
			"SELECT CONCAT('group:', id), cancel_asked_by, COALESCE(cancel_decided_by, 0) FROM group_purchases WHERE order_id IS NOT NULL AND status = 'cancelled' AND " +
			"(cancel_asked_by IS NULL OR cancel_decided_by IS NULL OR cancel_decided_by = cancel_asked_by)" + union +
			"SELECT CONCAT('group:', id), CASE WHEN order_id IS NULL THEN 0 ELSE 1 END, 0 FROM group_purchases " +
			"WHERE (order_id IS NULL AND status = 'ordered') OR (order_id IS NOT NULL AND status NOT IN ('ordered', 'cancelled'))"},
	{"group_signoffs", "签收的都是名单上的会员，收到包裹之后签收，每人同时只有一次，撤销由另一个人", "次签收", "SELECT COUNT(*) FROM group_signoffs",
		"SELECT CONCAT('group_signoff:', s.id), s.purchase_id, COALESCE(r.purchase_id, 0) FROM group_signoffs s LEFT JOIN group_receivers r ON r.id = s.receiver_id WHERE r.id IS NULL OR r.purchase_id <> s.purchase_id" + union +
			"SELECT CONCAT('group_signoff:', s.id), 0, 1 FROM group_signoffs s JOIN group_purchases g ON g.id = s.purchase_id " +
			"WHERE NOT EXISTS (SELECT 1 FROM parcels p WHERE p.order_id = g.order_id AND p.received_at <= s.signed_at)" + union +
			"SELECT CONCAT('group_receiver:', receiver_id), COUNT(*), 1 FROM group_signoffs WHERE undone_at IS NULL GROUP BY receiver_id HAVING COUNT(*) > 1" + union +
			"SELECT CONCAT('group_signoff:', id), COALESCE(live_receiver_id, 0), CASE WHEN undone_at IS NULL THEN receiver_id ELSE 0 END FROM group_signoffs " +
			"WHERE COALESCE(live_receiver_id, 0) <> CASE WHEN undone_at IS NULL THEN receiver_id ELSE 0 END" + union +
			"SELECT CONCAT('group_signoff:', id), signed_by, COALESCE(undone_by, 0) FROM group_signoffs WHERE undone_at IS NOT NULL AND (undone_by IS NULL OR undone_at < signed_at OR method = 'paper' AND undone_by = signed_by)"},
}
