package render

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

func TestURL(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2", 9)
	for _, c := range []struct{ rule, url, want string }{
		{"https stays", "https://a.example/x?y=1#z", "https://a.example/x?y=1#z"},
		{"http stays", "http://a.example:8080", "http://a.example:8080"},
		{"an address stays", "https://[::1]:8080/x", "https://[::1]:8080/x"},
		{"blanks around it go", " https://a.example/\n", "https://a.example/"},
		{"what a trace is looked up by stays", "https://t.example/trace/4bf92f3577b34da6a3ce929d0e0e4736?uiFind=00f067aa0ba902b7&start=1773476513000",
			"https://t.example/trace/4bf92f3577b34da6a3ce929d0e0e4736?uiFind=00f067aa0ba902b7&start=1773476513000"},
		{"an escape stays as it is", "https://a.example/a%2Fb?c=%7B%22x%22%7D&d=a+b", "https://a.example/a%2Fb?c=%7B%22x%22%7D&d=a+b"},
		{"another scheme is none", "javascript:alert(1)", ""},
		{"however it is written", "JavaScript://a.example/%0aalert(1)", ""},
		{"data is none", "data:text/html,<script>", ""},
		{"vbscript is none", "vbscript:x", ""},
		{"a file is none", "file:///etc/passwd", ""},
		{"without a scheme it is none", "//a.example/x", ""},
		{"a path is none", "/x", ""},
		{"without a host it is none", "https:///x", ""},
		{"a port is no host", "https://:8080/x", ""},
		{"a colon alone is no scheme", "https:a.example", ""},
		{"a second line is none", "https://a.example/\nx", ""},
		{"quotes make no host", `https://a"b.example/`, ""},
		{"brackets make no host", "https://a<b>.example/", ""},
		{"a backslash makes no host", `https://a.example\@b.example/`, ""},
		{"what is too long is none", "https://a.example/" + strings.Repeat("x", maxURL), ""},
		{"user information goes", "https://jane:hunter2@a.example/x", "https://a.example/x"},
		{"a user goes too", "https://jane@a.example/x", "https://a.example/x"},
		{"a secret with a slash in it goes whole", "https://a.example/hook/whsk_" + "qX956Ou5h1FVlpS+2slLs/YnlMviYCpPe+tnyjsX", "https://a.example/REDACTED"},
		{"a plus sign in a path is itself", "https://a.example/hook/sntrys_" + "x46EaqR7J4375aiA9MFnXD0AGd/2RJlxyp1If2ppA7d+U7QCsZGbM6Wm9M++", "https://a.example/REDACTED"},
		{"in a query it is a blank", "https://a.example/?q=Negotiate+YIW" + "KzRwoW8zv1Rv86IOJJI2uOuIdXpUcTy%2BmfZOyvu", "https://a.example/?q=REDACTED"},
		{"a secret parameter is masked", "https://a.example/?a=1&token=hunter2&b=2", "https://a.example/?a=1&token=REDACTED&b=2"},
		{"in any case", "https://a.example/?X-Amz-SIGNATURE=abc&X-Amz-Credential=x", "https://a.example/?X-Amz-SIGNATURE=REDACTED&X-Amz-Credential=REDACTED"},
		{"and by an escaped name", "https://a.example/?%74oken=hunter2", "https://a.example/?%74oken=REDACTED"},
		{"those of shared access signatures", "https://a.example/b?sv=2024&se=2026-01-01&sig=abc%3D", "https://a.example/b?sv=2024&se=2026-01-01&sig=REDACTED"},
		{"after a semicolon too", "https://a.example/?a=1;password=hunter2", "https://a.example/?a=REDACTED"},
		{"a code of OAuth is masked", "https://a.example/cb?code=4%2F0AbCdEfGhIj", "https://a.example/cb?code=REDACTED"},
		{"a code of HTTP is not", "https://a.example/?code=503", "https://a.example/?code=503"},
		{"an empty one stays", "https://a.example/?token=&x", "https://a.example/?token=&x"},
		{"in the fragment too", "https://a.example/cb#access_token=hunter2&x=1", "https://a.example/cb#access_token=REDACTED&x=1"},
		{"behind an application's path", "https://a.example/#/login?token=hunter2", "https://a.example/#/login?token=REDACTED"},
		{"a token in the path is masked", "https://a.example/hook/" + token + "/x", "https://a.example/hook/REDACTED/x"},
		{"a token under a harmless name", "https://a.example/?q=" + token, "https://a.example/?q=REDACTED"},
		{"a token without a name", "https://a.example/?" + token, "https://a.example/?REDACTED"},
		{"an escaped token", "https://a.example/?q=" + strings.ReplaceAll(token, "_", "%5F"), "https://a.example/?q=REDACTED"},
		{"a token that is escaped twice", "https://a.example/?q=" + strings.ReplaceAll(token, "_", "%255F"), "https://a.example/?q=REDACTED"},
		{"a token in a name", "https://a.example/?" + token + "=1", "https://a.example/?REDACTED=1"},
		{"a URL within a URL", "https://a.example/?next=https%3A%2F%2Fjane%3Ahunter2%40b.example%2F", "https://a.example/?next=REDACTED"},
		{"a token in the host leaves nothing", "https://" + token + ".example/x", ""},
		{"a token of several parts leaves the host", "https://hooks.slack.com/services/T00000000/B00000000/" + strings.Repeat("aB3x", 6), "https://hooks.slack.com/REDACTED"},
		{"what ends a link in a text is escaped", `https://a.example/a b"<x>[y]{z}?q="<>|`, "https://a.example/a%20b%22%3Cx%3E%5By%5D%7Bz%7D?q=%22%3C%3E%7C"},
		{"what is not ASCII is escaped", "https://a.example/ä?ö=\u202e", "https://a.example/%C3%A4?%C3%B6=%E2%80%AE"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := URL(new(redact.Redactor), c.url)
			require.Equal(t, c.want, got)
			require.Equal(t, got, URL(new(redact.Redactor), got), "once is enough")
		})
	}
}

// holds checks what is true of every link.
func holds(t require.TestingT, in string) {
	r := new(redact.Redactor)
	out := URL(r, in)
	if out == "" {
		return
	}
	require.Equal(t, out, URL(r, out), "once is enough: %q", in)
	require.Equal(t, out, r.Text(out), "nothing is left to redact in %q", in)
	u, err := url.Parse(out)
	require.NoError(t, err)
	require.Contains(t, []string{"http", "https"}, u.Scheme)
	require.NotEmpty(t, u.Hostname())
	require.Nil(t, u.User)
	require.False(t, strings.ContainsAny(out, " \t\r\n\"<>\\^`{|}"), "%q ends in a text", out)
	given, err := url.Parse(strings.TrimSpace(in))
	require.NoError(t, err)
	require.Equal(t, given.Host, u.Host, "it leads where it led")
}

func TestURLProperties(t *testing.T) {
	part := rapid.SampledFrom([]string{
		"https://", "http://", "javascript:", "//", "a.example", ":80", "@", "jane:hunter2@", "/", "?", "#", "&", ";", "=", "token", "sig", "code", "x",
		"%", "%2", "%2F", "%40", "%25", "%00", "[", "]", "<", ">", `"`, "\\", " ", "\n", "\t", "\u202e", "ä", "\xff", "ghp_" + strings.Repeat("a1B2", 9),
		"[redacted: token]", "REDACTED", "4111 1111 1111 1111", "jane@example.com",
	})
	rapid.Check(t, func(t *rapid.T) {
		holds(t, "https://a.example"+strings.Join(rapid.SliceOf(part).Draw(t, "rest"), ""))
		holds(t, strings.Join(rapid.SliceOf(part).Draw(t, "url"), ""))
	})
}

func FuzzURL(f *testing.F) {
	f.Add("https://jane:hunter2@a.example/x?token=1#access_token=2")
	f.Add("https://a.example\\@b.example/%2")
	f.Fuzz(func(t *testing.T, s string) { holds(t, s) })
}
