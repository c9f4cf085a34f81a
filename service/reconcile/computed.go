package reconcile

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/report"
)

// computed are the invariants that one SQL statement cannot say.
var computed = []func(tx *gorm.DB) (Result, error){acknowledgedOrders, submittedForms, limitMeters}

// acknowledgedOrders holds every checkout that was answered with an order against the order itself: it exists, it is
// the same person's, and it has the total that was answered.
func acknowledgedOrders(tx *gorm.DB) (Result, error) {
	res := Result{Name: "acknowledged_orders", Title: "每个已答复的下单恰有一个订单", Unit: "个答复"}
	rows, err := tx.Model(&model.IdempotencyKey{}).Select("actor, response").Where("response LIKE ?", `%"order_no":%`).Rows()
	if err != nil {
		return res, err
	}
	defer func() { _ = rows.Close() }()
	type acknowledged struct {
		ID       model.ID  `json:"id"`
		OrderNo  string    `json:"order_no"`
		TotalFen model.Fen `json:"total_fen"`
		actor    string
	}
	var batch []acknowledged
	for rows.Next() {
		var a acknowledged
		var response string
		if err := rows.Scan(&a.actor, &response); err != nil {
			return res, err
		}
		if err := json.Unmarshal([]byte(response), &a); err != nil || a.OrderNo == "" {
			continue
		}
		batch = append(batch, a)
	}
	if err := rows.Err(); err != nil {
		return res, err
	}
	res.Figure = int64(len(batch))
	for start := 0; start < len(batch); start += 500 {
		chunk := batch[start:min(start+500, len(batch))]
		ids := make([]model.ID, len(chunk))
		for i, a := range chunk {
			ids[i] = a.ID
		}
		var orders []model.Order
		if err := tx.Select("id, order_no, person_id, goods_fen").Where("id IN ?", ids).Find(&orders).Error; err != nil {
			return res, err
		}
		byID := make(map[model.ID]model.Order, len(orders))
		for _, o := range orders {
			byID[o.ID] = o
		}
		for _, a := range chunk {
			o, ok := byID[a.ID]
			if !ok || o.OrderNo != a.OrderNo || o.GoodsFen != a.TotalFen || fmt.Sprintf("person:%d", o.PersonID) != a.actor {
				res.add(Breach{Ref: "order:" + a.ID.String(), Have: int64(o.GoodsFen), Want: int64(a.TotalFen)})
			}
		}
	}
	return res, nil
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
