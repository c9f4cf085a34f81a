package identity

import (
	"context"
	"testing"
)

// BenchmarkPassword measures what one look at a password costs.
func BenchmarkPassword(b *testing.B) {
	s := &Service{hashing: make(chan struct{}, maxHashing)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.passwordFits(context.Background(), "not-the-password", noPassword); err != nil {
			b.Fatal(err)
		}
	}
}
