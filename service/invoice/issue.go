package invoice

import (
	"bytes"
	"context"
	"errors"
	"io"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/claim"
	"bangfu/service/files"
)

// Upload is an invoice as the supplier uploads it.
type Upload struct {
	Code      string // of bills that have one
	No        string
	IssuedOn  string
	AmountFen model.Fen
	Name      string // of the file
	File      io.Reader
}

// Issue answers a request with its invoice, whose amount must be what the orders come to now, net of refunds. Errors: CodeInvalid for a
// wrong file, number, day or amount; CodeConflict if the request was answered before, or the number exists in the city, be it on
// another invoice or on a purchase made elsewhere.
func (s *Service) Issue(ctx context.Context, actor model.Actor, id model.ID, up Upload) (View, error) {
	return s.upload(ctx, actor, id, kindNormal, up, s.issue)
}

// Red takes an issued invoice back by a red one (红字发票): the part that refunds made too much, or, to make the invoice out anew,
// all of it; then the orders may be asked for again. Errors are those of Issue.
func (s *Service) Red(ctx context.Context, actor model.Actor, id model.ID, up Upload) (View, error) {
	return s.upload(ctx, actor, id, kindRed, up, s.red)
}

// upload keeps the file and then, in one transaction, writes the invoice and what it does to the request.
func (s *Service) upload(ctx context.Context, actor model.Actor, id model.ID, kind string, up Upload,
	apply func(tx *gorm.DB, actor model.Actor, r model.InvoiceRequest, x model.Invoice) error) (view View, err error) {
	x, err := s.parse(id, kind, up)
	if err != nil {
		return view, err
	}
	data, contentType, err := files.Invoice(up.File)
	if err != nil {
		return view, err
	}
	f, err := s.files.Save(ctx, actor, files.NewFile{Kind: files.KindInvoice, Name: up.Name, ContentType: contentType, Size: int64(len(data)), SupplierID: actor.Supplier}, bytes.NewReader(data))
	if err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		r, err := lockRequest(tx, id)
		if err != nil {
			return err
		}
		x.ID, x.FileID, x.UploadedBy, x.UploadedAt = s.db.NewID(), f.ID, actor.ID, s.db.Now()
		if err := apply(tx, actor, r, x); err != nil {
			return err
		}
		if err := store(tx, x); err != nil {
			return err
		}
		detail := map[string]any{"invoice": x.NumberKey, "issued_on": x.IssuedOn, "amount_fen": x.AmountFen}
		if err := s.db.Audit(tx, actor, x.UploadedAt, map[string]string{kindNormal: "invoice.issue", kindRed: "invoice.red"}[kind], object(id), r.UnionID, detail); err != nil {
			return err
		}
		view, err = read(tx, id, false)
		return err
	})
	if err != nil {
		_ = s.files.Discard(context.WithoutCancel(ctx), f)
	}
	return view, err
}

func (s *Service) parse(request model.ID, kind string, up Upload) (x model.Invoice, err error) {
	x = model.Invoice{RequestID: request, Kind: kind, AmountFen: up.AmountFen}
	if x.InvoiceCode, x.InvoiceNo, x.NumberKey, err = claim.ParseInvoice(up.Code, up.No); err != nil {
		return x, err
	}
	if x.IssuedOn, err = model.ParseDate("issued_on", up.IssuedOn); err != nil {
		return x, err
	}
	if x.IssuedOn > model.DateOf(s.db.Now()) {
		return x, model.Invalid("issued_on", "开票日期不能晚于今天")
	}
	return x, nil
}

// store writes an invoice whose number is new in the city.
func store(tx *gorm.DB, x model.Invoice) error {
	taken := func(message string) error {
		e := model.E(model.CodeConflict, "%s", message)
		e.Fields = []model.Field{{Name: "invoice_no", Message: message}}
		return e
	}
	var claims int64
	if err := tx.Model(&model.Claim{}).Where("live_invoice = ?", x.NumberKey).Count(&claims).Error; err != nil {
		return err
	}
	if claims > 0 {
		return taken("这个发票号码已被登记为其他渠道的采购，请核对；确认无误请联系市总工会")
	}
	err := tx.Create(&x).Error
	if model.Duplicate(err) {
		return taken("这个发票号码已经上传过，同一张发票不能重复上传")
	}
	return err
}

func (s *Service) issue(tx *gorm.DB, actor model.Actor, r model.InvoiceRequest, x model.Invoice) error {
	rows, ids, err := ordersOf(tx, r.ID)
	if err != nil {
		return err
	}
	left, err := nets(tx, r.SupplierID, ids)
	if err != nil {
		return err
	}
	var total model.Fen
	for _, o := range rows {
		total += left[o.OrderID]
		err := tx.Model(&model.InvoiceRequestOrder{}).Where("request_id = ? AND order_id = ?", r.ID, o.OrderID).UpdateColumn("amount_fen", left[o.OrderID]).Error
		if err != nil {
			return err
		}
	}
	switch {
	case r.Status != requested:
		return model.E(model.CodeConflict, "开票申请的状态已经变化，请刷新")
	case total <= 0:
		return model.E(model.CodeConflict, "订单已全部退款，不用开票，请退回申请")
	case x.AmountFen != total:
		return model.Invalid("amount_fen", "发票金额应为 "+total.Yuan()+" 元（已扣除退款）")
	}
	return move(tx, r.ID, requested, map[string]any{"status": issued, "amount_fen": total, "decided_by": actor.ID, "decided_at": x.UploadedAt, "updated_at": x.UploadedAt})
}

func (s *Service) red(tx *gorm.DB, _ model.Actor, r model.InvoiceRequest, x model.Invoice) error {
	if r.Status != issued {
		return model.E(model.CodeConflict, "只有已开具的发票可以冲红")
	}
	_, ids, err := ordersOf(tx, r.ID)
	if err != nil {
		return err
	}
	left, err := nets(tx, r.SupplierID, ids)
	if err != nil {
		return err
	}
	whole := r.AmountFen - r.RedFen
	tooMuch := whole
	for _, fen := range left {
		tooMuch -= fen
	}
	set := map[string]any{"red_fen": r.RedFen + x.AmountFen, "updated_at": x.UploadedAt}
	switch x.AmountFen {
	case whole:
		set["status"] = voided
		if err := free(tx, r.ID); err != nil {
			return err
		}
	case tooMuch:
		if tooMuch <= 0 {
			return model.E(model.CodeConflict, "发票没有需要冲红的金额")
		}
	default:
		message := "红字发票金额应为全部冲红的 " + whole.Yuan() + " 元"
		if tooMuch > 0 {
			message += "，或退款部分的 " + tooMuch.Yuan() + " 元"
		}
		return model.Invalid("amount_fen", message)
	}
	return move(tx, r.ID, issued, set)
}

// File opens the newest invoice of a kind ("normal", "red") that a request was answered with; the caller closes it. CodeNotFound if there is
// none. An invoice made out to a member bears their full name: of the console, only its supplier opens it (CodeForbidden).
func (s *Service) File(ctx context.Context, actor model.Actor, id model.ID, kind string) (model.File, io.ReadSeekCloser, error) {
	if actor.Kind == model.ActorStaff && actor.Supplier == 0 {
		var r model.InvoiceRequest
		if err := s.db.Read(ctx).Select("title_kind").Where("id = ?", id).Take(&r).Error; err != nil {
			return model.File{}, nil, err
		}
		if r.TitleKind == titlePersonal {
			return model.File{}, nil, model.E(model.CodeForbidden, "个人抬头的发票只有会员本人和供应商可以打开")
		}
	}
	var x model.Invoice
	err := s.db.Read(ctx).Where("request_id = ? AND kind = ?", id, kind).Order("id DESC").Limit(1).Take(&x).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.File{}, nil, model.E(model.CodeNotFound, "还没有发票")
	}
	if err != nil {
		return model.File{}, nil, err
	}
	return s.files.Open(ctx, x.FileID)
}
