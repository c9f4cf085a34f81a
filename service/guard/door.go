package guard

import (
	"context"
	"crypto/rand"
	"strconv"
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

// Caller is somebody before the door with what their cart holds.
type Caller struct {
	Member model.ID
	SKUs   []model.ID
}

// doorScript decides for n callers in one go. KEYS: hold and rate of each, then sold-out marks (none in a cluster, where they live in other
// slots). ARGV: token, hold ms, gap ms (0 = no limit), burst ms, n, and for each caller the numbers of its marks. Returns outcome and detail of each.
const doorScript = `local gap,burst,n=tonumber(ARGV[3]),tonumber(ARGV[4]),tonumber(ARGV[5])
local said,out={},{}
for i=1,n do
local hold,rate,o,d=KEYS[2*i-1],KEYS[2*i],0,0
if gap>0 then
local t=redis.call('PTTL',rate)
if t<0 then t=0 end
t=t+gap
if t>burst then o,d=1,t-burst else redis.call('SET',rate,1,'PX',t) end
end
if o==0 then
local held=redis.call('GET',hold)
if held and held~=ARGV[1] then o=2 end
end
if o==0 then
for m in string.gmatch(ARGV[5+i],'%d+') do
m=tonumber(m)
if out[m]==nil then out[m]=redis.call('EXISTS',KEYS[2*n+m+1])==1 end
if out[m] then o,d=3,m break end
end
end
if o==0 then redis.call('SET',hold,ARGV[1],'PX',ARGV[2]) end
said[2*i-1],said[2*i]=o,d
end
return said`

// Door is what a checkout passes before it may cost a transaction: one member at a time, not too
// often, nothing that is known to be sold out. It is one round trip. Call release (never nil) when the
// checkout has been decided. It fails open: the database decides alone then.
func (g *Guard) Door(ctx context.Context, member model.ID, skus []model.ID) (v Verdict, release func()) {
	verdicts, release := g.Doors(ctx, []Caller{{member, skus}})
	return verdicts[0], release
}

// doorLane is the lane of all that goes through the door: a member's hold is taken and released in the order of the calls.
const doorLane = 0

// Doors is Door for callers who come together, no member twice: one script for all of them (in a cluster one each). A verdict for each,
// and one release for all who passed.
func (g *Guard) Doors(ctx context.Context, callers []Caller) (verdicts []Verdict, release func()) {
	d := newDoor(g, callers)
	err := g.runIn(ctx, doorLane, d.ask)
	verdicts = make([]Verdict, len(callers))
	if err == nil {
		verdicts = d.verdicts()
	}
	var held []string
	for i, v := range verdicts {
		if v.Outcome == Pass {
			g.outcome("door", err)
		} else {
			g.count("door", refused)
		}
		if v.Outcome == Pass || g.cluster && v.Outcome == SoldOut { // in a cluster the hold was taken before the marks were known
			held = append(held, d.holds[i])
		}
	}
	if notAsked(err) || len(held) == 0 { // after another error the holds may exist all the same: the answer was lost
		return verdicts, func() {}
	}
	return verdicts, func() {
		g.post(doorLane, func(p redis.Pipeliner) { d.free(p, held) }, func(err error) { g.outcome("release", err) })
	}
}

// door is one call of Doors.
type door struct {
	g       *Guard
	callers []Caller
	token   string
	holds   []string // a key for each caller
	skus    []model.ID
	numbers map[model.ID]int // of the SKUs among skus
	said    []*redis.Cmd     // the script's answers: one, in a cluster one a caller
	marks   []*redis.IntCmd  // in a cluster, by SKU
}

func newDoor(g *Guard, callers []Caller) *door {
	d := &door{g: g, callers: callers, token: rand.Text(), holds: make([]string, len(callers)), numbers: map[model.ID]int{}}
	for i, c := range callers {
		d.holds[i] = g.prefix + "{m" + c.Member.String() + "}:hold"
		for _, sku := range c.SKUs {
			if _, known := d.numbers[sku]; !known {
				d.numbers[sku] = len(d.skus)
				d.skus = append(d.skus, sku)
			}
		}
	}
	return d
}

// ask adds the commands that ask for all callers.
func (d *door) ask(p redis.Pipeliner) {
	if !d.g.cluster {
		d.said = append(d.said, d.eval(p, 0, len(d.callers)))
		return
	}
	for i := range d.callers {
		d.said = append(d.said, d.eval(p, i, i+1))
	}
	for _, sku := range d.skus {
		d.marks = append(d.marks, p.Exists(context.Background(), d.g.soldOutKey(sku)))
	}
}

// eval adds the script for some callers.
func (d *door) eval(p redis.Pipeliner, from, to int) *redis.Cmd {
	var gap, burst int64
	if d.g.doorLimit > 0 {
		gap, burst = spacing(d.g.doorLimit, DoorPer)
	}
	keys := make([]string, 0, 2*(to-from)+len(d.skus))
	args := append(make([]any, 0, 5+to-from), d.token, DoorHold.Milliseconds(), gap, burst, to-from)
	for i := from; i < to; i++ {
		keys = append(keys, d.holds[i], d.g.prefix+"{m"+d.callers[i].Member.String()+"}:rate")
		args = append(args, d.numbersOf(d.callers[i]))
	}
	if !d.g.cluster {
		for _, sku := range d.skus {
			keys = append(keys, d.g.soldOutKey(sku))
		}
	}
	return p.Eval(context.Background(), doorScript, keys, args...)
}

// numbersOf are the numbers of a caller's marks for the script: "0 3". In a cluster it has none.
func (d *door) numbersOf(c Caller) string {
	if d.g.cluster {
		return ""
	}
	var text []byte
	for _, sku := range c.SKUs {
		text = append(strconv.AppendInt(text, int64(d.numbers[sku]), 10), ' ')
	}
	return string(text)
}

// verdicts puts the script's answers and, in a cluster, the marks together.
func (d *door) verdicts() []Verdict {
	verdicts := make([]Verdict, len(d.callers))
	for i, c := range d.callers {
		said, at := d.said[0], 2*i
		if d.g.cluster {
			said, at = d.said[i], 0
		}
		detail := reply(said, at+1)
		switch outcome := Outcome(reply(said, at)); outcome {
		case Flood:
			verdicts[i] = Verdict{Outcome: Flood, RetryAfter: time.Duration(detail) * time.Millisecond}
		case SoldOut:
			verdicts[i] = Verdict{Outcome: SoldOut, SKU: d.skus[detail]}
		case InFlight:
			verdicts[i] = Verdict{Outcome: InFlight}
		case Pass:
			verdicts[i] = d.marked(c)
		}
	}
	return verdicts
}

// marked is the verdict by the marks that the script could not see.
func (d *door) marked(c Caller) Verdict {
	if !d.g.cluster {
		return Verdict{}
	}
	for _, sku := range c.SKUs {
		if d.marks[d.numbers[sku]].Val() > 0 {
			return Verdict{Outcome: SoldOut, SKU: sku}
		}
	}
	return Verdict{}
}

// free adds the commands that release holds.
func (d *door) free(p redis.Pipeliner, held []string) {
	if !d.g.cluster {
		p.Eval(context.Background(), releaseScript, held, d.token)
		return
	}
	for _, hold := range held {
		p.Eval(context.Background(), releaseScript, []string{hold}, d.token)
	}
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
