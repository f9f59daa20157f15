package redact

// Policy is what becomes of a class of personal data.
type Policy uint8

const (
	// Usual is what suits most services: [Withhold], and for network addresses
	// [Keep], because tickets need hosts.
	Usual Policy = iota
	// Keep leaves what is found.
	Keep
	// Mask hides the part that tells people apart, and keeps the rest: the domain
	// of an e-mail address, the last four of a card's digits, a network.
	Mask
	// Withhold replaces the whole.
	Withhold
)

// Personal says what becomes of each class of personal data. The zero value is
// ready to use.
type Personal struct {
	// Emails are e-mail addresses.
	Emails Policy
	// Cards are the numbers of payment cards: of an issuer's range and length,
	// with the right check digit.
	Cards Policy
	// Accounts are International Bank Account Numbers.
	Accounts Policy
	// SocialSecurity are US social security numbers: with dashes, or otherwise
	// beside a word that says so.
	SocialSecurity Policy
	// Phones are phone numbers: with a '+' and a country's code, or otherwise
	// beside a word that says so.
	Phones Policy
	// Addresses are IP addresses. Usual keeps them, but withholds those of
	// clients, which are known by their key alone (client.address,
	// x-forwarded-for); Keep keeps those too.
	Addresses Policy
	// Places are geographic coordinates: beside a word that says so.
	Places Policy
	// Names are people's names, dates of birth, postal addresses and the
	// identifiers that others gave them. They are known by their key alone, such
	// as user.name, first_name or enduser.id.
	Names Policy
}

// The kinds of personal data. That of a client's IP address is known by its key.
const (
	kindEmail    = "email"
	kindCard     = "card"
	kindIBAN     = "iban"
	kindSSN      = "ssn"
	kindPhone    = "phone"
	kindIP       = "ip"
	kindClientIP = "client-ip"
	kindGeo      = "geo"
	kindName     = "name"
	kindPersonal = "personal-data"
)

// policy returns what becomes of finds of the given kind: Keep, Mask or Withhold.
// Secrets are withheld.
func (p *Personal) policy(kind string) Policy {
	var set Policy
	switch kind {
	case kindEmail:
		set = p.Emails
	case kindCard:
		set = p.Cards
	case kindIBAN:
		set = p.Accounts
	case kindSSN:
		set = p.SocialSecurity
	case kindPhone:
		set = p.Phones
	case kindIP:
		if p.Addresses == Usual {
			return Keep
		}
		set = p.Addresses
	case kindClientIP:
		set = p.Addresses
	case kindGeo:
		set = p.Places
	case kindName, kindPersonal:
		set = p.Names
	}
	if set == Keep || set == Mask {
		return set
	}
	return Withhold
}

// maskPart hides the part of a find that tells people apart. What it returns is
// not found again. A find that is not of its kind's shape is hidden whole.
func maskPart(kind, s string) string {
	switch kind {
	case kindEmail:
		if at := lastAt(s); at >= 0 {
			return mark(kind) + s[at:]
		}
	case kindCard, kindIBAN, kindSSN:
		if n := len(s) - 4; n > 4 && skip(s, n, isDigit) == len(s) {
			return mark(kind) + s[n:]
		}
	case kindPhone:
		if n := len(s) - 2; n > 4 && skip(s, n, isDigit) == len(s) {
			return mark(kind) + s[n:]
		}
	case kindIP, kindClientIP:
		return maskIP(s)
	case kindGeo:
		return maskGeo(s)
	case kindName:
		if n := letterLen(s+" ", 0); n > 0 {
			return s[:n] + "."
		}
	}
	return mark(markKindOf(kind))
}

// markKindOf returns the kind that a mark names.
func markKindOf(kind string) string {
	if kind == kindClientIP {
		return kindIP
	}
	return kind
}

// lastAt returns where the '@' of an e-mail address is, encoded or not.
func lastAt(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '@' || s[i] == '%' && i+3 <= len(s) && s[i:i+3] == "%40" {
			return i
		}
	}
	return -1
}
