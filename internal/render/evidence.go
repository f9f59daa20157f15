package render

import (
	"strings"
	"unicode/utf8"
)

// hidden are attributes that never go on a ticket, which more people read, and
// for longer, than the traces it was made from. See the semantic conventions'
// notes on sensitive data; what else is secret the redactor finds.
var hidden = []string{
	"http.request.header.", "http.response.header.", "rpc.request.metadata.", "rpc.response.metadata.",
	"http.request.body", "http.response.body", "db.query.parameter.", "messaging.message.body",
	"process.command", "process.environment", "url.original", "url.query", "graphql.document",
	"gen_ai.", "exception.", "error.type", // what went wrong has a place of its own
}

// maxEvidence bounds the value of an attribute on a ticket, in bytes.
const maxEvidence = 1 << 10

// evidence returns the attributes that are shown on a ticket.
func evidence(attrs map[string]string) map[string]string {
	out := make(map[string]string, len(attrs))
next:
	for k, v := range attrs {
		for _, h := range hidden {
			if strings.HasPrefix(k, h) {
				continue next
			}
		}
		out[k] = Clip(v, maxEvidence)
	}
	return out
}

// Clip cuts s to at most n bytes, on the boundary of a character.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// line makes s one line.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }
