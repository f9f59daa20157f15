package coalesce

import (
	"slices"
	"strings"

	"github.com/spanticket/spanticket/correlate"
)

// maxCalls bounds the calls that a batch names.
const maxCalls = 4

// IsCall reports whether an occurrence is a call of another service, which may
// know better why it failed.
func IsCall(o *correlate.Occurrence) bool {
	return o.Kind == "CLIENT" && correlate.AttrString(o.Attributes, "db.system.name", "db.system", "messaging.system") == ""
}

func traceOf(c correlate.Call) string { return c.TraceID }

// Lowest adds to a list, in the order of trace IDs, of which only so many are
// kept. The last digits count, which are the random ones.
func Lowest[T any](list []T, most int, add T, trace func(T) string) []T {
	at, _ := slices.BinarySearchFunc(list, add, func(a, b T) int { return strings.Compare(digits(trace(a)), digits(trace(b))) })
	if at >= most {
		return list
	}
	list = slices.Insert(list, at, add)
	return list[:min(len(list), most)]
}

func digits(trace string) string { return trace[len(trace)/2:] }
