package city

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"bangfu/model"
	"bangfu/service/identity"
)

// sealed are texts sealed once and used over and over: nothing ever compares them.
type sealed struct {
	orderPhones, orderAddresses, addressPhones, addressDetails []string
	hallAddress, supplierPhone, account, groupPhone            string
	groupAddress                                               string
}

const fewHundred = 300

func (f *filler) seal(plain, context string) string {
	text, err := f.sealer.Seal(plain, context)
	if err != nil {
		panic(err) // sealing only fails without randomness
	}
	return text
}

func (f *filler) sealTexts() {
	for i := range fewHundred {
		detail := fmt.Sprintf("示例路%d号%d栋%d房", i%90+1, i%12+1, 101+i)
		f.p.sealed.orderPhones = append(f.p.sealed.orderPhones, f.seal(Phone(i), model.SealOrderPhone))
		f.p.sealed.orderAddresses = append(f.p.sealed.orderAddresses, f.seal(fmt.Sprintf(`{"province":"广东省","city":"湛江市","district":%q,"detail":%q}`, counties[i%len(counties)], detail), model.SealOrderAddress))
		f.p.sealed.addressPhones = append(f.p.sealed.addressPhones, f.seal(Phone(i), model.SealAddressPhone))
		f.p.sealed.addressDetails = append(f.p.sealed.addressDetails, f.seal(detail, model.SealAddressDetail))
	}
	s := &f.p.sealed
	s.hallAddress = f.seal(`{"province":"","city":"","district":"","detail":"示例大道1号"}`, model.SealOrderAddress)
	s.supplierPhone, s.account = f.seal("10012345678", model.SealSupplierPhone), f.seal("6200000000000000001", model.SealBankAccountNo)
	s.groupPhone, s.groupAddress = f.seal("10012345678", model.SealGroupPhone), f.seal(`{"province":"广东省","city":"湛江市","district":"赤坎区","detail":"示例路1号"}`, model.SealGroupAddress)
}

// Phone is the i-th member's invented number of an unassigned range; numbers of different members differ.
func Phone(i int) string { return fmt.Sprintf("100%08d", i*97%100_000_000) }

// IDNumber is the i-th person's invented ID number with an unassigned address code and a right check digit.
func IDNumber(i int) string {
	born := time.Date(1966, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i%14_000)
	body := fmt.Sprintf("999999%s%03d", born.Format("20060102"), i/14_000)
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for k, w := range weights {
		sum += int(body[k]-'0') * w
	}
	return body + string("10X98765432"[sum%11])
}

var (
	surnames = []rune("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜")
	given    = []rune("安邦春德恩方国海和宏佳建江洁军康兰乐丽林玲梅明宁平启青清庆荣瑞山诗思涛文武贤欣雅阳艺永雨玉云泽志中子")
)

// name is an invented name.
func name(i int) string {
	i = i*7919 + 13
	n := string(surnames[i%len(surnames)]) + string(given[i/31%len(given)])
	if i%5 > 0 {
		n += string(given[i/1777%len(given)])
	}
	return n
}

var departments = []string{"办公室", "财务部", "生产一部", "生产二部", "后勤保障部", "市场部", "技术中心", "质量管理部"}

func (f *filler) fillUnions() {
	p := f.p
	now := p.start
	for i := range p.unions {
		n := &p.unions[i]
		f.put(&model.Union{ID: n.id, ParentID: &n.parent, Name: n.name, Kind: n.kind, Path: n.path, Depth: n.depth, Status: "active", ActiveMembers: n.active, CreatedAt: now, UpdatedAt: now})
		f.put(&model.UnionPath{UnionID: n.id, FromAt: now, Path: n.path})
		roles := [2]string{string(identity.RoleUnionAdmin), string(identity.RoleUnionApprover)}
		if n.kind != "grassroots" {
			roles = [2]string{string(identity.RoleFederation), string(identity.RoleAuditor)}
		}
		for k, id := range []model.ID{n.admin, n.approver} {
			f.putStaff(id, roles[k], n.id, nil, nil)
		}
		if n.kind == "grassroots" && i%5 < 3 {
			f.fillBudget(i)
		}
	}
	p.staff = map[string]model.ID{}
	for i, who := range []string{"maker", "checker", "auditor", "operator"} {
		role := []identity.Role{identity.RoleCityFederation, identity.RoleCityFederation, identity.RoleAuditor, identity.RoleOperator}[i]
		p.staff[who] = p.id(idStaff, i)
		f.putStaff(p.staff[who], string(role), p.root.ID, nil, nil)
	}
}

func (f *filler) putStaff(id model.ID, role string, union model.ID, supplier, hall *model.ID) {
	f.staffNo++
	f.put(&model.Staff{ID: id, Login: fmt.Sprintf("city%06d", f.staffNo), Name: name(f.staffNo), Role: role, UnionID: union, SupplierID: supplier, HallID: hall,
		PasswordHash: "*", Status: "active", CreatedBy: f.p.id(idStaff, 0), CreatedAt: f.p.start, UpdatedAt: f.p.start})
}

func (f *filler) fillBudget(union int) {
	p, n := f.p, f.p.unions[union]
	f.put(&model.UnionBudget{ID: p.id(idBudget, union), UnionID: n.id, Year: p.year, Version: 1, BudgetFen: model.Fen(n.count) * 1500_00, RetainedFen: model.Fen(n.count) * 900_00,
		Basis: "budget", Headcount: n.count, Status: "confirmed", EnteredBy: n.admin, EnteredAt: p.start, ConfirmedBy: &n.approver, ConfirmedAt: ptr(p.start.Add(time.Hour))})
}

// fillMembers makes persons, members, and for seven of ten a WeChat account with its consent and address, and some sessions.
func (f *filler) fillMembers() {
	p := f.p
	for m := range p.members {
		person, joined := p.person(m), p.start
		if person == m {
			number := IDNumber(m)
			f.put(&model.Person{ID: p.personID(m), IDNumberSealed: f.seal(number, model.SealPersonIDNumber), IDNumberHash: f.sealer.Hash(model.HashIDNumber, number), CreatedAt: joined})
		}
		row := model.Member{ID: p.memberID(m), UnionID: p.unions[p.members[m].union].id, PersonID: p.personID(m), Name: name(person), PhoneSealed: f.seal(Phone(person), model.SealMemberPhone),
			PhoneHash: f.sealer.Hash(model.HashPhone, Phone(person)), EmployeeNo: fmt.Sprintf("E%06d", m), Department: departments[m%len(departments)], Status: "active",
			JoinedAt: joined, CreatedAt: joined, UpdatedAt: joined}
		if p.members[m].left {
			row.Status, row.LeftAt, row.LeftReason, row.UpdatedAt = "left", ptr(f.leftAt(m)), "调离", f.leftAt(m)
		}
		f.put(&row)
		if person == m && m%10 < 7 {
			f.fillAccount(m)
		}
	}
}

// leftAt is when a member left, after the grants and before the first orders.
func (f *filler) leftAt(m int) time.Time {
	return f.p.start.AddDate(0, 0, openingDay-3).Add(time.Duration(m%80_000) * time.Second)
}

func (f *filler) fillAccount(m int) {
	p, at := f.p, f.p.start.Add(time.Duration(m%2_000_000)*time.Second)
	account, person, k := p.id(idAccount, m), p.personID(m), m%fewHundred
	f.put(&model.WechatAccount{ID: account, OpenID: fmt.Sprintf("o-city-%020d", m), PersonID: &person, BoundAt: &at, CreatedAt: at})
	f.put(&model.Consent{ID: p.id(idConsent, m), AccountID: account, Kind: "privacy", Version: identity.PrivacyVersion, AgreedAt: at})
	f.put(&model.Address{ID: p.id(idAddress, m), PersonID: person, Consignee: name(m), PhoneSealed: p.sealed.addressPhones[k], Province: "广东省", City: "湛江市",
		District: counties[k%len(counties)], DetailSealed: p.sealed.addressDetails[k], IsDefault: true, CreatedAt: at, UpdatedAt: at})
	if m%5 == 0 {
		seen := p.today.Add(-time.Duration(m%2_000_000) * time.Second)
		f.put(&model.Session{ID: idAt(seen, m%4096), TokenHash: digest("session", m) + digest("token", m)[:21], Audience: "member", SubjectID: account, DeviceHash: digest("device", m),
			CreatedAt: seen, LastSeenAt: seen, ExpiresAt: seen.AddDate(0, 3, 0)})
	}
}

// digest is a text of 43 characters, as the keyed hashes have.
func digest(kind string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", kind, i))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// fillMoney fills the funds and issues the allowances. Balances of allowances are known once the orders are made: fillAllowances.
func (f *filler) fillMoney() {
	p := f.p
	for _, u := range p.grass {
		n := &p.unions[u]
		for k, per := range []model.Fen{n.extra, n.festival} {
			if per > 0 {
				f.fillGrant(u, k, per)
			}
		}
		if u%40 == 0 {
			f.fillDraftGrant(u)
		}
	}
	for m := range p.members {
		if n := p.unions[p.members[m].union]; p.holds(m) && p.members[m].left {
			f.revoke(m, n)
		}
	}
}

func (f *filler) fillGrant(u, k int, per model.Fen) {
	p, n := f.p, &f.p.unions[u]
	grant, fund, at := p.id(idGrant, 2*u+k), p.fund(u, k), p.start.AddDate(0, 0, 3+k).Add(time.Duration(u)*time.Minute)
	items := 0
	for m := n.first; m < n.first+n.count && m < len(p.members); m++ {
		if !p.holds(m) || int(p.members[m].union) != u {
			continue
		}
		item, allowance := p.id(idItem, 2*m+k), p.allowance(m, k)
		f.put(&model.GrantItem{ID: item, GrantID: grant, MemberID: p.memberID(m), PersonID: p.personID(m), AskedFen: per, IssuedFen: per, Status: "issued", AllowanceID: &allowance, DecidedAt: &at})
		f.transfer(idAt(at, 0)+model.ID(2*m+k)<<8, at, "grant", "grant_item:"+item.String(), "fund:"+fund.String(), "allowance:"+allowance.String(), per, purses[k], n.id, nil)
		p.members[m].balance[k] = int32(per)
		items++
	}
	n.granted[k] = per * model.Fen(items)
	f.put(&model.Grant{ID: grant, UnionID: n.id, FundID: fund, Purse: purses[k], Year: p.year, Title: fmt.Sprintf("%d年%s", p.year, purses[k].Name()), Selection: "roster", FilterJSON: "{}",
		AmountFen: per, Status: "issued", TotalItems: items, DoneItems: items, IssuedItems: items, TotalFen: n.granted[k], IssuedFen: n.granted[k], CreatedBy: n.admin, CreatedAt: at,
		DecidedBy: &n.approver, DecidedAt: &at, IssuedAt: &at, UpdatedAt: at})
	f.audit(at, "staff:"+n.approver.String(), "grant.issued", "grant:"+grant.String(), n.id, fmt.Sprintf(`{"issued_fen":%d,"items":%d}`, n.granted[k], items))
}

// fillDraftGrant is a grant that nobody has decided on yet.
func (f *filler) fillDraftGrant(u int) {
	p, n := f.p, f.p.unions[u]
	grant, at := p.id(idGrant, 2*len(p.unions)+u), p.today.AddDate(0, 0, -2)
	items := 0
	for m := n.first; m < n.first+min(n.count, 50) && m < len(p.members); m++ {
		if int(p.members[m].union) == u {
			f.put(&model.GrantItem{ID: p.id(idItem, 2*len(p.members)+m), GrantID: grant, MemberID: p.memberID(m), PersonID: p.personID(m), AskedFen: 100_00, Status: "pending"})
			items++
		}
	}
	f.put(&model.Grant{ID: grant, UnionID: n.id, FundID: p.fund(u, 0), Purse: purses[0], Year: p.year, Title: "追加额度", Selection: "list", FilterJSON: "{}", AmountFen: 100_00, Status: "draft",
		TotalItems: items, TotalFen: model.Fen(items) * 100_00, CreatedBy: n.admin, CreatedAt: at, UpdatedAt: at})
}

// revoke takes back what a member who left holds.
func (f *filler) revoke(m int, n node) {
	p, at := f.p, f.leftAt(m)
	for k := range purses {
		fen := p.members[m].balance[k]
		if fen == 0 {
			continue
		}
		a := p.allowance(m, k)
		f.transfer(f.laterID(at), at, "revoke", "allowance:"+a.String()+":1", "allowance:"+a.String(), "fund:"+p.fund(int(p.members[m].union), k).String(), model.Fen(fen), purses[k], n.id, nil)
		p.members[m].balance[k] = 0
		p.unions[p.members[m].union].revoked[k] += model.Fen(fen)
	}
}

// fillAllowances writes allowances, caps and funds as they are after everything else.
func (f *filler) fillAllowances() {
	p := f.p
	for m := range p.members {
		who, u := p.members[m], int(p.members[m].union)
		n := p.unions[u]
		granted := model.Fen(who.claimed)
		for k, per := range []model.Fen{n.extra, n.festival} {
			if per == 0 || !p.holds(m) {
				continue
			}
			row := model.Allowance{ID: p.allowance(m, k), PersonID: p.personID(m), MemberID: p.memberID(m), UnionID: n.id, FundID: p.fund(u, k), Purse: purses[k], Year: p.year,
				BalanceFen: model.Fen(who.balance[k]), Status: "active", CreatedAt: p.start, UpdatedAt: p.start}
			if who.left {
				row.Status = "revoked"
			} else if k == 0 {
				granted += per
			}
			f.put(&row)
		}
		if p.holds(m) {
			f.put(&model.PersonCap{PersonID: p.personID(m), Year: p.year, GrantedFen: granted})
		}
	}
	for _, u := range p.grass {
		f.fillFunds(u)
	}
}

// fillFunds puts into each fund what was granted and a tenth more, in two goes; some unions have a voucher waiting.
func (f *filler) fillFunds(u int) {
	p, n := f.p, f.p.unions[u]
	for k := range purses {
		if k == 1 && n.festival == 0 {
			continue
		}
		fund, in, at := p.fund(u, k), n.granted[k]+n.granted[k]/10+100_00, p.start.AddDate(0, 0, 1)
		for i, fen := range []model.Fen{in - in/3, in / 3} {
			id, no := p.id(idTopup, 6*u+2*k+i), fmt.Sprintf("PZ%d-%d-%d", p.year, u, 2*k+i)
			f.put(&model.Topup{ID: id, FundID: fund, UnionID: n.id, AmountFen: fen, EvidenceNo: no, LiveEvidenceNo: &no, Status: "confirmed", EnteredBy: n.admin, EnteredAt: at, DecidedBy: &n.approver, DecidedAt: &at})
			f.transfer(idAt(at, 0)+model.ID(4*u+2*k+i), at, "fund", "topup:"+id.String(), "bank", "fund:"+fund.String(), fen, purses[k], n.id, nil)
		}
		f.put(&model.Fund{ID: fund, UnionID: n.id, Purse: purses[k], Year: p.year, BalanceFen: in - n.granted[k] + n.revoked[k], ToppedUpFen: in, CreatedAt: p.start, UpdatedAt: at})
	}
	if u%50 == 0 {
		no := fmt.Sprintf("PZ%d-%d-待核", p.year, u)
		f.put(&model.Topup{ID: p.id(idTopup, 6*u+5), FundID: p.fund(u, 0), UnionID: n.id, AmountFen: 5000_00, EvidenceNo: no, LiveEvidenceNo: &no, Status: "entered", EnteredBy: n.admin, EnteredAt: p.today.AddDate(0, 0, -1)})
	}
}

func (f *filler) transfer(id model.ID, at time.Time, kind, cause, debit, credit string, fen model.Fen, purse model.Purse, union model.ID, order *model.ID) {
	f.put(&model.Transfer{ID: id, Kind: kind, Cause: cause, DebitAccount: debit, CreditAccount: credit, AmountFen: fen, Purse: purse, Year: f.p.year, UnionID: union, OrderID: order, At: at})
}

func (f *filler) audit(at time.Time, actor, action, object string, union model.ID, detail string) {
	f.auditNo++
	e := model.AuditEntry{ID: idAt(at, 0) + model.ID(f.auditNo&(1<<21-1)), At: at, Actor: actor, Action: action, Object: object, UnionID: &union, Detail: detail, RequestID: fmt.Sprintf("%032x", f.auditNo)}
	e.MAC = f.auditKeys.MAC(e)
	f.put(&e)
}

// laterID is an id for something that happens out of the order in which it is made.
func (f *filler) laterID(at time.Time) model.ID {
	f.later++
	return idAt(at, 4096+f.later%(1<<22-4096))
}
