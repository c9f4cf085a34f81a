package aftersale

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
)

// Consent is how a supplier, or the platform, agrees to a case.
type Consent struct {
	Note     string
	Restock  bool   // refund now: the goods are there and go back on the shelf. What was never shipped always does
	ReturnTo string // return_goods: to whom and where the goods are to be sent
}

// Agree is the supplier's consent, also after a refusal or while the platform looks at it: the money goes back at once, or,
// where goods are to come back first, they may now be sent. The same key gets the same answer. Errors: CodeInvalid; CodeNotFound;
// CodeConflict; CodeIdempotencyMismatch.
func (s *Service) Agree(ctx context.Context, actor model.Actor, key string, id model.ID, in Consent) (Outcome, error) {
	return s.settle(ctx, actor, key, content{"after_sale.agree", id, in}, func(tx *gorm.DB, now time.Time, c model.AfterSale) (Outcome, []model.ID, error) {
		if err := theirs(actor, c); err != nil {
			return Outcome{}, nil, err
		}
		if err := inState(c, StatusRequested, StatusRefused, StatusEscalated); err != nil {
			return Outcome{}, nil, err
		}
		return s.consent(tx, actor, now, c, in, step{action: "agree", party: "supplier", note: in.Note})
	})
}

// Decision is the platform's word in a case.
type Decision struct {
	Consent // in the member's favour; its Note is the reason either way
	Agree   bool
}

// Decide is the platform's decision in an escalated case, and its end unless goods are to be sent back first. Errors as of Agree.
func (s *Service) Decide(ctx context.Context, actor model.Actor, key string, id model.ID, in Decision) (Outcome, error) {
	if in.Note = strings.TrimSpace(in.Note); in.Note == "" {
		return Outcome{}, model.Invalid("note", "请填写处理理由")
	}
	return s.settle(ctx, actor, key, content{"after_sale.decide", id, in}, func(tx *gorm.DB, now time.Time, c model.AfterSale) (Outcome, []model.ID, error) {
		if err := inState(c, StatusEscalated); err != nil {
			return Outcome{}, nil, err
		}
		st := step{to: StatusRejected, action: "decide", party: "platform", note: in.Note}
		if in.Agree {
			return s.consent(tx, actor, now, c, in.Consent, st)
		}
		return Outcome{ID: c.ID, Status: st.to, AmountFen: c.AmountFen}, nil, s.turn(tx, actor, now, c, st)
	})
}

// Receive is the supplier's word that the returned goods have come: the money goes back. restock: they go back on the shelf.
// Errors as of Agree.
func (s *Service) Receive(ctx context.Context, actor model.Actor, key string, id model.ID, restock bool, note string) (Outcome, error) {
	in := Consent{Note: note, Restock: restock}
	return s.settle(ctx, actor, key, content{"after_sale.receive", id, in}, func(tx *gorm.DB, now time.Time, c model.AfterSale) (Outcome, []model.ID, error) {
		if err := theirs(actor, c); err != nil {
			return Outcome{}, nil, err
		}
		if err := inState(c, StatusReturning, StatusRefused, StatusEscalated); err != nil {
			return Outcome{}, nil, err
		}
		if c.ReturnedAt == nil {
			return Outcome{}, nil, model.E(model.CodeConflict, "买家还没有寄回商品")
		}
		return s.refund(tx, actor, now, c, restock, step{action: "receive", party: "supplier", note: note})
	})
}

// settle runs an act that may move money in one transaction, once a key.
func (s *Service) settle(ctx context.Context, actor model.Actor, key string, what content, act func(tx *gorm.DB, now time.Time, c model.AfterSale) (Outcome, []model.ID, error)) (Outcome, error) {
	var skus []model.ID
	out, err := model.Once(model.InTurn(ctx), s.db, actor, key, what, func(tx *gorm.DB) (Outcome, error) {
		c, err := read(tx, what.ID)
		if err != nil {
			return Outcome{}, err
		}
		done, back, err := act(tx, s.db.Now(), c)
		skus = back
		return done, err
	})
	if err == nil {
		s.orders.ClearSoldOut(ctx, skus)
	}
	return out, err
}

// consent refunds, or, where goods are to come back first and have not been sent, lets them be sent.
func (s *Service) consent(tx *gorm.DB, actor model.Actor, now time.Time, c model.AfterSale, in Consent, st step) (Outcome, []model.ID, error) {
	if c.Kind == KindRefundOnly || c.ReturnedAt != nil {
		return s.refund(tx, actor, now, c, in.Restock, st)
	}
	if in.ReturnTo = strings.TrimSpace(in.ReturnTo); in.ReturnTo == "" {
		return Outcome{}, nil, model.Invalid("return_to", "请填写退货的收件人、电话和地址")
	}
	sealed, err := s.sealer.Seal(in.ReturnTo, model.SealReturnTo)
	if err != nil {
		return Outcome{}, nil, err
	}
	st.to, st.columns = StatusAgreed, map[string]any{"return_to_sealed": sealed}
	return Outcome{ID: c.ID, Status: st.to, AmountFen: c.AmountFen}, nil, s.turn(tx, actor, now, c, st)
}

// Refuse is the supplier's refusal, of what was asked for or of the goods that came back; who asked may escalate it. Errors:
// CodeInvalid; CodeNotFound; CodeConflict.
func (s *Service) Refuse(ctx context.Context, actor model.Actor, id model.ID, reason string) (View, error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return View{}, model.Invalid("reason", "请填写拒绝的原因")
	}
	return s.act(ctx, actor, id, func(c model.AfterSale, _ time.Time) (step, error) {
		if err := theirs(actor, c); err != nil {
			return step{}, err
		}
		return step{to: StatusRefused, action: "refuse", party: "supplier", note: reason}, inState(c, StatusRequested, StatusReturning)
	})
}

// SendBack is where who asked says how the goods travel back. Errors: CodeInvalid; CodeNotFound; CodeConflict.
func (s *Service) SendBack(ctx context.Context, actor model.Actor, id model.ID, sh order.Shipment) (View, error) {
	sh, err := sh.Clean()
	if err != nil {
		return View{}, err
	}
	return s.act(ctx, actor, id, func(c model.AfterSale, now time.Time) (step, error) {
		if err := asker(actor, c); err != nil {
			return step{}, err
		}
		columns := map[string]any{"return_carrier": sh.Carrier, "return_tracking_no": sh.TrackingNo, "returned_at": now}
		return step{to: StatusReturning, action: "send_back", party: requester(actor), note: sh.Carrier + " " + sh.TrackingNo, columns: columns}, inState(c, StatusAgreed)
	})
}

// Withdraw takes a case back as long as no money and no goods have moved for it. Errors: CodeNotFound; CodeConflict.
func (s *Service) Withdraw(ctx context.Context, actor model.Actor, id model.ID) (View, error) {
	return s.act(ctx, actor, id, func(c model.AfterSale, _ time.Time) (step, error) {
		if err := asker(actor, c); err != nil {
			return step{}, err
		}
		if c.ReturnedAt != nil {
			return step{}, inState(c) // goods are on their way, or there
		}
		return step{to: StatusWithdrawn, action: "withdraw", party: requester(actor)}, inState(c, StatusRequested, StatusRefused, StatusAgreed, StatusEscalated)
	})
}

// Escalate brings a refusal before the platform. Errors: CodeInvalid; CodeNotFound; CodeConflict.
func (s *Service) Escalate(ctx context.Context, actor model.Actor, id model.ID, note string) (View, error) {
	if note = strings.TrimSpace(note); note == "" {
		return View{}, model.Invalid("note", "请填写申请平台处理的理由")
	}
	return s.act(ctx, actor, id, func(c model.AfterSale, _ time.Time) (step, error) {
		if err := asker(actor, c); err != nil {
			return step{}, err
		}
		return step{to: StatusEscalated, action: "escalate", party: requester(actor), note: note}, inState(c, StatusRefused)
	})
}

// act moves a case by one step that moves no money, and shows it.
func (s *Service) act(ctx context.Context, actor model.Actor, id model.ID, choose func(c model.AfterSale, now time.Time) (step, error)) (View, error) {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		c, err := read(tx, id)
		if err != nil {
			return err
		}
		now := s.db.Now()
		st, err := choose(c, now)
		if err != nil {
			return err
		}
		return s.turn(tx, actor, now, c, st)
	})
	if err != nil {
		return View{}, err
	}
	return s.Case(ctx, actor, id)
}
