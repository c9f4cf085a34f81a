package reconcile

// signedSQL are the transfers of suppliers' accounts that a settlement may pay: spends positive, refunds negative.
const signedSQL = "(SELECT id, order_id, credit_account AS account, amount_fen AS fen FROM transfers WHERE kind = 'spend' UNION ALL " +
	"SELECT id, order_id, debit_account, -amount_fen FROM transfers WHERE kind = 'refund')"

// settlementInvariants hold paying suppliers.
var settlementInvariants = []invariant{
	{"settlement_items", "每笔货款与退款只结算一次，金额、订单与供应商与流水一致", "笔明细", "SELECT COUNT(*) FROM settlement_items",
		"SELECT CONCAT('transfer:', i.transfer_id), i.amount_fen, COALESCE(t.fen, 0) FROM settlement_items i LEFT JOIN " + signedSQL + " t ON t.id = i.transfer_id " +
			"WHERE t.id IS NULL OR t.fen <> i.amount_fen OR t.order_id <> i.order_id OR t.account <> CONCAT('supplier:', i.supplier_id)" + union +
			"SELECT CONCAT('transfer:', i.transfer_id), COUNT(*), 1 FROM settlement_items i JOIN settlements x ON x.id = i.settlement_id WHERE x.status IN ('open', 'paid') " +
			"GROUP BY i.transfer_id HAVING COUNT(*) > 1" + union +
			"SELECT CONCAT('transfer:', i.transfer_id), COALESCE(i.live_transfer_id, 0), CASE WHEN x.status IN ('open', 'paid') THEN i.transfer_id ELSE 0 END FROM settlement_items i " +
			"LEFT JOIN settlements x ON x.id = i.settlement_id WHERE x.id IS NULL OR x.supplier_id <> i.supplier_id OR " +
			"COALESCE(i.live_transfer_id, 0) <> CASE WHEN x.status IN ('open', 'paid') THEN i.transfer_id ELSE 0 END"},
	{"settlements", "结算单金额等于其明细之和，已付款的等于付款流水", "张结算单", "SELECT COUNT(*) FROM settlements",
		"SELECT CONCAT('settlement:', x.id), x.amount_fen, COALESCE(s.fen, 0) FROM settlements x LEFT JOIN (SELECT settlement_id, SUM(amount_fen) AS fen, COUNT(*) AS n FROM settlement_items GROUP BY settlement_id) s " +
			"ON s.settlement_id = x.id WHERE x.amount_fen <> COALESCE(s.fen, 0) OR x.items <> COALESCE(s.n, 0) OR (x.status <> 'skipped' AND x.amount_fen <= 0)" + union +
			"SELECT CONCAT('settlement:', x.id), CASE WHEN x.status = 'paid' THEN x.amount_fen ELSE 0 END, COALESCE(t.amount_fen, 0) FROM settlements x " +
			"LEFT JOIN transfers t ON t.kind = 'settle' AND t.cause = CONCAT('settlement:', x.id) AND t.debit_account = CONCAT('supplier:', x.supplier_id) " +
			"WHERE CASE WHEN x.status = 'paid' THEN x.amount_fen ELSE 0 END <> COALESCE(t.amount_fen, 0)" + union +
			"SELECT CONCAT('transfer:', t.id), t.amount_fen, 0 FROM transfers t LEFT JOIN settlements x ON x.id = " + idIn("t.cause", "settlement") + " WHERE t.kind = 'settle' AND x.id IS NULL"},
	{"settlement_batches", "结算批次的合计等于其结算单，状态与其结算单一致", "个批次", "SELECT COUNT(*) FROM settlement_batches",
		"SELECT CONCAT('settlement_batch:', b.id), b.total_fen, COALESCE(s.fen, 0) FROM settlement_batches b LEFT JOIN (" + batchSums + ") s ON s.batch_id = b.id " +
			"WHERE b.total_fen <> COALESCE(s.fen, 0) OR b.settlements <> COALESCE(s.n, 0)" + union +
			"SELECT CONCAT('settlement_batch:', b.id), b.paid_fen, COALESCE(s.paid, 0) FROM settlement_batches b LEFT JOIN (" + batchSums + ") s ON s.batch_id = b.id WHERE b.paid_fen <> COALESCE(s.paid, 0)" + union +
			"SELECT CONCAT('settlement_batch:', b.id, ' ', b.status), s.open, s.n FROM settlement_batches b JOIN (" + batchSums + ") s ON s.batch_id = b.id " +
			"WHERE (b.status IN ('preparing', 'draft') AND s.open <> s.n) OR (b.status IN ('confirmed', 'exported') AND s.open = 0) OR (b.status IN ('paid', 'failed', 'cancelled') AND s.open > 0)"},
	{"settlement_second_person", "结算与收款账户都由第二个人确认后才付款", "个批次与账户", "SELECT (SELECT COUNT(*) FROM settlement_batches) + (SELECT COUNT(*) FROM supplier_bank_accounts)",
		"SELECT CONCAT('settlement_batch:', id), made_by, COALESCE(confirmed_by, 0) FROM settlement_batches WHERE status IN ('confirmed', 'exported', 'paid', 'failed') AND (confirmed_by IS NULL OR confirmed_by = made_by)" + union +
			"SELECT CONCAT('settlement:', x.id), 1, 0 FROM settlements x LEFT JOIN settlement_batches b ON b.id = x.batch_id WHERE x.status IN ('paid', 'failed') AND (b.id IS NULL OR b.confirmed_at IS NULL)" + union +
			"SELECT CONCAT('bank_account:', id), entered_by, COALESCE(decided_by, 0) FROM supplier_bank_accounts WHERE status IN ('confirmed', 'replaced') AND (decided_by IS NULL OR decided_by = entered_by)" + union +
			"SELECT CONCAT('settlement:', x.id), COALESCE(x.bank_account_id, 0), 1 FROM settlements x LEFT JOIN supplier_bank_accounts a ON a.id = x.bank_account_id " +
			"WHERE x.status <> 'skipped' AND (a.id IS NULL OR a.supplier_id <> x.supplier_id OR a.status NOT IN ('confirmed', 'replaced'))"},
	// A refund after the payment makes the account negative until later sales make up for it. What such refunds do not explain is money
	// paid that was never owed. An order is paid out whole, so a minus that is explained is never more than the free refunds of paid orders.
	{"suppliers_owed", "供应商没有多付：应付为负时都是已付货款之后的退款", "个供应商", "SELECT COUNT(*) FROM suppliers",
		"SELECT CONCAT('supplier:', s.id), COALESCE(c.fen, 0) - COALESCE(d.fen, 0), -COALESCE(r.fen, 0) FROM suppliers s " +
			"LEFT JOIN " + transfersBy("credit", "supplier") + " c ON c.account = CONCAT('supplier:', s.id) LEFT JOIN " + transfersBy("debit", "supplier") + " d ON d.account = CONCAT('supplier:', s.id) " +
			"LEFT JOIN (" + carriedSQL + ") r ON r.account = CONCAT('supplier:', s.id) WHERE COALESCE(c.fen, 0) - COALESCE(d.fen, 0) < -COALESCE(r.fen, 0)"},
}

// batchSums are the settlements of each batch that have an amount.
const batchSums = "SELECT batch_id, COUNT(*) AS n, SUM(amount_fen) AS fen, SUM(CASE WHEN status = 'paid' THEN amount_fen ELSE 0 END) AS paid, " +
	"SUM(CASE WHEN status = 'open' THEN 1 ELSE 0 END) AS open FROM settlements WHERE status <> 'skipped' GROUP BY batch_id"

// carriedSQL are the refunds, by supplier, that no live settlement holds, of orders whose money was paid out before.
var carriedSQL = "SELECT t.debit_account AS account, SUM(t.amount_fen) AS fen FROM transfers t LEFT JOIN settlement_items i ON i.live_transfer_id = t.id " +
	"WHERE t.kind = 'refund' AND i.transfer_id IS NULL AND EXISTS (SELECT 1 FROM settlement_items p JOIN settlements x ON x.id = p.settlement_id AND x.status = 'paid' " +
	"WHERE p.order_id = t.order_id AND p.amount_fen > 0 AND p.supplier_id = " + idIn("t.debit_account", "supplier") + ") GROUP BY t.debit_account"
