package api

import "strings"

// labels are what people call the fields of requests, for messages; a field's own name stands beside the message for programs.
var labels = map[string]string{
	"action": "操作", "answer": "回答", "template": "消息模板", "templates": "消息模板", "topic": "消息种类", "actor": "操作人", "address_id": "收货地址", "amount_fen": "金额", "as_of": "统计时间", "cap_fen": "每人每年上限", "carrier": "承运公司",
	"category": "类别", "city": "城市", "code": "验证码", "consignee": "收货人", "contact": "联系人", "contact_phone": "联系电话", "credit_code": "统一社会信用代码",
	"cursor": "翻页位置", "department": "部门", "description": "商品介绍", "detail": "详细地址", "district": "区县", "document_no": "文号", "due_on": "上报截止日",
	"employee_no": "工号", "ends_on": "截止日期", "evidence_file_id": "凭证文件", "evidence_no": "凭证号", "exclude_granted": "不含已发放", "expected_person_times": "所见人次",
	"expected_total_fen": "所见金额", "file": "文件", "file_id": "文件", "filler": "填报人", "filler_phone": "联系电话", "filter": "筛选条件", "form_row": "统计表行次",
	"format": "文件格式", "from": "起始日期", "id_last6": "身份证号后六位", "id_number": "身份证号", "in_stock": "是否有货", "is_default": "是否默认", "issuer": "发证机关",
	"items": "商品", "joined_before": "入会日期", "kind": "类型", "level": "级别", "limit": "每页条数", "login": "登录名", "max_price_fen": "最高价", "member_id": "会员",
	"member_ids": "会员名单", "min_price_fen": "最低价", "name": "姓名或名称", "new": "新密码", "no": "名录编号", "note": "备注", "number": "证照编号", "object": "对象",
	"old": "原密码", "operator": "运营单位", "paired": "是否对口帮扶地区", "pairing_note": "结对说明", "parent_id": "上级工会", "password": "密码", "periods": "上报期",
	"phone": "手机号", "phone_code": "手机号授权码", "price_fen": "单价", "product_id": "商品", "province": "省份", "purse": "经费用途", "q": "搜索内容", "quantity": "数量",
	"reason": "原因", "region_id": "产地", "role": "岗位", "row_no": "行次", "selection": "发放范围", "seq": "次序", "sku_id": "商品规格", "sort": "排序方式", "spec": "规格",
	"payment": "支付方式", "starts_on": "开始日期", "status": "状态", "subtree": "连同下级工会", "supplier_id": "供应商", "title": "标题", "to": "截止日期", "total_fen": "合计金额", "totp": "动态口令",
	"tracking_no": "快递单号", "union_id": "工会", "upstream_document_no": "上级文号", "url": "网址", "valid_from": "有效期起", "valid_until": "有效期止", "verdict": "核对结果",
	"decision": "处理结果", "line_id": "订单商品", "lines": "商品", "restock": "是否重新上架", "return_to": "退货地址", "order_id": "订单",
	"division": "分摊方式", "delivery": "收货信息", "members": "会员名单", "sets": "份数", "signed": "是否签收",
	"version": "版本", "year": "年度",
	"address": "地址", "confirm_over_fen": "会员确认起点金额", "goods": "商品名称", "goods_fen": "商品金额", "hall_id": "专馆", "open_hours": "营业时间",
	"average_fen": "人均限额", "basis": "控制方式", "budget_fen": "本级工会经费预算支出", "enforce": "超过限额是否不予通过", "max_percent": "最高比例", "notice_document_no": "转引文号",
	"attention": "是否需要处理", "retained_fen": "工会留成经费", "retained_percent": "留成经费比例", "warn_percent": "提醒比例",

	"channel_id": "采购渠道", "claim": "采购登记", "file_ids": "凭证文件", "invoice_code": "发票代码", "invoice_no": "发票号码", "person_times": "人次", "persons": "名单",
	"purchased_on": "购买日期",

	"waive_balance": "是否放弃未用额度", "enabled": "是否启用", "params": "参数", "rule": "规则", "value": "数值",
	"issued_on": "开票日期", "needs_red": "需冲红", "order_ids": "订单", "tax_no": "税号", "title_kind": "抬头类型",
	"account_name": "户名", "account_no": "收款账号", "bank": "开户行", "period_to": "截止日期", "supplier_ids": "供应商",
}

// label is how a message names the field at path: as people call its last part, in quotation marks.
func label(path string) string {
	name := path[strings.LastIndex(path, ".")+1:]
	bare, _, _ := strings.Cut(name, "[")
	if known := labels[bare]; known != "" {
		name = known
	}
	return "“" + name + "”"
}
