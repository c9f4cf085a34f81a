package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Once runs effect in one transaction and stores its answer under the actor's idempotency key in that same
// transaction. The same key with the same content gets the stored answer again, without a second effect, also
// when both run at once; with other content it is refused with CodeIdempotencyMismatch. content is what the
// request asked for (it is hashed as JSON). Like Tx, effect may run again after a deadlock.
func Once[T any](ctx context.Context, db *DB, actor Actor, key string, content any, effect func(tx *gorm.DB) (T, error)) (T, error) {
	hash, err := ContentHash(content)
	if err != nil {
		var none T
		return none, err
	}
	stored, found, err := storedAnswer[T](db.Read(ctx), actor, key, hash)
	if found || err != nil {
		return stored, err
	}
	var answer T
	err = db.Tx(ctx, func(tx *gorm.DB) error {
		if answer, err = effect(tx); err != nil {
			return err
		}
		return storeAnswer(tx, actor, key, hash, db.Now(), answer)
	})
	if err == nil {
		return answer, nil
	}
	// A twin of this request may have won meanwhile: its answer is ours.
	if stored, found, again := storedAnswer[T](db.Read(ctx), actor, key, hash); found || again != nil {
		return stored, again
	}
	var none T
	if Duplicate(err) {
		err = fmt.Errorf("unexpected duplicate: %w", err)
	}
	return none, err
}

// Answered looks up the answer that Once stored for the actor's key and this content, without doing anything.
// Errors: CodeIdempotencyMismatch if the key was used for other content.
func Answered[T any](ctx context.Context, db *DB, actor Actor, key string, content any) (answer T, found bool, err error) {
	hash, err := ContentHash(content)
	if err != nil {
		return answer, false, err
	}
	return storedAnswer[T](db.Read(ctx), actor, key, hash)
}

// ContentHash is what a key is remembered with besides itself: the digest of the request's content as JSON.
func ContentHash(content any) (string, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// CheckKey refuses a missing key with CodeInvalid.
func CheckKey(key string) error {
	if key == "" {
		return Invalid("Idempotency-Key", "缺少 Idempotency-Key")
	}
	return nil
}

func storedAnswer[T any](tx *gorm.DB, actor Actor, key, hash string) (answer T, found bool, err error) {
	if err := CheckKey(key); err != nil {
		return answer, false, err
	}
	var row IdempotencyKey
	err = tx.Where("actor = ? AND idem_key = ?", actor.Ref(), key).Take(&row).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return answer, false, nil
	case err != nil:
		return answer, false, err
	}
	answer, err = AnswerOf[T](row, hash)
	return answer, err == nil, err
}

// AnswerOf is the answer that a stored key stands for. Errors: CodeIdempotencyMismatch if it was used for other content.
func AnswerOf[T any](row IdempotencyKey, hash string) (answer T, err error) {
	if row.ContentHash != hash {
		return answer, E(CodeIdempotencyMismatch, "该 Idempotency-Key 已用于内容不同的请求")
	}
	err = json.Unmarshal([]byte(row.Response), &answer)
	return answer, err
}

// KeyRef names an idempotency key: whose, and which.
type KeyRef struct{ Actor, Key string }

// StoredKeys reads many keys at once; those that are not stored are missing in the answer.
func StoredKeys(tx *gorm.DB, refs []KeyRef) (map[KeyRef]IdempotencyKey, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	args := make([]any, 0, 2*len(refs))
	for _, r := range refs {
		args = append(args, r.Actor, r.Key)
	}
	const one = "(actor = ? AND idem_key = ?)"
	var rows []IdempotencyKey
	if err := tx.Where(one+strings.Repeat(" OR "+one, len(refs)-1), args...).Find(&rows).Error; err != nil {
		return nil, err
	}
	found := make(map[KeyRef]IdempotencyKey, len(rows))
	for _, row := range rows {
		found[KeyRef{row.Actor, row.IdemKey}] = row
	}
	return found, nil
}

func storeAnswer(tx *gorm.DB, actor Actor, key, hash string, now time.Time, answer any) error {
	row, err := NewKey(actor, key, hash, now, answer)
	if err != nil {
		return err
	}
	return tx.Create(&row).Error
}

// NewKey is a key as it is stored with the answer that it stands for.
func NewKey(actor Actor, key, hash string, now time.Time, answer any) (IdempotencyKey, error) {
	text, err := json.Marshal(answer)
	return IdempotencyKey{Actor: actor.Ref(), IdemKey: key, ContentHash: hash, Response: string(text), CreatedAt: now}, err
}
