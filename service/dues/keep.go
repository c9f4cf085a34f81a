package dues

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/ledger"
)

// Options are what the service works with.
type Options struct {
	DB  *model.DB
	Lag time.Duration // transfers younger than this stay out of supplier_days: longer than any transaction may take, on the machine's own time
}

// Service keeps the sums.
type Service struct {
	db  *model.DB
	lag time.Duration
}

// New makes the service.
func New(o Options) *Service { return &Service{o.DB, o.Lag} }

const (
	markID = model.ID(1)
	// perStep bounds the transfers of one transaction, perRun the time of one run.
	perStep = 5000
	perRun  = 20 * time.Second
)

// Keep counts suppliers that were never counted, and takes transfers that are old enough into supplier_days, for at most some seconds. Any
// number of processes may do so at once.
func (s *Service) Keep(ctx context.Context) error {
	return s.keep(ctx, time.Now().Add(perRun))
}

// CatchUp is Keep without a bound in time, for databases that were filled past the product.
func (s *Service) CatchUp(ctx context.Context) error {
	return s.keep(ctx, time.Now().AddDate(1, 0, 0))
}

func (s *Service) keep(ctx context.Context, until time.Time) error {
	if err := s.countSuppliers(ctx); err != nil {
		return err
	}
	for time.Now().Before(until) {
		began := time.Now()
		n, err := s.step(ctx)
		if err != nil || n < perStep {
			return err
		}
		select {
		case <-time.After(time.Since(began)): // orders come first
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// countSuppliers counts the receipts of before, supplier by supplier.
func (s *Service) countSuppliers(ctx context.Context) error {
	var ids []model.ID
	err := s.db.Read(ctx).Model(&model.Supplier{}).Where("NOT EXISTS (SELECT 1 FROM supplier_sums x WHERE x.supplier_id = suppliers.id AND x.counted = ?)", true).Order("id").Pluck("id", &ids).Error
	for _, id := range ids {
		if err == nil {
			err = s.db.Tx(ctx, func(tx *gorm.DB) error { return s.count(tx, id) })
		}
	}
	return err
}

// count counts one supplier's receipts anew, under the lock that receipts wait for.
func (s *Service) count(tx *gorm.DB, supplier model.ID) error {
	sum := model.SupplierSum{SupplierID: supplier}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&sum).Error; err != nil {
		return err
	}
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("supplier_id = ?", supplier).Take(&sum).Error; err != nil || sum.Counted {
		return err
	}
	hours, err := recount(tx, supplier)
	if err != nil {
		return err
	}
	if err := tx.Where("supplier_id = ?", supplier).Delete(&model.SupplierHour{}).Error; err != nil {
		return err
	}
	rows := make([]model.SupplierHour, 0, len(hours))
	sum.ReceivedFen = 0
	for hour, fen := range hours {
		rows = append(rows, model.SupplierHour{SupplierID: supplier, Hour: hour, ReceivedFen: fen})
		sum.ReceivedFen += fen
	}
	slices.SortFunc(rows, func(a, b model.SupplierHour) int { return cmp.Compare(a.Hour, b.Hour) })
	if len(rows) > 0 {
		if err := tx.CreateInBatches(rows, s.db.BatchRows()).Error; err != nil {
			return err
		}
	}
	return tx.Model(&sum).UpdateColumns(map[string]any{"received_fen": sum.ReceivedFen, "counted": true}).Error
}

// receivedSQL are a supplier's received parcels and the refunds of them, signed.
const receivedSQL = `SELECT p.received_at, p.amount_fen AS fen FROM parcels p WHERE p.supplier_id = @supplier AND p.status = 'received'
UNION ALL SELECT p.received_at, -t.amount_fen FROM transfers t JOIN parcels p ON p.order_id = t.order_id AND p.supplier_id = @supplier
WHERE t.debit_account = @account AND t.kind = 'refund' AND p.status = 'received'`

// recount adds up a supplier's receipts by hour from parcels and refunds.
func recount(tx *gorm.DB, supplier model.ID) (map[int64]model.Fen, error) {
	rows, err := tx.Raw(receivedSQL, map[string]any{"supplier": supplier, "account": string(ledger.Supplier(supplier))}).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	hours := map[int64]model.Fen{}
	for rows.Next() {
		var r struct {
			ReceivedAt time.Time
			Fen        model.Fen
		}
		if err := tx.ScanRows(rows, &r); err != nil {
			return nil, err
		}
		hours[HourOf(r.ReceivedAt)] += r.Fen
	}
	return hours, rows.Err()
}

// step takes the next transfers into supplier_days and tells how many it looked at.
func (s *Service) step(ctx context.Context) (n int, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		mark := model.SupplierMark{ID: markID}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&mark).Error; err != nil {
			return err
		}
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", markID).Take(&mark).Error
		if err != nil {
			return err
		}
		var moves []model.Transfer
		err = tx.Select("id", "kind", "debit_account", "credit_account", "amount_fen", "at").Where("id > ? AND id < ?", mark.UpTo, model.IDAt(time.Now().Add(-s.lag))).
			Order("id").Limit(perStep).Find(&moves).Error
		n = len(moves)
		if err != nil || n == 0 {
			return err
		}
		if err := s.store(tx, days(moves)); err != nil {
			return err
		}
		return tx.Model(&mark).UpdateColumn("up_to", moves[n-1].ID).Error
	})
	return n, err
}

type dayKey struct {
	supplier model.ID
	day      int
}

// days adds transfers up; they come by rising id.
func days(moves []model.Transfer) map[dayKey]*model.SupplierDay {
	sums := map[dayKey]*model.SupplierDay{}
	for _, t := range moves {
		account := t.DebitAccount
		if t.Kind == string(ledger.KindSpend) {
			account = t.CreditAccount
		}
		kind, supplier := ledger.Account(account).Split()
		a := part(ledger.Kind(t.Kind), t.AmountFen)
		if kind != "supplier" || a == (Account{}) {
			continue
		}
		key := dayKey{supplier, dayOf(t.At)}
		d := sums[key]
		if d == nil {
			d = &model.SupplierDay{SupplierID: supplier, Day: key.day, FirstTransfer: t.ID}
			sums[key] = d
		}
		d.SoldFen, d.RefundedFen, d.PaidFen, d.LastTransfer = d.SoldFen+a.Sold, d.RefundedFen+a.Refunded, d.PaidFen+a.Paid, t.ID
	}
	return sums
}

// store adds days to supplier_days; the caller holds the mark.
func (s *Service) store(tx *gorm.DB, sums map[dayKey]*model.SupplierDay) error {
	var fresh []model.SupplierDay
	for key, d := range sums {
		res := tx.Model(&model.SupplierDay{}).Where("supplier_id = ? AND day = ?", key.supplier, key.day).UpdateColumns(map[string]any{
			"sold_fen": gorm.Expr("sold_fen + ?", d.SoldFen), "refunded_fen": gorm.Expr("refunded_fen + ?", d.RefundedFen),
			"paid_fen": gorm.Expr("paid_fen + ?", d.PaidFen), "last_transfer": d.LastTransfer})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			fresh = append(fresh, *d)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return tx.CreateInBatches(fresh, s.db.BatchRows()).Error
}
