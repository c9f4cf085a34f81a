package notify

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzTemplate: a setting is a template with fields of known facts, or none; what goes into its fields is never empty nor too long.
func FuzzTemplate(f *testing.F) {
	f.Add("TEMPLATE_ID,thing1=union,amount2=amount", "湛江市示范区第一小学工会委员会联合会分会\x00")
	f.Add("ID,character_string1=order_no", "")
	f.Add("=,=", "𬭸")
	f.Fuzz(func(t *testing.T, setting, text string) {
		for topic, known := range facts {
			tpl, err := ParseTemplate(topic, setting)
			if err != nil || setting == "" {
				continue
			}
			if tpl.ID == "" || len(tpl.Fields) == 0 {
				t.Errorf("%q: %+v", setting, tpl)
			}
			said := map[string]string{}
			for _, fact := range known {
				said[fact] = text
			}
			for name, value := range tpl.data(said) {
				if value == "" || strings.ContainsFunc(value, unicode.IsControl) || strings.HasPrefix(name, "thing") && utf8.RuneCountInString(value) > 20 {
					t.Errorf("%s is told %q", name, value)
				}
			}
		}
	})
}
