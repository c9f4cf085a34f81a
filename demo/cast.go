package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/xuri/excelize/v2"

	"bangfu/service/union/rosterfile"
)

// The cast: every name, number and place is invented.

type unionPlan struct {
	name, kind string
	members    int
	children   []unionPlan
}

var city = []unionPlan{
	{name: "海湾区总工会（演示）", kind: "county", children: []unionPlan{
		{name: "海湾区第一中学工会（演示）", kind: "grassroots", members: 36},
		{name: "海湾区人民医院工会（演示）", kind: "grassroots", members: 42},
	}},
	{name: "北岭县总工会（演示）", kind: "county", children: []unionPlan{
		{name: "北岭县税务局工会（演示）", kind: "grassroots", members: 24},
		{name: "北岭县糖业公司工会（演示）", kind: "grassroots", members: 48},
	}},
	{name: "交通运输产业工会（演示）", kind: "industry", children: []unionPlan{
		{name: "公共汽车公司工会（演示）", kind: "grassroots", members: 30},
	}},
}

type skuPlan struct {
	spec  string
	yuan  int
	stock int
}

type productPlan struct {
	name, category, region, about string
	tint                          color.RGBA
	skus                          []skuPlan
}

type supplierPlan struct {
	name, login, contact, code string
	products                   []productPlan
}

type regionPlan struct {
	name, province, note string
	paired               bool
}

var regions = []regionPlan{
	{"桂北对口帮扶县（演示）", "广西壮族自治区", "粤桂协作对口帮扶支援合作地区（演示数据）", true},
	{"北岭县驻镇帮镇扶村点（演示）", "广东省", "乡村振兴驻镇帮镇扶村对口帮扶点（演示数据）", true},
	{"海湾区（演示）", "广东省", "", false},
}

var suppliers = []supplierPlan{
	{"桂北山货合作社（演示）", "demo-supplier1", "韦演示", "92999999DEM000001", []productPlan{
		{"高山香米", "粮油", "桂北对口帮扶县（演示）", "海拔八百米梯田一季稻，现碾现发。", color.RGBA{214, 186, 120, 255}, []skuPlan{{"5kg/袋", 68, 400}, {"10kg/袋", 128, 300}}},
		{"手剥山核桃", "干货", "桂北对口帮扶县（演示）", "当年新货，原味烘烤。", color.RGBA{150, 110, 80, 255}, []skuPlan{{"500g/罐", 59, 300}}},
	}},
	{"北岭水果专业社（演示）", "demo-supplier2", "陈演示", "92999999DEM000002", []productPlan{
		{"红橙礼盒", "水果", "北岭县驻镇帮镇扶村点（演示）", "帮扶村果园直采，坏果包赔。", color.RGBA{226, 120, 50, 255}, []skuPlan{{"5斤/箱", 88, 500}, {"10斤/箱", 158, 300}}},
	}},
	{"海湾水产公司（演示）", "demo-supplier3", "林演示", "92999999DEM000003", []productPlan{
		{"冻对虾", "水产", "海湾区（演示）", "船冻锁鲜，冷链到家。", color.RGBA{230, 150, 140, 255}, []skuPlan{{"1kg/盒", 98, 400}}},
		{"海盐鱼干", "干货", "海湾区（演示）", "低盐晾晒。", color.RGBA{120, 150, 170, 255}, []skuPlan{{"300g/包", 45, 300}}},
	}},
}

// creditCode completes the 17 characters of an invented 统一社会信用代码 with its check character (GB 32100-2015).
func creditCode(first17 string) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum, weight := 0, 1
	for _, r := range first17 {
		sum += strings.IndexRune(alphabet, r) * weight
		weight = weight * 3 % 31
	}
	return first17 + string(alphabet[(31-sum%31)%31])
}

// person is one member of the cast.
type person struct {
	name, phone, idNumber string
	union                 int // index among the grassroots unions
}

var (
	surnames = []rune("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华")
	given    = []string{"演示", "小满", "立春", "谷雨", "秋分", "冬至", "白露", "清明", "惊蛰", "芒种", "立夏", "大暑"}
)

// people invents the members of a union, numbered from first.
func people(union, n, first int) []person {
	list := make([]person, n)
	for i := range list {
		k := first + i
		list[i] = person{string(surnames[k%len(surnames)]) + given[(k/len(surnames)+k)%len(given)], rosterfile.DemoPhone(k), rosterfile.DemoIDNumber(k), union}
	}
	return list
}

// roster is a union's roster as the spreadsheet that its admin uploads.
func roster(list []person) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	rows := [][]any{{"姓名", "手机号", "身份证号", "工号", "部门"}}
	departments := []string{"办公室", "生产部", "后勤部"}
	for i, p := range list {
		rows = append(rows, []any{p.name, p.phone, p.idNumber, fmt.Sprintf("D%04d", i+1), departments[i%len(departments)]})
	}
	for i, r := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err := f.Write(&b)
	return b.Bytes(), err
}

// picture paints a product's picture: a soft disc on a ground of its colour.
func picture(tint color.RGBA) ([]byte, error) {
	const side = 480
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := x-side/2, y-side/2
			shade := 255 - (dx*dx+dy*dy)*110/(side*side/2)
			c := color.RGBA{uint8(255 * shade / 255), uint8(250 * shade / 255), uint8(240 * shade / 255), 255}
			if dx*dx+dy*dy < side*side/10 {
				c = color.RGBA{uint8(int(tint.R) * shade / 255), uint8(int(tint.G) * shade / 255), uint8(int(tint.B) * shade / 255), 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
