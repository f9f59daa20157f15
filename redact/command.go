package redact

import "strings"

// maxCommand is how far before a flag the program is looked for, in bytes.
const maxCommand = 160

// flags are those of one letter whose value is a secret, by program: in most
// others they mean something else. A value may hang on the letter where glued.
var flags = []struct {
	program string
	letter  byte
	glued   bool
}{
	{"mysql", 'p', true}, {"mysqldump", 'p', true}, {"mysqladmin", 'p', true}, {"mariadb", 'p', true}, {"mongo", 'p', false},
	{"mongosh", 'p', false}, {"mongodump", 'p', false}, {"mongorestore", 'p', false}, {"sshpass", 'p', true}, {"redis-cli", 'a', false},
	{"docker login", 'p', false}, {"podman login", 'p', false}, {"helm registry login", 'p', false}, {"az login", 'p', false},
	{"oc login", 'p', false}, {"sqlcmd", 'P', true}, {"bcp", 'P', true}, {"ldapsearch", 'w', false}, {"ldapmodify", 'w', false},
	{"ldapadd", 'w', false}, {"7z", 'p', true}, {"zip", 'P', false}, {"unzip", 'P', false}, {"plink", 'p', false}, {"putty", 'p', false},
	{"curl", 'u', true}, {"curl", 'U', true}, {"curl", 'b', false}, {"wget", 'u', false}, {"http", 'a', false}, {"https", 'a', false},
	{"cqlsh", 'p', false}, {"twine", 'p', false}, {"psexec", 'p', false}, {"useradd", 'p', false}, {"usermod", 'p', false}, {"impala-shell", 'p', false},
	{"openssl", 'k', false}, {"openssl", 'K', false}, {"ssh-keygen", 'N', false}, {"ssh-keygen", 'P', false}, {"ipmitool", 'P', false},
	{"snmpget", 'A', false}, {"snmpget", 'X', false}, {"snmpget", 'c', false}, {"snmpwalk", 'A', false}, {"snmpwalk", 'X', false}, {"snmpwalk", 'c', false},
	{"lftp", 'u', false}, {"schtasks", 'p', false},
	{"smbclient", 'U', false}, {"rpcclient", 'U', false}, {"mosquitto_pub", 'P', false}, {"mosquitto_sub", 'P', false}, {"kinit", 'w', false},
}

// shortFlag finds the value of a flag of one letter, at s[i], that a program on
// the same line takes a secret with: mysql -px, curl -u user:x.
func shortFlag(s string, i, floor int) (match, bool) {
	if i+2 >= len(s) || strings.IndexByte("paPwuUbkKNAXc", s[i+1]) < 0 {
		return match{}, false
	}
	letter, v := s[i+1], i+2
	line := s[max(floor, i-maxCommand):i]
	if n := strings.LastIndexAny(line, "\n;|"); n >= 0 {
		line = line[n+1:]
	}
	blank := isBlank(s[v])
	if isQuote(s[v]) && i > 0 && s[i-1] == s[v] { // ["-p", "x"]
		if next := nextElement(s, v+1); next > 0 {
			v, blank = next, true
		}
	}
	v = skip(s, v, isBlank)
	if v == len(s) || s[v] == '\n' || s[v] == '-' {
		return match{}, false
	}
	for _, f := range flags {
		if f.letter != letter || !blank && !f.glued || !runs(line, f.program) {
			continue
		}
		m, ok := valueAt(s, v, key{kind: "password", assign: true})
		if !ok || s[m.from:m.to] == m.with || letter != 'u' && letter != 'U' && !strings.HasPrefix(f.program, "http") {
			return m, ok
		}
		signs := ":%"
		if f.program == "lftp" {
			signs = ","
		}
		return behindUser(s, m, signs)
	}
	return match{}, false
}

// behindUser leaves the user of user:password, or of Samba's user%password.
func behindUser(s string, m match, signs string) (match, bool) {
	i := m.from
	for i < m.to && strings.IndexByte(signs, s[i]) < 0 {
		i += max(1, markLen(s[i:]))
	}
	if i++; i >= m.to {
		return match{}, false
	}
	m.from = i
	if old := s[m.from:m.to]; markLen(old) == len(old) {
		m.with = old
	}
	return m, true
}

// loginFlag finds the password of curl's --user name:password, at s[i].
func loginFlag(s string, i, floor int) (match, bool) {
	for _, flag := range []string{"--user", "--proxy-user"} {
		v := i + len(flag)
		if !strings.HasPrefix(s[i:], flag) || v >= len(s) || s[v] != ' ' && s[v] != '=' {
			continue
		}
		line := s[max(floor, i-maxCommand):i]
		if n := strings.LastIndexAny(line, "\n;|"); n >= 0 {
			line = line[n+1:]
		}
		if !runs(line, "curl") {
			return match{}, false
		}
		m, ok := valueAt(s, skip(s, v+1, isBlank), key{kind: "password", assign: true})
		if !ok || s[m.from:m.to] == m.with {
			return m, ok
		}
		return behindUser(s, m, ":")
	}
	return match{}, false
}

// nextElement returns where the next element of a list of quoted texts begins,
// its quote included, behind the one that ends at s[i], or 0.
func nextElement(s string, i int) int {
	n := skip(s, i, isBlank)
	if n < len(s) && s[n] == ',' {
		n = skip(s, n+1, isBlank)
	}
	if n == i || n == len(s) || !isQuote(s[n]) {
		return 0
	}
	return n
}

// longFlags are those whose value is a secret though their name is no key, or
// whose value is a user and a secret.
var longFlags = map[string]byte{
	"storepass": 0, "keypass": 0, "srcstorepass": 0, "deststorepass": 0, "srckeypass": 0, "destkeypass": 0, "rp": 0, "oauth2-bearer": 0,
	"user": ':', "proxy-user": ':',
}

// longFlag finds the value at s[v] of a flag of longFlags.
func longFlag(s string, name string, v int, line string) (match, bool) {
	sign, ok := longFlags[name]
	if !ok || name == "rp" && !runs(line, "schtasks") || sign != 0 && !runs(line, "curl") {
		return match{}, false
	}
	m, ok := valueAt(s, v, key{kind: "password", assign: true})
	if !ok || sign == 0 || s[m.from:m.to] == m.with {
		return m, ok
	}
	return behindUser(s, m, string(rune(sign)))
}

// runs reports whether a program is called on the line before s ends.
func runs(line, program string) bool {
	for from := 0; ; {
		n := strings.Index(line[from:], program)
		if n < 0 {
			return false
		}
		n += from
		end := n + len(program)
		if (n == 0 || !isWord(line[n-1]) && line[n-1] != '.') && (end == len(line) || isSpace(line[end]) || isQuote(line[end]) || line[end] == ',') {
			return true
		}
		from = end
	}
}
