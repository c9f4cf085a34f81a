package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/reconcile"
	"bangfu/service/wechat"
	"bangfu/service/wechat/emulator"
)

const sendPath = "/cgi-bin/message/subscribe/send"

// bench is the outbox on a fresh database with an emulator of its own.
type bench struct {
	*Service
	t     *testing.T
	clock *modeltest.Clock
	emu   *emulator.Emulator
	union model.Union
	grant model.Grant
	n     int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, clock: modeltest.NewClock(modeltest.At("2025-03-03 09:00"))}
	b.emu = emulator.New(emulator.Options{AppID: "wx0000000000000001", AppSecret: "secret", Clock: b.clock})
	server := httptest.NewServer(b.emu)
	t.Cleanup(server.Close)
	db := modeltest.Open(t, b.clock)
	b.Service = b.worker(db, server.URL)
	b.union = model.Union{ID: 1, Name: "虚拟学校工会", Kind: "city", Path: "/1/", Status: "active", CreatedAt: b.clock.Now(), UpdatedAt: b.clock.Now()}
	b.insert(&b.union, &model.UnionPath{UnionID: 1, FromAt: b.clock.Now(), Path: "/1/"})
	b.grant = model.Grant{ID: 2, UnionID: 1, Purse: model.PurseExtra, Year: 2025}
	return b
}

// worker is a process of its own on the same database and WeChat.
func (b *bench) worker(db *model.DB, base string) *Service {
	b.t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(b.t).Addr()})
	b.t.Cleanup(func() { _ = rdb.Close() })
	client, err := wechat.New(wechat.Options{BaseURL: base, AppID: "wx0000000000000001", AppSecret: "secret", Cache: wechat.NewTokenCache(rdb, "t:", nil)})
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := New(Options{DB: db, Wechat: client, Templates: EmulatorTemplates(), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) insert(rows ...any) {
	b.t.Helper()
	for _, r := range rows {
		b.must(b.db.Read(context.Background()).Create(r).Error)
	}
}

// user binds a WeChat user to a new person who consented to n messages that an allowance was issued.
func (b *bench) user(consents int) (string, model.ID) {
	b.t.Helper()
	b.n++
	name := fmt.Sprintf("user-%d", b.n)
	person, account, now := b.db.NewID(), b.db.NewID(), b.clock.Now()
	b.insert(&model.Person{ID: person, IDNumberHash: name, CreatedAt: now}, &model.WechatAccount{ID: account, OpenID: b.emu.OpenID(name), PersonID: &person, BoundAt: &now, CreatedAt: now})
	for i := range consents {
		_, err := b.Subscribe(context.Background(), model.Actor{Kind: model.ActorPerson, ID: person, AccountID: account}, fmt.Sprintf("consent-%s-%d", name, i),
			AnswersInput{Templates: []TemplateAnswer{{string(TopicAllowanceIssued), Accepted}}})
		b.must(err)
	}
	return name, person
}

// tell writes the event that a person was given money, under a new cause.
func (b *bench) tell(persons ...model.ID) {
	b.t.Helper()
	var messages []Message
	for _, p := range persons {
		messages = append(messages, AllowanceIssued(b.grant, model.GrantItem{ID: b.db.NewID(), PersonID: p}, 600_00))
	}
	b.must(b.db.Tx(context.Background(), func(tx *gorm.DB) error { return EnqueueAll(tx, b.db, b.clock.Now(), messages) }))
}

func (b *bench) messages() (rows []model.OutboxMessage) {
	b.t.Helper()
	b.must(b.db.Read(context.Background()).Order("id").Find(&rows).Error)
	return rows
}

func (b *bench) fault(f emulator.Fault) {
	b.t.Helper()
	f.Path = sendPath
	b.must(b.emu.InjectFault(f))
}

func (b *bench) drain() {
	b.t.Helper()
	b.must(b.Drain(context.Background()))
}

// sound fails the test if the outbox and the consents do not add up; the rest of the books is not kept here.
func (b *bench) sound() {
	b.t.Helper()
	r, err := reconcile.Run(context.Background(), b.db)
	b.must(err)
	checked := 0
	for _, x := range r.Results {
		if slices.Contains([]string{"consents", "outbox", "shipping_info", "reminders"}, x.Name) {
			checked++
			for _, breach := range x.Breaches {
				b.t.Errorf("%s: %+v", x.Name, breach)
			}
		}
	}
	if checked != 4 {
		b.t.Errorf("%d invariants checked", checked)
	}
}

func (b *bench) available(person model.ID) int {
	b.t.Helper()
	var a model.WechatAccount
	b.must(b.db.Read(context.Background()).Where("person_id = ?", person).Take(&a).Error)
	list, err := b.Subscriptions(context.Background(), a.ID)
	b.must(err)
	return list.Items[0].Available
}

// TestOneConsentIsOneMessage sends as many messages as were consented to; the rest is skipped and says why.
func TestOneConsentIsOneMessage(t *testing.T) {
	b := newBench(t)
	name, person := b.user(2)
	b.tell(person, person, person)
	b.tell(b.db.NewID()) // has no WeChat account
	b.drain()
	got := b.emu.Messages(name)
	if len(got) != 2 || got[0].Data["thing1"] != "虚拟学校工会" || got[0].Data["amount2"] != "600.00元" || got[0].Data["date3"] != "2025年12月31日" {
		t.Errorf("%+v", got)
	}
	why := map[string]int{}
	for _, m := range b.messages() {
		why[m.Status+" "+m.LastError]++
		if (m.Status == StatusSent) != (m.SentAt != nil) || (m.Status == StatusSent) != (m.AccountID != nil) {
			t.Errorf("%+v", m)
		}
	}
	if why["sent "] != 2 || why["skipped 没有订阅授权"] != 1 || why["skipped 没有绑定微信"] != 1 || b.available(person) != 0 {
		t.Error(why)
	}
	b.sound()
}

// TestAnEventTellsOnce shows that the same cause is written once, and nothing when the transaction fails.
func TestAnEventTellsOnce(t *testing.T) {
	b := newBench(t)
	_, person := b.user(0)
	m := AllowanceIssued(b.grant, model.GrantItem{ID: 7, PersonID: person}, 1)
	undone := fmt.Errorf("undone")
	for _, end := range []error{undone, nil, nil} {
		err := b.db.Tx(context.Background(), func(tx *gorm.DB) error {
			if err := EnqueueAll(tx, b.db, b.clock.Now(), []Message{m, m}); err != nil {
				return err
			}
			return end
		})
		if err != end {
			t.Fatal(err)
		}
		if n := len(b.messages()); (n != 1) != (end != nil) {
			t.Fatalf("%d messages", n)
		}
	}
}

// TestCounts counts messages by topic and state below a union: those that were sent or skipped of the last days, the others however old they are.
func TestCounts(t *testing.T) {
	b := newBench(t)
	now := b.clock.Now()
	b.insert(&model.Union{ID: 2, ParentID: &b.union.ID, Name: "县", Path: "/1/2/", Kind: "county", Status: "active", CreatedAt: now, UpdatedAt: now})
	n := 0
	put := func(union model.ID, status string, days int, many int) {
		for range many {
			n++
			id := model.IDAt(time.Now().AddDate(0, 0, -days)) + model.ID(n)
			b.insert(&model.OutboxMessage{ID: id, Topic: string(TopicAllowanceIssued), Cause: fmt.Sprint(n), PersonID: 1, UnionID: union, Status: status, NextTryAt: now, CreatedAt: now, UpdatedAt: now})
		}
	}
	for _, status := range []string{StatusWaiting, StatusSending, StatusSent, StatusSkipped, StatusDead} {
		put(1, status, 1, 1)
		put(2, status, 2, 2)
		put(2, status, countedDays+1, 4)
	}
	for path, want := range map[string]CountView{"/1/": {Waiting: 14, Sent: 3, Skipped: 3, Dead: 7}, "/1/2/": {Waiting: 12, Sent: 2, Skipped: 2, Dead: 6}} {
		union := model.ID(1)
		if path != "/1/" {
			union = 2
		}
		list, err := b.Counts(context.Background(), model.Actor{Kind: model.ActorStaff, ID: 9, UnionID: union, UnionPath: path})
		b.must(err)
		for _, got := range list.Items {
			want := want
			if want.Topic, want.TopicName = got.Topic, got.TopicName; got.Topic != TopicAllowanceIssued {
				want = CountView{Topic: got.Topic, TopicName: got.TopicName}
			}
			if got != want {
				t.Errorf("below %s: %+v, want %+v", path, got, want)
			}
		}
	}
}

// TestManyWorkers has several processes send at once: each message arrives exactly once.
func TestManyWorkers(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(b.emu)
	defer server.Close()
	var persons []model.ID
	names := map[string]int{}
	for i := range 30 {
		name, person := b.user(10)
		names[name] = i
		persons = append(persons, person)
	}
	for range 10 {
		b.tell(persons...)
	}
	var wg sync.WaitGroup
	for range 4 {
		w := b.worker(b.db, server.URL)
		wg.Go(func() {
			if err := w.Drain(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b.drain() // what another worker held when the last one looked
	for name := range names {
		if n := len(b.emu.Messages(name)); n != 10 {
			t.Errorf("%s received %d messages, want 10", name, n)
		}
	}
	for _, m := range b.messages() {
		if m.Status != StatusSent || m.Attempts != 1 {
			t.Errorf("%+v", m)
		}
	}
	b.sound()
}

// TestKilledWorker shows what a process leaves that dies after WeChat's answer and before the mark: another sends the message
// again when the lease is over, with the consent that it has.
func TestKilledWorker(t *testing.T) {
	b := newBench(t)
	name, person := b.user(1)
	b.tell(person)
	ctx := context.Background()
	c, err := b.take(ctx)
	b.must(err)
	rows, accounts, err := b.sift(ctx, c)
	b.must(err)
	call, skip, err := b.prepare(ctx, rows[0], accounts[person])
	b.must(err)
	begun, _, err := b.begin(ctx, c, rows[0], accounts[person])
	b.must(err)
	if skip != "" || !begun {
		t.Fatal(skip, begun)
	}
	b.must(call(ctx)) // and here it dies
	b.drain()
	if n := len(b.emu.Messages(name)); n != 1 {
		t.Fatalf("%d messages: the lease was not kept", n)
	}
	b.clock.Advance(lease + time.Second)
	b.drain()
	m := b.messages()[0]
	if n := len(b.emu.Messages(name)); n != 2 || m.Status != StatusSent || m.Attempts != 2 || b.available(person) != 0 {
		t.Errorf("%d messages, %+v", n, m)
	}
	// The dead one comes back: it has no say any more.
	rows[0].Attempts = 1
	b.must(b.finish(ctx, c, rows[0], accounts[person], fmt.Errorf("late")))
	if again := b.messages()[0]; again.Status != StatusSent {
		t.Errorf("%+v", again)
	}
	b.sound()
}

// TestRetries shows the pauses after failures, their end, and what is not tried again.
func TestRetries(t *testing.T) {
	t.Run("Down", func(t *testing.T) {
		b := newBench(t)
		name, person := b.user(1)
		b.tell(person)
		b.fault(emulator.Fault{Mode: emulator.Down})
		last := b.clock.Now()
		for n := 1; n <= maxAttempts; n++ {
			b.drain()
			m := b.messages()[0]
			if m.Attempts != n || !strings.Contains(m.LastError, "微信没有应答") {
				t.Fatalf("attempt %d: %+v", n, m)
			}
			if n < maxAttempts {
				pause := m.NextTryAt.Sub(last)
				if want := min(longestPause, firstPause<<(n-1)); m.Status != StatusWaiting || pause < want*3/4-time.Millisecond || pause > want*5/4 {
					t.Errorf("attempt %d: pause %v, want about %v; %s", n, pause, want, m.Status)
				}
				b.clock.Set(m.NextTryAt)
				last = m.NextTryAt
			}
		}
		if m := b.messages()[0]; m.Status != StatusDead || b.available(person) != 0 {
			t.Fatalf("%+v", m)
		}
		b.sound()
		b.emu.ClearFaults()
		city := model.Actor{Kind: model.ActorStaff, ID: 9, UnionID: 1, UnionPath: "/1/"}
		done, err := b.ReplayDead(context.Background(), city, ReplayInput{TopicAllowanceIssued})
		b.must(err)
		b.drain()
		if m := b.messages()[0]; done.Replayed != 1 || m.Status != StatusSent || m.Attempts != 1 || len(b.emu.Messages(name)) != 1 {
			t.Errorf("%+v", m)
		}
		b.sound()
	})
	t.Run("HopelessIsDeadAtOnce", func(t *testing.T) {
		b := newBench(t)
		_, person := b.user(1)
		b.tell(person)
		b.fault(emulator.Fault{Mode: emulator.Error, ErrCode: 47003})
		b.drain()
		if m := b.messages()[0]; m.Status != StatusDead || m.Attempts != 1 || !strings.Contains(m.LastError, "47003") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("RefusedVoidsTheConsents", func(t *testing.T) {
		b := newBench(t)
		name, person := b.user(3)
		b.tell(person)
		b.fault(emulator.Fault{Mode: emulator.Error, ErrCode: 43101, Times: 1})
		b.drain()
		m := b.messages()[0]
		if m.Status != StatusSkipped || m.AccountID != nil || b.available(person) != 0 {
			t.Errorf("%+v, %d left", m, b.available(person))
		}
		b.tell(person)
		b.drain()
		if n := len(b.emu.Messages(name)); n != 0 {
			t.Errorf("%d messages after the refusal", n)
		}
		b.sound()
	})
	t.Run("QuotaWaitsForTomorrow", func(t *testing.T) {
		b := newBench(t)
		_, person := b.user(1)
		b.tell(person)
		b.fault(emulator.Fault{Mode: emulator.Error, ErrCode: 45009, Times: 1})
		b.drain()
		if m := b.messages()[0]; m.Status != StatusWaiting || m.NextTryAt.Before(modeltest.At("2025-03-04 00:05")) || m.NextTryAt.After(modeltest.At("2025-03-04 01:05")) {
			t.Errorf("%+v", m)
		}
		b.clock.Set(modeltest.At("2025-03-04 02:00"))
		b.drain()
		if m := b.messages()[0]; m.Status != StatusSent {
			t.Errorf("%+v", m)
		}
	})
	t.Run("NeverAnswersInTime", func(t *testing.T) {
		b := newBench(t)
		_, person := b.user(1)
		b.tell(person)
		b.fault(emulator.Fault{Mode: emulator.Never, Times: 1})
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		_ = b.Drain(ctx) // the process is told to stop meanwhile
		if m := b.messages()[0]; m.Status != StatusWaiting || m.Holder != "" {
			t.Errorf("%+v", m)
		}
	})
}

// TestTakenOver shows that a worker whose lease ran out before it began does not send.
func TestTakenOver(t *testing.T) {
	b := newBench(t)
	name, person := b.user(1)
	b.tell(person)
	ctx := context.Background()
	slow, err := b.take(ctx)
	b.must(err)
	rows, accounts, err := b.sift(ctx, slow)
	b.must(err)
	b.clock.Advance(lease + time.Second)
	b.drain()
	b.must(b.sendOne(ctx, slow, rows[0], accounts[person]))
	if n := len(b.emu.Messages(name)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	b.sound()
}

// TestRunStops shows that Run sends by itself and ends with its context.
func TestRunStops(t *testing.T) {
	b := newBench(t)
	name, person := b.user(1)
	b.tell(person)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); b.Run(ctx, 2) }()
	for range 500 {
		if len(b.emu.Messages(name)) == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-ended
	if m := b.messages()[0]; m.Status != StatusSent {
		t.Errorf("%+v", m)
	}
}

// TestTemplates shows how settings are read, and that what is sent fits WeChat's limits whatever the facts are.
func TestTemplates(t *testing.T) {
	good, err := ParseTemplate(TopicOrderShipped, "abcdefghijklmnopqrst_-0123, thing1=goods,character_string2=tracking_no")
	if err != nil || good.ID != "abcdefghijklmnopqrst_-0123" || len(good.Fields) != 2 {
		t.Errorf("%+v, %v", good, err)
	}
	data := good.data(map[string]string{"goods": strings.Repeat("长", 40), "tracking_no": "单号 SF-1"})
	if data["thing1"] != strings.Repeat("长", 19)+"…" || data["character_string2"] != "SF-1" || good.data(nil)["thing1"] != "-" {
		t.Error(data)
	}
	for _, bad := range []string{"id", "thing1=goods", "id,thing=goods", "id,thing1=amount", "id,thing1", ","} {
		if _, err := ParseTemplate(TopicOrderShipped, bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if none, err := ParseTemplate(TopicOrderShipped, ""); err != nil || none.ID != "" {
		t.Error(none, err)
	}
	for topic, x := range EmulatorTemplates() {
		for _, f := range x.Fields {
			if _, err := ParseTemplate(topic, "id,"+f.Name+"="+f.Fact); err != nil {
				t.Error(topic, err)
			}
		}
	}
}
