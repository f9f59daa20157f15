package redact

import (
	"strings"
	"sync"
)

// secret is a kind of secret, and how it is known.
type secret struct {
	kind string
	// source is where the vendor documents how it looks.
	source string
	// shapes are how it may look (see shape). Each has a literal of two bytes or
	// more at a known offset, or else there are words.
	shapes []string
	// words, in lower case, are found in any case. The shapes count beside them
	// only, on the same line and where something says that there is a secret; or,
	// if there are no shapes, find looks at what stands around them.
	words []string
	find  func(x *scanner, at, end int) (from, to int)
	// exact words count in their case only.
	exact bool
	// url secrets are a part of a URL, which stays one.
	url bool
}

// rule is what a keyword leads to: a shape around it, shapes beside it, or a
// function.
type rule struct {
	kind  string
	mark  string
	shape *shape
	near  []*shape
	find  func(x *scanner, at, end int) (from, to int)
	own   *ownKind
	// token says that the keyword is a part of the secret, and enough to know it by.
	token bool
	// at, if set, says itself what to put in the place of what it finds.
	at func(x *scanner, at int) (match, bool)
}

// match returns where the secret is that the keyword s[at:end] belongs to, or 0.
func (u *rule) match(x *scanner, at, end int) (from, to int) {
	switch {
	case u.shape != nil:
		return u.shape.match(x.s, at-u.shape.anchor, x.floor)
	case u.near != nil:
		return x.beside(at, end, u.near)
	}
	return u.find(x, at, end)
}

// with returns what replaces the secret old.
func (u *rule) with(old string) string {
	if u.mark == "" {
		return old // a mark
	}
	return u.mark
}

// plan is what a Redactor looks for, made ready.
type plan struct {
	index
	// last has the ends of the words that make a key worth a look where they end
	// it: of personal data, of the host's own keys, and of names for names.
	last    endSet
	kinds   []*ownKind
	telling memo // what keys tell, of secrets
	// always has those that have no keywords.
	always []*ownKind
}

// builtin is the plan of a Redactor without kinds and keys of its own.
var builtin = sync.OnceValue(func() *plan { return newPlan(nil, nil) })

// builtinKeywords leads to the built-in detectors. Compiled once.
var builtinKeywords = sync.OnceValue(func() []keyword {
	var ks []keyword
	for _, s := range secrets() {
		u := rule{kind: s.kind, mark: mark(s.kind)}
		if s.url {
			u.mark = masked
		}
		var shapes []*shape
		for _, text := range s.shapes {
			shapes = append(shapes, parseShape(text))
		}
		switch {
		case s.find != nil:
			u.find, u.token = s.find, s.exact
		case s.words != nil:
			u.near = shapes
		default:
			for _, sh := range shapes {
				if sh.word == "" {
					panic("redact: a shape of " + s.kind + " has no literal to look for")
				}
				v := u
				v.shape, v.token = sh, true
				ks = append(ks, keyword{word: sh.word, rule: &v})
			}
		}
		for _, w := range s.words {
			ks = append(ks, keyword{word: w, fold: !s.exact, rule: &u})
		}
	}
	for _, w := range keyBodies {
		ks = append(ks, keyword{word: w, rule: &rule{kind: "private-key", mark: mark("private-key"), find: keyBody}})
	}
	for _, w := range markPrefixes {
		ks = append(ks, keyword{word: w, rule: &rule{find: wholeMark}})
	}
	for _, w := range sqlWords {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: sqlStatement}})
	}
	for _, q := range errorValues {
		ks = append(ks, keyword{word: q.before, fold: true, rule: &rule{at: quotedRow}})
	}
	for _, w := range parameterWords {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: (*scanner).parameters}})
	}
	for _, w := range []string{"= N'", "=N'", "= '", "='"} {
		ks = append(ks, keyword{word: w, rule: &rule{at: func(x *scanner, at int) (match, bool) { return variable(x, at, at+len(w)) }}})
	}
	for _, w := range []string{"near '", "near \""} {
		ks = append(ks, keyword{word: w, rule: &rule{at: nearFragment}})
	}
	for _, w := range callWords {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: secretCall}})
	}
	for _, w := range []string{",[{file,", ".ex:", ".exs:", ".erl:"} {
		ks = append(ks, keyword{word: w, rule: &rule{at: beamFrame}})
	}
	ks = append(ks, keyword{word: "at [/", rule: &rule{at: calledAt}})
	for _, c := range positional {
		ks = append(ks, keyword{word: c.words, rule: &rule{at: positionalArgument}})
	}
	for _, w := range pipes {
		ks = append(ks, keyword{word: w, rule: &rule{at: piped}})
	}
	for _, w := range []string{":protected]", ":private]"} {
		ks = append(ks, keyword{word: w, rule: &rule{at: classField}})
	}
	for _, w := range protocolWords {
		ks = append(ks, keyword{word: w.word, rule: &rule{at: protocol}})
	}
	for _, w := range storeWords {
		ks = append(ks, keyword{word: w, rule: &rule{at: (*scanner).stored}})
	}
	ks = append(ks, keyword{word: "copy ", fold: true, rule: &rule{at: copyRows}},
		keyword{word: "identified ", fold: true, rule: &rule{kind: "password", mark: mark("password"), find: identified}})
	ks = append(ks, keyword{word: `\u003c`, rule: &rule{at: func(x *scanner, at int) (match, bool) { return x.r.element(x.s, at) }}})
	for _, w := range phoneTriggers {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: tellsPhone}})
	}
	for _, w := range atSigns {
		ks = append(ks, keyword{word: w, rule: &rule{at: func(x *scanner, at int) (match, bool) { return email(x.s, at, x.floor) }}})
	}
	for _, w := range []string{"[client ", "client ip"} {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: clientAddress}})
	}
	ks = append(ks, keyword{word: `form-data; name=`, fold: true, rule: &rule{at: formPart}})
	for _, w := range pathWords {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: segmentBehind}})
	}
	for _, w := range degreeSigns {
		ks = append(ks, keyword{word: w, rule: &rule{at: degrees}})
	}
	ks = append(ks, keyword{word: "iban", fold: true, rule: &rule{at: ibanTold}})
	for _, w := range []string{"ssn", "social security", "social_security", "social-security", "socialsecurity"} {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: tellsSocialSecurity}})
	}
	for _, w := range strings.Fields("passw passphrase pwd secret token apikey api_key api-key api.key accountkey accesskey access_key access-key access.key authkey auth_key credential privatekey private_key") {
		ks = append(ks, keyword{word: w, fold: true, rule: &rule{at: behindName}})
	}
	for _, w := range keyTriggers() {
		ks = append(ks, keyword{word: w, fold: true})
	}
	return ks
})

// wholeMark finds a mark, so that nothing else is found in it.
func wholeMark(x *scanner, at, _ int) (from, to int) {
	if n := markLen(x.s[at:]); n > 0 {
		return at, at + n
	}
	return 0, 0
}

// sqlStatement finds a statement with literals that begins at s[at]. Where the
// second word of one was not found, it is looked for again only after half the
// way.
func sqlStatement(x *scanner, at int) (m match, ok bool) {
	c := x.s[at] | 0x20
	if at < x.sql || (c == 's' || c == 'u') && at < x.where {
		return match{}, false
	}
	m, x.sql, ok = sqlAt(x.s, at)
	if x.sql == at && (c == 's' || c == 'u') && (at == 0 || !isWord(x.s[at-1])) {
		x.where = at + maxClause/2
	}
	return m, ok
}

// tellsPhone notes that a word at s[at] says of a number that it is one to call.
func tellsPhone(x *scanner, at int) (match, bool) {
	const reach = 2 * (maxTelling + maxGap)
	end := skip(x.s[:min(len(x.s), at+maxTelling)], at, isLetter)
	if !endsPhoneWord[x.s[end-1]] {
		return match{}, false
	}
	if word, _ := tellingWord(x.s, end, x.floor); isPhoneWord(word) {
		x.phone = end + reach
	}
	return match{}, false
}

// tellsSocialSecurity notes the same of social security numbers.
func tellsSocialSecurity(x *scanner, at int) (match, bool) {
	x.ssn = at + 3*(maxTelling+maxGap)
	return match{}, false
}

// keyTriggers are the words without which no key is secret (see keyWords,
// partKind and queryKeys). Where they are two, any separator or none stands
// between them.
func keyTriggers() []string {
	all := strings.Fields(`pass pw secret token jwt auth cookie credential session sessid dsn otp cvv cvc
		signature sig hmac salt psk mdp snmp kennwort contrasena senha wachtwoord parola haslo
		honeycomb security_answer securityanswer`)
	for _, pair := range []string{"api key", "access key", "private key", "signing key", "encryption key", "master key",
		"ssh key", "account key", "connection string", "conn str"} {
		for _, sep := range []string{"", " ", "_", "-", "."} {
			all = append(all, strings.Replace(pair, " ", sep, 1))
		}
	}
	for _, code := range []string{"pin", "access", "unlock", "security", "verification", "recovery", "backup"} {
		all = append(all, code+"code", code+"_code")
	}
	return all
}

// newPlan makes the index for the built-in kinds, those of the host, and its
// keys.
func newPlan(own []*ownKind, keys []string) *plan {
	p := &plan{kinds: own}
	ks := builtinKeywords()
	for n, k := range own {
		k.n = n
		if len(k.Keywords) == 0 {
			p.always = append(p.always, k)
		}
		u := rule{kind: k.Name, mark: mark(k.Name), find: k.match, own: k}
		token := u
		token.token = true
		for _, w := range k.Keywords {
			v := &u
			if k.isToken(w) {
				v = &token
			}
			ks = append(ks[:len(ks):len(ks)], keyword{word: w, fold: true, rule: v})
		}
	}
	p.build(ks)
	p.gate.addSigns()
	for _, key := range keys {
		var b keyBuffer
		p.last.add(string(b.split(key).letters))
	}
	for _, word := range []string{"name", "key", "field", "header", "pat"} {
		p.last.add(word)
	}
	for word := range personalWords {
		p.last.add(word)
	}
	for word := range queryKeys {
		p.last.add(word)
	}
	for _, word := range keyEnds {
		p.last.add(word)
	}
	return p
}
