package counter

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
)

// fixed is what a redemption is about, as kept in its row.
type fixed struct {
	Sale  order.CounterSale `json:"sale"`
	Lines []Line            `json:"lines"`
}

// fix is the sale and what was sold as kept in the redemption's row.
func fix(sale order.CounterSale, sold []order.LineView) (string, error) {
	f := fixed{Sale: sale}
	for _, l := range sold {
		f.Lines = append(f.Lines, Line{SKUID: l.SKUID, Name: l.ProductName, Spec: l.Spec, PriceFen: l.PriceFen, Quantity: l.Quantity, AmountFen: l.AmountFen})
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// saleContent is what an idempotency key of a sale stands for.
type saleContent struct {
	Act        string
	Redemption model.ID
	Sale       order.CounterSale
}

// Pay charges what the cashier entered to the member's allowances, whole or not at all; there is no WeChat money at a counter. Up to the
// hall's amount it is paid at once; above it the sale is fixed, nothing is charged, and the member is asked (awaiting_member, for
// three minutes). The same key gets the same answer. Errors: CodeInvalid; CodeNotFound; CodeNoPolicy and CodeCapExceeded for typed
// goods; CodeConflict for a redemption in another state and a hall that may not sell; the refusals of order.SellAtCounter;
// CodeRateLimited; CodeIdempotencyMismatch.
//
// The answer says "paid" only after COMMIT: the cashier hands the goods over on it, and a transaction that is lost after that would have
// given them away. An answer that is lost on the way is asked for again with the same key, or read (Redemption).
func (s *Service) Pay(ctx context.Context, actor model.Actor, key string, id model.ID, sale order.CounterSale) (Redemption, error) {
	if err := sale.Check(); err != nil {
		return Redemption{}, err
	}
	r, err := s.find(ctx, actor, id)
	if err != nil {
		return Redemption{}, err
	}
	return throughDoor(ctx, s, actor, key, saleContent{"counter_pay", id, sale}, r.PersonID, sale.SKUs(), func(tx *gorm.DB) (Redemption, error) {
		if err := s.pay(tx, actor, id, sale); err != nil {
			return Redemption{}, err
		}
		return s.showOne(tx, id)
	})
}

// pay is Pay within tx. It locks the redemption, then what order.SellAtCounter locks.
func (s *Service) pay(tx *gorm.DB, actor model.Actor, id model.ID, sale order.CounterSale) error {
	now := s.db.Now()
	r, err := lockIn(tx, id, StatusScanned, now)
	if err != nil {
		return err
	}
	hall, err := openHall(tx, r.HallID, now)
	if err != nil {
		return err
	}
	if err := checkTyped(tx, sale, now); err != nil {
		return err
	}
	if sale.TotalFen > hall.ConfirmOverFen {
		return s.ask(tx, actor, now, r, hall, sale)
	}
	return s.sell(tx, actor, now, r, hall, sale)
}

// checkTyped bounds the amount of typed goods by the year's cap per person.
func checkTyped(tx *gorm.DB, sale order.CounterSale, now time.Time) error {
	if sale.GoodsFen == 0 {
		return nil
	}
	var p model.Policy
	err := tx.Where("year = ?", model.YearOf(now)).Take(&p).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return model.E(model.CodeNoPolicy, "%d 年度没有生效的消费帮扶政策", model.YearOf(now))
	case err == nil && sale.GoodsFen > p.CapFen:
		return model.E(model.CodeCapExceeded, "手工填写的金额不能超过每人每年 %s 元的上限", p.CapFen.Yuan())
	}
	return err
}

// ask fixes the sale and waits for the member. It is judged now, so that the member is not asked for what cannot be; stock and money
// are not set aside for it.
func (s *Service) ask(tx *gorm.DB, actor model.Actor, now time.Time, r model.Redemption, hall model.Hall, sale order.CounterSale) error {
	lines, err := s.orders.QuoteAtCounter(tx, now, place(r, hall), sale)
	if err != nil {
		return err
	}
	text, err := fix(sale, lines)
	if err != nil {
		return err
	}
	err = turn(tx, r, StatusScanned, map[string]any{"status": StatusAwaiting, "sale": text, "total_fen": sale.TotalFen, "asked_at": now,
		"expires_at": now.Add(memberLife), "updated_at": now})
	if err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "redemption.ask", object(r.ID), 0, map[string]any{"hall": hall.ID, "total_fen": sale.TotalFen})
}

// sell makes the order and ends the redemption as paid.
func (s *Service) sell(tx *gorm.DB, actor model.Actor, now time.Time, r model.Redemption, hall model.Hall, sale order.CounterSale) error {
	placed, lines, err := s.orders.SellAtCounter(tx, actor, now, place(r, hall), sale)
	if err != nil {
		return err
	}
	text, err := fix(sale, lines)
	if err != nil {
		return err
	}
	return turn(tx, r, r.Status, map[string]any{"status": StatusPaid, "sale": text, "total_fen": placed.TotalFen, "order_id": placed.ID,
		"paid_at": now, "paid_on": model.DateOf(now), "updated_at": now})
}

func place(r model.Redemption, h model.Hall) order.Counter {
	return order.Counter{Person: r.PersonID, Channel: h.ChannelID, Supplier: h.SupplierID, Name: h.Name, Address: h.Address}
}

// Confirm is the member's consent to what the cashier entered: exactly that is charged, or nothing. Errors as of Pay.
func (s *Service) Confirm(ctx context.Context, actor model.Actor, key string, id model.ID) (MemberRedemption, error) {
	var none MemberRedemption
	r, err := s.findMine(ctx, actor, id)
	if err != nil {
		return none, err
	}
	var f fixed
	if r.Sale != "" {
		if err := json.Unmarshal([]byte(r.Sale), &f); err != nil {
			return none, err
		}
	}
	return throughDoor(ctx, s, actor, key, map[string]any{"counter_confirm": id}, actor.ID, f.Sale.SKUs(), func(tx *gorm.DB) (MemberRedemption, error) {
		if err := s.confirm(tx, actor, id); err != nil {
			return none, err
		}
		return s.showMine(tx, id)
	})
}

func (s *Service) confirm(tx *gorm.DB, actor model.Actor, id model.ID) error {
	now := s.db.Now()
	r, err := lockIn(tx, id, StatusAwaiting, now)
	if err != nil {
		return err
	}
	var f fixed
	if err := json.Unmarshal([]byte(r.Sale), &f); err != nil {
		return err
	}
	hall, err := openHall(tx, r.HallID, now)
	if err != nil {
		return err
	}
	return s.sell(tx, actor, now, r, hall, f.Sale)
}

// Refuse is the member's no. Errors: CodeNotFound, CodeConflict in any state but awaiting_member.
func (s *Service) Refuse(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.end(ctx, actor, id, StatusRefused, "redemption.refuse", func(status string) bool { return status == StatusAwaiting })
}

// Cancel ends a redemption that is not paid, by a cashier of the hall. Errors: CodeNotFound, CodeConflict when it is paid or
// ended.
func (s *Service) Cancel(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.end(ctx, actor, id, StatusCancelled, "redemption.cancel", func(status string) bool { return status == StatusScanned || status == StatusAwaiting })
}

// end closes a redemption without a payment, from the states that from accepts.
func (s *Service) end(ctx context.Context, actor model.Actor, id model.ID, to, action string, from func(status string) bool) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		r, err := lock(tx, id)
		if err != nil {
			return err
		}
		if status := statusAt(r, now); !from(status) {
			return wrongState(status)
		}
		if err := turn(tx, r, r.Status, map[string]any{"status": to, "ended_at": now, "updated_at": now}); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, action, object(id), 0, map[string]any{"hall": r.HallID, "total_fen": r.TotalFen})
	})
}
