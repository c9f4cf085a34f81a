package shop

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"bangfu/model"
)

// wrong collects what is wrong with an input, so that all of it is told at once.
type wrong struct{ fields []model.Field }

func (w *wrong) add(field, message string) {
	w.fields = append(w.fields, model.Field{Name: field, Message: message})
}

// text trims a text and wants least to most characters of it, none of them a control character or invisible.
func (w *wrong) text(field, label, text string, least, most int) string {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	switch {
	case n < least && n == 0:
		w.add(field, label+"不能为空")
	case n < least:
		w.add(field, label+"太短")
	case n > most:
		w.add(field, model.E("", "%s不能超过 %d 个字", label, most).Message)
	case strings.ContainsFunc(text, unprintable):
		w.add(field, label+"含有不能显示的字符")
	}
	return text
}

func unprintable(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError)
}

// err is CodeInvalid with every wrong field, or nil.
func (w *wrong) err() error {
	if len(w.fields) == 0 {
		return nil
	}
	e := model.E(model.CodeInvalid, "%s", w.fields[0].Message)
	e.Fields = w.fields
	return e
}

// reasonOf checks the reason that an act must give.
func reasonOf(text string) (string, error) {
	var w wrong
	reason := w.text("reason", "原因", text, 2, 100)
	return reason, w.err()
}

// changes are the columns that an edit changes, and what the audit trail says of it.
type changes struct {
	columns map[string]any
	detail  map[string]any
}

func newChanges() changes { return changes{map[string]any{}, map[string]any{}} }

// set notes a column that changes; equal values change nothing.
func (c changes) set(column string, from, to any) {
	if from != to {
		c.columns[column] = to
		c.detail[column] = map[string]any{"from": from, "to": to}
	}
}

// errNothing refuses an edit without content.
func errNothing() error { return model.E(model.CodeInvalid, "没有要修改的内容") }

// likeText makes text safe inside a LIKE pattern with ESCAPE '!'.
func likeText(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}
