package pay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/wechatpay-apiv3/wechatpay-go/core"

	"bangfu/model"
)

// Refusal is an answer of WeChat Pay that says no. It is in the chain of the errors of all calls (errors.As).
type Refusal struct {
	Status int    // HTTP status
	Code   string // WeChat's, such as NOT_ENOUGH; "" if the answer had none
}

func (r *Refusal) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("http status %d", r.Status)
	}
	return fmt.Sprintf("http status %d, code %s", r.Status, r.Code)
}

// Final tells whether asking again unchanged cannot help by itself: WeChat understood and refused. Limits of frequency
// and WeChat's own troubles are not final.
func (r *Refusal) Final() bool {
	if r.Status < 400 || r.Status >= 500 || r.Status == http.StatusTooManyRequests || r.Code == "" {
		return false
	}
	switch r.Code {
	case "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "SYSTEM_ERROR", "SYSTEMERROR":
		return false
	}
	return true
}

// RefusedFinally tells WeChat's code if err is a final refusal.
func RefusedFinally(err error) (code string, final bool) {
	var r *Refusal
	if errors.As(err, &r) && r.Final() {
		return r.Code, true
	}
	return "", false
}

// refused tells whether WeChat answered with one of the codes. WeChat spells several of them in two ways, with and without
// underscores, depending on the interface's age.
func refused(err error, codes ...string) bool {
	var answered *core.APIError
	if !errors.As(err, &answered) {
		return false
	}
	for _, code := range codes {
		if strings.ReplaceAll(answered.Code, "_", "") == strings.ReplaceAll(code, "_", "") {
			return true
		}
	}
	return false
}

// failure is the cause behind a shown error: redacted text only, never the original error, whose text has headers and
// signatures in it.
type failure struct {
	api  string
	text string
	is   []error // a *Refusal, context.Canceled, context.DeadlineExceeded: what the caller may ask for
}

func (f *failure) Error() string   { return "wechat pay " + f.api + ": " + f.text }
func (f *failure) Unwrap() []error { return f.is }

// fail turns the error of a call into the one that may be shown, and logs it.
func (c *Client) fail(ctx context.Context, api string, err error) error {
	f := &failure{api: api, text: bare(err)}
	level := slog.LevelWarn
	var answered *core.APIError
	if errors.As(err, &answered) {
		f.is = append(f.is, &Refusal{Status: answered.StatusCode, Code: codeOf(answered)})
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) || errors.Is(ctx.Err(), end) {
			f.is = append(f.is, end)
		}
	}
	if errors.Is(f, context.Canceled) { // the person left
		level = slog.LevelInfo
	}
	shown := model.E(model.CodeWechat, "微信支付暂时不可用，请稍后再试")
	shown.Cause = f
	c.logger.Log(ctx, level, "wechat pay call failed", "api", api, "error", f.text)
	return shown
}

// codeOf is WeChat's code if it looks like one: the answer may come from anything between us and WeChat.
func codeOf(e *core.APIError) string {
	if codeForm.MatchString(e.Code) {
		return e.Code
	}
	return ""
}

var (
	codeForm    = regexp.MustCompile(`^[A-Z0-9_]{1,64}$`)
	requestForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
)

// bare is the text of err without anything that may quote the request, its signature or the person.
func bare(err error) string {
	var answered *core.APIError
	if errors.As(err, &answered) {
		text := fmt.Sprintf("http status %d", answered.StatusCode)
		if code := codeOf(answered); code != "" {
			text += ", code " + code
		}
		if id := answered.Header.Get("Request-ID"); requestForm.MatchString(id) {
			text += ", request " + id
		}
		return text
	}
	var around *url.Error
	if errors.As(err, &around) {
		return fmt.Sprintf("%s: %v", strings.ToLower(around.Op), around.Err)
	}
	if r := []rune(err.Error()); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return err.Error()
}
