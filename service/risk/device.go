package risk

import (
	"slices"
	"time"

	"bangfu/model"
)

// sharedDevice finds devices on which many members logged in: by the index sessions_created alone, then the members of those that
// fire. It goes through its whole window each time, since a login counts from the moment its account is bound and has agreed.
func sharedDevice(l look) ([]finding, error) {
	var devices []string
	err := l.tx.Raw("SELECT device_hash FROM sessions WHERE created_at >= ? AND device_hash <> '' GROUP BY device_hash HAVING COUNT(DISTINCT subject_id) >= ?",
		l.from, l.set.Threshold).Scan(&devices).Error
	if err != nil {
		return nil, err
	}
	by := map[string]finding{}
	for part := range slices.Chunk(devices, chunk) {
		var rows []struct {
			DeviceHash         string
			MemberID, PersonID model.ID
			UnionID            model.ID
			CreatedAt          time.Time
		}
		err := l.tx.Raw("SELECT s.device_hash, m.id AS member_id, m.person_id, m.union_id, s.created_at FROM sessions s JOIN wechat_accounts a ON a.id = s.subject_id "+
			"JOIN members m ON m.person_id = a.person_id WHERE s.created_at >= ? AND s.audience = 'member' AND s.device_hash IN ? ORDER BY m.status, m.id", l.from, part).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			f, ok := by[r.DeviceHash]
			if !ok {
				f = finding{key: r.DeviceHash, unions: unionSet{}, first: r.CreatedAt, last: r.CreatedAt, persons: map[model.ID]bool{}}
			}
			if !slices.Contains(f.evidence.Members, r.MemberID) {
				f.evidence.Members = append(f.evidence.Members, r.MemberID)
			}
			f.persons[r.PersonID], f.unions[r.UnionID] = true, true
			f.first, f.last = earlier(f.first, r.CreatedAt), later(f.last, r.CreatedAt)
			by[r.DeviceHash] = f
		}
	}
	var found []finding
	for _, f := range by {
		if f.size = int64(len(f.persons)); f.size >= l.set.Threshold {
			f.figures = []figure{{"persons", f.size}, {"unions", int64(len(f.unions))}}
			found = append(found, f)
		}
	}
	return found, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
