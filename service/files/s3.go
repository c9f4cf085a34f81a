package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Attempts bounds how often one request to the service is tried before its error is reported.
const s3Attempts = 3

type s3 struct {
	client *minio.Client
	bucket string
}

func openS3(o Options) (Store, error) {
	if o.Endpoint == "" || o.Bucket == "" || o.AccessKey == "" || o.SecretKey == "" {
		return nil, errors.New("file store: s3 needs endpoint, bucket, access key and secret key")
	}
	client, err := minio.New(o.Endpoint, &minio.Options{
		Creds:      credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""),
		Secure:     o.Secure,
		Region:     o.Region,
		MaxRetries: s3Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("file store: %w", err)
	}
	return &s3{client: client, bucket: o.Bucket}, nil
}

func (s *s3) Put(ctx context.Context, key, contentType string, size int64, r io.Reader) error {
	if err := checkPut(key, contentType, size); err != nil {
		return err
	}
	// Held in memory, so that a wrong size is known before anything is sent and a failed attempt can be
	// repeated.
	content, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if int64(len(content)) != size {
		return fmt.Errorf("store %s: %w", key, errOtherSize)
	}
	_, err = s.client.PutObject(ctx, s.bucket, key, bytes.NewReader(content), size,
		minio.PutObjectOptions{ContentType: contentType, DisableMultipart: true})
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return nil
}

func (s *s3) Get(ctx context.Context, key string) (io.ReadSeekCloser, Info, error) {
	if !validKey(key) {
		return nil, Info{}, errNoFile()
	}
	object, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, Info{}, fmt.Errorf("read %s: %w", key, err)
	}
	stat, err := object.Stat()
	if err != nil {
		_ = object.Close()
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return nil, Info{}, errNoFile()
		}
		return nil, Info{}, fmt.Errorf("read %s: %w", key, err)
	}
	return object, Info{Size: stat.Size, ContentType: typeOf(key), ModTime: stat.LastModified.UTC()}, nil
}

func (s *s3) Delete(ctx context.Context, key string) error {
	if !validKey(key) {
		return fmt.Errorf("file key %q is not well-formed", key)
	}
	err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{})
	if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (s *s3) Health(ctx context.Context) error {
	found, err := s.client.BucketExists(ctx, s.bucket)
	if err != nil {
		return fmt.Errorf("file store: %w", err)
	}
	if !found {
		return fmt.Errorf("file store: bucket %q does not exist", s.bucket)
	}
	return nil
}
