package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"bangfu/model"
)

// Template is a subscribe message's template as the mini-program has it at WeChat: its id, and which fact goes into which of
// its fields.
type Template struct {
	ID     string
	Fields []Field
}

// Field is one field of a template: Name as WeChat calls it ("thing1"), Fact as this program does ("union").
type Field struct{ Name, Fact string }

// facts are what each topic's messages can say.
var facts = map[Topic][]string{
	TopicAllowanceIssued: {"purse", "amount", "union", "year", "ends_on", "note"},
	TopicAllowanceEnding: {"purse", "amount", "union", "year", "ends_on", "days", "note"},
	TopicOrderShipped:    {"order_no", "goods", "carrier", "tracking_no", "time", "note"},
	TopicRefundDone:      {"order_no", "amount", "time", "goods", "note"},
}

var fieldName = regexp.MustCompile(`^(thing|number|letter|symbol|character_string|time|date|amount|name|phrase)[0-9]{1,2}$`)

// ParseTemplate reads a setting such as "TEMPLATE_ID,thing1=union,amount2=amount,date3=ends_on"; empty text is no
// template. The error says in English what is wrong with it.
func ParseTemplate(topic Topic, text string) (Template, error) {
	if text == "" {
		return Template{}, nil
	}
	parts := strings.Split(text, ",")
	t := Template{ID: strings.TrimSpace(parts[0])}
	if strings.Contains(t.ID, "=") || t.ID == "" || len(parts) < 2 {
		return t, fmt.Errorf("want the template's id and its fields: ID,thing1=%s,…", facts[topic][0])
	}
	for _, part := range parts[1:] {
		name, fact, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !fieldName.MatchString(name) {
			return t, fmt.Errorf("%q is not a field of a template, such as thing1 or amount2", name)
		}
		if !slices.Contains(facts[topic], fact) {
			return t, fmt.Errorf("%q cannot be told in %s; what can: %s", fact, topic, strings.Join(facts[topic], ", "))
		}
		t.Fields = append(t.Fields, Field{name, fact})
	}
	return t, nil
}

// EmulatorTemplates are those that the emulator is used with.
func EmulatorTemplates() map[Topic]Template {
	return map[Topic]Template{
		TopicAllowanceIssued: {"emulated-allowance-issued", []Field{{"thing1", "union"}, {"amount2", "amount"}, {"date3", "ends_on"}, {"thing4", "purse"}}},
		TopicAllowanceEnding: {"emulated-allowance-ending", []Field{{"thing1", "union"}, {"amount2", "amount"}, {"date3", "ends_on"}, {"thing4", "days"}, {"thing5", "note"}}},
		TopicOrderShipped:    {"emulated-order-shipped", []Field{{"character_string1", "order_no"}, {"thing2", "goods"}, {"thing3", "carrier"}, {"character_string4", "tracking_no"}, {"time5", "time"}}},
		TopicRefundDone:      {"emulated-refund-done", []Field{{"character_string1", "order_no"}, {"amount2", "amount"}, {"time3", "time"}, {"thing4", "note"}}},
	}
}

// data fills the template's fields, each cut to what WeChat takes for its kind: a text that is too long would be refused
// as a whole.
func (t Template) data(facts map[string]string) map[string]string {
	data := make(map[string]string, len(t.Fields))
	for _, f := range t.Fields {
		data[f.Name] = fit(strings.TrimRight(f.Name, "0123456789"), facts[f.Fact])
	}
	return data
}

// fit cuts text to WeChat's limits for a kind of field. Dates, times and amounts are made in their form and left alone.
func fit(kind, text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case kind == "character_string" && (r <= ' ' || r > '~'):
			return -1
		}
		return r
	}, text))
	limit := map[string]int{"thing": 20, "character_string": 32, "number": 32, "letter": 32, "symbol": 5, "name": 10, "phrase": 5}[kind]
	if runes := []rune(text); limit > 0 && len(runes) > limit {
		text = string(runes[:limit])
		if kind == "thing" {
			text = string(runes[:limit-1]) + "…"
		}
	}
	if text == "" {
		return "-" // WeChat takes no empty field
	}
	return text
}

// amountText is an amount as fields of that kind take it.
func amountText(fen model.Fen) string { return fen.Yuan() + "元" }
