package identity

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// Staff is a console account as administrators see it.
type Staff struct {
	ID                 model.ID   `json:"id"`
	Login              string     `json:"login"`
	Name               string     `json:"name"`
	Role               string     `json:"role"`
	RoleName           string     `json:"role_name"`
	Union              UnionName  `json:"union"`
	SupplierID         *model.ID  `json:"supplier_id"`
	HallID             *model.ID  `json:"hall_id"` // cashiers only
	Status             string     `json:"status"`  // active | disabled
	TOTPEnrolled       bool       `json:"totp_enrolled"`
	MustChangePassword bool       `json:"must_change_password"`
	LockedUntil        *time.Time `json:"locked_until"` // nil if not locked now
	CreatedAt          time.Time  `json:"created_at"`
}

// NewStaff is a console account just made, or whose password was reset: the only time its initial password is told.
type NewStaff struct {
	Staff           Staff  `json:"staff"`
	InitialPassword string `json:"initial_password"`
}

// StaffInput is what an administrator enters for a new account.
type StaffInput struct {
	Login      string
	Name       string
	Role       Role
	SupplierID model.ID // role supplier only
	HallID     model.ID // role cashier only; its supplier is the hall's
}

// StaffChange is what an administrator changes; nil leaves it as it is.
type StaffChange struct {
	Name   *string
	Role   *Role
	Status *string // active | disabled
}

// RoleInfo is a role with what it may do.
type RoleInfo struct {
	Role              Role         `json:"role"`
	Name              string       `json:"name"`
	Permissions       []Permission `json:"permissions"`
	NeedsSecondFactor bool         `json:"needs_second_factor"`
	Assignable        bool         `json:"assignable"` // the caller may give it to others
}

// ListRoles lists all roles; Assignable is as the actor may.
func (s *Service) ListRoles(actor model.Actor) []RoleInfo {
	list := make([]RoleInfo, 0, len(Roles))
	for _, r := range Roles {
		list = append(list, RoleInfo{Role: r.Role, Name: r.Name, Permissions: r.Role.Permissions(), NeedsSecondFactor: r.Role.NeedsSecondFactor(), Assignable: Role(actor.Role).mayGive(r.Role)})
	}
	return list
}

func staffRef(id model.ID) string { return "staff:" + id.String() }

func roleName(role string) string {
	for _, r := range Roles {
		if string(r.Role) == role {
			return r.Name
		}
	}
	return role
}

type staffRow struct {
	model.Staff
	UnionName string
}

func staffRows(tx *gorm.DB) *gorm.DB {
	return tx.Table("staff").Select("staff.*, unions.name AS union_name").Joins("JOIN unions ON unions.id = staff.union_id")
}

func (s *Service) viewStaff(r staffRow) Staff {
	v := Staff{
		ID: r.ID, Login: r.Login, Name: r.Name, Role: r.Role, RoleName: roleName(r.Role), Union: UnionName{ID: r.UnionID, Name: r.UnionName}, SupplierID: r.SupplierID, HallID: r.HallID,
		Status: r.Status, TOTPEnrolled: r.TOTPEnrolledAt != nil, MustChangePassword: r.MustChangePassword, CreatedAt: r.CreatedAt,
	}
	if r.LockedUntil != nil && r.LockedUntil.After(s.db.Now()) {
		v.LockedUntil = r.LockedUntil
	}
	return v
}

func (s *Service) staffView(ctx context.Context, id model.ID) (Staff, error) {
	var row staffRow
	err := staffRows(s.db.Read(ctx)).Where("staff.id = ?", id).Take(&row).Error
	return s.viewStaff(row), err
}

// ListStaff lists the console accounts of a union and of the unions below it.
func (s *Service) ListStaff(ctx context.Context, union model.ID, page model.Page) (model.List[Staff], error) {
	var u model.Union
	if err := s.db.Read(ctx).Take(&u, union).Error; err != nil {
		return model.List[Staff]{}, err
	}
	var rows []staffRow
	err := staffRows(s.db.Read(ctx)).Where("unions.path LIKE ? AND staff.id > ?", u.Path+"%", page.Cursor).Order("staff.id").Limit(page.Limit + 1).Find(&rows).Error
	return model.NewList(rows, page, func(r staffRow) model.ID { return r.ID }, s.viewStaff), err
}

// mayGive tells whether the role may hand the other one out, and manage accounts that have it: operators every role, the
// city federation every one but the operator's.
func (r Role) mayGive(other Role) bool {
	return r == RoleOperator || r == RoleCityFederation && other != RoleOperator
}

// checkPlace holds the rules of where a role may be: the city's, the operators', the suppliers' and the cashiers' accounts at
// the root only, a federation's at a county or an industry only; a supplier, and nobody else, with its supplier.
func checkPlace(tx *gorm.DB, role Role, union model.Union, supplier model.ID) error {
	if _, known := rolePermissions[role]; !known {
		return model.Invalid("role", "没有这个岗位")
	}
	switch role {
	case RoleCityFederation, RoleOperator, RoleSupplier, RoleCashier:
		if union.ParentID != nil {
			return model.Invalid("role", "“"+roleName(string(role))+"”账号只能开在市总工会")
		}
	case RoleFederation:
		if union.Kind != "county" && union.Kind != "industry" {
			return model.Invalid("role", "“"+roleName(string(role))+"”账号只能开在县区工会或产业工会")
		}
	}
	if (role == RoleSupplier) != (supplier != 0) {
		return model.Invalid("supplier_id", "供应商账号须指定供应商，其他账号不能指定")
	}
	if supplier == 0 {
		return nil
	}
	var n int64
	if err := tx.Table("suppliers").Where("id = ?", supplier).Count(&n).Error; err != nil {
		return err
	}
	if n == 0 {
		return model.Invalid("supplier_id", "没有这个供应商")
	}
	return nil
}

// placeCashier checks the hall of a new account, which a cashier and nobody else has, and gives the account the hall's supplier.
func placeCashier(tx *gorm.DB, role Role, hall model.ID, row *model.Staff) error {
	if (role == RoleCashier) != (hall != 0) {
		return model.Invalid("hall_id", "收银员账号须指定专馆，其他账号不能指定")
	}
	if hall == 0 {
		return nil
	}
	var h model.Hall
	err := tx.Where("id = ? AND status = 'active'", hall).Take(&h).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.Invalid("hall_id", "没有这个专馆，或已停用")
	}
	row.HallID, row.SupplierID = &h.ID, &h.SupplierID
	return err
}

var loginForm = regexp.MustCompile(`^[a-z][a-z0-9._-]{2,39}$`)

// CreateStaff makes a console account at a union. Its initial password is told once and must be changed at the first
// login. Errors: CodeInvalid, CodeForbidden (a role that the actor may not give), CodeConflict (login taken, union
// closed).
func (s *Service) CreateStaff(ctx context.Context, actor model.Actor, union model.ID, in StaffInput) (NewStaff, error) {
	in.Login, in.Name = strings.ToLower(strings.TrimSpace(in.Login)), strings.TrimSpace(in.Name)
	if !loginForm.MatchString(in.Login) {
		return NewStaff{}, model.Invalid("login", "登录名应为 3 至 40 个字母、数字、点、下划线或短横线，以字母开头")
	}
	if in.Name == "" {
		return NewStaff{}, model.Invalid("name", "请填写姓名")
	}
	password := newPassword()
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return NewStaff{}, err
	}
	now := s.db.Now()
	row := model.Staff{ID: s.db.NewID(), Login: in.Login, Name: in.Name, Role: string(in.Role), UnionID: union, PasswordHash: hash, MustChangePassword: true,
		Status: "active", CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now}
	if in.SupplierID != 0 {
		row.SupplierID = &in.SupplierID
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var u model.Union
		if err := tx.Take(&u, union).Error; err != nil {
			return err
		}
		if u.Status != "active" {
			return model.E(model.CodeConflict, "该工会已停用，不能新开账号")
		}
		if err := checkPlace(tx, in.Role, u, in.SupplierID); err != nil {
			return err
		}
		if !Role(actor.Role).mayGive(in.Role) {
			return model.E(model.CodeForbidden, "您不能开设“%s”账号", roleName(string(in.Role)))
		}
		if err := placeCashier(tx, in.Role, in.HallID, &row); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; model.Duplicate(err) {
			return model.E(model.CodeConflict, "登录名“%s”已被使用", in.Login)
		} else if err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "staff.create", staffRef(row.ID), union, map[string]string{"role": row.Role})
	})
	if err != nil {
		return NewStaff{}, err
	}
	view, err := s.staffView(ctx, row.ID)
	return NewStaff{Staff: view, InitialPassword: password}, err
}

// ChangeStaff renames an account, gives it another role, or disables or enables it. Another role or status ends its
// sessions. Errors: CodeInvalid, CodeForbidden (one's own account, or a role out of reach), CodeConflict (the last active
// operator).
func (s *Service) ChangeStaff(ctx context.Context, actor model.Actor, id model.ID, change StaffChange) (Staff, error) {
	err := s.manage(ctx, actor, id, "staff.change", func(tx *gorm.DB, now time.Time, staff model.Staff) (any, error) {
		set, err := s.staffColumns(tx, actor, staff, change)
		if err != nil || len(set) == 0 {
			return nil, err
		}
		detail := map[string]any{"name_changed": set["name"] != nil, "role": set["role"], "status": set["status"]}
		if set["role"] != nil || set["status"] != nil {
			return detail, setAndSignOut(tx, now, id, set)
		}
		set["updated_at"] = now
		return detail, tx.Model(&model.Staff{}).Where("id = ?", id).UpdateColumns(set).Error
	})
	if err != nil {
		return Staff{}, err
	}
	return s.staffView(ctx, id)
}

// staffColumns checks a change and tells the columns that really change.
func (s *Service) staffColumns(tx *gorm.DB, actor model.Actor, staff model.Staff, change StaffChange) (map[string]any, error) {
	set := map[string]any{}
	if change.Name != nil {
		name := strings.TrimSpace(*change.Name)
		if name == "" {
			return nil, model.Invalid("name", "请填写姓名")
		}
		if name != staff.Name {
			set["name"] = name
		}
	}
	if change.Role != nil && string(*change.Role) != staff.Role {
		if boundTo(*change.Role) || boundTo(Role(staff.Role)) {
			return nil, model.Invalid("role", "供应商和收银员账号不能与其他岗位互换，请另开账号")
		}
		var u model.Union
		if err := tx.Take(&u, staff.UnionID).Error; err != nil {
			return nil, err
		}
		if err := checkPlace(tx, *change.Role, u, 0); err != nil {
			return nil, err
		}
		if !Role(actor.Role).mayGive(*change.Role) {
			return nil, model.E(model.CodeForbidden, "您不能把账号改为“%s”", roleName(string(*change.Role)))
		}
		set["role"] = string(*change.Role)
	}
	if change.Status != nil && *change.Status != staff.Status {
		set["status"] = *change.Status
	}
	loses := set["role"] != nil || set["status"] == "disabled"
	if staff.Role == string(RoleOperator) && staff.Status == "active" && loses {
		return set, otherOperator(tx, staff.ID)
	}
	return set, nil
}

// boundTo tells whether accounts of the role belong to a supplier or a hall.
func boundTo(r Role) bool { return r == RoleSupplier || r == RoleCashier }

// otherOperator makes sure that another active operator remains. It locks them all, so that two cannot disable each
// other at once.
func otherOperator(tx *gorm.DB, id model.ID) error {
	var operators []model.Staff
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("role = ? AND status = 'active'", RoleOperator).Order("id").Find(&operators).Error
	if err != nil {
		return err
	}
	for _, o := range operators {
		if o.ID != id {
			return nil
		}
	}
	return model.E(model.CodeConflict, "这是最后一个可用的系统运维账号，不能停用或改岗")
}

// manage runs an act on another's account, with its audit row, if the actor may manage accounts of that role; nobody
// manages their own. The act's detail nil means that nothing changed.
func (s *Service) manage(ctx context.Context, actor model.Actor, id model.ID, action string, act func(tx *gorm.DB, now time.Time, staff model.Staff) (any, error)) error {
	if id == actor.ID {
		return model.E(model.CodeForbidden, "不能管理自己的账号，请由另一名管理员操作")
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		var staff model.Staff
		if err := tx.Take(&staff, id).Error; err != nil {
			return err
		}
		if !Role(actor.Role).mayGive(Role(staff.Role)) {
			return model.E(model.CodeForbidden, "您不能管理“%s”账号", roleName(staff.Role))
		}
		now := s.db.Now()
		detail, err := act(tx, now, staff)
		if err != nil || detail == nil {
			return err
		}
		return s.db.Audit(tx, actor, now, action, staffRef(id), staff.UnionID, detail)
	})
}

var noDetail = map[string]string{}

// setAndSignOut changes columns of an account and ends its sessions.
func setAndSignOut(tx *gorm.DB, now time.Time, id model.ID, set map[string]any) error {
	set["updated_at"] = now
	if err := tx.Model(&model.Staff{}).Where("id = ?", id).UpdateColumns(set).Error; err != nil {
		return err
	}
	return revokeSessions(tx, now, audienceStaff, id, 0)
}

// ResetPassword gives an account a new initial password, told once; lock and sessions end.
func (s *Service) ResetPassword(ctx context.Context, actor model.Actor, id model.ID) (NewStaff, error) {
	password := newPassword()
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return NewStaff{}, err
	}
	err = s.manage(ctx, actor, id, "staff.reset_password", func(tx *gorm.DB, now time.Time, staff model.Staff) (any, error) {
		if err := s.openLogin(tx, staff.Login); err != nil {
			return nil, err
		}
		return noDetail, setAndSignOut(tx, now, id, map[string]any{"password_hash": hash, "must_change_password": true, "locked_until": nil})
	})
	if err != nil {
		return NewStaff{}, err
	}
	view, err := s.staffView(ctx, id)
	return NewStaff{Staff: view, InitialPassword: password}, err
}

// UnlockStaff ends the lock-out of an account.
func (s *Service) UnlockStaff(ctx context.Context, actor model.Actor, id model.ID) (Staff, error) {
	err := s.manage(ctx, actor, id, "staff.unlock", func(tx *gorm.DB, now time.Time, staff model.Staff) (any, error) {
		if err := s.openLogin(tx, staff.Login); err != nil {
			return nil, err
		}
		return noDetail, tx.Model(&model.Staff{}).Where("id = ?", id).UpdateColumns(map[string]any{"locked_until": nil, "updated_at": now}).Error
	})
	if err != nil {
		return Staff{}, err
	}
	return s.staffView(ctx, id)
}

// ResetTOTP takes the authenticator off an account, so that another can be bound; its sessions end.
func (s *Service) ResetTOTP(ctx context.Context, actor model.Actor, id model.ID) (Staff, error) {
	err := s.manage(ctx, actor, id, "staff.reset_totp", func(tx *gorm.DB, now time.Time, _ model.Staff) (any, error) {
		return noDetail, setAndSignOut(tx, now, id, map[string]any{"totp_secret_sealed": "", "totp_enrolled_at": nil, "totp_last_step": 0})
	})
	if err != nil {
		return Staff{}, err
	}
	return s.staffView(ctx, id)
}

// SignOutStaff ends all sessions of an account.
func (s *Service) SignOutStaff(ctx context.Context, actor model.Actor, id model.ID) error {
	return s.manage(ctx, actor, id, "staff.sign_out", func(tx *gorm.DB, now time.Time, _ model.Staff) (any, error) {
		return noDetail, revokeSessions(tx, now, audienceStaff, id, 0)
	})
}

// EnsureOperator makes the first console account, an operator at the root, if there is none of any kind; password is
// asked for only then. created tells whether it did. The password must be changed at the first login.
func (s *Service) EnsureOperator(ctx context.Context, login string, password func() (string, error)) (created bool, err error) {
	var n int64
	if err := s.db.Read(ctx).Model(&model.Staff{}).Count(&n).Error; err != nil || n > 0 {
		return false, err
	}
	plain, err := password()
	if err != nil {
		return false, err
	}
	hash, err := s.hashPassword(ctx, plain)
	if err != nil {
		return false, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var root model.Union
		if err := tx.Where("parent_id IS NULL").Take(&root).Error; err != nil {
			return err
		}
		now := s.db.Now()
		row := model.Staff{ID: s.db.NewID(), Login: login, Name: "系统管理员", Role: string(RoleOperator), UnionID: root.ID, PasswordHash: hash, MustChangePassword: true,
			Status: "active", CreatedAt: now, UpdatedAt: now}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, model.Actor{Kind: model.ActorSetup}, now, "staff.create", staffRef(row.ID), root.ID, map[string]string{"role": row.Role})
	})
	if model.Duplicate(err) { // another process was first
		return false, nil
	}
	return err == nil, err
}
