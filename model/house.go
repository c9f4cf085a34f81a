package model

import "time"

// IdempotencyKey is a write that moves money, remembered with its answer: same key, same effect, once.
type IdempotencyKey struct {
	Actor       string    `gorm:"column:actor;primaryKey"` // "person:1", "staff:2"
	IdemKey     string    `gorm:"column:idem_key;primaryKey"`
	ContentHash string    `gorm:"column:content_hash"`
	Response    string    `gorm:"column:response"` // JSON, as answered
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
}

// TableName implements gorm's Tabler.
func (IdempotencyKey) TableName() string { return "idempotency_keys" }

// Job is work that goes on after a request: claimed by one process under a lease, resumed by another if it dies.
type Job struct {
	ID         ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	Kind       string     `gorm:"column:kind"`
	SubjectID  ID         `gorm:"column:subject_id"`
	Status     string     `gorm:"column:status"` // queued | running | done | failed
	Attempts   int        `gorm:"column:attempts"`
	RunAt      time.Time  `gorm:"column:run_at"` // not before
	Holder     string     `gorm:"column:holder"`
	LeaseUntil *time.Time `gorm:"column:lease_until"`
	Error      string     `gorm:"column:error"`
	CreatedAt  time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt  time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Job) TableName() string { return "jobs" }

// Lease is names held by one process for a while: id nodes, scheduled work.
type Lease struct {
	Name    string    `gorm:"column:name;primaryKey"`
	Holder  string    `gorm:"column:holder"`
	UntilAt time.Time `gorm:"column:until_at"`
}

// TableName implements gorm's Tabler.
func (Lease) TableName() string { return "leases" }

// Installation is one thing that is true of this installation as a whole, such as which hash key its data was made with.
type Installation struct {
	Name  string `gorm:"column:name;primaryKey"`
	Value string `gorm:"column:value"`
}

// TableName implements gorm's Tabler.
func (Installation) TableName() string { return "installation" }
