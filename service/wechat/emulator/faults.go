package emulator

import (
	"io"
	"net/http"
	"slices"
	"time"

	"bangfu/model"
)

// Mode is a way in which WeChat can fail.
type Mode string

// The ways to fail.
const (
	Slow    Mode = "slow"    // answers rightly, after DelayMS
	Down    Mode = "down"    // HTTP 503 with a page of HTML
	Error   Mode = "error"   // WeChat's error answer: with ErrCode, at WeChat Pay with Status and Code
	Garbage Mode = "garbage" // status 200 and something that is not JSON
	Never   Mode = "never"   // no answer for as long as the caller waits, at most a minute
	Lost    Mode = "lost"    // takes effect, but the connection is cut before the answer
)

// Fault makes one of WeChat's interfaces fail. Faults on the same path act one after the other, in the
// order of their injection. A faulted call uses nothing up, except a slow and a lost one.
type Fault struct {
	Path    string `json:"path"` // such as /sns/jscode2session or /v3/pay/transactions/out-trade-no/{no}/close
	Mode    Mode   `json:"mode"`
	DelayMS int    `json:"delay_ms"` // for Slow: 1 to 60000
	ErrCode int    `json:"errcode"`  // for Error: not 0
	Status  int    `json:"status"`   // for Error at WeChat Pay: 400 to 599
	Code    string `json:"code"`     // for Error at WeChat Pay: such as SYSTEM_ERROR
	Times   int    `json:"times"`    // how many calls it meets; 0 is all, until ClearFaults
}

const (
	maxFaults = 100
	longest   = time.Minute
)

// InjectFault makes the next calls of a path fail. A fault that makes no sense is CodeInvalid.
func (e *Emulator) InjectFault(f Fault) error {
	v3 := e.knowsV3(f.Path)
	switch {
	case e.platform()[f.Path].answer == nil && !v3:
		return model.Invalid("path", "没有这个接口，可用的接口见帮助页")
	case !slices.Contains([]Mode{Slow, Down, Error, Garbage, Never, Lost}, f.Mode):
		return model.Invalid("mode", "故障方式应为 slow、down、error、garbage、never 或 lost")
	case f.DelayMS < 0 || f.DelayMS > int(longest/time.Millisecond) || (f.Mode == Slow && f.DelayMS == 0):
		return model.Invalid("delay_ms", "延迟应为 1 至 60000 毫秒")
	case v3 && f.Mode == Error && (f.Status < 400 || f.Status > 599):
		return model.Invalid("status", "请填写微信支付的状态码，400 至 599")
	case v3 && f.Mode == Error && f.Code == "":
		return model.Invalid("code", "请填写微信支付错误码，例如 SYSTEM_ERROR")
	case !v3 && f.Mode == Error && f.ErrCode == 0:
		return model.Invalid("errcode", "请填写微信错误码，例如 45011")
	case f.Times < 0:
		return model.Invalid("times", "次数不能为负；0 表示一直有效")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.faults) >= maxFaults {
		return model.E(model.CodeConflict, "故障太多，请先清除")
	}
	e.faults = append(e.faults, f)
	return nil
}

// ClearFaults ends all faults.
func (e *Emulator) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = nil
}

// nextFault takes the fault that this call meets.
func (e *Emulator) nextFault(path string) (Fault, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.faults, func(f Fault) bool { return f.Path == path })
	if i < 0 {
		return Fault{}, false
	}
	f := e.faults[i]
	if f.Times == 1 {
		e.faults = slices.Delete(e.faults, i, i+1)
	} else if f.Times > 1 {
		e.faults[i].Times--
	}
	return f, true
}

// disturb lets a fault act on the call. over: that was all the answer there is; lost: the answer must not arrive. refuse
// writes the error answer of the interface's kind.
func (e *Emulator) disturb(w http.ResponseWriter, r *http.Request, path string, refuse func(Fault)) (lost, over bool) {
	f, ok := e.nextFault(path)
	if !ok {
		return false, false
	}
	switch f.Mode {
	case Lost:
		return true, false
	case Slow:
		return false, !pause(r, time.Duration(f.DelayMS)*time.Millisecond)
	case Down:
		http.Error(w, "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", http.StatusServiceUnavailable)
	case Error:
		refuse(f)
	case Garbage:
		_, _ = io.WriteString(w, "<html><body>{\"errcode\":") // the caller may have hung up
	case Never:
		if !pause(r, longest) {
			return false, true
		}
		http.Error(w, "gateway timeout", http.StatusGatewayTimeout)
	}
	return false, true
}

// pause waits and tells whether the caller is still there.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
