package model

import "time"

// RiskRule is what the city federation set for a rule of risk; see service/risk for the rules and their own figures.
type RiskRule struct {
	Code       string    `gorm:"column:code;primaryKey"`
	Enabled    bool      `gorm:"column:enabled"`
	Threshold  int64     `gorm:"column:threshold"` // fires at this many
	Percent    int64     `gorm:"column:percent"`   // 0: the rule has none
	Least      int64     `gorm:"column:least"`     // judged only from so many on; 0: the rule has none
	WindowDays int       `gorm:"column:window_days"`
	Minutes    int       `gorm:"column:minutes"` // 0: the rule has none
	SetBy      ID        `gorm:"column:set_by"`
	SetAt      time.Time `gorm:"column:set_at"`
}

// TableName implements gorm's Tabler.
func (RiskRule) TableName() string { return "risk_rules" }

// RiskRun is how far a rule has looked.
type RiskRun struct {
	Code     string    `gorm:"column:code;primaryKey"`
	LookedTo time.Time `gorm:"column:looked_to"` // everything that happened before was looked at
	Found    int       `gorm:"column:found"`     // in the last run
	TookMS   int64     `gorm:"column:took_ms"`   // the last run
}

// TableName implements gorm's Tabler.
func (RiskRun) TableName() string { return "risk_runs" }

// RiskSignal is something that somebody should look at. It blocks nothing and changes nothing, and holds no personal data.
type RiskSignal struct {
	ID           ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	Rule         string     `gorm:"column:rule"`
	SubjectType  string     `gorm:"column:subject_type"` // address | device | person | supplier | hall | cashier | union | grant
	SubjectKey   string     `gorm:"column:subject_key"`  // its id; of an address or a device its hash
	Bucket       Date       `gorm:"column:bucket"`       // day on which what is seen began: one signal for it, however often it is seen
	UnionID      ID         `gorm:"column:union_id"`     // the lowest union that holds all it is about, for scope
	SupplierID   *ID        `gorm:"column:supplier_id"`
	FirstAt      time.Time  `gorm:"column:first_at"` // of what is seen
	LastAt       time.Time  `gorm:"column:last_at"`
	Size         int64      `gorm:"column:size"`  // what the rule counts
	Score        int        `gorm:"column:score"` // 50 at the threshold, at most 100
	Basis        string     `gorm:"column:basis"` // the rule in one sentence, as it was when it fired
	FiguresJSON  string     `gorm:"column:figures_json"`
	EvidenceJSON string     `gorm:"column:evidence_json"` // ids
	Status       string     `gorm:"column:status"`        // open | confirmed | dismissed
	Version      int        `gorm:"column:version"`       // rises with every change: what is reviewed is what was looked at
	ReviewedSize int64      `gorm:"column:reviewed_size"` // Size at the last review; a dismissed signal opens again beyond it
	ReviewedBy   *ID        `gorm:"column:reviewed_by"`
	ReviewedAt   *time.Time `gorm:"column:reviewed_at"`
	ReviewNote   string     `gorm:"column:review_note"`
	CreatedAt    time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt    time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (RiskSignal) TableName() string { return "risk_signals" }
