// Package demo plays a small city's year through the product's own HTTP interface, as its users would: an operator
// sets up the unions, admins import rosters and put money in, approvers confirm, members buy, suppliers ship, and the
// unions submit the statistics form. All people, phones and numbers in it are invented.
package demo

import (
	"sync/atomic"
	"time"

	"bangfu/model"
)

// Clock is the product's clock while the year is played: it is moved forward to each scene and in the end shows the
// real time again. It never stands still, so that what happens keeps its order.
type Clock struct{ offset atomic.Int64 } // nanoseconds added to the machine's time

// Now implements model.Clock.
func (c *Clock) Now() time.Time { return model.Millis(time.Now().Add(time.Duration(c.offset.Load()))) }

// Set moves the clock to at.
func (c *Clock) Set(at time.Time) { c.offset.Store(int64(time.Until(at))) }

// Real shows the machine's time from now on.
func (c *Clock) Real() { c.offset.Store(0) }
