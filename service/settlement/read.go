package settlement

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// BatchView is a batch as the console shows it.
type BatchView struct {
	ID          model.ID   `json:"id"`
	PeriodFrom  model.Date `json:"period_from"` // of the oldest movement in it; empty while nothing is
	PeriodTo    model.Date `json:"period_to"`
	Status      string     `json:"status"`
	Note        string     `json:"note"`
	StopReason  string     `json:"stop_reason"`
	Settlements int        `json:"settlements"`
	TotalFen    model.Fen  `json:"total_fen"`
	PaidFen     model.Fen  `json:"paid_fen"`
	Exports     int        `json:"exports"` // how often the bank file was made: a second time is a reason to look
	ExportedAt  *time.Time `json:"exported_at"`
	MadeBy      model.Ref  `json:"made_by"`
	MadeAt      time.Time  `json:"made_at"`
	ConfirmedBy *model.Ref `json:"confirmed_by"`
	ConfirmedAt *time.Time `json:"confirmed_at"`
	ClosedAt    *time.Time `json:"closed_at"`
}

// View is what one supplier is paid in a batch.
type View struct {
	ID             model.ID     `json:"id"`
	BatchID        model.ID     `json:"batch_id"`
	BatchStatus    string       `json:"batch_status"`
	PeriodTo       model.Date   `json:"period_to"`
	SupplierID     model.ID     `json:"supplier_id"`
	SupplierName   string       `json:"supplier_name"`
	BankAccount    *AccountView `json:"bank_account"` // the version that the money goes to; null if skipped
	AmountFen      model.Fen    `json:"amount_fen"`
	Items          int          `json:"items"`
	Status         string       `json:"status"`
	Reason         string       `json:"reason"`
	EvidenceNo     string       `json:"evidence_no"`
	EvidenceFileID *model.ID    `json:"evidence_file_id"`
	DecidedAt      *time.Time   `json:"decided_at"` // when it was marked paid or failed
	CreatedAt      time.Time    `json:"created_at"`
}

// ItemView is one movement that a settlement pays.
type ItemView struct {
	TransferID model.ID  `json:"transfer_id"`
	Kind       string    `json:"kind"` // spend | refund
	OrderID    model.ID  `json:"order_id"`
	OrderNo    string    `json:"order_no"`
	AmountFen  model.Fen `json:"amount_fen"` // refunds are negative
	At         time.Time `json:"at"`
}

// Batches lists the batches that unions of the actor's subtree pay, the newest first; status may be empty for all.
func (s *Service) Batches(ctx context.Context, actor model.Actor, status string, page model.Page) (model.List[BatchView], error) {
	tx := s.db.Read(ctx)
	q := tx.Where("union_id IN (SELECT u.id FROM unions u WHERE u.path LIKE ?)", actor.UnionPath+"%")
	if actor.UnionPath == "" {
		q = tx.Where("1 = 0")
	}
	if status != "" {
		q = q.Where("status = ?", status)
	}
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.SettlementBatch
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[BatchView]{}, err
	}
	views, err := batchViews(tx, rows)
	return model.NewList(views, page, func(v BatchView) model.ID { return v.ID }, func(v BatchView) BatchView { return v }), err
}

// Batch shows one batch.
func (s *Service) Batch(ctx context.Context, id model.ID) (BatchView, error) {
	return readBatch(s.db.Read(ctx), id)
}

func readBatch(tx *gorm.DB, id model.ID) (BatchView, error) {
	var b model.SettlementBatch
	err := tx.Where("id = ?", id).Take(&b).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return BatchView{}, model.NotFound("结算批次")
	}
	if err != nil {
		return BatchView{}, err
	}
	return batchView(tx, b)
}

func batchView(tx *gorm.DB, b model.SettlementBatch) (BatchView, error) {
	views, err := batchViews(tx, []model.SettlementBatch{b})
	if err != nil {
		return BatchView{}, err
	}
	return views[0], nil
}

func batchViews(tx *gorm.DB, rows []model.SettlementBatch) ([]BatchView, error) {
	var people []model.ID
	for _, b := range rows {
		people = append(people, b.MadeBy)
		if b.ConfirmedBy != nil {
			people = append(people, *b.ConfirmedBy)
		}
	}
	names, err := model.NamesOf(tx, &model.Staff{}, people)
	views := make([]BatchView, len(rows))
	for i, b := range rows {
		views[i] = BatchView{ID: b.ID, PeriodFrom: b.PeriodFrom, PeriodTo: b.PeriodTo, Status: b.Status, Note: b.Note, StopReason: b.StopReason,
			Settlements: b.Settlements, TotalFen: b.TotalFen, PaidFen: b.PaidFen, Exports: b.Exports, ExportedAt: b.ExportedAt,
			MadeBy: *names.Ref(&b.MadeBy), MadeAt: b.MadeAt, ConfirmedBy: names.Ref(b.ConfirmedBy), ConfirmedAt: b.ConfirmedAt, ClosedAt: b.ClosedAt}
	}
	return views, err
}

// OfBatch lists the settlements of a batch, also the suppliers that are not in it and why; status may be empty for all.
func (s *Service) OfBatch(ctx context.Context, batch model.ID, status string, page model.Page) (model.List[View], error) {
	q := s.db.Read(ctx).Where("batch_id = ? AND id > ?", batch, page.Cursor)
	if status != "" {
		q = q.Where("status = ?", status)
	}
	return s.list(ctx, q.Order("id"), page)
}

// OfSupplier lists a supplier's settlements of confirmed batches, the newest first.
func (s *Service) OfSupplier(ctx context.Context, supplier model.ID, page model.Page) (model.List[View], error) {
	q := s.db.Read(ctx).Where("supplier_id = ? AND status IN ? AND EXISTS (SELECT 1 FROM settlement_batches b WHERE b.id = settlements.batch_id AND b.confirmed_at IS NOT NULL)",
		supplier, []string{open, paid, failed})
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	return s.list(ctx, q.Order("id DESC"), page)
}

func (s *Service) list(ctx context.Context, q *gorm.DB, page model.Page) (model.List[View], error) {
	var rows []model.Settlement
	if err := q.Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[View]{}, err
	}
	views, err := views(s.db.Read(ctx), rows)
	return model.NewList(views, page, func(v View) model.ID { return v.ID }, func(v View) View { return v }), err
}

// Settlement shows one settlement.
func (s *Service) Settlement(ctx context.Context, id model.ID) (View, error) {
	return readSettlement(s.db.Read(ctx), id)
}

func readSettlement(tx *gorm.DB, id model.ID) (View, error) {
	var x model.Settlement
	err := tx.Where("id = ?", id).Take(&x).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return View{}, model.NotFound("结算单")
	}
	if err != nil {
		return View{}, err
	}
	list, err := views(tx, []model.Settlement{x})
	if err != nil {
		return View{}, err
	}
	return list[0], nil
}

func views(tx *gorm.DB, rows []model.Settlement) ([]View, error) {
	var suppliers, batchIDs, accountIDs []model.ID
	for _, x := range rows {
		suppliers, batchIDs = append(suppliers, x.SupplierID), append(batchIDs, x.BatchID)
		if x.BankAccountID != nil {
			accountIDs = append(accountIDs, *x.BankAccountID)
		}
	}
	names, err := model.NamesOf(tx, &model.Supplier{}, suppliers)
	if err != nil {
		return nil, err
	}
	var batches []model.SettlementBatch
	if err := tx.Where("id IN ?", batchIDs).Find(&batches).Error; err != nil {
		return nil, err
	}
	batchOf := map[model.ID]model.SettlementBatch{}
	for _, b := range batches {
		batchOf[b.ID] = b
	}
	var accounts []model.SupplierBankAccount
	if err := tx.Where("id IN ?", accountIDs).Find(&accounts).Error; err != nil {
		return nil, err
	}
	shown, err := accountViews(tx, accounts)
	accountOf := map[model.ID]*AccountView{}
	for i := range shown {
		accountOf[shown[i].ID] = &shown[i]
	}
	list := make([]View, len(rows))
	for i, x := range rows {
		b := batchOf[x.BatchID]
		list[i] = View{ID: x.ID, BatchID: x.BatchID, BatchStatus: b.Status, PeriodTo: b.PeriodTo, SupplierID: x.SupplierID, SupplierName: names[x.SupplierID],
			AmountFen: x.AmountFen, Items: x.Items, Status: x.Status, Reason: x.Reason, EvidenceNo: x.EvidenceNo, EvidenceFileID: x.EvidenceFileID,
			DecidedAt: x.DecidedAt, CreatedAt: x.CreatedAt}
		if x.BankAccountID != nil {
			list[i].BankAccount = accountOf[*x.BankAccountID]
		}
	}
	return list, err
}

// Items lists what a settlement pays, by transfer.
func (s *Service) Items(ctx context.Context, id model.ID, page model.Page) (model.List[ItemView], error) {
	var rows []ItemView
	err := s.db.Read(ctx).Raw("SELECT i.transfer_id, t.kind, i.order_id, o.order_no, i.amount_fen, t.at FROM settlement_items i JOIN transfers t ON t.id = i.transfer_id "+
		"JOIN orders o ON o.id = i.order_id WHERE i.settlement_id = ? AND i.transfer_id > ? ORDER BY i.transfer_id LIMIT ?", id, page.Cursor, page.Limit+1).Scan(&rows).Error
	return model.NewList(rows, page, func(v ItemView) model.ID { return v.TransferID }, func(v ItemView) ItemView { return v }), err
}
