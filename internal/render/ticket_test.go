package render

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

// at is the time of the problem that tests are about.
var at = time.Date(2026, 3, 14, 9, 26, 53, 0, time.FixedZone("CET", 3600))

// everything is a problem in which nothing is empty.
func everything() correlate.Problem {
	sample := func(i int) correlate.Sample {
		return correlate.Sample{
			Time: at.Add(time.Duration(i) * time.Minute), Duration: 340 * time.Millisecond,
			TraceID: fmt.Sprintf("4bf92f3577b34da6a3ce929d0e0e47%02d", i), SpanID: "00f067aa0ba902b7", Exported: i != 1,
			Operation: "INSERT orders", Kind: "CLIENT", Status: "ERROR", Message: "insert failed",
			Exception: correlate.Exception{Type: "*pgconn.PgError", Message: "connection refused\nby the pool", Stacktrace: "main.insert\n\t/app/orders.go:42"},
			Attributes: map[string]string{
				"db.system.name": "postgresql", "server.address": "db.internal", "db.query.parameter.0": "42",
				"http.request.header.accept": "text/html", "exception.message": "not twice",
			},
			Resource: map[string]string{
				"service.version": "1.8.0", "deployment.environment.name": "production", "deployment.name": "checkout-1.8.0",
				"vcs.ref.head.revision": "0f1e2d3c", "k8s.pod.name": "checkout-6d4f", "vcs.repository.url.full": "https://git.example/checkout",
			},
			Path: []correlate.Step{
				{Service: "checkout", Operation: "INSERT orders", Kind: "CLIENT", Failed: true},
				{Service: "checkout", Operation: "POST /checkout", Kind: "SERVER", Failed: true},
			},
			RemoteParent: true,
		}
	}
	return correlate.Problem{
		ID: "v1abcdefghijklmnopqrstuvwxyz", Scope: correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
		Signature: correlate.Signature{ID: "v1abcdefghijklmnopqrstuvwxyz", Version: 1, Components: []correlate.Component{
			{Name: "service", Value: "shop/checkout", Used: true, Why: "always"},
			{Name: "exception", Value: "*pgconn.PgError", Used: true, Why: "type of the exception"},
			{Name: "frames", Used: false, Why: "no frame of the application in the stack"},
		}},
		Rule: "checkout-errors", State: correlate.Open, Episode: 2, Count: 412,
		FirstSeen: at.Add(-48 * time.Hour), LastSeen: at.Add(2 * time.Minute), OpenedAt: at, ResolvedAt: at.Add(-24 * time.Hour),
		Answers: correlate.Answers{
			Severity: "critical", Title: "INSERT orders:  connection\nrefused", Team: "payments", Runbook: "https://runbooks.example/db",
			Labels: []string{"db", "checkout"}, Sinks: []string{"tracker"},
			Threshold: correlate.Threshold{Count: 5, Within: time.Minute}, Quiet: 30 * time.Minute,
		},
		Samples: []correlate.Sample{sample(0), sample(1), sample(2)},
		Filings: []correlate.Filing{{
			Sink: "tracker", Generation: 2, State: correlate.Open,
			Receipt: correlate.Receipt{ID: "43", URL: "https://tracker.example/43"}, Previous: correlate.Receipt{ID: "41", URL: "https://tracker.example/41"},
		}},
		Suspects: correlate.Suspects{Asked: at, Ranked: []correlate.Suspect{
			{
				Scope: correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"}, Version: "1.8.0", Revision: "0f1e2d3c", ID: "run-812", Name: "checkout-1.8.0",
				Time: at.Add(-6 * time.Minute), Undone: at.Add(40 * time.Minute), By: "alice", Changelog: "https://git.example/checkout/releases/1.8.0",
				Rollback: "kubectl rollout undo \\\n  deployment/checkout", Class: "strong", Means: "the failures began with it", Delay: 6 * time.Minute,
				Before: correlate.Share{Failed: 2, Requests: 4012}, After: correlate.Share{Failed: 410, Requests: 3988}, Ratio: 206.2,
				Evidence: []string{"the first failure came 6 min after the change", "but it runs well in 2 other services"},
			},
			{Scope: correlate.Scope{Namespace: "shop", Service: "orders-db", Environment: "production"}, Version: "16.2", Time: at.Add(-time.Hour), Class: "possible", Distance: 1, Shared: true, Delay: time.Hour},
		}},
		History: []correlate.Entry{{Time: at.Add(-48 * time.Hour), What: "opened"}, {Time: at.Add(-24 * time.Hour), What: "resolved: quiet for 30m0s"}, {Time: at, What: "reopened"}},
	}
}

func delivery(op correlate.Operation) correlate.Delivery {
	return correlate.Delivery{ID: "v1/tracker/1", Sink: "tracker", Operation: op}
}

func renderer(named ...*Named) *Renderer {
	return &Renderer{Redactor: new(redact.Redactor), Enrichers: named, Budget: time.Second}
}

func named(name string, fn enrich.Func) *Named { return &Named{Name: name, Enricher: fn} }

func TestTicketGolden(t *testing.T) {
	link, err := enrich.NewLink("trace", enrich.Jaeger("https://jaeger.example"))
	require.NoError(t, err)
	r := renderer(
		&Named{Name: "resource", Enricher: enrich.Resource{}},
		&Named{Name: "trace link", Enricher: link},
		named("owners", func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{Facts: []sinks.Fact{{Name: "owner", Value: "team-payments"}}, Missing: []string{"on call: no schedule"}}, nil
		}),
		named("flags", func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{}, errors.New("503 Service Unavailable")
		}),
	)
	ticket, err := r.Ticket(t.Context(), everything(), delivery(correlate.OpReopen), sinks.Limits{})
	require.NoError(t, err)
	data, err := json.MarshalIndent(ticket, "", "  ")
	require.NoError(t, err)
	golden(t, "ticket.json", string(data)+"\n")
	golden(t, "ticket.txt", ticket.Title+"\n\n"+ticket.Text())

	again, err := r.Ticket(t.Context(), everything(), delivery(correlate.OpReopen), sinks.Limits{})
	require.NoError(t, err)
	require.Equal(t, ticket, again, "the same problem gives the same ticket")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got)
}

// secrets makes fake tokens, no two alike, and knows them all.
type secrets struct{ made []string }

func (s *secrets) next() string {
	token := "ghp" + "_" + fmt.Sprintf("%x", sha256.Sum256([]byte{byte(len(s.made)), byte(len(s.made) >> 8)}))[:36]
	s.made = append(s.made, token)
	return token
}

// fill puts a token into every string that v can reach.
func (s *secrets) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("before " + s.next() + " after")
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		s.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				s.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			s.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			s.fill(key)
			s.fill(elem)
			v.SetMapIndex(key, elem)
		}
	}
}

func TestNoSecretLeaves(t *testing.T) {
	var s secrets
	var p correlate.Problem
	s.fill(reflect.ValueOf(&p).Elem())
	p.Filings[0].Sink = "tracker"
	p.Suspects.Asked = at
	p.Suspects.Ranked[0].Changelog = "https://git.example/?token=" + s.next()
	var facts enrich.Facts
	s.fill(reflect.ValueOf(&facts).Elem())
	facts.Links[0].URL = "https://user:" + s.next() + "@grafana.example/?token=" + s.next()
	facts.Facts = append(facts.Facts, sinks.Fact{Name: "db.password", Value: "hunter2hunter2"})
	s.made = append(s.made, "hunter2hunter2")
	p.Answers.Runbook = "https://runbooks.example/" + s.next()
	fails, panics := s.next(), s.next()
	r := renderer(
		named("found", func(context.Context, correlate.Problem) (enrich.Facts, error) { return facts, nil }),
		named(s.next(), func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{}, errors.New("GET /?key=" + fails)
		}),
		named("panics", func(context.Context, correlate.Problem) (enrich.Facts, error) { panic(panics) }),
	)
	require.Greater(t, len(s.made), 100)

	for _, limits := range []sinks.Limits{{}, {Title: 20, Body: 600}} {
		for _, op := range []correlate.Operation{correlate.OpOpen, correlate.OpUpdate, correlate.OpResolve, correlate.OpReopen} {
			ticket, err := r.Ticket(t.Context(), p, delivery(op), limits)
			require.NoError(t, err)
			data, err := json.Marshal(ticket)
			require.NoError(t, err)
			for _, secret := range s.made {
				require.NotContains(t, string(data), secret)
				require.NotContains(t, ticket.Text(), secret)
			}
			require.Contains(t, string(data), "[REDACTED:github-token]")
		}
	}
	data, err := json.Marshal(p)
	require.NoError(t, err)
	require.Contains(t, string(data), s.made[0], "the problem itself was not touched")
}

// A redactor that is not there panics within Document, as a defect in a
// detector would.
func TestWhatCannotBeRedactedIsNotSent(t *testing.T) {
	r := &Renderer{Budget: time.Second}
	ticket, err := r.Ticket(t.Context(), everything(), delivery(correlate.OpOpen), sinks.Limits{})
	require.ErrorContains(t, err, "nothing is sent")
	require.NotContains(t, err.Error(), "connection refused")
	require.Equal(t, sinks.Ticket{}, ticket)
}

// A secret that is cut in two is one all the same.
func TestASecretIsNotCutInHalf(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	for offset := maxEvidence - len(token); offset <= maxEvidence; offset++ {
		p := everything()
		p.Samples[2].Attributes = map[string]string{"url.path": strings.Repeat(".", offset) + token}
		ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(t, err)
		require.NotContains(t, ticket.Evidence[0].Attributes["url.path"], token[:8])
	}
}

func TestTicketIsSafeForTrackers(t *testing.T) {
	p := everything()
	p.Answers.Title = "a\u2028b\r\nc\x1b[31m\u202e d"
	p.Answers.Runbook = "javascript:alert(1)"
	r := renderer(named("links", func(context.Context, correlate.Problem) (enrich.Facts, error) {
		var f enrich.Facts
		for _, u := range []string{"https://a.example/x", "http://b.example", "ftp://c.example", "javascript:alert(1)", "data:text/html,x", "//d.example", "https://", "https://e.example/\nx", ""} {
			f.Links = append(f.Links, sinks.Link{Name: "link", URL: u})
		}
		return f, nil
	}))
	ticket, err := r.Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.Equal(t, "ab c[31m d", ticket.Title, "a title is one line, and nothing in it cannot be seen")
	require.Empty(t, ticket.Runbook)
	require.Equal(t, []sinks.Link{{Name: "link", URL: "https://a.example/x"}, {Name: "link", URL: "http://b.example"}}, ticket.Links, "only http and https")
	for _, e := range ticket.Evidence {
		require.Equal(t, map[string]string{"db.system.name": "postgresql", "server.address": "db.internal"}, e.Attributes, "hidden attributes are never shown")
	}
}

func TestHiddenAttributes(t *testing.T) {
	for _, name := range []string{
		"http.request.header.authorization", "http.response.header.set-cookie", "rpc.request.metadata.x", "db.query.parameter.name",
		"http.request.body.content", "process.command_line", "process.command", "url.query", "url.original", "gen_ai.input.messages", "exception.stacktrace",
		"http.request.\u200bheader.x", // what cannot be seen hides nothing
	} {
		p := everything()
		p.Samples[2].Attributes = map[string]string{name: "x", "http.route": "y"}
		ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"http.route": "y"}, ticket.Evidence[0].Attributes, name)
	}
}

// A ticket shows the attributes that are listed, and counts the others.
func TestShownAttributes(t *testing.T) {
	tests := []struct {
		rule    string
		extra   []string
		attrs   map[string]string
		want    map[string]string
		missing string
	}{
		{"the conventions' stay", nil, map[string]string{"http.route": "/x", "k8s.pod.name": "p", "db.operation.name": "SELECT", "net.peer.port": "80"},
			map[string]string{"http.route": "/x", "k8s.pod.name": "p", "db.operation.name": "SELECT", "net.peer.port": "80"}, ""},
		{"one's own are counted", nil, map[string]string{"http.route": "/x", "note": "x", "http.routes": "y"},
			map[string]string{"http.route": "/x"}, "2 attributes: withheld"},
		{"but for those that the host lists", []string{"order.", "note"}, map[string]string{"order.id": "7", "note": "x", "orders": "y"},
			map[string]string{"order.id": "7", "note": "x"}, "1 attribute: withheld"},
		{"a list of many shows nothing hidden", []string{"http."}, map[string]string{"http.request.header.cookie": "x", "http.flavor": "2"},
			map[string]string{"http.flavor": "2"}, "1 attribute: withheld"},
		{"a hidden one is shown if it is named", []string{"url.query"}, map[string]string{"url.query": "a=1"},
			map[string]string{"url.query": "a=1"}, ""},
		{"what has a place of its own is not counted", nil, map[string]string{"error.type": "x", "exception.message": "y"},
			map[string]string{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			p := everything()
			for i := range p.Samples {
				p.Samples[i].Attributes = tt.attrs
			}
			r := renderer()
			r.Attributes = tt.extra
			ticket, err := r.Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
			require.NoError(t, err)
			require.Equal(t, tt.want, ticket.Evidence[0].Attributes)
			missing := strings.Join(ticket.Missing, "\n")
			if tt.missing == "" {
				require.NotContains(t, missing, "withheld")
			} else {
				require.Contains(t, missing, tt.missing)
			}
		})
	}
}

func TestTitleIsNeverEmpty(t *testing.T) {
	for _, test := range []struct{ title, operation, want string }{
		{"a title", "op", "a title"},
		{" \n", "op", "op"},
		{"", "", untitled},
		{"\u200b", " ", untitled},
	} {
		p := everything()
		p.Answers.Title, p.Samples[2].Operation = test.title, test.operation
		ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(t, err)
		require.Equal(t, test.want, ticket.Title)
	}
}

func TestAnEarlierExceptionMayBeMissing(t *testing.T) {
	p := everything()
	p.Samples[2].Dropped = 3
	ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.Equal(t, []string{"earlier events: the newest were kept, and 3 dropped; an earlier exception may be among them", withheld(2)}, ticket.Missing)
}

func TestEmptyProblem(t *testing.T) {
	ticket, err := renderer(&Named{Name: "resource", Enricher: enrich.Resource{}}).Ticket(t.Context(), correlate.Problem{ID: "p"}, delivery(correlate.OpOpen), sinks.Limits{Title: 10})
	require.NoError(t, err)
	require.Equal(t, "spt:p", ticket.Key)
	require.NotEmpty(t, ticket.Missing)
}

func TestKey(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9:_-]{1,50}$`)
	sign := correlate.Signer{}.Sign(correlate.Occurrence{Operation: "GET /"}, correlate.Spec{}).ID
	for _, test := range []struct {
		rule string
		gen  int
		want string
	}{
		{"the first ticket has the signature for a key", 1, "spt:" + sign},
		{"so has a problem that was not filed yet", 0, "spt:" + sign},
		{"one that was filed again has another", 2, "spt:" + sign + "-2"},
		{"however often", 123456, "spt:" + sign + "-123456"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := correlate.Problem{ID: sign}
			if test.gen > 0 {
				p.Filings = []correlate.Filing{{Sink: "other", Generation: 9}, {Sink: "a", Generation: test.gen}}
			}
			require.Equal(t, test.want, Key(p, "a"))
			require.Regexp(t, form, Key(p, "a"))
		})
	}
}

func TestEventAndState(t *testing.T) {
	for _, test := range []struct {
		rule  string
		op    correlate.Operation
		knows correlate.State // the sink
		event sinks.Event
		state sinks.State
	}{
		{"opening", correlate.OpOpen, "", sinks.EventOpened, sinks.Open},
		{"an update of what is open", correlate.OpUpdate, correlate.Open, sinks.EventUpdated, sinks.Open},
		{"an update does not change the state", correlate.OpUpdate, correlate.Resolved, sinks.EventUpdated, sinks.Resolved},
		{"resolving", correlate.OpResolve, correlate.Open, sinks.EventResolved, sinks.Resolved},
		{"reopening", correlate.OpReopen, correlate.Resolved, sinks.EventReopened, sinks.Open},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := everything()
			p.Filings[0].State = test.knows
			ticket, err := renderer().Ticket(t.Context(), p, delivery(test.op), sinks.Limits{})
			require.NoError(t, err)
			require.Equal(t, test.event, ticket.Event)
			require.Equal(t, test.state, ticket.State)
			require.Equal(t, test.state == sinks.Resolved, !ticket.ResolvedAt.IsZero())
		})
	}
}

func BenchmarkTicket(b *testing.B) {
	p, d := everything(), delivery(correlate.OpUpdate)
	for _, bench := range []struct {
		name   string
		limits sinks.Limits
	}{{"unlimited", sinks.Limits{}}, {"cut", sinks.Limits{Title: 80, Body: leastBody}}} {
		b.Run(bench.name, func(b *testing.B) {
			r := renderer(&Named{Name: "resource", Enricher: enrich.Resource{}})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Ticket(b.Context(), p, d, bench.limits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestATicketSaysHowMuchWasWithheld(t *testing.T) {
	for _, c := range []struct {
		rule string
		doc  any
		want string
	}{
		{"nothing", []string{"all is well", "[REDACTED]", "REDACTEDLY", "[REDACTED:]"}, ""},
		{"one value", []string{"a [REDACTED:api-key] b"}, "1 value: withheld, because it is secret or personal (api-key)"},
		{"tokens do not count apart", []string{"[REDACTED:card:7f3a] [REDACTED:card:0000]"}, "2 values: withheld, because they are secret or personal (2 card)"},
		{"holes in links, and marks of earlier versions", map[string]any{"https://a.example/REDACTED?q=REDACTED": "[redacted: api key]"},
			"3 values: withheld, because they are secret or personal (2 url, 1 api-key)"},
		{"many kinds", []string{"[REDACTED:a][REDACTED:b][REDACTED:c][REDACTED:d][REDACTED:e][REDACTED:f][REDACTED:f][REDACTED:g]"},
			"8 values: withheld, because they are secret or personal (2 f, 1 a, 1 b, 1 c, 1 d, and 2 more kinds)"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			counts := map[string]int{}
			redactions(reflect.ValueOf(c.doc), counts)
			require.Equal(t, c.want, withheldValues(counts))
		})
	}
}
