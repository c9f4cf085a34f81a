package reconcile

import (
	"gorm.io/gorm"

	"bangfu/service/tally"
)

// tallied holds the figures that dashboards and forms are answered from, with what waits to be added to them, against a full recount.
func tallied(tx *gorm.DB) (Result, error) {
	res := Result{Name: "tally", Title: "汇总数据加上待汇总的变动，等于按订单、退款、流水和采购登记全部重新统计的结果", Unit: "个数字"}
	var err error
	res.Figure, err = tally.Check(tx, func(d tally.Difference) { res.add(Breach(d)) })
	return res, err
}
