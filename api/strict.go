package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"bangfu/model"
)

// strict walks a JSON body along the struct that it is to fill and refuses, naming the field by its whole path
// ("items[0].quantity"), what encoding/json would let pass or name badly: names that are unknown, spelled in another case or given
// twice, null, values of another type and broken UTF-8.
func strict(body []byte, t reflect.Type) error {
	if !utf8.Valid(body) {
		return model.E(model.CodeInvalid, "请求内容不是 UTF-8 编码")
	}
	w := walker{json.NewDecoder(bytes.NewReader(body))}
	w.dec.UseNumber()
	first, err := w.dec.Token()
	switch {
	case errors.Is(err, io.EOF):
		return model.E(model.CodeInvalid, "请求内容为空，应为一个 JSON 对象")
	case err == nil && first != json.Delim('{'):
		return model.E(model.CodeInvalid, "请求内容应为一个 JSON 对象")
	case err == nil:
		err = w.object(t, "")
	}
	if err == nil {
		if _, err = w.dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return model.E(model.CodeInvalid, "请求内容只能是一个 JSON 对象")
	}
	var shown *model.Error
	if errors.As(err, &shown) {
		return shown
	}
	return model.E(model.CodeInvalid, "请求内容不是正确的 JSON")
}

type walker struct{ dec *json.Decoder }

// object walks what follows a "{".
func (w walker) object(t reflect.Type, path string) error {
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			known[name] = f.Type
		}
	}
	seen := map[string]bool{}
	for w.dec.More() {
		tok, err := w.dec.Token()
		if err != nil {
			return err
		}
		name, _ := tok.(string) // the decoder lets nothing else stand here
		at := strings.TrimPrefix(path+"."+name, ".")
		if known[name] == nil {
			return model.Invalid(at, "不认识的字段“"+at+"”")
		}
		if seen[name] {
			return model.Invalid(at, "字段“"+at+"”出现了两次")
		}
		seen[name] = true
		if err := w.value(known[name], at); err != nil {
			return err
		}
	}
	_, err := w.dec.Token() // "}"
	return err
}

func (w walker) list(t reflect.Type, path string) error {
	for i := 0; w.dec.More(); i++ {
		if err := w.value(t.Elem(), path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	_, err := w.dec.Token() // "]"
	return err
}

func (w walker) value(t reflect.Type, path string) error {
	tok, err := w.dec.Token()
	if err != nil {
		return err
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := tok.(type) {
	case nil:
		return model.Invalid(path, label(path)+"不能是 null；不填时请略去这一项")
	case json.Delim:
		if v == '{' && t.Kind() == reflect.Struct {
			return w.object(t, path)
		}
		if v == '[' && t.Kind() == reflect.Slice {
			return w.list(t, path)
		}
	case string:
		if t == reflect.TypeFor[model.ID]() {
			if _, err := model.ParseID(v); err != nil {
				return model.Invalid(path, label(path)+"的编号不正确")
			}
			return nil
		}
		if t.Kind() == reflect.String {
			return nil
		}
	case bool:
		if t.Kind() == reflect.Bool {
			return nil
		}
	case json.Number:
		if t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 && t != reflect.TypeFor[model.ID]() {
			return wholeNumber(t, path, v.String())
		}
	}
	return model.Invalid(path, label(path)+"的类型不对，应为"+kindName(t))
}

func wholeNumber(t reflect.Type, path, text string) error {
	_, err := strconv.ParseInt(text, 10, t.Bits())
	switch {
	case errors.Is(err, strconv.ErrRange):
		return model.Invalid(path, label(path)+"的数字太大或太小")
	case err != nil:
		return model.Invalid(path, label(path)+"的类型不对，应为整数")
	}
	return nil
}

func kindName(t reflect.Type) string {
	if t == reflect.TypeFor[model.ID]() {
		return "字符串编号"
	}
	switch t.Kind() {
	case reflect.String:
		return "字符串"
	case reflect.Bool:
		return "布尔值"
	case reflect.Slice:
		return "数组"
	case reflect.Struct:
		return "对象"
	default:
		return "整数"
	}
}
