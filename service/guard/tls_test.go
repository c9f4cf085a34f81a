package guard

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// selfSigned is a certificate for 127.0.0.1 and the pool that knows it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestTLS: with TLS the guard works against a server whose certificate it can verify, and talks to no other.
func TestTLS(t *testing.T) {
	certificate, known := selfSigned(t)
	server, err := miniredis.RunTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.RequireAuth("invented")
	open := func(pool *x509.CertPool) *Guard {
		g, err := Open(context.Background(), Options{Addrs: []string{server.Addr()}, Password: "invented", TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		return g
	}
	g := open(known)
	if err := g.Health(); err != nil {
		t.Fatal(err)
	}
	if _, ok := g.Once(t.Context(), "x", time.Minute); !ok {
		t.Error("no turn at an empty gate")
	}
	if _, ok := g.Once(t.Context(), "x", time.Minute); ok {
		t.Error("the gate was taken twice")
	}
	stranger := open(x509.NewCertPool())
	if err := stranger.Health(); err == nil {
		t.Error("a certificate that nobody vouches for is accepted")
	}
	if err := stranger.probe(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}
