package emulator

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"
)

// apiError is WeChat's error answer.
type apiError struct {
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// messages are WeChat's words for the error codes that the product meets.
var messages = map[int]string{
	-1:    "system error",
	40001: "invalid credential, access_token is invalid or not latest",
	40002: "invalid grant_type",
	40003: "invalid openid",
	40013: "invalid appid",
	40014: "invalid access_token",
	40029: "invalid code",
	40037: "invalid template_id",
	40125: "invalid appsecret",
	40163: "code been used",
	40226: "code blocked",
	41001: "access_token missing",
	41008: "missing code",
	42001: "access_token expired",
	43001: "require GET method",
	43002: "require POST method",
	43101: "user refuse to accept the msg",
	45009: "reach max api daily quota limit",
	45011: "api minute-quota reach limit mustslower retry next minute",
	47001: "data format error",
	47003: "argument invalid!",

	10060001:  "支付单不存在",
	10060002:  "支付单已完成发货，无法继续发货",
	10060003:  "支付单已使用重新发货机会",
	10060004:  "支付单处于不可发货的状态",
	10060005:  "物流类型有误",
	10060014:  "参数错误",
	10060020:  "该笔支付单在没有任何商品描述的情况下不允许完成发货",
	10060023:  "发货信息未更新",
	10060024:  "物流信息列表太长",
	10060031:  "该笔支付单不属于 openid 所指定的用户",
	268485194: "订单单号类型非法",
	268485195: "微信支付单号不可为空",
	268485216: "上传时间非法，请按照 RFC 3339 格式填写",
	268485224: "发货模式非法",
	268485228: "统一发货模式下，物流信息列表长度必须为 1",
}

// refusal is WeChat's error answer with its trailing request id.
func refusal(errcode int) apiError {
	message := messages[errcode]
	if message == "" {
		message = "emulated error"
	}
	id := randomBytes(10)
	return apiError{errcode, message + " rid: " + hex.EncodeToString(id[:4]) + "-" + hex.EncodeToString(id[4:8]) + "-" + hex.EncodeToString(id[8:])}
}

func wrongMethod(want string) apiError {
	if want == http.MethodGet {
		return refusal(43001)
	}
	return refusal(43002)
}

// platform is the list of WeChat's interfaces that are emulated, by path.
func (e *Emulator) platform() map[string]endpoint {
	const asJSON = "application/json; encoding=utf-8"
	return map[string]endpoint{
		"/sns/jscode2session":              {http.MethodGet, "text/plain", e.code2Session},
		"/cgi-bin/stable_token":            {http.MethodPost, asJSON, e.stableToken},
		"/cgi-bin/token":                   {http.MethodGet, asJSON, e.plainToken},
		"/wxa/business/getuserphonenumber": {http.MethodPost, asJSON, e.phoneNumber},

		"/cgi-bin/message/subscribe/send":     {http.MethodPost, asJSON, e.subscribeSend},
		"/wxa/sec/order/upload_shipping_info": {http.MethodPost, asJSON, e.uploadShipping},
	}
}

// credentials judges app id and secret; 0 is right.
func (e *Emulator) credentials(appID, secret string) int {
	if appID != e.appID {
		return 40013
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(e.appSecret)) != 1 {
		return 40125
	}
	return 0
}

func (e *Emulator) code2Session(r *http.Request, _ []byte) any {
	q := r.URL.Query()
	if errcode := e.credentials(q.Get("appid"), q.Get("secret")); errcode != 0 {
		return refusal(errcode)
	}
	if q.Get("grant_type") != "authorization_code" {
		return refusal(40002)
	}
	if q.Get("js_code") == "" {
		return refusal(41008)
	}
	c, errcode := e.redeem(q.Get("js_code"), forLogin)
	if errcode != 0 {
		return refusal(errcode)
	}
	return struct {
		SessionKey string `json:"session_key"`
		OpenID     string `json:"openid"`
		UnionID    string `json:"unionid"`
	}{base64.StdEncoding.EncodeToString(randomBytes(16)), e.OpenID(c.user), e.UnionID(c.user)}
}

func (e *Emulator) phoneNumber(r *http.Request, body []byte) any {
	if errcode := e.checkToken(r.URL.Query().Get("access_token")); errcode != 0 {
		return refusal(errcode)
	}
	var in struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &in) != nil {
		return refusal(47001)
	}
	if in.Code == "" {
		return refusal(41008)
	}
	c, errcode := e.redeem(in.Code, forPhone)
	if errcode != 0 {
		return refusal(errcode)
	}
	type watermark struct {
		Timestamp int64  `json:"timestamp"`
		AppID     string `json:"appid"`
	}
	type phoneInfo struct {
		PhoneNumber     string    `json:"phoneNumber"`
		PurePhoneNumber string    `json:"purePhoneNumber"`
		CountryCode     string    `json:"countryCode"`
		Watermark       watermark `json:"watermark"`
	}
	return struct {
		apiError
		PhoneInfo phoneInfo `json:"phone_info"`
	}{apiError{0, "ok"}, phoneInfo{c.phone, c.phone, "86", watermark{e.clock.Now().Unix(), e.appID}}}
}

// tokenAnswer is the answer of both token interfaces.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// stableToken gives the current token until 5 minutes before its end; forced, it makes a new one and
// the old one ends at once.
func (e *Emulator) stableToken(_ *http.Request, body []byte) any {
	var in struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}
	if json.Unmarshal(body, &in) != nil {
		return refusal(47001)
	}
	if in.GrantType != "client_credential" {
		return refusal(40002)
	}
	if errcode := e.credentials(in.AppID, in.Secret); errcode != 0 {
		return refusal(errcode)
	}
	now := e.clock.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if in.ForceRefresh {
		delete(e.tokens, e.stable)
		e.stable = ""
	}
	if left := e.tokens[e.stable].Sub(now); e.stable != "" && left > 5*time.Minute {
		return tokenAnswer{e.stable, int64(left / time.Second)}
	}
	e.stable = e.newToken(now)
	return tokenAnswer{e.stable, int64(tokenLife / time.Second)}
}

// plainToken makes a new token at every call; the one before it lives on for 5 minutes.
func (e *Emulator) plainToken(r *http.Request, _ []byte) any {
	q := r.URL.Query()
	if q.Get("grant_type") != "client_credential" {
		return refusal(40002)
	}
	if errcode := e.credentials(q.Get("appid"), q.Get("secret")); errcode != 0 {
		return refusal(errcode)
	}
	now := e.clock.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if end, ok := e.tokens[e.plain]; ok && end.After(now.Add(5*time.Minute)) {
		e.tokens[e.plain] = now.Add(5 * time.Minute)
	}
	e.plain = e.newToken(now)
	return tokenAnswer{e.plain, int64(tokenLife / time.Second)}
}

// newToken makes a token and forgets those that ended over a day ago. e.mu is held.
func (e *Emulator) newToken(now time.Time) string {
	for value, end := range e.tokens {
		if now.Sub(end) > 24*time.Hour {
			delete(e.tokens, value)
		}
	}
	value := base64.RawURLEncoding.EncodeToString(randomBytes(96))
	e.tokens[value] = now.Add(tokenLife)
	return value
}

// checkToken judges an access token; 0 is right.
func (e *Emulator) checkToken(value string) int {
	if value == "" {
		return 41001
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	end, ok := e.tokens[value]
	if !ok {
		return 40001
	}
	if !e.clock.Now().Before(end) {
		return 42001
	}
	return 0
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the program instead
	return b
}
