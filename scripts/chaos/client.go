package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"

	"bangfu/api"
	"bangfu/model"
)

// patience is how long a client waits for an answer: well past the product's own deadline of 20 seconds for a request, so that a
// request that is cut off by the client is one that hung.
const (
	deadline = 20 * time.Second
	patience = deadline + 10*time.Second
)

// client speaks to the product as members' phones and the console do.
type client struct {
	http   *http.Client
	logins map[string]Login
}

func newClient(city *City) *client {
	c := &client{logins: map[string]Login{}, http: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxIdleConns: 1024, IdleConnTimeout: time.Minute}}}
	for _, m := range city.Members {
		c.logins[m.Name] = m.Login
	}
	for _, l := range append(city.Cashiers, city.Office, city.Supplier, city.Checker, city.New.Admin, city.New.Approver) {
		c.logins[l.Name] = l
	}
	return c
}

// do sends a deed to the process at base.
func (c *client) do(ctx context.Context, base string, d Deed) Reply {
	status, body, err := c.send(ctx, http.MethodPost, base+d.Path, d.Who, d.Key, d.Body)
	return classify(status, body, err)
}

// call posts or gets something that moves no money, and decodes the answer.
func (c *client) call(ctx context.Context, method, url, who string, in, into any) Reply {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return Reply{Class: Refused, Err: err.Error()}
		}
	}
	status, answer, err := c.send(ctx, method, url, who, "", body)
	r := classify(status, answer, err)
	if r.Class == Acked && into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			return Reply{Class: Unknown, Status: status, Err: err.Error()}
		}
	}
	return r
}

func (c *client) send(ctx context.Context, method, url, who, key string, body []byte) (int, []byte, error) {
	return c.sendAs(ctx, method, url, who, key, "application/json", body)
}

// sendAs is send with another type of body.
func (c *client) sendAs(ctx context.Context, method, url, who, key, contentType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", contentType)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	l := c.logins[who]
	if l.Token != "" {
		req.Header.Set("Authorization", "Bearer "+l.Token)
	}
	if l.Cookie != "" {
		req.AddCookie(&http.Cookie{Name: api.StaffCookie, Value: l.Cookie})
		req.Header.Set("X-CSRF-Token", l.CSRF)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err // half an answer is none
	}
	return resp.StatusCode, answer, nil
}

func classify(status int, body []byte, err error) Reply {
	if err != nil {
		r := Reply{Class: Unknown, Err: err.Error()}
		if errors.Is(err, syscall.ECONNREFUSED) {
			r.Code = nobodyThere
		}
		return r
	}
	if status < http.StatusMultipleChoices {
		return Reply{Class: Acked, Status: status, Answer: body}
	}
	var e struct {
		Error struct {
			Code model.Code
			Data struct {
				InFlight bool `json:"in_flight"`
			}
		}
	}
	_ = json.Unmarshal(body, &e) // an answer that is no JSON has no code
	r := Reply{Class: Refused, Status: status, Code: string(e.Error.Code)}
	switch {
	case status >= http.StatusInternalServerError:
		r.Class = Unknown
	case status == http.StatusTooManyRequests, e.Error.Data.InFlight:
		r.Class = Again
	}
	return r
}

// nobodyThere is the code of a reply where nothing listens: the process is down.
const nobodyThere = "nobody_there"
