package api

import (
	"bytes"
	"context"

	"bangfu/service/files"
	"bangfu/service/settlement"
)

func (s *Server) listOwed(ctx context.Context, c *Call) (any, error) {
	var q listing
	page, err := c.page(&q, &q)
	if err != nil {
		return nil, err
	}
	return s.Settlement.AllOwed(ctx, page)
}

func (s *Server) getOwed(ctx context.Context, c *Call) (any, error) {
	return s.Settlement.Owed(ctx, c.Object)
}

func (s *Server) getSupplierStatement(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		From string `query:"from" check:"required"`
		To   string `query:"to" check:"required"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	period, err := settlement.ParsePeriod(q.From, q.To)
	if err != nil {
		return nil, err
	}
	return s.Settlement.Statement(ctx, c.Object, period, page)
}

func (s *Server) exportSupplierStatement(ctx context.Context, c *Call) (any, error) {
	var q struct {
		From string `query:"from" check:"required"`
		To   string `query:"to" check:"required"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	period, err := settlement.ParsePeriod(q.From, q.To)
	if err != nil {
		return nil, err
	}
	return workbook(s.Settlement.StatementFile(ctx, c.Object, period))
}

func workbook(f settlement.File, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return &Download{Name: f.Name, ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Write: f.Write}, nil
}

func (s *Server) listSupplierSettlements(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.listOf()
	if err != nil {
		return nil, err
	}
	return s.Settlement.OfSupplier(ctx, id, page)
}

func (s *Server) listBankAccounts(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.listOf()
	if err != nil {
		return nil, err
	}
	return s.Settlement.Accounts(ctx, id, page)
}

func (s *Server) enterBankAccount(ctx context.Context, c *Call) (any, error) {
	var in settlement.AccountInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.EnterAccount(ctx, c.Actor, c.Object, in)
}

func (s *Server) confirmBankAccount(ctx context.Context, c *Call) (any, error) {
	var in struct {
		AccountNo string `json:"account_no" check:"required,max=60"`
		Note      string `json:"note" check:"max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.ConfirmAccount(ctx, c.Actor, c.Object, in.AccountNo, in.Note)
}

func (s *Server) rejectBankAccount(ctx context.Context, c *Call) (any, error) {
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.RejectAccount(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) makeSettlementBatch(ctx context.Context, c *Call) (any, error) {
	var in settlement.BatchInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.MakeBatch(ctx, c.Actor, c.Key, in)
}

func (s *Server) listSettlementBatches(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=preparing draft confirmed exported paid failed cancelled"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Settlement.Batches(ctx, c.Actor, q.Status, page)
}

func (s *Server) getSettlementBatch(ctx context.Context, c *Call) (any, error) {
	return s.Settlement.Batch(ctx, c.Object)
}

func (s *Server) listSettlements(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=open paid failed cancelled skipped"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Settlement.OfBatch(ctx, c.Object, q.Status, page)
}

func (s *Server) confirmSettlementBatch(ctx context.Context, c *Call) (any, error) {
	var in decisionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.ConfirmBatch(ctx, c.Actor, c.Key, c.Object, in.Note)
}

func (s *Server) cancelSettlementBatch(ctx context.Context, c *Call) (any, error) {
	id, reason, err := c.reason()
	if err != nil {
		return nil, err
	}
	return s.Settlement.CancelBatch(ctx, c.Actor, id, reason)
}

func (s *Server) exportBankFile(ctx context.Context, c *Call) (any, error) {
	return workbook(s.Settlement.BankFile(ctx, c.Actor, c.Object))
}

func (s *Server) uploadPaymentEvidence(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(files.MaxDocumentBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	data, contentType, err := files.Document(up)
	if err != nil {
		return nil, err
	}
	f, err := s.Files.Save(ctx, c.Actor, files.NewFile{Kind: files.KindEvidence, Name: up.Name, ContentType: contentType, Size: int64(len(data)), UnionID: c.Actor.UnionID}, bytes.NewReader(data))
	return files.ViewOf(f), err
}

func (s *Server) paySettlementBatch(ctx context.Context, c *Call) (any, error) {
	var in settlement.PaidInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.PayBatch(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) getSettlement(ctx context.Context, c *Call) (any, error) {
	return s.Settlement.Settlement(ctx, c.Object)
}

func (s *Server) listSettlementItems(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.listOf()
	if err != nil {
		return nil, err
	}
	return s.Settlement.Items(ctx, id, page)
}

func (s *Server) paySettlement(ctx context.Context, c *Call) (any, error) {
	var in settlement.PaidInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Settlement.PaySettlement(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) failSettlement(ctx context.Context, c *Call) (any, error) {
	id, reason, err := c.reason()
	if err != nil {
		return nil, err
	}
	return s.Settlement.FailSettlement(ctx, c.Actor, id, reason)
}
