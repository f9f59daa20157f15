package gitleaks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/redact/gitleaks"
)

// acme is a rule for the tokens of a made-up service.
const acme = `
[[rules]]
id = "Acme_Token"
regex = '''\bacme_([a-z0-9]{12})\b'''
keywords = ["acme_"]
`

func TestConfigurations(t *testing.T) {
	const secret = "acme_k3j9x0q7w2m5"
	tests := []struct{ rule, toml, in, want string }{
		{"the ID is the kind, the first group is what goes", acme, "a " + secret + " b", "a acme_[REDACTED:acme-token] b"},
		{"keywords are there in any case, the expression has one", acme, "a " + strings.ToUpper(secret), "a " + strings.ToUpper(secret)},
		{"secretGroup says which group",
			"[[rules]]\nid = 'a'\nregex = '''acme (\\w+) (\\w+)'''\nsecretGroup = 2\nkeywords = ['acme']", "acme one two", "acme one [REDACTED:a]"},
		{"a repeated group is no secret, the match is",
			"[[rules]]\nid = 'a'\nregex = '''acme:([0-9a-f]{2},){3}'''\nkeywords = ['acme']", "x acme:0a,1b,2c, y", "x [REDACTED:a] y"},
		{"too little entropy", acme + "entropy = 3\n", "acme_aaaaaabbbbbb " + secret, "acme_aaaaaabbbbbb acme_[REDACTED:acme-token]"},
		{"a stop word in the secret", acme + "[[rules.allowlists]]\nstopwords = ['J9X']\n", secret, secret},
		{"an expression for the secret", acme + "[[rules.allowlists]]\nregexes = ['''^k3''']\n", secret, secret},
		{"an expression for the match", acme + "[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['''^acme_k3''']\n", secret, secret},
		{"an expression for the line", acme + "[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['''for tests$''']\n",
			secret + " for tests\n" + secret + " for customers", secret + " for tests\nacme_[REDACTED:acme-token] for customers"},
		{"both conditions", acme + "[[rules.allowlists]]\ncondition = 'AND'\nregexes = ['''^k3''']\nstopwords = ['other']\n", secret, "acme_[REDACTED:acme-token]"},
		{"a file is never allowed, there is none", acme + "[[rules.allowlists]]\ncondition = 'AND'\nregexes = ['''^k3''']\npaths = ['''.*''']\n", secret, "acme_[REDACTED:acme-token]"},
		{"an older way to write one", acme + "[rules.allowlist]\nregexes = ['''^k3''']\n", secret, secret},
		{"an allowlist for all rules", "[allowlist]\nregexes = ['''^k3''']\n" + acme, secret, secret},
		{"one for some", "[[allowlists]]\ntargetRules = ['Acme_Token']\nregexes = ['''^k3''']\n" + acme, secret, secret},
		{"a rule with a path is for every text", acme + "path = '''\\.php$'''\n", secret, "acme_[REDACTED:acme-token]"},
		{"a comment allows nothing", acme, secret + " gitleaks:allow", "acme_[REDACTED:acme-token] gitleaks:allow"},
		{"what a rule requires is not asked for", acme + "[[rules.required]]\nid = 'Acme_Token'\nwithinLines = 1\n", secret, "acme_[REDACTED:acme-token]"},
		{"a keyword far from the match", "[[rules]]\nid = 'a'\nregex = '''\\b[0-9]{7}\\b'''\nkeywords = ['ledger']",
			"1234567 " + strings.Repeat("-", 9000) + " ledger 7654321", "[REDACTED:a] " + strings.Repeat("-", 9000) + " ledger [REDACTED:a]"},
		{"no keywords, and none in the expression", "[[rules]]\nid = 'a'\nregex = '''\\b[0-9]{7}\\b'''", "a 1234567", "a [REDACTED:a]"},
		{"no keywords, but one in the expression", "[[rules]]\nid = 'a'\nregex = '''(?i)acme[0-9]{3}'''", "an aCmE123", "an [REDACTED:a]"},
		{"a keyword too short to look for", "[[rules]]\nid = 'a'\nregex = '''#[0-9]{7}'''\nkeywords = ['#']", "a #1234567", "a [REDACTED:a]"},
		{"the default configuration and more", "[extend]\nuseDefault = true\n" + acme,
			secret + " sm_pat_" + "k3j9x0q7w2m5k3j9", "acme_[REDACTED:acme-token] [REDACTED:settlemint-personal-access-token]"},
		{"a rule of it that is disabled", "[extend]\nuseDefault = true\ndisabledRules = ['intra42-client-secret']\n", "s-s4t2ud-" + strings.Repeat("0123456789abcdef", 4), "s-s4t2ud-" + strings.Repeat("0123456789abcdef", 4)},
		{"a rule of it that is not", "[extend]\nuseDefault = true\n", "s-s4t2ud-" + strings.Repeat("0123456789abcdef", 4), "[REDACTED:intra42-client-secret]"},
		{"a rule of it with another allowlist", "[extend]\nuseDefault = true\n[[rules]]\nid = 'intra42-client-secret'\n[[rules.allowlists]]\nstopwords = ['s4t2ud']", "s-s4t2ud-" + strings.Repeat("0123456789abcdef", 4), "s-s4t2ud-" + strings.Repeat("0123456789abcdef", 4)},
		{"a rule of it with another expression", "[extend]\nuseDefault = true\n[[rules]]\nid = 'intra42-client-secret'\nregex = '''intra-[0-9]{4}'''", "intra-9281 intra-0000", "[REDACTED:intra42-client-secret] intra-0000"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			cfg, err := gitleaks.Parse([]byte(tt.toml))
			require.NoError(t, err)
			r := redact.Redactor{Kinds: cfg.Kinds}
			got := r.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}

func TestConfigurationsThatAreNotRight(t *testing.T) {
	const rule = "[[rules]]\nid = 'a'\n"
	tests := []struct{ rule, toml, want string }{
		{"no TOML", "[[rules", "the configuration is no TOML"},
		{"not what gitleaks has", "rules = 3", "the configuration: "},
		{"a rule without a name", "[[rules]]\nregex = 'a'\ndescription = 'of Acme'", "the rule 1 (of Acme) has no id"},
		{"a rule without anything", rule, `the rule "a" has neither a regex nor a path`},
		{"an expression", rule + "regex = '''a(b'''", "the rule \"a\": its regex: error parsing regexp: missing closing ): `a(b`"},
		{"an expression of Perl", rule + "regex = '''a(?=b)'''", "the rule \"a\": its regex: error parsing regexp"},
		{"a path", rule + "path = '''a(b'''", "the rule \"a\": its path: "},
		{"a group", rule + "regex = '''a(b)'''\nsecretGroup = 2", `the rule "a": its secretGroup is 2, and its regex has 1 groups`},
		{"an empty allowlist", rule + "regex = 'a'\n[[rules.allowlists]]\ndescription = 'x'", `the rule "a": an allowlist is empty`},
		{"an expression that allows", rule + "regex = 'a'\n[[rules.allowlists]]\nregexes = ['''a(b''']", `the rule "a": an allowlist: a regex: error parsing`},
		{"a condition", rule + "regex = 'a'\n[[rules.allowlists]]\ncondition = 'XOR'\nregexes = ['a']", `the condition "XOR" is neither`},
		{"a target", rule + "regex = 'a'\n[[rules.allowlists]]\nregexTarget = 'file'\nregexes = ['a']", `the regexTarget "file" is none of`},
		{"an allowlist for all", "[allowlist]\ndescription = 'x'", "gitleaks: an allowlist is empty"},
		{"an allowlist for no rule", "[[allowlists]]\ntargetRules = ['b']\nregexes = ['a']\n" + rule + "regex = 'a'", `targetRules: there is no rule "b"`},
		{"a file to extend", "[extend]\npath = 'x.toml'", "extend.path: no file is read here"},
		{"an address to extend", "[extend]\nurl = 'https://example.com'", "extend.url: nothing is fetched here"},
		{"a name that makes no mark", "[[rules]]\nid = '___'\nregex = 'abc'", `the rule "___": its id has no letter and no digit`},
		{"all that is wrong is said", rule + "regex = 'a('\n[[rules]]\nid = 'b'\nregex = 'b('", "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			_, err := gitleaks.Parse([]byte(tt.toml))
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "gitleaks: ")
		})
	}
}

func TestDefault(t *testing.T) {
	viper.Reset()
	cfg, err := gitleaks.Default()
	require.NoError(t, err)
	require.Empty(t, viper.AllKeys(), "the host's own settings are not touched")
	require.GreaterOrEqual(t, len(cfg.Kinds), 220)
	require.Equal(t, []gitleaks.LeftOut{{RuleID: "pkcs12-file", Reason: "it tells by the path of a file alone"}}, cfg.LeftOut)
	require.Equal(t, "generic-api-key", cfg.Kinds[len(cfg.Kinds)-1].Name, "what another rule knows has its name")
	require.True(t, slices.ContainsFunc(cfg.Kinds, func(k redact.Kind) bool { return k.Name == "gitlab-runner-authentication-token-routable" }))
}

func TestLeftOut(t *testing.T) {
	cfg, err := gitleaks.Parse([]byte(acme + "skipReport = true\n[[rules]]\nid = 'b'\npath = 'x'"))
	require.NoError(t, err)
	require.Empty(t, cfg.Kinds)
	require.Equal(t, []gitleaks.LeftOut{
		{RuleID: "Acme_Token", Reason: "it is only there for rules that require it (skipReport)"},
		{RuleID: "b", Reason: "it tells by the path of a file alone"},
	}, cfg.LeftOut)
}

// Any number of configurations may extend the default one.
func TestExtendAgainAndAgain(t *testing.T) {
	for range 4 {
		cfg, err := gitleaks.Parse([]byte("[extend]\nuseDefault = true\n"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(cfg.Kinds), 220)
	}
}
