package demo

import (
	"context"
	"fmt"
	"sort"
	"time"

	"bangfu/model"
)

type scene struct {
	at    time.Time
	title string
	play  func(ctx context.Context) error
}

// calendar places scenes in the part of the year that has passed.
type calendar struct{ start, now time.Time }

// at is when a part of it had passed (0 to 1), at ten in the morning unless the year is young, and days after that.
func (c calendar) at(part, days float64) time.Time {
	at := c.start.Add(time.Duration(float64(c.now.Sub(c.start)) * part))
	if c.day() == 24*time.Hour && part < 1 {
		at = model.DateOf(at).Start().Add(10 * time.Hour)
	}
	return at.Add(time.Duration(float64(c.day()) * days))
}

// day is a day, or less while the year is young, so that what takes some days fits into it.
func (c calendar) day() time.Duration { return min(24*time.Hour, c.now.Sub(c.start)/250) }

// scenes spreads the story over the part of the year that has passed, in order of time.
func (p *play) scenes() []scene {
	c := calendar{p.start, p.now}
	list := p.firstDay(c)
	list = append(list, p.market(c)...)
	list = append(list, p.stories(c)...)
	list = append(list, p.lately(c)...)
	list = append(list, p.formScenes()...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	return list
}

// firstDay is set some minutes apart: everybody is still logged in from the scene before.
func (p *play) firstDay(c calendar) []scene {
	day := func(minutes time.Duration) time.Time { return c.at(.05, 0).Add(minutes * time.Minute) }
	return []scene{
		{day(0), "运维建立工会与账号", p.setUpUnions},
		{day(10), "各工会导入会员名册", p.importRosters},
		{day(20), "经费入账、双人确认", p.fillFunds},
		{day(30), "拟定、审批、发放额度", p.issueGrants},
		{day(40), "年度预算双人录入确认，市总设定节日慰问控制规则", p.enterBudgets},
		{day(50), "供应商与商品上架", p.openShop},
		{day(60), "两个专馆开业，配备收银员", p.openHalls},
	}
}

// market is the members' shopping in six rounds.
func (p *play) market(c calendar) []scene {
	list := []scene{{c.at(.20, 0), "会员微信登录、绑定身份、订阅消息", p.bindMembers}}
	for i, part := range []float64{.25, .38, .51, .60, .72, .86} {
		list = append(list, scene{c.at(part, 0), fmt.Sprintf("会员选购第 %d 轮", i+1), func(ctx context.Context) error { return p.buy(ctx, i) }})
		list = append(list, scene{c.at(part, 4), "供应商发货", p.ship}, scene{c.at(part, 8), "会员确认收货", p.confirm})
	}
	return append(list, scene{c.at(.93, 0), "离会收回余额、一笔绑定待人工核对", p.leaveAndMismatch})
}

// stories are the other things that happen in a year.
func (p *play) stories(c calendar) []scene {
	return []scene{
		{c.at(.29, 0), "专馆扫码消费：选货、录入、手机确认、当日撤销", func(ctx context.Context) error { return p.sellAtCounters(ctx, 0) }},
		{c.at(.32, 0), "四位会员下单，后来各有售后", p.orderForDisputes},
		{c.at(.32, 2), "供应商发货", p.shipDisputed},
		{c.at(.32, 4), "会员签收", p.receiveDisputed},
		{c.at(.32, 5), "会员申请售后", p.openCases},
		{c.at(.32, 6), "供应商同意退款、同意退货、拒绝", p.answerCases},
		{c.at(.32, 7), "会员寄回商品、申请平台处理", p.sendBackAndEscalate},
		{c.at(.32, 9), "供应商收到退货退款，市总裁定", p.endCases},
		{c.at(.42, 0), "其他渠道采购登记、第二人审批", p.claimPurchases},
		{c.at(.45, 0), "会员申请发票，供应商开具", p.invoice},
		{c.at(.46, 0), "集体采购：拟定、审批、下单", p.orderForGroup},
		{c.at(.46, 2), "集体采购送达单位", p.receiveForGroup},
		{c.at(.46, 3), "会员签收，多数已签", p.signForGroup},
		{c.at(.47, 0), "登记供应商收款账户、双人确认", p.enterBankAccounts},
		{c.at(.54, 0), "第一批货款：制单、复核、付款", p.settleFirst},
		{c.at(.56, 0), "节日慰问：入账、审批、发放", p.giveForHolidays},
		{c.at(.57, 0), "多名会员订单送到同一地址", p.orderToOneDoor},
		{c.at(.58, 0), "一名会员连续下单又取消", p.changeOnesMind},
		{c.at(.59, 0), "市总复核风险提示", p.reviewSignals},
		{c.at(.65, 0), "会员用额度加微信支付下单", p.payThroughWechat},
		{c.at(.65, 0).Add(20 * time.Minute), "未付款的订单超时关闭", p.expectClosed},
		{c.at(.65, 1), "会员取消订单，微信原路退款", p.cancelPaid},
		{c.at(.68, 0), "专馆扫码消费第二场", func(ctx context.Context) error { return p.sellAtCounters(ctx, 1) }},
		{c.at(.935, 0), "一名会员书面申请注销，市总双人办理", p.erase},
		{c.at(.94, 0), "第二批货款：制单、复核，等待付款", p.settleSecond},
	}
}

// lately is what is still open today.
func (p *play) lately(c calendar) []scene {
	return []scene{
		{c.at(1, -6), "会员下单", p.orderLately},
		{c.at(1, -5), "供应商发货", p.shipLately},
		{c.at(1, -3), "会员签收，申请发票", p.receiveLately},
		{c.at(1, -.8), "会员申请售后，等待供应商", p.openLately},
		{c.at(1, -.5), "一笔采购登记等待审批", p.claimLately},
		{c.at(1, -.4), "一名会员在小程序申请注销，等待办理", p.askToBeErased},
	}
}
