package reconcile

// notifyInvariants hold the outbox, the consents and the reminders to each other.
var notifyInvariants = []invariant{
	{"consents", "订阅消息的授权：用去的等于取用它的消息数，用去与作废之和不超过同意的次数", "份授权", "SELECT COUNT(*) FROM subscriptions",
		"SELECT CONCAT('subscription:', s.account_id, ' ', s.template), s.used_count, COALESCE(o.n, 0) FROM subscriptions s LEFT JOIN " + takenConsents +
			" o ON o.account_id = s.account_id AND o.topic = s.template WHERE s.used_count <> COALESCE(o.n, 0)" + union +
			"SELECT CONCAT('subscription:', account_id, ' ', template), used_count + void_count, accepted_count FROM subscriptions WHERE used_count + void_count > accepted_count OR used_count < 0 OR void_count < 0" + union +
			"SELECT CONCAT('account:', o.account_id, ' ', o.topic), o.n, 0 FROM " + takenConsents + " o LEFT JOIN subscriptions s ON s.account_id = o.account_id AND s.template = o.topic WHERE s.account_id IS NULL"},
	{"outbox", "发出的订阅消息都取用了授权，且有发出时间", "条消息", "SELECT COUNT(*) FROM outbox",
		"SELECT CONCAT('outbox:', id), 0, 1 FROM outbox WHERE status = 'sent' AND (sent_at IS NULL OR (topic <> 'shipping_info' AND account_id IS NULL))" + union +
			"SELECT CONCAT('outbox:', id), 1, 0 FROM outbox WHERE status <> 'sent' AND sent_at IS NOT NULL"},
	{"shipping_info", "有微信支付的订单全部发货后，都有一条录入微信发货信息的消息", "个订单", "SELECT COUNT(*) FROM orders WHERE wechat_fen > 0",
		"SELECT CONCAT('order:', o.id), 0, 1 FROM orders o LEFT JOIN outbox m ON m.topic = 'shipping_info' AND m.cause = CONCAT('order:', o.id, ':1') " +
			"WHERE o.wechat_fen > 0 AND o.kind = 'online' AND o.status IN ('shipped', 'completed') AND m.id IS NULL"},
	{"reminders", "到期提醒的人次等于其消息数", "次提醒", "SELECT COUNT(*) FROM reminders",
		"SELECT CONCAT('reminder:', r.id), r.told, COALESCE(o.n, 0) FROM reminders r LEFT JOIN (SELECT batch_id, COUNT(*) AS n FROM outbox WHERE topic = 'allowance_ending' GROUP BY batch_id) o ON o.batch_id = r.id " +
			"WHERE r.told <> COALESCE(o.n, 0) OR r.told > r.holders"},
}

// takenConsents counts the messages that took a consent, by account and topic.
const takenConsents = "(SELECT account_id, topic, COUNT(*) AS n FROM outbox WHERE account_id IS NOT NULL GROUP BY account_id, topic)"
