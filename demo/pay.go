package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// How the members of payThroughWechat go about it.
var payers = []struct {
	title  string
	pays   bool
	notice map[string]any // how WeChat's notice behaves; nil: at once
}{
	{"paid at once", true, nil},
	{"paid, the notice comes late", true, map[string]any{"mode": "late", "delay_ms": 700}},
	{"never paid", false, nil},
	{"paid, cancelled the day after", true, nil},
}

// payThroughWechat has members of the union that granted less order more than they have left and pay the rest through WeChat.
func (p *play) payThroughWechat(ctx context.Context) error {
	first := modest * buyersPerUnion
	for i, how := range payers {
		o, err := p.orderMixed(ctx, p.buyers[first+i])
		if err != nil {
			return fmt.Errorf("%s: %w", how.title, err)
		}
		p.mixed = append(p.mixed, o)
		var prepaid struct {
			No string `json:"payment_no"`
		}
		if err := o.post(ctx, o.path()+"/prepay", nil, &prepaid); err != nil {
			return err
		}
		if !how.pays {
			continue
		}
		pay := map[string]any{"verdict": "success"}
		if how.notice != nil {
			pay["notice"] = how.notice
		}
		if err := p.emulate(ctx, "/payments/"+prepaid.No+"/pay", pay, nil); err != nil {
			return err
		}
	}
	for i, how := range payers { // also the late notice comes before the clock moves on
		if !how.pays {
			continue
		}
		if err := p.expectOrder(ctx, p.mixed[i], "paid"); err != nil {
			return fmt.Errorf("%s: %w", how.title, err)
		}
		p.tally.add(rowOwn, 1, p.mixed[i].fen)
	}
	return nil
}

// orderMixed orders one piece more of something than the member's allowance pays.
func (p *play) orderMixed(ctx context.Context, b *buyer) (*bought, error) {
	if err := p.present(ctx, b); err != nil {
		return nil, err
	}
	left, err := b.left(ctx)
	if err != nil {
		return nil, err
	}
	k := p.shelf[3] // 红橙礼盒 5斤/箱
	return p.order(ctx, b, k, left/k.price+1, "mixed")
}

// expectOrder waits for an order to reach a state.
func (p *play) expectOrder(ctx context.Context, o *bought, status string) error {
	_, err := wait(ctx, o.web, o.path(), func(v orderView) (bool, error) { return v.Status == status, nil })
	return err
}

// expectClosed sees that the clock has closed what was not paid in time.
func (p *play) expectClosed(ctx context.Context) error {
	return p.expectOrder(ctx, p.mixed[2], "closed")
}

// cancelPaid has a member cancel an order before it is shipped: each part goes back where it came from.
func (p *play) cancelPaid(ctx context.Context) error {
	o := p.mixed[3]
	var done struct {
		Wechat model.Fen `json:"to_wechat_fen"`
	}
	if err := o.post(ctx, o.path()+"/cancel", map[string]string{"reason": "家里已有，不需要了"}, &done); err != nil {
		return err
	}
	if done.Wechat == 0 {
		return errors.New("nothing goes back to WeChat")
	}
	p.tally.back(rowOwn, o.fen, true)
	if err := p.Meanwhile(ctx); err != nil { // the refund is asked for
		return err
	}
	_, err := wait(ctx, o.web, o.path(), func(v orderView) (bool, error) {
		return len(v.Refunds) == 1 && v.Refunds[0].WechatStatus == "done", nil
	})
	return err
}
