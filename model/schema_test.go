package model_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm/schema"

	"bangfu/model"
	"bangfu/model/modeltest"
)

var entities = []any{
	model.Union{}, model.UnionPath{}, model.Person{}, model.Member{}, model.RosterImport{}, model.RosterRow{},
	model.WechatAccount{}, model.Consent{}, model.BindingRequest{}, model.Attempt{}, model.Session{}, model.Staff{}, model.Address{},
	model.Policy{}, model.ReportingPeriod{}, model.Fund{}, model.Topup{}, model.Grant{}, model.GrantItem{}, model.PersonCap{},
	model.Allowance{}, model.Transfer{}, model.Sweep{}, model.Channel{}, model.Region{}, model.Supplier{}, model.Certificate{},
	model.Product{}, model.ProductPicture{}, model.SKU{}, model.Stock{}, model.StockMovement{}, model.File{}, model.Order{},
	model.OrderLine{}, model.Parcel{}, model.Refund{}, model.IdempotencyKey{}, model.Statement{}, model.StatementRow{},
	model.StatementPart{}, model.AuditEntry{}, model.AuditSeal{}, model.Job{}, model.Lease{}, model.Installation{},
	model.Hold{}, model.Payment{}, model.WechatRefund{}, model.RefundLine{},
	model.AfterSale{}, model.AfterSaleLine{}, model.AfterSaleEvent{}, model.AfterSalePicture{},
	model.Hall{}, model.CounterCode{}, model.Redemption{},
	model.UnionBudget{}, model.LimitRule{},
	model.Claim{}, model.ClaimPerson{}, model.ClaimFile{},
	model.RiskRule{}, model.RiskRun{}, model.RiskSignal{},
	model.SupplierBankAccount{}, model.SettlementBatch{}, model.Settlement{}, model.SettlementItem{},
	model.OutboxMessage{}, model.Subscription{}, model.Reminder{},
	model.InvoiceRequest{}, model.InvoiceRequestOrder{}, model.Invoice{},
	model.Erasure{}, model.CapTombstone{}, model.GroupPurchase{}, model.GroupLine{}, model.GroupReceiver{}, model.GroupSignoff{},
	model.TallyBundle{}, model.TallyState{}, model.TallyNode{}, model.TallyForm{}, model.TallyDay{}, model.TallyMonth{}, model.TallyGood{}, model.TallyPurse{}, model.TallyBuyer{},
	model.SupplierSum{}, model.SupplierHour{}, model.SupplierDay{}, model.SupplierMark{},
}

// TestSchemaFitsEntities shows that every table has exactly the columns of its entity, and that no table is without one.
func TestSchemaFitsEntities(t *testing.T) {
	db := modeltest.Open(t, nil)
	shape := shapeOf(t, db)
	known := map[string]bool{}
	var cache sync.Map
	for _, e := range entities {
		s, err := schema.Parse(e, &cache, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		known[s.Table] = true
		var want []string
		for _, f := range s.Fields {
			want = append(want, f.DBName)
		}
		if got := shape.columnNames(s.Table); !slices.Equal(sorted(want), got) {
			t.Errorf("%s: entity has %v, table has %v", s.Table, sorted(want), got)
		}
	}
	for table := range shape.columns {
		if !known[table] {
			t.Errorf("table %s has no entity", table)
		}
	}
}

// TestDefaultsAreZero shows that a column which statements may leave out (tag default0) gets its zero value then, and that each of them is one.
func TestDefaultsAreZero(t *testing.T) {
	if os.Getenv("TEST_MYSQL_DSN") == "" {
		t.Skip("NOT TESTED: TEST_MYSQL_DSN is not set, run through scripts/with-services.sh")
	}
	db := modeltest.OpenWith(t, modeltest.MySQLOptions(t, nil))
	var cache sync.Map
	tagged := 0
	for _, e := range entities {
		s, err := schema.Parse(e, &cache, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Fields {
			if f.StructField.Tag.Get("default0") == "" {
				continue
			}
			tagged++
			var text *string
			err := db.Read(context.Background()).Raw("SELECT column_default FROM information_schema.columns WHERE table_schema = database() AND table_name = ? AND column_name = ?",
				s.Table, f.DBName).Scan(&text).Error
			if err != nil {
				t.Fatal(err)
			}
			if text == nil || strings.Trim(*text, "'") != "" && *text != "0" {
				t.Errorf("%s.%s: the default is %v", s.Table, f.DBName, text)
			}
		}
	}
	if tagged == 0 {
		t.Error("no column is tagged")
	}
}

// TestSchemasEqual shows that the embedded database and MySQL/MariaDB have the same tables, columns, types,
// nullability, primary keys and indexes.
func TestSchemasEqual(t *testing.T) {
	if os.Getenv("TEST_MYSQL_DSN") == "" {
		t.Skip("NOT TESTED: TEST_MYSQL_DSN is not set, run through scripts/with-services.sh")
	}
	lite := shapeOf(t, modeltest.OpenWith(t, model.Options{SQLitePath: t.TempDir() + "/a.db"}))
	my := shapeOf(t, modeltest.OpenWith(t, modeltest.MySQLOptions(t, nil)))
	compare(t, "columns", lite.columns, my.columns)
	compare(t, "indexes", lite.indexes, my.indexes)
}

func compare(t *testing.T, what string, a, b map[string][]string) {
	t.Helper()
	for table := range a {
		if !slices.Equal(a[table], b[table]) {
			t.Errorf("%s of %s differ:\n  embedded %v\n  mysql    %v", what, table, a[table], b[table])
		}
	}
	for table := range b {
		if _, ok := a[table]; !ok {
			t.Errorf("%s of %s exist in mysql only", what, table)
		}
	}
}

// TestMigrateConcurrently shows that several processes may start on an empty database at once.
func TestMigrateConcurrently(t *testing.T) {
	o := modeltest.Options(t, nil)
	ctx := context.Background()
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for range 4 {
		wg.Go(func() {
			db, err := model.Open(ctx, o)
			if err != nil {
				errs <- err
				return
			}
			defer func() { _ = db.Close() }()
			if _, err := db.Migrate(ctx); err != nil {
				errs <- err
				return
			}
			errs <- db.CheckSchema(ctx)
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestReadingTheVersionOnlyReads shows that neither asking for the version nor checking it makes anything in a database, so that an account that may
// only read can do it.
func TestReadingTheVersionOnlyReads(t *testing.T) {
	ctx := context.Background()
	db, err := model.Open(ctx, modeltest.Options(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if v, err := db.SchemaVersion(ctx); v != 0 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	if err := db.CheckSchema(ctx); !errors.Is(err, model.ErrSchema) {
		t.Errorf("an empty database fits: %v", err)
	}
	if tables, err := db.Read(ctx).Migrator().GetTables(); err != nil || len(tables) > 0 {
		t.Errorf("made: %v %v", tables, err)
	}
}

// TestPartOfABackupIsRefused shows that a database that a restore has not ended writing is neither served nor migrated.
func TestPartOfABackupIsRefused(t *testing.T) {
	db, ctx := modeltest.Open(t, nil), context.Background()
	if err := db.CheckSchema(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.Read(ctx).Exec("CREATE TABLE " + model.RestoringTable + " (id INT NOT NULL PRIMARY KEY)").Error; err != nil {
		t.Fatal(err)
	}
	if err := db.CheckSchema(ctx); !errors.Is(err, model.ErrRestoring) {
		t.Errorf("%v", err)
	}
	if _, err := db.Migrate(ctx); !errors.Is(err, model.ErrRestoring) {
		t.Errorf("%v", err)
	}
}

// shape is what the tables of a database look like, in words common to all engines.
type shape struct{ columns, indexes map[string][]string }

func (s shape) columnNames(table string) []string {
	var names []string
	for _, c := range s.columns[table] {
		names = append(names, strings.Fields(c)[0])
	}
	return sorted(names)
}

func sorted(s []string) []string { sort.Strings(s); return s }

type column struct {
	Table, Name, Type, Nullable string
	Position                    int
}

type index struct {
	Table, Name string
	IsUnique    bool
	Seq         int
	Column      string
}

func shapeOf(t *testing.T, db *model.DB) shape {
	t.Helper()
	var cols []column
	var idx []index
	colSQL := `SELECT m.name AS "table", c.name AS name, lower(c.type) AS type, CASE c."notnull" WHEN 1 THEN 'no' ELSE 'yes' END AS nullable, c.cid AS position
		FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid`
	idxSQL := `SELECT m.name AS "table", CASE i.origin WHEN 'pk' THEN 'primary' ELSE i.name END AS name, i."unique" AS is_unique, k.seqno AS seq, k.name AS "column"
		FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) k WHERE m.type = 'table'
		UNION ALL SELECT m.name, 'primary', 1, c.pk - 1, c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.pk > 0 AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) WHERE origin = 'pk') ORDER BY 1, 2, 4`
	if db.Dialect == model.MySQL {
		colSQL = "SELECT table_name AS `table`, column_name AS name, lower(column_type) AS type, lower(is_nullable) AS nullable, ordinal_position AS position " +
			"FROM information_schema.columns WHERE table_schema = database() ORDER BY table_name, ordinal_position"
		idxSQL = "SELECT table_name AS `table`, lower(index_name) AS name, non_unique = 0 AS is_unique, seq_in_index AS seq, column_name AS `column` " +
			"FROM information_schema.statistics WHERE table_schema = database() ORDER BY table_name, index_name, seq_in_index"
	}
	read := db.Read(context.Background())
	if err := read.Raw(colSQL).Scan(&cols).Error; err != nil {
		t.Fatal(err)
	}
	if err := read.Raw(idxSQL).Scan(&idx).Error; err != nil {
		t.Fatal(err)
	}
	return summarise(cols, idx)
}

var (
	displayWidth = regexp.MustCompile(`^(bigint|int)\(\d+\)`)
	ours         = func(table string) bool {
		return !strings.HasPrefix(table, "goose_") && !strings.HasPrefix(table, "sqlite_")
	}
)

func summarise(cols []column, idx []index) shape {
	s := shape{columns: map[string][]string{}, indexes: map[string][]string{}}
	for _, c := range cols {
		if !ours(c.Table) {
			continue
		}
		typ := displayWidth.ReplaceAllString(c.Type, "$1")
		switch typ {
		case "datetime(3)":
			typ = "datetime"
		case "mediumtext":
			typ = "text"
		}
		s.columns[c.Table] = append(s.columns[c.Table], fmt.Sprintf("%s %s %s", c.Name, typ, c.Nullable))
	}
	grouped := map[[2]string]string{}
	unique := map[[2]string]bool{}
	for _, i := range idx {
		if ours(i.Table) {
			k := [2]string{i.Table, i.Name}
			grouped[k] += "," + i.Column
			unique[k] = i.IsUnique
		}
	}
	for k, columns := range grouped {
		s.indexes[k[0]] = append(s.indexes[k[0]], fmt.Sprintf("%s %v%s", k[1], unique[k], columns))
	}
	for table := range s.indexes {
		sort.Strings(s.indexes[table])
	}
	return s
}
