package report

import (
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// node is a union and where it stood in the tree.
type node struct {
	UnionID model.ID
	Path    string
}

// treeRows finds where unions stood at @at. It takes a union's last place up to then, so that a union that was closed
// since still counts where it last was. Only of a place that had ended by then it asks whether another came after it.
const treeRows = ` FROM union_paths up WHERE up.from_at <= @at AND (up.to_at IS NULL OR up.to_at > @at OR
NOT EXISTS (SELECT 1 FROM union_paths nx WHERE nx.union_id = up.union_id AND nx.from_at > up.from_at AND nx.from_at <= @at))`

// place is the path at which the union stood at the moment; one that did not exist yet stands alone.
func place(tx *gorm.DB, union model.ID, at time.Time) (string, error) {
	path := "/" + union.String() + "/"
	err := tx.Raw("SELECT up.path"+treeRows+" AND up.union_id = @union", map[string]any{"at": at, "union": union}).Scan(&path).Error
	return path, err
}

// subtree lists the union itself and the unions below it, as the tree stood at the moment.
func subtree(tx *gorm.DB, union model.ID, at time.Time) ([]node, error) {
	path, err := place(tx, union, at)
	if err != nil {
		return nil, err
	}
	var tree []node
	err = tx.Raw("SELECT up.union_id, up.path"+treeRows+" AND up.path LIKE @below ORDER BY up.path", map[string]any{"at": at, "below": path + "%"}).Scan(&tree).Error
	if !slices.ContainsFunc(tree, func(n node) bool { return n.UnionID == union }) { // it did not exist yet: whatever is below it, it counts itself
		tree = append([]node{{UnionID: union, Path: path}}, tree...)
	}
	return tree, err
}

// parts decides up to which moment each union of the subtree counts, as of @at for those without a submitted form. A
// union counts by the form of the highest union above it, but below the asked one, that has a submitted form with
// this union in it, by its own submitted form if there is none, and else up to the moment. So each union counts
// exactly once, whoever has submitted and wherever it moved since.
func parts(tx *gorm.DB, union model.ID, p Period, at, treeAt time.Time) ([]model.StatementPart, error) {
	tree, err := subtree(tx, union, treeAt)
	if err != nil {
		return nil, err
	}
	submitted, err := submittedParts(tx, union, p, tree)
	if err != nil {
		return nil, err
	}
	places := make(map[model.ID]string, len(tree))
	for _, n := range tree {
		places[n.UnionID] = n.Path
	}
	slices.SortFunc(submitted, func(a, b submittedPart) int { // highest first
		return strings.Count(places[a.Submitter], "/") - strings.Count(places[b.Submitter], "/")
	})
	chosen := make(map[model.ID]model.StatementPart, len(tree))
	for _, s := range submitted {
		_, taken := chosen[s.UnionID]
		place, here := places[s.UnionID]
		if !taken && here && s.UnionID != union && strings.HasPrefix(place, places[s.Submitter]) {
			chosen[s.UnionID] = model.StatementPart{UnionID: s.UnionID, AsOf: s.AsOf, SourceStatementID: &s.StatementID}
		}
	}
	all := make([]model.StatementPart, 0, len(tree))
	for _, n := range tree {
		part, ok := chosen[n.UnionID]
		if !ok {
			part = model.StatementPart{UnionID: n.UnionID, AsOf: at}
		}
		all = append(all, part)
	}
	return all, nil
}

// submittedPart is a part of a submitted form and who submitted that.
type submittedPart struct {
	StatementID model.ID
	Submitter   model.ID
	UnionID     model.ID
	AsOf        time.Time
}

// submittedParts reads the parts of all forms that unions below the asked one have submitted for the period.
func submittedParts(tx *gorm.DB, union model.ID, p Period, tree []node) ([]submittedPart, error) {
	if len(tree) == 1 {
		return nil, nil
	}
	below := make(map[model.ID]bool, len(tree))
	for _, n := range tree {
		below[n.UnionID] = n.UnionID != union
	}
	var read []submittedPart
	err := tx.Raw(`SELECT p.statement_id, s.union_id AS submitter, p.union_id, p.as_of FROM statements s JOIN statement_parts p ON p.statement_id = s.id
WHERE s.period_id = @period AND s.status = 'submitted' AND s.union_id IN (SELECT up.union_id FROM union_paths up WHERE up.path LIKE @below)`,
		map[string]any{"period": p.ID, "below": tree[0].Path + "%"}).Scan(&read).Error
	return slices.DeleteFunc(read, func(s submittedPart) bool { return !below[s.Submitter] }), err
}

// segment is some of the parts, in a shape that one query can count: parts of submitted forms, each with its own
// moment, or unions that all count up to the same moment.
type segment struct {
	table  string // of the parts, as p
	union  string // the part's union
	cutoff string // the part's moment
	where  string
	ids    []model.ID // of statements, or of unions
	at     time.Time  // of unions
	sums   bool       // of statements: all their parts count
}

// maxIDs bounds the ids of one segment: the embedded database takes at most 32,766 values in a statement.
const maxIDs = 10_000

func statementSegment(ids ...model.ID) segment {
	return segment{table: "statement_parts p", union: "p.union_id", cutoff: "p.as_of", where: "p.statement_id IN @ids", ids: ids}
}

func unionSegment(at time.Time, ids []model.ID) segment {
	return segment{table: "unions p", union: "p.id", cutoff: "@at", where: "p.id IN @ids", ids: ids, at: at}
}

// query runs a statement over the segment: {parts}, {union}, {cutoff} and {where} in it stand for what differs.
func (g segment) query(tx *gorm.DB, sql string, args map[string]any) *gorm.DB {
	args["ids"], args["at"] = g.ids, g.at
	return tx.Raw(strings.NewReplacer("{parts}", g.table, "{union}", g.union, "{cutoff}", g.cutoff, "{where}", g.where).Replace(sql), args)
}

// segments brings parts into as few segments as it takes. A submitted form all of whose parts were chosen is read from
// its stored parts; the rest is grouped by moment.
func segments(tx *gorm.DB, all []model.StatementPart) ([]segment, error) {
	used := map[model.ID]int{}
	for _, p := range all {
		if p.SourceStatementID != nil {
			used[*p.SourceStatementID]++
		}
	}
	whole, err := wholeStatements(tx, used)
	if err != nil {
		return nil, err
	}
	moments := map[time.Time][]model.ID{}
	for _, p := range all {
		if p.SourceStatementID == nil || !whole[*p.SourceStatementID] {
			moments[p.AsOf] = append(moments[p.AsOf], p.UnionID)
		}
	}
	var out []segment
	for ids := range slices.Chunk(keys(whole), maxIDs) {
		g := statementSegment(ids...)
		g.sums = true
		out = append(out, g)
	}
	for at, unions := range moments {
		for ids := range slices.Chunk(unions, maxIDs) {
			out = append(out, unionSegment(at, ids))
		}
	}
	return out, nil
}

// wholeStatements tells which of the statements have exactly as many parts as were used of them.
func wholeStatements(tx *gorm.DB, used map[model.ID]int) (map[model.ID]bool, error) {
	whole := map[model.ID]bool{}
	for ids := range slices.Chunk(keys(used), maxIDs) {
		var counts []struct {
			StatementID model.ID
			Parts       int
		}
		err := tx.Raw("SELECT statement_id, COUNT(*) AS parts FROM statement_parts WHERE statement_id IN ? GROUP BY statement_id", ids).Scan(&counts).Error
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			if c.Parts == used[c.StatementID] {
				whole[c.StatementID] = true
			}
		}
	}
	return whole, nil
}

func keys[V any](m map[model.ID]V) []model.ID {
	ids := make([]model.ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
