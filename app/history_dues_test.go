package app_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"bangfu/model"
	"bangfu/service/dues"
	"bangfu/service/settlement"
)

// judgeDues holds what suppliers are shown to be owed, and their statements, against their transfers one by one: before and after the
// transfers of this history are in the sums.
func (h *history) judgeDues() {
	h.judgeSuppliers("from the tail")
	if err := dues.New(dues.Options{DB: h.DB}).Keep(context.Background()); err != nil {
		h.fail("keeping the sums: %v", err)
	}
	h.judgeSuppliers("from the sums")
}

func (h *history) judgeSuppliers(how string) {
	ctx := context.Background()
	list, err := h.Settlement.AllOwed(ctx, model.Page{Limit: model.MaxPage})
	if err != nil {
		h.fail("balances: %v", err)
	}
	for _, v := range list.Items {
		waiting, ready := h.freeOf(v.SupplierID)
		if v.WaitingFen != waiting || v.ReadyFen != ready {
			h.fail("%s: supplier %s is shown %d waiting and %d ready, its transfers say %d and %d", how, v.SupplierID, v.WaitingFen, v.ReadyFen, waiting, ready)
		}
		h.judgeStatement(how, v)
	}
}

// freeOf adds up the transfers of a supplier that no live settlement holds, by whether they may be paid out.
func (h *history) freeOf(supplier model.ID) (waiting, ready model.Fen) {
	by := dues.Whole(h.clock.Now().AddDate(0, 0, -h.Config.SettleAfterDays))
	for _, t := range h.movesOf(supplier) {
		if t.Kind == "settle" || h.count(&model.SettlementItem{}, "live_transfer_id = ?", t.ID) > 0 {
			continue
		}
		fen := t.AmountFen
		if t.Kind == "refund" {
			fen = -fen
		}
		var p model.Parcel
		if err := h.DB.Read(context.Background()).Where("order_id = ? AND supplier_id = ?", *t.OrderID, supplier).Take(&p).Error; err != nil {
			h.fail("parcel of transfer %s: %v", t.ID, err)
		}
		settled := h.count(&model.SettlementItem{}, "supplier_id = ? AND order_id = ? AND live_transfer_id IS NOT NULL AND amount_fen > 0", supplier, *t.OrderID) > 0
		open := h.count(&model.AfterSale{}, "parcel_id = ? AND status IN ?", p.ID, model.OpenAfterSale) > 0
		carried := fen < 0 && settled
		due := carried || p.Status == "cancelled" || p.Status == "received" && !p.ReceivedAt.After(by) && !open
		if due {
			ready += fen
		} else {
			waiting += fen
		}
	}
	return waiting, ready
}

// movesOf are a supplier's transfers by rising id.
func (h *history) movesOf(supplier model.ID) (moves []model.Transfer) {
	account := "supplier:" + supplier.String()
	if err := h.DB.Read(context.Background()).Where("debit_account = ? OR credit_account = ?", account, account).Order("id").Find(&moves).Error; err != nil {
		h.fail("transfers: %v", err)
	}
	return moves
}

// judgeStatement reads a statement over some days, two lines a page, and counts it from the transfers.
func (h *history) judgeStatement(how string, v settlement.OwedView) {
	to := h.clock.Now().AddDate(0, 0, -h.rand.IntN(20))
	p := settlement.Period{From: model.DateOf(to.AddDate(0, 0, -h.rand.IntN(60))), To: model.DateOf(to)}
	var want settlement.StatementView
	var orders []model.ID
	sums := map[model.ID]model.Fen{}
	for _, t := range h.movesOf(v.SupplierID) {
		fen := map[string]model.Fen{"spend": t.AmountFen, "refund": -t.AmountFen, "settle": -t.AmountFen}[t.Kind]
		switch {
		case t.At.Before(p.From.Start()):
			want.OpeningFen += fen
		case !t.At.Before(p.To.End()):
			continue
		case t.Kind == "spend":
			want.SalesFen += fen
		case t.Kind == "refund":
			want.RefundsFen -= fen
		default:
			want.PaidFen -= fen
		}
		if !t.At.Before(p.From.Start()) && t.Kind != "settle" {
			if !slices.Contains(orders, *t.OrderID) {
				orders = append(orders, *t.OrderID)
			}
			sums[*t.OrderID] += fen
		}
	}
	var lines []string
	for _, id := range orders {
		lines = append(lines, fmt.Sprint(id, sums[id]))
	}
	var have []string
	for page := (model.Page{Limit: 2}); ; {
		got, err := h.Settlement.Statement(context.Background(), v.SupplierID, p, page)
		if err != nil {
			h.fail("statement: %v", err)
		}
		if got.OpeningFen != want.OpeningFen || got.SalesFen != want.SalesFen || got.RefundsFen != want.RefundsFen || got.PaidFen != want.PaidFen ||
			got.ClosingFen != got.OpeningFen+got.SalesFen-got.RefundsFen-got.PaidFen {
			h.fail("%s: statement of %s, %s to %s: %+v, want %+v", how, v.SupplierID, p.From, p.To, got, want)
		}
		for _, l := range got.Lines.Items {
			have = append(have, fmt.Sprint(l.OrderID, l.NetFen))
		}
		if got.Lines.NextCursor == nil {
			break
		}
		page.Cursor = *got.Lines.NextCursor
	}
	if !reflect.DeepEqual(have, lines) {
		h.fail("%s: statement of %s, %s to %s has the lines %v, want %v", how, v.SupplierID, p.From, p.To, have, lines)
	}
}
