package model

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"time"

	"github.com/bwmarrin/snowflake"
	"gorm.io/gorm"
)

// An id is 41 bits of milliseconds, 10 bits of node and 12 bits of sequence. The node number is leased in
// the database, so that processes side by side never make the same id.
const (
	idNodes   = 1024
	nodeLease = 10 * time.Minute
	nodeRenew = time.Minute
)

// StartIDs leases a node number and begins to renew the lease until Close. It must be called once,
// after Migrate and before NewID. Node leases run on the machine's own time, not the injected clock.
func (db *DB) StartIDs(ctx context.Context) error {
	holder := randomHex(16)
	first := mrand.IntN(idNodes)
	for i := range idNodes {
		n := (first + i) % idNodes
		ok, err := db.Lease(ctx, nodeName(n), holder, nodeLease)
		if err != nil {
			return fmt.Errorf("lease an id node: %w", err)
		}
		if !ok {
			continue
		}
		if db.node, err = snowflake.NewNode(int64(n)); err != nil {
			return err
		}
		renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
		db.stop = func() { stop(); _ = db.Unlease(context.WithoutCancel(ctx), nodeName(n), holder) }
		go db.renewNode(renewing, nodeName(n), holder)
		return nil
	}
	return errors.New("all id nodes are leased: more than 1024 processes on one database")
}

func nodeName(n int) string { return fmt.Sprintf("node:%d", n) }

func (db *DB) renewNode(ctx context.Context, name, holder string) {
	tick := time.NewTicker(nodeRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if ok, err := db.Lease(ctx, name, holder, nodeLease); err != nil || !ok {
				db.log.Error("id node lease not renewed", "name", name, "error", err)
			}
		}
	}
}

// NewID makes the next id. StartIDs must have been called.
func (db *DB) NewID() ID { return ID(db.node.Generate()) }

// IDAt is the lowest id that can be made at t (machine's own time), and Time tells when an id was made: for ids that NewID makes, to
// the millisecond.
func IDAt(t time.Time) ID {
	return ID(max(0, t.UnixMilli()-snowflake.Epoch) << (snowflake.NodeBits + snowflake.StepBits))
}

// Time is the moment, on the machine's own time, at which NewID made the id.
func (id ID) Time() time.Time { return time.UnixMilli(snowflake.ID(id).Time()).UTC() }

// Lease takes or renews the named lease for d on the machine's own time; false means that another holder has it.
func (db *DB) Lease(ctx context.Context, name, holder string, d time.Duration) (bool, error) {
	now := Millis(time.Now())
	got := false
	err := db.Tx(ctx, func(tx *gorm.DB) error {
		got = false
		res := tx.Model(&Lease{}).Where("name = ? AND (holder = ? OR until_at < ?)", name, holder, now).
			Updates(map[string]any{"holder": holder, "until_at": now.Add(d)})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 1 {
			got = true
			return nil
		}
		err := tx.Create(&Lease{Name: name, Holder: holder, UntilAt: now.Add(d)}).Error
		if Duplicate(err) {
			return nil
		}
		got = err == nil
		return err
	})
	return got, err
}

// Unlease gives a lease back; losing it meanwhile is no error.
func (db *DB) Unlease(ctx context.Context, name, holder string) error {
	return db.Read(ctx).Where("name = ? AND holder = ?", name, holder).Delete(&Lease{}).Error
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b)
}
