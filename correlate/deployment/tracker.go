package deployment

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

// Config is what a [Tracker] works with.
type Config struct {
	// Store keeps what was deployed; replicas that share it share the history.
	Store correlate.Store
	// Redactor removes secrets before anything is stored. Defaults to the zero
	// Redactor, with all of its built-in detectors.
	Redactor *redact.Redactor
	// PerMinute is how many messages are taken within a minute; of one service at
	// most a quarter of them. Defaults to 240.
	PerMinute int
	// Keep is how long a deployment is kept, and how old one may be when it is
	// told. Defaults to 30 days.
	Keep time.Duration
	// MaxServices bounds the services of which a history is read. Defaults to
	// 10,000.
	MaxServices int
	// Forgets says that Store forgets with the process, as a [correlate.Memory] does,
	// which need not be said of one.
	Forgets bool
}

// Tracker learns what is deployed. It has no goroutine and no clock: its methods
// take the time, wait for the store, and may be called concurrently.
type Tracker struct {
	config  Config
	forgets bool
	history atomic.Pointer[History]
	learnt  atomic.Int64

	mu     sync.Mutex
	minute minute
	stats  Stats
}

// Stats counts what became of messages.
type Stats struct {
	Noted   int64 // stored
	Known   int64 // told before
	Invalid int64 // see [InvalidError]
	TooMany int64 // see [ErrTooMany]
	Failed  int64 // the store could not keep them
	Damaged int64 // records that could not be read, of the last [Tracker.Refresh]
	Unread  int64 // services beyond MaxServices, of the last [Tracker.Refresh]: at least so many
	Read    int64 // bytes that the last [Tracker.Refresh] read
}

// NewTracker returns a tracker. It does nothing with the store yet.
func NewTracker(c Config) *Tracker {
	if c.Redactor == nil {
		c.Redactor = &redact.Redactor{}
	}
	c.PerMinute = cmp.Or(c.PerMinute, 240)
	c.Keep = cmp.Or(c.Keep, defaultKeep)
	c.MaxServices = cmp.Or(c.MaxServices, 10_000)
	_, forgets := c.Store.(*correlate.Memory)
	return &Tracker{config: c, forgets: forgets || c.Forgets}
}

// Note stores what is told of a deployment. A time that is missing is now. The
// same message again changes nothing, and none can come too late, unless it is older than
// what is kept. The error is an [*InvalidError], [ErrTooMany], or the store's.
func (t *Tracker) Note(ctx context.Context, d Deployment, now time.Time) error {
	d, err := check(d, t.config.Redactor, t.config.Keep, now)
	if err != nil {
		t.count(func(s *Stats) { s.Invalid++ })
		return err
	}
	if !t.take(d.Scope, now) {
		return ErrTooMany
	}
	known := false
	err = t.update(ctx, d.Scope, func(p past) (past, bool) {
		p, added := p.add(d, now.Add(-t.config.Keep))
		known = !added
		return p, added
	})
	t.count(func(s *Stats) {
		switch {
		case err != nil:
			s.Failed++
		case known:
			s.Known++
		default:
			s.Noted++
		}
	})
	return err
}

// Seen stores that a process with a resource runs. It is to be called when the
// process starts and each minute while it runs; the store is written to once a minute for each
// version, whatever the number of replicas. A version, revision or deployment ID
// that was not seen before in its environment is a deployment, an older one
// that is seen again a rollback.
//
// With a [correlate.Memory] it returns [ErrNoHistory] and stores nothing. Other errors
// are an [*InvalidError], or the store's.
func (t *Tracker) Seen(ctx context.Context, resource []correlate.Attribute, now time.Time) error {
	if t.forgets {
		return ErrNoHistory
	}
	d := FromAttributes(resource)
	// Who set these meant a deployment, which is told otherwise; here it is asked what runs.
	d.Time, d.Status, d.Name = now, Started, ""
	d, err := check(d, t.config.Redactor, t.config.Keep, now)
	if err != nil {
		t.count(func(s *Stats) { s.Invalid++ })
		return err
	}
	p := presence{Version: d.Version, Revision: d.Revision, ID: d.ID, Region: d.Region, From: d.Time, To: d.Time}
	err = t.update(ctx, d.Scope, func(in past) (past, bool) {
		for _, k := range in.Presences {
			if k.is(p) && !p.From.Before(k.From) && p.To.Sub(k.To) < beat*3/4 {
				return in, false // another replica has said so
			}
		}
		in.Presences = sight(in.Presences, p)
		return in, true
	})
	if err != nil {
		t.count(func(s *Stats) { s.Failed++ })
	}
	return err
}

// errSame makes Update change nothing.
var errSame = errors.New("deployment: nothing to change")

func (t *Tracker) update(ctx context.Context, scope correlate.Scope, fn func(past) (past, bool)) error {
	err := t.config.Store.Update(ctx, keyOf(scope), func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		var p past
		if found {
			var err error
			if p, err = decodePast(cur); err != nil {
				return correlate.Record{}, nil, err
			}
		}
		p, changed := fn(p)
		if !changed {
			return correlate.Record{}, nil, errSame
		}
		next, err := encodePast(p, t.config.Keep)
		return next, nil, err
	})
	if errors.Is(err, errSame) {
		return nil
	}
	return err
}

// Refresh reads from the store what is known, which [Tracker.History] returns from
// then on. After an error it returns what it did before. A record that cannot be
// read is counted and left out.
func (t *Tracker) Refresh(ctx context.Context, now time.Time) error {
	const page = 256
	h := &History{}
	var damaged, unread, read int64
	p := correlate.Page{Kind: KindDeployment, Max: page}
	for {
		records, err := t.config.Store.List(ctx, p)
		if err != nil {
			return err
		}
		for _, r := range records {
			read += int64(len(r.Data))
			known, err := decodePast(r)
			switch {
			case err != nil:
				damaged++
			case len(h.scopes) >= t.config.MaxServices:
				unread++
			default:
				h.put(r.Key.Scope, known.timeline(r.Key.Scope, now))
			}
		}
		if len(records) < page || unread > 0 {
			break
		}
		p.After = records[len(records)-1].Key
	}
	h.sort()
	if !h.same(t.History()) {
		t.learnt.Add(1)
	}
	t.history.Store(h)
	t.count(func(s *Stats) { s.Damaged, s.Unread, s.Read = damaged, unread, read })
	return nil
}

// RefreshOf does what [Tracker.Refresh] does for a few services alone, at the cost of
// one small read of the store for each: what is known of the others stays as it was. A
// scope stands for itself alone. Before the first Refresh it does nothing. It must not be
// called while Refresh is.
func (t *Tracker) RefreshOf(ctx context.Context, scopes []correlate.Scope, now time.Time) error {
	h := t.History()
	if h == nil {
		return nil
	}
	fresh := map[correlate.Scope]timeline{}
	for _, scope := range scopes {
		records, err := t.config.Store.List(ctx, correlate.Page{Kind: KindDeployment, Scope: &scope, Max: 1})
		if err != nil {
			return err
		}
		for _, r := range records {
			if known, err := decodePast(r); err == nil && (len(h.scopes)+len(fresh) < t.config.MaxServices || h.knows(r.Key.Scope)) {
				fresh[r.Key.Scope] = known.timeline(r.Key.Scope, now)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	next := h.with(fresh)
	for scope := range fresh {
		if !slices.EqualFunc(h.Of(scope), next.Of(scope), alike) {
			t.learnt.Add(1)
			break
		}
	}
	t.history.Store(next)
	return nil
}

// Learnt returns how often [Tracker.Refresh] has found that something was deployed, or that
// more was told of it. The answers of [Suspects] may then be others.
func (t *Tracker) Learnt() int64 { return t.learnt.Load() }

// History returns what the last [Tracker.Refresh] read; nil before the first.
func (t *Tracker) History() *History { return t.history.Load() }

// Forgets reports whether the store forgets with the process, so that versions
// say nothing (see [ErrNoHistory]).
func (t *Tracker) Forgets() bool { return t.forgets }

// Stats returns what became of messages so far.
func (t *Tracker) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

func (t *Tracker) count(fn func(*Stats)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fn(&t.stats)
}

// minute counts what was taken in one minute.
type minute struct {
	start  time.Time
	total  int
	scopes map[correlate.Scope]int
}

// take reports whether one message more is taken, and counts it.
func (t *Tracker) take(scope correlate.Scope, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if start := now.Truncate(time.Minute); !start.Equal(t.minute.start) {
		t.minute = minute{start: start, scopes: map[correlate.Scope]int{}}
	}
	if t.minute.total >= t.config.PerMinute || t.minute.scopes[scope] >= max(1, t.config.PerMinute/4) {
		t.stats.TooMany++
		return false
	}
	t.minute.total++
	t.minute.scopes[scope]++
	return true
}
