package claim

import (
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// invoice is the identity of a bill in the form in which it is stored and compared.
type invoice struct{ code, no string }

// key is what must be unique in the city.
func (i invoice) key() string {
	if i.code == "" {
		return i.no
	}
	return i.code + "-" + i.no
}

// The forms of bills:
//
//	数电发票: 20 digits and no code; the first two are the year (国家税务总局公告2024年第11号), so they never begin with 0 or 1
//	增值税发票 and the like of before: a code of 10 or 12 digits and a number of 8; a code of 12 begins with 0 or 1
//	财政票据: a code of 8 digits and a number of 10
//	anything else has letters, 6 to 30 letters and digits, and no code
const noForm = "发票号码不正确：数电发票填 20 位号码；其他发票填 8 位号码和 10 位或 12 位代码；财政票据填 10 位号码和 8 位代码；含字母的票据号为 6 到 30 位"

// parseInvoice brings what a person typed to its one form: no spaces or hyphens, plain letters and digits, capitals. Code and
// number of an old bill typed as one number of 20 digits are taken apart, so that they are the same bill.
func parseInvoice(code, no string) (invoice, error) {
	i := invoice{bare(code), bare(no)}
	if i.code == "" && len(i.no) == 20 && digits(i.no) && i.no[0] <= '1' {
		i = invoice{i.no[:12], i.no[12:]}
	}
	switch {
	case i.no == "":
		return i, model.Invalid("invoice_no", "请填写发票号码")
	case !plain(i.code):
		return i, model.Invalid("invoice_code", "发票代码只能由数字组成")
	case i.code == "" && len(i.no) == 8 && digits(i.no):
		return i, model.Invalid("invoice_code", "8 位的发票号码须同时填写发票代码")
	case !i.wellFormed():
		return i, model.Invalid("invoice_no", noForm)
	}
	return i, nil
}

// ParseInvoice is parseInvoice for invoices that suppliers upload: code, number, and what is unique in the city.
func ParseInvoice(code, no string) (bareCode, bareNo, key string, err error) {
	i, err := parseInvoice(code, no)
	return i.code, i.no, i.key(), err
}

// issuedHere refuses a bill that a supplier of the product's own shop issued for an order: it was not bought elsewhere, and the form
// counts the order already.
func issuedHere(tx *gorm.DB, key string) error {
	var n int64
	err := tx.Model(&model.Invoice{}).Where("number_key = ?", key).Count(&n).Error
	if err == nil && n > 0 {
		e := model.E(model.CodeConflict, "这张发票是本平台订单的发票，订单已经计入统计，不能再作为其他渠道的采购登记")
		e.Fields = []model.Field{{Name: "invoice_no", Message: e.Message}}
		return e
	}
	return err
}

func (i invoice) wellFormed() bool {
	if !plain(i.no) {
		return false
	}
	if i.code != "" {
		if !digits(i.code + i.no) {
			return false
		}
		switch len(i.code) {
		case 8:
			return len(i.no) == 10
		case 10:
			return len(i.no) == 8
		case 12:
			return len(i.no) == 8 && i.code[0] <= '1'
		}
		return false
	}
	if digits(i.no) {
		return len(i.no) == 20
	}
	return len(i.no) >= 6 && len(i.no) <= 30
}

// bare leaves out spaces and hyphens, and makes letters and digits of the full width plain and letters capital.
func bare(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		switch r {
		case ' ', '\t', '\r', '\n', '-', '\u00a0', '\u3000', '—', '–', '\u200b', '\ufeff':
			return -1
		}
		return r
	}, text)
	return strings.ToUpper(text)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// plain tells a text of digits and capital letters, or none.
func plain(s string) bool {
	return strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
