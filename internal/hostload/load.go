package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// load is what the servers are given.
type load struct {
	Rounds      int
	Turn        time.Duration
	Connections int
}

// result is what came of the turns of one server.
type result struct {
	Served  int             // requests as fast as they were answered
	Elapsed time.Duration   // that took
	Latency []time.Duration // of requests at half that rate, sorted
}

func (r result) throughput() float64 { return float64(r.Served) / r.Elapsed.Seconds() }

func (r result) quantile(q float64) time.Duration {
	if len(r.Latency) == 0 {
		return 0
	}
	return r.Latency[min(len(r.Latency)-1, int(q*float64(len(r.Latency))))]
}

// kinds are the requests of each row, and what they are answered: by a server that does
// nothing else, which is the hardest to be compared with, and by one that waits for its
// database as most do.
var kinds = []struct {
	name, path string
	status     int
}{
	{"healthy", "/0s/orders/7", http.StatusOK},
	{"failing", "/0s/pay/7", http.StatusInternalServerError},
	{"healthy, database 2 ms", "/2ms/orders/7", http.StatusOK},
	{"failing, database 2 ms", "/2ms/pay/7", http.StatusInternalServerError},
}

// measure starts the servers, and gives them the same requests in turn.
func (l load) measure(ctx context.Context) (rows []row, err error) {
	without, err := startHost(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, without.stop()) }()
	with, err := startHost(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, with.stop()) }()
	for _, k := range kinds {
		a, b := client{addr: without.addr, path: k.path, status: k.status}, client{addr: with.addr, path: k.path, status: k.status}
		r := row{Requests: k.name}
		for range 4 { // warms both up, and says how much there is to bear
			if err := l.turns(ctx, 0, &a, &b); err != nil {
				return nil, err
			}
		}
		rate := a.result.throughput() / 2
		a.result, b.result = result{}, result{}
		for range l.Rounds {
			if err := l.turns(ctx, 0, &a, &b); err != nil {
				return nil, err
			}
			if err := l.turns(ctx, rate, &a, &b); err != nil {
				return nil, err
			}
		}
		slices.Sort(a.result.Latency)
		slices.Sort(b.result.Latency)
		r.Without, r.With = a.result, b.result
		rows = append(rows, r)
	}
	return rows, nil
}

// turns gives one turn to each client, in an order that changes.
func (l load) turns(ctx context.Context, rate float64, a, b *client) error {
	if a.turns%2 == 1 {
		a, b = b, a
	}
	for _, c := range []*client{a, b} {
		c.turns++
		if err := c.turn(ctx, l, rate); err != nil {
			return fmt.Errorf("%s%s: %w", c.addr, c.path, err)
		}
	}
	return nil
}

// client asks one server. It is written for this: net/http's would cost more than
// the server.
type client struct {
	addr, path string
	status     int
	turns      int
	result     result
}

// turn asks on all connections for the time of a turn: as fast as answers come, or
// at a rate.
func (c *client) turn(ctx context.Context, l load, rate float64) error {
	var wg sync.WaitGroup
	began := time.Now()
	latencies, errs := make([][]time.Duration, l.Connections), make([]error, l.Connections)
	var every time.Duration
	if rate > 0 {
		every = time.Duration(float64(l.Connections) / rate * float64(time.Second))
	}
	for i := range l.Connections {
		wg.Go(func() {
			first := began.Add(every * time.Duration(i) / time.Duration(l.Connections))
			latencies[i], errs[i] = c.ask(ctx, first, began.Add(l.Turn), every)
		})
	}
	wg.Wait()
	for i := range l.Connections {
		if errs[i] != nil {
			return errs[i]
		}
		if every > 0 {
			c.result.Latency = append(c.result.Latency, latencies[i]...)
		} else {
			c.result.Served += len(latencies[i])
		}
	}
	if every == 0 {
		c.result.Elapsed += time.Since(began)
	}
	return nil
}

// ask sends requests on a connection until the end, each when the one before was
// answered, but no sooner than every so often. A request that should have been sent
// earlier has waited since then: what a slow answer holds up counts too.
func (c *client) ask(ctx context.Context, due, end time.Time, every time.Duration) (latencies []time.Duration, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(end.Add(30 * time.Second)); err != nil {
		return nil, err
	}
	request := []byte("GET " + c.path + " HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: hostload\r\n\r\n")
	in := bufio.NewReader(conn)
	for ctx.Err() == nil {
		now := time.Now()
		if wait := due.Sub(now); wait > 0 {
			time.Sleep(wait)
			now = time.Now() // a timer that is late is not the server's
		} else if every > 0 {
			now = due
		}
		if !now.Before(end) {
			return latencies, nil
		}
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return nil, err
		}
		if answer.StatusCode != c.status {
			return nil, fmt.Errorf("answered %s, not %d", answer.Status, c.status)
		}
		latencies = append(latencies, time.Since(now))
		due = due.Add(every)
	}
	return latencies, ctx.Err()
}
