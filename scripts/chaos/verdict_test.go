package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // the verdict reads with plain SQL, which any engine answers

	"bangfu/model"
)

// books is a database with three orders under the keys k1 to k3, as a journal of three acknowledgements tells them.
func books(t *testing.T) (*sql.DB, []*fate) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "books.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	change(t, db, "CREATE TABLE orders (id BIGINT, goods_fen BIGINT, kind TEXT)", "CREATE TABLE idempotency_keys (idem_key TEXT)")
	var list []*fate
	for i := 1; i <= 3; i++ {
		change(t, db, fmt.Sprintf("INSERT INTO orders VALUES (%d, %d, 'online')", i, 100*i), fmt.Sprintf("INSERT INTO idempotency_keys VALUES ('k%d')", i))
		list = append(list, &fate{Deed: Deed{Kind: "order", Key: fmt.Sprintf("k%d", i)}, acks: []json.RawMessage{fmt.Appendf(nil, `{"id":"%d","total_fen":%d}`, i, 100*i)}})
	}
	return db, append(list, &fate{Deed: Deed{Kind: "order", Key: "k4"}, refused: "sold_out"})
}

func change(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVerdict shows that books which agree with the journal pass, and that each way to lose or to double something is seen.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		ok        bool
	}{
		{"sound", "", true},
		{"order lost", "DELETE FROM orders WHERE id = 2", false},
		{"another total", "UPDATE orders SET goods_fen = 1 WHERE id = 2", false},
		{"an order that nobody was told of", "INSERT INTO orders VALUES (9, 100, 'online')", false},
		{"key lost", "DELETE FROM idempotency_keys WHERE idem_key = 'k1'", false},
		{"refused key has an effect", "INSERT INTO idempotency_keys VALUES ('k4')", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, list := books(t)
			if c.sql != "" {
				change(t, db, c.sql)
			}
			s := &Stage{result: &Result{}}
			if err := s.exactlyOnce(context.Background(), db, list); err != nil {
				t.Fatal(err)
			}
			if s.result.OK() != c.ok {
				t.Errorf("%+v", s.result.Goals)
			}
		})
	}
	t.Run("two keys with one order", func(t *testing.T) {
		db, list := books(t)
		list[1].acks = list[0].acks
		s := &Stage{result: &Result{}}
		if err := s.exactlyOnce(context.Background(), db, list); err != nil {
			t.Fatal(err)
		}
		if s.result.OK() {
			t.Errorf("%+v", s.result.Goals)
		}
	})
}

// TestFormVerdict shows that a form is only called right where something was on it: an empty one is a miss after waiting, else a note.
func TestFormVerdict(t *testing.T) {
	for _, c := range []struct {
		name          string
		journal, form model.Fen
		counted       int
		waited        bool
		goals         int
		ok            bool
	}{
		{"right", 100, 100, 1, true, 1, true},
		{"right in a hurry", 100, 100, 1, false, 1, true},
		{"wrong", 100, 99, 1, true, 1, false},
		{"nothing after waiting", 0, 0, 0, true, 1, false},
		{"nothing in a hurry", 0, 0, 0, false, 0, true},
		{"of nothing something, in a hurry", 0, 100, 0, false, 1, false},
	} {
		s := &Stage{result: &Result{}}
		s.judgeForm(c.journal, c.form, c.counted, c.waited)
		if len(s.result.Goals) != c.goals || s.result.OK() != c.ok || len(s.result.Notes) != 1-c.goals {
			t.Errorf("%s: %+v", c.name, s.result)
		}
	}
}

// TestJournal shows what is known of a key after all that was sent and answered, and that it is read back from the file.
func TestJournal(t *testing.T) {
	j, err := openJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ack := Reply{Class: Acked, Status: 201, Answer: []byte(`{"id":"7","total_fen":100,"placed_at":"2026-01-02T03:04:05Z"}`)}
	for key, replies := range map[string][]Reply{
		"lost":  {{Class: Unknown}},
		"later": {{Class: Unknown}, {Class: Again}, ack, ack},
		"no":    {{Class: Refused, Code: "sold_out"}},
		"door":  {{Class: Again}},
	} {
		d := Deed{Kind: "order", Key: key, Who: "member:1"}
		for _, r := range replies {
			j.sent(d)
			j.told(d, r)
		}
	}
	list, err := j.fates()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		open := map[string]bool{"lost": true, "later": false, "no": false, "door": true}[f.Key]
		if f.open() != open {
			t.Errorf("%s: open %v", f.Key, f.open())
		}
	}
	if sum, n, later := tally(list, at.Add(time.Second)); sum != 100 || n != 1 || later {
		t.Error(sum, n, later)
	}
	if sum, n, later := tally(list, at); sum != 0 || n != 0 || !later {
		t.Error(sum, n, later)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
