package order

import (
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/dues"
	"bangfu/service/ledger"
)

// owe counts what a parcel that was just received is worth: its amount less what was given back of it before. The caller has locked the order.
func owe(tx *gorm.DB, p model.Parcel, now time.Time) error {
	var back model.Fen
	err := tx.Model(&model.Transfer{}).Select("COALESCE(SUM(amount_fen), 0)").
		Where("order_id = ? AND kind = ? AND debit_account = ?", p.OrderID, ledger.KindRefund, ledger.Supplier(p.SupplierID)).Scan(&back).Error
	if err != nil {
		return err
	}
	return dues.Received(tx, dues.Receipt{Supplier: p.SupplierID, At: now, Fen: p.AmountFen - back})
}

// receivedBefore is what a refund takes off of parcels that were received; the caller has locked the order and not cancelled them yet.
func receivedBefore(tx *gorm.DB, order model.ID, back returning) ([]dues.Receipt, error) {
	var parcels []model.Parcel
	err := tx.Select("supplier_id", "received_at").Where("order_id = ? AND status = ?", order, ParcelReceived).Order("supplier_id").Find(&parcels).Error
	receipts := make([]dues.Receipt, len(parcels))
	for i, p := range parcels {
		receipts[i] = dues.Receipt{Supplier: p.SupplierID, At: *p.ReceivedAt, Fen: -back.owed[p.SupplierID]}
	}
	return receipts, err
}
