package reconcile_test

import (
	"time"

	"bangfu/model"
)

// settlementRows pay the supplier of fill for its order of ¥200.
func settlementRows(at time.Time) []any {
	id := func(n int) *model.ID { v := model.ID(n); return &v }
	return []any{
		&model.SupplierBankAccount{ID: 79, SupplierID: 21, Version: 1, Status: "confirmed", CurrentSupplierID: id(21), EnteredBy: 1, EnteredAt: at, DecidedBy: id(2), DecidedAt: &at},
		&model.SettlementBatch{ID: 80, UnionID: 1, PeriodFrom: "2025-03-03", PeriodTo: "2025-03-03", CutAt: at, SuppliersJSON: "[]", Status: "paid", Settlements: 1, TotalFen: 20000, PaidFen: 20000,
			MadeBy: 1, MadeAt: at, ConfirmedBy: id(2), ConfirmedAt: &at, ClosedAt: &at, UpdatedAt: at},
		&model.Settlement{ID: 81, BatchID: 80, SupplierID: 21, BankAccountID: id(79), AmountFen: 20000, Items: 1, Status: "paid", DecidedBy: id(1), DecidedAt: &at, CreatedAt: at, UpdatedAt: at},
		&model.SettlementItem{SettlementID: 81, TransferID: 34, LiveTransferID: id(34), SupplierID: 21, OrderID: 30, AmountFen: 20000},
		&model.Transfer{ID: 82, Kind: "settle", Cause: "settlement:81", DebitAccount: "supplier:21", CreditAccount: "bank", AmountFen: 20000, Year: 2025, UnionID: 1, At: at},
		// The same money in a batch that was cancelled before.
		&model.SettlementBatch{ID: 83, UnionID: 1, PeriodTo: "2025-03-03", CutAt: at, SuppliersJSON: "[]", Status: "cancelled", Settlements: 1, TotalFen: 20000, MadeBy: 1, MadeAt: at, UpdatedAt: at},
		&model.Settlement{ID: 84, BatchID: 83, SupplierID: 21, BankAccountID: id(79), AmountFen: 20000, Items: 1, Status: "cancelled", CreatedAt: at, UpdatedAt: at},
		&model.SettlementItem{SettlementID: 84, TransferID: 34, SupplierID: 21, OrderID: 30, AmountFen: 20000},
	}
}

var settlementBreaks = []breach{
	{"settlement_items", "transfer:34", "UPDATE settlement_items SET amount_fen = 19999"},
	{"settlement_items", "transfer:34", "UPDATE settlements SET status = 'open' WHERE id = 84"},
	{"settlement_items", "transfer:34", "UPDATE settlement_items SET live_transfer_id = NULL"},
	{"settlements", "settlement:81", "UPDATE settlements SET amount_fen = 19999 WHERE id = 81"},
	{"settlements", "settlement:81", "DELETE FROM transfers WHERE id = 82"},
	{"settlements", "settlement:84", "UPDATE transfers SET cause = 'settlement:84' WHERE id = 82"},
	{"settlements", "transfer:82", "UPDATE transfers SET cause = 'settlement:999' WHERE id = 82"},
	{"settlement_batches", "settlement_batch:80", "UPDATE settlement_batches SET paid_fen = 1 WHERE id = 80"},
	{"settlement_batches", "settlement_batch:80", "UPDATE settlement_batches SET total_fen = 1 WHERE id = 80"},
	{"settlement_batches", "settlement_batch:83 cancelled", "UPDATE settlements SET status = 'open' WHERE id = 84"},
	{"settlement_second_person", "settlement_batch:80", "UPDATE settlement_batches SET confirmed_by = made_by"},
	{"settlement_second_person", "bank_account:79", "UPDATE supplier_bank_accounts SET decided_by = entered_by"},
	{"settlement_second_person", "settlement:81", "UPDATE settlement_batches SET confirmed_at = NULL"},
	{"settlement_second_person", "settlement:81", "UPDATE supplier_bank_accounts SET supplier_id = 22"},
	{"suppliers_owed", "supplier:21", "UPDATE transfers SET amount_fen = 20001 WHERE id = 82"},
}
