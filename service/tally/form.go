package tally

import (
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Cell is what one union adds to one row of the statistics form.
type Cell struct {
	UnionID     model.ID
	ChannelID   model.ID // 0: row 2
	Times       int64
	AmountFen   model.Fen
	InvestedFen model.Fen
}

// Form is what unions (each without those below it) add to the form of a year before the moment, exactly. known is false where the rollups
// cannot say: while they are built, and for a moment that is neither a China midnight nor within the last hour. tx must be one
// read-consistent view. Cells of one union and row may come in several parts.
//
// What was counted before a moment is all that was counted, less what lies after it, plus what waits in the queue and lies before it. After a
// recent moment lie events that are still there; after a midnight, whole days.
func Form(tx *gorm.DB, year model.Year, before time.Time, unions []model.ID) (cells []Cell, known bool, err error) {
	st, err := stateOf(tx)
	if err != nil || st.Status != ready {
		return nil, false, err
	}
	f := formReading{tx: tx, year: year, unions: unions, wanted: make(map[model.ID]bool, len(unions))}
	for _, id := range unions {
		f.wanted[id] = true
	}
	midnight := model.DateOf(before).Start().Equal(before)
	switch {
	case !before.Before(st.PurgedTo):
		err = f.recent(before)
	case midnight:
		err = f.midnight(before)
	default:
		return nil, false, nil
	}
	if err == nil {
		err = f.events(false, "at < ?", before, 1)
	}
	return f.cells, true, err
}

type formReading struct {
	tx     *gorm.DB
	year   model.Year
	unions []model.ID
	wanted map[model.ID]bool
	cells  []Cell
}

// take adds the cells of wanted unions, times sign.
func (f *formReading) take(some []Cell, sign int64) {
	for _, c := range some {
		if f.wanted[c.UnionID] {
			f.cells = append(f.cells, Cell{c.UnionID, c.ChannelID, sign * c.Times, model.Fen(sign) * c.AmountFen, model.Fen(sign) * c.InvestedFen})
		}
	}
}

// recent is all that was counted less the events after the moment.
func (f *formReading) recent(before time.Time) error {
	if err := f.total(); err != nil {
		return err
	}
	return f.events(true, "at >= ?", before, -1)
}

// total reads all that was counted: of few unions by their rows, of many the whole year's.
func (f *formReading) total() error {
	q := f.tx.Model(&model.TallyForm{}).Where("year = ?", f.year)
	if len(f.unions) <= idsPerStatement {
		q = q.Where("union_id IN ?", f.unions)
	}
	var some []Cell
	if err := q.Find(&some).Error; err != nil {
		return err
	}
	f.take(some, 1)
	return nil
}

// midnight counts whole months and the days of the moment's own month, from whichever side of the moment there are fewer of.
func (f *formReading) midnight(before time.Time) error {
	day := dayOf(before)
	month, sign := day/100, int64(1)
	days, months := []int{month * 100, day - 1}, []int{0, month - 1}
	if before.Sub(f.year.Start()) > f.year.End().Sub(before) {
		if err := f.total(); err != nil {
			return err
		}
		days, months, sign = []int{day, month*100 + 99}, []int{month + 1, 999912}, -1
	}
	for _, span := range [][]int{days, months} {
		if err := f.span(span[0], span[1], sign); err != nil {
			return err
		}
	}
	return nil
}

// fewUnions are read day by day from their own rows; of more, everybody's rows of the days are read.
const fewUnions = 30

// span counts days, or months, from one to another, times sign.
func (f *formReading) span(from, to int, sign int64) error {
	q := f.tx.Model(&model.TallyDay{}).Select("union_id, channel_id, SUM(times) AS times, SUM(amount_fen) AS amount_fen, SUM(invested_fen) AS invested_fen").
		Where("year = ?", f.year).Group("union_id, channel_id")
	if len(f.unions) <= fewUnions {
		var present []int
		if err := f.tx.Model(&model.TallyDay{}).Distinct().Where("year = ? AND day BETWEEN ? AND ?", f.year, from, to).Pluck("day", &present).Error; err != nil {
			return err
		}
		q = q.Where("day IN ? AND union_id IN ?", present, f.unions)
	} else {
		q = q.Where("day BETWEEN ? AND ?", from, to)
	}
	var some []Cell
	if err := q.Scan(&some).Error; err != nil {
		return err
	}
	f.take(some, sign)
	return nil
}

// events counts the events on one side of the moment: those that are done, or those that wait.
func (f *formReading) events(done bool, condition string, moment time.Time, sign int64) error {
	sums := newSums()
	err := each(f.tx.Where("done = ?", done).Where(condition, moment), func(e model.TallyEvent) {
		if e.Year == f.year && f.wanted[e.UnionID] && (e.Times != 0 || e.AmountFen != 0 || e.InvestedFen != 0) {
			sums.addForm(e)
		}
	})
	some := make([]Cell, 0, len(sums.forms))
	for _, s := range sums.forms {
		some = append(some, Cell{s.UnionID, s.ChannelID, s.Times, s.AmountFen, s.InvestedFen})
	}
	f.take(some, sign)
	return err
}
