package celrule

import "strings"

// What a timeout is called. All is compared without regard to case; only the
// first maxMessage bytes of a message are looked at.
var (
	// timeoutTypes are what the name of a type ends with, apart from
	// timeoutEndings: context.deadlineExceededError, java.net.SocketTimeoutException,
	// socket.timeout, subprocess.TimeoutExpired, ETIMEDOUT, DEADLINE_EXCEEDED.
	timeoutTypes   = []string{"timeout", "timedout", "timed_out", "deadlineexceeded", "deadline_exceeded"}
	timeoutEndings = []string{"error", "exception", "expired", "cancellation"}

	// timeoutPhrases are what a message contains.
	timeoutPhrases = []string{
		"deadline exceeded", "deadline_exceeded", "deadlineexceeded", // Go, gRPC
		"timed out", "timed_out", "timedout", // Python, Java, JavaScript's ETIMEDOUT
		"i/o timeout", "handshake timeout", "timeout awaiting", // Go
		"timeout exceeded", "timeout expired", // Go's HTTP client, MySQL, SQL Server
		"timeout of ", "due to timeout", // JavaScript
		"statement timeout", "lock timeout", "query timeout", "query_wait_timeout", // PostgreSQL
		"maximum statement execution time exceeded", // MySQL
		"request timeout", "gateway timeout", "gateway time-out", // HTTP
		"connect timeout", "connection timeout", "socket timeout", "read timeout", "write timeout",
	}
	timeoutsByLetter = byLetter(timeoutPhrases)
)

const maxMessage = 4 << 10

// timedOut reports whether an exception is of a timeout or a deadline, by the
// last part of its type or by its message.
func timedOut(typ, message string) bool {
	return isTimeoutType(typ) || isTimeoutMessage(message)
}

func isTimeoutType(typ string) bool {
	typ = typ[strings.LastIndexAny(typ, `./\:$`)+1:]
	for stripped := true; stripped; {
		typ, stripped = trimAnySuffix(typ, timeoutEndings)
	}
	_, ok := trimAnySuffix(typ, timeoutTypes)
	return ok
}

// trimAnySuffix cuts off one of some lower-case endings.
func trimAnySuffix(s string, endings []string) (string, bool) {
	for _, ending := range endings {
		if at := len(s) - len(ending); at >= 0 && isLowerOf(ending, s[at:]) {
			return s[:at], true
		}
	}
	return s, false
}

func isTimeoutMessage(message string) bool {
	message = message[:min(len(message), maxMessage)]
	for i := range len(message) {
		letter := lowerByte(message[i]) - 'a'
		if int(letter) >= len(timeoutsByLetter) {
			continue
		}
		for _, phrase := range timeoutsByLetter[letter] {
			if len(message)-i >= len(phrase) && isLowerOf(phrase, message[i:i+len(phrase)]) {
				return true
			}
		}
	}
	return false
}

// byLetter groups phrases by what they begin with.
func byLetter(phrases []string) (groups ['z' - 'a' + 1][]string) {
	for _, phrase := range phrases {
		groups[phrase[0]-'a'] = append(groups[phrase[0]-'a'], phrase)
	}
	return groups
}
