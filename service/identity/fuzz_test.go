package identity

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bangfu/model"
)

// FuzzNetwork: what counts as one address is the address itself or its /64, the same for every spelling of it; what is no address
// counts as it is.
func FuzzNetwork(f *testing.F) {
	for _, s := range []string{"203.0.113.9", "2001:db8::1", "2001:db8:0:0::2", "2001:DB8::1", "::ffff:203.0.113.9", "::ffff:cb00:7109", "fe80::1%eth0", "fe80::1%", "", "1.2.3", "2001:db8::/64", "01.2.3.4", "\x00"} {
		f.Add(s, uint8(9))
	}
	f.Fuzz(func(t *testing.T, ip string, last uint8) {
		got := network(ip)
		addr, err := netip.ParseAddr(ip)
		if err != nil {
			if got != ip {
				t.Errorf("%q counts as %q", ip, got)
			}
			return
		}
		addr = addr.WithZone("")
		if got != network(addr.String()) || got != network(addr.StringExpanded()) || got != network(strings.ToUpper(addr.StringExpanded())) {
			t.Errorf("%q counts otherwise in another spelling: %q, %q, %q", ip, got, network(addr.String()), network(addr.StringExpanded()))
		}
		if addr.Unmap().Is4() {
			if got != addr.Unmap().String() {
				t.Errorf("%q counts as %q", ip, got)
			}
			return
		}
		prefix, err := netip.ParsePrefix(got)
		if err != nil || prefix.Bits() != 64 || !prefix.Contains(addr) || prefix.Masked() != prefix {
			t.Fatalf("%q counts as %q, %v", ip, got, err)
		}
		neighbour := addr.As16()
		neighbour[15] = last
		if other := netip.AddrFrom16(neighbour); !other.Is4In6() && network(other.String()) != got {
			t.Errorf("%s and %s are of one line", addr, other)
		}
	})
}

// FuzzAddress: a delivery address is refused in words or is one line of visible characters with the phone as 11 digits, and once
// is enough.
func FuzzAddress(f *testing.F) {
	f.Add("陈示例", "10000000001", "广东省", "湛江市", "赤坎区", "虚拟路1号")
	f.Add(" a\u200b ", "+86 100-0000-0001", "x", "y", "z", "12\u200d")
	f.Add("\u200d \u200d", "１００００００００００", "x", "y", "z", "\u2028\u2028")
	f.Add("a\nb", "", "\u202e", "\xff", "", "1")
	f.Fuzz(func(t *testing.T, consignee, phone, province, city, district, detail string) {
		in := AddressInput{Consignee: consignee, Phone: phone, Province: province, City: city, District: district, Detail: detail}
		if err := in.clean(); err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		again := in
		if err := again.clean(); err != nil || again != in {
			t.Errorf("%+v is cleaned to %+v, %v", in, again, err)
		}
		if len(in.Phone) != 11 || strings.Trim(in.Phone, "0123456789") != "" {
			t.Errorf("the phone %q", in.Phone)
		}
		for _, s := range []string{in.Consignee, in.Province, in.City, in.District, in.Detail} {
			if s == "" || !utf8.ValidString(s) || strings.TrimSpace(s) != s || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s, "\u2028\u2029") {
				t.Errorf("%q is kept", s)
			}
		}
	})
}
