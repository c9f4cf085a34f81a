//go:build unix

package lab

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"time"
)

// CommitFault is where a connection is cut around a COMMIT.
type CommitFault int

// The faults around a COMMIT.
const (
	CutBeforeCommit CommitFault = iota + 1 // the server never hears of the COMMIT: it rolls back
	CutAfterCommit                         // the server has committed; its answer never arrives
)

// Proxy passes TCP connections on to a server on loopback and breaks them when told to.
type Proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	latency time.Duration
	fault   CommitFault
	faults  int // how many more COMMITs are to be cut
	cut     int
	open    map[*link]struct{}
	hole    chan struct{} // not nil while nothing is passed on; closed when it goes on
	closed  bool
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	said           packets // by the client; only the pump of that direction looks at it
	swallow        bool    // the next answer of the server is lost, and the connection with it; guarded by the proxy's mu
}

// StartProxy listens on a free port of loopback and passes connections on to target (host:port).
func StartProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, open: map[*link]struct{}{}}
	go p.accept()
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetLatency delays everything by d in each direction.
func (p *Proxy) SetLatency(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
}

// CutAll cuts all connections that are open now and tells how many; new ones are accepted.
func (p *Proxy) CutAll() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.open)
	for l := range p.open {
		l.cut()
	}
	clear(p.open)
	return n
}

// CutCommits cuts the connections of the next n COMMITs that a MySQL client sends, at the given moment.
func (p *Proxy) CutCommits(fault CommitFault, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.faults = fault, n
}

// Cut is how many COMMITs have been cut so far.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

// BlackHole stops passing anything on, in both directions, without closing anything; BlackHole(false) goes on, with nothing lost.
func (p *Proxy) BlackHole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.hole == nil:
		p.hole = make(chan struct{})
	case !on && p.hole != nil:
		close(p.hole)
		p.hole = nil
	}
}

// Close cuts everything and stops listening.
func (p *Proxy) Close() error {
	p.BlackHole(false)
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.CutAll()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go p.connect(client)
		}
	}
}

func (p *Proxy) connect(client net.Conn) {
	p.wait()
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client: client, server: server}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		l.cut()
		return
	}
	p.open[l] = struct{}{}
	p.mu.Unlock()
	go p.pump(l, client, server, true)
	p.pump(l, server, client, false)
}

// pump passes on what from says to to until one of them ends or the proxy cuts the link.
func (p *Proxy) pump(l *link, from, to net.Conn, fromClient bool) {
	defer p.drop(l)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.wait()
			if !p.judge(l, fromClient, fromClient && l.said.commit(buf[:n])) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait lets the latency and a black hole pass.
func (p *Proxy) wait() {
	p.mu.Lock()
	latency, hole := p.latency, p.hole
	p.mu.Unlock()
	time.Sleep(latency)
	if hole != nil {
		<-hole
	}
}

// judge tells whether a piece is to be passed on; if not, the link is cut.
func (p *Proxy) judge(l *link, fromClient, commit bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !fromClient {
		return !l.swallow
	}
	if p.faults == 0 || !commit {
		return true
	}
	p.faults--
	p.cut++
	if p.fault == CutBeforeCommit {
		return false
	}
	l.swallow = true
	return true
}

// comQuery is the MySQL protocol's command byte of a query sent as text.
const comQuery = 0x03

// packets follows the packets of a MySQL client: three bytes of length, one number, then the content.
type packets struct {
	head []byte // what is known of the packet under way, no more than is needed to recognise a COMMIT
	rest int    // how much of its content is still to come once the length is known
}

// commit tells whether a COMMIT ends in this piece. Several packets may come in one piece, and one in several.
func (k *packets) commit(piece []byte) bool {
	found := false
	for len(piece) > 0 {
		if len(k.head) < 4 {
			k.head, piece = append(k.head, piece[0]), piece[1:]
			if len(k.head) < 4 {
				continue
			}
			k.rest = int(k.head[0]) | int(k.head[1])<<8 | int(k.head[2])<<16
		}
		n := min(k.rest, len(piece))
		k.head = append(k.head, piece[:min(n, max(0, 24-len(k.head)))]...)
		piece, k.rest = piece[n:], k.rest-n
		if k.rest == 0 {
			found = found || isCommit(k.head[4:])
			k.head = k.head[:0]
		}
	}
	return found
}

func isCommit(content []byte) bool {
	return len(content) > 0 && content[0] == comQuery && bytes.EqualFold(bytes.TrimRight(content[1:], "; "), []byte("COMMIT"))
}

func (p *Proxy) drop(l *link) {
	l.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, l)
}

// cut closes both ends at once, as a broken network does: what was on its way is lost.
func (l *link) cut() {
	for _, c := range []net.Conn{l.client, l.server} {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = c.Close()
	}
}
