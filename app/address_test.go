package app_test

import (
	"context"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/identity"
)

func goodAddress() map[string]any {
	return map[string]any{"consignee": "陈晓明", "phone": "100 0000 0001", "province": "广东省", "city": "湛江市", "district": "赤坎区", "detail": "示范路 1 号 2 栋 301"}
}

// TestAddresses walks the address book: the first is the default, one default at most, sealed at rest, gone softly.
func TestAddresses(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	c := h.memberAs(h.rosterMember(u, "陈晓明", phoneA, idNumberA).PersonID)
	other := h.memberAs(h.rosterMember(u, "林一", phoneB, idNumberB).PersonID)
	const path = "/api/v1/member/addresses"
	list := func() []identity.Address {
		var l struct{ Items []identity.Address }
		c.get(path).ok(&l)
		return l.Items
	}
	if len(list()) != 0 {
		t.Error("there are addresses before the first")
	}
	var first, second identity.Address
	c.post(path, goodAddress()).ok(&first)
	if !first.IsDefault || first.Phone != phoneA {
		t.Errorf("%+v", first)
	}
	in := goodAddress()
	in["detail"] = "示范路 2 号"
	c.post(path, in).ok(&second)
	if second.IsDefault || !list()[0].IsDefault || list()[0].ID != first.ID {
		t.Errorf("%+v", list())
	}
	c.post(path+"/"+second.ID.String()+"/default", nil).ok(nil)
	if l := list(); l[0].ID != second.ID || l[1].IsDefault {
		t.Errorf("%+v", l)
	}
	in["consignee"], in["is_default"] = "陈先生", true
	var changed identity.Address
	c.do(request{method: "PUT", path: path + "/" + first.ID.String(), body: in}).ok(&changed)
	if changed.Consignee != "陈先生" || !changed.IsDefault || list()[1].IsDefault {
		t.Errorf("%+v", changed)
	}
	for _, a := range []*answer{
		other.do(request{method: "PUT", path: path + "/" + first.ID.String(), body: in}),
		other.do(request{method: "DELETE", path: path + "/" + first.ID.String()}),
		other.post(path+"/"+first.ID.String()+"/default", nil),
	} {
		a.fails(model.CodeNotFound)
	}
	c.do(request{method: "DELETE", path: path + "/" + first.ID.String()}).ok(nil)
	c.do(request{method: "DELETE", path: path + "/" + first.ID.String()}).fails(model.CodeNotFound)
	if l := list(); len(l) != 1 || !l[0].IsDefault {
		t.Errorf("%+v", l)
	}
	var row model.Address
	if err := h.DB.Read(context.Background()).Take(&row, first.ID).Error; err != nil || row.DeletedAt == nil || strings.Contains(row.PhoneSealed+row.DetailSealed, "示范") {
		t.Errorf("%+v, %v", row, err)
	}
	h.noSecretsLogged(phoneA, "示范路", "陈先生")
}

// TestAddressBadInput shows what is refused, and by which field.
func TestAddressBadInput(t *testing.T) {
	h := newHouse(t)
	c := h.memberAs(h.rosterMember(h.root(), "陈晓明", phoneA, idNumberA).PersonID)
	for field, value := range map[string]any{
		"consignee": strings.Repeat("长", 31), "phone": "12345", "province": "", "city": "  ", "district": "赤坎\n区", "detail": "一", "country": "中国", "is_default": "yes",
	} {
		in := goodAddress()
		in[field] = value
		e := c.post("/api/v1/member/addresses", in).fails(model.CodeInvalid)
		if len(e.Fields) != 1 || e.Fields[0].Name != field {
			t.Errorf("%s: %+v", field, e)
		}
	}
}

// TestAddressesAreAtMostTwenty shows that the limit holds when many are added at once.
func TestAddressesAreAtMostTwenty(t *testing.T) {
	h := newHouse(t)
	c := h.memberAs(h.rosterMember(h.root(), "陈晓明", phoneA, idNumberA).PersonID)
	for range identity.MaxAddresses - 2 {
		c.post("/api/v1/member/addresses", goodAddress()).ok(nil)
	}
	results := together(6, func(int) model.Code { return codeOf(c.post("/api/v1/member/addresses", goodAddress())) })
	if results[""] != 2 || results[model.CodeConflict] != 4 {
		t.Errorf("%v", results)
	}
	var defaults int64
	h.DB.Read(context.Background()).Model(&model.Address{}).Where("is_default = ?", true).Count(&defaults)
	if defaults != 1 {
		t.Errorf("%d default addresses", defaults)
	}
}

// TestAddressTexts: what people paste is cleaned or refused with the field's name, and rare characters and emoji stay.
func TestAddressTexts(t *testing.T) {
	h := newHouse(t)
	c := h.memberAs(h.rosterMember(h.union(h.root(), "grassroots", "示范小学工会"), "陈晓明", phoneA, idNumberA).PersonID)
	with := func(field string, value any) map[string]any {
		in := goodAddress()
		in[field] = value
		return in
	}
	for typed, kept := range map[string]string{"𬭸🍊": "𬭸🍊", "👨‍👩‍👧家": "👨‍👩‍👧家", " 陈\u200b晓明\ufeff ": "陈晓明", "<b>陈</b>": "<b>陈</b>"} {
		var a identity.Address
		c.post("/api/v1/member/addresses", with("consignee", typed)).ok(&a)
		if a.Consignee != kept {
			t.Errorf("%q is kept as %q", typed, a.Consignee)
		}
	}
	var a identity.Address
	c.post("/api/v1/member/addresses", with("phone", "\u200b100 0000 0001\ufeff")).ok(&a)
	if a.Phone != phoneA {
		t.Errorf("phone %q", a.Phone)
	}
	for field, wrong := range map[string][]any{"consignee": {" ", "\u200b\u200d", "陈\n明", "陈\u202e明", "陈\u0000明", strings.Repeat("字", 31), nil}, "detail": {" 路 ", "\u3000"}, "phone": {"12345"}} {
		for _, value := range wrong {
			if got := c.post("/api/v1/member/addresses", with(field, value)).fails(model.CodeInvalid); len(got.Fields) != 1 || got.Fields[0].Name != field {
				t.Errorf("%s %q: %+v", field, value, got)
			}
		}
	}
}
