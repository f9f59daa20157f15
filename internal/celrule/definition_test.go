package celrule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
		{`["a"].exists(failed, failed == "a")`, `["a"].exists(x, x == "a")`},
	} {
		set, err := Compile([]Rule{{Name: "with", When: tt.with, Definitions: defs}, {Name: "written", When: tt.written}}, nil)
		require.NoError(t, err, tt.with)
		require.Equal(t, set.rules[1].when.condition, set.rules[0].when.condition, tt.with)
	}
	set, err := Compile([]Rule{{Name: "r", When: "failed", Severity: `many ? "critical" : "error"`, Title: "route", Team: "many people", Definitions: defs}}, nil)
	require.NoError(t, err)
	o := correlate.Occurrence{Operation: "x", Attributes: []correlate.Attribute{{Key: "http.route", Value: "/pay"}}}
	a, err := set.Answers(0, &o, &correlate.Problem{Count: 11})
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
		{"what a variable is called", []Definition{{"span", "true"}}, `true`, `let.span: "span" is a variable`, 1},
		{"what a function is called", []Definition{{"size", "true"}}, `true`, `let.size: "size" is a function`, 1},
		{"a reserved word", []Definition{{"in", "true"}}, `true`, `let.in: "in" means something in expressions already`, 1},
		{"no name", []Definition{{"a-b", "true"}}, `true`, `let.a-b: "a-b" is no name`, 1},
		{"defined twice", []Definition{{"a", "true"}, {"a", "false"}}, `a`, `let.a: "a" is defined already`, 1},
		{"used where it has no meaning", []Definition{{"many", "problem.count > 3"}}, `span.kind == "SERVER" && many`, `when:1:26: undeclared name 'problem'`, 1},
		{"of a wrong type where it is used", []Definition{{"n", "1"}}, `span.name == "x" && n`, `when:1:21:`, 1},
		{"a name of its own means something else where it is used", []Definition{{"named", `span.name == "x"`}}, `["a"].exists(span, named)`, `when:1:20: named uses span, which means something else here`, 1},
		{"a bomb", bomb, "true", `with what d`, 1},
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
