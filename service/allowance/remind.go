package allowance

import (
	"context"
	"strconv"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/notify"
)

const (
	jobRemind  = "remind" // subject: the reminder
	remindStep = 500      // allowances looked at per transaction
)

// reminderDays are how many days before the year's end those with money left are reminded by the clock.
var reminderDays = []int{60, 30, 7}

// remindAt is when the clock reminds: at 9 in the morning, China time, of the day from which on so many are left, today
// included.
func remindAt(year model.Year, days int) time.Time {
	return year.End().AddDate(0, 0, -days).Add(9 * time.Hour)
}

// stage is the reminder that is due at a time: the latest that has come; 0 before the first and after the year.
func stage(year model.Year, now time.Time) (days int) {
	for _, d := range reminderDays {
		if !now.Before(remindAt(year, d)) {
			days = d
		}
	}
	if !now.Before(year.End()) {
		return 0
	}
	return days
}

// RemindDue begins the reminders that the clock owes, union by union, and takes up again those whose job failed. Call it now
// and then. A reminder that was missed altogether is not made up for: the next one says it better.
func (s *Service) RemindDue(ctx context.Context) error {
	now := s.db.Now()
	year := model.YearOf(now)
	days := stage(year, now)
	if days == 0 {
		return nil
	}
	kind := strconv.Itoa(days)
	var unions []model.ID
	err := s.db.Read(ctx).Model(&model.Fund{}).Where("year = ?", year).
		Where("EXISTS (SELECT 1 FROM allowances a WHERE a.fund_id = funds.id AND a.status = 'active' AND a.balance_fen > 0)").
		Where("NOT EXISTS (SELECT 1 FROM reminders r WHERE r.union_id = funds.union_id AND r.year = funds.year AND r.kind = ? AND r.status = 'done')", kind).
		Distinct().Order("union_id").Pluck("union_id", &unions).Error
	if err != nil {
		return err
	}
	for _, id := range unions {
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			var have model.Reminder
			if err := tx.Where("union_id = ? AND year = ? AND kind = ?", id, year, kind).Limit(1).Find(&have).Error; err != nil {
				return err
			}
			if have.ID == 0 {
				have = model.Reminder{ID: s.db.NewID(), UnionID: id, Year: year, Kind: kind, Status: "running", StartedAt: now}
				if err := tx.Create(&have).Error; err != nil {
					return err
				}
			}
			return s.jobs.Enqueue(tx, jobRemind, have.ID)
		})
		if err != nil && !model.Duplicate(err) { // another process was first
			return err
		}
	}
	if len(unions) > 0 {
		s.jobs.Wake()
	}
	return nil
}

// Remind has those of a union's members reminded who have money left and a consent, besides the clock's reminders: from 1
// November on, at most once a day. Errors: CodeConflict before or after that time, or when it was done today.
func (s *Service) Remind(ctx context.Context, actor model.Actor, unionID model.ID, year model.Year) (ReminderView, error) {
	var view ReminderView
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if first := time.Date(int(year), 11, 1, 0, 0, 0, 0, model.China); now.Before(first) || !now.Before(year.End()) {
			return model.E(model.CodeConflict, "%d 年度的到期提醒只能在当年 11 月 1 日至 12 月 31 日发送", year)
		}
		r := model.Reminder{ID: s.db.NewID(), UnionID: unionID, Year: year, Kind: string(model.DateOf(now)), Status: "running", StartedBy: &actor.ID, StartedAt: now}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		if err := s.jobs.Enqueue(tx, jobRemind, r.ID); err != nil {
			return err
		}
		views, err := reminderViews(tx, []model.Reminder{r})
		if err != nil {
			return err
		}
		view = views[r.ID]
		return s.db.Audit(tx, actor, now, "reminder.start", "reminder:"+r.ID.String(), unionID, map[string]any{"year": year})
	})
	if model.Duplicate(err) {
		return view, model.E(model.CodeConflict, "今天已经提醒过了，每天最多一次")
	}
	s.jobs.Wake()
	return view, err
}

// remind is the job of one reminder. Each step is one transaction that writes messages and how far it came together, so it
// may be broken off anywhere and taken up by any process; nobody is told twice.
func (s *Service) remind(ctx context.Context, id model.ID) error {
	for done := false; !done; {
		if err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
			done, err = s.remindSome(tx, id)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// remindSome writes the messages of the next allowances of a reminder and tells whether it is done. It locks the reminder.
func (s *Service) remindSome(tx *gorm.DB, id model.ID) (done bool, err error) {
	now := s.db.Now()
	var r model.Reminder
	if err := locked(tx).Where("id = ?", id).Take(&r).Error; err != nil || r.Status != "running" {
		return true, err
	}
	var left []model.Allowance
	if now.Before(r.Year.End()) {
		ids, err := holding(tx, r.UnionID, r.Year, "a.balance_fen > 0", r.CursorID, remindStep)
		if err == nil {
			err = tx.Where("id IN ?", ids).Order("id").Find(&left).Error
		}
		if err != nil {
			return false, err
		}
	}
	messages, err := remindersOf(tx, r, left)
	if err != nil {
		return false, err
	}
	if err := notify.EnqueueAll(tx, s.db, now, messages); err != nil {
		return false, err
	}
	r.Holders, r.Told = r.Holders+len(left), r.Told+len(messages)
	set := map[string]any{"holders": r.Holders, "told": r.Told}
	if len(left) > 0 {
		set["cursor_id"] = left[len(left)-1].ID
	}
	if done = len(left) < remindStep; done {
		set["status"], set["finished_at"] = "done", now
	}
	if err := tx.Model(&model.Reminder{}).Where("id = ?", id).UpdateColumns(set).Error; err != nil || !done {
		return false, err
	}
	return true, s.db.Audit(tx, model.Clockwork(), now, "reminder.done", "reminder:"+id.String(), r.UnionID,
		map[string]any{"year": r.Year, "kind": r.Kind, "holders": r.Holders, "told": r.Told})
}

// remindersOf are the messages for those of the allowances whose persons have a consent to spend.
func remindersOf(tx *gorm.DB, r model.Reminder, left []model.Allowance) ([]notify.Message, error) {
	persons := make([]model.ID, len(left))
	for i, a := range left {
		persons[i] = a.PersonID
	}
	var consenting []model.ID
	err := tx.Table("wechat_accounts AS w").Joins("JOIN subscriptions AS s ON s.account_id = w.id AND s.template = ?", notify.TopicAllowanceEnding).
		Where("w.person_id IN ? AND "+notify.Available, persons).Pluck("w.person_id", &consenting).Error
	if err != nil {
		return nil, err
	}
	may := make(map[model.ID]bool, len(consenting))
	for _, id := range consenting {
		may[id] = true
	}
	var messages []notify.Message
	for _, a := range left {
		if may[a.PersonID] {
			messages = append(messages, notify.AllowanceEnding(a, r.Kind, r.ID))
		}
	}
	return messages, nil
}
