package celrule

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func refused() *correlate.Occurrence {
	return &correlate.Occurrence{
		Scope:     correlate.Scope{Service: "checkout", Environment: "production"},
		Operation: "POST /checkout",
		Kind:      "SERVER",
		Status:    "ERROR",
		Message:   "payment refused",
		Start:     noon,
		End:       noon.Add(time.Second),
		TraceID:   "0102030405060708090a0b0c0d0e0f10",
		SpanID:    "0102030405060708",
		Exception: correlate.Exception{Type: "*payment.Refused", Message: "card refused\nat once"},
		Attributes: []correlate.Attribute{
			{Key: "http.route", Value: "/checkout"},
			{Key: "http.status_code", Value: "502"},
			{Key: "tenant", Value: int64(7)},
		},
		Resource: []correlate.Attribute{{Key: "team", Value: "payments"}},
		Library:  "otelhttp",
	}
}

func often() *correlate.Problem {
	return &correlate.Problem{
		ID:        "v1abc",
		Scope:     correlate.Scope{Service: "checkout", Environment: "production"},
		Episode:   2,
		Count:     40,
		FirstSeen: noon,
		LastSeen:  noon.Add(2 * time.Minute),
		Recent:    []correlate.Bucket{{Start: noon, Count: 30}, {Start: noon.Add(time.Minute), Count: 10}},
	}
}

// TestText holds which texts are expressions, and what both kinds give.
func TestText(t *testing.T) {
	for _, tt := range []struct{ rule, text, want string }{
		{"plain text", `Checkout is down, see "Payments"`, `Checkout is down, see "Payments"`},
		{"a quote makes an expression", `"a" + 'b'`, "ab"},
		{"so does a variable", `problem.service + "!"`, "checkout!"},
		{"and one with an index", `resource.attributes["team"]`, "payments"},
		{"a variable's name alone does not", `problem with exception handling`, `problem with exception handling`},
		{"nor does a part of a word", `subspan.x`, `subspan.x`},
		{"a number is written out", `span.attributes["tenant"]`, "7"},
		{"one line", `'a\n\tb' + "\u0007c"`, "a b c"},
		{"what is absent gives the default", `span.attributes["none"] + "x"`, "POST /checkout: payment.Refused: card refused"},
		{"a long one is cut", `"` + strings.Repeat("é", 130) + `"`, strings.Repeat("é", 119) + "…"},
		{"a function of a variable as a whole", `isTimeout(exception) ? "late" : "wrong"`, "wrong"},
		{"the class of a status that was kept", `httpStatusClass(span)`, "5xx"},
		{"a function of CEL's extensions", `span.name.lowerAscii().replace("/", "") + " %s".format([problem.service])`, "post checkout checkout"},
		{"a position that is absent gives the default", `span.name.substring(99)`, "POST /checkout: payment.Refused: card refused"},
		{"an exception", `exception.type + ": " + exception.message`, "*payment.Refused: card refused at once"},
		{"a problem", `string(problem.count) + " " + string(problem.episode) + " " + problem.id + " " + problem.environment + " " + problem.operation`, "40 2 v1abc production POST /checkout"},
		{"its rate", `problem.rate == 10.0 ? "10 a minute" : string(problem.rate)`, "10 a minute"},
		{"its times", `string(problem.last_seen - problem.first_seen)`, "120s"},
		{"a well-known number recorded as text", `span.attributes["http.status_code"] >= 500 ? "5xx" : "4xx"`, "5xx"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			set, err := Compile([]Rule{{Name: "r", When: "true", Title: tt.text}}, nil)
			require.NoError(t, err)
			a, err := set.Answers(0, refused(), often(), asItIs)
			require.NoError(t, err)
			require.Equal(t, tt.want, a.Title)
		})
	}
}

func TestAnswers(t *testing.T) {
	set, err := Compile([]Rule{{Name: "defaults", When: "true"}, {
		Name:      "all",
		When:      "true",
		Threshold: correlate.Threshold{Count: 3, Within: time.Minute},
		Severity:  `problem.rate >= 10.0 ? "critical" : "error"`,
		Team:      `resource.attributes["team"]`,
		Runbook:   `"https://wiki/" + problem.service`,
		Labels:    []string{"shop", `"env:" + problem.environment`, `resource.attributes["none"]`},
		Sinks:     []string{"jira", `problem.count > 10 ? "pager" : ""`},
		Quiet:     time.Hour,
	}, {
		Name:     "failing",
		When:     "true",
		Severity: `string(1 / (problem.count - 40))`,
		Runbook:  `"javascript:" + problem.service`,
		Labels:   []string{`string(int(span.name))`, "kept"},
	}}, []string{"jira", "pager"})
	require.NoError(t, err)

	a, err := set.Answers(0, refused(), often(), asItIs)
	require.NoError(t, err)
	require.Equal(t, correlate.Answers{
		Severity:  "error",
		Title:     "POST /checkout: payment.Refused: card refused",
		Threshold: correlate.Threshold{Count: 1, Within: 5 * time.Minute},
		Quiet:     30 * time.Minute,
	}, a)

	a, err = set.Answers(1, refused(), often(), asItIs)
	require.NoError(t, err)
	require.Equal(t, correlate.Answers{
		Severity:  "critical",
		Title:     "POST /checkout: payment.Refused: card refused",
		Team:      "payments",
		Runbook:   "https://wiki/checkout",
		Labels:    []string{"shop", "env:production"},
		Sinks:     []string{"jira", "pager"},
		Threshold: correlate.Threshold{Count: 3, Within: time.Minute},
		Quiet:     time.Hour,
	}, a)

	a, err = set.Answers(2, refused(), often(), asItIs)
	require.Equal(t, "error", a.Severity)
	require.Empty(t, a.Runbook)
	require.Equal(t, []string{"kept"}, a.Labels)
	require.EqualError(t, err, `rule "failing": severity: division by zero
rule "failing": labels[0]: type conversion error from 'string' to 'int'
rule "failing": runbook: it is not an http or https URL`)
	require.EqualValues(t, 3, set.Stats(2).Errors)
}

func TestSpec(t *testing.T) {
	set, err := Compile([]Rule{
		{Name: "default", When: "true"},
		{Name: "components", When: "true", Signature: []string{"service", "exception"}},
		{Name: "values", When: "true", SignatureExpr: `[span.name, exception.type, span.attributes["tenant"]]`},
		{Name: "absent", When: "true", SignatureExpr: `[span.name, span.attributes["none"]]`},
		{Name: "wrong", When: "true", SignatureExpr: `span.attributes["tenant"]`},
	}, nil)
	require.NoError(t, err)
	for i, want := range []correlate.Spec{
		{},
		{Components: []string{"service", "exception"}},
		{Values: []string{"POST /checkout", "*payment.Refused", "7"}},
		{},
	} {
		got, err := set.Spec(i, refused())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := set.Spec(4, refused())
	require.EqualError(t, err, `rule "wrong": signature: an int is no list`)
	require.Zero(t, got)
}

// Half a secret is not known for one.
func TestAnswersAreScrubbedBeforeTheyAreCut(t *testing.T) {
	secret := strings.Repeat("s", 100)
	scrub := func(s string) string { return strings.ReplaceAll(s, "key\n"+secret, "***") }
	set, err := new(Set).Compile([]Rule{
		{Name: "own", When: "true", Title: `"some thirty characters, and a " + exception.message`, Labels: []string{"exception.message"}, Runbook: `"https://a.example/" + span.name`},
		{Name: "default", When: "true"},
	}, nil)
	require.NoError(t, err)
	o := &correlate.Occurrence{Operation: "x", Status: "ERROR", Exception: correlate.Exception{Message: "key\n" + secret}}
	a, err := set.Answers(0, o, new(correlate.Problem), scrub)
	require.NoError(t, err)
	require.Equal(t, "some thirty characters, and a ***", a.Title)
	require.Equal(t, []string{"***"}, a.Labels)
	require.Equal(t, "https://a.example/x", a.Runbook)
	a, err = set.Answers(1, o, new(correlate.Problem), scrub)
	require.NoError(t, err)
	require.Equal(t, "x: ***", a.Title)
}
