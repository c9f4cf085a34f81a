package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/union"
	"bangfu/service/union/rosterfile"
)

const console = "/api/v1/console"

func unionAddr(u model.Union, rest string) string { return console + "/unions/" + u.ID.String() + rest }

// TestUnionTree shows creating, renaming, moving and closing unions, and that history keeps where each stood.
func TestUnionTree(t *testing.T) {
	h := newHouse(t)
	root := h.root()
	city := h.staffAs(identity.RoleCityFederation, root)
	create := func(parent model.ID, kind, name string) union.Detail {
		t.Helper()
		var d union.Detail
		city.post(console+"/unions/"+parent.String()+"/children", map[string]any{"name": name, "kind": kind}).ok(&d)
		return d
	}
	east, west := create(root.ID, "county", "东县总工会"), create(root.ID, "county", "西县总工会")
	town := create(east.ID, "county", "东县甲镇工会")
	plant := create(town.ID, "grassroots", "甲厂工会")
	shop := create(plant.ID, "grassroots", "一车间工会")
	if shop.Depth != 4 || len(shop.Ancestors) != 4 || shop.Ancestors[3].Name != "甲厂工会" {
		t.Fatalf("depth and ancestors of %+v", shop)
	}
	addr := func(d union.Detail, rest string) string { return console + "/unions/" + d.ID.String() + rest }

	city.post(addr(east, "/children"), map[string]any{"name": "东县甲镇工会", "kind": "grassroots"}).fails(model.CodeConflict)
	city.post(addr(plant, "/children"), map[string]any{"name": "乙县", "kind": "county"}).fails(model.CodeConflict)
	city.post(addr(plant, "/children"), map[string]any{"name": "乙市", "kind": "city"}).fails(model.CodeInvalid)
	city.post(addr(plant, "/children"), map[string]any{"name": " ", "kind": "grassroots"}).fails(model.CodeInvalid)
	var renamed union.Detail
	city.do(request{method: "PATCH", path: addr(west, ""), body: map[string]any{"name": "西县工会联合会"}}).ok(&renamed)
	if renamed.Name != "西县工会联合会" {
		t.Errorf("renamed to %q", renamed.Name)
	}

	city.post(addr(town, "/move"), map[string]any{"parent_id": shop.ID}).fails(model.CodeInvalid)
	city.post(console+"/unions/1/move", map[string]any{"parent_id": east.ID}).fails(model.CodeConflict)
	h.clock.Advance(time.Minute)
	before := h.clock.Now()
	h.clock.Advance(time.Minute)
	var moved union.Detail
	city.post(addr(town, "/move"), map[string]any{"parent_id": west.ID}).ok(&moved)
	city.post(addr(town, "/move"), map[string]any{"parent_id": west.ID}).ok(nil) // again: nothing happens
	h.clock.Advance(time.Minute)
	wantPlace(h, shop.ID, before, east.ID, 4)
	wantPlace(h, shop.ID, h.clock.Now(), west.ID, 4)
	city.post(addr(town, "/move"), map[string]any{"parent_id": root.ID}).ok(nil) // and twice within one moment
	city.post(addr(town, "/move"), map[string]any{"parent_id": east.ID}).ok(nil)
	wantPlace(h, shop.ID, h.clock.Now(), east.ID, 4)
	wantPlace(h, plant.ID, before, east.ID, 3)

	city.post(addr(plant, "/close"), nil).fails(model.CodeConflict) // a union below
	city.post(addr(shop, "/close"), nil).ok(nil)
	city.post(addr(shop, "/close"), nil).fails(model.CodeConflict)
	city.post(addr(shop, "/children"), map[string]any{"name": "班组", "kind": "grassroots"}).fails(model.CodeConflict)
	city.post(console+"/unions/1/close", nil).fails(model.CodeConflict)

	var list model.List[union.View]
	city.get(console + "/unions?q=县&kind=county&limit=2").ok(&list)
	if len(list.Items) != 2 || list.NextCursor == nil {
		t.Errorf("first page %+v", list)
	}
	city.get(console + "/unions?parent_id=" + east.ID.String()).ok(&list)
	if len(list.Items) != 1 || list.Items[0].ID != town.ID || list.Items[0].Children != 1 {
		t.Errorf("below the east: %+v", list.Items)
	}
	city.get(console + "/unions?q=%25").ok(&list)
	if len(list.Items) != 0 {
		t.Errorf("a percent sign found %+v", list.Items)
	}
}

// wantPlace checks where history says that a union stood at a moment: under top, at a depth.
func wantPlace(h *house, id model.ID, at time.Time, top model.ID, depth int) {
	h.t.Helper()
	var rows []model.UnionPath
	if err := h.DB.Read(context.Background()).Where("union_id = ? AND from_at <= ? AND (to_at IS NULL OR to_at > ?)", id, at, at).Find(&rows).Error; err != nil {
		h.t.Fatal(err)
	}
	if len(rows) != 1 || !strings.HasPrefix(rows[0].Path, "/1/"+top.String()+"/") || strings.Count(rows[0].Path, "/") != depth+2 {
		h.t.Errorf("%s stood at %+v, want below %s at depth %d", id, rows, top, depth)
	}
}

// TestUnionScope shows that a federation sees and moves only what is below it.
func TestUnionScope(t *testing.T) {
	h := newHouse(t)
	east, west := h.union(h.root(), "county", "东县总工会"), h.union(h.root(), "county", "西县总工会")
	plant, mill := h.union(east, "grassroots", "甲厂工会"), h.union(west, "grassroots", "乙厂工会")
	operator := h.staffAs(identity.RoleOperator, east)

	var d union.Detail
	operator.get(unionAddr(plant, "")).ok(&d)
	if len(d.Ancestors) != 1 || d.Ancestors[0].ID != east.ID {
		t.Errorf("ancestors in sight: %+v", d.Ancestors)
	}
	var list model.List[union.View]
	operator.get(console + "/unions").ok(&list)
	if len(list.Items) != 2 {
		t.Errorf("sees %+v", list.Items)
	}
	operator.get(unionAddr(mill, "")).fails(model.CodeNotFound)
	operator.post(unionAddr(mill, "/move"), map[string]any{"parent_id": east.ID}).fails(model.CodeNotFound)
	operator.post(unionAddr(plant, "/move"), map[string]any{"parent_id": west.ID}).fails(model.CodeNotFound)
	operator.post(unionAddr(plant, "/move"), map[string]any{"parent_id": "1"}).fails(model.CodeNotFound)
	operator.post(unionAddr(east, "/close"), nil).fails(model.CodeConflict)
	admin := h.staffAs(identity.RoleUnionAdmin, plant)
	admin.post(unionAddr(plant, "/children"), map[string]any{"name": "车间", "kind": "grassroots"}).fails(model.CodeForbidden)
	admin.get(unionAddr(mill, "/members")).fails(model.CodeNotFound)
	admin.upload(unionAddr(mill, "/roster-imports"), "a.csv", []byte(rosterHead), nil).fails(model.CodeNotFound)
}

const rosterHead = "姓名,手机号,身份证号,工号,部门\r\n"

// rosterLine is the csv line of the n-th invented person.
func rosterLine(n int) string {
	return fmt.Sprintf("职工甲,%s,%s,A%03d,财务科\r\n", rosterfile.DemoPhone(n), rosterfile.DemoIDNumber(n), n)
}

// upload previews a roster and returns its import.
func (c *client) roster(u model.Union, filename string, content []byte) union.ImportView {
	c.t.Helper()
	var v union.ImportView
	if a := c.upload(unionAddr(u, "/roster-imports"), filename, content, nil).ok(&v); a.Status != http.StatusAccepted || v.Status != "uploaded" {
		c.t.Fatalf("upload: %d %s", a.Status, a.Body)
	}
	c.h.drain()
	c.get(console + "/roster-imports/" + v.ID.String()).ok(&v)
	return v
}

// importRoster previews and imports a roster.
func (c *client) importRoster(u model.Union, csv string) union.ImportView {
	c.t.Helper()
	v := c.roster(u, "名册.csv", []byte(csv))
	c.post(console+"/roster-imports/"+v.ID.String()+"/import", nil).ok(&v)
	c.h.drain()
	c.get(console + "/roster-imports/" + v.ID.String()).ok(&v)
	if v.Status != "imported" || v.DoneRows != v.TotalRows {
		c.t.Fatalf("import ended as %+v", v)
	}
	return v
}

func wantCounts(t *testing.T, v union.ImportView, status string, fresh, changed, unchanged, wrong int) {
	t.Helper()
	if v.Status != status || v.NewRows != fresh || v.ChangedRows != changed || v.UnchangedRows != unchanged || v.WrongRows != wrong ||
		v.TotalRows != fresh+changed+unchanged+wrong {
		t.Errorf("import %+v, want %s with %d new, %d changed, %d unchanged, %d wrong", v, status, fresh, changed, unchanged, wrong)
	}
}

// TestRosterImport shows a roster's way from the template to members: preview, file of errors, import, import again.
func TestRosterImport(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "甲厂工会")
	admin := h.staffAs(identity.RoleUnionAdmin, u)
	for format, start := range map[string]string{"xlsx": "PK", "csv": "\ufeff姓名"} {
		if a := admin.get(console + "/roster-template?format=" + format).ok(nil); !bytes.HasPrefix(a.Body, []byte(start)) {
			t.Errorf("template %s begins with %.20q", format, a.Body)
		}
	}
	admin.get(console + "/roster-template?format=xls").fails(model.CodeInvalid)

	bad := "=1+1,12345,999999196001010000,,\r\n"
	csv := rosterHead + rosterLine(1) + rosterLine(2) + bad
	v := admin.roster(u, "甲厂 名册.csv", []byte(csv))
	wantCounts(t, v, "previewed", 2, 0, 0, 1)
	if n := countMembers(h); n != 0 {
		t.Errorf("%d members after a preview", n)
	}
	at := console + "/roster-imports/" + v.ID.String()
	var rows model.List[union.RowView]
	admin.get(at + "/rows?verdict=wrong").ok(&rows)
	if len(rows.Items) != 1 || rows.Items[0].RowNo != 4 || !strings.Contains(rows.Items[0].Reason, "手机号有 5 位") {
		t.Errorf("wrong rows %+v", rows.Items)
	}
	admin.get(at + "/rows?limit=1&cursor=2").ok(&rows)
	if len(rows.Items) != 1 || rows.Items[0].RowNo != 3 || rows.Items[0].Phone != "100****0002" || strings.Contains(fmt.Sprint(rows.Items), rosterfile.DemoIDNumber(2)) {
		t.Errorf("second row %+v", rows.Items)
	}
	book, err := excelize.OpenReader(bytes.NewReader(admin.get(at + "/errors").ok(nil).Body))
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := book.GetRows("职工名册")
	if err != nil || len(sheet) != 2 || sheet[1][1] != "12345" || sheet[1][5] != "4" {
		t.Errorf("file of errors: %q, %v", sheet, err)
	}
	h.staffAs(identity.RoleAuditor, u).get(at + "/errors").fails(model.CodeForbidden)

	admin.post(at+"/import", nil).ok(nil)
	admin.post(at+"/import", nil).fails(model.CodeConflict)
	admin.post(at+"/cancel", nil).fails(model.CodeConflict)
	h.drain()
	admin.get(at).ok(&v)
	wantCounts(t, v, "imported", 2, 0, 0, 1)
	if n := countMembers(h); n != 2 {
		t.Errorf("%d members after the import", n)
	}
	wantCounts(t, admin.roster(u, "again.csv", []byte(csv)), "previewed", 0, 0, 2, 1)
	wantCounts(t, admin.importRoster(u, csv), "imported", 0, 0, 2, 1)
	var list model.List[union.ImportView]
	admin.get(unionAddr(u, "/roster-imports?limit=2")).ok(&list)
	if len(list.Items) != 2 || list.NextCursor == nil || list.Items[1].Filename != "again.csv" {
		t.Errorf("imports %+v", list)
	}
	if !admin.uploadedFilesGone() {
		t.Error("uploaded rosters are still in the file store")
	}
}

// uploadedFilesGone tells that no uploaded roster's content is left.
func (c *client) uploadedFilesGone() bool {
	var ids []model.ID
	if err := c.h.DB.Read(context.Background()).Model(&model.File{}).Where("kind = 'roster'").Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		c.t.Fatalf("roster files %v: %v", ids, err)
	}
	return !slices.ContainsFunc(ids, func(id model.ID) bool {
		_, _, err := c.h.Files.Open(context.Background(), id)
		return model.CodeOf(err) != model.CodeNotFound
	})
}

func countMembers(h *house) (n int64) {
	h.t.Helper()
	if err := h.DB.Read(context.Background()).Model(&model.Member{}).Where("status = 'active'").Count(&n).Error; err != nil {
		h.t.Fatal(err)
	}
	return n
}

// TestRosterChanges shows what a second roster may change, and that it says so beforehand.
func TestRosterChanges(t *testing.T) {
	h := newHouse(t)
	a, b := h.union(h.root(), "grassroots", "甲厂工会"), h.union(h.root(), "grassroots", "乙厂工会")
	admin, other := h.staffAs(identity.RoleUnionAdmin, a), h.staffAs(identity.RoleUnionAdmin, b)
	other.importRoster(b, rosterHead+rosterLine(9))
	admin.importRoster(a, rosterHead+rosterLine(1)+rosterLine(2)+rosterLine(3)+rosterLine(4)+rosterLine(5))
	var list model.List[union.MemberView]
	admin.get(unionAddr(a, "/members?q="+rosterfile.DemoPhone(5))).ok(&list)
	admin.money(console+"/members/"+list.Items[0].ID.String()+"/leave", "leave-five-1", map[string]any{"reason": "调离"}).ok(nil)

	line := func(name string, phone, id int, no, department string) string {
		return strings.Join([]string{name, rosterfile.DemoPhone(phone), rosterfile.DemoIDNumber(id), no, department}, ",") + "\r\n"
	}
	v := admin.roster(a, "二.csv", []byte(rosterHead+
		line("职工甲", 1, 1, "", "")+ // row 2: empty cells change nothing
		line("职工乙", 2, 2, "A002", "销售科")+ // row 3
		line("职工甲", 4, 3, "A003", "财务科")+ // row 4: takes the phone that row 5 gives up
		line("职工甲", 44, 4, "A004", "财务科")+ // row 5
		line("职工甲", 5, 5, "A005", "财务科")+ // row 6: had left
		line("职工丙", 1, 6, "", "")+ // row 7: the phone of row 2, who keeps it
		line("职工丁", 9, 9, "", ""))) // row 8: also in the other union
	wantCounts(t, v, "previewed", 1, 4, 1, 1)
	var rows model.List[union.RowView]
	admin.get(console + "/roster-imports/" + v.ID.String() + "/rows").ok(&rows)
	for i, want := range []string{"", "姓名：职工甲 → 职工乙；部门：财务科 → 销售科", "手机号：100****0003 → 100****0004", "手机号：100****0004 → 100****0044",
		"已离会，重新入会", "手机号与第 2 行相同", "此人也在另一工会的名册上"} {
		if got := rows.Items[i].Reason; !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("row %d: %q, want %q", rows.Items[i].RowNo, got, want)
		}
	}
	v = admin.importRoster(a, rosterHead+line("职工丙", 1, 6, "", "")) // the phone of somebody who is not in this file
	wantCounts(t, v, "imported", 0, 0, 0, 1)
}

// TestRosterMistakes shows the answers to files that are no roster.
func TestRosterMistakes(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "甲厂工会")
	admin := h.staffAs(identity.RoleUnionAdmin, u)
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(rosterHead + rosterLine(1))
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, admin.roster(u, "gbk.csv", []byte(gbk)), "previewed", 1, 0, 0, 0)
	note := admin.roster(u, "more.csv", []byte("姓名,手机号,身份证号,性别\r\n职工甲,"+rosterfile.DemoPhone(1)+","+rosterfile.DemoIDNumber(1)+",女\r\n"))
	if !strings.Contains(note.Note, "性别") {
		t.Errorf("note %q", note.Note)
	}
	for name, c := range map[string]struct{ content, message string }{
		"no roster.pdf":  {"%PDF-1.4\nxyz", "没有找到表头"},
		"missing.csv":    {"姓名,手机号\r\n职工甲,1\r\n", "缺少必填的列：“身份证号”"},
		"only heads.csv": {rosterHead, "没有填写任何人"},
		"cut.xlsx":       {"PK\x03\x04broken", "文件已损坏"},
		"old.xls":        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1xxxx", "旧版 xls"},
		"blank.csv":      {"  \r\n", "文件是空的"},
	} {
		v := admin.roster(u, name, []byte(c.content))
		if v.Status != "failed" || !strings.Contains(v.Error, c.message) {
			t.Errorf("%s: %s, %q", name, v.Status, v.Error)
		}
		admin.post(console+"/roster-imports/"+v.ID.String()+"/import", nil).fails(model.CodeConflict)
	}
	admin.upload(unionAddr(u, "/roster-imports"), "empty.csv", nil, nil).fails(model.CodeInvalid)
	admin.upload(unionAddr(u, "/roster-imports"), "big.csv", make([]byte, union.MaxRosterBytes+1), nil).fails(model.CodeTooLarge)
	if !admin.uploadedFilesGone() {
		t.Error("uploaded rosters are still in the file store")
	}

	var v union.ImportView
	admin.upload(unionAddr(u, "/roster-imports"), "名册.csv", []byte(rosterHead+rosterLine(1)), nil).ok(&v)
	admin.post(console+"/roster-imports/"+v.ID.String()+"/cancel", nil).ok(&v)
	h.drain()
	admin.get(console + "/roster-imports/" + v.ID.String()).ok(&v)
	if v.Status != "cancelled" || !admin.uploadedFilesGone() {
		t.Errorf("cancelled import %+v", v)
	}
}
