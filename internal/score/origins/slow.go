package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
)

// slowness is how rules for slow operations are made of fault-free traffic.
//
// An operation is a service and the name of a span. One with at least Spans
// spans has a rule; a span of it is slow if it took longer than Factor times
// what a share of Usual of all took at most, and at least Floor longer. So many
// within Within make a ticket that one slow request is none.
type slowness struct {
	Spans  int
	Usual  float64
	Factor float64
	Floor  time.Duration
	Count  int
	Within time.Duration
}

type operation struct{ service, name string }

// rules returns the rules, in the order of services and names.
func (s slowness) rules(normal []sdktrace.ReadOnlySpan) []autoticket.Rule {
	took := map[operation][]time.Duration{}
	for _, sp := range normal {
		op := operation{serviceOf(sp), sp.Name()}
		took[op] = append(took[op], sp.EndTime().Sub(sp.StartTime()))
	}
	var ops []operation
	for op, times := range took {
		if len(times) >= s.Spans {
			ops = append(ops, op)
		}
	}
	slices.SortFunc(ops, func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.name, b.name))
	})
	var rules []autoticket.Rule
	for _, op := range ops {
		usual := quantile(took[op], s.Usual)
		limit := max(time.Duration(s.Factor*float64(usual)), usual+s.Floor)
		rules = append(rules, autoticket.Rule{
			Name: "slow " + op.service + " " + op.name,
			When: fmt.Sprintf(`resource.attributes["service.name"] == %s && span.name == %s && span.duration > duration("%dus")`,
				strconv.Quote(op.service), strconv.Quote(op.name), limit.Microseconds()),
			Threshold: correlate.Threshold{Count: int64(s.Count), Within: s.Within},
		})
	}
	return rules
}

// quantile returns the smallest time that a share of all does not exceed. It
// sorts times.
func quantile(times []time.Duration, share float64) time.Duration {
	slices.Sort(times)
	i := int(share * float64(len(times)))
	return times[min(i, len(times)-1)]
}

func serviceOf(sp sdktrace.ReadOnlySpan) string { return resourceText(sp, "service.name") }

func resourceText(sp sdktrace.ReadOnlySpan, key attribute.Key) string {
	v, _ := sp.Resource().Set().Value(key)
	return v.AsString()
}
