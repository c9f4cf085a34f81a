package model

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// sealVersion opens every sealed text; another algorithm would bear another.
const sealVersion = "v1"

// sealKeyBytes is the length of a sealing key (AES-256) and the least length of the hash key.
const sealKeyBytes = 32

// The contexts of the sealed columns: table and column. Every sealed column has its own here, so that a rotation of keys
// finds them all.
const (
	SealPersonIDNumber = "persons.id_number"
	SealMemberPhone    = "members.phone"
	SealRosterPhone    = "roster_rows.phone"
	SealRosterIDNumber = "roster_rows.id_number"
	SealBindingPhone   = "binding_requests.phone"
	SealBindingIDLast6 = "binding_requests.id_last6"
	SealStaffTOTP      = "staff.totp_secret"
	SealAddressPhone   = "addresses.phone"
	SealAddressDetail  = "addresses.detail"
	SealSupplierPhone  = "suppliers.contact_phone"
	SealOrderPhone     = "orders.phone"
	SealOrderAddress   = "orders.address"
	SealFillerPhone    = "statements.filler_phone"
	SealReturnTo       = "after_sales.return_to"
	SealBankAccountNo  = "supplier_bank_accounts.account_no"
	SealGroupPhone     = "group_purchases.phone"
	SealGroupAddress   = "group_purchases.address"
)

// The kinds of hashed values: what is found by its keyed digest.
const (
	HashPhone    = "phone"     // 11 digits
	HashIDNumber = "id_number" // 18 characters, a final X in upper case
	HashAddress  = "address"   // province to detail, see NormalAddress
	HashDevice   = "device"    // as the member's client calls its device
)

// ErrUnsealable says that a sealed text was changed, belongs to another context, or was sealed with a
// key that the keyring does not hold. It is an operator's matter and carries nothing of the content.
var ErrUnsealable = errors.New("sealed text cannot be opened")

var sealKeyID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,16}$`)

// Sealer keeps personal data (phone and ID numbers) unreadable at rest: Seal and Open encrypt with a
// rotatable keyring, Hash makes the keyed digest by which a sealed value is found. It is safe for
// concurrent use.
type Sealer struct {
	current string
	keys    map[string]cipher.AEAD
	hashKey []byte
}

// NewSealer reads a keyring "id:base64,id2:base64": each key 32 bytes (see GenerateKey), each id 1–16 of
// letters, digits, "-" and "_". The first key seals; all of them open. hashKey must hold at least 32
// bytes and cannot be rotated without hashing every row anew. Errors never contain key material.
func NewSealer(keyring string, hashKey []byte) (*Sealer, error) {
	if len(hashKey) < sealKeyBytes {
		return nil, fmt.Errorf("hash key has %d bytes, needs at least %d", len(hashKey), sealKeyBytes)
	}
	s := &Sealer{keys: map[string]cipher.AEAD{}, hashKey: append([]byte(nil), hashKey...)}
	for i, entry := range strings.Split(keyring, ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(entry), ":")
		if !found || !sealKeyID.MatchString(id) {
			return nil, fmt.Errorf("key %d of the keyring is not written id:base64", i+1)
		}
		if s.keys[id] != nil {
			return nil, fmt.Errorf("key id %q occurs twice in the keyring", id)
		}
		aead, err := sealCipher(encoded)
		if err != nil {
			return nil, fmt.Errorf("key %q of the keyring: %w", id, err)
		}
		s.keys[id] = aead
		if i == 0 {
			s.current = id
		}
	}
	return s, nil
}

func sealCipher(encoded string) (cipher.AEAD, error) {
	key, err := DecodeKey(encoded)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// GenerateKey makes a new random 32-byte key in base64url without padding, fit for the keyring and as
// the hash key.
func GenerateKey() string {
	key := make([]byte, sealKeyBytes)
	_, _ = rand.Read(key) // crypto/rand.Read never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(key)
}

// DecodeKey reads a 32-byte key from base64, standard or URL alphabet, with or without padding.
func DecodeKey(encoded string) ([]byte, error) {
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(strings.TrimSpace(encoded), "="))
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("not base64")
	}
	if len(key) != sealKeyBytes {
		return nil, fmt.Errorf("%d bytes instead of %d", len(key), sealKeyBytes)
	}
	return key, nil
}

// Seal encrypts plain with the current key (AES-256-GCM, random nonce) as "v1.<key id>.<base64url>".
// context names where the value lives, such as "members.phone"; Open needs the same, so a sealed text
// copied to another column does not open. The same plain text seals differently each time; empty seals
// to empty. The result is 4/3·(len(plain)+28) bytes and the prefix.
func (s *Sealer) Seal(plain, context string) (string, error) {
	if plain == "" {
		return "", nil
	}
	aead := s.keys[s.current]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := io.ReadFull(rand.Reader, nonce); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	box := aead.Seal(nonce, nonce, []byte(plain), sealContext(s.current, context))
	return sealVersion + "." + s.current + "." + base64.RawURLEncoding.EncodeToString(box), nil
}

// Open decrypts what Seal made for the same context, with whichever key of the ring sealed it. Its
// error wraps ErrUnsealable.
func (s *Sealer) Open(sealed, context string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	id, encoded, err := splitSealed(sealed)
	if err != nil {
		return "", err
	}
	aead := s.keys[id]
	if aead == nil {
		return "", fmt.Errorf("%w: key %q is not in the keyring", ErrUnsealable, id)
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(box) < aead.NonceSize() || strings.ContainsAny(encoded, "\r\n") { // the decoder skips line ends
		return "", fmt.Errorf("%w: damaged", ErrUnsealable)
	}
	plain, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], sealContext(id, context))
	if err != nil {
		return "", fmt.Errorf("%w: changed, or sealed for something else than %q", ErrUnsealable, context)
	}
	return string(plain), nil
}

// NeedsRotation tells whether a sealed text was made with another key than the current one, so that it
// should be opened and sealed again. Empty needs none.
func (s *Sealer) NeedsRotation(sealed string) bool {
	if sealed == "" {
		return false
	}
	id, _, err := splitSealed(sealed)
	return err != nil || id != s.current
}

// Hash is the keyed digest by which a sealed value is looked up: HMAC-SHA256 in base64url, 43
// characters, equal for equal kind and plain. kind ("phone", "id_number") keeps equal texts of
// different meaning apart. Normalise plain first; empty hashes to empty, which must match nothing.
func (s *Sealer) Hash(kind, plain string) string {
	if plain == "" {
		return ""
	}
	mac := hmac.New(sha256.New, s.hashKey)
	fmt.Fprintf(mac, "%d:%s:%s", len(kind), kind, plain)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// String keeps keys out of logs.
func (s *Sealer) String() string {
	return fmt.Sprintf("Sealer(current %s of %d)", s.current, len(s.keys))
}

// GoString keeps keys out of %#v.
func (s *Sealer) GoString() string { return s.String() }

func splitSealed(sealed string) (id, encoded string, err error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != sealVersion {
		return "", "", fmt.Errorf("%w: not a %s text", ErrUnsealable, sealVersion)
	}
	return parts[1], parts[2], nil
}

func sealContext(keyID, context string) []byte {
	return []byte(sealVersion + "." + keyID + "." + context)
}

// NormalAddress brings an address to the form in which addresses are compared: letters and digits only, of normal width and in
// lower case. 赤坎区 虚拟路１号(2栋)、 and 赤坎区虚拟路1号2栋 are one.
func NormalAddress(parts ...string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // the full-width forms of ! to ~
			r -= '！' - '!'
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, strings.Join(parts, ""))
}

// MaskPhone shows the first three and last four digits: "100****0001". Anything shorter than 11
// characters is hidden whole.
func MaskPhone(phone string) string {
	r := []rune(phone)
	if len(r) < 11 {
		return strings.Repeat("*", len(r))
	}
	return string(r[:3]) + strings.Repeat("*", len(r)-7) + string(r[len(r)-4:])
}

// MaskIDNumber shows the last four characters only: "**************1234". Anything shorter than 15
// characters is hidden whole.
func MaskIDNumber(number string) string {
	r := []rune(number)
	if len(r) < 15 {
		return strings.Repeat("*", len(r))
	}
	return strings.Repeat("*", len(r)-4) + string(r[len(r)-4:])
}

// MaskName shows the first and, of three or more, the last character: "张*", "张*三". One alone is hidden.
func MaskName(name string) string {
	r := []rune(name)
	switch len(r) {
	case 0:
		return ""
	case 1:
		return "*"
	case 2:
		return string(r[0]) + "*"
	}
	return string(r[0]) + strings.Repeat("*", len(r)-2) + string(r[len(r)-1])
}
