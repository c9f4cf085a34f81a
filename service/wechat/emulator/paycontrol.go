package emulator

import (
	"net/http"
	"time"

	"bangfu/model"
)

// done answers a control request that has no answer of its own.
func done(w http.ResponseWriter, err error) {
	if err != nil {
		answerError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (e *Emulator) postPay(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Verdict Verdict     `json:"verdict"`
		Notice  *NoticeRule `json:"notice"`
	}
	err := readJSON(r, &in)
	if err == nil {
		err = e.Pay(r.PathValue("no"), in.Verdict, in.Notice)
	}
	done(w, err)
}

func (e *Emulator) postRefundResult(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Result RefundOutcome `json:"result"`
		Notice *NoticeRule   `json:"notice"`
	}
	err := readJSON(r, &in)
	if err == nil {
		err = e.FinishRefund(r.PathValue("no"), in.Result, in.Notice)
	}
	done(w, err)
}

func (e *Emulator) postRefundRule(w http.ResponseWriter, r *http.Request) {
	var in RefundRule
	err := readJSON(r, &in)
	if err == nil {
		err = e.SetRefunds(in)
	}
	done(w, err)
}

func (e *Emulator) postNoticeRule(w http.ResponseWriter, r *http.Request) {
	var in NoticeRule
	err := readJSON(r, &in)
	if err == nil {
		err = e.SetNotices(in)
	}
	done(w, err)
}

func (e *Emulator) getNotices(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	writeJSON(w, struct {
		Items []Sent `json:"items"`
	}{append([]Sent{}, e.Notices()...)})
}

func (e *Emulator) postRelease(w http.ResponseWriter, _ *http.Request) {
	e.ReleaseNotices()
	done(w, nil)
}

func (e *Emulator) putRetries(w http.ResponseWriter, r *http.Request) {
	var in struct {
		DelaysMS []int `json:"delays_ms"`
	}
	err := readJSON(r, &in)
	var after []time.Duration
	for _, ms := range in.DelaysMS {
		if ms < 1 || ms > int(longest/time.Millisecond) || len(after) >= 20 {
			err = model.Invalid("delays_ms", "至多 20 个，每个 1 至 60000 毫秒")
			break
		}
		after = append(after, time.Duration(ms)*time.Millisecond)
	}
	if err == nil {
		e.RetryNotices(after...)
	}
	done(w, err)
}

func (e *Emulator) deleteRules(w http.ResponseWriter, _ *http.Request) {
	e.ClearRules()
	done(w, nil)
}
