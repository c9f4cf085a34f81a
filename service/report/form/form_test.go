package form

import (
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bangfu/model"
)

// sample is a filled form with a figure of its own in each row, one of them negative.
func sample() Form {
	f := Form{
		UnionName:  "湛江市示范区第一小学工会委员会",
		Date:       "2025-08-25",
		Period:     "2025年1月1日至8月25日",
		Rows:       BlankRows(),
		Filler:     "陈示例",
		Phone:      "10012345678",
		DocumentNo: "湛工总〔2023〕25号",
	}
	amounts := [8]model.Fen{10, 123_456_789_012, -1_250, 60_000, 0, 1, 29, 1_999_999}
	for i := range f.Rows {
		f.Rows[i].PersonTimes = i * 137
		f.Rows[i].Amount = amounts[i]
		f.Rows[i].Invested = amounts[i] + 5
	}
	f.Rows[1].PersonTimes = 12_345
	return f
}

func TestChannelsAreTheOfficialRows(t *testing.T) {
	// The table of 附件3 in 湛工总〔2023〕25号, with the line breaks of its layout taken out.
	official := `粤工惠购平台
湛江市总工会消费帮扶官方平台“粤工惠·湛江号”
湛江市乡村振兴产品专馆
粤桂协作消费帮扶产品展销中心
消费帮扶联盟广东馆（原乡村振兴全国消费帮扶广东馆）
广东东西部扶贫协作产品交易网
832平台
其他采购渠道（含线上和线下）`
	if got := strings.Join(Channels[:], "\n"); got != official {
		t.Errorf("rows are\n%s\nwant\n%s", got, official)
	}
}

func TestRowOf(t *testing.T) {
	t.Run("RegistryText", func(t *testing.T) {
		registry := "name,annex3_row\n" +
			"脱贫地区农副产品网络销售平台（“832平台”）,832平台\n" +
			"湛江市总工会消费帮扶官方平台“粤工惠·湛江号”,湛江市总工会消费帮扶官方平台“粤工惠·湛江号”\n" +
			"东西优选网, 其他采购渠道（含线上和线下） \n"
		reader := csv.NewReader(strings.NewReader(registry))
		reader.LazyQuotes = true
		records, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{6, 1, 7} {
			if got, err := RowOf(records[i+1][1]); err != nil || got != want {
				t.Errorf("RowOf(%q) = %d, %v; want %d", records[i+1][1], got, err, want)
			}
		}
	})
	t.Run("EveryChannel", func(t *testing.T) {
		for i, name := range Channels {
			if got, err := RowOf(name); err != nil || got != i {
				t.Errorf("RowOf(%q) = %d, %v; want %d", name, got, err, i)
			}
		}
	})
	t.Run("NotARow", func(t *testing.T) {
		for _, name := range []string{"", "合计", "832 平台", "粤工惠购"} {
			if _, err := RowOf(name); model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("RowOf(%q): %v, want invalid", name, err)
			}
		}
	})
}

func TestTotalIsTheSumOfTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Form{UnionName: "示例工会", Rows: BlankRows()}
		want := Row{Channel: "合计"}
		for i := range f.Rows {
			r := &f.Rows[i]
			r.PersonTimes = rapid.IntRange(0, 1_000_000).Draw(t, "times")
			r.Amount = model.Fen(rapid.Int64Range(-1_000_000, 10_000_000_000).Draw(t, "amount"))
			r.Invested = model.Fen(rapid.Int64Range(-1_000_000, 10_000_000_000).Draw(t, "invested"))
			want.PersonTimes += r.PersonTimes
			want.Amount += r.Amount
			want.Invested += r.Invested
		}
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		if got := f.Total(); got != want {
			t.Fatalf("total %+v, want %+v", got, want)
		}
	})
}

func TestCheck(t *testing.T) {
	cases := map[string]struct {
		change func(*Form)
		field  string // of the error; "" when the form is good
	}{
		"Good":              {func(*Form) {}, ""},
		"NetBelowZero":      {func(f *Form) { f.Rows = BlankRows(); f.Rows[1].Amount = -60_000 }, ""},
		"NoDateYet":         {func(f *Form) { f.Date = "" }, ""},
		"NoUnionName":       {func(f *Form) { f.UnionName = " \t\u200b" }, "union_name"},
		"MalformedDate":     {func(f *Form) { f.Date = "2025-8-25" }, "date"},
		"RowsSwapped":       {func(f *Form) { f.Rows[0], f.Rows[1] = f.Rows[1], f.Rows[0] }, "rows"},
		"RowWithoutName":    {func(f *Form) { f.Rows[7].Channel = "" }, "rows"},
		"NegativeTimes":     {func(f *Form) { f.Rows[3].PersonTimes = -1 }, "rows"},
		"TimesTooLarge":     {func(f *Form) { f.Rows[3].PersonTimes = maxTimes + 1 }, "rows"},
		"AmountTooLarge":    {func(f *Form) { f.Rows[3].Amount = maxAmount + 1 }, "rows"},
		"AmountTooNegative": {func(f *Form) { f.Rows[3].Amount = -1 << 63 }, "rows"},
		"InvestedTooLarge":  {func(f *Form) { f.Rows[3].Invested = maxAmount + 1 }, "rows"},
		"TotalTooLarge":     {func(f *Form) { f.Rows[3].Amount, f.Rows[4].Amount = maxAmount, maxAmount }, "rows"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := sample()
			c.change(&f)
			checkField(t, f.Check(), c.field)
			if c.field != "" {
				checkField(t, XLSX(discard{t}, f), c.field)
				checkField(t, PDF(discard{t}, f), c.field)
			}
		})
	}
}

// discard fails the test when anything is written: a form that fails Check leaves no half file behind.
type discard struct{ t *testing.T }

func (d discard) Write(p []byte) (int, error) {
	d.t.Helper()
	d.t.Error("wrote a form that fails Check")
	return len(p), nil
}

func checkField(t *testing.T, err error, field string) {
	t.Helper()
	if field == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	e, ok := err.(*model.Error)
	if !ok || e.Code != model.CodeInvalid || len(e.Fields) != 1 || e.Fields[0].Name != field {
		t.Errorf("got %v, want invalid %s", err, field)
	}
}

func TestCleanDropsWhatMustNotReachADocument(t *testing.T) {
	cases := map[string]string{
		"甲\x00乙\r\n丙\t丁": "甲乙丙丁",
		"\u202e反\u2066写": "反写",
		"零\u200b宽\ufeff": "零宽",
		"坏\xff的":         "坏的",
		"行\u2028分":       "行分",
		"  两端空格　":        "两端空格",
		"=1+1":           "=1+1",
		"𬭸":              "𬭸",
	}
	for in, want := range cases {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}
