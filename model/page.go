package model

// Page asks for one page of a list: at most Limit items after the cursor of the page before.
type Page struct {
	Cursor ID  // 0: from the start
	Limit  int // 1 to MaxPage
}

// MaxPage bounds the items of one page.
const MaxPage = 100

// List is one page of a list. NextCursor is the cursor of the next page, nil on the last.
type List[T any] struct {
	Items      []T `json:"items"`
	NextCursor *ID `json:"next_cursor"`
}

// NewList makes a page out of rows that were read with a limit of page.Limit+1: the surplus row only tells that there
// is a next page. id tells the cursor of a row, show turns a row into an item.
func NewList[R, T any](rows []R, page Page, id func(R) ID, show func(R) T) List[T] {
	list := List[T]{Items: make([]T, 0, len(rows))}
	if len(rows) > page.Limit {
		rows = rows[:page.Limit]
		last := id(rows[len(rows)-1])
		list.NextCursor = &last
	}
	for _, r := range rows {
		list.Items = append(list.Items, show(r))
	}
	return list
}
