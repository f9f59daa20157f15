package correlate

import (
	"net/netip"
	"net/url"
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
func appendDependency(dst []byte, o *Occurrence) ([]byte, bool, string) {
	begin := len(dst)
	dst, why := appendIdentity(dst, o)
	if len(dst) == begin {
		return dst, false, why
	}
	switch class, status := verdictOf(o); {
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
	address, ip := endpointOf(attrs, system)
	namespace := AttrString(attrs, "db.namespace", "db.name")
	if isNumber(namespace) {
		namespace = "" // of Redis, where every server has the same
	}
	switch {
	case system == "" || address == "" && namespace == "":
		namespace = ""
	case system != "":
		dst = append(append(dst, maskCut(system, maxIdentity)...), ' ')
	}
	switch {
	case address != "":
		dst = append(dst, address...)
		if namespace != "" {
			dst = append(dst, '/')
		}
	case namespace != "":
	case ip:
		return dst, onlyIP
	default:
		return dst, noIdentity
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

// endpointOf returns the host that was called, and the port unless it is the
// usual one. If only an IP address is known, it is reported instead.
func endpointOf(attrs []Attribute, system string) (endpoint string, ip bool) {
	host, port := AttrString(attrs, "server.address", "net.peer.name"), portOf(attrs)
	scheme := AttrString(attrs, "url.scheme", "http.scheme")
	if host == "" {
		// The target of a URL, or what HTTP was told to say.
		if u, err := url.Parse(maskCut(AttrString(attrs, "url.full", "http.url"), 2048)); err == nil && u.Host != "" {
			host, port, scheme = u.Hostname(), u.Port(), u.Scheme
		} else if h := AttrString(attrs, "http.host"); h != "" {
			host, port = splitPort(h)
		}
	} else if h, p := splitPort(host); p != "" {
		host, port = h, p
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	usual := usualPorts[system]
	if system == "" {
		usual = usualPorts[scheme]
	}
	switch {
	case host == "":
		host = AttrString(attrs, "network.peer.address", "net.sock.peer.addr", "net.peer.ip", "server.socket.address")
		return "", host != ""
	case len(host) > maxIdentity:
		return "", false
	case isLoopback(host): // a proxy beside the process: the port says to what
		if port == "" {
			port = usual
		}
		if port == "" {
			return "", true
		}
		return "localhost:" + port, false
	case isIP(host):
		return "", true
	case port == "" || port == usual:
		return host, false
	}
	return host + ":" + port, false
}

// usualPorts are those that instrumentations may leave out, by the system of a
// database or the scheme of a URL.
var usualPorts = map[string]string{
	"http": "80", "https": "443",
	"postgresql": "5432", "mysql": "3306", "mariadb": "3306", "redis": "6379", "mongodb": "27017", "cassandra": "9042", "memcached": "11211",
	"microsoft.sql_server": "1433", "mssql": "1433", "oracle.db": "1521", "oracle": "1521", "elasticsearch": "9200", "opensearch": "9200", "clickhouse": "9000",
}

func portOf(attrs []Attribute) string {
	for _, key := range []string{"server.port", "net.peer.port"} {
		if port := statusCode(Attr(attrs, key)); port != "" && port != "0" {
			return port
		}
	}
	return ""
}

// splitPort takes a port off a host. An IPv6 address without brackets has
// none.
func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || !isNumber(host[i+1:]) || strings.IndexByte(host, ':') != i && !strings.HasSuffix(host[:i], "]") {
		return host, ""
	}
	return host[:i], host[i+1:]
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// isIP reports whether a host is an IP address, or a name that is made of one:
// ip-10-0-3-17.ec2.internal, 10-0-3-17.shop.pod.cluster.local.
func isIP(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	label, _, _ := strings.Cut(host, ".")
	parts := strings.Split(label, "-")
	if len(parts) < 4 {
		return false
	}
	for _, part := range parts[len(parts)-4:] {
		if !isNumber(part) || len(part) > 3 {
			return false
		}
	}
	return true
}
