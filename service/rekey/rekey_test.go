package rekey

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestEverySealedColumn holds the list of tables against the schema and against the contexts that the product uses.
func TestEverySealedColumn(t *testing.T) {
	var schema []byte
	migrations, err := filepath.Glob("../../model/migrations/sqlite/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range migrations {
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, part...)
	}
	var inSchema, here, contexts []string
	for _, create := range strings.Split(string(schema), "CREATE TABLE IF NOT EXISTS ")[1:] {
		name, body, _ := strings.Cut(create, " (")
		for _, c := range regexp.MustCompile(`(?m)^  (\w+_sealed) `).FindAllStringSubmatch(body, -1) {
			inSchema = append(inSchema, name+"."+c[1])
		}
	}
	for _, table := range tables {
		for _, c := range table.columns {
			here = append(here, table.name+"."+c)
			contexts = append(contexts, sealContext(table.name, c))
		}
	}
	slices.Sort(inSchema)
	slices.Sort(here)
	if len(inSchema) == 0 || !slices.Equal(inSchema, here) {
		t.Errorf("the schema has %v,\nthis package %v", inSchema, here)
	}
	used := []string{model.SealPersonIDNumber, model.SealMemberPhone, model.SealRosterPhone, model.SealRosterIDNumber, model.SealBindingPhone,
		model.SealBindingIDLast6, model.SealStaffTOTP, model.SealAddressPhone, model.SealAddressDetail, model.SealSupplierPhone,
		model.SealOrderPhone, model.SealOrderAddress, model.SealFillerPhone, model.SealReturnTo, model.SealBankAccountNo,
		model.SealGroupPhone, model.SealGroupAddress}
	slices.Sort(used)
	slices.Sort(contexts)
	if !slices.Equal(used, contexts) {
		t.Errorf("the product seals for %v,\nthis package %v", used, contexts)
	}
}

func sealer(t *testing.T, keyring string, hashKey []byte) *model.Sealer {
	t.Helper()
	s, err := model.NewSealer(keyring, hashKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRun shows that everything can be read with the new key alone afterwards, wherever the work was stopped.
func TestRun(t *testing.T) {
	db := modeltest.Open(t, modeltest.NewClock(modeltest.At("2025-03-03 09:00")))
	hashKey, err := model.DecodeKey(model.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	oldKey, newKey := "old:"+model.GenerateKey(), "new:"+model.GenerateKey()
	before, both, after := sealer(t, oldKey, hashKey), sealer(t, newKey+","+oldKey, hashKey), sealer(t, newKey, hashKey)
	ctx := context.Background()
	seal := func(s *model.Sealer, plain, context string) string {
		t.Helper()
		sealed, err := s.Seal(plain, context)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	var members []model.Member
	var rows []model.RosterRow
	for i := range 1200 {
		id := model.ID(i + 1)
		members = append(members, model.Member{ID: id, UnionID: 1, PersonID: id, JoinedAt: db.Now(), CreatedAt: db.Now(), UpdatedAt: db.Now(), PhoneSealed: seal(before, id.String(), model.SealMemberPhone)})
		rows = append(rows, model.RosterRow{ImportID: id/700 + 1, RowNo: i, PhoneSealed: seal(before, id.String(), model.SealRosterPhone)}) // no ID number
	}
	members[7].PhoneSealed = seal(both, "8", model.SealMemberPhone)
	for _, err := range []error{db.Read(ctx).CreateInBatches(&members, 100).Error, db.Read(ctx).CreateInBatches(&rows, 100).Error} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(ctx, db, after); !errors.Is(err, model.ErrUnsealable) {
		t.Errorf("without the old key: %v", err)
	}
	if n, err := tables[1].run(ctx, db, both); err != nil || n != 1199 {
		t.Fatalf("members: %d, %v", n, err)
	}
	for _, want := range []int{1200, 0} { // the rest; nothing is left
		if n, err := Run(ctx, db, both); err != nil || n != want {
			t.Fatalf("sealed %d, want %d: %v", n, want, err)
		}
	}
	var got model.Member
	if err := db.Read(ctx).Take(&got, 900).Error; err != nil {
		t.Fatal(err)
	}
	if phone, err := after.Open(got.PhoneSealed, model.SealMemberPhone); err != nil || phone != "900" {
		t.Errorf("opened %q, %v", phone, err)
	}
	if n, err := Run(ctx, db, after); err != nil || n != 0 {
		t.Errorf("with the new key alone: %d, %v", n, err)
	}
	if err := db.Read(ctx).Create(&model.RosterImport{ID: 1, Status: "uploaded", CreatedAt: db.Now(), UpdatedAt: db.Now()}).Error; err != nil {
		t.Fatal(err)
	}
	if _, err := Run(ctx, db, after); err == nil || !strings.Contains(err.Error(), "1 uploaded rosters") {
		t.Errorf("with a roster waiting: %v", err)
	}
}
