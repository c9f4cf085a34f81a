package emulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"sync"
)

// Merchant is what WeChat Pay gives to a merchant: the settings with which the product speaks to this emulator.
type Merchant struct {
	MchID         string
	SerialNo      string // of the merchant's API certificate
	PrivateKeyPEM string // of that certificate
	APIv3Key      string
	PublicKeyID   string // of WeChat Pay's key
	PublicKeyPEM  string
}

// keyring holds both key pairs: the merchant's, and WeChat Pay's own, called the platform's.
type keyring struct {
	Merchant
	merchant, platform *rsa.PrivateKey
}

// keys makes the keys when they are first needed, once in a process: that takes a good part of a second, and tests make
// hundreds of emulators. They are random, so nothing made with them outlives the process.
var keys = sync.OnceValue(func() *keyring {
	k := &keyring{merchant: newKey(), platform: newKey()}
	k.Merchant = Merchant{
		MchID: "1900000001", SerialNo: strings.ToUpper(hex.EncodeToString(randomBytes(20))), APIv3Key: hex.EncodeToString(randomBytes(16)),
		PublicKeyID:   "PUB_KEY_ID_" + hex.EncodeToString(randomBytes(16)),
		PrivateKeyPEM: toPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(k.merchant))),
		PublicKeyPEM:  toPEM("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&k.platform.PublicKey))),
	}
	return k
})

// Merchant tells the settings of the one merchant that this emulator knows.
func (e *Emulator) Merchant() Merchant { return keys().Merchant }

func newKey() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) }

func toPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// must is for what cannot fail on sound keys.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
