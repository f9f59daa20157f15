package redact_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// pieces are what detectors turn on, so that random texts get them going.
var pieces = []string{
	"password", "token", "cookie", "authorization", "Bearer ", "Basic ", "api key", "sig", "=", ":", ": ", " = ", "%3D", "%3A", "%26",
	"%3F", "?", "&", "#", ";", ",", "\"", "'", "\\\"", "\\", "\\n", "\n", " ", "[", "]", "{", "}", "<", ">", "://", "%3A%2F%2F", "http", "@", "%40",
	"tcp(", "--", "-", "_", ".", "/", "a", "b1", "Z", "bob@example.com", "4111111111111111", "DE89370400440532013000", "12345678",
	"[REDACTED:", "[REDACTED:jwt]", "[redacted: ", "[redacted: api key]", "REDACTED", "REDACTED:REDACTED@", "[cut]", "-----BEGIN ", "eyJ", "ghp_", "AKIA", "SK", "sk-",
	"hooks.slack.com/", "ü", "\u200b", "\xff", "\x00",
}

func texts() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(0, 4, -1))
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 24).Draw(t, "pieces"), "")
	})
}

func kinds() []string {
	var names []string
	for kind := range fakes {
		names = append(names, kind)
	}
	slices.Sort(names)
	return names
}

func TestProperties(t *testing.T) {
	r := redact.Redactor{Keys: []string{"pin"}}
	rapid.Check(t, func(t *rapid.T) {
		before, after := texts().Draw(t, "before"), texts().Draw(t, "after")
		check(t, &r, before, rapid.SampledFrom(kinds()).Draw(t, "kind"), after)
	})
}

func FuzzText(f *testing.F) {
	for i := range kinds() {
		f.Add("", byte(i), "")
		f.Add("password=\"", byte(i), "\\\"x")
		f.Add("a@b.com", byte(i), "@tcp(")
		f.Add("https://u:", byte(i), "@h/?a=b")
	}
	r := redact.Redactor{Keys: []string{"pin"}}
	f.Fuzz(func(t *testing.T, before string, k byte, after string) {
		check(t, &r, before, kinds()[int(k)%len(kinds())], after)
	})
}

// check holds the redactor to what is true of every text: redacting again
// changes nothing, a document is valid text, and a known token does not survive
// whatever surrounds it.
func check(t require.TestingT, r *redact.Redactor, before, kind, after string) {
	token := fakes[kind]
	text := before + token + after
	once := r.Text(text)
	require.Equal(t, once, r.Text(once), "idempotent")
	require.NotContains(t, once, token)
	// Nor the end of it, where the text before ate the beginning; of a private
	// key that is the line that says it ends.
	if kind != "private-key" {
		require.NotContains(t, once, token[len(token)*2/3:])
	}

	doc := map[string]any{"text": text, "token": before, before: after}
	require.NoError(t, r.Document(&doc))
	for key, value := range doc {
		require.True(t, utf8.ValidString(key) && utf8.ValidString(value.(string)))
	}
	again := map[string]any{}
	for key, value := range doc {
		again[key] = value
	}
	require.NoError(t, r.Document(&again))
	require.Equal(t, doc, again, "idempotent")
}
