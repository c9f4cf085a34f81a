package reconcile

// claimInvariants are about purchases made through other channels. That listed claims of the extra purse count under the cap is
// part of cap_rows and cap.
var claimInvariants = []invariant{
	{"claim_shares", "采购登记的名单与人次一致，各人金额之和等于登记金额", "笔登记", "SELECT COUNT(*) FROM claims",
		"SELECT CONCAT('claim:', k.id), COALESCE(s.fen, 0), k.amount_fen FROM claims k LEFT JOIN (SELECT claim_id, SUM(amount_fen) AS fen FROM claim_persons GROUP BY claim_id) s ON s.claim_id = k.id " +
			"WHERE COALESCE(s.fen, 0) <> CASE WHEN k.listed THEN k.amount_fen ELSE 0 END" + union +
			"SELECT CONCAT('claim:', k.id), COALESCE(s.n, 0), k.person_times FROM claims k LEFT JOIN (SELECT claim_id, COUNT(*) AS n FROM claim_persons GROUP BY claim_id) s ON s.claim_id = k.id " +
			"WHERE COALESCE(s.n, 0) <> CASE WHEN k.listed THEN k.person_times ELSE 0 END" + union +
			"SELECT CONCAT('claim:', id), amount_fen, person_times FROM claims WHERE amount_fen <= 0 OR person_times <= 0" + union +
			"SELECT CONCAT('claim:', claim_id), amount_fen, 1 FROM claim_persons WHERE amount_fen <= 0"},
	{"claim_second_person", "采购登记的通过与撤销都由第二个人决定，并记下时间", "笔登记", "SELECT COUNT(*) FROM claims WHERE counted_at IS NOT NULL",
		"SELECT CONCAT('claim:', id), entered_by, COALESCE(decided_by, 0) FROM claims WHERE status IN ('approved', 'revoked') AND (decided_by IS NULL OR decided_by = entered_by OR counted_at IS NULL)" + union +
			"SELECT CONCAT('claim:', id), entered_by, COALESCE(revoked_by, 0) FROM claims WHERE status = 'revoked' AND (revoked_by IS NULL OR revoked_by = entered_by OR revoked_at IS NULL OR revoked_at < counted_at)" + union +
			"SELECT CONCAT('claim:', id), 1, 0 FROM claims WHERE (status NOT IN ('approved', 'revoked') AND counted_at IS NOT NULL) OR (status <> 'revoked' AND revoked_at IS NOT NULL)"},
	{"claim_invoices", "同一张发票在全市只有一笔有效的采购登记", "笔登记", "SELECT COUNT(*) FROM claims WHERE live_invoice IS NOT NULL",
		"SELECT CONCAT('claim:', id), CASE WHEN live_invoice IS NULL THEN 0 ELSE 1 END, CASE WHEN status IN ('entered', 'approved') THEN 1 ELSE 0 END FROM claims " +
			"WHERE (live_invoice IS NULL AND status IN ('entered', 'approved')) OR (live_invoice IS NOT NULL AND status NOT IN ('entered', 'approved')) OR " +
			"live_invoice <> CASE WHEN invoice_code = '' THEN invoice_no ELSE CONCAT(invoice_code, '-', invoice_no) END" + union +
			"SELECT CONCAT('claim:', MIN(id)), COUNT(*), 1 FROM claims WHERE status IN ('entered', 'approved') GROUP BY invoice_code, invoice_no HAVING COUNT(*) > 1"},
	{"claim_caps", "没有名单的增加额度采购，平均每人次不超过上限", "笔登记", "SELECT COUNT(*) FROM claims WHERE status = 'approved' AND purse = 'extra'",
		"SELECT CONCAT('claim:', k.id), k.amount_fen, k.person_times * COALESCE(p.cap_fen, 0) FROM claims k LEFT JOIN policies p ON p.year = k.year " +
			"WHERE k.status = 'approved' AND k.purse = 'extra' AND k.amount_fen > k.person_times * COALESCE(p.cap_fen, 0)"},
	{"claim_evidence", "每笔采购登记都有凭证、渠道和工会，本平台自己的渠道不登记", "笔登记", "SELECT COUNT(*) FROM claims",
		"SELECT CONCAT('claim:', k.id), COUNT(f.id), 1 FROM claims k LEFT JOIN claim_files e ON e.claim_id = k.id LEFT JOIN files f ON f.id = e.file_id AND f.union_id = k.union_id AND f.kind = 'evidence' " +
			"GROUP BY k.id HAVING COUNT(f.id) = 0 OR COUNT(f.id) <> COUNT(e.seq)" + union +
			"SELECT CONCAT('claim:', k.id), c.form_row, 0 FROM claims k JOIN channels c ON c.id = k.channel_id WHERE c.form_row = 2" + union +
			dangling("claims", "claim", "channel_id", "channels") + union + dangling("claims", "claim", "union_id", "unions") + union +
			"SELECT CONCAT('claim:', m.claim_id), m.person_id, COALESCE(x.person_id, 0) FROM claim_persons m JOIN claims k ON k.id = m.claim_id LEFT JOIN members x ON x.id = m.member_id AND x.union_id = k.union_id " +
			"WHERE x.id IS NULL OR x.person_id <> m.person_id" + union +
			"SELECT CONCAT('claim:', m.claim_id), 0, 1 FROM claim_persons m LEFT JOIN claims k ON k.id = m.claim_id WHERE k.id IS NULL"},
}
