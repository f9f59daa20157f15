package autoticket

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

// What is known to be harmless changes nothing of what is kept.
func TestHarmlessIsTheRedactor(t *testing.T) {
	texts := []string{
		"", "GET", "connection refused", "password: hunter2secret", "hunter2secret", "ghp_" + strings.Repeat("a1B2c3D4", 5)[:36], "bob@example.com",
		strings.Repeat("x", maxHarmless), strings.Repeat("word ", 100), "bob@example.com " + strings.Repeat("word ", 100),
	}
	keys := []string{"", "http.request.method", "password", "user.pin", "db.query.text"}
	h := newHarmless()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(texts)
		attrs := func(name string) (out []keptAttribute) {
			for range rapid.IntRange(0, 4).Draw(t, name) {
				value := rapid.OneOf(rapid.Just(any(int64(4711))), rapid.Just(any(true)), rapid.Just(any(0.5)), rapid.Map(text, func(s string) any { return s }))
				out = append(out, keptAttribute{rapid.SampledFrom(keys).Draw(t, "key"), value.Draw(t, "value")})
			}
			return out
		}
		says := keptText{Operation: text.Draw(t, "operation"), Message: text.Draw(t, "message"), Library: text.Draw(t, "library"), Attributes: attrs("attributes"), Resource: attrs("resource")}
		says.Exception = correlate.Exception{Type: text.Draw(t, "type"), Message: text.Draw(t, "error"), Stacktrace: text.Draw(t, "stack")}
		want := says
		want.Attributes, want.Resource = slices.Clone(says.Attributes), slices.Clone(says.Resource)
		require.NoError(t, new(redact.Redactor).Document(&want))
		require.NoError(t, h.redact(new(redact.Redactor), &says))
		require.Equal(t, want, says)
	})
	require.True(t, h.has(keptAttribute{keyOfText, "connection refused"}))
	require.False(t, h.has(keptAttribute{keyOfText, "password: hunter2secret"}))
	require.False(t, h.has(keptAttribute{"password", "GET"}))
}
