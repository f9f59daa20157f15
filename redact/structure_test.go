package redact_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestStructures(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		// Markup.
		{"an element", "<db><password>hunter2</password><n>1</n></db>", "<db><password><m:password></password><n>1</n></db>"},
		{"an element with a prefix and attributes", `<wsse:Password Type="x">hunter2</wsse:Password>`, `<wsse:Password Type="x"><m:password></wsse:Password>`},
		{"elements in an element", "<credentials><a>x</a></credentials>", "<credentials><m:credential></credentials>"},
		{"CDATA", "<apiKey><![CDATA[x1]]></apiKey>", "<apiKey><m:api-key></apiKey>"},
		{"an element over lines", "<token>\n  x1\n</token>", "<token><m:token></token>"},
		{"two quotes that nothing closes", `password ""hunter2`, `password ""hunter2`},
		{"a text in doubled quotes", `passwordConfirm=""hunter2""`, `passwordConfirm=""<m:password>""`},
		{"an element that was cut off", "<password>hunt", "<password><m:password>"},
		{"an element in JSON", `{"x":"\u003cpassword\u003ehunter2\u003c/password\u003e"}`, `{"x":"\u003cpassword\u003e<m:password>\u003c/password\u003e"}`},
		{"a name", "<firstName>Ada</firstName>", "<firstName><m:name></firstName>"},
		{"an attribute", `<user password="hunter2" n="1"/>`, `<user password="<m:password>" n="1"/>`},
		{"a name and a value", `<add key="db-password" value="hunter2"/>`, `<add key="db-password" value="<m:password>"/>`},
		{"an empty element", "<password></password><token/>", "<password></password><token/>"},
		{"no element", "a <token> b, List<Token>", "a <token> b, List<Token>"},

		// Pairs with a name of their own.
		{"a pair of JSON", `{"name":"DB_PASSWORD","value":"hunter2"}`, `{"name":"DB_PASSWORD","value":"<m:password>"}`},
		{"a pair as Go prints it", "{Key:api_key Value:x1}", "{Key:api_key Value:<m:api-key>}"},
		{"a pair of YAML", "- name: API_TOKEN\n  value: x1\n", "- name: API_TOKEN\n  value: <m:token>\n"},
		{"an innocent pair", `{"name":"region","value":"eu"}`, `{"name":"region","value":"eu"}`},

		// Objects.
		{"an object of JSON", `{"credentials":{"user":"a","key":{"x":"}"}},"n":1}`, `{"credentials":<m:credential>,"n":1}`},
		{"an object that was cut off", `{"secret":{"a":"hunt`, `{"secret":<m:secret>`},
		{"an object as Go prints it", "Credentials:{User:a Password:hunter2}", "Credentials:{User:a Password:<m:password>}"},
		{"bytes as Go prints them", `{Password:[]uint8{0x68, 0x69}, N:1}`, `{Password:<m:password>, N:1}`},
		{"bytes", "{Password:[104 105] N:1}", "{Password:[<m:password>] N:1}"},
		{"a string as Go prints it", `main.Config{Password:"hunter2", Port:1}`, `main.Config{Password:"<m:password>", Port:1}`},

		// YAML.
		{"a block", "db:\n  password: |\n    line one\n    line two\n  port: 1", "db:\n  password: |\n    <m:password>\n  port: 1"},
		{"a folded block at the end", "token: >-\n  x1\n  x2\n", "token: >-\n  <m:token>"},

		// Paths.
		{"a link that is a right", "https://h.example/users/reset-password/a8Zk20fjX91mQ7pL?x=1", "https://h.example/users/reset-password/REDACTED?x=1"},
		{"a hook", "POST https://h.example:8443/webhooks/in/a8Zk20fjX91mQ7pL failed", "POST https://h.example:8443/webhooks/in/REDACTED failed"},
		{"a link with an identifier", "https://h.example/orders/a8Zk20fjX91mQ7pL", "https://h.example/orders/a8Zk20fjX91mQ7pL"},
		{"a fragment", "https://h.example/#/x?access_token=x1&b", "https://h.example/#/x?access_token=REDACTED&b"},

		// Stacks.
		{"arguments of a frame of PHP", "#0 /app/x.php(12): User->login('bob', 'it's 1', 5, Object(A))\n#1 {main}", "#0 /app/x.php(12): User->login('?', '?', 5, Object(A))\n#1 {main}"},
		{"arguments that were cut off", "#0 /app/x.php(12): login('bob', 'hunt", "#0 /app/x.php(12): login('?', '?"},
		{"a frame of another language", "#0 0x7f in main (argc=1) at a.c:5\n#12 issue's", "#0 0x7f in main (argc=1) at a.c:5\n#12 issue's"},

		// Command lines.
		{"MySQL", "mysql -u root -phunter2 -h db", "mysql -u root -p<m:password> -h db"},
		{"curl", "curl -s -u bob:hunter2 https://h", "curl -s -u bob:<m:password> https://h"},
		{"curl, in quotes", "curl -u 'bob:hunter2' https://h", "curl -u 'bob:<m:password>' https://h"},
		{"Docker", "docker login -u bob -p hunter2 registry", "docker login -u bob -p <m:password> registry"},
		{"Redis", "redis-cli -h h -a hunter2 ping", "redis-cli -h h -a <m:password> ping"},
		{"sshpass", "sshpass -p hunter2 ssh h", "sshpass -p <m:password> ssh h"},
		{"another program's -p", "mkdir -p a/b; ssh -p 22 h; kubectl -u x", "mkdir -p a/b; ssh -p 22 h; kubectl -u x"},
		{"a user alone", "curl -u bob https://h", "curl -u bob https://h"},
		{"a long flag", "psql --password=hunter2 --user bob:x", "psql --password=<m:password> --user bob:x"},
		{"an environment", "PATH=/bin DB_PASSWORD=hunter2 HOME=/", "PATH=/bin DB_PASSWORD=<m:password> HOME=/"},
		{"an environment on lines", "A=1\nexport API_TOKEN='x1'\nB=2", "A=1\nexport API_TOKEN='<m:token>'\nB=2"},
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

func TestPathsOfURLs(t *testing.T) {
	var r redact.Redactor
	for path, want := range map[string]string{
		"/invite/a8Zk20fjX91mQ7pL/accept":                 "/invite/REDACTED/accept",
		"/hooks/a8Zk20fjX91mQ7pL/token/0a1b2c3d4e5f60718": "/hooks/REDACTED/token/REDACTED",
		"/reset/start":                            "/reset/start",
		"/share/summer-holiday-photos":            "/share/summer-holiday-photos",
		"/users/4bf92f3577b34da6a3ce929d0e0e4736": "/users/4bf92f3577b34da6a3ce929d0e0e4736",
	} {
		for _, key := range []string{"url.path", "http.target"} {
			require.Equal(t, want, r.Value(key, path))
			require.Equal(t, want, r.Value(key, want), "redacted again")
		}
	}
}

// marksWritten is how the tables write the mark of a kind.
var marksWritten = regexp.MustCompile(`<m:([a-z-]+)>`)

func kindMarks(s string) string { return marksWritten.ReplaceAllString(s, "[REDACTED:$1]") }

func FuzzStructure(f *testing.F) {
	f.Add("<password>", "</password>")
	f.Add("\"secret\":{\"a\":", "}")
	f.Add("password: |\n", "\n  a")
	f.Add("curl -u a:", " -p x")
	f.Add("{\"name\":\"token\",\"value\":", "}")
	f.Add("Password:[]uint8{", "}")
	f.Add("{\"first_name\":\"", "+49 30 123456")
	f.Add("tel (030", ") 12-34 56, 4111 1111 1111 1111")
	r := redact.Redactor{Personal: redact.Personal{Emails: redact.Mask, Cards: redact.Mask, Accounts: redact.Mask, SocialSecurity: redact.Mask, Phones: redact.Mask, Addresses: redact.Mask, Places: redact.Mask, Names: redact.Mask}}
	var usual redact.Redactor
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, r := range []*redact.Redactor{&usual, &r} {
			once := r.Text(before + "hunter2" + after)
			require.Equal(t, once, r.Text(once), "idempotent")
			require.LessOrEqual(t, len(once), 32*(len(before)+len(after))+64)
		}
	})
}
