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

// AuditEntry is who did what to what, written in the transaction it tells of; never changed, never deleted.
type AuditEntry struct {
	ID        ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	At        time.Time `gorm:"column:at"`
	Actor     string    `gorm:"column:actor"`    // "staff:1", "person:2", "account:3", "clock"
	Action    string    `gorm:"column:action"`   // e.g. grant.approve
	Object    string    `gorm:"column:object"`   // e.g. grant:123
	UnionID   *ID       `gorm:"column:union_id"` // the union concerned, for scope
	Detail    string    `gorm:"column:detail"`   // JSON, no personal data
	RequestID string    `gorm:"column:request_id"`
}

// TableName implements gorm's Tabler.
func (AuditEntry) TableName() string { return "audit_entries" }

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
