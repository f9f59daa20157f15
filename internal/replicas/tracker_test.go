//go:build linux

package replicas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/spanticket/spanticket/sinks"
)

// issue is a ticket as the tracker keeps it. The tracker has no idea of keys:
// it can only be searched.
type issue struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Count  int64  `json:"count"`
	Closed bool   `json:"closed"`
}

// tracker is an issue tracker over HTTP. One call in twenty is carried out, and
// its answer lost or an error.
type tracker struct {
	URL    string
	mu     sync.Mutex
	random *rand.Rand
	issues []*issue
}

func newTracker(t *testing.T, seed uint64) *tracker {
	tr := &tracker{random: rand.New(rand.NewPCG(seed, 1))}
	s := httptest.NewServer(tr)
	t.Cleanup(s.Close)
	tr.URL = s.URL
	return tr
}

func (tr *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in issue
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	tr.mu.Lock()
	answer, status := tr.act(r, in)
	lost := tr.random.IntN(40)
	tr.mu.Unlock()
	switch lost {
	case 0:
		panic(http.ErrAbortHandler) // carried out, and the connection cut
	case 1:
		http.Error(w, "it may have been carried out", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client has gone
}

func (tr *tracker) act(r *http.Request, in issue) (answer any, status int) {
	switch r.Method {
	case http.MethodPost:
		in.ID = fmt.Sprint(len(tr.issues) + 1)
		tr.issues = append(tr.issues, &in)
		return in, http.StatusCreated
	case http.MethodPut:
		for _, i := range tr.issues {
			if i.ID == in.ID {
				i.Count, i.Closed = in.Count, in.Closed
				return *i, http.StatusOK
			}
		}
		return nil, http.StatusNotFound
	default:
		found := []issue{}
		for _, i := range tr.issues {
			if i.Key == r.URL.Query().Get("key") && !i.Closed {
				found = append(found, *i)
			}
		}
		return found, http.StatusOK
	}
}

// open returns the open issues by key, how many were closed as doubles, and the
// highest count of each key.
func (tr *tracker) open() (open map[string]int, doubles int, counts map[string]int64) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	open, counts = map[string]int{}, map[string]int64{}
	for _, i := range tr.issues {
		counts[i.Key] = max(counts[i.Key], i.Count)
		if i.Closed {
			doubles++
		} else {
			open[i.Key]++
		}
	}
	return open, doubles, counts
}

// sink files into the tracker.
type sink struct{ url string }

var (
	_ sinks.Finder  = sink{}
	_ sinks.Updater = sink{}
	_ sinks.Deduper = sink{}
)

func (s sink) call(ctx context.Context, method, query string, in issue, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/"+query, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return &sinks.Error{Reason: sinks.Unknown, Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		_, _ = io.Copy(io.Discard, resp.Body)
		return &sinks.Error{Reason: sinks.Unknown, Err: errors.New(resp.Status)}
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return &sinks.Error{Reason: sinks.Unknown, Err: err}
	}
	return nil
}

func (s sink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	var out issue
	err := s.call(ctx, http.MethodPost, "", issue{Key: t.Key, Count: t.Count}, &out)
	return sinks.Receipt{ID: out.ID}, err
}

func (s sink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	var out issue
	err := s.call(ctx, http.MethodPut, "", issue{ID: r.ID, Count: t.Count, Closed: t.State == sinks.Resolved}, &out)
	return r, err
}

func (s sink) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	var found []issue
	if err := s.call(ctx, http.MethodGet, "?key="+url.QueryEscape(key), issue{}, &found); err != nil || len(found) == 0 {
		return sinks.Receipt{}, false, err
	}
	return sinks.Receipt{ID: found[0].ID}, true, nil
}

func (s sink) Dedupe(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	var found []issue
	if err := s.call(ctx, http.MethodGet, "?key="+url.QueryEscape(key), issue{}, &found); err != nil || len(found) == 0 {
		return sinks.Receipt{}, false, err
	}
	for _, younger := range found[1:] {
		var out issue
		younger.Closed = true
		if err := s.call(ctx, http.MethodPut, "", younger, &out); err != nil {
			return sinks.Receipt{}, false, err
		}
	}
	return sinks.Receipt{ID: found[0].ID}, true, nil
}
