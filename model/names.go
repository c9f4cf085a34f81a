package model

import "gorm.io/gorm"

// Ref names a thing in an answer: a console account, a union ….
type Ref struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
}

// Names are names by id.
type Names map[ID]string

// NamesOf looks up the names of rows by their ids, in one query; entity is their type (&Staff{}, &Supplier{} …).
func NamesOf(tx *gorm.DB, entity any, ids []ID) (Names, error) {
	var rows []Ref
	err := tx.Model(entity).Select("id", "name").Where("id IN ?", ids).Find(&rows).Error
	names := make(Names, len(rows))
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, err
}

// Ref names the row with the id; nil for nil.
func (n Names) Ref(id *ID) *Ref {
	if id == nil {
		return nil
	}
	return &Ref{ID: *id, Name: n[*id]}
}
