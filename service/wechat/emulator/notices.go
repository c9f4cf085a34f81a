package emulator

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"bangfu/model"
)

// NoticeMode is how notices behave.
type NoticeMode string

// The ways of notices.
const (
	OnTime        NoticeMode = "on_time"
	Late          NoticeMode = "late"           // DelayMS later
	Silent        NoticeMode = "silent"         // never
	Doubled       NoticeMode = "doubled"        // Count times, each signed anew
	Replayed      NoticeMode = "replayed"       // Count times, the very same bytes and signature
	Held          NoticeMode = "held"           // not before ReleaseNotices, which sends the newest first: out of order
	WrongAmount   NoticeMode = "wrong_amount"   // one fen more
	WrongMerchant NoticeMode = "wrong_merchant" // another merchant's
	BadSignature  NoticeMode = "bad_signature"  // changed after signing
	TooOld        NoticeMode = "too_old"        // signed six minutes ago
	Mangled       NoticeMode = "garbage"        // signed rightly, but not JSON
)

var noticeModes = []NoticeMode{OnTime, Late, Silent, Doubled, Replayed, Held, WrongAmount, WrongMerchant, BadSignature, TooOld, Mangled}

// About is what a notice is about.
type About string

// What notices are about.
const (
	AboutPayment About = "payment"
	AboutRefund  About = "refund"
)

// NoticeRule says how notices behave from now on.
type NoticeRule struct {
	About   About      `json:"about"` // "" is both
	Mode    NoticeMode `json:"mode"`
	DelayMS int        `json:"delay_ms"` // for Late: 1 to 60000
	Count   int        `json:"count"`    // for Doubled and Replayed: 2 to 20; 0 is 2
	Times   int        `json:"times"`    // for how many notices; 0 is all
}

func (r NoticeRule) check() error {
	switch {
	case r.About != "" && r.About != AboutPayment && r.About != AboutRefund:
		return model.Invalid("about", "对象应为 payment 或 refund，留空表示两者")
	case !slices.Contains(noticeModes, r.Mode):
		return model.Invalid("mode", "没有这种通知方式，可用的方式见帮助页")
	case r.DelayMS < 0 || r.DelayMS > int(longest/time.Millisecond) || (r.Mode == Late) != (r.DelayMS > 0):
		return model.Invalid("delay_ms", "只有 late 需要延迟，应为 1 至 60000 毫秒")
	case r.Count < 0 || r.Count == 1 || r.Count > 20:
		return model.Invalid("count", "份数应为 2 至 20")
	case r.Times < 0:
		return model.Invalid("times", "次数不能为负；0 表示一直有效")
	}
	return nil
}

// SetNotices puts a rule before those that are there; a rule that makes no sense is CodeInvalid.
func (e *Emulator) SetNotices(r NoticeRule) error {
	if err := r.check(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.noticeRules) >= maxFaults {
		return model.E(model.CodeConflict, "规则太多，请先清除")
	}
	e.noticeRules = slices.Insert(e.noticeRules, 0, r)
	return nil
}

// ClearRules ends all rules of notices and refunds: notices come at once, refunds succeed.
func (e *Emulator) ClearRules() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.noticeRules, e.refundRules = nil, nil
}

// RetryNotices sets how long after an answer other than 2xx a notice is tried again; none: never. At WeChat it is 15 s,
// 15 s, 30 s, 3 min and so on for a day; here 1 s, 5 s and 15 s unless set.
func (e *Emulator) RetryNotices(after ...time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.retries = after
}

// message is what one notice tells.
type message struct {
	kind    About
	no      string // of the payment or refund
	url     string
	event   string
	content any // tradeAnswer | refundMessage
}

// Sent is one attempt to deliver a notice.
type Sent struct {
	About  About      `json:"about"`
	No     string     `json:"no"`
	Mode   NoticeMode `json:"mode"`
	Status int        `json:"status"` // of the answer; 0: none came
}

// notify sends a notice by the rule, or by the first rule that fits. e.mu is held.
func (e *Emulator) notify(m message, rule *NoticeRule) {
	r := NoticeRule{Mode: OnTime}
	if rule != nil {
		r = *rule
	} else if i := slices.IndexFunc(e.noticeRules, func(r NoticeRule) bool { return r.About == "" || r.About == m.kind }); i >= 0 {
		r = e.noticeRules[i]
		if r.Times == 1 {
			e.noticeRules = slices.Delete(e.noticeRules, i, i+1)
		} else if r.Times > 1 {
			e.noticeRules[i].Times--
		}
	}
	retries := e.retries
	switch r.Mode {
	case Silent:
	case Held:
		e.held = append(e.held, m)
	default: // only Late has a delay
		e.later(time.Duration(r.DelayMS)*time.Millisecond, func() { e.deliver(m, r, retries) })
	}
}

// ReleaseNotices sends the held notices, the newest first, one after the other.
func (e *Emulator) ReleaseNotices() {
	e.mu.Lock()
	defer e.mu.Unlock()
	held, retries := e.held, e.retries
	e.held = nil
	slices.Reverse(held)
	e.later(0, func() {
		for _, m := range held {
			e.deliver(m, NoticeRule{Mode: OnTime}, retries)
		}
	})
}

// deliver posts a notice, and again where the answer is not 2xx.
func (e *Emulator) deliver(m message, r NoticeRule, retries []time.Duration) {
	copies := 1
	if r.Mode == Doubled || r.Mode == Replayed {
		copies = max(2, r.Count)
	}
	body, header := e.compose(m, r.Mode)
	for i := range copies {
		if i > 0 && r.Mode == Doubled {
			body, header = e.compose(m, r.Mode)
		}
		for attempt := 0; ; attempt++ {
			status := e.post(m.url, body, header)
			e.note(Sent{m.kind, m.no, r.Mode, status})
			if status/100 == 2 || attempt >= len(retries) || !e.wait(retries[attempt]) {
				break
			}
			body, header = e.compose(m, r.Mode)
		}
	}
}

// compose writes and signs a notice.
func (e *Emulator) compose(m message, mode NoticeMode) ([]byte, map[string]string) {
	about, nonce, at := "transaction", hex.EncodeToString(randomBytes(6)), e.clock.Now()
	if m.kind == AboutRefund {
		about = "refund"
	}
	if mode == TooOld {
		at = at.Add(-6 * time.Minute)
	}
	body := must(json.Marshal(map[string]any{
		"id": hex.EncodeToString(randomBytes(16)), "create_time": chinaTime(at), "event_type": m.event, "resource_type": "encrypt-resource", "summary": "通知",
		"resource": map[string]string{
			"original_type": about, "algorithm": "AEAD_AES_256_GCM", "associated_data": about, "nonce": nonce,
			"ciphertext": seal(must(json.Marshal(wronged(m.content, mode))), about, nonce),
		},
	}))
	if mode == Mangled {
		body = []byte(`{"id":"1","resource":`)
	}
	header := e.signatureOf(body, at)
	if mode == BadSignature {
		body = bytes.Replace(body, []byte("encrypt-resource"), []byte("encrypt_resource"), 1)
	}
	return body, header
}

// wronged is the content as the mode falsifies it.
func wronged(content any, mode NoticeMode) any {
	switch v := content.(type) {
	case tradeAnswer:
		if mode == WrongAmount {
			v.Amount.Total++
		}
		if mode == WrongMerchant {
			v.MchID = "1900000002"
		}
		return v
	case refundMessage:
		if mode == WrongAmount {
			v.Amount.Refund++
		}
		if mode == WrongMerchant {
			v.MchID = "1900000002"
		}
		return v
	}
	return content
}

// post sends one notice and tells the answer's status, 0 for none.
func (e *Emulator) post(url string, body []byte, header map[string]string) int {
	ctx, cancel := context.WithTimeout(e.life, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := e.courier.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody)) // for the connection's reuse
	_ = res.Body.Close()
	return res.StatusCode
}

// note remembers an attempt; the last 1,000 are kept.
func (e *Emulator) note(s Sent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent = append(e.sent, s)
	if len(e.sent) > 1000 {
		e.sent = slices.Delete(e.sent, 0, len(e.sent)-1000)
	}
}

// Notices tells the attempts to deliver notices so far, the last 1,000.
func (e *Emulator) Notices() []Sent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.sent)
}

// later does something after a real delay, in the background. e.mu is held.
func (e *Emulator) later(d time.Duration, do func()) {
	e.busy++
	go func() {
		if e.wait(d) {
			do()
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.busy--
		e.idle.Broadcast()
	}()
}

// wait waits and tells whether the emulator still runs.
func (e *Emulator) wait(d time.Duration) bool {
	if d <= 0 {
		return e.life.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.life.Done():
		return false
	}
}

// Settle waits until no notice or refund result is under way, so that tests need not guess.
func (e *Emulator) Settle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.busy > 0 {
		e.idle.Wait()
	}
}

// Close ends what runs in the background.
func (e *Emulator) Close() {
	e.end()
	e.Settle()
}
