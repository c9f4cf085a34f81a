package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"

	"github.com/silenceper/wechat/v2/util"

	"bangfu/model"
)

const (
	loginCodeMessage = "登录凭证无效或已过期，请重新进入小程序"
	phoneCodeMessage = "手机号授权无效或已过期，请重新点击授权手机号"
)

// kinds maps WeChat's error codes that the person can do something about; all others are CodeWechat.
var kinds = map[int64]model.Code{
	40029: model.CodeInvalid,     // invalid code (also: expired)
	40163: model.CodeInvalid,     // code been used
	41008: model.CodeInvalid,     // missing code
	45011: model.CodeRateLimited, // too many calls in a minute
	40226: model.CodeForbidden,   // risky account, login blocked
}

// tokenRefused tells whether WeChat turned the access token down: invalid or not the latest (40001,
// 40014) or expired (42001).
func tokenRefused(err error) bool {
	switch errcode(err) {
	case 40001, 40014, 42001:
		return true
	}
	return false
}

// errcode is WeChat's error code in err, 0 when WeChat gave none.
func errcode(err error) int64 {
	var answered *util.CommonError
	if errors.As(err, &answered) {
		return answered.ErrCode
	}
	return 0
}

// failure is the cause behind a shown error. It holds redacted text only, never the original error,
// whose URL has the app secret or the access token in it.
type failure struct {
	api  string
	code int64 // WeChat's, 0 when it gave none
	text string
	ctx  error // context.Canceled or context.DeadlineExceeded where that ended the call
}

func (f *failure) Error() string { return "wechat " + f.api + ": " + f.text }
func (f *failure) Unwrap() error { return f.ctx }

// ErrCode is WeChat's own error code in an error of this package, 0 when WeChat gave none: it did not answer, or not in
// its own words.
func ErrCode(err error) int64 {
	var f *failure
	if errors.As(err, &f) {
		return f.code
	}
	return 0
}

// fail turns the error of a call into the one that may be shown, and logs it. codeMessage is what the
// person reads when their code is at fault.
func (c *Client) fail(ctx context.Context, api, codeMessage string, err error) error {
	f := &failure{api: api, code: errcode(err), text: c.redact(bare(err))}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) || errors.Is(ctx.Err(), end) {
			f.ctx = end
		}
	}
	var shown *model.Error
	level := slog.LevelWarn
	switch kinds[errcode(err)] {
	case model.CodeInvalid:
		shown, level = model.Invalid("code", codeMessage), slog.LevelInfo
	case model.CodeRateLimited:
		shown = model.E(model.CodeRateLimited, "操作过于频繁，请一分钟后再试")
	case model.CodeForbidden:
		shown = model.E(model.CodeForbidden, "微信认为该账号存在风险，暂时不能登录，请稍后再试或联系所在工会")
	default:
		shown = model.E(model.CodeWechat, "微信服务暂时不可用，请稍后再试")
	}
	if errors.Is(f, context.Canceled) { // the person left
		level = slog.LevelInfo
	}
	shown.Cause = f
	c.logger.Log(ctx, level, "wechat call failed", "api", api, "errcode", errcode(err), "error", f.text)
	return shown
}

// requestID is what WeChat appends to its messages and asks for in support cases.
var requestID = regexp.MustCompile(`rid: ?([0-9A-Za-z-]{1,64})`)

// bare is the text of err without anything that may quote the request: an answer is reduced to its code
// and request id, an HTTP error loses the URL that net/http puts around it.
func bare(err error) string {
	var answered *util.CommonError
	if errors.As(err, &answered) {
		text := fmt.Sprintf("errcode %d", answered.ErrCode)
		if rid := requestID.FindStringSubmatch(answered.ErrMsg); rid != nil {
			text += ", rid " + rid[1]
		}
		return text
	}
	var around *url.Error
	if errors.As(err, &around) {
		return fmt.Sprintf("%s: %v", strings.ToLower(around.Op), around.Err)
	}
	return err.Error()
}

// secretPair finds the values that must not be read by anyone, in a URL or in JSON.
var secretPair = regexp.MustCompile(`(?i)(secret|access_token|session_key|js_code)(["']?\s*[=:]\s*["']?)[^&\s"',}]+`)

// redact is the second line behind bare: it takes secrets out of text, and cuts it to a length fit for a
// log line.
func (c *Client) redact(text string) string {
	text = strings.ReplaceAll(text, c.config.AppSecret, "***")
	text = secretPair.ReplaceAllString(text, "$1$2***")
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}
