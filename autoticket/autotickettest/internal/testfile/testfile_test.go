package testfile

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

var update = flag.Bool("update", false, "write the expected errors of testdata/bad")

// TestBad holds the whole text of what is said about files that are refused.
func TestBad(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(names), 60)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			f, err := Parse("shop_test.yaml", data)
			require.Error(t, err)
			require.Nil(t, f)
			golden := strings.TrimSuffix(name, ".yaml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644))
			}
			want, readErr := os.ReadFile(golden)
			require.NoError(t, readErr)
			require.Equal(t, string(want), err.Error()+"\n")
		})
	}
}

func good(t *testing.T) *File {
	t.Helper()
	data, err := os.ReadFile("testdata/good/all.yaml")
	require.NoError(t, err)
	f, err := Parse("all_test.yaml", data)
	require.NoError(t, err)
	return f
}

// TestGood reads a file that uses everything the format has.
func TestGood(t *testing.T) {
	f := good(t)
	require.Equal(t, []Pattern{{Place{2, 9}, "../rules.d/*.yaml"}, {Place{2, 28}, "extra.yaml"}}, f.Rules)
	require.Equal(t, []string{"pager"}, f.Sinks)
	require.Len(t, f.Tests, 3)
	test := f.Tests[0]
	require.Equal(t, time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC), test.At)
	require.True(t, test.PerService)
	require.Equal(t, 2, test.Count)
	require.Equal(t, 24*time.Hour, test.Every)
	require.Equal(t, Place{5, 5}, test.Place)

	var wants []string
	for _, w := range test.Expect.Tickets[0].Wants {
		wants = append(wants, w.Field.Name+"="+w.Field.Show(w.Value))
	}
	require.Equal(t, []string{
		"rule=checkout", `title="It: fails"`, "severity=error", "state=open", "count=2", "namespace=shop", "service=checkout", "environment=production",
		"operation=POST /checkout", "exception.type=CardError", `exception.message=""`, "team=shop", `runbook="https://x.example.com"`, "labels=[a, b]", "sinks=[]",
	}, wants)
	require.Equal(t, Place{37, 11}, test.Expect.Tickets[1].Place)

	require.Equal(t, "testdata/outage.jsonl", f.Tests[1].Recording)
	require.Equal(t, correlate.BelowThreshold, f.Tests[1].Expect.NoTicket)
	require.Empty(t, f.Tests[2].Expect.Tickets)
	require.Equal(t, begin, f.Tests[2].At, "a test that does not say when has a time all the same")
}

// TestRecorded holds what spans become of the short form.
func TestRecorded(t *testing.T) {
	spans := good(t).Tests[0].Recorded()
	require.Len(t, spans, 12, "six, twice")
	at := time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)
	var got []string
	for _, sp := range spans[:6] {
		service, _ := sp.Resource().Set().Value("service.name")
		version, _ := sp.Resource().Set().Value("service.version")
		remote := map[bool]string{true: " remote", false: ""}[sp.Parent().IsRemote()]
		got = append(got, strings.Join([]string{
			sp.SpanContext().SpanID().String()[14:], sp.Parent().SpanID().String()[14:] + remote, service.AsString(), version.AsString(),
			sp.Name(), sp.StartTime().Sub(at).String(), sp.EndTime().Sub(at).String(),
		}, " "))
	}
	require.Equal(t, []string{
		"01 00 checkout 1.0 POST /checkout 0s 120ms",
		"02 01 checkout 1.0 first 1ms 11ms",
		"03 01 remote payment 2.0 charge 11ms 1.043s",
		"04 03 payment 2.0 inner 42ms 1.042s",
		"05 01 checkout 1.0 last 1.043s 1.053s",
		"01 00 checkout  another root 1h0m0s 1h0m0s",
	}, got, "siblings follow one another, and what has no duration ends after what is below it")

	root, charge := spans[0], spans[2]
	require.Equal(t, codes.Error, root.Status().Code)
	require.Equal(t, "declined", root.Status().Description)
	require.Equal(t, trace.SpanKindServer, root.SpanKind())
	require.Equal(t, "net/http", root.InstrumentationScope().Name)
	require.True(t, root.SpanContext().IsSampled())
	require.Equal(t, []attribute.KeyValue{
		attribute.String("text", "a"), attribute.Int64("whole", 502), attribute.Float64("fraction", 0.5), attribute.Bool("truth", true),
		attribute.StringSlice("texts", []string{"a", "b"}), attribute.Int64Slice("wholes", []int64{1, 2}),
		attribute.Float64Slice("fractions", []float64{0.5}), attribute.BoolSlice("truths", []bool{true}), attribute.StringSlice("none", nil),
	}, root.Attributes())
	require.Equal(t, "retry", root.Events()[0].Name)
	require.Equal(t, at.Add(5*time.Millisecond), root.Events()[0].Time)
	require.Equal(t, "exception", charge.Events()[0].Name)
	require.Equal(t, []attribute.KeyValue{
		attribute.String("exception.type", "CardError"), attribute.String("exception.message", "card refused"),
		attribute.String("exception.stacktrace", "at x"), attribute.Bool("exception.escaped", true),
	}, charge.Events()[0].Attributes)
	require.Equal(t, at.Add(24*time.Hour), spans[6].StartTime())

	ids := map[string]bool{}
	traces := map[trace.TraceID]bool{}
	for i, sp := range spans {
		sc := sp.SpanContext()
		ids[sc.TraceID().String()+sc.SpanID().String()] = true
		traces[sc.TraceID()] = true
		require.Equal(t, sc.TraceID(), good(t).Tests[0].Recorded()[i].SpanContext().TraceID(), "the same every time")
	}
	require.Len(t, ids, len(spans))
	require.Len(t, traces, 4, "each root, each time")
}

func TestFields(t *testing.T) {
	ticket := rehearsal.Ticket{Ticket: sinks.Ticket{Count: 3, Title: "a: b", Labels: []string{"x y", "[b]"}}}
	for _, row := range []struct {
		rule, field, want string
	}{
		{"a number is one", "count", "3"},
		{"a text has quotes if YAML needs them", "title", `"a: b"`},
		{"a list is shown in order", "labels", `["[b]", x y]`},
		{"an empty list", "sinks", "[]"},
		{"an empty text", "team", `""`},
	} {
		for _, f := range Fields {
			if f.Name == row.field {
				require.Equal(t, row.want, f.Show(f.Of(ticket)), row.rule)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for s, want := range map[string]string{
		"error": "error", "POST /checkout": "POST /checkout", "12": `"12"`, "true": `"true"`, "": `""`, "a, b": `"a, b"`, " a": `" a"`,
		"2024-05-06": `"2024-05-06"`, "a\nb": `"a\nb"`, "null": `"null"`, "- a": `"- a"`, "a #b": `"a #b"`, "?": `"?"`,
	} {
		require.Equal(t, want, plain(s), "%q", s)
	}
}

func TestTooLarge(t *testing.T) {
	_, err := Parse("big_test.yaml", make([]byte, maxSize+1))
	require.EqualError(t, err, "big_test.yaml: the file has more than 1048576 bytes")
}

// FuzzParse holds that no input panics, that what is refused has a place in the
// file, and that the spans of what is accepted have an end that is not before
// their beginning, and a parent in their trace.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "testdata/good/*.yaml"} {
		names, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, name := range names {
			data, err := os.ReadFile(name)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f_test.yaml", data)
		if err == nil {
			for _, test := range file.Tests {
				require.NotEmpty(t, test.Name)
				test.Count = min(test.Count, 2)
				known := map[trace.SpanID]bool{}
				for _, sp := range test.Recorded() {
					require.False(t, sp.EndTime().Before(sp.StartTime()))
					require.True(t, sp.SpanContext().IsValid())
					known[sp.SpanContext().SpanID()] = true
					require.True(t, !sp.Parent().IsValid() || known[sp.Parent().SpanID()])
				}
			}
			return
		}
		errs := []error{err}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			errs = joined.Unwrap()
		}
		for _, err := range errs {
			e, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			require.NotEmpty(t, e.Message)
			require.LessOrEqual(t, e.Line, strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+1)
			require.NotEmpty(t, e.Error())
		}
	})
}
