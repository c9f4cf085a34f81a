package api

import (
	"context"
	"io"
	"strconv"

	"bangfu/model"
	"bangfu/service/files"
)

func (s *Server) getPicture(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	f, err := s.Shop.Picture(ctx, id)
	if err != nil {
		return nil, err
	}
	return &Download{ContentType: f.ContentType, Size: f.Size, Cache: true, ETag: f.SHA256, Write: func(w io.Writer) error {
		return s.Shop.WritePicture(ctx, f, w)
	}}, nil
}

func (s *Server) addPicture(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(files.MaxPictureBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	return s.Shop.AddPicture(ctx, c.Actor, c.Object, up.Name, up)
}

func (s *Server) removePicture(ctx context.Context, c *Call) (any, error) {
	seq, err := strconv.Atoi(c.gin.Param("seq"))
	if err != nil {
		return nil, model.NotFound("图片")
	}
	return nil, s.Shop.RemovePicture(ctx, c.Actor, c.Object, seq)
}
