package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

// Subscribe is one subscribe message.
type Subscribe struct {
	OpenID     string            // who is told
	TemplateID string            // as WeChat gave it to the mini-program
	Page       string            // opened by a tap; empty: none
	Data       map[string]string // by the template's fields: "thing1", "amount2"
}

// SendSubscribe sends one subscribe message, which uses up one consent of the user at WeChat. Errors are CodeWechat (or
// CodeRateLimited); ErrCode tells WeChat's code. An error without a code leaves open whether the message arrived.
func (c *Client) SendSubscribe(ctx context.Context, m Subscribe) error {
	type value struct {
		Value string `json:"value"`
	}
	data := make(map[string]value, len(m.Data))
	for field, text := range m.Data {
		data[field] = value{text}
	}
	return c.post(ctx, "subscribe.send", "/cgi-bin/message/subscribe/send", struct {
		ToUser     string           `json:"touser"`
		TemplateID string           `json:"template_id"`
		Page       string           `json:"page,omitempty"`
		Data       map[string]value `json:"data"`
		Lang       string           `json:"lang"`
	}{m.OpenID, m.TemplateID, m.Page, data, "zh_CN"})
}

// Shipping is what WeChat wants to know of the goods behind a payment before it lets the money go.
type Shipping struct {
	TransactionID string // of the payment, as WeChat numbers it
	OpenID        string // who paid
	At            time.Time
	Parcels       []ShippingParcel // 1 to 10, all that there will be
}

// ShippingParcel is one parcel sent by express.
type ShippingParcel struct {
	Company    string // WeChat's code of the carrier: "SF"
	TrackingNo string
	Goods      string // at most 120 characters
	Receiver   string // the receiver's phone, masked but for the last four digits; SF only
}

// UploadShipping tells WeChat that everything behind a payment was shipped. WeChat takes it once and one change of it.
// Errors are those of SendSubscribe.
func (c *Client) UploadShipping(ctx context.Context, s Shipping) error {
	type contact struct {
		Receiver string `json:"receiver_contact"`
	}
	type parcel struct {
		TrackingNo string   `json:"tracking_no"`
		Company    string   `json:"express_company"`
		Goods      string   `json:"item_desc"`
		Contact    *contact `json:"contact,omitempty"`
	}
	type orderKey struct {
		Type          int    `json:"order_number_type"` // 2: WeChat's own number
		TransactionID string `json:"transaction_id"`
	}
	type payer struct {
		OpenID string `json:"openid"`
	}
	mode := 1 // all in one
	if len(s.Parcels) > 1 {
		mode = 2 // in several
	}
	list := make([]parcel, len(s.Parcels))
	for i, p := range s.Parcels {
		list[i] = parcel{TrackingNo: p.TrackingNo, Company: p.Company, Goods: p.Goods}
		if p.Receiver != "" {
			list[i].Contact = &contact{p.Receiver}
		}
	}
	return c.post(ctx, "upload_shipping_info", "/wxa/sec/order/upload_shipping_info", struct {
		OrderKey      orderKey `json:"order_key"`
		LogisticsType int      `json:"logistics_type"` // 1: express
		DeliveryMode  int      `json:"delivery_mode"`
		AllDelivered  bool     `json:"is_all_delivered"`
		List          []parcel `json:"shipping_list"`
		UploadTime    string   `json:"upload_time"`
		Payer         payer    `json:"payer"`
	}{orderKey{2, s.TransactionID}, 1, mode, true, list, s.At.Format("2006-01-02T15:04:05.000Z07:00"), payer{s.OpenID}})
}

// post calls an interface of WeChat's with the access token and a JSON body, and judges the answer. The library has
// these calls too, but its own take no context, so that they could neither be bounded nor sent elsewhere.
func (c *Client) post(ctx context.Context, api, path string, in any) error {
	ctx, cancel := c.begin(ctx)
	defer cancel()
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(in); err != nil {
		return err
	}
	err := c.withToken(ctx, func(token string) error { return postOnce(ctx, api, path, token, body.Bytes()) })
	if err != nil {
		return c.fail(ctx, api, "", err)
	}
	return nil
}

// postOnce goes through the router, so it reaches the client's own target. Its errors quote the URL, with the token, only
// inside a *url.Error, which bare takes apart.
func postOnce(ctx context.Context, api, path, token string, body []byte) error {
	address := url.URL{Scheme: "https", Host: platformHost, Path: path, RawQuery: url.Values{"access_token": {token}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the request cannot be built")
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := util.DefaultHTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		ErrCode *int64 `json:"errcode"`
		ErrMsg  string `json:"errmsg"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.New("the answer is not what WeChat sends")
	}
	switch {
	case answer.ErrCode == nil:
		return errors.New("the answer has no errcode")
	case *answer.ErrCode != 0:
		return util.NewCommonError(api, *answer.ErrCode, answer.ErrMsg)
	}
	return nil
}
