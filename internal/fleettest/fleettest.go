// Package fleettest has what every store that processes share must bear, besides
// what package storetest asks of all stores.
package fleettest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/realserver"
)

var key = correlate.Key{Scope: correlate.Scope{Service: "checkout"}, Kind: correlate.KindProblem, ID: "p1"}

// count adds one to a record, and queues a delivery with an ID of its own.
func count(id string) correlate.UpdateFunc {
	return func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		n := 0
		if found {
			var err error
			if n, err = strconv.Atoi(string(cur.Data)); err != nil {
				return correlate.Record{}, nil, err
			}
		}
		d := correlate.Delivery{ID: id, Sink: id, Operation: correlate.OpUpdate, Due: time.Unix(1, 0), Created: time.Unix(1, 0)}
		return correlate.Record{Version: 1, Data: []byte(strconv.Itoa(n + 1))}, []correlate.Delivery{d}, nil
	}
}

func read(t *testing.T, s correlate.Store) string {
	t.Helper()
	var data string
	looked := errors.New("looked")
	err := s.Update(t.Context(), key, func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
		data = string(cur.Data)
		return correlate.Record{}, nil, looked
	})
	if !errors.Is(err, looked) {
		t.Fatalf("Update = %v", err)
	}
	return data
}

// LostAnswers has four processes count on one record, and settle deliveries,
// while a tenth of all answers is lost. Nothing may be counted twice or not at
// all. open returns the store of a process that reaches the server at addr.
func LostAnswers(t *testing.T, addr string, open func(t *testing.T, addr string) correlate.Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	proxy := realserver.NewProxy(t, addr)
	const processes, each = 4, 25
	stores := make([]correlate.Store, processes)
	for i := range stores {
		stores[i] = open(t, proxy.Addr)
		read(t, stores[i])
	}
	proxy.DropAnswers(func() bool { return random.IntN(10) == 0 }) // called under the proxy's lock
	var wg sync.WaitGroup
	errs := make(chan error, 4*processes*each)
	for p, s := range stores {
		wg.Go(func() {
			for i := range each {
				sink := fmt.Sprintf("%d-%d", p, i)
				if err := untilKnown(func() error { return s.Update(t.Context(), key, count(sink)) }); err != nil {
					errs <- fmt.Errorf("counting: %w", err)
				}
			}
		})
	}
	wg.Wait()
	proxy.DropAnswers(nil)
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	if got := read(t, stores[0]); got != strconv.Itoa(processes*each) {
		t.Fatalf("counted %s; want %d", got, processes*each)
	}
	now := time.Now()
	for p := range processes {
		for i := range each {
			sink := fmt.Sprintf("%d-%d", p, i)
			claim := correlate.Claim{Scope: key.Scope, Sinks: []string{sink}, Now: now, Lease: time.Hour, Max: 10}
			ds, err := stores[0].Claim(t.Context(), claim)
			if err != nil || len(ds) != 1 || ds[0].ID != sink {
				t.Fatalf("Claim for sink %s = %v, %v; want its one delivery", sink, ds, err)
			}
			if i > 4 {
				continue
			}
			proxy.DropAnswers(func() bool { return random.IntN(10) == 0 })
			err = untilKnown(func() error {
				return stores[0].Settle(t.Context(), ds[0], correlate.Outcome{Done: true}, count("settled "+sink))
			})
			proxy.DropAnswers(nil)
			if err != nil {
				t.Fatalf("Settle = %v", err)
			}
		}
	}
	if got, want := read(t, stores[0]), strconv.Itoa(processes*(each+5)); got != want {
		t.Fatalf("counted %s with the settlements; want %s", got, want)
	}
}

// untilKnown tries again what failed before anything was written, because the
// answer to the reading was lost. An outcome that stays unknown, or a lease that
// is lost to nobody, is a failure where the server is there.
func untilKnown(try func() error) (err error) {
	for range 100 {
		err = try()
		if err == nil || errors.Is(err, correlate.ErrLeaseLost) || strings.Contains(err.Error(), "not known") {
			return err
		}
	}
	return err
}

// OutOfReach has a store fail soon where nobody listens and where nobody
// answers, at the end of its own patience and at that of its caller. open
// returns a store that waits so long.
func OutOfReach(t *testing.T, open func(t *testing.T, addr string, timeout time.Duration) correlate.Store) {
	const soon = 5 * time.Second // on a busy machine
	for _, test := range []struct {
		rule    string
		addr    string
		timeout time.Duration
		ctx     time.Duration // 0: has no end
		want    error
	}{
		{rule: "Nobody listens: an error at once.", addr: realserver.Nobody(t), timeout: time.Minute},
		{rule: "Nobody answers: an error after the timeout.", addr: realserver.Silent(t), timeout: 100 * time.Millisecond, want: context.DeadlineExceeded},
		{rule: "The caller's patience ends before.", addr: realserver.Silent(t), timeout: time.Minute, ctx: 100 * time.Millisecond, want: context.DeadlineExceeded},
	} {
		t.Run(test.rule, func(t *testing.T) {
			s := open(t, test.addr, test.timeout)
			for method, call := range map[string]func(context.Context) error{
				"Update": func(ctx context.Context) error { return s.Update(ctx, key, count("d")) },
				"Settle": func(ctx context.Context) error {
					return s.Settle(ctx, correlate.Delivery{ID: "d", Key: key, Lease: "l"}, correlate.Outcome{Done: true}, nil)
				},
				"Claim": func(ctx context.Context) error {
					_, err := s.Claim(ctx, correlate.Claim{Scope: key.Scope, Sinks: []string{"a"}, Now: time.Now(), Lease: time.Hour, Max: 1})
					return err
				},
				"List": func(ctx context.Context) error {
					_, err := s.List(ctx, correlate.Page{Kind: correlate.KindProblem, Max: 1})
					return err
				},
			} {
				ctx, cancel := t.Context(), func() {}
				if test.ctx > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.ctx)
				}
				began := time.Now()
				err := call(ctx)
				cancel()
				if took := time.Since(began); err == nil || took > soon || test.want != nil && !errors.Is(err, test.want) {
					t.Fatalf("%s = %v after %v; want an error that is %v within %v", method, err, took, test.want, soon)
				}
			}
		})
	}
}
