package settlement

import (
	"context"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// AccountView is one version of a supplier's bank account. The number is masked but for its last four digits.
type AccountView struct {
	ID           model.ID   `json:"id"`
	SupplierID   model.ID   `json:"supplier_id"`
	Version      int        `json:"version"`
	AccountName  string     `json:"account_name"`
	NameDiffers  bool       `json:"name_differs"` // 户名 is not the supplier's registered name: look twice
	Bank         string     `json:"bank"`
	AccountNo    string     `json:"account_no"` // masked
	Status       string     `json:"status"`     // entered | confirmed | rejected | replaced
	EnteredBy    model.Ref  `json:"entered_by"`
	EnteredAt    time.Time  `json:"entered_at"`
	DecidedBy    *model.Ref `json:"decided_by"`
	DecidedAt    *time.Time `json:"decided_at"`
	DecisionNote string     `json:"decision_note"`
}

// AccountInput is a supplier's bank account as it is entered. Spaces and hyphens in the number do not matter.
type AccountInput struct {
	AccountName string `json:"account_name" check:"required,max=120"`
	Bank        string `json:"bank" check:"required,max=120"`
	AccountNo   string `json:"account_no" check:"required,max=60"`
}

var accountNumber = regexp.MustCompile(`^[0-9]{8,32}$`)

func bareNumber(text string) (string, error) {
	no := strings.NewReplacer(" ", "", "-", "", "\u3000", "").Replace(text)
	if !accountNumber.MatchString(no) {
		return "", model.Invalid("account_no", "收款账号应为 8 到 32 位数字")
	}
	return no, nil
}

// EnterAccount enters a new version of a supplier's bank account, which counts once another person has confirmed it; until
// then the account in use stays in use. Errors: CodeInvalid; CodeConflict while an earlier version awaits its confirmation.
// It locks the supplier.
func (s *Service) EnterAccount(ctx context.Context, actor model.Actor, supplier model.ID, in AccountInput) (view AccountView, err error) {
	no, err := bareNumber(in.AccountNo)
	if err != nil {
		return view, err
	}
	sealed, err := s.sealer.Seal(no, model.SealBankAccountNo)
	if err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if err := lock(tx, &model.Supplier{}, supplier, "供应商"); err != nil {
			return err
		}
		var last model.SupplierBankAccount
		if err := tx.Where("supplier_id = ?", supplier).Order("version DESC").Limit(1).Find(&last).Error; err != nil {
			return err
		}
		row := model.SupplierBankAccount{ID: s.db.NewID(), SupplierID: supplier, Version: last.Version + 1, AccountName: strings.TrimSpace(in.AccountName),
			Bank: strings.TrimSpace(in.Bank), AccountNoSealed: sealed, AccountNoTail: no[len(no)-4:], Status: "entered", OpenSupplierID: &supplier,
			EnteredBy: actor.ID, EnteredAt: now}
		if err := tx.Create(&row).Error; err != nil {
			if model.Duplicate(err) {
				err = model.E(model.CodeConflict, "该供应商已有一个收款账户等待确认，请先确认或退回")
			}
			return err
		}
		if err := s.db.Audit(tx, actor, now, "bankaccount.enter", "bank_account:"+row.ID.String(), 0, map[string]any{"supplier": supplier, "version": row.Version}); err != nil {
			return err
		}
		view, err = s.account(tx, row.ID)
		return err
	})
	return view, err
}

// ConfirmAccount puts an entered account into use, instead of the one before. The confirming person types the number anew from
// the supplier's paper: a changed account number is the classic fraud. Errors: CodeSamePerson for the one who entered it;
// CodeInvalid if the numbers differ; CodeConflict if it was decided before. It locks the supplier.
func (s *Service) ConfirmAccount(ctx context.Context, actor model.Actor, id model.ID, number, note string) (AccountView, error) {
	return s.decideAccount(ctx, actor, id, note, func(tx *gorm.DB, row model.SupplierBankAccount, now time.Time) (map[string]any, error) {
		typed, err := bareNumber(number)
		if err != nil {
			return nil, err
		}
		entered, err := s.sealer.Open(row.AccountNoSealed, model.SealBankAccountNo)
		if err != nil {
			return nil, err
		}
		if typed != entered {
			return nil, model.Invalid("account_no", "账号与登记的不一致，请核对供应商提供的原件；登记有误的请退回重新登记")
		}
		err = tx.Model(&model.SupplierBankAccount{}).Where("current_supplier_id = ?", row.SupplierID).
			UpdateColumns(map[string]any{"status": "replaced", "current_supplier_id": nil}).Error
		return map[string]any{"status": "confirmed", "current_supplier_id": row.SupplierID}, err
	})
}

// RejectAccount refuses an entered account. Errors are those of ConfirmAccount.
func (s *Service) RejectAccount(ctx context.Context, actor model.Actor, id model.ID, note string) (AccountView, error) {
	return s.decideAccount(ctx, actor, id, note, func(*gorm.DB, model.SupplierBankAccount, time.Time) (map[string]any, error) {
		return map[string]any{"status": "rejected"}, nil
	})
}

func (s *Service) decideAccount(ctx context.Context, actor model.Actor, id model.ID, note string,
	decide func(tx *gorm.DB, row model.SupplierBankAccount, now time.Time) (map[string]any, error)) (view AccountView, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		var row model.SupplierBankAccount
		if err := tx.Where("id = ?", id).Take(&row).Error; err != nil {
			return err
		}
		if err := lock(tx, &model.Supplier{}, row.SupplierID, "供应商"); err != nil {
			return err
		}
		if row.EnteredBy == actor.ID {
			return model.E(model.CodeSamePerson, "这个账户由您登记，须由另一个人确认或退回")
		}
		set, err := decide(tx, row, now)
		if err != nil {
			return err
		}
		set["open_supplier_id"], set["decided_by"], set["decided_at"], set["decision_note"] = nil, actor.ID, now, note
		res := tx.Model(&model.SupplierBankAccount{}).Where("id = ? AND status = 'entered'", id).UpdateColumns(set)
		if err := one(res, "这个账户已经处理过了，请刷新"); err != nil {
			return err
		}
		action := map[any]string{"confirmed": "bankaccount.confirm", "rejected": "bankaccount.reject"}[set["status"]]
		if err := s.db.Audit(tx, actor, now, action, "bank_account:"+id.String(), 0, map[string]any{"supplier": row.SupplierID, "version": row.Version, "note": note}); err != nil {
			return err
		}
		view, err = s.account(tx, id)
		return err
	})
	return view, err
}

// Accounts lists the versions of a supplier's bank account, the newest first.
func (s *Service) Accounts(ctx context.Context, supplier model.ID, page model.Page) (model.List[AccountView], error) {
	tx := s.db.Read(ctx)
	q := tx.Where("supplier_id = ?", supplier)
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.SupplierBankAccount
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[AccountView]{}, err
	}
	views, err := accountViews(tx, rows)
	return model.NewList(views, page, func(v AccountView) model.ID { return v.ID }, func(v AccountView) AccountView { return v }), err
}

func (s *Service) account(tx *gorm.DB, id model.ID) (AccountView, error) {
	var row model.SupplierBankAccount
	if err := tx.Where("id = ?", id).Take(&row).Error; err != nil {
		return AccountView{}, err
	}
	views, err := accountViews(tx, []model.SupplierBankAccount{row})
	if err != nil {
		return AccountView{}, err
	}
	return views[0], nil
}

func accountViews(tx *gorm.DB, rows []model.SupplierBankAccount) ([]AccountView, error) {
	var people, suppliers []model.ID
	for _, r := range rows {
		people, suppliers = append(people, r.EnteredBy), append(suppliers, r.SupplierID)
		if r.DecidedBy != nil {
			people = append(people, *r.DecidedBy)
		}
	}
	staff, err := model.NamesOf(tx, &model.Staff{}, people)
	if err != nil {
		return nil, err
	}
	names, err := model.NamesOf(tx, &model.Supplier{}, suppliers)
	views := make([]AccountView, len(rows))
	for i, r := range rows {
		views[i] = AccountView{ID: r.ID, SupplierID: r.SupplierID, Version: r.Version, AccountName: r.AccountName, NameDiffers: r.AccountName != names[r.SupplierID],
			Bank: r.Bank, AccountNo: "****" + r.AccountNoTail, Status: r.Status, EnteredBy: *staff.Ref(&r.EnteredBy), EnteredAt: r.EnteredAt,
			DecidedBy: staff.Ref(r.DecidedBy), DecidedAt: r.DecidedAt, DecisionNote: r.DecisionNote}
	}
	return views, err
}
