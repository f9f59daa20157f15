package gitleaks

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// files are names of files that the rules of the default configuration ask for.
var files = []string{"values.yaml", "nuget.config", "main.tf", "index.php"}

// peer is gitleaks' own detector of one rule.
type peer struct {
	rule     config.Rule
	detector *detect.Detector
	file     string
	kind     redact.Kind
}

// peers returns those of the rules of the default configuration, by their names.
func peers(t require.TestingT) []*peer {
	all, err := detect.NewDetectorDefaultConfig()
	require.NoError(t, err)
	cfg, err := Default()
	require.NoError(t, err)
	kinds := map[string]redact.Kind{}
	for _, k := range cfg.Kinds {
		kinds[k.Name] = k
	}
	var ps []*peer
	for _, id := range slices.Sorted(maps.Keys(all.Config.Rules)) {
		r := all.Config.Rules[id]
		if r.Regex == nil {
			continue
		}
		one := all.Config
		one.Rules = map[string]config.Rule{id: r}
		one.Keywords = map[string]struct{}{}
		for _, w := range r.Keywords {
			one.Keywords[w] = struct{}{}
		}
		p := &peer{rule: r, detector: detect.NewDetector(one), kind: kinds[id]}
		if r.Path != nil {
			p.file = files[slices.IndexFunc(files, r.Path.MatchString)]
		}
		require.NotEmpty(t, p.kind.Name, id)
		ps = append(ps, p)
	}
	return ps
}

// want returns the secrets that gitleaks finds. It looks for the secret in the
// match without what stands around it, and so may take an escaped line end that
// ends the match for a part of it.
func (p *peer) want(text string) []string {
	var secrets []string
	//lint:ignore SA1019 there is nothing else that takes a path
	for _, f := range p.detector.Detect(detect.Fragment{Raw: text, FilePath: p.file}) {
		secrets = append(secrets, strings.TrimSuffix(strings.TrimSuffix(f.Secret, `\n`), `\r`))
	}
	return secrets
}

// got returns the secrets that the kind finds, asked as a scan asks it, but for
// what is found otherwise.
func (p *peer) got(text string) (secrets []string) {
	defer func() {
		for i, s := range secrets {
			secrets[i] = strings.TrimSuffix(strings.TrimSuffix(s, `\n`), `\r`)
		}
	}()
	folded := lower(text)
	if k := p.kind; k.FindAll != nil {
		if len(k.Keywords) == 0 || slices.ContainsFunc(k.Keywords, func(w string) bool { return strings.Contains(folded, w) }) {
			for _, loc := range k.FindAll(text) {
				secrets = append(secrets, text[loc[0]:loc[1]])
			}
		}
		return secrets
	}
	past := 0
	for at := range len(text) {
		if at < past || !slices.ContainsFunc(p.kind.Keywords, func(w string) bool { return strings.HasPrefix(folded[at:], w) }) {
			continue
		}
		from, to := p.kind.Find(text, at)
		if from < to {
			secrets = append(secrets, text[from:to])
		}
		past = max(past, to)
	}
	return secrets
}

// compare requires that the kind finds what gitleaks finds, and nothing else, and
// returns it. More of a match may be found, where a group is only a part of it.
func (p *peer) compare(t require.TestingT, text string) []string {
	want, got := p.want(text), p.got(text)
	require.Len(t, got, len(want), "%s in %q: %q, %q", p.rule.RuleID, text, want, got)
	for i := range want {
		if p.rule.RuleID == "jwt-base64" || p.rule.RuleID == "microsoft-teams-webhook" {
			require.Contains(t, got[i], want[i], "%s in %q", p.rule.RuleID, text)
			continue
		}
		require.Equal(t, want[i], got[i], "%s in %q", p.rule.RuleID, text)
	}
	return want
}

// lower returns s with its ASCII letters in lower case.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// inLine puts what a rule matches into a line of a log, with a keyword, if it has
// none.
func (p *peer) inLine(text string) string {
	text = `level=error msg="call failed" ` + text + " \nduration=12ms"
	if len(p.rule.Keywords) > 0 && !slices.ContainsFunc(p.rule.Keywords, func(w string) bool { return strings.Contains(strings.ToLower(text), w) }) {
		text = "caller=" + p.rule.Keywords[0] + ".go:12 " + text
	}
	return text
}

// TestEveryRule draws what each rule matches. What gitleaks finds in a line of a
// log the kind finds, and nothing else, and nothing of it is left in the text.
func TestEveryRule(t *testing.T) {
	const draws, tries = 4, 800
	cfg, err := Default()
	require.NoError(t, err)
	r := redact.Redactor{Kinds: cfg.Kinds}
	for _, p := range peers(t) {
		rnd := rand.New(rand.NewPCG(1, 2))
		found := 0
		for n := 0; n < tries && found < draws; n++ {
			text := p.inLine(draw(rnd, p.rule.Regex.String()))
			want := p.compare(t, text)
			if len(want) == 0 {
				continue // it has too little entropy, or is allowed
			}
			found++
			redacted := r.Text(text)
			for _, secret := range want {
				require.NotContains(t, redacted, secret, "%s in %q", p.rule.RuleID, text)
			}
			require.Equal(t, redacted, r.Text(redacted), "%s in %q: redacted again", p.rule.RuleID, text)
		}
		require.Equal(t, draws, found, "%s: gitleaks finds what was drawn", p.rule.RuleID)
	}
}

// noise is what stands between matches and parts of them, and what rules turn on.
var noise = []string{" ", "\n", "\\n", "=", ":", " := ", "\"", "'", ";", ",", ".", "-", "_", "/", "x", "7", "ü", "key", "token=", "password: ", "EXAMPLE", "test", "\xff"}

// TestKindsFindWhatGitleaksFinds compares both on texts of broken matches.
func TestKindsFindWhatGitleaksFinds(t *testing.T) {
	ps := peers(t)
	rapid.Check(t, func(t *rapid.T) {
		p := ps[rapid.IntRange(0, len(ps)-1).Draw(t, "rule")]
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var b strings.Builder
		for range 1 + rnd.IntN(6) {
			s := draw(rnd, p.rule.Regex.String())
			switch rnd.IntN(4) {
			case 0: // cut
				s = s[:rnd.IntN(len(s)+1)]
			case 1: // with something in it
				n := rnd.IntN(len(s) + 1)
				s = s[:n] + noise[rnd.IntN(len(noise))] + s[n:]
			}
			b.WriteString(s)
			for range rnd.IntN(3) {
				b.WriteString(noise[rnd.IntN(len(noise))])
			}
			if len(p.rule.Keywords) > 0 && rnd.IntN(4) == 0 {
				b.WriteString(p.rule.Keywords[rnd.IntN(len(p.rule.Keywords))])
			}
		}
		p.compare(t, b.String())
	})
}
