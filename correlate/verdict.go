package correlate

import "strings"

// verdict is what a failed call says of what was called.
type verdict uint8

const (
	verdictNone     verdict = iota // nothing
	verdictAnswered                // it has refused: the call was wrong
	verdictFails                   // it has failed by itself
	verdictAway                    // it is not available
)

// verdictOf judges a failed call: by a status code that was recorded, else by
// what the messages say, else by the type of the error. With verdictFails it
// returns the status.
func verdictOf(o *Occurrence, said Exception) (verdict, string) {
	for _, source := range statusSources {
		for _, key := range source.keys {
			if v, status := source.judge(statusCode(Attr(o.Attributes, key))); v != verdictNone {
				return v, status
			}
		}
	}
	kind := AttrString(o.Attributes, "error.type")
	for _, judge := range []func(string) (verdict, string){judgeHTTP, judgeRPC} {
		if v, status := judge(kind); v != verdictNone {
			return v, status
		}
	}
	if isState(kind) || len(kind) > 3 && isNumber(kind) {
		if v, status := judgeDatabase(kind); v != verdictNone {
			return v, status
		}
	}
	for _, message := range []string{o.Exception.Message, said.Message, o.Message} {
		if v, status := judgeMessage(message); v != verdictNone {
			return v, status
		}
	}
	for _, typ := range []string{kind, o.Exception.Type, said.Type} {
		if isAwayType(typ) {
			return verdictAway, ""
		}
	}
	return verdictNone, ""
}

// judgeHTTP judges a status of HTTP. Those above 520 are of load balancers
// that found nobody to ask.
func judgeHTTP(code string) (verdict, string) {
	n, ok := parseNumber(code)
	switch {
	case !ok || len(code) != 3 || n < 400 || n > 599:
		return verdictNone, ""
	case n < 500:
		return verdictAnswered, ""
	}
	switch n {
	case 501, 505, 506, 510, 511: // of this request
		return verdictAnswered, ""
	case 502, 503, 504, 521, 522, 523, 524, 525, 526, 529, 530, 598, 599:
		return verdictAway, ""
	}
	return verdictFails, code
}

// judgeRPC judges a status of gRPC or Connect, a name or a number.
func judgeRPC(code string) (verdict, string) {
	switch name := rpcName(code); name {
	case "", "OK", "CANCELLED":
		return verdictNone, ""
	case "UNAVAILABLE", "DEADLINE_EXCEEDED":
		return verdictAway, ""
	case "INTERNAL", "UNKNOWN":
		return verdictFails, name
	default:
		return verdictAnswered, ""
	}
}

// judgeDatabase judges what a database has answered: an SQLSTATE, or a number
// or a word of its own.
func judgeDatabase(code string) (verdict, string) {
	switch code {
	case "", "0", "-1", "OK", "HY000", "_OTHER": // success, and what says nothing
		return verdictNone, ""
	case "500", "502", "503", "504": // what is spoken to by HTTP
		return judgeHTTP(code)
	case "1040", "1053", "1129", "1203", "2002", "2003", "2005", "2006", "2013", // MySQL
		"LOADING", "CLUSTERDOWN", "MASTERDOWN", // Redis
		"6", "7", "89", "91", "189", "9001", "10107", "11600", "13435", // MongoDB
		"1000", "1001", "1002", "1100", "1200", // Cassandra
		"-2", "10053", "10054", "10060", "10061", "40501", "40613", // SQL Server
		"ORA-01033", "ORA-01034", "ORA-03113", "ORA-03114", "ORA-12170", "ORA-12514", "ORA-12528", "ORA-12537", "ORA-12541", "ORA-12547", // Oracle
		"HYT01": // ODBC
		return verdictAway, ""
	}
	if len(code) == 5 {
		switch class := code[:2]; {
		case class == "00", class == "01", class == "02":
			return verdictNone, ""
		case class == "08", class == "53", code[:3] == "57P":
			return verdictAway, ""
		}
	}
	return verdictAnswered, ""
}

// isState reports whether a text is an SQLSTATE: five capitals and digits.
func isState(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c < 'A' || c > 'Z':
			return false
		}
	}
	return len(s) == 5 && digits > 0
}

// awayTypes are names of types, and codes of systems, of what is not
// available: the last part of the name, in lower case, without what stands
// between its words and without awayEndings.
var awayTypes = setOf(
	// Connections: Java, Python, JavaScript, .NET, and codes of POSIX.
	"connect", "connection", "secureconnection", "connectionrefused", "connectionreset", "connectionaborted", "connectionclosed", "connectionlost",
	"connectionfailed", "connectionpool", "brokenpipe", "socket", "eof", "closedchannel", "stacklessclosedchannel", "noroutetohost",
	"portunreachable", "econnrefused", "econnreset", "econnaborted", "epipe", "ehostunreach", "enetunreach", "ehostdown", "enetdown",
	"underrsocket", "remotedisconnected", "serverdisconnected", "clientconnector", "nohttpresponse", "connectionnotestablished",
	"newconnection", "maxretry", "communications",
	// Names.
	"dns", "unknownhost", "gai", "gaierror", "enotfound", "eaiagain", "nameresolution", "dnslookup", "herror",
	// TLS.
	"ssl", "sslhandshake", "sslpeerunverified", "sslcertverification", "certificateverification", "unknownauthority", "hostname", "certificateinvalid", "recordheader",
	// Pools and circuit breakers.
	"toomanyconnections", "poolexhausted", "connectionpoolexhausted", "circuitbreakeropen", "circuitopen", "circuitbreaker", "brokencircuit",
	"isolatedcircuit", "callnotpermitted",
	// Statuses.
	"serviceunavailable", "badgateway",
	// Databases.
	"sqltransientconnection", "sqlnontransientconnection", "cannotgetjdbcconnection", "jdbcconnection", "redisconnection", "jedisconnection",
	"nohostavailable", "allnodesfailed", "allserversunavailable", "mongonetwork", "mongoserverselection", "serverselection", "autoreconnect",
	"cannotconnectnow", "clusterdown", "busyloading", "nolivingconnections",
	// Brokers.
	"brokernotavailable", "brokersnotavailable", "nobrokersavailable", "brokerunreachable", "leadernotavailable", "kafkaconnection", "amqpconnection",
	"alreadyclosed", "nobrokers", "amqpconnectionclosed",
)

var awayEndings = []string{"error", "exception", "failure", "expired"}

func setOf(names ...string) map[string]struct{} {
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

// isAwayType reports whether the type of an error says that what was called is
// not available.
func isAwayType(typ string) bool {
	if strings.HasSuffix(typ, "net.OpError") {
		return true
	}
	typ = typ[strings.LastIndexAny(typ, `./\:$`)+1:]
	var buf [64]byte
	name := buf[:0]
	for i := 0; i < len(typ) && len(name) < len(buf); i++ {
		if c := typ[i]; c != '_' && c != '-' {
			name = append(name, lowerASCII(c))
		}
	}
	for range awayEndings {
		for _, ending := range awayEndings {
			if len(name) > len(ending) {
				name = trimSuffix(name, ending)
			}
		}
	}
	if _, ok := awayTypes[string(name)]; ok {
		return true
	}
	for _, ending := range []string{"timeout", "timedout", "deadlineexceeded"} {
		if n := len(name) - len(ending); n >= 0 && string(name[n:]) == ending {
			// To wait for a lock, or too long for a result, is the query's own.
			return !strings.HasSuffix(string(name[:n]), "lock") && !strings.HasSuffix(string(name[:n]), "lockwait") &&
				!strings.HasSuffix(string(name[:n]), "statement") && !strings.HasSuffix(string(name[:n]), "query")
		}
	}
	return false
}

func trimSuffix(s []byte, suffix string) []byte {
	if n := len(s) - len(suffix); n >= 0 && string(s[n:]) == suffix {
		return s[:n]
	}
	return s
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
