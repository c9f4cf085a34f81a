package counter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/report/form"
)

// DefaultConfirmOver is the amount above which the member confirms on the phone where a hall does not say otherwise.
const DefaultConfirmOver model.Fen = 200_00

// Hall is a hall as the console shows it.
type Hall struct {
	ID             model.ID  `json:"id"`
	Name           string    `json:"name"`
	Address        string    `json:"address"`
	OpenHours      string    `json:"open_hours"`
	ChannelID      model.ID  `json:"channel_id"`
	ChannelName    string    `json:"channel_name"`
	FormRow        int       `json:"form_row"` // the form's row in which its sales count
	FormRowName    string    `json:"form_row_name"`
	SupplierID     model.ID  `json:"supplier_id"`
	SupplierName   string    `json:"supplier_name"`
	ConfirmOverFen model.Fen `json:"confirm_over_fen"` // above this the member confirms on the phone; 0: always
	Status         string    `json:"status"`           // active | closed
	Problems       []string  `json:"problems"`         // why nothing can be sold there now
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// OpenHall is a hall as members see it.
type OpenHall struct {
	ID        model.ID `json:"id"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
	OpenHours string   `json:"open_hours"`
}

// NewHall is a hall to be opened.
type NewHall struct {
	Name           string
	Address        string
	OpenHours      string
	ChannelID      model.ID
	SupplierID     model.ID
	ConfirmOverFen *model.Fen // nil: DefaultConfirmOver
}

// HallPatch is an edit of a hall; nil leaves a field as it is. Channel and supplier stay: another operator is another hall.
type HallPatch struct {
	Name           *string
	Address        *string
	OpenHours      *string
	ConfirmOverFen *model.Fen
	Status         *string // active | closed
}

// CreateHall opens a hall. Errors: CodeInvalid; CodeConflict when the name is taken.
func (s *Service) CreateHall(ctx context.Context, actor model.Actor, in NewHall) (Hall, error) {
	now := s.db.Now()
	h := model.Hall{ID: s.db.NewID(), ChannelID: in.ChannelID, SupplierID: in.SupplierID, Name: in.Name, Address: in.Address, OpenHours: in.OpenHours,
		ConfirmOverFen: DefaultConfirmOver, Status: "active", CreatedAt: now, UpdatedAt: now}
	if in.ConfirmOverFen != nil {
		h.ConfirmOverFen = *in.ConfirmOverFen
	}
	if err := checkHall(&h); err != nil {
		return Hall{}, err
	}
	var v Hall
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := checkHallRefs(tx, h); err != nil {
			return err
		}
		if err := tx.Create(&h).Error; err != nil {
			return err
		}
		err = s.db.Audit(tx, actor, now, "hall.create", hallRef(h.ID), 0, map[string]any{"name": h.Name, "channel": h.ChannelID, "supplier": h.SupplierID, "confirm_over_fen": h.ConfirmOverFen})
		if err != nil {
			return err
		}
		v, err = s.showHall(tx, h)
		return err
	})
	return v, hallTaken(err)
}

func hallRef(id model.ID) string { return "hall:" + id.String() }

func hallTaken(err error) error {
	if model.Duplicate(err) {
		return model.E(model.CodeConflict, "已有同名的专馆")
	}
	return err
}

// checkHall trims and checks what a person enters of a hall.
func checkHall(h *model.Hall) error {
	var wrong []model.Field
	text := func(field, label string, value *string, least, most int) {
		*value = strings.TrimSpace(*value)
		n := utf8.RuneCountInString(*value)
		if n < least || n > most || strings.ContainsFunc(*value, unicode.IsControl) {
			wrong = append(wrong, model.Field{Name: field, Message: fmt.Sprintf("%s应为 %d 到 %d 个字，不能换行", label, least, most)})
		}
	}
	text("name", "专馆名称", &h.Name, 2, 60)
	text("address", "地址", &h.Address, 2, 120)
	text("open_hours", "营业时间", &h.OpenHours, 0, 80)
	if h.ConfirmOverFen < 0 || h.ConfirmOverFen > model.MaxFen {
		wrong = append(wrong, model.Field{Name: "confirm_over_fen", Message: "会员确认的起点金额不正确"})
	}
	if h.Status != "active" && h.Status != "closed" {
		wrong = append(wrong, model.Field{Name: "status", Message: "状态应为 active（启用）或 closed（停用）"})
	}
	if len(wrong) == 0 {
		return nil
	}
	e := model.E(model.CodeInvalid, "%s", wrong[0].Message)
	e.Fields = wrong
	return e
}

// checkHallRefs wants an active channel and a supplier.
func checkHallRefs(tx *gorm.DB, h model.Hall) error {
	var c model.Channel
	err := tx.Where("id = ? AND status = 'active'", h.ChannelID).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.Invalid("channel_id", "没有这个采购渠道，或已停用")
	}
	if err != nil {
		return err
	}
	var n int64
	if err := tx.Model(&model.Supplier{}).Where("id = ?", h.SupplierID).Count(&n).Error; err != nil {
		return err
	}
	if n == 0 {
		return model.Invalid("supplier_id", "没有这个供应商")
	}
	return nil
}

// UpdateHall edits a hall. Errors: CodeInvalid; CodeNotFound; CodeConflict when the name is taken.
func (s *Service) UpdateHall(ctx context.Context, actor model.Actor, id model.ID, p HallPatch) (Hall, error) {
	var v Hall
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		var h model.Hall
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&h).Error; err != nil {
			return err
		}
		set, detail := map[string]any{}, map[string]any{}
		apply(&h.Name, p.Name, "name", set, detail)
		apply(&h.Address, p.Address, "address", set, detail)
		apply(&h.OpenHours, p.OpenHours, "open_hours", set, detail)
		apply(&h.ConfirmOverFen, p.ConfirmOverFen, "confirm_over_fen", set, detail)
		apply(&h.Status, p.Status, "status", set, detail)
		if err := checkHall(&h); err != nil {
			return err
		}
		if len(set) > 0 {
			h.UpdatedAt = s.db.Now()
			columns := map[string]any{"name": h.Name, "address": h.Address, "open_hours": h.OpenHours, "confirm_over_fen": h.ConfirmOverFen, "status": h.Status, "updated_at": h.UpdatedAt}
			if err := tx.Model(&model.Hall{}).Where("id = ?", id).UpdateColumns(columns).Error; err != nil {
				return err
			}
			if err := s.db.Audit(tx, actor, h.UpdatedAt, "hall.update", hallRef(id), 0, detail); err != nil {
				return err
			}
		}
		v, err = s.showHall(tx, h)
		return err
	})
	return v, hallTaken(err)
}

// apply sets a field that an edit names and notes what changes.
func apply[T comparable](to, from *T, name string, set, detail map[string]any) {
	if from == nil || *from == *to {
		return
	}
	set[name], detail[name] = *from, map[string]any{"from": *to, "to": *from}
	*to = *from
}

// Halls lists the halls that the actor may see: a supplier its own, everybody else all.
func (s *Service) Halls(ctx context.Context, actor model.Actor, page model.Page) (model.List[Hall], error) {
	q := s.db.Read(ctx).Where("id > ?", page.Cursor)
	if actor.Supplier != 0 {
		q = q.Where("supplier_id = ?", actor.Supplier)
	}
	var rows []model.Hall
	if err := q.Order("id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[Hall]{}, err
	}
	var bad error
	list := model.NewList(rows, page, func(h model.Hall) model.ID { return h.ID }, func(h model.Hall) Hall {
		v, err := s.showHall(s.db.Read(ctx), h)
		bad = errors.Join(bad, err)
		return v
	})
	return list, bad
}

// OwnHall shows the cashier's own hall.
func (s *Service) OwnHall(ctx context.Context, actor model.Actor) (Hall, error) {
	var h model.Hall
	err := s.db.Read(ctx).Where("id = ?", actor.Hall).Take(&h).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Hall{}, model.NotFound("专馆")
	}
	if err != nil {
		return Hall{}, err
	}
	return s.showHall(s.db.Read(ctx), h)
}

// OpenHalls lists the halls that members can go to.
func (s *Service) OpenHalls(ctx context.Context, page model.Page) (model.List[OpenHall], error) {
	var rows []model.Hall
	err := s.db.Read(ctx).Where("id > ? AND status = 'active'", page.Cursor).Order("id").Limit(page.Limit + 1).Find(&rows).Error
	return model.NewList(rows, page, func(h model.Hall) model.ID { return h.ID }, func(h model.Hall) OpenHall {
		return OpenHall{ID: h.ID, Name: h.Name, Address: h.Address, OpenHours: h.OpenHours}
	}), err
}

func (s *Service) showHall(tx *gorm.DB, h model.Hall) (Hall, error) {
	var c model.Channel
	if err := tx.Where("id = ?", h.ChannelID).Take(&c).Error; err != nil {
		return Hall{}, err
	}
	var supplier model.Supplier
	if err := tx.Select("name").Where("id = ?", h.SupplierID).Take(&supplier).Error; err != nil {
		return Hall{}, err
	}
	problems, err := hallProblems(tx, h, s.db.Now())
	v := Hall{ID: h.ID, Name: h.Name, Address: h.Address, OpenHours: h.OpenHours, ChannelID: h.ChannelID, ChannelName: c.Name, FormRow: c.FormRow, SupplierID: h.SupplierID,
		SupplierName: supplier.Name, ConfirmOverFen: h.ConfirmOverFen, Status: h.Status, Problems: problems, CreatedAt: h.CreatedAt, UpdatedAt: h.UpdatedAt}
	if c.FormRow >= 1 && c.FormRow <= len(form.Channels) {
		v.FormRowName = form.Channels[c.FormRow-1]
	}
	return v, err
}
