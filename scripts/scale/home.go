//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bangfu/config"
	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/scripts/scale/city"
)

// present is the day that the flag names, at noon, or now. A city of early January would have no year behind it.
func present(day string) (time.Time, error) {
	now := time.Now()
	if day == "" {
		if now.YearDay() < 32 {
			now = time.Date(now.Year()-1, 11, 30, 12, 0, 0, 0, model.China)
		}
		return model.Millis(now), nil
	}
	d, err := model.ParseDate("today", day)
	return d.Start().Add(12 * time.Hour), err
}

// home is a city's folder: the database server's, the product's DATA_DIR, and a note of what was made.
type home struct {
	dir  string
	temp bool
	db   *lab.MariaDB
	made note
}

// note says what was made, once all of it was.
type note struct {
	Size     city.Size
	Seed     uint64
	Today    time.Time
	Seconds  float64
	Database string
}

const database = "city"

func (h *home) keys() string { return filepath.Join(h.dir, "product") }
func (h *home) note() string { return filepath.Join(h.dir, "city.json") }
func (h *home) dsn() string  { return h.db.DSN(database) }

// openHome starts the server of the city in the folder and makes the city if none is there.
func openHome(ctx context.Context, s settings) (*home, error) {
	h := &home{dir: s.datadir}
	if h.dir == "" {
		dir, err := os.MkdirTemp("", "bangfu-city.")
		if err != nil {
			return nil, err
		}
		h.dir, h.temp = dir, true
	}
	if err := h.open(ctx, s); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *home) open(ctx context.Context, s settings) (err error) {
	if err := os.MkdirAll(h.keys(), 0o700); err != nil {
		return err
	}
	h.db, err = lab.StartMariaDB(ctx, lab.MariaDBOptions{BufferPoolMiB: s.poolMiB, RedoMiB: 512, Dir: filepath.Join(h.dir, "mariadb"), Flags: []string{"--innodb-io-capacity=2000"}})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(h.note())
	switch {
	case err == nil:
		return json.Unmarshal(text, &h.made)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := h.db.Exec(ctx, "DROP DATABASE IF EXISTS `"+database+"`"); err != nil { // of a run that was broken off
		return err
	}
	if err := h.db.CreateDatabase(ctx, database); err != nil {
		return err
	}
	start := time.Now()
	if err := fill(ctx, h.dsn(), h.keys(), s); err != nil {
		return err
	}
	h.made = note{Size: s.size, Seed: s.seed, Today: s.today, Seconds: time.Since(start).Seconds(), Database: h.db.Version}
	if text, err = json.Marshal(h.made); err != nil {
		return err
	}
	return os.WriteFile(h.note(), text, 0o600)
}

func fill(ctx context.Context, dsn, keys string, s settings) error {
	cfg, err := config.Load([]string{"MYSQL_DSN=" + dsn, "DATA_DIR=" + keys})
	if err != nil {
		return err
	}
	return city.Make(ctx, cfg, city.Options{Size: s.size, Seed: s.seed, Today: s.today, Say: say})
}

// close stops the server, in order if the folder is kept.
func (h *home) close() error {
	var errs []error
	if h.db != nil {
		if !h.temp {
			errs = append(errs, h.db.Terminate(5*time.Minute))
		}
		errs = append(errs, h.db.Stop())
	}
	if h.temp {
		errs = append(errs, os.RemoveAll(h.dir))
	}
	return errors.Join(errs...)
}

// makeCity is the command make.
func makeCity(ctx context.Context, s settings) error {
	if s.dsn != "" {
		if s.keys == "" {
			return errors.New("-dsn needs -keys: the DATA_DIR of the product that will serve the city")
		}
		return fill(ctx, s.dsn, s.keys, s)
	}
	if s.datadir == "" {
		return errors.New("say where: -datadir for a server of its own, or -dsn and -keys")
	}
	h, err := openHome(ctx, s)
	if err != nil {
		return err
	}
	bytes, err := sizeOf(h.dir)
	fmt.Printf("%d members, %d unions, %d orders, %d claims in %.0f s, %.2f GiB\n", h.made.Size.Members, h.made.Size.Unions, h.made.Size.Orders, h.made.Size.Claims, h.made.Seconds, float64(bytes)/(1<<30))
	return errors.Join(err, h.close())
}

// sizeOf is what the files below a folder take.
func sizeOf(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
