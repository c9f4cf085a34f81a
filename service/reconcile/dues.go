package reconcile

import (
	"gorm.io/gorm"

	"bangfu/service/dues"
)

// owedSums holds the sums that suppliers' balances and statements are answered from against a recount from parcels and transfers.
func owedSums(tx *gorm.DB) (Result, error) {
	res := Result{Name: "supplier_sums", Title: "供应商货款的汇总（签收、每日销售与退款、付款）等于按包裹和流水重新统计的结果", Unit: "个供应商"}
	var err error
	res.Figure, err = dues.Check(tx, func(d dues.Difference) { res.add(Breach(d)) })
	return res, err
}
