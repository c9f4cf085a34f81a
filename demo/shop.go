package demo

import (
	"context"
	"fmt"

	"bangfu/model"
)

type supplier struct {
	id    model.ID
	name  string
	staff *console
}

// shelved is a SKU on sale.
type shelved struct {
	sku      model.ID
	price    int // fen
	supplier *supplier
}

func (p *play) openShop(ctx context.Context) error {
	staff, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	for _, r := range regions {
		var made struct{ ID model.ID }
		body := map[string]any{"name": r.name, "province": r.province, "paired": r.paired, "pairing_note": r.note}
		if err := staff.post(ctx, "/api/v1/console/regions", body, &made); err != nil {
			return err
		}
		p.regions[r.name] = made.ID
	}
	for _, plan := range suppliers {
		if err := p.admitSupplier(ctx, plan); err != nil {
			return fmt.Errorf("%s: %w", plan.name, err)
		}
	}
	return nil
}

// certify enters a licence or certificate that is valid for this year and the next.
func (p *play) certify(ctx context.Context, supplier model.ID, kind, number string, product model.ID) error {
	body := map[string]any{"kind": kind, "number": number, "issuer": "演示发证机关", "valid_from": fmt.Sprintf("%d-01-01", p.year), "valid_until": fmt.Sprintf("%d-12-31", p.year+1)}
	if product != 0 {
		body["product_id"] = product
	}
	return p.city.post(ctx, fmt.Sprintf("/api/v1/console/suppliers/%s/certificates", supplier), body, nil)
}

func (p *play) admitSupplier(ctx context.Context, plan supplierPlan) error {
	var made struct{ ID model.ID }
	body := map[string]string{"name": plan.name, "credit_code": creditCode(plan.code), "contact": plan.contact, "contact_phone": "10099990000"}
	if err := p.city.post(ctx, "/api/v1/console/suppliers", body, &made); err != nil {
		return err
	}
	for i, kind := range []string{"business_licence", "food_licence"} {
		if err := p.certify(ctx, made.ID, kind, fmt.Sprintf("演示证%d-%s", i+1, plan.code[13:]), 0); err != nil {
			return err
		}
	}
	staff, err := p.hire(ctx, post{login: plan.login, name: plan.contact, role: "supplier", union: p.operator.Union, unionName: plan.name, supplier: made.ID})
	if err != nil {
		return err
	}
	s := &supplier{made.ID, plan.name, staff}
	p.suppliers = append(p.suppliers, s)
	for i, product := range plan.products {
		if err := p.offer(ctx, s, product, fmt.Sprintf("演示认定-%s-%d", plan.code[13:], i+1)); err != nil {
			return fmt.Errorf("%s: %w", product.name, err)
		}
	}
	return nil
}

// offer has the supplier draft a product with its picture, SKUs and stock, and the city federation certify and shelve it.
func (p *play) offer(ctx context.Context, s *supplier, plan productPlan, certificate string) error {
	var product struct{ ID model.ID }
	body := map[string]any{"name": plan.name, "category": plan.category, "region_id": p.regions[plan.region], "description": plan.about}
	if err := s.staff.post(ctx, fmt.Sprintf("/api/v1/console/suppliers/%s/products", s.id), body, &product); err != nil {
		return err
	}
	path := "/api/v1/console/products/" + product.ID.String()
	img, err := picture(plan.tint)
	if err != nil {
		return err
	}
	if err := s.staff.upload(ctx, path+"/pictures", "商品.png", img, nil, nil); err != nil {
		return err
	}
	for _, k := range plan.skus {
		var sku struct{ ID model.ID }
		if err := s.staff.post(ctx, path+"/skus", map[string]any{"spec": k.spec, "price_fen": k.yuan * 100}, &sku); err != nil {
			return err
		}
		stock := map[string]any{"kind": "receive", "quantity": k.stock, "note": "年度备货"}
		if err := s.staff.post(ctx, fmt.Sprintf("/api/v1/console/skus/%s/movements", sku.ID), stock, nil); err != nil {
			return err
		}
		p.shelf = append(p.shelf, shelved{sku.ID, k.yuan * 100, s})
	}
	if err := p.certify(ctx, s.id, "assistance_product", certificate, product.ID); err != nil {
		return err
	}
	return p.city.post(ctx, path+"/shelve", nil, nil)
}

// ship has every supplier ship what is waiting, but for the last parcel, which shows what a waiting one looks like.
func (p *play) ship(ctx context.Context) error {
	for _, s := range p.suppliers {
		staff, err := s.staff.at(ctx)
		if err != nil {
			return err
		}
		var waiting struct{ Items []struct{ ID model.ID } }
		if err := staff.get(ctx, "/api/v1/console/parcels?status=waiting&limit=100", &waiting); err != nil {
			return err
		}
		for j, parcel := range waiting.Items {
			if j > 0 && j == len(waiting.Items)-1 {
				continue
			}
			if err := p.shipParcel(ctx, s, parcel.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
