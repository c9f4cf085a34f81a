package shop

import (
	"bytes"
	"context"
	_ "embed" // the list of channels
	"encoding/csv"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/report/form"
)

// channelsCSV is the notice's lists of purchase channels (湛工总〔2023〕25号) with the form row of each.
//
//go:embed channels.csv
var channelsCSV []byte

// The channel that this product itself is: 湛江市总工会消费帮扶官方平台“粤工惠·湛江号”, first of the city's list.
const (
	ownLevel = "city"
	ownNo    = "1"
)

// ChannelView is a channel as the console shows it.
type ChannelView struct {
	ID          model.ID  `json:"id"`
	Level       string    `json:"level"`
	No          string    `json:"no"`
	Name        string    `json:"name"`
	Operator    string    `json:"operator"`
	URL         string    `json:"url"`
	FormRow     int       `json:"form_row"`
	FormRowName string    `json:"form_row_name"`
	Status      string    `json:"status"`
	Own         bool      `json:"own"` // this product itself
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func channelView(c model.Channel) ChannelView {
	v := ChannelView{ID: c.ID, Level: c.Level, No: c.No, Name: c.Name, Operator: c.Operator, URL: c.URL, FormRow: c.FormRow, Status: c.Status,
		Own: isOwn(c), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	if c.FormRow >= 1 && c.FormRow <= len(form.Channels) {
		v.FormRowName = form.Channels[c.FormRow-1]
	}
	return v
}

func isOwn(c model.Channel) bool { return c.Level == ownLevel && c.No == ownNo }

// OwnChannel is the channel that purchases in this product count under.
func OwnChannel(tx *gorm.DB) (model.Channel, error) {
	var c model.Channel
	err := tx.Where("level = ? AND no = ?", ownLevel, ownNo).Take(&c).Error
	if err != nil {
		return c, fmt.Errorf("the product's own channel: %w", err)
	}
	return c, nil
}

// EnsureChannels puts the notice's channels into the registry where they are missing; what people edited stays.
func (s *Service) EnsureChannels(ctx context.Context) error {
	seeds, err := readChannels()
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var have []model.Channel
		if err := tx.Find(&have).Error; err != nil {
			return err
		}
		known := map[[2]string]bool{}
		for _, c := range have {
			known[[2]string{c.Level, c.No}] = true
		}
		now := s.db.Now()
		var missing []model.Channel
		for _, c := range seeds {
			if !known[[2]string{c.Level, c.No}] {
				c.ID, c.Status, c.CreatedAt, c.UpdatedAt = s.db.NewID(), "active", now, now
				missing = append(missing, c)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if err := tx.Create(&missing).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, model.Actor{Kind: model.ActorSetup}, now, "channel.seed", "channel:"+missing[0].ID.String(), 0, map[string]int{"count": len(missing)})
	})
	if model.Duplicate(err) { // another process was first
		return nil
	}
	return err
}

// readChannels reads the embedded list.
func readChannels() ([]model.Channel, error) {
	lines, err := csv.NewReader(bytes.NewReader(channelsCSV)).ReadAll()
	if err != nil {
		return nil, err
	}
	var list []model.Channel
	for _, l := range lines[1:] {
		row, err := form.RowOf(l[5])
		if err != nil {
			return nil, err
		}
		list = append(list, model.Channel{Level: l[0], No: l[1], Name: l[2], Operator: l[3], URL: l[4], FormRow: row + 1})
	}
	return list, nil
}

// ChannelFilter narrows a list of channels; zero values do not.
type ChannelFilter struct{ Level, Status string }

// Channels lists the registry in the order of the notice.
func (s *Service) Channels(ctx context.Context, f ChannelFilter, page model.Page) (model.List[ChannelView], error) {
	q := s.db.Read(ctx).Where("id > ?", page.Cursor)
	if f.Level != "" {
		q = q.Where("level = ?", f.Level)
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	var rows []model.Channel
	if err := q.Order("id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[ChannelView]{}, err
	}
	return model.NewList(rows, page, func(c model.Channel) model.ID { return c.ID }, channelView), nil
}

// NewChannel is a channel to be registered.
type NewChannel struct {
	Level    string `json:"level"` // province | city | unit
	No       string `json:"no"`
	Name     string `json:"name"`
	Operator string `json:"operator"`
	URL      string `json:"url"`
	FormRow  int    `json:"form_row"` // 1 to 8
}

var channelNo = regexp.MustCompile(`^[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2})?$`)

// CreateChannel registers a channel; CodeConflict when its level and number are taken.
func (s *Service) CreateChannel(ctx context.Context, actor model.Actor, in NewChannel) (ChannelView, error) {
	now := s.db.Now()
	c := model.Channel{ID: s.db.NewID(), Level: in.Level, No: in.No, Name: in.Name, Operator: in.Operator, URL: in.URL, FormRow: in.FormRow, Status: "active", CreatedAt: now, UpdatedAt: now}
	if err := checkChannel(&c); err != nil {
		return ChannelView{}, err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "channel.create", "channel:"+c.ID.String(), 0, map[string]any{"level": c.Level, "no": c.No, "name": c.Name, "form_row": c.FormRow})
	})
	if model.Duplicate(err) {
		err = model.E(model.CodeConflict, "这一级已有编号为 %s 的采购渠道", c.No)
	}
	return channelView(c), err
}

// checkChannel trims and checks what a person enters of a channel.
func checkChannel(c *model.Channel) error {
	var w wrong
	if c.Level != "province" && c.Level != "city" && c.Level != "unit" {
		w.add("level", "级别应为 province（省）、city（市）或 unit（单位）")
	}
	if !channelNo.MatchString(c.No) {
		w.add("no", "编号应写作 5 或 5.1")
	}
	c.Name = w.text("name", "渠道名称", c.Name, 2, 120)
	c.Operator = w.text("operator", "运营单位", c.Operator, 0, 120)
	c.URL = w.text("url", "网址", c.URL, 0, 255)
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		w.add("url", "网址应以 https:// 或 http:// 开头")
	}
	if c.FormRow < 1 || c.FormRow > len(form.Channels) {
		w.add("form_row", "统计表行次应为 1 到 8")
	}
	return w.err()
}

// ChannelPatch is an edit of a channel; nil leaves a field as it is.
type ChannelPatch struct {
	Name     *string `json:"name"`
	Operator *string `json:"operator"`
	URL      *string `json:"url"`
	FormRow  *int    `json:"form_row"`
	Status   *string `json:"status"` // active | closed
}

// UpdateChannel edits a channel. The product's own channel cannot be closed or moved to another row of the form, and neither can one
// be moved under which anything was bought or claimed: submitted forms must stay what they are.
func (s *Service) UpdateChannel(ctx context.Context, actor model.Actor, id model.ID, p ChannelPatch) (ChannelView, error) {
	if p == (ChannelPatch{}) {
		return ChannelView{}, errNothing()
	}
	var c model.Channel
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		c = model.Channel{}
		if err := lock(tx, &c, id, "采购渠道"); err != nil {
			return err
		}
		old := c
		assign(&c.Name, p.Name)
		assign(&c.Operator, p.Operator)
		assign(&c.URL, p.URL)
		assign(&c.FormRow, p.FormRow)
		assign(&c.Status, p.Status)
		if err := checkChannel(&c); err != nil {
			return err
		}
		if c.Status != "active" && c.Status != "closed" {
			return model.Invalid("status", "状态应为 active（启用）或 closed（停用）")
		}
		if isOwn(c) && (c.Status != old.Status || c.FormRow != old.FormRow) {
			return model.E(model.CodeConflict, "本平台自己的渠道不能停用，也不能改变在统计表中的行次")
		}
		if c.FormRow != old.FormRow {
			if err := unused(tx, c.ID); err != nil {
				return err
			}
		}
		ch := newChanges()
		ch.set("name", old.Name, c.Name)
		ch.set("operator", old.Operator, c.Operator)
		ch.set("url", old.URL, c.URL)
		ch.set("form_row", old.FormRow, c.FormRow)
		ch.set("status", old.Status, c.Status)
		return s.save(tx, actor, ch, &c, "channel", c.ID, &c.UpdatedAt)
	})
	return channelView(c), err
}

// unused refuses a channel under which there are orders or claims. A claim counts only after it was entered and then approved, so one that
// is entered at this very moment counts in no form yet.
func unused(tx *gorm.DB, id model.ID) error {
	for _, entity := range []any{&model.Claim{}, &model.Order{}} {
		var found []model.ID
		if err := tx.Model(entity).Where("channel_id = ?", id).Limit(1).Pluck("id", &found).Error; err != nil {
			return err
		}
		if len(found) > 0 {
			return model.E(model.CodeConflict, "这个渠道下已有采购，不能再改变在统计表中的行次；可以停用它，另建一个渠道")
		}
	}
	return nil
}

// lock reads the row with the id for update; CodeNotFound names it by what.
func lock(tx *gorm.DB, row any, id model.ID, what string) error {
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.NotFound(what)
	}
	return err
}

// save writes the changed columns of a locked row and its audit entry; nothing changed writes nothing.
func (s *Service) save(tx *gorm.DB, actor model.Actor, ch changes, row any, kind string, id model.ID, updatedAt *time.Time) error {
	if len(ch.columns) == 0 {
		return nil
	}
	now := s.db.Now()
	ch.columns["updated_at"], *updatedAt = now, now
	res := tx.Model(row).Where("id = ?", id).UpdateColumns(ch.columns)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return fmt.Errorf("update %s %s: %d rows", kind, id, res.RowsAffected)
	}
	return s.db.Audit(tx, actor, now, kind+".update", kind+":"+id.String(), 0, ch.detail)
}

// assign sets a field that an edit names.
func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
