// Package group is buying together (集体采购): a union buys for many of its members from one of its funds. One person drafts it,
// another approves and thereby orders it; the parcels go to the unit, and each member signs for having received. The policy
// wants collective purchases besides personal spending (湛工总〔2023〕25号, 三); its cap of the extra purse holds for each person in them too.
package group

import (
	"errors"
	"regexp"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/guard"
	"bangfu/service/order"
)

// The stored states of a group purchase.
const (
	StatusDraft     = "draft"
	StatusOrdered   = "ordered" // approved: its order is paid
	StatusRejected  = "rejected"
	StatusCancelled = "cancelled" // given up as a draft, or cancelled with its order
)

// What a group purchase that is ordered is shown as, further on.
const (
	StageSigning  = "signing"  // a parcel has come, members sign
	StageDone     = "done"     // all have signed
	StageRefunded = "refunded" // everything was given back
)

var statusNames = map[string]string{StatusDraft: "待审批", StatusOrdered: "已下单", StatusRejected: "已退回", StatusCancelled: "已取消"}

// How the cost is divided among the members.
const (
	DivideEven = "even" // the total evenly, in whole fen
	DivideEach = "each" // each by the number of their sets
)

// The limits of one group purchase.
const (
	MaxReceivers = 5000
	maxLines     = 50
	maxQuantity  = 1_000_000 // pieces of one SKU
	maxTotal     = model.Fen(10_000_000_000)
)

// How a member's receipt was signed.
const (
	signedByMember = "member"
	signedOnPaper  = "paper"
)

// Service is the use cases of group purchases.
type Service struct {
	db         *model.DB
	allowances *allowance.Service
	orders     *order.Service
	sealer     *model.Sealer
	guard      *guard.Guard
}

// New makes the service.
func New(db *model.DB, allowances *allowance.Service, orders *order.Service, sealer *model.Sealer, g *guard.Guard) *Service {
	return &Service{db: db, allowances: allowances, orders: orders, sealer: sealer, guard: g}
}

// locked makes a query lock the rows it reads until the transaction ends.
func locked(tx *gorm.DB) *gorm.DB { return tx.Clauses(clause.Locking{Strength: "UPDATE"}) }

// find reads a group purchase; CodeNotFound if there is none.
func find(tx *gorm.DB, id model.ID) (model.GroupPurchase, error) {
	var p model.GroupPurchase
	err := tx.Where("id = ?", id).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return p, model.NotFound("集体采购")
	}
	return p, err
}

// object is how the audit trail names a group purchase.
func object(id model.ID) string { return "group:" + id.String() }

// notInState says that a group purchase has gone on since it was looked at.
func notInState(p model.GroupPurchase, act string) error {
	return model.E(model.CodeConflict, "这次集体采购%s，不能%s，请刷新", statusNames[p.Status], act)
}

// move takes a group purchase out of a state by compare-and-set; whoever comes second gets CodeConflict.
func move(tx *gorm.DB, p model.GroupPurchase, from, act string, set map[string]any) error {
	res := tx.Model(&model.GroupPurchase{}).Where("id = ? AND status = ?", p.ID, from).UpdateColumns(set)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	now, err := find(tx, p.ID)
	if err != nil {
		return err
	}
	return notInState(now, act)
}

// printable keeps line ends and other controls out of texts that are printed in one line.
var printable = regexp.MustCompile(`^[^\p{Cc}\p{Cf}]*$`)

func checkLine(field, name, text string) error {
	if !printable.MatchString(text) {
		return model.Invalid(field, name+"不能包含换行或看不见的字符")
	}
	return nil
}
