package api

import (
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"bangfu/model"
)

// statuses is the one map from error codes to HTTP status.
var statuses = map[model.Code]int{
	model.CodeInvalid:             http.StatusBadRequest,
	model.CodeUnauthenticated:     http.StatusUnauthorized,
	model.CodeSecondFactor:        http.StatusForbidden,
	model.CodeForbidden:           http.StatusForbidden,
	model.CodeNotFound:            http.StatusNotFound,
	model.CodeConflict:            http.StatusConflict,
	model.CodeRateLimited:         http.StatusTooManyRequests,
	model.CodeBusy:                http.StatusServiceUnavailable,
	model.CodeTooLarge:            http.StatusRequestEntityTooLarge,
	model.CodeIdempotencyMismatch: http.StatusUnprocessableEntity,
	model.CodeSamePerson:          http.StatusForbidden,
	model.CodeNoPolicy:            http.StatusUnprocessableEntity,
	model.CodeCapExceeded:         http.StatusUnprocessableEntity,
	model.CodeLimitExceeded:       http.StatusUnprocessableEntity,
	model.CodeInsufficientFund:    http.StatusUnprocessableEntity,
	model.CodeInsufficientBalance: http.StatusUnprocessableEntity,
	model.CodePriceChanged:        http.StatusConflict,
	model.CodeSoldOut:             http.StatusConflict,
	model.CodeOffShelf:            http.StatusConflict,
	model.CodeNotBound:            http.StatusForbidden,
	model.CodeConsentRequired:     http.StatusForbidden,
	model.CodeBindingMismatch:     http.StatusUnprocessableEntity,
	model.CodeWechat:              http.StatusBadGateway,
	model.CodeInternal:            http.StatusInternalServerError,
}

// errorBody is what a client sees of an error.
type errorBody struct {
	Code      model.Code    `json:"code"`
	Message   string        `json:"message"`
	Fields    []model.Field `json:"fields,omitempty"`
	Data      any           `json:"data,omitempty"`
	RequestID string        `json:"request_id"`
}

// fail answers with err. Anything but a model.Error becomes "internal": it is logged with its request id and never shown.
func (s *Server) fail(g *gin.Context, err error) {
	var shown *model.Error
	if !errors.As(err, &shown) {
		shown = &model.Error{Code: model.CodeInternal, Message: "系统出错了，请稍后再试；如反复出现，请把编号告诉工作人员", Cause: err}
		if !model.Refused(err) {
			shown = &model.Error{Code: model.CodeBusy, Message: "系统繁忙，请稍后再试", Cause: err}
		}
	}
	status, ok := statuses[shown.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		seconds := max(1, int64(math.Ceil(shown.RetryAfter.Seconds())))
		g.Header("Retry-After", strconv.FormatInt(seconds, 10))
	}
	g.Set(keyErrorCode, string(shown.Code))
	if shown.Cause != nil || status >= http.StatusInternalServerError {
		level := slog.LevelWarn // the caller's mistake, with a cause worth knowing
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		s.log.Log(g, level, "request failed", "request_id", requestID(g), "route", g.FullPath(), "code", shown.Code, "error", err.Error())
	}
	g.AbortWithStatusJSON(status, gin.H{"error": errorBody{
		Code: shown.Code, Message: shown.Message, Fields: shown.Fields, Data: shown.Data, RequestID: requestID(g),
	}})
}

// Codes lists every error code that an answer may carry, in no order.
func Codes() []model.Code {
	return slices.Collect(maps.Keys(statuses))
}
