package claim

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/union/rosterfile"
)

// MaxListBytes bounds an uploaded list of persons.
const MaxListBytes = 5 << 20

// whoTookPart settles the persons of a claim, or their number, and each one's share, by rising member.
func (s *Service) whoTookPart(tx *gorm.DB, c *model.Claim, in Input, old *model.Claim) ([]model.ClaimPerson, error) {
	switch {
	case len(in.Persons) > 0 && in.PersonTimes > 0:
		return nil, model.Invalid("person_times", "已列出名单，人次按名单计，不用填写")
	case len(in.Persons) > 0:
		return s.listed(tx, c, in.Persons)
	case in.PersonTimes > 0:
		c.Listed, c.EvenSplit, c.PersonTimes = false, false, in.PersonTimes
		return nil, nil
	case old == nil || !old.Listed:
		return nil, model.Invalid("person_times", "请列出名单或填写人次")
	}
	return keep(tx, c, *old)
}

// listed finds the persons on the union's roster and settles their shares.
func (s *Service) listed(tx *gorm.DB, c *model.Claim, list []Person) ([]model.ClaimPerson, error) {
	shares := make(map[model.ID]model.Fen, len(list))
	var sum model.Fen
	given := 0
	for _, p := range list {
		shares[p.MemberID] = 0
		if p.AmountFen != nil {
			shares[p.MemberID] = *p.AmountFen
			sum += *p.AmountFen
			given++
		}
	}
	c.Listed, c.EvenSplit, c.PersonTimes = true, given == 0, int64(len(list))
	switch {
	case given != 0 && given != len(list):
		return nil, model.Invalid("persons", "金额要么每人都填，要么都不填（平均分摊）")
	case given != 0 && sum != c.AmountFen:
		return nil, model.Invalid("persons", fmt.Sprintf("名单上各人金额合计 %s 元，与采购金额 %s 元不一致", sum.Yuan(), c.AmountFen.Yuan()))
	}
	persons := make([]model.ClaimPerson, 0, len(list))
	for chunk := range slices.Chunk(list, 500) {
		ids := make([]model.ID, len(chunk))
		for i, p := range chunk {
			ids[i] = p.MemberID
		}
		var members []model.Member
		if err := tx.Select("id", "person_id").Where("union_id = ? AND status = 'active' AND id IN ?", c.UnionID, ids).Find(&members).Error; err != nil {
			return nil, err
		}
		for _, m := range members {
			persons = append(persons, model.ClaimPerson{ClaimID: c.ID, MemberID: m.ID, PersonID: m.PersonID, AmountFen: shares[m.ID]})
		}
	}
	if missing := len(list) - len(persons); missing > 0 {
		return nil, model.Invalid("persons", fmt.Sprintf("有 %d 人不在本工会的名册上", missing))
	}
	if given == 0 {
		return persons, split(persons, c.AmountFen)
	}
	slices.SortFunc(persons, byMember)
	return persons, nil
}

// keep takes the persons of the claim as it was; their shares are split anew if they were split evenly.
func keep(tx *gorm.DB, c *model.Claim, old model.Claim) ([]model.ClaimPerson, error) {
	var persons []model.ClaimPerson
	if err := tx.Where("claim_id = ?", old.ID).Find(&persons).Error; err != nil {
		return nil, err
	}
	if old.EvenSplit {
		return persons, split(persons, c.AmountFen)
	}
	if c.AmountFen != old.AmountFen {
		return nil, model.Invalid("persons", "采购金额变了，请重新提交名单和各人金额")
	}
	return persons, nil
}

// split shares an amount out evenly in whole fen. All remainders are equal, so what is left over goes to the first members, one
// fen each.
func split(persons []model.ClaimPerson, amount model.Fen) error {
	n := model.Fen(len(persons))
	if amount < n {
		return model.Invalid("amount_fen", fmt.Sprintf("金额 %s 元不够 %d 人每人分摊一分钱", amount.Yuan(), n))
	}
	slices.SortFunc(persons, byMember)
	for i := range persons {
		persons[i].AmountFen = amount / n
		if model.Fen(i) < amount%n {
			persons[i].AmountFen++
		}
	}
	return nil
}

func byMember(a, b model.ClaimPerson) int { return cmp.Compare(a.MemberID, b.MemberID) }

// ListedPerson is one person of an uploaded list, as it can be entered.
type ListedPerson struct {
	MemberID  model.ID   `json:"member_id"`
	Name      string     `json:"name"`
	AmountFen *model.Fen `json:"amount_fen"` // nil: the list has no amounts
}

// PersonList is an uploaded list of persons that was read; nothing of it is stored.
type PersonList struct {
	Items    []ListedPerson `json:"items"`
	Count    int            `json:"count"`
	TotalFen model.Fen      `json:"total_fen"` // 0: the list has no amounts
}

// ReadList reads a spreadsheet of persons (姓名, 身份证号 or 手机号, and 金额(元) for everybody or for nobody) into what Enter takes. All wrong
// rows are told at once, as CodeInvalid about "file".
func (s *Service) ReadList(ctx context.Context, unionID model.ID, file io.Reader) (PersonList, error) {
	data, err := io.ReadAll(io.LimitReader(file, MaxListBytes+1))
	if err != nil {
		return PersonList{}, err
	}
	rows, err := s.allowances.ReadAmounts(ctx, unionID, data, allowance.AmountRule{MaxRows: MaxPersons, Optional: true, NotDone: "没有读入"})
	if err != nil {
		return PersonList{}, err
	}
	list := PersonList{Items: make([]ListedPerson, len(rows)), Count: len(rows)}
	for i, r := range rows {
		list.Items[i] = ListedPerson{MemberID: r.Member.ID, Name: r.Member.Name}
		if r.AmountFen > 0 {
			list.Items[i].AmountFen = &r.AmountFen
			list.TotalFen += r.AmountFen
		}
	}
	return list, nil
}

// ListTemplate writes the spreadsheet to fill in for ReadList.
func (s *Service) ListTemplate(w io.Writer) error {
	return rosterfile.WriteTemplate(w, "采购名单",
		[]rosterfile.Column{{Heading: "姓名*", Width: 14}, {Heading: "身份证号", Width: 24}, {Heading: "手机号", Width: 18}, {Heading: "金额(元)", Width: 14}, {Heading: "备注", Width: 30}},
		[]string{
			"1. 请在“采购名单”工作表里填写，一人一行，表头不要改动；本页内容不会被读取。",
			"2. 姓名必填；身份证号和手机号至少填一个，两个都填时以身份证号为准。",
			"3. 名单上的人须在本工会的名册上，姓名须与名册一致。",
			"4. 金额以元为单位，最多两位小数；要么每人都填，合计等于发票金额，要么都不填，由系统平均分摊到分。",
			"5. 身份证号和手机号须以文本保存，避免变成科学计数法。",
			fmt.Sprintf("6. 一个文件最多 %d 人、%d MB。有任何一行不对，整份名单都不会读入，系统会写明每行的问题。", MaxPersons, MaxListBytes>>20),
		})
}
