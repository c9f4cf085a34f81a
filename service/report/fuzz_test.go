package report

import (
	"encoding/json"
	"testing"
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
