package redact_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

// fakes are made-up tokens, put together here so that none stands in a file.
var fakes = map[string]string{
	"github-token":       "ghp_" + strings.Repeat("a1B2", 9),
	"gitlab-token":       "glpat-" + strings.Repeat("a1B2c", 4),
	"slack-token":        "xoxb-" + strings.Repeat("1234567890", 2) + "-" + strings.Repeat("aB1", 8),
	"aws-access-key":     "AKIA" + strings.Repeat("Z2X3", 4),
	"google-api-key":     "AIza" + strings.Repeat("Sy0_-", 7),
	"google-token":       "ya29." + strings.Repeat("a0B_", 10),
	"stripe-key":         "sk_" + "live_" + strings.Repeat("a1B2", 6),
	"webhook-secret":     "whsec_" + strings.Repeat("a1B2", 8),
	"npm-token":          "npm_" + strings.Repeat("a1B2", 9),
	"pypi-token":         "pypi-" + "AgEIcHlwaS5vcmc" + strings.Repeat("a1B2_", 12),
	"sendgrid-key":       "SG." + strings.Repeat("aB", 11) + "." + strings.Repeat("c", 43),
	"anthropic-key":      "sk-" + "ant-api03-" + strings.Repeat("a1B-", 20),
	"openai-key":         "sk-" + "proj-" + strings.Repeat("a1B2", 12),
	"hugging-face-token": "hf_" + strings.Repeat("aB", 17),
	"digitalocean-token": "dop_v1_" + strings.Repeat("0a1b", 16),
	"shopify-token":      "shpat_" + strings.Repeat("0a1b", 8),
	"vault-token":        "hvs." + strings.Repeat("a1B2", 8),
	"telegram-token":     "123456789:AA" + strings.Repeat("a1B", 11),
	"jwt":                "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxIn0" + "." + strings.Repeat("a-B_", 10),
	"private-key":        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE" + strings.Repeat("a1B2", 16) + "\n-----END RSA " + "PRIVATE KEY-----",
}

func TestTokens(t *testing.T) {
	var r redact.Redactor
	for kind, token := range fakes {
		t.Run(kind, func(t *testing.T) {
			want := "[REDACTED:" + kind + "]"
			require.Equal(t, want, r.Text(token), "alone")
			require.Equal(t, "got ("+want+"), bad", r.Text("got ("+token+"), bad"), "in a sentence")
			require.Equal(t, `{"a":"`+want+`"}`, r.Text(`{"a":"`+token+`"}`), "in JSON")
			require.NotContains(t, r.Text("9x_"+token+"y_9"), token[len(token)/2:], "in a word")
		})
	}
}

func TestText(t *testing.T) {
	begin, end := "-----BEGIN "+"PRIVATE KEY-----", "-----END "+"PRIVATE KEY-----"
	basic := base64.StdEncoding.EncodeToString([]byte("bob:hunter2"))
	tests := []struct{ rule, in, want string }{
		// Pairs.
		{"a pair", "user=bob password=hunter2 db=x", "user=bob password=[REDACTED:password] db=x"},
		{"a pair with spaces", "password = hunter2", "password = [REDACTED:password]"},
		{"a YAML line", "db:\n  password: hunter2\n  port: 1", "db:\n  password: [REDACTED:password]\n  port: 1"},
		{"a password is one even where it reads like a sentence", "password: correct horse", "password: [REDACTED:password]"},
		{"JSON", `{"user":"bob","password":"hun\"ter2","n":1}`, `{"user":"bob","password":"[REDACTED:password]","n":1}`},
		{"JSON with spaces", `"token" : "a b"`, `"token" : "[REDACTED:token]"`},
		{"JSON in JSON", `{"body":"{\"password\":\"hun\\\"ter2\",\"n\":1}"}`, `{"body":"{\"password\":\"[REDACTED:password]\",\"n\":1}"}`},
		{"JSON that was cut off", `{"password":"hunt`, `{"password":"[REDACTED:password]`},
		{"a field whose name follows its value", `{"value":"hunter2","name":"password"}`, `{"value":"[REDACTED:password]","name":"password"}`},
		{"a field named by another, unquoted", "{Key:password Value:hunter2}", "{Key:password Value:[REDACTED:password]}"},
		{"a JSON number", `{"otp":123456,"n":1}`, `{"otp":[REDACTED:password],"n":1}`},
		{"no value", `{"password":null,"token":"","secret":true}`, `{"password":null,"token":"","secret":true}`},
		{"Ruby", `'api_key' => 'x1'`, `'api_key' => '[REDACTED:api-key]'`},
		{"Go", `secret := "x1"`, `secret := "[REDACTED:secret]"`},
		{"a printed Go struct", "{User:bob Password:hunter2 Port:1}", "{User:bob Password:[REDACTED:password] Port:1}"},
		{"an indexed form field", "user[password]=hunter2", "user[password]=[REDACTED:password]"},
		{"an environment variable", "AWS_SECRET_ACCESS_KEY=ab/cd+ef", "AWS_SECRET_ACCESS_KEY=[REDACTED:secret]"},
		{"a key of two words", "api key: x1, connection string: y", "api key: [REDACTED:api-key], connection string: [REDACTED:connection-string]"},
		{"a password keeps no tail behind punctuation", "pwd=a,b)c&d;e", "pwd=[REDACTED:password]"},
		{"the next key ends a value", "(password=a,b,host=x)", "(password=[REDACTED:password],host=x)"},
		{"a flag", "run --password hunter2 --n 1", "run --password [REDACTED:password] --n 1"},
		{"a flag with =", "run --api-key=x1 -v", "run --api-key=[REDACTED:api-key] -v"},
		{"a list", "tokens=1 token=[a b] x", "tokens=1 token=[[REDACTED:token]] x"},
		{"an error about a token", "refresh token: context deadline exceeded", "refresh token: context deadline exceeded"},
		{"an error about a token, capital", "token: The Token has expired", "token: The Token has expired"},
		{"a package called like a secret", "auth: user not found", "auth: user not found"},
		{"an exception about a token", "com.x.TokenExpiredException: Bad", "com.x.TokenExpiredException: Bad"},

		// Headers.
		{"a header", "Authorization: Bearer x y\nHost: h", "Authorization: [REDACTED:authorization]\nHost: h"},
		{"a header in quotes", `curl -H "Authorization: Bearer x" -H 'Cookie: a=b; c=d' h`, `curl -H "Authorization: [REDACTED:authorization]" -H 'Cookie: [REDACTED:cookie]' h`},
		{"headers as Go prints them", "map[Accept:[*/*] Cookie:[a=b; c=d] Host:[h]]", "map[Accept:[*/*] Cookie:[[REDACTED:cookie]] Host:[h]]"},
		{"headers on a quoted line", `GET /\r\nX-Api-Key: x1\r\nSet-Cookie: a=b\r\nHost: h`, `GET /\r\nX-Api-Key: [REDACTED:api-key]\r\nSet-Cookie: [REDACTED:cookie]\r\nHost: h`},
		{"headers in JSON", `{"Authorization":["Bearer x"],"Host":["h"]}`, `{"Authorization":[[REDACTED:authorization]],"Host":["h"]}`},
		{"a bearer token", "sent Bearer abc123def456 twice", "sent Bearer [REDACTED:bearer-token] twice"},
		{"a scheme and its credentials", "token: Bearer abc def", "token: [REDACTED:token] def"},
		{"the word bearer", "Bearer authentication is required", "Bearer authentication is required"},
		{"basic credentials", "sent Basic " + basic + " twice", "sent Basic [REDACTED:basic-credentials] twice"},
		{"the word basic", "Basic authentication is required", "Basic authentication is required"},

		// URLs.
		{"userinfo", "GET https://bob:hunter2@h.example.com:80/p", "GET https://REDACTED:REDACTED@h.example.com:80/p"},
		{"a user alone", "https://bob@h/p", "https://REDACTED@h/p"},
		{"userinfo with signs", "amqp://u:p@ss:w@h/v", "amqp://REDACTED:REDACTED@h/v"},
		{"userinfo that was not escaped", "mongodb+srv://u:p/w@h/db", "mongodb+srv://REDACTED:REDACTED@h/db"},
		{"no user", "redis://:hunter2@h:6379/0", "redis://REDACTED:REDACTED@h:6379/0"},
		{"userinfo, encoded", "?to=https%3A%2F%2Fbob%3Ahunter2%40h%2Fp", "?to=https%3A%2F%2FREDACTED%3AREDACTED%40h%2Fp"},
		{"the user of a repository stays", "ssh://git@github.com/a/b and git@github.com:a/b.git", "ssh://git@github.com/a/b and git@github.com:a/b.git"},
		{"an '@' in a path is no userinfo", "http://h:80/@scope/x", "http://h:80/@scope/x"},
		{"a host that is called like a secret", "http://session-store:6379/0 https://secrets:443", "http://session-store:6379/0 https://secrets:443"},
		{"query parameters", "/x?a=1&token=x1&b=2#c", "/x?a=1&token=REDACTED&b=2#c"},
		{"a fragment", "/x#access_token=x1&b=2", "/x#access_token=REDACTED&b=2"},
		{"a query in JSON", `"/x?a=1\u0026sig=x1\u0026b=2"`, `"/x?a=1\u0026sig=REDACTED\u0026b=2"`},
		{"signed URLs", "/x?X-Amz-Signature=a&X-Amz-Credential=b&X-Amz-Security-Token=c&sig=d&X-Goog-Signature=e&AWSAccessKeyId=f&Signature=g",
			"/x?X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&sig=REDACTED&X-Goog-Signature=REDACTED&AWSAccessKeyId=REDACTED&Signature=REDACTED"},
		{"case does not count", "/x?x-amz-signature=a&SIG=b", "/x?x-amz-signature=REDACTED&SIG=REDACTED"},
		{"an encoded query", "/x?next=%2Fy%3Ftoken%3Dabc%26b%3D2", "/x?next=%2Fy%3Ftoken%3DREDACTED%26b%3D2"},
		{"a query encoded twice", "next=%252Fy%253Fsig%253Dabc%2526b", "next=%252Fy%253Fsig%253DREDACTED%2526b"},
		{"a signature that is no parameter", "signature: v1:abcd, signature=v1", "signature: v1:abcd, signature=v1"},
		{"webhooks", "POST https://hooks.slack.com/services/" + strings.Repeat("T0/", 10), "POST https://hooks.slack.com/[REDACTED:slack-webhook]"},

		// Connection strings.
		{"MySQL", "bob:hun:ter@2@tcp(h:3306)/db?x=y", "bob:[REDACTED:password]@tcp(h:3306)/db?x=y"},
		{"ADO", "Server=h;User Id=bob;Password=hunter2;Timeout=1", "Server=h;User Id=bob;Password=[REDACTED:password];Timeout=1"},
		{"libpq", "host=h user=bob password='hun ter2' port=1", "host=h user=bob password='[REDACTED:password]' port=1"},
		{"JDBC", "jdbc:postgresql://h/db?user=bob&password=hunter2", "jdbc:postgresql://h/db?user=bob&password=REDACTED"},
		{"Azure", "AccountName=a;AccountKey=ab+/=;EndpointSuffix=x", "AccountName=a;AccountKey=[REDACTED:access-key];EndpointSuffix=x"},

		// Keys.
		{"a private key", "a\n" + begin + "\nMIIE\n" + end + "\nb", "a\n[REDACTED:private-key]\nb"},
		{"a private key on one line", begin + `\nMIIE\n` + end + `\nb`, `[REDACTED:private-key]\nb`},
		{"a private key that was cut off", "a " + begin + "\nMIIE", "a [REDACTED:private-key]"},
		{"a certificate", "-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE"},

		// Numbers.
		{"a card", "card 4111111111111111.", "card [REDACTED:card]."},
		{"a card in groups", "5500-0055-5555-5559, 3782 822463 10005", "[REDACTED:card], [REDACTED:card]"},
		{"a card behind other numbers", "2024 4111 1111 1111 1111 12/25", "2024 [REDACTED:card] 12/25"},
		{"a wrong check digit", "4111111111111112", "4111111111111112"},
		{"no issuer", "1111111111111117", "1111111111111117"},
		{"within a longer number", "94111111111111111 41111111111111110000", "94111111111111111 41111111111111110000"},
		{"within hexadecimal", "a4111111111111111 4111111111111111f", "a4111111111111111 4111111111111111f"},
		{"a decimal number", "0.4111111111111111 4111111111111111.5", "0.4111111111111111 4111111111111111.5"},
		{"an IBAN", "to DE89370400440532013000!", "to [REDACTED:iban]!"},
		{"an IBAN in groups", "GB29 NWBK 6016 1331 9268 19 x", "[REDACTED:iban] x"},
		{"a wrong IBAN", "DE89370400440532013001", "DE89370400440532013001"},

		// Addresses.
		{"an address", "to <Bob.O+x@mail.example.co.uk>.", "to <[REDACTED:email]>."},
		{"an address in a query", "/x?mail=bob%40example.com&b", "/x?mail=[REDACTED:email]&b"},
		{"an address in other scripts", "an müller@bücher.de", "an [REDACTED:email]"},
		{"user@host", "bob@host", "bob@host"},

		// A mark is no value.
		{"a value that was redacted", "password=[REDACTED:password], token: [REDACTED:jwt]", "password=[REDACTED:password], token: [REDACTED:jwt]"},
		{"a mark of an earlier version", "password=[redacted: password] api_key=[redacted: api key]", "password=[redacted: password] api_key=[redacted: api key]"},
		{"a value behind a mark", "password=[REDACTED:x]hunter2", "password=[REDACTED:password]"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}

// What identifies things, and what engineers read, stays.
func TestTextKeeps(t *testing.T) {
	tests := []struct{ rule, text string }{
		{"a trace ID", "4bf92f3577b34da6a3ce929d0e0e4736 and 41111111111111114111111111111111"},
		{"a span ID", "00f067aa0ba902b7"},
		{"traceparent", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		{"a UUID", "123e4567-e89b-42d3-a456-426614174000 and 12345678-1234-4111-1111-111111111111"},
		{"a revision", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{"an image digest", "img@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"times", "1700000000000000000 1700000000000 2026-08-01T10:00:00.123456789Z"},
		{"versions", "v1.2.3-rc.1+build.5 go1.26.0 react@18.2.0-beta.next"},
		{"module paths", "github.com/user/repo@v1.2.3 golang.org/x/exp@v0.0.0-20240823005443-9b4947da3948/maps.go:12 a/b@v2.3.0+incompatible"},
		{"a Go stack", "goroutine 1 [running]:\nmain.(*Session).Token(0xc000012345, {0x4a1b2c, 0x5})\n\t/app/session/token.go:42 +0x1d3\nmain.main()\n\t/app/cookie.go:7 +0x25"},
		{"a Java stack", "java.lang.IllegalStateException: no session\n\tat com.foo.auth.TokenService.get(TokenService.java:12)\n\tat com.foo.Bar(Bar.java:12)\n\t... 3 more"},
		{"a Python stack", "File \"/app/secret.py\", line 3, in get_token\nKeyError: 'x'"},
		{"a Node stack", "at Session.get (/app/node_modules/@acme/session.js:10:5)"},
		{"a Rust path", "thread panicked at src/token.rs:12:5 in app::secret::Token::new"},
		{"a .NET stack", "at App.Token.Get() in /src/Token.cs:line 12"},
		{"counts", "max_tokens=100 token.count=3 input_tokens: 5 session_count=2"},
		{"an ARN", "arn:aws:iam::123456789012:role/app"},
		{"words that hold key words", "author=bob primary_key=7 monkey: x key=5 tokenizer=bpe"},
		{"a pod", "task-7d9f8b6c5d-x2k4j in namespace risk-management-and-fraud-detection"},
		{"SQL", "SELECT id FROM t WHERE a = ? AND b = $1"},
		{"an annotation", "@Override @app.route"},
		{"text in other scripts", "失敗しました: 接続 — naïve"},
		{"bytes that are no text", "\xff\xfe=\x00:"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) { require.Equal(t, tt.text, r.Text(tt.text)) })
	}
}

func TestValue(t *testing.T) {
	secret := []string{
		"password", "db.password", "userPassword", "DB_PASSWD", "pwd", "secret", "client_secret", "clientSecret",
		"token", "access_token", "accessToken", "JWTToken", "api_key", "apikey", "api-key", "X-API-Key", "APIKey",
		"authorization", "http.request.header.authorization", "Proxy-Authorization", "cookie", "set-cookie",
		"http.response.header.set-cookie", "session", "session.id", "sessionId", "JSESSIONID", "credential",
		"credentials", "private_key", "access_key", "AWSAccessKeyId", "aws_secret_access_key", "connection_string",
		"ConnectionString", "dsn", "sentry.dsn", "smtp_pass", "password2", "basic_auth", "tenant.pin", "app.tenantPin",
	}
	personal := []string{
		"user.email", "user.name", "user.full_name", "user.id", "enduser.id", "client.address", "device.id",
		"customer.email", "phone", "db.query.parameter.0", "http.request.header.x-forwarded-for",
	}
	innocent := []string{
		"", "http.request.header.content-type", "token.count", "max_tokens", "gen_ai.usage.input_tokens", "token_type",
		"author", "primary_key", "key", "monkey", "db.system", "k8s.secret.name", "messaging.kafka.message.key",
		"user_agent.original", "session_count", "password_policy", "code.file.path", "server.address", "passed",
		"authority", "compass", "tokenizer", "process.access.keyboard", "unrelated_pin", "ttenant.pin",
	}
	r := redact.Redactor{Keys: []string{"tenant.pin"}}
	for _, key := range secret {
		require.Regexp(t, `^\[REDACTED:[a-z0-9-]+\]$`, r.Value(key, "x y z"), key)
		require.NotContains(t, r.Value(key, "x"), "personal", key)
	}
	for _, key := range personal {
		require.Regexp(t, `(email|name|ip|phone|personal-data)\]$`, r.Value(key, "x y z"), key)
	}
	for _, key := range innocent {
		require.Equal(t, "x y z", r.Value(key, "x y z"), key)
		require.Equal(t, "[REDACTED:email]", r.Value(key, "bob@example.com"), key)
	}
	require.Empty(t, r.Value("password", ""), "no value, nothing to hide")
	require.Equal(t, "[REDACTED:jwt]", r.Value("token", "[REDACTED:jwt]"), "a mark stays")
}

func TestTextCutsWithoutSplittingSecrets(t *testing.T) {
	const limit = 1 << 20
	var r redact.Redactor
	require.Equal(t, limit, len(r.Text(strings.Repeat("x ", limit/2))), "the limit itself is not cut")
	for kind, token := range fakes {
		for _, inside := range []int{3, len(token) / 2, len(token) - 1} {
			in := strings.Repeat(". ", limit/2)[inside:] + token + strings.Repeat(" .", limit)
			got := r.Text(in)
			require.LessOrEqual(t, len(got), limit, kind)
			require.True(t, strings.HasSuffix(got, "[cut]"), kind)
			require.NotContains(t, got, token[:3], kind)
			require.Equal(t, got, r.Text(got), kind)
		}
	}
	grown := r.Text(strings.Repeat("pwd=x ", limit/6))
	require.LessOrEqual(t, len(grown), limit, "marks are longer than what they replace")
	require.NotContains(t, grown, "=x")
	require.Equal(t, grown, r.Text(grown))
}

func TestTextIsLinear(t *testing.T) {
	var r redact.Redactor
	for _, unit := range []string{"a", "=", ":", "@", "%40", "://", "://a:b", "a=", "a@", "token:{", "token:[", "password=", "-----BEGIN ", "1", "1 ", "4111 ", "%25", "\\", "eyJ", "eyJaaaaa.", "a.", "AA", ":AA", "--a ", "Basic a", "[REDACTED:", "password=\"\\", "ü", "@a(", "a@b.c", "ghp_", "sk-", "SG.a", "pwd=a,", "%253D", "token:\\"} {
		// Quadratic time over a megabyte would run into the timeout of the test.
		r.Text(strings.Repeat(unit, (1<<20)/len(unit)))
	}
}
