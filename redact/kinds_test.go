package redact_test

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/redact"
)

// example is a text with a secret of a kind.
type example struct {
	kind     string
	text     string
	from, to int
	template string
}

// examples reads testdata/kinds.txt.
func examples(t require.TestingT) []example {
	data, err := os.ReadFile("testdata/kinds.txt")
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []example
	for _, e := range canary.Read(string(data)) {
		s := e.Draw(rnd)
		all = append(all, example{e.Kind, s.Text, s.From, s.To, e.Template})
	}
	return all
}

// score counts what became of the examples of a kind.
type score struct{ examples, found, named int }

func TestKinds(t *testing.T) {
	var r redact.Redactor
	scores := map[string]*score{}
	for _, e := range examples(t) {
		sc := scores[e.kind]
		if sc == nil {
			sc = new(score)
			scores[e.kind] = sc
		}
		sc.examples++
		found := r.Find(e.text)
		i := slices.IndexFunc(found, func(f redact.Finding) bool { return f.From <= e.from && f.To >= e.to })
		if i < 0 {
			t.Errorf("%s: %s: %v, not %d to %d: %s", e.kind, e.template, found, e.from, e.to, e.text)
			continue
		}
		sc.found++
		if f := found[i]; f.Kind == e.kind || f.Kind == "url" {
			sc.named++
		} else {
			t.Errorf("%s: %s is said to be %s: %s", e.kind, e.template, f.Kind, e.text)
		}
		require.NotContains(t, r.Text(e.text), e.text[e.from:e.to])
	}
	require.GreaterOrEqual(t, len(scores), 150, "kinds")
	for _, kind := range slices.SortedFunc(maps.Keys(scores), cmp.Compare[string]) {
		sc := scores[kind]
		t.Logf("%-28s %2d examples, %3d%% found, %3d%% named", kind, sc.examples, 100*sc.found/sc.examples, 100*sc.named/sc.examples)
	}
	t.Logf("%d kinds", len(scores))
}

// harmless reads testdata/harmless.txt.
func harmless(t require.TestingT) []string {
	data, err := os.ReadFile("testdata/harmless.txt")
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(3, 4))
	var all []string
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, draw(rnd, strings.TrimSuffix(line, "\n")))
		}
	}
	return all
}

func TestWhatIsNoSecret(t *testing.T) {
	var r redact.Redactor
	for _, text := range harmless(t) {
		if f := r.Find(text); len(f) > 0 {
			t.Errorf("%v: %s", f, text)
		}
	}
	for _, text := range logLines {
		if f := r.Find(text); len(f) > 0 {
			t.Errorf("%v: %s", f, text)
		}
	}
}

// logs names files of log lines, JSON objects with a "line" each, that TestLogs
// reads besides those of bench_test.go.
var logs = flag.String("logs", "", "a glob of files of log lines, gzipped JSON lines with a field \"line\"")

// personal are the kinds that are no secrets.
var personal = []string{"email", "card", "iban", "ssn", "phone", "ip", "geo", "name", "personal-data", "literal"}

func TestLogs(t *testing.T) {
	all := slices.Clone(logLines)
	files, err := filepath.Glob(*logs)
	require.NoError(t, err)
	for _, name := range files {
		all = append(all, readLines(t, name)...)
	}
	var r redact.Redactor
	counts := map[string]int{}
	bad := 0
	for _, line := range all {
		found := slices.DeleteFunc(r.Find(line), func(f redact.Finding) bool { return slices.Contains(personal, f.Kind) })
		if len(found) == 0 {
			continue
		}
		bad++
		counts[found[0].Kind]++
		if counts[found[0].Kind] <= 5 {
			t.Logf("%v: %s", found, line)
		}
	}
	t.Logf("%d lines, %d with secrets that are none: %v", len(all), bad, counts)
	require.Less(t, bad*2000, max(len(all), 2000), "more than one line in 2000")
}

func readLines(t *testing.T, name string) []string {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []string
	for d := json.NewDecoder(z); d.More(); {
		var row struct{ Line string }
		require.NoError(t, d.Decode(&row))
		all = append(all, row.Line)
	}
	return all
}

// draw returns a text that a template stands for.
func draw(rnd *rand.Rand, template string) string { return canary.Text(rnd, template) }
