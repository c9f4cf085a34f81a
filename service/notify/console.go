package notify

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// MessageView is a message of the outbox as the console shows it: what happened and what became of it, not what it says.
type MessageView struct {
	ID        model.ID   `json:"id"`
	Topic     Topic      `json:"topic"`
	TopicName string     `json:"topic_name"`
	Cause     string     `json:"cause"` // the event: "parcel:12"
	PersonID  model.ID   `json:"person_id"`
	UnionID   model.ID   `json:"union_id"`
	UnionName string     `json:"union_name"`
	Status    string     `json:"status"` // waiting | sending | sent | skipped | dead
	Attempts  int        `json:"attempts"`
	LastError string     `json:"last_error"`
	NextTryAt *time.Time `json:"next_try_at"` // waiting only
	CreatedAt time.Time  `json:"created_at"`
	SentAt    *time.Time `json:"sent_at"`
}

// Filter narrows the outbox; empty parts mean all.
type Filter struct {
	Topic  Topic
	Status string
}

type messageRow struct {
	model.OutboxMessage
	UnionName string
}

func (r messageRow) view() MessageView {
	v := MessageView{ID: r.ID, Topic: Topic(r.Topic), TopicName: Topic(r.Topic).Name(), Cause: r.Cause, PersonID: r.PersonID, UnionID: r.UnionID, UnionName: r.UnionName,
		Status: r.Status, Attempts: r.Attempts, LastError: r.LastError, CreatedAt: r.CreatedAt, SentAt: r.SentAt}
	if r.Status == StatusWaiting {
		v.NextTryAt = &r.NextTryAt
	}
	return v
}

// visible are the messages that concern the actor's subtree, under the alias o, with their unions as u.
func visible(tx *gorm.DB, actor model.Actor) *gorm.DB {
	return tx.Table("outbox AS o").Joins("JOIN unions AS u ON u.id = o.union_id").Where("u.path LIKE ?", actor.UnionPath+"%")
}

// Messages lists the outbox, the latest first.
func (s *Service) Messages(ctx context.Context, actor model.Actor, f Filter, page model.Page) (model.List[MessageView], error) {
	q := visible(s.db.Read(ctx), actor).Select("o.*, u.name AS union_name")
	if f.Topic != "" {
		q = q.Where("o.topic = ?", f.Topic)
	}
	if f.Status != "" {
		q = q.Where("o.status = ?", f.Status)
	}
	if page.Cursor != 0 {
		q = q.Where("o.id < ?", page.Cursor)
	}
	var rows []messageRow
	err := q.Order("o.id DESC").Limit(page.Limit + 1).Scan(&rows).Error
	return model.NewList(rows, page, func(r messageRow) model.ID { return r.ID }, messageRow.view), err
}

// CountView is how many messages of a topic are in a state: those that wait or were given up all, what was done with only of those made in the
// last days (countedDays).
type CountView struct {
	Topic     Topic  `json:"topic"`
	TopicName string `json:"topic_name"`
	Waiting   int64  `json:"waiting"` // those being sent right now included
	Sent      int64  `json:"sent"`
	Skipped   int64  `json:"skipped"`
	Dead      int64  `json:"dead"`
}

// countedDays are the days, up to now, of which messages are counted that were sent or skipped: of years they are millions.
const countedDays = 3

// Counts tells for every topic how many messages are in which state.
func (s *Service) Counts(ctx context.Context, actor model.Actor) (model.List[CountView], error) {
	tx := s.db.Read(ctx)
	since := model.IDAt(time.Now().AddDate(0, 0, -countedDays)) // ids are made on the machine's own time
	var parts []string
	var args []any
	for _, t := range Topics { // one by one: so each is a range of the index
		for status, from := range map[string]model.ID{StatusWaiting: 0, StatusSending: 0, StatusDead: 0, StatusSent: since, StatusSkipped: since} {
			part := "SELECT topic, status, COUNT(*) AS n FROM outbox WHERE topic = ? AND status = ? AND id >= ?"
			args = append(args, t.Topic, status, from)
			if actor.UnionPath != "/"+actor.UnionID.String()+"/" { // all unions are below the root
				part += " AND union_id IN (SELECT id FROM unions WHERE path LIKE ?)"
				args = append(args, actor.UnionPath+"%")
			}
			parts = append(parts, part+" GROUP BY topic, status")
		}
	}
	var rows []struct {
		Topic, Status string
		N             int64
	}
	err := tx.Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&rows).Error
	list := model.List[CountView]{Items: []CountView{}}
	for _, t := range Topics {
		v := CountView{Topic: t.Topic, TopicName: t.Name}
		for _, r := range rows {
			if r.Topic != string(t.Topic) {
				continue
			}
			switch r.Status {
			case StatusWaiting, StatusSending:
				v.Waiting += r.N
			case StatusSent:
				v.Sent = r.N
			case StatusSkipped:
				v.Skipped = r.N
			case StatusDead:
				v.Dead = r.N
			}
		}
		list.Items = append(list.Items, v)
	}
	return list, err
}

// afresh is what a replayed message starts with.
func afresh(now time.Time) map[string]any {
	return map[string]any{"status": StatusWaiting, "attempts": 0, "next_try_at": now, "last_error": "", "updated_at": now}
}

// Replay has a message that was given up or skipped sent again; one that took a consent keeps it. Errors: CodeNotFound;
// CodeConflict when it waits or was sent.
func (s *Service) Replay(ctx context.Context, actor model.Actor, id model.ID) (MessageView, error) {
	var row messageRow
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		row = messageRow{}
		now := s.db.Now()
		err := visible(tx, actor).Select("o.*, u.name AS union_name").Where("o.id = ?", id).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("消息")
		}
		if err != nil {
			return err
		}
		res := tx.Model(&model.OutboxMessage{}).Where("id = ? AND status IN ?", id, []string{StatusDead, StatusSkipped}).UpdateColumns(afresh(now))
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "只有发送失败或跳过的消息可以重新发送")
		}
		row.Status, row.Attempts, row.NextTryAt, row.LastError = StatusWaiting, 0, now, ""
		return s.db.Audit(tx, actor, now, "outbox.replay", "outbox:"+id.String(), row.UnionID, map[string]any{"topic": row.Topic, "cause": row.Cause})
	})
	return row.view(), err
}

// ReplayInput names the topic whose dead messages are to be sent again.
type ReplayInput struct {
	Topic Topic `json:"topic" check:"required,oneof=allowance_issued allowance_ending order_shipped refund_done shipping_info"`
}

// Replayed is how many messages will be sent again.
type Replayed struct {
	Replayed int64 `json:"replayed"`
}

// ReplayDead has all messages of a topic that were given up sent again.
func (s *Service) ReplayDead(ctx context.Context, actor model.Actor, in ReplayInput) (Replayed, error) {
	var out Replayed
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.OutboxMessage{}).Where("topic = ? AND status = ?", in.Topic, StatusDead).
			Where("union_id IN (?)", tx.Model(&model.Union{}).Select("id").Where("path LIKE ?", actor.UnionPath+"%")).UpdateColumns(afresh(now))
		if res.Error != nil {
			return res.Error
		}
		out.Replayed = res.RowsAffected
		return s.db.Audit(tx, actor, now, "outbox.replay", "outbox", actor.UnionID, map[string]any{"topic": in.Topic, "replayed": res.RowsAffected})
	})
	return out, err
}

// Came tells what became of the messages of a batch, a grant or a reminder, by batch and state.
func Came(tx *gorm.DB, batches []model.ID) (map[model.ID]map[string]int64, error) {
	var rows []struct {
		BatchID model.ID
		Status  string
		N       int64
	}
	err := tx.Model(&model.OutboxMessage{}).Select("batch_id, status, COUNT(*) AS n").Where("batch_id IN ?", batches).Group("batch_id, status").Scan(&rows).Error
	came := map[model.ID]map[string]int64{}
	for _, r := range rows {
		if came[r.BatchID] == nil {
			came[r.BatchID] = map[string]int64{}
		}
		came[r.BatchID][r.Status] = r.N
	}
	return came, err
}
