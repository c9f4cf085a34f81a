package ledger

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Hold sets a part of an allowance's balance aside for an order that awaits a payment, within tx: no transfer, the money is
// still the allowance's. CodeInsufficientBalance if it does not hold that much. The caller has locked the allowance and
// keeps a row in holds.
func Hold(tx *gorm.DB, allowance model.ID, amount model.Fen, now time.Time) error {
	return shiftHeld(tx, Allowance(allowance), -amount, amount, now)
}

// Release puts a held part back into the allowance's balance, within tx.
func Release(tx *gorm.DB, allowance model.ID, amount model.Fen, now time.Time) error {
	return shiftHeld(tx, Allowance(allowance), amount, -amount, now)
}

// shiftHeld adds to an allowance's balance and to what it holds; neither falls below zero.
func shiftHeld(tx *gorm.DB, account Account, balance, held model.Fen, now time.Time) error {
	kind, id := account.Split()
	if kind != "allowance" || held == 0 {
		return fmt.Errorf("account %q cannot hold %d", account, held)
	}
	res := tx.Model(&model.Allowance{}).Where("id = ? AND balance_fen + ? >= 0 AND held_fen + ? >= 0", id, balance, held).UpdateColumns(map[string]any{
		"balance_fen": gorm.Expr("balance_fen + ?", balance), "held_fen": gorm.Expr("held_fen + ?", held), "updated_at": now})
	switch {
	case res.Error != nil:
		return res.Error
	case res.RowsAffected == 1:
		return nil
	case balance < 0:
		return model.E(model.CodeInsufficientBalance, "帮扶额度余额不足")
	default:
		return fmt.Errorf("%s does not hold %d", account, -held)
	}
}
