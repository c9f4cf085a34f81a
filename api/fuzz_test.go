package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/claim"
	"bangfu/service/order"
)

// fuzzCall is a request as a handler would see it, never sent.
func fuzzCall(t *testing.T, method, target string, header http.Header, body []byte) *Call {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	g, _ := gin.CreateTestContext(httptest.NewRecorder())
	req, err := http.NewRequestWithContext(t.Context(), method, "/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL.RawQuery, req.Header = target, header
	g.Request = req
	return &Call{gin: g}
}

func refusedWell(t *testing.T, err error) {
	t.Helper()
	if code := model.CodeOf(err); code != model.CodeInvalid && code != model.CodeTooLarge {
		t.Errorf("refused with %v", err)
	}
}

// FuzzJSON: a body is refused in words or it is exactly what it is read as: everything that was sent is in
// what was read.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"items":[{"sku_id":"7","quantity":2,"price_fen":1990}],"address_id":"5","use_wechat":true}`))
	f.Add([]byte(`{"name":"陈示例","phone":"10000000001","province":"广东省","detail":"x"}`))
	f.Add([]byte(`{"purse":"extra","year":2025,"selection":"list","items":[{"member_id":"1","amount_fen":60000}]}`))
	f.Add([]byte(`{"note":"x","note":"y"}`))
	f.Add([]byte(`{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`))
	f.Add([]byte(`{"row_no":-0,"amount_fen":1e2,"title":"\ud800"}`))
	kinds := []reflect.Type{reflect.TypeFor[order.Cart](), reflect.TypeFor[allowance.GrantInput](), reflect.TypeFor[allowance.PolicyInput](), reflect.TypeFor[claim.Input](),
		reflect.TypeFor[struct {
			Items []struct {
				SKU      model.ID  `json:"sku_id" check:"required"`
				Quantity int64     `json:"quantity" check:"min=1,max=999"`
				Price    model.Fen `json:"price_fen"`
			} `json:"items" check:"max=100,dive"`
			Address model.ID `json:"address_id"`
			Note    *string  `json:"note" check:"omitempty,max=200"`
			Flag    bool     `json:"flag"`
			Row     int8     `json:"row_no"`
			Title   string   `json:"title" check:"omitempty,max=30"`
		}]()}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range kinds {
			into := reflect.New(kind)
			c := fuzzCall(t, "POST", "", http.Header{"Content-Type": {"application/json"}}, body)
			if err := c.JSON(into.Interface()); err != nil {
				refusedWell(t, err)
				continue
			}
			var sent, got any
			b, err := json.Marshal(into.Interface())
			if err != nil || json.Unmarshal(b, &got) != nil || json.Unmarshal(body, &sent) != nil || !within(sent, got) {
				t.Errorf("%s was read as %s, %v", body, b, err)
			}
		}
	})
}

// within tells whether everything that was sent is in what was read; what was read may be left out of its JSON where it says nothing.
func within(sent, got any) bool {
	switch sent := sent.(type) {
	case map[string]any:
		in, ok := got.(map[string]any)
		for name, v := range sent {
			ok = ok && within(v, in[name])
		}
		return ok || len(sent) == 0 && got == nil
	case []any:
		in, _ := got.([]any)
		ok := len(in) == len(sent)
		for i := range sent {
			ok = ok && within(sent[i], in[i])
		}
		return ok
	case float64:
		return sent == got || sent == 0 && got == nil
	case bool:
		return sent == got || !sent && got == nil
	case string:
		return sent == got || sent == "" && got == nil
	}
	return sent == got
}

// FuzzQuery: a query string is refused in words or read into its fields; a page is never out of bounds.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"limit=20&cursor=7", "limit=0", "limit=101", "q=%E6%A9%99&limit=1", "q=a&q=b", "%zz", "a=1;b=2", "year=2025&open=true", "open=maybe", "cursor=-1", "q=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var in struct {
			Text string   `query:"q" check:"max=50"`
			Year int      `query:"year"`
			Open bool     `query:"open"`
			ID   model.ID `query:"id"`
			listing
		}
		page, err := fuzzCall(t, "GET", query, http.Header{}, nil).page(&in, &in.listing)
		if err != nil {
			refusedWell(t, err)
			return
		}
		if page.Limit < 1 || page.Limit > model.MaxPage || page.Cursor < 0 || strings.ContainsFunc(in.Text, unseen) || len([]rune(in.Text)) > 50 {
			t.Errorf("%q is %+v, %+v", query, in, page)
		}
		given, err := url.ParseQuery(query)
		if err != nil || len(given["q"]) > 1 || given.Get("q") != in.Text {
			t.Errorf("%q is read as %q, %v", query, in.Text, err)
		}
	})
}

// FuzzHeaders: keys, request ids, devices and tags are of their alphabet and length or not taken.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{"key-0001", "short", strings.Repeat("a", 65), "名字名字名字名", "a b c d e f", "W/\"x\"", "*", "\x00"} {
		f.Add(s)
	}
	safe := func(s string, least, most int) bool {
		return len(s) >= least && len(s) <= most && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
	}
	f.Fuzz(func(t *testing.T, value string) {
		c := fuzzCall(t, "POST", "", http.Header{"Idempotency-Key": {value}, "X-Device-Id": {value}}, nil)
		if err := c.idempotencyKey(); err != nil {
			refusedWell(t, err)
		} else if c.Key != value || !safe(c.Key, 8, 64) {
			t.Errorf("the key %q is taken as %q", value, c.Key)
		}
		if device, err := c.device(); err == nil && device != "" && !safe(device, 16, 64) {
			t.Errorf("the device %q is taken", device)
		}
		if saneRequestID(value) && !safe(value, 8, 36) {
			t.Errorf("the request id %q is taken", value)
		}
		if holds(value, `"tag"`) && !strings.Contains(value, `"tag"`) && !strings.Contains(value, "*") {
			t.Errorf("%q holds the tag", value)
		}
	})
}
