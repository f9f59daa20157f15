package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/redact"
)

// form is a text in which secrets stand in the way that some program writes them.
type form struct{ name, template string }

// forms reads testdata/forms.txt.
func forms(t require.TestingT) (all []form) {
	data, err := os.ReadFile("testdata/forms.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		name, template, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			all = append(all, form{name, template})
		}
	}
	return all
}

// fill draws what stands in braces, and returns the parts of it that may not be
// read.
func (f form) fill(rnd *rand.Rand) (text string, secrets []string) {
	text = strings.NewReplacer("⏎", "\n", "⇥", "\t").Replace(f.template)
	token := canary.Text(rnd, "ghp_<a36>")
	half := len(token) / 2
	for _, h := range []struct{ hole, value string }{
		{"{P}", canary.Text(rnd, "<a9>!<a4>")}, {"{W}", canary.Text(rnd, "<a16>")}, {"{T}", token}, {"{T1}", token[:half]}, {"{T2}", token[half:]},
	} {
		if strings.Contains(text, h.hole) {
			text = strings.ReplaceAll(text, h.hole, h.value)
			secrets = append(secrets, h.value, h.value[len(h.value)-6:])
		}
	}
	for _, h := range []struct{ hole, template string }{{"{L}", "<b64>"}, {"{S}", "<b24>"}} {
		for strings.Contains(text, h.hole) {
			value := canary.Text(rnd, h.template)
			text = strings.Replace(text, h.hole, value, 1)
			secrets = append(secrets, value)
		}
	}
	if strings.Contains(text, "{B}") {
		value := base64.StdEncoding.EncodeToString([]byte(canary.Text(rnd, "bob:<a16>")))
		text = strings.ReplaceAll(text, "{B}", value)
		secrets = append(secrets, value)
	}
	return text, secrets
}

func TestForms(t *testing.T) {
	var r redact.Redactor
	rnd := rand.New(rand.NewPCG(5, 6))
	counts := map[string]int{}
	for _, f := range forms(t) {
		text, secrets := f.fill(rnd)
		require.NotEmpty(t, secrets, f.template)
		got := r.Text(text)
		for _, s := range secrets {
			require.NotContains(t, got, s, "%s: %s", f.name, text)
		}
		require.Equal(t, got, r.Text(got), "redacted again")
		counts[f.name]++
	}
	require.Greater(t, len(counts), 10)
	t.Log(counts)
}

// each writes a text byte by byte.
func each(format string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, format, s[i])
		}
		return b.String()
	}
}

func inJSON(times int) func(string) string {
	return func(s string) string {
		for range times {
			b, _ := json.Marshal(map[string]string{"body": s})
			s = string(b)
		}
		return s
	}
}

func lines64(width int, end string) func(string) string {
	return func(s string) string {
		code := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("please deliver it before noon. ", 5) + s + strings.Repeat(" thank you. ", 9)))
		var lines []string
		for ; len(code) > width; code = code[width:] {
			lines = append(lines, code[:width])
		}
		return strings.Join(append(lines, code), end)
	}
}

// codes are the ways to write a text otherwise.
var codes = []struct {
	rule string
	code func(string) string
}{
	{"percent", each("%%%02X")}, {"percent in lower case", each("%%%02x")}, {"percent twice", each("%%25%02X")},
	{"a query", url.QueryEscape}, {"a query in a query", func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{"JSON", each(`\u%04x`)}, {"JavaScript", each(`\u{%x}`)}, {"Python", each(`\U%08x`)}, {"C", each(`\x%02x`)}, {"C in C", each(`\\x%02x`)},
	{"octal", each(`\%03o`)}, {"HTML", each("&#%d;")}, {"HTML, hexadecimal", each("&#x%04X;")}, {"quoted-printable", each("=%02X")},
	{"HTML twice", func(s string) string { return html.EscapeString(html.EscapeString(`"` + s + `"`)) }},
	{"UTF-16", each("%c\x00")}, {"UTF-16 in escapes", each(`%c\x00`)}, {"UTF-16 in JSON", each(`%c\u0000`)}, {"big endian", each(`\0%c`)},
	{"hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"hexadecimal, capitals", func(s string) string { return "0x" + strings.ToUpper(hex.EncodeToString([]byte(s))) }},
	{"PostgreSQL", func(s string) string { return `\x` + hex.EncodeToString([]byte(s)) }},
	{"octets", each("%02x ")}, {"octets with colons", each("%02x:")}, {"octets with dashes", each("%02X-")},
	{"bytes as Go prints them", func(s string) string { return fmt.Sprint([]byte(s)) }}, {"bytes in Go", func(s string) string { return fmt.Sprintf("%#v", []byte(s)) }},
	{"bytes in JSON", func(s string) string { return strings.ReplaceAll(fmt.Sprint([]byte(s)), " ", ",") }},
	{"a dump", func(s string) string { return "\n" + hex.Dump([]byte(s)) }},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64 for URLs", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s + "??>")) }},
	{"base64 among bytes", func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte("\x08\x01\x12\xff" + s + "\xfe"))
	}},
	{"base64 of UTF-16", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(each("%c\x00")(s))) }},
	{"base64 in lines", lines64(76, "\r\n")}, {"base64 in lines of JSON", lines64(64, `\n`)}, {"base64 in lines of YAML", lines64(60, "\n    ")},
	{"a data URL", func(s string) string {
		return "data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(s))
	}},
	{"JSON in JSON", inJSON(2)}, {"JSON in JSON in JSON", inJSON(3)}, {"four times", inJSON(4)},
	{"Go", func(s string) string { return strconv.Quote("\x01" + s) }}, {"bytes in Python", func(s string) string { return `b'\x00\x01` + s + `\r\n'` }},
}

// secretTexts hold a secret each.
func secretTexts(rnd *rand.Rand) map[string]string {
	w, p := canary.Text(rnd, "<a20>"), canary.Text(rnd, "<a9>!<a4>")
	token := canary.Text(rnd, "ghp_<a36>")
	return map[string]string{token: token, "password=" + p: p, `{"user":"bob","password":"` + p + `"}`: p, "Authorization: Bearer " + w: w}
}

func TestCodes(t *testing.T) {
	var r redact.Redactor
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, c := range codes {
		t.Run(c.rule, func(t *testing.T) {
			for plain, secret := range secretTexts(rnd) {
				text := "got " + c.code(plain) + " end"
				got := r.Text(text)
				require.NotContains(t, got, secret)
				// What stands for the end of the secret is gone too.
				alone := strings.Trim(c.code(secret[len(secret)-6:]), "[] {}\"")
				if strings.Contains(text, alone) && len(alone) >= 6 {
					require.NotContains(t, got, alone, text)
				}
				require.Equal(t, got, r.Text(got), "redacted again")
				require.True(t, strings.HasPrefix(got, "got "), "what stands before stays")
				require.LessOrEqual(t, len(got), 4*len(text)+1024)
			}
			innocent := c.code("the order o-81723 was placed by a customer")
			require.Equal(t, innocent, r.Text(innocent), "what is no secret stays")
		})
	}
}
