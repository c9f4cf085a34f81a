package risk

import (
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// tree is the unions' paths, to find who may see a signal.
type tree struct {
	paths map[model.ID]string
	root  model.ID
}

func readTree(tx *gorm.DB) (tree, error) {
	t := tree{paths: map[model.ID]string{}}
	var unions []model.Union
	if err := tx.Select("id", "parent_id", "path").Find(&unions).Error; err != nil {
		return t, err
	}
	for _, u := range unions {
		t.paths[u.ID] = u.Path
		if u.ParentID == nil {
			t.root = u.ID
		}
	}
	return t, nil
}

// common is the lowest union that holds all of the set; the root for an empty set or an unknown union.
func (t tree) common(set unionSet) model.ID {
	var shared []string
	for id := range set {
		steps := strings.Split(strings.Trim(t.paths[id], "/"), "/")
		if shared == nil {
			shared = steps
			continue
		}
		n := 0
		for n < len(shared) && n < len(steps) && shared[n] == steps[n] {
			n++
		}
		shared = shared[:n]
	}
	if len(shared) == 0 {
		return t.root
	}
	id, err := model.ParseID(shared[len(shared)-1])
	if err != nil {
		return t.root
	}
	return id
}
