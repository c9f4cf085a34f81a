//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"bangfu/scripts/lab/world"
)

// buyer places one order of one piece and returns when it is certain.
type buyer func(ctx context.Context, m world.Member, g world.Goods) error

// naive is a checkout as it is usually written: one transaction an order at READ COMMITTED, SELECT … FOR UPDATE, decide, write, commit.
// It is spared what the product does besides: it checks no address, no certificates and no stored answer, and seals nothing.
type naive struct {
	house    *house
	prepared bool
	args     []func(p *purchase) []any // prepared: what belongs into each insert
	conns    chan *naiveConn           // as many as clients
	pool     *sql.DB
}

type naiveConn struct {
	*sql.Conn
	inserts []*sql.Stmt // prepared: one for each template
	selects [3]*sql.Stmt
	updates [2]*sql.Stmt
	buf     []byte
}

const (
	naivePrice     = "SELECT k.price_fen FROM skus k JOIN products p ON p.id = k.product_id WHERE k.id = ? AND k.status = 'on' AND p.status = 'on'"
	naiveAllowance = "SELECT balance_fen FROM allowances WHERE person_id = ? AND year = ? AND status = 'active' ORDER BY id FOR UPDATE"
	naiveStock     = "SELECT on_hand FROM stocks WHERE sku_id = ? FOR UPDATE"
	naiveTake      = "UPDATE stocks SET on_hand = on_hand - 1, updated_at = ? WHERE sku_id = ?"
	naivePay       = "UPDATE allowances SET balance_fen = balance_fen - ?, updated_at = ? WHERE id = ?"
)

func openNaive(ctx context.Context, h *house, clients int, prepared bool) (*naive, error) {
	dsn := h.db.DSN(benchDB) + "?transaction_isolation='READ-COMMITTED'&collation=utf8mb4_bin"
	if !h.db.MySQL {
		dsn = h.db.DSN(benchDB) + "?tx_isolation='READ-COMMITTED'&collation=utf8mb4_bin"
	}
	if !prepared {
		dsn += "&interpolateParams=true"
	}
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(clients)
	n := &naive{house: h, prepared: prepared, conns: make(chan *naiveConn, clients), pool: pool}
	for _, t := range h.templates {
		_, args := t.placeholders()
		n.args = append(n.args, args)
	}
	for range clients {
		c := &naiveConn{}
		if c.Conn, err = pool.Conn(ctx); err == nil && prepared {
			err = c.prepare(ctx, h.templates)
		}
		if err != nil {
			return nil, errors.Join(err, n.close())
		}
		n.conns <- c
	}
	return n, nil
}

func (c *naiveConn) prepare(ctx context.Context, templates []template) (err error) {
	stmt := func(text string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var s *sql.Stmt
		s, err = c.PrepareContext(ctx, text)
		return s
	}
	c.selects = [3]*sql.Stmt{stmt(naivePrice), stmt(naiveAllowance), stmt(naiveStock)}
	c.updates = [2]*sql.Stmt{stmt(naiveTake), stmt(naivePay)}
	for _, t := range templates {
		text, _ := t.placeholders()
		c.inserts = append(c.inserts, stmt(text))
	}
	return err
}

// close ends the connections; nobody may be buying.
func (n *naive) close() error {
	var errs []error
	for range len(n.conns) { // the pool does not close what is taken out of it
		errs = append(errs, (<-n.conns).Close())
	}
	return errors.Join(append(errs, n.pool.Close())...)
}

func (n *naive) buy(ctx context.Context, m world.Member, g world.Goods) error {
	c := <-n.conns
	defer func() { n.conns <- c }()
	p := newPurchase(n.house.app.DB, m, g)
	err := n.place(ctx, c, p)
	if err != nil {
		_, again := c.ExecContext(ctx, "ROLLBACK")
		err = errors.Join(err, again)
	}
	return err
}

func (n *naive) place(ctx context.Context, c *naiveConn, p *purchase) error {
	var price, balance, onHand int64
	if err := n.read(ctx, c, 0, naivePrice, &price, p.goods.SKU); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	if err := n.read(ctx, c, 1, naiveAllowance, &balance, p.member.Person, n.house.world.Year); err != nil {
		return err
	}
	if err := n.read(ctx, c, 2, naiveStock, &onHand, p.goods.SKU); err != nil {
		return err
	}
	if onHand < 1 || balance < price {
		return errors.New("sold out, or too little money")
	}
	for i, t := range n.house.templates {
		if err := n.insert(ctx, c, i, t, p); err != nil {
			return fmt.Errorf("%s: %w", t.table, err)
		}
	}
	if err := n.update(ctx, c, 0, naiveTake, p.at, p.goods.SKU); err != nil {
		return err
	}
	if err := n.update(ctx, c, 1, naivePay, price, p.at, p.member.Allowance); err != nil {
		return err
	}
	_, err := c.ExecContext(ctx, "COMMIT")
	return err
}

func (n *naive) read(ctx context.Context, c *naiveConn, i int, text string, into *int64, args ...any) error {
	if n.prepared {
		return c.selects[i].QueryRowContext(ctx, args...).Scan(into)
	}
	return c.QueryRowContext(ctx, text, args...).Scan(into)
}

func (n *naive) insert(ctx context.Context, c *naiveConn, i int, t template, p *purchase) error {
	if n.prepared {
		_, err := c.inserts[i].ExecContext(ctx, n.args[i](p)...)
		return err
	}
	c.buf = t.row(t.insert(c.buf[:0]), p)
	_, err := c.ExecContext(ctx, string(c.buf))
	return err
}

func (n *naive) update(ctx context.Context, c *naiveConn, i int, text string, args ...any) error {
	if n.prepared {
		_, err := c.updates[i].ExecContext(ctx, args...)
		return err
	}
	_, err := c.ExecContext(ctx, text, args...)
	return err
}
