package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/shop"
)

// GroupOrder is what a union buys for many of its members with one of its funds.
type GroupOrder struct {
	Fund     model.Fund // pays; its row is locked by the caller
	Items    []Item     // with the prices that were approved
	TotalFen model.Fen  // as approved
	To       Delivery
	Note     string
}

// Delivery is where a group order goes: the unit, and who takes delivery there.
type Delivery struct {
	Consignee, Phone, Province, City, District, Detail string
}

// PlaceGroup makes the order of a group purchase within tx: paid by the fund, by nobody in person (person and member are 0), to
// the unit. Its caller has locked the fund and the receivers' caps; it locks the stocks by SKU id. Errors: CodeNotFound,
// CodeOffShelf, CodePriceChanged with Prices, CodeSoldOut with SoldOut, CodeInsufficientFund.
//
// It is pure money: everything is written by tx alone, or nothing is; see place for why a crash at any line loses nothing.
func (s *Service) PlaceGroup(tx *gorm.DB, actor model.Actor, now time.Time, g GroupOrder) (model.Order, error) {
	channel, err := s.channels.own(tx)
	if err != nil {
		return model.Order{}, err
	}
	cart := Cart{Items: g.Items, TotalFen: g.TotalFen}
	stocks, err := s.lockStocks(tx, cart.skus())
	if err != nil {
		return model.Order{}, err
	}
	items, err := shop.ForSale(tx, cart.skus(), now)
	if err != nil {
		return model.Order{}, err
	}
	b, err := price(cart, items, stocks)
	if err != nil {
		return model.Order{}, err
	}
	for _, d := range b.dues {
		b.shares = append(b.shares, share{ledger.Fund(g.Fund.ID), g.Fund.Purse, g.Fund.Year, g.Fund.UnionID, d.supplier, d.amount, false})
	}
	order := model.Order{ID: s.db.NewID(), UnionID: g.Fund.UnionID, ChannelID: channel, Year: g.Fund.Year, Kind: KindGroup, Status: StatusPaid,
		GoodsFen: b.total, AllowanceFen: b.total, Note: g.Note, PlacedAt: now, PaidAt: &now, UpdatedAt: now}
	if err := s.sealTo(&order, g.To); err != nil {
		return model.Order{}, err
	}
	err = s.write(tx, actor, now, &order, b)
	return order, err
}

// sealTo seals a delivery into the order.
func (s *Service) sealTo(order *model.Order, to Delivery) error {
	text, err := json.Marshal(destination{to.Province, to.City, to.District, to.Detail})
	if err != nil {
		return err
	}
	order.Consignee = to.Consignee
	if order.PhoneSealed, err = s.sealer.Seal(to.Phone, model.SealOrderPhone); err != nil {
		return err
	}
	order.AddressSealed, err = s.sealer.Seal(string(text), model.SealOrderAddress)
	return err
}

// ReceiveForUnion says that a union has received a parcel of its group order; saying it again changes nothing. Errors:
// CodeConflict for a parcel of an order of another kind, when it was not shipped, or was cancelled.
func (s *Service) ReceiveForUnion(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		parcel, order, err := lockOrderOf(tx, id)
		if err != nil {
			return err
		}
		if order.Kind != KindGroup {
			return model.E(model.CodeConflict, "这个包裹不是集体采购的，由收货的会员自己确认")
		}
		if parcel.Status == ParcelReceived {
			return nil
		}
		return s.receive(tx, actor, order, parcel, "staff", s.db.Now())
	})
}

// receiverCut is by how much a refund lowers the shares of a group order's receivers: the receivers by that amount.
type receiverCut map[model.Fen][]model.ID

// cutReceivers lays a refund of a group order over its receivers' shares, in proportion to what is left of each, in whole fen
// (apportion), so that shares less what was returned always add up to what the order cost less its refunds. For the extra purse each
// person's cap has their part as room again. It locks the fund, then the receivers' caps by rising person; whoever refunds the same order
// waits at the fund. Orders of other kinds have no receivers.
func (s *Service) cutReceivers(tx *gorm.DB, b *book, back returning) (receiverCut, error) {
	if b.order.Kind != KindGroup {
		return nil, nil
	}
	var p model.GroupPurchase
	if err := tx.Where("order_id = ?", b.order.ID).Take(&p).Error; err != nil {
		return nil, fmt.Errorf("group order %s: %w", b.order.ID, err)
	}
	var fund model.Fund
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", p.FundID).Take(&fund).Error; err != nil {
		return nil, err
	}
	var receivers []model.GroupReceiver
	if err := tx.Where("purchase_id = ?", p.ID).Order("id").Find(&receivers).Error; err != nil {
		return nil, err
	}
	var amount model.Fen
	for _, fen := range back.owed {
		amount += fen
	}
	left := make([]model.Fen, len(receivers))
	for i, r := range receivers {
		left[i] = r.ShareFen - r.ReturnedFen
	}
	parts, err := apportion(amount, left)
	if err != nil {
		return nil, model.ErrRerun // what was refunded changed since the order was read, see book.take
	}
	cut, deltas := receiverCut{}, map[model.ID]model.Fen{}
	for i, r := range receivers {
		if parts[i] > 0 {
			cut[parts[i]] = append(cut[parts[i]], r.ID)
			deltas[r.PersonID] -= parts[i]
		}
	}
	if !p.Purse.Capped() {
		return cut, nil
	}
	if _, err := ledger.LockCaps(tx, s.db, p.Year, persons(receivers)); err != nil {
		return nil, err
	}
	return cut, ledger.ShiftCaps(tx, p.Year, deltas, 0)
}

func persons(receivers []model.GroupReceiver) []model.ID {
	ids := make([]model.ID, len(receivers))
	for i, r := range receivers {
		ids[i] = r.PersonID
	}
	return ids
}

// store lowers the receivers' shares; a refund that came between is found by book.take before.
func (c receiverCut) store(tx *gorm.DB) error {
	for amount, all := range c {
		for ids := range slices.Chunk(all, 500) {
			res := tx.Model(&model.GroupReceiver{}).Where("id IN ? AND returned_fen + ? <= share_fen", ids, amount).
				UpdateColumn("returned_fen", gorm.Expr("returned_fen + ?", amount))
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected != int64(len(ids)) {
				return errors.New("a group order's shares changed under its fund's lock")
			}
		}
	}
	return nil
}
