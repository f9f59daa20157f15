package correlate

// maskHump returns the length of the first word of a name in camel case. s
// begins with a letter.
func maskHump(s string) int {
	n := 1
	if maskBits[s[0]]&maskUpper != 0 {
		for n < len(s) && maskBits[s[n]]&maskUpper != 0 {
			n++
		}
		if n > 1 {
			// The last capital of a row begins the next word: HTTPServer.
			if n < len(s) && maskBits[s[n]]&maskLower != 0 {
				n--
			}
			if n > 1 || maskBits[s[n]]&maskUpper != 0 {
				return n
			}
		}
	}
	for n < len(s) && maskBits[s[n]]&maskLower != 0 {
		n++
	}
	return n
}

func maskAppendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if maskBits[c]&maskUpper != 0 {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// maskHead returns the last word of a name, in lower case: what the name is a
// name of. It is kept in buf.
func maskHead(buf []byte, name string) []byte {
	n := min(maskTail(name), cap(buf))
	return maskAppendLower(buf[:0], name[len(name)-n:])
}

// maskTail returns the length of the last word of a name.
func maskTail(name string) int {
	i := len(name)
	for i > 0 {
		bits := maskBits[name[i-1]]
		if bits&(maskLower|maskUpper) == 0 {
			break
		}
		i--
		if bits&maskUpper != 0 && (i == 0 || maskBits[name[i-1]]&maskUpper == 0) {
			break
		}
	}
	return len(name) - i
}

// maskTells reports whether what follows a key tells what happened, so that
// it is read as text.
func maskTells(key string) bool {
	var buf [16]byte
	switch string(maskHead(buf[:], key)) {
	case "error", "errors", "err", "exception", "cause", "causes", "reason", "message", "msg", "desc", "description",
		"detail", "details", "failed", "failure", "fatal", "panic", "warning", "warn", "by", "status", "state", "code",
		"errno", "sqlstate", "sqlcode", "phase", "severity", "level", "title", "text":
		return true
	}
	return false
}

// maskNames reports whether a key says that its value is a name or a number,
// whatever it looks like.
func maskNames(key string) bool {
	var buf [16]byte
	switch string(maskHead(buf[:], key)) {
	case "id", "ids", "name", "names", "user", "users", "username", "host", "hosts", "hostname", "key", "keys", "file", "files", "filename",
		"path", "paths", "dir", "directory", "folder", "url", "uri", "addr", "address", "email", "number", "num", "no", "token", "password",
		"topic", "queue", "table", "column", "field", "bucket", "pod", "node", "account", "customer", "tenant", "city", "country", "date", "time":
		return true
	}
	return false
}

func maskIsNull(w string) bool {
	switch w {
	case "null", "nil", "none", "None", "NULL", "undefined", "NaN", "true", "false", "True", "False":
		return true
	}
	return false
}

// maskIsUnit reports whether w may follow a number as its unit, or a time as
// its zone.
func maskIsUnit(w string) bool {
	switch w {
	case "ns", "us", "ms", "s", "m", "h", "d", "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes",
		"hour", "hours", "hr", "hrs", "day", "days", "week", "weeks", "millis", "milliseconds", "millisecond", "microseconds", "nanoseconds",
		"b", "B", "kb", "KB", "kB", "mb", "MB", "gb", "GB", "tb", "TB", "KiB", "MiB", "GiB", "TiB", "byte", "bytes", "Bytes", "K", "M", "G", "T",
		"AM", "PM", "am", "pm", "UTC", "GMT", "CST", "CDT", "EST", "EDT", "MST", "MDT", "PST", "PDT", "CET", "CEST", "BST", "IST", "JST", "KST", "Z", "%":
		return true
	}
	return false
}

func maskIsCalendar(w string) bool {
	switch w {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "January", "February", "March", "April",
		"June", "July", "August", "September", "October", "November", "December":
		return true
	}
	return false
}

// maskIsFile reports whether the last part of a dotted name makes it a file or
// a host.
func maskIsFile(ext string) bool {
	switch ext {
	case "yaml", "yml", "json", "txt", "log", "csv", "xml", "html", "htm", "js", "ts", "css", "png", "jpg", "jpeg", "gif", "svg", "pdf", "conf", "cfg",
		"ini", "tmp", "bak", "gz", "zip", "tar", "tgz", "jar", "war", "so", "dll", "exe", "sh", "db", "sql", "pem", "crt", "cer", "dat", "bin", "go", "java",
		"py", "rb", "php", "cpp", "lock", "sock", "pid", "properties", "toml", "parquet", "avro", "docx", "xlsx", "doc", "xls",
		"com", "net", "org", "io", "dev", "local", "internal", "lan", "cloud", "svc", "localdomain", "edu", "gov":
		return true
	}
	return false
}

// maskIsTechnique reports whether a word with digits is the name of a
// protocol, format or algorithm.
func maskIsTechnique(w string) bool {
	var buf [16]byte
	switch string(maskAppendLower(buf[:0], w)) {
	case "http2", "http3", "http/1.0", "http/1.1", "http/2", "http/2.0", "http/3", "h2", "h2c", "h3", "tls1.0", "tls1.1", "tls1.2", "tls1.3",
		"tlsv1", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3", "sslv2", "sslv3", "ssl3", "ipv4", "ipv6", "tcp4", "tcp6", "udp4", "udp6", "x509", "x.509", "oauth2", "oauth2.0",
		"utf8", "utf-8", "utf16", "utf-16", "iso-8859-1", "latin1", "base64", "base32", "sha1", "sha-1", "sha224", "sha256", "sha-256", "sha384", "sha512", "md5",
		"aes128", "aes256", "ed25519", "es256", "rs256", "hs256", "rsa2048", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
		"float32", "float64", "x86", "x86_64", "amd64", "arm64", "i386", "win32", "s3", "ec2", "k8s", "db2", "neo4j", "log4j", "log4j2", "slf4j", "web3", "e2e", "i18n",
		"p50", "p90", "p95", "p99", "v1", "v2", "v3", "v4", "mp3", "mp4", "h264", "2fa", "oauth1", "lz4", "bzip2", "inode64", "bech32", "j2ee", "c3p0":
		return true
	}
	return false
}
