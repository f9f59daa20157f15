package storetest

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// bug names one way in which naive breaks a rule.
type bug string

// naive is a store that is plain and slow, and wrong in the way that bug says.
// Without one it is right.
type naive struct {
	bug bug

	mu      sync.Mutex
	now     time.Time // judges leases and expiry
	clock   bool      // now is a clock of its own, not the newest Claim.Now
	records map[correlate.Key]correlate.Record
	first   map[correlate.Key]correlate.Record // as they were when they were new
	outbox  []*queued                          // in the order in which they were queued
	leases  int
}

type queued struct {
	correlate.Delivery
	until time.Time
}

func newNaive(b bug) *naive {
	return &naive{bug: b, records: make(map[correlate.Key]correlate.Record), first: make(map[correlate.Key]correlate.Record)}
}

func (s *naive) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if ctx.Err() != nil && s.bug != "ignores the context" {
		return ctx.Err()
	}
	s.mu.Lock()
	if s.bug != "stays locked after a panic" {
		defer s.mu.Unlock()
	}
	cur, found := s.current(key)
	if s.bug == "updates overlap" {
		s.mu.Unlock()
		runtime.Gosched()
	}
	next, add, err := fn(cur, found)
	if s.bug == "updates overlap" {
		s.mu.Lock()
	}
	s.commit(key, next, add, err)
	if s.bug == "stays locked after a panic" {
		s.mu.Unlock()
	}
	if s.bug == "hides fn's error" {
		return nil
	}
	return err
}

func (s *naive) current(key correlate.Key) (correlate.Record, bool) {
	rec, found := s.records[s.storedKey(key)]
	if !found || s.expired(rec) {
		return correlate.Record{}, false
	}
	switch s.bug {
	case "loses the version":
		rec.Version = 0
	case "loses the expiry":
		rec.Expires = time.Time{}
	case "empty data is none":
		found = len(rec.Data) > 0
	}
	return rec, found
}

func (s *naive) storedKey(key correlate.Key) correlate.Key {
	switch s.bug {
	case "keys collide":
		return correlate.Key{Scope: correlate.Scope{Service: key.Scope.String()}, Kind: key.Kind, ID: key.ID}
	case "kinds collide":
		return correlate.Key{Scope: key.Scope, ID: key.ID}
	}
	return key
}

func (s *naive) expired(rec correlate.Record) bool {
	return !rec.Expires.IsZero() && !rec.Expires.After(s.now) && s.bug != "never expires"
}

func (s *naive) commit(key correlate.Key, next correlate.Record, add []correlate.Delivery, err error) {
	if err != nil && s.bug != "keeps the record of a failed fn" {
		next, _ = s.records[s.storedKey(key)]
		if s.bug != "keeps the deliveries of a failed fn" {
			add = nil
		}
	}
	if s.bug == "large data is cut" && len(next.Data) > 1<<16 {
		next.Data = next.Data[:1<<16]
	}
	if s.bug == "data is text" && next.Data != nil {
		next.Data = []byte(string([]rune(string(next.Data))))
	}
	next.Key = key
	if next.Data != nil {
		s.records[s.storedKey(key)] = next
		if _, old := s.first[key]; !old {
			s.first[key] = next
		}
	} else {
		delete(s.records, s.storedKey(key))
		if s.bug == "deliveries go with their record" {
			s.outbox = slices.DeleteFunc(s.outbox, func(q *queued) bool { return q.Key == key })
		}
	}
	for _, d := range add {
		d.Key = key
		d.Lease = ""
		if s.bug == "takes a lease from fn" {
			d.Lease = "forged"
		}
		if s.bug == "forgets when it was created" {
			d.Created = time.Time{}
		}
		if s.bug == "drops deliveries" || s.bug != "queues the same ID again" && s.find(d.ID) != nil {
			continue
		}
		s.outbox = append(s.outbox, &queued{Delivery: d})
	}
}

func (s *naive) find(id string) *queued {
	for _, q := range s.outbox {
		if q.ID == id {
			return q
		}
	}
	return nil
}

func (s *naive) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	if ctx.Err() != nil && s.bug != "ignores the context" {
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.clock && c.Now.After(s.now) {
		s.now = c.Now
	}
	type at struct {
		key  correlate.Key
		sink string
	}
	seen := make(map[at]bool)
	var free []*queued
	candidates := slices.Clone(s.outbox)
	if s.bug == "orders by ID" {
		slices.SortFunc(candidates, func(a, b *queued) int { return cmp.Compare(a.ID, b.ID) })
	}
	if s.bug == "orders by Created" {
		slices.SortStableFunc(candidates, func(a, b *queued) int { return a.Created.Compare(b.Created) })
	}
	for _, q := range candidates {
		scope := q.Key.Scope
		if s.bug == "scopes collide" {
			scope.Environment = c.Scope.Environment
		}
		if scope != c.Scope || !slices.Contains(c.Sinks, q.Sink) && s.bug != "ignores sinks" {
			continue
		}
		leased := q.Lease != "" && s.now.Before(q.until)
		if s.bug == "leases never end" {
			leased = q.Lease != ""
		}
		due := !q.Due.After(c.Now) || s.bug == "ignores Due"
		wanted := c.Wants(q.Operation) || s.bug == "ignores operations"
		ready := due && wanted && (!leased || s.bug == "ignores leases")
		if seen[at{q.Key, q.Sink}] && s.bug != "gives out a whole line" {
			continue
		}
		if ready || s.bug != "overtakes what waits" && (wanted || s.bug != "overtakes what is passed over") {
			seen[at{q.Key, q.Sink}] = true
		}
		if ready {
			free = append(free, q)
		}
	}
	switch s.bug {
	case "newest first":
		slices.SortStableFunc(free, func(a, b *queued) int { return b.Due.Compare(a.Due) })
	default:
		slices.SortStableFunc(free, func(a, b *queued) int { return a.Due.Compare(b.Due) })
	}
	if s.bug == "claims race" {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	var out []correlate.Delivery
	for _, q := range free {
		over := len(out) >= c.Max
		if over && s.bug != "leases more than it returns" && s.bug != "ignores Max" {
			break
		}
		s.leases++
		q.Lease, q.until = strconv.Itoa(s.leases), s.now.Add(c.Lease)
		if s.bug == "reuses leases" {
			q.Lease = "lease"
		}
		if !over || s.bug == "ignores Max" {
			out = append(out, q.Delivery)
		}
	}
	return out, nil
}

func (s *naive) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	if ctx.Err() != nil && s.bug != "ignores the context" {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.find(d.ID)
	lost := q == nil || q.Lease == "" || q.Lease != d.Lease
	switch {
	case q != nil && s.bug == "settles without a lease":
		lost = false
	case q == nil && s.bug == "settles what is gone":
		return nil
	case q != nil && s.bug == "refuses late settlements":
		lost = lost || !s.now.Before(q.until)
	}
	if lost {
		if s.bug == "writes without a lease" && fn != nil {
			next, _, _ := fn(s.current(d.Key))
			s.commit(d.Key, next, nil, nil)
		}
		return correlate.ErrLeaseLost
	}
	if s.bug == "deletes the record without fn" && fn == nil {
		delete(s.records, d.Key)
	}
	if fn != nil && s.bug != "ignores Settle's fn" {
		next, add, err := fn(s.current(q.Key))
		s.commit(q.Key, next, add, err)
		if s.bug == "settles though fn failed" {
			s.end(q, d, o)
		}
		if err != nil {
			return err
		}
	}
	s.end(q, d, o)
	return nil
}

func (s *naive) end(q *queued, d correlate.Delivery, o correlate.Outcome) {
	if o.Done && s.bug != "keeps what is done" {
		s.outbox = slices.DeleteFunc(s.outbox, func(e *queued) bool { return e == q })
		return
	}
	q.Due = o.Due
	if s.bug != "keeps the old attempts" {
		q.Attempts = d.Attempts
	}
	if s.bug == "tries again at once" {
		q.Due = time.Time{}
	}
	if s.bug != "a settled lease stays" {
		q.Lease = ""
	} else {
		q.until = time.Time{}
	}
	if s.bug == "a retry goes to the end" {
		s.outbox = append(slices.DeleteFunc(s.outbox, func(e *queued) bool { return e == q }), q)
	}
}

func (s *naive) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if ctx.Err() != nil && s.bug != "ignores the context" {
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []correlate.Record
	for key, rec := range s.records {
		_, there := s.records[p.After]
		switch {
		case s.bug != "kinds collide" && rec.Key.Kind != p.Kind && s.bug != "lists all kinds":
		case p.Scope != nil && key.Scope != *p.Scope && s.bug != "lists all scopes":
		case s.expired(rec) && s.bug != "lists what has expired":
		case p.After != correlate.Key{} && compareKeys(rec.Key, p.After) <= 0 && !(s.bug == "starts again after a deleted key" && !there):
		case s.bug == "lists old data":
			out = append(out, s.first[key])
		default:
			out = append(out, rec)
		}
	}
	slices.SortFunc(out, func(a, b correlate.Record) int {
		if s.bug == "lists by ID" {
			return cmp.Compare(a.Key.ID, b.Key.ID)
		}
		return compareKeys(a.Key, b.Key)
	})
	if s.bug == "lists more than a page" {
		return out, nil
	}
	return out[:min(p.Max, len(out))], nil
}

// clocked is a naive store with a clock of its own.
type clocked struct{ *naive }

func newClocked() clocked {
	s := newNaive("")
	s.clock, s.now = true, time.Now()
	return clocked{s}
}

func (s clocked) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}
