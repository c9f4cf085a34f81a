package model

import (
	"errors"
	"fmt"
	"time"
)

// Code is the stable, machine-readable kind of an error. Codes are part of the contract: each is
// listed in api/openapi.yaml and mapped to one HTTP status in api/errors.go.
type Code string

// The error codes of the product.
const (
	CodeInvalid             Code = "invalid"              // a field is missing or wrong; Fields says which
	CodeUnauthenticated     Code = "unauthenticated"      // no session, or it ended
	CodeSecondFactor        Code = "second_factor"        // a second factor is required or wrong
	CodeForbidden           Code = "forbidden"            // the role may not do this
	CodeNotFound            Code = "not_found"            // does not exist, or is outside the caller's scope
	CodeConflict            Code = "conflict"             // not in the state that the act needs, or exists already
	CodeRateLimited         Code = "rate_limited"         // too many attempts; retry later
	CodeBusy                Code = "busy"                 // the server is saturated; retry later
	CodeTooLarge            Code = "too_large"            // the body or file exceeds its limit
	CodeIdempotencyMismatch Code = "idempotency_mismatch" // same key, other content
	CodeSamePerson          Code = "same_person"          // the second person must differ from the first
	CodeNoPolicy            Code = "no_policy"            // no policy in force for that year
	CodeCapExceeded         Code = "cap_exceeded"         // the person's yearly cap would be exceeded
	CodeLimitExceeded       Code = "limit_exceeded"       // the union's yearly limit on holiday gifts would be exceeded; Data has the figures
	CodeInsufficientFund    Code = "insufficient_fund"    // the union's fund does not hold enough
	CodeInsufficientBalance Code = "insufficient_balance" // the member's allowances do not hold enough
	CodePriceChanged        Code = "price_changed"        // a price or the total differs from what was shown; Data has the new one
	CodeSoldOut             Code = "sold_out"             // not enough stock
	CodeOffShelf            Code = "off_shelf"            // the product is not on sale; the message says why
	CodeNotBound            Code = "not_bound"            // the WeChat account is not bound to a member yet
	CodeConsentRequired     Code = "consent_required"     // the privacy notice was not agreed to in its current version
	CodeBindingMismatch     Code = "binding_mismatch"     // phone, name and ID digits match no roster row
	CodeWechat              Code = "wechat_unavailable"   // WeChat did not answer or refused
	CodeInternal            Code = "internal"             // anything unexpected; details are only in the log
)

// Field names one wrong input field and says, in Chinese, what is wrong with it.
type Field struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Error is an error that may be shown to a user: a stable code and a Chinese message. Fields names
// wrong input fields; Data carries machine-readable facts such as a new price; RetryAfter, if set, is when
// to try again (CodeRateLimited, CodeBusy). Cause, if any, goes to the log only.
type Error struct {
	Code       Code
	Message    string
	Fields     []Field
	Data       any
	RetryAfter time.Duration
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Cause }

// E makes an Error from a code and a Chinese message (fmt.Sprintf form).
func E(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes a CodeInvalid error about one field.
func Invalid(field, message string) *Error {
	return &Error{Code: CodeInvalid, Message: message, Fields: []Field{{Name: field, Message: message}}}
}

// NotFound makes a CodeNotFound error; what is the Chinese name of the thing, such as "订单".
func NotFound(what string) *Error {
	return E(CodeNotFound, "%s不存在，或您无权查看", what)
}

// NoSuch is NotFound of what a field of the request names.
func NoSuch(field, what string) *Error {
	e := NotFound(what)
	e.Fields = []Field{{Name: field, Message: e.Message}}
	return e
}

// CodeOf tells the code of err: that of the Error in its chain, "" for nil, else CodeInternal.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
