package correlate

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
)

// What is said of the dependency component.
const (
	noCall      = "not used: no call of something else"
	noIdentity  = "not used: what was called is not named"
	onlyIP      = "not used: of what was called only an IP address is known, and the next replica has another"
	noProcess   = "not used: a consumer that got its message: what failed is its own work"
	answered    = "not used: what was called has answered: what is wrong is the operation"
	noSign      = "not used: nothing says that what was called is not available"
	isAway      = "what was called is not available: one problem, whatever was calling it"
	isFailing   = "what was called fails by itself: one problem, whatever was calling it"
	away        = " is not available"
	fails       = " fails with status "
	maxIdentity = 256
)

// appendDependency appends what was called and what is wrong with it, if it
// says why the occurrence failed: it is not available, or it fails by itself.
// What it has refused is a problem of the operation that asked.
func appendDependency(dst []byte, o *Occurrence, said Exception) ([]byte, bool, string) {
	begin := len(dst)
	dst, why := appendIdentity(dst, o)
	if len(dst) == begin {
		return dst, false, why
	}
	switch class, status := verdictOf(o, said); {
	case class == verdictAway:
		return append(dst, away...), true, isAway
	case class == verdictFails && o.Kind != "CONSUMER":
		return append(append(dst, fails...), status...), true, isFailing
	case class == verdictAnswered:
		return dst, false, answered
	}
	return dst, false, noSign
}

// appendIdentity appends the name of what was called. If there is none that
// stays, it says why.
func appendIdentity(dst []byte, o *Occurrence) ([]byte, string) {
	attrs := o.Attributes
	system := AttrString(attrs, "db.system.name", "db.system")
	peer := AttrString(attrs, "service.peer.name", "peer.service")
	switch o.Kind {
	case "CLIENT", "PRODUCER":
	case "CONSUMER":
		if !receives(attrs) {
			return dst, noProcess
		}
	case "INTERNAL", "": // its own address may stand on it, but not these
		if system == "" && peer == "" {
			return dst, noCall
		}
	default:
		return dst, noCall
	}

	if peer != "" {
		if namespace := AttrString(attrs, "service.peer.namespace"); namespace != "" {
			dst = append(append(dst, maskCut(namespace, maxIdentity)...), '/')
		}
		return append(dst, maskCut(peer, maxIdentity)...), ""
	}
	if queue := destination(attrs); queue != "" {
		if broker := AttrString(attrs, "messaging.system"); broker != "" {
			dst = append(append(dst, maskCut(broker, maxIdentity)...), ' ')
		}
		return appendOperation(dst, maskCut(queue, maxIdentity)), ""
	}
	namespace := AttrString(attrs, "db.namespace", "db.name")
	if system == "" || isNumber(namespace) {
		namespace = "" // of Redis, where every server has the same
	}
	begin := len(dst)
	if system != "" {
		dst = append(append(dst, maskCut(system, maxIdentity)...), ' ')
	}
	named := len(dst)
	dst, ip := appendEndpoint(dst, attrs, system)
	switch {
	case namespace == "" && len(dst) > named:
		return dst, ""
	case namespace == "" && ip:
		return dst[:begin], onlyIP
	case namespace == "":
		return dst[:begin], noIdentity
	case len(dst) > named:
		dst = append(dst, '/')
	}
	return appendOperation(dst, maskCut(namespace, maxIdentity)), "" // there may be one for each tenant
}

// receives reports whether a consumer was asking its broker for messages, and
// was not at work on one: its failure is not the broker's then.
func receives(attrs []Attribute) bool {
	switch AttrString(attrs, "messaging.operation.type", "messaging.operation", "messaging.operation.name") {
	case "receive", "settle", "poll", "ack", "nack", "commit", "fetch", "subscribe":
		return true
	}
	return false
}

// destination returns the queue or topic that was called, unless it was made
// for one process.
func destination(attrs []Attribute) string {
	for _, key := range []string{"messaging.destination.temporary", "messaging.destination.anonymous", "messaging.temp_destination"} {
		if Attr(attrs, key) == true {
			return ""
		}
	}
	return AttrString(attrs, "messaging.destination.template", "messaging.destination.name", "messaging.destination")
}

// appendEndpoint appends the host that was called, and the port unless it is
// the usual one. If only an IP address is known, it says so instead.
func appendEndpoint(dst []byte, attrs []Attribute, system string) (_ []byte, ip bool) {
	host, port := AttrString(attrs, "server.address", "net.peer.name"), portOf(attrs)
	scheme := cmp.Or(system, AttrString(attrs, "url.scheme", "http.scheme"))
	if host == "" {
		// The target of a URL, or what HTTP was told to ask for.
		port = 0
		if s, authority := cutURL(AttrString(attrs, "url.full", "http.url")); authority != "" {
			scheme, host = s, authority
		} else {
			host = AttrString(attrs, "http.host")
		}
	}
	if h, p := splitPort(host); p != 0 {
		host, port = h, p
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	switch ip, loopback := isAddress(host); {
	case host == "":
		return dst, AttrString(attrs, "network.peer.address", "net.sock.peer.addr", "net.peer.ip", "server.socket.address") != ""
	case len(host) > maxIdentity:
		return dst, false
	case loopback, strings.EqualFold(host, "localhost"): // a proxy beside the process: the port says to what
		if port = cmp.Or(port, usualPorts[scheme]); port == 0 {
			return dst, true
		}
		dst = append(dst, "localhost"...)
	case ip, isAddressName(host):
		return dst, true
	default:
		for i := range len(host) {
			dst = append(dst, lowerASCII(host[i]))
		}
		if port == 0 || port == usualPorts[scheme] {
			return dst, false
		}
	}
	return strconv.AppendInt(append(dst, ':'), port, 10), false
}

// usualPorts are those that instrumentations may leave out, by the system of a
// database or the scheme of a URL.
var usualPorts = map[string]int64{
	"http": 80, "https": 443,
	"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "mongodb": 27017, "cassandra": 9042, "memcached": 11211,
	"microsoft.sql_server": 1433, "mssql": 1433, "oracle.db": 1521, "oracle": 1521, "elasticsearch": 9200, "opensearch": 9200, "clickhouse": 9000,
}

// portOf returns the port that was recorded, or 0.
func portOf(attrs []Attribute) int64 {
	for _, key := range []string{"server.port", "net.peer.port"} {
		switch v := Attr(attrs, key).(type) {
		case int64:
			return v
		case string:
			if n, ok := parseNumber(v); ok {
				return n
			}
		}
	}
	return 0
}

// cutURL returns the scheme of a URL, and the host with its port.
func cutURL(url string) (scheme, authority string) {
	scheme, rest, ok := strings.Cut(maskCut(url, 2048), "://")
	if !ok {
		return "", ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return scheme, rest[strings.LastIndexByte(rest, '@')+1:]
}

// splitPort takes a port off a host. An IPv6 address without brackets has
// none.
func splitPort(host string) (name string, port int64) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host, ':') != i && !strings.HasSuffix(host[:i], "]") {
		return host, 0
	}
	n, ok := parseNumber(host[i+1:])
	if !ok {
		return host, 0
	}
	return host[:i], n
}

// isAddress reports whether a host is an IP address, and one of this machine.
func isAddress(host string) (ip, loopback bool) {
	for i := range len(host) {
		if c := host[i]; c == ':' || c == '.' && isNumber(host[:i]) {
			addr, err := netip.ParseAddr(host)
			return err == nil, err == nil && addr.IsLoopback()
		}
	}
	return false, false
}

// isAddressName reports whether the name of a host is made of an IP address:
// ip-10-0-3-17.ec2.internal, 10-0-3-17.shop.pod.cluster.local.
func isAddressName(host string) bool {
	label, _, _ := strings.Cut(host, ".")
	for range 4 {
		i := strings.LastIndexByte(label, '-')
		if part := label[i+1:]; !isNumber(part) || len(part) > 3 {
			return false
		}
		label = label[:max(i, 0)]
	}
	return true
}
