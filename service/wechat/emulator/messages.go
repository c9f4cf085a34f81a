package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxKept bounds how many messages and uploads are remembered, the oldest go first.
const maxKept = 1000

// Message is a subscribe message as the user received it.
type Message struct {
	OpenID     string            `json:"openid"`
	TemplateID string            `json:"template_id"`
	Page       string            `json:"page"`
	Data       map[string]string `json:"data"` // by the template's fields
	At         time.Time         `json:"at"`
}

// Upload is shipping info as WeChat received it.
type Upload struct {
	TransactionID string          `json:"transaction_id"`
	Body          json.RawMessage `json:"body"` // without the time of upload
	At            time.Time       `json:"at"`
}

// Messages are the subscribe messages that the user received, the oldest first; all users' with an empty handle.
func (e *Emulator) Messages(user string) []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []Message{}
	for _, m := range e.messages {
		if user == "" || m.OpenID == e.OpenID(user) {
			list = append(list, m)
		}
	}
	return list
}

// Uploads are the shipping infos received, the oldest first.
func (e *Emulator) Uploads() []Upload {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.uploads)
}

func (e *Emulator) getMessages(w http.ResponseWriter, r *http.Request) {
	answerItems(w, e.Messages(r.URL.Query().Get("user")))
}

func (e *Emulator) getUploads(w http.ResponseWriter, _ *http.Request) { answerItems(w, e.Uploads()) }

func answerItems(w http.ResponseWriter, items any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	writeJSON(w, map[string]any{"items": items})
}

var (
	openidForm   = regexp.MustCompile(`^o[A-Za-z0-9_-]{27}$`)
	templateForm = regexp.MustCompile(`^[A-Za-z0-9_-]{20,64}$`)
)

// subscribeSend takes a subscribe message. WeChat knows who consented to what; the emulator lets everybody consent, a fault
// with errcode 43101 is a user who does not.
func (e *Emulator) subscribeSend(r *http.Request, body []byte) any {
	if errcode := e.checkToken(r.URL.Query().Get("access_token")); errcode != 0 {
		return refusal(errcode)
	}
	var in struct {
		ToUser     string `json:"touser"`
		TemplateID string `json:"template_id"`
		Page       string `json:"page"`
		Data       map[string]struct {
			Value string `json:"value"`
		} `json:"data"`
	}
	switch {
	case json.Unmarshal(body, &in) != nil:
		return refusal(47001)
	case !openidForm.MatchString(in.ToUser):
		return refusal(40003)
	case !templateForm.MatchString(in.TemplateID):
		return refusal(40037)
	case len(in.Data) == 0:
		return refusal(47003)
	}
	m := Message{OpenID: in.ToUser, TemplateID: in.TemplateID, Page: in.Page, Data: map[string]string{}, At: e.clock.Now()}
	for field, v := range in.Data {
		if !fits(field, v.Value) {
			no := refusal(47003)
			no.ErrMsg = strings.Replace(no.ErrMsg, "argument invalid!", "argument invalid! data."+field+".value invalid", 1)
			return no
		}
		m.Data[field] = v.Value
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, m)
	e.messages = e.messages[max(0, len(e.messages)-maxKept):]
	return apiError{0, "ok"}
}

var (
	fieldForm = regexp.MustCompile(`^([a-z_]+)[0-9]+$`)
	// forms are WeChat's rules for the kinds of fields that are rules of form; the others are of length.
	forms = map[string]*regexp.Regexp{
		"number":           regexp.MustCompile(`^-?[0-9]{1,32}(\.[0-9]+)?$`),
		"letter":           regexp.MustCompile(`^[A-Za-z]{1,32}$`),
		"character_string": regexp.MustCompile(`^[\x21-\x7e]{1,32}$`),
		"amount":           regexp.MustCompile(`^[¥￥$€]?[0-9]{1,10}(\.[0-9]{1,2})?元?$`),
		"date":             regexp.MustCompile(`^\d{4}(年\d{1,2}月\d{1,2}日|-\d{2}-\d{2})( \d{1,2}:\d{2}(:\d{2})?)?$`),
		"time":             regexp.MustCompile(`^(\d{4}(年\d{1,2}月\d{1,2}日|-\d{2}-\d{2}) )?\d{1,2}:\d{2}(:\d{2})?$`),
		"phone_number":     regexp.MustCompile(`^[0-9+-]{1,17}$`),
	}
	lengths = map[string]int{"thing": 20, "symbol": 5, "car_number": 8, "name": 20, "enum": 20}
)

// fits tells whether WeChat takes the text for a field of that name.
func fits(field, text string) bool {
	name := fieldForm.FindStringSubmatch(field)
	if name == nil || text == "" || strings.ContainsAny(text, "\r\n") {
		return false
	}
	if form := forms[name[1]]; form != nil {
		return form.MatchString(text)
	}
	if name[1] == "phrase" {
		return utf8.RuneCountInString(text) <= 5 && strings.IndexFunc(text, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) < 0
	}
	limit := lengths[name[1]]
	return limit > 0 && utf8.RuneCountInString(text) <= limit
}

// shippingBody is what is judged of an upload of shipping info.
type shippingBody struct {
	OrderKey struct {
		Type          int    `json:"order_number_type"`
		TransactionID string `json:"transaction_id"`
		MchID         string `json:"mchid"`
		OutTradeNo    string `json:"out_trade_no"`
	} `json:"order_key"`
	LogisticsType int  `json:"logistics_type"`
	DeliveryMode  int  `json:"delivery_mode"`
	AllDelivered  bool `json:"is_all_delivered"`
	List          []struct {
		TrackingNo string `json:"tracking_no"`
		Company    string `json:"express_company"`
		Goods      string `json:"item_desc"`
		Contact    struct {
			Receiver  string `json:"receiver_contact"`
			Consignor string `json:"consignor_contact"`
		} `json:"contact"`
	} `json:"shipping_list"`
	UploadTime string `json:"upload_time,omitempty"`
	Payer      struct {
		OpenID string `json:"openid"`
	} `json:"payer"`
}

// judge is WeChat's error code for the upload, 0 for a right one.
func (b shippingBody) judge() int {
	at, err := time.Parse(time.RFC3339, b.UploadTime)
	switch {
	case b.OrderKey.Type != 2:
		return 268485194 // the product only uses WeChat's own number
	case b.OrderKey.TransactionID == "":
		return 268485195
	case b.LogisticsType < 1 || b.LogisticsType > 4:
		return 10060005
	case b.DeliveryMode != 1 && b.DeliveryMode != 2:
		return 268485224
	case b.DeliveryMode == 1 && len(b.List) != 1:
		return 268485228
	case len(b.List) == 0 || len(b.List) > 10:
		return 10060024
	case err != nil || at.IsZero():
		return 268485216
	case !openidForm.MatchString(b.Payer.OpenID):
		return 10060031
	}
	for _, p := range b.List {
		switch n := utf8.RuneCountInString(p.Goods); {
		case n == 0 || n > 120:
			return 10060020
		case b.LogisticsType == 1 && (p.TrackingNo == "" || p.Company == ""):
			return 10060014
		case b.LogisticsType == 1 && p.Company == "SF" && p.Contact.Receiver == "" && p.Contact.Consignor == "":
			return 10060014
		}
	}
	return 0
}

// uploadShipping takes shipping info: the first, and one change of it.
func (e *Emulator) uploadShipping(r *http.Request, body []byte) any {
	if errcode := e.checkToken(r.URL.Query().Get("access_token")); errcode != 0 {
		return refusal(errcode)
	}
	var in shippingBody
	if json.Unmarshal(body, &in) != nil {
		return refusal(47001)
	}
	if errcode := in.judge(); errcode != 0 {
		return refusal(errcode)
	}
	in.UploadTime = ""
	kept, err := json.Marshal(in)
	if err != nil {
		return refusal(-1)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	before, last := 0, ""
	for _, u := range e.uploads {
		if u.TransactionID == in.OrderKey.TransactionID {
			before, last = before+1, string(u.Body)
		}
	}
	switch {
	case before > 0 && last == string(kept):
		return refusal(10060023)
	case before > 1:
		return refusal(10060003)
	}
	e.uploads = append(e.uploads, Upload{TransactionID: in.OrderKey.TransactionID, Body: kept, At: e.clock.Now()})
	e.uploads = e.uploads[max(0, len(e.uploads)-maxKept):]
	return apiError{0, "ok"}
}
