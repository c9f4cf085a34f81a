package model

import "time"

// OutboxMessage is something to be told, written in the transaction that it tells of; each event once.
type OutboxMessage struct {
	ID        ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	Topic     string     `gorm:"column:topic"`       // allowance_issued | allowance_ending | order_shipped | refund_done | shipping_info
	Cause     string     `gorm:"column:cause"`       // the event: "grant_item:12"
	PersonID  ID         `gorm:"column:person_id"`   // who is told; shipping_info: who paid
	UnionID   ID         `gorm:"column:union_id"`    // the union concerned
	BatchID   *ID        `gorm:"column:batch_id"`    // the grant or reminder that it belongs to
	Payload   string     `gorm:"column:payload"`     // JSON, by topic; no names, phones or addresses
	Status    string     `gorm:"column:status"`      // waiting | sending | sent | skipped | dead
	Attempts  int        `gorm:"column:attempts"`    // calls begun
	NextTryAt time.Time  `gorm:"column:next_try_at"` // not before; while sending: when another worker may take it up
	Holder    string     `gorm:"column:holder"`      // who is sending it
	AccountID *ID        `gorm:"column:account_id"`  // the WeChat account whose consent it took
	LastError string     `gorm:"column:last_error"`  // in Chinese: why it was skipped, failed or is tried again
	CreatedAt time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	SentAt    *time.Time `gorm:"column:sent_at"`
	UpdatedAt time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (OutboxMessage) TableName() string { return "outbox" }

// Subscription counts a WeChat account's consents to one kind of subscribe message: one consent is one message. What may
// still be sent is AcceptedCount less UsedCount less VoidCount.
type Subscription struct {
	AccountID     ID        `gorm:"column:account_id;primaryKey;autoIncrement:false"`
	Template      string    `gorm:"column:template;primaryKey"` // the topic
	AcceptedCount int       `gorm:"column:accepted_count"`
	RejectedCount int       `gorm:"column:rejected_count"`
	UsedCount     int       `gorm:"column:used_count"` // taken by messages
	VoidCount     int       `gorm:"column:void_count"` // worth nothing: WeChat said that the user takes no more
	UpdatedAt     time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Subscription) TableName() string { return "subscriptions" }

// Reminder is one round of reminders of a union's members before the year's end.
type Reminder struct {
	ID         ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID    ID         `gorm:"column:union_id"`
	Year       Year       `gorm:"column:year"`
	Kind       string     `gorm:"column:kind"`       // "60", "30", "7": days before the end, by the clock; a China date: by the union, once a day
	Status     string     `gorm:"column:status"`     // running | done
	CursorID   ID         `gorm:"column:cursor_id"`  // the allowance up to which all are done
	Holders    int        `gorm:"column:holders"`    // allowances with money left
	Told       int        `gorm:"column:told"`       // of them written into the outbox: bound, with a consent
	StartedBy  *ID        `gorm:"column:started_by"` // nil: by the clock
	StartedAt  time.Time  `gorm:"column:started_at"`
	FinishedAt *time.Time `gorm:"column:finished_at"`
}

// TableName implements gorm's Tabler.
func (Reminder) TableName() string { return "reminders" }
