package notify

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// The answers that a user can give to wx.requestSubscribeMessage.
const (
	Accepted = "accepted"
	Rejected = "rejected"
)

// AnswersInput is what wx.requestSubscribeMessage returned.
type AnswersInput struct {
	Templates []TemplateAnswer `json:"templates" check:"required,min=1,max=5,dive"`
}

// TemplateAnswer is the user's answer for one template.
type TemplateAnswer struct {
	Template string `json:"template" check:"required,oneof=allowance_issued allowance_ending order_shipped refund_done"`
	Answer   string `json:"answer" check:"required,oneof=accepted rejected"`
}

// SubscriptionView is one template and how many messages of it the account may still be sent.
type SubscriptionView struct {
	Template   string `json:"template"`
	Name       string `json:"name"`
	TemplateID string `json:"template_id"` // WeChat's, to ask with; empty: not in use
	Accepted   int    `json:"accepted"`
	Used       int    `json:"used"`
	Available  int    `json:"available"`
}

// Subscriptions lists every template with the account's consents.
func (s *Service) Subscriptions(ctx context.Context, accountID model.ID) (model.List[SubscriptionView], error) {
	return s.subscriptions(s.db.Read(ctx), accountID)
}

func (s *Service) subscriptions(tx *gorm.DB, accountID model.ID) (model.List[SubscriptionView], error) {
	var rows []model.Subscription
	if err := tx.Where("account_id = ?", accountID).Find(&rows).Error; err != nil {
		return model.List[SubscriptionView]{}, err
	}
	have := map[string]model.Subscription{}
	for _, r := range rows {
		have[r.Template] = r
	}
	list := model.List[SubscriptionView]{Items: []SubscriptionView{}}
	for _, t := range Topics {
		if !t.Topic.Subscribed() {
			continue
		}
		r := have[string(t.Topic)]
		list.Items = append(list.Items, SubscriptionView{Template: string(t.Topic), Name: t.Name, TemplateID: s.templates[t.Topic].ID,
			Accepted: r.AcceptedCount, Used: r.UsedCount, Available: r.AcceptedCount - r.UsedCount - r.VoidCount})
	}
	return list, nil
}

// Subscribe counts the account's answers: each acceptance is good for one message. The same key counts once. Errors:
// CodeInvalid for a template named twice; CodeIdempotencyMismatch.
func (s *Service) Subscribe(ctx context.Context, actor model.Actor, key string, in AnswersInput) (model.List[SubscriptionView], error) {
	seen := map[string]bool{}
	for i, a := range in.Templates {
		if seen[a.Template] {
			return model.List[SubscriptionView]{}, model.Invalid(fmt.Sprintf("templates[%d].template", i), "同一个模板只能出现一次")
		}
		seen[a.Template] = true
	}
	content := map[string]any{"subscribe": actor.AccountID, "in": in}
	return model.Once(ctx, s.db, actor, key, content, func(tx *gorm.DB) (model.List[SubscriptionView], error) {
		now := s.db.Now()
		for _, t := range Topics { // always in one order: two requests of one account do not cross
			for _, a := range in.Templates {
				if a.Template != string(t.Topic) {
					continue
				}
				if err := countAnswer(tx, actor.AccountID, a, now); err != nil {
					return model.List[SubscriptionView]{}, err
				}
			}
		}
		return s.subscriptions(tx, actor.AccountID)
	})
}

func countAnswer(tx *gorm.DB, accountID model.ID, a TemplateAnswer, now time.Time) error {
	fresh := model.Subscription{AccountID: accountID, Template: a.Template, UpdatedAt: now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
		return err
	}
	column := "rejected_count"
	if a.Answer == Accepted {
		column = "accepted_count"
	}
	return tx.Model(&model.Subscription{}).Where("account_id = ? AND template = ?", accountID, a.Template).
		UpdateColumns(map[string]any{column: gorm.Expr(column + " + 1"), "updated_at": now}).Error
}

// Available is the condition, on a table or alias named s, that a consent is left.
const Available = "s.accepted_count - s.used_count - s.void_count > 0"

// takeConsent uses one consent up, by a guarded update, and tells whether there was one.
func takeConsent(tx *gorm.DB, accountID model.ID, topic Topic, now time.Time) (bool, error) {
	res := tx.Model(&model.Subscription{}).Where("account_id = ? AND template = ? AND accepted_count - used_count - void_count > 0", accountID, topic).
		UpdateColumns(map[string]any{"used_count": gorm.Expr("used_count + 1"), "updated_at": now})
	return res.RowsAffected == 1, res.Error
}

// voidConsents makes a consent that a message took, and whatever is left of them, worth nothing: WeChat, which alone knows,
// says that the user takes no more.
func voidConsents(tx *gorm.DB, accountID model.ID, topic Topic, now time.Time) error {
	row := tx.Model(&model.Subscription{}).Where("account_id = ? AND template = ?", accountID, topic).Session(&gorm.Session{})
	if err := row.UpdateColumns(map[string]any{"used_count": gorm.Expr("used_count - 1"), "updated_at": now}).Error; err != nil {
		return err
	}
	// A second statement: engines differ in what a column is worth within the statement that changes it.
	return row.UpdateColumn("void_count", gorm.Expr("accepted_count - used_count")).Error
}
