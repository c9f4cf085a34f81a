package model_test

import (
	"context"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestEngine tells which engine the tests run on, and that its databases keep Chinese and pictographs and tell letters apart, whatever the
// server's own settings are.
func TestEngine(t *testing.T) {
	if os.Getenv("TEST_DB") != "mysql" {
		t.Log("engine: the embedded database")
		return
	}
	db := modeltest.Open(t, nil)
	var version, charset string
	if err := db.Read(t.Context()).Raw("SELECT VERSION(), @@character_set_database").Row().Scan(&version, &charset); err != nil {
		t.Fatal(err)
	}
	t.Log("engine: " + version)
	if charset != "utf8mb4" {
		t.Errorf("databases are made with %s", charset)
	}
	now := db.Now()
	for _, name := range []string{"红薯🍠", "Abc", "abc"} {
		if err := db.Read(t.Context()).Create(&model.Region{ID: db.NewID(), Name: name, Province: "广东省", Status: "active", CreatedAt: now, UpdatedAt: now}).Error; err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	if err := db.Read(t.Context()).Model(&model.Region{}).Where("name IN ?", []string{"红薯🍠", "abc"}).Order("id").Pluck("name", &names).Error; err != nil || strings.Join(names, " ") != "红薯🍠 abc" {
		t.Error(names, err)
	}
}

// TestTooLongIsRefused: a text that does not fit is refused and not cut, also on a server that would cut it.
func TestTooLongIsRefused(t *testing.T) {
	o := modeltest.Options(t, nil)
	if o.MySQLDSN == "" {
		t.Log("the embedded database has no length of texts")
		return
	}
	o.MySQLDSN = withMode(o.MySQLDSN, "")
	db := modeltest.OpenWith(t, o)
	now := db.Now()
	region := model.Region{ID: db.NewID(), Name: strings.Repeat("长", 300), Province: "广东省", Status: "active", CreatedAt: now, UpdatedAt: now}
	if err := db.Read(t.Context()).Create(&region).Error; err == nil {
		t.Error("a name of 300 characters is taken")
	}
}

// withMode is the DSN of a server that has this sql_mode.
func withMode(dsn, mode string) string {
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + url.Values{"sql_mode": {"'" + mode + "'"}}.Encode()
}

// TestBackslashesAlwaysEscape: on a server where backslashes do not escape, texts full of what ends texts and statements come back as they
// went in, on connections that take one statement at a time and on joined ones; and the sessions are in a mode in which that does not hang on the
// driver's knowing the server's.
func TestBackslashesAlwaysEscape(t *testing.T) {
	o := modeltest.Options(t, nil)
	if o.MySQLDSN == "" {
		t.Log("the embedded database has no modes")
		return
	}
	for _, mode := range []string{"NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES,NO_ZERO_DATE"} {
		o.MySQLDSN = withMode(modeltest.Options(t, nil).MySQLDSN, mode)
		db := modeltest.OpenWith(t, o)
		for name, ctx := range map[string]context.Context{"single": t.Context(), "joined": model.Together(t.Context())} {
			var now string
			if err := db.Tx(ctx, func(tx *gorm.DB) error { return tx.Raw("SELECT @@sql_mode").Row().Scan(&now) }); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(now, "NO_BACKSLASH_ESCAPES") || !strings.Contains(now, "STRICT_TRANS_TABLES") || strings.Contains(mode, "NO_ZERO_DATE") != strings.Contains(now, "NO_ZERO_DATE") {
				t.Errorf("%s, %s: the session is in %s", mode, name, now)
			}
			at := db.Now()
			for i, note := range []string{`\'; DELETE FROM regions; -- `, `'; DELETE FROM regions; -- `, `\\'`, "a\x00b\\", `";\";`, "\x1a\n\r;", "%_\\%"} {
				in := model.Region{ID: db.NewID(), Name: name + strconv.Itoa(i), Province: note, Status: "active", CreatedAt: at, UpdatedAt: at}
				var out model.Region
				err := db.Tx(ctx, func(tx *gorm.DB) error {
					if err := tx.Create(&in).Error; err != nil {
						return err
					}
					return tx.Where("province = ?", note).Where("id = ?", in.ID).Take(&out).Error
				})
				if err != nil || out.Province != note {
					t.Errorf("%s, %s: %q came back as %q: %v", mode, name, note, out.Province, err)
				}
			}
		}
		var n int64
		if err := db.Read(t.Context()).Model(&model.Region{}).Count(&n).Error; err != nil || n != 14 {
			t.Errorf("%s: %d regions, %v", mode, n, err)
		}
	}
}
