package enrich_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

func ExampleResource() {
	facts, err := enrich.Resource{}.Enrich(context.Background(), correlate.Problem{
		Samples: []correlate.Sample{{
			Resource: map[string]string{
				"service.name":                "checkout",
				"service.version":             "2.4.1",
				"deployment.environment.name": "production",
				"k8s.pod.name":                "checkout-6d4b-x7",
			},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range facts.Facts {
		fmt.Printf("%s: %s\n", f.Name, f.Value)
	}
	for _, m := range facts.Missing {
		fmt.Println("missing:", m)
	}
	// Output:
	// version: 2.4.1
	// environment: production
	// pod: checkout-6d4b-x7
	// missing: deployment: set deployment.name on the resource
	// missing: revision: set vcs.ref.head.revision on the resource
}

func ExampleNewLink() {
	link, err := enrich.NewLink("trace in Jaeger", enrich.Jaeger("https://jaeger.example.com"))
	if err != nil {
		log.Fatal(err)
	}
	facts, err := link.Enrich(context.Background(), correlate.Problem{
		Samples: []correlate.Sample{{
			Time:     time.Date(2026, 8, 1, 9, 30, 0, 0, time.UTC),
			TraceID:  "4bf92f3577b34da6a3ce929d0e0e4736",
			SpanID:   "00f067aa0ba902b7",
			Exported: true,
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(facts.Links[0].URL)
	// Output:
	// https://jaeger.example.com/trace/4bf92f3577b34da6a3ce929d0e0e4736?uiFind=00f067aa0ba902b7
}

// A link may lead to the logs of the same minutes. A mistake in its template is
// found when it is made.
func ExampleNewLink_mistake() {
	_, err := enrich.NewLink("logs", "https://logs.example.com/search?service={service}&from={start}&to={end_ms}")
	fmt.Println(err)
	// Output:
	// enrich: link "logs": unknown placeholder {start}; there are {trace_id}, {span_id}, {start_ms}, {end_ms}, {start_s}, {end_s}, {service}, {environment}
}

// An enricher of a team's own, which knows who is on call.
func ExampleFunc() {
	onCall := map[string]string{"checkout": "Ada"}
	e := enrich.Func(func(ctx context.Context, p correlate.Problem) (enrich.Facts, error) {
		who, ok := onCall[p.Scope.Service]
		if !ok {
			return enrich.Facts{Missing: []string{"on call: no rota for " + p.Scope.Service}}, nil
		}
		return enrich.Facts{Facts: []sinks.Fact{{Name: "on call", Value: who}}}, nil
	})
	facts, _ := e.Enrich(context.Background(), correlate.Problem{Scope: correlate.Scope{Service: "checkout"}})
	fmt.Println(facts.Facts[0].Name, facts.Facts[0].Value)
	// Output: on call Ada
}
