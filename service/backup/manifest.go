package backup

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bangfu/model"
)

const manifestFormat = 1

// Manifest tells what a backup holds.
type Manifest struct {
	Format     int       `json:"format"`
	Program    string    `json:"program"` // version of the program that made it
	Engine     string    `json:"engine"`  // sqlite, mysql or mariadb
	Server     string    `json:"server,omitempty"`
	Database   string    `json:"database,omitempty"`
	Schema     int64     `json:"schema"` // version of the schema
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	// Log is where in the server's binary log the copy stands, nil where the server keeps none.
	Log   *Position `json:"log,omitempty"`
	Parts []Part    `json:"parts"`
}

// Position is a place in the binary log.
type Position struct {
	File string `json:"file"`
	Pos  int64  `json:"pos"`
}

func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Pos) }

// Part is one file of a backup.
type Part struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Bytes is the size of all parts.
func (m *Manifest) Bytes() (n int64) {
	for _, p := range m.Parts {
		n += p.Bytes
	}
	return n
}

func (m *Manifest) has(name string) bool {
	for _, p := range m.Parts {
		if p.Name == name {
			return true
		}
	}
	return false
}

// partWriter compresses what is written to it into a file and takes the file's checksum on the way.
type partWriter struct {
	file  *os.File
	sum   hash.Hash
	bytes int64
	*gzip.Writer
}

// add makes the part name in dir from what fill writes and notes it in the manifest.
func (m *Manifest) add(dir, name string, fill func(w *partWriter) error) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	p := &partWriter{file: f, sum: sha256.New()}
	counted := writerFunc(func(b []byte) (int, error) {
		n, err := f.Write(b)
		p.sum.Write(b[:n])
		p.bytes += int64(n)
		return n, err
	})
	p.Writer, _ = gzip.NewWriterLevel(counted, gzip.BestSpeed) // the level is one that exists
	err = fill(p)
	if err = errors.Join(err, p.Close(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.Parts = append(m.Parts, Part{Name: name, Bytes: p.bytes, SHA256: hex.EncodeToString(p.sum.Sum(nil))})
	return nil
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (m *Manifest) write(dir string) error { return writeJSON(filepath.Join(dir, manifestName), m) }

func readManifest(dir string) (*Manifest, error) {
	m := &Manifest{}
	if err := readJSON(filepath.Join(dir, manifestName), m); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s holds no backup: there is no %s in it", dir, manifestName)
		}
		return nil, err
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("%s has format %d, this program knows %d: use the program that made it (%s)", dir, m.Format, manifestFormat, m.Program)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	return m, nil
}

// check refuses a manifest that this program did not write: parts other than those of a backup, whose names become paths, or without
// the database, so that nothing is dropped for a backup that cannot be brought back.
func (m *Manifest) check() error {
	database := dumpName
	switch m.Engine {
	case string(model.SQLite):
		database = sqliteName
	case engineMySQL, engineMariaDB:
	default:
		return fmt.Errorf("a backup of %q is not one that this program knows", m.Engine)
	}
	seen := map[string]bool{}
	for _, p := range m.Parts {
		if seen[p.Name] || p.Name != database && p.Name != filesName || p.Bytes < 0 {
			return fmt.Errorf("%q is not a part of a backup, or is named twice", p.Name)
		}
		seen[p.Name] = true
	}
	if !seen[database] {
		return fmt.Errorf("the database (%s) is not in the backup", database)
	}
	if m.Log != nil {
		if _, _, ok := splitLogName(m.Log.File); !ok || m.Log.Pos < 4 {
			return fmt.Errorf("%q is not a place in the binary log", m.Log)
		}
	}
	return nil
}

// verify compares the parts with their checksums.
func (m *Manifest) verify(dir string) error {
	for _, p := range m.Parts {
		sum, n, err := sumFile(filepath.Join(dir, p.Name))
		if err != nil {
			return err
		}
		if n != p.Bytes || sum != p.SHA256 {
			return fmt.Errorf("%s is damaged: its checksum is not the one in the manifest; use another backup", filepath.Join(dir, p.Name))
		}
	}
	return nil
}

func sumFile(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), n, err
}

// writeJSON replaces the file at path in one step.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(temp, path), syncFolder(filepath.Dir(path)))
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// syncFolder makes files made in or renamed into a folder survive a power cut.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
