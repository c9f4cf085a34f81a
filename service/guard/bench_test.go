package guard

import (
	"context"
	"sync/atomic"
	"testing"

	"bangfu/model"
)

// BenchmarkDoor is what the guard costs a checkout: the door and its release, two round trips that
// concurrent callers share.
func BenchmarkDoor(b *testing.B) {
	for _, on := range []struct {
		name  string
		addrs []string
	}{{"embedded", nil}, {"redis", realRedis()}} {
		for _, clients := range []int{1, 32, 128} { // times GOMAXPROCS
			b.Run(on.name+"/"+model.ID(clients).String(), func(b *testing.B) {
				if on.name == "redis" && on.addrs == nil {
					b.Skip("TEST_REDIS_ADDRS is not set")
				}
				g := start(b, Options{Addrs: on.addrs, DoorLimit: DefaultDoorLimit}, patient)
				var member, turnedAway atomic.Int64
				skus := []model.ID{1, 2, 3}
				b.SetParallelism(clients)
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						v, release := g.Door(context.Background(), model.ID(member.Add(1)), skus)
						release()
						if v.Outcome != Pass {
							turnedAway.Add(1)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "checkouts/s")
				if turnedAway.Load() > 0 {
					b.Errorf("%d turned away", turnedAway.Load())
				}
			})
		}
	}
}

// BenchmarkDoorAway is what the guard costs a checkout while Redis is away.
func BenchmarkDoorAway(b *testing.B) {
	g := start(b, Options{Addrs: []string{"127.0.0.1:1"}}, networkTiming)
	b.ReportAllocs()
	for b.Loop() {
		_, release := g.Door(context.Background(), 1, []model.ID{1, 2, 3})
		release()
	}
}
