package allowance

import (
	"testing"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// FuzzReadAmounts: a list of people and amounts is taken within its rules or refused in words; no amount is zero, negative or over
// the limit, nobody stands on it twice.
func FuzzReadAmounts(f *testing.F) {
	person := "职工甲," + rosterfile.DemoIDNumber(1) + ",,"
	f.Add([]byte("姓名,身份证号,手机号,金额(元)\n"+person+"600\n"), int64(600_00), false, false)
	f.Add([]byte("姓名,手机号,金额\n职工甲,10000000001,199.98999999999998\n职工甲,10000000001,1\n"), int64(0), true, false)
	f.Add([]byte("姓名,手机号,份数\n职工甲,10000000001,999\n职工乙,10000000002,\n"), int64(0), true, true)
	f.Fuzz(func(t *testing.T, data []byte, limit int64, optional, pieces bool) {
		l := &amountList{rule: AmountRule{MaxRows: 20, Limit: model.Fen(limit), Optional: optional, Pieces: pieces}, today: "2026-11-20", rowOf: map[string]int{}}
		if err := l.read(data); err != nil {
			if code := model.CodeOf(err); code != model.CodeInvalid && code != model.CodeTooLarge {
				t.Errorf("%v", err)
			}
			return
		}
		if len(l.rows)+len(l.wrong) > 20 {
			t.Errorf("%d rows", len(l.rows)+len(l.wrong))
		}
		seen := map[string]bool{}
		for _, r := range l.rows {
			if seen[r.idNumber+r.phone] || r.name == "" || (r.idNumber == "") == (r.phone == "") {
				t.Errorf("%+v", r)
			}
			seen[r.idNumber+r.phone] = true
			outside := r.amount < 0 || r.amount > model.MaxFen || limit > 0 && r.amount > model.Fen(limit)
			if outside || !optional && !pieces && r.amount == 0 || pieces && (r.pieces < 1 || r.pieces > MaxPieces) {
				t.Errorf("%+v", r)
			}
		}
		if err := l.err(); err != nil && model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%v", err)
		}
	})
}

// FuzzAmountCell: an amount of a cell is above zero and within bounds, and the noise of a spreadsheet's number changes no fen.
func FuzzAmountCell(f *testing.F) {
	for _, s := range []string{"600", "199.99", "199.98999999999998", "0.1", "0.30000000000000004", "1e9", "-1", "99999999.999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		a, err := amountOf(cell)
		if err == nil && (a <= 0 || a > model.MaxFen) {
			t.Errorf("%q is %d fen", cell, a)
		}
		if err != nil && model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%v", err)
		}
		if exact, wrong := model.ParseYuan(cell); wrong == nil && exact != 0 && (err != nil || a != exact) {
			t.Errorf("%q is %d fen, but %d here: %v", cell, exact, a, err)
		}
		if n, err := piecesOf(cell); err == nil && (n < 1 || n > MaxPieces) {
			t.Errorf("%q is %d pieces", cell, n)
		}
	})
}
