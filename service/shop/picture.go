package shop

import (
	"bytes"
	"context"
	"errors"
	"io"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/files"
)

// MaxPictures is how many pictures a product may have.
const MaxPictures = 9

// PictureView is a picture in a product's gallery.
type PictureView struct {
	Seq    int      `json:"seq"` // names the picture within its product; gaps are normal
	FileID model.ID `json:"file_id"`
	URL    string   `json:"url"`
}

func pictureView(p model.ProductPicture) PictureView {
	return PictureView{Seq: p.Seq, FileID: p.FileID, URL: pictureURL(p.FileID)}
}

func pictureURL(id model.ID) string { return "/api/v1/pictures/" + id.String() }

// AddPicture puts an uploaded JPEG, PNG or WebP at the end of a product's gallery, encoded anew (see files.Picture).
func (s *Service) AddPicture(ctx context.Context, actor model.Actor, product model.ID, name string, r io.Reader) (PictureView, error) {
	var p model.Product
	if err := s.db.Read(ctx).Take(&p, product).Error; err != nil {
		return PictureView{}, err
	}
	if _, err := nextPicture(s.db.Read(ctx), product); err != nil {
		return PictureView{}, err
	}
	image, err := s.files.Picture(ctx, r)
	if err != nil {
		return PictureView{}, err
	}
	f, err := s.saveFile(ctx, actor, files.NewFile{Kind: files.KindPicture, Name: name, ContentType: image.ContentType, SupplierID: p.SupplierID}, image.Bytes)
	if err != nil {
		return PictureView{}, err
	}
	row := model.ProductPicture{ProductID: product, FileID: f.ID}
	err = s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := lock(tx, &model.Product{}, product, "商品"); err != nil {
			return err
		}
		if row.Seq, err = nextPicture(tx, product); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, s.db.Now(), "product.picture_add", "product:"+product.String(), 0, map[string]any{"seq": row.Seq, "file_id": f.ID})
	})
	if err != nil {
		s.discard(ctx, f.ID)
		return PictureView{}, err
	}
	return pictureView(row), nil
}

// nextPicture is the place after the last picture; CodeConflict when the gallery is full.
func nextPicture(tx *gorm.DB, product model.ID) (int, error) {
	var got struct{ N, Last int }
	err := tx.Raw("SELECT COUNT(*) AS n, COALESCE(MAX(seq), 0) AS last FROM product_pictures WHERE product_id = ?", product).Scan(&got).Error
	if err != nil {
		return 0, err
	}
	if got.N >= MaxPictures {
		return 0, model.E(model.CodeConflict, "每件商品最多 %d 张图片，请先删除一张", MaxPictures)
	}
	return got.Last + 1, nil
}

func (s *Service) saveFile(ctx context.Context, actor model.Actor, f files.NewFile, data []byte) (files.FileView, error) {
	f.Size = int64(len(data))
	row, err := s.files.Save(ctx, actor, f, bytes.NewReader(data))
	return files.ViewOf(row), err
}

// discard frees the content of a file that nothing shows any more. The row that names it stays; if the store does
// not answer, content stays that nothing names, which is harmless.
func (s *Service) discard(ctx context.Context, id model.ID) {
	var f model.File
	if s.db.Read(ctx).Take(&f, id).Error == nil {
		_ = s.files.Discard(context.WithoutCancel(ctx), f)
	}
}

// RemovePicture takes a picture out of a product's gallery.
func (s *Service) RemovePicture(ctx context.Context, actor model.Actor, product model.ID, seq int) error {
	var row model.ProductPicture
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := lock(tx, &model.Product{}, product, "商品"); err != nil {
			return err
		}
		row = model.ProductPicture{}
		err := tx.Where("product_id = ? AND seq = ?", product, seq).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("图片")
		}
		if err != nil {
			return err
		}
		if err := tx.Where("product_id = ? AND seq = ?", product, seq).Delete(&model.ProductPicture{}).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, s.db.Now(), "product.picture_remove", "product:"+product.String(), 0, map[string]any{"seq": seq, "file_id": row.FileID})
	})
	if err == nil {
		s.discard(ctx, row.FileID)
	}
	return err
}

// Picture finds a picture that anybody may see; any other kind of file is CodeNotFound.
func (s *Service) Picture(ctx context.Context, id model.ID) (model.File, error) {
	var f model.File
	err := s.db.Read(ctx).Where("id = ? AND kind = ?", id, files.KindPicture).Take(&f).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return f, model.NotFound("图片")
	}
	return f, err
}

// WritePicture copies the content of a picture found by Picture to w.
func (s *Service) WritePicture(ctx context.Context, f model.File, w io.Writer) error {
	_, content, err := s.files.Open(ctx, f.ID)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	_, err = io.Copy(w, content)
	return err
}
