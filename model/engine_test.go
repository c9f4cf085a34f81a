package model_test

import (
	"os"
	"strings"
	"testing"

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
	separator := "?"
	if strings.Contains(o.MySQLDSN, "?") {
		separator = "&"
	}
	o.MySQLDSN += separator + "sql_mode=''"
	db := modeltest.OpenWith(t, o)
	now := db.Now()
	region := model.Region{ID: db.NewID(), Name: strings.Repeat("长", 300), Province: "广东省", Status: "active", CreatedAt: now, UpdatedAt: now}
	if err := db.Read(t.Context()).Create(&region).Error; err == nil {
		t.Error("a name of 300 characters is taken")
	}
}
