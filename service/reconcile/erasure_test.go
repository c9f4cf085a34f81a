package reconcile_test

import (
	"time"

	"bangfu/model"
)

// erasureRows is somebody who was erased.
func erasureRows(at time.Time) []any {
	one, two := model.ID(1), model.ID(2)
	return []any{
		&model.Person{ID: 900, IDNumberHash: "erased:900", CreatedAt: at},
		&model.Member{ID: 901, UnionID: 1, PersonID: 900, Name: model.ErasedName, Status: "left", JoinedAt: at, LeftAt: &at, CreatedAt: at, UpdatedAt: at},
		&model.Erasure{ID: 902, PersonID: 900, UnionID: 1, Status: "done", RequestedAt: at, DraftedBy: &one, DraftedAt: &at, DecidedBy: &two, DecidedAt: &at, FinishedAt: &at, UpdatedAt: at},
	}
}

var erasureBreaks = []breach{
	{"erasures", "erasure:902", "UPDATE erasures SET decided_by = drafted_by"},
	{"erasures", "member:901", "UPDATE members SET phone_hash = 'x' WHERE id = 901"},
	{"erasures", "person:900", "UPDATE persons SET id_number_hash = 'x' WHERE id = 900"},
	{"cap_rows", "person:900 2025", "INSERT INTO cap_tombstones (id, person_id, year, granted_fen, new_person_id, created_at) VALUES (1, 10, 2025, 5, 900, '2025-01-01 00:00:00')"},
}
