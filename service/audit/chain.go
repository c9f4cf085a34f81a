// Package audit seals the audit trail into a chain and verifies it. Entries are written by many transactions at once, each with
// a MAC of its own (model.AuditKeys); a chore, one at a time, puts committed entries into seals, each of which holds the hash of the one
// before it. See docs/adr/0019-audit-chain.md.
package audit

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// The bounds of one seal: how many entries, and how far its first and last may lie apart by the time of their ids. The second keeps the
// seals that concern a range of ids together, however late an entry was found.
const (
	sealEntries = 800
	sealSpan    = time.Minute
)

// legacyGrace is how long after the first process with MACs entries without one may still be sealed: until the upgrade has come through
// everything that was there.
const legacyGrace = 24 * time.Hour

// later is the id so much later (or, negative, earlier) than id.
func later(id model.ID, d time.Duration) model.ID {
	return model.IDAt(id.Time().Add(d))
}

// pack writes rising ids as a seal keeps them.
func pack(ids []model.ID) string {
	b := make([]byte, 0, 10+4*len(ids))
	before := model.ID(0)
	for _, id := range ids {
		b = binary.AppendUvarint(b, uint64(id-before))
		before = id
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

var errPacked = errors.New("not packed ids")

// unpack reads what pack wrote.
func unpack(text string) ([]model.ID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errPacked
	}
	var ids []model.ID
	before := model.ID(0)
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n == 0 || n > math.MaxInt64-uint64(before) {
			return nil, errPacked
		}
		before += model.ID(n)
		ids, b = append(ids, before), b[size:]
	}
	if pack(ids) != text { // line ends, which the decoder skips, and numbers longer than they need be
		return nil, errPacked
	}
	return ids, nil
}

// unsealed finds the committed entries without a seal among the next most entries from an id on. next is where to go on; done
// tells that there are none after these. Locks nothing. It reads ids only, since most of what it looks at is sealed.
func unsealed(tx *gorm.DB, from model.ID, most int) (open []model.ID, next model.ID, done bool, err error) {
	ids, err := scanIDs(tx, from, most)
	if err != nil || len(ids) == 0 {
		return nil, from, true, err
	}
	last := ids[len(ids)-1]
	sealed, err := sealedIDs(tx, from, last, len(ids))
	if err != nil {
		return nil, from, false, err
	}
	for _, id := range ids {
		if !sealed[id] {
			open = append(open, id)
		}
	}
	return open, last + 1, len(ids) < most, nil
}

func scanIDs(tx *gorm.DB, from model.ID, most int) (ids []model.ID, err error) {
	rows, err := tx.Raw("SELECT id FROM audit_entries WHERE id >= ? ORDER BY id LIMIT ?", from, most).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, model.ID(id))
	}
	return ids, rows.Err()
}

// storedMACs are the MACs of entries as they are stored. The ids rise.
func storedMACs(tx *gorm.DB, ids []model.ID) ([]model.AuditEntry, error) {
	wanted := make(map[model.ID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	rows, err := tx.Raw("SELECT id, mac FROM audit_entries WHERE id BETWEEN ? AND ? ORDER BY id", ids[0], ids[len(ids)-1]).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := make([]model.AuditEntry, 0, len(ids))
	for rows.Next() {
		var e model.AuditEntry
		if err := rows.Scan(&e.ID, &e.MAC); err != nil {
			return nil, err
		}
		if wanted[e.ID] {
			found = append(found, e)
		}
	}
	return found, rows.Err()
}

// sealedIDs are the ids between first and last that have a seal. A damaged seal holds none: verifying names it.
func sealedIDs(tx *gorm.DB, first, last model.ID, about int) (map[model.ID]bool, error) {
	rows, err := tx.Model(&model.AuditSeal{}).Select("members").Where("last_id >= ? AND last_id <= ?", first, later(last, sealSpan+time.Second)).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	sealed := make(map[model.ID]bool, about)
	for rows.Next() {
		var members string
		if err := rows.Scan(&members); err != nil {
			return nil, err
		}
		ids, _ := unpack(members)
		for _, id := range ids {
			if id >= first && id <= last {
				sealed[id] = true
			}
		}
	}
	return sealed, rows.Err()
}

// lastSealed is the highest id that has a seal, 0 if nothing has.
func lastSealed(tx *gorm.DB) (model.ID, error) {
	var s []model.AuditSeal
	err := tx.Select("last_id").Order("last_id DESC").Limit(1).Find(&s).Error
	if err != nil || len(s) == 0 {
		return 0, err
	}
	return s[0].LastID, nil
}

// reached is how far the chain has come by id, but not further than now: the ids of a machine whose clock ran ahead do not count.
func reached(last model.ID, now time.Time) model.ID { return min(last, model.IDAt(now)) }
