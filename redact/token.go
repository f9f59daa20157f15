package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// shape is how the tokens of one service look. The shapes are those that the
// services document for secret scanners, with lengths taken generously, because
// they change them.
type shape struct {
	prefix string
	kind   string
	// min is the least number of bytes after the prefix for which body holds.
	min  int
	body func(byte) bool
	// bounded shapes are too common within words and begin none.
	bounded bool
	// keep leaves the prefix: it is no secret.
	keep bool
	// find, if set, decides instead of min and body. It returns the end of the
	// secret, or 0.
	find func(s string, i int) int
}

var shapes = []shape{
	{prefix: "ghp_", kind: "github-token", min: 30, body: isAlnum},
	{prefix: "gho_", kind: "github-token", min: 30, body: isAlnum},
	{prefix: "ghu_", kind: "github-token", min: 30, body: isAlnum},
	{prefix: "ghs_", kind: "github-token", min: 30, body: isAlnum},
	{prefix: "ghr_", kind: "github-token", min: 30, body: isAlnum},
	{prefix: "github_pat_", kind: "github-token", min: 30, body: isWord},
	{prefix: "glpat-", kind: "gitlab-token", min: 20, body: isWord},
	{prefix: "xoxa-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xoxb-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xoxe-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xoxo-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xoxp-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xoxr-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xoxs-", kind: "slack-token", min: 10, body: isWord},
	{prefix: "xapp-", kind: "slack-token", min: 20, body: isWord},
	{prefix: "AKIA", kind: "aws-access-key", min: 16, body: isUpperAlnum},
	{prefix: "ASIA", kind: "aws-access-key", min: 16, body: isUpperAlnum},
	{prefix: "AIza", kind: "google-api-key", min: 30, body: isWord},
	{prefix: "ya29.", kind: "google-token", min: 20, body: isWord},
	{prefix: "sk_live_", kind: "stripe-key", min: 10, body: isAlnum},
	{prefix: "sk_test_", kind: "stripe-key", min: 10, body: isAlnum},
	{prefix: "rk_live_", kind: "stripe-key", min: 10, body: isAlnum},
	{prefix: "rk_test_", kind: "stripe-key", min: 10, body: isAlnum},
	{prefix: "whsec_", kind: "webhook-secret", min: 16, body: isBase64},
	{prefix: "npm_", kind: "npm-token", min: 36, body: isAlnum},
	{prefix: "pypi-A", kind: "pypi-token", min: 50, body: isWord},
	{prefix: "sk-ant-", kind: "anthropic-key", min: 20, body: isWord},
	{prefix: "sk-proj-", kind: "openai-key", min: 20, body: isWord},
	{prefix: "sk-", kind: "api-key", bounded: true, find: skKey},
	{prefix: "hf_", kind: "hugging-face-token", min: 30, body: isAlnum},
	{prefix: "dop_v1_", kind: "digitalocean-token", min: 40, body: isHex},
	{prefix: "doo_v1_", kind: "digitalocean-token", min: 40, body: isHex},
	{prefix: "shpat_", kind: "shopify-token", min: 32, body: isHex},
	{prefix: "shpss_", kind: "shopify-token", min: 32, body: isHex},
	{prefix: "SG.", kind: "sendgrid-key", find: sendGridKey},
	{prefix: "SK", kind: "twilio-key", min: 32, body: isHex, bounded: true},
	{prefix: "hvs.", kind: "vault-token", min: 24, body: isWord},
	{prefix: "Bearer ", kind: "bearer-token", find: bearer, keep: true},
	{prefix: "bearer ", kind: "bearer-token", find: bearer, keep: true},
	{prefix: "BEARER ", kind: "bearer-token", find: bearer, keep: true},
	{prefix: "Basic ", kind: "basic-credentials", find: basic, keep: true},
	{prefix: "basic ", kind: "basic-credentials", find: basic, keep: true},
	{prefix: "BASIC ", kind: "basic-credentials", find: basic, keep: true},
	{prefix: "hooks.slack.com/", kind: "slack-webhook", min: 20, body: isPath, keep: true},
	{prefix: "discord.com/api/webhooks/", kind: "discord-webhook", min: 20, body: isPath, keep: true},
	{prefix: "discordapp.com/api/webhooks/", kind: "discord-webhook", min: 20, body: isPath, keep: true},
}

// tokens holds shapes by their first byte.
var tokens = func() (t [256][]shape) {
	for _, sh := range shapes {
		t[sh.prefix[0]] = append(t[sh.prefix[0]], sh)
	}
	return t
}()

// tokenStarts tells by two bytes whether a token may begin there.
var tokenStarts = func() (t [256][256]bool) {
	for _, sh := range shapes {
		t[sh.prefix[0]][sh.prefix[1]] = true
	}
	return t
}()

// token finds a token of known shape that begins at i: anywhere in a word,
// unless its shape is bounded.
func token(s string, i int) (match, bool) {
	if i+1 == len(s) || !tokenStarts[s[i]][s[i+1]] {
		return match{}, false
	}
	for k := range tokens[s[i]] {
		sh := &tokens[s[i]][k]
		if !strings.HasPrefix(s[i:], sh.prefix) || sh.bounded && i > 0 && isWord(s[i-1]) {
			continue
		}
		body := i + len(sh.prefix)
		end := 0
		if sh.find != nil {
			end = sh.find(s, body)
		} else if e := skip(s, body, sh.body); e-body >= sh.min {
			end = e
		}
		if end == 0 {
			continue
		}
		if sh.keep {
			i = body
		}
		return match{i, end, mark(sh.kind)}, true
	}
	return match{}, false
}

// skKey finds the keys that many services write as sk-...: at least 20 bytes
// with a digit among them, unlike the class names of some style sheets.
func skKey(s string, i int) int {
	end := skip(s, i, isWord)
	if end-i < 20 || !strings.ContainsAny(s[i:end], "0123456789") {
		return 0
	}
	return end
}

// sendGridKey finds the 22 and 43 bytes of a SendGrid key, and the dot between.
func sendGridKey(s string, i int) int {
	dot := skip(s, i, isWord)
	if dot-i != 22 || dot == len(s) || s[dot] != '.' {
		return 0
	}
	if end := skip(s, dot+1, isWord); end-dot > 43 {
		return end
	}
	return 0
}

// jwt finds a JSON Web Token, signed, encrypted or cut off (RFC 7519, RFC 7516),
// around its first dot at s[i]. A header alone says nothing.
//
// It looks back from the dot, because a token may begin anywhere in a long word
// that holds none.
func jwt(s string, i, floor int) (match, bool) {
	end := skip(s, i+1, isWord)
	if end-i < 5 {
		return match{}, false
	}
	from := i
	for from > floor && isWord(s[from-1]) {
		from--
	}
	n := strings.Index(s[from:i], "eyJ") // {" in base64
	if n < 0 || i-from-n < 8 {
		return match{}, false
	}
	for end < len(s) && s[end] == '.' {
		end = skip(s, end+1, isWord)
	}
	return match{from + n, end, mark("jwt")}, true
}

// bearer finds what follows "Bearer " (RFC 6750), unless it reads like a word.
func bearer(s string, i int) int {
	from := skip(s, i, isBlank)
	end := skip(s, from, isToken68)
	rest := strings.TrimLeft(s[from:end], "abcdefghijklmnopqrstuvwxyz.-")
	if n := end - from; n < 8 || n < 24 && (rest == "" || len(rest) == n && isWordCapital(rest)) {
		return 0
	}
	return end
}

// basic finds what follows "Basic " and decodes to user:password (RFC 7617).
func basic(s string, i int) int {
	from := skip(s, i, isBlank)
	end := skip(s, from, isToken68)
	code := strings.TrimRight(s[from:end], "=")
	text, _ := base64.RawStdEncoding.DecodeString(code[:len(code)/4*4]) // as much as is right
	if !bytes.Contains(text, []byte(":")) {
		return 0
	}
	return end
}

// isWordCapital reports whether s is a word that begins a sentence.
func isWordCapital(s string) bool {
	return isUpper(s[0]) && strings.TrimLeft(s[1:], "abcdefghijklmnopqrstuvwxyz.") == ""
}

func isBlank(c byte) bool      { return c == ' ' || c == '\t' }
func isHex(c byte) bool        { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isUpperAlnum(c byte) bool { return isUpper(c) || isDigit(c) }
func isBase64(c byte) bool     { return isAlnum(c) || c == '+' || c == '/' || c == '=' }
func isToken68(c byte) bool    { return isBase64(c) || c == '-' || c == '.' || c == '_' || c == '~' }
func isPath(c byte) bool       { return isWord(c) || c == '/' || c == '@' || c == '.' }
