package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bangfu/model"
)

// buyer is a member who has logged in with WeChat.
type buyer struct {
	*web
	person
	handle  string // of the emulated WeChat user
	address model.ID
	until   time.Time // the login is renewed after this
}

// present logs the buyer in again if the last login is weeks ago.
func (p *play) present(ctx context.Context, b *buyer) (err error) {
	if now := p.Clock.Now(); now.After(b.until) {
		b.until = now.AddDate(0, 0, 20)
		b.web, err = p.login(ctx, b.handle)
	}
	return err
}

// buyersPerUnion is how many members of each union take part in person.
const buyersPerUnion = 7

// roads are where the members of each union live.
var roads = []string{"海滨", "东堤", "北岭", "糖厂", "车站"}

// login logs a WeChat user in through the emulator.
func (p *play) login(ctx context.Context, handle string) (*web, error) {
	var given struct{ Code string }
	if err := p.emulate(ctx, "/users/"+handle+"/login-code", nil, &given); err != nil {
		return nil, err
	}
	w := p.web()
	var session struct{ Token string }
	if err := w.post(ctx, "/api/v1/member/login", map[string]string{"code": given.Code}, &session); err != nil {
		return nil, err
	}
	w.head["Authorization"] = "Bearer " + session.Token
	return w, nil
}

// agree reads the privacy notice and agrees to its version.
func agree(ctx context.Context, w *web) error {
	var notice struct{ Version string }
	if err := w.get(ctx, "/api/v1/privacy-notice", &notice); err != nil {
		return err
	}
	return w.post(ctx, "/api/v1/member/consents", map[string]string{"version": notice.Version}, nil)
}

// bind agrees to the privacy notice and binds the logged-in user with the name and last six digits that it types.
func (p *play) bind(ctx context.Context, w *web, handle string, as person) (state string, err error) {
	if err := agree(ctx, w); err != nil {
		return "", err
	}
	var phone struct{ Code string }
	if err := p.emulate(ctx, "/users/"+handle+"/phone-code", map[string]string{"phone": as.phone}, &phone); err != nil {
		return "", err
	}
	var binding struct{ State string }
	body := map[string]string{"phone_code": phone.Code, "name": as.name, "id_last6": as.idNumber[12:]}
	err = w.post(ctx, "/api/v1/member/binding", body, &binding)
	return binding.State, err
}

func (p *play) bindMembers(ctx context.Context) error {
	for n, u := range p.unions {
		for i := range min(buyersPerUnion, len(u.people)) {
			b := &buyer{person: u.people[i], handle: fmt.Sprintf("demo-member%d-%d", n+1, i+1)}
			if err := p.present(ctx, b); err != nil {
				return err
			}
			state, err := p.bind(ctx, b.web, b.handle, b.person)
			if err != nil {
				return err
			}
			if state != "bound" {
				return fmt.Errorf("%s is %s, not bound", b.handle, state)
			}
			var address struct{ ID model.ID }
			body := map[string]any{"consignee": b.name, "phone": b.phone, "province": "广东省", "city": "演示市", "district": "海湾区", "detail": fmt.Sprintf("演示%s路 %d 号", roads[n%len(roads)], i+1), "is_default": true}
			if err := b.post(ctx, "/api/v1/member/addresses", body, &address); err != nil {
				return err
			}
			b.address = address.ID
			if err := p.subscribe(ctx, b, "allowance_issued", "allowance_ending", "order_shipped", "refund_done"); err != nil {
				return err
			}
			p.buyers = append(p.buyers, b)
		}
	}
	return nil
}

// buy has about two thirds of the members buy something within their means; now and then one thinks better of it.
func (p *play) buy(ctx context.Context, round int) error {
	for i, b := range p.buyers {
		if (i+round)%3 == 0 {
			continue
		}
		if err := p.present(ctx, b); err != nil {
			return err
		}
		left, err := b.left(ctx)
		if err != nil {
			return err
		}
		items, total := p.basket(i, round, left)
		if total == 0 {
			continue
		}
		var order struct{ ID model.ID }
		if err := b.post(ctx, "/api/v1/member/orders", map[string]any{"items": items, "address_id": b.address, "total_fen": total}, &order); err != nil {
			return err
		}
		p.tally.add(rowOwn, 1, total)
		if i%2 == 0 { // the client asks where the answer will be wanted
			if err := p.subscribe(ctx, b, "order_shipped"); err != nil {
				return err
			}
		}
		if (i*7+round*5)%17 == 0 {
			if err := b.post(ctx, fmt.Sprintf("/api/v1/member/orders/%s/cancel", order.ID), map[string]string{"reason": "选错规格"}, nil); err != nil {
				return err
			}
			p.tally.back(rowOwn, total, true)
		}
	}
	return nil
}

// subscribe has a member agree to one message of each template, as wx.requestSubscribeMessage asks for.
func (p *play) subscribe(ctx context.Context, b *buyer, templates ...string) error {
	answers := make([]map[string]string, len(templates))
	for i, t := range templates {
		answers[i] = map[string]string{"template": t, "answer": "accepted"}
	}
	return b.post(ctx, "/api/v1/member/subscriptions", map[string]any{"templates": answers}, nil)
}

// left is what the member can still spend, in fen.
func (b *buyer) left(ctx context.Context) (int, error) {
	var allowances struct {
		Items []struct {
			BalanceFen int `json:"balance_fen"`
		}
	}
	if err := b.get(ctx, "/api/v1/member/allowances", &allowances); err != nil {
		return 0, err
	}
	sum := 0
	for _, a := range allowances.Items {
		sum += a.BalanceFen
	}
	return sum, nil
}

type item struct {
	SKU      model.ID `json:"sku_id"`
	Quantity int      `json:"quantity"`
	PriceFen int      `json:"price_fen"`
}

// basket picks one or two SKUs that the member can afford.
func (p *play) basket(i, round, left int) (items []item, total int) {
	for n := range 1 + (i+round)%2 {
		k := p.shelf[(i*3+round*2+n*4)%len(p.shelf)]
		if total+k.price > left || len(items) > 0 && items[0].SKU == k.sku {
			continue
		}
		items = append(items, item{k.sku, 1, k.price})
		total += k.price
	}
	return items, total
}

// confirm has most members confirm the parcels that arrived.
func (p *play) confirm(ctx context.Context) error {
	for i, b := range p.buyers {
		if i%5 == 4 {
			continue // these leave it to the clock
		}
		if err := p.present(ctx, b); err != nil {
			return err
		}
		var orders struct {
			Items []struct {
				ID     model.ID
				Status string
			}
		}
		if err := b.get(ctx, "/api/v1/member/orders?limit=20", &orders); err != nil {
			return err
		}
		for _, o := range orders.Items {
			if o.Status != "paid" && o.Status != "shipped" {
				continue // nothing of it is on its way
			}
			var order struct {
				Parcels []struct {
					ID     model.ID
					Status string
				}
			}
			if err := b.get(ctx, "/api/v1/member/orders/"+o.ID.String(), &order); err != nil {
				return err
			}
			for _, parcel := range order.Parcels {
				if parcel.Status != "shipped" {
					continue
				}
				if err := b.post(ctx, fmt.Sprintf("/api/v1/member/parcels/%s/confirm", parcel.ID), nil, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// leaveAndMismatch: one member leaves, and what is unspent goes back; another cannot be matched and waits in the union's queue.
func (p *play) leaveAndMismatch(ctx context.Context) error {
	u := p.unions[1]
	admin, err := u.admin.at(ctx)
	if err != nil {
		return err
	}
	leaver := u.people[len(u.people)-1]
	var found struct{ Items []struct{ ID model.ID } }
	if err := admin.get(ctx, fmt.Sprintf("/api/v1/console/unions/%s/members?q=%s", u.id, leaver.phone), &found); err != nil {
		return err
	}
	if len(found.Items) != 1 {
		return errors.New("the member who leaves is not on the roster")
	}
	if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/members/%s/leave", found.Items[0].ID), map[string]string{"reason": "调离本单位"}, nil); err != nil {
		return err
	}
	const handle = "demo-mismatch"
	w, err := p.login(ctx, handle)
	if err != nil {
		return err
	}
	wrong := u.people[len(u.people)-2]
	wrong.name = "演示改名"
	state, err := p.bind(ctx, w, handle, wrong)
	if err == nil && state != "pending" {
		err = fmt.Errorf("a wrong name leads to %s, not to the manual queue", state)
	}
	return err
}

// memberHandles lists the emulated WeChat users that are bound to members.
func (p *play) memberHandles() []string {
	handles := make([]string, len(p.buyers))
	for i, b := range p.buyers {
		handles[i] = b.handle
	}
	return handles
}
