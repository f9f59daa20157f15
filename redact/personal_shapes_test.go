package redact_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// The numbers and addresses below are made up, or those that the standards set
// aside for documents.
func TestPersonalDataInItsShapes(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		// Cards.
		{"a card as a form writes it", "note=pay+with+4111+1111+1111+1111+now&x=1", "note=pay+with+<card>+now&x=1"},
		{"a card with blanks that are percent-encoded", "/pay?pan=4111%201111%201111%201111&x=1", "/pay?pan=<card>&x=1"},
		{"a card with blanks that do not break", "4111\u00a01111\u00a01111\u00a01111, 4111\u20111111\u20111111\u20111111", "<card>, <card>"},
		{"a card with blanks around the dashes", "4111 - 1111 - 1111 - 1111", "<card>"},
		{"a card of nineteen digits in two groups", "621700 0000000000004", "<card>"},
		{"a card as a number of JSON that Go prints", "map[pan:4.111111111111111e+15]", "map[pan:<card>]"},
		{"a card on a magnetic stripe", "%B4111111111111111^BYRON/ADA^2512", "%B<card>^BYRON/ADA^2512"},
		{"a card on a line that was escaped", `pan:\n4111111111111111\nend`, `pan:\n<card>\nend`},
		{"cards of Troy and Uzcard", "9792000000000003, 8600000000000007", "<card>, <card>"},

		// Accounts.
		{"an account as a form writes it", "iban=GB29+NWBK+6016+1331+9268+19&x=1", "iban=<iban>&x=1"},
		{"an account with blanks that do not break", "GB29\u00a0NWBK\u00a06016\u00a01331\u00a09268\u00a019.", "<iban>."},
		{"an account in lower case, where the word says so", `{"iban":"de89370400440532013000"} IBAN: gb29 nwbk 6016 1331 9268 19`, `{"iban":"<iban>"} IBAN: <iban>`},
		{"an account in odd groups, where the word says so", "IBAN DE 89 370400440532013000", "IBAN <iban>"},
		{"an account beside the word", "IBANDE89370400440532013000", "IBAN<iban>"},

		// Social security.
		{"with signs of typography, where the word says so", "SSN 123\u201145\u20116789, ssn=123+45+6789&x", "SSN <ssn>, ssn=<ssn>&x"},
		{"within an identifier", "cache miss user_123-45-6789", "cache miss user_<ssn>"},

		// Phone numbers.
		{"with blanks that do not break", "+33\u202f1\u202f23\u202f45\u202f67\u202f89", "<phone>"},
		{"with signs of a form", "to=%2B49+30+1234567&x=%28%2B46%29+70+342+52+00", "to=<phone>&x=%28<phone>"},
		{"with an extension", "+1 212 555 0199x17", "<phone>"},
		{"a code of North America in parentheses", "for (212) 555-0199.", "for <phone>."},
		{"in other languages", "Telefon: 030 1234567, téléphone : 01 23 45 67 89, телефон: 8 912 345-67-89, 电话：138 0013 8000, móvil 612 345 678", "Telefon: <phone>, téléphone : <phone>, телефон: <phone>, 电话：<phone>, móvil <phone>"},
		{"a word between, and a sign", "phone no. #030 1234567, phone (home): 030 1234567, call me at 030 1234567", "phone no. #<phone>, phone (home): <phone>, call me at <phone>"},
		{"under a key with a number", `phone1=0301234567 "phones":["0301234567"] PhoneNumber:0301234567`, `phone1=<phone> "phones":["<phone>"] PhoneNumber:<phone>`},
		{"as a caller abroad dials it", "tel=0049301234567", "tel=<phone>"},

		// E-mail.
		{"an apostrophe", "to ada.o'byron@example.com, 'ada@example.com', b'ada@example.com'", "to <email>, '<email>', b'<email>'"},
		{"a quoted local part", `"Ada Byron"@example.com`, "<email>"},
		{"an address for a domain", "ada@[192.0.2.1] ada@[IPv6:2001:db8::1]", "<email> <email>"},
		{"an address in JSON that Go wrote", `\u003cada@example.com\u003e\nada@example.com`, `\u003c<email>\u003e\n<email>`},
		{"an at sign that was escaped", `ada\u0040example.com ada&#64;example.com`, "<email> <email>"},
		{"beside a script without blanks", "顧客ada@example.comが", "顧客<email>が"},

		// Places.
		{"degrees, minutes and seconds", `at 52°31'12.0"N 13°24'18"E, N 52° 31.200' E 013° 24.300'`, "at <geo>"},
		{"degrees in JSON and in a URL", `"52°31'12\"N 13°24'18\"E" /place/52%C2%B031'12%22N+13%C2%B024'18%22E`, `"<geo>" /place/<geo>`},
		{"decimal degrees", "seen at 52.5163° N, 13.3777° E", "seen at <geo>° E"},
		{"a line and an area", "LINESTRING(13.3777 52.5163, 13.3779 52.5164) POLYGON((-0.1778 51.5524,0.0822 51.4024))", "LINESTRING(<geo>) POLYGON((<geo>))"},
		{"a position of GeoJSON, over lines", "\"coordinates\": [\n  13.3777,\n  52.5163\n]", "\"coordinates\": [\n  <geo>\n]"},
		{"a box", "/search?bbox=13.0883,52.3382,13.7611,52.6755", "/search?bbox=<geo>"},
		{"a pair of words", "latitude 52.5163 and longitude 13.3777; lat 52.5163, lon 13.3777", "latitude <geo> and longitude <geo>; lat <geo>, lon <geo>"},
		{"ISO 6709", "location=+52.5163+013.3777/", "location=<geo>/"},
		{"a query of a map", "/maps?q=52.5163,13.3777", "/maps?q=<geo>"},
		{"ten millionths", `{"latitudeE7":525163000}`, `{"latitudeE7":<geo>}`},

		// Clients.
		{"as proxies and servers write it", "[client 192.0.2.17:52311] client: 192.0.2.17, server: x, client ip: 192.0.2.17", "[client <ip>] client: <ip>, server: x, client ip: <ip>"},
		{"RFC 7239", `Forwarded: for="[2001:db8::17]:4711";proto=http`, "Forwarded: <ip>"},
		{"old and new conventions", `net.peer.ip=192.0.2.17 "http.client_ip":"192.0.2.17" client.address=2001:db8::17`, `net.peer.ip=<ip> "http.client_ip":"<ip>" client.address=<ip>`},

		// Names, and what others call people by.
		{"names of other scripts and signs", "full_name=Анна Петрова x last_name=O'Brien-Smith full_name: Vincent van Gogh", "full_name=<name> x last_name=<name> full_name: <name>"},
		{"a name behind two words", "First name: Ada, Date of birth: 1815-12-10", "First name: <name>, Date of birth: <personal-data>"},
		{"a postal address goes on", "street_address: 12 Main Street\nn: 1", "street_address: <personal-data>\nn: 1"},
		{"keys of the conventions", `user.id=u-17 enduser.id=ada "user.email":"ada"`, `user.id=<personal-data> enduser.id=<personal-data> "user.email":"<email>"`},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, marks(tt.want), got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}

func TestPersonalDataLookAlikes(t *testing.T) {
	tests := []struct{ rule, text string }{
		{"a trace of another tracer", "dd.trace_id=4111111111111111110 dd.span_id=6200000000000000005"},
		{"units of a system", "user@1000.service getty@tty1.service openvpn@client.service"},
		{"files and services", "logo@2x.png rabbit@rabbitmq-0.rabbitmq.default.svc.cluster.local this@MainActivity.onCreate"},
		{"words that hold a word for a phone", "hotel 12345678 intel 12345678 recall=0.123456 telemetry 12345678 cellar 12345678"},
		{"what is called and counted", "calls 123 456 789, sms id 123456789, call_id=1234567890"},
		{"words that hold a word for a place", "latency 12.3456,13.4567 translate(12.3456,78.9012) template 12.3456 78.9012"},
		{"angles and temperatures", "rotate 90° then 45°, 21.5°C, angle 12.5° N"},
		{"names of code", "f.Name == x, fname := path.Base(p), l.Name = y"},
		{"a file called like a key", "/app/session.go:42 user.go:7"},
		{"a client that is no address", "client: checkout-1.2, client=go/1.26"},
		{"keys without data", "first name and last name are required; missing field full_name"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) { require.Equal(t, tt.text, r.Text(tt.text)) })
	}
}

func TestAddressesOfTheNetwork(t *testing.T) {
	r := redact.Redactor{Personal: redact.Personal{Addresses: redact.Withhold}}
	tests := []struct{ rule, in, want string }{
		{"with groups of any length", "114.75.140.253 1.22.3.44 192.0.2.1:80 192.0.2.0/24", "<ip> <ip> <ip>:80 <ip>/24"},
		{"a range", "192.0.2.1-192.0.2.9", "<ip>"},
		{"version 6", "2001:db8::1 [2001:db8::1]:80 fe80::1%eth0 ::ffff:192.0.2.1 2001:DB8:0:0:0:0:0:1/64", "<ip> [<ip>]:80 <ip>%eth0 <ip> <ip>/64"},
		{"behind a name", "{To:2001:db8::1 N:1} GET user:2001:db8::1:cart", "{To:<ip> N:1} GET user:<ip>:cart"},
		{"versions", "version 1.2.3.4, Version=4.0.0.0, firmware: 1.2.3.4, 10.4.2.1-beta, 1.2.3.4.5, Chrome/126.0.0.0", "version 1.2.3.4, Version=4.0.0.0, firmware: 1.2.3.4, 10.4.2.1-beta, 1.2.3.4.5, Chrome/126.0.0.0"},
		{"names and times", "a::b face::add std::string 10:00:00 00:1b:44:11:3a:b7", "a::b face::add std::string 10:00:00 00:1b:44:11:3a:b7"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, marks(tt.want), got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}

// What is known by its shape is known wherever it stands.
func TestPersonalDataIsFoundWhereverItStands(t *testing.T) {
	quote := func(s string) string { return fmt.Sprintf("%q", s) }
	places := map[string]func(string) string{
		"a sentence": func(v string) string { return "user " + v + " was not found." },
		"JSON":       func(v string) string { return `{"to":` + quote(v) + `,"n":1}` },
		"JSON in it": func(v string) string { return `{"b":` + quote(`{"to":`+quote(v)+`}`) + `}` },
		"a query":    func(v string) string { return "https://h.example/x?to=" + url.QueryEscape(v) + "&n=1" },
		"a path":     func(v string) string { return "GET /users/" + url.PathEscape(v) + "/orders HTTP/1.1" },
		"a form":     func(v string) string { return "a=1&to=" + url.QueryEscape(v) },
		"a Go dump":  func(v string) string { return "{ID:5 To:" + v + " N:1}" },
		"a record":   func(v string) string { return "Order[id=5, to=" + v + ", n=1]" },
		"Python":     func(v string) string { return "Order(id=5, to='" + v + "', n=1)" },
		"a table":    func(v string) string { return "5," + v + ",open" },
		"XML":        func(v string) string { return "<o><to>" + v + "</to></o>" },
		"a line end": func(v string) string { return `to:\n` + v + `\nend` },
		"Japanese":   func(v string) string { return "顧客：" + v + "が見つかりません" },
	}
	var r redact.Redactor
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]string{
			"ada.byron@example.com", "4111 1111 1111 1111", "378282246310005", "GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000",
			"123-45-6789", "+49 30 1234567", "+1 (212) 555-0199", "+33\u00a01\u00a023\u00a045\u00a067\u00a089",
		}).Draw(t, "value")
		for place, in := range places {
			got := r.Text(in(v))
			bare := strings.Map(func(c rune) rune {
				if strings.ContainsRune(" -+()%\u00a0", c) {
					return -1
				}
				return c
			}, got)
			for _, rest := range []string{"ada.byron", "11111111", "22463", "NWBK", "05320", "456789", "1234567", "5550199", "2345"} {
				if strings.Contains(strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "+", "", "\u00a0", "").Replace(v), rest) {
					require.NotContains(t, bare, rest, place)
				}
			}
			require.Equal(t, got, r.Text(got), "redacted again")
		}
	})
}
