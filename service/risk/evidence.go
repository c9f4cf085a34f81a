package risk

import (
	"encoding/json"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// EvidenceView is what a signal rests on, the newest first and at most 50 of a kind; its figures count all.
type EvidenceView struct {
	Orders  []OrderEvidence  `json:"orders"`
	Members []MemberEvidence `json:"members"`
	Claims  []ClaimEvidence  `json:"claims"`
	Entries []EntryEvidence  `json:"entries"`
}

// OrderEvidence is one order that a signal rests on.
type OrderEvidence struct {
	ID          model.ID  `json:"id"`
	OrderNo     string    `json:"order_no"`
	Kind        string    `json:"kind"`
	Status      string    `json:"status"`
	GoodsFen    model.Fen `json:"goods_fen"`
	RefundedFen model.Fen `json:"refunded_fen"`
	PlacedAt    time.Time `json:"placed_at"`
	MemberID    model.ID  `json:"member_id"`
	MemberName  string    `json:"member_name"` // masked
	UnionID     model.ID  `json:"union_id"`
	UnionName   string    `json:"union_name"`
}

// MemberEvidence is one member that a signal rests on.
type MemberEvidence struct {
	ID        model.ID   `json:"id"`
	Name      string     `json:"name"` // masked
	Status    string     `json:"status"`
	LeftAt    *time.Time `json:"left_at"`
	UnionID   model.ID   `json:"union_id"`
	UnionName string     `json:"union_name"`
}

// ClaimEvidence is one purchase made elsewhere that a signal rests on.
type ClaimEvidence struct {
	ID          model.ID   `json:"id"`
	PurchasedOn model.Date `json:"purchased_on"`
	AmountFen   model.Fen  `json:"amount_fen"`
	Status      string     `json:"status"`
	EnteredAt   time.Time  `json:"entered_at"`
	UnionID     model.ID   `json:"union_id"`
	UnionName   string     `json:"union_name"`
}

// EntryEvidence is one entry of the audit trail that a signal rests on: a binding undone or made, a phone changed.
type EntryEvidence struct {
	ID        model.ID   `json:"id"`
	At        time.Time  `json:"at"`
	Action    string     `json:"action"`
	Text      string     `json:"text"`       // the action in words
	By        *model.Ref `json:"by"`         // the staff; null: the member
	MemberID  *model.ID  `json:"member_id"`  // null: a binding
	AccountID *model.ID  `json:"account_id"` // the WeChat account; null: no binding
	UnionID   model.ID   `json:"union_id"`
	UnionName string     `json:"union_name"`
}

// entryTexts say what was done, of the entries that rules look at.
var entryTexts = map[string]string{actUnbind: "解除微信绑定", actChange: "更改名册手机号", actAdd: "加入或更新名册，手机号与原有的不同", actMatch: "绑定微信账号（与名册核对一致）", actApprove: "绑定微信账号（工会核对通过）"}

// readEvidence reads what the signal rests on, as far as it lies in the actor's subtree.
func readEvidence(tx *gorm.DB, actor model.Actor, r model.RiskSignal) (EvidenceView, error) {
	v := EvidenceView{Orders: []OrderEvidence{}, Members: []MemberEvidence{}, Claims: []ClaimEvidence{}, Entries: []EntryEvidence{}}
	var seen evidence
	if err := json.Unmarshal([]byte(r.EvidenceJSON), &seen); err != nil {
		return v, err
	}
	within := func(table string, ids []model.ID) *gorm.DB {
		return tx.Table(table+" x").Joins("JOIN unions u ON u.id = x.union_id").Where("x.id IN ? AND u.path LIKE ?", ids, actor.UnionPath+"%")
	}
	if len(seen.Orders) > 0 {
		err := within("orders", seen.Orders).Select("x.id, x.order_no, x.kind, x.status, x.goods_fen, x.refunded_fen, x.placed_at, x.member_id, " +
			"COALESCE(m.name, '') AS member_name, x.union_id, u.name AS union_name").Joins("LEFT JOIN members m ON m.id = x.member_id").Order("x.placed_at DESC, x.id DESC").Scan(&v.Orders).Error
		if err != nil {
			return v, err
		}
	}
	if len(seen.Members) > 0 {
		err := within("members", seen.Members).Select("x.id, x.name, x.status, x.left_at, x.union_id, u.name AS union_name").Order("x.id").Scan(&v.Members).Error
		if err != nil {
			return v, err
		}
	}
	if len(seen.Claims) > 0 {
		err := within("claims", seen.Claims).Select("x.id, x.purchased_on, x.amount_fen, x.status, x.entered_at, x.union_id, u.name AS union_name").Order("x.entered_at DESC, x.id DESC").Scan(&v.Claims).Error
		if err != nil {
			return v, err
		}
	}
	if len(seen.Entries) > 0 {
		var err error
		if v.Entries, err = readEntries(tx, within("audit_entries", seen.Entries)); err != nil {
			return v, err
		}
	}
	for i := range v.Orders {
		v.Orders[i].MemberName = model.MaskName(v.Orders[i].MemberName)
	}
	for i := range v.Members {
		v.Members[i].Name = model.MaskName(v.Members[i].Name)
	}
	return v, nil
}

// readEntries reads the entries that q chooses, with who they name.
func readEntries(tx, q *gorm.DB) ([]EntryEvidence, error) {
	var rows []struct {
		ID                            model.ID
		At                            time.Time
		Actor, Action, Object, Detail string
		UnionID                       model.ID
		UnionName                     string
	}
	err := q.Select("x.id, x.at, x.actor, x.action, x.object, x.detail, x.union_id, u.name AS union_name").Order("x.at DESC, x.id DESC").Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	staff := make([]model.ID, len(rows))
	for i, r := range rows {
		staff[i] = staffOf(r.Actor)
	}
	names, err := model.NamesOf(tx, &model.Staff{}, staff)
	if err != nil {
		return nil, err
	}
	list := make([]EntryEvidence, len(rows))
	for i, r := range rows {
		e := EntryEvidence{ID: r.ID, At: r.At, Action: r.Action, Text: entryTexts[r.Action], UnionID: r.UnionID, UnionName: r.UnionName}
		if staff[i] != 0 {
			e.By = names.Ref(&staff[i])
		}
		said, err := detailOf(r.Detail)
		if err != nil {
			return nil, err
		}
		if said.AccountID != 0 {
			e.AccountID = &said.AccountID
		}
		if text, ok := strings.CutPrefix(r.Object, "member:"); ok {
			id, err := model.ParseID(text)
			if err != nil {
				return nil, err
			}
			e.MemberID = &id
		}
		list[i] = e
	}
	return list, nil
}
