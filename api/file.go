package api

import (
	"bytes"
	"context"
	"io"

	"bangfu/model"
	"bangfu/service/files"
)

func (s *Server) getFile(ctx context.Context, c *Call) (any, error) {
	f, content, err := s.Files.Show(ctx, c.Object)
	if err != nil {
		return nil, err
	}
	return &Download{Name: f.Name, ContentType: f.ContentType, Size: f.Size, Write: func(w io.Writer) error {
		defer func() { _ = content.Close() }()
		_, err := io.Copy(w, content)
		return err
	}}, nil
}

func (s *Server) uploadUnionFile(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(files.MaxDocumentBytes, "kind")
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	if kind := up.Fields["kind"]; kind != files.KindEvidence {
		return nil, model.Invalid("kind", "“kind”应为 evidence（凭证）")
	}
	data, contentType, err := files.Document(up)
	if err != nil {
		return nil, err
	}
	f, err := s.Files.Save(ctx, c.Actor, files.NewFile{Kind: files.KindEvidence, Name: up.Name, ContentType: contentType, Size: int64(len(data)), UnionID: c.Object}, bytes.NewReader(data))
	return files.ViewOf(f), err
}
