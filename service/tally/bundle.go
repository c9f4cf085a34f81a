package tally

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Events are stored in bundles: a batch of checkouts writes one row to the queue, not one an order. A bundle's body has its events separated
// by ';', and their fields in the order of encode separated by ',': words as they are, numbers in base 36, 0 as nothing.

const (
	// perBundle bounds the events of one row. An event takes some 60 bytes, at most 250, and TEXT holds 65,535.
	perBundle = 256
	fields    = 13
	base      = 36
)

// Write puts events into the queue, in the transaction that they tell of. It locks nothing.
func Write(tx *gorm.DB, db *model.DB, events ...model.TallyEvent) error {
	return model.InsertAll(tx, db, bundle(db, events, false))
}

// Script is Write as statements of a script.
func Script(s *model.Script, db *model.DB, events ...model.TallyEvent) error {
	return model.Insert(s, bundle(db, events, false), nil)
}

// bundle makes one row of consecutive events of one moment.
func bundle(db *model.DB, events []model.TallyEvent, done bool) []model.TallyBundle {
	var rows []model.TallyBundle
	for len(events) > 0 {
		n, body := 0, make([]byte, 0, 80*min(len(events), perBundle))
		for n < min(len(events), perBundle) && events[n].At.Equal(events[0].At) {
			if n > 0 {
				body = append(body, ';')
			}
			body = encode(body, events[n])
			n++
		}
		rows = append(rows, model.TallyBundle{ID: db.NewID(), At: events[0].At, Done: done, Events: int64(n), Body: string(body)})
		events = events[n:]
	}
	return rows
}

// encode appends an event but for its moment, which is its bundle's.
func encode(b []byte, e model.TallyEvent) []byte {
	b = append(append(b, e.Kind...), ',')
	b = append(append(b, e.Purse...), ',')
	numbers := [...]int64{int64(e.RefID), int64(e.MemberID), int64(e.UnionID), int64(e.ChannelID), int64(e.Year), e.Times,
		int64(e.AmountFen), int64(e.WechatFen), int64(e.InvestedFen), int64(e.PurseFen), e.Holders}
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		if n != 0 {
			b = strconv.AppendInt(b, n, base)
		}
	}
	return b
}

// decode reads an event that encode wrote.
func decode(text string, at time.Time) (e model.TallyEvent, err error) {
	parts := make([]string, 0, fields)
	for part := range strings.SplitSeq(text, ",") {
		parts = append(parts, part)
	}
	if len(parts) != fields {
		return e, fmt.Errorf("an event of %d fields", len(parts))
	}
	var numbers [fields - 2]int64
	for i, part := range parts[2:] {
		if part == "" {
			continue
		}
		if numbers[i], err = strconv.ParseInt(part, base, 64); err != nil {
			return e, fmt.Errorf("an event: %w", err)
		}
	}
	return model.TallyEvent{Kind: parts[0], Purse: model.Purse(parts[1]), RefID: model.ID(numbers[0]), MemberID: model.ID(numbers[1]),
		UnionID: model.ID(numbers[2]), ChannelID: model.ID(numbers[3]), Year: model.Year(numbers[4]), Times: numbers[5], AmountFen: model.Fen(numbers[6]),
		WechatFen: model.Fen(numbers[7]), InvestedFen: model.Fen(numbers[8]), PurseFen: model.Fen(numbers[9]), Holders: numbers[10], At: at}, nil
}

// open takes a bundle's events out of it.
func open(b model.TallyBundle) ([]model.TallyEvent, error) {
	events := make([]model.TallyEvent, 0, b.Events)
	for text := range strings.SplitSeq(b.Body, ";") {
		e, err := decode(text, b.At)
		if err != nil {
			return nil, fmt.Errorf("bundle %s: %w", b.ID, err)
		}
		events = append(events, e)
	}
	if int64(len(events)) != b.Events {
		return nil, fmt.Errorf("bundle %s: %d events, not %d", b.ID, len(events), b.Events)
	}
	return events, nil
}

// each calls fn with the events of all bundles that q finds, one bundle at a time.
func each(q *gorm.DB, fn func(model.TallyEvent)) error {
	rows, err := q.Model(&model.TallyBundle{}).Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var b model.TallyBundle
		if err := q.ScanRows(rows, &b); err != nil {
			return err
		}
		events, err := open(b)
		if err != nil {
			return err
		}
		for _, e := range events {
			fn(e)
		}
	}
	return rows.Err()
}

// waiting reads the events that wait in the queue, the oldest first: at most some, but whole bundles of them. first is the oldest bundle's
// moment, all says that nothing else waits.
func waiting(tx *gorm.DB, most int) (w waitingEvents, err error) {
	var heads []model.TallyBundle
	err = tx.Select("id", "at", "events").Where("done = ?", false).Order("at").Limit(most + 1).Find(&heads).Error
	if err != nil || len(heads) == 0 {
		return waitingEvents{all: true}, err
	}
	w.first = heads[0].At
	var sum int64
	for _, h := range heads {
		if sum += h.Events; sum > int64(most) && len(w.bundles) > 0 {
			break
		}
		w.bundles = append(w.bundles, h.ID)
	}
	w.all = len(w.bundles) == len(heads)
	return w, nil
}

// waitingEvents are bundles that wait.
type waitingEvents struct {
	bundles []model.ID
	first   time.Time
	all     bool
}

// events reads what is in the bundles.
func (w waitingEvents) events(tx *gorm.DB) ([]model.TallyEvent, error) {
	var events []model.TallyEvent
	for ids := range slices.Chunk(w.bundles, idsPerStatement) {
		if err := each(tx.Where("id IN ?", ids).Order("at"), func(e model.TallyEvent) { events = append(events, e) }); err != nil {
			return nil, err
		}
	}
	return events, nil
}
