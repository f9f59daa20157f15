package celrule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindings(t *testing.T) {
	defs := []Definition{{"failed", `span.status == "ERROR"`}, {"slow", `span.duration > duration("1s")`}}
	for _, tt := range []struct {
		rule  string
		rules []Rule
		want  []string // kind, rule and the rest
	}{
		{"nothing", []Rule{{When: `span.status == "ERROR"`}}, nil},
		{"a contradiction", []Rule{{When: `span.status == "ERROR" && span.status == "OK"`}}, []string{`never a when: no span can meet the condition`}},
		{"unless takes all", []Rule{{When: `span.status == "ERROR" && span.kind == "SERVER"`, Unless: `span.status == "ERROR"`}}, []string{`never a unless: it holds whenever the rule's when does: the rule matches nothing`}},
		{"always", []Rule{{When: `span.status in ["ERROR", "OK", "UNSET"]`}}, []string{`always a when: every span meets the condition`}},
		{"a tautology", []Rule{{When: `span.kind == "SERVER" || !(span.kind == "SERVER")`}}, []string{`always a when: every span meets the condition`}},
		{"shadowed", []Rule{{When: `span.status == "ERROR"`}, {When: `span.status == "ERROR" && span.attributes["http.route"] == "/a"`}}, []string{`shadowed b when: rule "a" before it takes every span that it could match (put it before that one)`}},
		{"the same again", []Rule{{When: `span.attributes["shop.order"] == "a"`}, {When: `span.attributes["shop.order"] == "a"`}}, []string{`shadowed b when: rule "a" before it takes every span that it could match (put it before that one)`}},
		{"not by one that goes on", []Rule{{When: `span.status == "ERROR"`, Continue: true}, {When: `span.status == "ERROR"`}}, nil},
		{"nor by one that is off", []Rule{{When: `span.status == "ERROR"`, Mode: "off"}, {When: `span.status == "ERROR"`}}, nil},
		{"nor by one that leaves some", []Rule{{When: `span.status == "ERROR"`, Unless: `span.name == "x"`}, {When: `span.status == "ERROR"`}}, nil},
		{"but by one whose unless never holds", []Rule{{When: `span.status == "ERROR"`, Unless: `span.status == "OK"`}, {When: `span.status == "ERROR" && span.name == "x"`}}, []string{`shadowed b when: rule "a" before it takes every span that it could match (put it before that one)`}},
		{"by a bound", []Rule{{When: `span.duration > duration("1s")`}, {When: `span.kind == "SERVER" && span.duration > duration("2s")`}}, []string{`shadowed b when: rule "a" before it takes every span that it could match (put it before that one)`}},
		{"by one of several", []Rule{{When: `span.attributes["a.b"] in ["x", "y"]`}, {When: `span.attributes["a.b"] == "y"`}}, []string{`shadowed b when: rule "a" before it takes every span that it could match (put it before that one)`}},
		{"a definition that nobody uses", []Rule{{When: "failed", Definitions: defs}, {When: `failed && span.kind == "CLIENT"`, Continue: true, Definitions: defs}},
			[]string{`unused  let.slow: no rule uses it`, `shadowed b when: rule "a" before it takes every span that it could match (put it before that one)`}},
		{"a misspelt attribute", []Rule{{When: `span.attributes["http.respons.status_code"] == 500`}}, []string{`attribute a when:1:16: no convention knows http.respons.status_code (did you mean http.response.status_code?)`}},
		{"an old one", []Rule{{When: `span.kind == "SERVER" && span.attributes["http.method"] == "GET"`}}, []string{`attribute a when:1:41: http.method is an old name (newer instrumentation records http.request.method)`}},
		{"one of the resource", []Rule{{When: `span.attributes["service.name"] == "a"`}}, []string{`attribute a when:1:16: service.name is recorded of resources (did you mean resource.attributes["service.name"]?)`}},
		{"a team's own", []Rule{{When: `span.attributes["shop.order.id"] == "a" && span.attributes["tenant"] == "b"`}}, nil},
		{"a severity", []Rule{{When: `span.status == "ERROR"`, Severity: "fatal"}}, []string{`severity a severity: tickets do not know the severity "fatal" (it is one of critical, error, warning, info)`}},
		{"evaluated for every span", []Rule{{When: `span.name.size() > 100`}}, []string{`cost a when: it is evaluated for every span: no index can tell which it could match (a condition on status, kind, a name or an attribute beside it would)`}},
		{"for every failing one is cheap enough", []Rule{{When: `span.status == "ERROR" && span.name.size() > 100`}}, nil},
		{"dear", []Rule{{When: `span.status == "ERROR" && span.events.exists(e, e.attributes.exists(k, k == "y"))`}}, []string{`cost a when: it may cost 99206 for a span, of 131072 at most`}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			for i := range tt.rules {
				tt.rules[i].Name = string(rune('a' + i))
			}
			var got []string
			for _, f := range Findings(tt.rules) {
				place := f.Field
				if f.Line > 0 {
					place += fmt.Sprintf(":%d:%d", f.Line, f.Column)
				}
				text := fmt.Sprintf("%s %s %s: %s", f.Kind, f.Rule, place, f.Message)
				if f.Hint != "" {
					text += " (" + f.Hint + ")"
				}
				got = append(got, text)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// Rules that people wrote with care have no findings.
func TestNoFalseAlarms(t *testing.T) {
	rules := slices.DeleteFunc(someRules(2000), func(r Rule) bool { return strings.HasPrefix(r.When, "span.name ==") }) // of which some are shadowed
	for _, f := range Findings(append(rules, Rule{Name: "errors", When: `span.status == "ERROR"`})) {
		t.Error(f.Kind, f.Error.Error())
	}
	for _, f := range Findings(Builtin()) {
		require.Equal(t, FindAttribute, f.Kind, "what older instrumentation records is asked for too: %s", f.Error.Error())
	}
}

func BenchmarkFindings(b *testing.B) {
	rules := someRules(10_000)
	for b.Loop() {
		Findings(rules)
	}
}
