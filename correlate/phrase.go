package correlate

import "strings"

// phraseLimit bounds what is read of a message.
const phraseLimit = 4096

// answeredPhrases stand in messages of what was called and has refused, or was
// kept from answering by the request itself. They win over awayPhrases: a
// driver cannot connect to a database that has refused the password.
var answeredPhrases = []string{
	"lock wait", "waiting for lock", "lock request time", "lock timeout", "acquire lock", "acquiring lock", "deadlock",
	"statement timeout", "statement execution time", "query timeout", "query execution was interrupted",
	"authentication failed", "access denied", "permission denied", "not authorized", "unauthorized", "unauthenticated", "invalid password",
	"does not exist", "unknown database", "syntax error",
}

// awayPhrases stand in messages that tell that what was called is not
// available, in the words of the usual runtimes, drivers and proxies.
var awayPhrases = []string{
	// Connections.
	"connection refused", "connection reset", "connection closed", "connection was closed", "connection aborted", "connection lost",
	"connection failed", "connection failure", "connection terminated", "connection timeout", "connection is closed", "connection could not be",
	"connection error", "connection attempt failed", "connection unexpectedly closed", "closed the connection", "closed by the remote",
	"closed by remote", "closed by foreign host", "reset by peer", "forcibly closed", "conn closed", "terminating connection", "use of closed network connection",
	"broken pipe", "bad connection", "lost connection", "not connected", "socket hang up", "server has gone away", "server disconnected",
	"without response", "remote end closed", "prematurely closed", "eof occurred", "no route to host", "network is unreachable", "host is unreachable",
	"host is down", "host unreachable", "connect: no such file", "failed to connect", "could not connect", "cannot connect", "can't connect",
	"couldn't connect", "unable to connect", "error connecting", "failed to establish", "unable to establish", "could not establish", "cannot establish",
	"communications link failure", "network error", "network-related", "network failure", "fetch failed", "econnrefused", "econnreset", "econnaborted",
	"ehostunreach", "enetunreach", "epipe", "connecterror", "connectexception", "unexpected eof while reading", "connection prematurely",
	"goaway", "refused_stream", "transport is closing", "unreachable host",
	// Names.
	"no such host", "server misbehaving", "name resolution", "name or service not known", "nodename nor servname", "getaddrinfo", "enotfound", "eai_again",
	"could not resolve", "couldn't resolve", "cannot resolve", "failed to resolve", "unable to resolve", "unknown host", "unknownhost", "nxdomain",
	// TLS.
	"tls handshake", "ssl handshake", "handshake fail", "handshake error", "bad handshake", "tls: ", "x509: ", "certificate verify failed",
	"certificate has expired", "self-signed certificate", "self signed certificate", "ssl connect", "pkix path", "ssl_error",
	// Timeouts.
	"deadline exceeded", "deadline_exceeded", "deadlineexceeded", "timed out", "timed_out", "timedout", "time out waiting", "i/o timeout",
	"handshake timeout", "timeout awaiting", "timeout exceeded", "timeout expired", "timeout of ", "timeout after", "timeout while", "timeout waiting",
	"due to timeout", "request timeout", "gateway timeout", "gateway time-out", "connect timeout", "socket timeout", "read timeout", "write timeout",
	"response timeout", "pool timeout",
	// Pools and circuit breakers.
	"too many connections", "too many clients", "max number of clients", "max_user_connections", "remaining connection slots", "sorry, too many",
	"pool exhausted", "pool is exhausted", "pool limit", "pool is full", "exhausted pool", "pool empty", "no available connection", "connection is not available",
	"acquire connection", "acquire a connection", "acquire jdbc connection", "obtain jdbc connection", "get jdbc connection", "open jdbc connection",
	"get a connection", "obtain a connection",
	"circuit breaker", "circuitbreaker", "circuit is open", "circuit open", "short-circuited",
	// HTTP and gRPC, and the proxies before them.
	"service unavailable", "service temporarily unavailable", "service is unavailable", "server is unavailable", "temporarily overloaded", "server overloaded",
	"bad gateway", "no healthy upstream", "upstream connect error", "no available server", "statuscode.unavailable", "14 unavailable",
	"unavailable: io exception", "statusruntimeexception: unavailable",
	// Databases.
	"the database system is", "cannotconnectnow", "server selection", "no reachable servers", "no servers available", "no hosts available", "no host available",
	"nohostavailable", "all host(s) tried", "no connections were made", "no living connections", "clusterdown", "masterdown", "link with master is down",
	"redis is loading", "loading the dataset", "no listener", "ora-125", "ora-03113", "ora-03114", "ora-0103", "ora-12170",
	// Brokers.
	"broker not available", "brokers not available", "broker is not available", "broker unavailable", "out of available brokers", "no brokers available", "nobrokersavailable",
	"brokers are down", "broker transport failure", "broker connection", "broker down", "leader not available", "leader_not_available", "connection/channel is not open",
	"channel/connection is not open", "connection_forced", "connection-forced", "no responders available", "bootstrap broker",
}

// codePhrases stand before a code.
var codePhrases = map[string]func(string) (verdict, string){
	"sqlstate": judgeStateIn,
	"status":   judgeStatusIn,
	"code = ":  judgeCodeIn,
}

// phrase is one entry of the index of all phrases.
type phrase struct {
	text  string
	means verdict
	judge func(rest string) (verdict, string)
}

// phraseIndex holds all phrases by their first two letters, so that a message
// is gone over once.
var phraseIndex = func() (index [32 * 32][]phrase) {
	add := func(p phrase) {
		at := phraseSlot(p.text[0], p.text[1])
		index[at] = append(index[at], p)
	}
	for _, text := range answeredPhrases {
		add(phrase{text: text, means: verdictAnswered})
	}
	for _, text := range awayPhrases {
		add(phrase{text: text, means: verdictAway})
	}
	for text, judge := range codePhrases {
		add(phrase{text: text, judge: judge})
	}
	return index
}()

// phraseSlot does not tell cases apart; what it confuses otherwise is compared
// in full.
func phraseSlot(a, b byte) int { return int(a&31)<<5 | int(b&31) }

// judgeMessage judges what a message says of what was called. A code in it
// counts more than words.
func judgeMessage(message string) (verdict, string) {
	cut := message[:min(len(message), phraseLimit)]
	words := verdictNone
	for i := range max(len(cut)-1, 0) {
		for _, p := range phraseIndex[phraseSlot(cut[i], cut[i+1])] {
			if len(cut)-i < len(p.text) || !isLowerOf(p.text, cut[i:i+len(p.text)]) {
				continue
			}
			if p.judge != nil {
				if v, status := p.judge(cut[i+len(p.text):]); v != verdictNone {
					return v, status
				}
			} else if words != verdictAnswered {
				words = p.means
			}
		}
	}
	if words == verdictNone && len(cut) == len(message) && endsWithEOF(cut) {
		words = verdictAway
	}
	return words, ""
}

// endsWithEOF reports whether what Go says of a connection that ended stands
// last.
func endsWithEOF(message string) bool {
	rest, ok := strings.CutSuffix(message, "EOF")
	return ok && (rest == "" || strings.HasSuffix(rest, ": ") || strings.HasSuffix(rest, "unexpected "))
}

// isLowerOf reports whether s is lower, but for the case of ASCII letters.
func isLowerOf(lower, s string) bool {
	for i := range len(s) {
		if lowerASCII(s[i]) != lower[i] {
			return false
		}
	}
	return true
}

// judgeStateIn judges an SQLSTATE that stands next.
func judgeStateIn(rest string) (verdict, string) {
	rest = strings.TrimLeft(rest[:min(len(rest), 12)], " :=[('\"")
	if len(rest) < 5 || !isState(rest[:5]) {
		return verdictNone, ""
	}
	return judgeDatabase(rest[:5])
}

// judgeStatusIn judges a status of HTTP that stands next.
func judgeStatusIn(rest string) (verdict, string) {
	rest = rest[:min(len(rest), 16)]
	if len(rest) > 5 && (isLowerOf("code", rest[:4]) || isLowerOf(" code", rest[:5])) {
		rest = rest[strings.IndexAny(rest, "eE")+1:]
	}
	rest = strings.TrimLeft(rest, " :=")
	if len(rest) < 3 || len(rest) > 3 && isNumber(rest[3:4]) {
		return verdictNone, ""
	}
	v, _ := judgeHTTP(rest[:3])
	return v, rest[:3]
}

// judgeCodeIn judges a status of gRPC that stands next.
func judgeCodeIn(rest string) (verdict, string) {
	name, _, _ := strings.Cut(rest[:min(len(rest), 24)], " ")
	return judgeRPC(name)
}
