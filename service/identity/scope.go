package identity

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"bangfu/model"
)

// Object names a kind of thing that a request's path may point at; its owner decides who may see it.
type Object string

// The objects that routes point at.
const (
	ObjectUnion          Object = "union"
	ObjectMember         Object = "member"
	ObjectRosterImport   Object = "roster_import"
	ObjectBindingRequest Object = "binding_request"
	ObjectStaff          Object = "staff"
	ObjectFund           Object = "fund"
	ObjectTopup          Object = "topup"
	ObjectGrant          Object = "grant"
	ObjectAllowance      Object = "allowance"
	ObjectSupplier       Object = "supplier"
	ObjectCertificate    Object = "certificate"
	ObjectProduct        Object = "product"
	ObjectSKU            Object = "sku"
	ObjectOrder          Object = "order"
	ObjectParcel         Object = "parcel"
	ObjectAfterSale      Object = "after_sale"
	ObjectAddress        Object = "address"
	ObjectStatement      Object = "statement"
	ObjectFile           Object = "file"
	ObjectGroupPurchase  Object = "group_purchase"
	ObjectGroupReceiver  Object = "group_receiver" // one member of a group purchase
	ObjectWechatRefund   Object = "wechat_refund"
	ObjectClaim          Object = "claim"
	ObjectRiskSignal     Object = "risk_signal"

	ObjectBankAccount     Object = "bank_account"
	ObjectSettlementBatch Object = "settlement_batch"
	ObjectSettlement      Object = "settlement"
	ObjectInvoiceRequest  Object = "invoice_request"
	ObjectErasure         Object = "erasure"
)

// The objects of halls.
const (
	ObjectHall       Object = "hall"
	ObjectRedemption Object = "redemption"
)

// Owner says whose an object is. A zero part owns nothing.
type Owner struct {
	UnionPath  string   // path of the union it belongs to
	SupplierID model.ID // the supplier it belongs to
	PersonID   model.ID // the person it belongs to
	HallID     model.ID // the hall it belongs to: only things of halls have one
}

const byUnion = "SELECT u.path AS union_path, 0 AS supplier_id, 0 AS person_id FROM unions u JOIN "

// owners finds the owner of each object by its id.
var owners = map[Object]string{
	ObjectUnion:          "SELECT path AS union_path, 0 AS supplier_id, 0 AS person_id FROM unions WHERE id = ?",
	ObjectMember:         "SELECT u.path AS union_path, 0 AS supplier_id, o.person_id FROM unions u JOIN members o ON o.union_id = u.id WHERE o.id = ?",
	ObjectRosterImport:   byUnion + "roster_imports o ON o.union_id = u.id WHERE o.id = ?",
	ObjectBindingRequest: byUnion + "binding_requests o ON o.union_id = u.id WHERE o.id = ?",
	ObjectStaff:          byUnion + "staff o ON o.union_id = u.id WHERE o.id = ?",
	ObjectFund:           byUnion + "funds o ON o.union_id = u.id WHERE o.id = ?",
	ObjectTopup:          byUnion + "topups o ON o.union_id = u.id WHERE o.id = ?",
	ObjectGrant:          byUnion + "grants o ON o.union_id = u.id WHERE o.id = ?",
	ObjectRiskSignal:     byUnion + "risk_signals o ON o.union_id = u.id WHERE o.id = ?",
	ObjectClaim:          byUnion + "claims o ON o.union_id = u.id WHERE o.id = ?",
	ObjectStatement:      byUnion + "statements o ON o.union_id = u.id WHERE o.id = ?",
	ObjectGroupPurchase:  byUnion + "group_purchases o ON o.union_id = u.id WHERE o.id = ?",
	ObjectGroupReceiver:  "SELECT '' AS union_path, 0 AS supplier_id, person_id FROM group_receivers WHERE id = ?",
	ObjectAllowance:      "SELECT u.path AS union_path, 0 AS supplier_id, o.person_id FROM unions u JOIN allowances o ON o.union_id = u.id WHERE o.id = ?",
	ObjectOrder:          "SELECT u.path AS union_path, 0 AS supplier_id, o.person_id FROM unions u JOIN orders o ON o.union_id = u.id WHERE o.id = ?",
	ObjectParcel: "SELECT u.path AS union_path, o.supplier_id, d.person_id FROM parcels o JOIN unions u ON u.id = o.union_id " +
		"JOIN orders d ON d.id = o.order_id WHERE o.id = ?",
	ObjectWechatRefund: byUnion + "wechat_refunds o ON o.union_id = u.id WHERE o.id = ?",
	ObjectAfterSale:    "SELECT u.path AS union_path, o.supplier_id, o.person_id FROM after_sales o JOIN unions u ON u.id = o.union_id WHERE o.id = ?",
	ObjectAddress:      "SELECT '' AS union_path, 0 AS supplier_id, person_id FROM addresses WHERE id = ? AND deleted_at IS NULL",
	ObjectSupplier:     "SELECT '' AS union_path, id AS supplier_id, 0 AS person_id FROM suppliers WHERE id = ?",
	ObjectCertificate:  "SELECT '' AS union_path, supplier_id, 0 AS person_id FROM certificates WHERE id = ?",
	ObjectProduct:      "SELECT '' AS union_path, supplier_id, 0 AS person_id FROM products WHERE id = ?",
	ObjectSKU:          "SELECT '' AS union_path, p.supplier_id, 0 AS person_id FROM skus s JOIN products p ON p.id = s.product_id WHERE s.id = ?",
	ObjectFile: "SELECT COALESCE(u.path, '') AS union_path, COALESCE(f.supplier_id, 0) AS supplier_id, 0 AS person_id " +
		"FROM files f LEFT JOIN unions u ON u.id = f.union_id WHERE f.id = ?",

	ObjectBankAccount:     "SELECT '' AS union_path, supplier_id, 0 AS person_id FROM supplier_bank_accounts WHERE id = ?",
	ObjectSettlementBatch: byUnion + "settlement_batches o ON o.union_id = u.id WHERE o.id = ?",
	ObjectSettlement: "SELECT u.path AS union_path, o.supplier_id, 0 AS person_id FROM settlements o JOIN settlement_batches b ON b.id = o.batch_id " +
		"JOIN unions u ON u.id = b.union_id WHERE o.id = ?",
	ObjectErasure:        byUnion + "erasures o ON o.union_id = u.id WHERE o.id = ?",
	ObjectInvoiceRequest: "SELECT u.path AS union_path, o.supplier_id, o.person_id FROM invoice_requests o JOIN unions u ON u.id = o.union_id WHERE o.id = ?",

	ObjectHall:       "SELECT '' AS union_path, supplier_id, 0 AS person_id, id AS hall_id FROM halls WHERE id = ?",
	ObjectRedemption: "SELECT '' AS union_path, supplier_id, person_id, hall_id FROM redemptions WHERE id = ?",
}

// objectNames are the Chinese names in "not found" messages.
var objectNames = map[Object]string{
	ObjectUnion: "工会", ObjectMember: "会员", ObjectRosterImport: "名册导入", ObjectBindingRequest: "绑定申请", ObjectStaff: "账号",
	ObjectFund: "经费账户", ObjectTopup: "经费入账", ObjectGrant: "发放批次", ObjectAllowance: "帮扶额度", ObjectSupplier: "供应商",
	ObjectCertificate: "证照", ObjectProduct: "商品", ObjectSKU: "商品规格", ObjectOrder: "订单", ObjectParcel: "包裹", ObjectAfterSale: "售后申请", ObjectAddress: "收货地址",
	ObjectStatement: "统计表", ObjectFile: "文件",
	ObjectGroupPurchase: "集体采购", ObjectGroupReceiver: "集体采购", ObjectWechatRefund: "微信退款", ObjectClaim: "采购登记", ObjectRiskSignal: "风险信号",
	ObjectBankAccount: "收款账户", ObjectSettlementBatch: "结算批次", ObjectSettlement: "结算单", ObjectInvoiceRequest: "开票申请", ObjectErasure: "注销申请",
	ObjectHall: "专馆", ObjectRedemption: "到馆核销",
}

// CheckScope refuses, with CodeNotFound, an object that does not exist or that the actor may not see: a member sees
// what is its person's, a cashier what is its hall's, a supplier what is its supplier's, and every other role what belongs to its union's
// subtree. Things of the shop belong to no union; every other staff role sees all of them.
func CheckScope(ctx context.Context, db *model.DB, actor model.Actor, object Object, id model.ID) error {
	var o Owner
	err := db.Read(ctx).Raw(owners[object], id).Take(&o).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	if err != nil || !actorSees(actor, o) {
		return model.NotFound(objectNames[object])
	}
	return nil
}

func actorSees(actor model.Actor, o Owner) bool {
	switch {
	case actor.Kind == model.ActorPerson:
		return o.PersonID != 0 && o.PersonID == actor.ID
	case actor.Kind != model.ActorStaff:
		return false
	case actor.Hall != 0:
		return o.HallID == actor.Hall
	case actor.Supplier != 0:
		return o.SupplierID == actor.Supplier
	case o.UnionPath == "":
		return o.SupplierID != 0
	default:
		return actor.Sees(o.UnionPath)
	}
}
