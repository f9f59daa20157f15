package redact

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// personalKeys are attributes of the OpenTelemetry conventions that hold personal
// data, and headers that do; a trailing '.' stands for all that begin so. The
// first that fits counts.
var personalKeys = []struct{ key, kind string }{
	{"user.email", kindEmail}, {"user.name", kindName}, {"user.full_name", kindName},
	{"user.hash", ""}, {"user.roles", ""}, {"user.", kindPersonal},
	{"enduser.", kindPersonal}, {"session.", kindPersonal}, {"device.id", kindPersonal},
	{"client.address", kindClientIP}, {"client.socket.address", kindClientIP}, {"http.client_ip", kindClientIP},
	{"net.peer.ip", kindClientIP}, {"net.sock.peer.addr", kindClientIP},
	{"client.geo.", kindGeo}, {"geo.", kindGeo},
	{"db.query.parameter.", kindPersonal}, {"db.query.text", kindSQL}, {"db.statement", kindSQL},
	{"url.path", kindPath}, {"http.target", kindPath},
	{"http.request.header.x-forwarded-for", kindClientIP}, {"http.request.header.x-real-ip", kindClientIP},
	{"http.request.header.forwarded", kindClientIP},
}

// personalWords are the last words of keys that hold personal data, in lower
// case and joined. Those whose kind is a name say so anywhere in a text too; the
// values of others have shapes to be known by.
var personalWords = func() map[string]string {
	m := map[string]string{}
	for _, k := range []struct{ kind, words string }{
		{kindEmail, "email emailaddress mailaddress"},
		{kindPhone, "phone phonenumber phoneno mobilenumber telephone fax faxnumber msisdn"},
		{kindSSN, "ssn socialsecuritynumber socialsecurity"},
		{kindIBAN, "iban"},
		{kindCard, "cardnumber creditcard creditcardnumber ccnumber primaryaccountnumber"},
		{kindClientIP, `client clientip clientaddress clientaddr clienthost xforwardedfor xrealip forwardedfor forwarded remoteaddr
			remoteaddress remoteip remotehost userip cfconnectingip connectingip trueclientip sourceip sourceipaddress loginip signinip
			originatingip visitorip callerip`},
		{kindGeo, `latitude longitude lat lon lng geolocation geohash coordinates latlng latlon lnglat
			latitudee longitudee`}, // latitudeE7
		{kindName, `username userfullname userdisplayname firstname lastname givenname familyname middlename maidenname surname forename
			fullname nickname legalname birthname fname lname vorname nachname prenom apellido apellidos cognome
			cardholder cardholdername nameoncard accountholder accountholdername holdername customername patientname employeename
			contactname recipientname sendername receivername passengername guestname membername studentname teachername buyername
			payername payeename beneficiaryname debtorname creditorname personname billingname shippingname ownername travelername
			travellername subscribername applicantname tenantname drivername mothersmaidenname`},
		{kindPersonal, `dateofbirth birthdate birthday dob placeofbirth gebdatum geburtsdatum streetaddress postaladdress homeaddress
			mailingaddress shippingaddress billingaddress deliveryaddress residentialaddress addressline streetname
			passport passportnumber passportno nationalid nationalidnumber nationalinsurancenumber identitycardnumber idcardnumber
			personnummer taxid taxidentificationnumber taxnumber steuerid fiscalcode codicefiscale cpf
			driverlicense driverslicense drivinglicense driverlicensenumber driverslicensenumber drivinglicensenumber
			licenseplate nhsnumber medicarenumber healthinsurancenumber insurancenumber aadhaar aadhaarnumber pannumber
			enduserid enduserpseudoid`},
	} {
		for w := range strings.FieldsSeq(k.words) {
			m[w] = k.kind
		}
	}
	return m
}()

// personalKind returns the kind of personal data that stands under a key, whose
// words are w, or "".
func personalKind(key string, w words) string {
	if p := personalKeyOf(key); p >= 0 {
		return personalKeys[p].kind
	}
	return personalWord(w)
}

// personalKeyOf returns which of personalKeys a key is, or -1.
func personalKeyOf(key string) int {
	for n, p := range personalKeys {
		if len(key) >= len(p.key) && strings.EqualFold(key[:len(p.key)], p.key) && (len(key) == len(p.key) || p.key[len(p.key)-1] == '.') {
			return n
		}
	}
	return -1
}

// personalKey returns the kind of personal data of a key of personalKeys that
// stands in a text, or "".
func personalKey(key string) string {
	if strings.IndexByte(key, '.') < 0 {
		return ""
	}
	return dottedMemo.kind(key, dottedKey)
}

var dottedMemo memo

func dottedKey(key string) string {
	switch n := personalKeyOf(key); {
	case n < 0:
	case personalKeys[n].kind == kindSQL || personalKeys[n].kind == kindPath:
	case strings.HasSuffix(personalKeys[n].key, "."):
		// session.go:42 is none of session.
		for _, k := range [...]string{"user.id", "enduser.id", "enduser.pseudo.id", "geo.postal_code", "geo.locality.name"} {
			if strings.EqualFold(key, k) {
				return personalKeys[n].kind
			}
		}
	default:
		return personalKeys[n].kind
	}
	return ""
}

// maxPersonalParts is how many words the longest of personalWords has.
const maxPersonalParts = 4

// keyEnds are the last words of those of personalKeys that personalWords has not.
var keyEnds = []string{"userid", "birth", "peerip", "peeraddr", "postalcode"}

// personalWord returns the kind of personal data that the last words of a key
// stand for, or "".
func personalWord(w words) string {
	for k := 1; k <= min(maxPersonalParts, len(w.ends)); k++ {
		start := 0
		if n := len(w.ends) - k; n > 0 {
			start = w.ends[n-1]
		}
		if kind := personalWords[string(w.letters[start:])]; kind != "" && !(k == 2 && w.ends[len(w.ends)-2] == start+1) {
			return kind // and no f.Name
		}
	}
	return ""
}

// endsPersonal holds the last letters of personalWords, so that most keys are
// known by one byte not to be among them.
var endsPersonal = func() (t [256]bool) {
	add := func(w string) {
		c := w[len(w)-1]
		t[c], t[c&^0x20] = true, true
		t['0'], t['1'], t['2'], t['7'] = true, true, true, true // line1, latitudeE7
	}
	for w := range personalWords {
		add(w)
	}
	for _, w := range keyEnds {
		add(w)
	}
	return t
}()

// personalPair finds the personal data at s[v] that only its key gives away.
func (r *Redactor) personalPair(s string, v int, k key) (match, bool) {
	if k.text == "" || !endsPersonal[k.text[len(k.text)-1]] || !r.plan().last.has(strings.TrimRight(k.text, "0123456789")) {
		return match{}, false
	}
	named := false // by the whole key
	if k.kind = personalKey(k.text); k.kind != "" {
		named = true
	} else if k.kind = wordsKind(k.text); k.kind == "" && k.from > 2 && s[k.from-1] == ' ' && isAlpha(s[k.from-2]) && isAlpha(s[k.from-3]) {
		// First name: Ada, Date of birth: ...
		from := k.from
		for range 2 {
			from = wordBefore(s, from, 0)
			if k.kind = wordsKind(s[from:k.to]); k.kind != "" {
				break
			}
		}
	}
	switch k.kind {
	case kindName, kindPersonal, kindClientIP, kindGeo:
	case kindEmail:
		if !named {
			return match{}, false // known by its shape
		}
	default:
		return match{}, false
	}
	if n := len(k.text) - len("username"); n >= 0 && foldSuffix(strings.ReplaceAll(k.text, "_", ""), "username") && !k.closed && !named {
		return match{}, false // of connection strings and messages of databases
	}
	policy := r.Personal.policy(k.kind)
	if policy == Keep {
		return match{}, false
	}
	if (equalFold(k.text, "fname") || equalFold(k.text, "lname")) && !k.closed && !k.query && (v == len(s) || !isCapital(s[v:])) {
		return match{}, false // of a file
	}
	m, ok := valueAt(s, v, k)
	if k.kind == kindClientIP && equalFold(k.text, "forwarded") && len(s)-v > 4 && equalFold(s[v:v+3], "for") && s[v+3] == '=' && isHost(s[v:min(len(s), v+maxIPv6)]) {
		m, ok = match{v, lineEnd(s, v, 0), mark(k.kind)}, true
	}
	if !ok || markLen(m.with) == 0 && m.with != masked || s[m.from:m.to] == m.with {
		return m, ok
	}
	if k.kind == kindGeo {
		// Of a pair the key says no more than the first.
		i := m.from
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		if g, ok := geo(s, i, max(0, i-1)); ok || i < len(s) && isDigit(s[i]) && isPair(s, i) {
			return g, ok
		}
	}
	if !named && !looksLike(k.kind, s[m.from:m.to]) {
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

// wordsKind is personalWord of a key.
func wordsKind(key string) string {
	return wordsMemo.kind(key, func(key string) string {
		var b keyBuffer
		return personalWord(b.split(key))
	})
}

var wordsMemo memo

// isPair reports whether the decimal at s[i] is the first of a pair.
func isPair(s string, i int) bool {
	end, _, ok := coordinate(s, i)
	if !ok {
		return false
	}
	next, _ := pairGap(s, end)
	_, _, ok = coordinate(s, next)
	return ok && next > end
}

// goesOn returns the end of an unquoted value that more of its kind follows: the
// other words of a name, the other addresses of a request's way.
func goesOn(s string, i int, kind string) int {
	for range 5 {
		switch {
		case kind == kindName && i+1 < len(s) && s[i] == ' ':
			end := i + 1
			for end < len(s) && (isLetter(s[end]) || end > i+1 && end+1 < len(s) && (s[end] == '-' || s[end] == '\'') && isLetter(s[end+1])) {
				end++
			}
			if end < len(s) && s[end] == '.' && end == i+2 {
				end++ // an initial
			}
			if end == i+1 || !isCapital(s[i+1:end]) && !particles[s[i+1:end]] || end < len(s) && (s[end] == '=' || s[end] == ':' || s[end] == '_') {
				return i // another key
			}
			i = end
		case kind == kindPersonal && i+1 < len(s) && s[i] == ' ' && (isDigit(s[i+1]) || isUpper(s[i+1])):
			end := skip(s, i+1, func(c byte) bool { return isWord(c) || c >= 0x80 })
			if end < len(s) && (s[end] == '=' || s[end] == ':') {
				return i
			}
			i = end
		case kind == kindClientIP && i+2 < len(s) && s[i] == ',' && s[i+1] == ' ' && (isHex(s[i+2]) || s[i+2] == ':'):
			i = skip(s, i+2, func(c byte) bool { return isHex(c) || c == '.' || c == ':' })
		default:
			return i
		}
	}
	return i
}

// isCapital reports whether s begins with a capital letter of any script.
func isCapital(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r)
}

// particles stand within names.
var particles = map[string]bool{"van": true, "von": true, "de": true, "der": true, "den": true, "del": true, "da": true, "di": true, "dos": true, "du": true, "la": true, "le": true, "bin": true, "al": true}

// looksLike reports whether a value that stands in a text behind a key of the
// given kind of personal data may be some.
func looksLike(kind, value string) bool {
	switch kind {
	case kindGeo:
		return isDegrees(value)
	case kindClientIP:
		return isHost(value)
	case kindName:
		return letterLen(value+" ", 0) > 0
	}
	return true
}

// isHost reports whether a value is an IP address, or begins with one: with a port,
// with further ones, or with the parameter of a Forwarded header before it.
func isHost(value string) bool {
	if len(value) >= 4 && strings.EqualFold(value[:4], "for=") {
		value = value[4:]
	}
	value = strings.TrimLeft(value, `"[ \`)
	if n := strings.IndexAny(value, `], ";\`); n >= 0 {
		value = value[:n]
	}
	if _, err := netip.ParseAddr(value); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(value)
	return err == nil
}
