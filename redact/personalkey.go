package redact

import (
	"bytes"
	"strings"
)

// personalKeys are attributes of the OpenTelemetry conventions that hold personal
// data, and headers that do; a trailing '.' stands for all that begin so. The
// first that fits counts.
var personalKeys = []struct{ key, kind string }{
	{"user.email", kindEmail}, {"user.name", kindName}, {"user.full_name", kindName},
	{"user.hash", ""}, {"user.roles", ""}, {"user.", kindPersonal},
	{"enduser.", kindPersonal}, {"session.", kindPersonal}, {"device.id", kindPersonal},
	{"client.address", kindClientIP}, {"client.socket.address", kindClientIP}, {"http.client_ip", kindClientIP},
	{"client.geo.", kindGeo}, {"geo.", kindGeo},
	{"db.query.parameter.", kindPersonal}, {"db.query.text", kindSQL}, {"db.statement", kindSQL},
	{"http.request.header.x-forwarded-for", kindClientIP}, {"http.request.header.x-real-ip", kindClientIP},
	{"http.request.header.forwarded", kindClientIP},
}

// personalWords are the last words of keys that hold personal data, in lower
// case and joined. Those whose kind is a name say so anywhere in a text too; the
// values of others have shapes to be known by.
var personalWords = map[string]string{
	"email": kindEmail, "emailaddress": kindEmail, "mailaddress": kindEmail,
	"phone": kindPhone, "phonenumber": kindPhone, "phoneno": kindPhone, "mobilenumber": kindPhone,
	"telephone": kindPhone, "fax": kindPhone, "faxnumber": kindPhone, "msisdn": kindPhone,
	"ssn": kindSSN, "socialsecuritynumber": kindSSN, "socialsecurity": kindSSN,
	"iban": kindIBAN, "cardnumber": kindCard, "creditcard": kindCard, "creditcardnumber": kindCard, "ccnumber": kindCard,
	"clientip": kindClientIP, "clientaddress": kindClientIP, "xforwardedfor": kindClientIP, "xrealip": kindClientIP,
	"forwardedfor": kindClientIP, "remoteaddr": kindClientIP, "remoteip": kindClientIP, "userip": kindClientIP,
	"cfconnectingip": kindClientIP, "trueclientip": kindClientIP,
	"latitude": kindGeo, "longitude": kindGeo, "lat": kindGeo, "lon": kindGeo, "lng": kindGeo, "geolocation": kindGeo,
	"geohash": kindGeo, "coordinates": kindGeo, "latlng": kindGeo, "latlon": kindGeo,
	"username": kindName, "firstname": kindName, "lastname": kindName, "givenname": kindName, "familyname": kindName,
	"middlename": kindName, "maidenname": kindName, "surname": kindName, "fullname": kindName, "nickname": kindName,
	"legalname": kindName, "birthname": kindName, "cardholder": kindName, "cardholdername": kindName,
	"accountholder": kindName, "accountholdername": kindName, "customername": kindName, "patientname": kindName,
	"employeename": kindName, "contactname": kindName, "recipientname": kindName,
	"dateofbirth": kindPersonal, "birthdate": kindPersonal, "birthday": kindPersonal, "dob": kindPersonal,
	"streetaddress": kindPersonal, "postaladdress": kindPersonal, "homeaddress": kindPersonal,
	"mailingaddress": kindPersonal, "shippingaddress": kindPersonal, "billingaddress": kindPersonal,
	"passportnumber": kindPersonal, "nationalid": kindPersonal, "taxid": kindPersonal, "driverlicense": kindPersonal,
}

// personalKind returns the kind of personal data that stands under a key, whose
// words are w, or "".
func personalKind(key string, w words) string {
	for _, p := range personalKeys {
		if len(key) >= len(p.key) && strings.EqualFold(key[:len(p.key)], p.key) && (len(key) == len(p.key) || p.key[len(p.key)-1] == '.') {
			return p.kind
		}
	}
	return personalWord(w)
}

// maxPersonalParts is how many words the longest of personalWords has.
const maxPersonalParts = 4

// personalWord returns the kind of personal data that the last words of a key
// stand for, or "".
func personalWord(w words) string {
	for k := 1; k <= min(maxPersonalParts, len(w.ends)); k++ {
		start := 0
		if n := len(w.ends) - k; n > 0 {
			start = w.ends[n-1]
		}
		if kind := personalWords[string(w.letters[start:])]; kind != "" {
			return kind
		}
	}
	return ""
}

// endsPersonal holds the last letters of personalWords, so that most keys are
// known by one byte not to be among them.
var endsPersonal = func() (t [256]bool) {
	for w := range personalWords {
		c := w[len(w)-1]
		t[c], t[c&^0x20] = true, true
	}
	return t
}()

// personalPair finds the personal data at s[v] that only its key gives away.
func (r *Redactor) personalPair(s string, v int, k key) (match, bool) {
	if k.text == "" || !endsPersonal[k.text[len(k.text)-1]] {
		return match{}, false
	}
	var b keyBuffer
	w := b.split(k.text)
	switch k.kind = personalWord(w); k.kind {
	case kindName, kindPersonal, kindClientIP, kindGeo:
	default:
		return match{}, false // known by its shape
	}
	if bytes.HasSuffix(w.letters, []byte("username")) && !k.closed {
		return match{}, false // of connection strings and messages of databases
	}
	policy := r.Personal.policy(k.kind)
	if policy == Keep {
		return match{}, false
	}
	m, ok := valueAt(s, v, k)
	if !ok || markLen(m.with) == 0 && m.with != masked || s[m.from:m.to] == m.with {
		return m, ok
	}
	if !looksLike(k.kind, s[m.from:m.to]) {
		return match{}, false
	}
	if m.from == v && !k.query && !k.encoded {
		m.to = goesOn(s, m.to, k.kind)
	}
	if policy == Mask && m.with == masked {
		m.with = maskPart(k.kind, s[m.from:m.to])
	}
	return m, true
}

// goesOn returns the end of an unquoted value that more of its kind follows: the
// other words of a name, the other addresses of a request's way.
func goesOn(s string, i int, kind string) int {
	for range 4 {
		switch {
		case kind == kindName && i+1 < len(s) && s[i] == ' ' && isUpper(s[i+1]):
			end := skip(s, i+1, isAlpha)
			if end < len(s) && (s[end] == '=' || s[end] == ':') {
				return i // another key
			}
			i = end
		case kind == kindClientIP && i+2 < len(s) && s[i] == ',' && s[i+1] == ' ' && isHex(s[i+2]):
			i = skip(s, i+2, func(c byte) bool { return isHex(c) || c == '.' || c == ':' })
		default:
			return i
		}
	}
	return i
}

// looksLike reports whether a value that stands in a text behind a key of the
// given kind of personal data may be some.
func looksLike(kind, value string) bool {
	switch kind {
	case kindGeo:
		return isDegrees(value)
	case kindClientIP:
		return strings.ContainsAny(value, "0123456789") && strings.ContainsAny(value, ".:")
	case kindName:
		return letterLen(value+" ", 0) > 0
	}
	return true
}
