package guard

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// startEmbedded starts the in-process Redis on a free loopback port, behind a random password since
// any user of the machine can reach the port, and points o at it.
func (g *Guard) startEmbedded(o *Options) error {
	g.embedded = miniredis.NewMiniRedis()
	o.Password = rand.Text()
	g.embedded.RequireAuth(o.Password)
	if err := g.embedded.Start(); err != nil {
		return fmt.Errorf("in-process redis: %w", err)
	}
	o.Addrs = []string{g.embedded.Addr()}
	g.running.Go(g.passTime)
	return nil
}

// passTime lets keys expire: time stands still in the in-process Redis unless it is told.
func (g *Guard) passTime() {
	tick := time.NewTicker(embeddedTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-g.stop:
			return
		case <-tick.C:
			now := time.Now()
			g.embedded.FastForward(now.Sub(last))
			last = now
		}
	}
}
