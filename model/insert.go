package model

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// mostInserted is how many rows one statement has at most on MySQL.
const mostInserted = 1000

// InsertAll is Insert of rows at once, within tx. Errors are those of Create.
func InsertAll[T any](tx *gorm.DB, db *DB, rows []T) error {
	s := db.NewScript()
	if err := Insert(s, rows, nil); err != nil {
		return err
	}
	return runEach(tx, s.steps)
}

// insertRows is how many rows one statement has at most.
func (db *DB) insertRows() int {
	if db.Dialect == SQLite {
		return db.BatchRows()
	}
	return mostInserted
}

func insertArgs[T any](plan *insertPlan, rows []T) []any {
	args := make([]any, 0, len(rows)*len(plan.columns))
	for i := range rows {
		args = plan.values(args, reflect.ValueOf(&rows[i]).Elem())
	}
	return args
}

// Exec runs a statement with its arguments bound by the driver alone and tells how many rows it changed: gorm's Exec looks at each argument
// first, which for thousands takes longer than the database does.
func Exec(tx *gorm.DB, statement string, args []any) (changed int64, err error) {
	run := tx.Session(&gorm.Session{NewDB: true}).Clauses()
	run.Statement.SQL.WriteString(statement)
	run.Statement.Vars = args
	run = run.Callback().Raw().Execute(run)
	return run.RowsAffected, run.Error
}

// insertPlan is how the rows of one entity become a statement.
type insertPlan struct {
	head    string // INSERT INTO … VALUES
	row     string // (?,?,…)
	columns [][]int
}

// plans remembers the insertPlan of each entity: what it holds follows from the entity's type alone.
var plans sync.Map

func planOf(tx *gorm.DB, row any) (*insertPlan, error) {
	kind := reflect.TypeOf(row)
	if p, ok := plans.Load(kind); ok {
		return p.(*insertPlan), nil
	}
	s, err := schema.Parse(row, &sync.Map{}, tx.NamingStrategy)
	if err != nil {
		return nil, err
	}
	p := &insertPlan{}
	var names []string
	for _, f := range s.Fields {
		if f.DBName == "" || !f.Creatable {
			continue
		}
		if !plain(f.FieldType) {
			return nil, fmt.Errorf("%s.%s: InsertAll does not know how to store a %s", s.Name, f.Name, f.FieldType)
		}
		names = append(names, f.DBName)
		p.columns = append(p.columns, f.StructField.Index)
	}
	p.head = "INSERT INTO " + s.Table + " (" + strings.Join(names, ",") + ") VALUES "
	p.row = "(?" + strings.Repeat(",?", len(names)-1) + ")"
	plans.Store(kind, p)
	return p, nil
}

func (p *insertPlan) statement(rows int) string {
	return p.head + p.row + strings.Repeat(","+p.row, rows-1)
}

// values appends a row's columns as the driver's own types.
func (p *insertPlan) values(args []any, row reflect.Value) []any {
	for _, index := range p.columns {
		args = append(args, driverValue(row.FieldByIndex(index)))
	}
	return args
}

var timeType = reflect.TypeFor[time.Time]()

// plain tells whether driverValue knows the type.
func plain(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.String, reflect.Bool:
		return true
	}
	return t == timeType
}

func driverValue(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Struct:
		return v.Interface().(time.Time)
	default:
		return v.Int()
	}
}

// inTurn marks a context, see InTurn.
type inTurn struct{}

// InTurn makes Tx and Once take their turn with the other transactions of this process that write stock, first come, first
// served. A batch of checkouts (package order) holds the rows of what sells best nearly all the time: a writer that came around its queue
// would starve, or starve it. It is no lock that anything rests on: other processes are kept apart by the database alone.
func InTurn(ctx context.Context) context.Context { return context.WithValue(ctx, inTurn{}, true) }

// take waits for the turn if ctx asks for it; leave is never nil.
func (db *DB) take(ctx context.Context) (leave func(), err error) {
	if ctx.Value(inTurn{}) == nil {
		return func() {}, nil
	}
	select {
	case db.turn <- struct{}{}:
		return func() { <-db.turn }, nil
	case <-ctx.Done():
		return func() {}, ctx.Err()
	}
}
