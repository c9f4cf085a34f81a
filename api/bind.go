package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"

	"bangfu/model"
)

const maxJSON = 1 << 20 // bytes of a JSON body

var validate = newValidator()

func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.SetTagName("check")
	v.RegisterTagNameFunc(fieldName)
	return v
}

// fieldName is what the client calls a field.
func fieldName(f reflect.StructField) string {
	for _, tag := range []string{"json", "query"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" && name != "-" {
			return name
		}
	}
	return f.Name
}

// JSON reads the body into into, a pointer to a struct, strictly (see strict): one JSON object of at most 1 MiB, nothing but
// the fields of the struct and values of their types; then the `check` tags (go-playground/validator) are applied. Every
// error names its field. The body must be announced as application/json: what a form on another site can send never
// gets here.
func (c *Call) JSON(into any) error {
	if t, _, err := mime.ParseMediaType(c.gin.GetHeader("Content-Type")); err != nil || t != "application/json" {
		return model.E(model.CodeInvalid, "请以 application/json 提交内容")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.gin.Writer, c.gin.Request.Body, maxJSON))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return model.E(model.CodeTooLarge, "请求内容超过 1 MiB")
	case err != nil:
		return model.E(model.CodeInvalid, "请求内容不完整，请重新提交")
	}
	if err := strict(body, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return model.E(model.CodeInvalid, "请求内容不是正确的 JSON")
	}
	return check(into)
}

// Query reads the query string into into, a pointer to a flat struct with `query` tags, strictly: an unknown or
// repeated parameter is refused; then the `check` tags are applied. "limit" is the same for every list.
func (c *Call) Query(into any) error {
	c.queried = true
	given, err := url.ParseQuery(c.gin.Request.URL.RawQuery)
	if err != nil {
		return model.E(model.CodeInvalid, "查询参数写法不对")
	}
	t := reflect.TypeOf(into).Elem()
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		known[f.Tag.Get("query")] = f.Type
	}
	for name, values := range given {
		if known[name] == nil {
			return model.Invalid(name, "不认识的查询参数“"+name+"”")
		}
		if len(values) > 1 {
			return model.Invalid(name, "查询参数“"+name+"”只能出现一次")
		}
		if values[0] == "" {
			continue
		}
		if n, err := strconv.Atoi(values[0]); name == "limit" && (err != nil || n < 1 || n > model.MaxPage) {
			return model.Invalid(name, fmt.Sprintf("limit 应为 1 到 %d", model.MaxPage))
		}
		err := binding.MapFormWithTag(into, map[string][]string{name: values}, "query")
		if err != nil || !plainQuery(known[name], values[0]) {
			return model.Invalid(name, "查询参数“"+name+"”写法不对")
		}
	}
	return check(into)
}

// plainQuery tells whether a value is written as the contract has it: gin also takes "T" for true and spaces for nothing.
func plainQuery(t reflect.Type, value string) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Bool:
		return value == "true" || value == "false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return !strings.ContainsFunc(value, func(r rune) bool { return r != '-' && (r < '0' || r > '9') })
	}
	return true
}

// noQuery refuses the query string of a request whose handler does not read one.
func (c *Call) noQuery() error {
	for name := range c.gin.Request.URL.Query() {
		return model.Invalid(name, "不认识的查询参数“"+name+"”")
	}
	return nil
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

// pageOf turns the cursor and limit parameters of a list request into a page; without a limit it is 20.
func pageOf(cursor string, limit int) (model.Page, error) {
	out := model.Page{Limit: 20}
	if limit != 0 {
		out.Limit = limit
	}
	if cursor != "" {
		id, err := model.ParseID(cursor)
		if err != nil {
			return out, model.Invalid("cursor", "cursor 不正确，请从第一页重新查看")
		}
		out.Cursor = id
	}
	return out, nil
}

// check applies the `check` tags and what holds for every text, see textProblems.
func check(v any) error {
	e := model.E(model.CodeInvalid, "填写的内容有误")
	err := validate.Struct(v)
	var wrong validator.ValidationErrors
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	root := reflect.TypeOf(v).Elem().Name() + "." // namespaces begin with the type's name, if it has one
	for _, w := range wrong {
		name := strings.TrimPrefix(w.Namespace(), root)
		e.Fields = append(e.Fields, model.Field{Name: name, Message: ruleMessage(w)})
	}
	e.Fields = append(e.Fields, textProblems(reflect.ValueOf(v).Elem(), "")...)
	if len(e.Fields) == 0 {
		return nil
	}
	e.Message = e.Fields[0].Message
	return e
}

// textProblems finds, in a struct and the structs and lists in it, required texts of nothing but spaces, and texts with characters that
// nobody sees or that come of a wrong encoding.
func textProblems(v reflect.Value, path string) (found []model.Field) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := fieldName(f)
		if f.Anonymous {
			found = append(found, textProblems(v.Field(i), path)...)
			continue
		}
		required := strings.HasPrefix(f.Tag.Get("check"), "required")
		found = append(found, valueProblems(v.Field(i), path+name, label(name), required)...)
	}
	return found
}

func valueProblems(v reflect.Value, path, title string, required bool) (found []model.Field) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return valueProblems(v.Elem(), path, title, required)
		}
	case reflect.Struct:
		return textProblems(v, path+".")
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, valueProblems(v.Index(i), fmt.Sprintf("%s[%d]", path, i), title, false)...)
		}
	case reflect.String:
		text := v.String()
		switch {
		case required && text != "" && strings.TrimSpace(text) == "":
			return []model.Field{{Name: path, Message: title + "不能为空"}}
		case strings.ContainsFunc(text, unseen):
			return []model.Field{{Name: path, Message: title + "里有看不见或无法识别的字符，请重新填写"}}
		}
	}
	return found
}

// unseen tells characters that no text needs: controls other than line ends and tabs, those that turn the writing direction, and the
// sign for broken encoding.
func unseen(r rune) bool {
	switch {
	case r == '\n', r == '\r', r == '\t':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return unicode.IsControl(r) || r == unicode.ReplacementChar
}

// ruleMessage says in Chinese what a failed `check` rule wants.
func ruleMessage(w validator.FieldError) string {
	name, arg := label(w.Field()), w.Param()
	unit := map[reflect.Kind]string{reflect.String: " 个字", reflect.Slice: " 项"}[w.Kind()]
	if strings.HasSuffix(w.Field(), "_fen") {
		unit = " 分"
	}
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
