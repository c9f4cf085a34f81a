package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Once runs effect in one transaction and stores its answer under the actor's idempotency key in that same
// transaction. The same key with the same content gets the stored answer again, without a second effect, also
// when both run at once; with other content it is refused with CodeIdempotencyMismatch. content is what the
// request asked for (it is hashed as JSON). Like Tx, effect may run again after a deadlock.
func Once[T any](ctx context.Context, db *DB, actor Actor, key string, content any, effect func(tx *gorm.DB) (T, error)) (T, error) {
	hash, err := contentHash(content)
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
	hash, err := contentHash(content)
	if err != nil {
		return answer, false, err
	}
	return storedAnswer[T](db.Read(ctx), actor, key, hash)
}

func contentHash(content any) (string, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func storedAnswer[T any](tx *gorm.DB, actor Actor, key, hash string) (answer T, found bool, err error) {
	if key == "" {
		return answer, false, Invalid("Idempotency-Key", "缺少 Idempotency-Key")
	}
	var row IdempotencyKey
	err = tx.Where("actor = ? AND idem_key = ?", actor.Ref(), key).Take(&row).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return answer, false, nil
	case err != nil:
		return answer, false, err
	case row.ContentHash != hash:
		return answer, false, E(CodeIdempotencyMismatch, "该 Idempotency-Key 已用于内容不同的请求")
	}
	err = json.Unmarshal([]byte(row.Response), &answer)
	return answer, true, err
}

func storeAnswer(tx *gorm.DB, actor Actor, key, hash string, now time.Time, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return tx.Create(&IdempotencyKey{Actor: actor.Ref(), IdemKey: key, ContentHash: hash, Response: string(text), CreatedAt: now}).Error
}
