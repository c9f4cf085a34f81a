package risk

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"bangfu/model"
)

// figureNames are the labels and units of figures.
var figureNames = map[string][2]string{
	"persons": {"会员", "人"}, "unions": {"涉及工会", "个"}, "orders": {"订单", "笔"}, "amount_fen": {"金额", ""}, "pieces": {"购买件数", "件"},
	"average_pieces_x10": {"人均购买", "件"}, "share_of_allowance": {"占本人全年额度", "%"}, "refunded_orders": {"退款订单", "笔"}, "refunded_fen": {"退款金额", ""},
	"refunded_share": {"退款占比", "%"}, "refunded_parcels": {"退款包裹", "个"}, "parcels": {"包裹", "个"}, "issued_fen": {"发放金额", ""}, "spent_fen": {"已使用金额", ""},
	"supplier_fen": {"供应商销售额", ""}, "share_of_sales": {"占销售额", "%"}, "claims": {"登记采购", "笔"}, "period_fen": {"上报期登记金额", ""},
	"share_of_period": {"占上报期登记金额", "%"}, "sales": {"柜台交易", "笔"}, "voids": {"撤销", "笔"}, "all_sales": {"全部柜台交易", "笔"}, "share_of_sales_count": {"占交易笔数", "%"},
	"staff_acts": {"解绑或更改手机号", "次"},
}

func (f figure) view() FigureView {
	name := figureNames[f.Name]
	v := FigureView{Name: f.Name, Label: name[0], Value: f.Value, Text: fmt.Sprint(f.Value) + " " + name[1]}
	switch {
	case f.Name == "average_pieces_x10":
		v.Text = fmt.Sprintf("%d.%d %s", f.Value/10, f.Value%10, name[1])
	case name[1] == "%":
		v.Text = fmt.Sprint(f.Value) + "%"
	case name[1] == "":
		v.Text = model.Fen(f.Value).String()
	}
	return v
}

// views shows signals, with their names read in as few queries as there are kinds of subjects.
func (s *Service) views(tx *gorm.DB, actor model.Actor, rows []model.RiskSignal) ([]SignalView, error) {
	var unions, staff []model.ID
	for _, r := range rows {
		unions = append(unions, r.UnionID)
		if r.ReviewedBy != nil {
			staff = append(staff, *r.ReviewedBy)
		}
	}
	unionNames, err := namesOf(tx, "unions", unions)
	if err != nil {
		return nil, err
	}
	staffNames, err := model.NamesOf(tx, &model.Staff{}, staff)
	if err != nil {
		return nil, err
	}
	subjects, err := s.subjects(tx, actor, rows)
	if err != nil {
		return nil, err
	}
	views := make([]SignalView, len(rows))
	for i, r := range rows {
		v := SignalView{ID: r.ID, Rule: r.Rule, Title: r.Rule, Basis: r.Basis, SubjectType: r.SubjectType, SubjectName: subjects[r.ID], Union: UnionRef{r.UnionID, unionNames[r.UnionID]},
			SupplierID: r.SupplierID, Figures: []FigureView{}, Score: r.Score, Status: r.Status, Version: r.Version, FirstAt: r.FirstAt, LastAt: r.LastAt, ReviewedAt: r.ReviewedAt,
			ReviewNote: r.ReviewNote, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
		if known, ok := ruleOf(r.Rule); ok {
			v.Title = known.title
		}
		if id, ok := subjectID(r); ok {
			v.SubjectID = &id
		}
		if r.ReviewedBy != nil {
			v.ReviewedBy, v.ReviewedSize = staffNames.Ref(r.ReviewedBy), &rows[i].ReviewedSize
		}
		var figures []figure
		if err := json.Unmarshal([]byte(r.FiguresJSON), &figures); err != nil {
			return nil, fmt.Errorf("figures of risk signal %d: %w", r.ID, err)
		}
		for _, f := range figures {
			v.Figures = append(v.Figures, f.view())
		}
		views[i] = v
	}
	return views, nil
}

// subjectID is the id of what a signal is about; addresses and devices have none.
func subjectID(r model.RiskSignal) (model.ID, bool) {
	if r.SubjectType == "address" || r.SubjectType == "device" {
		return 0, false
	}
	id, err := model.ParseID(r.SubjectKey)
	return id, err == nil
}

// subjectTables are where the names of subjects are; persons' names are in members.
var subjectTables = map[string]string{"supplier": "suppliers", "hall": "halls", "cashier": "staff", "union": "unions", "grant": "grants"}

// subjects names what signals are about, by the signal's id: persons and addresses masked.
func (s *Service) subjects(tx *gorm.DB, actor model.Actor, rows []model.RiskSignal) (map[model.ID]string, error) {
	ids := map[string][]model.ID{}
	for _, r := range rows {
		if id, ok := subjectID(r); ok {
			ids[r.SubjectType] = append(ids[r.SubjectType], id)
		}
	}
	names := map[string]map[model.ID]string{}
	for kind, of := range ids {
		var err error
		if kind == "person" {
			names[kind], err = personNames(tx, actor, of)
		} else {
			names[kind], err = namesOf(tx, subjectTables[kind], of)
		}
		if err != nil {
			return nil, err
		}
	}
	shown := map[model.ID]string{}
	for _, r := range rows {
		switch id, _ := subjectID(r); r.SubjectType {
		case "device":
			shown[r.ID] = "同一台设备"
		case "address":
			text, err := s.district(tx, r)
			if err != nil {
				return nil, err
			}
			shown[r.ID] = text
		default:
			shown[r.ID] = names[r.SubjectType][id]
		}
	}
	return shown, nil
}

// namesOf reads the names of rows by id; of grants their titles.
func namesOf(tx *gorm.DB, table string, ids []model.ID) (map[model.ID]string, error) {
	names := map[model.ID]string{}
	if table == "" || len(ids) == 0 {
		return names, nil
	}
	column := "name"
	if table == "grants" {
		column = "title"
	}
	var rows []struct {
		ID   model.ID
		Name string
	}
	err := tx.Table(table).Select("id, "+column+" AS name").Where("id IN ?", ids).Scan(&rows).Error
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, err
}

// personNames reads persons' masked names as they are on rosters of the actor's subtree.
func personNames(tx *gorm.DB, actor model.Actor, ids []model.ID) (map[model.ID]string, error) {
	var rows []model.Member
	err := tx.Table("members").Select("members.person_id, members.name").Joins("JOIN unions u ON u.id = members.union_id").
		Where("members.person_id IN ? AND u.path LIKE ?", ids, actor.UnionPath+"%").Order("members.id").Find(&rows).Error
	names := map[model.ID]string{}
	for _, r := range rows {
		names[r.PersonID] = model.MaskName(r.Name)
	}
	return names, err
}

// district opens the address of a signal's first order as far as the district; the rest stays hidden.
func (s *Service) district(tx *gorm.DB, r model.RiskSignal) (string, error) {
	var seen evidence
	if err := json.Unmarshal([]byte(r.EvidenceJSON), &seen); err != nil || len(seen.Orders) == 0 {
		return "同一收货地址", err
	}
	var order model.Order
	if err := tx.Select("id", "address_sealed").Where("id = ?", seen.Orders[0]).Take(&order).Error; err != nil {
		return "", err
	}
	text, err := s.sealer.Open(order.AddressSealed, model.SealOrderAddress)
	if err != nil {
		return "", err
	}
	var to struct{ Province, City, District string }
	if err := json.Unmarshal([]byte(text), &to); err != nil {
		return "", err
	}
	return to.Province + to.City + to.District + "****", nil
}
