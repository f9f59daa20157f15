package rulefile

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

var update = flag.Bool("update", false, "write the expected errors of testdata/bad")

var sinks = []string{"github", "jira"}

// TestBad holds the whole text of what is said about files that are refused.
func TestBad(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(names), 100)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			set, err := Compile([]*File{Parse("rules.yaml", data)}, sinks, nil)
			require.Error(t, err)
			require.Nil(t, set)
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

// TestGood reads files that use everything the format has.
func TestGood(t *testing.T) {
	files, err := Read(os.DirFS("testdata/good"), "all-keys.yaml", "*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 2, "a file that two patterns name is read once")
	set, err := Compile(files, sinks, nil)
	require.NoError(t, err)
	require.Equal(t, 3, set.Len(), "a rule that is off is not in the set")
	require.Equal(t, celrule.Rule{
		Name:      "checkout-errors",
		When:      `span.status == "ERROR" && resource.attributes["service.name"] == "checkout"`,
		Unless:    `exception.message.endsWith("context canceled")`,
		Signature: []string{"service", "operation", "exception"},
		Threshold: correlate.Threshold{Count: 5, Within: 10 * time.Minute},
		Severity:  `problem.rate > 10.0 ? "critical" : "error"`,
		Title:     `"Checkout: " + exception.type`,
		Team:      "shop",
		Runbook:   "https://wiki.example.com/checkout",
		Labels:    []string{"env:production", `resource.attributes["team"]`},
		Sinks:     []string{"jira"},
		Quiet:     7 * 24 * time.Hour,
		Budget:    20,
		Suppress:  correlate.Suppress{Deploy: 5 * time.Minute},
		Mode:      string(celrule.Live),
	}, set.Rule(0))
	slow := set.Rule(1)
	require.Equal(t, []string{"checkout"}, slow.Labels)
	require.Equal(t, "platform", slow.Team)
	require.Equal(t, 36*time.Hour, slow.Quiet)
	require.Equal(t, correlate.Threshold{Count: 2, Within: 10 * time.Minute}, slow.Threshold)
}

// TestSeveralFiles reports what is wrong with all files, in their order.
func TestSeveralFiles(t *testing.T) {
	fsys := fstest.MapFS{
		"rules.d/b.yaml": {Data: []byte("version: 1\nrules:\n  - name: x\n    when: \"true\"\n")},
		"rules.d/a.yaml": {Data: []byte("version: 3\nrules:\n  - name: x\n    when: \"tru\"\n")},
		"rules.d/c.yaml": {Data: []byte("rules\n")},
		"first.yaml":     {Data: []byte("version: 1\nrules:\n  - name: z\n    when: \"true\"\n")},
	}
	files, err := Read(fsys, "first.yaml", "rules.d/*.yaml")
	require.NoError(t, err)
	_, err = Compile(files, nil, nil)
	var got []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		header, _, _ := strings.Cut(e.Error(), "\n")
		got = append(got, header)
	}
	require.Equal(t, []string{
		`rules.d/a.yaml:1:10: version: there is no version "3"`,
		`rules.d/a.yaml:4:12: rule "x": when: undeclared name 'tru'`,
		`rules.d/b.yaml:3:11: rule "x": name: the name is taken: rules.d/a.yaml:3:11`,
		`rules.d/c.yaml:1:1: it must be a mapping of keys to values, and is a text`,
	}, got)
}

func TestReadMissing(t *testing.T) {
	_, err := Read(nil, "testdata/good/all-keys.yaml", "testdata/none.yaml", "[")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, err, filepath.ErrBadPattern)
	files, err := Read(nil, "testdata/good/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 2)
}

func TestTooLarge(t *testing.T) {
	_, err := Compile([]*File{Parse("big.yaml", make([]byte, maxSize+1))}, nil, nil)
	require.EqualError(t, err, "big.yaml: the file has more than 1048576 bytes")
}

// FuzzParse holds that no input panics, that what is refused has a place in
// the file, and that what is accepted is accepted again.
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
		file := Parse("f.yaml", data)
		set, err := Compile([]*File{file}, nil, nil)
		if err == nil {
			again, err := Compile([]*File{Parse("f.yaml", data)}, nil, nil)
			require.NoError(t, err)
			require.Equal(t, set.Len(), again.Len())
			return
		}
		for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
			e, ok := errors.AsType[*Error](err)
			if !ok {
				require.Contains(t, err.Error(), "more errors")
				continue
			}
			require.NotEmpty(t, e.Message)
			require.LessOrEqual(t, e.Line, len(file.lines))
			require.NotEmpty(t, e.Error())
		}
	})
}

// The line that an error shows is cut, and half a secret is not known for one.
func TestLinesAreScrubbedBeforeTheyAreCut(t *testing.T) {
	secret := strings.Repeat("s", 200)
	line := Error{Message: "wrong"}.At("a.yaml", []string{"when: a == " + secret + " && b"}, 1, 7)
	behind := Error{Message: "wrong"}.At("a.yaml", []string{"when: a == " + secret + " && b"}, 1, 216)
	require.Contains(t, line.Error(), "sss")
	require.NoError(t, Scrub(nil, nil))
	err := Scrub(errors.Join(line, errors.Join(behind), errors.New("and more")), func(s string) string { return strings.ReplaceAll(s, secret, "***") })
	require.NotContains(t, err.Error(), "sss")
	require.Contains(t, line.Error(), "    1 | when: a == *** && b\n      |       ^")
	require.Contains(t, behind.Error(), "    1 | when: a == *** && b\n      |            ^", "where the line is another from there on")
}
