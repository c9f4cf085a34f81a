package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"bangfu/model"
)

// TestStrict shows that a body is taken as the contract says and in no other way, and that each refusal names its field in full.
func TestStrict(t *testing.T) {
	type item struct {
		SKU      model.ID `json:"sku_id"`
		Quantity int64    `json:"quantity"`
	}
	type body struct {
		Items   []item    `json:"items"`
		Address model.ID  `json:"address_id"`
		Note    *string   `json:"note"`
		Default bool      `json:"is_default"`
		Row     int8      `json:"form_row"`
		File    *model.ID `json:"file_id"`
	}
	for name, x := range map[string]struct{ body, field, message string }{
		"Right":          {`{"items":[{"sku_id":"7","quantity":2}],"address_id":"5","note":"𬭸🍊👨‍👩‍👧 <b>","is_default":true,"file_id":"9"}`, "", ""},
		"Empty":          {``, "", "请求内容为空，应为一个 JSON 对象"},
		"NullBody":       {`null`, "", "请求内容应为一个 JSON 对象"},
		"List":           {`[]`, "", "请求内容应为一个 JSON 对象"},
		"Number":         {`5`, "", "请求内容应为一个 JSON 对象"},
		"Broken":         {`{"items":`, "", "请求内容不是正确的 JSON"},
		"TrailingComma":  {`{"note":"a",}`, "", "请求内容不是正确的 JSON"},
		"Two":            {`{} {}`, "", "请求内容只能是一个 JSON 对象"},
		"NotUTF8":        {"{\"note\":\"\xff\"}", "", "请求内容不是 UTF-8 编码"},
		"Unknown":        {`{"foo":1}`, "foo", "不认识的字段“foo”"},
		"UnknownDeep":    {`{"items":[{"x":1}]}`, "items[0].x", "不认识的字段“items[0].x”"},
		"OtherCase":      {`{"Note":"x"}`, "Note", "不认识的字段“Note”"},
		"Twice":          {`{"note":"x","note":"y"}`, "note", "字段“note”出现了两次"},
		"Null":           {`{"note":null}`, "note", "“备注”不能是 null；不填时请略去这一项"},
		"NullBool":       {`{"is_default":null}`, "is_default", "“是否默认”不能是 null；不填时请略去这一项"},
		"NullItem":       {`{"items":[null]}`, "items[0]", "“商品”不能是 null；不填时请略去这一项"},
		"ListForText":    {`{"note":["a"]}`, "note", "“备注”的类型不对，应为字符串"},
		"ObjectForList":  {`{"items":{}}`, "items", "“商品”的类型不对，应为数组"},
		"TextForBool":    {`{"is_default":"yes"}`, "is_default", "“是否默认”的类型不对，应为布尔值"},
		"TextForNumber":  {`{"items":[{"sku_id":"7","quantity":"2"}]}`, "items[0].quantity", "“数量”的类型不对，应为整数"},
		"Fraction":       {`{"items":[{"sku_id":"7"},{"quantity":1.5}]}`, "items[1].quantity", "“数量”的类型不对，应为整数"},
		"Exponent":       {`{"form_row":1e1}`, "form_row", "“统计表行次”的类型不对，应为整数"},
		"Huge":           {`{"items":[{"quantity":99999999999999999999}]}`, "items[0].quantity", "“数量”的数字太大或太小"},
		"TooBigForField": {`{"form_row":300}`, "form_row", "“统计表行次”的数字太大或太小"},
		"NumberForID":    {`{"address_id":5}`, "address_id", "“收货地址”的类型不对，应为字符串编号"},
		"EmptyID":        {`{"address_id":""}`, "address_id", "“收货地址”的编号不正确"},
		"LongID":         {`{"address_id":"99999999999999999999"}`, "address_id", "“收货地址”的编号不正确"},
		"ZeroLedID":      {`{"address_id":"05"}`, "address_id", "“收货地址”的编号不正确"},
	} {
		t.Run(name, func(t *testing.T) {
			err := strict([]byte(x.body), reflect.TypeFor[body]())
			if x.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *model.Error
			if !errors.As(err, &e) || e.Code != model.CodeInvalid || e.Message != x.message {
				t.Fatalf("got %v, want %q", err, x.message)
			}
			if field := slices.Concat(e.Fields, []model.Field{{}})[0].Name; field != x.field {
				t.Errorf("names the field %q, want %q", field, x.field)
			}
		})
	}
}

// FuzzStrict: what the walk lets pass, encoding/json takes too.
func FuzzStrict(f *testing.F) {
	for _, seed := range []string{`{"a":"x","b":[{"c":1}],"d":true,"e":"12"}`, `{"b":[],"e":"0"}`, `{"a":"\u00e9`, `{"b":[{"c":-9223372036854775808}]}`} {
		f.Add([]byte(seed))
	}
	type body struct {
		A string `json:"a"`
		B []struct {
			C int64 `json:"c"`
		} `json:"b"`
		D *bool    `json:"d"`
		E model.ID `json:"e"`
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strict(text, reflect.TypeFor[body]()) != nil {
			return
		}
		var b body
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatalf("%q passed, but %v", text, err)
		}
	})
}

// TestEveryFieldHasAChineseName: messages about the fields of requests call them as people do.
func TestEveryFieldHasAChineseName(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(Contract)
	if err != nil {
		t.Fatal(err)
	}
	named := func(operation, field string) {
		if labels[field] == "" {
			t.Errorf("%s: %q has no label", operation, field)
		}
	}
	var walk func(operation string, s *openapi3.Schema)
	walk = func(operation string, s *openapi3.Schema) {
		if s.Items != nil {
			walk(operation, s.Items.Value)
		}
		for _, one := range s.OneOf {
			walk(operation, one.Value)
		}
		for field, p := range s.Properties {
			named(operation, field)
			walk(operation, p.Value)
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, p := range op.Parameters {
				if p.Value.In == "query" {
					named(op.OperationID, p.Value.Name)
				}
			}
			if op.RequestBody == nil {
				continue
			}
			for _, c := range op.RequestBody.Value.Content {
				walk(op.OperationID, c.Schema.Value)
			}
		}
	}
	for field, name := range labels {
		if strings.ToLower(field) != field || name == "" {
			t.Errorf("label of %q: %q", field, name)
		}
	}
}
