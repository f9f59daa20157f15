package render

import (
	"fmt"
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// impact returns what a ticket says of whom and what the problem reaches.
func impact(i correlate.Impact) sinks.Impact {
	out := sinks.Impact{Others: i.Others, Traces: i.Traces.Count(), Users: i.Users.Count(), Share: sinks.Share(i.Share)}
	for _, a := range i.Operations {
		out.Operations = append(out.Operations, sinks.Affected{
			Service: a.Service, Operation: a.Operation, Count: a.Count, Share: sinks.Share(a.Share),
		})
	}
	return out
}

// reached reports whether a problem's impact has another service in it, so that
// more than this process is seen.
func reached(p correlate.Problem) bool {
	return slices.ContainsFunc(p.Impact.Operations, func(a correlate.Affected) bool { return a.Service != p.Scope.Service })
}

// continued says what the request of a sample continues in other traces.
func continued(s correlate.Sample) (out []sinks.Fact) {
	for _, l := range s.Links {
		out = append(out, sinks.Fact{Name: "continues", Value: fmt.Sprintf("trace %s, span %s", l.TraceID, l.SpanID)})
	}
	return out
}
