package celrule

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// maxResources is how many resources a set keeps indexes of. A process mostly
// has one; a replay has one for each service.
const maxResources = 64

// resources finds the indexes of a resource. What it holds is never changed
// but replaced, so that readers take no lock.
type resources struct {
	known    atomic.Pointer[knownResources]
	building sync.Mutex
}

type knownResources struct {
	newest    *resource.Resource // most spans are of one
	ofNewest  *indexes
	byPointer map[*resource.Resource]*indexes
	byContent map[attribute.Distinct]*indexes
}

// indexes are those of one resource, by status.
type indexes struct {
	resource *resource.Resource
	byStatus [3]*index // Unset, Error, Ok
}

// build makes the indexes of a resource, or of any if that is nil.
func (x *indexes) build(rules []*rule, res *resource.Resource) {
	x.resource = res
	attrs := res.Attributes()
	for code := range x.byStatus {
		x.byStatus[code] = newIndex(rules, func(s subject) (value, bool) {
			switch {
			case s.what == spanStatus:
				return textValue(StatusName(codes.Code(code))), true
			case s.what == resourceAttribute && res != nil:
				return s.of(attrs), true
			}
			return value{}, false
		})
	}
}

// indexOf returns the index of a span: that of its resource, if it is prepared,
// and otherwise the general one.
func (s *Set) indexOf(sp sdktrace.ReadOnlySpan, code codes.Code) *index {
	x := s.resources.find(sp.Resource())
	if x == nil {
		x = &s.general
	}
	if int(code) >= len(x.byStatus) {
		code = codes.Unset
	}
	return x.byStatus[code]
}

// Prepare drops the rules that can never match a span of the resource, and
// builds the index of the others, so that spans of this resource meet as few
// rules as possible from now on. It may be called at any time; what is prepared
// already costs a look.
func (s *Set) Prepare(res *resource.Resource) {
	if s.resources.find(res) == nil {
		s.resources.add(res, s.rules)
	}
}

// find returns the indexes of a resource, or nil.
func (r *resources) find(res *resource.Resource) *indexes {
	known := r.known.Load()
	switch {
	case known == nil:
		return nil
	case known.newest == res:
		return known.ofNewest
	}
	return known.byPointer[res]
}

// add builds the indexes of a resource, unless one of the same content has them.
func (r *resources) add(res *resource.Resource, rules []*rule) {
	r.building.Lock()
	defer r.building.Unlock()
	known := r.known.Load()
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
		x = new(indexes)
		x.build(rules, res)
		next.byContent[res.Equivalent()] = x
	}
	next.byPointer[res], next.ofNewest = x, x
	r.known.Store(next)
}
