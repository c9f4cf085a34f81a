// Package files keeps pictures and evidence: a content store behind one settings shape, on a local disk
// or in an S3-compatible service, and the checks that uploads pass before they are kept.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"time"

	"bangfu/model"
)

// Kinds of store.
const (
	KindLocal = "local" // a directory, which every process must see
	KindS3    = "s3"    // any service that speaks S3
)

// MaxBytes is the largest content that a store takes.
const MaxBytes = 64 << 20

// Options choose and configure a store. Local needs Dir; S3 needs Endpoint, Bucket, AccessKey and
// SecretKey.
type Options struct {
	Kind      string // KindLocal or KindS3
	Dir       string // local: where files live; made if missing
	Endpoint  string // s3: host or host:port, without scheme
	Bucket    string // s3: must exist
	Region    string // s3: may be empty
	AccessKey string
	SecretKey string
	Secure    bool // s3: use TLS
}

// Info tells about a stored file.
type Info struct {
	Size        int64 // bytes
	ContentType string
	ModTime     time.Time // UTC
}

// Store keeps contents by key. A key is lower-case words, digits, "-", "_" and "." in segments parted
// by "/", at most 200 bytes, and ends in the extension of its content type (see Ext), such as
// "pictures/1234.jpg": so both kinds of store agree on the type, and files can be copied between them.
type Store interface {
	// Put stores exactly size bytes (1 to MaxBytes) of r under key, replacing what was there. A reader sees the old
	// content or the new, never a part. A wrong key, type or size is an error and stores nothing.
	Put(ctx context.Context, key, contentType string, size int64, r io.Reader) error
	// Get opens the content of key, which the caller closes while ctx still lives. A key that does not
	// exist or is not well-formed is a not_found error.
	Get(ctx context.Context, key string) (io.ReadSeekCloser, Info, error)
	// Delete removes key; one that does not exist is no error.
	Delete(ctx context.Context, key string) error
	// Health tells whether the store can be used now: local writes a probe, S3 asks for the bucket.
	Health(ctx context.Context) error
}

// Open makes the store that o describes. A local directory is made and opened; S3 is not contacted
// before first use (see Health).
func Open(o Options) (Store, error) {
	switch o.Kind {
	case KindLocal:
		return openLocal(o)
	case KindS3:
		return openS3(o)
	}
	return nil, fmt.Errorf("file store kind %q is neither %q nor %q", o.Kind, KindLocal, KindS3)
}

var extensions = map[string]string{
	"image/jpeg":               ".jpg",
	"image/png":                ".png",
	"application/pdf":          ".pdf",
	"application/ofd":          ".ofd",
	"text/csv; charset=utf-8":  ".csv",
	"application/octet-stream": ".bin",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}

// Ext is the key extension of a content type, such as ".jpg" of "image/jpeg"; "" if the store does not
// keep that type.
func Ext(contentType string) string { return extensions[contentType] }

func typeOf(key string) string {
	ext := path.Ext(key)
	for contentType, e := range extensions {
		if e == ext {
			return contentType
		}
	}
	return ""
}

// wellFormed admits no empty, "." or ".." segment and no hidden file: each segment starts with a letter
// or digit.
var wellFormed = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$`)

func validKey(key string) bool { return len(key) <= 200 && wellFormed.MatchString(key) }

func checkPut(key, contentType string, size int64) error {
	if !validKey(key) {
		return fmt.Errorf("file key %q is not well-formed", key)
	}
	if Ext(contentType) == "" || typeOf(key) != contentType {
		return fmt.Errorf("file key %q does not fit content type %q", key, contentType)
	}
	if size < 1 || size > MaxBytes {
		return fmt.Errorf("file key %q: %d bytes is not within 1 to %d", key, size, MaxBytes)
	}
	return nil
}

var errOtherSize = errors.New("content is not of the size announced")

func errNoFile() error { return model.NotFound("文件") }
