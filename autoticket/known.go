package autoticket

import (
	"slices"
	"sync"

	"go.opentelemetry.io/otel/sdk/resource"
)

// resources remembers the resources of the engine's providers, so that the rules
// are ready for their spans. It is safe for concurrent use.
type resources struct {
	mu   sync.Mutex
	list []*resource.Resource
}

// maxResources bounds what is remembered: a program has a provider, or a few.
const maxResources = 64

func (rs *resources) add(r *resource.Resource) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if len(rs.list) < maxResources && !slices.Contains(rs.list, r) {
		rs.list = append(rs.list, r)
	}
}

func (rs *resources) all() []*resource.Resource {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Clone(rs.list)
}
