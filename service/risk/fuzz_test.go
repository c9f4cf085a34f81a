package risk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bangfu/model"
)

// FuzzOdd: whatever a hall says of its hours, the night is odd; by day only one span that can be read makes a moment odd, and
// a moment within it is not.
func FuzzOdd(f *testing.F) {
	for _, s := range []string{"09:00—21:00", "每天 8:30 至 18:00", "9:00-12:00，14:00-18:00", "99:99-99:99", "24:00-25:00", "21:00-09:00", "9：00～17：00", "", "00:00-00:00", "\xff9:00-18:00"} {
		f.Add(s, uint16(13*60+7))
	}
	f.Fuzz(func(t *testing.T, hours string, minute uint16) {
		minute %= 24 * 60
		at := model.Date("2026-11-20").Start().Add(time.Duration(minute) * time.Minute)
		night := minute >= nightFrom*60 || minute < nightTo*60
		got := odd(at, hours)
		if night && !got {
			t.Errorf("%q: minute %d of the night is not odd", hours, minute)
		}
		if !night && got && len(openForm.FindAllString(hours, -1)) != 1 {
			t.Errorf("%q says one span", hours)
		}
		// The same span written by ourselves means the same.
		spans := openForm.FindAllStringSubmatch(hours, -1)
		if len(spans) != 1 {
			return
		}
		from, to := clock(spans[0][1], spans[0][2]), clock(spans[0][3], spans[0][4])
		if from < 0 || to < 0 {
			if got != night {
				t.Errorf("%q are not hours of a day, and make minute %d odd: %v", hours, minute, got)
			}
			return
		}
		if ours := fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60); odd(at, ours) != got || strings.Contains(ours, "--") {
			t.Errorf("%q and %q differ at minute %d", hours, ours, minute)
		}
		if !night && from < to && got != (int(minute) < from || int(minute) > to) {
			t.Errorf("%q at minute %d: %v", hours, minute, got)
		}
	})
}
