package realserver

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server, and cuts connections at the worst
// time: when the server has done what it was asked and answers.
type Proxy struct {
	Addr string

	mu   sync.Mutex
	drop func() bool
	open map[net.Conn]bool
}

// NewProxy starts a proxy that forwards to addr until the test ends.
func NewProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	p := &Proxy{Addr: l.Addr().String(), open: make(map[net.Conn]bool)}
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.open[client], p.open[server] = true, true
			p.mu.Unlock()
			go p.forward(server, client, false)
			go p.forward(client, server, true)
		}
	}()
	return p
}

// DropAnswers has the proxy ask drop about each piece of an answer: when it
// returns true, the piece is thrown away and the connection cut. nil stops it.
func (p *Proxy) DropAnswers(drop func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = drop
}

// Cut cuts all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *Proxy) forward(to, from net.Conn, answers bool) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
		p.mu.Lock()
		delete(p.open, from)
		p.mu.Unlock()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if answers && p.drops() {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) drops() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drop != nil && p.drop()
}

// Silent returns the address of a server that accepts connections and never
// says anything.
func Silent(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// Nobody returns an address at which nothing listens.
func Nobody(t testing.TB) string {
	t.Helper()
	return freePort(t)
}
