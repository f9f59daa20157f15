package celrule

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// TestCompileErrors holds that all problems of all rules come back at once.
func TestCompileErrors(t *testing.T) {
	set, err := Compile([]Rule{
		{When: "true"},
		{Name: "a", When: "span.nmae == 'x' && spn.name == 'y'", Mode: "lives"},
		{Name: "a", Signature: []string{"operaton"}, SignatureExpr: "[span.name]"},
		{Name: "off", When: "1 + 1", Mode: string(Off), Sinks: []string{"githbu", `"dynamic"`}},
		{Name: "b", When: "true", Quiet: -time.Second, Threshold: correlate.Threshold{Count: -1, Within: -1}, Runbook: "wiki"},
		{Name: "fine", When: "true"},
	}, []string{"github"})
	require.Nil(t, set)
	require.EqualError(t, err, `rule 1: name: a rule needs a name
rule "a": when:1:6: undefined field 'nmae' (did you mean span.name?)
rule "a": when:1:21: undeclared name 'spn' (did you mean span?)
rule "a": mode: there is no mode "lives" (did you mean "live"?)
rule "a": when: a rule needs a condition
rule "a": signature[0]: there is no component "operaton" (did you mean "operation"?)
rule "a": signature: it is either names of components or an expression
rule "a": name: rule 2 has this name already
rule "off": when:1:1: it must be a bool, and is an int
rule "off": sinks[0]: there is no sink "githbu" (did you mean "github"?)
rule "b": threshold.count: it must be at least 1
rule "b": threshold.within: it must be longer than nothing
rule "b": resolve.quiet: it must be longer than nothing
rule "b": runbook: it must be an http or https URL`)
	e, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	require.Equal(t, &Error{Index: 0, Field: "name", Message: "a rule needs a name"}, e)
}

func TestCompileKnowsSinksOnlyIfTold(t *testing.T) {
	_, err := Compile([]Rule{{Name: "a", When: "true", Sinks: []string{"any"}}}, nil)
	require.NoError(t, err)
	_, err = Compile([]Rule{{Name: "a", When: "true", Sinks: []string{"any"}}}, []string{})
	require.Error(t, err)
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct{ rule, name, want string }{
		{"two letters swapped", "nmae", "name"},
		{"one too few", "labls", "labels"},
		{"one too many", "titles", "title"},
		{"another case", "Name", "name"},
		{"too far", "assignee", ""},
		{"too short to guess", "x", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			require.Equal(t, tt.want, Nearest(tt.name, []string{"name", "labels", "title"}))
		})
	}
}
