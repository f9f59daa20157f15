package celrule

import (
	"maps"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
)

// maxResources is how many resources a set keeps indexes of. A process mostly
// has one; a replay has one for each service.
const maxResources = 64

// resources finds the indexes of a resource. What it holds is never changed
// but replaced, so that readers take no lock.
type resources struct {
	known atomic.Pointer[knownResources]
}

type knownResources struct {
	newest    *resource.Resource // most spans are of one
	ofNewest  *indexes
	byPointer map[*resource.Resource]*indexes
	byContent map[attribute.Distinct]*indexes
}

// indexes are those of one resource, by status, made when a span asks.
type indexes struct {
	resource *resource.Resource
	byStatus [3]atomic.Pointer[index] // Unset, Error, Ok
}

// of returns the indexes of a resource.
func (r *resources) of(res *resource.Resource) *indexes {
	known := r.known.Load()
	if known != nil {
		if known.newest == res {
			return known.ofNewest
		}
		if x := known.byPointer[res]; x != nil {
			return x
		}
	}
	return r.add(known, res)
}

func (r *resources) add(known *knownResources, res *resource.Resource) *indexes {
	next := &knownResources{newest: res}
	if known != nil {
		next.byPointer, next.byContent = maps.Clone(known.byPointer), maps.Clone(known.byContent)
	}
	if len(next.byPointer) == 0 || len(next.byPointer) >= maxResources {
		next.byPointer = make(map[*resource.Resource]*indexes)
	}
	if len(next.byContent) == 0 || len(next.byContent) >= maxResources {
		next.byContent = make(map[attribute.Distinct]*indexes)
	}
	x := next.byContent[res.Equivalent()]
	if x == nil || !x.resource.Equal(res) {
		x = &indexes{resource: res}
		next.byContent[res.Equivalent()] = x
	}
	next.byPointer[res], next.ofNewest = x, x
	// If another goroutine was faster this one's work is lost, and done again
	// for the next span.
	r.known.CompareAndSwap(known, next)
	return x
}

// of returns the index of a status.
func (x *indexes) of(code codes.Code, rules []*rule) *index {
	if int(code) >= len(x.byStatus) {
		code = codes.Unset
	}
	if i := x.byStatus[code].Load(); i != nil {
		return i
	}
	attrs := x.resource.Attributes()
	i := newIndex(rules, func(s subject) (value, bool) {
		switch s.what {
		case spanStatus:
			return textValue(StatusName(code)), true
		case resourceAttribute:
			return s.of(attrs), true
		}
		return value{}, false
	})
	x.byStatus[code].CompareAndSwap(nil, i)
	return x.byStatus[code].Load()
}
