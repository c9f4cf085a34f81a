package reconcile

import (
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/audit"
)

// auditTrail goes along the whole chain of the audit trail. See audit.Verify.
func auditTrail(tx *gorm.DB, db *model.DB) (Result, error) {
	res := Result{Name: "audit_chain", Title: "审计记录与其校验码、审计链一致，无缺失、无插入", Unit: "条已封存的审计记录"}
	out, err := audit.Verify(tx, db, nil, func(ref string) { res.add(Breach{Ref: ref}) })
	res.Figure = out.Entries
	return res, err
}
