package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"

	"bangfu/model"
)

const maxJSON = 1 << 20 // bytes of a JSON body

var validate = newValidator()

func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.SetTagName("check")
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		for _, tag := range []string{"json", "query"} {
			if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" && name != "-" {
				return name
			}
		}
		return f.Name
	})
	return v
}

// JSON reads the body into into, a pointer to a struct, strictly: one JSON object, no unknown fields, at most 1 MiB;
// then the `check` tags (go-playground/validator) are applied. Every error names its field.
// The body must be announced as application/json: what a form on another site can send never gets here.
func (c *Call) JSON(into any) error {
	if t, _, err := mime.ParseMediaType(c.gin.GetHeader("Content-Type")); err != nil || t != "application/json" {
		return model.E(model.CodeInvalid, "请以 application/json 提交内容")
	}
	body := http.MaxBytesReader(c.gin.Writer, c.gin.Request.Body, maxJSON)
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return model.E(model.CodeInvalid, "请求内容只能是一个 JSON 对象")
	}
	return check(into)
}

func jsonError(err error) error {
	var shown *model.Error
	var typ *json.UnmarshalTypeError
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &shown):
		return shown
	case errors.As(err, &typ):
		return model.Invalid(typ.Field, "“"+typ.Field+"”的类型不对，应为"+kindName(typ.Type))
	case errors.As(err, &big):
		return model.E(model.CodeTooLarge, "请求内容超过 1 MiB")
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return model.Invalid(name, "不认识的字段“"+name+"”")
	case errors.Is(err, io.EOF):
		return model.E(model.CodeInvalid, "请求内容为空，应为一个 JSON 对象")
	}
	return model.E(model.CodeInvalid, "请求内容不是正确的 JSON")
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
	case reflect.Slice, reflect.Array:
		return "数组"
	case reflect.Struct, reflect.Map:
		return "对象"
	default:
		return "整数"
	}
}

// Query reads the query string into into, a pointer to a flat struct with `query` tags, strictly: an unknown or
// repeated parameter is refused; then the `check` tags are applied.
func (c *Call) Query(into any) error {
	given := c.gin.Request.URL.Query()
	t := reflect.TypeOf(into).Elem()
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		known[f.Tag.Get("query")] = true
	}
	for name, values := range given {
		if !known[name] {
			return model.Invalid(name, "不认识的查询参数“"+name+"”")
		}
		if len(values) > 1 {
			return model.Invalid(name, "查询参数“"+name+"”只能出现一次")
		}
		if values[0] == "" {
			continue
		}
		if err := binding.MapFormWithTag(into, map[string][]string{name: values}, "query"); err != nil {
			return model.Invalid(name, "查询参数“"+name+"”写法不对")
		}
	}
	return check(into)
}

// listing are the parameters of every list; embed it in the struct of a list's query.
type listing struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit"`
}

// page reads the query of a list into into, in which l is embedded, and tells which page is asked for.
func (c *Call) page(into any, l *listing) (model.Page, error) {
	if err := c.Query(into); err != nil {
		return model.Page{}, err
	}
	return pageOf(l.Cursor, l.Limit)
}

// pageOf turns the cursor and limit parameters of a list request into a page; 0 means the default of 20.
func pageOf(cursor string, limit int) (model.Page, error) {
	out := model.Page{Limit: 20}
	if limit != 0 {
		if limit < 1 || limit > model.MaxPage {
			return out, model.Invalid("limit", fmt.Sprintf("limit 应为 1 到 %d", model.MaxPage))
		}
		out.Limit = limit
	}
	if cursor != "" {
		id, err := model.ParseID(cursor)
		if err != nil {
			return out, model.Invalid("cursor", "cursor 不正确")
		}
		out.Cursor = id
	}
	return out, nil
}

func check(v any) error {
	err := validate.Struct(v)
	if err == nil {
		return nil
	}
	var wrong validator.ValidationErrors
	if !errors.As(err, &wrong) {
		return err
	}
	e := model.E(model.CodeInvalid, "填写的内容有误")
	root := reflect.TypeOf(v).Elem().Name() + "." // namespaces begin with the type's name, if it has one
	for _, w := range wrong {
		name := strings.TrimPrefix(w.Namespace(), root)
		e.Fields = append(e.Fields, model.Field{Name: name, Message: ruleMessage(w)})
	}
	if len(e.Fields) > 0 {
		e.Message = e.Fields[0].Message
	}
	return e
}

// ruleMessage says in Chinese what a failed `check` rule wants.
func ruleMessage(w validator.FieldError) string {
	name, arg := "“"+w.Field()+"”", w.Param()
	unit := map[reflect.Kind]string{reflect.String: " 个字", reflect.Slice: " 项"}[w.Kind()]
	switch w.Tag() {
	case "required":
		return name + "不能为空"
	case "min", "gte":
		return name + "不能少于 " + arg + unit
	case "max", "lte":
		return name + "不能超过 " + arg + unit
	case "gt":
		return name + "应大于 " + arg
	case "len":
		return name + "应为 " + arg + unit
	case "oneof":
		return name + "应为以下之一：" + strings.ReplaceAll(arg, " ", "、")
	case "numeric", "number":
		return name + "应为数字"
	case "unique":
		return name + "不能有重复项"
	}
	return name + "不正确"
}
