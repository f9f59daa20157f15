package redact

import (
	"bytes"
	"slices"
	"strings"
)

// keyWord is a word, or several joined, that makes a key secret where it ends a
// part of it: "db.password", "mysqlPassword", "AWS_SECRET_ACCESS_KEY".
type keyWord struct{ word, kind string }

var keyWords = []keyWord{
	{"password", "password"}, {"passwd", "password"}, {"passphrase", "password"}, {"passcode", "password"},
	{"pwd", "password"},
	{"apikey", "api-key"}, {"accesskey", "access-key"}, {"privatekey", "private-key"},
	{"signingkey", "private-key"}, {"encryptionkey", "private-key"}, {"masterkey", "private-key"},
	{"sshkey", "private-key"}, {"accountkey", "access-key"},
	{"secret", "secret"}, {"secrets", "secret"}, {"secretkey", "secret"},
	{"token", "token"}, {"jwt", "token"},
	{"authorization", "authorization"}, {"cookie", "cookie"}, {"cookies", "cookie"},
	{"credential", "credential"}, {"credentials", "credential"},
	{"connectionstring", "connection-string"}, {"connstr", "connection-string"},
	{"sessionid", "session"}, {"sessid", "session"},
	{"authkey", "secret"}, {"hmackey", "secret"}, {"presharedkey", "secret"}, {"securityanswer", "secret"},
	{"snmpcommunity", "secret"}, {"honeycombteam", "api-key"},
	{"userpass", "password"}, {"dbpass", "password"}, {"rootpass", "password"}, {"adminpass", "password"}, {"keypass", "password"},
	{"storepass", "password"}, {"sshpass", "password"}, {"ftppass", "password"}, {"smtppass", "password"}, {"mailpass", "password"},
	{"sqlpass", "password"}, {"pgpass", "password"}, {"ldappass", "password"}, {"proxypass", "password"}, {"loginpass", "password"},
	{"dbpw", "password"}, {"rootpw", "password"}, {"userpw", "password"}, {"adminpw", "password"},
	{"passwort", "password"}, {"kennwort", "password"}, {"motdepasse", "password"}, {"contrasena", "password"}, {"senha", "password"},
	{"wachtwoord", "password"}, {"parola", "password"}, {"haslo", "password"}, {"passord", "password"},
}

// kindWeak is the kind of what stands behind a name that a secret may have, and
// much else too: it is one if it looks like one (see isWeakSecret).
const kindWeak = "key"

// weakWords make a key one of kindWeak where they end it.
var weakWords = []string{
	"applicationkey", "appkey", "servicekey", "adminkey", "serverkey", "sharedkey", "licensekey", "subscriptionkey", "webhookkey",
	"recordkey", "writekey", "readkey", "deploykey", "integrationkey", "ingestionkey", "consumerkey", "validationkey", "decryptionkey",
	"cryptkey", "cipherkey", "aeskey", "storagekey", "sessionkey", "securitykey", "functionkey", "rootkey", "managementkey", "cryptokey",
	"clientkey", "gatewaykey", "partnerkey", "merchantkey", "activationkey", "rsakey", "jwtkey", "saltkey", "maintenancekey",
	"pincode", "accesscode", "authcode", "unlockcode", "securitycode", "verificationcode", "recoverycode", "recoverycodes",
	"backupcode", "backupcodes", "salt", "pat", "psk",
}

// weakWordsBy holds weakWords by their last byte.
var weakWordsBy = func() (t [256][]string) {
	for _, w := range weakWords {
		t[w[len(w)-1]] = append(t[w[len(w)-1]], w)
	}
	return t
}()

// isWeak reports whether w ends in one of weakWords, the short ones as a part of
// their own.
func (w words) isWeak() bool {
	if len(w.letters) == 0 {
		return false
	}
	for _, word := range weakWordsBy[w.letters[len(w.letters)-1]] {
		if bytes.HasSuffix(w.letters, []byte(word)) && (len(word) > 4 || len(w.last()) == len(word)) {
			return true
		}
	}
	return false
}

// isWeakSecret reports whether what stands behind a key of kindWeak looks like a
// secret: it has a digit, and is no number of one or two, no path and no name of
// a file.
func isWeakSecret(s string) bool {
	const minSecret = 4
	if len(s) < minSecret || skip(s, 0, func(c byte) bool { return !isDigit(c) }) == len(s) || s[0] == '/' || s[0] == '.' || strings.ContainsAny(s, " ([") {
		return false
	}
	for _, end := range []string{".pem", ".key", ".crt", ".pub", ".json", ".txt"} {
		if strings.HasSuffix(s, end) {
			return false
		}
	}
	return true
}

// keyWordsBy holds keyWords by their last byte.
var keyWordsBy = func() (t [256][]keyWord) {
	for _, w := range keyWords {
		c := w.word[len(w.word)-1]
		t[c] = append(t[c], w)
	}
	return t
}()

// partKind returns the kind of the words that make a key secret only as a part
// of their own, and some of them only as its last.
func partKind(part string, last bool) string {
	switch part {
	case "session":
		return "session"
	case "dsn":
		return "connection-string"
	case "otp":
		return "password"
	case "cvv", "cvc":
		return "card-code"
	}
	if last {
		switch part {
		case "pass", "pw", "mdp":
			return "password"
		case "auth":
			return "credential"
		}
	}
	return ""
}

// harmless parts, as the last one, make a key one about a secret: its count,
// its name, the file or the service that handles it.
var harmless = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`
		name names count counts length len size type types kind version algorithm alg issuer arn uid
		expiry expires expired expiration ttl age min max limit limits total usage used
		policy enabled required valid invalid verified status state error errors exception attempts reset
		url uri endpoint path file dir host port timeout duration
		service server store manager provider proxy handler factory controller repository cache pool
		middleware validator generator worker job queue topic table
		go java kt scala py js jsx ts tsx mjs rb rs cs cpp php swift ex yaml yml json txt log html`) {
		m[w] = true
	}
	return m
}()

// words are a key's lower-case letters and digits without separators, and the
// offsets at which its parts end.
type words struct {
	letters []byte
	ends    []int
}

// keyBuffer keeps the words of a usual key off the heap.
type keyBuffer struct {
	letters [64]byte
	ends    [16]int
}

// split takes a key apart at everything that is no letter or digit, and at the
// humps of camelCase. The digits that end a part are dropped, and so are marks,
// which say nothing about what stands beside them.
func (b *keyBuffer) split(key string) words {
	w := words{b.letters[:0], b.ends[:0]}
	start := 0
	end := func() {
		for len(w.letters) > start && isDigit(w.letters[len(w.letters)-1]) {
			w.letters = w.letters[:len(w.letters)-1]
		}
		if len(w.letters) > start {
			start = len(w.letters)
			w.ends = append(w.ends, start)
		}
	}
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c < 0x80 && !isAlnum(c) {
			end()
			if c == '[' {
				i += max(0, markLen(key[i:])-1)
			}
			continue
		}
		if isUpper(c) {
			if i > 0 && !isUpper(key[i-1]) || i+1 < len(key) && isLower(key[i+1]) {
				end()
			}
			c |= 0x20
		}
		w.letters = append(w.letters, c)
	}
	end()
	return w
}

// last returns the last part.
func (w words) last() []byte {
	switch n := len(w.ends); n {
	case 0:
		return nil
	case 1:
		return w.letters
	default:
		return w.letters[w.ends[n-2]:]
	}
}

// secretKind returns the kind of secret that key stands for, or "".
func (r *Redactor) secretKind(key string) string {
	var b keyBuffer
	return r.secretWords(b.split(key))
}

func (r *Redactor) secretWords(w words) string {
	if r.isExtra(w) {
		return "secret"
	}
	start := 0
	for _, end := range w.ends {
		kind := partKind(string(w.letters[start:end]), end == len(w.letters))
		for _, kw := range keyWordsBy[w.letters[end-1]] {
			if kind == "" && bytes.HasSuffix(w.letters[:end], []byte(kw.word)) {
				kind = kw.kind
			}
		}
		if kind != "" {
			if harmless[string(w.last())] {
				return ""
			}
			return kind
		}
		start = end
	}
	return ""
}

// tellingKind is secretKind, or kindWeak.
func (r *Redactor) tellingKind(key string) string {
	return r.plan().telling.kind(key, func(key string) string {
		var b keyBuffer
		w := b.split(key)
		if kind := r.secretWords(w); kind != "" {
			return kind
		}
		if w.isWeak() {
			return kindWeak
		}
		return ""
	})
}

// isExtra reports whether w ends in one of the configured keys.
func (r *Redactor) isExtra(w words) bool {
	var b keyBuffer
	for _, key := range r.Keys {
		x := b.split(key)
		before := len(w.letters) - len(x.letters)
		if len(x.letters) == 0 || !bytes.HasSuffix(w.letters, x.letters) {
			continue
		}
		if before == 0 || slices.Contains(w.ends, before) {
			return true
		}
	}
	return false
}

// kindOf returns what a value called key is replaced as, or "" if it may stay.
func (r *Redactor) kindOf(key string) string {
	var b keyBuffer
	w := b.split(key)
	if kind := r.secretWords(w); kind != "" {
		return kind
	}
	if w.isWeak() {
		return kindWeak
	}
	return personalKind(key, w)
}
