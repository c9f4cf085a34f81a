// Package tally keeps the product's figures added up, so that dashboards and the statistics form answer in milliseconds however many
// orders there are. Every transaction that changes a counted figure writes an event (with others of its transaction in one row of tally_bundles) with the change; a worker adds
// events to the rollups, each exactly once. Whoever reads adds the events that still wait, so an answer is exact as of its reading. The
// orders, refunds, transfers and claims themselves stay the truth: Rebuild counts them anew, Check holds the rollups against them.
package tally

import (
	"maps"
	"slices"
	"time"

	"bangfu/model"
)

// The kinds of events. The comment says what becomes of purse_fen.
const (
	kindOrder   = "order"   // a member's order was paid; spent
	kindGroup   = "group"   // a union's order for a group was paid; spent for groups
	kindRefund  = "refund"  // a member's order was refunded; spent, negative
	kindUngroup = "ungroup" // a group order was refunded; spent for groups, negative
	kindSpend   = "spend"   // an order's or refund's part of a second purse; spent
	kindBack    = "back"    // a refund that went to the fund instead of the allowance; returned
	kindSign    = "sign"    // signatures of a group purchase
	kindFund    = "fund"    // put in
	kindGrant   = "grant"   // granted
	kindRevoke  = "revoke"  // returned
	kindSweep   = "sweep"   // returned
	kindClaim   = "claim"   // a purchase made elsewhere counts, or does not any more
	kindMove    = "move"    // a union was put under another parent
)

// OrderPaid is the event of an order that was paid: online, at a counter or for a group. spent says what allowances (of a group order, the
// fund) paid, by purse; what is missing to the order's amount was WeChat money. crossed is how many allowances more, by purse, have money left
// after it (negative: fewer). It is one event for every order that is paid from one purse. Write it in the transaction that makes the order paid.
func OrderPaid(_ *model.DB, o model.Order, spent map[model.Purse]model.Fen, crossed map[model.Purse]int64) []model.TallyEvent {
	e := model.TallyEvent{Kind: kindOrder, RefID: o.ID, MemberID: o.MemberID, UnionID: o.UnionID, Year: o.Year, ChannelID: o.ChannelID,
		Times: 1, AmountFen: o.AllowanceFen + o.WechatFen, WechatFen: o.WechatFen, At: *o.PaidAt}
	if o.Kind == kindGroup {
		e.Kind, e.Times, e.MemberID, e.InvestedFen = kindGroup, 0, 0, e.AmountFen
	}
	return withPurses(e, spent, crossed)
}

// OrderRefunded is the event of a refund. amount and wechat are positive; spent is what goes back by purse, of which toFund goes to the
// fund and not to the allowance; crossed is that of OrderPaid. whole: nothing is left of a member's order, so its 人次 is taken off.
func OrderRefunded(_ *model.DB, o model.Order, r model.Refund, whole bool, spent, toFund map[model.Purse]model.Fen, crossed map[model.Purse]int64) []model.TallyEvent {
	e := model.TallyEvent{Kind: kindRefund, RefID: r.ID, UnionID: o.UnionID, Year: o.Year, ChannelID: o.ChannelID,
		AmountFen: -r.AmountFen, WechatFen: -r.WechatFen, At: r.RefundedAt}
	if o.Kind == kindGroup {
		e.Kind, e.InvestedFen = kindUngroup, -r.AmountFen
	} else if whole {
		e.Times = -1
	}
	back := make(map[model.Purse]model.Fen, len(spent))
	for p, fen := range spent {
		back[p] = -fen
	}
	events := withPurses(e, back, crossed)
	if o.Kind == kindGroup {
		return events
	}
	for _, p := range slices.Sorted(maps.Keys(toFund)) {
		events = append(events, model.TallyEvent{Kind: kindBack, UnionID: o.UnionID, Year: o.Year, Purse: p, PurseFen: toFund[p], At: r.RefundedAt})
	}
	return events
}

// withPurses is the event with its first purse, and one more event for each further one.
func withPurses(e model.TallyEvent, parts map[model.Purse]model.Fen, crossed map[model.Purse]int64) []model.TallyEvent {
	events := []model.TallyEvent{e}
	for _, p := range slices.Sorted(maps.Keys(parts)) {
		switch {
		case parts[p] == 0:
		case events[0].Purse == "":
			events[0].Purse, events[0].PurseFen, events[0].Holders = p, parts[p], crossed[p]
		default:
			events = append(events, model.TallyEvent{Kind: kindSpend, UnionID: e.UnionID, Year: e.Year, Purse: p, PurseFen: parts[p], Holders: crossed[p], At: e.At})
		}
	}
	return events
}

// Signed is the event of signatures of a group purchase: n members who count from the moment on, or (negative) no longer do.
func Signed(_ *model.DB, p model.GroupPurchase, o model.Order, n int64, at time.Time) model.TallyEvent {
	return model.TallyEvent{Kind: kindSign, UnionID: p.UnionID, Year: p.Year, ChannelID: o.ChannelID, Times: n, At: at}
}

// Claimed is the event of a claim that counts from the moment on or, with sign -1, no longer does.
func Claimed(_ *model.DB, c model.Claim, sign int64, at time.Time) model.TallyEvent {
	fen := model.Fen(sign) * c.AmountFen
	return model.TallyEvent{Kind: kindClaim, UnionID: c.UnionID, Year: c.Year, ChannelID: c.ChannelID,
		Times: sign * c.PersonTimes, AmountFen: fen, InvestedFen: fen, At: at}
}

// Money is the event of one transfer or many: kind is the transfers' (fund, grant, revoke or sweep; nothing else is counted this way), the
// amount their sum, of one union, purse and year; holders is how many allowances more have money left after them.
func Money(_ *model.DB, kind string, union model.ID, purse model.Purse, year model.Year, amount model.Fen, holders int64, at time.Time) (e model.TallyEvent, counts bool) {
	e = model.TallyEvent{Kind: kind, UnionID: union, Year: year, Purse: purse, PurseFen: amount, Holders: holders, At: at}
	switch kind {
	case kindGrant:
		e.InvestedFen = amount
	case kindRevoke:
		e.InvestedFen = -amount
	case kindFund, kindSweep:
	default:
		return e, false
	}
	return e, true
}

// Moved is the event of a union that was put under another parent.
func Moved(_ *model.DB, union model.ID, at time.Time) model.TallyEvent {
	return model.TallyEvent{Kind: kindMove, UnionID: union, At: at}
}
