//go:build unix

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Binary is the product, built for this run.
type Binary struct {
	Path string
	dir  string
}

// LabClock is the build tag of a product whose clock a file moves: LAB_CLOCK_FILE names it, and it holds a length of time that is
// added to the machine's.
const LabClock = "labclock"

// Build builds the product from the sources that the working folder belongs to, with more build tags if need be. Build once and start it
// as often as needed.
func Build(ctx context.Context, tags ...string) (*Binary, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the sources (run inside the repository): %w", err)
	}
	dir, err := os.MkdirTemp("", "bangfu-build.")
	if err != nil {
		return nil, err
	}
	b := &Binary{Path: filepath.Join(dir, "bangfu"), dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-tags", strings.Join(append(tags, "nomsgpack"), ","), "-o", b.Path, ".")
	build.Dir = strings.TrimSpace(string(out))
	if text, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("go build: %w\n%s", err, text), b.Remove())
	}
	return b, nil
}

// Remove deletes the binary.
func (b *Binary) Remove() error { return os.RemoveAll(b.dir) }

// Run runs another command of the product, such as migrate, to its end and returns what it printed.
func (b *Binary) Run(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, b.Path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = dyingWithUs()
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("bangfu %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// Reconcile runs the product's reconcile with these settings. clean tells whether every invariant holds; report is what it
// printed. err is anything that kept it from telling.
func (b *Binary) Reconcile(ctx context.Context, env []string) (clean bool, report string, err error) {
	report, err = b.Run(ctx, env, "reconcile")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && strings.Contains(report, "有不符") {
		return false, report, nil
	}
	return err == nil, report, err
}

// ProductOptions say how to start the product.
type ProductOptions struct {
	Env     []string // settings, NAME=value
	Migrate bool     // bring the schema up to date first
	Port    int      // 0: any free one
	DataDir string   // DATA_DIR, kept; empty: a temporary folder that Stop removes
}

// Product is the product serving in its own process.
type Product struct {
	*Server
	Port int
	Env  []string // all settings it was started with, for Run and Reconcile
}

// StartProduct starts "bangfu serve" and waits until it is ready. Its keys are made in its DATA_DIR; processes that share a
// database must be given the same one.
func StartProduct(ctx context.Context, b *Binary, o ProductOptions) (*Product, error) {
	dir, err := tempDir("product", false)
	if err != nil {
		return nil, err
	}
	p := &Product{Port: o.Port}
	if p.Port == 0 {
		if p.Port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	if o.DataDir == "" {
		o.DataDir = filepath.Join(dir, "data")
	} else if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
		return nil, err
	}
	p.Env = append([]string{"LOG_LEVEL=warn", "DATA_DIR=" + o.DataDir, "HTTP_ADDR=" + address(p.Port)}, o.Env...)
	p.Server = &Server{name: "product", dir: dir, program: b.Path, args: []string{"serve"}, env: p.Env, ready: p.ping}
	if o.Migrate {
		p.args = append(p.args, "--migrate")
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// URL is where it serves.
func (p *Product) URL() string { return "http://" + p.Addr() }

// Addr is its host:port.
func (p *Product) Addr() string { return address(p.Port) }

// Spawn starts the product again after Kill without waiting until it is ready: WaitReady tells when it is.
func (p *Product) Spawn() error { return p.spawn() }

// StopGently stops it as an operator would (SIGTERM) and waits; its folder stays until Stop.
func (p *Product) StopGently() error { return p.Terminate(40 * time.Second) }

func (p *Product) ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("readyz says " + resp.Status)
	}
	return nil
}
