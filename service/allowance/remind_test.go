package allowance

import (
	"context"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// consenting gives every person on the union's roster a bound WeChat account with one consent to be reminded.
func (b *bench) consenting(u model.Union) {
	b.t.Helper()
	var members []model.Member
	b.must(b.db.Read(context.Background()).Where("union_id = ?", u.ID).Find(&members).Error)
	var accounts []model.WechatAccount
	var consents []model.Subscription
	for _, m := range members {
		id := b.db.NewID()
		accounts = append(accounts, model.WechatAccount{ID: id, OpenID: id.String(), PersonID: &m.PersonID, CreatedAt: b.clock.Now()})
		consents = append(consents, model.Subscription{AccountID: id, Template: "allowance_ending", AcceptedCount: 1, UpdatedAt: b.clock.Now()})
	}
	b.must(b.db.Tx(context.Background(), func(tx *gorm.DB) error {
		if err := tx.CreateInBatches(&accounts, b.db.BatchRows()).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(&consents, b.db.BatchRows()).Error
	}))
}

// TestRemindersAtOnce breaks a reminder off after its first step and has several processes take it up at the same time:
// everybody with money left is told once.
func TestRemindersAtOnce(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	const people = remindStep*2 + 3
	u := b.union("甲工会", 0, people)
	b.topup(u, model.PurseExtra, people*100)
	b.must(b.issue(ctx, b.started(u, model.PurseExtra, 100)))
	b.consenting(u)
	b.clock.Set(modeltest.At("2025-11-02 09:00"))
	b.atOnce(func() error { return b.RemindDue(ctx) }, func() error { return b.RemindDue(ctx) })
	var r model.Reminder
	b.must(b.db.Read(ctx).Take(&r).Error)
	b.must(b.db.Tx(ctx, func(tx *gorm.DB) error { _, err := b.remindSome(tx, r.ID); return err })) // and here its process dies
	again := func() error { return b.remind(ctx, r.ID) }
	b.atOnce(again, again, again)
	b.must(b.RemindDue(ctx))
	b.must(b.jobs.Drain(ctx))
	var reminders, told int64
	b.must(b.db.Read(ctx).Model(&model.Reminder{}).Count(&reminders).Error)
	b.must(b.db.Read(ctx).Model(&model.OutboxMessage{}).Where("topic = 'allowance_ending'").Distinct("person_id").Count(&told).Error)
	b.must(b.db.Read(ctx).Take(&r).Error)
	if reminders != 1 || told != people || r.Told != people || r.Holders != people || r.Status != "done" {
		t.Errorf("%d reminders, %d told, %+v", reminders, told, r)
	}
	b.balanced()
}

// TestStages shows when the clock reminds.
func TestStages(t *testing.T) {
	for at, want := range map[string]int{"2025-11-02 08:59": 0, "2025-11-02 09:00": 60, "2025-12-02 08:59": 60, "2025-12-02 09:00": 30,
		"2025-12-25 08:59": 30, "2025-12-25 09:00": 7, "2025-12-31 23:59": 7} {
		now := modeltest.At(at)
		if got := stage(2025, now); got != want {
			t.Errorf("%s: %d, want %d", at, got, want)
		}
	}
	if got := stage(2025, model.Year(2025).End()); got != 0 {
		t.Errorf("after the year: %d", got)
	}
	for _, days := range reminderDays {
		if got := daysLeft(2025, remindAt(2025, days)); got != days {
			t.Errorf("%d days left at the reminder of %d", got, days)
		}
	}
}
