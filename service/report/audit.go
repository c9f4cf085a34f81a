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

// AuditTrail lists what was done, newest first: to unions of the actor's subtree, and, for those at the root of the tree, also
// what concerns no union.
func (s *Service) AuditTrail(ctx context.Context, actor model.Actor, f AuditFilter, page model.Page) (model.List[AuditView], error) {
	q := s.db.Read(ctx).Table("audit_entries a").Select("a.*, COALESCE(u.name, '') AS union_name").Joins("LEFT JOIN unions u ON u.id = a.union_id")
	q = auditScope(q, actor)
	for column, value := range map[string]string{"a.object": f.Object, "a.actor": f.Actor} {
		q = exactOrKind(q, column, ":", value)
	}
	q = exactOrKind(q, "a.action", ".", f.Action)
	if f.From != "" {
		q = q.Where("a.at >= ?", f.From.Start())
	}
	if f.To != "" {
		q = q.Where("a.at < ?", f.To.End())
	}
	if page.Cursor != 0 {
		q = q.Where("a.id < ?", page.Cursor)
	}
	var rows []auditRow
	if err := q.Order("a.id DESC").Limit(page.Limit + 1).Scan(&rows).Error; err != nil {
		return model.List[AuditView]{}, err
	}
	if err := nameStaff(s.db.Read(ctx), rows); err != nil {
		return model.List[AuditView]{}, err
	}
	return model.NewList(rows, page, func(r auditRow) model.ID { return r.ID }, auditRow.view), nil
}

// auditScope leaves the entries that the actor may see.
func auditScope(q *gorm.DB, actor model.Actor) *gorm.DB {
	switch {
	case actor.UnionPath == "":
		return q.Where("1 = 0")
	case actor.UnionPath == "/"+actor.UnionID.String()+"/": // the root
		return q
	}
	return q.Where("a.union_id IN (SELECT x.id FROM unions x WHERE x.path LIKE ?)", actor.UnionPath+"%")
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
	kind, _, _ := strings.Cut(r.Actor, ":")
	if name, ok := actorKinds[kind]; ok {
		v.ActorName = name
	}
	return v
}

// actorKinds name the actors that are no console accounts.
var actorKinds = map[string]string{
	string(model.ActorPerson): "会员", string(model.ActorAccount): "微信用户", string(model.ActorClock): "定时任务", string(model.ActorSetup): "系统初始化",
}

// actionName says an action ("grant.approve") in Chinese, from its two halves; a half without a name stays as it is.
func actionName(action string) string {
	subject, verb, _ := strings.Cut(action, ".")
	name := func(names map[string]string, word string) string {
		if n, ok := names[word]; ok {
			return n
		}
		return word
	}
	return name(subjects, subject) + "：" + name(verbs, verb)
}

// subjects are what actions are about.
var subjects = map[string]string{
	"union": "工会", "roster": "名册", "roster_import": "名册导入", "member": "会员", "binding": "身份绑定", "binding_request": "绑定申请", "account": "微信账号",
	"consent": "隐私政策", "session": "登录", "staff": "控制台账号", "totp": "动态口令", "policy": "政策年度", "fund": "经费账户", "topup": "经费入账",
	"grant": "额度发放", "allowance": "额度", "sweep": "年终清零", "channel": "采购渠道", "region": "地区", "supplier": "供应商", "certificate": "证照",
	"product": "商品", "sku": "商品规格", "stock": "库存", "file": "文件", "order": "订单", "parcel": "包裹", "refund": "退款", "address": "收货地址", "statement": "统计表",
}

// verbs are what actions do.
var verbs = map[string]string{
	"create": "新建", "update": "修改", "rename": "改名", "move": "移动", "close": "关闭", "reopen": "恢复", "delete": "删除", "import": "导入", "upload": "上传",
	"preview": "预览", "cancel": "取消", "leave": "离会", "transfer": "转会", "bind": "绑定", "unbind": "解绑", "reveal": "查看完整信息", "accept": "同意",
	"login": "登录", "logout": "退出", "disable": "停用", "enable": "启用", "reset": "重置", "unlock": "解锁", "password": "改密码", "enter": "录入",
	"confirm": "确认", "reject": "驳回", "draft": "拟定", "approve": "批准", "issue": "发放", "revoke": "收回", "run": "执行", "start": "开始", "finish": "完成",
	"publish": "上架", "withdraw": "撤回", "on": "上架", "off": "下架", "suspend": "暂停", "resume": "恢复", "receive": "入库", "adjust": "调整", "save": "保存",
	"checkout": "下单", "place": "下单", "ship": "发货", "submit": "提交", "return": "退回",
}
