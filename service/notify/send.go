package notify

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/wechat"
)

const (
	claimed      = 200              // messages that a worker takes at a time
	atOnce       = 8                // calls of one worker under way
	lease        = 3 * time.Minute  // for which a message is a worker's, renewed before each call; a call takes far less
	poll         = time.Second      // between two looks of an idle worker
	maxAttempts  = 10               // then it is dead: with the pauses, after some three hours
	firstPause   = 30 * time.Second // doubled each time, up to longestPause
	longestPause = time.Hour

	outcomeRetry = "retry"
)

// WeChat's error codes that are not simply tried again.
const (
	codeRefused = 43101 // the user takes no such message (any more)
	codeQuota   = 45009 // the mini-program's daily quota is used up
	codeSame    = 10060023
)

// hopeless are WeChat's errors that will be the same next time, with what to do about them.
var hopeless = map[int64]string{
	40003:     "openid 无效",
	40037:     "模板编号无效，请核对设置",
	41030:     "小程序页面不存在",
	43108:     "接口参数不被接受",
	47001:     "数据格式错误",
	47003:     "模板字段与内容不符，请核对模板设置",
	48001:     "小程序没有该接口的权限",
	10060002:  "支付单已完成发货",
	10060003:  "支付单已用过重新发货的机会",
	10060004:  "支付单处于不可发货的状态",
	10060005:  "物流类型有误",
	10060014:  "发货信息参数错误",
	10060020:  "缺少商品描述",
	10060024:  "物流信息过多",
	10060025:  "物流公司编码有误",
	10060026:  "物流单号有误",
	10060031:  "支付单不属于该用户",
	268485194: "订单单号类型有误",
	268485195: "缺少微信支付单号",
	268485216: "上传时间有误",
	268485224: "发货模式有误",
	268485228: "发货模式与物流信息不符",
}

// Run sends what is due, with the given number of workers, until ctx ends; then what is under way is finished and what was
// taken but not begun is given back. Any number of processes may run at once.
func (s *Service) Run(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				n, err := s.sendSome(ctx)
				if err != nil && ctx.Err() == nil {
					s.log.ErrorContext(ctx, "outbox", "error", err.Error())
				}
				if n > 0 && err == nil {
					continue
				}
				select {
				case <-ctx.Done():
				case <-time.After(poll):
				}
			}
		})
	}
	wg.Wait()
}

// Drain sends until nothing is due; tests and the demonstration use it.
func (s *Service) Drain(ctx context.Context) error {
	for {
		n, err := s.sendSome(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// claim is what one worker has taken: holder names this one taking.
type claim struct {
	holder string
	rows   []model.OutboxMessage
}

// due are the messages that may be taken: those that wait for their time, and those whose worker let its lease run out.
func due(q *gorm.DB, now time.Time) *gorm.DB {
	return q.Where("status IN ? AND next_try_at <= ?", []string{StatusWaiting, StatusSending}, now)
}

// take claims the messages due longest by one conditional UPDATE: of several workers that look at the same rows each gets
// what the others did not.
func (s *Service) take(ctx context.Context) (claim, error) {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	c := claim{holder: hex.EncodeToString(b)}
	now := s.db.Now()
	var ids []model.ID
	if err := due(s.db.Read(ctx).Model(&model.OutboxMessage{}), now).Order("next_try_at, id").Limit(claimed).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return c, err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		return due(tx.Model(&model.OutboxMessage{}).Where("id IN ?", ids), now).
			UpdateColumns(map[string]any{"status": StatusSending, "holder": c.holder, "next_try_at": now.Add(lease), "updated_at": now}).Error
	})
	if err != nil {
		return c, err
	}
	err = s.db.Read(ctx).Where("id IN ? AND holder = ? AND status = ?", ids, c.holder, StatusSending).Order("id").Find(&c.rows).Error
	return c, err
}

// mine narrows q to the claim's messages that still are: a worker that was too slow finds that it has none.
func (c claim) mine(q *gorm.DB) *gorm.DB {
	return q.Model(&model.OutboxMessage{}).Where("holder = ? AND status = ?", c.holder, StatusSending)
}

// sendSome takes some due messages and sends them; it tells how many it took.
func (s *Service) sendSome(ctx context.Context) (int, error) {
	c, err := s.take(ctx)
	if err != nil || len(c.rows) == 0 {
		return len(c.rows), err
	}
	rows, accounts, err := s.sift(ctx, c)
	if err != nil {
		return len(c.rows), errors.Join(err, s.giveBack(ctx, c))
	}
	work := make(chan model.OutboxMessage)
	errs := make([]error, atOnce)
	var wg sync.WaitGroup
	for i := range atOnce {
		wg.Go(func() {
			for m := range work {
				if err := s.sendOne(ctx, c, m, accounts[m.PersonID]); err != nil {
					errs[i] = fmt.Errorf("message %s: %w", m.ID, err)
				}
			}
		})
	}
	for _, m := range rows {
		if ctx.Err() != nil {
			break
		}
		work <- m
	}
	close(work)
	wg.Wait()
	if ctx.Err() != nil {
		return len(c.rows), s.giveBack(ctx, c)
	}
	return len(c.rows), errors.Join(errs...)
}

// giveBack makes what is still the claim's due again, for others.
func (s *Service) giveBack(ctx context.Context, c claim) error {
	now := s.db.Now()
	return c.mine(s.db.Read(context.WithoutCancel(ctx))).UpdateColumns(map[string]any{"status": StatusWaiting, "holder": "", "next_try_at": now, "updated_at": now}).Error
}

// sift skips, many at a time, the messages that evidently cannot be sent: of a grant to a whole city most are such. It
// returns the others and the WeChat accounts of their persons.
func (s *Service) sift(ctx context.Context, c claim) ([]model.OutboxMessage, map[model.ID]model.WechatAccount, error) {
	accounts, consents, err := s.accountsOf(ctx, c.rows)
	if err != nil {
		return nil, nil, err
	}
	var rest []model.OutboxMessage
	skipped := map[string][]model.OutboxMessage{}
	for _, m := range c.rows {
		account, bound := accounts[m.PersonID]
		topic := Topic(m.Topic)
		why := ""
		switch {
		case !topic.Subscribed():
		case s.templates[topic].ID == "":
			why = "没有设置这种消息的模板"
		case !bound:
			why = "没有绑定微信"
		case m.AccountID != nil && *m.AccountID != account.ID:
			why = "已换绑其他微信"
		case m.AccountID == nil && !consents[consent{account.ID, m.Topic}]:
			why = "没有订阅授权"
		}
		if why == "" {
			rest = append(rest, m)
		} else {
			skipped[why] = append(skipped[why], m)
		}
	}
	for why, rows := range skipped {
		if err := s.skip(ctx, c, rows, why); err != nil {
			return nil, nil, err
		}
	}
	return rest, accounts, nil
}

// consent names the consents of one account to one template.
type consent struct {
	account  model.ID
	template string
}

// accountsOf reads the accounts of the messages' persons, and of which templates each has a consent left.
func (s *Service) accountsOf(ctx context.Context, rows []model.OutboxMessage) (map[model.ID]model.WechatAccount, map[consent]bool, error) {
	persons := make([]model.ID, len(rows))
	for i, m := range rows {
		persons[i] = m.PersonID
	}
	var found []model.WechatAccount
	if err := s.db.Read(ctx).Where("person_id IN ?", persons).Find(&found).Error; err != nil {
		return nil, nil, err
	}
	accounts, ids := make(map[model.ID]model.WechatAccount, len(found)), make([]model.ID, len(found))
	for i, a := range found {
		accounts[*a.PersonID], ids[i] = a, a.ID
	}
	var left []model.Subscription
	if err := s.db.Read(ctx).Table("subscriptions AS s").Where("s.account_id IN ? AND "+Available, ids).Find(&left).Error; err != nil {
		return nil, nil, err
	}
	consents := make(map[consent]bool, len(left))
	for _, x := range left {
		consents[consent{x.AccountID, x.Template}] = true
	}
	return accounts, consents, nil
}

func (s *Service) skip(ctx context.Context, c claim, rows []model.OutboxMessage, why string) error {
	now := s.db.Now()
	ids := make([]model.ID, len(rows))
	for i, m := range rows {
		ids[i] = m.ID
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		return c.mine(tx).Where("id IN ?", ids).UpdateColumns(map[string]any{"status": StatusSkipped, "last_error": why, "holder": "", "updated_at": now}).Error
	})
	if err == nil {
		for _, m := range rows {
			s.done.WithLabelValues(m.Topic, StatusSkipped).Inc()
		}
	}
	return err
}

// sendOne sends one message: what it says is read, then in one short transaction the lease is renewed and the consent taken,
// then WeChat is called, outside of any transaction, and what came of it is written. A process that dies in between leaves
// a message whose lease runs out and which is sent again, with the consent that it has.
func (s *Service) sendOne(ctx context.Context, c claim, m model.OutboxMessage, account model.WechatAccount) error {
	call, skip, err := s.prepare(ctx, m, account)
	if err != nil {
		return err
	}
	if skip != "" {
		return s.skip(ctx, c, []model.OutboxMessage{m}, skip)
	}
	begun, skip, err := s.begin(ctx, c, m, account)
	switch {
	case err != nil:
		return err
	case skip != "":
		return s.skip(ctx, c, []model.OutboxMessage{m}, skip)
	case !begun: // somebody else has it by now
		return nil
	}
	m.Attempts++
	return s.finish(context.WithoutCancel(ctx), c, m, account, call(ctx))
}

// prepare makes the call that sends the message; skip says why it need not be sent.
func (s *Service) prepare(ctx context.Context, m model.OutboxMessage, account model.WechatAccount) (call func(context.Context) error, skip string, err error) {
	if Topic(m.Topic) == TopicShippingInfo {
		return s.prepareShipping(ctx, m, account)
	}
	what, err := s.render(ctx, m)
	if err != nil || what.skip != "" {
		return nil, what.skip, err
	}
	template := s.templates[Topic(m.Topic)]
	message := wechat.Subscribe{OpenID: account.OpenID, TemplateID: template.ID, Data: template.data(what.facts)}
	return func(ctx context.Context) error { return s.wechat.SendSubscribe(ctx, message) }, "", nil
}

// begin counts the attempt, renews the lease and takes the consent, if the message has none from an attempt before. It
// locks the message, then the account's consents.
func (s *Service) begin(ctx context.Context, c claim, m model.OutboxMessage, account model.WechatAccount) (begun bool, skip string, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		begun, skip = false, ""
		now := s.db.Now()
		set := map[string]any{"attempts": gorm.Expr("attempts + 1"), "next_try_at": now.Add(lease), "updated_at": now}
		needs := Topic(m.Topic).Subscribed() && m.AccountID == nil
		if needs {
			set["account_id"] = account.ID
		}
		res := c.mine(tx).Where("id = ?", m.ID).UpdateColumns(set)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		begun = true
		if !needs {
			return nil
		}
		had, err := takeConsent(tx, account.ID, Topic(m.Topic), now)
		if err == nil && !had {
			skip = "没有订阅授权"
			return errNoConsent
		}
		return err
	})
	if errors.Is(err, errNoConsent) {
		return false, skip, nil
	}
	return begun, "", err
}

var errNoConsent = errors.New("no consent left")

// finish writes what came of a call.
func (s *Service) finish(ctx context.Context, c claim, m model.OutboxMessage, account model.WechatAccount, failed error) error {
	now := s.db.Now()
	set, outcome := verdict(m, failed, now)
	set["holder"], set["updated_at"] = "", now
	late := false
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		res := c.mine(tx).Where("id = ?", m.ID).UpdateColumns(set)
		late = res.RowsAffected == 0
		if res.Error != nil || late || outcome != StatusSkipped {
			return res.Error
		}
		return voidConsents(tx, account.ID, Topic(m.Topic), now)
	})
	switch {
	case err != nil:
		return err
	case late:
		s.log.WarnContext(ctx, "outbox: a message was sent after its lease", "id", m.ID.String(), "outcome", outcome)
	default:
		s.done.WithLabelValues(m.Topic, outcome).Inc()
	}
	return nil
}

// verdict is what becomes of a message after a call.
func verdict(m model.OutboxMessage, failed error, now time.Time) (set map[string]any, outcome string) {
	code := wechat.ErrCode(failed)
	why, never := hopeless[code]
	switch {
	case failed == nil, code == codeSame:
		return map[string]any{"status": StatusSent, "sent_at": now, "last_error": ""}, StatusSent
	case code == codeRefused:
		return map[string]any{"status": StatusSkipped, "account_id": nil, "last_error": "用户在微信里没有或已取消授权"}, StatusSkipped
	case never:
		return map[string]any{"status": StatusDead, "last_error": fmt.Sprintf("微信错误 %d：%s", code, why)}, StatusDead
	case code == 0 && model.CodeOf(failed) == model.CodeInvalid: // our own: never called
		var wrong *model.Error
		errors.As(failed, &wrong)
		return map[string]any{"status": StatusDead, "last_error": wrong.Message}, StatusDead
	case code != 0:
		why = fmt.Sprintf("微信错误 %d", code)
	default:
		why = "微信没有应答"
	}
	if m.Attempts >= maxAttempts {
		return map[string]any{"status": StatusDead, "last_error": fmt.Sprintf("%s，试过 %d 次", why, m.Attempts)}, StatusDead
	}
	return map[string]any{"status": StatusWaiting, "last_error": why, "next_try_at": nextTry(m.Attempts, code, now)}, outcomeRetry
}

// nextTry is when to try again after the n-th attempt: each pause twice the one before, give or take a quarter, so that
// what failed together does not come back together; after the day's quota was used up, early next day.
func nextTry(n int, code int64, now time.Time) time.Time {
	if code == codeQuota {
		return model.DateOf(now).End().Add(5*time.Minute + time.Duration(mathrand.Int64N(int64(longestPause))))
	}
	pause := longestPause
	if n < 8 {
		pause = min(longestPause, firstPause<<(n-1))
	}
	return model.Millis(now.Add(pause*3/4 + time.Duration(mathrand.Int64N(int64(pause/2)))))
}
