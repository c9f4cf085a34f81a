package model

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Union is one node of the union tree (city federation, county or industry federation, grassroots union).
type Union struct {
	ID            ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	ParentID      *ID       `gorm:"column:parent_id"` // NULL only for the root, the city federation
	Name          string    `gorm:"column:name"`
	Kind          string    `gorm:"column:kind"`           // city | county | industry | grassroots
	Path          string    `gorm:"column:path"`           // "/root/…/id/": the ids from the root down to this node
	Depth         int       `gorm:"column:depth"`          // 0 for the root
	Status        string    `gorm:"column:status"`         // active | closed
	ActiveMembers int64     `gorm:"column:active_members"` // on its own roster, kept by whoever changes it
	CreatedAt     time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt     time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Union) TableName() string { return "unions" }

// CountMembers adds to how many active members a union has, in the transaction that changes its roster; by may be negative. Whoever changes
// a roster holds the union's lock.
func CountMembers(tx *gorm.DB, union ID, by int) error {
	if by == 0 {
		return nil
	}
	res := tx.Model(&Union{}).Where("id = ?", union).UpdateColumn("active_members", gorm.Expr("active_members + ?", by))
	if res.Error == nil && res.RowsAffected != 1 {
		return fmt.Errorf("union %s does not exist", union)
	}
	return res.Error
}

// UnionPath is where a union stood in the tree and when; the row without an end is where it stands now.
type UnionPath struct {
	UnionID ID         `gorm:"column:union_id;primaryKey;autoIncrement:false"`
	FromAt  time.Time  `gorm:"column:from_at;primaryKey"`
	ToAt    *time.Time `gorm:"column:to_at"`
	Path    string     `gorm:"column:path"`
}

// TableName implements gorm's Tabler.
func (UnionPath) TableName() string { return "union_paths" }

// Person is the human being behind one or more memberships; the yearly cap is the person's.
type Person struct {
	ID             ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	IDNumberSealed string    `gorm:"column:id_number_sealed"`
	IDNumberHash   string    `gorm:"column:id_number_hash"`
	CreatedAt      time.Time `gorm:"column:created_at;autoCreateTime:false"`
}

// TableName implements gorm's Tabler.
func (Person) TableName() string { return "persons" }

// Member is a person on one union's roster.
type Member struct {
	ID          ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID     ID         `gorm:"column:union_id"`
	PersonID    ID         `gorm:"column:person_id"`
	Name        string     `gorm:"column:name"`
	PhoneSealed string     `gorm:"column:phone_sealed"`
	PhoneHash   string     `gorm:"column:phone_hash"`
	EmployeeNo  string     `gorm:"column:employee_no"`
	Department  string     `gorm:"column:department"`
	Status      string     `gorm:"column:status"` // active | left
	JoinedAt    time.Time  `gorm:"column:joined_at"`
	LeftAt      *time.Time `gorm:"column:left_at"`
	LeftReason  string     `gorm:"column:left_reason"`
	CreatedAt   time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt   time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Member) TableName() string { return "members" }

// RosterImport is one upload of a roster spreadsheet, from preview to import.
type RosterImport struct {
	ID            ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID       ID         `gorm:"column:union_id"`
	FileID        ID         `gorm:"column:file_id"`
	Filename      string     `gorm:"column:filename"`
	Status        string     `gorm:"column:status"` // uploaded | previewing | previewed | importing | imported | failed | cancelled
	Error         string     `gorm:"column:error"`  // in Chinese, when failed
	Note          string     `gorm:"column:note"`   // in Chinese: what of the file was left out
	TotalRows     int        `gorm:"column:total_rows"`
	DoneRows      int        `gorm:"column:done_rows"` // progress of the present step
	NewRows       int        `gorm:"column:new_rows"`
	ChangedRows   int        `gorm:"column:changed_rows"`
	UnchangedRows int        `gorm:"column:unchanged_rows"`
	WrongRows     int        `gorm:"column:wrong_rows"`
	CreatedBy     ID         `gorm:"column:created_by"`
	CreatedAt     time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	ImportedBy    *ID        `gorm:"column:imported_by"`
	ImportedAt    *time.Time `gorm:"column:imported_at"`
	UpdatedAt     time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (RosterImport) TableName() string { return "roster_imports" }

// RosterRow is one row of an uploaded roster with its verdict.
type RosterRow struct {
	ImportID       ID     `gorm:"column:import_id;primaryKey;autoIncrement:false"`
	RowNo          int    `gorm:"column:row_no;primaryKey;autoIncrement:false"` // as the person sees it in the spreadsheet
	Verdict        string `gorm:"column:verdict"`                               // new | changed | unchanged | wrong
	Reason         string `gorm:"column:reason"`                                // what changes, or what is wrong, in Chinese
	Name           string `gorm:"column:name"`
	PhoneSealed    string `gorm:"column:phone_sealed"`
	PhoneHash      string `gorm:"column:phone_hash"`
	IDNumberSealed string `gorm:"column:id_number_sealed"`
	IDNumberHash   string `gorm:"column:id_number_hash"`
	EmployeeNo     string `gorm:"column:employee_no"`
	Department     string `gorm:"column:department"`
	Imported       bool   `gorm:"column:imported"`
}

// TableName implements gorm's Tabler.
func (RosterRow) TableName() string { return "roster_rows" }
