package deployment

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

const (
	// maxOwn bounds the operations of one version that a process counts apart.
	maxOwn = 512
	// maxOwnCells bounds what a process keeps that is not stored yet: 12 bytes each.
	maxOwnCells = 200_000
	maxNames    = 16 << 10 // that are known redacted
	maxScopes   = 64       // of which counts are read
	maxAsked    = 48       // of them because somebody asked
	// maxRead bounds what is read, and kept, of counts of others: in bytes as they are
	// stored. In memory they take up to five times as much.
	maxRead = 2 << 20

	readEvery = 5 * time.Minute  // without anybody who asks
	askedFor  = 10 * time.Minute // after somebody did; then it is read each minute
)

// CountsConfig is what [Counts] work with.
type CountsConfig struct {
	// Store keeps the counts of all processes. With a [correlate.Memory], or none, they stay in
	// the process, and are lost with it.
	Store correlate.Store
	// Forgets says that the store forgets with the process, though it is no [correlate.Memory].
	Forgets bool
	// Redactor removes secrets from names before anything is stored. Defaults to the zero
	// Redactor.
	Redactor *redact.Redactor
	// Open returns what was counted and not given to [Counts.Add] yet; what is given to it must be
	// gone from here when Add returns, and not before. It may be nil, and is called by whoever asks for counts.
	Open func() []Traffic
}

// Traffic is what was counted of one operation of a version.
type Traffic struct {
	Scope     correlate.Scope
	Version   string    // as service.version says it; empty if that is not known
	Operation string    // name of the spans; empty for those of which there are too many to count apart
	From, To  time.Time // within one minute
	Count     Count
}

// Counts are this fleet's own counts of calls, by operation and version: they are [Rates], of
// this process up to now, and of the others as they were at the last [Counts.Refresh].
// Old versions are among them for 26 hours after their processes have gone.
//
// Calls are counted by the minute, and by ten minutes when that is three hours ago. Where a query cuts
// such a time, as much of its calls is taken as of the time, and they are taken to fail as
// often as the calls within the query that are not cut. So what fails since a change does not count
// as before it. A process that began or ended within a minute is not taken to have
// been there for all of it.
//
// A span that a head sampler dropped is not counted, since no processor sees it: rates are
// those of what was recorded. A call failed if its span's status is an error, or a panic ended it.
//
// All methods may be called concurrently; Flush and Refresh wait for the store,
// and for each other. There is no goroutine and no clock.
type Counts struct {
	config  CountsConfig
	forgets bool
	writer  string
	busy    sync.Mutex // held while the store is asked

	mu     sync.Mutex
	now    time.Time // the latest that was told
	own    map[release]*tally
	sent   map[release]*batch // that the store may not have
	batch  int64
	parts  map[release]int
	names  map[name]string
	read   map[correlate.Scope]*fleetCounts
	asked  map[correlate.Scope]time.Time
	cached *view
	added  int64 // how often Add was called
	stats  CountsStats
}

// CountsStats says what became of counts.
type CountsStats struct {
	Flushed int64 // batches that were stored
	Failed  int64 // attempts at which the store failed
	Lost    int64 // batches of which it is not known whether they were stored, and that were not sent again
	Damaged int64 // records that could not be read, of the last [Counts.Refresh]
	Unread  int64 // services of which there was too much to read, likewise
}

type release struct {
	scope   correlate.Scope
	version string
}

func (r release) compare(s release) int {
	return cmp.Or(r.scope.Compare(s.scope), cmp.Compare(r.version, s.version))
}

// batch is what was taken to be stored at once.
type batch struct {
	tally  *tally
	number int64
	part   int
	tried  time.Time // first
	unsure bool      // it may be stored already
}

// fleetCounts are what the store has of a service.
type fleetCounts struct {
	at      time.Time
	records map[string]*traffic // by their IDs; not changed
}

// NewCounts returns counts. It does nothing with the store yet.
func NewCounts(c CountsConfig) *Counts {
	if c.Redactor == nil {
		c.Redactor = &redact.Redactor{}
	}
	_, forgets := c.Store.(*correlate.Memory)
	return &Counts{
		config: c, forgets: forgets || c.Forgets || c.Store == nil, writer: rand.Text()[:12],
		own: map[release]*tally{}, sent: map[release]*batch{}, parts: map[release]int{}, names: map[name]string{},
		read: map[correlate.Scope]*fleetCounts{}, asked: map[correlate.Scope]time.Time{},
	}
}

// Add adds what was counted in a minute that has ended. It does not wait for the store.
func (c *Counts) Add(all ...Traffic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range all {
		c.add(c.own, t)
		c.now = latest(c.now, t.To)
	}
	c.bound()
	c.added++
	c.cached = nil
}

// add counts calls on a tally of its release.
func (c *Counts) add(in map[release]*tally, t Traffic) {
	if t.Count.Total <= 0 && t.Count.Failed <= 0 {
		return
	}
	key := release{c.scope(t.Scope), c.clean(known(t.Version))}
	own := in[key]
	if own == nil {
		own = newTally(key.version)
		in[key] = own
	}
	own.add(c.name(t.Operation), t.From, latest(t.From, t.To), t.Count)
	if len(own.operations) > maxOwn {
		own.fold(maxOwn / 2)
	}
}

// bound keeps what is not stored within bounds: of what is old the minutes are given up
// first, then the operations.
func (c *Counts) bound() {
	for _, t := range c.own {
		t.age(c.now)
	}
	for most := maxOwn; c.cells() > maxOwnCells; most /= 2 {
		if most == maxOwn {
			for _, t := range c.own {
				t.age(c.now.Add(keepMinutes - 10*time.Minute))
			}
			continue
		}
		for _, t := range c.own {
			t.fold(most)
		}
		if most == 0 {
			clear(c.own)
		}
	}
}

func (c *Counts) cells() (n int) {
	for _, t := range c.own {
		n += t.cells()
	}
	return n
}

// scope, clean and name return what identifies as it is stored, and as problems have it.
func (c *Counts) scope(s correlate.Scope) correlate.Scope {
	return correlate.Scope{Namespace: c.clean(s.Namespace), Service: c.clean(s.Service), Environment: c.clean(s.Environment)}
}

// name is a text that is redacted, as what identifies or as an operation.
type name struct {
	identifies bool
	text       string
}

func (c *Counts) clean(s string) string {
	return c.redacted(name{true, s}, func() string { return clean(c.config.Redactor, s, maxIdentity) })
}

func (c *Counts) name(s string) string {
	return c.redacted(name{false, s}, func() string { return strings.ToValidUTF8(c.config.Redactor.Text(s), "\uFFFD") })
}

func (c *Counts) redacted(key name, redact func() string) string {
	if key.text == "" {
		return ""
	}
	s, ok := c.names[key]
	if !ok {
		if len(c.names) >= maxNames {
			clear(c.names)
		}
		s = redact()
		c.names[key] = s
	}
	return s
}

// Stats returns what became of counts so far.
func (c *Counts) Stats() CountsStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Flush stores what was counted. It is to be called each minute, and when the process ends. A batch of which the
// store did not say whether it has it is sent again with the next call, and counted once.
// The error is the store's, or a [*correlate.FormatError]; what was not stored waits, up to
// a bound.
func (c *Counts) Flush(ctx context.Context, now time.Time) error {
	if c.forgets {
		return nil
	}
	c.busy.Lock()
	defer c.busy.Unlock()
	var errs []error
	for _, rel := range c.unsent() {
		for again := true; again; {
			b := c.take(rel)
			if b == nil {
				break
			}
			again = b.unsure // what was counted since follows it
			if err := c.flush(ctx, rel, b, now); err != nil {
				if _, ok := errors.AsType[*correlate.FormatError](err); !ok {
					return errors.Join(append(errs, err)...) // the others would fail, too
				}
				errs = append(errs, err)
				break
			}
		}
	}
	return errors.Join(errs...)
}

// unsent returns of what there is something to store, in order.
func (c *Counts) unsent() (out []release) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for rel := range c.sent {
		out = append(out, rel)
	}
	for rel := range c.own {
		if c.sent[rel] == nil {
			out = append(out, rel)
		}
	}
	slices.SortFunc(out, release.compare)
	return out
}

// take returns what is to be stored of a release: first what was sent before.
func (c *Counts) take(rel release) *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.sent[rel]; b != nil {
		return b
	}
	t := c.own[rel]
	if t == nil {
		return nil
	}
	c.batch++
	b := &batch{tally: t, number: c.batch, part: int(hashOf(c.writer) % uint32(max(c.parts[rel], 1)))}
	c.sent[rel] = b
	delete(c.own, rel)
	return b
}

// flush stores a batch.
func (c *Counts) flush(ctx context.Context, rel release, b *batch, now time.Time) error {
	if b.tried.IsZero() {
		b.tried = now
	}
	key := trafficKey(rel.scope, rel.version, b.part)
	var after *traffic
	lost := false
	err := c.config.Store.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		after, lost = &traffic{}, false
		if found {
			var err error
			if after, err = decodeTraffic(cur); err != nil {
				return correlate.Record{}, nil, err
			}
		}
		if after.counted(c.writer, b.number) {
			return correlate.Record{}, nil, errSame
		}
		if lost = b.unsure && after.forgot(c.writer, b.tried); lost { // once at most
			return correlate.Record{}, nil, errSame
		}
		after.add(b.tally)
		after.note(c.writer, b.number, now)
		after.fit(now)
		next, err := after.encode(now)
		return next, nil, err
	})
	if errors.Is(err, errSame) {
		err = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.cached = latest(c.now, now), nil
	if err != nil {
		c.stats.Failed++
		b.unsure = true
		return err
	}
	delete(c.sent, rel)
	if lost {
		c.stats.Lost++
	} else {
		c.stats.Flushed++
	}
	if after.active(now) >= partWriters {
		c.parts[rel] = min(max(c.parts[rel], 1)*2, maxParts)
	}
	c.keep(rel.scope, key.ID, after)
	return nil
}

// keep takes what was stored for what is known, if there is room for it.
func (c *Counts) keep(scope correlate.Scope, id string, t *traffic) {
	k := c.read[scope]
	if k == nil {
		size := 0
		for _, k := range c.read {
			size += k.size()
		}
		if len(c.read) >= maxScopes || size > maxRead {
			return // it is read when somebody asks
		}
		k = &fleetCounts{records: map[string]*traffic{}}
		c.read[scope] = k
	}
	k.records[id] = t
}
