package settlement

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// File is a workbook to be downloaded.
type File struct {
	Name  string
	Write func(w io.Writer) error
}

// BankFile makes the workbook that is given to the bank: one row a settlement that is open, and a row of totals. Account
// numbers are whole in it, so each time it is made is in the audit trail, with the file's SHA-256. Errors: CodeConflict if the
// batch was not confirmed or has nothing left to pay. It locks the batch.
func (s *Service) BankFile(ctx context.Context, actor model.Actor, id model.ID) (File, error) {
	var content bytes.Buffer
	var b model.SettlementBatch
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		now := s.db.Now()
		content.Reset()
		if b, err = payableBatch(tx, id); err != nil {
			return err
		}
		rows, err := s.bankRows(tx, b)
		if err != nil {
			return err
		}
		if err := writeBankFile(&content, b, rows); err != nil {
			return err
		}
		set := map[string]any{"status": batchExported, "exports": gorm.Expr("exports + 1"), "updated_at": now}
		if b.ExportedAt == nil {
			set["exported_at"] = now
		}
		if err := tx.Model(&model.SettlementBatch{}).Where("id = ?", id).UpdateColumns(set).Error; err != nil {
			return err
		}
		sum := sha256.Sum256(content.Bytes())
		return s.db.Audit(tx, actor, now, "settlement.export", batchObject(id), b.UnionID,
			map[string]any{"settlements": len(rows), "sha256": hex.EncodeToString(sum[:]), "time": b.Exports + 1})
	})
	name := fmt.Sprintf("供应商货款付款清单_%s_%s.xlsx", b.PeriodTo, id)
	return File{Name: name, Write: func(w io.Writer) error { _, err := w.Write(content.Bytes()); return err }}, err
}

// bankRow is one payment as the bank is told of it.
type bankRow struct {
	accountName, accountNo, bank, remark string
	amount                               model.Fen
}

func (s *Service) bankRows(tx *gorm.DB, b model.SettlementBatch) ([]bankRow, error) {
	var found []struct {
		ID              model.ID
		AmountFen       model.Fen
		AccountName     string
		Bank            string
		AccountNoSealed string
	}
	err := tx.Raw("SELECT x.id, x.amount_fen, a.account_name, a.bank, a.account_no_sealed FROM settlements x JOIN supplier_bank_accounts a ON a.id = x.bank_account_id "+
		"WHERE x.batch_id = ? AND x.status = 'open' ORDER BY x.id", b.ID).Scan(&found).Error
	if err == nil && len(found) == 0 {
		err = model.E(model.CodeConflict, "批次里没有待付款的结算单")
	}
	rows := make([]bankRow, len(found))
	for i, f := range found {
		no, err := s.sealer.Open(f.AccountNoSealed, model.SealBankAccountNo)
		if err != nil {
			return nil, err
		}
		rows[i] = bankRow{accountName: f.AccountName, accountNo: no, bank: f.Bank, amount: f.AmountFen, remark: "消费帮扶货款 结算单" + f.ID.String()}
	}
	return rows, err
}

func writeBankFile(w io.Writer, b model.SettlementBatch, rows []bankRow) error {
	return workbook(w, "付款清单", []float64{6, 40, 28, 48, 16, 44}, func(put rowWriter) error {
		if err := put(heading, "序号", "收款人户名", "收款账号", "开户行", "金额（元）", "用途/附言"); err != nil {
			return err
		}
		var total model.Fen
		for i, r := range rows {
			total += r.amount
			if err := put(body, i+1, r.accountName, r.accountNo, r.bank, r.amount, r.remark); err != nil {
				return err
			}
		}
		return put(heading, "合计", fmt.Sprintf("%d 笔", len(rows)), "", "", total, "批次"+b.ID.String())
	})
}

// StatementFile is a supplier's statement with all its lines as a workbook, written as it is read.
func (s *Service) StatementFile(ctx context.Context, supplier model.ID, p Period) (File, error) {
	names, err := model.NamesOf(s.db.Read(ctx), &model.Supplier{}, []model.ID{supplier})
	if err != nil {
		return File{}, err
	}
	write := func(w io.Writer) error {
		return s.db.Snapshot(ctx, func(tx *gorm.DB) error {
			v, err := head(tx, supplier, p)
			if err != nil {
				return err
			}
			return workbook(w, "对账单", []float64{24, 14, 20, 14, 14, 14}, func(put rowWriter) error { return writeStatement(put, tx, v, p) })
		})
	}
	return File{Name: fmt.Sprintf("对账单_%s_%s至%s.xlsx", fileName(names[supplier]), p.From, p.To), Write: write}, nil
}

// fileName leaves out what file systems do not take.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
}

var parcelNames = map[string]string{"waiting": "待发货", "shipped": "已发货", "received": "已签收", "cancelled": "已取消"}

// exportStep is how many lines of an export are read at a time.
const exportStep = 1000

func writeStatement(put rowWriter, tx *gorm.DB, v StatementView, p Period) error {
	if err := put(heading, "订单号", "包裹状态", "签收时间", "销售额（元）", "退款（元）", "净额（元）"); err != nil {
		return err
	}
	for cursor := model.ID(0); ; {
		rows, err := linesOf(tx, v.SupplierID, p, cursor, exportStep)
		if err != nil {
			return err
		}
		for _, l := range rows {
			cursor = l.FirstID
			if err := put(body, l.OrderNo, parcelNames[l.ParcelStatus], chinaTime(l.ReceivedAt), l.SoldFen, l.RefundedFen, l.NetFen); err != nil {
				return err
			}
		}
		if len(rows) < exportStep {
			break
		}
	}
	if err := put(heading, "合计", "", "", v.SalesFen, v.RefundsFen, v.SalesFen-v.RefundsFen); err != nil {
		return err
	}
	for _, x := range []struct {
		name string
		fen  model.Fen
	}{{"期初应付", v.OpeningFen}, {"加：本期销售净额", v.SalesFen - v.RefundsFen}, {"减：本期已付款", v.PaidFen}, {"期末应付", v.ClosingFen}} {
		if err := put(body, x.name, "", "", "", "", x.fen); err != nil {
			return err
		}
	}
	for _, x := range v.Payments {
		if err := put(body, "付款", "结算单"+x.SettlementID.String(), chinaTime(&x.At), "凭证号", x.EvidenceNo, x.AmountFen); err != nil {
			return err
		}
	}
	return put(body, "供应商："+v.SupplierName, "", string(v.From)+"至"+string(v.To))
}

func chinaTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.In(model.China).Format("2006-01-02 15:04")
}
