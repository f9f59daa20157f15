package celrule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
)

// blamed is a problem with two suspects.
func blamed() *correlate.Problem {
	p := often()
	p.Suspects.Ranked = []correlate.Suspect{
		{
			Scope:   correlate.Scope{Service: "payment", Namespace: "shop", Environment: "production"},
			Version: "2.4.1", Revision: "0123abcd", ID: "d17", Name: "payment-2.4.1", By: "ann", Changelog: "https://git.example/2.4.1",
			Time: noon.Add(-6 * time.Minute), Class: "strong", Distance: 1, Delay: 6 * time.Minute, Ratio: 12.5,
		},
		{Scope: correlate.Scope{Service: "checkout"}, Time: noon.Add(-time.Hour), Undone: noon, Class: "possible", Delay: time.Hour},
	}
	return p
}

// TestSuspects holds what the answers of a rule can say of suspects.
func TestSuspects(t *testing.T) {
	const title = "POST /checkout: payment.Refused: card refused" // the default
	for _, tt := range []struct{ rule, text, with, without string }{
		{"the first is the surest", `suspects[0].class in ["confirmed", "strong"] ? "critical" : "error"`, "critical", "error"},
		{"what is not there is no error", `suspects[0].class == "strong" ? "yes" : "no"`, "yes", "no"},
		{"nor when it is ordered", `suspects[0].ratio > 2.0 ? "yes" : "no"`, "yes", "no"},
		{"it differs from everything", `suspects[0].class != "strong" ? "yes" : "no"`, "no", "yes"},
		{"and so its negation holds", `!(suspects[0].distance == 1) ? "yes" : "no"`, "no", "yes"},
		{"a truth value that is not there does not hold", `suspects[1].undone && true ? "yes" : "no"`, "yes", "no"},
		{"a position beyond the last", `suspects[2].class == "possible" ? "yes" : "no"`, "no", "no"},
		{"a text that hangs on one has its default", `"Since payment " + suspects[0].version`, "Since payment 2.4.1", title},
		{"or another text", `"Since " + suspects[?0].version.orValue("?")`, "Since 2.4.1", "Since ?"},
		{"how many", `size(suspects) > 1 ? "several" : "few"`, "several", "few"},
		{"none", `suspects == [] ? "nobody" : "somebody"`, "somebody", "nobody"},
		{"the number of them", `string(suspects.size())`, "2", "0"},
		{"any of them", `suspects.exists(s, s.undone) ? "undone" : "-"`, "undone", "-"},
		{"all of them", `suspects.all(s, s.class != "confirmed") ? "unsure" : "sure"`, "unsure", "unsure"},
		{"some of them", `suspects.filter(s, s.delay < duration("10m")).map(s, s.service).join(", ") + "!"`, "payment!", "!"},
		{"the first by a function", `suspects.first().optMap(s, s.by).orValue("nobody")`, "ann", "nobody"},
		{"what may be empty", `has(suspects[0].version) && !has(suspects[1].version) ? "yes" : "no"`, "yes", "no"},
		{"the service", `suspects[0].namespace + "/" + suspects[0].service + "/" + suspects[0].environment`, "shop/payment/production", title},
		{"the deployment", `[suspects[0].id, suspects[0].name, suspects[0].revision, suspects[0].changelog].join(" ")`, "d17 payment-2.4.1 0123abcd https://git.example/2.4.1", title},
		{"times", `string(suspects[0].time) + " " + string(suspects[0].delay.getMinutes())`, "2026-03-01T11:54:00Z 6", title},
		{"with the problem", `suspects[0].service == problem.service ? "own" : "of another"`, "of another", "of another"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			set, err := Compile([]Rule{{Name: "r", When: "true", Title: tt.text}}, nil)
			require.NoError(t, err)
			for want, p := range map[string]*correlate.Problem{tt.with: blamed(), tt.without: often()} {
				if tt.with == tt.without {
					p = blamed()
				}
				a, err := set.Answers(0, refused(), p, asItIs)
				require.NoError(t, err)
				require.Equal(t, want, a.Title)
			}
			require.Zero(t, set.Stats(0).Errors)
		})
	}
}

// TestSuspectsRoute is a rule that routes by who is to blame.
func TestSuspectsRoute(t *testing.T) {
	set := mustCompile(t, []Rule{{
		Name: "r", When: "true",
		Definitions: []Definition{{"deployed", `suspects[0].class in ["confirmed", "strong"]`}, {"culprit", `suspects[0].service`}},
		Severity:    `deployed ? "critical" : "error"`,
		Team:        `deployed ? culprit + " team" : "on call"`,
		Labels:      []string{`deployed ? "deployment" : ""`, `suspects[0].version`},
		Sinks:       []string{`suspects.exists(s, s.by == "ann") ? "ann" : "all"`},
		Runbook:     `suspects[0].changelog`,
	}})
	a, err := set.Answers(0, refused(), blamed(), asItIs)
	require.NoError(t, err)
	require.Equal(t, "critical", a.Severity)
	require.Equal(t, "payment team", a.Team)
	require.Equal(t, []string{"deployment", "2.4.1"}, a.Labels)
	require.Equal(t, []string{"ann"}, a.Sinks)
	require.Equal(t, "https://git.example/2.4.1", a.Runbook)
	a, err = set.Answers(0, refused(), often(), asItIs)
	require.NoError(t, err)
	require.Equal(t, "error", a.Severity)
	require.Equal(t, "on call", a.Team)
	require.Empty(t, a.Labels)
	require.Equal(t, []string{"all"}, a.Sinks)
	require.Empty(t, a.Runbook)
}

// TestSuspectErrors holds what is said of expressions that misuse suspects.
func TestSuspectErrors(t *testing.T) {
	for _, tt := range []struct {
		rule string
		edit func(*Rule)
		want string
	}{
		{"not in when", func(r *Rule) { r.When = `suspects[0].class == "strong"` }, `when:1:1: undeclared name 'suspects' (there is no problem yet when this is evaluated, and so nothing to blame for it)`},
		{"nor in unless", func(r *Rule) { r.Unless = `size(suspects) > 0` }, `unless:1:6: undeclared name 'suspects' (there is no problem yet when this is evaluated, and so nothing to blame for it)`},
		{"nor in a signature", func(r *Rule) { r.SignatureExpr = `suspects.map(s, s.service)` }, `signature:1:1: undeclared name 'suspects' (there is no problem yet when this is evaluated, and so nothing to blame for it)`},
		{"nor by a definition", func(r *Rule) {
			r.Definitions = []Definition{{"deployed", `size(suspects) > 0`}}
			r.When = "deployed"
		}, `when:1:1: deployed cannot be used here: undeclared name 'suspects' (there is no problem yet when this is evaluated, and so nothing to blame for it)`},
		{"its name is taken", func(r *Rule) { r.Definitions = []Definition{{"suspects", `true`}} }, `let.suspects: "suspects" is a variable (give the definition another name)`},
		{"misspelt", func(r *Rule) { r.Title = `"x" + suspect[0].class` }, `title:1:14: '_[_]' does not take (type(suspect), int) (suspect is a type; did you mean suspects[0]?)`},
		{"misspelt otherwise", func(r *Rule) { r.Title = `"x" + suspets[0].class` }, `title:1:7: undeclared name 'suspets' (did you mean suspects?)`},
		{"a field that is misspelt", func(r *Rule) { r.Title = `suspects[0].verson` }, `title:1:13: undefined field 'verson' (did you mean suspects[0].version?)`},
		{"a field of an element", func(r *Rule) { r.Title = `suspects.exists(s, s.clas == "x") ? "a" : "b"` }, `title:1:22: undefined field 'clas' (did you mean s.class?)`},
		{"a class that there is not", func(r *Rule) { r.Severity = `suspects[0].class == "Stong" ? "critical" : "error"` }, `severity:1:22: there is no such value as "Stong" (did you mean "strong"?)`},
		{"nor in a list", func(r *Rule) {
			r.Severity = `suspects.exists(s, s.class in ["strong", "sure"]) ? "critical" : "error"`
		}, `severity:1:42: there is no such value as "sure" (it is one of confirmed, strong, likely, possible)`},
		{"a number for a text", func(r *Rule) { r.Title = `"calls: " + suspects[0].distance` }, `title:1:11: '+' does not take (string, int)`},
		{"a text for a number", func(r *Rule) { r.Severity = `suspects[0].ratio > "2" ? "critical" : "error"` }, `severity:1:19: '>' does not take (double, string)`},
		{"a field of the list", func(r *Rule) { r.Title = `suspects.class` }, `title:1:9: type 'list(suspect)' does not support field selection`},
		{"no text", func(r *Rule) { r.Title = `suspects[0].undone` }, `title:1:1: it must be a string, and is a bool`},
		{"loops over loops that are dear", func(r *Rule) {
			r.Title = `suspects.exists(a, suspects.exists(b, suspects.exists(c, exception.stacktrace.contains(a.by + b.by + c.by)))) ? "a" : "b"`
		}, `title:1:1: it may cost`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r := Rule{Name: "r", When: "true"}
			tt.edit(&r)
			_, err := Compile([]Rule{r}, nil)
			require.ErrorContains(t, err, `rule "r": `+tt.want)
		})
	}
}

// TestSuspectClasses holds that the words are those of whoever ranks suspects.
func TestSuspectClasses(t *testing.T) {
	require.Equal(t, []string{string(deployment.Confirmed), string(deployment.Strong), string(deployment.Likely), string(deployment.Possible)}, suspectClasses)
}

// TestOnlySoManySuspects holds that a record of somebody else's making costs no more.
func TestOnlySoManySuspects(t *testing.T) {
	set := mustCompile(t, []Rule{{Name: "r", When: "true", Title: `string(suspects.size())`}})
	p := often()
	p.Suspects.Ranked = make([]correlate.Suspect, 1000)
	a, err := set.Answers(0, refused(), p, asItIs)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(maxSuspects), a.Title)
}

// suspectCondition is a condition on suspects, as a rule has it and in Go. A position that
// is not there makes the comparison false, and != true.
type suspectCondition struct {
	text string
	of   func([]correlate.Suspect) bool
}

func drawSuspectCondition(t *rapid.T, depth int) suspectCondition {
	if depth > 0 {
		switch rapid.IntRange(0, 4).Draw(t, "join") {
		case 0:
			a, b := drawSuspectCondition(t, depth-1), drawSuspectCondition(t, depth-1)
			return suspectCondition{"(" + a.text + " && " + b.text + ")", func(s []correlate.Suspect) bool { return a.of(s) && b.of(s) }}
		case 1:
			a, b := drawSuspectCondition(t, depth-1), drawSuspectCondition(t, depth-1)
			return suspectCondition{"(" + a.text + " || " + b.text + ")", func(s []correlate.Suspect) bool { return a.of(s) || b.of(s) }}
		case 2:
			a := drawSuspectCondition(t, depth-1)
			return suspectCondition{"!(" + a.text + ")", func(s []correlate.Suspect) bool { return !a.of(s) }}
		}
	}
	class := rapid.SampledFrom(suspectClasses).Draw(t, "class")
	version := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "version")
	n := rapid.IntRange(0, 3).Draw(t, "number")
	one := rapid.SampledFrom([]struct {
		text string // of %s
		of   func(correlate.Suspect) bool
		not  bool // what it is of one that is not there
	}{
		{fmt.Sprintf("%%s.class == %q", class), func(s correlate.Suspect) bool { return s.Class == class }, false},
		{fmt.Sprintf("%%s.class != %q", class), func(s correlate.Suspect) bool { return s.Class != class }, true},
		{fmt.Sprintf("%%s.class in [%q, \"confirmed\"]", class), func(s correlate.Suspect) bool { return s.Class == class || s.Class == "confirmed" }, false},
		{fmt.Sprintf("%%s.version == %q", version), func(s correlate.Suspect) bool { return s.Version == version }, false},
		{"has(%s.version)", func(s correlate.Suspect) bool { return s.Version != "" }, false},
		{"%s.version.startsWith(\"1\")", func(s correlate.Suspect) bool { return strings.HasPrefix(s.Version, "1") }, false},
		{fmt.Sprintf("%%s.distance <= %d", n), func(s correlate.Suspect) bool { return s.Distance <= n }, false},
		{fmt.Sprintf("%%s.ratio > %d.0", n), func(s correlate.Suspect) bool { return s.Ratio > float64(n) }, false},
		{fmt.Sprintf("%%s.delay < duration(\"%dm\")", n), func(s correlate.Suspect) bool { return s.Delay < time.Duration(n)*time.Minute }, false},
		{"(%s.undone && true)", func(s correlate.Suspect) bool { return !s.Undone.IsZero() }, false},
		{"%s.undone == false", func(s correlate.Suspect) bool { return s.Undone.IsZero() }, false},
	}).Draw(t, "comparison")
	at := rapid.IntRange(0, 2).Draw(t, "position")
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return suspectCondition{"suspects.exists(s, " + fmt.Sprintf(one.text, "s") + ")", func(s []correlate.Suspect) bool { return slices.ContainsFunc(s, one.of) }}
	case 1:
		return suspectCondition{"suspects.all(s, " + fmt.Sprintf(one.text, "s") + ")", func(s []correlate.Suspect) bool {
			return !slices.ContainsFunc(s, func(s correlate.Suspect) bool { return !one.of(s) })
		}}
	}
	return suspectCondition{fmt.Sprintf(one.text, fmt.Sprintf("suspects[%d]", at)), func(s []correlate.Suspect) bool {
		if at >= len(s) {
			return one.not
		}
		return one.of(s[at])
	}}
}

// TestSuspectsAreAbsentSafe holds conditions on suspects to what they say, however
// many there are: none fails.
func TestSuspectsAreAbsentSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawSuspectCondition(t, 3)
		set, err := Compile([]Rule{{Name: "r", When: "true", Title: `(` + c.text + `) ? "yes" : "no"`, Severity: "error"}}, nil)
		if err != nil {
			require.ErrorContains(t, err, "it may cost", c.text)
			return
		}
		for range 20 {
			p := often()
			for range rapid.IntRange(0, 3).Draw(t, "suspects") {
				s := correlate.Suspect{
					Class: rapid.SampledFrom(suspectClasses).Draw(t, "class"), Version: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "version"),
					Distance: rapid.IntRange(0, 3).Draw(t, "distance"), Ratio: rapid.SampledFrom([]float64{0, 1, 2.5, 1e9}).Draw(t, "ratio"),
					Delay: time.Duration(rapid.IntRange(-1, 3).Draw(t, "delay")) * time.Minute,
				}
				if rapid.Bool().Draw(t, "undone") {
					s.Undone = noon
				}
				p.Suspects.Ranked = append(p.Suspects.Ranked, s)
			}
			a, err := set.Answers(0, refused(), p, asItIs)
			require.NoError(t, err, c.text)
			require.Equal(t, map[bool]string{true: "yes", false: "no"}[c.of(p.Suspects.Ranked)], a.Title, "%s of %+v", c.text, p.Suspects.Ranked)
		}
	})
}
