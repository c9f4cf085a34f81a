package report

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"bangfu/model"
)

// FuzzAuditEntry: whatever an entry says, it is shown as sound JSON with names for action and actor.
func FuzzAuditEntry(f *testing.F) {
	f.Add("grant.approve", "staff:1", "grant:7", `{"a":1}`)
	f.Add("", "", "", `null`)
	f.Add(".", "clock", "x", `"\u202e"`)
	f.Fuzz(func(t *testing.T, action, actor, object, detail string) {
		if !json.Valid([]byte(detail)) || !utf8.ValidString(action+actor+object) {
			return // the trail writes details by json.Marshal
		}
		v := auditRow{AuditEntry: model.AuditEntry{ID: 1, Action: action, Actor: actor, Object: object, Detail: detail}}.view()
		if b, err := json.Marshal(v); err != nil || !json.Valid(b) {
			t.Errorf("%+v: %v", v, err)
		}
		if id, ok := staffID(actor); ok && "staff:"+id.String() != actor {
			t.Errorf("%q is taken for account %d", actor, id)
		}
	})
}

// FuzzMoment: a moment that a form or list was shown with is refused in words or lies where every database can hold it, and in whole
// milliseconds, as it was answered.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{"2026-11-24T07:04:05Z", "2026-11-24T15:04:05.123+08:00", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-24", "2026-11-24T07:04:05,5Z", "2026-11-24T24:00:00Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := shownMoment(text)
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		if y := at.UTC().Year(); y < 1900 || y > 9999 || !model.Millis(at).Equal(at) {
			t.Errorf("%q is %v", text, at)
		}
		if again, err := shownMoment(at.Format(time.RFC3339Nano)); err != nil || !again.Equal(at) {
			t.Errorf("%q is %v and then %v, %v", text, at, again, err)
		}
	})
}
