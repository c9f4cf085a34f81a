package demo

import (
	"context"
	"fmt"

	"bangfu/model"
)

// request is a request for an invoice.
type request struct {
	ID        model.ID
	AmountFen int `json:"amount_fen"`
}

// askForInvoice has a member ask the supplier of an order for an invoice in their name.
func (p *play) askForInvoice(ctx context.Context, o *bought) (r request, err error) {
	if err := p.present(ctx, o.buyer); err != nil {
		return r, err
	}
	body := map[string]any{"supplier_id": o.supplier.id, "title_kind": "personal", "title": o.name}
	err = o.post(ctx, o.path()+"/invoice-requests", body, &r)
	return r, err
}

// invoice has the fourth of the members with after-sales orders, who kept everything, ask for an invoice, and the supplier issue it.
func (p *play) invoice(ctx context.Context) error {
	o := p.disputed[len(disputes)]
	r, err := p.askForInvoice(ctx, o)
	if err != nil {
		return err
	}
	staff, err := o.supplier.staff.at(ctx)
	if err != nil {
		return err
	}
	fields := map[string]string{"invoice_no": p.invoiceNo(500), "issued_on": string(p.today()), "amount_fen": fmt.Sprint(r.AmountFen)}
	return staff.upload(ctx, fmt.Sprintf("/api/v1/console/invoice-requests/%s/issue", r.ID), "发票.pdf", sheet("DEMONSTRATION ONLY - NOT AN INVOICE"), fields, nil)
}
