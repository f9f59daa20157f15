package autoticket

import (
	"time"

	"github.com/spanticket/spanticket/correlate/deployment"
)

// Deployments says how an engine finds out which deployment is to blame for a problem. Its
// zero value works: the engine learns from the resources of its processes, from spans
// that announce a deployment, and from what others have put into the store, such as a
// [deployment.Handler] on a [deployment.Tracker] of the same store. See
// docs/deployments.md.
type Deployments struct {
	// Off says that nothing is to be learnt, stored or told of deployments.
	Off bool
	// Window is how long before the first failure a change may have been made. Defaults
	// to two hours; at most a day.
	Window time.Duration
	// Rates tells how operations fared before a change and after it. If it is a
	// [deployment.Fetcher], what will be asked is fetched before. Defaults to what the
	// engines that share the store have counted.
	Rates deployment.Rates
	// Graph has what is known by hand of who depends on whom. The engine adds what it sees, and
	// shares it by the store. Defaults to an empty one.
	Graph *deployment.Graph
}

// maxWindow bounds Deployments.Window.
const maxWindow = 24 * time.Hour
