package demo

import (
	"context"
	"fmt"

	"bangfu/model"
)

// dispute is how one after-sales story begins; the scenes below tell its end.
type dispute struct {
	kind, reason, text string
	want               wish
	back               int // pieces that money is wanted for
}

// The stories: agreed at once, sent back, refused and decided by the city.
const (
	agreed = iota
	sentBack
	refused
)

var disputes = []dispute{
	{"refund_only", "damaged", "到货时两箱里有一箱压坏，果子流汁了", wish{3, 2}, 1},
	{"return_goods", "mismatch", "收到的规格和页面写的不一样，未拆封", wish{0, 1}, 1},
	{"refund_only", "quality", "解冻后有异味，附照片", wish{5, 1}, 1},
}

// lateDispute is still open when the demonstration ends.
var lateDispute = dispute{"refund_only", "shortage", "少发了一包", wish{6, 2}, 1}

const caseSeller = "演示退货仓 10066660000 广东省演示市海湾区演示码头 8 号"

func (p *play) orderForDisputes(ctx context.Context) (err error) {
	var wanted []wish
	for _, d := range disputes {
		wanted = append(wanted, d.want)
	}
	p.disputed, err = p.ordersOf(ctx, 0, append(wanted, wish{2, 1})...) // the last one is content and asks for an invoice
	return err
}

func (p *play) shipDisputed(ctx context.Context) error    { return p.dispatch(ctx, p.disputed) }
func (p *play) receiveDisputed(ctx context.Context) error { return p.receive(ctx, p.disputed) }

func (p *play) openCases(ctx context.Context) error {
	for i, d := range disputes {
		if err := p.openCase(ctx, p.disputed[i], d); err != nil {
			return err
		}
	}
	return nil
}

// openCase asks for money back, with a picture.
func (p *play) openCase(ctx context.Context, o *bought, d dispute) error {
	if err := p.present(ctx, o.buyer); err != nil {
		return err
	}
	v, err := o.view(ctx)
	if err != nil {
		return err
	}
	lines := []map[string]any{{"line_id": v.Parcels[0].Lines[0].ID, "quantity": d.back}}
	var opened struct{ ID model.ID }
	if err := o.post(ctx, o.path()+"/after-sales", map[string]any{"kind": d.kind, "reason": d.reason, "description": d.text, "lines": lines}, &opened); err != nil {
		return err
	}
	o.kase = opened.ID
	img, err := paper(len(d.text))
	if err != nil {
		return err
	}
	return o.upload(ctx, o.mine("/pictures"), "照片.png", img, nil, nil)
}

func (b *bought) mine(act string) string {
	return fmt.Sprintf("/api/v1/member/after-sales/%s%s", b.kase, act)
}
func (b *bought) desk(act string) string {
	return fmt.Sprintf("/api/v1/console/after-sales/%s%s", b.kase, act)
}

// answer is the supplier's answer to a case.
func (p *play) answer(ctx context.Context, o *bought, act string, body map[string]any) error {
	staff, err := o.supplier.staff.at(ctx)
	if err != nil {
		return err
	}
	return staff.post(ctx, o.desk(act), body, nil)
}

func (p *play) answerCases(ctx context.Context) error {
	if err := p.answer(ctx, p.disputed[agreed], "/agree", map[string]any{"note": "非常抱歉，坏果包赔，已退一箱的款"}); err != nil {
		return err
	}
	p.tally.back(rowOwn, p.disputed[agreed].fen/2, false)
	if err := p.answer(ctx, p.disputed[sentBack], "/agree", map[string]any{"note": "同意退货，请寄回", "return_to": caseSeller}); err != nil {
		return err
	}
	return p.answer(ctx, p.disputed[refused], "/refuse", map[string]any{"reason": "出库检验合格，请联系快递核实"})
}

func (p *play) sendBackAndEscalate(ctx context.Context) error {
	back, no := p.disputed[sentBack], p.disputed[refused]
	if err := back.post(ctx, back.mine("/send-back"), p.shipment("DEMOTH"), nil); err != nil {
		return err
	}
	return no.post(ctx, no.mine("/escalate"), map[string]string{"note": "签收当天就发现了，照片可以证明，请平台处理"}, nil)
}

func (p *play) endCases(ctx context.Context) error {
	back, no := p.disputed[sentBack], p.disputed[refused]
	if err := p.answer(ctx, back, "/receive", map[string]any{"restock": true, "note": "包装完好，已入库"}); err != nil {
		return err
	}
	city, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	decision := map[string]any{"decision": "agree", "note": "照片清楚显示变质，支持会员退款"}
	if err := city.post(ctx, no.desk("/decide"), decision, nil); err != nil {
		return err
	}
	p.tally.back(rowOwn, back.fen, true)
	p.tally.back(rowOwn, no.fen, true)
	return nil
}

// orderLately begins what is still open today: it is bought by a member with holiday money.
func (p *play) orderLately(ctx context.Context) (err error) {
	p.late, err = p.ordersOf(ctx, 0, lateDispute.want)
	return err
}

func (p *play) shipLately(ctx context.Context) error { return p.dispatch(ctx, p.late) }

func (p *play) receiveLately(ctx context.Context) error {
	if err := p.receive(ctx, p.late); err != nil {
		return err
	}
	_, err := p.askForInvoice(ctx, p.late[0])
	return err
}

func (p *play) openLately(ctx context.Context) error { return p.openCase(ctx, p.late[0], lateDispute) }
