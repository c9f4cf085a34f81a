package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// RedisTLSConfig is how Redis is spoken to with REDIS_TLS: verified against the system's authorities, or those of REDIS_CA_FILE alone. Nil without.
func (c *Config) RedisTLSConfig() (*tls.Config, error) {
	if !c.RedisTLS {
		return nil, nil //nolint:nilnil // no TLS is no configuration
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.RedisCAFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(c.RedisCAFile)
	if err != nil {
		return nil, fmt.Errorf("REDIS_CA_FILE: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("REDIS_CA_FILE holds no certificate in PEM form")
	}
	return t, nil
}
