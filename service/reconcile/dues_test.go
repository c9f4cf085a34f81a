package reconcile_test

var duesBreaks = []breach{
	{"supplier_sums", "supplier:21", "UPDATE supplier_sums SET received_fen = received_fen + 1"},
	{"supplier_sums", "supplier:524", "UPDATE parcels SET amount_fen = amount_fen + 1 WHERE supplier_id = 524 AND status = 'received'"},
	{"supplier_sums", "supplier:21 day 20250303 sold", "UPDATE supplier_days SET sold_fen = 0"},
	{"supplier_sums", "supplier:21 day 20250303 paid", "DELETE FROM supplier_days"},
	{"supplier_sums", "supplier:21 day 20250303 first", "UPDATE supplier_days SET first_transfer = 35"},
}
