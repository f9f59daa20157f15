package redact

import "strings"

// positional are commands of which one argument is a secret: the first, the second
// and so on behind the words.
var positional = []struct {
	words    string
	argument int
}{
	{"rabbitmqctl add_user ", 2}, {"rabbitmqctl change_password ", 2}, {"rabbitmqctl authenticate_user ", 2}, {"htpasswd -b ", 3},
	{"htpasswd -cb ", 3}, {"htpasswd -bc ", 3}, {"htpasswd -nb ", 2}, {"htpasswd -nbB ", 2}, {"wpa_passphrase ", 2}, {"vault login ", 1}, {"net user ", 2},
	{"composer config http-basic.", 3}, {"runas /user:", 2}, {"snmp-server community ", 1},
	{"aws ssm put-parameter --name ", 3}, {"ACL SETUSER ", 3}, {"ldap_bind: ", 2},
}

// positionalArgument finds the argument that is a secret of the command at s[at].
func positionalArgument(x *scanner, at int) (match, bool) {
	s := x.s
	if at > 0 && isWord(s[at-1]) {
		return match{}, false
	}
	for _, c := range positional {
		if !strings.HasPrefix(s[at:], c.words) {
			continue
		}
		i := at + len(c.words)
		for n := 1; ; n++ {
			for i < len(s) && isBlank(s[i]) {
				i++
			}
			if i == len(s) || s[i] == '\n' || s[i] == '\\' || n == 1 && s[i] == '-' {
				return match{}, false
			}
			from := i
			m, ok := valueAt(s, i, key{kind: "password", assign: true})
			if i = skip(s, i, func(c byte) bool { return !isSpace(c) }); ok && m.from > from {
				i = max(i, m.to+1) // behind the quote
			}
			if n < c.argument {
				continue
			}
			if !ok || s[m.from:m.to] == m.with || s[from] == '/' || s[from] == '-' || s[from] == '*' {
				return match{}, false
			}
			return m, true
		}
	}
	return match{}, false
}

// pipes are commands that read a secret from what echo prints.
var pipes = []string{"| sudo -S", "|sudo -S", "| docker login", "| chpasswd", "| passwd", "| gpg --passphrase-fd", "| helm registry login", "| cryptsetup",
	"| podman login", "| oc login", "| kinit"}

// piped finds what echo prints before a pipe at s[at] that leads to a command that
// reads a secret.
func piped(x *scanner, at int) (match, bool) {
	const reach = 512
	s := x.s
	begin := max(x.floor, at-reach)
	line := begin + strings.LastIndexByte(s[begin:at], '\n') + 1
	n := strings.LastIndex(s[line:at], "echo ")
	if n < 0 {
		return match{}, false
	}
	v := skip(s, line+n+len("echo "), isBlank)
	for strings.HasPrefix(s[v:], "-") && v < at {
		v = skip(s, skip(s, v, func(c byte) bool { return !isSpace(c) }), isBlank)
	}
	m, ok := valueAt(s, v, key{kind: "password", assign: true})
	return m, ok && m.to <= at && s[m.from:m.to] != m.with
}

// userPassword finds the password of user/password@database behind a word.
func userPassword(x *scanner, at, end int) (from, to int) {
	s := x.s
	if at > 0 && isWord(s[at-1]) {
		return 0, 0
	}
	i := end
	for strings.HasPrefix(s[i:], "-") {
		i = skip(s, skip(s, i, func(c byte) bool { return !isSpace(c) }), isBlank)
	}
	word := s[i:min(skip(s, i, func(c byte) bool { return !isSpace(c) && !isQuote(c) }), i+maxAuthority)]
	slash := strings.IndexByte(word, '/')
	at = strings.LastIndexByte(word, '@')
	if slash <= 0 || at <= slash+1 {
		return 0, 0
	}
	if old := word[slash+1 : at]; markLen(old) == len(old) || isPlaceholder(old) {
		return 0, 0
	}
	return i + slash + 1, i + at
}
