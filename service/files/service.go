package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"bangfu/model"
)

// The kinds of files.
const (
	KindPicture     = "picture"     // of a product
	KindEvidence    = "evidence"    // of money put in or spent
	KindCertificate = "certificate" // licence of a supplier, certificate of a product
	KindRoster      = "roster"      // an uploaded roster: personal data
	KindGrant       = "grant"       // an uploaded list of people and amounts: personal data
	KindAfterSale   = "after_sale"  // a picture that goes with an after-sales case
	KindInvoice     = "invoice"     // uploaded by a supplier: seen through its request only
)

// Service keeps files as rows of the table files, each with its content in a store. Who may see a file is decided
// by its owner: a union or a supplier.
type Service struct {
	db    *model.DB
	store Store
	// decoding bounds how many uploaded pictures are decoded at once: the largest takes some 200 MB.
	decoding chan struct{}
}

// NewService makes the service.
func NewService(db *model.DB, store Store) *Service {
	return &Service{db: db, store: store, decoding: make(chan struct{}, 2)}
}

// Picture is the function Picture, done when its turn has come. Errors as there.
func (s *Service) Picture(ctx context.Context, r io.Reader) (Image, error) {
	select {
	case s.decoding <- struct{}{}:
		defer func() { <-s.decoding }()
		return Picture(r)
	case <-ctx.Done():
		return Image{}, ctx.Err()
	}
}

// NewFile describes a file to save; exactly one of UnionID and SupplierID is set.
type NewFile struct {
	Kind        string
	Name        string // as the person called it
	ContentType string // one that Ext knows
	Size        int64  // bytes
	UnionID     model.ID
	SupplierID  model.ID
}

// FileView is a file as the console shows it.
type FileView struct {
	ID          model.ID  `json:"id"`
	Kind        string    `json:"kind"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	CreatedAt   time.Time `json:"created_at"`
}

// ViewOf shows a file.
func ViewOf(f model.File) FileView {
	return FileView{ID: f.ID, Kind: f.Kind, Name: f.Name, ContentType: f.ContentType, Size: f.Size, CreatedAt: f.CreatedAt}
}

// Save stores exactly f.Size bytes of r and then a row that names them. Content is stored before the row and outside
// any transaction: a crash between the two leaves content that nothing names. Refer to the file by its id in a
// transaction of one's own afterwards.
func (s *Service) Save(ctx context.Context, actor model.Actor, f NewFile, r io.Reader) (model.File, error) {
	if (f.UnionID == 0) == (f.SupplierID == 0) {
		return model.File{}, errors.New("a file belongs to one union or one supplier")
	}
	now := s.db.Now()
	row := model.File{ID: s.db.NewID(), Kind: f.Kind, Name: cleanName(f.Name), ContentType: f.ContentType, Size: f.Size, CreatedBy: actor.ID, CreatedAt: now}
	row.StoreKey = f.Kind + "/" + row.ID.String() + Ext(f.ContentType)
	if f.UnionID != 0 {
		row.UnionID = &f.UnionID
	} else {
		row.SupplierID = &f.SupplierID
	}
	sum := sha256.New()
	if err := s.store.Put(ctx, row.StoreKey, f.ContentType, f.Size, io.TeeReader(r, sum)); err != nil {
		return model.File{}, err
	}
	row.SHA256 = hex.EncodeToString(sum.Sum(nil))
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "file.save", "file:"+row.ID.String(), f.UnionID, map[string]any{"kind": row.Kind, "size": row.Size, "sha256": row.SHA256})
	})
	if err != nil {
		_ = s.store.Delete(context.WithoutCancel(ctx), row.StoreKey)
		return model.File{}, fmt.Errorf("save a file: %w", err)
	}
	return row, nil
}

// Open finds a file by its id and opens its content, which the caller closes while ctx lives. It is CodeNotFound when
// either is gone. The caller has checked who asks.
func (s *Service) Open(ctx context.Context, id model.ID) (model.File, io.ReadSeekCloser, error) {
	var row model.File
	err := s.db.Read(ctx).Take(&row, id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, nil, errNoFile()
	}
	if err != nil {
		return row, nil, err
	}
	content, _, err := s.store.Get(ctx, row.StoreKey)
	return row, content, err
}

// Show is Open for people who look at a file: uploaded lists of people are not shown, since they hold phone and ID
// numbers of many at once, and invoices are seen through their request only.
func (s *Service) Show(ctx context.Context, id model.ID) (model.File, io.ReadSeekCloser, error) {
	row, content, err := s.Open(ctx, id)
	if err == nil && (row.Kind == KindRoster || row.Kind == KindGrant || row.Kind == KindInvoice) {
		_ = content.Close()
		return model.File{}, nil, errNoFile()
	}
	return row, content, err
}

// Discard deletes the content of a file and keeps its row; content that is gone already is no error.
func (s *Service) Discard(ctx context.Context, f model.File) error {
	return s.store.Delete(ctx, f.StoreKey)
}

// maxName is the longest file name kept, in characters.
const maxName = 120

// cleanName keeps a file name fit to be shown and offered: no folders, no control characters, not too long.
func cleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name))
	if r := []rune(name); len(r) > maxName {
		name = strings.TrimSpace(string(r[len(r)-maxName:]))
	}
	if name == "" {
		return "未命名"
	}
	return name
}
