//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"bangfu/scripts/lab/world"
)

// limitBatch is how many orders the limit puts into one transaction.
const limitBatch = 1000

// limit is what the database can take at best: the same rows, blind, one multi-row INSERT a table for 1,000 orders, one update of
// stock and allowances, one commit, one writer.
type limit struct {
	house *house
	conn  *sql.Conn
	pool  *sql.DB
	buf   []byte
}

func openLimit(ctx context.Context, h *house) (*limit, error) {
	pool, err := sql.Open("mysql", h.db.DSN(benchDB)+"?collation=utf8mb4_bin")
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &limit{house: h, conn: conn, pool: pool}, nil
}

func (l *limit) close() error { return errors.Join(l.conn.Close(), l.pool.Close()) }

// buy places one order of one piece of the goods for each of the members, all different.
func (l *limit) buy(ctx context.Context, members []world.Member, g world.Goods) error {
	all := make([]*purchase, len(members))
	for i, m := range members {
		all[i] = newPurchase(l.house.app.DB, m, g)
	}
	exec := func(b []byte) error {
		l.buf = b
		_, err := l.conn.ExecContext(ctx, string(b))
		return err
	}
	if err := exec(append(l.buf[:0], "START TRANSACTION"...)); err != nil {
		return err
	}
	for _, t := range l.house.templates {
		b := t.insert(l.buf[:0])
		if t.table == bundles {
			b = t.bundled(b, all)
		} else {
			for i, p := range all {
				if i > 0 {
					b = append(b, ',')
				}
				b = t.row(b, p)
			}
		}
		if err := exec(b); err != nil {
			return err
		}
	}
	b := l.buf[:0]
	b = append(b, "UPDATE stocks SET on_hand = on_hand - "...)
	b = strconv.AppendInt(b, int64(len(all)), 10)
	b = append(append(b, " WHERE sku_id = "...), g.SKU.String()...)
	if err := exec(b); err != nil {
		return err
	}
	b = l.buf[:0]
	b = append(b, "UPDATE allowances SET balance_fen = balance_fen - "...)
	b = append(strconv.AppendInt(b, int64(g.Price), 10), " WHERE id IN ("...)
	for i, p := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.member.Allowance.String()...)
	}
	if err := exec(append(b, ')')); err != nil {
		return err
	}
	return exec(append(l.buf[:0], "COMMIT"...))
}
