package redact_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestOwnKinds(t *testing.T) {
	acme := redact.Kind{Name: "acme", Keywords: []string{"acme-"}, Pattern: `acme-[0-9a-f]{8}`}
	near := redact.Kind{Name: "near", Keywords: []string{"badge"}, Pattern: `\b(N[0-9]{4})\b`}
	find := redact.Kind{Name: "find", Keywords: []string{"%%"}, Find: func(text string, at int) (int, int) {
		if n := strings.Index(text[at+2:], "%%"); n >= 0 {
			return at, at + n + 4
		}
		return 0, 0
	}}
	number := regexp.MustCompile(`\b[0-9]{7}\b`)
	all := redact.Kind{Name: "all", Keywords: []string{"ledger"}, FindAll: func(text string) [][]int { return number.FindAllStringIndex(text, -1) }}
	none := redact.Kind{Name: "none", FindAll: func(text string) [][]int { return regexp.MustCompile(`zz[0-9]`).FindAllStringIndex(text, -1) }}
	greedy := redact.Kind{Name: "greedy", Keywords: []string{"take"}, Pattern: `take.*`}
	within := redact.Kind{Name: "within", FindAll: func(text string) [][]int { return regexp.MustCompile(`REDACTED|acme`).FindAllStringIndex(text, -1) }}
	tests := []struct {
		rule, in, want string
		kinds          []redact.Kind
	}{
		{"a pattern", "an acme-0123abcd key", "an [REDACTED:acme] key", []redact.Kind{acme}},
		{"a keyword in any case", "an ACME-0123abcd acme-0123abcd", "an ACME-0123abcd [REDACTED:acme]", []redact.Kind{acme}},
		{"the first group is what goes", "N1234, badge N1235.", "N1234, badge [REDACTED:near].", []redact.Kind{near}},
		{"not without its keyword", "N1234", "N1234", []redact.Kind{near}},
		{"several beside one keyword", "badge: N1111 N2222 N3333", "badge: [REDACTED:near] [REDACTED:near] [REDACTED:near]", []redact.Kind{near}},
		{"a function", "a %%b%% c", "a [REDACTED:find] c", []redact.Kind{find}},
		{"all of a text that has the keyword", "1234567 ledger " + strings.Repeat("-", 9000) + " 7654321", "[REDACTED:all] ledger " + strings.Repeat("-", 9000) + " [REDACTED:all]", []redact.Kind{all}},
		{"nothing of one that has not", "1234567", "1234567", []redact.Kind{all}},
		{"more than passes over a text", "ledger" + strings.Repeat(" 1234567", 30), "ledger" + strings.Repeat(" [REDACTED:all]", 30), []redact.Kind{all}},
		{"without keywords", "a zz1 b zz2", "a [REDACTED:none] b [REDACTED:none]", []redact.Kind{none}},
		{"what its shape tells has the name of that", "badge " + fakes["github-token"], "badge [REDACTED:github-token]", []redact.Kind{{Name: "any", Keywords: []string{"badge"}, Pattern: `badge (\S+)`}}},
		{"several kinds", "zz1 acme-0123abcd", "[REDACTED:none] [REDACTED:acme]", []redact.Kind{acme, none}},
		{"what holds a mark goes with it", "take [REDACTED:x] b", "[REDACTED:greedy]", []redact.Kind{greedy}},
		{"no part of a mark goes", "a [REDACTED:acme] b", "a [REDACTED:acme] b", []redact.Kind{within}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			r := redact.Redactor{Kinds: tt.kinds}
			got := r.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, r.Text(got), "redacted again")
			if !strings.Contains(tt.in, "[REDACTED:") {
				require.Len(t, r.Find(tt.in), strings.Count(got, "[REDACTED:"))
			}
		})
	}
}

func TestFindAllReportsPositions(t *testing.T) {
	r := redact.Redactor{Kinds: []redact.Kind{{Name: "all", FindAll: func(text string) [][]int {
		return regexp.MustCompile(`zz[0-9]+`).FindAllStringIndex(text, -1)
	}}}}
	const text = "got password=hunter2 zz123456789012345678901234567890 b zz2"
	require.Equal(t, []redact.Finding{{"password", 13, 20}, {"all", 21, 53}, {"all", 56, 59}}, r.Find(text))
}

func TestKindsThatAreNotRight(t *testing.T) {
	find := func(string, int) (int, int) { return 0, 0 }
	for rule, k := range map[string]redact.Kind{
		"no name":         {Keywords: []string{"ab"}, Find: find},
		"a capital":       {Name: "Acme", Keywords: []string{"ab"}, Find: find},
		"a long name":     {Name: strings.Repeat("a", 49), Keywords: []string{"ab"}, Find: find},
		"no keyword":      {Name: "a", Find: find},
		"a short keyword": {Name: "a", Keywords: []string{"a"}, Find: find},
		"nothing to try":  {Name: "a", Keywords: []string{"ab"}},
	} {
		r := redact.Redactor{Kinds: []redact.Kind{k}}
		require.Equal(t, marked("failed"), r.Text("text"), rule)
	}
	longest := redact.Kind{Name: strings.Repeat("a", 48), Keywords: []string{"zz"}, Pattern: "zz"}
	r := redact.Redactor{Kinds: []redact.Kind{longest}, TokenKey: func() []byte { return make([]byte, 16) }}
	got := r.Text("zz")
	require.Regexp(t, `^\[REDACTED:a{48}:[0-9a-f]{4}\]$`, got)
	require.Equal(t, got, r.Text(got), "is a mark")
}

// A function may say how far it looked, and is not asked about what lies there.
func TestFindIsNotAskedAgain(t *testing.T) {
	calls := 0
	r := redact.Redactor{Kinds: []redact.Kind{{Name: "far", Keywords: []string{"ab"}, Find: func(text string, at int) (int, int) {
		calls++
		return at + 100, at + 100
	}}}}
	text := strings.Repeat("ab", 1000)
	require.Equal(t, text, r.Text(text))
	require.Equal(t, 20, calls)
}

// A pattern that does not match is not tried on the same text at each keyword.
func TestPatternsTakeLinearTime(t *testing.T) {
	r := redact.Redactor{Kinds: []redact.Kind{{Name: "slow", Keywords: []string{"ab"}, Pattern: `ab.{3}x[0-9]+y`}}}
	text := strings.Repeat("ab", 64<<10)
	began := time.Now()
	require.Equal(t, text, r.Text(text))
	require.Less(t, time.Since(began), 5*time.Second, "64 Ki keywords: each byte is looked at two or three times")
}
