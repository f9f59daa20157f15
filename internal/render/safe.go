package render

import (
	"regexp"
	"strings"

	"github.com/spanticket/spanticket/redact"
)

// links are the URLs in a text, up to what no URL has in it.
var links = regexp.MustCompile("https?://[^\\s\"'`<>\\\\]+")

// Safe returns a text that is not the library's own as it may be stored, logged
// and shown: an error of a sink, an enricher or a store, or what one panicked
// with. It is redacted, and each URL in it as by [URL]: errors of net/http quote
// what they asked for. What cannot be seen goes, and what cannot be redacted is
// withheld as a whole.
func Safe(r *redact.Redactor, s string) string {
	if strings.Contains(s, "://") {
		s = links.ReplaceAllStringFunc(s, func(u string) string {
			link := strings.TrimRight(u, ".,;:!?)]}")
			switch clean := URL(r, link); clean {
			case escape(link):
				return u
			case "":
				return "[REDACTED:url]" + u[len(link):]
			default:
				return clean + u[len(link):]
			}
		})
	}
	if err := r.Document(&s); err != nil {
		return "[REDACTED:failed]"
	}
	return s
}
