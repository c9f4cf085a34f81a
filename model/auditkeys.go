package model

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
)

// auditVersion opens every MAC and hash of the trail; another key or way of making them would bear another.
const auditVersion = "1."

// AuditKeys make the MACs of the audit trail's entries and the hashes of its chain (HMAC-SHA256). Both keys come from HASH_KEY, which is
// never rotated, each for its own purpose. Safe for concurrent use.
type AuditKeys struct {
	entries, links, marks sync.Pool // of hash.Hash: an HMAC that is reset costs half of a new one
	// Since is the id from which on every entry has a MAC; older ones were written before there were MACs.
	Since ID
}

// AuditKeys derives the keys of the audit trail from the hash key.
func (s *Sealer) AuditKeys() *AuditKeys {
	pool := func(purpose string) sync.Pool {
		mac := hmac.New(sha256.New, s.hashKey)
		mac.Write([]byte("bangfu audit key " + auditVersion + purpose))
		key := mac.Sum(nil)
		return sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
	}
	return &AuditKeys{entries: pool("entry"), links: pool("link"), marks: pool("mark")}
}

// digest is the versioned digest of data under a pool's key.
func digest(pool *sync.Pool, data []byte) string {
	h := pool.Get().(hash.Hash)
	h.Reset()
	h.Write(data)
	var sum [sha256.Size]byte
	text := auditVersion + base64.RawURLEncoding.EncodeToString(h.Sum(sum[:0]))
	pool.Put(h)
	return text
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// MAC is the keyed digest of everything that an entry says, its id and moment among it (but for the MAC itself): who cannot make
// it can neither change an entry nor put one in. About a microsecond.
func (k *AuditKeys) MAC(e AuditEntry) string {
	b := make([]byte, 0, 160+len(e.Detail))
	b = binary.AppendVarint(b, int64(e.ID))
	b = binary.AppendVarint(b, e.At.UnixMilli())
	union := ID(0)
	if e.UnionID != nil {
		union = *e.UnionID
	}
	b = binary.AppendVarint(b, int64(union))
	for _, s := range []string{e.Actor, e.Action, e.Object, e.Detail, e.RequestID} {
		b = appendText(b, s)
	}
	return digest(&k.entries, b)
}

// MACOf is the MAC by which an entry is sealed: its own, or, for one written before there were MACs, the one that its content has. ok tells
// whether the entry is as it was written, as far as its MAC can tell.
func (k *AuditKeys) MACOf(e AuditEntry) (mac string, ok bool) {
	made := k.MAC(e)
	if e.MAC == "" {
		return made, e.ID < k.Since
	}
	return e.MAC, subtle.ConstantTimeCompare([]byte(made), []byte(e.MAC)) == 1
}

// Link is the hash of a seal: over the hash of the seal before it (empty: it is the first), all that the seal says, and the MACs
// of its entries in their order.
func (k *AuditKeys) Link(before string, s AuditSeal, macs []string) string {
	b := make([]byte, 0, 256+len(s.Members)+46*len(macs))
	b = appendText(b, before)
	b = binary.AppendVarint(b, s.Seq)
	b = binary.AppendVarint(b, s.SealedAt.UnixMilli())
	b = binary.AppendVarint(b, int64(s.Entries))
	b = binary.AppendVarint(b, int64(s.FirstID))
	b = binary.AppendVarint(b, int64(s.LastID))
	b = appendText(b, s.Members)
	for _, m := range macs {
		b = appendText(b, m)
	}
	return digest(&k.links, b)
}

// The mark of the id from which on entries have MACs, and how long after it was set a process of the version before may still write
// some without.
const (
	auditMark      = "audit-macs-since"
	auditMarkGrace = time.Hour
)

// UseAuditKeys lets the DB write the audit trail with the keys that come from the sealer's. Call it once, after StartIDs. On a
// database whose entries have no MACs yet it notes up to which id that is right.
func (db *DB) UseAuditKeys(ctx context.Context, s *Sealer) error {
	keys := s.AuditKeys()
	mark, err := db.auditSince(ctx, keys)
	if err != nil {
		return err
	}
	keys.Since = keys.readMark(mark)
	db.auditKeys = keys
	return nil
}

// AuditKeys are the keys given to UseAuditKeys, or nil.
func (db *DB) AuditKeys() *AuditKeys { return db.auditKeys }

// auditSince reads the mark, or sets it. Once anything is sealed a missing mark is not made up: then nothing without a MAC counts.
func (db *DB) auditSince(ctx context.Context, keys *AuditKeys) (string, error) {
	var mark Installation
	err := db.Read(ctx).Where("name = ?", auditMark).Take(&mark).Error
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return mark.Value, err
	}
	var entry AuditEntry
	var seal AuditSeal
	since := IDAt(time.Now().Add(auditMarkGrace))
	switch err := db.Read(ctx).Select("seq").Take(&seal).Error; {
	case err == nil:
		return "", nil
	case !errors.Is(err, gorm.ErrRecordNotFound):
		return "", err
	}
	switch err := db.Read(ctx).Select("id").Where("mac = ''").Take(&entry).Error; {
	case errors.Is(err, gorm.ErrRecordNotFound):
		since = 0
	case err != nil:
		return "", err
	}
	return db.firstMark(ctx, auditMark, since.String()+" "+digest(&keys.marks, []byte(since.String())))
}

// readMark is the id that a mark names; 0 for a mark that was not made with these keys.
func (k *AuditKeys) readMark(mark string) ID {
	number, mac, _ := strings.Cut(mark, " ")
	if subtle.ConstantTimeCompare([]byte(mac), []byte(digest(&k.marks, []byte(number)))) != 1 {
		return 0
	}
	n, _ := strconv.ParseInt(number, 10, 64) // as it was written, or its MAC would not fit
	return ID(n)
}
