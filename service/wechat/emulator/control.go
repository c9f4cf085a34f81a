package emulator

import (
	_ "embed" // the help page
	"encoding/json"
	"errors"
	"html/template"
	"net/http"

	"bangfu/model"
)

//go:embed help.html
var helpText string

var helpPage = template.Must(template.New("help").Parse(helpText))

func (e *Emulator) help(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = helpPage.Execute(w, struct{ AppID string }{e.appID}) // the reader may have hung up
}

func (e *Emulator) postLoginCode(w http.ResponseWriter, r *http.Request) {
	value, err := e.LoginCode(r.PathValue("user"))
	answerCode(w, value, err)
}

func (e *Emulator) postPhoneCode(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Phone string `json:"phone"`
	}
	if err := readJSON(r, &in); err != nil {
		answerError(w, err)
		return
	}
	value, err := e.PhoneCode(r.PathValue("user"), in.Phone)
	answerCode(w, value, err)
}

func (e *Emulator) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	err := readJSON(r, &f)
	if err == nil {
		err = e.InjectFault(f)
	}
	if err != nil {
		answerError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (e *Emulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	e.ClearFaults()
	w.WriteHeader(http.StatusNoContent)
}

// readJSON binds strictly: unknown fields and a second value are refused.
func readJSON(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil || dec.More() {
		return model.Invalid("body", "请求应为一个 JSON 对象，且只含说明中的字段")
	}
	return nil
}

func answerCode(w http.ResponseWriter, value string, err error) {
	if err != nil {
		answerError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	writeJSON(w, struct {
		Code string `json:"code"`
	}{value})
}

// answerError writes err in the shape of the product's own API.
func answerError(w http.ResponseWriter, err error) {
	var shown *model.Error
	if !errors.As(err, &shown) {
		shown = model.E(model.CodeInternal, "模拟器内部错误")
	}
	type body struct {
		Code    model.Code    `json:"code"`
		Message string        `json:"message"`
		Fields  []model.Field `json:"fields,omitempty"`
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	writeJSON(w, struct {
		Error body `json:"error"`
	}{body{shown.Code, shown.Message, shown.Fields}})
}
