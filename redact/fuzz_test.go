package redact_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/redact"
)

// survives holds the redactor to what is true of a token in whatever stands around
// it, and in whatever code: it is gone, redacting again changes nothing, and the
// text does not grow beyond a bound.
func survives(t *testing.T, text, token string) {
	var r redact.Redactor
	once := r.Text(text)
	require.Equal(t, once, r.Text(once), "idempotent: %q", text)
	require.LessOrEqual(t, len(once), 4*len(text)+1024)
	if token != "" {
		require.NotContains(t, once, token, "%q", text)
	}
}

// FuzzCodes plants a token in a text that is written in each code.
func FuzzCodes(f *testing.F) {
	for n := range codes {
		f.Add(byte(n), "{\"a\":\"", "\"}", byte(0))
		f.Add(byte(n), "\\u00", "&#x", byte(1))
	}
	f.Fuzz(func(t *testing.T, code byte, before, after string, again byte) {
		token := fakes["github-token"]
		text := codes[int(code)%len(codes)].code(before + " " + token + " " + after)
		survives(t, text, token)
		survives(t, codes[int(again)%len(codes)].code(text), "")
	})
}

// FuzzEscapes reads texts as they are without their escapes.
func FuzzEscapes(f *testing.F) {
	for _, s := range []string{`\x70\u0061`, "&#112;&amp;", "=70=61=\n", "p\x00a\x00", `\\\\"\\\\`, `\u{70}`, "=3D", `\/`, `\160`} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		survives(t, before+after, "")
		survives(t, before+" "+fakes["gitlab-token"]+" "+after, fakes["gitlab-token"])
	})
}

// FuzzOctets reads lists and dumps of bytes.
func FuzzOctets(f *testing.F) {
	for _, s := range []string{"[112 97 115 115]", "{0x70, 0x61}", "70:61:73", "00000000  70 61 73 73  |pass|\n", "0000: 7061 7373"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		token := fakes["github-token"]
		survives(t, before+"\n<"+each("%02x ")(token)+">\n"+after, each("%02x ")(token[len(token)/2:]))
		survives(t, before+after, "")
	})
}

// FuzzWrapped breaks a token over lines.
func FuzzWrapped(f *testing.F) {
	for _, s := range []string{"\n", "\r\n  ", "\\\n", "\n> ", "\n+ ", `\n\t`, "<br>", `" + "`} {
		f.Add("token ", s, 16, " bad")
	}
	f.Fuzz(func(t *testing.T, before, between string, at int, after string) {
		token := fakes["github-token"]
		at = max(8, min(at, len(token)-8))
		if at < 0 {
			return
		}
		survives(t, before+token[:at]+between+token[at:]+after, token)
	})
}

// FuzzArmour cuts and prefixes the lines of a private key.
func FuzzArmour(f *testing.F) {
	f.Add("", "\n", "", 0)
	f.Add("app | ", "\n", "", 30)
	f.Add("", `\n`, "\"", 70)
	f.Add("> ", "\r\n", "", 100)
	f.Fuzz(func(t *testing.T, prefix, end, suffix string, from int) {
		rnd := rand.New(rand.NewPCG(9, 9))
		lines := []string{"-----BEGIN RSA " + "PRIVATE KEY-----"}
		for range 4 {
			lines = append(lines, canary.Text(rnd, "<b64>"))
		}
		lines = append(lines, "-----END RSA "+"PRIVATE KEY-----")
		text := prefix + strings.Join(lines, end+prefix) + suffix
		survives(t, text, lines[2])
		survives(t, text[max(0, min(from, len(text))):], "")
	})
}

// FuzzForms fills the forms of testdata with what is drawn, and puts texts around
// them.
func FuzzForms(f *testing.F) {
	all := forms(f)
	for n := range all {
		f.Add(uint16(n), "", "")
	}
	f.Add(uint16(0), "\"", "\\")
	f.Fuzz(func(t *testing.T, n uint16, before, after string) {
		text, _ := all[int(n)%len(all)].fill(rand.New(rand.NewPCG(uint64(n), 1)))
		survives(t, before+text+after, "")
		survives(t, before+text+" "+fakes["github-token"]+" "+after, fakes["github-token"])
	})
}

// FuzzMarkup puts a password into elements and attributes.
func FuzzMarkup(f *testing.F) {
	f.Add("<db><password>", "</password></db>")
	f.Add("<key>password</key><string>", "</string>")
	f.Add("&lt;password&gt;", "&lt;/password&gt;")
	f.Add("<add key=\"password\" value=\"", "\"/>")
	f.Fuzz(func(t *testing.T, before, after string) {
		survives(t, before+"tr0ub4dor"+after, "")
		survives(t, before+fakes["npm-token"]+after, fakes["npm-token"])
	})
}

// FuzzCommand runs programs with passwords.
func FuzzCommand(f *testing.F) {
	f.Add("curl -u bob:", " https://h")
	f.Add(`["mysql","-u","root","-p`, `"]`)
	f.Add("echo ", " | sudo -S x")
	f.Add("HSET u password ", " a b")
	f.Add("*2\r\n$4\r\nAUTH\r\n$9\r\n", "\r\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		survives(t, before+"tr0ub4dor"+after, "")
		survives(t, before+fakes["slack-token"]+after, fakes["slack-token"])
	})
}

// FuzzDump prints values as languages do.
func FuzzDump(f *testing.F) {
	f.Add("{Password:", "}")
	f.Add("('password', '", "')")
	f.Add("[\"password\":protected]=>\n  string(9) \"", "\"")
	f.Add("#0 /a.php(1): login('", "')")
	f.Add("[{app,login,[\"", "\"],[{file,\"a.erl\"},{line,1}]}]")
	f.Add("{\"value\":\"", "\",\"name\":\"password\"}")
	f.Add("password: Some(\n  \"", "\")")
	f.Fuzz(func(t *testing.T, before, after string) {
		survives(t, before+"tr0ub4dor"+after, "")
		survives(t, before+fakes["github-token"]+after, fakes["github-token"])
	})
}
