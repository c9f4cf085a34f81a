package wechat_test

import (
	"strings"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/wechat"
	"bangfu/service/wechat/emulator"
)

const (
	sendPath   = "/cgi-bin/message/subscribe/send"
	uploadPath = "/wxa/sec/order/upload_shipping_info"
)

func (b *bench) message() wechat.Subscribe {
	return wechat.Subscribe{OpenID: b.emu.OpenID("li-si"), TemplateID: "template-of-the-tests", Data: map[string]string{"thing1": "甲 & <乙>", "amount2": "600.00元"}}
}

// TestSendSubscribe shows that a message arrives as it was, also after the token was rotated elsewhere, and WeChat's own code when not.
func TestSendSubscribe(t *testing.T) {
	b := newBench(t, 0)
	if err := b.SendSubscribe(t.Context(), b.message()); err != nil {
		t.Fatal(err)
	}
	b.rotate()
	if err := b.SendSubscribe(t.Context(), b.message()); err != nil {
		t.Fatal(err)
	}
	if got := b.emu.Messages("li-si"); len(got) != 2 || got[0].Data["thing1"] != "甲 & <乙>" || b.wx.calls(sendPath) != 3 {
		t.Errorf("%+v, %d calls", got, b.wx.calls(sendPath))
	}
	for errcode, change := range map[int64]func(*wechat.Subscribe){
		40003: func(m *wechat.Subscribe) { m.OpenID = "li-si" },
		40037: func(m *wechat.Subscribe) { m.TemplateID = "short" },
		47003: func(m *wechat.Subscribe) { m.Data = map[string]string{"thing1": strings.Repeat("长", 21)} },
		47004: func(*wechat.Subscribe) {
			b.fault(emulator.Fault{Path: sendPath, Mode: emulator.Error, ErrCode: 47004, Times: 1})
		},
	} {
		m := b.message()
		change(&m)
		err := b.SendSubscribe(t.Context(), m)
		wantCode(t, err, model.CodeWechat)
		if got := wechat.ErrCode(err); got != errcode {
			t.Errorf("errcode %d, want %d: %v", got, errcode, err)
		}
	}
}

// TestSendFailuresHaveNoCode shows failures in which WeChat says nothing of its own; none of them lets a secret out.
func TestSendFailuresHaveNoCode(t *testing.T) {
	b := newBench(t, 300*time.Millisecond)
	for _, mode := range []emulator.Mode{emulator.Down, emulator.Garbage, emulator.Never} {
		b.fault(emulator.Fault{Path: sendPath, Mode: mode, Times: 1})
		err := b.SendSubscribe(t.Context(), b.message())
		wantCode(t, err, model.CodeWechat)
		if wechat.ErrCode(err) != 0 || strings.Contains(err.Error(), "access_token") {
			t.Errorf("%s: %v", mode, err)
		}
	}
	if strings.Contains(b.logs.String(), secret) || strings.Contains(b.logs.String(), "access_token=") {
		t.Error("the log has a secret in it")
	}
}

// TestUploadShipping shows that WeChat takes shipping info once, and one change of it.
func TestUploadShipping(t *testing.T) {
	b := newBench(t, 0)
	info := wechat.Shipping{TransactionID: "4200000001", OpenID: b.emu.OpenID("li-si"), At: b.clock.Now()}
	upload := func(want int64, parcels ...wechat.ShippingParcel) {
		t.Helper()
		info.Parcels = parcels
		if err := b.UploadShipping(t.Context(), info); wechat.ErrCode(err) != want || (err == nil) != (want == 0) {
			t.Errorf("%v, want errcode %d", err, want)
		}
	}
	zto := wechat.ShippingParcel{Company: "ZTO", TrackingNo: "XN00000001", Goods: "徐闻菠萝"}
	sf := wechat.ShippingParcel{Company: "SF", TrackingNo: "XN00000002", Goods: "荔枝干"}
	upload(268485228)
	upload(10060014, sf)
	upload(0, zto)
	upload(10060023, zto)
	sf.Receiver = "100****0001"
	upload(0, zto, sf)
	upload(10060003, sf)
	if n := len(b.emu.Uploads()); n != 2 || b.wx.calls(uploadPath) != 6 {
		t.Errorf("%d uploads", n)
	}
}
