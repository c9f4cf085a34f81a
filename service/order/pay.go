package order

import (
	"slices"

	"bangfu/model"
	"bangfu/service/ledger"
)

// due is what an order owes one supplier.
type due struct {
	supplier model.ID
	amount   model.Fen
}

// share is what one source pays to one supplier.
type share struct {
	from     ledger.Account // an allowance, a fund or a WeChat payment
	purse    model.Purse    // empty: WeChat money
	year     model.Year
	union    model.ID
	supplier model.ID
	amount   model.Fen
	empties  bool // nothing is left of the allowance after it, free or held
}

// Shortage is the Data of CodeInsufficientBalance.
type Shortage struct {
	AvailableFen model.Fen `json:"available_fen"` // the most that one membership can pay
	MissingFen   model.Fen `json:"missing_fen"`
}

// payer chooses the membership that pays: of those whose allowances cover the total, the one that holds least (so
// that the larger rest stays whole), then the one with the lowest id. The answer keeps the order of allowances, which is the
// order in which they are used. If none covers it: with WeChat money to help, the one that holds most; without,
// CodeInsufficientBalance.
func payer(allowances []model.Allowance, total model.Fen, helped bool) ([]model.Allowance, error) {
	held := map[model.ID]model.Fen{}
	var sum, most model.Fen
	for _, a := range allowances {
		held[a.MemberID] += a.BalanceFen
		sum += a.BalanceFen
	}
	var best, richest model.ID
	for member, fen := range held {
		if fen > most || fen == most && member < richest {
			most, richest = fen, member
		}
		if fen < total {
			continue
		}
		if best == 0 || fen < held[best] || fen == held[best] && member < best {
			best = member
		}
	}
	if best == 0 && !helped {
		return nil, short(sum, most, total)
	}
	if best == 0 {
		best = richest
	}
	return slices.DeleteFunc(slices.Clone(allowances), func(a model.Allowance) bool { return a.MemberID != best }), nil
}

func short(sum, most, total model.Fen) error {
	e := model.E(model.CodeInsufficientBalance, "帮扶额度不足：可用 %s，还差 %s", most, total-most)
	switch {
	case sum == 0:
		e.Message = "您今年没有可用的帮扶额度"
	case sum >= total:
		e.Message = "您在几个工会的帮扶额度不能合并支付一个订单；单个工会的额度最多可用 " + most.String() + "，还差 " + (total - most).String()
	}
	e.Data = Shortage{AvailableFen: most, MissingFen: total - most}
	return e
}

// split lays the suppliers' dues over the allowances, both in their given order, in whole fen: each allowance is drawn
// empty before the next is touched. What they do not cover is the rest, by supplier.
func split(allowances []model.Allowance, dues []due) (shares []share, rest []due) {
	i, left := -1, model.Fen(0)
	for _, d := range dues {
		owed := d.amount
		for owed > 0 {
			for left == 0 && i+1 < len(allowances) {
				i++
				left = allowances[i].BalanceFen
			}
			if left == 0 {
				rest = append(rest, due{d.supplier, owed})
				break
			}
			a, part := allowances[i], min(owed, left)
			shares = append(shares, share{ledger.Allowance(a.ID), a.Purse, a.Year, a.UnionID, d.supplier, part, part == left && a.HeldFen == 0})
			owed, left = owed-part, left-part
		}
	}
	return shares, rest
}
