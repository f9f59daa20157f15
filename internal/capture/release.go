package capture

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/spanticket/spanticket/correlate"
)

// maxReleases bounds the versions of services whose requests are counted apart.
const maxReleases = 2048

// release is a version of a service, of which many processes may run.
type release struct {
	service    string
	resource   *resource.Resource // of one of its processes; nil if it is no one release
	operations map[string]*operation
	rest       *operation // all for which there is no room
}

// identity is what makes a release, as resources say it.
type identity struct{ namespace, service, environment, older, version string }

// origin is whose the spans of a resource are.
type origin struct {
	resource *resource.Resource
	release  *release
}

// releases are known by their resources and, because each process has one of its
// own, by what those have in common.
type releases struct {
	byResource map[attribute.Distinct]*origin
	byIdentity map[identity]*release
	known      []*release
}

func newReleases() releases {
	return releases{byResource: map[attribute.Distinct]*origin{}, byIdentity: map[identity]*release{}}
}

// from returns whose the spans of a resource are.
func (t *Traffic) from(r *resource.Resource) *origin {
	key := r.Equivalent()
	t.mu.RLock()
	o := t.releases.byResource[key]
	t.mu.RUnlock()
	if o != nil {
		return o
	}
	id := identityOf(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.releases.add(key, id, r)
}

// add adds a resource.
func (rs *releases) add(key attribute.Distinct, id identity, r *resource.Resource) *origin {
	if o := rs.byResource[key]; o != nil {
		return o
	}
	rel := rs.byIdentity[id]
	if rel == nil {
		if len(rs.known) >= maxReleases {
			id, r = identity{service: id.service}, nil // at least its shares are told
			rel = rs.byIdentity[id]
			if rel == nil && len(rs.known) >= 2*maxReleases {
				id = identity{}
				rel = rs.byIdentity[id]
			}
		}
		if rel == nil {
			rel = &release{service: id.service, resource: r, operations: map[string]*operation{}}
			rel.rest = &operation{release: rel}
			rs.byIdentity[id] = rel
			rs.known = append(rs.known, rel)
		}
	}
	if len(rs.byResource) >= maxOperations { // pods that are gone
		clear(rs.byResource)
	}
	o := &origin{r, rel}
	rs.byResource[key] = o
	return o
}

// identityOf returns what makes a resource's release.
func identityOf(r *resource.Resource) (id identity) {
	set := r.Set()
	for _, a := range []struct {
		key  attribute.Key
		into *string
	}{
		{"service.namespace", &id.namespace}, {"service.name", &id.service}, {"service.version", &id.version},
		{"deployment.environment.name", &id.environment}, {"deployment.environment", &id.older},
	} {
		if v, ok := set.Value(a.key); ok && v.Type() == attribute.STRING {
			*a.into = v.AsString()
		}
	}
	return id
}

// Release returns the scope of a resource, and its version.
func (c *Converter) Release(r *resource.Resource) (correlate.Scope, string) {
	p := c.process(r)
	return p.scope, correlate.AttrString(p.attrs, "service.version")
}
