// Package tracker is an issue tracker over HTTP for tests, with the faults that
// trackers have, and a sink that files into it. The tracker has no idea of keys: it
// can only be searched, and what it is asked to file it files.
package tracker

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// Issue is a ticket as the tracker keeps it.
type Issue struct {
	ID        string      `json:"id"`
	Key       string      `json:"key"`
	Name      string      `json:"name"` // the operation that failed
	Count     int64       `json:"count"`
	State     sinks.State `json:"state"`
	Duplicate bool        `json:"duplicate"` // closed as one

	Filed    time.Time `json:"-"`
	Closed   time.Time `json:"-"` // as a duplicate
	Failed   time.Time `json:"-"` // when a search for it, or a change, last failed before that
	Reopened int       `json:"-"` // how often it was resolved, and open again
	Back     int       `json:"-"` // how often a change said less than was known
}

// Faults are what happens to calls: of each thousand, so many.
type Faults struct {
	Seed    uint64
	Lost    int // are carried out, and the connection is cut
	Failed  int // are carried out, and answered with an error
	Late    int // are carried out, and answered after up to Delay
	Cut     int // are not carried out, and the connection is cut
	Refused int // are not carried out, and answered with an error that says so
	Delay   time.Duration

	// Lag is how old what a search finds is.
	Lag time.Duration
	// Watch is told how far a call is, on the goroutine that serves it, and may keep it
	// there. nil watches nothing.
	Watch func(Phase)
}

// Phase is how far a call is.
type Phase string

const (
	Arrived   Phase = "arrived"     // and nothing is carried out yet
	Committed Phase = "carried out" // and not answered
	Answered  Phase = "answered"
)

// Tracker is an issue tracker over HTTP.
type Tracker struct {
	URL    string
	faults Faults

	mu     sync.Mutex
	random *rand.Rand
	issues []*Issue
}

// Start starts a tracker, which ends with the test.
func Start(t testing.TB, f Faults) *Tracker {
	tr := &Tracker{faults: f, random: rand.New(rand.NewPCG(f.Seed, 1))}
	if f.Watch == nil {
		tr.faults.Watch = func(Phase) {}
	}
	s := httptest.NewServer(tr)
	t.Cleanup(s.Close)
	tr.URL = s.URL
	return tr
}

// ServeHTTP carries a call out, or does not.
func (tr *Tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in Issue
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	f := tr.faults
	tr.mu.Lock()
	dice, delay := tr.random.IntN(1000), time.Duration(tr.random.Int64N(int64(max(f.Delay, 1))))
	tr.mu.Unlock()
	falls := func(n int) bool {
		dice -= n
		return dice < 0 && dice >= -n
	}
	f.Watch(Arrived)
	switch {
	case falls(f.Cut):
		tr.failed(r, in)
		panic(http.ErrAbortHandler)
	case falls(f.Refused):
		tr.failed(r, in)
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	answer, status := tr.act(r, in)
	f.Watch(Committed)
	switch {
	case falls(f.Lost):
		tr.failed(r, in)
		panic(http.ErrAbortHandler)
	case falls(f.Failed):
		tr.failed(r, in)
		http.Error(w, "it may have been carried out", http.StatusInternalServerError)
		return
	case falls(f.Late):
		time.Sleep(delay)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client has gone
	_ = http.NewResponseController(w).Flush()
	f.Watch(Answered)
}

func (tr *Tracker) act(r *http.Request, in Issue) (answer any, status int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	now := time.Now()
	switch r.Method {
	case http.MethodPost:
		in.ID, in.Filed = fmt.Sprint(len(tr.issues)+1), now
		tr.issues = append(tr.issues, &in)
		return in, http.StatusCreated
	case http.MethodPut:
		for _, i := range tr.issues {
			if i.ID == in.ID {
				i.change(in, now)
				return *i, http.StatusOK
			}
		}
		return nil, http.StatusNotFound
	default:
		found := []Issue{}
		for _, i := range tr.issues {
			then := now.Add(-tr.faults.Lag)
			if i.Key == r.URL.Query().Get("key") && !i.Filed.After(then) && (!i.Duplicate || i.Closed.After(then)) {
				found = append(found, *i)
			}
		}
		return found, http.StatusOK
	}
}

// failed notes that a call about issues that there are has failed.
func (tr *Tracker) failed(r *http.Request, in Issue) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	key := r.URL.Query().Get("key")
	for _, i := range tr.issues {
		if r.Method == http.MethodPut && i.ID == in.ID {
			key = i.Key
		}
	}
	for _, i := range tr.issues {
		if r.Method != http.MethodPost && i.Key == key && !i.Duplicate {
			i.Failed = time.Now()
		}
	}
}

func (i *Issue) change(in Issue, now time.Time) {
	if in.Duplicate {
		if !i.Duplicate {
			i.Duplicate, i.Closed = true, now
		}
		return
	}
	if in.Count < i.Count {
		i.Back++
	}
	if i.State == sinks.Resolved && in.State == sinks.Open {
		i.Reopened++
	}
	i.Count, i.State = in.Count, in.State
}

// Issues returns what the tracker has, in the order in which it was filed.
func (tr *Tracker) Issues() []Issue {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	out := make([]Issue, len(tr.issues))
	for n, i := range tr.issues {
		out[n] = *i
	}
	return out
}

// Standing returns, by key, the issues that are not closed as duplicates.
func (tr *Tracker) Standing() map[string][]Issue {
	out := map[string][]Issue{}
	for _, i := range tr.Issues() {
		if !i.Duplicate {
			out[i.Key] = append(out[i.Key], i)
		}
	}
	return out
}

// Duplicates returns how many issues were closed as duplicates.
func (tr *Tracker) Duplicates() (n int) {
	for _, i := range tr.Issues() {
		if i.Duplicate {
			n++
		}
	}
	return n
}
