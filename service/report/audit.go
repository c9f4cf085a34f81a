package report

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// AuditFilter narrows the audit trail; empty parts do not.
type AuditFilter struct {
	Object string     // "grant:123", or a kind: "grant"
	Actor  string     // "staff:1", or a kind: "clock"
	Action string     // "grant.approve", or what it is about: "grant"
	From   model.Date // China date, inclusive
	To     model.Date // China date, inclusive
}

// AuditView is one entry of the audit trail.
type AuditView struct {
	ID         model.ID        `json:"id"`
	At         time.Time       `json:"at"`
	Actor      string          `json:"actor"`
	ActorName  string          `json:"actor_name"` // of a console account; members are not named
	Action     string          `json:"action"`
	ActionName string          `json:"action_name"` // in Chinese
	Object     string          `json:"object"`
	UnionID    *model.ID       `json:"union_id"`
	UnionName  string          `json:"union_name"`
	Detail     json.RawMessage `json:"detail"`
	RequestID  string          `json:"request_id"`
}

// auditRow is an entry with the names that belong to it.
type auditRow struct {
	model.AuditEntry
	UnionName string
	StaffName string
}

// AuditPage is one page of the audit trail. It may hold fewer entries than asked for, even none, though there are more: then SearchedTo tells
// how far back the trail was looked through, and the next page goes on from there.
type AuditPage struct {
	model.List[AuditView]
	SearchedTo *time.Time `json:"searched_to"` // null: the page is full, or the trail was looked through to its beginning
}

// AuditTrail lists what was done, newest first: to unions of the actor's subtree, and, for those at the root of the tree, also
// what concerns no union.
func (s *Service) AuditTrail(ctx context.Context, actor model.Actor, f AuditFilter, page model.Page) (out AuditPage, err error) {
	tx := s.db.Read(ctx)
	root := actor.UnionPath == "/"+actor.UnionID.String()+"/"
	var ids []model.ID
	var floor model.AuditEntry // the last entry looked at
	switch {
	case f.Object == "" && (f.Actor != "" || f.Action != "" || f.From != "" || f.To != ""):
		ids, floor, err = f.search(tx, actor, root, page)
	case root:
		q := f.narrow(tx.Table("audit_entries"))
		if page.Cursor != 0 {
			q = q.Where("id < ?", page.Cursor)
		}
		err = q.Order("id DESC").Limit(page.Limit+1).Pluck("id", &ids).Error
	default:
		ids, err = model.Newest(tx, "audit_entries", actor.UnionPath, page, f.narrow)
	}
	if err != nil {
		return out, err
	}
	var rows []auditRow
	err = tx.Table("audit_entries a").Select("a.*, COALESCE(u.name, '') AS union_name").Joins("LEFT JOIN unions u ON u.id = a.union_id").Where("a.id IN ?", ids).
		Order("a.id DESC").Scan(&rows).Error
	if err == nil {
		err = nameStaff(tx, rows)
	}
	out.List = model.NewList(rows, page, func(r auditRow) model.ID { return r.ID }, auditRow.view)
	if floor.ID != 0 && out.NextCursor == nil {
		out.NextCursor, out.SearchedTo = &floor.ID, &floor.At
	}
	return out, err
}

// auditReach is how many entries of the trail one page looks through at most: it has no index by actor, action or time, which every order
// would have to pay for.
const auditReach = 10_000

// ownReach is the same of a few unions' own entries, which lie scattered.
const ownReach = 4000

// search looks through the trail from the page's cursor, or from the day that the filter ends with, downwards. Whose subtree has few entries
// gets all that fit; else it ends after auditReach entries, of a few unions after ownReach of their own, and floor is where; 0: nothing lies below
// that could fit.
func (f AuditFilter) search(tx *gorm.DB, actor model.Actor, root bool, page model.Page) (ids []model.ID, floor model.AuditEntry, err error) {
	tx = tx.Session(&gorm.Session{NewDB: true})
	span, err := f.span(tx, page)
	if err != nil {
		return nil, floor, err
	}
	rows := func() *gorm.DB { return span(tx.Model(&model.AuditEntry{})) }
	switch {
	case root && f.Actor == "" && f.Action == "": // the days' own entries are all that lies there
		err = f.narrow(rows()).Order("id DESC").Limit(page.Limit+1).Pluck("id", &ids).Error
		return ids, floor, err
	case root:
		return f.searchAll(rows, rows(), page)
	}
	few, err := model.Few(tx, actor.UnionPath)
	if err != nil {
		return nil, floor, err
	}
	if len(few) > 0 {
		return f.searchFew(tx, few, rows, page)
	}
	below := tx.Model(&model.Union{}).Select("id").Where("path LIKE ?", actor.UnionPath+"%")
	var n int64
	some := tx.Model(&model.AuditEntry{}).Select("id").Where("union_id IN (?)", below).Limit(auditReach)
	if err := tx.Table("(?) AS n", some).Count(&n).Error; err != nil {
		return nil, floor, err
	}
	if n < auditReach {
		err = f.narrow(rows().Where("union_id IN (?)", below)).Order("id + 0 DESC").Limit(page.Limit+1).Pluck("id", &ids).Error
		return ids, floor, err
	}
	return f.searchAll(rows, rows().Where("union_id IN (?)", below), page)
}

// searchAll looks through auditReach entries, whosever they are, for those that q is about.
func (f AuditFilter) searchAll(rows func() *gorm.DB, q *gorm.DB, page model.Page) (ids []model.ID, floor model.AuditEntry, err error) {
	if err := rows().Select("id", "at").Order("id DESC").Offset(auditReach - 1).Limit(1).Scan(&floor).Error; err != nil {
		return nil, floor, err
	}
	err = f.narrow(q).Where("id >= ?", floor.ID).Order("id DESC").Limit(page.Limit+1).Pluck("id", &ids).Error
	return ids, floor, err
}

// searchFew looks through the unions' own entries, ownReach of them all together.
func (f AuditFilter) searchFew(tx *gorm.DB, unions []model.ID, rows func() *gorm.DB, page model.Page) (ids []model.ID, floor model.AuditEntry, err error) {
	for _, each := range model.OfEach(unions, rows) {
		var last model.ID
		if err := each.Select("id").Order("id DESC").Offset(ownReach/len(unions) - 1).Limit(1).Scan(&last).Error; err != nil {
			return nil, floor, err
		}
		floor.ID = max(floor.ID, last)
	}
	if floor.ID != 0 {
		if err := tx.Select("id", "at").Where("id = ?", floor.ID).Take(&floor).Error; err != nil {
			return nil, floor, err
		}
	}
	ids, err = model.Highest(tx, page.Limit+1, model.OfEach(unions, func() *gorm.DB { return f.narrow(rows().Where("id >= ?", floor.ID)) })...)
	return ids, floor, err
}

// span narrows the trail to what may be of the filter's days and after the page's cursor, by id.
func (f AuditFilter) span(tx *gorm.DB, page model.Page) (narrow func(q *gorm.DB) *gorm.DB, err error) {
	top, bottom := page.Cursor, model.ID(0)
	if top == 0 && f.To != "" {
		if top, err = entryAt(tx, f.To.End().Add(auditSlack)); err != nil {
			return nil, err
		}
	}
	if f.From != "" {
		if bottom, err = entryAt(tx, f.From.Start().Add(-auditSlack)); err != nil {
			return nil, err
		}
	}
	return func(q *gorm.DB) *gorm.DB {
		if top != 0 {
			q = q.Where("id < ?", top)
		}
		return q.Where("id >= ?", bottom)
	}, nil
}

// auditSlack is by how much the times of entries may be out of the order of their ids: the length of transactions, and clocks of several
// machines. Days are cut exactly besides.
const auditSlack = time.Hour

// entryAt finds the id from which on entries are of the moment or later, give or take half of auditSlack: that of the moment, if the clock was the
// machine's, or by halves: entries come by time.
func entryAt(tx *gorm.DB, at time.Time) (model.ID, error) {
	entry := func(order string, from model.ID) (e model.AuditEntry, err error) {
		err = tx.Model(&model.AuditEntry{}).Select("id", "at").Where("id >= ?", from).Order(order).Limit(1).Scan(&e).Error
		return e, err
	}
	guess := model.IDAt(at)
	next, err := entry("id", guess)
	if err != nil {
		return 0, err
	}
	var before model.AuditEntry
	if err := tx.Model(&model.AuditEntry{}).Select("id", "at").Where("id < ?", guess).Order("id DESC").Limit(1).Scan(&before).Error; err != nil {
		return 0, err
	}
	const near = auditSlack / 2 // an entry's id is made a little after its transaction read the clock
	if (next.ID == 0 || next.At.After(at.Add(-near))) && (before.ID == 0 || before.At.Before(at.Add(near))) {
		return guess, nil
	}
	first, err := entry("id", 0)
	if err != nil {
		return 0, err
	}
	last, err := entry("id DESC", 0)
	if err != nil || last.At.Before(at) {
		return last.ID + 1, err
	}
	low, high := first.ID, last.ID // the first entry of at or later lies between them, both included
	for low < high {
		middle, err := entry("id", low+(high-low)/2)
		if err != nil {
			return 0, err
		}
		if middle.At.Before(at) {
			low = middle.ID + 1
		} else {
			high = low + (high-low)/2
		}
	}
	return low, nil
}

// narrow leaves the entries that fit.
func (f AuditFilter) narrow(q *gorm.DB) *gorm.DB {
	q = exactOrKind(q, "object", ":", f.Object)
	q = exactOrKind(q, "actor", ":", f.Actor)
	q = exactOrKind(q, "action", ".", f.Action)
	if f.From != "" {
		q = q.Where("at >= ?", f.From.Start())
	}
	if f.To != "" {
		q = q.Where("at < ?", f.To.End())
	}
	return q
}

// exactOrKind matches a whole value, or all values of a kind if the value has no separator. A kind alone ("clock") matches too.
func exactOrKind(q *gorm.DB, column, separator, value string) *gorm.DB {
	switch {
	case value == "":
		return q
	case strings.Contains(value, separator):
		return q.Where(column+" = ?", value)
	}
	escaped := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(value)
	return q.Where("("+column+" = ? OR "+column+" LIKE ? ESCAPE '!')", value, escaped+separator+"%")
}

// nameStaff looks up the names of the console accounts among the actors.
func nameStaff(tx *gorm.DB, rows []auditRow) error {
	ids := map[model.ID]string{}
	for _, r := range rows {
		if id, ok := staffID(r.Actor); ok {
			ids[id] = ""
		}
	}
	var staff []model.Staff
	if err := tx.Select("id", "name").Where("id IN ?", keys(ids)).Find(&staff).Error; err != nil {
		return err
	}
	for _, p := range staff {
		ids[p.ID] = p.Name
	}
	for i := range rows {
		if id, ok := staffID(rows[i].Actor); ok {
			rows[i].StaffName = ids[id]
		}
	}
	return nil
}

func staffID(actor string) (model.ID, bool) {
	number, ok := strings.CutPrefix(actor, string(model.ActorStaff)+":")
	id, err := model.ParseID(number)
	return id, ok && err == nil
}

func (r auditRow) view() AuditView {
	v := AuditView{ID: r.ID, At: r.At, Actor: r.Actor, ActorName: r.StaffName, Action: r.Action, ActionName: actionName(r.Action), Object: r.Object,
		UnionID: r.UnionID, UnionName: r.UnionName, Detail: json.RawMessage(r.Detail), RequestID: r.RequestID}
	if r.Detail == "null" { // entries of before nothing was said as {}
		v.Detail = json.RawMessage("{}")
	}
	kind, _, _ := strings.Cut(r.Actor, ":")
	if name, ok := actorKinds[kind]; ok {
		v.ActorName = name
	}
	return v
}

// actorKinds name the actors that are no console accounts.
var actorKinds = map[string]string{
	string(model.ActorPerson): "会员", string(model.ActorAccount): "微信用户", string(model.ActorClock): "定时任务", string(model.ActorSetup): "系统初始化", string(model.ActorVisitor): "未登录者",
}

// actionName says an action ("grant.approve") in Chinese: as named whole, or from its two halves. A half without a name stays as it is;
// TestActionsHaveNames keeps that from happening.
func actionName(action string) string {
	if n, ok := actions[action]; ok {
		return n
	}
	subject, verb, _ := strings.Cut(action, ".")
	name := func(names map[string]string, word string) string {
		if n, ok := names[word]; ok {
			return n
		}
		return word
	}
	return name(subjects, subject) + "：" + name(verbs, verb)
}

// actions are those that their halves would not name well.
var actions = map[string]string{
	"payment.mismatch": "微信支付：与订单不符", "payment.return": "微信支付：款项自动退回", "payment.payback": "微信支付：退款到账", "payment.refund_fail": "微信支付：退款失败", "payment.refund_retry": "微信支付：重试退款",
	"binding.match": "身份绑定：与名册核对一致", "binding.request": "身份绑定：申请人工核对", "binding.approve": "身份绑定：人工核对通过", "member.add": "会员：手工添加",
	"member.join": "会员：转入", "member.sessions_revoke": "会员：退出全部登录", "roster.errors": "名册：下载错误行（含完整信息）", "roster.write": "名册：分批写入",
	"roster.imported": "名册：导入完成", "grant.issue": "额度发放：开始发放", "grant.issued": "额度发放：发放完成", "parcel.receive": "包裹：签收",
	"aftersale.receive": "售后：确认收到退货", "aftersale.withdraw": "售后：撤回申请",
	"group.cancel_ask": "集体采购：申请取消", "group.cancel_refuse": "集体采购：驳回取消申请", "group.sign": "集体采购：签收", "group.undo_sign": "集体采购：撤销签收",
	"group.export": "集体采购：下载签收表（含姓名）", "supplier.active": "供应商：恢复供货", "supplier.suspended": "供应商：暂停供货", "staff.lock": "控制台账号：连续登录失败，锁定", "staff.login_fail": "控制台账号：登录或核对密码失败", "staff.logout": "控制台账号：退出登录", "staff.totp_begin": "控制台账号：取得动态口令二维码", "sweep.start": "年终清零：开始", "reminder.start": "到期提醒：开始", "reminder.done": "到期提醒：已写入待发消息", "limit.exceed": "节日慰问品限额：超过限额仍通过（未设定不予通过）",
	"risk.put": "风险规则：设定", "risk.confirm": "风险核查：确认有问题", "risk.dismiss": "风险核查：排除", "risk.reopen": "风险核查：情况扩大，重新待核查",
	"erasure.request": "注销：会员申请", "erasure.withdraw": "注销：会员撤回申请", "erasure.draft": "注销：提请审批", "erasure.approve": "注销：批准", "erasure.reject": "注销：驳回", "erasure.run": "注销：执行", "erasure.done": "注销：个人信息已删除",
	"claim.correct": "采购登记：更正", "claim.revoke": "采购登记：撤销",
	"invoice.request": "发票：申请开票", "invoice.issue": "发票：上传发票", "invoice.red": "发票：上传红字发票",
	"settlement.make": "货款结算：制单", "settlement.made": "货款结算：制单完成", "settlement.export": "货款结算：导出银行付款清单", "settlement.pay": "货款结算：标记已付款", "settlement.fail": "货款结算：银行退回",
}

// subjects are what actions are about.
var subjects = map[string]string{
	"outbox": "通知消息", "reminder": "到期提醒", "union": "工会", "roster": "名册", "member": "会员", "binding": "身份绑定", "staff": "控制台账号", "policy": "政策年度", "topup": "经费入账", "budget": "年度经费预算", "limit": "节日慰问品限额",
	"grant": "额度发放", "allowance": "额度", "sweep": "年终清零", "channel": "采购渠道", "region": "地区", "supplier": "供应商", "certificate": "证照",
	"product": "商品", "sku": "商品规格", "stock": "库存", "file": "文件", "order": "订单", "payment": "微信支付", "parcel": "包裹", "aftersale": "售后", "statement": "统计表", "group": "集体采购", "hall": "专馆", "redemption": "到馆核销",
	"erasure": "注销与个人信息删除", "claim": "采购登记", "risk": "风险核查",
	"invoice": "发票", "settlement": "货款结算", "bankaccount": "供应商收款账户",
}

// verbs are what actions do.
var verbs = map[string]string{
	"create": "新建", "update": "修改", "change": "修改", "put": "录入", "seed": "初始化", "seed_demo": "初始化演示数据", "rename": "改名", "move": "移动", "close": "撤销",
	"upload": "上传", "preview": "预览完成", "import": "开始导入", "cancel": "取消", "leave": "离会", "transfer": "转会", "unbind": "解绑微信", "reveal": "查看完整信息", "view": "查看收货信息",
	"login": "登录", "password": "修改密码", "reset_password": "重置密码", "totp_enrol": "绑定动态口令", "reset_totp": "重置动态口令", "unlock": "解锁", "sign_out": "强制退出",
	"enter": "录入", "confirm": "确认", "reject": "驳回", "draft": "拟定", "approve": "批准", "stop": "中止", "revoke": "收回", "done": "完成",
	"withdraw": "撤回", "on": "上架", "off": "下架", "receive": "入库", "adjust": "调整", "picture_add": "添加图片", "picture_remove": "删除图片", "save": "保存",
	"replay": "重新发送", "open": "提交申请", "agree": "同意", "refuse": "拒绝", "send_back": "寄回商品", "escalate": "转平台处理", "decide": "平台处理", "expire": "超时处理", "checkout": "下单", "paid": "付款成功", "refund": "退款", "void": "柜台撤销", "ship": "发货", "correct": "更正运单", "scan": "扫消费码", "ask": "请会员确认", "submit": "提交", "return": "退回",
}
