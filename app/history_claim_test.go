package app_test

import (
	"context"
	"fmt"

	"bangfu/model"
	"bangfu/service/claim"
)

func claimActs() []act {
	return []act{
		{"enter-claim", 4, (*history).enterClaim},
		{"decide-claim", 4, (*history).decideClaim},
		{"revoke-claim", 1, (*history).revokeClaim},
	}
}

// claimFile is the evidence of all claims of the history.
func (h *history) claimFile() model.ID {
	if id, ok := pick(h, h.extra["claim file"]); ok {
		return id
	}
	f := model.File{ID: h.DB.NewID(), StoreKey: fmt.Sprintf("history/%d.pdf", h.seed), Kind: "evidence", UnionID: &h.union.ID, CreatedBy: h.admin.ID, CreatedAt: h.clock.Now()}
	h.crash.spare(func() { h.insert(&f) })
	h.extra["claim file"] = []model.ID{f.ID}
	return f.ID
}

// claimInput is a random purchase: of any purse, listed or counted, now and then with a bill that was used before.
func (h *history) claimInput() claim.Input {
	in := claim.Input{ChannelID: h.claimChannel(), PurchasedOn: string(model.DateOf(h.clock.Now())), AmountFen: model.Fen(h.rand.IntN(600_00) + 1), Purse: model.PurseExtra,
		InvoiceNo: bill(int(h.seed%1e9)*10 + h.rand.IntN(8)), FileIDs: []model.ID{h.claimFile()}}
	if h.rand.IntN(4) == 0 {
		in.Purse = []model.Purse{model.PurseFestival, model.PurseActivity}[h.rand.IntN(2)]
	}
	if h.rand.IntN(3) == 0 {
		in.PersonTimes = int64(h.rand.IntN(5) + 1)
		return in
	}
	for _, id := range h.memberships[:1+h.rand.IntN(len(h.memberships))] {
		in.Persons = append(in.Persons, claim.Person{MemberID: id})
	}
	return in
}

func (h *history) claimChannel() (id model.ID) {
	h.crash.spare(func() { id = h.channel("province", []string{"1", "3", "5"}[h.rand.IntN(3)]) })
	return id
}

func (h *history) enterClaim() error {
	in := h.claimInput()
	v, err := keep(h, "enter claim", func(key string) (claim.View, error) {
		return h.Claim.Enter(context.Background(), h.admin, key, h.union.ID, in)
	})
	if err == nil {
		h.extra["claim"] = append(h.extra["claim"], v.ID)
	}
	return err
}

// decideClaim approves one, or corrects, rejects or withdraws it.
func (h *history) decideClaim() error {
	id, ok := pick(h, h.extra["claim"])
	if !ok {
		return nil
	}
	ctx, version := context.Background(), h.rand.IntN(2)+1
	switch h.rand.IntN(8) {
	case 0:
		_, err := h.Claim.Reject(ctx, h.approver, id, "抬头不符")
		return err
	case 1:
		_, err := h.Claim.Withdraw(ctx, h.admin, id)
		return err
	case 2, 3:
		_, err := h.Claim.Correct(ctx, h.admin, id, claim.Correction{Version: version, Claim: h.claimInput()})
		return err
	}
	_, err := keep(h, "approve claim", func(key string) (claim.View, error) { return h.Claim.Approve(ctx, h.approver, key, id, version, "") })
	return err
}

func (h *history) revokeClaim() error {
	id, ok := pick(h, h.extra["claim"])
	if !ok {
		return nil
	}
	_, err := keep(h, "revoke claim", func(key string) (claim.View, error) {
		return h.Claim.Revoke(context.Background(), h.approver, key, id, "发票已作废")
	})
	return err
}
