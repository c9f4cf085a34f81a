// Package pay is the one adapter to WeChat Pay (API v3, JSAPI), over WeChat's official library. It adds what the library
// lacks: a target per client, limits of time and size, the injected clock, error kinds, redaction.
package pay

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/signers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"bangfu/model"
)

// DefaultTimeout bounds one call when Options.Timeout is zero.
const DefaultTimeout = 5 * time.Second

// Options says for which merchant to speak, with which keys, and where WeChat Pay is.
type Options struct {
	BaseURL       string // "" is https://api.mch.weixin.qq.com; may have a path, such as http://127.0.0.1:8080/emulator
	AppID         string // of the mini-program in which people pay
	MchID         string // the merchant
	SerialNo      string // of the merchant's API certificate
	PrivateKeyPEM string // of that certificate, PKCS#8
	APIv3Key      string // 32 bytes; opens the notices
	PublicKeyID   string // of WeChat Pay's public key, PUB_KEY_ID_…
	PublicKeyPEM  string // WeChat Pay's public key
	NotifyURL     string // where WeChat is to post notices of payments and refunds
	Clock         model.Clock
	Timeout       time.Duration // of one call; 0 is DefaultTimeout
	Logger        *slog.Logger  // nil is silence
}

// Client speaks to WeChat Pay for one merchant. It is safe for concurrent use, and any number of clients with different
// targets may live in one process.
type Client struct {
	appID, mchID, apiV3Key string
	notifyURL              string
	clock                  model.Clock
	timeout                time.Duration
	logger                 *slog.Logger
	judge                  judge
	core                   *core.Client
	payments               jsapi.JsapiApiService
	refunds                refunddomestic.RefundsApiService
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// New makes a client. It calls nobody; it fails on a wrong setting and never quotes a key.
func New(o Options) (*Client, error) {
	private, public, err := o.keys()
	if err != nil {
		return nil, err
	}
	target, err := parseTarget(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		appID: o.AppID, mchID: o.MchID, apiV3Key: o.APIv3Key, notifyURL: o.NotifyURL, clock: o.Clock, timeout: o.Timeout, logger: o.Logger,
		judge: judge{verifiers.NewSHA256WithRSAPubkeyVerifier(o.PublicKeyID, *public), o.Clock},
	}
	c.core, err = core.NewClientWithDialSettings(context.Background(), &core.DialSettings{
		HTTPClient: &http.Client{Transport: newRouter(target), Timeout: o.Timeout},
		Signer:     &signers.SHA256WithRSASigner{MchID: o.MchID, CertificateSerialNo: o.SerialNo, PrivateKey: private},
		Validator:  c.judge,
	})
	if err != nil {
		return nil, err
	}
	c.payments, c.refunds = jsapi.JsapiApiService{Client: c.core}, refunddomestic.RefundsApiService{Client: c.core}
	return c, nil
}

// keys checks the settings and reads the two keys.
func (o Options) keys() (*rsa.PrivateKey, *rsa.PublicKey, error) {
	for name, value := range map[string]string{"app id": o.AppID, "merchant id": o.MchID, "certificate serial number": o.SerialNo, "public key id": o.PublicKeyID} {
		if !idForm.MatchString(value) {
			return nil, nil, fmt.Errorf("wechat pay: the %s %q is not 1 to 64 letters, digits, _ or -", name, value)
		}
	}
	if len(o.APIv3Key) != 32 {
		return nil, nil, errors.New("wechat pay: the APIv3 key is not 32 bytes long")
	}
	if u, err := url.Parse(o.NotifyURL); err != nil || u.Host == "" || u.RawQuery != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, nil, errors.New("wechat pay: the address for notices must be http(s)://host[:port]/path and nothing more")
	}
	private, err := utils.LoadPrivateKey(o.PrivateKeyPEM)
	if err != nil {
		return nil, nil, errors.New("wechat pay: the merchant's private key is not a PKCS#8 RSA key in PEM")
	}
	public, err := utils.LoadPublicKey(o.PublicKeyPEM)
	if err != nil {
		return nil, nil, errors.New("wechat pay: WeChat Pay's public key is not an RSA public key in PEM")
	}
	return private, public, nil
}

// parseTarget reads the base URL of WeChat Pay.
func parseTarget(base string) (*url.URL, error) {
	if base == "" {
		base = consts.WechatPayAPIServer
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("wechat pay: the base URL must be http(s)://host[:port][/path] and nothing more")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, nil
}

// begin bounds ctx by the client's timeout.
func (c *Client) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.timeout)
}

// numberForm is what WeChat accepts as a merchant's number of a payment or refund (refund numbers may be longer there,
// ours are not).
var numberForm = regexp.MustCompile(`^[A-Za-z0-9_-]{6,32}$`)

// wechatNumber is a number that WeChat gives to a payment or a refund: 28 digits, and never more than we can store.
var wechatNumber = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func checkNumber(number string) error {
	if !numberForm.MatchString(number) {
		return fmt.Errorf("wechat pay: %q is not 6 to 32 letters, digits, _ or -", number)
	}
	return nil
}

var _ auth.Validator = judge{}
