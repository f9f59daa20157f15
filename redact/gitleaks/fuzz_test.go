package gitleaks

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// FuzzParse: no configuration panics, and what comes of one finds within the
// text.
func FuzzParse(f *testing.F) {
	f.Add("[[rules]]\nid = 'a'\nregex = '''(?i)[\\w.-]{0,50}?(?:acme|b)(?:[ \\t]{0,20})=([a-z]{2})$'''\nkeywords = ['acme']\nentropy = 1", "acme=ab")
	f.Add("[[rules]]\nid = 'a'\nregex = '''\\bs\\.(?P<x>.)+'''\n[[rules.allowlists]]\nregexes = ['''a''']\nstopwords = ['b']\nregexTarget = 'line'", "s.ü\ns.b")
	f.Add("[allowlist]\npaths = ['x']\n[[rules]]\nid = 'a'\npath = 'x'", "")
	f.Add("[extend]\nuseDefault = true\ndisabledRules = ['jwt']", "token=a")
	f.Fuzz(func(t *testing.T, toml, text string) {
		cfg, err := Parse([]byte(toml))
		if err != nil {
			require.Empty(t, cfg.Kinds)
			return
		}
		check := func(from, to int) {
			require.True(t, from >= 0 && to >= from && to <= len(text), "%d, %d of %d", from, to, len(text))
		}
		for _, k := range cfg.Kinds {
			if k.FindAll != nil {
				for _, loc := range k.FindAll(text) {
					check(loc[0], loc[1])
				}
				continue
			}
			for at := range text {
				check(k.Find(text, at))
			}
		}
	})
}

// Redacting what was redacted changes nothing, with all kinds there are.
func TestIdempotent(t *testing.T) {
	cfg, err := Default()
	require.NoError(t, err)
	r := redact.Redactor{Kinds: cfg.Kinds}
	ps := peers(t)
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var b strings.Builder
		for range 1 + rnd.IntN(4) {
			b.WriteString(draw(rnd, ps[rnd.IntN(len(ps))].rule.Regex.String()))
			b.WriteString(noise[rnd.IntN(len(noise))])
			if rnd.IntN(4) == 0 {
				b.WriteString("[REDACTED:jwt]")
			}
		}
		text := b.String()
		once := r.Text(text)
		require.Equal(t, once, r.Text(once), "%q", text)
	})
}
