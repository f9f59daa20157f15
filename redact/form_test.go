package redact_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// drawn looks drawn by chance, like the token of a link.
const drawn = "a8Zk20fjX91mQ7pLw3Rt"

func TestQueriesAndForms(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		// Blanks that are written '+'.
		{"a command in a form", "next=begin+run+--password+hunter22222+end&x=1", "next=<m:encoded>&x=1"},
		{"a command in a query", "GET /go?a=1&cmd=curl+-u+bob:hunter22222+https://h HTTP/1.1", "GET /go?a=1&cmd=<m:encoded> HTTP/1.1"},
		{"a password with a blank", "a=b&password=x+y&c=d", "a=b&password=REDACTED&c=d"},
		{"a number behind its word", "phone=030+1234+5678&x=1", "phone=<m:phone>&x=1"},
		{"a search", "/search?q=red+shoes+--size+42 a=1+2&b=3+4", "/search?q=red+shoes+--size+42 a=1+2&b=3+4"},
		{"no form", "+0x1d3 a+b=c 1+1", "+0x1d3 a+b=c 1+1"},

		// Parts of a form.
		{"a part", "Content-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--x", "Content-Disposition: form-data; name=\"password\"\r\n\r\n<m:password>\r\n--x"},
		{"a part on one line", `form-data; name=\"api_key\"\r\nContent-Type: text/plain\r\n\r\nx1\r\n--x`, `form-data; name=\"api_key\"\r\nContent-Type: text/plain\r\n\r\n<m:api-key>\r\n--x`},
		{"a part with a name", "form-data; name=\"first_name\"\n\nAda\n--x", "form-data; name=\"first_name\"\n\n<m:name>\n--x"},
		{"an innocent part", "form-data; name=\"page\"\n\n12\n--x", "form-data; name=\"page\"\n\n12\n--x"},

		// Parameters.
		{"signed URLs of other clouds", "/o?x-oss-signature=a&OSSAccessKeyId=b&q-ak=c&q-signature=d&hdnts=exp=1~hmac=e&Key-Pair-Id=f&x=1",
			"/o?x-oss-signature=REDACTED&OSSAccessKeyId=REDACTED&q-ak=REDACTED&q-signature=REDACTED&hdnts=REDACTED&Key-Pair-Id=REDACTED&x=1"},
		{"what only looks drawn", "/x?ticket=" + drawn + "&verify=" + drawn + "#invite=" + drawn, "/x?ticket=REDACTED&verify=REDACTED#invite=REDACTED"},
		{"the same words for other things", "/x?ticket=81723&verify=true&state=open&code=404&sign=plus&key=name", "/x?ticket=81723&verify=true&state=open&code=404&sign=plus&key=name"},
		{"parameters as HTML writes them", "/x?a=1&amp;sig=x1&amp;b=2", "/x?a=1&amp;sig=REDACTED&amp;b=2"},
		{"parameters with semicolons", "/x?a=1;sig=x1;b=2", "/x?a=1;sig=REDACTED;b=2"},
		{"matrix parameters", "/a;jsessionid=" + drawn + "/b?x=1", "/a;jsessionid=<m:session>"},
		{"an encoded fragment", "/go?to=%2Fcb%23access_token%3Dx1%26b%3D2", "/go?to=%2Fcb%23access_token%3DREDACTED%26b%3D2"},

		// URLs without a scheme or a host.
		{"a user of a URL without a scheme", "//bob:hunter2@h.example/x", "//bob:<m:password>@h.example/x"},
		{"a path alone", "POST /users/reset-password/" + drawn + " HTTP/1.1", "POST /users/reset-password/REDACTED HTTP/1.1"},
		{"a path in quotes", `"path":"/invitations/` + drawn + `/accept"`, `"path":"/invitations/REDACTED/accept"`},
		{"a login by a link", "https://[2001:db8::1]:8443/login/" + drawn, "https://[2001:db8::1]:8443/login/REDACTED"},
		{"paths of names", "/login/oauth2/authorization /verify/kubernetes-1234-deployment /reset/start", "/login/oauth2/authorization /verify/kubernetes-1234-deployment /reset/start"},

		// Cookies.
		{"cookies of a client of Python", "cookies={'connect.sid': 'x1', 'theme': 'dark'}", "cookies=<m:cookie>"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, kindMarks(tt.want), got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}

// What a form hides is found as if it did not.
func TestFormsAreReadAsWhatTheySay(t *testing.T) {
	var r redact.Redactor
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-z]{6}[0-9]{6}`).Draw(t, "secret")
		text := rapid.SampledFrom([]string{"run --password % now", "set password: % please", "mysql -p% db", "curl -u bob:% https://h", "log in with password='%'", "Authorization: Bearer %"}).Draw(t, "text")
		before := rapid.StringMatching(`([a-z]{1,8} ){0,3}`).Draw(t, "before")
		body := "a=1&note=" + url.QueryEscape(before+replace(text, secret)) + "&b=2"
		got := r.Text(body)
		require.NotContains(t, got, secret, body)
		require.Contains(t, got, "b=2", "the other parameters stay")
		require.Equal(t, got, r.Text(got), "redacted again")
	})
}

func replace(text, secret string) string {
	for i := range text {
		if text[i] == '%' {
			return text[:i] + secret + text[i+1:]
		}
	}
	return text
}

func FuzzForm(f *testing.F) {
	f.Add("a=1&b=run+--password+", "+x&c=%20")
	f.Add("form-data; name=\"password\"\r\n\r\n", "\r\n--x")
	f.Add("/reset-password/", "/x?sig=a;b=c&amp;d=e")
	f.Add("52°31'12\"N 13", "°24'18\"E")
	f.Add("iban+de89", "+0532+0130+00")
	mask := redact.Redactor{Personal: redact.Personal{Emails: redact.Mask, Cards: redact.Mask, Accounts: redact.Mask, SocialSecurity: redact.Mask, Phones: redact.Mask, Addresses: redact.Mask, Places: redact.Mask, Names: redact.Mask}}
	drop := redact.Redactor{Personal: redact.Personal{Addresses: redact.Withhold}}
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, r := range []*redact.Redactor{&drop, &mask} {
			once := r.Text(before + "4111+1111+1111+1111" + after)
			require.Equal(t, once, r.Text(once), "idempotent")
			require.LessOrEqual(t, len(once), 32*(len(before)+len(after))+96)
		}
	})
}
