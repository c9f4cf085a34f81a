package app_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/order"
)

// TestWithoutAMerchant shows that the product runs with the real WeChat and no merchant: allowances pay, WeChat money is not offered.
func TestWithoutAMerchant(t *testing.T) {
	outside := httptest.NewServer(http.NotFoundHandler())
	defer outside.Close()
	s := stallIn(t, newHouseAt(t, modeltest.At("2025-03-03 09:00"), func(cfg *config.Config, _ *app.Options) {
		cfg.WechatBaseURL, cfg.WechatAppID, cfg.WechatAppSecret = outside.URL, "wx0000000000000001", "invented"
	}))
	b := s.buyer(s.union, 600_00)
	paid := b.buys("merchant-0001", b.cart(1, s.shop.SKUs[0]))
	if paid.Status != order.StatusPaid {
		t.Errorf("%+v", paid)
	}
	cart := b.cart(1, s.shop.SKUs[0])
	cart.Payment = order.PayWechat
	if e := b.money(ordersPath, "merchant-0002", cart).fails(model.CodeInvalid); e.Message != "暂未开通微信支付，请使用帮扶额度支付" {
		t.Errorf("%+v", e)
	}
	b.post(ordersPath+"/"+paid.ID.String()+"/prepay", nil).fails(model.CodeNotFound)
	b.post("/api/v1/wechatpay/notices", map[string]any{"id": "1"}).fails(model.CodeWechat)
	b.money(ordersPath+"/"+paid.ID.String()+"/cancel", "merchant-0003", map[string]any{"reason": "不要了"}).ok(nil)
	if err := s.Payment.Complete(t.Context()); err != nil {
		t.Error(err)
	}
}
