package reconcile_test

import (
	"context"
	"testing"

	"bangfu/model/modeltest"
	"bangfu/service/reconcile"
)

// TestEmpty shows that every statement runs on the database and that an empty one is sound.
func TestEmpty(t *testing.T) {
	db := modeltest.Open(t, nil)
	r, err := reconcile.Run(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() {
		t.Errorf("%+v", r)
	}
}
