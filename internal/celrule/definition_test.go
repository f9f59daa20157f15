package celrule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// A rule with definitions is the rule that is written out, to the index too.
func TestDefinitions(t *testing.T) {
	defs := []Definition{
		{"checkout", `resource.attributes["service.name"] == "checkout"`},
		{"failed", `span.status == "ERROR"`},
		{"checkout_failed", `checkout && failed`},
		{"route", `span.attributes["http.route"]`},
		{"codes", `[500, 502]`},
		{"loud", `span.events.exists(e, e.name == "loud")`},
		{"many", `problem.count > 10`},
	}
	for _, tt := range []struct{ with, written string }{
		{`checkout_failed`, `resource.attributes["service.name"] == "checkout" && span.status == "ERROR"`},
		{`failed && route == "/pay"`, `span.status == "ERROR" && span.attributes["http.route"] == "/pay"`},
		{`route.startsWith("/p") || route == "/q"`, `span.attributes["http.route"].startsWith("/p") || span.attributes["http.route"] == "/q"`},
		{`span.attributes["http.response.status_code"] in codes`, `span.attributes["http.response.status_code"] in [500, 502]`},
		{`!(failed)`, `!(span.status == "ERROR")`},
		{`loud && loud`, `span.events.exists(e, e.name == "loud") && span.events.exists(e, e.name == "loud")`},
		{`["a"].exists(e, loud && e == "a")`, `["a"].exists(x, span.events.exists(e, e.name == "loud") && x == "a")`},
		{`["a"].exists(failed, failed == "a")`, `["a"].exists(x, x == "a")`},
	} {
		set, err := Compile([]Rule{{Name: "with", When: tt.with, Definitions: defs}, {Name: "written", When: tt.written}}, nil)
		require.NoError(t, err, tt.with)
		require.Equal(t, set.rules[1].when.condition, set.rules[0].when.condition, tt.with)
	}
	set, err := Compile([]Rule{{Name: "r", When: "failed", Severity: `many ? "critical" : "error"`, Title: "route", Team: "many people", Definitions: defs}}, nil)
	require.NoError(t, err)
	o := correlate.Occurrence{Operation: "x", Attributes: []correlate.Attribute{{Key: "http.route", Value: "/pay"}}}
	a, err := set.Answers(0, &o, &correlate.Problem{Count: 11}, asItIs)
	require.NoError(t, err)
	require.Equal(t, "critical", a.Severity)
	require.Equal(t, "/pay", a.Title, "the name of a definition alone is an expression")
	require.Equal(t, "many people", a.Team)
}

func TestWrongDefinitions(t *testing.T) {
	bomb := []Definition{{"d0", `span.name == "x"`}}
	for i := range 40 {
		bomb = append(bomb, Definition{fmt.Sprint("d", i+1), fmt.Sprintf("d%d || d%d", i, i)})
	}
	chain := bomb[:1:1]
	for i := range 2000 {
		chain = append(chain, Definition{fmt.Sprint("d", i+1), fmt.Sprintf("d%d && true", i)})
	}
	for _, tt := range []struct {
		rule string
		defs []Definition
		when string
		want string // of the first error
		n    int    // errors
	}{
		{"an error in a definition stands there, and is reported once", []Definition{{"bad", `span.nmae == "x"`}}, `bad`, `let.bad:1:6: undefined field 'nmae' (did you mean span.name?)`, 1},
		{"one that does not parse", []Definition{{"bad", `span.name ==`}}, `bad && true`, `let.bad:1:13: the expression ends too early`, 1},
		{"an empty one", []Definition{{"bad", " "}}, `bad`, `let.bad: it is empty`, 1},
		{"it sees only those before it", []Definition{{"a", "b"}, {"b", "true"}}, `b`, `let.a:1:1: undeclared name 'b'`, 1},
		{"nor itself", []Definition{{"a", "a || true"}}, `true`, `let.a:1:1:`, 1},
		{"what a variable is called", []Definition{{"span", "true"}}, `true`, `let.span: "span" is a variable (give the definition another name)`, 1},
		{"what a function is called", []Definition{{"size", "true"}}, `true`, `let.size: "size" is a function`, 1},
		{"a reserved word", []Definition{{"in", "true"}}, `true`, `let.in: "in" means something in expressions already`, 1},
		{"no name", []Definition{{"a-b", "true"}}, `true`, `let.a-b: "a-b" is no name`, 1},
		{"defined twice", []Definition{{"a", "true"}, {"a", "false"}}, `a`, `let.a: "a" is defined already`, 1},
		{"used where it has no meaning", []Definition{{"many", "problem.count > 3"}}, `span.kind == "SERVER" && many`, `when:1:26: many cannot be used here: undeclared name 'problem' (there is no problem yet when this is evaluated)`, 1},
		{"used twice where it has no meaning", []Definition{{"many", "problem.count > problem.episode"}}, `many || many`, `when:1:1: many cannot be used here: undeclared name 'problem'`, 2},
		{"by one that is used where it has no meaning", []Definition{{"many", "problem.count > 3"}, {"more", "many || true"}}, `more`, `when:1:1: more cannot be used here: undeclared name 'problem'`, 1},
		{"without a meaning anywhere", []Definition{{"both", `problem.count > 3 && span.events.size() > 1`}}, `true`, `let.both:1:1: undeclared name 'problem'`, 1},
		{"what no rule can mean stands there, and is reported once", []Definition{{"bad", `span.kind == "SERVR"`}}, `bad && bad`, `let.bad:1:14: there is no such value as "SERVR" (did you mean "SERVER"?)`, 1},
		{"also if it is not used", []Definition{{"bad", `span.kind == "SERVR"`}}, `true`, `let.bad:1:14: there is no such value as "SERVR"`, 1},
		{"in the rule it stands there", []Definition{{"kind", `span.kind`}}, `span.name == "x" && kind == "SERVR"`, `when:1:29: there is no such value as "SERVR"`, 1},
		{"of a wrong type where it is used", []Definition{{"n", "1"}}, `span.name == "x" && n`, `when:1:21:`, 1},
		{"a name of its own means something else where it is used", []Definition{{"named", `span.name == "x"`}}, `["a"].exists(span, named)`, `when:1:20: named uses span, which means something else here`, 1},
		{"a macro's name", []Definition{{"has", "true"}}, `true`, `let.has: "has" is a function`, 1},
		{"a bomb", bomb, "true", `with what d`, 1},
		{"a slow one", chain, "d1", `the definitions up to it have more than 65536 parts`, 1},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			var rules []Rule
			for i := range 3 {
				rules = append(rules, Rule{Name: fmt.Sprint("r", i), When: "true", Definitions: tt.defs})
			}
			rules[0].When = tt.when
			_, err := Compile(rules, nil)
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			require.Contains(t, lines[0], tt.want)
			if tt.rule != "a bomb" {
				require.Len(t, lines, tt.n, err)
			}
		})
	}
}

// A rule is the same while the definitions are that it uses.
func TestCompileAgainWithDefinitions(t *testing.T) {
	rules := func(defs ...Definition) []Rule {
		return []Rule{{Name: "a", When: "both", Definitions: defs}, {Name: "b", When: "first", Definitions: defs}}
	}
	first, second := Definition{"first", `span.name == "x"`}, Definition{"second", `span.kind == "SERVER"`}
	both := Definition{"both", "first && second"}
	old, err := Compile(rules(first, second, both), nil)
	require.NoError(t, err)
	next, err := old.Compile(rules(first, Definition{"second", `span.kind == "CLIENT"`}, both, Definition{"more", "true"}), nil)
	require.NoError(t, err)
	require.NotSame(t, old.rules[0], next.rules[0])
	require.Same(t, old.rules[1], next.rules[1])
}

// TestDefinitionsMultiply holds that a large definition that many rules use is
// refused, and that it does not matter whether those were loaded before.
func TestDefinitionsMultiply(t *testing.T) {
	defs := []Definition{{"failed", `span.status == "ERROR"`}}
	rules := []Rule{{Name: "a", When: "failed", Definitions: defs}, {Name: "b", When: "failed && true", Definitions: defs}, {Name: "c", When: "failed", Definitions: defs}}
	set, err := Compile(rules, nil)
	require.NoError(t, err)
	require.Equal(t, 4, set.rules[0].inlined)
	set.rules[0].inlined = maxInlined // as if it were so large
	_, err = set.Compile(rules, nil)
	require.EqualError(t, err, `rule "b": when: the rules up to it have more than 1048576 parts, with what their definitions stand for`)
}

// TestDefinitionsAreCompiledOnce holds that rules share what their file defines.
func TestDefinitionsAreCompiledOnce(t *testing.T) {
	defs := []Definition{{"failed", `span.status == "ERROR"`}}
	book := make(glossary)
	first, errs := book.of(defs)
	require.Empty(t, errs)
	again, _ := book.of(defs)
	require.Same(t, first["failed"], again["failed"])
}

// TestFindingsOfDefinitions holds that what is doubtful in a definition is told
// once, where it stands.
func TestFindingsOfDefinitions(t *testing.T) {
	defs := []Definition{{"server", `span.attributes["http.routee"] == "/"`}}
	var got []string
	for _, f := range Findings([]Rule{{Name: "a", When: "server", Definitions: defs}, {Name: "b", When: `server && span.name == "x"`, Definitions: defs}}) {
		if f.Kind == FindAttribute {
			got = append(got, f.Error.Error())
		}
	}
	require.Equal(t, []string{"rule 1: let.server:1:16: no convention knows http.routee (did you mean http.route?)"}, got)
}

// TestDefinitionsMeanTheirText holds that a rule with definitions gives the
// answers of the rule that is written out, with the index and without.
func TestDefinitionsMeanTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := drawCondition(t, 2), drawCondition(t, 2)
		defs := []Definition{{"left", first}, {"right", second + " || !left"}}
		with := rapid.SampledFrom([]string{"right", "left && right", "!right || left", `["x"].exists(k, right && k == "x")`, `(left ? 1 : 2) == 1`}).Draw(t, "use")
		written := strings.ReplaceAll(with, "right", "("+second+" || !left)")
		written = strings.ReplaceAll(written, "left", "("+first+")")
		set, err := Compile([]Rule{{Name: "with", When: with, Definitions: defs}, {Name: "written", When: written}}, nil)
		if err != nil {
			require.ErrorContains(t, err, "is a number")
			return
		}
		require.Equal(t, set.rules[1].when.condition, set.rules[0].when.condition)
		one, other := newSet(set.rules[:1]), newSet(set.rules[1:])
		for range 20 {
			sp := drawSpan(t)
			require.Equal(t, other.MatchPlain(sp), one.MatchPlain(sp))
			require.Equal(t, other.Match(sp), one.Match(sp))
		}
	})
}
