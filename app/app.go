// Package app wires settings, database, guard, services and the HTTP server together. The program and the tests that
// use the product over HTTP share it. Only this package and main read config.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bangfu/api"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/aftersale"
	"bangfu/service/allowance"
	"bangfu/service/audit"
	"bangfu/service/claim"
	"bangfu/service/counter"
	"bangfu/service/dues"
	"bangfu/service/erasure"
	"bangfu/service/files"
	"bangfu/service/group"
	"bangfu/service/guard"
	"bangfu/service/identity"
	"bangfu/service/invoice"
	"bangfu/service/job"
	"bangfu/service/limit"
	"bangfu/service/notify"
	"bangfu/service/order"
	"bangfu/service/payment"
	"bangfu/service/rekey"
	"bangfu/service/report"
	"bangfu/service/risk"
	"bangfu/service/settlement"
	"bangfu/service/shop"
	"bangfu/service/tally"
	"bangfu/service/union"
	"bangfu/service/wechat"
	"bangfu/service/wechat/emulator"
	"bangfu/service/wechat/pay"
)

// App is the running product, less its listener.
type App struct {
	Config   *config.Config
	DB       *model.DB
	Guard    *guard.Guard
	Jobs     *job.Runner
	Emulator *emulator.Emulator // nil with the real WeChat
	Pay      *pay.Client        // nil where no WeChat money is taken
	Server   *api.Server
	Services
	// FirstPassword is the first console account's password if Setup has just made it, to be shown once.
	FirstPassword string

	metrics *prometheus.Registry
	log     *slog.Logger
	files   files.Store
	sealer  *model.Sealer
}

// Services are the use cases, one service a capability.
type Services struct {
	Identity  *identity.Service
	Union     *union.Service
	Files     *files.Service
	Allowance *allowance.Service
	Limit     *limit.Service
	Shop      *shop.Service
	Order     *order.Service
	AfterSale *aftersale.Service
	Payment   *payment.Service
	Report    *report.Service
	Audit     *audit.Service
	Erasure   *erasure.Service
	Claim     *claim.Service
	Risk      *risk.Service
	Group     *group.Service

	Settlement *settlement.Service
	Notify     *notify.Service
	Invoice    *invoice.Service
	Counter    *counter.Service
	Tally      *tally.Service
	Dues       *dues.Service
}

// Options are what is not a setting: the clock and the log, and what only load tests change.
type Options struct {
	Clock     model.Clock // nil: the system's
	Log       *slog.Logger
	DoorLimit int // how often one member may try to check out, see guard.Options; 0: the guard's default
	// Crash, in tests, ends work with WeChat money at a named step, see payment.Options.
	Crash func(step string) error
}

// OpenDB opens the database that the settings name; it neither migrates nor checks it.
func OpenDB(ctx context.Context, cfg *config.Config, o Options) (*model.DB, error) {
	if err := prepareDataDir(cfg); err != nil {
		return nil, fmt.Errorf("DATA_DIR %s cannot be used: %w", cfg.DataDir, err)
	}
	return model.Open(ctx, model.Options{MySQLDSN: cfg.MySQLDSN, SQLitePath: DatabaseFile(cfg), Clock: o.Clock, Logger: o.Log})
}

// DatabaseFile is where the embedded database is.
func DatabaseFile(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "bangfu.db") }

// AuditNote is the file in which the head of the audit trail's chain is noted, outside the database.
func AuditNote(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "audit-head") }

// prepareDataDir makes sure that the folder is there and can be written to, and that the embedded database's file, if it is
// that, is its owner's alone.
func prepareDataDir(cfg *config.Config) error {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(cfg.DataDir, ".probe-*")
	if err != nil {
		return err
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil || cfg.MySQLDSN != "" {
		return err
	}
	file, err := os.OpenFile(DatabaseFile(cfg), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

// Migrate brings the schema of the database that the settings name to this program's version.
func Migrate(ctx context.Context, cfg *config.Config, o Options) (int64, error) {
	db, err := OpenDB(ctx, cfg, o)
	if err != nil {
		return 0, err
	}
	version, err := db.Migrate(ctx)
	return version, errors.Join(err, db.Close())
}

// Open opens everything on a migrated database and builds the server. Nothing runs in the background for the product's
// own work until Run. Close it when done.
func Open(ctx context.Context, cfg *config.Config, o Options) (_ *App, err error) {
	if o.Clock == nil {
		o.Clock = model.SystemClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{Config: cfg, log: o.Log, metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			_ = a.Close()
		}
	}()
	if err = cfg.MakeKeys(); err != nil {
		return nil, err
	}
	if a.DB, err = OpenDB(ctx, cfg, o); err != nil {
		return nil, err
	}
	if err = a.DB.CheckSchema(ctx); err != nil {
		return nil, err
	}
	if err = a.DB.StartIDs(ctx); err != nil {
		return nil, err
	}
	if err = a.openOutside(ctx, o); err != nil {
		return nil, err
	}
	if err = a.openServices(ctx, o); err != nil {
		return nil, err
	}
	if err = a.openServer(); err != nil {
		return nil, err
	}
	return a, nil
}

// openOutside opens what is not the database: Redis, the file store.
func (a *App) openOutside(ctx context.Context, o Options) (err error) {
	cfg := a.Config
	pool, err := a.DB.Pool()
	if err != nil {
		return err
	}
	a.measure(pool)
	redisTLS, err := cfg.RedisTLSConfig()
	if err != nil {
		return err
	}
	a.Guard, err = guard.Open(ctx, guard.Options{Addrs: cfg.RedisAddrs, Password: cfg.RedisPassword, TLS: redisTLS, Prefix: cfg.RedisPrefix, DoorLimit: o.DoorLimit, Logger: o.Log, Metrics: a.metrics})
	if err != nil {
		return err
	}
	a.files, err = files.Open(files.Options{
		Kind: cfg.PictureStore, Dir: filepath.Join(cfg.DataDir, "files"),
		Endpoint: cfg.S3Endpoint, Bucket: cfg.S3Bucket, Region: cfg.S3Region, AccessKey: cfg.S3AccessKey, SecretKey: cfg.S3SecretKey, Secure: cfg.S3Secure,
	})
	if err != nil {
		return err
	}
	if cfg.Emulated() {
		a.log.Warn("the built-in WeChat emulator is in use: anybody who reaches this address can log in as anybody; set WECHAT_BASE_URL for the real WeChat")
		a.Emulator = emulator.New(emulator.Options{AppID: config.EmulatorAppID, AppSecret: config.EmulatorAppSecret, Clock: o.Clock})
	}
	return nil
}

// openServices makes the services.
func (a *App) openServices(ctx context.Context, o Options) error {
	cfg := a.Config
	hashKey, err := model.DecodeKey(cfg.HashKey)
	if err != nil {
		return err
	}
	sealer, err := model.NewSealer(cfg.FieldKeys, hashKey)
	if err != nil {
		return err
	}
	a.sealer = sealer
	if err := a.DB.CheckKeys(ctx, sealer); err != nil {
		return err
	}
	if err := a.DB.UseAuditKeys(ctx, sealer); err != nil {
		return err
	}
	platform, err := a.wechat()
	if err != nil {
		return err
	}
	if a.Pay, err = a.wechatPay(); err != nil {
		return err
	}
	a.Jobs = job.NewRunner(a.DB, a.log)
	a.Identity = identity.New(a.DB, a.Guard, sealer, platform, identity.Lifetimes{
		MemberIdle: cfg.SessionIdleMember, MemberMax: cfg.SessionMaxMember, StaffIdle: cfg.SessionIdleStaff, StaffMax: cfg.SessionMaxStaff,
	})
	a.Files = files.NewService(a.DB, a.files)
	a.Shop = shop.New(a.DB, sealer, a.Files, a.Guard)
	a.Report = report.New(a.DB, sealer)
	a.Audit = audit.New(a.DB, a.log)
	a.Audit.NoteIn(AuditNote(cfg))
	a.Allowance = allowance.New(a.DB, a.Jobs, sealer)
	a.Limit = limit.New(a.DB)
	a.Claim = claim.New(a.DB, a.Allowance)
	a.Risk = risk.New(a.DB, sealer)
	a.Union = union.New(a.DB, sealer, a.Files, a.Jobs, a.Allowance.RevokeMember)
	a.Erasure = erasure.New(a.DB, sealer, a.Files, a.Union, a.Jobs)
	a.Order, err = order.New(order.Options{
		DB: a.DB, Guard: a.Guard, Allowances: a.Allowance, Sealer: sealer, Metrics: a.metrics, AutoConfirm: time.Duration(cfg.AutoConfirmDays) * 24 * time.Hour,
		Wechat: a.Pay != nil,
	})
	if err != nil {
		return err
	}
	a.Group = group.New(a.DB, a.Allowance, a.Order, sealer, a.Guard)
	a.AfterSale = aftersale.New(aftersale.Options{DB: a.DB, Orders: a.Order, Files: a.Files, Sealer: sealer, Windows: aftersale.Windows{
		Ask: days(cfg.AfterSaleDays), Reply: time.Duration(cfg.AfterSaleReplyHours) * time.Hour, Escalate: days(cfg.AfterSaleEscalateDays),
		SendBack: days(cfg.AfterSaleReturnDays), Receive: days(cfg.AfterSaleReceiveDays)}})
	a.Invoice = invoice.New(a.DB, a.Files)
	a.Settlement = settlement.New(settlement.Options{DB: a.DB, Jobs: a.Jobs, Sealer: sealer, After: time.Duration(cfg.SettleAfterDays) * 24 * time.Hour})
	a.Payment = payment.New(payment.Options{DB: a.DB, Guard: a.Guard, Orders: a.Order, Wechat: a.Pay, Log: a.log, Crash: o.Crash})
	a.Counter = counter.New(a.DB, a.Guard, a.Order)
	a.Tally = tally.New(a.DB)
	a.Dues = dues.New(dues.Options{DB: a.DB, Lag: 10 * time.Minute})
	return a.openNotify(platform)
}

func (a *App) openNotify(platform *wechat.Client) (err error) {
	templates := map[notify.Topic]notify.Template{}
	if a.Config.Emulated() {
		templates = notify.EmulatorTemplates()
	}
	for name, text := range a.Config.Templates() {
		if text == "" {
			continue
		}
		topic := notify.Topic(name)
		if templates[topic], err = notify.ParseTemplate(topic, text); err != nil {
			return fmt.Errorf("WECHAT_TEMPLATE_%s: %w", strings.ToUpper(name), err)
		}
	}
	a.Notify, err = notify.New(notify.Options{DB: a.DB, Wechat: platform, Sealer: a.sealer, Templates: templates, Metrics: a.metrics, Log: a.log})
	return err
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func (a *App) wechat() (*wechat.Client, error) {
	cfg := a.Config
	o := wechat.Options{BaseURL: cfg.WechatBaseURL, AppID: cfg.WechatAppID, AppSecret: cfg.WechatAppSecret, Cache: wechat.NewTokenCache(a.Guard.Client(), cfg.RedisPrefix, a.log), Logger: a.log}
	if cfg.Emulated() {
		o.BaseURL, o.AppID, o.AppSecret = "http://"+cfg.HTTPAddr+"/emulator", config.EmulatorAppID, config.EmulatorAppSecret
	}
	return wechat.New(o)
}

// wechatPay is the client of WeChat Pay, nil where the real WeChat is used without a merchant.
func (a *App) wechatPay() (*pay.Client, error) {
	cfg := a.Config
	if cfg.Emulated() {
		m := a.Emulator.Merchant()
		return pay.New(pay.Options{
			BaseURL: "http://" + cfg.HTTPAddr + "/emulator", AppID: config.EmulatorAppID, MchID: m.MchID, SerialNo: m.SerialNo, PrivateKeyPEM: m.PrivateKeyPEM,
			APIv3Key: m.APIv3Key, PublicKeyID: m.PublicKeyID, PublicKeyPEM: m.PublicKeyPEM,
			NotifyURL: "http://" + cfg.HTTPAddr + config.NoticePath, Clock: a.DB.Clock, Logger: a.log,
		})
	}
	if !cfg.PaysByWechat() {
		a.log.Warn("no WeChat Pay merchant is set: members can pay from their allowances only")
		return nil, nil
	}
	k, err := cfg.ReadWechatPayKeys()
	if err != nil {
		return nil, err
	}
	return pay.New(pay.Options{
		BaseURL: cfg.WechatPayBaseURL, AppID: cfg.WechatAppID, MchID: cfg.WechatPayMchID, SerialNo: cfg.WechatPaySerialNo, PrivateKeyPEM: k.PrivateKeyPEM,
		APIv3Key: k.APIv3Key, PublicKeyID: cfg.WechatPayPublicKeyID, PublicKeyPEM: k.PublicKeyPEM, NotifyURL: cfg.WechatPayNotifyURL, Clock: a.DB.Clock, Logger: a.log,
	})
}

func (a *App) openServer() (err error) {
	d := api.Deps{
		Log: a.log, Metrics: a.metrics, SecureCookies: !a.Config.Emulated(), TrustedProxies: a.Config.TrustedProxies, Ready: a.ready,
		Identity: a.Identity, Union: a.Union, Files: a.Files,
		Allowance: a.Allowance,
		Limit:     a.Limit,
		Shop:      a.Shop,
		Order:     a.Order,
		AfterSale: a.AfterSale,
		Payment:   a.Payment,
		Report:    a.Report,
		Audit:     a.Audit,
		Erasure:   a.Erasure,
		Claim:     a.Claim,
		Risk:      a.Risk,
		Group:     a.Group,

		Settlement: a.Settlement,
		Notify:     a.Notify,
		Invoice:    a.Invoice,
		Counter:    a.Counter,
		Tally:      a.Tally,
	}
	if a.Emulator != nil {
		d.Emulator = a.Emulator
	}
	a.Server, err = api.New(d)
	return err
}

// NoteServing notes that a process serves with the first key of FIELD_KEYS, so that Rekey may seal with it.
func (a *App) NoteServing(ctx context.Context) error { return a.DB.NoteServedKey(ctx, a.sealer) }

// Rekey seals personal data again with the first key of FIELD_KEYS and tells how many texts; see rekey.Run. Errors: model.ErrKeyUnserved for a key
// that no process has served with.
func (a *App) Rekey(ctx context.Context) (int, error) {
	if err := a.DB.CheckServedKey(ctx, a.sealer); err != nil {
		return 0, err
	}
	return rekey.Run(ctx, a.DB, a.sealer)
}

// Close releases everything that Open opened.
func (a *App) Close() error {
	var errs []error
	if a.Emulator != nil {
		a.Emulator.Close()
	}
	if a.Order != nil {
		a.Order.Close()
	}
	if a.Guard != nil {
		errs = append(errs, a.Guard.Close())
	}
	if a.DB != nil {
		errs = append(errs, a.DB.Close())
	}
	return errors.Join(errs...)
}

// ready tells whether the process can do its work: without the database it cannot, without Redis it can, slower.
func (a *App) ready(ctx context.Context) api.Readiness {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r := api.Readiness{Ready: true, Parts: map[string]string{"database": "ok", "redis": "ok", "files": "ok"}}
	if err := a.pingDB(ctx); err != nil {
		r.Ready, r.Parts["database"] = false, "down"
	}
	if err := a.Guard.Health(); err != nil {
		r.Parts["redis"] = "degraded"
	}
	if err := a.files.Health(ctx); err != nil {
		r.Parts["files"] = "degraded"
	}
	return r
}

// Handler is the server with nothing around it.
func (a *App) Handler() http.Handler { return a.Server }
