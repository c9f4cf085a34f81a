// Package model is what is stored: entities, money, ids, error codes, and the database that keeps them.
package model

import (
	"strings"
)

// ActorKind says what sort of actor does something.
type ActorKind string

// The kinds of actors.
const (
	ActorStaff   ActorKind = "staff"   // a console account; ID is staff.id
	ActorPerson  ActorKind = "person"  // a bound member; ID is persons.id
	ActorAccount ActorKind = "account" // a WeChat account not bound yet; ID is wechat_accounts.id
	ActorClock   ActorKind = "clock"   // scheduled work; no ID
	ActorSetup   ActorKind = "setup"   // migration and first start; no ID
	ActorVisitor ActorKind = "visitor" // somebody not logged in; no ID
)

// Actor is who does something: it is written into the audit trail and owns idempotency keys.
type Actor struct {
	Kind      ActorKind
	ID        ID
	AccountID ID     // the WeChat account behind a member, bound or not
	SessionID ID     // the session of a request
	Name      string // staff only
	Role      string // staff only
	UnionID   ID     // staff: root of the subtree that may be seen
	UnionPath string // staff: that union's path
	Supplier  ID     // suppliers' own accounts and cashiers: the supplier, else 0
	Hall      ID     // cashiers: the hall that they sell at, else 0
	Strong    bool   // the session passed a second factor
	// InitialPassword: staff whose password was made by somebody else and must be changed before anything else.
	InitialPassword bool
	// Consented: the WeChat account has agreed to the privacy notice in force.
	Consented bool
	RequestID string
}

// Ref is the actor as stored: "staff:12", "person:7", "clock".
func (a Actor) Ref() string {
	if a.ID == 0 {
		return string(a.Kind)
	}
	return string(a.Kind) + ":" + a.ID.String()
}

// Sees tells whether a union with the given path lies in the actor's subtree.
func (a Actor) Sees(unionPath string) bool {
	return a.UnionPath != "" && strings.HasPrefix(unionPath, a.UnionPath)
}

// Clockwork is the actor of scheduled work.
func Clockwork() Actor { return Actor{Kind: ActorClock} }
