package autoticket

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/journal"
	"github.com/spanticket/spanticket/redact"
)

func TestAKeptOccurrenceComesBack(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589, time.UTC)
	o := &correlate.Occurrence{
		Scope: correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "test"}, Rule: "errors", Operation: "POST /checkout",
		Kind: "SERVER", Status: "ERROR", Message: "insert failed", Start: at, End: at.Add(time.Second),
		TraceID: strings.Repeat("a", 32), SpanID: strings.Repeat("b", 16), Exported: true, Library: "otelhttp",
		Exception:  correlate.Exception{Type: "*pq.Error", Message: "duplicate key", Stacktrace: "goroutine 1 [running]:\nmain.f()\n\t/main.go:1 +0x1"},
		Attributes: []correlate.Attribute{{Key: "http.route", Value: "/checkout"}, {Key: "http.response.status_code", Value: int64(500)}, {Key: "ratio", Value: 0.5}, {Key: "retry", Value: true}},
		Resource:   []correlate.Attribute{{Key: "service.version", Value: "1.2.3"}},
		Path:       []correlate.Step{{Service: "checkout", Operation: "POST /checkout", Kind: "SERVER", Failed: true}},
		User:       1 << 63, RemoteParent: true, Caller: strings.Repeat("c", 16),
	}
	k := keptOccurrence{Run: "run", Batch: 7, Rules: []keptRule{{Name: "errors", ID: "v2abc", Earlier: "v1abc"}}}
	record, err := k.encode(new(redact.Redactor), newHarmless(), o)
	require.NoError(t, err)
	back, got, err := decodeKept(record)
	require.NoError(t, err)
	require.Equal(t, o, got)
	require.Equal(t, k.Rules, back.Rules)
	require.Equal(t, int64(7), back.Batch)
}

// Whatever an occurrence says, its record fits, and no secret is in it: also where
// it was cut.
func TestAKeptOccurrenceFits(t *testing.T) {
	secrets := []string{"ghp_" + strings.Repeat("a1B2c3D4", 5)[:36], "AKIA" + "IOSFODNN7EXAMPL2", "postgres://app:hunter2secret@db/orders"}
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			filler := rapid.SampledFrom([]string{"x", "word ", "\"\\\x01", "\u2028é", "a/b "}).Draw(t, name)
			n := rapid.IntRange(0, 3000).Draw(t, name+" length")
			return strings.Repeat(filler, n/len(filler)) + " " + rapid.SampledFrom(secrets).Draw(t, name+" secret") + " " + strings.Repeat(filler, rapid.IntRange(0, 300).Draw(t, name+" rest"))
		}
		o := &correlate.Occurrence{Operation: text("operation"), Message: text("message"), Library: text("library")}
		o.Exception = correlate.Exception{Type: text("type"), Message: text("error"), Stacktrace: text("stack")}
		for range rapid.IntRange(0, 20).Draw(t, "attributes") {
			o.Attributes = append(o.Attributes, correlate.Attribute{Key: "k", Value: text("value")})
		}
		k := keptOccurrence{Rules: []keptRule{{Name: "errors", ID: "v2abc"}}}
		record, err := k.encode(new(redact.Redactor), newHarmless(), o)
		require.NoError(t, err)
		require.LessOrEqual(t, len(record), journal.MaxRecord)
		for _, leak := range []string{"ghp_a1B2c3D4", "AKIAIOSF", "hunter2"} {
			require.NotContains(t, string(record), leak)
		}
		_, _, err = decodeKept(record)
		require.NoError(t, err)
	})
}

// FuzzDecodeKept: a record of any kind is an occurrence or an error.
func FuzzDecodeKept(f *testing.F) {
	f.Add([]byte(`{"run":"r","rules":[{"name":"a","id":"v2a"}],"says":{"attributes":[{"k":"a","v":1e999}]}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"rules":[{"id":"x"}],"start":"never"}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		k, o, err := decodeKept(record)
		if err != nil {
			require.Nil(t, o)
			return
		}
		require.NotEmpty(t, k.Rules)
		for _, a := range o.Attributes {
			require.Contains(t, []string{"string", "bool", "int64", "float64"}, typeOf(a.Value))
		}
	})
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case int64:
		return "int64"
	case float64:
		return "float64"
	}
	return "another"
}
