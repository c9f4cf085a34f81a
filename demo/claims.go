package demo

import (
	"context"
	"fmt"

	"bangfu/model"
)

// elsewhere is a purchase that a union made through another recognised channel.
type elsewhere struct {
	union   int
	channel string // level and number in the notice's lists
	row     int    // of the form
	purse   string
	yuan    int
	times   int // 0: the first ten members are listed
	note    string
	end     string // approve, reject, or "" for one that waits
}

const listedPersons = 10

var purchases = []elsewhere{
	{modest, "province 3", 7, "extra", 1500, 0, "扶贫产品专区：香米、木耳，按人登记", "approve"},
	{0, "province 1", 1, "activity", 2340, 36, "职工活动用水果", "approve"},
	{1, "city 2", 3, "festival", 4200, 42, "节日慰问品：农家礼盒每人一份", "approve"},
	{2, "province 2", 5, "activity", 2880, 24, "健步走活动奖品", "approve"},
	{4, "city 3", 6, "hardship", 1260, 6, "困难职工慰问：米、油", "approve"},
	{2, "unit 1", 8, "activity", 960, 12, "驻镇帮镇扶村点采购红橙", "approve"},
	{4, "province 7", 8, "activity", 1800, 30, "职工运动会用品", "reject"},
}

// waitingPurchase is entered shortly before the demonstration ends.
var waitingPurchase = elsewhere{0, "city 4", 4, "activity", 1620, 36, "秋季趣味活动奖品", ""}

// findChannels reads the registry of recognised channels.
func (p *play) findChannels(ctx context.Context, w *web) error {
	var list struct {
		Items []struct {
			ID        model.ID
			Level, No string
		}
	}
	if err := w.get(ctx, "/api/v1/console/channels?limit=100", &list); err != nil {
		return err
	}
	for _, c := range list.Items {
		p.channels[c.Level+" "+c.No] = c.ID
	}
	return nil
}

func (p *play) claimPurchases(ctx context.Context) error {
	for i, x := range purchases {
		if err := p.claim(ctx, i, x); err != nil {
			return fmt.Errorf("%s: %w", x.note, err)
		}
	}
	return nil
}

func (p *play) claimLately(ctx context.Context) error {
	return p.claim(ctx, len(purchases), waitingPurchase)
}

// claim enters a purchase with its evidence and has a second person decide it.
func (p *play) claim(ctx context.Context, n int, x elsewhere) error {
	u := p.unions[x.union]
	admin, err := u.admin.at(ctx)
	if err != nil {
		return err
	}
	file, err := p.evidence(ctx, admin.web, fmt.Sprintf("/api/v1/console/unions/%s/files", u.id), n)
	if err != nil {
		return err
	}
	body := map[string]any{"channel_id": p.channels[x.channel], "purchased_on": model.DateOf(p.Clock.Now().Add(-2 * calendar{p.start, p.now}.day())), "amount_fen": x.yuan * 100, "purse": x.purse,
		"invoice_no": p.invoiceNo(n), "file_ids": []model.ID{file}, "note": x.note}
	times := x.times
	if times == 0 {
		times = listedPersons
		if body["persons"], err = p.firstMembers(ctx, admin.web, u, times); err != nil {
			return err
		}
	} else {
		body["person_times"] = times
	}
	var entered struct {
		ID      model.ID
		Version int
	}
	if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/claims", u.id), body, &entered); err != nil || x.end == "" {
		return err
	}
	approver, err := u.approver.at(ctx)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/api/v1/console/claims/%s/", entered.ID)
	if x.end == "reject" {
		return approver.post(ctx, path+"reject", map[string]string{"note": "发票抬头不是本单位，请换开后重新登记"}, nil)
	}
	p.tally.add(x.row, times, x.yuan*100)
	return approver.post(ctx, path+"approve", map[string]any{"version": entered.Version, "note": "发票与清单已核对"}, nil)
}

// evidence uploads a picture of a receipt.
func (p *play) evidence(ctx context.Context, w *web, path string, n int) (model.ID, error) {
	img, err := paper(n)
	if err != nil {
		return 0, err
	}
	var file struct{ ID model.ID }
	err = w.upload(ctx, path, "凭证.png", img, map[string]string{"kind": "evidence"}, &file)
	return file.ID, err
}

// invoiceNo is an invented number of a 数电发票: the year, 99 for a place that is none, and a running number.
func (p *play) invoiceNo(n int) string {
	return fmt.Sprintf("%02d99%016d", int(p.year)%100, 9000+n)
}

// firstMembers lists the union's first members as persons of a claim.
func (p *play) firstMembers(ctx context.Context, w *web, u *grassroots, n int) ([]map[string]any, error) {
	ids, err := p.memberIDs(ctx, w, u, n)
	list := make([]map[string]any, len(ids))
	for i, id := range ids {
		list[i] = map[string]any{"member_id": id}
	}
	return list, err
}

func (p *play) memberIDs(ctx context.Context, w *web, u *grassroots, n int) ([]model.ID, error) {
	var found struct{ Items []struct{ ID model.ID } }
	if err := w.get(ctx, fmt.Sprintf("/api/v1/console/unions/%s/members?limit=%d", u.id, n), &found); err != nil {
		return nil, err
	}
	ids := make([]model.ID, len(found.Items))
	for i, m := range found.Items {
		ids[i] = m.ID
	}
	return ids, nil
}

// today is the play's day in China.
func (p *play) today() model.Date { return model.DateOf(p.Clock.Now()) }
