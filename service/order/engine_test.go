package order

import (
	"context"
	"errors"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestWary shows after what the next batches are wary: keys that come twice, too little stock and errors of the database; not after an order
// number that was taken.
func TestWary(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		eager  error // of the first run
		reruns int   // of the wary one
		wary   error // of the last run
		replay bool
		next   int64 // batches that are wary then
	}{
		"all well":               {next: 0},
		"a number was taken":     {eager: model.ErrExists, next: 0},
		"again and again":        {eager: model.ErrExists, reruns: 2, next: 0},
		"a key came twice":       {eager: model.ErrExists, replay: true, next: waryFor},
		"less stock than seemed": {eager: errShort, next: waryFor},
		"the database refuses":   {eager: broken, next: waryFor},
		"it refuses then":        {eager: model.ErrExists, wary: broken, next: waryFor},
	} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			e := &engine{db: modeltest.Open(t, nil), place: func(_ *gorm.DB, batch []*ticket, wary bool) ([]answer, error) {
				runs++
				switch {
				case wary != (runs > 1):
					t.Errorf("run %d: wary is %v", runs, wary)
				case !wary:
					return make([]answer, len(batch)), c.eager
				case runs-2 < c.reruns:
					return nil, model.ErrRerun
				}
				answers := make([]answer, len(batch))
				answers[0].replay = c.replay
				return answers, c.wary
			}}
			answers, err := e.attempt(context.Background(), []*ticket{{}, {}}, e.eager())
			failed := errors.Is(c.eager, broken) || c.wary != nil
			if (err != nil) != failed || !failed && len(answers) != 2 {
				t.Errorf("%d answers, %v", len(answers), err)
			}
			if got := e.wary.Load(); got != c.next {
				t.Errorf("%d batches more are wary, want %d", got, c.next)
			}
		})
	}
}
