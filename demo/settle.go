package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// enterBankAccounts has one person of the city federation enter the suppliers' bank accounts and another confirm them, number
// typed anew; the last supplier's is still to be confirmed.
func (p *play) enterBankAccounts(ctx context.Context) error {
	maker, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	checker, err := p.checker.at(ctx)
	if err != nil {
		return err
	}
	for i, s := range p.suppliers {
		number := fmt.Sprintf("9999000099990000%03d", i+1)
		var entered struct{ ID model.ID }
		body := map[string]string{"account_name": s.name, "bank": "演示银行演示支行（虚构）", "account_no": number}
		if err := maker.post(ctx, fmt.Sprintf("/api/v1/console/suppliers/%s/bank-accounts", s.id), body, &entered); err != nil {
			return err
		}
		if i == len(p.suppliers)-1 {
			break
		}
		if err := checker.post(ctx, fmt.Sprintf("/api/v1/console/bank-accounts/%s/confirm", entered.ID), map[string]string{"account_no": number, "note": "已与供应商书面资料核对"}, nil); err != nil {
			return err
		}
	}
	return nil
}

type batch struct {
	ID          model.ID
	Status      string
	Settlements int
}

// settle makes a batch of what is due and has a second person confirm it. It returns nil while nothing is due, as in a year's
// first weeks.
func (p *play) settle(ctx context.Context, note string) (*batch, error) {
	maker, err := p.city.at(ctx)
	if err != nil {
		return nil, err
	}
	var made batch
	if err := maker.post(ctx, "/api/v1/console/settlement-batches", map[string]any{"period_to": p.today(), "note": note}, &made); err != nil {
		return nil, err
	}
	path := "/api/v1/console/settlement-batches/" + made.ID.String()
	made, err = wait(ctx, maker.web, path, func(b batch) (bool, error) { return b.Status != "preparing", nil })
	if err != nil {
		return nil, err
	}
	switch made.Status {
	case "cancelled":
		p.say("            尚无到期货款，没有结算")
		return nil, nil
	case "draft":
	default:
		return nil, errors.New("a batch is " + made.Status)
	}
	checker, err := p.checker.at(ctx)
	if err != nil {
		return nil, err
	}
	return &made, checker.post(ctx, path+"/confirm", map[string]string{"note": "金额与对账单一致"}, nil)
}

// settleFirst settles, takes the bank's file and marks the batch paid with the bank's receipt.
func (p *play) settleFirst(ctx context.Context) error {
	made, err := p.settle(ctx, "第一批货款（演示）")
	if err != nil || made == nil {
		return err
	}
	path := "/api/v1/console/settlement-batches/" + made.ID.String()
	var file []byte
	if err := p.checker.get(ctx, path+"/bank-file", &file); err != nil {
		return err
	}
	evidence, err := p.paymentEvidence(ctx)
	if err != nil {
		return err
	}
	return p.checker.post(ctx, path+"/pay", map[string]any{"evidence_no": fmt.Sprintf("演示回单-%d-01", p.year), "evidence_file_id": evidence}, nil)
}

func (p *play) paymentEvidence(ctx context.Context) (model.ID, error) {
	img, err := paper(77)
	if err != nil {
		return 0, err
	}
	var file struct{ ID model.ID }
	err = p.checker.upload(ctx, "/api/v1/console/payment-evidence", "银行回单.png", img, nil, &file)
	return file.ID, err
}

// settleSecond leaves a batch confirmed: it waits to be paid.
func (p *play) settleSecond(ctx context.Context) error {
	_, err := p.settle(ctx, "第二批货款（演示）")
	return err
}
