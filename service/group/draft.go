package group

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/shop"
	"bangfu/service/union/rosterfile"
)

// Draft is a group purchase as it is drafted: what, for whom (the whole roster, those whom a filter finds, or listed members), from
// which purse, delivered to whom.
type Draft struct {
	Purse     model.Purse            `json:"purse" check:"required,oneof=extra festival hardship activity"`
	Year      model.Year             `json:"year" check:"required,min=2000,max=2100"`
	Title     string                 `json:"title" check:"required,max=100"`
	Selection string                 `json:"selection" check:"required,oneof=roster filter list"`
	Filter    *allowance.GrantFilter `json:"filter"`
	Members   []Listed               `json:"members" check:"max=5000,unique=MemberID,dive"`
	Division  string                 `json:"division" check:"required,oneof=even each"`
	Items     []Item                 `json:"items" check:"required,min=1,max=50,unique=SKUID,dive"`
	Delivery  Delivery               `json:"delivery"`
	Note      string                 `json:"note" check:"max=200"`
}

// Listed is one member of a list.
type Listed struct {
	MemberID model.ID `json:"member_id"`
	Sets     int64    `json:"sets" check:"min=0,max=999"` // division each: how many sets, 0 is one; even: 0 or 1
}

// Item is one SKU of a draft.
type Item struct {
	SKUID    model.ID `json:"sku_id"`
	Quantity int64    `json:"quantity" check:"min=1,max=1000000"` // even: in all; each: in one set
}

// Delivery is where the parcels go and who takes them there.
type Delivery struct {
	Consignee string `json:"consignee" check:"required,max=30"`
	Phone     string `json:"phone" check:"required,max=20"`
	Province  string `json:"province" check:"required,max=30"`
	City      string `json:"city" check:"required,max=30"`
	District  string `json:"district" check:"required,max=30"`
	Detail    string `json:"detail" check:"required,min=2,max=100"`
}

func (in *Draft) check() error {
	listed := len(in.Members)
	if err := allowance.CheckSelection(in.Selection, in.Filter, listed); err != nil {
		return err
	}
	for i, m := range in.Members {
		if m.Sets > 1 && in.Division == DivideEven {
			return model.Invalid(fmt.Sprintf("members[%d].sets", i), "平均分摊时不填份数")
		}
	}
	for _, f := range []struct{ field, name, text string }{
		{"title", "标题", in.Title}, {"note", "备注", in.Note}, {"delivery.consignee", "收货人", in.Delivery.Consignee}, {"delivery.province", "省份", in.Delivery.Province},
		{"delivery.city", "城市", in.Delivery.City}, {"delivery.district", "区县", in.Delivery.District}, {"delivery.detail", "详细地址", in.Delivery.Detail},
	} {
		if err := checkLine(f.field, f.name, f.text); err != nil {
			return err
		}
	}
	phone, err := rosterfile.NormalizePhone(in.Delivery.Phone)
	if err != nil {
		return model.Invalid("delivery.phone", "联系电话应为 11 位手机号")
	}
	in.Delivery.Phone, in.Title = phone, strings.TrimSpace(in.Title)
	return nil
}

// Draft makes a group purchase for another person to approve; prices and shares are those of now. It locks the union. Errors:
// CodeInvalid; CodeNotFound and CodeOffShelf for a SKU; CodeNoPolicy; CodeCapExceeded for a share over the yearly cap of the extra purse.
func (s *Service) Draft(ctx context.Context, actor model.Actor, key string, unionID model.ID, in Draft) (View, error) {
	content := map[string]any{"draft_group": unionID, "in": in}
	if err := in.check(); err != nil {
		return View{}, err
	}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (View, error) {
		now := s.db.Now()
		if _, err := allowance.OpenUnion(tx, unionID); err != nil {
			return View{}, err
		}
		policy, err := allowance.OpenPolicy(tx, in.Year, now)
		if err != nil {
			return View{}, err
		}
		p, err := s.newPurchase(tx, actor, unionID, in, now)
		if err != nil {
			return View{}, err
		}
		receivers, err := s.receiversOf(tx, &p, in)
		if err != nil {
			return View{}, err
		}
		lines, err := s.price(tx, &p, in, receivers, now)
		if err != nil {
			return View{}, err
		}
		if err := divide(&p, lines, receivers, *policy); err != nil {
			return View{}, err
		}
		if err := tx.Create(&p).Error; err != nil {
			return View{}, err
		}
		if err := tx.Create(&lines).Error; err != nil {
			return View{}, err
		}
		if err := tx.CreateInBatches(&receivers, s.db.BatchRows()).Error; err != nil {
			return View{}, err
		}
		detail := map[string]any{"purse": p.Purse, "year": p.Year, "title": p.Title, "receivers": p.Receivers, "total_fen": p.TotalFen}
		if err := s.db.Audit(tx, actor, now, "group.draft", object(p.ID), unionID, detail); err != nil {
			return View{}, err
		}
		return s.view(tx, p)
	})
}

// newPurchase is the draft's own row, still without what it costs.
func (s *Service) newPurchase(tx *gorm.DB, actor model.Actor, unionID model.ID, in Draft, now time.Time) (model.GroupPurchase, error) {
	p := model.GroupPurchase{ID: s.db.NewID(), UnionID: unionID, Purse: in.Purse, Year: in.Year, Title: in.Title, Selection: in.Selection, FilterJSON: "{}",
		Division: in.Division, Consignee: in.Delivery.Consignee, Note: in.Note, Status: StatusDraft, DraftedBy: actor.ID, DraftedAt: now, UpdatedAt: now}
	if in.Filter != nil {
		text, err := json.Marshal(in.Filter)
		if err != nil {
			return p, err
		}
		p.FilterJSON = string(text)
	}
	fund, err := s.allowances.EnsureFund(tx, unionID, in.Purse, in.Year)
	if err != nil {
		return p, err
	}
	p.FundID = fund.ID
	address, err := json.Marshal(address{in.Delivery.Province, in.Delivery.City, in.Delivery.District, in.Delivery.Detail})
	if err != nil {
		return p, err
	}
	if p.PhoneSealed, err = s.sealer.Seal(in.Delivery.Phone, model.SealGroupPhone); err != nil {
		return p, err
	}
	p.AddressSealed, err = s.sealer.Seal(string(address), model.SealGroupAddress)
	return p, err
}

// address is the sealed part of a delivery.
type address struct {
	Province string `json:"province"`
	City     string `json:"city"`
	District string `json:"district"`
	Detail   string `json:"detail"`
}

// receiversOf finds the members for whom it is bought, by rising id.
func (s *Service) receiversOf(tx *gorm.DB, p *model.GroupPurchase, in Draft) ([]model.GroupReceiver, error) {
	sets := map[model.ID]int64{}
	ids := make([]model.ID, len(in.Members))
	for i, m := range in.Members {
		ids[i], sets[m.MemberID] = m.MemberID, m.Sets
	}
	var members []model.Member
	var err error
	if in.Selection == "list" {
		members, err = allowance.ListedMembers(tx, p.UnionID, ids)
	} else {
		f := allowance.GrantFilter{}
		if in.Filter != nil {
			f = *in.Filter
		}
		err = f.Members(tx, p.UnionID, p.Purse, p.Year).Select("id", "person_id").Order("id").Limit(MaxReceivers + 1).Find(&members).Error
	}
	switch {
	case err != nil:
		return nil, err
	case len(members) == 0:
		return nil, model.E(model.CodeInvalid, "没有符合条件的会员，请检查名册和筛选条件")
	case len(members) > MaxReceivers:
		return nil, model.E(model.CodeTooLarge, "一次集体采购最多 %d 人，请按部门分开采购", MaxReceivers)
	}
	p.Receivers = len(members)
	receivers := make([]model.GroupReceiver, len(members))
	for i, m := range members {
		receivers[i] = model.GroupReceiver{ID: s.db.NewID(), PurchaseID: p.ID, MemberID: m.ID, PersonID: m.PersonID}
		if p.Division == DivideEach {
			receivers[i].Sets = max(1, sets[m.ID])
		}
	}
	return receivers, nil
}

// price settles the lines at the prices of now, and the total.
func (s *Service) price(tx *gorm.DB, p *model.GroupPurchase, in Draft, receivers []model.GroupReceiver, now time.Time) ([]model.GroupLine, error) {
	skus := make([]model.ID, len(in.Items))
	for i, it := range in.Items {
		skus[i] = it.SKUID
	}
	items, err := shop.ForSale(tx, skus, now)
	if err != nil {
		return nil, err
	}
	sets := int64(0)
	for _, r := range receivers {
		sets += r.Sets
	}
	lines := make([]model.GroupLine, len(in.Items))
	for i, it := range in.Items {
		sale, ok := items[it.SKUID]
		switch {
		case !ok:
			return nil, model.NotFound("商品")
		case sale.OffReason != "":
			return nil, model.E(model.CodeOffShelf, "“%s”暂时不能购买：%s", sale.Name, sale.OffReason)
		}
		l := model.GroupLine{ID: s.db.NewID(), PurchaseID: p.ID, SKUID: it.SKUID, ProductName: sale.Name, Spec: sale.Spec, PriceFen: sale.PriceFen, Quantity: it.Quantity}
		if p.Division == DivideEach {
			l.PerSet, l.Quantity = it.Quantity, it.Quantity*sets
		}
		if l.Quantity > maxQuantity || l.PriceFen > maxTotal/model.Fen(l.Quantity) {
			return nil, model.Invalid(fmt.Sprintf("items[%d].quantity", i), "数量太大，请分开采购")
		}
		p.TotalFen += l.PriceFen * model.Fen(l.Quantity)
		lines[i] = l
	}
	if p.TotalFen > maxTotal {
		return nil, model.Invalid("items", fmt.Sprintf("一次集体采购最多 %s 元，请分开采购", maxTotal.Yuan()))
	}
	slices.SortFunc(lines, func(a, b model.GroupLine) int { return cmp.Compare(a.SKUID, b.SKUID) })
	return lines, nil
}

// divide settles each receiver's share. Even: the total in whole fen; all fractions are equal, so the fen that are left over go to
// the first members. Each: their sets at the price of one. So the shares add up to the total.
func divide(p *model.GroupPurchase, lines []model.GroupLine, receivers []model.GroupReceiver, policy model.Policy) error {
	var set model.Fen
	for _, l := range lines {
		set += l.PriceFen * model.Fen(l.PerSet)
	}
	n := model.Fen(len(receivers))
	if p.TotalFen < n {
		return model.Invalid("items", fmt.Sprintf("合计 %s 元不够 %d 人每人分摊一分钱", p.TotalFen.Yuan(), n))
	}
	for i := range receivers {
		r := &receivers[i]
		if p.Division == DivideEach {
			r.ShareFen = set * model.Fen(r.Sets)
		} else if r.ShareFen = p.TotalFen / n; model.Fen(i) < p.TotalFen%n {
			r.ShareFen++
		}
		if p.Purse.Capped() && r.ShareFen > policy.CapFen {
			return model.E(model.CodeCapExceeded, "每人 %s 元超过了 %d 年度每人每年 %s 元的上限", r.ShareFen.Yuan(), p.Year, policy.CapFen.Yuan())
		}
	}
	return nil
}

// MaxListBytes bounds an uploaded list of members.
const MaxListBytes = 5 << 20

// ListedMember is one member of an uploaded list, as a draft takes it.
type ListedMember struct {
	MemberID model.ID `json:"member_id"`
	Name     string   `json:"name"`
	Sets     int64    `json:"sets"`
}

// MemberList is an uploaded list that was read; nothing of it is stored.
type MemberList struct {
	Items []ListedMember `json:"items"`
	Count int            `json:"count"`
	Sets  int64          `json:"sets"` // in all
}

// ReadList reads a spreadsheet of members (姓名, 身份证号 or 手机号, and perhaps 份数) into what Draft takes, as allowance.ReadAmounts does. All
// wrong rows are told at once, as CodeInvalid about "file".
func (s *Service) ReadList(ctx context.Context, unionID model.ID, file io.Reader) (MemberList, error) {
	data, err := io.ReadAll(io.LimitReader(file, MaxListBytes+1))
	if err != nil {
		return MemberList{}, err
	}
	rows, err := s.allowances.ReadAmounts(ctx, unionID, data, allowance.AmountRule{MaxRows: MaxReceivers, Optional: true, Pieces: true, NotDone: "没有读入"})
	if err != nil {
		return MemberList{}, err
	}
	list := MemberList{Items: make([]ListedMember, len(rows)), Count: len(rows)}
	for i, r := range rows {
		list.Items[i] = ListedMember{MemberID: r.Member.ID, Name: r.Member.Name, Sets: r.Pieces}
		list.Sets += r.Pieces
	}
	return list, nil
}

// ListTemplate writes the spreadsheet to fill in for ReadList.
func (s *Service) ListTemplate(w io.Writer) error {
	return rosterfile.WriteTemplate(w, "集体采购名单",
		[]rosterfile.Column{{Heading: "姓名*", Width: 14}, {Heading: "身份证号", Width: 24}, {Heading: "手机号", Width: 18}, {Heading: "份数", Width: 10}, {Heading: "备注", Width: 30}},
		[]string{
			"1. 请在“集体采购名单”工作表里填写，一人一行，表头不要改动；本页内容不会被读取。",
			"2. 姓名必填；身份证号和手机号至少填一个，两个都填时以身份证号为准。",
			"3. 名单上的人须在本工会的名册上，姓名须与名册一致。",
			fmt.Sprintf("4. 份数为 1 到 %d 的整数，不填就是 1 份；平均分摊费用时不看份数。", allowance.MaxPieces),
			"5. 身份证号和手机号须以文本保存，避免变成科学计数法。",
			fmt.Sprintf("6. 一个文件最多 %d 人、%d MB。有任何一行不对，整份名单都不会读入，系统会写明每行的问题。", MaxReceivers, MaxListBytes>>20),
		})
}
