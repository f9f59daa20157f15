package autoticket_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/url"
	"strings"
)

const (
	digits  = "0123456789"
	hexes   = digits + "abcdef"
	uppers  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
)

// canary is one kind of secret. Its text, in which %s stands for what is secret,
// is written in pieces, so that no scanner takes this file for a leak.
type canary struct {
	kind     string
	text     string
	n        int    // characters of the secret
	alphabet string // of which it is
	// form makes the secret of those characters, where they are not enough.
	form func(string) string
}

var canaries = []canary{
	{kind: "github", text: "gh" + "p_%s", n: 36, alphabet: letters},
	{kind: "github oauth", text: "gh" + "o_%s", n: 36, alphabet: letters},
	{kind: "github user", text: "gh" + "u_%s", n: 36, alphabet: letters},
	{kind: "github server", text: "gh" + "s_%s", n: 36, alphabet: letters},
	{kind: "github refresh", text: "gh" + "r_%s", n: 36, alphabet: letters},
	{kind: "github fine-grained", text: "github" + "_pat_%s", n: 82, alphabet: letters},
	{kind: "gitlab", text: "gl" + "pat-%s", n: 20, alphabet: letters},
	{kind: "slack bot", text: "xo" + "xb-%s", n: 24, alphabet: letters},
	{kind: "slack user", text: "xo" + "xp-%s", n: 24, alphabet: letters},
	{kind: "slack app", text: "xa" + "pp-%s", n: 30, alphabet: letters},
	{kind: "slack hook", text: "https://hooks." + "slack.com/services/%s", n: 0, form: func(s string) string { return "T" + s[:8] + "/B" + s[8:16] + "/" + s[16:40] }, alphabet: letters},
	{kind: "discord hook", text: "https://discord." + "com/api/webhooks/%s", n: 60, alphabet: letters},
	{kind: "telegram", text: "bot%s", alphabet: letters, form: func(s string) string {
		return fmt.Sprint(7_000_000_000+int64(s[0])*7919+int64(s[1])*104_729) + ":AA" + s[:33]
	}},
	{kind: "aws", text: "AK" + "IA%s", n: 16, alphabet: uppers},
	{kind: "aws session", text: "AS" + "IA%s", n: 16, alphabet: uppers},
	{kind: "google key", text: "AI" + "za%s", n: 35, alphabet: letters},
	{kind: "google token", text: "ya" + "29.%s", n: 60, alphabet: letters},
	{kind: "stripe", text: "sk_" + "live_%s", n: 24, alphabet: letters},
	{kind: "stripe restricted", text: "rk_" + "test_%s", n: 24, alphabet: letters},
	{kind: "webhook secret", text: "wh" + "sec_%s", n: 32, alphabet: letters},
	{kind: "npm", text: "np" + "m_%s", n: 36, alphabet: letters},
	{kind: "pypi", text: "pypi-" + "AgEIcHlwaS5vcmc%s", n: 60, alphabet: letters},
	{kind: "anthropic", text: "sk-" + "ant-api03-%s", n: 60, alphabet: letters},
	{kind: "openai", text: "sk-" + "proj-%s", n: 48, alphabet: letters},
	{kind: "openai, old", text: "sk" + "-%s", n: 48, alphabet: letters},
	{kind: "hugging face", text: "h" + "f_%s", n: 34, alphabet: letters},
	{kind: "digitalocean", text: "do" + "p_v1_%s", n: 64, alphabet: hexes},
	{kind: "shopify", text: "shp" + "at_%s", n: 32, alphabet: hexes},
	{kind: "sendgrid", text: "S" + "G.%s", alphabet: letters, form: func(s string) string { return s[:22] + "." + s[22:65] }},
	{kind: "twilio", text: "S" + "K%s", n: 32, alphabet: hexes},
	{kind: "vault", text: "hv" + "s.%s", n: 24, alphabet: letters},
	{kind: "jwt", text: "%s", alphabet: letters, form: func(s string) string {
		return "ey" + "JhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+s[:20]+`"}`)) + "." + s[20:63]
	}},
	{kind: "bearer", text: "Authorization: Bearer %s", n: 40, alphabet: letters},
	{kind: "basic", text: "Authorization: Basic %s", alphabet: letters, form: func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(s[:9] + ":" + s[9:30]))
	}},
	{kind: "cookie", text: "Cookie: sid=%s; theme=dark", n: 32, alphabet: letters},
	{kind: "private key", text: "-----BEGIN " + "PRIVATE KEY-----\n%s\n-----END " + "PRIVATE KEY-----", n: 60, alphabet: letters},
	{kind: "password", text: "password=%s", n: 18, alphabet: letters},
	{kind: "password in JSON", text: `{"password": "%s"}`, n: 18, alphabet: letters},
	{kind: "password in a flag", text: "run --password %s", n: 18, alphabet: letters},
	{kind: "password in a variable", text: "DB_PASSWORD=%s", n: 18, alphabet: letters},
	{kind: "api key", text: "api_key: %s", n: 24, alphabet: letters},
	{kind: "secret", text: "client_secret=%s", n: 24, alphabet: letters},
	{kind: "session", text: "session_id=%s", n: 24, alphabet: letters},
	{kind: "url", text: "postgres://app:%s@db.internal:5432/orders", n: 18, alphabet: letters},
	{kind: "mysql", text: "app:%s@tcp(db.internal:3306)/orders", n: 18, alphabet: letters},
	{kind: "signed url", text: "https://b.s3.amazonaws.com/o?X-Amz-Signature=%s", n: 64, alphabet: hexes},
	{kind: "e-mail", text: "%s", alphabet: letters, form: func(s string) string { return s[:12] + "@mail.example.com" }},
	{kind: "card", text: "%s", alphabet: digits, form: func(s string) string { return luhn("4" + s[:14]) }},
	{kind: "card in groups", text: "%s", alphabet: digits, form: func(s string) string {
		n := luhn("5" + "1" + s[:13])
		return n[:4] + " " + n[4:8] + " " + n[8:12] + " " + n[12:]
	}},
	{kind: "iban", text: "%s", alphabet: digits, form: func(s string) string { return iban("DE", s[:18]) }},
}

// plant returns the text of a canary that is no other's, and what of it must
// not be seen anywhere.
func (c canary) plant(place string) (text, secret string) {
	var seed strings.Builder
	for i := 0; seed.Len() < 128; i++ {
		for _, b := range sha256.Sum256(fmt.Appendf(nil, "%s %s %d", c.kind, place, i)) {
			seed.WriteByte(c.alphabet[int(b)%len(c.alphabet)])
		}
	}
	secret = seed.String()[:c.n]
	if c.form != nil {
		secret = c.form(seed.String())
	}
	return fmt.Sprintf(c.text, secret), secret
}

func luhn(s string) string {
	sum := 0
	for i := range s {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + fmt.Sprint((10-sum%10)%10)
}

func iban(country, account string) string {
	n, _ := new(big.Int).SetString(account+fmt.Sprint(country[0]-'A'+10)+fmt.Sprint(country[1]-'A'+10)+"00", 10)
	check := 98 - new(big.Int).Mod(n, big.NewInt(97)).Int64()
	return fmt.Sprintf("%s%02d%s", country, check, account)
}

// disguises returns how a secret may look where it leaks, as a whole or by a
// piece that is enough to know it by.
func disguises(secret string) []string {
	out := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), strings.ToUpper(secret), strings.ToLower(secret)}
	if plain := strings.ReplaceAll(secret, " ", ""); plain != secret {
		out = append(out, plain)
	}
	if len(secret) >= 20 { // half a token is too much
		out = append(out, secret[len(secret)-12:], secret[len(secret)/2-6:len(secret)/2+6])
	}
	for pad := range 3 { // wherever it stands in what was encoded
		code := base64.StdEncoding.EncodeToString([]byte("xyz"[:pad] + secret))
		code = code[4 : len(code)-4]
		out = append(out, code, strings.NewReplacer("+", "-", "/", "_").Replace(code))
	}
	return out
}
