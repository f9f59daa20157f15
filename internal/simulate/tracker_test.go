package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// tracker is an external system. What it is sent it keeps, and answers as the
// step that goes on says.
type tracker struct {
	w       *world
	class   class
	tickets []*ticket
}

// class is how safe it is to file in a tracker again.
type class int

const (
	keyed    class = iota // it knows the key: a second File changes nothing
	searched              // it can be searched, and what was filed is found some seconds later
	blind                 // it can be sent tickets, and no more
)

type ticket struct {
	key     string
	number  int
	state   sinks.State
	count   int64
	filedAt time.Time
}

// searchLag is how long a ticket is not found after it was filed.
const searchLag = 2 * time.Second

// answer is how a call of a tracker goes.
type answer int

const (
	succeeds   answer = iota
	commits           // and the answer is lost
	vanishes          // nothing is known of it, and nothing came of it
	fails             // for the time being
	limits            // the rate
	refuses           // the credential
	rejects           // the ticket
	panics            // the sink does
	numAnswers        // no answer
)

// outcome says what a call has to do: whether it has an effect, and its error.
func (a answer) outcome() (effect bool, err error) {
	reason := map[answer]sinks.Reason{
		commits: sinks.Unknown, vanishes: sinks.Unknown, fails: sinks.Transient,
		limits: sinks.RateLimited, refuses: sinks.Unauthorized, rejects: sinks.Rejected,
	}
	switch a {
	case succeeds:
		return true, nil
	case panics:
		panic("a defect in a sink")
	}
	return a == commits, &sinks.Error{Reason: reason[a], Err: errors.New("the tracker says no")}
}

func (tr *tracker) receipt(t *ticket) sinks.Receipt {
	return sinks.Receipt{ID: fmt.Sprint("#", t.number)}
}

func (tr *tracker) file(t sinks.Ticket) (sinks.Receipt, error) {
	effect, err := tr.w.called()
	if !effect {
		return sinks.Receipt{}, err
	}
	var made *ticket
	if tr.class == keyed {
		if i := slices.IndexFunc(tr.tickets, func(have *ticket) bool { return have.key == t.Key }); i >= 0 {
			made = tr.tickets[i]
		}
	}
	if tr.class == searched && !tr.w.paused && len(tr.seen(t.Key)) > 0 {
		tr.w.broken("%s is filed again, though a search finds it", t.Key)
	}
	if made == nil {
		made = &ticket{key: t.Key, number: len(tr.tickets) + 1, filedAt: tr.w.now}
		tr.tickets = append(tr.tickets, made)
	}
	made.state, made.count = t.State, t.Count
	if err != nil {
		return sinks.Receipt{}, err
	}
	return tr.receipt(made), nil
}

// seen returns the tickets that a search for the key finds, oldest first.
func (tr *tracker) seen(key string) (found []*ticket) {
	for _, t := range tr.tickets {
		if t.key == key && tr.w.now.Sub(t.filedAt) >= searchLag {
			found = append(found, t)
		}
	}
	return found
}

func (tr *tracker) find(key string) (sinks.Receipt, bool, error) {
	effect, err := tr.w.called()
	found := tr.seen(key)
	if !effect || err != nil || len(found) == 0 {
		return sinks.Receipt{}, false, err
	}
	return tr.receipt(found[0]), true, nil
}

func (tr *tracker) dedupe(key string) (sinks.Receipt, bool, error) {
	effect, err := tr.w.called()
	found := tr.seen(key)
	if !effect || len(found) == 0 {
		return sinks.Receipt{}, false, err
	}
	for _, t := range found[1:] {
		t.state = duplicate
	}
	return tr.receipt(found[0]), err == nil, err
}

// duplicate is the state of a ticket that was closed for another.
const duplicate sinks.State = "duplicate"

func (tr *tracker) update(r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	effect, err := tr.w.called()
	if effect {
		i := slices.IndexFunc(tr.tickets, func(have *ticket) bool { return tr.receipt(have) == r })
		if i < 0 {
			tr.w.broken("an update of %s, which was never filed", r.ID)
		} else if tr.tickets[i].state != duplicate {
			tr.tickets[i].state, tr.tickets[i].count = t.State, t.Count
		}
	}
	return r, err
}

// open returns the numbers of the open tickets of a problem.
func (tr *tracker) open(problem string) (numbers []int) {
	for _, t := range tr.tickets {
		if t.state == sinks.Open && tr.about(t, problem) {
			numbers = append(numbers, t.number)
		}
	}
	return numbers
}

func (tr *tracker) about(t *ticket, problem string) bool {
	return t.key == "spt:"+problem || strings.HasPrefix(t.key, "spt:"+problem+"-")
}

// The sinks of the trackers differ in what they can do.
type (
	blindSink    struct{ *tracker }
	updatedSink  struct{ blindSink }
	keyedSink    struct{ updatedSink }
	searchedSink struct{ updatedSink }
)

func (s blindSink) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) { return s.file(t) }

func (keyedSink) Keyed() {}

func (s updatedSink) Update(_ context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.update(r, t)
}

func (s searchedSink) Find(_ context.Context, key string) (sinks.Receipt, bool, error) {
	return s.find(key)
}

func (s searchedSink) Dedupe(_ context.Context, key string) (sinks.Receipt, bool, error) {
	return s.dedupe(key)
}

func (tr *tracker) sink() sinks.Sink {
	switch tr.class {
	case keyed:
		return keyedSink{updatedSink{blindSink{tr}}}
	case searched:
		return searchedSink{updatedSink{blindSink{tr}}}
	}
	return blindSink{tr}
}
