package correlate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// What follows is frozen: it is how a program of the version before reads and writes
// records, and so is testdata/previous, which it has written. When a format changes
// it stays as it is until no such program is in use.

type previousProblem struct {
	ID         string            `json:"id"`
	Scope      previousScope     `json:"scope"`
	Signature  previousSignature `json:"signature"`
	Rule       string            `json:"rule"`
	State      string            `json:"state"`
	Episode    int               `json:"episode"`
	Count      int64             `json:"count"`
	FirstSeen  time.Time         `json:"first_seen"`
	LastSeen   time.Time         `json:"last_seen"`
	OpenedAt   time.Time         `json:"opened_at"`
	ResolvedAt time.Time         `json:"resolved_at"`
	Answers    previousAnswers   `json:"answers"`
	Recent     []previousBucket  `json:"recent"`
	Samples    []previousSample  `json:"samples"`
	Impact     previousImpact    `json:"impact"`
	Upstream   previousUpstream  `json:"upstream"`
	UpdatedAt  time.Time         `json:"updated_at"`
	Updates    int               `json:"updates"`
	Hold       string            `json:"hold"`
	HeldAt     time.Time         `json:"held_at"`
	Usual      float64           `json:"usual"`
	Report     string            `json:"report"`
	Members    []previousMember  `json:"members"`
	Total      int64             `json:"total"`
	Filings    []previousFiling  `json:"filings"`
	Writers    []previousWriter  `json:"writers"`
	History    []previousEntry   `json:"history"`
}

type previousScope struct {
	Namespace   string `json:"namespace,omitempty"`
	Service     string `json:"service"`
	Environment string `json:"environment,omitempty"`
}

type previousSignature struct {
	ID         string              `json:"id"`
	Version    int                 `json:"version"`
	Earlier    string              `json:"earlier,omitempty"`
	Components []previousComponent `json:"components"`
}

type previousComponent struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Used  bool   `json:"used"`
	Why   string `json:"why"`
}

type previousAnswers struct {
	Severity  string            `json:"severity"`
	Title     string            `json:"title"`
	Team      string            `json:"team"`
	Runbook   string            `json:"runbook"`
	Labels    []string          `json:"labels"`
	Sinks     []string          `json:"sinks"`
	Threshold previousThreshold `json:"threshold"`
	Quiet     time.Duration     `json:"quiet"`
}

type previousThreshold struct {
	Count  int64         `json:"count"`
	Within time.Duration `json:"within"`
}

type previousBucket struct {
	Start time.Time `json:"start"`
	Count int64     `json:"count"`
}

type previousSample struct {
	Time         time.Time         `json:"time"`
	Duration     time.Duration     `json:"duration"`
	TraceID      string            `json:"trace_id"`
	SpanID       string            `json:"span_id"`
	Exported     bool              `json:"exported"`
	Operation    string            `json:"operation"`
	Kind         string            `json:"kind"`
	Status       string            `json:"status"`
	Message      string            `json:"message"`
	Exception    previousException `json:"exception"`
	Dropped      int               `json:"dropped,omitempty"`
	Attributes   map[string]string `json:"attributes"`
	Resource     map[string]string `json:"resource"`
	Path         []previousStep    `json:"path"`
	RemoteParent bool              `json:"remote_parent"`
	Links        []previousLink    `json:"links"`
}

type previousException struct {
	Type       string `json:"type,omitempty"`
	Message    string `json:"message,omitempty"`
	Stacktrace string `json:"stacktrace,omitempty"`
}

type previousStep struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Kind      string `json:"kind,omitempty"`
	Failed    bool   `json:"failed,omitempty"`
}

type previousLink struct {
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
}

type previousImpact struct {
	Operations []previousAffected `json:"operations"`
	Others     int64              `json:"others"`
	Traces     string             `json:"traces"`
	Users      string             `json:"users"`
	Share      previousShare      `json:"share"`
}

type previousAffected struct {
	Service   string        `json:"service"`
	Operation string        `json:"operation"`
	Count     int64         `json:"count"`
	Share     previousShare `json:"share"`
}

type previousShare struct {
	Failed   int64 `json:"failed"`
	Requests int64 `json:"requests"`
}

type previousUpstream struct {
	Scope     previousScope `json:"scope"`
	ID        string        `json:"id"`
	Operation string        `json:"operation"`
	At        time.Time     `json:"at"`
}

type previousMember struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	Rule  string    `json:"rule"`
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

type previousFiling struct {
	Sink       string          `json:"sink"`
	Generation int             `json:"generation"`
	Receipt    previousReceipt `json:"receipt"`
	Episode    int             `json:"episode"`
	Previous   previousReceipt `json:"previous"`
	State      string          `json:"state"`
	SentAt     time.Time       `json:"sent_at"`
	Sent       int64           `json:"sent"`
	Pending    []string        `json:"pending"`
	Seq        int             `json:"seq"`
	Unknown    bool            `json:"unknown"`
	Parked     *previousParked `json:"parked"`
}

type previousReceipt struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

type previousParked struct {
	Operation string    `json:"operation"`
	At        time.Time `json:"at"`
	Attempts  int       `json:"attempts"`
	Reason    string    `json:"reason"`
}

type previousWriter struct {
	ID     string `json:"id"`
	Batch  int64  `json:"batch"`
	Change string `json:"change"`
}

type previousEntry struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
}

type previousAlias struct {
	Problem string    `json:"problem"`
	Written time.Time `json:"written"`
}

type previousUpgrade struct {
	Version int       `json:"version"`
	From    int       `json:"from"`
	Since   time.Time `json:"since"`
}

type previousAdoption struct {
	Began time.Time `json:"began"`
}

type previousTraceOrigin struct {
	Upstream previousUpstream `json:"upstream"`
	Next     string           `json:"next"`
}

// previousKeep adds to an object the members of the one that it replaces which it has
// not.
func previousKeep(next, cur []byte) ([]byte, error) {
	var old, have map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(cur, &old), json.Unmarshal(next, &have)); err != nil {
		return nil, err
	}
	maps.DeleteFunc(old, func(k string, _ json.RawMessage) bool {
		for known := range have {
			if strings.EqualFold(k, known) {
				return true
			}
		}
		return false
	})
	if len(old) == 0 {
		return next, nil
	}
	rest, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{next[:len(next)-1], rest[1:]}, []byte{','}), nil
}

// End of what is frozen.

// previousChange is change by a program of the version before, under the policy of this
// one.
func previousChange(t require.TestingT, cur correlate.Record, do func(correlate.Problem, time.Time) correlate.Problem, now time.Time) correlate.Record {
	var p previousProblem
	require.NoError(t, json.Unmarshal(cur.Data, &p))
	data, err := json.Marshal(p)
	require.NoError(t, err)
	next := change(t, correlate.Record{Version: cur.Version, Data: data}, do, now)
	p = previousProblem{}
	require.NoError(t, json.Unmarshal(next.Data, &p))
	next.Data, err = json.Marshal(p)
	require.NoError(t, err)
	next.Data, err = previousKeep(next.Data, cur.Data)
	require.NoError(t, err)
	return next
}

func asPrevious(t require.TestingT, rec correlate.Record) (p previousProblem) {
	require.NoError(t, json.Unmarshal(rec.Data, &p))
	return p
}

func members(t *testing.T, data []byte) []string {
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &m))
	return slices.Collect(maps.Keys(m))
}

func TestRecordsOfTheVersionBeforeAreRead(t *testing.T) {
	ctx, store := t.Context(), new(correlate.Memory)
	scope := correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"}
	put := func(key correlate.Key, name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", "previous", name))
		require.NoError(t, err)
		require.NoError(t, store.Update(ctx, key, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			return correlate.Record{Version: 1, Data: data}, nil, nil
		}))
		return data
	}
	key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: "v1a"}
	data := put(key, "problem.json")
	p, err := correlate.ReadProblem(ctx, store, key)
	require.NoError(t, err)
	full, err := correlate.EncodeProblem(fullProblem(), correlate.Record{})
	require.NoError(t, err)
	require.Equal(t, asPrevious(t, full), asPrevious(t, correlate.Record{Data: data}))

	// Nothing of it is lost when it is written, for this program or that one.
	rec, err := correlate.EncodeProblem(p, correlate.Record{Version: 1, Data: data})
	require.NoError(t, err)
	require.Equal(t, asPrevious(t, correlate.Record{Data: data}), asPrevious(t, rec))
	again, err := json.Marshal(asPrevious(t, rec))
	require.NoError(t, err)
	again, err = previousKeep(again, rec.Data)
	require.NoError(t, err)
	require.Equal(t, asPrevious(t, rec), asPrevious(t, correlate.Record{Data: again}), "what that one knows, it keeps")
	require.ElementsMatch(t, members(t, rec.Data), members(t, again), "and so it does with what is new at the top")

	put(correlate.Key{Scope: scope, Kind: correlate.KindAlias, ID: "v2b"}, "alias.json")
	a, err := correlate.FindAlias(ctx, store, correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: "v2b"})
	require.NoError(t, err)
	require.Equal(t, correlate.Alias{Problem: "v1a", Written: policyStart}, a)
	put(correlate.Key{Scope: scope, Kind: correlate.KindUpgrade, ID: "upgrade"}, "upgrade.json")
	u, err := correlate.Upgraded(ctx, store, scope, 2, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, correlate.Upgrade{Version: 2, From: 1, Since: policyStart}, u)
	put(correlate.Key{Scope: scope, Kind: correlate.KindAdoption, ID: "adoption"}, "adoption.json")
	began, err := correlate.Adopt(ctx, store, scope, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, policyStart, began)
	put(correlate.Key{Scope: correlate.Scope{Namespace: "shop", Environment: "production"}, Kind: correlate.KindOrigin, ID: "t/s"}, "origin.json")
	up, err := correlate.FindUpstream(ctx, store, correlate.Scope{Namespace: "shop", Service: "web", Environment: "production"}, correlate.Call{TraceID: "t", SpanID: "s"})
	require.NoError(t, err)
	require.Equal(t, correlate.Upstream{Scope: scope, ID: "v1a", Operation: "POST /orders", At: policyStart}, up)
}

func TestSmallRecordsAreReadByTheVersionBefore(t *testing.T) {
	scope := correlate.Scope{Service: "checkout"}
	for _, test := range []struct {
		rule string
		now  any // as this program writes it
		then any // as that one reads it
	}{
		{"alias", correlate.Alias{Problem: "v1a", Written: policyStart}, &previousAlias{Problem: "v1a", Written: policyStart}},
		{"upgrade", correlate.Upgrade{Version: 2, From: 1, Since: policyStart}, &previousUpgrade{Version: 2, From: 1, Since: policyStart}},
		{"origin", correlate.TraceOrigin{Upstream: correlate.Upstream{Scope: scope, ID: "v1a"}, Next: "s"},
			&previousTraceOrigin{Upstream: previousUpstream{Scope: previousScope{Service: "checkout"}, ID: "v1a"}, Next: "s"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			data, err := json.Marshal(test.now)
			require.NoError(t, err)
			then, err := json.Marshal(test.then)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, test.then))
			read, err := json.Marshal(test.then)
			require.NoError(t, err)
			require.Equal(t, string(then), string(read))
		})
	}
	store := new(correlate.Memory)
	_, err := correlate.Adopt(t.Context(), store, scope, policyStart)
	require.NoError(t, err)
	recs, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindAdoption, Max: 1})
	require.NoError(t, err)
	var a previousAdoption
	require.NoError(t, json.Unmarshal(recs[0].Data, &a))
	require.Equal(t, policyStart, a.Began)
}

// Programs of both versions take turns at a record, and it is as if this one had made
// all changes, as far as that one knows.
func TestVersionsTakeTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		both, err := correlate.EncodeProblem(fullProblem(), correlate.Record{})
		require.NoError(t, err)
		doc := document(t, both.Data)
		doc["x_new"] = []any{"what neither knows"}
		both.Data, err = json.Marshal(doc)
		require.NoError(t, err)
		alone, now := both, policyStart
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
			op := rapid.SampledFrom(policy).Draw(t, "op")
			alone = change(t, alone, op.do, now)
			if rapid.Bool().Draw(t, "previous") {
				both = previousChange(t, both, op.do, now)
			} else {
				both = change(t, both, op.do, now)
			}
			require.Equal(t, asPrevious(t, alone), asPrevious(t, both))
			require.Equal(t, alone.Version, both.Version)
			require.Equal(t, alone.Expires, both.Expires)
			require.Equal(t, doc["x_new"], document(t, both.Data)["x_new"])
		}
	})
}
