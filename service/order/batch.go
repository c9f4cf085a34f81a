package order

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/shop"
)

// desk is what one transaction knows while it serves a batch of checkouts, and what is left after those that it has served.
type desk struct {
	s          *Service
	now        time.Time
	channel    model.ID
	allowances map[model.ID][]model.Allowance // locked, by person, in the order of use
	onHand     map[model.ID]int64             // by SKU; locked when it is wary
	items      map[model.ID]shop.SaleItem
	longest    map[model.ID]model.Member // the membership of those who may pay without an allowance, by person
	answered   map[model.KeyRef]model.IdempotencyKey
}

// placeAll serves a batch of checkouts within tx, one by one in the order of arrival, and stores what it decided with one statement a
// table. An order that is refused leaves nothing; the others are as if it had not been there.
//
// Locks, in the order of docs/adr/0005-lock-order.md: the persons' allowances by id, the stocks by SKU id. When it is wary it locks the stocks before
// it decides, and then reads the keys, so that the same key in another process, or of a transaction whose connection was lost, is either seen or still
// to come. When it is not, it decides by the stock as it was committed last, and locks it by the guarded UPDATE that ends the journal, in the order
// of SKU ids: less stock than it seemed is errShort, a key that was answered before makes its insert fail, and the batch runs again, wary. The keys of
// those who are refused, who insert none, are read in any case (lookAgain).
func (s *Service) placeAll(tx *gorm.DB, batch []*ticket, wary bool) ([]answer, error) {
	d, err := s.open(tx, batch, wary)
	if err != nil {
		return nil, err
	}
	j := &journal{s: s, now: d.now}
	answers := make([]answer, len(batch))
	for i, t := range batch {
		answers[i] = d.serve(j, t)
	}
	if !wary {
		if err := lookAgain(tx, batch, answers); err != nil {
			return nil, err
		}
	}
	err = j.store(tx)
	if !wary && model.CodeOf(err) == model.CodeSoldOut {
		err = errShort
	}
	return answers, err
}

// lookAgain gives those who are to be refused the answer that their key got before, if it did: they insert no key that would prove it new.
func lookAgain(tx *gorm.DB, batch []*ticket, answers []answer) error {
	var refs []model.KeyRef
	for i, t := range batch {
		if answers[i].err != nil {
			refs = append(refs, t.ref())
		}
	}
	stored, err := model.StoredKeys(tx, refs)
	if err != nil {
		return err
	}
	for i, t := range batch {
		if row, found := stored[t.ref()]; found && answers[i].err != nil {
			answers[i].replay = true
			answers[i].placed, answers[i].err = model.AnswerOf[Placed](row, t.hash)
		}
	}
	return nil
}

// found is what is read for a ticket without a lock: where its order goes, and which allowances of the year may pay for it.
type found struct {
	to         *delivery // nil: the address is not the member's, or was deleted
	year       model.Year
	allowances []model.ID
}

// find reads for tickets what needs no lock. What it cannot read is left to open.
func (s *Service) find(ctx context.Context, batch []*ticket) {
	_ = s.findAll(s.db.Read(ctx), batch, model.YearOf(s.db.Now()))
}

// findAll reads addresses, sealing copies of them, and the ids of allowances.
func (s *Service) findAll(tx *gorm.DB, batch []*ticket, year model.Year) error {
	var addresses, persons []model.ID
	for _, t := range batch {
		addresses, persons = append(addresses, t.cart.AddressID), append(persons, t.actor.ID)
	}
	places, allowances := make(map[model.ID]model.Address, len(batch)), make(map[model.ID][]model.ID, len(batch))
	if err := model.Ask(tx, askAddresses(distinct(addresses), places), allowance.AskIDs(distinct(persons), year, allowances)); err != nil {
		return err
	}
	for _, t := range batch {
		f := &found{year: year, allowances: allowances[t.actor.ID]}
		if a, ok := places[t.cart.AddressID]; ok && a.PersonID == t.actor.ID {
			to, err := s.deliver(a)
			if err != nil {
				return err
			}
			f.to = to
		}
		t.found = f
	}
	return nil
}

// open locks and reads what the batch needs; the stocks' locks and the keys only when wary.
func (s *Service) open(tx *gorm.DB, batch []*ticket, wary bool) (*desk, error) {
	d := &desk{s: s, now: s.db.Now(), onHand: map[model.ID]int64{}, answered: map[model.KeyRef]model.IdempotencyKey{}, allowances: map[model.ID][]model.Allowance{}}
	channel, err := s.channels.own(tx)
	if err != nil {
		return nil, err
	}
	d.channel = channel
	year := model.YearOf(d.now)
	if lost := slices.DeleteFunc(slices.Clone(batch), func(t *ticket) bool { return t.found != nil && t.found.year == year }); len(lost) > 0 {
		if err := s.findAll(tx, lost, year); err != nil {
			return nil, err
		}
	}
	var skus, allowances, others []model.ID
	for _, t := range batch {
		skus = append(skus, t.cart.skus()...)
		if t.cart.Payment != PayWechat {
			allowances = append(allowances, t.found.allowances...)
		}
		if t.cart.Payment == PayMixed || t.cart.Payment == PayWechat {
			others = append(others, t.actor.ID)
		}
	}
	if err := d.lock(tx, distinct(allowances), distinct(skus), wary); err != nil {
		return nil, err
	}
	if wary {
		if d.answered, err = model.StoredKeys(tx, refs(batch)); err != nil {
			return nil, err
		}
	}
	d.longest, err = longestOf(tx, distinct(others))
	return d, err
}

// lock locks allowances and, when wary, stocks, both by id, and reads the prices after that.
func (d *desk) lock(tx *gorm.DB, allowances, skus []model.ID, wary bool) error {
	var questions []model.Question
	if len(allowances) > 0 {
		questions = append(questions, d.s.allowances.AskSpendable(allowances, d.allowances))
	}
	offer := shop.NewOffer(skus)
	if wary {
		questions = append(questions, shop.LockOnHand(d.s.db, skus, d.onHand))
	}
	err := model.Ask(tx, append(questions, offer.Question())...)
	d.items = offer.Items(d.now)
	if !wary {
		for id, item := range d.items {
			d.onHand[id] = item.OnHand
		}
	}
	return err
}

func refs(batch []*ticket) []model.KeyRef {
	keys := make([]model.KeyRef, len(batch))
	for i, t := range batch {
		keys[i] = t.ref()
	}
	return keys
}

func distinct(ids []model.ID) []model.ID {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ownChannel remembers the product's own channel, which is made once and never again.
type ownChannel struct{ id atomic.Int64 }

func (c *ownChannel) own(tx *gorm.DB) (model.ID, error) {
	if id := c.id.Load(); id != 0 {
		return model.ID(id), nil
	}
	channel, err := shop.OwnChannel(tx)
	if err == nil {
		c.id.Store(int64(channel.ID))
	}
	return channel.ID, err
}

// longestOf is the membership that each person has had longest; those without any are missing.
func longestOf(tx *gorm.DB, persons []model.ID) (map[model.ID]model.Member, error) {
	if len(persons) == 0 {
		return nil, nil
	}
	var rows []model.Member
	if err := tx.Select("id", "person_id", "union_id").Where("person_id IN ? AND status = 'active'", persons).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	byPerson := make(map[model.ID]model.Member, len(rows))
	for _, m := range rows {
		if _, older := byPerson[m.PersonID]; !older {
			byPerson[m.PersonID] = m
		}
	}
	return byPerson, nil
}

// serve decides one checkout by what is left at the desk and, if it is an order, enters it into the journal. It touches no database: every error is
// about this checkout alone.
func (d *desk) serve(j *journal, t *ticket) answer {
	if row, found := d.answered[t.ref()]; found {
		placed, err := model.AnswerOf[Placed](row, t.hash)
		return answer{placed: placed, replay: true, err: err}
	}
	order, b, err := d.decide(t)
	if err != nil {
		return answer{err: err}
	}
	order.OrderNo = newNumber(d.now)
	placed := Placed{ID: order.ID, OrderNo: order.OrderNo, Status: order.Status, TotalFen: order.GoodsFen, AllowanceFen: order.AllowanceFen, WechatFen: order.WechatFen,
		Parcels: len(b.dues), PlacedAt: d.now, PayBefore: order.PayBefore}
	key, err := model.NewKey(t.actor, t.key, t.hash, d.now, placed)
	if err != nil {
		return answer{err: err}
	}
	if err := j.add(t.actor, &order, b); err != nil {
		return answer{err: err}
	}
	j.keys = append(j.keys, key)
	d.hand(b)
	return answer{placed: placed}
}

// decide makes an order of a ticket, or says why not.
func (d *desk) decide(t *ticket) (model.Order, basket, error) {
	order := model.Order{ID: d.s.db.NewID(), PersonID: t.actor.ID, ChannelID: d.channel, Year: model.YearOf(d.now), Kind: KindOnline, Status: StatusPaid,
		Note: t.cart.Note, PlacedAt: d.now, PaidAt: &d.now, UpdatedAt: d.now}
	if (t.cart.Payment == PayMixed || t.cart.Payment == PayWechat) && !d.s.wechat {
		return order, basket{}, model.Invalid("payment", "暂未开通微信支付，请使用帮扶额度支付")
	}
	if t.found.to == nil {
		return order, basket{}, model.NoSuch("address_id", "收货地址")
	}
	t.found.to.write(&order)
	b, err := decide(t.cart, d.items, d.onHand, d.allowances[t.actor.ID])
	if err != nil {
		return order, b, err
	}
	err = setPayer(&order, b, d.allowances[t.actor.ID], d.longest[t.actor.ID])
	return order, b, err
}

// hand takes the goods of an order off what is left. Nobody else's order is paid with its money: a batch holds one checkout of a person (queue.put).
func (d *desk) hand(b basket) {
	for _, l := range b.lines {
		d.onHand[l.SKUID] -= l.Quantity
	}
}

// ref is the ticket's idempotency key.
func (t *ticket) ref() model.KeyRef { return model.KeyRef{Actor: t.actor.Ref(), Key: t.key} }
