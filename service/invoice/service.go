// Package invoice is invoices for what was bought: a member or a union asks a supplier for one, the supplier uploads it (PDF or
// OFD), and whoever asked downloads it. An invoice's number is unique in the whole city, also against purchases made elsewhere
// (claims). A refund after the issue asks for a red invoice (红字发票).
package invoice

import (
	"errors"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/ledger"
)

// The states of a request.
const (
	requested = "requested"
	issued    = "issued"
	voided    = "voided" // issued, and all of it taken back by red invoices
	rejected  = "rejected"
	cancelled = "cancelled"
)

// The kinds of titles and of invoices.
const (
	titlePersonal = "personal"
	titleUnit     = "unit"
	kindNormal    = "normal"
	kindRed       = "red"
)

// Service is the use cases of invoices.
type Service struct {
	db    *model.DB
	files *files.Service
}

// New makes the service.
func New(db *model.DB, f *files.Service) *Service { return &Service{db: db, files: f} }

func object(id model.ID) string { return "invoice_request:" + id.String() }

// lockRequest reads a request and locks it until the transaction ends.
func lockRequest(tx *gorm.DB, id model.ID) (model.InvoiceRequest, error) {
	var r model.InvoiceRequest
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("开票申请")
	}
	return r, err
}

// nets is what a supplier was paid for each of the orders, less what it gave back.
func nets(tx *gorm.DB, supplier model.ID, orders []model.ID) (map[model.ID]model.Fen, error) {
	var rows []struct {
		OrderID model.ID
		Fen     model.Fen
	}
	account := string(ledger.Supplier(supplier))
	err := tx.Raw("SELECT order_id, SUM(CASE WHEN kind = 'spend' THEN amount_fen ELSE -amount_fen END) AS fen FROM transfers WHERE order_id IN ? AND "+
		"((kind = 'spend' AND credit_account = ?) OR (kind = 'refund' AND debit_account = ?)) GROUP BY order_id", orders, account, account).Scan(&rows).Error
	byOrder := make(map[model.ID]model.Fen, len(rows))
	for _, r := range rows {
		byOrder[r.OrderID] = r.Fen
	}
	return byOrder, err
}

// netSQL is what remains paid of all orders of the request r.
const netSQL = "(SELECT COALESCE(SUM(CASE WHEN t.kind = 'spend' THEN t.amount_fen ELSE -t.amount_fen END), 0) FROM invoice_request_orders o JOIN transfers t ON t.order_id = o.order_id AND " +
	"((t.kind = 'spend' AND t.credit_account = CONCAT('supplier:', o.supplier_id)) OR (t.kind = 'refund' AND t.debit_account = CONCAT('supplier:', o.supplier_id))) WHERE o.request_id = r.id)"

// ordersOf reads the orders of a request, locked with it.
func ordersOf(tx *gorm.DB, request model.ID) (rows []model.InvoiceRequestOrder, ids []model.ID, err error) {
	err = tx.Where("request_id = ?", request).Order("order_id").Find(&rows).Error
	for _, r := range rows {
		ids = append(ids, r.OrderID)
	}
	return rows, ids, err
}

// free lets the orders of a request be asked for again.
func free(tx *gorm.DB, request model.ID) error {
	return tx.Model(&model.InvoiceRequestOrder{}).Where("request_id = ?", request).UpdateColumn("live_order_id", nil).Error
}

// move takes a request from one state to another, or fails with CodeConflict.
func move(tx *gorm.DB, id model.ID, from string, set map[string]any) error {
	res := tx.Model(&model.InvoiceRequest{}).Where("id = ? AND status = ?", id, from).UpdateColumns(set)
	if res.Error == nil && res.RowsAffected == 0 {
		return model.E(model.CodeConflict, "开票申请的状态已经变化，请刷新")
	}
	return res.Error
}

// text trims a text and bounds it.
func text(field, name, value string, most int) (string, error) {
	value = strings.TrimSpace(value)
	switch n := utf8.RuneCountInString(value); {
	case n == 0:
		return "", model.Invalid(field, name+"不能为空")
	case n > most:
		return "", model.Invalid(field, model.E("", "%s不能超过 %d 个字", name, most).Message)
	}
	return value, nil
}
