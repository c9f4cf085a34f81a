package model

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"
)

// together marks a context, see Together.
type together struct{}

// Together makes Tx use a connection on which a Script, and the questions of Ask, go to the database in few messages instead of one each:
// for the batches of the checkout, whose time is mostly the way there and back. Other connections take one statement at a time.
func Together(ctx context.Context) context.Context { return context.WithValue(ctx, together{}, true) }

// isTogether tells whether statements may be joined within tx.
func isTogether(tx *gorm.DB) bool {
	return tx.Statement.Context.Value(together{}) != nil && tx.Dialector.Name() == string(MySQL)
}

// Script is the writing statements of one transaction, collected before the first of them runs. Nothing is read between them, so the
// rows they touch must be locked, or be new.
type Script struct {
	db    *DB
	steps []step
}

// step is one statement.
type step struct {
	sql       string
	args      []any
	rows      int64 // that it has to change, if short is set
	short     error // what it means when they are not that many
	duplicate error // what it means when a row exists already; nil: the database's own error
}

// NewScript makes an empty script.
func (db *DB) NewScript() *Script { return &Script{db: db} }

// Guard adds a statement that has to change so many rows; short is the error of Run if it does not, after which the transaction must be
// rolled back.
func (s *Script) Guard(rows int, short error, statement string, args ...any) {
	s.steps = append(s.steps, step{sql: statement, args: args, rows: int64(rows), short: short})
}

// Insert adds rows of one entity as they stand, with multi-row statements; duplicate is the error of Run if one of them exists already, nil
// the database's (see Duplicate). It does what tx.CreateInBatches does, at a fraction of its cost: it sets no times or keys and runs no hooks.
func Insert[T any](s *Script, rows []T, duplicate error) error {
	if len(rows) == 0 {
		return nil
	}
	plan, err := planOf(s.db, rows[0])
	if err != nil {
		return err
	}
	for first, most := 0, s.db.insertRows(); first < len(rows); first += most {
		part := rows[first:min(first+most, len(rows))]
		statement, args := insertStep(plan, part)
		s.steps = append(s.steps, step{sql: statement, args: args, duplicate: duplicate})
	}
	return nil
}

// ErrExists says that a row of a Script that ran Together exists already.
var ErrExists = errors.New("one of the rows exists already")

// Run executes the script within tx, in its order. On connections for it (Together) each message ends with a guarded statement; a row that
// exists already is then ErrExists, since nobody can tell which: the transaction has to run again with a context that is not Together.
func (s *Script) Run(tx *gorm.DB) error {
	if !isTogether(tx) {
		return runEach(tx, s.steps)
	}
	for first := 0; first < len(s.steps); {
		end := first
		for end < len(s.steps)-1 && s.steps[end].short == nil {
			end++
		}
		if err := runJoined(tx, s.steps[first:end+1]); err != nil {
			return err
		}
		first = end + 1
	}
	return nil
}

func runEach(tx *gorm.DB, steps []step) error {
	for _, p := range steps {
		changed, err := Exec(tx, p.sql, p.args)
		switch {
		case Duplicate(err) && p.duplicate != nil:
			return p.duplicate
		case err != nil:
			return err
		case p.short != nil && changed != p.rows:
			return p.short
		}
	}
	return nil
}

// runJoined runs steps of which only the last may be guarded: the database tells how many rows the last of joined statements changed.
func runJoined(tx *gorm.DB, steps []step) error {
	texts, total := make([]string, len(steps)), 0
	for i, p := range steps {
		texts[i] = p.sql
		total += len(p.args)
	}
	args := make([]any, 0, total)
	for _, p := range steps {
		args = append(args, p.args...)
	}
	changed, err := Exec(tx, strings.Join(texts, ";\n"), args)
	last := steps[len(steps)-1]
	switch {
	case Duplicate(err):
		return ErrExists
	case err != nil:
		return err
	case last.short != nil && changed != last.rows:
		return last.short
	}
	return nil
}

// Question is a query, and what becomes of each row of its answer.
type Question struct {
	SQL  string
	Args []any
	Row  func(rows *sql.Rows) error
}

// Ask asks questions one after the other within tx: in one message on a connection for that (Together).
func Ask(tx *gorm.DB, questions ...Question) error {
	if !isTogether(tx) {
		for _, q := range questions {
			if err := ask(tx, q.SQL, q.Args, q.Row); err != nil {
				return err
			}
		}
		return nil
	}
	texts := make([]string, len(questions))
	each := make([]func(*sql.Rows) error, len(questions))
	var args []any
	for i, q := range questions {
		texts[i], each[i] = q.SQL, q.Row
		args = append(args, q.Args...)
	}
	return ask(tx, strings.Join(texts, ";\n"), args, each...)
}

// ask sends a text and hands the rows of each of its answers to each.
func ask(tx *gorm.DB, text string, args []any, each ...func(*sql.Rows) error) error {
	run := tx.Session(&gorm.Session{NewDB: true}).Clauses().Set("rows", true)
	run.Statement.SQL.WriteString(text)
	run.Statement.Vars = args
	run = run.Callback().Row().Execute(run)
	if run.Error != nil {
		return run.Error
	}
	rows := run.Statement.Dest.(*sql.Rows)
	defer func() { _ = rows.Close() }()
	for i, row := range each {
		if i > 0 && !rows.NextResultSet() {
			break
		}
		for rows.Next() {
			if err := row(rows); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// ForUpdate ends a question whose rows are to be locked; the embedded database locks as a whole.
func (db *DB) ForUpdate() string {
	if db.Dialect == SQLite {
		return ""
	}
	return " FOR UPDATE"
}

// Marks is a list of n placeholders: (?,?,?).
func Marks(n int) string { return "(?" + strings.Repeat(",?", n-1) + ")" }

// Values are values of any type as arguments of a statement.
func Values[T any](list []T) []any {
	args := make([]any, len(list))
	for i, v := range list {
		args[i] = v
	}
	return args
}
