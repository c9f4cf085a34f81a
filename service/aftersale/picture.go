package aftersale

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/files"
)

// MaxPictures is how many pictures may go with a case.
const MaxPictures = 9

// PictureView is a picture that goes with a case.
type PictureView struct {
	Seq int    `json:"seq"` // names the picture within its case
	URL string `json:"url"` // for whoever asked
}

// AddPicture puts an uploaded JPEG, PNG or WebP, encoded anew (see files.Picture), to an open case of the actor's. It is shown to who
// asked, to the supplier, and to staff who see the case. Errors: CodeInvalid; CodeTooLarge; CodeNotFound; CodeConflict when the case
// has ended or has MaxPictures.
func (s *Service) AddPicture(ctx context.Context, actor model.Actor, id model.ID, name string, r io.Reader) (PictureView, error) {
	c, err := read(s.db.Read(ctx), id)
	if err != nil {
		return PictureView{}, err
	}
	if _, err := s.nextPicture(s.db.Read(ctx), actor, c); err != nil {
		return PictureView{}, err
	}
	image, err := s.files.Picture(ctx, r)
	if err != nil {
		return PictureView{}, err
	}
	f, err := s.files.Save(ctx, actor, files.NewFile{Kind: files.KindAfterSale, Name: name, ContentType: image.ContentType, Size: int64(len(image.Bytes)), UnionID: c.UnionID}, bytes.NewReader(image.Bytes))
	if err != nil {
		return PictureView{}, err
	}
	row := model.AfterSalePicture{CaseID: id, FileID: f.ID}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var c model.AfterSale
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&c).Error; err != nil {
			return err
		}
		if row.Seq, err = s.nextPicture(tx, actor, c); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, s.db.Now(), "aftersale.picture_add", object(id), c.UnionID, map[string]any{"seq": row.Seq, "file_id": f.ID})
	})
	if err != nil {
		_ = s.files.Discard(context.WithoutCancel(ctx), f)
		return PictureView{}, err
	}
	return PictureView{Seq: row.Seq, URL: pictureURL(actor, id, row.Seq)}, nil
}

// nextPicture is the place after the last picture of a case that the actor may add to.
func (s *Service) nextPicture(tx *gorm.DB, actor model.Actor, c model.AfterSale) (int, error) {
	if err := asker(actor, c); err != nil {
		return 0, err
	}
	if !slices.Contains(model.OpenAfterSale, c.Status) {
		return 0, model.E(model.CodeConflict, "售后申请已经结束，不能再添加图片")
	}
	var n int64
	if err := tx.Model(&model.AfterSalePicture{}).Where("case_id = ?", c.ID).Count(&n).Error; err != nil {
		return 0, err
	}
	if n >= MaxPictures {
		return 0, model.E(model.CodeConflict, "每个售后申请最多 %d 张图片", MaxPictures)
	}
	return int(n) + 1, nil
}

// Picture opens a picture of a case, which the caller closes while ctx lives. The caller has checked who asks. CodeNotFound if there is
// none.
func (s *Service) Picture(ctx context.Context, id model.ID, seq int) (model.File, io.ReadSeekCloser, error) {
	var row model.AfterSalePicture
	err := s.db.Read(ctx).Where("case_id = ? AND seq = ?", id, seq).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.File{}, nil, model.NotFound("图片")
	}
	if err != nil {
		return model.File{}, nil, err
	}
	return s.files.Open(ctx, row.FileID)
}
