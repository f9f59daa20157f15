package tracker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/spanticket/spanticket/sinks"
)

// Sink files into the tracker at a URL.
type Sink string

var (
	_ sinks.Finder  = Sink("")
	_ sinks.Updater = Sink("")
	_ sinks.Deduper = Sink("")
)

// File implements [sinks.Sink].
func (s Sink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	var out Issue
	err := s.call(ctx, http.MethodPost, "", issueOf(t), &out)
	return sinks.Receipt{ID: out.ID}, err
}

// Update implements [sinks.Updater].
func (s Sink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	in, out := issueOf(t), Issue{}
	in.ID = r.ID
	return r, s.call(ctx, http.MethodPut, "", in, &out)
}

// Find implements [sinks.Finder].
func (s Sink) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	found, err := s.search(ctx, key)
	if err != nil || len(found) == 0 {
		return sinks.Receipt{}, false, err
	}
	return sinks.Receipt{ID: found[0].ID}, true, nil
}

// Dedupe implements [sinks.Deduper].
func (s Sink) Dedupe(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	found, err := s.search(ctx, key)
	if err != nil || len(found) == 0 {
		return sinks.Receipt{}, false, err
	}
	for _, younger := range found[1:] {
		var out Issue
		if err := s.call(ctx, http.MethodPut, "", Issue{ID: younger.ID, Duplicate: true}, &out); err != nil {
			return sinks.Receipt{}, false, err
		}
	}
	return sinks.Receipt{ID: found[0].ID}, true, nil
}

func (s Sink) search(ctx context.Context, key string) (found []Issue, err error) {
	err = s.call(ctx, http.MethodGet, "?key="+url.QueryEscape(key), Issue{}, &found)
	return found, err
}

func issueOf(t sinks.Ticket) Issue {
	return Issue{Key: t.Key, Name: t.Operation, Count: t.Count, State: t.State}
}

func (s Sink) call(ctx context.Context, method, query string, in Issue, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, string(s)+"/"+query, bytes.NewReader(body))
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
		reason := sinks.Unknown
		if resp.StatusCode == http.StatusServiceUnavailable {
			reason = sinks.Transient
		}
		return &sinks.Error{Reason: reason, Err: errors.New(resp.Status)}
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return &sinks.Error{Reason: sinks.Unknown, Err: err}
	}
	return nil
}
