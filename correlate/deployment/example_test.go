package deployment_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
)

// counted is what was counted of an operation: before noon one call in a thousand
// failed, and since then one in four.
type counted struct{ noon time.Time }

func (c counted) Count(q deployment.Query) (deployment.Count, bool) {
	var n deployment.Count
	for t := q.From.Truncate(time.Minute); t.Before(q.To); t = t.Add(time.Minute) {
		n.Total += 100
		if !t.Before(c.noon) {
			n.Failed += 25
		} else if t.Minute()%10 == 0 {
			n.Failed++
		}
	}
	return n, q.Version == "" || q.Version == "2.4.1"
}

func ExampleSuspects() {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	payment := correlate.Scope{Namespace: "shop", Service: "payment", Environment: "production"}
	history := deployment.NewHistory(
		deployment.Deployment{Scope: payment, Version: "2.4.0", Time: noon.AddDate(0, 0, -3), Status: deployment.Succeeded},
		deployment.Deployment{Scope: payment, Version: "2.4.1", Time: noon, Status: deployment.Started, By: "mara"},
	)
	problem := deployment.Case{Scope: payment, Operation: "POST /charge", First: noon.Add(40 * time.Second), Failing: []string{"2.4.1"}}

	verdict := deployment.Suspects(problem, history, nil, counted{noon}, noon.Add(20*time.Minute))
	for _, s := range verdict.Suspects {
		fmt.Println(s.Class, s.Deployment, "by", s.Deployment.By)
		for _, e := range s.Evidence {
			fmt.Println("-", e.Text)
		}
	}

	problem.Failing = []string{"2.4.0"}
	verdict = deployment.Suspects(problem, history, nil, counted{noon}, noon.Add(20*time.Minute))
	fmt.Println(len(verdict.Suspects), verdict.Reason.Text())
	// Output:
	// strong shop/payment@production 2.4.1 by mara
	// - the first failure came 40 s after the change
	// - 2 of 2,000 (0.1 %) calls failed in the 20 min before, and 500 of 2,000 (25 %) in as long after: 250 times as often
	// - no such failure was seen before
	// 0 the new version was not in the processes that failed
}

// A pipeline says at its end what it has deployed.
func ExampleRecord() {
	tracer := noop.NewTracerProvider().Tracer("pipeline") // the host's own
	deployment.Record(context.Background(), tracer, deployment.Deployment{
		Scope:     correlate.Scope{Service: "payment", Environment: "production"},
		Version:   "2.4.1",
		Revision:  "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
		Time:      time.Now().Add(-4 * time.Minute),
		By:        "mara",
		Rollback:  "kubectl rollout undo deployment/payment",
		Changelog: "https://git.example/shop/payment/compare/v2.4.0...v2.4.1",
	})
}

func ExampleNewHandler() {
	tracker := deployment.NewTracker(deployment.Config{Store: &correlate.Memory{}})
	handler, err := deployment.NewHandler(deployment.HandlerConfig{
		Tracker:     tracker,
		GitHub:      []string{"the secret of the webhook"},
		Shared:      []string{"one for those who do not sign"},
		Environment: "production",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/deployments", handler)
}

func ExampleTracker() {
	ctx, noon := context.Background(), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	tracker := deployment.NewTracker(deployment.Config{Store: &correlate.Memory{}})
	payment := correlate.Scope{Service: "payment", Environment: "production"}
	tell := func(version string, status deployment.Status, at time.Time) {
		if err := tracker.Note(ctx, deployment.Deployment{Scope: payment, Version: version, Status: status, Time: at}, noon); err != nil {
			fmt.Println(err)
		}
	}
	// The order does not matter, nor that something is told twice.
	tell("2.4.1", deployment.Succeeded, noon.Add(-56*time.Minute))
	tell("2.4.0", deployment.Succeeded, noon.Add(-10*time.Minute))
	tell("2.4.1", deployment.Started, noon.Add(-time.Hour))
	tell("2.4.0", deployment.Succeeded, noon.Add(-48*time.Hour))
	tell("2.4.1", deployment.Succeeded, noon.Add(-56*time.Minute))
	tell("", deployment.Started, noon)

	if err := tracker.Refresh(ctx, noon); err != nil {
		fmt.Println(err)
	}
	for _, d := range tracker.History().Of(payment) {
		fmt.Println(d.Time.Format(time.DateTime), d.Version, d.Status, "after", d.Previous, d.Back)
	}
	// Output:
	// deployment: version: is missing, and so are revision, id and name: give one of them
	// 2026-02-28 12:00:00 2.4.0 succeeded after  false
	// 2026-03-02 11:00:00 2.4.1 succeeded after 2.4.0 false
	// 2026-03-02 11:50:00 2.4.0 succeeded after 2.4.1 true
}
