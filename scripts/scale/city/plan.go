package city

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/bwmarrin/snowflake"

	"bangfu/model"
)

// Size says how large a city is.
type Size struct {
	Members, Unions, Orders, Claims int
}

// plan is the city in memory: what is needed to know of everything to make everything else.
type plan struct {
	size  Size
	today time.Time
	year  model.Year
	start time.Time // of the year
	rng   *rand.Rand

	root      model.Union
	unions    []node // federations first, then the grassroots unions
	grass     []int  // indexes of grassroots unions
	members   []member
	persons   int // the members from here on are second memberships of the first persons
	suppliers []supplier
	skus      []sku
	halls     []hall
	staff     map[string]model.ID // who stands for the city: maker, checker, cashier
	channel   model.ID            // of the product itself
	others    []model.ID          // channels for claims
	counter   model.ID            // channel of the halls
	sealed    sealed
}

type node struct {
	id, parent       model.ID
	path, name, kind string
	depth            int
	first, count     int // members
	active           int64
	admin, approver  model.ID
	extra, festival  model.Fen // granted per member; 0: none
	granted          [2]model.Fen
	revoked          [2]model.Fen
}

type member struct {
	union   int32
	left    bool
	balance [2]int32 // extra, festival
	claimed int32    // of the extra purse
}

type supplier struct {
	id   model.ID
	skus []int
	name string
}

type sku struct {
	id, product, region model.ID
	supplier            int
	price               model.Fen
	name, spec          string
	sold, returned      int64
	received            int64
}

type hall struct {
	id, cashier model.ID
	supplier    int
	name        string
}

// The series of ids: each has a day of its own before the year began, so that ids rise with the time and never meet.
const (
	idUnion = iota
	idStaff
	idPerson
	idMember
	idAccount
	idConsent
	idAddress
	idSession
	idSupplier
	idProduct
	idSKU
	idRegion
	idHall
	idFund
	idTopup
	idGrant
	idItem
	idAllowance
	idBudget
	idCertificate
	idClaim
	idFile
	idBank
	idSignal
	idGroup
	idGroupLine
	idReceiver
	idImport
	idBatch
	idSettlement
	idReceipt
	idRequest
	idInvoice
	idKinds
)

// id is the i-th of a series.
func (p *plan) id(kind, i int) model.ID {
	return idAt(p.start.Add(time.Duration(kind-idKinds-20)*24*time.Hour).Add(time.Duration(i)*time.Millisecond), 0)
}

// idAt is an id as the program makes it at a moment.
func idAt(at time.Time, seq int) model.ID {
	return model.ID((at.UnixMilli()-snowflake.Epoch)<<22 | int64(seq))
}

// chance is true in n of a thousand cases.
func (p *plan) chance(perMille int) bool { return p.rng.IntN(1000) < perMille }

// openingDay is when the first orders come, in the days of the year.
const openingDay = 20

var counties = []string{"赤坎区", "霞山区", "坡头区", "麻章区", "遂溪县", "徐闻县", "廉江市", "雷州市", "吴川市", "开发区"}
var industries = []string{"教育", "卫生健康", "交通运输", "农林水利"}
var trades = []string{"农产品加工", "渔业", "食品", "建材", "纺织", "机械", "物流", "供电", "供水", "医院", "学校", "港务", "商贸", "环卫", "通信", "旅游"}

// planUnions lays out the tree: the city, its counties with their industries, industries of the city, and below them the
// grassroots unions, one of which has a tenth of all members.
func (p *plan) planUnions() {
	add := func(parent int, kind, name string) int {
		n := node{id: p.id(idUnion, len(p.unions)), kind: kind, name: name, parent: p.root.ID, path: p.root.Path, depth: 1}
		if parent >= 0 {
			up := p.unions[parent]
			n.parent, n.path, n.depth = up.id, up.path, up.depth+1
		}
		n.path += n.id.String() + "/"
		n.admin, n.approver = p.id(idStaff, 100+2*len(p.unions)), p.id(idStaff, 101+2*len(p.unions))
		p.unions = append(p.unions, n)
		return len(p.unions) - 1
	}
	var above []int
	nCounties := min(len(counties), max(1, p.size.Unions/8))
	for _, c := range counties[:nCounties] {
		county := add(-1, "county", c+"总工会")
		above = append(above, county)
		if p.size.Unions < 200 {
			continue
		}
		for _, i := range industries {
			above = append(above, add(county, "industry", c+i+"工会"))
		}
	}
	for _, i := range industries {
		above = append(above, add(-1, "industry", "市"+i+"工会"))
	}
	for len(p.unions) < p.size.Unions {
		n := len(p.grass)
		at := add(above[(n*7)%len(above)], "grassroots", fmt.Sprintf("第%05d%s单位工会", n+1, trades[n%len(trades)]))
		p.grass = append(p.grass, at)
	}
}

// planMembers gives each grassroots union its members, in one run of numbers.
func (p *plan) planMembers() {
	p.members = make([]member, p.size.Members)
	p.persons = p.size.Members - p.size.Members/100
	weights, sum := make([]float64, len(p.grass)), 0.0
	for i := range weights {
		weights[i] = 1 / math.Pow(float64(i)+8, 0.7)
		sum += weights[i]
	}
	next := 0
	for i, u := range p.grass {
		n := &p.unions[u]
		n.first, n.count = next, max(1, int(weights[i]/sum*0.9*float64(p.size.Members)))
		if i == 0 {
			n.count = p.size.Members / 10
		}
		if i == len(p.grass)-1 || next+n.count > p.size.Members-(len(p.grass)-1-i) {
			n.count = max(1, p.size.Members-next-(len(p.grass)-1-i))
		}
		next += n.count
		n.extra = []model.Fen{300_00, 400_00, 500_00, 600_00, 600_00}[p.rng.IntN(5)]
		if p.chance(300) {
			n.festival = []model.Fen{200_00, 300_00, 500_00}[p.rng.IntN(3)]
		}
		for m := n.first; m < n.first+n.count; m++ {
			p.members[m].union, p.members[m].left = int32(u), m%37 == 36
		}
	}
	// What rounding left over goes to the last union.
	last := &p.unions[p.grass[len(p.grass)-1]]
	for ; next < p.size.Members; next++ {
		p.members[next].union = int32(p.grass[len(p.grass)-1])
		last.count++
	}
	for _, m := range p.members {
		if !m.left {
			p.unions[m.union].active++
		}
	}
}

// person is the number of the person behind a member.
func (p *plan) person(m int) int {
	if m >= p.persons {
		return m - p.persons
	}
	return m
}

func (p *plan) personID(m int) model.ID { return p.id(idPerson, p.person(m)) }
func (p *plan) memberID(m int) model.ID { return p.id(idMember, m) }

// holds tells whether a member was given money.
func (p *plan) holds(m int) bool { return m < p.persons }

func (p *plan) allowance(m, purse int) model.ID { return p.id(idAllowance, 2*m+purse) }
func (p *plan) fund(union, purse int) model.ID  { return p.id(idFund, 2*union+purse) }

var purses = [2]model.Purse{model.PurseExtra, model.PurseFestival}

func ptr[T any](v T) *T { return &v }
