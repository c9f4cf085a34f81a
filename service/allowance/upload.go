package allowance

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// Limits of an uploaded list of amounts.
const (
	MaxUploadBytes = 20 << 20
	maxUploadRows  = 100_000
	maxRowErrors   = 1000 // wrong rows that are named in one answer
)

// UploadInput is what goes with an uploaded list.
type UploadInput struct {
	Purse model.Purse `json:"purse" check:"required,oneof=extra festival hardship activity"`
	Year  model.Year  `json:"year" check:"required,min=2000,max=2100"`
	Title string      `json:"title" check:"required,max=100"`
}

// WrongRows goes with the error about an uploaded list, as its data.
type WrongRows struct {
	WrongRows int `json:"wrong_rows"` // how many in all; the error's fields name the first thousand
}

// listed is one row of an uploaded list.
type listed struct {
	no       int
	name     string
	idNumber string // or
	phone    string
	amount   model.Fen
	pieces   int64
	member   model.Member // once found
}

// UploadGrant drafts a grant from a spreadsheet with an amount for each person: columns 姓名, 身份证号 or 手机号, 金额(元).
// Nothing is drafted unless every row is right; all wrong rows are told at once, with their row numbers, as CodeInvalid about
// "file". Other errors are those of DraftGrant.
func (s *Service) UploadGrant(ctx context.Context, actor model.Actor, key string, unionID model.ID, in UploadInput, file io.Reader) (GrantView, error) {
	data, err := io.ReadAll(io.LimitReader(file, MaxUploadBytes+1))
	if err != nil {
		return GrantView{}, err
	}
	sum := sha256.Sum256(data)
	content := map[string]any{"upload_grant": unionID, "in": in, "file": hex.EncodeToString(sum[:])}
	if view, found, err := model.Answered[GrantView](ctx, s.db, actor, key, content); found || err != nil {
		return view, err
	}
	policy, err := OpenPolicy(s.db.Read(ctx), in.Year, s.db.Now())
	if err != nil {
		return GrantView{}, err
	}
	rule := AmountRule{MaxRows: maxUploadRows, NotDone: "没有生成发放批次"}
	if in.Purse.Capped() {
		rule.Limit = policy.CapFen
	}
	list, err := s.ReadAmounts(ctx, unionID, data, rule)
	if err != nil {
		return GrantView{}, err
	}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (GrantView, error) {
		g, err := s.newGrant(tx, actor, unionID, GrantInput{Purse: in.Purse, Year: in.Year, Title: in.Title, Selection: "list"})
		if err != nil {
			return GrantView{}, err
		}
		items := make([]model.GrantItem, len(list))
		for i, r := range list {
			items[i] = model.GrantItem{ID: s.db.NewID(), GrantID: g.ID, MemberID: r.Member.ID, PersonID: r.Member.PersonID, AskedFen: r.AmountFen, Status: "pending"}
		}
		if err := s.addGrantItems(tx, &g, items); err != nil {
			return GrantView{}, err
		}
		if err := finishPreparing(tx, &g); err != nil {
			return GrantView{}, err
		}
		return grantView(tx, g)
	})
}

// AmountRule says what an uploaded list of people and amounts must be like.
type AmountRule struct {
	MaxRows  int       // people
	Limit    model.Fen // most for each person; 0: none
	Optional bool      // a list without any amounts is right too
	Pieces   bool      // instead of an amount, each has a number of pieces (份数), at least 1
	NotDone  string    // in Chinese, for the error: what does not happen while any row is wrong
}

// ListedAmount is one person of an uploaded list, with their amount in fen; 0 if the list has none.
type ListedAmount struct {
	Member    model.Member // id, union_id, person_id, name, status
	AmountFen model.Fen
	Pieces    int64
}

// ReadAmounts reads a spreadsheet with the columns 姓名, 身份证号 or 手机号, 金额(元) (or 份数), in its order. Everybody on it must be on the
// union's roster, once. All wrong rows are told at once, with their row numbers, as CodeInvalid about "file"; CodeTooLarge for too
// many people.
func (s *Service) ReadAmounts(ctx context.Context, unionID model.ID, data []byte, rule AmountRule) ([]ListedAmount, error) {
	list := &amountList{rule: rule, today: model.DateOf(s.db.Now()), rowOf: map[string]int{}}
	if err := list.read(data); err != nil {
		return nil, err
	}
	if err := s.findListed(s.db.Read(ctx), unionID, list); err != nil {
		return nil, err
	}
	if len(list.wrong) == 0 {
		list.checkBlanks()
	}
	if err := list.err(); err != nil {
		return nil, err
	}
	amounts := make([]ListedAmount, len(list.rows))
	for i, r := range list.rows {
		amounts[i] = ListedAmount{Member: r.member, AmountFen: r.amount, Pieces: r.pieces}
	}
	return amounts, nil
}

// amountList is an uploaded list while it is read: its rows and what is wrong with them.
type amountList struct {
	rule   AmountRule
	today  model.Date
	at     columns
	headed bool
	rows   []*listed
	wrong  []wrongRow
	rowOf  map[string]int // ID number or phone → row that has it
}

type wrongRow struct {
	no      int
	message string
}

// columns say in which cell each column stands; -1 if it is missing.
type columns struct{ name, idNumber, phone, amount int }

// findColumns reads a row of headings; the amount's may be missing if it is optional.
func findColumns(cells []string, rule AmountRule) (columns, bool) {
	at := columns{-1, -1, -1, -1}
	for i, cell := range cells {
		switch rosterfile.Heading(cell) {
		case "姓名":
			at.name = i
		case "身份证号", "身份证号码":
			at.idNumber = i
		case "手机号", "手机号码", "手机":
			at.phone = i
		case "金额", "发放金额":
			if !rule.Pieces {
				at.amount = i
			}
		case "份数", "数量":
			if rule.Pieces {
				at.amount = i
			}
		}
	}
	return at, at.name >= 0 && (at.amount >= 0 || rule.Optional) && (at.idNumber >= 0 || at.phone >= 0)
}

func (l *amountList) read(data []byte) error {
	isHeader := func(cells []string) bool { _, ok := findColumns(cells, l.rule); return ok }
	if err := rosterfile.ReadCells(bytes.NewReader(data), MaxUploadBytes, isHeader, l.add); err != nil {
		return err
	}
	switch {
	case !l.headed && l.rule.Pieces:
		return model.Invalid("file", "没有找到表头。表头应有“姓名”、“身份证号”或“手机号”这几列，份数不同时还要有“份数”，请使用模板填写")
	case !l.headed && l.rule.Optional:
		return model.Invalid("file", "没有找到表头。表头应有“姓名”、“身份证号”或“手机号”这几列，金额不同时还要有“金额(元)”，请使用模板填写")
	case !l.headed:
		return model.Invalid("file", "没有找到表头。表头应有“姓名”、“身份证号”或“手机号”、“金额(元)”这几列，请使用模板填写")
	case len(l.rows) == 0 && len(l.wrong) == 0:
		return model.Invalid("file", "表头下面没有填写任何人")
	}
	return nil
}

func (l *amountList) add(no int, cells []string) error {
	if !l.headed {
		l.at, l.headed = findColumns(cells, l.rule)
		return nil
	}
	cell := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return rosterfile.Clean(cells[i])
	}
	r := &listed{no: no}
	name, idNumber, phone, amount := cell(l.at.name), cell(l.at.idNumber), cell(l.at.phone), cell(l.at.amount)
	if name+idNumber+phone+amount == "" {
		return nil
	}
	if len(l.rows)+len(l.wrong) == l.rule.MaxRows {
		e := model.E(model.CodeTooLarge, "名单超过 %d 人，请分成几个文件", l.rule.MaxRows)
		e.Fields = []model.Field{{Name: "file", Message: e.Message}}
		return e
	}
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, messageOf(err))
		}
	}
	var err error
	r.name, err = rosterfile.NormalizeName(name)
	note(err)
	if idNumber != "" || phone == "" && l.at.idNumber >= 0 {
		r.idNumber, err = rosterfile.NormalizeIDNumber(idNumber, l.today)
	} else {
		r.phone, err = rosterfile.NormalizePhone(phone)
	}
	note(err)
	err = nil
	switch {
	case l.rule.Pieces:
		r.pieces, err = piecesOf(amount)
	case amount != "" || !l.rule.Optional:
		r.amount, err = amountOf(amount)
	}
	if err == nil && l.rule.Limit > 0 && r.amount > l.rule.Limit {
		err = model.E(model.CodeCapExceeded, "金额 %s 元超过每人每年 %s 元的上限", r.amount.Yuan(), l.rule.Limit.Yuan())
	}
	note(err)
	if len(problems) > 0 {
		l.reject(no, strings.Join(problems, "；"))
		return nil
	}
	if earlier, twice := l.rowOf[r.idNumber+r.phone]; twice {
		l.reject(no, fmt.Sprintf("与第 %d 行是同一个人，每人只能填一行", earlier))
		return nil
	}
	l.rowOf[r.idNumber+r.phone] = no
	l.rows = append(l.rows, r)
	return nil
}

func messageOf(err error) string {
	if shown, ok := err.(*model.Error); ok { //nolint:errorlint // made by the functions above, never wrapped
		return shown.Message
	}
	return err.Error()
}

func (l *amountList) reject(no int, message string) {
	l.wrong = append(l.wrong, wrongRow{no, message})
}

// checkBlanks rejects, where amounts are optional, the rows without one of a list in which others have one.
func (l *amountList) checkBlanks() {
	if !slices.ContainsFunc(l.rows, func(r *listed) bool { return r.amount > 0 }) {
		return
	}
	for _, r := range l.rows {
		if r.amount == 0 {
			l.reject(r.no, "金额没有填写：要么每人都填，要么都不填")
		}
	}
}

// err is the answer to a list with wrong rows.
func (l *amountList) err() error {
	if len(l.wrong) == 0 {
		return nil
	}
	slices.SortFunc(l.wrong, func(a, b wrongRow) int { return cmp.Compare(a.no, b.no) })
	e := model.E(model.CodeInvalid, "名单有 %d 行有误，%s，请改正后重新上传", len(l.wrong), l.rule.NotDone)
	e.Data = WrongRows{len(l.wrong)}
	for _, w := range l.wrong[:min(len(l.wrong), maxRowErrors)] {
		e.Fields = append(e.Fields, model.Field{Name: "file", Message: fmt.Sprintf("第 %d 行：%s", w.no, w.message)})
	}
	return e
}

// amountOf reads an amount in yuan. Spreadsheet programs store a number such as 199.99 with up to 17 digits, the last of
// which are noise that they never show: of those, 15 digits are kept, without a float.
func amountOf(cell string) (model.Fen, error) {
	if cell == "" {
		return 0, model.Invalid("amount", "金额没有填写")
	}
	if whole, frac, _ := strings.Cut(cell, "."); len(frac) > 2 && len(whole)+len(frac) >= 16 && len(cell) < 40 {
		if exact, ok := new(big.Rat).SetString(cell); ok && len(whole) < 15 {
			cell = strings.TrimRight(exact.FloatString(15-len(whole)), "0")
			cell = strings.TrimSuffix(cell, ".")
		}
	}
	f, err := model.ParseYuan(cell)
	if err == nil && f == 0 {
		return 0, model.Invalid("amount", "金额应大于 0")
	}
	return f, err
}

// MaxPieces is how many pieces (份数) one person of a list may get.
const MaxPieces = 999

// piecesOf reads a number of pieces; an empty cell is one.
func piecesOf(cell string) (int64, error) {
	if cell == "" {
		return 1, nil
	}
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil || n < 1 || n > MaxPieces {
		return 0, model.Invalid("pieces", fmt.Sprintf("份数应为 1 到 %d 的整数", MaxPieces))
	}
	return n, nil
}

// findListed finds each row's member on the union's roster and rejects rows that name nobody there.
func (s *Service) findListed(tx *gorm.DB, unionID model.ID, l *amountList) error {
	for chunk := range slices.Chunk(l.rows, 500) {
		found, err := s.lookUp(tx, unionID, chunk)
		if err != nil {
			return err
		}
		for _, r := range chunk {
			members := found[s.digest(r)]
			switch {
			case len(members) == 0:
				l.reject(r.no, "本工会名册上没有这个人，请核对身份证号或手机号")
			case len(members) > 1:
				l.reject(r.no, "名册上有多人使用这个手机号，请改填身份证号")
			case members[0].Name != r.name:
				l.reject(r.no, "姓名与名册上的不一致，请核对")
			default:
				r.member = members[0]
			}
		}
	}
	byMember := map[model.ID]int{}
	for _, r := range l.rows {
		if earlier, twice := byMember[r.member.ID]; twice && r.member.ID != 0 {
			l.reject(r.no, fmt.Sprintf("与第 %d 行是同一个人，每人只能填一行", earlier))
		}
		byMember[r.member.ID] = r.no
	}
	return nil
}

func (s *Service) digest(r *listed) string {
	if r.idNumber != "" {
		return s.sealer.Hash(model.HashIDNumber, r.idNumber)
	}
	return s.sealer.Hash(model.HashPhone, r.phone)
}

// lookUp finds the union's active members by the digests of some rows. It asks for people first and for the union after:
// the other way round, the embedded database walks through the whole roster each time.
func (s *Service) lookUp(tx *gorm.DB, unionID model.ID, rows []*listed) (map[string][]model.Member, error) {
	var byID, byPhone []string
	for _, r := range rows {
		if r.idNumber != "" {
			byID = append(byID, s.digest(r))
		} else {
			byPhone = append(byPhone, s.digest(r))
		}
	}
	found := map[string][]model.Member{}
	var persons []model.Person
	if err := tx.Select("id", "id_number_hash").Where("id_number_hash IN ?", byID).Find(&persons).Error; err != nil {
		return nil, err
	}
	digests, ids := make(map[model.ID]string, len(persons)), make([]model.ID, len(persons))
	for i, p := range persons {
		digests[p.ID], ids[i] = p.IDNumberHash, p.ID
	}
	var members []model.Member
	if err := tx.Select("id", "union_id", "person_id", "name", "status").Where("person_id IN ?", ids).Find(&members).Error; err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.UnionID == unionID && m.Status == "active" {
			found[digests[m.PersonID]] = append(found[digests[m.PersonID]], m)
		}
	}
	members = nil
	if err := tx.Select("id", "union_id", "person_id", "name", "status", "phone_hash").Where("phone_hash IN ?", byPhone).Find(&members).Error; err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.UnionID == unionID && m.Status == "active" {
			found[m.PhoneHash] = append(found[m.PhoneHash], m)
		}
	}
	return found, nil
}

// GrantTemplate writes the spreadsheet to fill in for UploadGrant.
func (s *Service) GrantTemplate(w io.Writer) error {
	return rosterfile.WriteTemplate(w, "发放名单",
		[]rosterfile.Column{{Heading: "姓名*", Width: 14}, {Heading: "身份证号", Width: 24}, {Heading: "手机号", Width: 18}, {Heading: "金额(元)*", Width: 14}, {Heading: "备注", Width: 30}},
		[]string{
			"1. 请在“发放名单”工作表里填写，一人一行，表头不要改动；本页内容不会被读取。",
			"2. 姓名和金额必填；身份证号和手机号至少填一个，两个都填时以身份证号为准。",
			"3. 名单上的人须在本工会的名册上，姓名须与名册一致。",
			"4. 金额以元为单位，最多两位小数；消费帮扶增加额度每人每年不超过政策规定的上限。",
			"5. 身份证号和手机号须以文本保存，避免变成科学计数法。",
			fmt.Sprintf("6. 一个文件最多 %d 人、%d MB。有任何一行不对，整份名单都不会生成发放批次，系统会写明每行的问题。", maxUploadRows, MaxUploadBytes>>20),
		})
}
