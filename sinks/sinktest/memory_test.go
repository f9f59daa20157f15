package sinktest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spanticket/spanticket/sinks"
)

// memory is a tracker that keeps the rules, unless a field says otherwise.
type memory struct {
	deaf   bool // does not look at ctx
	once   bool // refuses a known key
	twice  bool // takes a known key as a new ticket
	blind  bool // finds nothing
	strict bool // Find fails for an unknown key
	final  bool // does not reopen
	keep   bool // retains the ticket

	mu    sync.Mutex
	byKey map[string]string
	kept  []sinks.Ticket
	files int
	done  bool
}

func (m *memory) enter(ctx context.Context) error {
	if m.deaf {
		return nil
	}
	return ctx.Err()
}

func (m *memory) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if err := m.enter(ctx); err != nil {
		return sinks.Receipt{}, err
	}
	if len([]rune(t.Title)) > 255 || len([]rune(t.Text())) > 4000 {
		return sinks.Receipt{}, &sinks.Error{Reason: sinks.Rejected, Err: errors.New("too large")}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id, known := m.byKey[t.Key]
	m.files++
	if known && m.once {
		return sinks.Receipt{}, errors.New("already exists")
	}
	if !known || m.twice {
		id = fmt.Sprintf("%s/%d", t.Key, m.files)
		if m.byKey == nil {
			m.byKey = map[string]string{}
		}
		m.byKey[t.Key] = id
	}
	if m.keep {
		m.kept = append(m.kept, t)
	}
	return sinks.Receipt{ID: id, URL: "https://tracker.example/" + t.Key}, nil
}

func (m *memory) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	if err := m.enter(ctx); err != nil {
		return sinks.Receipt{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done && m.final && t.State == sinks.Open {
		return sinks.Receipt{}, errors.New("resolved for good")
	}
	m.done = t.State == sinks.Resolved
	return r, nil
}

func (m *memory) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	if err := m.enter(ctx); err != nil {
		return sinks.Receipt{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok := m.byKey[key]
	if !ok && m.strict {
		return sinks.Receipt{}, false, errors.New("not found")
	}
	if !ok || m.blind {
		return sinks.Receipt{}, false, nil
	}
	return sinks.Receipt{ID: id}, true, nil
}

func (m *memory) Limits() sinks.Limits { return sinks.Limits{Title: 255, Body: 4000} }

// youngest is a Deduper that leaves the wrong ticket.
type youngest struct{ memory }

func (y *youngest) Dedupe(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	r, ok, err := y.Find(ctx, key)
	r.ID += " the second"
	if !ok {
		r = sinks.Receipt{}
	}
	return r, ok, err
}

// careless says that it is Keyed, whether it is or not.
type careless struct{ memory }

func (*careless) Keyed() {}
