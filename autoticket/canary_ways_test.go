package autoticket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// leaving collects, by the way that it takes, all that leaves an engine.
type leaving struct {
	mu  sync.Mutex
	out map[string]*bytes.Buffer
}

func (l *leaving) to(way string) io.Writer { return &exit{l, way} }

func (l *leaving) printf(way, format string, args ...any) {
	fmt.Fprintf(l.to(way), format+"\n", args...)
}

// value writes all that a value holds.
func (l *leaving) value(way string, v any) {
	data, err := json.Marshal(v)
	l.printf(way, "%s %v %+v", data, err, v)
}

// file takes all that is in a file, also where it is free.
func (l *leaving) file(t *testing.T, way, path string) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	l.printf(way, "%s", data)
}

// journal takes all that was ever written to a journal and was not written over, and
// each record as it would be read.
func (l *leaving) journal(t *testing.T, path string) {
	l.file(t, "journal", path)
	require.NotEmpty(t, operations(t, filepath.Dir(path)))
}

type exit struct {
	l   *leaving
	way string
}

func (e *exit) Write(p []byte) (int, error) {
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	if e.l.out == nil {
		e.l.out = map[string]*bytes.Buffer{}
	}
	if e.l.out[e.way] == nil {
		e.l.out[e.way] = new(bytes.Buffer)
	}
	return e.l.out[e.way].Write(p)
}

// hook is a server that webhooks go to, and that says too much.
func hook(f flock, l *leaving) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.printf("webhook: line", "%s %s %s", r.Method, r.Host, r.URL)
		l.printf("webhook: headers", "%v %v", r.Header, r.Trailer)
		l.printf("webhook: body", "%s", body)
		w.Header().Set("X-Answer", f.next("header of an answer"))
		if len(body)%3 == 0 {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, f.next("answer to a webhook"))
	})
}

// failingSink fails in every way in turn, for reasons that say too much.
type failingSink struct{ f flock }

func (s failingSink) File(context.Context, sinks.Ticket) (sinks.Receipt, error) {
	var err error
	n := s.f.count("ways to fail")
	way := n / len(s.f) % 4
	if n%4 == 3 {
		way = 0 // a refusal is an answer, and so there are always more calls
	}
	switch way {
	case 0:
		err = &sinks.Error{Reason: sinks.Rejected, Err: errors.New(s.f.next("rejection"))}
	case 1:
		err = &sinks.Error{Reason: sinks.Unknown, Err: errors.New(s.f.next("unknown outcome"))}
	case 2:
		panic(s.f.next("panic of a sink"))
	default:
		err = dial(s.f.turn("a sink dials"), "URL that a sink dials")
	}
	return sinks.Receipt{}, err
}

// linkingSink gives back links to its tickets that let people in, and has no
// Update: a problem that returns is filed again, with the earlier link. It keeps
// the tickets that it is given.
type linkingSink struct {
	f flock
	l *leaving
}

func (s linkingSink) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	s.l.value("ticket", t)
	s.l.printf("ticket as text", "%s", t.Text())
	p := s.f.turn("a link to a ticket")
	return sinks.Receipt{ID: t.Key, URL: "https://tracker.example/7?access_token=" + url.QueryEscape(p.in("link to a ticket")) + "&q=" + url.QueryEscape(p.in("query of a link to a ticket"))}, nil
}

// spillingStore fails once in a while, and says with what it was asked. It keeps
// all that is ever written.
type spillingStore struct {
	correlate.Store
	f     flock
	l     *leaving
	spill struct{ writes, lists atomic.Bool }
	held  sync.RWMutex    // updates wait while it is locked
	seen  map[string]bool // parts of records
}

func (s *spillingStore) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	s.held.RLock()
	defer s.held.RUnlock()
	if s.spill.writes.CompareAndSwap(true, false) {
		return errors.New("store: dial postgres: " + s.f.next("error of the store"))
	}
	return s.Store.Update(ctx, key, s.written(fn))
}

func (s *spillingStore) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	s.l.printf("settled deliveries", "%+v %+v", d, o)
	return s.Store.Settle(ctx, d, o, s.written(fn))
}

// written keeps what an update writes: of each record, what was not there before.
func (s *spillingStore) written(fn correlate.UpdateFunc) correlate.UpdateFunc {
	if fn == nil {
		return nil
	}
	return func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, add, err := fn(cur, found)
		if err != nil {
			return next, add, err
		}
		s.l.mu.Lock()
		var fresh []string
		for _, part := range strings.Split(string(next.Data), `",`) {
			if !s.seen[part] {
				s.seen[part] = true
				fresh = append(fresh, part)
			}
		}
		s.l.mu.Unlock()
		s.l.printf("written records", "%s", strings.Join(fresh, `",`))
		for _, d := range add {
			s.l.value("queued deliveries", d)
		}
		return next, add, nil
	}
}

func (s *spillingStore) List(ctx context.Context, page correlate.Page) ([]correlate.Record, error) {
	if s.spill.lists.CompareAndSwap(true, false) {
		return nil, errors.New("store: list: " + s.f.next("error of a listing"))
	}
	return s.Store.List(ctx, page)
}
