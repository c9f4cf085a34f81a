package reconcile

import "strconv"

// idIn is the id behind a prefix in a text column ("allowance:12"), as a number, so that the primary key finds it.
func idIn(column, prefix string) string {
	return "CAST(SUBSTR(" + column + ", " + strconv.Itoa(len(prefix)+2) + ") AS SIGNED)"
}

// sum of a table's transfers by account, for joining: kind is the account's kind, side credit or debit.
func transfersBy(side, kind string) string {
	return "(SELECT " + side + "_account AS account, SUM(amount_fen) AS fen FROM transfers WHERE " + side + "_account LIKE '" + kind + ":%' GROUP BY " + side + "_account)"
}

// balanced finds rows of a table whose balance is not the sum of their transfers.
func balanced(table, kind, have string) string {
	return "SELECT CONCAT('" + kind + ":', t.id), " + have + ", COALESCE(c.fen, 0) - COALESCE(d.fen, 0) FROM " + table + " t " +
		"LEFT JOIN " + transfersBy("credit", kind) + " c ON c.account = CONCAT('" + kind + ":', t.id) " +
		"LEFT JOIN " + transfersBy("debit", kind) + " d ON d.account = CONCAT('" + kind + ":', t.id) " +
		"WHERE " + have + " <> COALESCE(c.fen, 0) - COALESCE(d.fen, 0)"
}

// stray finds transfers that name an account which does not exist.
func stray(side, table, kind string) string {
	return "SELECT CONCAT('transfer:', t.id), 0, 1 FROM transfers t LEFT JOIN " + table + " x ON x.id = " + idIn("t."+side+"_account", kind) + " " +
		"WHERE t." + side + "_account LIKE '" + kind + ":%' AND x.id IS NULL"
}

// untrue finds transfers whose purse, year or union is not that of the account they move.
func untrue(side, table, kind string) string {
	return "SELECT CONCAT('transfer:', t.id), t.year, x.year FROM transfers t JOIN " + table + " x ON x.id = " + idIn("t."+side+"_account", kind) +
		" WHERE t." + side + "_account LIKE '" + kind + ":%' AND (t.purse <> x.purse OR t.year <> x.year OR t.union_id <> x.union_id)"
}

// dangling finds rows of a table whose reference points at nothing.
func dangling(table, ref, column, target string) string {
	return "SELECT CONCAT('" + ref + ":', x.id), COALESCE(x." + column + ", 0), 0 FROM " + table + " x LEFT JOIN " + target + " y ON y.id = x." + column +
		" WHERE x." + column + " IS NOT NULL AND y.id IS NULL"
}

// perOrder joins orders with a sum over another table.
func perOrder(have, sumOf, where string) string {
	return "SELECT CONCAT('order:', o.id), " + have + ", COALESCE(s.fen, 0) FROM orders o LEFT JOIN (" + sumOf + ") s ON s.order_id = o.id WHERE " +
		have + " <> COALESCE(s.fen, 0)" + where
}

// refundedTo compares a part of all refunds of an order with its transfers to WeChat payments (LIKE) or elsewhere (NOT LIKE).
func refundedTo(part, like string) string {
	return "SELECT CONCAT('order:', x.order_id), x.fen, COALESCE(t.fen, 0) FROM (SELECT r.order_id, SUM(" + part + ") AS fen FROM refunds r GROUP BY r.order_id) x " +
		"LEFT JOIN (SELECT order_id, SUM(amount_fen) AS fen FROM transfers WHERE kind = 'refund' AND credit_account " + like + " 'payment:%' GROUP BY order_id) t ON t.order_id = x.order_id WHERE x.fen <> COALESCE(t.fen, 0)"
}

const union = " UNION ALL "

// invariants are all that can be said in one SQL statement each. Every statement runs on every engine.
var invariants = []invariant{
	{"fund_balance", "经费账户余额等于其流水之和", "个经费账户", "SELECT COUNT(*) FROM funds", balanced("funds", "fund", "t.balance_fen")},
	{"fund_topped_up", "经费账户的累计入账等于其入账流水之和", "个经费账户", "SELECT COUNT(*) FROM funds",
		"SELECT CONCAT('fund:', f.id), f.topped_up_fen, COALESCE(t.fen, 0) FROM funds f " +
			"LEFT JOIN (SELECT credit_account AS account, SUM(amount_fen) AS fen FROM transfers WHERE kind = 'fund' GROUP BY credit_account) t ON t.account = CONCAT('fund:', f.id) " +
			"WHERE f.topped_up_fen <> COALESCE(t.fen, 0)"},
	{"allowance_balance", "额度余额（含冻结）等于其流水之和", "个额度", "SELECT COUNT(*) FROM allowances", balanced("allowances", "allowance", "t.balance_fen + t.held_fen")},
	{"no_negative", "余额、冻结与库存不为负", "个账户与库存", "SELECT (SELECT COUNT(*) FROM funds) + (SELECT COUNT(*) FROM allowances) + (SELECT COUNT(*) FROM stocks)",
		"SELECT CONCAT('fund:', id), balance_fen, 0 FROM funds WHERE balance_fen < 0" + union +
			"SELECT CONCAT('allowance:', id), balance_fen, 0 FROM allowances WHERE balance_fen < 0" + union +
			"SELECT CONCAT('allowance:', id), held_fen, 0 FROM allowances WHERE held_fen < 0" + union +
			"SELECT CONCAT('sku:', sku_id), on_hand, 0 FROM stocks WHERE on_hand < 0"},
	{"transfer_shape", "每笔流水金额为正，且借贷账户与其种类相符", "笔流水", "SELECT COUNT(*) FROM transfers",
		"SELECT CONCAT('transfer:', id), amount_fen, 0 FROM transfers WHERE amount_fen <= 0 OR NOT (" +
			"(kind = 'fund' AND debit_account = 'bank' AND credit_account LIKE 'fund:%') OR " +
			"(kind = 'grant' AND debit_account LIKE 'fund:%' AND credit_account LIKE 'allowance:%') OR " +
			"(kind = 'spend' AND (debit_account LIKE 'allowance:%' OR debit_account LIKE 'payment:%' OR debit_account LIKE 'fund:%') AND credit_account LIKE 'supplier:%') OR " +
			"(kind = 'refund' AND debit_account LIKE 'supplier:%' AND (credit_account LIKE 'allowance:%' OR credit_account LIKE 'fund:%' OR credit_account LIKE 'payment:%')) OR " +
			"(kind = 'pay' AND debit_account = 'wechat' AND credit_account LIKE 'payment:%') OR " +
			"(kind = 'payback' AND debit_account LIKE 'payment:%' AND credit_account = 'wechat') OR " +
			"(kind = 'settle' AND debit_account LIKE 'supplier:%' AND credit_account = 'bank') OR " +
			"(kind IN ('revoke', 'sweep') AND debit_account LIKE 'allowance:%' AND credit_account LIKE 'fund:%'))"},
	{"transfer_accounts", "每笔流水的账户都存在", "笔流水", "SELECT COUNT(*) FROM transfers",
		stray("debit", "funds", "fund") + union + stray("credit", "funds", "fund") + union + stray("debit", "allowances", "allowance") + union +
			stray("credit", "allowances", "allowance") + union + stray("debit", "suppliers", "supplier") + union + stray("credit", "suppliers", "supplier") + union +
			stray("debit", "payments", "payment") + union + stray("credit", "payments", "payment")},
	{"purse_and_year", "钱不换用途、年度与工会：流水与其额度、经费一致", "笔流水", "SELECT COUNT(*) FROM transfers",
		untrue("debit", "allowances", "allowance") + union + untrue("credit", "allowances", "allowance") + union +
			untrue("debit", "funds", "fund") + union + untrue("credit", "funds", "fund")},
	{"cap_rows", "每人每年累计数等于其发放减收回、减退回经费，加采购登记与集体采购的分摊", "人年", "SELECT COUNT(*) FROM person_caps",
		"SELECT CONCAT('person:', k.person_id, ' ', k.year), k.granted_fen, COALESCE(s.fen, 0) FROM person_caps k LEFT JOIN (" + capSums + ") s ON s.person_id = k.person_id AND s.year = k.year " +
			"WHERE k.granted_fen <> COALESCE(s.fen, 0)" + union +
			"SELECT CONCAT('person:', s.person_id, ' ', s.year), 0, s.fen FROM (" + capSums + ") s LEFT JOIN person_caps k ON s.person_id = k.person_id AND s.year = k.year WHERE k.person_id IS NULL AND s.fen <> 0"},
	{"cap", "没有人超过当年政策上限", "人年", "SELECT COUNT(*) FROM person_caps",
		"SELECT CONCAT('person:', s.person_id, ' ', s.year), s.fen, COALESCE(p.cap_fen, 0) FROM (" + capSums + ") s LEFT JOIN policies p ON p.year = s.year WHERE s.fen > COALESCE(p.cap_fen, 0)"},
	{"topups", "已确认的入账与经费流水一一对应", "笔入账", "SELECT COUNT(*) FROM topups",
		"SELECT CONCAT('topup:', x.id), CASE WHEN x.status = 'confirmed' THEN x.amount_fen ELSE 0 END, COALESCE(t.amount_fen, 0) FROM topups x " +
			"LEFT JOIN transfers t ON t.kind = 'fund' AND t.cause = CONCAT('topup:', x.id) AND t.credit_account = CONCAT('fund:', x.fund_id) " +
			"WHERE CASE WHEN x.status = 'confirmed' THEN x.amount_fen ELSE 0 END <> COALESCE(t.amount_fen, 0)" + union +
			"SELECT CONCAT('transfer:', t.id), t.amount_fen, 0 FROM transfers t LEFT JOIN topups x ON x.id = " + idIn("t.cause", "topup") + " WHERE t.kind = 'fund' AND x.id IS NULL"},
	{"second_person", "入账与发放都由第二个人审批", "笔入账与发放", "SELECT (SELECT COUNT(*) FROM topups) + (SELECT COUNT(*) FROM grants)",
		"SELECT CONCAT('topup:', id), entered_by, decided_by FROM topups WHERE status = 'confirmed' AND (decided_by IS NULL OR decided_by = entered_by)" + union +
			"SELECT CONCAT('grant:', id), created_by, decided_by FROM grants WHERE status IN ('approved', 'issuing', 'issued') AND (decided_by IS NULL OR decided_by = created_by)"},
	{"grant_items", "每条发放明细与流水一致", "条明细", "SELECT COUNT(*) FROM grant_items",
		"SELECT CONCAT('grant_item:', i.id), i.issued_fen, COALESCE(t.amount_fen, 0) FROM grant_items i LEFT JOIN transfers t ON t.kind = 'grant' AND t.cause = CONCAT('grant_item:', i.id) " +
			"WHERE i.issued_fen <> COALESCE(t.amount_fen, 0)" + union +
			"SELECT CONCAT('transfer:', t.id), t.amount_fen, 0 FROM transfers t LEFT JOIN grant_items i ON i.id = " + idIn("t.cause", "grant_item") + " WHERE t.kind = 'grant' AND i.id IS NULL"},
	{"grant_totals", "发放批次的合计等于其明细", "个批次", "SELECT COUNT(*) FROM grants",
		"SELECT CONCAT('grant:', g.id), g.issued_fen, COALESCE(s.fen, 0) FROM grants g LEFT JOIN (SELECT grant_id, SUM(issued_fen) AS fen FROM grant_items GROUP BY grant_id) s ON s.grant_id = g.id " +
			"WHERE g.issued_fen <> COALESCE(s.fen, 0)" + union +
			"SELECT CONCAT('grant:', g.id), g.done_items, COALESCE(s.n, 0) FROM grants g LEFT JOIN (SELECT grant_id, COUNT(*) AS n FROM grant_items WHERE status <> 'pending' GROUP BY grant_id) s ON s.grant_id = g.id " +
			"WHERE g.done_items <> COALESCE(s.n, 0)"},
	{"ended_allowances", "已收回或已到期的额度余额为零", "个额度", "SELECT COUNT(*) FROM allowances WHERE status <> 'active'",
		"SELECT CONCAT('allowance:', id), balance_fen, 0 FROM allowances WHERE status <> 'active' AND balance_fen <> 0"},
	{"sweeps", "年终清零完成后该年度不再有余额，且合计与流水一致", "个年度", "SELECT COUNT(*) FROM sweeps",
		"SELECT CONCAT('allowance:', a.id), a.balance_fen, 0 FROM allowances a JOIN sweeps s ON s.year = a.year AND s.status = 'done' WHERE a.balance_fen <> 0" + union +
			"SELECT CONCAT('sweep:', s.id), s.swept_fen, COALESCE(t.fen, 0) FROM sweeps s LEFT JOIN (SELECT year, SUM(amount_fen) AS fen FROM transfers WHERE kind = 'sweep' GROUP BY year) t ON t.year = s.year " +
			"WHERE s.swept_fen <> COALESCE(t.fen, 0)"},
	{"stock", "库存等于入库减售出加退回", "个规格", "SELECT COUNT(*) FROM stocks",
		"SELECT CONCAT('sku:', s.sku_id), s.on_hand, COALESCE(m.n, 0) FROM stocks s LEFT JOIN (SELECT sku_id, SUM(quantity) AS n FROM stock_movements GROUP BY sku_id) m ON m.sku_id = s.sku_id " +
			"WHERE s.on_hand <> COALESCE(m.n, 0)" + union +
			"SELECT CONCAT('sku:', m.sku_id), 0, SUM(m.quantity) FROM stock_movements m LEFT JOIN stocks s ON s.sku_id = m.sku_id WHERE s.sku_id IS NULL GROUP BY m.sku_id"},
	{"stock_sold", "每条订单明细恰好出库一次，退回的恰好退回一次", "条明细", "SELECT COUNT(*) FROM order_lines",
		"SELECT CONCAT('line:', l.id), COALESCE(m.quantity, 0), -l.quantity FROM order_lines l LEFT JOIN stock_movements m ON m.kind = 'sell' AND m.cause = CONCAT('line:', l.id) AND m.sku_id = l.sku_id " +
			"WHERE l.sku_id <> 0 AND COALESCE(m.quantity, 0) <> -l.quantity" + union +
			"SELECT CONCAT('line:', l.id), COALESCE(m.quantity, 0), CASE WHEN o.status = 'closed' THEN l.quantity ELSE 0 END FROM order_lines l JOIN orders o ON o.id = l.order_id " +
			"LEFT JOIN stock_movements m ON m.kind = 'return' AND m.cause = CONCAT('close:', l.id) AND m.sku_id = l.sku_id " +
			"WHERE l.sku_id <> 0 AND COALESCE(m.quantity, 0) <> CASE WHEN o.status = 'closed' THEN l.quantity ELSE 0 END" + union +
			"SELECT CONCAT('refund_line:', r.id), COALESCE(m.quantity, 0), CASE WHEN r.restocked = 1 THEN r.quantity ELSE 0 END FROM refund_lines r JOIN order_lines l ON l.id = r.line_id " +
			"LEFT JOIN stock_movements m ON m.kind = 'return' AND m.cause = CONCAT('refund_line:', r.id) AND m.sku_id = l.sku_id " +
			"WHERE l.sku_id <> 0 AND COALESCE(m.quantity, 0) <> CASE WHEN r.restocked = 1 THEN r.quantity ELSE 0 END" + union +
			"SELECT CONCAT('stock_movement:', m.id), m.quantity, 0 FROM stock_movements m LEFT JOIN order_lines l ON l.id = " + idIn("m.cause", "line") + " WHERE m.kind = 'sell' AND l.id IS NULL" + union +
			"SELECT CONCAT('stock_movement:', m.id), m.quantity, 0 FROM stock_movements m LEFT JOIN refund_lines r ON r.id = " + idIn("m.cause", "refund_line") + " WHERE m.kind = 'return' AND m.cause LIKE 'refund_line:%' AND r.id IS NULL" + union +
			"SELECT CONCAT('stock_movement:', m.id), m.quantity, 0 FROM stock_movements m LEFT JOIN order_lines l ON l.id = " + idIn("m.cause", "close") + " WHERE m.kind = 'return' AND m.cause NOT LIKE 'refund_line:%' AND l.id IS NULL"},
	{"refund_lines", "退款等于其明细，退回的件数与金额不超过购买", "笔退款", "SELECT COUNT(*) FROM refunds",
		"SELECT CONCAT('refund:', r.id), r.amount_fen, COALESCE(s.fen, 0) FROM refunds r LEFT JOIN (SELECT refund_id, SUM(amount_fen) AS fen FROM refund_lines GROUP BY refund_id) s ON s.refund_id = r.id " +
			"WHERE r.amount_fen <> COALESCE(s.fen, 0)" + union +
			"SELECT CONCAT('refund:', id), allowance_fen + wechat_fen, amount_fen FROM refunds WHERE allowance_fen + wechat_fen <> amount_fen" + union +
			"SELECT CONCAT('line:', l.id), s.n, l.quantity FROM order_lines l JOIN (SELECT line_id, SUM(quantity) AS n, SUM(amount_fen) AS fen FROM refund_lines GROUP BY line_id) s ON s.line_id = l.id " +
			"WHERE s.n > l.quantity OR s.fen <> s.n * l.price_fen" + union + dangling("refund_lines", "refund_line", "refund_id", "refunds") + union + dangling("refund_lines", "refund_line", "line_id", "order_lines")},
	{"order_lines", "订单金额等于明细、包裹与支付之和", "个订单", "SELECT COUNT(*) FROM orders",
		perOrder("o.goods_fen", "SELECT order_id, SUM(amount_fen) AS fen FROM order_lines GROUP BY order_id", "") + union +
			perOrder("o.goods_fen", "SELECT order_id, SUM(amount_fen) AS fen FROM parcels GROUP BY order_id", "") + union +
			"SELECT CONCAT('order:', id), allowance_fen + wechat_fen, goods_fen FROM orders WHERE allowance_fen + wechat_fen <> goods_fen" + union +
			"SELECT CONCAT('line:', id), amount_fen, price_fen * quantity FROM order_lines WHERE amount_fen <> price_fen * quantity" + union +
			"SELECT CONCAT('parcel:', p.id), p.amount_fen, COALESCE(s.fen, 0) FROM parcels p LEFT JOIN (SELECT parcel_id, SUM(amount_fen) AS fen FROM order_lines GROUP BY parcel_id) s ON s.parcel_id = p.id " +
			"WHERE p.amount_fen <> COALESCE(s.fen, 0)"},
	{"order_money", "订单的支付与退款等于其流水，退回的不超过各方所付", "个订单", "SELECT COUNT(*) FROM orders",
		perOrder("CASE WHEN o.paid_at IS NULL THEN 0 ELSE o.allowance_fen END", "SELECT order_id, SUM(amount_fen) AS fen FROM transfers WHERE kind = 'spend' AND debit_account NOT LIKE 'payment:%' GROUP BY order_id", "") + union +
			perOrder("CASE WHEN o.paid_at IS NULL THEN 0 ELSE o.wechat_fen END", "SELECT order_id, SUM(amount_fen) AS fen FROM transfers WHERE kind = 'spend' AND debit_account LIKE 'payment:%' GROUP BY order_id", "") + union +
			perOrder("o.refunded_fen", "SELECT order_id, SUM(amount_fen) AS fen FROM refunds GROUP BY order_id", "") + union +
			refundedTo("r.allowance_fen", "NOT LIKE") + union + refundedTo("r.wechat_fen", "LIKE") + union +
			"SELECT CONCAT('transfer:', p.id), COALESCE(b.fen, 0), p.amount_fen FROM transfers p JOIN (SELECT SUBSTR(cause, INSTR(cause, ':') + 1) AS share, SUM(amount_fen) AS fen FROM transfers WHERE kind = 'refund' " +
			"GROUP BY SUBSTR(cause, INSTR(cause, ':') + 1)) b ON p.cause = CONCAT('order:', b.share) WHERE p.kind = 'spend' AND b.fen > p.amount_fen" + union +
			"SELECT CONCAT('transfer:', t.id), t.amount_fen, 0 FROM transfers t LEFT JOIN orders o ON o.id = t.order_id WHERE t.kind IN ('spend', 'refund') AND o.id IS NULL"},
	{"closed_orders", "取消的订单已全额退回，退款不超过支付", "个订单", "SELECT COUNT(*) FROM orders",
		"SELECT CONCAT('order:', id), refunded_fen, goods_fen FROM orders WHERE status = 'cancelled' AND paid_at IS NOT NULL AND refunded_fen <> goods_fen" + union +
			"SELECT CONCAT('order:', id), refunded_fen, goods_fen FROM orders WHERE refunded_fen > goods_fen OR refunded_fen < 0" + union +
			"SELECT CONCAT('order:', id), refunded_fen, 0 FROM orders WHERE status IN ('pending', 'closed') AND (paid_at IS NOT NULL OR refunded_fen <> 0)" + union +
			"SELECT CONCAT('order:', id), 0, 1 FROM orders WHERE status NOT IN ('pending', 'closed') AND paid_at IS NULL"},
	{"holds", "冻结的额度等于待付款订单的冻结，付款后全部成为支付", "笔冻结", "SELECT COUNT(*) FROM holds",
		"SELECT CONCAT('allowance:', a.id), a.held_fen, COALESCE(s.fen, 0) FROM allowances a LEFT JOIN (SELECT allowance_id, SUM(amount_fen) AS fen FROM holds WHERE status = 'held' AND allowance_id IS NOT NULL GROUP BY allowance_id) s " +
			"ON s.allowance_id = a.id WHERE a.held_fen <> COALESCE(s.fen, 0)" + union +
			"SELECT CONCAT('hold:', h.id, ' ', h.status, ' ', o.status), h.amount_fen, 0 FROM holds h JOIN orders o ON o.id = h.order_id " +
			"WHERE h.status <> CASE o.status WHEN 'pending' THEN 'held' WHEN 'closed' THEN 'released' ELSE 'captured' END" + union +
			"SELECT CONCAT('order:', o.id), COALESCE(s.fen, 0), o.goods_fen FROM orders o LEFT JOIN (SELECT order_id, SUM(amount_fen) AS fen FROM holds GROUP BY order_id) s ON s.order_id = o.id " +
			"WHERE o.wechat_fen > 0 AND o.goods_fen <> COALESCE(s.fen, 0)" + union + dangling("holds", "hold", "order_id", "orders") + union + dangling("holds", "hold", "allowance_id", "allowances")},
	{"order_states", "订单状态与其包裹一致", "个订单", "SELECT COUNT(*) FROM orders",
		"SELECT CONCAT('order:', o.id, ' ', o.status), s.waiting * 1000000 + s.shipped * 1000 + s.received, s.n FROM orders o JOIN (SELECT order_id, COUNT(*) AS n, " +
			"SUM(CASE WHEN status = 'waiting' THEN 1 ELSE 0 END) AS waiting, SUM(CASE WHEN status = 'shipped' THEN 1 ELSE 0 END) AS shipped, " +
			"SUM(CASE WHEN status = 'received' THEN 1 ELSE 0 END) AS received, SUM(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END) AS cancelled FROM parcels GROUP BY order_id) s ON s.order_id = o.id " +
			"WHERE o.status <> CASE WHEN s.cancelled = s.n THEN CASE WHEN o.paid_at IS NULL THEN 'closed' ELSE 'cancelled' END WHEN s.waiting > 0 THEN CASE WHEN o.paid_at IS NULL THEN 'pending' ELSE 'paid' END " +
			"WHEN s.shipped > 0 THEN 'shipped' ELSE 'completed' END"},
	{"union_tree", "工会树路径与上下级一致", "个工会", "SELECT COUNT(*) FROM unions",
		"SELECT CONCAT('union:', u.id), u.depth, p.depth + 1 FROM unions u JOIN unions p ON p.id = u.parent_id WHERE u.path <> CONCAT(p.path, u.id, '/') OR u.depth <> p.depth + 1" + union +
			"SELECT CONCAT('union:', u.id), COUNT(h.union_id), 1 FROM unions u LEFT JOIN union_paths h ON h.union_id = u.id AND h.to_at IS NULL AND h.path = u.path GROUP BY u.id HAVING COUNT(h.union_id) <> 1"},
	{"union_members", "工会的在册会员数等于其名册", "个工会", "SELECT COUNT(*) FROM unions",
		"SELECT CONCAT('union:', u.id), u.active_members, COALESCE(m.n, 0) FROM unions u " +
			"LEFT JOIN (SELECT union_id, COUNT(*) AS n FROM members WHERE status = 'active' GROUP BY union_id) m ON m.union_id = u.id WHERE u.active_members <> COALESCE(m.n, 0)"},
	{"references", "每条记录引用的对象都存在", "条引用", "SELECT (SELECT COUNT(*) FROM members) + (SELECT COUNT(*) FROM orders) + (SELECT COUNT(*) FROM allowances)",
		dangling("members", "member", "person_id", "persons") + union + dangling("members", "member", "union_id", "unions") + union +
			dangling("allowances", "allowance", "member_id", "members") + union + dangling("allowances", "allowance", "fund_id", "funds") + union +
			dangling("orders", "order", "member_id", "members") + " AND NOT (x.member_id = 0 AND x.kind = 'group')" + union + dangling("orders", "order", "channel_id", "channels") + union +
			dangling("order_lines", "line", "sku_id", "skus") + " AND x.sku_id <> 0" + union + dangling("order_lines", "line", "order_id", "orders") + union +
			dangling("parcels", "parcel", "order_id", "orders") + union + dangling("refunds", "refund", "order_id", "orders") + union +
			dangling("products", "product", "supplier_id", "suppliers") + union + dangling("skus", "sku", "product_id", "products") + union +
			dangling("wechat_accounts", "account", "person_id", "persons") + union + dangling("grant_items", "grant_item", "grant_id", "grants")},
}

// capSums is what each person was granted of the extra purse in each year, less what was revoked and what refunds brought back to a
// fund, and their shares of approved claims and of group orders, less what refunds took off the latter.
var capSums = "SELECT person_id, year, SUM(fen) AS fen FROM (" +
	"SELECT a.person_id, a.year, t.amount_fen AS fen FROM transfers t JOIN allowances a ON a.id = " + idIn("t.credit_account", "allowance") + " WHERE t.kind = 'grant' AND a.purse = 'extra' UNION ALL " +
	"SELECT a.person_id, a.year, -t.amount_fen FROM transfers t JOIN allowances a ON a.id = " + idIn("t.debit_account", "allowance") + " WHERE t.kind = 'revoke' AND a.purse = 'extra' UNION ALL " +
	"SELECT o.person_id, t.year, -t.amount_fen FROM transfers t JOIN orders o ON o.id = t.order_id WHERE t.kind = 'refund' AND t.purse = 'extra' AND t.credit_account LIKE 'fund:%' AND o.kind <> 'group' UNION ALL " +
	"SELECT r.person_id, g.year, r.share_fen - r.returned_fen FROM group_receivers r JOIN group_purchases g ON g.id = r.purchase_id WHERE g.order_id IS NOT NULL AND g.purse = 'extra' UNION ALL " +
	"SELECT m.person_id, k.year, m.amount_fen FROM claim_persons m JOIN claims k ON k.id = m.claim_id WHERE k.status = 'approved' AND k.purse = 'extra' UNION ALL " +
	"SELECT c.new_person_id, c.year, c.granted_fen FROM cap_tombstones c WHERE c.new_person_id IS NOT NULL) x GROUP BY person_id, year"
