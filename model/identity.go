package model

import "time"

// WechatAccount is a WeChat account that has logged in; bound to at most one person, and a person to at most one account.
type WechatAccount struct {
	ID          ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	OpenID      string     `gorm:"column:openid"`
	UnionOpenID string     `gorm:"column:union_openid"` // WeChat's unionid, empty if none
	PersonID    *ID        `gorm:"column:person_id"`
	BoundAt     *time.Time `gorm:"column:bound_at"`
	CreatedAt   time.Time  `gorm:"column:created_at;autoCreateTime:false"`
}

// TableName implements gorm's Tabler.
func (WechatAccount) TableName() string { return "wechat_accounts" }

// Consent is agreement of a WeChat account to one version of the privacy notice.
type Consent struct {
	ID        ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	AccountID ID        `gorm:"column:account_id"`
	Kind      string    `gorm:"column:kind"` // privacy
	Version   string    `gorm:"column:version"`
	AgreedAt  time.Time `gorm:"column:agreed_at"`
}

// TableName implements gorm's Tabler.
func (Consent) TableName() string { return "consents" }

// BindingRequest is a binding that did not match the roster, waiting for a union admin to decide.
type BindingRequest struct {
	ID            ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	AccountID     ID         `gorm:"column:account_id"`
	UnionID       ID         `gorm:"column:union_id"`
	Name          string     `gorm:"column:name"`
	PhoneSealed   string     `gorm:"column:phone_sealed"`
	IDLast6Sealed string     `gorm:"column:id_last6_sealed"`
	Reason        string     `gorm:"column:reason"`          // why it did not match, in Chinese
	Status        string     `gorm:"column:status"`          // pending | approved | rejected | withdrawn (the member asked anew or was found)
	OpenAccountID *ID        `gorm:"column:open_account_id"` // the account while pending, then NULL: at most one open request each
	MemberID      *ID        `gorm:"column:member_id"`
	DecidedBy     *ID        `gorm:"column:decided_by"`
	DecidedAt     *time.Time `gorm:"column:decided_at"`
	DecisionNote  string     `gorm:"column:decision_note"`
	CreatedAt     time.Time  `gorm:"column:created_at;autoCreateTime:false"`
}

// TableName implements gorm's Tabler.
func (BindingRequest) TableName() string { return "binding_requests" }

// Attempt is counted attempts (binding guesses, logins), so that limits hold without Redis.
type Attempt struct {
	Subject     string    `gorm:"column:subject;primaryKey"` // "binding:account:123", "login:ip:…": never personal data
	WindowStart time.Time `gorm:"column:window_start;primaryKey"`
	Count       int       `gorm:"column:count"`
}

// TableName implements gorm's Tabler.
func (Attempt) TableName() string { return "attempts" }

// Session is a login of a member's WeChat account or of a staff account. The token itself is never stored.
type Session struct {
	ID           ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	TokenHash    string     `gorm:"column:token_hash"`
	CSRFHash     string     `gorm:"column:csrf_hash"`  // staff only
	Audience     string     `gorm:"column:audience"`   // member | staff
	SubjectID    ID         `gorm:"column:subject_id"` // wechat_accounts.id or staff.id
	SecondFactor bool       `gorm:"column:second_factor"`
	DeviceHash   string     `gorm:"column:device_hash"` // members who agreed to the notice only; empty: not told
	CreatedAt    time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	LastSeenAt   time.Time  `gorm:"column:last_seen_at"`
	ExpiresAt    time.Time  `gorm:"column:expires_at"` // absolute end
	RevokedAt    *time.Time `gorm:"column:revoked_at"`
}

// TableName implements gorm's Tabler.
func (Session) TableName() string { return "sessions" }

// Staff is a console account.
type Staff struct {
	ID                 ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	Login              string     `gorm:"column:login"` // lower case
	Name               string     `gorm:"column:name"`
	Role               string     `gorm:"column:role"`          // see service/identity
	UnionID            ID         `gorm:"column:union_id"`      // root of the subtree that this person may see
	SupplierID         *ID        `gorm:"column:supplier_id"`   // suppliers' and cashiers' accounts only
	HallID             *ID        `gorm:"column:hall_id"`       // cashiers only: the hall that they sell at
	PasswordHash       string     `gorm:"column:password_hash"` // argon2id
	MustChangePassword bool       `gorm:"column:must_change_password"`
	TOTPSecretSealed   string     `gorm:"column:totp_secret_sealed"`
	TOTPEnrolledAt     *time.Time `gorm:"column:totp_enrolled_at"`
	TOTPLastStep       int64      `gorm:"column:totp_last_step"` // last accepted time step: a code works once
	FailedLogins       int        `gorm:"column:failed_logins"`  // no longer used: tries are counted in attempts, for logins that do not exist too
	LockedUntil        *time.Time `gorm:"column:locked_until"`   // for administrators to see; what closes a login is in attempts
	Status             string     `gorm:"column:status"`         // active | disabled
	CreatedBy          ID         `gorm:"column:created_by"`
	CreatedAt          time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt          time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Staff) TableName() string { return "staff" }

// Address is a person's delivery address.
type Address struct {
	ID           ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	PersonID     ID         `gorm:"column:person_id"`
	Consignee    string     `gorm:"column:consignee"`
	PhoneSealed  string     `gorm:"column:phone_sealed"`
	Province     string     `gorm:"column:province"`
	City         string     `gorm:"column:city"`
	District     string     `gorm:"column:district"`
	DetailSealed string     `gorm:"column:detail_sealed"`
	IsDefault    bool       `gorm:"column:is_default"`
	DeletedAt    *time.Time `gorm:"column:deleted_at"`
	CreatedAt    time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt    time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Address) TableName() string { return "addresses" }
