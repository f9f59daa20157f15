package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/sinks"
)

// pair returns a recording of two requests that fail: front calls back, whose
// query finds no table. There is a document for each service.
func pair(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for n := range 2 {
		at := time.Date(2025, 3, 4, 5, 6, 7*n, 0, time.FixedZone("", 3600))
		for service, names := range map[string][]string{"front": {"GET /", "GET"}, "back": {"GET /rows", "SELECT"}} {
			in := ptrace.NewTraces()
			rs := in.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", service)
			ss := rs.ScopeSpans().AppendEmpty()
			for i, name := range names {
				depth := i + 1
				if service == "back" {
					depth += 2
				}
				sp := ss.Spans().AppendEmpty()
				sp.SetTraceID(pcommon.TraceID{0xB, 15: byte(n)})
				sp.SetSpanID(pcommon.SpanID{byte(depth)})
				sp.SetParentSpanID(pcommon.SpanID{byte(depth - 1)})
				sp.SetName(name)
				sp.SetKind([]ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient}[i])
				sp.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(depth) * time.Millisecond)))
				sp.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(20-depth) * time.Millisecond)))
				sp.Status().SetCode(ptrace.StatusCodeError)
				if name == "SELECT" {
					sp.Status().SetMessage("relation <rows> & all is not there")
				}
			}
			line, err := new(ptrace.JSONMarshaler).MarshalTraces(in)
			require.NoError(t, err)
			out.Write(append(line, '\n'))
		}
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	for _, row := range []struct {
		golden string
		args   []string
	}{
		{"pair.json.txt", []string{"-format", "json"}},
		{"pair-explain.json.txt", []string{"-format", "json", "-explain"}},
		{"pair.txt", nil},
		{"pair-explain.txt", []string{"-explain"}},
		{"pair-per-service.json.txt", []string{"-format", "json", "-per-service"}},
	} {
		t.Run(row.golden, func(t *testing.T) {
			code, out, errs := call(t, pair(t), append(row.args, "-")...)
			require.Zero(t, code, errs)
			require.Empty(t, errs)
			golden := filepath.Join("testdata", row.golden)
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), out, "run the tests with -update")
		})
	}
}

// names returns the names of the members of an object, in their order.
func names(t *testing.T, object []byte) []string {
	t.Helper()
	var out []string
	dec := json.NewDecoder(bytes.NewReader(object))
	_, err := dec.Token()
	require.NoError(t, err)
	for dec.More() {
		key, err := dec.Token()
		require.NoError(t, err)
		out = append(out, key.(string))
		var value json.RawMessage
		require.NoError(t, dec.Decode(&value))
		require.NotEqual(t, "null", string(value), key)
	}
	return out
}

func TestMembersOfJSON(t *testing.T) {
	members := []string{
		"key", "signature", "rule", "state", "service", "environment", "operation", "severity", "title", "count",
		"first_seen", "last_seen", "origin", "path", "suspects", "links", "exception",
	}
	var out bytes.Buffer
	// A ticket of which nothing is known has all members too, and no null.
	require.NoError(t, printJSON(&out, rehearsal.Outcome{Tickets: []rehearsal.Ticket{{Ticket: sinks.Ticket{Title: "<a> & b\n", Why: []string{"w"}}}}}, false))
	lines := bytes.SplitAfter(out.Bytes(), []byte("\n"))
	require.Len(t, lines, 3)
	require.Equal(t, members, names(t, lines[0]))
	require.Contains(t, string(lines[0]), `"title":"<a> & b\n"`, "as it is, on one line")
	require.Contains(t, string(lines[0]), `"path":[],"suspects":[],"links":[]`)

	_, text, _ := call(t, pair(t), "-format", "json", "-explain", "-")
	lines = bytes.Split([]byte(strings.TrimSpace(text)), []byte("\n"))
	require.Len(t, lines, 2)
	require.Equal(t, append(members, "explain"), names(t, lines[0]))
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(lines[0], &got))
	require.Equal(t, []string{"service", "operation", "trace_id", "span_id"}, names(t, got["origin"]))
	require.Equal(t, []string{"type", "message"}, names(t, got["exception"]))
	var path []json.RawMessage
	require.NoError(t, json.Unmarshal(got["path"], &path))
	require.Len(t, path, 4)
	for _, step := range path {
		require.Equal(t, []string{"service", "operation"}, names(t, step))
	}
	require.Equal(t, `"2025-03-04T04:06:00.016Z"`, string(got["first_seen"]), "the end of the span, in UTC")
	require.Equal(t, `"2025-03-04T04:06:07.016Z"`, string(got["last_seen"]))

	require.Equal(t, []string{"summary"}, names(t, lines[1]))
	require.NoError(t, json.Unmarshal(lines[1], &got))
	require.Equal(t, []string{"spans", "occurrences", "problems", "tickets", "decisions"}, names(t, got["summary"]))
}

func TestLinksOfJSON(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printJSON(&out, rehearsal.Outcome{Tickets: []rehearsal.Ticket{{Ticket: sinks.Ticket{Links: []sinks.Link{{Name: "n", URL: "https://x.example.com/?a&b"}}}}}}, false))
	require.Contains(t, out.String(), `"links":[{"name":"n","url":"https://x.example.com/?a&b"}]`)
}

func TestNoSpans(t *testing.T) {
	const none = `{"summary":{"spans":0,"occurrences":0,"problems":0,"tickets":0,"decisions":{}}}` + "\n"
	for _, args := range [][]string{{"-"}, {"-per-service", "-"}} {
		code, out, errs := call(t, "{}", append([]string{"-format", "json"}, args...)...)
		require.Zero(t, code, errs)
		require.Equal(t, none, out, args)
	}
}

// A process sees its own spans only, so each service has a ticket for what is
// one in the whole trace.
func TestEachServiceHasItsOwnView(t *testing.T) {
	for _, row := range []struct {
		args    []string
		origins []string
		steps   int // in each path
	}{
		{[]string{"-"}, []string{"back SELECT"}, 4},
		{[]string{"-per-service", "-"}, []string{"back SELECT", "front GET"}, 2},
	} {
		_, out, _ := call(t, pair(t), append([]string{"-format", "json"}, row.args...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		var origins []string
		for _, line := range lines[:len(lines)-1] {
			var got ticket
			require.NoError(t, json.Unmarshal([]byte(line), &got))
			origins = append(origins, got.Origin.Service+" "+got.Origin.Operation)
			require.Len(t, got.Path, row.steps)
			require.EqualValues(t, 2, got.Count)
		}
		require.Equal(t, row.origins, origins)
	}
}

func TestTheSameSpansGiveTheSameOutput(t *testing.T) {
	lines := strings.SplitAfter(pair(t)+shop(t), "\n")
	for _, args := range [][]string{{"-format", "json", "-explain"}, {"-explain"}, {"-format", "json", "-per-service"}} {
		args = append(args, "-")
		_, want, _ := call(t, strings.Join(lines, ""), args...)
		require.NotEmpty(t, want)
		for seed := range uint64(4) {
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			_, got, _ := call(t, strings.Join(lines, ""), args...)
			require.Equal(t, want, got, "seed %d, %v", seed, args)
		}
	}
}
