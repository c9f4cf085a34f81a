package pay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"bangfu/model"
)

// maxAge is how far a signature's time may be from ours.
const maxAge = consts.FiveMinute * time.Second

var (
	errUnsigned = errors.New("the message is not signed")
	errAge      = errors.New("the signature is over five minutes old or ahead")
)

// judge checks the signatures of WeChat Pay on answers and notices. It does what the library's own validator does, by the
// injected clock instead of the machine's.
type judge struct {
	verifier auth.Verifier
	clock    model.Clock
}

// Validate implements the library's auth.Validator for answers.
func (j judge) Validate(ctx context.Context, res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return j.check(ctx, res.Header.Get, body)
}

// GetAcceptSerial implements the library's auth.Validator: which key WeChat shall sign with.
func (j judge) GetAcceptSerial(ctx context.Context) (string, error) { return j.verifier.GetSerial(ctx) }

// check judges one message; header gives its headers by name.
func (j judge) check(ctx context.Context, header func(string) string, body []byte) error {
	serial, signature := header(consts.WechatPaySerial), header(consts.WechatPaySignature)
	nonce, stamp := header(consts.WechatPayNonce), header(consts.WechatPayTimestamp)
	if serial == "" || signature == "" || nonce == "" || stamp == "" {
		return errUnsigned
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errUnsigned
	}
	if age := j.clock.Now().Sub(time.Unix(seconds, 0)); age > maxAge || age < -maxAge {
		return errAge
	}
	return j.verifier.Verify(ctx, serial, fmt.Sprintf("%s\n%s\n%s\n", stamp, nonce, body), signature)
}
