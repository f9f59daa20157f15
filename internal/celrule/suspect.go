package celrule

import (
	"cel.dev/cel-go/common/types"

	"github.com/spanticket/spanticket/correlate"
)

// suspectsName is the one variable that is a list.
const suspectsName = "suspects"

// maxSuspects bounds those that an expression sees: more are never told.
const maxSuspects = 16

var suspectsType = types.NewListType(suspectClass.Type)

// suspectClasses are how sure it can be that a deployment is to blame, the surest
// first.
var suspectClasses = []string{"confirmed", "strong", "likely", "possible"}

var suspectClass = newClass("suspect", map[string]field{
	"service":     {types.StringType, "the service that was changed", func(o *object) any { return o.suspect().Scope.Service }},
	"namespace":   {types.StringType, `of that service; may be ""`, func(o *object) any { return o.suspect().Scope.Namespace }},
	"environment": {types.StringType, `where it was changed; may be ""`, func(o *object) any { return o.suspect().Scope.Environment }},
	"version":     {types.StringType, `that came; may be ""`, func(o *object) any { return o.suspect().Version }},
	"revision":    {types.StringType, `of its source; may be ""`, func(o *object) any { return o.suspect().Revision }},
	"id":          {types.StringType, `of the deployment; may be ""`, func(o *object) any { return o.suspect().ID }},
	"name":        {types.StringType, `of the deployment; may be ""`, func(o *object) any { return o.suspect().Name }},
	"by":          {types.StringType, `who deployed it; may be ""`, func(o *object) any { return o.suspect().By }},
	"changelog":   {types.StringType, `a URL; may be ""`, func(o *object) any { return o.suspect().Changelog }},
	"class":       {types.StringType, "how sure it is: `confirmed`, `strong`, `likely` or `possible`", func(o *object) any { return o.suspect().Class }},
	"distance":    {types.IntType, "calls from the service that fails to the one that was changed; 0 if it is the same", func(o *object) any { return o.suspect().Distance }},
	"time":        {types.TimestampType, "when the deployment began", func(o *object) any { return o.suspect().Time }},
	"delay":       {types.DurationType, "from then to the first failure", func(o *object) any { return o.suspect().Delay }},
	"ratio":       {types.DoubleType, "how many times as frequent failures became; 0 if that is not known", func(o *object) any { return o.suspect().Ratio }},
	"undone":      {types.BoolType, "whether it has been rolled back", func(o *object) any { return !o.suspect().Undone.IsZero() }},
})

func (o *object) suspect() *correlate.Suspect { return &o.view.problem.Suspects.Ranked[o.index] }

// suspects returns the deployments that are probably to blame for the problem,
// the surest first. There are none where nobody was asked.
func (v *view) suspects() any {
	out := make([]any, min(len(v.problem.Suspects.Ranked), maxSuspects))
	for i := range out {
		out[i] = &object{class: suspectClass, view: v, index: i}
	}
	return out
}
