package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// bought is an order that later scenes come back to.
type bought struct {
	*buyer
	order    model.ID
	supplier *supplier
	fen      int
	kase     model.ID // the after-sales case about it
}

func (b *bought) path() string { return "/api/v1/member/orders/" + b.order.String() }

// orderView is what the scenes look at of an order.
type orderView struct {
	Status  string
	Parcels []struct {
		ID     model.ID
		Status string
		Lines  []struct{ ID model.ID }
	}
	Refunds []struct {
		WechatStatus string `json:"wechat_status"`
	}
}

func (b *bought) view(ctx context.Context) (v orderView, err error) {
	err = b.get(ctx, b.path(), &v)
	return v, err
}

// order has a member order quantity pieces of one SKU. What is paid at once counts in the tally.
func (p *play) order(ctx context.Context, b *buyer, k shelved, quantity int, payment string) (*bought, error) {
	if err := p.present(ctx, b); err != nil {
		return nil, err
	}
	fen := k.price * quantity
	body := map[string]any{"items": []item{{k.sku, quantity, k.price}}, "address_id": b.address, "total_fen": fen, "payment": payment}
	var placed struct {
		ID     model.ID
		Status string
	}
	if err := b.post(ctx, "/api/v1/member/orders", body, &placed); err != nil {
		return nil, fmt.Errorf("%s: %w", b.handle, err)
	}
	if placed.Status == "paid" {
		p.tally.add(rowOwn, 1, fen)
	}
	return &bought{buyer: b, order: placed.ID, supplier: k.supplier, fen: fen}, nil
}

// wish is quantity pieces of a SKU, by its place in play.shelf.
type wish struct{ shelf, quantity int }

// ordersOf has those of the buyers from first on who can afford it order, one after the other, what is wanted.
func (p *play) ordersOf(ctx context.Context, first int, wanted ...wish) (list []*bought, err error) {
	for _, want := range wanted {
		k := p.shelf[want.shelf]
		for ; first < len(p.buyers); first++ {
			if err := p.present(ctx, p.buyers[first]); err != nil {
				return nil, err
			}
			left, err := p.buyers[first].left(ctx)
			if err != nil {
				return nil, err
			}
			if left >= k.price*want.quantity {
				break
			}
		}
		if first == len(p.buyers) {
			return nil, errors.New("nobody can afford it")
		}
		o, err := p.order(ctx, p.buyers[first], k, want.quantity, "allowance")
		if err != nil {
			return nil, err
		}
		list, first = append(list, o), first+1
	}
	return list, nil
}

// dispatch has the suppliers ship orders.
func (p *play) dispatch(ctx context.Context, list []*bought) error {
	for _, o := range list {
		if err := p.present(ctx, o.buyer); err != nil {
			return err
		}
		v, err := o.view(ctx)
		if err != nil {
			return err
		}
		for _, parcel := range v.Parcels {
			if err := p.shipParcel(ctx, o.supplier, parcel.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// shipParcel hands a parcel to the demonstration's carrier.
func (p *play) shipParcel(ctx context.Context, s *supplier, parcel model.ID) error {
	staff, err := s.staff.at(ctx)
	if err != nil {
		return err
	}
	return staff.post(ctx, fmt.Sprintf("/api/v1/console/parcels/%s/ship", parcel), p.shipment("DEMO"), nil)
}

// shipment is of a carrier that WeChat knows by name: it wants to be told of parcels that WeChat money paid for.
func (p *play) shipment(prefix string) map[string]string {
	p.keys++
	return map[string]string{"carrier": "邮政快递（演示）", "tracking_no": fmt.Sprintf("%s%010d", prefix, p.keys)}
}

// receive has the members confirm that orders have come.
func (p *play) receive(ctx context.Context, list []*bought) error {
	for _, o := range list {
		if err := p.present(ctx, o.buyer); err != nil {
			return err
		}
		v, err := o.view(ctx)
		if err != nil {
			return err
		}
		for _, parcel := range v.Parcels {
			if err := o.post(ctx, fmt.Sprintf("/api/v1/member/parcels/%s/confirm", parcel.ID), nil, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
