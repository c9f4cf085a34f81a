package main

import (
	"context"
	"encoding/json"
	"time"

	"bangfu/model"
)

// yearsEnd lets the year end while members buy as fast as they can: what was placed before midnight is the old year's to the fen, what is
// left goes back to the union's fund, and nothing is spent afterwards.
func yearsEnd() Scenario {
	end := func() time.Time { return model.YearOf(time.Now()).End() }
	return Scenario{
		Name: "years-end", Fault: "31 December 24:00 in the middle of full load",
		Setup: Setup{Starts: func(time.Time) time.Time { return end().Add(-10 * time.Minute) }},
		Play: func(ctx context.Context, s *Stage) error {
			lead := s.Seconds(15, 6)
			if err := s.SetClock(time.Until(end()) - lead); err != nil {
				return err
			}
			midnight := time.Now().Add(lead)
			start := time.Now()
			l := s.Load(ctx, Traffic{Rate: -1, Replay: 0.05})
			s.Sleep(ctx, lead)
			s.Pace(l.Throughput(start, midnight), 0, 0)
			s.Sleep(ctx, s.Seconds(10, 4))
			swept, err := s.awaitSweep(ctx)
			if err != nil {
				return err
			}
			s.Goal(swept < 2*time.Minute, "with traffic going on, every allowance is swept %s after that", swept.Round(time.Second))
			l.Stop()
			return s.settleYear(ctx, end())
		},
	}
}

// awaitSweep waits until nothing is left in any allowance.
func (s *Stage) awaitSweep(ctx context.Context) (time.Duration, error) {
	db, err := s.DB()
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	start := time.Now()
	for left := int64(1); left > 0 && time.Since(start) < 2*time.Minute && ctx.Err() == nil; {
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM allowances WHERE balance_fen <> 0 OR held_fen <> 0").Scan(&left); err != nil {
			return 0, err
		}
		if left > 0 {
			sleep(ctx, 200*time.Millisecond)
		}
	}
	return time.Since(start), nil
}

// settleYear adds up the clients' journal and holds it against the fund.
func (s *Stage) settleYear(ctx context.Context, end time.Time) error {
	list, err := s.journal.fates()
	if err != nil {
		return err
	}
	var spent model.Fen
	placedBefore, placedAfter, unanswered := 0, 0, 0
	for _, f := range list {
		if len(f.acks) == 0 {
			if f.open() {
				unanswered++
			}
			continue
		}
		var a struct {
			AllowanceFen model.Fen `json:"allowance_fen"`
			PlacedAt     time.Time `json:"placed_at"`
		}
		if err := json.Unmarshal(f.acks[0], &a); err != nil {
			return err
		}
		spent += a.AllowanceFen
		if a.PlacedAt.Before(end) {
			placedBefore++
		} else {
			placedAfter++
		}
	}
	db, err := s.DB()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var given, fund, swept model.Fen
	err = db.QueryRowContext(ctx, "SELECT (SELECT SUM(amount_fen) FROM transfers WHERE kind = 'grant'), (SELECT SUM(balance_fen) FROM funds), (SELECT COALESCE(SUM(amount_fen), 0) FROM transfers WHERE kind = 'sweep')").Scan(&given, &fund, &swept)
	if err != nil {
		return err
	}
	s.Goal(placedBefore > 0 && placedAfter == 0, "of %d acknowledged orders none was placed in the new year with the old year's money (%d)", placedBefore+placedAfter, placedAfter)
	if unanswered > 0 {
		s.Note("%d keys had no answer yet when this was added up", unanswered)
		return nil
	}
	s.Goal(given-spent == swept && fund == swept, "to the fen: %s yuan given − %s spent by the clients' journal = %s swept = %s in the fund", given.Yuan(), spent.Yuan(), swept.Yuan(), fund.Yuan())
	return nil
}
