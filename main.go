// Command bangfu is the backend of a trade-union consumption-assistance mini-program: members spend a yearly
// allowance on farm products, unions issue it, and the official statistics form is filled from what happened.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"bangfu/app"
	"bangfu/config"
)

// version is set when the program is built: -ldflags "-X main.version=…".
var version = "dev"

const help = `bangfu - 工会消费帮扶平台后端 (backend of a trade-union consumption-assistance mini-program)

Usage: bangfu [command] [flags]

Commands:
  serve        serve the product (this is the default)
                 --migrate   bring the database schema up to date first; the embedded database always does
  demo         make demonstration data by playing a small city's year through the product's own HTTP
               interface, leave the filled statistics form in DATA_DIR/demo, then go on serving;
               on a DATA_DIR that has been played before it only serves
                 --exit      stop when the year has been played instead of serving
  migrate      bring the database schema up to date and set up what every installation needs, then exit
  reconcile    prove every invariant of money, stock and orders on the database in one consistent reading;
               prints each with its figure and exits 1 if one is broken
  audit-head   print the end of the audit trail's chain (SEQ:HASH), to be noted outside the database
  audit-verify verify the audit trail's chain; exits 1 if an entry or seal was changed, removed or put in
                 --since=SEQ:HASH  hold it against a noted head, and verify only what came after
  recount      count the figures behind dashboards and forms, the members of unions and the top-ups of funds anew: to
               repair them, or after rows were put into the database without the product (the upgrade that brings
               them does it by itself)
  rekey        seal personal data again with the first key of FIELD_KEYS, after a new key was put first
  backup       copy database and pictures, consistently and while the product works, into a new folder below
               the given one; the keys are not in it: bangfu backup FOLDER
                 --log   only copy what the server's binary log has gained, for points in time
  restore      bring a backup back into an empty database and DATA_DIR, and prove every invariant on it:
               bangfu restore FOLDER/BACKUP
                 --until=WHEN   go on in the archived log up to "2026-11-24 15:04:05" (China time), to a
                                place in the log (bin.000042:1234), or to its end (latest)
                 --overwrite    put it in the place of what is there
  healthcheck  ask a serving process on HTTP_ADDR whether it is ready; exits 1 if not
  version      print the version
  help         print this text

Settings are environment variables; with none at all the program runs on an embedded database in ./data, an
in-process Redis and a built-in emulator of WeChat, on http://127.0.0.1:8080. The important ones:
  HTTP_ADDR        address to listen on           (127.0.0.1:8080)
  DATA_DIR         database file, keys, pictures  (./data)
  MYSQL_DSN        MySQL, MariaDB or TiDB: user:password@tcp(host:port)/database
  REDIS_ADDRS      host:port, comma-separated; more than one is a Redis Cluster
  WECHAT_BASE_URL  https://api.weixin.qq.com, with WECHAT_APP_ID and WECHAT_APP_SECRET, for the real WeChat
config/example.env explains all of them. The contract of the HTTP interface is served at /docs.
`

func main() {
	app.TuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// run does the command in args and returns the exit code: 0 done, 1 failed, 2 called wrongly.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command, flags := "serve", args
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, flags = args[0], args[1:]
	}
	err := dispatch(ctx, command, flags, stdout)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "bangfu: %v\nRun 'bangfu help' for the commands and flags.\n", err)
		return 2
	case errors.Is(err, errBreach):
		return 1
	default:
		_, _ = fmt.Fprintf(stderr, "bangfu: %v\n", err)
		return 1
	}
}

func dispatch(ctx context.Context, command string, flags []string, stdout io.Writer) error {
	if (command == "backup" || command == "restore") && !asksHelp(flags) {
		return backupOrRestore(ctx, command, flags, stdout)
	}
	command, on, since, err := readFlags(command, flags)
	if err != nil {
		return err
	}
	switch command {
	case "help", "-h":
		_, err := io.WriteString(stdout, help)
		return err
	case "version":
		_, err := fmt.Fprintf(stdout, "bangfu %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	case "serve", "demo", "migrate", "reconcile", "audit-head", "audit-verify", "recount", "rekey", "healthcheck":
	default:
		return usageError(fmt.Sprintf("there is no command %q", command))
	}
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	if _, set := os.LookupEnv("LOG_LEVEL"); command == "demo" && !set {
		cfg.LogLevel = "warn" // what the demonstration tells should not drown in its requests
	}
	o := app.Options{Clock: clock(), Log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level()}))}
	switch command {
	case "serve":
		return serve(ctx, cfg, o, on["--migrate"], stdout)
	case "demo":
		return playDemo(ctx, cfg, o, on["--exit"], stdout)
	case "migrate":
		return migrate(ctx, cfg, o, stdout)
	case "reconcile":
		o.Log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})) // that its statements take long is no news
		return reconcileDB(ctx, cfg, o, false, stdout)
	case "audit-head":
		return auditHead(ctx, cfg, o, stdout)
	case "audit-verify":
		return auditVerify(ctx, cfg, o, since, stdout)
	case "recount":
		return recount(ctx, cfg, o, stdout)
	case "rekey":
		return rekey(ctx, cfg, o, stdout)
	default:
		return healthcheck(ctx, cfg)
	}
}

// readFlags reads the flags of a command but backup and restore: which are on, and the head that audit-verify is to hold the trail against. Among
// them --help and --version are commands of their own. Errors: usageError.
func readFlags(command string, flags []string) (what string, on map[string]bool, since string, err error) {
	on = map[string]bool{}
	allowed := map[string][]string{"serve": {"--migrate"}, "demo": {"--exit"}}
	for _, f := range flags {
		if asksHelp([]string{f}) {
			return "help", on, since, nil
		}
		if f == "--version" {
			return "version", on, since, nil
		}
		known := slices.Contains(allowed[command], f)
		if command == "audit-verify" {
			if since, known = strings.CutPrefix(f, "--since="); known && since == "" {
				return command, on, since, usageError("--since wants a noted head, SEQ:HASH, as audit-head prints it")
			}
		}
		if !known {
			return command, on, since, usageError(fmt.Sprintf("%s does not know %q", command, f))
		}
		on[f] = true
	}
	return command, on, since, nil
}

func asksHelp(flags []string) bool {
	return slices.ContainsFunc(flags, func(f string) bool { return f == "--help" || f == "-h" || f == "-help" })
}

// open migrates if asked to, opens the product and sets up what every installation needs.
func open(ctx context.Context, cfg *config.Config, o app.Options, migrate bool, stdout io.Writer) (*app.App, error) {
	if migrate || cfg.MySQLDSN == "" {
		if _, err := app.Migrate(ctx, cfg, o); err != nil {
			return nil, err
		}
	}
	a, err := app.Open(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	if err := a.Setup(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if a.FirstPassword != "" {
		_, _ = fmt.Fprintf(stdout, "第一个运维账号已建立：admin，初始密码 %s（另存于 %s，首次登录须修改）\n", a.FirstPassword, cfg.SecretPath("admin-password"))
	}
	return a, nil
}

func migrate(ctx context.Context, cfg *config.Config, o app.Options, stdout io.Writer) error {
	a, err := open(ctx, cfg, o, true, stdout)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "database schema is up to date (%s)\n", a.DB.Dialect)
	return errors.Join(a.Audit.Seal(ctx), a.Close()) // entries of before the upgrade become part of the chain now
}

func recount(ctx context.Context, cfg *config.Config, o app.Options, stdout io.Writer) error {
	if err := haveDatabase(cfg); err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, o)
	if err != nil {
		return err
	}
	built, err := a.Tally.Rebuild(ctx)
	if err == nil {
		_, _ = fmt.Fprintf(stdout, "%d unions were counted anew: %d rows in %s\n", built.Unions, built.Rows, built.Took.Round(time.Millisecond))
		err = recountRows(ctx, a, stdout)
	}
	return errors.Join(err, a.Close())
}

// recountRows counts anew what unions and funds keep of themselves.
func recountRows(ctx context.Context, a *app.App, stdout io.Writer) error {
	unions, err := a.Union.Recount(ctx)
	if err != nil {
		return err
	}
	funds, err := a.Allowance.Recount(ctx)
	if err == nil && unions+funds > 0 {
		_, _ = fmt.Fprintf(stdout, "%d unions had another number of members, %d funds another sum of top-ups\n", unions, funds)
	}
	return err
}

func rekey(ctx context.Context, cfg *config.Config, o app.Options, stdout io.Writer) error {
	if err := haveDatabase(cfg); err != nil {
		return err
	}
	free, err := app.Occupy(cfg)
	if err != nil {
		return err
	}
	defer free()
	a, err := app.Open(ctx, cfg, o)
	if err != nil {
		return err
	}
	n, err := a.Rekey(ctx)
	if err == nil {
		_, _ = fmt.Fprintf(stdout, "%d sealed values were sealed again with the current key\n", n)
	}
	return errors.Join(err, a.Close())
}

func serve(ctx context.Context, cfg *config.Config, o app.Options, migrate bool, stdout io.Writer) error {
	listener, err := net.Listen("tcp", cfg.HTTPAddr) // first: nothing is made when the address is taken
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	free, err := app.Occupy(cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer free()
	a, err := open(ctx, cfg, o, migrate, stdout)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	_, _ = fmt.Fprintf(stdout, "bangfu %s serves on http://%s (contract: /docs, health: /readyz)\n", version, listener.Addr())
	o.Log.Info("serving", "version", version, "address", listener.Addr().String(), "database", a.DB.Dialect)
	err = listen(ctx, a, listener)
	o.Log.Info("stopped")
	return err
}

// How long requests under way may go on after the signal to stop, and how long the rest of the stop may take.
const (
	grace  = 25 * time.Second
	windUp = 5 * time.Second
)

// listen serves and does the background work until ctx ends, then lets what is under way finish and closes the product. It
// gives up waiting after grace and windUp: whatever hangs then is cut off by the end of the process, which loses nothing.
func listen(ctx context.Context, a *app.App, listener net.Listener) error {
	if err := a.NoteServing(ctx); err != nil {
		return errors.Join(err, listener.Close(), a.Close())
	}
	server := &http.Server{
		Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 6 * time.Minute, WriteTimeout: 6 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { a.Run(working) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		err = server.Shutdown(ending)
		cancel()
	}
	stop()
	closed := make(chan error, 1)
	go func() {
		background.Wait()
		closed <- a.Close()
	}()
	select {
	case e := <-closed:
		err = errors.Join(err, e)
	case <-time.After(windUp):
		err = errors.Join(err, errors.New("background work did not stop in time and was cut off"))
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func healthcheck(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(cfg.HTTPAddr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return nil
}
