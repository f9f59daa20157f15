package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDraw(t *testing.T) {
	for _, c := range []struct {
		rule, template, text, secret string
		parts                        []string
	}{
		{"a text without chance", "a ⟦b⟧ c", "a b c", "b", nil},
		{"line breaks", `⟦a\nb⟧`, "a\nb", "a\nb", nil},
		{"codes", "x ⟦base64(bob:hunter2)⟧", "x Ym9iOmh1bnRlcjI", "Ym9iOmh1bnRlcjI", nil},
		{"check digits", "⟦luhn(411111111111111)⟧", "4111111111111111", "4111111111111111", nil},
		{"accounts", "⟦iban(DE,370400440532013000)⟧", "DE89370400440532013000", "DE89370400440532013000", nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := Example{Template: c.template}.Draw(rand.New(rand.NewPCG(1, 2)))
			require.Equal(t, c.text, s.Text)
			require.Equal(t, c.secret, s.String())
			require.Equal(t, c.parts, s.Parts)
		})
	}
	s := Example{Template: "id <d4> ⟦AKIA<c16>⟧ and no more"}.Draw(rand.New(rand.NewPCG(1, 2)))
	require.Regexp(t, `^id \d{4} AKIA[A-Z2-7]{16} and no more$`, s.Text)
	require.Len(t, s.Parts, 1, "what is random outside is no secret")
	require.Len(t, s.Parts[0], 16)
	s = Example{Template: "⟦<h8>-<h4>-<h12>://<a4>⟧"}.Draw(rand.New(rand.NewPCG(1, 2)))
	require.Len(t, s.Parts, 2)
	require.Len(t, s.Parts[0], 26, "a separator is part of what is random")
}

func TestSearch(t *testing.T) {
	secret := Example{Template: `key ⟦live_<a30>"<a2>⟧`}.Draw(rand.New(rand.NewPCG(1, 2)))
	random := secret.Parts[0]
	quoted, err := json.Marshal(secret.String())
	require.NoError(t, err)
	var s Search
	s.Add(secret, "place")
	for _, c := range []struct {
		rule, text string
		found      bool
	}{
		{"nothing", "all is well", false},
		{"the secret", "a " + secret.String() + " b", true},
		{"in JSON", string(quoted), true},
		{"in upper case", strings.ToUpper(secret.String()), true},
		{"12 bytes of it", "a" + random[7:19] + "b", true},
		{"11 bytes of it", "a" + random[7:18] + "!", false},
		{"what is no chance", "live_ and live_ and live_", false},
		{"in hexadecimal", hex.EncodeToString([]byte("a " + secret.String())), true},
		{"a part in hexadecimal", hex.EncodeToString([]byte("a " + random[3:15] + "!")), true},
		{"in base64", base64.StdEncoding.EncodeToString([]byte("ab" + secret.String())), true},
		{"a part in base64", base64.StdEncoding.EncodeToString([]byte("abcd" + random[2:17] + "!")), true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			found := false
			s.In([]byte(c.text), func(from, to int, label string) {
				found = true
				require.Equal(t, "place", label)
				require.LessOrEqual(t, to, len(c.text))
			})
			require.Equal(t, c.found, found)
		})
	}
}

// What forgets a field is told so.
func TestCheckFindsWhatIsForgotten(t *testing.T) {
	forget := func(any) error { return nil }
	type inner struct{ Text string }
	for _, c := range []struct {
		rule string
		doc  any
	}{
		{"a text", new(string)},
		{"a field", &struct{ A inner }{}},
		{"a pointer", &struct{ A **inner }{}},
		{"an element", &struct{ A [][]inner }{}},
		{"an array", &struct{ A [2]string }{}},
		{"a key", &struct{ A map[string]int }{}},
		{"a value", &struct{ A map[int][]string }{}},
		{"anything", &struct{ A any }{}},
		{"bytes", &struct{ A []byte }{}},
		{"JSON", &struct{ A json.RawMessage }{}},
		{"a zone", &struct{ A []time.Time }{}},
		{"an error", &struct{ A error }{}},
		{"a channel", &struct{ A chan string }{}},
		{"a function", &struct{ A func() string }{}},
		{"something with methods", &struct{ A interface{ Text() string } }{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, wrong := Check(c.doc, forget)
			require.NotEmpty(t, wrong)
		})
	}
	places, wrong := Check(&struct{ N int }{}, forget)
	require.Zero(t, places)
	require.Empty(t, wrong)
}
