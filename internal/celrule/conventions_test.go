package celrule

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// TestConventionsAreThoseOfTheModule holds that the table is what its generator
// makes of the otel module that go.mod asks for.
func TestConventionsAreThoseOfTheModule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "conventions.txt")
	out, err := exec.Command("go", "run", "conventions_gen.go", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("conventions.txt", want, 0o666))
		return
	}
	require.Equal(t, string(want), conventionsText, "run go generate ./internal/celrule")
}

// TestConvention holds what is known of attributes.
func TestConvention(t *testing.T) {
	for _, tt := range []struct {
		rule, key string
		want      conventionInfo
		known     bool
	}{
		{"a current one", "http.response.status_code", conventionInfo{Type: "int"}, true},
		{"an old one, and what replaces it", "http.status_code", conventionInfo{"int", true, "http.response.status_code"}, true},
		{"of several replacements the one that is meant mostly", "net.peer.port", conventionInfo{"int", true, "server.port"}, true},
		{"dropped without a word", "db.system", conventionInfo{"string", true, "db.system.name"}, true},
		{"an enumeration of texts", "error.type", conventionInfo{Type: "string"}, true},
		{"an enumeration of numbers", "rpc.grpc.status_code", conventionInfo{"int", true, "rpc.response.status_code"}, true},
		{"a truth value", "exception.escaped", conventionInfo{Type: "boolean", Old: true}, true},
		{"an id", "cicd.pipeline.task.run.id", conventionInfo{Type: "string"}, true},
		{"a list", "container.image.tags", conventionInfo{Type: "string[]"}, true},
		{"moved elsewhere", "gen_ai.request.temperature", conventionInfo{Type: "double", Old: true}, true},
		{"a name without a namespace is nobody's", "type", conventionInfo{}, false},
		{"one's own", "app.tenant", conventionInfo{}, false},
	} {
		got, ok := convention(tt.key)
		require.Equal(t, tt.known, ok, tt.rule)
		require.Equal(t, tt.want, got, tt.rule)
	}
}

// TestReplacementsAreCurrent holds that nobody is sent from one old name to another.
func TestReplacementsAreCurrent(t *testing.T) {
	names := conventionNames()
	require.True(t, slices.IsSorted(names))
	require.Greater(t, len(names), 800)
	for _, name := range names {
		c, _ := convention(name)
		if c.Replacement == "" {
			continue
		}
		require.True(t, c.Old, name)
		r, ok := convention(c.Replacement)
		require.True(t, ok && !r.Old, "%s is replaced by %s", name, c.Replacement)
	}
}

// TestReadAsConventions holds what becomes of values that were recorded as another type.
func TestReadAsConventions(t *testing.T) {
	const (
		text, whole, truth = "error.type", "http.response.status_code", "faas.coldstart"
		real, list, own    = "gen_ai.request.temperature", "container.image.tags", "app.x"
	)
	for _, tt := range []struct {
		rule, key string
		recorded  any
		want      any
	}{
		{"a number where a text belongs", text, int64(404), "404"},
		{"a negative one", text, int64(-1), "-1"},
		{"a real number stays, where a text belongs", text, 0.5, 0.5},
		{"so does a truth value", text, true, true},
		{"the text of a whole number", whole, "404", int64(404)},
		{"with a sign", whole, "-1", int64(-1)},
		{"with zeros", whole, "0007", int64(7)},
		{"the least", whole, "-9223372036854775808", int64(-1 << 63)},
		{"the greatest", whole, "9223372036854775807", int64(1<<63 - 1)},
		{"too great", whole, "9223372036854775808", "9223372036854775808"},
		{"too long", whole, "00000000000000000001", "00000000000000000001"},
		{"no number", whole, "abc", "abc"},
		{"only its beginning is one", whole, "404 Not Found", "404 Not Found"},
		{"only a sign", whole, "-", "-"},
		{"a plus", whole, "+5", "+5"},
		{"a fraction is no whole number", whole, "404.0", "404.0"},
		{"nothing", whole, "", ""},
		{"a real number stays, where a whole one belongs", whole, 404.5, 404.5},
		{"a whole number where a real one belongs", real, int64(2), 2.0},
		{"the text of a real number", real, "0.25", 0.25},
		{"with an exponent", real, "-2.5e-1", -0.25},
		{"a whole one", real, "7", 7.0},
		{"with two points", real, "1.2.3", "1.2.3"},
		{"without digits", real, ".", "."},
		{"an exponent without digits", real, "1e", "1e"},
		{"not a number", real, "NaN", "NaN"},
		{"in hexadecimal", real, "0x10", "0x10"},
		{"the text of a truth value", truth, "true", true},
		{"in Python's spelling", truth, "False", false},
		{"no truth value", truth, "yes", "yes"},
		{"a number is none", truth, int64(1), int64(1)},
		{"a list stays", list, []string{"1"}, []string{"1"}},
		{"a text where a list belongs stays", list, "1", "1"},
		{"one's own are as recorded", own, "404", "404"},
	} {
		require.Equal(t, tt.want, adapt(tt.key, tt.recorded), tt.rule)
	}
}

// TestBothSidesReadTheSame holds that conditions read a value as CEL does,
// of a live span and of an occurrence.
func TestBothSidesReadTheSame(t *testing.T) {
	keys := append(slices.Clone(conventionNames()), "app.x")
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`-?[0-9]{0,22}(\.[0-9]{0,3})?([eE][+-]?[0-9]{0,4})?`),
		rapid.SampledFrom([]string{"true", "True", "TRUE", "tRUE", "false", "False", "FALSE"}))
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom(keys).Draw(t, "key")
		v := rapid.OneOf(
			rapid.Map(texts, attribute.StringValue),
			rapid.Map(rapid.Int64(), attribute.Int64Value),
			rapid.Map(rapid.Float64(), attribute.Float64Value),
			rapid.Map(rapid.Bool(), attribute.BoolValue),
		).Draw(t, "value")
		live := attributes{live: []attribute.KeyValue{{Key: attribute.Key(key), Value: v}}}
		kept := attributes{kept: []correlate.Attribute{{Key: key, Value: v.AsInterface()}}}
		want, _ := live.FindStringKey(key)
		same, _ := kept.FindStringKey(key)
		require.Equal(t, want, same)
		s := attributeSubject(spanAttribute, key)
		switch got := s.of(live.live); got.kind {
		case kindText, kindDigits:
			require.Equal(t, want, got.String())
		case kindInt:
			require.Equal(t, want, got.n)
		case kindFloat:
			require.Equal(t, want, got.f)
		case kindBool:
			require.Equal(t, want, got.n == 1)
		default:
			t.Fatalf("%v is read as %+v", want, got)
		}
	})
}
