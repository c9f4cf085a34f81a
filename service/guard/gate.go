package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/redis/go-redis/v9"
)

// The scripts are sent whole (EVAL): they are short, and a server that restarted or failed over knows
// none by its hash.
const (
	releaseScript = `for i=1,#KEYS do
if redis.call('GET',KEYS[i])==ARGV[1] then redis.call('DEL',KEYS[i]) end
end
return 0`

	// GCRA whose state is the key's remaining life: no clock is read, none can disagree.
	// ARGV: milliseconds between two calls, milliseconds of the whole burst. Returns the wait in ms, 0 = allowed.
	allowScript = `local t=redis.call('PTTL',KEYS[1])
if t<0 then t=0 end
t=t+ARGV[1]
if t>tonumber(ARGV[2]) then return t-ARGV[2] end
redis.call('SET',KEYS[1],1,'PX',t)
return 0`
)

// Once is a gate through which only one caller goes at a time: ok is false while another holds the
// key. The holder calls release when done (never nil, harmless when called again or late, and only
// ever opens its own hold); a hold that is not released ends after ttl (at least 1 ms). It fails open:
// without Redis every caller gets ok.
func (g *Guard) Once(ctx context.Context, key string, ttl time.Duration) (release func(), ok bool) {
	k, token := g.key("once", key), rand.Text()
	var took *redis.BoolCmd
	var holder *redis.StringCmd
	err := g.run(ctx, func(p redis.Pipeliner) {
		took = p.SetNX(context.Background(), k, token, atLeastMilli(ttl))
		holder = p.Get(context.Background(), k) // a cluster client repeats commands whose answer was lost: we may hold it already
	})
	if err == nil && !took.Val() && holder.Val() != token {
		g.count("once", refused)
		return func() {}, false
	}
	g.outcome("once", err)
	return g.releaser(ctx, k, token, err), true
}

// releaser opens the hold of token on key k. After an error the hold may exist all the same (the
// answer was lost), so it is released too, unless Redis was never asked.
func (g *Guard) releaser(ctx context.Context, k, token string, err error) func() {
	if notAsked(err) {
		return func() {}
	}
	ctx = context.WithoutCancel(ctx) // the request may have ended; its hold should too
	free := func() {
		g.outcome("release", g.run(ctx, func(p redis.Pipeliner) {
			p.Eval(context.Background(), releaseScript, []string{k}, token)
		}))
	}
	if err != nil {
		return func() { go free() } // whoever waited in vain once shall not wait again
	}
	return free
}

// Allow is a rate limit: subject may do name limit times at once, and again as time passes, limit times
// in per. If not, retryAfter says when the next call is let through. The spacing per/limit is counted
// in whole milliseconds, at least one. name is a word of the program; subject (a phone number, an
// address) is only ever stored hashed. It fails open, so a limit that security rests on (guesses of a
// password) must be kept in the database as well.
func (g *Guard) Allow(ctx context.Context, name, subject string, limit int, per time.Duration) (ok bool, retryAfter time.Duration) {
	if g.lifted.Load() {
		return true, 0
	}
	k := g.key("allow:"+name, subject)
	gap, burst := spacing(limit, per)
	var wait *redis.Cmd
	err := g.run(ctx, func(p redis.Pipeliner) {
		wait = p.Eval(context.Background(), allowScript, []string{k}, gap, burst)
	})
	if err == nil && reply(wait, 0) > 0 {
		g.count("allow", refused)
		return false, time.Duration(reply(wait, 0)) * time.Millisecond
	}
	g.outcome("allow", err)
	return true, 0
}

// LiftLimits has Allow let everything through until it is called with false: for the demonstration, in which a year's
// logins come from one address within seconds.
func (g *Guard) LiftLimits(on bool) { g.lifted.Store(on) }

// spacing turns a limit into the milliseconds between two calls and those of a whole burst.
func spacing(limit int, per time.Duration) (gap, burst int64) {
	limit = max(limit, 1)
	gap = max(per.Milliseconds()/int64(limit), 1)
	return gap, gap * int64(limit)
}

// key builds a key of one hash slot; what callers hand in (which may be a secret or a person's data) is
// in it only as a hash.
func (g *Guard) key(kind, id string) string {
	sum := sha256.Sum256([]byte(id))
	return g.prefix + "{" + kind + ":" + hex.EncodeToString(sum[:16]) + "}"
}

// atLeastMilli cuts d to whole milliseconds, at least one: Redis counts no finer, and none would be for ever.
func atLeastMilli(d time.Duration) time.Duration {
	return max(d.Truncate(time.Millisecond), time.Millisecond)
}

// reply is the i-th integer that a script returned (0 if there is none); a single integer is its 0th.
func reply(cmd *redis.Cmd, i int) int64 {
	if list, err := cmd.Int64Slice(); err == nil {
		if i < len(list) {
			return list[i]
		}
		return 0
	}
	n, _ := cmd.Int64()
	return n
}
