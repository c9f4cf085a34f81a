package reconcile_test

var tallyBreaks = []breach{
	{"tally", "union:1 2025 channel:20 amount_fen", "UPDATE tally_forms SET amount_fen = amount_fen + 1"},
	{"tally", "union:1 2025 channel:0 invested_fen", "DELETE FROM tally_forms"},
	{"tally", "union:1 2025 day:20250303 channel:20 times", "UPDATE tally_days SET times = times + 1"},
	{"tally", "node:1 2025 month:202503 orders", "DELETE FROM tally_months"},
	{"tally", "node:1 2025 month:0 buyers", "UPDATE tally_months SET buyers = 5 WHERE month = 0"},
	{"tally", "node:1 2025 product:22 supplier:21 region:0 refunded_fen", "UPDATE tally_goods SET refunded_fen = 0"},
	{"tally", "node:1 2025 purse:extra spent_fen", "UPDATE tally_purses SET spent_fen = 0"},
	{"tally", "union:1 2025 channel:20 times", "INSERT INTO tally_bundles (id, at, done, events, body) VALUES (1, '2025-03-03 00:00:00', 0, 1, 'sign,,,,1,k,1k9,1,,,,,')"},
	{"tally", "node:1 2025 purse:extra holders", "UPDATE tally_purses SET holders = holders + 1"},
}
