package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"

	"bangfu/model"
)

// readIDs is how many entries are read in one statement. (MariaDB makes a join of longer lists.)
const readIDs = 900

// lateAfter is when an entry without a seal is no longer only late: Seal looks through the whole trail once a day.
const lateAfter = 25 * time.Hour

// ErrNoKeys says that the DB was given no audit keys, without which the trail cannot be verified.
var ErrNoKeys = errors.New("the audit trail cannot be verified without HASH_KEY")

// Anchor is a head of the chain that somebody noted outside the database.
type Anchor struct {
	Seq  int64
	Hash string
}

// String is the anchor as the audit-head command prints it: "12:1.abc…".
func (a Anchor) String() string { return fmt.Sprintf("%d:%s", a.Seq, a.Hash) }

// ParseAnchor reads what String writes.
func ParseAnchor(text string) (Anchor, error) {
	number, hash, _ := strings.Cut(strings.TrimSpace(text), ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	a := Anchor{Seq: seq, Hash: hash}
	if err != nil || seq < 1 || hash == "" || strings.ContainsFunc(hash, unicode.IsSpace) || a.String() != strings.TrimSpace(text) {
		return Anchor{}, fmt.Errorf("%q is not SEQ:HASH, as audit-head prints it", text)
	}
	return a, nil
}

// Outcome is what verifying gave.
type Outcome struct {
	Seals, Entries int64 // verified: links of the chain, and the entries sealed in them
	Open           int64 // sound entries that have no seal yet
	Broken         int   // how much does not fit
	Head           Head
}

// verifier goes along the chain.
type verifier struct {
	tx    *gorm.DB
	keys  *model.AuditKeys
	found func(ref string)
	out   Outcome
	last  model.ID // highest id in the seals so far
}

func (v *verifier) broken(format string, args ...any) {
	v.out.Broken++
	v.found(fmt.Sprintf(format, args...))
}

// Verify goes along the whole chain, and through all entries, on the reader's view of the database, and calls found with a sentence
// for everything that does not fit, the first broken link first: seals changed or missing, entries changed, missing or put in. With an
// anchor it holds the chain against it, and verifies only what came after. It uses a few megabytes however long the trail is. That
// the end of the chain was cut off can be seen with an anchor only.
func Verify(tx *gorm.DB, db *model.DB, anchor *Anchor, found func(ref string)) (Outcome, error) {
	v := &verifier{tx: tx, keys: db.AuditKeys(), found: found}
	if v.keys == nil {
		return v.out, ErrNoKeys
	}
	at, from := Head{}, model.ID(0)
	if anchor != nil {
		var known []model.AuditSeal
		if err := tx.Where("seq = ?", anchor.Seq).Find(&known).Error; err != nil {
			return v.out, err
		}
		switch {
		case len(known) == 0:
			v.broken("audit_seal:%d 已不存在：审计链在留存的链头之前被截断", anchor.Seq)
			return v.out, nil
		case known[0].Hash != anchor.Hash:
			v.broken("audit_seal:%d 与留存的链头不符", anchor.Seq)
		}
		at, from, v.last = Head{Seq: anchor.Seq, Hash: known[0].Hash}, known[0].FirstID, known[0].LastID
	}
	if err := v.chain(at); err != nil {
		return v.out, err
	}
	if err := v.open(from, anchor != nil); err != nil {
		return v.out, err
	}
	var err error
	v.out.Head, err = head(tx)
	return v.out, err
}

// Verify is the package's Verify on one consistent view of the database.
func (s *Service) Verify(ctx context.Context, anchor *Anchor, found func(ref string)) (out Outcome, err error) {
	err = s.db.Snapshot(ctx, func(tx *gorm.DB) error {
		out, err = Verify(tx, s.db, anchor, found)
		return err
	})
	return out, err
}

// link is a seal with the ids that it holds.
type link struct {
	model.AuditSeal
	ids []model.ID
}

// chain verifies every seal after the head, in order.
func (v *verifier) chain(at Head) error {
	for {
		var seals []model.AuditSeal
		if err := v.tx.Where("seq > ?", at.Seq).Order("seq").Limit(readIDs).Find(&seals).Error; err != nil || len(seals) == 0 {
			return err
		}
		var batch []link
		var ids []model.ID
		for i, s := range seals {
			l := link{AuditSeal: s}
			l.ids, _ = unpack(s.Members) // damaged: its hash tells
			batch, ids = append(batch, l), append(ids, l.ids...)
			if i+1 < len(seals) && len(ids)+seals[i+1].Entries <= readIDs {
				continue
			}
			entries, err := entriesOf(v.tx, ids)
			if err != nil {
				return err
			}
			for _, l := range batch {
				v.seal(at, l, entries)
				at = Head{Seq: l.Seq, Hash: l.Hash}
			}
			batch, ids = batch[:0], ids[:0]
		}
	}
}

// seal verifies one seal and its entries; at is the seal before it.
func (v *verifier) seal(at Head, s link, entries map[model.ID]model.AuditEntry) {
	if s.Seq != at.Seq+1 {
		v.broken("audit_seal:%d 缺失", at.Seq+1)
	}
	v.out.Seals++
	macs := make([]string, 0, len(s.ids))
	whole := true
	legacy := v.last < later(v.keys.Since, legacyGrace)
	for _, id := range s.ids {
		e, there := entries[id]
		if !there {
			v.broken("audit_entry:%d 缺失（已封存于 audit_seal:%d）", id, s.Seq)
			whole = false
			continue
		}
		v.out.Entries++
		mac, ok := v.keys.MACOf(e)
		if !ok || e.MAC == "" && !legacy {
			v.broken("audit_entry:%d 内容与其校验码不符（已封存于 audit_seal:%d）", id, s.Seq)
		}
		macs = append(macs, mac)
	}
	v.last = max(v.last, s.LastID)
	// A missing entry was named; without its MAC the hash cannot be made. Likewise with a missing seal before.
	if whole && s.Seq == at.Seq+1 && v.keys.Link(at.Hash, s.AuditSeal, macs) != s.Hash {
		v.broken("audit_seal:%d 与其内容或前一环不符", s.Seq)
	}
}

// open looks for entries that no seal holds: sound and new ones wait for theirs, others do not belong there.
func (v *verifier) open(from model.ID, must bool) error {
	if !must {
		var all int64
		if err := v.tx.Model(&model.AuditEntry{}).Count(&all).Error; err != nil || all == v.out.Entries {
			return err
		}
	}
	now := time.Now()
	last, err := lastSealed(v.tx)
	if err != nil {
		return err
	}
	late := later(reached(last, now), -lateAfter)
	for done := false; !done; {
		var ids []model.ID
		if ids, from, done, err = unsealed(v.tx, from, readEntries); err != nil {
			return err
		}
		for len(ids) > 0 {
			some := ids[:min(readIDs, len(ids))]
			ids = ids[len(some):]
			if err := v.openSome(some, late); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) openSome(ids []model.ID, late model.ID) error {
	entries, err := entriesOf(v.tx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, ok := v.keys.MACOf(entries[id])
		switch {
		case !ok:
			v.broken("audit_entry:%d 不是由本系统写入的，或已被改动", id)
		case id < late:
			v.broken("audit_entry:%d 一直没有封存", id)
		default:
			v.out.Open++
		}
	}
	return nil
}

// entriesOf reads entries by their ids.
func entriesOf(tx *gorm.DB, ids []model.ID) (map[model.ID]model.AuditEntry, error) {
	found := make(map[model.ID]model.AuditEntry, len(ids))
	for len(ids) > 0 {
		some := ids[:min(readIDs, len(ids))]
		ids = ids[len(some):]
		var list strings.Builder
		for i, id := range some {
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteString(id.String())
		}
		// Numbers only. As parameters so many would cost the embedded database's driver more than the reading.
		rows, err := tx.Raw("SELECT id, at, actor, action, object, union_id, detail, request_id, mac FROM audit_entries WHERE id IN (" + list.String() + ")").Rows()
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var e model.AuditEntry
			if err = rows.Scan(&e.ID, &e.At, &e.Actor, &e.Action, &e.Object, &e.UnionID, &e.Detail, &e.RequestID, &e.MAC); err != nil {
				break
			}
			found[e.ID] = e
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return found, nil
}
