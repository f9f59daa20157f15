package gitleaks

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// exprs returns a generator of expressions.
func exprs() *rapid.Generator[string] {
	atoms := rapid.SampledFrom([]string{"a", "b", "ab", ".", `\w`, `\W`, `\s`, "[a-c]", "[^a]", "ü", `(?i:A)`, `(?s:.)`, `\b`, `\B`, "^", "$", `(?m:^)`, `(?m:$)`, `\z`, `\A`, "k"})
	quantifiers := rapid.SampledFrom([]string{"", "", "", "*", "+", "?", "*?", "{0,3}", "{2}", "{1,}?"})
	var expr func(depth int) *rapid.Generator[string]
	expr = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			var b strings.Builder
			for range rapid.IntRange(1, 4).Draw(t, "n") {
				if depth > 0 && rapid.IntRange(0, 4).Draw(t, "group") == 0 {
					b.WriteString("(" + expr(depth-1).Draw(t, "first") + "|" + expr(depth-1).Draw(t, "second") + ")")
				} else {
					b.WriteString("(?:" + atoms.Draw(t, "atom") + ")")
				}
				b.WriteString(quantifiers.Draw(t, "quantifier"))
			}
			return b.String()
		})
	}
	return expr(2)
}

// An automaton tells what package regexp tells, whatever stands before the place.
func TestAutomaton(t *testing.T) {
	texts := rapid.StringOfN(rapid.SampledFrom([]rune("aabbAkK\u212a c_\n.ü-")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		expr := exprs().Draw(t, "expression")
		a, all := newAutomaton(expr), newAutomaton(anywhere(expr))
		here, after := regexp.MustCompile(`\A(?:`+expr+`)`), regexp.MustCompile(`\A(?s:.)(?:`+expr+`)`)
		for range 4 {
			text := texts.Draw(t, "text")
			for at := range text {
				want := here.MatchString(text)
				if at > 0 {
					want = after.MatchString(text[before(text, at):])
				}
				found, end := a.run(text, at, len(text))
				require.Equal(t, want, found == yes, "%q at %d of %q", expr, at, text)
				require.True(t, at <= end && end <= len(text))
			}
			found, _ := all.run(text, 0, len(text))
			require.Equal(t, regexp.MustCompile(expr).MatchString(text), found == yes, "%q in %q", expr, text)
		}
	})
}

func TestAutomatonHasALimit(t *testing.T) {
	a := newAutomaton(`a*b?$`)
	found, end := a.run("aaaaaaaa", 0, 4)
	require.Equal(t, no, found, "the limit is no end")
	require.Equal(t, 4, end)
	found, _ = a.run("aaaaaaaa", 0, 8)
	require.Equal(t, yes, found)
	found, end = a.run("aac", 0, 3)
	require.Equal(t, no, found)
	require.Equal(t, 3, end)
}

// What an expression with too many states needs is bounded, and is told.
func TestAutomatonForgets(t *testing.T) {
	a := newAutomaton(`(?s:.*?)a[ab]{200}c`)
	text := strings.Repeat("abbabaabbbaabab", 1000)
	for range 20 {
		found, _ := a.run(text[:3000], 0, 3000)
		require.NotEqual(t, yes, found)
		require.LessOrEqual(t, a.states.Load().size, maxStates)
	}
	found, _ := newAutomaton(`(?s:.*?)a.{11}c`).run(strings.Repeat("ab", 5)+strings.Repeat("c", 20), 0, 30)
	require.Equal(t, yes, found)
}

func TestAutomatonIsShared(t *testing.T) {
	a := newAutomaton(anywhere(`\bk[a-z]{3,20}=[0-9]{4}\b`))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if found, _ := a.run("some keys, kettle=123 and kettles=1234 of them", 0, 46); found != yes {
					t.Error("not found")
				}
			}
		})
	}
	wg.Wait()
}
