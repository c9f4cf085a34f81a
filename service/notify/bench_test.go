package notify

import (
	"context"
	"os"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// TestRates writes 20,000 messages in steps of 500 as a grant does, skips those without a consent and sends the others; it
// prints the rates. Run it with BENCH=1 (and TEST_DB=mysql for MySQL or MariaDB).
func TestRates(t *testing.T) {
	if os.Getenv("BENCH") == "" {
		t.Skip("BENCH is not set: rates are measured on request only")
	}
	const people, consenting = 20_000, 2_000
	b := newBench(t)
	now := b.clock.Now()
	measure := func(what string, items int, fn func()) {
		start := time.Now()
		fn()
		took := time.Since(start)
		t.Logf("%-40s %7d in %6.2f s: %7.0f/s", what, items, took.Seconds(), float64(items)/took.Seconds())
	}
	var persons []model.ID
	var accounts []model.WechatAccount
	var consents []model.Subscription
	for i := range people {
		person := b.db.NewID()
		persons = append(persons, person)
		accounts = append(accounts, model.WechatAccount{ID: b.db.NewID(), OpenID: b.emu.OpenID(person.String()), PersonID: &person, CreatedAt: now})
		if i < consenting {
			consents = append(consents, model.Subscription{AccountID: accounts[i].ID, Template: string(TopicAllowanceIssued), AcceptedCount: 1, UpdatedAt: now})
		}
	}
	b.tx(func(tx *gorm.DB) error {
		if err := tx.CreateInBatches(&accounts, b.db.BatchRows()).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(&consents, b.db.BatchRows()).Error
	})
	measure("write", people, func() {
		for at := 0; at < people; at += 500 {
			b.tell(persons[at : at+500]...)
		}
	})
	measure("send one in ten, skip the others", people, func() { b.must(b.Drain(context.Background())) })
	if n := len(b.emu.Messages("")); n != 1000 { // the emulator keeps that many
		t.Errorf("%d messages", n)
	}
}
