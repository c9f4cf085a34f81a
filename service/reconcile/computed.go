package reconcile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report"
)

// computed are the invariants that one SQL statement cannot say.
var computed = []func(tx *gorm.DB) (Result, error){acknowledgedOrders, submittedForms, limitMeters, tallied, owedSums}

// acknowledged is a stored answer to a checkout.
type acknowledged struct {
	ID       model.ID  `json:"id"`
	OrderNo  string    `json:"order_no"`
	TotalFen model.Fen `json:"total_fen"`
	actor    string
}

// answersAtOnce is how many stored answers are held in memory.
const answersAtOnce = 2000

// acknowledgedOrders holds every checkout that was answered with an order against the order itself: it exists, it is
// the same person's, and it has the total that was answered.
func acknowledgedOrders(tx *gorm.DB) (Result, error) {
	res := Result{Name: "acknowledged_orders", Title: "每个已答复的下单恰有一个订单", Unit: "个答复"}
	for last := (model.IdempotencyKey{}); ; {
		var keys []model.IdempotencyKey
		err := tx.Select("actor", "idem_key", "response").Where("actor > ? OR (actor = ? AND idem_key > ?)", last.Actor, last.Actor, last.IdemKey).
			Order("actor, idem_key").Limit(answersAtOnce).Find(&keys).Error
		if err != nil || len(keys) == 0 {
			return res, err
		}
		last = keys[len(keys)-1]
		var batch []acknowledged
		for _, k := range keys {
			a := acknowledged{actor: k.Actor}
			if strings.Contains(k.Response, `"order_no":`) && json.Unmarshal([]byte(k.Response), &a) == nil && a.OrderNo != "" {
				batch = append(batch, a)
			}
		}
		res.Figure += int64(len(batch))
		for chunk := range slices.Chunk(batch, 500) {
			if err := res.holdAgainstOrders(tx, chunk); err != nil {
				return res, err
			}
		}
	}
}

func (r *Result) holdAgainstOrders(tx *gorm.DB, answers []acknowledged) error {
	ids := make([]model.ID, len(answers))
	for i, a := range answers {
		ids[i] = a.ID
	}
	var orders []model.Order
	if err := tx.Select("id, order_no, person_id, goods_fen").Where("id IN ?", ids).Find(&orders).Error; err != nil {
		return err
	}
	byID := make(map[model.ID]model.Order, len(orders))
	for _, o := range orders {
		byID[o.ID] = o
	}
	for _, a := range answers {
		o, ok := byID[a.ID]
		if !ok || o.OrderNo != a.OrderNo || o.GoodsFen != a.TotalFen || fmt.Sprintf("person:%d", o.PersonID) != a.actor {
			r.add(Breach{Ref: "order:" + a.ID.String(), Have: int64(o.GoodsFen), Want: int64(a.TotalFen)})
		}
	}
	return nil
}

// submittedForms counts every statistics form that was ever submitted again, from the orders, refunds and transfers before
// its parts' moments.
func submittedForms(tx *gorm.DB) (Result, error) {
	res := Result{Name: "statements", Title: "已提交的统计表等于按订单独立重算的结果", Unit: "张统计表"}
	if err := tx.Model(&model.Statement{}).Count(&res.Figure).Error; err != nil {
		return res, err
	}
	breaches, err := report.VerifySnapshots(tx)
	for _, b := range breaches {
		res.add(Breach{Ref: fmt.Sprintf("statement:%s row %d", b.StatementID, b.RowNo), Have: b.Frozen, Want: b.Counted})
	}
	return res, err
}
