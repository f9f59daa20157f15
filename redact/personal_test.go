package redact_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/redact"
)

// marked returns the mark of a kind.
func marked(kind string) string { return "[REDACTED:" + kind + "]" }

// check digits and numbers below are made up: they belong to nobody.
func TestPersonalData(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		// Cards.
		{"a card with dots", "4111.1111.1111.1111", "<card>"},
		{"a Maestro card of twelve digits", "card=501800000009", "card=<card>"},
		{"a card of 19 digits", "pan 6304000000000000000 ok", "pan <card> ok"},
		{"a card in JSON", `{"pan":"4111-1111-1111-1111"}`, `{"pan":"<card>"}`},
		{"a card in a URL", "/pay?pan=4111111111111111&x=1", "/pay?pan=<card>&x=1"},
		{"a card in a list", "4111111111111111,5500005555555559", "<card>,<card>"},

		// Accounts.
		{"an IBAN with dashes", "GB29-NWBK-6016-1331-9268-19", "<iban>"},
		{"an IBAN of Norway, the shortest", "NO9386011117947.", "<iban>."},
		{"an IBAN of Malta, the longest but one", "MT84MALT011000012345MTLCAST001S", "<iban>"},

		// US social security numbers.
		{"with dashes", "ssn 123-45-6789.", "ssn <ssn>."},
		{"with dashes, alone", "for (123-45-6789)", "for (<ssn>)"},
		{"with spaces behind a word that tells", "SSN: 123 45 6789", "SSN: <ssn>"},
		{"in one run behind a word that tells", "social security number 123456789", "social security number <ssn>"},
		{"in JSON", `{"ssn":"123456789"}`, `{"ssn":"<ssn>"}`},
		{"an SSN in a query", "?customer_ssn=123-45-6789&a", "?customer_ssn=<ssn>&a"},

		// Phone numbers.
		{"international", "+4915112345678 and +1 212 555 0199", "<phone> and <phone>"},
		{"with signs", "+49 (0)30/123456, +1 (212) 555-0199.", "<phone>, <phone>."},
		{"in a URL", "tel:+49-30-123456 ?to=%2B4930123456&x=1", "tel:<phone> ?to=<phone>&x=1"},
		{"local, behind a word that tells", "tel. 030 1234567, call (212) 555-0199", "tel. <phone>, call <phone>"},
		{"local, in JSON", `{"homePhone":"030 1234567","fax_number":"0301234567"}`, `{"homePhone":"<phone>","fax_number":"<phone>"}`},
		{"a word between", "the phone number is 212.555.0199", "the phone number is <phone>"},
		{"in a form", "mobile=01711234567&a=1", "mobile=<phone>&a=1"},

		// Places.
		{"a pair behind a word that tells", "location 52.520008, 13.404954!", "location <geo>!"},
		{"south and west", "gps=(-33.8688,-151.2093)", "gps=(<geo>)"},
		{"a geo URI", "geo:52.5163,13.3777", "geo:<geo>"},
		{"a map", "https://maps.example.com/maps/@52.5163,13.3777,17z", "https://maps.example.com/maps/@<geo>,17z"},
		{"well-known text", "POINT(13.3777 52.5163)", "POINT(<geo>)"},
		{"single, under their keys", `{"lat":52.5163,"lon":-13.3777}`, `{"lat":<geo>,"lon":<geo>}`},
		{"single, in a query", "?latitude=52.5163&longitude=13.3777", "?latitude=REDACTED&longitude=REDACTED"},

		// Clients.
		{"the address of a client", "client_ip=192.0.2.17 x", "client_ip=<ip> x"},
		{"the way of a request", "X-Forwarded-For: 192.0.2.17, 198.51.100.2\nHost: h", "X-Forwarded-For: <ip>\nHost: h"},
		{"a request as Go prints it", `RemoteAddr:"192.0.2.17:5123"`, `RemoteAddr:"<ip>"`},

		// Names.
		{"a name in JSON", `{"first_name":"Ada","lastName":"Byron","n":1}`, `{"first_name":"<name>","lastName":"<name>","n":1}`},
		{"a name on a YAML line", "full_name: Ada Byron\nn: 1", "full_name: <name>\nn: 1"},
		{"a name as Go prints it", "{FirstName:Ada LastName:Byron N:1}", "{FirstName:<name> LastName:<name> N:1}"},
		{"a name in a query", "?surname=Byron&n=1", "?surname=REDACTED&n=1"},
		{"a user's name in JSON", `{"user.name":"Ada Byron"}`, `{"user.name":"<name>"}`},
		{"a date of birth", `"date_of_birth": "1815-12-10"`, `"date_of_birth": "<personal-data>"`},
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

// marks writes <card> as the mark of a card, and so on.
func marks(s string) string {
	for _, kind := range []string{"email", "card", "iban", "ssn", "phone", "ip", "geo", "name", "personal-data"} {
		s = strings.ReplaceAll(s, "<"+kind+">", marked(kind))
	}
	return s
}

func TestPersonalDataKeeps(t *testing.T) {
	tests := []struct{ rule, text string }{
		{"an order number that fails Luhn", "order 4111111111111112, 5500005555555550"},
		{"numbers of no issuer", "7992739871300003 8000000000000002"},
		{"numbers of a length no issuer has", "41111111111111 371449635398"},
		{"times in milliseconds and nanoseconds", "at 1700000000000 and 1700000000000000000 (1764000000)"},
		{"times", "2026-08-01 10:00:00.123456 +0200 2026-08-01T10:00:00.123456789+02:00 01/Aug/2026:10:00:00 +0000"},
		{"durations", "took 0.123456789s, 12.3456 ms; 1.5000s"},
		{"ports and addresses", "dial tcp 10.2.3.4:5432: connect: connection refused [::1]:8080 fe80::1"},
		{"versions", "v1.2.3+20130313144700 1.2.3.4 2.0.0-rc.1+build.123456789"},
		{"UUIDs", "123e4567-e89b-12d3-a456-426614174000 00000000-0000-0000-0000-000000000000"},
		{"trace IDs of digits", "12345678901234567890123456789012 1234567890123456"},
		{"no social security numbers", "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 123-45-67890 0123-45-6789"},
		{"the log of a proxy", `"GET / HTTP/1.1" 200 45 1234 499 12 0123`},
		{"nine digits", "id 123456789"},
		{"part of an identifier", "inv-123-45-6789 123-45-6789-1"},
		{"offsets and sums", "+0x1d3 +12 +0000 +0200 a+4915112345679 1+2345678901"},
		{"a country without a code", "+2891234567 +8912345678"},
		{"calls are counted", "call 1234567 of 7654321, calls=12345678901, rpc call 20260801"},
		{"a date behind a word that tells", "call 2026-08-01 10:00"},
		{"an address behind a word that tells", "call 10.2.3.4:80"},
		{"short numbers behind a word that tells", "tel 112, phone: 1234"},
		{"decimals", "load 0.5231, 1.2345, 13.3777"},
		{"decimals beside a word that tells, out of range", "location 252.5163, 13.3777"},
		{"few digits", "location 52.5, 13.3"},
		{"a rate", "lat=12ms latency=0.1234 lat=5"},
		{"names of things", `{"name":"checkout","service.name":"shop","hostname":"h1","db.user":"app"} name=x user=bob`},
		{"the user of a database", "host=h username=app dbname=x"},
		{"a name that is none", `{"first_name":null,"last_name":""}`},
		{"an IBAN of no country", "ZZ29NWBK60161331926819"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) { require.Equal(t, tt.text, r.Text(tt.text)) })
	}
}

func TestPolicies(t *testing.T) {
	text := `bob@example.com 4111 1111 1111 1111 DE89370400440532013000 123-45-6789 +4930123456 10.2.3.4 2001:db8:1:2::7 client_ip=192.0.2.17 gps 52.5163,-13.3777 "first_name":"Ada"`
	all := func(p redact.Policy) redact.Personal {
		return redact.Personal{Emails: p, Cards: p, Accounts: p, SocialSecurity: p, Phones: p, Addresses: p, Places: p, Names: p}
	}
	tests := []struct {
		rule   string
		policy redact.Policy
		want   string
	}{
		{"usually", redact.Usual, `<email> <card> <iban> <ssn> <phone> 10.2.3.4 2001:db8:1:2::7 client_ip=<ip> gps <geo> "first_name":"<name>"`},
		{"all kept", redact.Keep, text},
		{"all masked", redact.Mask, `<email>@example.com <card>1111 <iban>3000 <ssn>6789 <phone>56 10.2.3.x 2001:db8:1::x client_ip=192.0.2.x gps 52.5,-13.4 "first_name":"A."`},
		{"all withheld", redact.Withhold, `<email> <card> <iban> <ssn> <phone> <ip> <ip> client_ip=<ip> gps <geo> "first_name":"<name>"`},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			r := redact.Redactor{Personal: all(tt.policy)}
			got := r.Text(text)
			require.Equal(t, marks(tt.want), got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
}

func TestPoliciesOfKeys(t *testing.T) {
	keep := redact.Redactor{Personal: redact.Personal{Emails: redact.Keep, Phones: redact.Keep, Addresses: redact.Keep, Places: redact.Keep, Names: redact.Keep}}
	mask := redact.Redactor{Personal: redact.Personal{Emails: redact.Mask, Phones: redact.Mask, Addresses: redact.Mask, Places: redact.Mask, Names: redact.Mask}}
	tests := []struct{ key, value, usual, masked string }{
		{"user.email", "bob@example.com", "<email>", "<email>@example.com"},
		{"user.email", "bob", "<email>", "<email>"},
		{"customer.phone", "030 1234567", "<phone>", "<phone>67"},
		{"client.address", "192.0.2.17", "<ip>", "192.0.2.x"},
		{"client.address", "2001:db8::1", "<ip>", "2001:db8::x"},
		{"client.address", "host-17", "<ip>", "<ip>"},
		{"geo.location.lat", "52.5163", "<geo>", "52.5"},
		{"user.full_name", "Ada Byron", "<name>", "A."},
		{"app.user.first-name", "Ümit", "<name>", "Ü."},
		{"enduser.id", "u17", "<personal-data>", "<personal-data>"},
		{"user.roles", "admin", "admin", "admin"},
	}
	var usual redact.Redactor
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			require.Equal(t, marks(tt.usual), usual.Value(tt.key, tt.value))
			require.Equal(t, marks(tt.masked), mask.Value(tt.key, tt.value))
			require.Equal(t, tt.value, keep.Value(tt.key, tt.value))
			once := mask.Value(tt.key, tt.value)
			require.Equal(t, once, mask.Value(tt.key, once), "redacted again")
		})
	}
	require.Equal(t, marked("password"), keep.Value("password", "x"), "a secret is none of the classes")
}

// Whatever card the rules of issuers allow is found, in whatever shape.
func TestEveryCardIsFound(t *testing.T) {
	var r redact.Redactor
	rapid.Check(t, func(t *rapid.T) {
		issuer := rapid.SampledFrom([]struct {
			prefix string
			length int
		}{{"4", 16}, {"4", 13}, {"4", 19}, {"51", 16}, {"55", 16}, {"2221", 16}, {"2720", 16}, {"34", 15}, {"37", 15}, {"36", 14}, {"3528", 16}, {"6011", 16}, {"65", 16}, {"62", 16}}).Draw(t, "issuer")
		digits := []byte(issuer.prefix)
		for len(digits) < issuer.length-1 {
			digits = append(digits, byte(rapid.IntRange('0', '9').Draw(t, "digit")))
		}
		digits = append(digits, luhn(digits))
		number := string(digits)
		sep := rapid.SampledFrom([]string{"", " ", "-"}).Draw(t, "separator")
		if issuer.length == 16 {
			number = strings.Join([]string{number[:4], number[4:8], number[8:12], number[12:]}, sep)
		}
		require.Equal(t, "card: "+marked("card")+".", r.Text("card: "+number+"."))
		digits[len(digits)-1] = '0' + (digits[len(digits)-1]-'0'+1)%10
		require.NotContains(t, r.Text(string(digits)), "card", "a wrong check digit")
	})
}

// luhn returns the check digit of a number.
func luhn(digits []byte) byte {
	sum := 0
	for k := range digits {
		d := int(digits[len(digits)-1-k] - '0')
		if k%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

func TestNumbersOfEveryPhoneAndSSNAreFound(t *testing.T) {
	var r redact.Redactor
	rapid.Check(t, func(t *rapid.T) {
		area := rapid.IntRange(1, 899).Filter(func(n int) bool { return n != 666 }).Draw(t, "area")
		ssn := fmt.Sprintf("%03d-%02d-%04d", area, rapid.IntRange(1, 99).Draw(t, "group"), rapid.IntRange(1, 9999).Draw(t, "serial"))
		require.Equal(t, "("+marked("ssn")+")", r.Text("("+ssn+")"))
		cc := rapid.SampledFrom([]string{"1", "7", "44", "49", "351", "971", "86"}).Draw(t, "code")
		number := "+" + cc + rapid.StringMatching(`[ -]?[1-9][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3,4}`).Draw(t, "number")
		require.Equal(t, "to "+marked("phone")+"!", r.Text("to "+number+"!"))
	})
}
