package app_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bangfu/api"
	"bangfu/model"
	"bangfu/service/identity"
)

// ofUnions are the kinds of things that belong to a union, ofSuppliers those that belong to a supplier, as far as lists show them.
var (
	ofUnions = []identity.Object{
		identity.ObjectMember, identity.ObjectRosterImport, identity.ObjectBindingRequest, identity.ObjectStaff, identity.ObjectFund, identity.ObjectTopup, identity.ObjectGrant,
		identity.ObjectClaim, identity.ObjectErasure, identity.ObjectRiskSignal, identity.ObjectGroupPurchase, identity.ObjectOrder, identity.ObjectAfterSale,
		identity.ObjectInvoiceRequest,
	}
	ofSuppliers = []identity.Object{identity.ObjectProduct, identity.ObjectBankAccount, identity.ObjectParcel, identity.ObjectAfterSale, identity.ObjectInvoiceRequest}
)

var idInBody = regexp.MustCompile(`"\d{10,20}"`)

// TestListsKeepToTheirScope opens everything that a route of the console shows of the caller's own union, supplier or hall, in every role that
// may, and looks for what belongs to others.
func TestListsKeepToTheirScope(t *testing.T) {
	s := newScene(t)
	mine, others := map[string]identity.Object{}, map[string]identity.Object{}
	for _, kind := range ofUnions {
		for _, position := range positions {
			if kind == identity.ObjectRosterImport && position != "own" {
				continue // its route is a union's own list
			}
			id := `"` + s.object(kind, s.unions[position], s.h.DB.NewID(), s.suppliers["other"]).String() + `"`
			if position == "own" || position == "child" {
				mine[id] = kind
			} else {
				others[id] = kind
			}
		}
	}
	ours, rivals := map[string]identity.Object{}, map[string]identity.Object{}
	for _, kind := range ofSuppliers {
		ours[`"`+s.object(kind, s.unions["sibling"], s.h.DB.NewID(), s.suppliers["own"]).String()+`"`] = kind
		rivals[`"`+s.object(kind, s.unions["sibling"], s.h.DB.NewID(), s.suppliers["other"]).String()+`"`] = kind
	}
	seen, opened, table := map[identity.Object]bool{}, 0, permissions(t)
	for _, r := range s.h.Server.Routes() {
		if r.Audience != api.Staff || r.Method != http.MethodGet || r.Object != "" && r.Object != identity.ObjectUnion && r.Object != identity.ObjectSupplier {
			continue
		}
		roles, _ := strings.CutSuffix(table[key(r)].roles, " +2fa")
		for _, x := range identity.Roles {
			if !slices.Contains(strings.Split(roles, ","), shortRoles[x.Role]) {
				continue
			}
			staff, good, bad := model.Staff{Role: string(x.Role), UnionID: s.unions["own"].ID}, mine, others
			if x.Role == identity.RoleSupplier || x.Role == identity.RoleCashier {
				supplier, hall := s.suppliers["own"], s.halls["own"]
				staff.SupplierID, good, bad = &supplier, ours, rivals
				if x.Role == identity.RoleCashier {
					staff.HallID = &hall
				}
			} else if r.Object == identity.ObjectSupplier || strings.HasSuffix(r.Path, "/products") {
				continue // of the shop everybody in the federations sees all
			}
			object := s.unions["own"].ID
			if r.Object == identity.ObjectSupplier {
				object = s.suppliers["own"]
			}
			for _, query := range []string{"?limit=100", "?limit=100&subtree=true", ""} {
				a := s.h.staffWith(staff, true).call(r, s.path(r, object)+query)
				if a.Status != http.StatusOK {
					continue // the route has no such parameter, or there is no such thing in this year
				}
				opened++
				for _, id := range idInBody.FindAllString(string(a.Body), -1) {
					if kind, theirs := bad[id]; theirs {
						t.Errorf("%s%s shows %s a %s of somebody else", key(r), query, shortRoles[x.Role], kind)
					}
					if kind, own := good[id]; own {
						seen[kind] = true
					}
				}
			}
		}
	}
	for _, kind := range slices.Concat(ofUnions, ofSuppliers) {
		if !seen[kind] {
			t.Errorf("no list shows the caller's own %s, so none can be known to keep others' to itself", kind)
		}
	}
	t.Logf("%d answers read, %d kinds of things seen", opened, len(seen))
}
