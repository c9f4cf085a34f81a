package risk

import (
	"strconv"
	"strings"
	"time"

	"bangfu/model"
)

// param is a figure of a rule that the city federation may set.
type param struct {
	name     string // threshold | percent | least | window_days | minutes
	label    string
	unit     string
	min, max int64
	own      int64 // what holds unless something was set
}

// rule is one kind of signal.
type rule struct {
	code     string
	title    string
	subject  string // what its signals are about: address | device | person …
	sentence string // what fires, with {name} for each figure
	innocent string // what it is when nothing is wrong, for whoever reviews it
	every    time.Duration
	params   []param
	find     func(look) ([]finding, error)
}

func threshold(label, unit string, own int64) param {
	return param{"threshold", label, unit, 1, 100_000, own}
}
func percent(label string, own int64) param { return param{"percent", label, "%", 1, 100, own} }
func least(label, unit string, own int64) param {
	return param{"least", label, unit, 1, 100_000, own}
}
func days(label string, own, most int64) param {
	return param{"window_days", label, "天", 1, most, own}
}
func minutes(own int64) param { return param{"minutes", "时间间隔", "分钟", 1, 240, own} }

// How often rules look: those that only look at what is new often, those that go through their whole window seldom.
const (
	often  = 10 * time.Minute
	hourly = time.Hour
	daily  = 24 * time.Hour
)

// rules are all kinds of signals, in the order in which they are shown.
var rules = []rule{
	{code: "same_address", title: "多人同一收货地址", subject: "address", every: often, find: sameAddress,
		sentence: "{window_days} 天内有 {threshold} 名及以上会员的网上订单送到同一收货地址（集体采购不计）",
		innocent: "同住的家人、单位收发室或快递代收点也会如此",
		params:   []param{threshold("会员人数", "人", 6), days("统计天数", 30, 60)}},
	{code: "same_basket", title: "多人同时下相同订单", subject: "address", every: often, find: sameBasket,
		sentence: "同一工会 {threshold} 名及以上会员在 {minutes} 分钟内下单，商品和数量完全相同，且送到同一收货地址",
		innocent: "同事相约购买、单位代收也会如此",
		params:   []param{threshold("会员人数", "人", 3), minutes(10)}},
	{code: "bulk_sku", title: "单一商品大量购买", subject: "person", every: often, find: bulkSKU,
		sentence: "{window_days} 天内一名会员购买同一商品规格 {threshold} 件及以上，且达到该规格人均购买量的 3 倍；或购买 {least} 件及以上，金额达到本人全年额度的 {percent}%",
		innocent: "为亲友代购、单件价格低的商品也会如此",
		params:   []param{threshold("件数", "件", 20), percent("占全年额度", 90), least("按占比判断的最少件数", "件", 10), days("统计天数", 30, 60)}},
	{code: "refunds_person", title: "会员频繁退款", subject: "person", every: often, find: refundsPerson,
		sentence: "{window_days} 天内一名会员有 {threshold} 笔及以上订单退款；或下单 {least} 笔及以上，其中退款的达到 {percent}%",
		innocent: "商品质量问题、地址填错也会如此",
		params:   []param{threshold("退款订单", "笔", 4), percent("退款占比", 50), least("按占比判断的最少订单", "笔", 4), days("统计天数", 30, 60)}},
	{code: "refunds_supplier", title: "供应商退款偏多", subject: "supplier", every: daily, find: refundsSupplier,
		sentence: "{window_days} 天内一家供应商有 {threshold} 个及以上包裹退款，且达到其包裹总数的 {percent}%",
		innocent: "一批货的质量问题、缺货也会如此",
		params:   []param{threshold("退款包裹", "个", 10), percent("退款占比", 20), days("统计天数", 30, 60)}},
	{code: "shared_device", title: "一台设备多人使用", subject: "device", every: hourly, find: sharedDevice,
		sentence: "{window_days} 天内有 {threshold} 名及以上会员在同一台设备上登录",
		innocent: "家人共用手机、工会现场帮助会员绑定也会如此",
		params:   []param{threshold("会员人数", "人", 4), days("统计天数", 30, 30)}}, // ended sessions are kept for 30 days
	{code: "voids_cashier", title: "收银员频繁撤销", subject: "cashier", every: often, find: voidsCashier,
		sentence: "{window_days} 天内一名收银员撤销 {threshold} 笔及以上柜台交易",
		innocent: "收银员不熟练、商品录错也会如此",
		params:   []param{threshold("撤销笔数", "笔", 5), days("统计天数", 7, 30)}},
	{code: "counter_odd_hours", title: "柜台非营业时间交易", subject: "hall", every: often, find: oddHours,
		sentence: "一个专馆一天内在 22:00 至次日 6:00 或其公示的营业时间以外有 {threshold} 笔及以上柜台交易",
		innocent: "节日延长营业、公示的营业时间未更新也会如此",
		params:   []param{threshold("交易笔数", "笔", 3)}},
	{code: "counter_burst", title: "柜台短时间密集交易", subject: "cashier", every: often, find: counterBurst,
		sentence: "一名收银员在 {minutes} 分钟内完成 {threshold} 笔及以上柜台交易",
		innocent: "单位组织会员集中到馆也会如此",
		params:   []param{threshold("交易笔数", "笔", 10), minutes(10)}},
	{code: "counter_below_confirm", title: "柜台交易多在确认金额以下", subject: "hall", every: hourly, find: belowConfirm,
		sentence: "{window_days} 天内一个专馆有 {threshold} 笔及以上柜台交易的金额略低于须会员确认的金额（相差不到一成），且达到其交易笔数的 {percent}%",
		innocent: "主推的礼盒恰好是这个价格也会如此",
		params:   []param{threshold("交易笔数", "笔", 10), percent("占交易笔数", 40), days("统计天数", 30, 60)}},
	{code: "left_after_issue", title: "发放后不久离会", subject: "grant", every: daily, find: leftAfterIssue,
		sentence: "一个发放批次中有 {threshold} 名及以上会员在发放后 {window_days} 天内用过额度又离会",
		innocent: "单位裁撤、集中调动也会如此",
		params:   []param{threshold("会员人数", "人", 3), days("发放后天数", 15, 60)}},
	{code: "supplier_one_union", title: "供应商销售集中于一个工会", subject: "supplier", every: daily, find: supplierOneUnion,
		sentence: "{window_days} 天内一家供应商在一个工会售出 {threshold} 个及以上包裹，金额达到其销售额的 {percent}%（至少 3 个工会有消费时才判断）",
		innocent: "新上架的供应商、对口帮扶点也会如此",
		params:   []param{threshold("包裹", "个", 30), percent("占销售额", 80), days("统计天数", 30, 90)}},
	{code: "claims_before_due", title: "上报截止前集中登记采购", subject: "union", every: daily, find: claimsBeforeDue,
		sentence: "一个工会在上报截止日前 {window_days} 天内登记 {threshold} 笔及以上采购，金额达到该上报期登记金额的 {percent}%",
		innocent: "平时积攒、截止前补录也会如此",
		params:   []param{threshold("登记笔数", "笔", 5), percent("占登记金额", 60), days("截止前天数", 3, 15)}},
	{code: "rebound_spent", title: "换绑微信后使用额度", subject: "person", every: often, find: rebound,
		sentence: "一名会员的微信绑定被工会解除、或其名册手机号被更改共 {threshold} 次及以上，此后 {window_days} 天内改绑另一个微信账号，并用额度下单",
		innocent: "会员自己换了手机或微信号、请工会解绑后重新绑定也会如此；请向会员本人核实是谁在用新的微信号",
		params:   []param{threshold("解绑或更改手机号", "次", 1), days("统计天数", 30, 60)}},
}

func ruleOf(code string) (rule, bool) {
	for _, r := range rules {
		if r.code == code {
			return r, true
		}
	}
	return rule{}, false
}

// own is the rule's settings as the program has them.
func (r rule) own() model.RiskRule {
	set := model.RiskRule{Code: r.code, Enabled: true}
	for _, p := range r.params {
		p.put(&set, p.own)
	}
	return set
}

// basis is the rule in one sentence with the figures that hold.
func (r rule) basis(set model.RiskRule) string {
	var pairs []string
	for _, p := range r.params {
		pairs = append(pairs, "{"+p.name+"}", strconv.FormatInt(p.get(set), 10))
	}
	return strings.NewReplacer(pairs...).Replace(r.sentence)
}

func (p param) get(set model.RiskRule) int64 {
	switch p.name {
	case "threshold":
		return set.Threshold
	case "percent":
		return set.Percent
	case "least":
		return set.Least
	case "window_days":
		return int64(set.WindowDays)
	default:
		return int64(set.Minutes)
	}
}

func (p param) put(set *model.RiskRule, v int64) {
	switch p.name {
	case "threshold":
		set.Threshold = v
	case "percent":
		set.Percent = v
	case "least":
		set.Least = v
	case "window_days":
		set.WindowDays = int(v)
	default:
		set.Minutes = int(v)
	}
}
