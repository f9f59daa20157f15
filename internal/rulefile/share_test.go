package rulefile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/celrule"
)

func TestFilesShare(t *testing.T) {
	fsys := fstest.MapFS{
		"rules.d/00-shared.yaml":    {Data: []byte("version: 1\nlet:\n  failed: span.status == \"ERROR\"\ndefaults: {team: platform, budget: 5, resolve: {quiet: 2h}}\n")},
		"rules.d/10-shop.yaml":      {Data: []byte("version: 1\nlet:\n  shop: failed && resource.attributes[\"service.namespace\"] == \"shop\"\ndefaults: {team: shop}\nrules:\n  - {name: shop, when: shop, continue: true}\n")},
		"rules.d/20-bank.yaml":      {Data: []byte("version: 1\nrules:\n  - {name: bank, when: failed, mode: {canary: 10%}}\n  - {name: more, when: failed, budget: 7, mode: {draft: 3d}}\n")},
		"rules.d/20-bank_test.yaml": {Data: []byte("version: 1\ntests: []\n")},
	}
	files, err := Read(fsys, "rules.d/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3, "tests of rules are no rules")
	set, err := Compile(files, nil, nil)
	require.NoError(t, err)
	require.Equal(t, 3, set.Len())
	shop, bank, more := set.Rule(0), set.Rule(1), set.Rule(2)
	require.Equal(t, []string{"shop", "platform", "platform"}, []string{shop.Team, bank.Team, more.Team})
	require.Equal(t, []int64{5, 5, 7}, []int64{shop.Budget, bank.Budget, more.Budget})
	require.Equal(t, 2*time.Hour, shop.Quiet)
	require.True(t, shop.Continue)
	require.Equal(t, celrule.Mode{Kind: celrule.Canary, Percent: 10}, set.Mode(1))
	require.Equal(t, celrule.Mode{Kind: celrule.Draft, Expires: 3 * 24 * time.Hour}, set.Mode(2))
	require.Equal(t, []celrule.Definition{{Name: "failed", Expr: `span.status == "ERROR"`}}, bank.Definitions)

	_, err = Read(fsys, "rules.d/20-bank_test.yaml")
	require.NoError(t, err, "one that is named is read")
}

func TestWrongSharing(t *testing.T) {
	const shared = "version: 1\nlet:\n  failed: span.status == \"ERROR\"\n"
	const rule = "rules:\n  - name: r\n    when: failed\n"
	for _, tt := range []struct {
		rule  string
		files []string
		want  []string
	}{
		{"what a file with rules defines is its own", []string{"version: 1\nlet:\n  failed: 'true'\n" + rule, "version: 1\n" + strings.Replace(rule, "r\n", "s\n", 1)}, []string{"1.yaml:4:11: rule \"s\": when: undeclared name 'failed'"}},
		{"a file sees only those before it", []string{"version: 1\n" + rule, shared}, []string{"0.yaml:4:11: rule \"r\": when: undeclared name 'failed'"}},
		{"a name that is shared is taken", []string{shared, shared, "version: 1\n" + rule}, []string{"1.yaml:3:3: let.failed: the name is taken: 0.yaml:3:11"}},
		{"also for a file with rules", []string{shared, "version: 1\nlet:\n  failed: 'true'\n" + rule}, []string{"1.yaml:3:3: let.failed: the name is taken: 0.yaml:3:11"}},
		{"an error in a shared definition is reported once, in its place", []string{"version: 1\nlet:\n  failed: span.sttus == \"ERROR\"\n", "version: 1\n" + rule, "version: 1\n" + strings.Replace(rule, "r\n", "s\n", 1)}, []string{"0.yaml:3:16: let.failed: undefined field 'sttus'"}},
		{"one in shared defaults too", []string{"version: 1\ndefaults:\n  title: span.nmae\n", "version: 1\nrules:\n  - {name: r, when: 'true'}\n"}, []string{"0.yaml:3:15: defaults.title: undefined field 'nmae'"}},
		{"a broken file keeps nobody from the others", []string{"version: 1\nlet: [", "version: 1\nrules:\n  - {name: r, when: span.nmae}\n"}, []string{"0.yaml:2:", "1.yaml:3:26: rule \"r\": when: undefined field 'nmae'"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			var files []*File
			for i, text := range tt.files {
				files = append(files, Parse(string(rune('0'+i))+".yaml", []byte(text)))
			}
			_, err := Compile(files, nil, nil)
			require.Error(t, err)
			joined := err.(interface{ Unwrap() []error }).Unwrap()
			require.Len(t, joined, len(tt.want), err)
			for i, want := range tt.want {
				require.True(t, strings.HasPrefix(joined[i].Error(), want), joined[i])
			}
		})
	}
}

func TestErrorsAreBounded(t *testing.T) {
	text := "version: 1\nrules:\n" + strings.Repeat("  - {name: r, when: span.nmae}\n", 1000)
	_, err := Compile([]*File{Parse("rules.yaml", []byte(text))}, nil, nil)
	joined := err.(interface{ Unwrap() []error }).Unwrap()
	require.Len(t, joined, 51)
	require.EqualError(t, joined[50], "and 1949 more errors")
}

// However many errors a text has, few are placed.
func TestManyErrorsInALongText(t *testing.T) {
	list := strings.TrimSuffix(strings.Repeat(`"NO", `, 20_000), ", ")
	text := "version: 1\nrules:\n  - {name: r, when: 'span.kind in [" + list[:len(list)/16] + "]'}\n"
	_, err := Compile([]*File{Parse("rules.yaml", []byte(text))}, nil, nil)
	require.ErrorContains(t, err, "more errors")
	require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 51)
}

// What rules are given is kept once, not with each of them.
func TestDefaultsOfManyRules(t *testing.T) {
	text := "version: 1\ndefaults: {labels: [" + strings.Repeat("a, ", 100) + "]}\nrules:\n" + strings.Repeat("  - {name: r}\n", 4000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := Parse("rules.yaml", []byte(text))
	runtime.ReadMemStats(&after)
	require.Len(t, f.Rules, 4000)
	require.Len(t, f.Rules[3999].Labels, 100)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
}

// What a file was given once it does not have when it is compiled alone.
func TestLinkForgets(t *testing.T) {
	shared := Parse("0.yaml", []byte("version: 1\nlet:\n  failed: span.status == \"ERROR\"\n"))
	user := Parse("1.yaml", []byte("version: 1\nrules:\n  - {name: r, when: failed}\n"))
	_, err := Compile([]*File{shared, user}, nil, nil)
	require.NoError(t, err)
	_, err = Compile([]*File{user}, nil, nil)
	require.ErrorContains(t, err, "undeclared name 'failed'")
}

// A file that is far too large is refused without being read.
func TestHugeFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "huge.yaml")
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(100<<20))
	require.NoError(t, f.Close())
	require.Less(t, testing.AllocsPerRun(1, func() {
		files, err := Read(nil, name)
		require.NoError(t, err)
		_, err = Compile(files, nil, nil)
		require.EqualError(t, err, name+": the file has more than 1048576 bytes")
	}), 300.0)
}

// An expression of a megabyte is refused, and so is a flood of brackets.
func TestHugeExpressions(t *testing.T) {
	for _, expr := range []string{
		strings.Repeat("true && ", 120_000) + "true",
		strings.Repeat("(", 10_000) + "true" + strings.Repeat(")", 10_000),
		`span.name == "` + strings.Repeat("x", 1<<20-100) + `"`,
		"[" + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + "]",
	} {
		_, err := Compile([]*File{Parse("rules.yaml", []byte("version: 1\nrules:\n  - name: r\n    when: '"+expr+"'\n"))}, nil, nil)
		require.Error(t, err)
		require.Less(t, len(err.Error()), 2000)
	}
}

// Rules as Go values have no file, and so not its limit.
func TestManyValues(t *testing.T) {
	var rules []celrule.Rule
	for range 20_000 {
		rules = append(rules, celrule.Rule{Name: "r" + strings.Repeat("x", 40) + string(rune('a'+len(rules)%26)), When: `span.status == "ERROR"`, Budget: 3, Continue: true, Mode: "shadow"})
	}
	f := Values("Config.Rules", rules)
	require.Empty(t, f.errs)
	require.Len(t, f.Rules, 20_000)
	require.Equal(t, rules[7], f.Rules[7])
}

func FuzzFiles(f *testing.F) {
	f.Add("version: 1\nlet: {a: 'true'}", "version: 1\nrules: [{name: r, when: a}]")
	f.Add("version: 1\ndefaults: {team: x}", "version: 1\nlet: {a: 'true'}\nrules: [{name: r, when: a, mode: {canary: 1%}}]")
	f.Fuzz(func(t *testing.T, a, b string) {
		files := []*File{Parse("a.yaml", []byte(a)), Parse("b.yaml", []byte(b))}
		_, err := Compile(files, nil, nil)
		_, again := Compile(files, nil, nil)
		if err == nil {
			require.NoError(t, again)
		} else {
			require.EqualError(t, again, err.Error())
		}
	})
}
