package order

import (
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/tally"
)

// notBefore is now, or the moment of the order's payment or of its last refund if the clock of this machine has not come that far: what
// happens to an order later is later. A refund that comes between makes the transaction run again, see take.
func (b *book) notBefore(tx *gorm.DB, now time.Time) (time.Time, error) {
	if b.order.PaidAt != nil && now.Before(*b.order.PaidAt) {
		now = *b.order.PaidAt
	}
	var last model.Refund
	err := tx.Select("refunded_at").Where("order_id = ? AND refunded_at > ?", b.order.ID, now).Order("refunded_at DESC").Limit(1).Take(&last).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return now, nil
	}
	return last.RefundedAt, err
}

// countRefund counts a refund, and takes the 人次 off where nothing is left of the order.
func (s *Service) countRefund(tx *gorm.DB, now time.Time, b *book, done Returned, moves []ledger.Movement) error {
	o := b.order
	spent, toFund := map[model.Purse]model.Fen{}, map[model.Purse]model.Fen{}
	for _, m := range moves {
		if m.Purse == "" {
			continue
		}
		spent[m.Purse] += m.Amount
		if kind, _ := m.To.Split(); kind == "fund" {
			toFund[m.Purse] += m.Amount
		}
	}
	whole := o.RefundedFen+done.AmountFen >= o.GoodsFen
	refund := model.Refund{ID: done.RefundID, AmountFen: done.AmountFen, WechatFen: done.ToWechat, RefundedAt: now}
	events := tally.OrderRefunded(s.db, o, refund, whole, spent, toFund, crossed(moves, b.paying))
	if whole && o.Kind == KindGroup {
		unsigned, err := s.unsignAll(tx, now, o)
		if err != nil {
			return err
		}
		events = append(events, unsigned...)
	}
	return tally.Write(tx, s.db, events...)
}

// unsignAll takes off the 人次 of a group order of which nothing is left: no signature counts from now on, also none that another machine's
// clock put after now. It locks the receivers, so that whoever signs or undoes is before it or sees that the order was refunded.
func (s *Service) unsignAll(tx *gorm.DB, now time.Time, o model.Order) ([]model.TallyEvent, error) {
	var p model.GroupPurchase
	if err := tx.Where("order_id = ?", o.ID).Take(&p).Error; err != nil {
		return nil, err
	}
	var receivers []model.GroupReceiver
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id").Where("purchase_id = ?", p.ID).Order("id").Find(&receivers).Error; err != nil {
		return nil, err
	}
	var signatures []model.GroupSignoff
	if err := tx.Where("purchase_id = ? AND (undone_at IS NULL OR undone_at > ?)", p.ID, now).Order("id").Find(&signatures).Error; err != nil {
		return nil, err
	}
	off := map[time.Time]int64{}
	for _, sig := range signatures {
		from := now
		if sig.SignedAt.After(now) {
			from = sig.SignedAt
		}
		off[from]--
		if sig.UndoneAt != nil {
			off[*sig.UndoneAt]++
		}
	}
	var events []model.TallyEvent
	for at, n := range off {
		if n != 0 {
			events = append(events, tally.Signed(s.db, p, o, n, at))
		}
	}
	return events, nil
}

// crossed counts, by purse, the allowances that moves fill from nothing, less those that they leave with nothing; had is how they were before.
func crossed(moves []ledger.Movement, had map[model.ID]model.Allowance) map[model.Purse]int64 {
	left, n := make(map[model.ID]model.Fen, len(had)), map[model.Purse]int64{}
	for id, a := range had {
		left[id] = a.BalanceFen + a.HeldFen
	}
	ledger.Crossings(moves, left, func(m ledger.Movement, more int64) { n[m.Purse] += more })
	return n
}

// emptied is crossed for what an order spends at once.
func emptied(shares []share) (n map[model.Purse]int64) {
	for _, sh := range shares {
		if sh.empties {
			if n == nil {
				n = make(map[model.Purse]int64, 1)
			}
			n[sh.purse]--
		}
	}
	return n
}

// byPurse sums what purses pay; WeChat money has none.
func byPurse(shares []share) map[model.Purse]model.Fen {
	sums := make(map[model.Purse]model.Fen, 1)
	for _, sh := range shares {
		if sh.purse != "" {
			sums[sh.purse] += sh.amount
		}
	}
	return sums
}
