package shop

import "testing"

// TestCreditCode shows which texts are a 统一社会信用代码.
func TestCreditCode(t *testing.T) {
	for text, want := range map[string]bool{
		"91350100M000100Y43": true, // the example that is told with the standard
		"91350100M000100Y44": false, "91999999MA0000000K": true, "91999999MA0000000T": false, "": false, "91999999MA000000": false, "91999999MA00000000０": false, "91999999MI00000000": false,
	} {
		if _, ok := CreditCode(text); ok != want {
			t.Errorf("%q: %v", text, ok)
		}
	}
	const body = "91999999MA0000000"
	fitting := 0
	for _, check := range creditAlphabet {
		if code, ok := CreditCode(" 91999999ma0000000" + string(check) + " "); ok {
			fitting++
			if code != body+string(check) {
				t.Errorf("brought to %q", code)
			}
		}
	}
	if fitting != 1 {
		t.Errorf("%d check characters fit %s", fitting, body)
	}
}
