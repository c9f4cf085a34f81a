// Package wechat is the one adapter to the WeChat platform. It uses silenceper/wechat v2 for the shapes
// of WeChat's calls and adds what the library lacks: a target per client, time and size limits, error
// kinds, redaction, and recovery from a rotated access token.
package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/silenceper/wechat/v2/credential"
	"github.com/silenceper/wechat/v2/miniprogram/auth"
	"github.com/silenceper/wechat/v2/miniprogram/config"
	mini "github.com/silenceper/wechat/v2/miniprogram/context"
	"github.com/silenceper/wechat/v2/util"

	"bangfu/model"
)

// DefaultTimeout bounds one exported call, its token and its retry included, when Options.Timeout is zero.
const DefaultTimeout = 5 * time.Second

// Options says which mini-program to speak for, and where WeChat is.
type Options struct {
	BaseURL   string // "" is https://api.weixin.qq.com; may have a path, such as http://127.0.0.1:8080/emulator
	AppID     string
	AppSecret string
	Cache     *TokenCache   // required; shared by all processes of one installation
	Timeout   time.Duration // of one exported call in all; 0 is DefaultTimeout
	Logger    *slog.Logger  // nil is silence
}

// Client calls WeChat for one mini-program. It is safe for concurrent use, and any number of clients
// with different targets may live in one process.
type Client struct {
	config  *config.Config
	target  *url.URL
	timeout time.Duration
	tokens  *tokens
	logger  *slog.Logger
}

// Identity is who logged in. OpenID is the person within this mini-program, UnionID the person across
// the mini-programs of one Open Platform account ("" where there is none).
type Identity struct {
	OpenID  string
	UnionID string
}

var (
	// credentialForm keeps the app id and secret harmless in the URLs that the library builds without escaping.
	credentialForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	// codeForm is the form of a code from wx.login or getPhoneNumber; the library puts it into a URL unescaped.
	codeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	// openIDForm is the form of a person's ids at WeChat, which are 28 characters long.
	openIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	// mainlandPhone is a mainland mobile number without its country code.
	mainlandPhone = regexp.MustCompile(`^1[0-9]{10}$`)
)

// New makes a client. It calls nobody; it fails on a wrong setting and never quotes the secret.
func New(o Options) (*Client, error) {
	if !credentialForm.MatchString(o.AppID) {
		return nil, fmt.Errorf("wechat: app id %q is not 1 to 128 letters, digits, _ or -", o.AppID)
	}
	if !credentialForm.MatchString(o.AppSecret) {
		return nil, errors.New("wechat: the app secret is not 1 to 128 letters, digits, _ or -")
	}
	if o.Cache == nil {
		return nil, errors.New("wechat: no token cache")
	}
	if o.Timeout < 0 {
		return nil, errors.New("wechat: the timeout is negative")
	}
	target, err := parseTarget(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	installRouter()
	return &Client{
		config:  &config.Config{AppID: o.AppID, AppSecret: o.AppSecret, Cache: o.Cache, UseStableAK: true},
		target:  target,
		timeout: o.Timeout,
		tokens:  newTokens(o.AppID, o.AppSecret, target.Host, o.Cache),
		logger:  o.Logger,
	}, nil
}

// parseTarget reads the base URL of the platform.
func parseTarget(base string) (*url.URL, error) {
	if base == "" {
		base = "https://" + platformHost
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("wechat: the base URL cannot be read")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("wechat: the base URL must be http(s)://host[:port][/path] and nothing more")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, nil
}

// Login exchanges a code of wx.login (one use, 5 minutes) for the person's identity. WeChat's session key
// is dropped here. Errors: CodeInvalid on field "code" (wrong, used or expired), CodeRateLimited,
// CodeForbidden (WeChat blocks the account as risky), CodeWechat for everything else.
func (c *Client) Login(ctx context.Context, code string) (Identity, error) {
	if !codeForm.MatchString(code) {
		return Identity{}, model.Invalid("code", loginCodeMessage)
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	res, err := c.auth("").Code2SessionContext(ctx, code)
	if res.ErrCode != 0 { // the library's error is plain text here; the code is only in the result
		err = util.NewCommonError("code2Session", res.ErrCode, res.ErrMsg)
	} else if err == nil && (!openIDForm.MatchString(res.OpenID) || res.UnionID != "" && !openIDForm.MatchString(res.UnionID)) {
		err = errors.New("the answer has no openid, or none that we could store")
	}
	if err != nil {
		return Identity{}, c.fail(ctx, "code2Session", loginCodeMessage, err)
	}
	return Identity{OpenID: res.OpenID, UnionID: res.UnionID}, nil
}

// PhoneNumber exchanges a code of getPhoneNumber (one use, 5 minutes, a paid call) for the person's
// mainland mobile number: 11 digits, no country code. A token that WeChat refuses is replaced once.
// Errors: CodeInvalid on field "code" (wrong, used or expired code, or a number from outside the
// mainland), CodeRateLimited, CodeForbidden, CodeWechat.
func (c *Client) PhoneNumber(ctx context.Context, code string) (string, error) {
	if !codeForm.MatchString(code) {
		return "", model.Invalid("code", phoneCodeMessage)
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	var phone auth.PhoneInfo
	err := c.withToken(ctx, func(token string) error {
		res, err := c.auth(token).GetPhoneNumberContext(ctx, code)
		if err != nil {
			return err
		}
		phone = res.PhoneInfo
		return nil
	})
	if err != nil {
		return "", c.fail(ctx, "getuserphonenumber", phoneCodeMessage, err)
	}
	if phone.CountryCode != "86" && phone.CountryCode != "" {
		return "", model.Invalid("code", "目前只支持中国大陆的手机号，请改用大陆手机号授权")
	}
	if !mainlandPhone.MatchString(phone.PurePhoneNumber) {
		return "", c.fail(ctx, "getuserphonenumber", phoneCodeMessage, errors.New("the answer has no mainland phone number"))
	}
	return phone.PurePhoneNumber, nil
}

// withToken runs one call with the access token, and once more with a new token where WeChat
// refuses the first: the library itself neither evicts nor retries. WeChat judges the token before
// anything else, so a refused call has used up nothing.
func (c *Client) withToken(ctx context.Context, call func(token string) error) error {
	token, err := c.tokens.get(ctx, "")
	if err != nil {
		return err
	}
	err = call(token)
	if !tokenRefused(err) {
		return err
	}
	if token, err = c.tokens.get(ctx, token); err != nil {
		return err
	}
	return call(token)
}

// begin bounds ctx by the client's timeout and marks it with the client's target for the router.
func (c *Client) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithValue(ctx, targetKey{}, c.target), c.timeout)
}

// auth is the library's login interface, speaking with the given access token.
func (c *Client) auth(token string) *auth.Auth {
	return auth.NewAuth(&mini.Context{Config: c.config, AccessTokenContextHandle: fixedToken(token)})
}

// fixedToken hands the library the token that withToken chose.
type fixedToken string

var _ credential.AccessTokenContextHandle = fixedToken("")

// GetAccessToken implements the library's interface.
func (t fixedToken) GetAccessToken() (string, error) { return string(t), nil }

// GetAccessTokenContext implements the library's interface.
func (t fixedToken) GetAccessTokenContext(context.Context) (string, error) { return string(t), nil }
