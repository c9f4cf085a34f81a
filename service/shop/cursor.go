package shop

import (
	"encoding/base64"
	"encoding/json"

	"bangfu/model"
)

// place is where a page of the members' list ends: the last item's sort value, pairing and id. It travels as an opaque
// cursor, so that pages neither skip nor repeat a product whose sort value did not change.
type place struct {
	Sort   string   `json:"s"`
	Value  int64    `json:"v"` // fen, count, class or milliseconds, by sort
	Paired int      `json:"p"` // 0 or 1
	ID     model.ID `json:"i"`
}

func (p place) cursor() string {
	text, _ := json.Marshal(p) // a struct of numbers and a string always marshals
	return base64.RawURLEncoding.EncodeToString(text)
}

// readPlace reads a cursor made for the same sort; anything else is CodeInvalid.
func readPlace(cursor, sort string) (place, error) {
	var p place
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(text) > 200 || json.Unmarshal(text, &p) != nil || p.Sort != sort || p.ID <= 0 || p.Paired < 0 || p.Paired > 1 {
		return place{}, model.Invalid("cursor", "cursor 不正确，或不是这种排序的")
	}
	return p, nil
}
