// Package ledger moves money. A movement is one row in transfers, balanced by construction, and the balances of
// the accounts that can run out (funds, allowances) change in the same database transaction. Nothing else in the
// product writes a balance.
package ledger

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Kind is the kind of a transfer. Together with its cause it is unique: every event takes effect once.
type Kind string

// The kinds of transfers and the accounts between which they move money.
const (
	KindFund    Kind = "fund"    // bank → fund
	KindGrant   Kind = "grant"   // fund → allowance
	KindSpend   Kind = "spend"   // allowance, WeChat payment or (a union that buys for a group) fund → supplier
	KindRefund  Kind = "refund"  // supplier → where it came from; for an allowance, → fund after the year's end
	KindRevoke  Kind = "revoke"  // allowance → fund, when a member leaves
	KindSweep   Kind = "sweep"   // allowance → fund, at the year's end
	KindPay     Kind = "pay"     // WeChat → payment, when WeChat says that it was paid
	KindPayback Kind = "payback" // payment → WeChat, when WeChat says that it was given back
	KindSettle  Kind = "settle"  // supplier → bank, when a settlement was paid
)

// Account names one side of a transfer as it is stored.
type Account string

// Bank is the world outside; its balance is a sum, never a row.
const Bank Account = "bank"

// Wechat is the world of those who pay through WeChat; its balance is a sum, never a row.
const Wechat Account = "wechat"

// Payment is the clearing account of one WeChat payment: what was paid and neither spent nor given back. Its balance is a
// sum, never a row.
func Payment(id model.ID) Account { return Account("payment:" + id.String()) }

// Fund is a union's fund.
func Fund(id model.ID) Account { return Account("fund:" + id.String()) }

// Allowance is a member's allowance.
func Allowance(id model.ID) Account { return Account("allowance:" + id.String()) }

// Supplier is what a supplier is owed; its balance is a sum, never a row.
func Supplier(id model.ID) Account { return Account("supplier:" + id.String()) }

// Split tells the account's kind ("fund", "allowance", "supplier", "payment", "bank", "wechat") and its id (0 for the last two).
func (a Account) Split() (kind string, id model.ID) {
	kind, number, _ := strings.Cut(string(a), ":")
	id, err := model.ParseID(number)
	if err != nil {
		return kind, 0
	}
	return kind, id
}

// Movement is one movement of money to be posted.
type Movement struct {
	Kind   Kind
	Cause  string // what made it, unique within the kind: "topup:123"
	From   Account
	To     Account
	Amount model.Fen // > 0
	Purse  model.Purse
	Year   model.Year
	Union  model.ID  // whose money it is
	Order  *model.ID // the order concerned, if any
	Held   bool      // From is an allowance that pays with what it holds for the order (Hold), not with its balance
}

// ErrPosted says that this kind and cause were posted before; nothing was changed by this call.
var ErrPosted = errors.New("transfer was posted before")

// Post writes the transfer and moves the balances of the funds and allowances it touches, within tx. Errors:
// ErrPosted if the same kind and cause exists (nothing is changed), CodeInsufficientFund or
// CodeInsufficientBalance if the debit account does not hold enough (roll tx back). Lock order: callers post in
// the order of docs/adr/0005-lock-order.md.
func Post(tx *gorm.DB, db *model.DB, now time.Time, m Movement) error {
	if m.Amount <= 0 {
		return fmt.Errorf("movement %s %s: amount %d is not positive", m.Kind, m.Cause, m.Amount)
	}
	row := m.Row(db.NewID(), now)
	if err := tx.Create(&row).Error; err != nil {
		if model.Duplicate(err) {
			return ErrPosted
		}
		return err
	}
	var err error
	if m.Held {
		err = shiftHeld(tx, m.From, 0, -m.Amount, now)
	} else {
		err = shift(tx, m.Kind, m.From, -m.Amount, now)
	}
	if err != nil {
		return err
	}
	if err := shift(tx, m.Kind, m.To, m.Amount, now); err != nil {
		return err
	}
	return tell(tx, db, now, []Movement{m})
}

// Row is the transfer as stored. Code that posts many movements with multi-row statements uses it and moves
// the balances itself, by guarded updates.
func (m Movement) Row(id model.ID, at time.Time) model.Transfer {
	return model.Transfer{
		ID: id, Kind: string(m.Kind), Cause: m.Cause, DebitAccount: string(m.From), CreditAccount: string(m.To),
		AmountFen: m.Amount, Purse: m.Purse, Year: m.Year, UnionID: m.Union, OrderID: m.Order, At: at,
	}
}

// shift adds delta to the balance of an account that keeps one; a debit is guarded by the balance itself. What is put into a fund is
// added to what it was topped up with too.
func shift(tx *gorm.DB, by Kind, account Account, delta model.Fen, now time.Time) error {
	kind, id := account.Split()
	var entity any
	short := model.CodeInsufficientFund
	message := "工会经费账户余额不足"
	switch kind {
	case "fund":
		entity = &model.Fund{}
	case "allowance":
		entity, short, message = &model.Allowance{}, model.CodeInsufficientBalance, "帮扶额度余额不足"
	case "bank", "supplier", "payment", "wechat":
		return nil
	default:
		return fmt.Errorf("unknown account %q", account)
	}
	q := tx.Model(entity).Where("id = ?", id)
	if delta < 0 {
		q = q.Where("balance_fen >= ?", -delta)
	}
	set := map[string]any{"balance_fen": gorm.Expr("balance_fen + ?", delta), "updated_at": now}
	if by == KindFund {
		set["topped_up_fen"] = gorm.Expr("topped_up_fen + ?", delta)
	}
	res := q.UpdateColumns(set)
	if res.Error != nil {
		return res.Error
	}
	switch {
	case res.RowsAffected == 1:
		return nil
	case delta < 0:
		return model.E(short, "%s", message)
	default:
		return fmt.Errorf("account %s does not exist", account)
	}
}
