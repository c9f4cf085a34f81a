package guard

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"

	"bangfu/model"
)

// The checkout door's measures.
const (
	DefaultDoorLimit = 20               // checkouts one member may try at once, and in every DoorPer
	DoorPer          = 10 * time.Second // see DefaultDoorLimit
	DoorHold         = 10 * time.Second // after which a hold that was never released ends
)

// Outcome is what the door says.
type Outcome int

// The door's outcomes, in the order in which they are looked for.
const (
	Pass     Outcome = iota // go on; also whenever Redis is away
	Flood                   // the member tries too often
	InFlight                // another checkout of the member is under way
	SoldOut                 // one of the SKUs has nothing left
)

// Verdict is the door's answer. SKU is set with SoldOut, RetryAfter with Flood.
type Verdict struct {
	Outcome    Outcome
	SKU        model.ID
	RetryAfter time.Duration
}

// doorScript decides in one go. KEYS: hold, rate, sold-out marks (none in a cluster, where they live in
// other slots). ARGV: token, hold ms, gap ms (0 = no limit), burst ms. Returns {outcome, detail}.
const doorScript = `local g=tonumber(ARGV[3])
if g>0 then
local t=redis.call('PTTL',KEYS[2])
if t<0 then t=0 end
t=t+g
if t>tonumber(ARGV[4]) then return {1,t-ARGV[4]} end
redis.call('SET',KEYS[2],1,'PX',t)
end
local o=redis.call('GET',KEYS[1])
if o and o~=ARGV[1] then return {2,0} end
for i=3,#KEYS do
if redis.call('EXISTS',KEYS[i])==1 then return {3,i-3} end
end
redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
return {0,0}`

// Door is what a checkout passes before it may cost a transaction: one member at a time, not too
// often, nothing that is known to be sold out. It is one round trip. Call release (never nil) when the
// checkout has been answered. It fails open: the database decides alone then.
func (g *Guard) Door(ctx context.Context, member model.ID, skus []model.ID) (v Verdict, release func()) {
	hold := g.prefix + "{m" + member.String() + "}:hold"
	keys := append(make([]string, 0, 2+len(skus)), hold, g.prefix+"{m"+member.String()+"}:rate")
	if !g.cluster {
		for _, sku := range skus {
			keys = append(keys, g.soldOutKey(sku))
		}
	}
	var gap, burst int64
	if g.doorLimit > 0 {
		gap, burst = spacing(g.doorLimit, DoorPer)
	}
	token := rand.Text()
	var said *redis.Cmd
	marks := make([]*redis.IntCmd, 0, len(skus))
	lane := laneOf(member) // a member's hold is taken and released in this order
	err := g.runIn(ctx, lane, func(p redis.Pipeliner) {
		said = p.Eval(context.Background(), doorScript, keys, token, DoorHold.Milliseconds(), gap, burst)
		if g.cluster {
			for _, sku := range skus {
				marks = append(marks, p.Exists(context.Background(), g.soldOutKey(sku)))
			}
		}
	})
	release = func() {}
	if !notAsked(err) { // after another error the hold may exist all the same: the answer was lost
		release = func() {
			g.post(lane, func(p redis.Pipeliner) { p.Eval(context.Background(), releaseScript, []string{hold}, token) }, func(err error) { g.outcome("release", err) })
		}
	}
	if err == nil {
		v = verdict(said, marks, skus)
	}
	if v.Outcome == Pass {
		g.outcome("door", err)
		return v, release
	}
	g.count("door", refused)
	if v.Outcome == SoldOut && g.cluster {
		release() // the hold was taken before the marks were known
	}
	return v, func() {}
}

// laneOf spreads members over the lanes; the last digits of ids alone would not.
func laneOf(member model.ID) int { return int(uint64(member) * 0x9E3779B97F4A7C15 >> 32 % senders) }

// verdict puts the script's answer and, in a cluster, the marks together.
func verdict(said *redis.Cmd, marks []*redis.IntCmd, skus []model.ID) Verdict {
	detail := reply(said, 1)
	switch outcome := Outcome(reply(said, 0)); outcome {
	case Flood:
		return Verdict{Outcome: Flood, RetryAfter: time.Duration(detail) * time.Millisecond}
	case SoldOut:
		return Verdict{Outcome: SoldOut, SKU: skus[detail]}
	case InFlight:
		return Verdict{Outcome: InFlight}
	}
	for i, mark := range marks {
		if mark.Val() > 0 {
			return Verdict{Outcome: SoldOut, SKU: skus[i]}
		}
	}
	return Verdict{}
}

// MarkSoldOut has the door turn checkouts of the SKU away for ttl (at least 1 ms). Mark only what has
// nothing left at all, and for a few seconds: a mark that is wrong, because stock came back at the same
// moment or a ClearSoldOut was lost, lasts that long.
func (g *Guard) MarkSoldOut(ctx context.Context, sku model.ID, ttl time.Duration) {
	k := g.soldOutKey(sku)
	g.outcome("mark", g.run(ctx, func(p redis.Pipeliner) {
		p.Set(context.Background(), k, 1, atLeastMilli(ttl))
	}))
}

// ClearSoldOut takes marks away, after stock came in or back and the transaction has committed.
func (g *Guard) ClearSoldOut(ctx context.Context, skus ...model.ID) {
	if len(skus) == 0 {
		return
	}
	g.outcome("clear", g.run(context.WithoutCancel(ctx), func(p redis.Pipeliner) {
		for _, sku := range skus {
			p.Del(context.Background(), g.soldOutKey(sku))
		}
	}))
}

func (g *Guard) soldOutKey(sku model.ID) string { return g.prefix + "{s" + sku.String() + "}:out" }
