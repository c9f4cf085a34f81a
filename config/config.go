// Package config reads the program's settings from the environment into one typed value, checks all of them before
// anything is opened, and makes the keys that were not given.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	mysqldriver "github.com/go-sql-driver/mysql"

	"bangfu/model"
)

// Config holds every setting; config/example.env explains them. The zero environment is the embedded default.
type Config struct {
	HTTPAddr       string   `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`
	DataDir        string   `env:"DATA_DIR" envDefault:"./data"`
	TrustedProxies []string `env:"TRUSTED_PROXIES"`
	LogLevel       string   `env:"LOG_LEVEL" envDefault:"info"`

	MySQLDSN      string   `env:"MYSQL_DSN"`
	MySQLDSNFile  string   `env:"MYSQL_DSN_FILE"`
	BackupDSN     string   `env:"BACKUP_MYSQL_DSN"`
	BackupDSNFile string   `env:"BACKUP_MYSQL_DSN_FILE"`
	RedisAddrs    []string `env:"REDIS_ADDRS"`
	RedisPassword string   `env:"REDIS_PASSWORD"`
	RedisPassFile string   `env:"REDIS_PASSWORD_FILE"`
	RedisPrefix   string   `env:"REDIS_PREFIX" envDefault:"bf:"`
	RedisTLS      bool     `env:"REDIS_TLS" envDefault:"false"`
	RedisCAFile   string   `env:"REDIS_CA_FILE"`

	WechatBaseURL   string `env:"WECHAT_BASE_URL"`
	WechatAppID     string `env:"WECHAT_APP_ID"`
	WechatAppSecret string `env:"WECHAT_APP_SECRET"`
	WechatAppFile   string `env:"WECHAT_APP_SECRET_FILE"`

	WechatPayBaseURL        string `env:"WECHATPAY_BASE_URL"`
	WechatPayMchID          string `env:"WECHATPAY_MCH_ID"`
	WechatPaySerialNo       string `env:"WECHATPAY_SERIAL_NO"`
	WechatPayPrivateKeyFile string `env:"WECHATPAY_PRIVATE_KEY_FILE"`
	WechatPayAPIv3Key       string `env:"WECHATPAY_APIV3_KEY"`
	WechatPayAPIv3KeyFile   string `env:"WECHATPAY_APIV3_KEY_FILE"`
	WechatPayPublicKeyID    string `env:"WECHATPAY_PUBLIC_KEY_ID"`
	WechatPayPublicKeyFile  string `env:"WECHATPAY_PUBLIC_KEY_FILE"`
	WechatPayNotifyURL      string `env:"WECHATPAY_NOTIFY_URL"`

	TemplateAllowanceIssued string `env:"WECHAT_TEMPLATE_ALLOWANCE_ISSUED"`
	TemplateAllowanceEnding string `env:"WECHAT_TEMPLATE_ALLOWANCE_ENDING"`
	TemplateOrderShipped    string `env:"WECHAT_TEMPLATE_ORDER_SHIPPED"`
	TemplateRefundDone      string `env:"WECHAT_TEMPLATE_REFUND_DONE"`

	CityUnionName         string `env:"CITY_UNION_NAME" envDefault:"湛江市总工会"`
	AutoConfirmDays       int    `env:"AUTO_CONFIRM_DAYS" envDefault:"10"`
	AfterSaleDays         int    `env:"AFTER_SALE_DAYS" envDefault:"7"`
	AfterSaleReplyHours   int    `env:"AFTER_SALE_REPLY_HOURS" envDefault:"48"`
	AfterSaleEscalateDays int    `env:"AFTER_SALE_ESCALATE_DAYS" envDefault:"7"`
	AfterSaleReturnDays   int    `env:"AFTER_SALE_RETURN_DAYS" envDefault:"7"`
	AfterSaleReceiveDays  int    `env:"AFTER_SALE_RECEIVE_DAYS" envDefault:"7"`
	SettleAfterDays       int    `env:"SETTLE_AFTER_DAYS" envDefault:"7"`

	PictureStore string `env:"PICTURE_STORE" envDefault:"local"`
	S3Endpoint   string `env:"S3_ENDPOINT"`
	S3Bucket     string `env:"S3_BUCKET"`
	S3Region     string `env:"S3_REGION"`
	S3AccessKey  string `env:"S3_ACCESS_KEY"`
	S3SecretKey  string `env:"S3_SECRET_KEY"`
	S3SecretFile string `env:"S3_SECRET_KEY_FILE"`
	S3Secure     bool   `env:"S3_SECURE" envDefault:"true"`

	FieldKeys     string `env:"FIELD_KEYS"`
	FieldKeysFile string `env:"FIELD_KEYS_FILE"`
	HashKey       string `env:"HASH_KEY"`
	HashKeyFile   string `env:"HASH_KEY_FILE"`

	SessionIdleMember time.Duration `env:"SESSION_IDLE_MEMBER" envDefault:"720h"`
	SessionMaxMember  time.Duration `env:"SESSION_MAX_MEMBER" envDefault:"2160h"`
	SessionIdleStaff  time.Duration `env:"SESSION_IDLE_STAFF" envDefault:"30m"`
	SessionMaxStaff   time.Duration `env:"SESSION_MAX_STAFF" envDefault:"12h"`
}

// The emulator's own app, used when no real WeChat is set.
const (
	EmulatorAppID     = "wxemulator00000000"
	EmulatorAppSecret = "emulator-knows-no-secrets"
)

// Load reads and checks the settings in environ (as os.Environ gives them). The error tells every mistake at once.
func Load(environ []string) (*Config, error) {
	c := &Config{}
	values := env.ToMap(environ)
	wrongFiles := fromFiles(values)
	unread, mistakes := unreadable(env.ParseWithOptions(c, env.Options{Environment: values}), values)
	mistakes = append(wrongFiles, mistakes...)
	mistakes = append(mistakes, c.check(unread)...)
	if len(mistakes) > 0 {
		return nil, fmt.Errorf("settings are not usable:\n%w", joined(mistakes))
	}
	return c, nil
}

// unreadable says in the operator's words what env.Parse complained of, and names the variables whose value has the
// wrong type: about those nothing more can be said.
func unreadable(err error, values map[string]string) (unread map[string]bool, mistakes []error) {
	var many env.AggregateError
	if err != nil && !errors.As(err, &many) {
		return nil, []error{err}
	}
	unread = map[string]bool{}
	for _, e := range many.Errors {
		var parse env.ParseError
		field, known := reflect.StructField{}, false
		if errors.As(e, &parse) {
			field, known = reflect.TypeFor[Config]().FieldByName(parse.Name)
		}
		if !known {
			mistakes = append(mistakes, e)
			continue
		}
		name := field.Tag.Get("env")
		unread[name] = true
		mistakes = append(mistakes, fmt.Errorf("%s %q is not %s", name, values[name], wanted(field.Type)))
	}
	return unread, mistakes
}

// wanted describes a value of type t.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a length of time like 30m, 12h or 720h"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a " + t.String()
}

func joined(errs []error) error {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = "  - " + e.Error()
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Emulated tells whether WeChat is the built-in emulator.
func (c *Config) Emulated() bool { return c.WechatBaseURL == "" }

// Loopback tells whether the program listens on this machine only.
func (c *Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.HTTPAddr)
	return err == nil && loopback(host)
}

// loopback tells whether host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// hostPort tells whether addr is host:port with a port between 0 and 65535.
func hostPort(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// check finds the mistakes in the values that could be read; unread holds the variables that could not.
func (c *Config) check(unread map[string]bool) (mistakes []error) {
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if !hostPort(c.HTTPAddr) {
		wrong("HTTP_ADDR %q is not host:port with a port between 0 and 65535", c.HTTPAddr)
	}
	if c.DataDir == "" {
		wrong("DATA_DIR is empty")
	}
	if _, ok := logLevels[c.LogLevel]; !ok {
		wrong("LOG_LEVEL %q is not one of debug, info, warn, error", c.LogLevel)
	}
	mistakes = append(mistakes, checkDSN("MYSQL_DSN", c.MySQLDSN)...)
	mistakes = append(mistakes, checkDSN("BACKUP_MYSQL_DSN", c.BackupDSN)...)
	for _, a := range c.RedisAddrs {
		if !hostPort(a) {
			wrong("REDIS_ADDRS: %q is not host:port", a)
		}
	}
	if c.RedisCAFile != "" && !c.RedisTLS {
		wrong("REDIS_CA_FILE is set, but REDIS_TLS is not true")
	}
	for _, p := range c.TrustedProxies {
		if _, _, err := net.ParseCIDR(p); err != nil && net.ParseIP(p) == nil {
			wrong("TRUSTED_PROXIES: %q is neither an IP address nor a network like 10.0.0.0/8", p)
		}
	}
	for name, raw := range map[string]string{"WECHAT_BASE_URL": c.WechatBaseURL, "WECHATPAY_BASE_URL": c.WechatPayBaseURL} {
		if u, err := url.Parse(raw); raw != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
			wrong("%s %q is not an http(s) address", name, raw)
		} else if raw != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
			wrong("%s %q is plain http: secrets and money would go over the network in the clear, use https", name, raw)
		}
	}
	if strings.TrimSpace(c.CityUnionName) == "" {
		wrong("CITY_UNION_NAME is empty")
	}
	if !unread["AUTO_CONFIRM_DAYS"] && (c.AutoConfirmDays < 1 || c.AutoConfirmDays > 60) {
		wrong("AUTO_CONFIRM_DAYS %d is not between 1 and 60", c.AutoConfirmDays)
	}
	if !unread["SETTLE_AFTER_DAYS"] && (c.SettleAfterDays < 0 || c.SettleAfterDays > 90) {
		wrong("SETTLE_AFTER_DAYS %d is not between 0 and 90", c.SettleAfterDays)
	}
	mistakes = append(mistakes, c.checkAfterSale(unread)...)
	mistakes = append(mistakes, c.checkWechat()...)
	mistakes = append(mistakes, c.checkWechatPay()...)
	mistakes = append(mistakes, c.checkTemplates()...)
	mistakes = append(mistakes, c.checkStore()...)
	mistakes = append(mistakes, c.checkKeys()...)
	return append(mistakes, c.checkSessions(unread)...)
}

// checkDSN finds what is wrong with the DSN in the named setting, and never quotes it. A server on another machine must not be reached in ways that
// look like TLS and are none, nor be given files or the plain password.
func checkDSN(name, text string) (mistakes []error) {
	if text == "" {
		return nil
	}
	dsn, err := mysqldriver.ParseDSN(text)
	if err != nil || dsn.DBName == "" {
		return []error{fmt.Errorf("%s is not user:password@tcp(host:port)/database", name)}
	}
	host, _, err := net.SplitHostPort(dsn.Addr)
	if dsn.Net == "unix" || err == nil && loopback(host) {
		return nil
	}
	for _, x := range []struct {
		set         bool
		option, why string
	}{
		{dsn.TLSConfig == "skip-verify", "tls=skip-verify", "anybody on the way could pose as the server; use tls=true"},
		{dsn.TLSConfig == "preferred" || dsn.AllowFallbackToPlaintext, "tls=preferred or allowFallbackToPlaintext", "whoever is on the way could have TLS dropped; use tls=true"},
		{dsn.AllowAllFiles, "allowAllFiles", "the server could read any file of this machine"},
		{dsn.AllowCleartextPasswords, "allowCleartextPasswords", "the server could ask for the password as it is"},
	} {
		if x.set {
			mistakes = append(mistakes, fmt.Errorf("%s: %s is refused for a server on another machine: %s", name, x.option, x.why))
		}
	}
	return mistakes
}

// checkAfterSale bounds the time that after-sales give to people.
func (c *Config) checkAfterSale(unread map[string]bool) (mistakes []error) {
	for _, x := range []struct {
		name   string
		n, max int
	}{{"AFTER_SALE_DAYS", c.AfterSaleDays, 90}, {"AFTER_SALE_REPLY_HOURS", c.AfterSaleReplyHours, 720}, {"AFTER_SALE_ESCALATE_DAYS", c.AfterSaleEscalateDays, 90},
		{"AFTER_SALE_RETURN_DAYS", c.AfterSaleReturnDays, 90}, {"AFTER_SALE_RECEIVE_DAYS", c.AfterSaleReceiveDays, 90}} {
		if !unread[x.name] && (x.n < 1 || x.n > x.max) {
			mistakes = append(mistakes, fmt.Errorf("%s %d is not between 1 and %d", x.name, x.n, x.max))
		}
	}
	return mistakes
}

// checkWechat holds the rule that the emulator, which lets anyone in, is only ever served on loopback and never behind
// a proxy.
func (c *Config) checkWechat() (mistakes []error) {
	missing := missingOf("WECHAT_BASE_URL", c.WechatBaseURL, "WECHAT_APP_ID", c.WechatAppID, "WECHAT_APP_SECRET", c.WechatAppSecret)
	if !c.Emulated() {
		if len(missing) > 0 {
			return []error{fmt.Errorf("WECHAT_BASE_URL is set, but %s", areMissing(missing))}
		}
		return nil
	}
	remedy := "set " + strings.Join(missing, ", ") + " (the real WeChat is https://api.weixin.qq.com)"
	if hostPort(c.HTTPAddr) && !c.Loopback() {
		mistakes = append(mistakes, fmt.Errorf("HTTP_ADDR %s is not loopback, but the built-in WeChat emulator lets anyone in: %s, or listen on 127.0.0.1", c.HTTPAddr, remedy))
	}
	if len(c.TrustedProxies) > 0 {
		mistakes = append(mistakes, fmt.Errorf("TRUSTED_PROXIES is set, but the built-in WeChat emulator lets anyone in and must not stand behind a proxy: %s, or leave TRUSTED_PROXIES empty", remedy))
	}
	return mistakes
}

// Templates are the settings of subscribe messages by what they tell of: "ID,thing1=union,…", empty for none.
func (c *Config) Templates() map[string]string {
	return map[string]string{"allowance_issued": c.TemplateAllowanceIssued, "allowance_ending": c.TemplateAllowanceEnding,
		"order_shipped": c.TemplateOrderShipped, "refund_done": c.TemplateRefundDone}
}

// templateForm is how a template is set; which facts there are is known where it is used.
var templateForm = regexp.MustCompile(`^[A-Za-z0-9_-]{20,64}(,[a-z_]+[0-9]{1,2}=[a-z_]+){1,5}$`)

func (c *Config) checkTemplates() (mistakes []error) {
	for topic, text := range c.Templates() {
		if text != "" && !templateForm.MatchString(text) {
			mistakes = append(mistakes, fmt.Errorf("WECHAT_TEMPLATE_%s %q is not a template's id and its fields, like ID,thing1=union,amount2=amount", strings.ToUpper(topic), text))
		}
	}
	return mistakes
}

func (c *Config) checkStore() (mistakes []error) {
	switch c.PictureStore {
	case "local":
		return nil
	case "s3":
		if m := missingOf("S3_ENDPOINT", c.S3Endpoint, "S3_BUCKET", c.S3Bucket, "S3_ACCESS_KEY", c.S3AccessKey, "S3_SECRET_KEY", c.S3SecretKey); len(m) > 0 {
			return []error{fmt.Errorf("PICTURE_STORE is s3, but %s", areMissing(m))}
		}
		return nil
	}
	return []error{fmt.Errorf("PICTURE_STORE %q is neither local nor s3", c.PictureStore)}
}

func (c *Config) checkKeys() (mistakes []error) {
	if c.HashKey != "" {
		if _, err := model.DecodeKey(c.HashKey); err != nil {
			mistakes = append(mistakes, fmt.Errorf("HASH_KEY: %w", err))
		}
	}
	if c.FieldKeys != "" {
		if _, err := model.NewSealer(c.FieldKeys, make([]byte, 32)); err != nil {
			mistakes = append(mistakes, fmt.Errorf("FIELD_KEYS: %w", err))
		}
	}
	return mistakes
}

func (c *Config) checkSessions(unread map[string]bool) (mistakes []error) {
	for _, s := range []struct {
		name      string
		idle, max time.Duration
	}{{"MEMBER", c.SessionIdleMember, c.SessionMaxMember}, {"STAFF", c.SessionIdleStaff, c.SessionMaxStaff}} {
		if unread["SESSION_IDLE_"+s.name] || unread["SESSION_MAX_"+s.name] {
			continue
		}
		if s.idle < time.Minute || s.max < s.idle {
			mistakes = append(mistakes, fmt.Errorf("SESSION_IDLE_%s %s must be at least a minute and at most SESSION_MAX_%s %s", s.name, s.idle, s.name, s.max))
		}
	}
	return mistakes
}

func missingOf(pairs ...string) (missing []string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			missing = append(missing, pairs[i])
		}
	}
	return missing
}

// areMissing says in a sentence that the named variables, at least one, are missing.
func areMissing(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0] + " is missing"
	}
	return strings.Join(names[:last], ", ") + " and " + names[last] + " are missing"
}
