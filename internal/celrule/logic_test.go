package celrule

import (
	"testing"

	"cel.dev/cel-go/common/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func conditionOf(t require.TestingT, when string) *condition {
	e, errs := compile(matching, when, types.BoolType, nil)
	require.Empty(t, errs, when)
	return &e.condition
}

func TestSatisfiable(t *testing.T) {
	for _, tt := range []struct {
		when string
		can  bool
	}{
		{`span.status == "ERROR"`, true},
		{`span.status == "ERROR" && span.status == "OK"`, false},
		{`span.status == "ERROR" && !(span.status == "ERROR")`, false},
		{`span.status != "ERROR" && span.status != "OK" && span.status != "UNSET"`, false},
		{`span.status != "ERROR" && span.status != "OK"`, true},
		{`span.attributes["a"] in ["x", "y"] && span.attributes["a"] == "z"`, false},
		{`span.attributes["a"] in ["x", "y"] && span.attributes["a"] == "y"`, true},
		{`span.attributes["a"] == "x" && span.attributes["b"] == "y"`, true},
		{`span.attributes["http.response.status_code"] > 500 && span.attributes["http.response.status_code"] < 400`, false},
		{`span.attributes["http.response.status_code"] >= 500 && span.attributes["http.response.status_code"] <= 500`, true},
		{`span.attributes["http.response.status_code"] > 500 && span.attributes["http.response.status_code"] <= 500`, false},
		{`span.attributes["http.response.status_code"] == 200 && span.attributes["http.response.status_code"] >= 500`, false},
		{`span.name.startsWith("GET") && span.name.startsWith("POST")`, false},
		{`span.name.startsWith("GET") && span.name.startsWith("GET /a")`, true},
		{`span.name == "GET /" && span.name.startsWith("POST")`, false},
		{`has(span.attributes.a) && !has(span.attributes.a)`, false},
		{`!has(span.attributes.a) && span.attributes["a"] == "x"`, false},
		{`span.duration > duration("2s") && span.duration < duration("1s")`, false},
		{`span.kind == "SERVER" && (span.status == "OK" || span.status == "UNSET") && span.status == "ERROR"`, false},
		{`span.name.size() > 3 && span.name.size() < 2`, true}, // nothing is known of it
		{`false`, false},
		{`true`, true},
	} {
		require.Equal(t, tt.can, satisfiable(conditionOf(t, tt.when)), tt.when)
	}
}

func TestImplies(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{`span.status == "ERROR" && span.kind == "SERVER"`, `span.status == "ERROR"`, true},
		{`span.status == "ERROR"`, `span.status == "ERROR" && span.kind == "SERVER"`, false},
		{`span.attributes["a"] == "x"`, `span.attributes["a"] in ["x", "y"]`, true},
		{`span.attributes["a"] == "x"`, `has(span.attributes.a)`, true},
		{`span.attributes["http.response.status_code"] == 503`, `span.attributes["http.response.status_code"] >= 500`, true},
		{`span.attributes["http.response.status_code"] > 500`, `span.attributes["http.response.status_code"] >= 500`, true},
		{`span.attributes["http.response.status_code"] >= 500`, `span.attributes["http.response.status_code"] > 500`, false},
		{`span.name == "GET /a"`, `span.name.startsWith("GET")`, true},
		{`span.name.startsWith("GET /a")`, `span.name.contains("/a")`, true},
		{`span.name.endsWith("/a")`, `span.name.contains("/a")`, true},
		{`span.name.contains("/a")`, `span.name.endsWith("/a")`, false},
		{`span.name.matches("a+")`, `span.name.matches("a+")`, true},
		{`span.status == "ERROR" || span.status == "OK"`, `span.status != "UNSET"`, true},
		{`span.status != "UNSET"`, `span.status == "ERROR" || span.status == "OK"`, true},
		{`span.name.size() > 3`, `span.name.size() > 3`, false}, // nothing is known of it
		{`span.status == "ERROR" && span.name.size() > 3`, `span.status == "ERROR"`, true},
		{`span.kind == "SERVER"`, `true`, true},
	} {
		require.Equal(t, tt.want, implies(conditionOf(t, tt.a), conditionOf(t, tt.b)), "%s => %s", tt.a, tt.b)
	}
}

// What is said for certain is so for every span.
func TestLogicIsSound(t *testing.T) {
	seeded()
	rapid.Check(t, func(t *rapid.T) {
		var conditions []*condition
		for len(conditions) < 6 {
			when := drawCondition(t, 2)
			if e, errs := compile(matching, when, types.BoolType, nil); errs == nil {
				conditions = append(conditions, &e.condition)
			}
		}
		certain := make([]bool, len(conditions)*len(conditions))
		for i, a := range conditions {
			for j, b := range conditions {
				certain[i*len(conditions)+j] = implies(a, b)
			}
		}
		for range 60 {
			sp := drawSpan(t)
			answers := make([]tri, len(conditions))
			for i, c := range conditions {
				p := newProbe(sp)
				answers[i] = c.eval(&p)
				require.False(t, answers[i] == yes && !satisfiable(c))
			}
			for i := range conditions {
				for j := range conditions {
					if certain[i*len(conditions)+j] && answers[i] == yes {
						require.Equal(t, yes, answers[j], "%+v => %+v", conditions[i], conditions[j])
					}
				}
			}
		}
	})
}
