package app_test

import (
	"strings"
	"testing"

	"bangfu/app"
	"bangfu/config"
)

// TestOccupy shows that an embedded database belongs to one process at a time, and another database to any number.
func TestOccupy(t *testing.T) {
	cfg := &config.Config{DataDir: t.TempDir() + "/new"}
	free, err := app.Occupy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Occupy(cfg); err == nil || !strings.Contains(err.Error(), "another process works on the embedded database") {
		t.Errorf("the second: %v", err)
	}
	free()
	if free, err = app.Occupy(cfg); err != nil {
		t.Errorf("after it was given free: %v", err)
	} else {
		free()
	}
	cfg.MySQLDSN = "root@tcp(127.0.0.1:1)/x"
	for range 2 {
		if _, err := app.Occupy(cfg); err != nil {
			t.Error(err)
		}
	}
}
