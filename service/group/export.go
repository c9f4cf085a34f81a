package group

import (
	"context"
	"fmt"
	"io"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// exportStep is how many receivers are read at a time.
const exportStep = 500

// SignoffList is the sheet on which members sign, names in full, as a file to be written; whoever takes it is in the audit trail.
type SignoffList struct {
	Name  string // of the file
	Write func(w io.Writer) error
}

// SignoffList makes the sheet of a group purchase: who it is for, what each gets, who has signed, and room for a signature. Every cell is
// text, so nothing in it is a formula.
func (s *Service) SignoffList(ctx context.Context, actor model.Actor, id model.ID) (SignoffList, error) {
	p, err := find(s.db.Read(ctx), id)
	if err != nil {
		return SignoffList{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.db.Audit(tx, actor, s.db.Now(), "group.export", object(id), p.UnionID, map[string]any{"receivers": p.Receivers})
	})
	if err != nil {
		return SignoffList{}, err
	}
	write := func(w io.Writer) error { return s.writeSignoffs(s.db.Read(ctx), w, p) }
	return SignoffList{Name: "签收表-" + p.Title + ".xlsx", Write: write}, nil
}

func (s *Service) writeSignoffs(tx *gorm.DB, w io.Writer, p model.GroupPurchase) error {
	columns := []rosterfile.Column{{Heading: "序号", Width: 8}, {Heading: "姓名", Width: 14}, {Heading: "工号", Width: 14}, {Heading: "部门", Width: 24}, {Heading: "份数", Width: 8},
		{Heading: "金额(元)", Width: 12}, {Heading: "签收时间", Width: 20}, {Heading: "签收方式", Width: 12}, {Heading: "说明", Width: 30}, {Heading: "签名", Width: 20}}
	methods := map[string]string{signedByMember: "小程序", signedOnPaper: "纸质登记"}
	return rosterfile.WriteTable(w, "签收表", columns, func(row func(texts ...string) error) error {
		no, after := 0, model.ID(0)
		for {
			var some []ReceiverView
			if err := receiversQuery(tx, p.ID).Where("r.id > ?", after).Order("r.id").Limit(exportStep).Scan(&some).Error; err != nil || len(some) == 0 {
				return err
			}
			for _, r := range some {
				no, after = no+1, r.ID
				signed, sets := "", ""
				if r.SignedAt != nil {
					signed = r.SignedAt.In(model.China).Format("2006-01-02 15:04")
				}
				if r.Sets > 0 {
					sets = fmt.Sprint(r.Sets)
				}
				if err := row(fmt.Sprint(no), r.Name, r.EmployeeNo, r.Department, sets, (r.ShareFen - r.ReturnedFen).Yuan(), signed, methods[r.Method], r.Note, ""); err != nil {
					return err
				}
			}
		}
	})
}
