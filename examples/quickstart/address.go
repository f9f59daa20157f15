package main

import (
	"context"
	"net"
	"sync"
)

// address is where a service is found, whichever of its processes answers
// there. Servers take turns at it without a connection being refused, as behind
// a load balancer.
type address struct {
	listener net.Listener
	conns    chan net.Conn
	closing  chan struct{}
	accepted sync.WaitGroup
}

// listen opens an address on loopback, with a port of the kernel's choice.
func listen() (*address, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &address{listener: l, conns: make(chan net.Conn), closing: make(chan struct{})}
	a.accepted.Go(a.accept)
	return a, nil
}

func (a *address) accept() {
	for {
		c, err := a.listener.Accept()
		if err != nil {
			return
		}
		select {
		case a.conns <- c:
		case <-a.closing:
			c.Close()
		}
	}
}

func (a *address) url() string { return "http://" + a.listener.Addr().String() }

func (a *address) close() error {
	close(a.closing)
	err := a.listener.Close()
	a.accepted.Wait()
	return err
}

// turn returns a listener that accepts at the address. Closing it leaves the
// address open for the others.
func (a *address) turn() *turn { return &turn{address: a, over: make(chan struct{})} }

// turn is the time in which one server answers at an address.
type turn struct {
	*address
	over chan struct{}
	once sync.Once
	open sync.WaitGroup // connections that were accepted
}

// Accept implements [net.Listener].
func (t *turn) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		t.open.Add(1)
		return &conn{Conn: c, closed: sync.OnceFunc(t.open.Done)}, nil
	case <-t.over:
	case <-t.closing:
	}
	return nil, net.ErrClosed
}

// Addr implements [net.Listener].
func (t *turn) Addr() net.Addr { return t.listener.Addr() }

// Close implements [net.Listener].
func (t *turn) Close() error {
	t.once.Do(func() { close(t.over) })
	return nil
}

// wait returns when the connections that were accepted are closed, or ctx ends.
// Nothing may be accepted any more.
func (t *turn) wait(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		t.open.Wait()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// conn says when it is closed.
type conn struct {
	net.Conn
	closed func()
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
