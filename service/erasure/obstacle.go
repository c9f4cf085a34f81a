package erasure

import (
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// obstacle is something that has to be settled before a person may be erased.
type obstacle struct{ says, sql string }

// inTheWay are those that nobody can waive. Each statement takes the person and gives a row if there is one.
var inTheWay = []obstacle{
	{"还有未完成的订单", "SELECT 1 FROM orders WHERE person_id = ? AND status IN ('pending', 'paid', 'shipped') LIMIT 1"},
	{"还有未办结的售后", "SELECT 1 FROM after_sales WHERE person_id = ? AND status IN ('requested', 'refused', 'agreed', 'returning', 'escalated') LIMIT 1"},
	{"还有冻结中的额度", "SELECT 1 FROM allowances WHERE person_id = ? AND held_fen > 0 LIMIT 1"},
	{"还有未了结的微信支付", "SELECT 1 FROM payments WHERE person_id = ? AND status IN ('created', 'prepaid') LIMIT 1"},
	{"还有未到账的微信退款", "SELECT 1 FROM wechat_refunds r JOIN payments p ON p.id = r.payment_id WHERE p.person_id = ? AND r.status <> 'done' LIMIT 1"},
	{"还有进行中的到馆核销", "SELECT 1 FROM redemptions WHERE person_id = ? AND status IN ('scanned', 'awaiting_member') LIMIT 1"},
	{"还有未答复的开票申请", "SELECT 1 FROM invoice_requests WHERE person_id = ? AND status = 'requested' LIMIT 1"},
	{"还有待审批的采购登记", "SELECT 1 FROM claim_persons m JOIN claims c ON c.id = m.claim_id WHERE m.person_id = ? AND c.status = 'entered' LIMIT 1"},
	{"还有未签收的集体采购", "SELECT 1 FROM group_receivers r JOIN group_purchases g ON g.id = r.purchase_id WHERE r.person_id = ? AND g.status IN ('draft', 'ordered') " +
		"AND NOT EXISTS (SELECT 1 FROM group_signoffs s WHERE s.live_receiver_id = r.id) LIMIT 1"},
}

// unspent is what the member may waive.
var unspent = obstacle{"还有未使用的额度；放弃后退回工会经费", "SELECT 1 FROM allowances WHERE person_id = ? AND status = 'active' AND balance_fen > 0 LIMIT 1"}

// obstacles are what stands against erasing the person, in Chinese.
func obstacles(tx *gorm.DB, person model.ID, waived bool) ([]string, error) {
	all := inTheWay
	if !waived {
		all = append(all[:len(all):len(all)], unspent)
	}
	found := []string{}
	for _, o := range all {
		var hit []int
		if err := tx.Raw(o.sql, person).Scan(&hit).Error; err != nil {
			return nil, err
		}
		if len(hit) > 0 {
			found = append(found, o.says)
		}
	}
	return found, nil
}

func blocked(found []string) error {
	return model.E(model.CodeConflict, "暂不能注销：%s", strings.Join(found, "、"))
}
