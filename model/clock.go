package model

import (
	"time"
	_ "time/tzdata" // China's zone must exist on machines without zone files
)

// China is the zone in which all dates of the policy are judged (Asia/Shanghai). Stored times are UTC.
var China = mustZone("Asia/Shanghai")

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // tzdata is linked in; this cannot fail on a sound binary
	}
	return loc
}

// Clock tells the time. It is injected everywhere so that tests and the demonstration can move it;
// it is read once per transaction.
type Clock interface {
	// Now is the current time in UTC, cut to milliseconds (what the databases keep).
	Now() time.Time
}

// SystemClock is the real time.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return Millis(time.Now()) }

// Millis brings t to UTC and cuts it to milliseconds, the precision that every database here stores.
func Millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Year is a calendar year in China's zone; policies, funds and allowances belong to one.
type Year int

// YearOf tells the year that t falls in, judged in China's zone.
func YearOf(t time.Time) Year { return Year(t.In(China).Year()) }

// Start is the first moment of the year, 1 January 00:00 China time.
func (y Year) Start() time.Time { return time.Date(int(y), 1, 1, 0, 0, 0, 0, China).UTC() }

// End is the moment at which the year's money ends: 31 December 24:00 China time (exclusive).
func (y Year) End() time.Time { return (y + 1).Start() }

// Date is a calendar day in China's zone, "2006-01-02".
type Date string

// DateOf tells the China day that t falls on.
func DateOf(t time.Time) Date { return Date(t.In(China).Format(time.DateOnly)) }

// The years that dates may lie in: every database here can store the moments around them.
const (
	firstYear = 1900
	lastYear  = 9999
)

// ParseDate reads "2006-01-02" from 1900 to 9999 (which stands for "for ever"); field names the input in the error.
func ParseDate(field, s string) (Date, error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, China); err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return "", Invalid(field, "日期“"+clip(s, 20)+"”不正确，应写作 2025-08-25")
	}
	return Date(s), nil
}

// Start is the first moment of the day, China time. The date must be well-formed.
func (d Date) Start() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), China)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// End is the moment after the day (exclusive), China time.
func (d Date) End() time.Time { return d.Start().AddDate(0, 0, 1) }
