package deployment

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Refresh reads what other processes have stored: of the services that this process counts for, and
// of those that are named, every five minutes, and of those that were asked for in the last ten minutes each
// time. It is to be called each minute. After an error what was known stays.
func (c *Counts) Refresh(ctx context.Context, now time.Time, also ...correlate.Scope) error {
	if c.forgets {
		return nil
	}
	c.busy.Lock()
	defer c.busy.Unlock()
	var damaged, unread int64
	room := maxRead
	for _, s := range c.due(now, also) {
		if !s.read {
			room -= s.size
			continue
		}
		records, size, bad, err := c.list(ctx, s.scope, room)
		if err != nil {
			return err
		}
		damaged += bad
		if room -= size; room < 0 {
			unread++
			records = nil
			room += size
		}
		c.learn(s.scope, records, now)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Damaged, c.stats.Unread = damaged, unread
	return nil
}

// scopeDue is a service whose counts are known, or are to be read now.
type scopeDue struct {
	scope correlate.Scope
	own   bool
	read  bool
	size  int
}

// due returns the services whose counts are wanted, those first that were asked for.
func (c *Counts) due(now time.Time, also []correlate.Scope) (out []scopeDue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = latest(c.now, now)
	own := map[correlate.Scope]bool{}
	for _, s := range also {
		own[c.scope(s)] = true
	}
	for rel := range c.own {
		own[rel.scope] = true
	}
	for rel := range c.sent {
		own[rel.scope] = true
	}
	for s, k := range c.read { // it has counted for it lately
		if k.counts(c.writer, now) {
			own[s] = true
		}
	}
	for s, at := range c.asked {
		if now.Sub(at) > askedFor {
			delete(c.asked, s)
		}
	}
	for s := range c.read {
		if _, asked := c.asked[s]; !asked && !own[s] {
			delete(c.read, s)
		}
	}
	add := func(s correlate.Scope, own bool) {
		_, asked := c.asked[s]
		k := c.read[s]
		out = append(out, scopeDue{scope: s, own: own, read: asked || k == nil || now.Sub(k.at) >= readEvery || now.Before(k.at), size: k.size()})
	}
	for s := range own {
		add(s, true)
	}
	for s := range c.asked {
		if !own[s] {
			add(s, false)
		}
	}
	rank := func(d scopeDue) int {
		_, asked := c.asked[d.scope]
		switch {
		case d.own && asked:
			return 0
		case asked:
			return 1
		}
		return 2
	}
	slices.SortFunc(out, func(a, b scopeDue) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), a.scope.Compare(b.scope)) })
	return out[:min(len(out), maxScopes)]
}

// counts reports whether a writer has counted lately.
func (k *fleetCounts) counts(id string, now time.Time) bool {
	for _, t := range k.records {
		if i := t.at(id); i >= 0 && now.Sub(t.writers[i].At) < time.Hour {
			return true
		}
	}
	return false
}

func (k *fleetCounts) size() (n int) {
	if k != nil {
		for _, t := range k.records {
			for _, v := range t.versions {
				n += 4 * v.cells() // about as it is stored
			}
		}
	}
	return n
}

// list reads the counts of a service, up to a size.
func (c *Counts) list(ctx context.Context, scope correlate.Scope, room int) (out map[string]*traffic, size int, damaged int64, err error) {
	const page = 32
	out = map[string]*traffic{}
	p := correlate.Page{Kind: KindTraffic, Scope: &scope, Max: page}
	for {
		records, err := c.config.Store.List(ctx, p)
		if err != nil {
			return nil, 0, 0, err
		}
		for _, r := range records {
			size += len(r.Data)
			t, err := decodeTraffic(r)
			if err != nil {
				damaged++
				continue
			}
			out[r.Key.ID] = t
		}
		if len(records) < page || size > room {
			return out, size, damaged, nil
		}
		p.After = records[len(records)-1].Key
	}
}

// learn takes what the store has for what is known. What was sent without an answer is forgotten if
// it is there.
func (c *Counts) learn(scope correlate.Scope, records map[string]*traffic, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read[scope] = &fleetCounts{at: now, records: records}
	for rel, b := range c.sent {
		t := records[trafficKey(rel.scope, rel.version, b.part).ID]
		if rel.scope == scope && t != nil && t.counted(c.writer, b.number) {
			delete(c.sent, rel)
			c.stats.Flushed++
		}
	}
	c.cached = nil
}
