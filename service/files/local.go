package files

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// tempDir holds files that are being written. Keys cannot reach it, as no segment starts with a dot.
const tempDir = ".tmp"

// local keeps each key as a file of mode 0600 under one directory. os.Root refuses any path, symbolic
// links included, that leads out of it.
type local struct{ root *os.Root }

func openLocal(o Options) (Store, error) {
	if o.Dir == "" {
		return nil, errors.New("file store: local needs a directory")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("file store: %w", err)
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("file store: %w", err)
	}
	l := &local{root: root}
	if err := root.MkdirAll(tempDir, 0o700); err != nil {
		return nil, fmt.Errorf("file store: %w", err)
	}
	l.removeStaleTemps()
	return l, nil
}

// removeStaleTemps deletes what a crash left behind; younger files may be another process's.
func (l *local) removeStaleTemps() {
	entries, err := fs.ReadDir(l.root.FS(), tempDir)
	if err != nil {
		return // only tidying; Health reports an unusable directory
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = l.root.Remove(path.Join(tempDir, entry.Name()))
		}
	}
}

func (l *local) Put(ctx context.Context, key, contentType string, size int64, r io.Reader) error {
	if err := checkPut(key, contentType, size); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	temp := path.Join(tempDir, rand.Text())
	defer func() { _ = l.root.Remove(temp) }() // gone already when the rename succeeded
	if err := l.writeTemp(temp, size, r); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	folder := path.Dir(key)
	if err := l.root.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if err := l.root.Rename(temp, key); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return l.syncFolders(folder)
}

func (l *local) writeTemp(name string, size int64, r io.Reader) error {
	f, err := l.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, size+1))
	if err == nil && n != size {
		err = errOtherSize
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolders makes the rename, and folders just made for it, survive a power cut.
func (l *local) syncFolders(folder string) error {
	for {
		d, err := l.root.Open(folder)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
		if folder == "." {
			return nil
		}
		folder = path.Dir(folder)
	}
}

func (l *local) Get(ctx context.Context, key string) (io.ReadSeekCloser, Info, error) {
	if !validKey(key) {
		return nil, Info{}, errNoFile()
	}
	if err := ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	f, err := l.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Info{}, errNoFile()
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("read %s: %w", key, err)
	}
	stat, err := f.Stat()
	if err != nil || !stat.Mode().IsRegular() {
		_ = f.Close()
		if err == nil {
			err = errNoFile()
		}
		return nil, Info{}, err
	}
	return f, Info{Size: stat.Size(), ContentType: typeOf(key), ModTime: stat.ModTime().UTC()}, nil
}

func (l *local) Delete(ctx context.Context, key string) error {
	if !validKey(key) {
		return fmt.Errorf("file key %q is not well-formed", key)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (l *local) Health(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	probe := path.Join(tempDir, rand.Text())
	if err := l.root.WriteFile(probe, []byte("probe"), 0o600); err != nil {
		return fmt.Errorf("file store: %w", err)
	}
	return l.root.Remove(probe)
}
