package city

import (
	"fmt"
	"time"

	"bangfu/model"
)

// fillClaims makes purchases through other channels: a third list who took part, some of these from the extra purse.
func (f *filler) fillClaims() {
	p := f.p
	days := int(p.today.Sub(p.start).Hours() / 24)
	for i := range p.size.Claims {
		u := p.grass[p.rng.IntN(len(p.grass))]
		n := p.unions[u]
		bought := p.start.AddDate(0, 0, p.rng.IntN(max(days-6, 1)))
		entered := bought.Add(time.Duration(30+p.rng.IntN(60)) * time.Hour)
		no := fmt.Sprintf("%020d", i)
		c := model.Claim{ID: p.id(idClaim, i), UnionID: n.id, ChannelID: p.others[p.rng.IntN(len(p.others))], PurchasedOn: model.DateOf(bought), Year: model.YearOf(bought), PersonTimes: int64(1 + p.rng.IntN(max(n.count, 1))), Purse: model.PurseActivity,
			InvoiceNo: no, LiveInvoice: &no, Status: "entered", Version: 1, EnteredBy: n.admin, EnteredAt: entered, UpdatedAt: entered}
		c.AmountFen = model.Fen(c.PersonTimes) * model.Fen(50_00+100*p.rng.IntN(200))
		if p.chance(300) {
			c.Purse = model.PurseFestival
		}
		f.decideClaim(&c, n)
		if p.chance(330) {
			f.listClaim(&c, u)
		}
		f.put(&c)
		file := p.id(idFile, i)
		f.file(file, "evidence", &n.id, nil, n.admin, entered)
		f.put(&model.ClaimFile{ClaimID: c.ID, Seq: 1, FileID: file})
	}
}

func (f *filler) decideClaim(c *model.Claim, n node) {
	at := c.EnteredAt.Add(20 * time.Hour)
	if at.After(f.p.today) {
		return
	}
	kind := f.p.rng.IntN(100)
	if kind >= 90 && kind < 95 {
		return // still waiting
	}
	c.UpdatedAt = at
	switch {
	case kind < 90:
		c.Status, c.DecidedBy, c.DecidedAt, c.CountedAt = "approved", &n.approver, &at, &at
	case kind < 98:
		c.Status, c.LiveInvoice, c.DecidedBy, c.DecidedAt, c.DecisionNote = "rejected", nil, &n.approver, &at, "发票不清晰"
	default:
		c.Status, c.LiveInvoice = "withdrawn", nil
	}
	f.audit(at, "staff:"+n.approver.String(), "claim."+c.Status, "claim:"+c.ID.String(), n.id, fmt.Sprintf(`{"amount_fen":%d}`, c.AmountFen))
}

// listClaim lists up to 30 members with even shares; from the extra purse where their caps leave room.
func (f *filler) listClaim(c *model.Claim, u int) {
	p, n := f.p, f.p.unions[u]
	const share = 50_00
	var who []int
	from := p.rng.IntN(max(n.count, 1))
	for i := range min(n.count, 30) {
		if m := n.first + (from+i)%n.count; m < len(p.members) && int(p.members[m].union) == u && p.holds(m) {
			who = append(who, m)
		}
	}
	if len(who) == 0 {
		return
	}
	c.Listed, c.EvenSplit, c.PersonTimes, c.AmountFen = true, true, int64(len(who)), model.Fen(len(who))*share
	if n.extra+share*3 <= 600_00 && p.chance(500) {
		room := true
		for _, m := range who {
			room = room && n.extra+model.Fen(p.members[m].claimed)+share <= 600_00 && !p.members[m].left
		}
		if room {
			c.Purse = model.PurseExtra
		}
	}
	for _, m := range who {
		f.put(&model.ClaimPerson{ClaimID: c.ID, MemberID: p.memberID(m), PersonID: p.personID(m), AmountFen: share})
		if c.Purse == model.PurseExtra && c.Status == "approved" && c.Year == p.year {
			p.members[m].claimed += share
		}
	}
}

// fillGroups drafts purchases for many members; none is ordered yet.
func (f *filler) fillGroups() {
	p := f.p
	for i, u := range p.grass {
		n := p.unions[u]
		if i%20 != 3 || n.count == 0 {
			continue
		}
		id, at, s := p.id(idGroup, i), p.today.AddDate(0, 0, -i%30), p.skus[i%len(p.skus)]
		size := min(n.count, 40)
		g := model.GroupPurchase{ID: id, UnionID: n.id, FundID: p.fund(u, 0), Purse: purses[0], Year: p.year, Title: "中秋慰问集体采购", Selection: "roster", FilterJSON: "{}", Division: "each",
			Consignee: name(i), PhoneSealed: p.sealed.groupPhone, AddressSealed: p.sealed.groupAddress, Status: "draft", DraftedBy: n.admin, DraftedAt: at, UpdatedAt: at}
		for k := range size {
			if m := n.first + k; m < len(p.members) && int(p.members[m].union) == u && p.holds(m) {
				f.put(&model.GroupReceiver{ID: p.id(idReceiver, 50*i+k), PurchaseID: id, MemberID: p.memberID(m), PersonID: p.personID(m), Sets: 1, ShareFen: s.price})
				g.Receivers++
			}
		}
		if g.Receivers == 0 {
			continue
		}
		g.TotalFen = s.price * model.Fen(g.Receivers)
		f.put(&model.GroupLine{ID: p.id(idGroupLine, i), PurchaseID: id, SKUID: s.id, ProductName: s.name, Spec: s.spec, PriceFen: s.price, PerSet: 1, Quantity: int64(g.Receivers)})
		f.put(&g)
	}
}

// fillSignals makes risk signals, most of them looked at already, and old roster imports.
func (f *filler) fillSignals() {
	p := f.p
	for i := range max(p.size.Orders/2500, 50) {
		u := p.unions[p.grass[i%len(p.grass)]]
		at := p.start.Add(time.Duration(i) * p.today.Sub(p.start) / time.Duration(max(p.size.Orders/2500, 50)))
		s := model.RiskSignal{ID: p.id(idSignal, i), Rule: "bulk_sku", SubjectType: "person", SubjectKey: p.personID(i % p.persons).String(), Bucket: model.DateOf(at), UnionID: u.id, FirstAt: at, LastAt: at, Size: 21, Score: 55,
			Basis: "30 天内一名会员购买同一商品规格 20 件及以上", FiguresJSON: "[]", EvidenceJSON: "{}", Status: "dismissed", Version: 2, ReviewedSize: 21, ReviewedBy: ptr(p.staff["maker"]), ReviewedAt: &at, ReviewNote: "为亲友代购", CreatedAt: at, UpdatedAt: at}
		if i%10 == 0 {
			s.Status, s.Version, s.ReviewedSize, s.ReviewedBy, s.ReviewedAt, s.ReviewNote = "open", 1, 0, nil, nil, ""
		}
		f.put(&s)
	}
	for i, u := range p.grass {
		if i%4 != 0 {
			continue
		}
		n, id := p.unions[u], p.id(idImport, i)
		file := p.id(idFile, p.size.Claims+i)
		f.file(file, "roster", &n.id, nil, n.admin, p.start)
		f.put(&model.RosterImport{ID: id, UnionID: n.id, FileID: file, Filename: "会员名册.xlsx", Status: "imported", TotalRows: n.count, DoneRows: n.count, NewRows: n.count, CreatedBy: n.admin, CreatedAt: p.start,
			ImportedBy: &n.admin, ImportedAt: &p.start, UpdatedAt: p.start})
	}
}
