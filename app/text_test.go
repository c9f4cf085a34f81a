package app_test

import (
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/identity"
)

// TestTextsThatSayNothing shows that a text that must be there is not made of spaces, that no text holds what nobody sees, and that
// the answer names the field wherever it stands.
func TestTextsThatSayNothing(t *testing.T) {
	h := newHouse(t)
	school := h.treasury("示范小学工会")
	h.purseHolders(school.union, 1, 1)
	city := h.staffAs(identity.RoleCityFederation, h.root())
	policy := func(title, period string) map[string]any {
		return map[string]any{"document_no": "测〔2027〕1号", "upstream_document_no": "", "title": title, "cap_fen": 60000, "starts_on": "2027-01-01", "ends_on": "2027-12-31",
			"periods": []map[string]any{{"seq": 1, "name": period, "due_on": "2027-08-25"}}}
	}
	put := func(body any) *answer {
		return city.do(request{method: "PUT", path: console + "/policies/2027", body: body})
	}
	var g allowance.GrantView
	school.draft(nil).ok(&g)
	blankList := school.admin.uploadWith(console+"/unions/"+school.union.ID.String()+"/grants/upload", "a.csv", []byte("x"),
		map[string]string{"purse": "extra", "year": "2025", "title": "  "}, map[string]string{"Idempotency-Key": school.nextKey()})
	for name, x := range map[string]struct {
		answer *answer
		field  string
	}{
		"BlankTitle":          {school.draft(map[string]any{"title": " \u3000 "}), "title"},
		"ControlCharacter":    {school.draft(map[string]any{"title": "额\u0000度"}), "title"},
		"TurnedDirection":     {school.draft(map[string]any{"title": "额\u202e度"}), "title"},
		"WrongEncoding":       {school.draft(map[string]any{"title": "额\xff度"}), "title"},
		"Nested":              {school.draft(map[string]any{"selection": "filter", "filter": map[string]any{"department": "车\u0007间"}}), "filter.department"},
		"InAList":             {put(policy("通知", " ")), "periods[0].name"},
		"BlankInAStruct":      {put(policy(" ", "第一次")), "title"},
		"OfAnUpload":          {blankList, "title"},
		"InAQuery":            {school.admin.get(console + "/unions/" + school.union.ID.String() + "/members?q=%00"), "q"},
		"RefusalWithoutWords": {school.approver.post(console+"/grants/"+g.ID.String()+"/reject", map[string]any{"note": "  "}), "note"},
	} {
		t.Run(name, func(t *testing.T) {
			e := x.answer.fails(model.CodeInvalid)
			if len(e.Fields) != 1 || e.Fields[0].Name != x.field || !strings.Contains(e.Message, "不能为空") && !strings.Contains(e.Message, "看不见") {
				t.Errorf("%+v", e)
			}
		})
	}
	if e := school.admin.post(console+"/unions/"+school.union.ID.String()+"/members", []int{1}).fails(model.CodeInvalid); len(e.Fields) != 0 || e.Message != "请求内容应为一个 JSON 对象" {
		t.Errorf("%+v", e)
	}
	if e := school.draft(map[string]any{"amount_fen": 0}).fails(model.CodeInvalid); e.Message != "“金额”不能少于 1 分" || e.Fields[0].Name != "amount_fen" {
		t.Errorf("%+v", e)
	}
	school.draft(map[string]any{"title": "八月\t额度\n第二行"}).ok(nil)
}
