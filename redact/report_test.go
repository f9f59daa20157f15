package redact_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestReporting(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	for _, c := range []struct {
		rule string
		do   func(r *redact.Redactor) any
		want map[string]int
	}{
		{"nothing", func(r *redact.Redactor) any { return r.Text("all is well") }, map[string]int{}},
		{"each value in a text", func(r *redact.Redactor) any { return r.Text("password=hunter2 " + token + " " + token) }, map[string]int{"password": 1, "github-token": 2}},
		{"what was redacted before is not counted", func(r *redact.Redactor) any { return r.Text("sent [REDACTED:password] and " + token + " twice") }, map[string]int{"github-token": 1}},
		{"a value under its name", func(r *redact.Redactor) any { return r.Value("db.password", "x") }, map[string]int{"password": 1}},
		{"a mark under such a name is none", func(r *redact.Redactor) any { return r.Value("db.password", "[REDACTED:password]") }, map[string]int{}},
		{"a statement: secrets, not literals", func(r *redact.Redactor) any { return r.Value("db.statement", "SELECT 1 /* "+token+" */") }, map[string]int{"github-token": 1}},
		{"all of a document, once", func(r *redact.Redactor) any {
			doc := struct {
				Name, Value string
				Map         map[string]any
			}{token, "plain", map[string]any{"pwd": []any{"a", 1}, token: 2}}
			require.NoError(t, r.Document(&doc))
			require.NoError(t, r.Document(&doc), "the second time there is nothing")
			return nil
		}, map[string]int{"github-token": 2, "password": 2}},
		{"a document that cannot be redacted", func(r *redact.Redactor) any { return r.Document(&struct{ f func() }{}) }, map[string]int{"failed": 1}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := map[string]int{}
			plain := new(redact.Redactor)
			c.do(plain.Reporting(func(kind string) { got[kind]++ }))
			require.Equal(t, c.want, got)
		})
	}
}

// A field that is added to the Redactor must be one of those that report, too.
func TestReportingIsTheSameRedactor(t *testing.T) {
	calls := 0
	r := &redact.Redactor{
		Keys: []string{"pin"}, Kinds: []redact.Kind{{Name: "own", Keywords: []string{"own-"}, Pattern: `own-(\d+)`}}, Personal: redact.Personal{Emails: redact.Mask},
		Secrets:  func() ([]string, error) { calls++; return []string{"correct horse"}, nil },
		Harmless: []string{strings.Repeat("ab", 32)}, TokenKey: func() []byte { return make([]byte, 16) },
	}
	var kinds []string
	loud := r.Reporting(func(string) {}).Reporting(func(kind string) { kinds = append(kinds, kind) })
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		require.False(t, v.Field(i).IsZero(), "give %s a value here", f.Name)
		got := reflect.ValueOf(loud).Elem().Field(i)
		if f.Type.Kind() == reflect.Func {
			require.Equal(t, v.Field(i).Pointer(), got.Pointer(), f.Name)
			continue
		}
		require.Equal(t, v.Field(i).Interface(), got.Interface(), f.Name)
	}
	text := "pin=1234 own-77 bob@example.com correct horse"
	require.Equal(t, r.Text(text), loud.Text(text))
	require.NoError(t, loud.Ready())
	require.Equal(t, 1, calls, "the secrets are asked for once")
	require.Len(t, kinds, 4)
}

func TestReportingCostsNothingOnCleanText(t *testing.T) {
	r := new(redact.Redactor).Reporting(func(string) { t.Error("there is nothing to tell of") })
	for _, line := range logLines {
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = r.Text(line) }), line)
	}
}
