package form

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"bangfu/model"
)

const maxPDF = 200 << 10 // bytes; the whole font would be fifty times that

func renderPDF(t *testing.T, f Form) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := PDF(&out, f); err != nil {
		t.Fatal(err)
	}
	checkPDF(t, out.Bytes())
	return out.Bytes()
}

// checkPDF asserts what every rendering must be: one page, small, complete.
func checkPDF(t interface{ Errorf(string, ...any) }, pdf []byte) {
	if !bytes.HasPrefix(pdf, []byte("%PDF-1.")) || !bytes.HasSuffix(pdf, []byte("%%EOF\n")) {
		t.Errorf("not a complete PDF")
	}
	if !bytes.Contains(pdf, []byte("/Count 1\n")) || bytes.Count(pdf, []byte("/Type /Page\n")) != 1 {
		t.Errorf("not one page")
	}
	if !bytes.Contains(pdf, []byte("/ToUnicode")) || !bytes.Contains(pdf, []byte("/FontFile2")) {
		t.Errorf("no embedded font, or its text cannot be extracted")
	}
	if len(pdf) > maxPDF {
		t.Errorf("%d bytes, more than %d", len(pdf), maxPDF)
	}
}

// pdfText extracts the text with poppler's pdftotext; found is false on machines without it.
func pdfText(t *testing.T, pdf []byte) (text string, found bool) {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("pdftotext is not installed; the extracted text is not checked")
		return "", false
	}
	path := filepath.Join(t.TempDir(), "form.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out), true
}

func TestPDFText(t *testing.T) {
	f := sample()
	f.Draft, f.Demo = true, true
	text, found := pdfText(t, renderPDF(t, f))
	if !found {
		return
	}
	// Each line of the form with its columns, in order; the spaces of the layout do not matter.
	rest := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"附件3", "工会消费帮扶情况统计表",
		"单位（盖章）：湛江市示范区第一小学工会委员会 2025年8月25日",
		"采购平台",
		"粤工惠购平台 0 0.10",
		"湛江市总工会消费帮扶官方平台“粤工惠·湛江号” 12,345 1,234,567,890.12",
		"湛江市乡村振兴产品专馆 274 -12.50",
		"粤桂协作消费帮扶产品展销中心 411 600.00",
		"消费帮扶联盟广东馆（原乡村振兴全国消费帮扶广东馆） 548 0.00",
		"广东东西部扶贫协作产品交易网 685 0.01",
		"832平台 822 0.29",
		"其他采购渠道（含线上和线下） 959 19,999.99",
		"合计 16,044 1,234,588,478.01",
		"填报人：陈示例 联系电话：10012345678",
		"统计期间：2025年1月1日至8月25日",
		"消费总金额为订单付款减退款，加其他渠道采购；人次：一人一次有效购买计一人次，全额退款不计。",
		"文件依据：湛工总〔2023〕25号",
		"（草稿，未提交）（演示数据）",
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("%q is missing or out of order in\n%s", want, text)
		}
		rest = after
	}
	for _, want := range []string{"人次", "（单位：人）", "消费总金额或投入总额度", "（单位：元）"} {
		if !strings.Contains(text, want) {
			t.Errorf("heading %q is missing", want)
		}
	}
}

func TestPDFLongAndStrangeTexts(t *testing.T) {
	f := sample()
	f.UnionName = strings.Repeat("广东省湛江市某某示范县某某镇", 10) + "工会委员会"
	f.Filler = "𬭸\u202e\x00😀\uE000ا\U0010FFFD" + strings.Repeat("长", 300)
	f.Phone = strings.Repeat("10012345678、", 40)
	f.Period = strings.Repeat("期", 500)
	f.DocumentNo = strings.Repeat("W", 500)
	f.Rows[0].Amount, f.Rows[1].Amount = maxAmount-1_000_000_000_000, 0
	f.Rows[0].PersonTimes = maxTimes
	text, found := pdfText(t, renderPDF(t, f))
	if !found {
		return
	}
	for _, want := range []string{"工会委员会", "9,989,999,999,999.99", "999,999,999", "□", "长…", "期…", "W…"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestPDFTakesAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := sample()
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[（）“”，。一-龥]{0,80}`))
		f.UnionName = "工会" + text.Draw(t, "union")
		f.Filler = text.Draw(t, "filler")
		f.Phone = text.Draw(t, "phone")
		f.Period = text.Draw(t, "period")
		f.DocumentNo = text.Draw(t, "number")
		var out bytes.Buffer
		if err := PDF(&out, f); err != nil {
			t.Fatal(err)
		}
		checkPDF(t, out.Bytes())
	})
}

func TestEveryCharacterIsDrawnOrReplaced(t *testing.T) {
	p, err := newPage()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range title + noteRules + markDraft + markDemo + headAmount + strings.Join(Channels[:], "") + "…□〔〕" {
		if got := p.printable(string(r), bodySize); got != string(r) {
			t.Errorf("the font lacks %q", r)
		}
	}
	for r := rune(0); r <= 0x10FFFF; r++ {
		if p.printable(string(r), bodySize); p.err != nil {
			t.Fatalf("%U: %v", r, p.err)
		}
	}
}

func TestLinesBreakWhereTheyMay(t *testing.T) {
	p, err := newPage()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]string{ // at a width of five characters
		"":           {""},
		"一二三四五":      {"一二三四五"},
		"一二三四五六":     {"一二三四五", "六"},
		"一二三四五）六":    {"一二三四", "五）六"},
		"一二三四（五六）":   {"一二三四", "（五六）"},
		"））））））":     {"）））））", "）"}, // nowhere allowed: breaks all the same
		"一二\n三四五六七八": {"一二", "三四五六七", "八"},
	}
	for text, want := range cases {
		got := p.split(text, 50.1, 10)
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q breaks into %q, want %q", text, got, want)
		}
	}
	if p.err != nil {
		t.Error(p.err)
	}
}

func TestGrouped(t *testing.T) {
	for amount, want := range map[model.Fen]string{
		0: "0.00", 5: "0.05", -5: "-0.05", 99_999: "999.99", 100_000: "1,000.00", -100_000: "-1,000.00",
		-12_345: "-123.45", 123_456_789: "1,234,567.89", maxAmount: "9,999,999,999,999.99",
	} {
		if got := grouped(amount); got != want {
			t.Errorf("grouped(%d) = %q, want %q", amount, got, want)
		}
	}
}

func TestPDFSameFormSameBytesAlsoAtOnce(t *testing.T) {
	want := renderPDF(t, sample())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			var out bytes.Buffer
			if err := PDF(&out, sample()); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Error("two renderings of one form differ")
			}
		})
	}
	wait.Wait()
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteErrorsAreReturned(t *testing.T) {
	for name, render := range map[string]func(io.Writer, Form) error{"PDF": PDF, "XLSX": XLSX} {
		if err := render(broken{}, sample()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v, want the writer's error", name, err)
		}
	}
}

func TestFontIsThePinnedOne(t *testing.T) {
	sums, err := os.ReadFile("font/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(fontFile)
	if got := hex.EncodeToString(sum[:]) + "  NotoSansSC_400Regular.ttf\n"; got != string(sums) {
		t.Errorf("the embedded font is %s, want %s", got, sums)
	}
	licence, err := os.ReadFile("font/OFL.txt")
	if err != nil || !bytes.Contains(licence, []byte("SIL OPEN FONT LICENSE Version 1.1")) {
		t.Errorf("the font's licence is not beside it: %v", err)
	}
}

func BenchmarkPDF(b *testing.B) {
	f := sample()
	if err := PDF(io.Discard, f); err != nil { // parses the font
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := PDF(io.Discard, f); err != nil {
			b.Fatal(err)
		}
	}
}
