package reconcile

// erasureInvariants: persons that were erased by law's demand.
var erasureInvariants = []invariant{
	{"erasures", "个人信息的删除由第二个人批准，并且删尽", "项注销申请", "SELECT COUNT(*) FROM erasures",
		"SELECT CONCAT('erasure:', id), drafted_by, COALESCE(decided_by, 0) FROM erasures WHERE status IN ('approved', 'blocked', 'done') " +
			"AND (drafted_by IS NULL OR decided_by IS NULL OR drafted_by = decided_by)" + union +
			"SELECT CONCAT('member:', m.id), 1, 0 FROM erasures e JOIN members m ON m.person_id = e.person_id WHERE e.status = 'done' AND (m.name <> '已注销职工' OR m.phone_hash <> '' OR m.phone_sealed <> '')" + union +
			"SELECT CONCAT('person:', p.id), 1, 0 FROM erasures e JOIN persons p ON p.id = e.person_id WHERE e.status = 'done' AND (p.id_number_sealed <> '' OR p.id_number_hash NOT LIKE 'erased:%')" + union +
			"SELECT CONCAT('address:', a.id), 1, 0 FROM erasures e JOIN addresses a ON a.person_id = e.person_id WHERE e.status = 'done'"},
}
