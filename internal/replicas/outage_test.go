//go:build linux

package replicas

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/internal/realserver"
	"github.com/spanticket/spanticket/internal/replicas/tracker"
	"github.com/spanticket/spanticket/sinks"
)

// alert is what the pager is sent.
type alert struct {
	Key    string `json:"key"`
	Closed bool   `json:"closed"`
}

// pager knows an alert by its key, over HTTP.
type pager struct {
	url    string
	mu     sync.Mutex
	open   map[string]bool
	alerts int // that ever were
}

func newPager(t *testing.T) *pager {
	p := &pager{open: map[string]bool{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in alert
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !in.Closed && !p.open[in.Key] {
		p.alerts++
	}
	p.open[in.Key] = !in.Closed
}

func (p *pager) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	body, err := json.Marshal(alert{Key: t.Key, Closed: t.State == sinks.Resolved})
	if err != nil {
		return sinks.Receipt{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return sinks.Receipt{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sinks.Receipt{}, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return sinks.Receipt{ID: t.Key}, err
}

func (p *pager) Update(ctx context.Context, _ sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return p.File(ctx, t)
}

func (*pager) Keyed() {}

func (p *pager) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alerts
}

// TestOutage stops Redis for a while.
func TestOutage(t *testing.T) {
	server := realserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.New(client, redisstore.Config{MaxIdle: time.Second})
	require.NoError(t, err)
	page, issues := newPager(t), tracker.Start(t, tracker.Faults{Seed: 1, Lost: 25, Failed: 25})
	res := resource.NewSchemaless(attribute.String("service.name", "checkout"))
	engine, err := autoticket.New(autoticket.Config{
		Store: store, Resource: res, TicketsPerHour: 1 << 30,
		Rules: []autoticket.Rule{{Name: "failures", When: `span.status == "ERROR"`, SignatureExpr: `[span.attributes["failure"]]`, Budget: 1 << 30}},
		Sinks: map[string]sinks.Sink{"page": page, "issues": tracker.Sink(issues.URL)},
		Delivery: map[string]autoticket.Delivery{
			"page": {PerMinute: 6000, Burst: 100}, "issues": {PerMinute: 6000, Burst: 100, MinBackoff: 50 * time.Millisecond, MaxBackoff: time.Second, Attempts: 100},
		},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(engine.SpanProcessor()), trace.WithResource(res))
	tracer := provider.Tracer("outage")
	n := 0
	fail := func(kinds int) {
		for i := range kinds {
			_, span := tracer.Start(t.Context(), "operation")
			span.SetAttributes(attribute.String("failure", name(i)))
			span.SetStatus(codes.Error, "it fails")
			span.End()
			n++
		}
	}
	filed := func(pages, tickets int) func() bool {
		return func() bool {
			standing := issues.Standing()
			for _, same := range standing {
				if len(same) != 1 {
					return false // a double is closed soon
				}
			}
			return page.count() == pages && len(standing) == tickets
		}
	}
	fail(10)
	require.Eventually(t, filed(10, 10), 20*time.Second, 50*time.Millisecond)

	server.Kill()
	fail(20)
	require.Eventually(t, filed(20, 10), 20*time.Second, 50*time.Millisecond, "the pager goes on, the tracker waits")
	require.NotZero(t, engine.Stats().StoreLost)
	fail(25)
	require.Eventually(t, filed(25, 10), 20*time.Second, 50*time.Millisecond)

	server.Start()
	require.Eventually(t, filed(25, 25), time.Minute, 50*time.Millisecond, "everything is in the store, and nothing was paged twice")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, engine.Shutdown(ctx))
	require.Zero(t, engine.Stats().StoreLost)
	require.Empty(t, engine.Stats().Dropped)
	var counted int64
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 100})
	require.NoError(t, err)
	for _, r := range records {
		p, err := correlate.DecodeProblem(r)
		require.NoError(t, err)
		counted += p.Count
	}
	require.Equal(t, int64(n), counted, fmt.Sprint(len(records), " problems"))
	require.Equal(t, 25, page.count())
}
