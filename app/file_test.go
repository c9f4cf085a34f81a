package app_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/identity"
)

// TestEvidence shows that evidence is kept by its union, downloaded unchanged, and seen by nobody else.
func TestEvidence(t *testing.T) {
	h := newHouse(t)
	a, b := h.union(h.root(), "grassroots", "甲厂工会"), h.union(h.root(), "grassroots", "乙厂工会")
	admin, neighbour := h.staffAs(identity.RoleUnionAdmin, a), h.staffAs(identity.RoleUnionAdmin, b)
	path := "/api/v1/console/unions/" + a.ID.String() + "/files"
	pdf := []byte("%PDF-1.4\n%%EOF\n")

	var kept struct {
		ID, Name string
		Size     int
	}
	got := admin.upload(path, `C:\凭证\银行回单.pdf`, pdf, map[string]string{"kind": "evidence"}).ok(&kept)
	if got.Status != http.StatusCreated || kept.Name != "银行回单.pdf" || kept.Size != len(pdf) {
		t.Errorf("answer %d %s", got.Status, got.Body)
	}
	down := admin.get("/api/v1/console/files/" + kept.ID).ok(nil)
	if !bytes.Equal(down.Body, pdf) || down.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(down.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("downloaded %q as %v", down.Body, down.Header)
	}
	h.staffAs(identity.RoleFederation, h.root()).get("/api/v1/console/files/" + kept.ID).ok(nil)
	neighbour.get("/api/v1/console/files/" + kept.ID).fails(model.CodeNotFound)
	neighbour.upload(path, "a.pdf", pdf, map[string]string{"kind": "evidence"}).fails(model.CodeNotFound)

	admin.upload(path, "a.pdf", pdf, map[string]string{"kind": "roster"}).fails(model.CodeInvalid)
	admin.upload(path, "a.pdf", pdf, nil).fails(model.CodeInvalid)
	admin.upload(path, "a.pdf", []byte("<html>"), map[string]string{"kind": "evidence"}).fails(model.CodeInvalid)
	admin.upload(path, "a.pdf", append(pdf, make([]byte, files.MaxDocumentBytes)...), map[string]string{"kind": "evidence"}).fails(model.CodeTooLarge)
	admin.get("/api/v1/console/files/12").fails(model.CodeNotFound)
}

// TestListsOfPeopleAreNotFiles shows that an uploaded roster cannot be downloaded by the file's address.
func TestListsOfPeopleAreNotFiles(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "甲厂工会")
	f, err := h.Files.Save(context.Background(), model.Actor{Kind: model.ActorSetup},
		files.NewFile{Kind: files.KindRoster, Name: "名册.csv", ContentType: "text/csv; charset=utf-8", Size: 3, UnionID: u.ID}, strings.NewReader("a,b"))
	if err != nil {
		t.Fatal(err)
	}
	h.staffAs(identity.RoleUnionAdmin, u).get("/api/v1/console/files/" + f.ID.String()).fails(model.CodeNotFound)
}
