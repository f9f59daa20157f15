package capture

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/internal/celrule"
)

const (
	// thinRate is how many failing spans a second the engine takes one by one. They
	// cost a fortieth of a processor.
	thinRate = 1000
	// thinBurst is how many it takes before it thins them out.
	thinBurst = 8 << 10
	// thinFirsts bounds, between two calls of Adjust, those that are taken because there
	// was none like them in the storm, but for the first of each kin.
	thinFirsts = 100
	// leastShare is the smallest part of the traces that is taken.
	leastShare = 1e-4
	thinSlots  = 1 << 12 // these are powers of two
	kinSlots   = 1 << 10
	thinProbes = 4 // slots in which a look may be
	// outSlots is a power of two. Where two traces meet in a slot, the later one is
	// known to be left out, and the other is decided about again.
	outSlots = 1 << 14
)

// Thin keeps a storm of failures from costing the host what the failures of quiet
// times do. While more fail than the engine takes one by one, it takes a part of the
// traces, by their IDs, so that a trace is taken whole or not at all; and any that
// begins with a failure unlike those before it. The others are counted by what they
// look like, and added to the next one of the same looks that is taken: the counts of
// problems stay true, and only their evidence is thinned.
//
// Admit may be called from any goroutine; Adjust belongs to one.
type Thin struct {
	all   atomic.Bool             // nothing is thinned out
	below atomic.Uint64           // traces whose order is below are taken
	taken atomic.Int64            // since the last Adjust
	left  atomic.Int64            // likewise, of those that were not
	first atomic.Int64            // likewise, of those taken because there was none like them
	seed  maphash.Seed            // of the slots' keys
	slots [thinSlots]thinSlot     // by look
	kin   [kinSlots]thinSlot      // by rule and operation
	out   [outSlots]atomic.Uint64 // orders of traces that are left out

	// ending says that a storm is over, and that those who have not heard of it yet may
	// count still.
	ending atomic.Bool

	at     time.Time // of the last Adjust
	credit float64   // spans that may be taken
}

// thinSlot counts how many of a look, or kin, were left out since the last one was
// taken. There is one only where one was.
type thinSlot struct {
	key atomic.Uint64
	n   atomic.Int64
	kin atomic.Uint64 // of a look
}

// NewThin returns one that takes everything.
func NewThin() *Thin {
	t := &Thin{seed: maphash.MakeSeed(), credit: thinBurst}
	t.all.Store(true)
	return t
}

// Active reports whether something is thinned out, or was and is still to be counted.
func (t *Thin) Active() bool { return !t.all.Load() || t.ending.Load() }

// Fate is what becomes of a failing span.
type Fate uint8

const (
	Taken   Fate = iota
	LeftOut      // it is counted with another one of its look
	Lost         // there are too many kinds of failures to count it
)

// Stand is for which others a failing span stands that is taken in a storm.
type Stand struct {
	Look   uint64 // what those of the same failure have in common; 0 if they are not counted
	Kin    uint64 // what those of its rule and operation have; likewise
	Like   int64  // left out, of its look
	Unlike int64  // left out, of its kin: there were too many looks to tell them apart
}

// Admit says what becomes of a failing span: if it is taken, for which others it
// stands. followed says that its trace is taken already.
func (t *Thin) Admit(sp sdktrace.ReadOnlySpan, set *celrule.Set, rule int, followed bool) (s Stand, f Fate) {
	at := order(sp.SpanContext().TraceID())
	out := &t.out[at%outSlots]
	// Of a trace that is left out what failed below is counted: without that, this
	// would be taken for a failure of its own.
	gone, all := out.Load() == at && at != 0, t.all.Load()
	if all && !gone {
		t.taken.Add(1)
		return s, Taken
	}
	s.Look, s.Kin = t.look(sp, set, rule)
	alike, kin := find(t.slots[:], s.Look), find(t.kin[:], s.Kin)
	known, related := alike.holds(s.Look), kin.holds(s.Kin)
	if !gone && (followed || at < t.below.Load() || !known && (kin != nil && !related || t.first.Add(1) <= thinFirsts)) {
		t.taken.Add(1)
		switch {
		case !kin.claim(s.Kin):
			s.Kin = 0
		case !known:
			s.Unlike = kin.n.Swap(0)
		}
		if !alike.claim(s.Look) {
			s.Look = 0
			return s, Taken
		}
		alike.kin.Store(s.Kin)
		s.Like = alike.n.Swap(0)
		return s, Taken
	}
	out.Store(at)
	t.left.Add(1)
	switch {
	case known:
		alike.n.Add(1)
	case gone: // a symptom, most likely
	case related:
		kin.n.Add(1)
	default:
		return s, Lost
	}
	return s, LeftOut
}

// giveBack counts again those for which a span was to stand that is lost.
func (t *Thin) giveBack(s Stand) {
	if slot := find(t.slots[:], s.Look); s.Like > 0 && slot.claim(s.Look) {
		slot.kin.Store(s.Kin)
		slot.n.Add(s.Like)
	}
	if slot := find(t.kin[:], s.Kin); s.Unlike > 0 && slot.claim(s.Kin) {
		slot.n.Add(s.Unlike)
	}
}

// find returns the slot of a key, or one that it may have, or nil.
func find(slots []thinSlot, key uint64) *thinSlot {
	for i := range uint64(thinProbes) {
		slot := &slots[(key+i)%uint64(len(slots))]
		switch slot.key.Load() {
		case key, 0:
			return slot
		}
	}
	return nil
}

func (s *thinSlot) holds(key uint64) bool { return s != nil && s.key.Load() == key }

// claim reports whether the slot is the key's from now on, if it was not before.
func (s *thinSlot) claim(key uint64) bool {
	return s != nil && (s.key.CompareAndSwap(0, key) || s.key.Load() == key)
}

// order is that of coalesce.Lowest: of the calls whose fate engines tell each other,
// the lowest are taken by the callee as by the caller, however much each thins out.
func order(id trace.TraceID) uint64 { return binary.BigEndian.Uint64(id[8:]) }

// look hashes what spans of the same failure have in common, as far as that is
// cheaply told: rule and operation, which make their kin, type of error, and the words
// of the message without those that have digits in them.
func (t *Thin) look(sp sdktrace.ReadOnlySpan, set *celrule.Set, rule int) (look, kin uint64) {
	message := sp.Status().Description
	if events := sp.Events(); len(events) > 0 {
		message = cmp.Or(textAt(events[len(events)-1].Attributes, messageKey), message)
	}
	name := ""
	if rule >= 0 {
		name = set.Rule(rule).Name // which stays when rules are loaded again
	}
	kin = cmp.Or(maphash.Comparable(t.seed, struct {
		rule, operation string
		failed          bool
	}{name, sp.Name(), sp.Status().Code == codes.Error}), 1)
	of := kin ^ maphash.String(t.seed, errorType(sp))
	return cmp.Or((of^wordsOf(message))*0x9E3779B97F4A7C15, 1), kin
}

// wordsOf hashes the words of a text that have no digit in them.
func wordsOf(s string) uint64 {
	const most = 96
	h, word, digit := uint64(0), uint64(0), false
	for _, c := range []byte(s[:min(len(s), most)]) {
		switch {
		case '0' <= c && c <= '9':
			digit = true
		case 'a' <= c|0x20 && c|0x20 <= 'z', c >= 0x80:
			word = (word ^ uint64(c)) * 0x100000001B3
		default:
			if !digit {
				h = (h ^ word) * 0x9E3779B97F4A7C15
			}
			word, digit = 0, false
		}
	}
	if !digit {
		h = (h ^ word) * 0x9E3779B97F4A7C15
	}
	return h
}

// Adjust decides which part of the traces is taken from now on. It is to be called
// some times a second while something fails. When a storm is over it calls rest as
// Drain does. It reports whether another storm begins, in which nothing was taken yet.
func (t *Thin) Adjust(now time.Time, rest func(Stand)) (begins bool) {
	since := now.Sub(t.at)
	if since < 50*time.Millisecond && since >= 0 {
		return false
	}
	t.at = now
	taken, left := float64(t.taken.Swap(0)), float64(t.left.Swap(0))
	t.first.Store(0)
	allowed := thinRate * min(max(since.Seconds(), 0), thinBurst/thinRate)
	t.credit = min(t.credit+allowed-taken, thinBurst)
	all := t.all.Load()
	if all && t.ending.CompareAndSwap(true, false) {
		t.Drain(rest)
	}
	switch {
	case all && t.credit >= 0:
		return false
	case !all && taken+left < allowed: // it is over, as far as can be seen
		t.credit = max(t.credit, 0)
		t.all.Store(true)
		t.Drain(rest)
		t.ending.Store(true)
		return false
	case all: // another one: what it begins with is not known
		t.Drain(rest)
		for i := range t.slots {
			t.slots[i].key.Store(0)
		}
		for i := range t.kin {
			t.kin[i].key.Store(0)
		}
	}
	// What there is too much of is paid back within a second or so.
	room := max(allowed+min(t.credit, 0)*min(since.Seconds(), 1), 0)
	share := min(max(room/max(taken+left, 1), leastShare), 1)
	t.below.Store(uint64(share * (1<<64 - 1<<11)))
	t.all.Store(false)
	return all
}

// Drain calls rest with each look, or kin, of which some are not counted yet.
func (t *Thin) Drain(rest func(Stand)) {
	for i := range t.slots {
		if n := t.slots[i].n.Swap(0); n > 0 {
			rest(Stand{Look: t.slots[i].key.Load(), Kin: t.slots[i].kin.Load(), Like: n})
		}
	}
	for i := range t.kin {
		if n := t.kin[i].n.Swap(0); n > 0 {
			rest(Stand{Kin: t.kin[i].key.Load(), Unlike: n})
		}
	}
}
