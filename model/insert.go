package model

import (
	"fmt"
	"reflect"
	"slices"
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
	table   string
	columns []insertColumn
}

// insertColumn is one column and where its value is in the entity.
type insertColumn struct {
	name  string
	index []int
	spare bool // a column that is not named gets the zero value: it is a pointer, or has a default
}

// plans remembers the insertPlan of each entity and dialect: what it holds follows from these alone.
var plans sync.Map

// zeroTag marks columns of entities that are empty or 0 in most new rows: on MySQL that is their default (migration 00191).
const zeroTag = "default0"

func planOf(db *DB, row any) (*insertPlan, error) {
	type key struct {
		kind    reflect.Type
		dialect Dialect
	}
	kind := key{reflect.TypeOf(row), db.Dialect}
	if p, ok := plans.Load(kind); ok {
		return p.(*insertPlan), nil
	}
	s, err := schema.Parse(row, &sync.Map{}, db.orm.NamingStrategy)
	if err != nil {
		return nil, err
	}
	p := &insertPlan{table: s.Table}
	for _, f := range s.Fields {
		if f.DBName == "" || !f.Creatable {
			continue
		}
		if !plain(f.FieldType) {
			return nil, fmt.Errorf("%s.%s: InsertAll does not know how to store a %s", s.Name, f.Name, f.FieldType)
		}
		spare := f.FieldType.Kind() == reflect.Pointer || db.Dialect == MySQL && f.StructField.Tag.Get(zeroTag) != ""
		p.columns = append(p.columns, insertColumn{f.DBName, f.StructField.Index, spare})
	}
	plans.Store(kind, p)
	return p, nil
}

// insertStep is the statement that inserts rows. Columns that would get their value anyhow, in all of them, are left out: much of what the
// database does with a long statement is to parse it.
func insertStep[T any](p *insertPlan, rows []T) (statement string, args []any) {
	values := make([]reflect.Value, len(rows))
	for i := range rows {
		values[i] = reflect.ValueOf(&rows[i]).Elem()
	}
	columns := make([]insertColumn, 0, len(p.columns))
	names := make([]string, 0, len(p.columns))
	for _, c := range p.columns {
		if c.spare && !slices.ContainsFunc(values, func(row reflect.Value) bool { return !row.FieldByIndex(c.index).IsZero() }) {
			continue
		}
		columns, names = append(columns, c), append(names, c.name)
	}
	args = make([]any, 0, len(rows)*len(columns))
	for _, row := range values {
		for _, c := range columns {
			args = append(args, driverValue(row.FieldByIndex(c.index)))
		}
	}
	marks := Marks(len(columns))
	return "INSERT INTO " + p.table + " (" + strings.Join(names, ",") + ") VALUES " + marks + strings.Repeat(","+marks, len(rows)-1), args
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
