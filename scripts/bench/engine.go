//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"bangfu/app"
	"bangfu/scripts/lab/world"
	"bangfu/service/order"
)

// checkout buys through the product's own service, in this process.
func checkout(a *app.App) buyer {
	return func(ctx context.Context, m world.Member, g world.Goods) error {
		cart := order.Cart{Items: []order.Item{{SKUID: g.SKU, Quantity: 1, PriceFen: g.Price}}, AddressID: m.Address, TotalFen: g.Price}
		_, err := a.Order.Checkout(ctx, m.Actor(), newKey(), cart)
		return err
	}
}

// batches is how many transactions the engine has made and how many checkouts were in them, from the product's own metrics.
func batches(a *app.App) (transactions, checkouts float64) {
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(w.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "checkout_batch_orders_count":
			transactions = n
		case "checkout_batch_orders_sum":
			checkouts = n
		}
	}
	return transactions, checkouts
}

// site is the whole product serving HTTP on loopback, in this process, background work included.
type site struct {
	server *http.Server
	stop   context.CancelFunc
	ended  chan struct{}
	addr   string
	conns  chan *httpConn // one a client, kept alive
}

func openSite(a *app.App, clients int) (*site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	working, stop := context.WithCancel(context.Background())
	s := &site{server: &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 6 * time.Minute, WriteTimeout: 6 * time.Minute},
		stop: stop, ended: make(chan struct{}), addr: l.Addr().String(), conns: make(chan *httpConn, clients)}
	go func() { _ = s.server.Serve(l) }() // ends by Close
	go func() {
		a.Run(working)
		close(s.ended)
	}()
	for range clients {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.conns <- &httpConn{Conn: c, in: bufio.NewReader(c)}
	}
	return s, nil
}

func (s *site) close() error {
	for range len(s.conns) {
		_ = (<-s.conns).Close()
	}
	s.stop()
	<-s.ended
	return s.server.Close()
}

// httpConn is a client that costs as little as possible, since it shares the machine with what it measures.
type httpConn struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func (s *site) buy(_ context.Context, m world.Member, g world.Goods) error {
	c := <-s.conns
	defer func() { s.conns <- c }()
	body := make([]byte, 0, 200)
	body = fmt.Appendf(body, `{"items":[{"sku_id":"%d","quantity":1,"price_fen":%d}],"address_id":"%d","total_fen":%d,"note":"","payment":"allowance"}`, g.SKU, g.Price, m.Address, g.Price)
	c.out = append(c.out[:0], "POST /api/v1/member/orders HTTP/1.1\r\nHost: "...)
	c.out = append(c.out, s.addr...)
	c.out = append(append(c.out, "\r\nAuthorization: Bearer "...), m.Token...)
	c.out = append(append(c.out, "\r\nIdempotency-Key: "...), newKey()...)
	c.out = append(c.out, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if _, err := c.Write(c.out); err != nil {
		return err
	}
	return c.answer()
}

// answer reads one response and is an error unless it is 201.
func (c *httpConn) answer() error {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	created := bytes.HasPrefix(line, []byte("HTTP/1.1 201"))
	status := strings.TrimSpace(string(line[:min(len(line), 40)]))
	length := 0
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	if created {
		_, err = c.in.Discard(length)
		return err
	}
	text, err := io.ReadAll(io.LimitReader(c.in, int64(length)))
	return errors.Join(fmt.Errorf("%s: %s", status, text), err)
}
