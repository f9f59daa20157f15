package correlate

import (
	"slices"
	"strconv"
	"time"
)

// Filing is what one sink has of a problem, and what is on its way there.
type Filing struct {
	Sink       string    `json:"sink"`
	Generation int       `json:"generation"` // of its ticket; more than 1 where one could not be reopened
	Receipt    Receipt   `json:"receipt"`    // of the ticket; zero until it is filed
	Episode    int       `json:"episode"`    // of the problem, when the ticket was filed
	Previous   Receipt   `json:"previous"`   // of the generation before
	State      State     `json:"state"`      // what the sink was last told
	SentAt     time.Time `json:"sent_at"`    // when
	Sent       int64     `json:"sent"`       // with which count
	Pending    []string  `json:"pending"`    // IDs of its deliveries that are not settled
	Seq        int       `json:"seq"`        // numbers its deliveries
	Unknown    bool      `json:"unknown"`    // a File may have been sent, and nobody knows what became of it
	Parked     *Parked   `json:"parked"`     // the delivery that was given up, if one was
}

// Receipt is what an external system gave back for a ticket.
type Receipt struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// Parked is a delivery that is kept, but not tried any more.
type Parked struct {
	Operation Operation `json:"operation"`
	At        time.Time `json:"at"`
	Attempts  int       `json:"attempts"`
	Reason    string    `json:"reason"`
	Until     time.Time `json:"until"` // when it may be forgotten with its problem; zero means not before somebody decides
}

// Filing returns what a sink has of the problem. The zero Filing means nothing.
func (p Problem) Filing(sink string) Filing {
	if i := p.filing(sink); i >= 0 {
		return p.Filings[i]
	}
	return Filing{Sink: sink}
}

func (p Problem) filing(sink string) int {
	return slices.IndexFunc(p.Filings, func(f Filing) bool { return f.Sink == sink })
}

// Queue adds a delivery to each of the sinks. An update is not queued behind
// another one that waits, which will say the same. While the delivery that is
// to open a ticket is parked, and no return waits to open it, nothing else is
// queued: it stays where people see it, and says what is true when they send it
// again. It is a pure function: p is not changed.
func (p Problem) Queue(op Operation, sinks []string, now time.Time) (Problem, []Delivery) {
	p = p.clone()
	var add []Delivery
	for _, sink := range sinks {
		i := p.filing(sink)
		if i < 0 {
			p.Filings = append(p.Filings, Filing{Sink: sink, Generation: 1})
			i = len(p.Filings) - 1
		}
		f := &p.Filings[i]
		unopened := f.Parked != nil && f.Parked.Operation.opens() && !op.opens()
		if unopened && len(f.Pending) == 0 { // a return that waits would open it yet
			continue
		}
		if !unopened {
			f.Parked = nil // what is queued, or waits, says it too
		}
		if op == OpUpdate && len(f.Pending) > 0 {
			continue
		}
		add = append(add, p.queue(f, op, now))
		if op.opens() && p.State == Resolved {
			// Sent again after the end, which was not queued while it was parked.
			add = append(add, p.queue(f, OpResolve, now))
		}
	}
	return p, add
}

func (p Problem) queue(f *Filing, op Operation, now time.Time) Delivery {
	f.Seq++
	d := Delivery{
		ID:        p.ID + "/" + f.Sink + "/" + strconv.Itoa(f.Seq),
		Key:       Key{Scope: p.Scope, Kind: KindProblem, ID: p.ID},
		Sink:      f.Sink,
		Operation: op,
		Due:       now,
		Created:   now,
	}
	f.Pending = append(f.Pending, d.ID)
	return d
}

// opens reports whether the operation may file a ticket.
func (op Operation) opens() bool { return op == OpOpen || op == OpReopen }

// Action is what a delivery comes to, given what is true by now.
type Action string

const (
	ActNothing Action = "nothing" // it was overtaken, or the sink cannot do it
	ActFile    Action = "file"
	ActFind    Action = "find" // and file only if there is none
	ActUpdate  Action = "update"
	ActDedupe  Action = "dedupe"
)

// Plan decides what to do about a delivery of the problem. can says which
// optional methods the sink has.
func (p Problem) Plan(d Delivery, can Capabilities) Action {
	f := p.Filing(d.Sink)
	switch {
	case d.Operation == OpLook && f.Receipt != (Receipt{}) && can.Dedupe:
		return ActDedupe
	case d.Operation == OpLook:
		return ActNothing
	case f.Receipt == (Receipt{}) && !d.Operation.opens():
		return ActNothing // there is no ticket to change
	case f.Receipt == (Receipt{}) && f.Unknown && can.Find:
		return ActFind
	case f.Receipt == (Receipt{}):
		return ActFile
	case d.Operation == OpOpen:
		return ActNothing // filed by the attempt before, whose answer came late
	case d.Operation == OpReopen && !can.Update && f.Episode == p.Episode:
		return ActNothing // an earlier one that waited as long has filed it
	case d.Operation == OpReopen && !can.Update:
		return ActFile // though it may be over: nothing later will tell
	case d.Operation == OpReopen && p.State == Resolved, d.Operation == OpResolve && p.State == Open:
		return ActNothing // overtaken: a later delivery says how it ended
	case !can.Update:
		return ActNothing
	case d.Operation == OpUpdate && f.State != p.State:
		return ActNothing // overtaken
	default:
		return ActUpdate
	}
}

// Capabilities says which optional methods a sink has.
type Capabilities struct {
	Find, Update, Dedupe bool
}

// Trying notes, before it is sent, that a ticket is about to be filed, so that
// a crash between the sending and the answer is known as an unknown outcome.
func (p Problem) Trying(sink string) Problem {
	return p.change(sink, func(f *Filing) {
		// A receipt of this episode has come since the caller planned, from an
		// engine that lost its lease: the key must stay the same, so that the
		// sink can tell.
		if f.Receipt != (Receipt{}) && f.Episode != p.Episode {
			f.Previous, f.Receipt, f.State = f.Receipt, Receipt{}, ""
			f.Generation++
		}
		f.Episode = p.Episode
		f.Unknown = true
	})
}

// Accepted notes that a sink took a delivery. count is what it was told. An
// answer that comes after the delivery was settled by somebody else is heard
// only if there is no ticket otherwise.
func (p Problem) Accepted(d Delivery, r Receipt, count int64, now time.Time) Problem {
	f := p.Filing(d.Sink)
	first := f.Receipt == (Receipt{})
	if !slices.Contains(f.Pending, d.ID) && (!first || !d.Operation.opens()) {
		return p
	}
	p = p.change(d.Sink, func(f *Filing) {
		f.Receipt, f.Unknown, f.SentAt, f.Sent = r, false, now, count
		switch d.Operation {
		case OpResolve:
			f.State = Resolved
		case OpOpen, OpReopen:
			f.State = Open
		}
		f.Parked = nil // it was older, or this very one, taken for failed
		f.settled(d)
	})
	if first {
		p.note(now, "filed in "+d.Sink+": "+r.ID)
	}
	return p
}

// lookAfter is how long the search of a tracker may lag behind what is filed: then a
// double is seen.
const lookAfter = 5 * time.Second

// Look queues a look for doubles of a ticket that was just filed, or may have been.
func (p Problem) Look(sink string, now time.Time) (Problem, []Delivery) {
	if p.Filing(sink).Receipt == (Receipt{}) {
		return p, nil
	}
	var d Delivery
	p = p.change(sink, func(f *Filing) {
		d = p.queue(f, OpLook, now)
		d.Due = now.Add(lookAfter)
	})
	return p, []Delivery{d}
}

// Looked notes which ticket is left of those that a sink had, the zero Receipt if
// it found none. If that is another one than was known, it is queued what there is
// to tell it.
func (p Problem) Looked(d Delivery, r Receipt, now time.Time) (Problem, []Delivery) {
	known := p.Filing(d.Sink).Receipt
	p = p.change(d.Sink, func(f *Filing) {
		f.settled(d)
		if r != (Receipt{}) {
			f.Receipt = r
		}
	})
	if r.ID == "" || r.ID == known.ID {
		return p, nil
	}
	p.note(now, "stood twice in "+d.Sink+": "+known.ID+" is closed, "+r.ID+" goes on")
	op := OpUpdate
	if p.State == Resolved {
		op = OpResolve
	}
	return p.Queue(op, []string{d.Sink}, now)
}

// CatchUp queues the end of a problem for a sink that was told of its beginning too
// late: when the end was due there, it had no ticket.
func (p Problem) CatchUp(sink string, now time.Time) (Problem, []Delivery) {
	if f := p.Filing(sink); p.State != Resolved || f.State != Open || len(f.Pending) > 0 {
		return p, nil
	}
	return p.Queue(OpResolve, []string{sink}, now)
}

// Skipped notes that a delivery needed nothing to be sent.
func (p Problem) Skipped(d Delivery) Problem {
	return p.change(d.Sink, func(f *Filing) { f.settled(d) })
}

// Refused notes that a call failed for certain, and the delivery waits.
// unknown is what stood in the filing before the call: an earlier attempt
// whose outcome nobody knows stays unknown.
func (p Problem) Refused(d Delivery, unknown bool) Problem {
	return p.change(d.Sink, func(f *Filing) { f.Unknown = unknown })
}

// GivenUp notes that a delivery is parked.
func (p Problem) GivenUp(d Delivery, reason string, now time.Time) Problem {
	p = p.change(d.Sink, func(f *Filing) {
		f.Parked = &Parked{Operation: d.Operation, At: now, Attempts: d.Attempts, Reason: reason}
		f.settled(d)
	})
	p.note(now, string(d.Operation)+" parked for "+d.Sink+": "+reason)
	return p
}

func (p Problem) change(sink string, fn func(*Filing)) Problem {
	p = p.clone()
	i := p.filing(sink)
	if i < 0 {
		p.Filings = append(p.Filings, Filing{Sink: sink, Generation: 1})
		i = len(p.Filings) - 1
	}
	fn(&p.Filings[i])
	return p
}

func (f *Filing) settled(d Delivery) {
	f.Pending = slices.DeleteFunc(f.Pending, func(id string) bool { return id == d.ID })
}
