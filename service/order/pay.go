package order

import (
	"slices"

	"bangfu/model"
)

// due is what an order owes one supplier.
type due struct {
	supplier model.ID
	amount   model.Fen
}

// share is what one allowance pays to one supplier.
type share struct {
	allowance model.Allowance
	supplier  model.ID
	amount    model.Fen
}

// Shortage is the Data of CodeInsufficientBalance.
type Shortage struct {
	AvailableFen model.Fen `json:"available_fen"` // the most that one membership can pay
	MissingFen   model.Fen `json:"missing_fen"`
}

// payer chooses the membership that pays: of those whose allowances cover the total, the one that holds least (so
// that the larger rest stays whole), then the one with the lowest id. The answer keeps the order of allowances, which is the
// order in which they are used. CodeInsufficientBalance if none does.
func payer(allowances []model.Allowance, total model.Fen) ([]model.Allowance, error) {
	held := map[model.ID]model.Fen{}
	var sum, most model.Fen
	for _, a := range allowances {
		held[a.MemberID] += a.BalanceFen
		sum += a.BalanceFen
	}
	var best model.ID
	for member, fen := range held {
		most = max(most, fen)
		if fen < total {
			continue
		}
		if best == 0 || fen < held[best] || fen == held[best] && member < best {
			best = member
		}
	}
	if best == 0 {
		return nil, short(sum, most, total)
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
// empty before the next is touched. The allowances must cover the dues.
func split(allowances []model.Allowance, dues []due) []share {
	var shares []share
	i, left := 0, model.Fen(0)
	if len(allowances) > 0 {
		left = allowances[0].BalanceFen
	}
	for _, d := range dues {
		for owed := d.amount; owed > 0; {
			for left == 0 {
				i++
				left = allowances[i].BalanceFen
			}
			part := min(owed, left)
			shares = append(shares, share{allowances[i], d.supplier, part})
			owed, left = owed-part, left-part
		}
	}
	return shares
}
