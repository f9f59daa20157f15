package autoticket

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/journal"
)

// firsts keeps first occurrences in the journal, on the goroutines that end
// spans, and finds there what an earlier process has left.
type firsts struct {
	s          *stages
	journal    *journal.Journal
	harmless   *harmless
	converters sync.Pool    // of *capture.Converter, which belong to one goroutine each
	warned     atomic.Int64 // when, in seconds, the log was last told of a failure
}

// journalOff is the path of no journal.
const journalOff = "off"

// openJournal opens the journal, if there is to be one. Without it the engine
// works all the same.
func (s *stages) openJournal() {
	path := s.config.Journal
	if path == "" {
		if file, ok := s.config.Store.(interface{ Path() string }); ok && file.Path() != "" {
			path = file.Path() + ".journal"
		}
	}
	if path == "" || path == journalOff {
		return
	}
	j, err := journal.Open(path, s.owner())
	if err != nil {
		s.config.Logger.Warn("spanticket: no journal: what fails just before the process is killed may be lost", "error", err)
		return
	}
	if names := j.Strangers(); len(names) > 0 {
		s.config.Logger.Warn("spanticket: journals of another service, or of this one under an earlier name, hold occurrences that are not filed", "files", names)
	}
	if names := j.Unreadable(); len(names) > 0 {
		s.config.Logger.Warn("spanticket: files at the path of the journal are damaged, or no journals, and are left as they are", "files", names)
	}
	if n := j.Damaged(); n > 0 {
		s.counters.Journal.Lost.Add(int64(n))
		s.config.Logger.Warn("spanticket: occurrences that an earlier process has left are damaged, and lost", "count", n)
	}
	f := &firsts{s: s, journal: j, harmless: newHarmless()}
	convert := s.convert.Clone()
	f.converters.New = func() any { c := convert.Clone(); return &c }
	s.firsts = f
	s.gate.Firsts = capture.NewFirsts(&s.counters.Journal, f.keep, j.Release)
}

// owner names the service, as far as that is known before a span comes. It must
// not change with a version or an instance.
func (s *stages) owner() string {
	if r := s.config.Resource; r != nil {
		return "service " + s.convert.Scope(r).String()
	}
	return "program " + s.counts.Signer.Module + " " + os.Getenv("OTEL_SERVICE_NAME")
}

// keep writes an occurrence of some rules to the journal.
func (f *firsts) keep(it capture.Item, set *celrule.Set, rules []int) (e journal.Entry, ok bool) {
	defer func() {
		if v := recover(); v != nil { // the host must not feel it, nor lose the span
			f.warn("panic", v)
		}
	}()
	c := f.converters.Get().(*capture.Converter)
	n := c.Node(it)
	f.converters.Put(c)
	o := n.Occurrence
	o.Path = []correlate.Step{n.Step}
	o.User, o.RemoteParent = n.User, n.Remote
	if n.Remote {
		o.Caller = n.Parent.String()
	}
	k := keptOccurrence{Run: f.s.ledger.Writer, Batch: f.s.numbered.Load() + 1}
	signer := f.s.counts.Signer
	for _, rule := range rules {
		o.Rule = set.Rule(rule).Name
		spec := coalesce.SpecOf(set, rule, o)
		k.Rules = append(k.Rules, keptRule{Name: o.Rule, ID: signer.ID(*o, spec), Earlier: signer.Earlier(*o, spec)})
	}
	record, err := k.encode(f.s.config.Redactor, f.harmless, o)
	if err != nil {
		f.warn("error", err)
		return 0, true // it will not be better the next time
	}
	e, err = f.journal.Put(record)
	switch {
	case err == nil:
		f.s.counters.Journal.Kept.Add(1)
	case !errors.Is(err, journal.ErrClosed):
		f.warn("error", err)
	}
	return e, err == nil
}

// warn counts that the journal fails, and tells the log, once a minute. It is called on the
// application's goroutines, and a handler may take its time.
func (f *firsts) warn(key string, value any) {
	f.s.counters.Journal.Failed.Add(1)
	now, last := time.Now().Unix(), f.warned.Load()
	if now-last >= int64(warnEvery/time.Second) && f.warned.CompareAndSwap(last, now) {
		go f.s.config.Logger.Warn("spanticket: first occurrences are not kept in the journal", key, value)
	}
}

// close ends the journal. What is left in it is for the next process.
func (f *firsts) close() {
	if f == nil {
		return
	}
	if err := f.journal.Close(); err != nil {
		f.s.config.Logger.Warn("spanticket: what was filed may be counted again after the start", "error", err)
	}
}

// left returns what an earlier process has left in the journal.
func (s *stages) left() (out []batch) {
	if s.firsts == nil {
		return nil
	}
	set := s.gate.Rules.Load()
	for _, r := range s.firsts.journal.Records() {
		batches, err := s.replayed(r.Data, set)
		if err != nil {
			s.counters.Journal.Lost.Add(1)
			s.config.Logger.Warn("spanticket: an occurrence that an earlier process has left is lost", "error", err)
		} else {
			s.counters.Journal.Replayed.Add(1)
		}
		if len(batches) == 0 {
			s.release([]journal.Entry{r.Entry})
			continue
		}
		batches[len(batches)-1].kept = []journal.Entry{r.Entry}
		out = append(out, batches...)
	}
	if len(out) > 0 {
		s.config.Logger.Info("spanticket: occurrences that an earlier process has left in the journal are counted", "count", len(out))
	}
	return out
}

// replayed returns the batches of an occurrence from the journal, one for each of
// its rules that there still is. They have the number of the batch that would have
// had it: if that one was counted, they are not.
func (s *stages) replayed(record []byte, set *celrule.Set) (out []batch, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, errors.New("it cannot be read") // a defect must not end each start
		}
	}()
	k, o, err := decodeKept(record)
	if err != nil {
		return nil, err
	}
	s.counters.Seen(0, true)
	for _, kr := range k.Rules {
		rule := ruleNamed(set, kr.Name)
		if rule < 0 {
			continue
		}
		o := *o
		o.Rule = kr.Name
		r := set.Rule(rule)
		b := batch{Batch: coalesce.Batch{Set: set, Rule: rule, Newest: &o}}
		b.Batch.Batch = correlate.Batch{
			Scope: o.Scope, Rule: r.Name, Threshold: r.Threshold, Quiet: r.Quiet, Count: 1,
			First: o.End, Last: o.End, Sample: o.Sample(), Writer: k.Run, Number: k.Batch,
			// What it was signed by was cut, and so it has the ID that it had.
			Signature: s.counts.Signer.Sign(o, coalesce.SpecOf(set, rule, &o)),
		}
		b.Signature.ID, b.Signature.Earlier = kr.ID, kr.Earlier
		b.Impact.Add(&o)
		if coalesce.IsCall(&o) {
			b.Calls = []correlate.Call{{TraceID: o.TraceID, SpanID: o.SpanID}}
		}
		if len(out) == 0 {
			b.Own = 1
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		s.counters.Add(correlate.NoRule, 1)
		s.decisions.record(decisionOf(o, correlate.StageMatch, correlate.NoRule))
		return nil, nil
	}
	s.counters.Occurrences.Add(1)
	return out, nil
}

func ruleNamed(set *celrule.Set, name string) int {
	for i := range set.Len() {
		if set.Rule(i).Name == name {
			return i
		}
	}
	return -1
}
