package emulator

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// v3Error is an error answer of WeChat Pay v3.
type v3Error struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The refusals of WeChat Pay that the product meets.
var (
	v3SignError   = &v3Error{http.StatusUnauthorized, "SIGN_ERROR", "签名错误，请检查后再试"}
	v3BadJSON     = &v3Error{http.StatusBadRequest, "PARAM_ERROR", "请求不是合法的 JSON"}
	v3NoTrade     = &v3Error{http.StatusNotFound, "ORDER_NOT_EXIST", "订单不存在"}
	v3NoResource  = &v3Error{http.StatusNotFound, "RESOURCE_NOT_EXISTS", "记录不存在"}
	v3Paid        = &v3Error{http.StatusBadRequest, "ORDERPAID", "该订单已支付"}
	v3Closed      = &v3Error{http.StatusBadRequest, "ORDER_CLOSED", "该订单已关闭"}
	v3Differs     = &v3Error{http.StatusBadRequest, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"}
	v3NotRefund   = &v3Error{http.StatusBadRequest, "INVALID_REQUEST", "订单未支付，不能退款"}
	v3TooMuch     = &v3Error{http.StatusBadRequest, "INVALID_REQUEST", "累计退款金额大于订单金额"}
	v3TooMany     = &v3Error{http.StatusBadRequest, "INVALID_REQUEST", "同一订单的退款次数超过 50 次"}
	v3WrongTotal  = &v3Error{http.StatusBadRequest, "PARAM_ERROR", "订单金额与支付时不一致"}
	v3OtherMch    = &v3Error{http.StatusBadRequest, "MCH_NOT_EXISTS", "商户号不正确"}
	v3OtherApp    = &v3Error{http.StatusBadRequest, "APPID_MCHID_NOT_MATCH", "小程序与商户号不匹配"}
	v3BadExpiry   = &v3Error{http.StatusBadRequest, "PARAM_ERROR", "支付截止时间应晚于现在"}
	v3MissingPart = &v3Error{http.StatusBadRequest, "PARAM_ERROR", "缺少必填的参数，或参数格式不正确"}
)

// call is one signed request to WeChat Pay.
type call struct {
	no   string // the payment's or refund's number in the path
	mch  string // the mchid in the query
	body []byte
}

// v3 are the interfaces of WeChat Pay, by method and path: what they answer, nil for no content.
func (e *Emulator) v3() map[string]func(call) (any, *v3Error) {
	return map[string]func(call) (any, *v3Error){
		"POST /v3/pay/transactions/jsapi":                   e.prepay,
		"GET /v3/pay/transactions/out-trade-no/{no}":        e.queryTrade,
		"POST /v3/pay/transactions/out-trade-no/{no}/close": e.closeTrade,
		"POST /v3/refund/domestic/refunds":                  e.createRefund,
		"GET /v3/refund/domestic/refunds/{no}":              e.queryRefund,
	}
}

// v3Paths tells whether faults may be put on the path, which is written as in the map above.
func (e *Emulator) knowsV3(path string) bool {
	for pattern := range e.v3() {
		if _, p, _ := strings.Cut(pattern, " "); p == path {
			return true
		}
	}
	return false
}

// serveV3 reads the request, lets a fault act, checks the merchant's signature, answers, and signs the answer.
func (e *Emulator) serveV3(path string, answer func(call) (any, *v3Error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "request entity too large", http.StatusRequestEntityTooLarge)
			return
		}
		lost, over := e.disturb(w, r, path, func(f Fault) { e.answerV3(w, nil, &v3Error{f.Status, f.Code, "模拟的错误"}) })
		if over {
			return
		}
		if err := e.checkMerchant(r, body); err != nil {
			e.answerV3(w, nil, v3SignError)
			return
		}
		v, refusal := answer(call{no: r.PathValue("no"), mch: r.URL.Query().Get("mchid"), body: body})
		if lost {
			panic(http.ErrAbortHandler) // it has taken effect; the connection is cut before the answer
		}
		e.answerV3(w, v, refusal)
	})
}

// answerV3 writes an answer or a refusal with WeChat Pay's signature.
func (e *Emulator) answerV3(w http.ResponseWriter, v any, refusal *v3Error) {
	status, body := http.StatusOK, []byte(nil)
	switch {
	case refusal != nil:
		status, body = refusal.status, must(json.Marshal(refusal))
	case v == nil:
		status = http.StatusNoContent
	default:
		body = must(json.Marshal(v))
	}
	for name, value := range e.signatureOf(body, e.clock.Now()) {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Request-ID", strings.ToUpper(hex.EncodeToString(randomBytes(16))))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have hung up
}

// signatureOf makes the headers with which WeChat Pay signs an answer or a notice.
func (e *Emulator) signatureOf(body []byte, at time.Time) map[string]string {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), hex.EncodeToString(randomBytes(16))
	digest := sha256.Sum256([]byte(stamp + "\n" + nonce + "\n" + string(body) + "\n"))
	signature := must(rsa.SignPKCS1v15(rand.Reader, keys().platform, crypto.SHA256, digest[:]))
	return map[string]string{
		"Wechatpay-Serial": keys().PublicKeyID, "Wechatpay-Timestamp": stamp, "Wechatpay-Nonce": nonce,
		"Wechatpay-Signature": base64.StdEncoding.EncodeToString(signature), "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
	}
}

var (
	errSignature = errors.New("the request is not the merchant's")
	authPart     = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

// checkMerchant judges the merchant's signature. Its age is judged by the machine's time: the official library signs
// with that, whatever the product's clock is.
func (e *Emulator) checkMerchant(r *http.Request, body []byte) error {
	kind, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	part := map[string]string{}
	for _, m := range authPart.FindAllStringSubmatch(rest, -1) {
		part[m[1]] = m[2]
	}
	if kind != "WECHATPAY2-SHA256-RSA2048" || part["mchid"] != keys().MchID || part["serial_no"] != keys().SerialNo || part["nonce_str"] == "" {
		return errSignature
	}
	seconds, err := strconv.ParseInt(part["timestamp"], 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return errSignature
	}
	signature, err := base64.StdEncoding.DecodeString(part["signature"])
	if err != nil {
		return errSignature
	}
	digest := sha256.Sum256([]byte(r.Method + "\n" + r.URL.RequestURI() + "\n" + part["timestamp"] + "\n" + part["nonce_str"] + "\n" + string(body) + "\n"))
	return rsa.VerifyPKCS1v15(&keys().merchant.PublicKey, crypto.SHA256, digest[:], signature)
}

// seal encrypts what a notice has inside with the merchant's APIv3 key.
func seal(plain []byte, about, nonce string) string {
	gcm := must(cipher.NewGCM(must(aes.NewCipher([]byte(keys().APIv3Key)))))
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, []byte(about)))
}

// readV3 reads a request's body; unknown fields are WeChat's business, not ours.
func readV3(body []byte, into any) *v3Error {
	if json.NewDecoder(bytes.NewReader(body)).Decode(into) != nil {
		return v3BadJSON
	}
	return nil
}
